/*
 * number.h - numbers as log lines write them, with their units.
 */
#ifndef LP_NUMBER_H
#define LP_NUMBER_H

#include <stdint.h>

#include "logplex/measure.h"
#include "logplex/span.h"
#include "swar.h"

typedef struct lpi_number {
    double bare;    /* as it is written, the unit left out */
    double scaled;  /* in the base unit */
    lp_span suffix; /* the unit, as it is written */
    uint8_t unit;   /* lp_unit */
} lpi_number;

/*
 * Reads the whole of text: a sign, digits, a point and digits, an exponent, a
 * unit. What stands in brackets behind it, as in 1028MB(103.3%), is passed over.
 * At most 18 digits before the point count as a number. Of equal quantities in
 * different units scaled is the same up to 15 digits.
 */
bool lpi_number_read(lp_span text, lpi_number *out);

/*
 * The same, with units that are not known as well: LP_UNIT_OTHER, which is
 * letters, "%", "/", "_" and bytes over 127. When no unit stands behind the
 * number, unit is its unit, which may be empty. bare is not set.
 */
bool lpi_number_scan(lp_span text, lp_span unit, lpi_number *out);

/* -1, 0 or 1 in *order. False: their units are different ones. */
bool lpi_number_compare(const lpi_number *a, const lpi_number *b, int *order);

enum { LPI_SHORT_DIGITS_MAX = 9 };

/* How many digits text begins with, up to nine, and their number. */
static inline size_t lpi_number_short(lp_span text, uint32_t *out)
{
    uint32_t number = 0;
    size_t at = 0;

    for (; at < text.len_bytes && at < LPI_SHORT_DIGITS_MAX &&
           text.ptr[at] >= '0' && text.ptr[at] <= '9';
         at++) {
        number = number * 10 + (uint32_t)(text.ptr[at] - '0');
    }
    *out = number;
    return at;
}

/*
 * A number of n digits, of which word has the first eight bytes, and what is behind
 * them if there are fewer; or of up to four digits, in half the instructions. No
 * branch goes by how many there are, as no processor could foretell that. False: n
 * is 0 or too much, or they are not all digits.
 */
static inline bool lpi_number_of_half(uint64_t word, size_t n, uint32_t *out)
{
    const uint32_t ones = (uint32_t)LP_SWAR_ONES;
    uint32_t digits;

    if (n - 1 >= sizeof(digits)) {
        return false;
    }
    // To the top, with zeros in front: digits are 0 to 9 now, all else is more.
    digits = ((uint32_t)word ^ ones * '0') << (32 - 8 * n);
    if (((digits | (digits + ones * (0x80 - 10))) & ones * 0x80) != 0) {
        return false;
    }
    digits = digits * 10 + (digits >> 8); // by twos
    *out = (digits & 0xff) * 100 + (digits >> 16 & 0xff);
    return true;
}

static inline bool lpi_number_of_word(uint64_t word, size_t n, uint32_t *out)
{
    uint64_t digits;

    if (n - 1 >= sizeof(word)) {
        return false;
    }
    digits = (word ^ LP_SWAR_ONES * '0') << (64 - 8 * n);
    if (((digits | (digits + LP_SWAR_ONES * (0x80 - 10))) & LP_SWAR_HIGHS) !=
        0) {
        return false;
    }
    // By twos, fours and eights.
    digits = digits * 10 + (digits >> 8);
    digits = ((digits & UINT64_C(0x000000ff000000ff)) *
                  UINT64_C(0x000f424000000064) +
              (digits >> 16 & UINT64_C(0x000000ff000000ff)) *
                  UINT64_C(0x0000271000000001)) >>
             32;
    *out = (uint32_t)digits;
    return true;
}

#endif /* LP_NUMBER_H */
