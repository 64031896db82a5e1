#include "number.h"

#include "swar.h"

enum {
    DIGITS_MAX = 18, /* so that a mantissa fits in 64 bits */
    EXPONENT_DIGITS_MAX = 2
};

/* Memory is counted in powers of two, as Heroku's samples and PostgreSQL do
 * whatever they call them. The most common ones come first. */
// clang-format off
static const struct {
    char name[8]; // padded with NULs
    uint8_t unit;
    uint8_t decimals; // 10 to so many of this unit make the base unit but factor
    double factor;
} units[] = {
    {"",        LP_UNIT_NONE,    0, 1},
    {"ms",      LP_UNIT_MS,      0, 1},
    {"MB",      LP_UNIT_BYTES,   0, 1048576.0},
    {"kB",      LP_UNIT_BYTES,   0, 1024.0},
    {"bytes",   LP_UNIT_BYTES,   0, 1},
    {"pages",   LP_UNIT_PAGES,   0, 1},
    {"s",       LP_UNIT_MS,      0, 1e3},
    {"us",      LP_UNIT_MS,      3, 1},
    {"\xc2\xb5s", LP_UNIT_MS,    3, 1}, // the micro sign
    {"\xce\xbcs", LP_UNIT_MS,    3, 1}, // the Greek letter
    {"ns",      LP_UNIT_MS,      6, 1},
    {"min",     LP_UNIT_MS,      0, 60e3},
    {"h",       LP_UNIT_MS,      0, 3600e3},
    {"B",       LP_UNIT_BYTES,   0, 1},
    {"byte",    LP_UNIT_BYTES,   0, 1},
    {"K",       LP_UNIT_BYTES,   0, 1024.0},
    {"KB",      LP_UNIT_BYTES,   0, 1024.0},
    {"KiB",     LP_UNIT_BYTES,   0, 1024.0},
    {"M",       LP_UNIT_BYTES,   0, 1048576.0},
    {"MiB",     LP_UNIT_BYTES,   0, 1048576.0},
    {"G",       LP_UNIT_BYTES,   0, 1073741824.0},
    {"GB",      LP_UNIT_BYTES,   0, 1073741824.0},
    {"GiB",     LP_UNIT_BYTES,   0, 1073741824.0},
    {"TB",      LP_UNIT_BYTES,   0, 1099511627776.0},
    {"TiB",     LP_UNIT_BYTES,   0, 1099511627776.0},
    {"%",       LP_UNIT_PERCENT, 0, 1},
};
// clang-format on

enum { UNITS = sizeof(units) / sizeof(units[0]) };

/* A mantissa and how many of its digits stand behind the point. */
typedef struct decimal {
    uint64_t mantissa;
    int scale;
    bool is_negative;
} decimal;

/* Exact, all of them. */
static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

enum { POWERS = sizeof(powers) / sizeof(powers[0]) };

static bool is_digit(lp_span text, size_t at)
{
    return at < text.len_bytes && text.ptr[at] >= '0' && text.ptr[at] <= '9';
}

static bool is_one_of(lp_span text, size_t at, char a, char b)
{
    return at < text.len_bytes && (text.ptr[at] == a || text.ptr[at] == b);
}

/* Returns what is behind the digits; 0: there are none, or too many. Digits
 * behind the point that don't fit make no difference any more. */
static size_t read_many_digits(lp_span text, size_t at, decimal *out)
{
    size_t start = at;
    int digits = 0;

    for (; is_digit(text, at); at++) {
        out->mantissa = out->mantissa * 10 + (uint64_t)(text.ptr[at] - '0');
        digits += out->mantissa > 0;
        if (digits > DIGITS_MAX) {
            return 0;
        }
    }
    if (at >= text.len_bytes || text.ptr[at] != '.') {
        return at > start ? at : 0;
    }
    for (at++; is_digit(text, at); at++) {
        if (digits < DIGITS_MAX) {
            out->mantissa = out->mantissa * 10 + (uint64_t)(text.ptr[at] - '0');
            out->scale++;
            digits++;
        }
    }
    return at > start + 1 ? at : 0;
}

/* The same, for the numbers that lines mostly have: up to eight digits on both
 * sides of the point. */
static size_t read_digits(lp_span text, size_t at, decimal *out)
{
    uint32_t whole;
    uint32_t part;
    size_t n = lpi_number_short(lp_span_skip(text, at), &whole);
    size_t m;

    if (n == LPI_SHORT_DIGITS_MAX) {
        return read_many_digits(text, at, out);
    }
    if (at + n == text.len_bytes || text.ptr[at + n] != '.') {
        out->mantissa = whole;
        return n > 0 ? at + n : 0;
    }
    m = lpi_number_short(lp_span_skip(text, at + n + 1), &part);
    if (m == LPI_SHORT_DIGITS_MAX) {
        return read_many_digits(text, at, out);
    }
    out->mantissa = whole * (uint64_t)powers[m] + part;
    out->scale = (int)m;
    return n + m > 0 ? at + n + 1 + m : 0;
}

