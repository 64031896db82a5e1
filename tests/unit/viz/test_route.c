#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "logplex/route.h"

/* Exactly as large as the text is, for a sanitizer to see a byte too far. */
static char *exact(lp_span text)
{
    char *copy = malloc(text.len_bytes > 0 ? text.len_bytes : 1);

    assert_non_null(copy);
    if (text.len_bytes > 0) {
        memcpy(copy, text.ptr, text.len_bytes);
    }
    return copy;
}

static size_t fold(lp_span method, lp_span path, char *out, size_t out_max)
{
    char *own_method = exact(method);
    char *own_path = exact(path);
    char *room = malloc(out_max > 0 ? out_max : 1);
    size_t n;

    assert_non_null(room);
    n = lp_route_fold(lp_span_of(own_method, method.len_bytes),
                      lp_span_of(own_path, path.len_bytes), room, out_max);
    assert_true(n <= out_max && n <= LP_ROUTE_MAX_BYTES);
    memcpy(out, room, n);
    free(room);
    free(own_method);
    free(own_path);
    return n;
}

static void assert_route(lp_span method, lp_span path, const char *want)
{
    char out[LP_ROUTE_MAX_BYTES + 1];
    size_t n = fold(method, path, out, LP_ROUTE_MAX_BYTES);

    out[n] = '\0';
    if (strcmp(out, want) != 0) {
        fail_msg("%.*s is %s, not %s", (int)path.len_bytes, path.ptr, out,
                 want);
    }
}

