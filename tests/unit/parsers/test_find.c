#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "logplex/find.h"

static size_t naive(lp_span text, lp_span wanted)
{
    for (size_t at = 0; at + wanted.len_bytes <= text.len_bytes; at++) {
        if (memcmp(text.ptr + at, wanted.ptr, wanted.len_bytes) == 0) {
            return at;
        }
    }
    return SIZE_MAX;
}

static void a_text_is_found_at_each_place_of_each_length(void **state)
{
    static const char wanted[] = "abcdefghijklmnopqrstuvwxyz";

    (void)state;
    for (size_t bytes = 1; bytes <= 300; bytes += bytes < 150 ? 1 : 13) {
        char *text = malloc(bytes);

        assert_non_null(text);
        for (size_t n = 1; n < sizeof(wanted) && n <= bytes; n += 4) {
            lp_span piece = lp_span_of(wanted, n);

            memset(text, 'a', bytes);
            assert_true((lp_find(lp_span_of(text, bytes), piece) == 0) ==
                        (n == 1));
            for (size_t at = 0; at + n <= bytes; at++) {
                memset(text, '.', bytes);
                memcpy(text + at, wanted, n);
                assert_int_equal(lp_find(lp_span_of(text, bytes), piece), at);
            }
        }
        free(text);
    }
}

static void it_is_the_first_of_many(void **state)
{
    uint64_t seed = 1;

    (void)state;
    for (int turn = 0; turn < 20000; turn++) {
        size_t bytes = (size_t)(seed >> 40) % 260;
        size_t n = (size_t)(seed >> 30) % 6;
        char *text = malloc(bytes + n + 1);
        lp_span whole = lp_span_of(text, bytes);
        lp_span wanted = lp_span_of(text + bytes, n);

        assert_non_null(text);
        for (size_t i = 0; i < bytes + n; i++) {
            seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
            text[i] = (seed >> 60) < 3 ? 'b' : 'a';
        }
        assert_int_equal(lp_find(whole, wanted), naive(whole, wanted));
        free(text);
        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
    }
}

static void a_word_has_no_neighbours(void **state)
{
    static const struct {
        const char *text;
        size_t at;
    } cases[] = {
        {"id-1", 0},         {"a id-1", 2},          {"[id-1] b", 1},
        {"x=id-1,id-2", 2},  {"\"id-1\"", 1},        {"id-12", SIZE_MAX},
        {"-id-1", SIZE_MAX}, {"_id-1", SIZE_MAX},    {"id-1x", SIZE_MAX},
        {"id-1_", SIZE_MAX}, {"id-1\xc3", SIZE_MAX}, {"\xc3id-1", SIZE_MAX},
        {"id-11 id-1", 6},   {"xid-1 id-1.", 6},     {"id-1\n", 0},
        {"", SIZE_MAX},      {"id-", SIZE_MAX},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(
            lp_find_word(lp_span_str(cases[i].text), LP_SPAN("id-1")),
            cases[i].at);
    }
    assert_int_equal(lp_find_word(LP_SPAN("a\0id-1\0b"), LP_SPAN("id-1")), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_is_found_at_each_place_of_each_length),
        cmocka_unit_test(it_is_the_first_of_many),
        cmocka_unit_test(a_word_has_no_neighbours),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
