/* test_hash.c - names that somebody chooses so that they meet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "hash.h"

enum { LONGEST = 70, LETTERS = 4 };

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static void names_that_end_in_nuls_do_not_meet(void **state)
{
    static const uint64_t keys[][2] = {
        {UINT64_C(0x243f6a8885a308d3), UINT64_C(0x13198a2e03707344)},
        {UINT64_C(0xa4093822299f31d0), UINT64_C(0x082efa98ec4e6c89)}};
    static uint64_t hashes[LONGEST * LETTERS * LONGEST];

    (void)state;
    for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++) {
        size_t count = 0;

        for (size_t n = 1; n <= LONGEST; n++) {
            for (size_t nuls = 0; nuls <= n; nuls++) {
                // Without a letter they are all the same.
                for (char c = 'a'; c < 'a' + (nuls < n ? LETTERS : 1); c++) {
                    char name[LONGEST] = {0};

                    memset(name, c, n - nuls);
                    hashes[count++] =
                        lpi_hash_of(lp_span_of(name, n), 0, keys[k]);
                }
            }
        }
        qsort(hashes, count, sizeof(hashes[0]), by_number);
        for (size_t i = 1; i < count; i++) {
            assert_true(hashes[i] != hashes[i - 1]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_that_end_in_nuls_do_not_meet),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
