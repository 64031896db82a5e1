/*
 * A route is short and printable whatever a request is, the same at each length of
 * out for as long as it fits, and folded again it stays as it is. The input is a
 * method and, behind a blank, a path.
 */
#include <string.h>

#include "fuzz.h"
#include "logplex/route.h"

static void check_bytes(lp_span method, lp_span path, const char *text,
                        size_t n)
{
    size_t blanks = 0;

    REQUIRE(n > 0 && n <= LP_ROUTE_MAX_BYTES);
    for (size_t i = 0; i < n; i++) {
        REQUIRE(text[i] >= ' ' && text[i] < 127);
        REQUIRE(text[i] != '?' || i == 0);
        REQUIRE(text[i] != '#' && text[i] != ';' && text[i] != '"');
        blanks += text[i] == ' ';
    }
    REQUIRE(blanks == (method.len_bytes > 0));
    REQUIRE(n <= method.len_bytes + blanks + 3 * path.len_bytes + 4);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *blank = size > 0 ? memchr(data, ' ', size) : NULL;
    size_t method_bytes = blank != NULL ? (size_t)(blank - data) : 0;
    size_t path_at = blank != NULL ? method_bytes + 1 : 0;
    lp_span method = lp_span_of((const char *)data, method_bytes);
    lp_span path = lp_span_of((const char *)data + path_at, size - path_at);
    char once[LP_ROUTE_MAX_BYTES], again[LP_ROUTE_MAX_BYTES];
    size_t n = lp_route_fold(method, path, once, sizeof(once));
    const char *behind = memchr(once, ' ', n);

    check_bytes(method, path, once, n);
    method_bytes = behind != NULL ? (size_t)(behind - once) : 0;
    path_at = behind != NULL ? method_bytes + 1 : 0;
    REQUIRE(lp_route_fold(lp_span_of(once, method_bytes),
                          lp_span_of(once + path_at, n - path_at), again,
                          sizeof(again)) == n);
    REQUIRE(memcmp(once, again, n) == 0);
    for (size_t room = 0; room <= sizeof(again); room++) {
        size_t m = lp_route_fold(method, path, again, room);

        REQUIRE(m <= room);
        REQUIRE(room < n || (m == n && memcmp(once, again, n) == 0));
    }
    return 0;
}
