#include "name.h"

#include <string.h>

#include "hash.h"
#include "logplex/utf8.h"

#define EACH_BYTE(X) (UINT64_C(0x0101010101010101) * (X))

static const char replacement[] = "\xef\xbf\xbd";

/* Of the character that a text begins with. 0: it is none, or a control character. */
static size_t char_bytes(lp_span text)
{
    unsigned char first = (unsigned char)text.ptr[0];

    return first < ' ' || first == 0x7f ? 0 : lp_utf8_char_bytes(text);
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
