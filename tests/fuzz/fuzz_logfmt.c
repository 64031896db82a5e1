/* Pairs lie in the text, in order, with nothing but blanks, "=" and quotes
 * between them; unescaping never makes a value longer. */
#include <string.h>

#include "fuzz.h"
#include "logplex/logfmt.h"

static bool is_junk(char c)
{
    return (unsigned char)c <= ' ' || c == '=' || c == '"';
}

static void check_pair(const lp_pair *pair, const char *from, lp_span rest,
                       lp_span all)
{
    REQUIRE(pair->key.len_bytes > 0);
    REQUIRE(is_within(pair->key, all) && is_within(pair->value, all));
    for (; from < pair->key.ptr; from++) {
        REQUIRE(is_junk(*from));
    }
    for (size_t i = 0; i < pair->key.len_bytes; i++) {
        REQUIRE(!is_junk(pair->key.ptr[i]));
    }
    if (pair->value.ptr == NULL) {
        REQUIRE(rest.ptr == pair->key.ptr + pair->key.len_bytes);
        return;
    }
    REQUIRE(pair->value.ptr ==
            pair->key.ptr + pair->key.len_bytes + 1 + pair->quoted);
    REQUIRE(rest.ptr == pair->value.ptr + pair->value.len_bytes +
                            (pair->quoted && !pair->unterminated));
    REQUIRE(pair->quoted || (!pair->escaped && !pair->unterminated));
    REQUIRE(!pair->unterminated || rest.len_bytes == 0);
    if (pair->quoted && pair->value.len_bytes > 0) {
        REQUIRE(pair->escaped ==
                (memchr(pair->value.ptr, '\\', pair->value.len_bytes) != NULL));
    }
}

static void check_unescape(const lp_pair *pair)
{
    char *out = malloc(pair->value.len_bytes + 1);
    size_t n;

    REQUIRE(out != NULL);
    n = lp_logfmt_unescape(pair->value, out);
    REQUIRE(n <= pair->value.len_bytes);
    REQUIRE(!pair->quoted || pair->escaped || n == pair->value.len_bytes);
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    lp_span all = lp_span_of((const char *)data, size);
    lp_span rest = all;
    const char *from = all.ptr;
    lp_pair pair;

    while (lp_logfmt_next(&rest, &pair) == LP_OK) {
        check_pair(&pair, from, rest, all);
        check_unescape(&pair);
        from = rest.ptr;
    }
    REQUIRE(rest.len_bytes == 0);
    for (; from < all.ptr + size; from++) {
        REQUIRE(is_junk(*from));
    }
    return 0;
}
