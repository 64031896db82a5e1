/* Built twice: with vectors where there are some, and in plain C. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "blanks.h"
#include "chance.h"

static bool find_slowly(lp_span text, lpi_blank_list *out)
{
    unsigned count = 0;

    out->quotes = 0;
    if (text.len_bytes < LPI_BLANKS_TEXT_MIN_BYTES ||
        text.len_bytes > LPI_BLANKS_TEXT_MAX_BYTES) {
        return false;
    }
    for (size_t i = 0; i < text.len_bytes; i++) {
        char c = text.ptr[i];

        if ((unsigned char)c <= ' ' && count++ < LPI_BLANKS_MAX) {
            out->at[count - 1] = text.ptr + i;
        }
        out->quotes += c == '"' || c == '\\';
    }
    out->at[count <= LPI_BLANKS_MAX ? count : 0] = text.ptr + text.len_bytes;
    return count <= LPI_BLANKS_MAX;
}

static void check_list(const lpi_blank_list *found, const lpi_blank_list *real,
                       lp_span text)
{
    unsigned i = 0;

    do {
        assert_ptr_equal(found->at[i], real->at[i]);
    } while (found->at[i++] != text.ptr + text.len_bytes);
    assert_int_equal(found->quotes, real->quotes);
}

static void check(lp_span text)
{
    lpi_blank_list real;
    lpi_blank_list found;
    bool is_list = find_slowly(text, &real);

    assert_int_equal(lpi_blanks_of(text, &found), is_list);
    if (is_list) {
        check_list(&found, &real, text);
    }
    assert_int_equal(lpi_blanks_narrow(text, &found), is_list);
    if (is_list) {
        check_list(&found, &real, text);
    }
}

/* With nothing behind it that may be read. One byte of so many is a blank, one a
 * quote. */
static void check_random(size_t n, uint32_t blank_of, uint32_t quote_of)
{
    char *text = malloc(n > 0 ? n : 1);

    assert_non_null(text);
    for (size_t i = 0; i < n; i++) {
        text[i] = (char)chance(256);
        if (chance(blank_of) == 0) {
            text[i] = " \t\n\0\x1f"[chance(5)];
        } else if (chance(quote_of) == 0) {
            text[i] = "\"\\"[chance(2)];
        } else if ((unsigned char)text[i] <= ' ') {
            text[i] = 'x';
        }
    }
    check(lp_span_of(text, n));
    free(text);
}

static void each_blank_and_each_quote_is_found_at_any_length(void **state)
{
    (void)state;
    for (size_t n = 0; n < 400; n++) {
        for (uint32_t often = 1; often < 200; often += often / 2 + 1) {
            check_random(n, often, 10);
            check_random(n, often, 100);
        }
    }
    for (size_t n = LPI_BLANKS_TEXT_MAX_BYTES - 70;
         n < LPI_BLANKS_TEXT_MAX_BYTES + 70; n++) {
        check_random(n, 100, 10);
    }
}

/* Alone in a text that has none otherwise. */
static void a_byte_is_a_blank_or_a_quote_or_neither(void **state)
{
    char text[130];

    (void)state;
    for (int c = 0; c < 256; c++) {
        for (size_t at = 0; at < sizeof(text); at++) {
            memset(text, 'x', sizeof(text));
            text[at] = (char)c;
            check(lp_span_of(text, sizeof(text)));
        }
    }
}

static void there_are_not_too_many(void **state)
{
    char text[300];

    (void)state;
    for (size_t count = 0; count <= sizeof(text); count++) {
        memset(text, 'x', sizeof(text));
        memset(text, ' ', count);
        check(lp_span_of(text, sizeof(text)));
        memset(text, 'x', sizeof(text));
        memset(text + sizeof(text) - count, ' ', count);
        check(lp_span_of(text, sizeof(text)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_blank_and_each_quote_is_found_at_any_length),
        cmocka_unit_test(a_byte_is_a_blank_or_a_quote_or_neither),
        cmocka_unit_test(there_are_not_too_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