/* What stands alone stays; what has an arrow becomes that. */
static const char *const paths[][2] = {
    // Words.
    {"/", "/"},
    {"/users", "/users"},
    {"/users/", "/users/"},
    {"/users/me/posts", "/users/me/posts"},
    {"/wp-login.php", "/wp-login.php"},
    {"/favicon.ico", "/favicon.ico"},
    {"/README", "/README"},
    {"/HTMLParserAPI", "/HTMLParserAPI"},
    {"/api/getUserAccountByEmailAddress", "/api/getUserAccountByEmailAddress"},
    {"/how-to-make-bread_and_butter", "/how-to-make-bread_and_butter"},
    {"/.well-known/security.txt", "/.well-known/security.txt"},
    {"/a/../../etc/passwd", "/a/../../etc/passwd"},
    {"/~alice/", "/~alice/"},
    {"/search,advanced", "/search,advanced"},
    {"*", "*"},
    {"/deadbeef", "/deadbeef"},
    {"/:id", "/:id"},
    {"/a%20b", "/a%20b"},
    {"/a%20b%2Fc", "/a%20b%2Fc"},
    // Words with digits in them.
    {"/v1/users", "/v1/users"},
    {"/api/v2.1/x", "/api/v2.1/x"},
    {"/v10.20.30", "/v10.20.30"},
    {"/v3beta1", "/v3beta1"},
    {"/oauth2/callback", "/oauth2/callback"},
    {"/oauth2callback", "/oauth2callback"},
    {"/base64encode", "/base64encode"},
    {"/sha256sum", "/sha256sum"},
    {"/section-2", "/section-2"},
    {"/2-factor", "/2-factor"},
    {"/event-2024", "/event-2024"},
    {"/mp3-to-mp4-converter", "/mp3-to-mp4-converter"},
    {"/jquery-3.6.0.min.js", "/jquery-3.6.0.min.js"},
    {"/a1", "/a1"},
    // Numbers.
    {"/users/1", "/users/:id"},
    {"/users/4711/posts", "/users/:id/posts"},
    {"/users/18446744073709551616", "/users/:id"},
    {"/users/123.json", "/users/:id.json"},
    {"/tracks/7.mp3", "/tracks/:id.mp3"},
    {"/2024-01-02", "/:id"},
    {"/2024/01/02/news", "/:id/:id/:id/news"},
    {"/10.1.2.3", "/:id"},
    {"/at/52.52,13.40", "/at/:id"},
    {"/1,2,3", "/:id"},
    {"/-5", "/:id"},
    {"/12:30", "/:id"},
    {"/20240102T101010Z", "/:id"},
    {"/2024-01-02-what-was-new", "/:id"},
    {"/post-12345", "/:id"},
    {"/123-my-title", "/:id"},
    {"/order-1234-5678", "/:id"},
    {"/INV20240001", "/:id"},
    {"/v20240101", "/:id"},
    // Hexadecimal digits, UUIDs.
    {"/x/deadbeef1", "/x/:id"},
    {"/x/DEADBEE1", "/x/:id"},
    {"/commit/8f4c1a2b9d0e7f6a5b4c3d2e1f0a9b8c7d6e5f4a", "/commit/:id"},
    {"/x/8601b555-6a83-4c12-8269-97c8e32cdb22", "/x/:id"},
    {"/x/deadbeef-dead-beef-dead-beefdeadbeef", "/x/:id"},
    {"/x/8601B555-6A83-4C12-8269-97C8E32CDB22.pdf", "/x/:id.pdf"},
    {"/assets/main.8f4c1a2b.chunk.js", "/assets/:id.js"},
    {"/assets/application-8f4c1a2b9d0e7f6a5b4c3d2e1f0a9b8c.css",
     "/assets/:id.css"},
    // Tokens.
    {"/watch/dQw4w9WgXcQ", "/watch/:id"},
    {"/assets/app-DkS2jX9q.js", "/assets/:id.js"},
    {"/customers/cus_9s6XKzkNRiz8i3", "/customers/:id"},
    {"/01ARZ3NDEKTSV4RRFFQ69G5FAV", "/:id"},
    {"/k/V1StGXR8_Z5jdHi6B-myT", "/k/:id"},
    {"/k/aGVsbG8gd29ybGQgYW5kIG1vcmU", "/k/:id"},
    {"/k/QWxhZGRpbkFuZFRoZUxhbXBYWQ", "/k/:id"},
    {"/k/eyJhbGciOiJIUzI1NiJ9.e30.dozjgNryP4J3jVmN", "/k/:id"},
    // What somebody wrote.
    {"/u/alice@example.com", "/u/:id"},
    {"/u/alice%40example.com", "/u/:id"},
    {"/@alice", "/:id"},
    {"/@", "/@"},
    {"/q/a%20b%20c%20d", "/q/:id"},
    {"/q/%E2%82%AC", "/q/:id"},
    {"/q/100%", "/q/:id"},
    {"/q/%zz", "/q/:id"},
    {"/a-title-that-goes-on-and-on-and-does-not-end-in-time", "/:id"},
    // What is no part of a route.
    {"", "/"},
    {"?a=/b", "/"},
    {"/users?page=2", "/users"},
    {"/users/5?page=2", "/users/:id"},
    {"/users#top?x", "/users"},
    {"/#/x", "/"},
    {"/a;jsessionid=1A2B?x=1", "/a"},
    {"/a;v=1/b;w/c", "/a/b/c"},
    {";x", "/"},
    {"/;x/b", "/b"},
    {"//a///b//", "/a/b/"},
    {"http://h/users/1", "/users/:id"},
    {"HTTPS://h.example:8080/a/b?x=1", "/a/b"},
    {"http://1.2.3.4", "/"},
    {"http://h?x=/1", "/"},
    {"http:/h/a", "http:/h/a"},
    {"://h/a", ":/h/a"},
    {"/http://h/a", "/http:/h/a"},
    // What nobody should write.
    {"/a b", "/:id"},
    {"/caf\xc3\xa9", "/:id"},
    {"/\xff\xfe/x", "/:id/x"},
    {"/<script>/x", "/:id/x"},
    {"/x\\\"y", "/:id"},
    {"/x\x01", "/:id"},
    {"/{{7*7}}", "/:id"},
    {"/\x7f", "/:id"},
};

