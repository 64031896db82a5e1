#include "filter_number.h"

enum {
    DIGITS_MAX = 18, /* so that a mantissa fits in 64 bits */
    EXPONENT_DIGITS_MAX = 2
};

/* Memory is counted in powers of two, as Heroku's samples and PostgreSQL do
 * whatever they call them. */
// clang-format off
static const struct {
    const char *name;
    uint8_t kind;
    uint8_t decimals; // 10 to so many of this unit make the smallest but factor
    double factor;
} units[] = {
    {"",        LPI_UNIT_NONE,    0, 1},
    {"ms",      LPI_UNIT_TIME,    0, 1e3},
    {"s",       LPI_UNIT_TIME,    0, 1e6},
    {"us",      LPI_UNIT_TIME,    0, 1},
    {"\xc2\xb5s", LPI_UNIT_TIME,  0, 1}, // the micro sign
    {"\xce\xbcs", LPI_UNIT_TIME,  0, 1}, // the Greek letter
    {"ns",      LPI_UNIT_TIME,    3, 1},
    {"min",     LPI_UNIT_TIME,    0, 60e6},
    {"h",       LPI_UNIT_TIME,    0, 3600e6},
    {"B",       LPI_UNIT_BYTES,   0, 1},
    {"kB",      LPI_UNIT_BYTES,   0, 1024.0},
    {"KB",      LPI_UNIT_BYTES,   0, 1024.0},
    {"KiB",     LPI_UNIT_BYTES,   0, 1024.0},
    {"MB",      LPI_UNIT_BYTES,   0, 1048576.0},
    {"MiB",     LPI_UNIT_BYTES,   0, 1048576.0},
    {"GB",      LPI_UNIT_BYTES,   0, 1073741824.0},
    {"GiB",     LPI_UNIT_BYTES,   0, 1073741824.0},
    {"TB",      LPI_UNIT_BYTES,   0, 1099511627776.0},
    {"TiB",     LPI_UNIT_BYTES,   0, 1099511627776.0},
    {"%",       LPI_UNIT_PERCENT, 0, 1},
    {"pages",   LPI_UNIT_PAGES,   0, 1},
};
// clang-format on

/* A mantissa and how many of its digits stand behind the point. */
typedef struct decimal {
    uint64_t mantissa;
    int scale;
    bool is_negative;
} decimal;

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
static size_t read_digits(lp_span text, size_t at, decimal *out)
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

/*
 * One multiplication and one division, each exact or rounded once: that is why
 * 0.1s and 100ms come out the same.
 */
static double value_of(const decimal *number, double factor, int decimals)
{
    int scale = number->scale + decimals;
    double value = (double)number->mantissa * factor;
    double power = 1;

    for (int i = scale < 0 ? -scale : scale; i > 0; i--) {
        power *= 10;
    }
    value = scale < 0 ? value * power : value / power;
    return number->is_negative ? -value : value;
}

bool lpi_number_read(lp_span text, lpi_number *out)
{
    decimal number = {0};
    size_t at = is_one_of(text, 0, '-', '+');
    lp_span unit;

    number.is_negative = is_one_of(text, 0, '-', '-');
    at = read_digits(text, at, &number);
    if (at == 0) {
        return false;
    }
    at = read_exponent(text, at, &number);
    unit = lp_span_skip(text, at);
    for (size_t i = 0; i < unit.len_bytes; i++) {
        if (unit.ptr[i] == '(') {
            unit.len_bytes = i;
        }
    }
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (lp_span_equal(unit, lp_span_str(units[i].name))) {
            out->bare = value_of(&number, 1, 0);
            out->scaled = value_of(&number, units[i].factor, units[i].decimals);
            out->kind = units[i].kind;
            return true;
        }
    }
    return false;
}

bool lpi_number_compare(const lpi_number *a, const lpi_number *b, int *order)
{
    bool is_bare = a->kind == LPI_UNIT_NONE || b->kind == LPI_UNIT_NONE;
    double left = is_bare ? a->bare : a->scaled;
    double right = is_bare ? b->bare : b->scaled;

    *order = (left > right) - (left < right);
    return is_bare || a->kind == b->kind;
}
