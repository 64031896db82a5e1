#include "logplex/logfmt.h"

#include "pairs.h"

lp_err lp_logfmt_next(lp_span *rest, lp_pair *out)
{
    lpi_pairs pairs;
    bool is_pair;

    if (rest->len_bytes == 0) {
        return LP_E_END;
    }
    lpi_pairs_init(&pairs, *rest);
    is_pair = lpi_pairs_next(&pairs, out);
    *rest = lp_span_of(pairs.at, (size_t)(pairs.end - pairs.at));
    return is_pair ? LP_OK : LP_E_END;
}

/* What "\c" stands for, or 0 when it is no escape of ours. */
static char escape_of(char c)
{
    switch (c) {
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    case '"':
    case '\\':
        return c;
    default:
        return 0;
    }
}

size_t lp_logfmt_unescape(lp_span value, char *out)
{
    size_t n = 0;

    for (size_t i = 0; i < value.len_bytes; i++) {
        char c = value.ptr[i];

        if (c == '\\' && i + 1 < value.len_bytes &&
            escape_of(value.ptr[i + 1]) != 0) {
            i++;
            c = escape_of(value.ptr[i]);
        }
        out[n] = c;
        n++;
    }
    return n;
}