enum { PATHS = sizeof(paths) / sizeof(paths[0]) };

static void paths_fold(void **state)
{
    (void)state;
    for (size_t i = 0; i < PATHS; i++) {
        char want[LP_ROUTE_MAX_BYTES + 1];

        assert_route(LP_SPAN(""), lp_span_str(paths[i][0]), paths[i][1]);
        snprintf(want, sizeof(want), "GET %s", paths[i][1]);
        assert_route(LP_SPAN("GET"), lp_span_str(paths[i][0]), want);
    }
}

static void methods_are_words_or_none(void **state)
{
    (void)state;
    assert_route(LP_SPAN("M-SEARCH"), LP_SPAN("/a"), "M-SEARCH /a");
    assert_route(LP_SPAN("get"), LP_SPAN("/a"), "get /a");
    assert_route(LP_SPAN("ABCDEFGHIJKLMNOP"), LP_SPAN("/a"),
                 "ABCDEFGHIJKLMNOP /a");
    assert_route(LP_SPAN("ABCDEFGHIJKLMNOPQ"), LP_SPAN("/a"), "? /a");
    assert_route(LP_SPAN("GE T"), LP_SPAN("/a"), "? /a");
    assert_route(LP_SPAN("GET\0"), LP_SPAN("/a"), "? /a");
    assert_route(LP_SPAN("\xff"), LP_SPAN("/a"), "? /a");
    assert_route(LP_SPAN("?"), LP_SPAN("/a"), "? /a");
}

static void a_nul_is_a_byte_that_has_no_place_there(void **state)
{
    (void)state;
    assert_route(LP_SPAN("GET"), LP_SPAN("/a\0b/c"), "GET /:id/c");
    assert_route(LP_SPAN("GET"), LP_SPAN("\0"), "GET :id");
}

