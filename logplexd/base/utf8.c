/* utf8.c - text out of what may be none. */
#include "base/utf8.h"

#include "logplex/utf8.h"

void utf8_mend(char *string)
{
    lp_span left = lp_span_str(string);

    while (left.len_bytes > 0) {
        size_t char_bytes = lp_utf8_char_bytes(left);

        if (char_bytes == 0) {
            *string = '?';
            char_bytes = 1;
        }
        string += char_bytes;
        left = lp_span_skip(left, char_bytes);
    }
}
