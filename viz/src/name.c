#include "name.h"

#include <string.h>

#include "hash.h"

#define EACH_BYTE(X) (UINT64_C(0x0101010101010101) * (X))

static const char replacement[] = "\xef\xbf\xbd";

/* Of a character of several bytes, by its first one; 0: it begins none. */
static size_t bytes_by_first(unsigned first)
{
    if (first < 0xc2 || first > 0xf4) {
        return 0;
    }
    return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/* Not every second byte may stand behind some of the first ones. */
static bool may_follow(unsigned first, unsigned second)
{
    unsigned least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    unsigned most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;

    return second >= least && second <= most;
}

/* Of the character that a text begins with (Unicode, table 3-7). 0: it is none, or a
 * control character. */
static size_t char_bytes(lp_span text)
{
    const unsigned char *at = (const unsigned char *)text.ptr;
    size_t n = bytes_by_first(at[0]);

    if (at[0] < 0x80) {
        return at[0] >= ' ' && at[0] != 0x7f ? 1 : 0;
    }
    if (n == 0 || n > text.len_bytes || !may_follow(at[0], at[1])) {
        return 0;
    }
    for (size_t i = 2; i < n; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return n;
}

/* How many bytes are ASCII and no control characters, in steps of eight. */
static size_t plain_bytes(lp_span text)
{
    size_t n = 0;

    while (n + 8 <= text.len_bytes) {
        uint64_t word = lpi_load(text.ptr + n, 8);

        if (((word | (word - EACH_BYTE(' ')) | (word + EACH_BYTE(1))) &
             EACH_BYTE(0x80)) != 0) {
            return n;
        }
        n += 8;
    }
    return n;
}

bool lpi_name_is_clean(lp_span name)
{
    lp_span left = lp_span_skip(name, plain_bytes(name));

    while (left.len_bytes > 0) {
        size_t n = char_bytes(left);

        if (n == 0) {
            return false;
        }
        left = lp_span_skip(left, n);
    }
    return true;
}

lp_span lpi_name_clean(lp_span name, char *out, size_t max_bytes)
{
    size_t length = 0;

    while (name.len_bytes > 0) {
        size_t n = char_bytes(name);
        lp_span next =
            n > 0 ? lp_span_of(name.ptr, n) : lp_span_str(replacement);

        if (next.len_bytes > max_bytes - length) {
            break;
        }
        memcpy(out + length, next.ptr, next.len_bytes);
        length += next.len_bytes;
        name = lp_span_skip(name, n > 0 ? n : 1);
    }
    return lp_span_of(out, length);
}