/* Returns what is behind an exponent, or at when there is none. */
static size_t read_exponent(lp_span text, size_t at, decimal *out)
{
    bool is_negative = is_one_of(text, at + 1, '-', '-');
    size_t digits = at + 1 + is_one_of(text, at + 1, '-', '+');
    size_t end = digits;
    int exponent = 0;

    if (!is_one_of(text, at, 'e', 'E')) {
        return at;
    }
    for (; end - digits < EXPONENT_DIGITS_MAX && is_digit(text, end); end++) {
        exponent = exponent * 10 + (text.ptr[end] - '0');
    }
    if (end == digits || is_digit(text, end)) {
        return at;
    }
    out->scale += is_negative ? exponent : -exponent;
    return end;
}

static double power_of(int scale)
{
    double power = powers[scale < POWERS ? scale : POWERS - 1];

    for (int i = POWERS - 1; i < scale; i++) {
        power *= 10;
    }
    return power;
}

/*
 * One multiplication and one division, each exact or rounded once: that is why
 * 0.1s and 100ms come out the same.
 */
static double value_of(const decimal *number, double factor, int decimals)
{
    int scale = number->scale + decimals;
    double value = (double)number->mantissa * factor;

    if (scale != 0) {
        double power = power_of(scale < 0 ? -scale : scale);

        value = scale < 0 ? value * power : value / power;
    }
    return number->is_negative ? -value : value;
}

/* Its place in units[], or UNITS. */
static size_t find_unit(lp_span unit)
{
    uint64_t wanted = 0;
    size_t i = 0;

    if (unit.len_bytes >= sizeof(wanted) ||
        (unit.len_bytes > 0 && unit.ptr[unit.len_bytes - 1] == '\0')) {
        return UNITS;
    }
    for (size_t at = 0; at < unit.len_bytes; at++) {
        wanted |= (uint64_t)(unsigned char)unit.ptr[at] << 8 * at;
    }
    while (i < UNITS && lp_swar_load(units[i].name) != wanted) {
        i++;
    }
    return i;
}

static bool is_unit_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '%' ||
           c == '/' || c == '_' || (unsigned char)c > 127;
}

static bool can_be_unit(lp_span unit)
{
    for (size_t i = 0; i < unit.len_bytes; i++) {
        if (!is_unit_byte(unit.ptr[i])) {
            return false;
        }
    }
    return true;
}

static lp_span without_brackets(lp_span unit)
{
    const char *bracket =
        unit.len_bytes > 0 ? memchr(unit.ptr, '(', unit.len_bytes) : NULL;

    return bracket != NULL ? lp_span_of(unit.ptr, (size_t)(bracket - unit.ptr))
                           : unit;
}

static bool scan(lp_span text, lp_span unit, decimal *number, lpi_number *out)
{
    size_t at = is_one_of(text, 0, '-', '+');
    lp_span suffix;
    size_t i;

    number->is_negative = is_one_of(text, 0, '-', '-');
    at = read_digits(text, at, number);
    if (at == 0) {
        return false;
    }
    at = read_exponent(text, at, number);
    suffix = without_brackets(lp_span_skip(text, at));
    suffix = suffix.len_bytes > 0 ? suffix : unit;
    i = find_unit(suffix);
    if (i == UNITS && !can_be_unit(suffix)) {
        return false;
    }
    out->suffix = suffix;
    out->unit = i < UNITS ? units[i].unit : LP_UNIT_OTHER;
    out->scaled = i < UNITS
                      ? value_of(number, units[i].factor, units[i].decimals)
                      : value_of(number, 1, 0);
    return true;
}

bool lpi_number_scan(lp_span text, lp_span unit, lpi_number *out)
{
    decimal number = {0};

    out->bare = 0;
    return scan(text, unit, &number, out);
}

bool lpi_number_read(lp_span text, lpi_number *out)
{
    decimal number = {0};

    if (!scan(text, lp_span_of(NULL, 0), &number, out) ||
        out->unit == LP_UNIT_OTHER) {
        return false;
    }
    out->bare = value_of(&number, 1, 0);
    return true;
}

bool lpi_number_compare(const lpi_number *a, const lpi_number *b, int *order)
{
    bool has_none = a->unit == LP_UNIT_NONE || b->unit == LP_UNIT_NONE;
    bool has_bytes = a->unit == LP_UNIT_BYTES || b->unit == LP_UNIT_BYTES;
    // A size without a unit is one in bytes, as the router writes it.
    bool is_bare = has_none && !has_bytes;
    double left = is_bare ? a->bare : a->scaled;
    double right = is_bare ? b->bare : b->scaled;

    *order = (left > right) - (left < right);
    return has_none || a->unit == b->unit;
}