static void what_is_too_long_ends_at_a_segment(void **state)
{
    char out[LP_ROUTE_MAX_BYTES];
    lp_span path = LP_SPAN("/one/two/three/four/five");
    static const struct {
        size_t out_max;
        const char *want;
    } cuts[] = {
        {28, "GET /one/two/three/four/five"},
        {27, "GET /one/two/three/four/..."},
        {26, "GET /one/two/three/..."},
        {22, "GET /one/two/three/..."},
        {21, "GET /one/two/..."},
        {12, "GET /one/..."},
        {11, "GET /..."},
        {8, "GET /..."},
        {7, "GET /.."},
        {2, "GE"},
        {0, ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
        size_t n = fold(LP_SPAN("GET"), path, out, cuts[i].out_max);

        assert_int_equal(n, strlen(cuts[i].want));
        assert_memory_equal(out, cuts[i].want, n);
    }
}

static void a_route_has_at_most_96_bytes(void **state)
{
    enum { SEGMENTS = 200 };
    char path[SEGMENTS * 8];
    char out[LP_ROUTE_MAX_BYTES];
    size_t n;

    (void)state;
    for (size_t i = 0; i < SEGMENTS; i++) {
        memcpy(path + 8 * i, "/abcdefg", 8);
    }
    n = fold(LP_SPAN("GET"), lp_span_of(path, sizeof(path)), out, 96);
    assert_int_equal(n, 4 + 11 * 8 + 4);
    assert_memory_equal(out + n - 12, "/abcdefg/...", 12);
}

/* A path of pieces that mean something, and of bytes that mean nothing. */
static size_t make_path(uint64_t *seed, char *out)
{
    static const char *const pieces[] = {
        "/",    "/",     "users", "v1",  "123", "a1b2", "deadbeef",
        "-",    ".json", "_",     ".",   "%20", "%",    "@",
        ";x",   "?",     "#",     "Ab",  "ZZ",  ":",    ":id",
        "/...", ".mp3",  "9",     "x9y", "//",  "\xff", "%40"};
    unsigned count = (unsigned)(*seed % 24);
    size_t n = 0;

    for (unsigned i = 0; i < count; i++) {
        const char *piece;

        *seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407;
        piece = pieces[(*seed >> 33) % (sizeof(pieces) / sizeof(pieces[0]))];
        memcpy(out + n, piece, strlen(piece));
        n += strlen(piece);
    }
    *seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407;
    return n;
}

/* What is true of every route. */
static void assert_stable(lp_span method, lp_span path)
{
    char once[LP_ROUTE_MAX_BYTES], twice[LP_ROUTE_MAX_BYTES];
    size_t n = fold(method, path, once, sizeof(once));
    size_t blank = method.len_bytes > 0 ? 1 : 0;
    size_t method_bytes = 0;

    // An id is one byte at least, and a segment that is cut is one of more.
    assert_true(n <= method.len_bytes + blank + 3 * path.len_bytes + 4);
    while (blank > 0 && once[method_bytes] != ' ') {
        method_bytes++;
    }
    for (size_t i = 0; i < n; i++) {
        assert_true((once[i] > ' ' && once[i] < 127) ||
                    (i == method_bytes && blank > 0));
    }
    assert_int_equal(
        fold(lp_span_of(once, method_bytes),
             lp_span_of(once + method_bytes + blank, n - method_bytes - blank),
             twice, sizeof(twice)),
        n);
    assert_memory_equal(once, twice, n);
}

static void folding_again_changes_nothing(void **state)
{
    uint64_t seed = 7;
    char path[1024];

    (void)state;
    for (size_t i = 0; i < PATHS; i++) {
        assert_stable(LP_SPAN("GET"), lp_span_str(paths[i][0]));
    }
    for (int i = 0; i < 100000; i++) {
        size_t n = make_path(&seed, path);

        assert_stable(i % 2 == 0 ? LP_SPAN("POST") : LP_SPAN(""),
                      lp_span_of(path, n));
    }
}

/* Parameters in front of a path are left out, and are nothing usual. */
static void assert_same_as_unusual(lp_span method, lp_span path)
{
    char unusual[1024 + 1];
    char want[LP_ROUTE_MAX_BYTES], out[LP_ROUTE_MAX_BYTES];
    size_t n;

    unusual[0] = ';';
    memcpy(unusual + 1, path.ptr, path.len_bytes);
    n = fold(method, lp_span_of(unusual, path.len_bytes + 1), want,
             sizeof(want));
    assert_int_equal(fold(method, path, out, sizeof(out)), n);
    assert_memory_equal(out, want, n);
}

/* Of words, numbers and what is both, of any length up to some more than what is
 * looked at together. */
static void usual_paths_fold_like_all_others(void **state)
{
    static const char bytes[] = "abcdefgxyz0123456789-._///";
    uint64_t seed = 11;
    char path[64];

    (void)state;
    for (int i = 0; i < 200000; i++) {
        size_t n = 1 + (size_t)i % 60;

        for (size_t at = 0; at < n; at++) {
            seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
            // Now and then a segment of digits alone.
            path[at] = (seed >> 60) < 5
                           ? (char)('0' + (seed >> 40) % 10)
                           : bytes[(seed >> 33) % (sizeof(bytes) - 1)];
        }
        path[0] = '/';
        path[n - 1] = i % 7 == 0 && n > 1 ? '?' : path[n - 1];
        assert_same_as_unusual(i % 3 == 0 ? LP_SPAN("GET") : LP_SPAN("PATCH"),
                               lp_span_of(path, n));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_fold),
        cmocka_unit_test(methods_are_words_or_none),
        cmocka_unit_test(a_nul_is_a_byte_that_has_no_place_there),
        cmocka_unit_test(what_is_too_long_ends_at_a_segment),
        cmocka_unit_test(a_route_has_at_most_96_bytes),
        cmocka_unit_test(folding_again_changes_nothing),
        cmocka_unit_test(usual_paths_fold_like_all_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
