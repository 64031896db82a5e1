/* Built twice: with vectors where there are some, and in plain C. Both are held
 * against a look at each byte, and so against each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "number.h"
#include "swar.h"

enum { PLACES = 64, DISTANCE = 6, BYTES = PLACES + DISTANCE, ROUNDS = 20000 };

static uint32_t chance(void)
{
    static uint64_t seed = 42;

    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return (uint32_t)((seed * UINT64_C(2685821657736338717)) >> 32);
}

/* Bytes that are next to those which are looked for, and any. */
static void fill(char bytes[BYTES])
{
    static const char near[] = " !\x1f\x20=<>\"#me\x7f\x80\xa0\xff\0";

    for (int i = 0; i < BYTES; i++) {
        bytes[i] = chance() % 2 == 0 ? near[chance() % sizeof(near)]
                                     : (char)(chance() & 0xff);
    }
}

typedef bool is_one(const char *at);

static bool is_mark(const char *at)
{
    return *at == '#' || (*at == 'm' && at[DISTANCE] == 'e');
}

static bool is_equal(const char *at)
{
    return *at == '=';
}

static bool is_blank(const char *at)
{
    return (unsigned char)*at <= ' ';
}

static bool is_quote(const char *at)
{
    return *at == '"' || *at == '\\';
}

static bool is_key_end(const char *at)
{
    return is_blank(at) || *at == '=' || *at == '"';
}

static uint64_t bits_of(const char *bytes, int count, is_one *asks)
{
    uint64_t bits = 0;

    for (int i = 0; i < count; i++) {
        bits |= (uint64_t)asks(bytes + i) << i;
    }
    return bits;
}

static void a_bit_is_set_where_a_byte_is_one_and_nowhere_else(void **state)
{
    char bytes[BYTES];

    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        fill(bytes);
        assert_int_equal(lp_swar_bits64(bytes, '='),
                         bits_of(bytes, 64, is_equal));
        assert_int_equal(lp_swar_upto64(bytes, ' '),
                         bits_of(bytes, 64, is_blank));
        assert_int_equal(lp_swar_marks64(bytes, '#', 'm', DISTANCE, 'e'),
                         bits_of(bytes, 64, is_mark));
        assert_int_equal(lp_swar_upto16(bytes, ' '),
                         bits_of(bytes, 16, is_blank));
        assert_int_equal(lp_swar_either16(bytes, '"', '\\'),
                         bits_of(bytes, 16, is_quote));
        assert_int_equal(lp_swar_upto_or_either16(bytes, ' ', '=', '"'),
                         bits_of(bytes, 16, is_key_end));
    }
}

/* False when it is none of n digits. */
static bool read_slowly(const char *text, size_t n, uint32_t *out)
{
    *out = 0;
    for (size_t i = 0; i < n; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        *out = *out * 10 + (uint32_t)(text[i] - '0');
    }
    return n > 0;
}

static void a_word_of_digits_is_a_number_and_nothing_else_is(void **state)
{
    static const char near[] = "0123456789012345678901234567890/:.m\xb0\0";
    char text[8];

    (void)state;
    for (int i = 0; i < 50 * ROUNDS; i++) {
        uint64_t word;

        for (int k = 0; k < 8; k++) {
            text[k] = near[chance() % sizeof(near)];
        }
        word = lp_swar_load(text);
        for (size_t n = 0; n <= 9; n++) {
            uint32_t slow = 0;
            uint32_t fast = 0;
            bool is_number = n <= 8 && read_slowly(text, n, &slow);

            assert_int_equal(lpi_number_of_word(word, n, &fast), is_number);
            assert_true(!is_number || fast == slow);
            is_number = is_number && n <= 4;
            assert_int_equal(lpi_number_of_half(word, n, &fast), is_number);
            assert_true(!is_number || fast == slow);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bit_is_set_where_a_byte_is_one_and_nowhere_else),
        cmocka_unit_test(a_word_of_digits_is_a_number_and_nothing_else_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
