/* utf8.h - is this text? Well-formed UTF-8 (RFC 3629; Unicode, table 3-7). Threads:
 * any. */
#ifndef LOGPLEX_UTF8_H
#define LOGPLEX_UTF8_H

#include "logplex/span.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The length in bytes of the one character that text begins with; 0 if there is none,
 * or these bytes are no well-formed UTF-8 (too long a form, a surrogate, cut off). */
static inline size_t lp_utf8_char_bytes(lp_span text)
{
    static const struct {
        unsigned char first_min, first_max;
        unsigned char second_min, second_max;
        unsigned char bytes;
    } shapes[] = {
        {0x00, 0x7f, 0x00, 0xff, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2},
        {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
        {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4},
        {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    const unsigned char *at = (const unsigned char *)text.ptr;
    size_t form = 0;

    if (text.len_bytes == 0)
        return 0;
    while (at[0] > shapes[form].first_max)
        if (++form == sizeof(shapes) / sizeof(shapes[0]))
            return 0;
    if (at[0] < shapes[form].first_min || shapes[form].bytes > text.len_bytes)
        return 0;
    if (shapes[form].bytes > 1 &&
        (at[1] < shapes[form].second_min || at[1] > shapes[form].second_max))
        return 0;
    for (size_t i = 2; i < shapes[form].bytes; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    return shapes[form].bytes;
}

#ifdef __cplusplus
}
#endif

#endif /* LOGPLEX_UTF8_H */
