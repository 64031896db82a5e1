#include "logplex/timestamp.h"

#include <assert.h>
#include <string.h>

enum {
    DAY_S = 86400,
    /* How far the year of a 29 February can be: 1896 and 1904. */
    BSD_YEARS_AWAY_MAX = 8
};

static const int64_t second_ns = 1000000000;

typedef struct civil {
    int64_t year;
    unsigned month; /* 1 to 12 */
    unsigned day;   /* 1 to 31 */
    unsigned hour;
    unsigned minute;
    unsigned second; /* 60 in a leap second */
} civil;

/* Calendar ---------------------------------------------------------------- */

/*
 * Days are counted in years that begin on 1 March, so that the leap day is the
 * last of its year, in eras of 400 years, which are all 146,097 days long.
 */
enum { ERA_DAYS = 146097, DAYS_TO_1970 = 719468 };

static int64_t days_from_civil(int64_t year, unsigned month, unsigned day)
{
    int64_t march_year = month > 2 ? year : year - 1;
    int64_t era = (march_year >= 0 ? march_year : march_year - 399) / 400;
    int64_t year_of_era = march_year - era * 400;
    int64_t march_month = month > 2 ? month - 3 : month + 9;
    int64_t day_of_year = (153 * march_month + 2) / 5 + day - 1;
    int64_t day_of_era =
        year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return era * ERA_DAYS + day_of_era - DAYS_TO_1970;
}

static void civil_from_days(int64_t days, civil *out)
{
    int64_t shifted = days + DAYS_TO_1970;
    int64_t era =
        (shifted >= 0 ? shifted : shifted - (ERA_DAYS - 1)) / ERA_DAYS;
    int64_t day_of_era = shifted - era * ERA_DAYS;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 -
                           day_of_era / (ERA_DAYS - 1)) /
                          365;
    int64_t day_of_year =
        day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t march_month = (5 * day_of_year + 2) / 153;

    out->day = (unsigned)(day_of_year - (153 * march_month + 2) / 5 + 1);
    out->month =
        (unsigned)(march_month < 10 ? march_month + 3 : march_month - 9);
    out->year = year_of_era + era * 400 + (out->month <= 2);
}

static bool is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static unsigned month_days(int64_t year, unsigned month)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30,
                                         31, 31, 30, 31, 30, 31};

    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* Seconds since 1970, taking the civil time as UTC. */
static int64_t seconds_from_civil(const civil *time)
{
    return days_from_civil(time->year, time->month, time->day) * DAY_S +
           (int64_t)time->hour * 3600 + (int64_t)time->minute * 60 +
           time->second;
}

/* False when the sum does not fit. nanos is 0 to 999,999,999. */
static bool join_ns(int64_t seconds, int64_t nanos, int64_t *out_ns)
{
    int64_t ns;

    // Before 1970 count down from the next whole second: the product alone
    // can lie below the range although the sum does not.
    if (seconds < 0 && nanos > 0) {
        seconds += 1;
        nanos -= second_ns;
    }
    if (__builtin_mul_overflow(seconds, second_ns, &ns)) {
        return false;
    }
    return !__builtin_add_overflow(ns, nanos, out_ns);
}

/* Parsing ----------------------------------------------------------------- */

typedef struct reader {
    const char *ptr;
    size_t len_bytes;
    size_t at;
} reader;

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool read_char(reader *in, char expected)
{
    if (in->at == in->len_bytes || in->ptr[in->at] != expected) {
        return false;
    }
    in->at++;
    return true;
}

/* Exactly n digits; the number is at least min and at most max, or in->at
 * stays where the number began. */
static bool read_number(reader *in, size_t n, unsigned min, unsigned max,
                        unsigned *out)
{
    size_t start = in->at;
    unsigned value = 0;

    for (; in->at < start + n; in->at++) {
        if (in->at == in->len_bytes || !is_digit(in->ptr[in->at])) {
            return false;
        }
        value = value * 10 + (unsigned)(in->ptr[in->at] - '0');
    }
    if (value < min || value > max) {
        in->at = start;
        return false;
    }
    *out = value;
    return true;
}

static bool read_date(reader *in, civil *out)
{
    unsigned year;

    if (!read_number(in, 4, 0, 9999, &year) || !read_char(in, '-') ||
        !read_number(in, 2, 1, 12, &out->month) || !read_char(in, '-')) {
        return false;
    }
    out->year = year;
    return read_number(in, 2, 1, month_days(out->year, out->month), &out->day);
}

static bool read_clock(reader *in, civil *out)
{
    return read_number(in, 2, 0, 23, &out->hour) && read_char(in, ':') &&
           read_number(in, 2, 0, 59, &out->minute) && read_char(in, ':') &&
           read_number(in, 2, 0, 60, &out->second);
}

/* An optional point and at least one decimal. */
static bool read_fraction(reader *in, int64_t *out_ns)
{
    int64_t unit_ns = second_ns / 10;
    size_t start;

    *out_ns = 0;
    if (!read_char(in, '.')) {
        return true;
    }
    for (start = in->at; in->at < in->len_bytes && is_digit(in->ptr[in->at]);
         in->at++) {
        *out_ns += (in->ptr[in->at] - '0') * unit_ns;
        unit_ns /= 10;
    }
    return in->at > start;
}

static bool read_offset(reader *in, int64_t *out_s)
{
    bool is_west;
    unsigned hours;
    unsigned minutes;

    *out_s = 0;
    if (read_char(in, 'Z') || read_char(in, 'z')) {
        return true;
    }
    is_west = read_char(in, '-');
    if (!is_west && !read_char(in, '+')) {
        return false;
    }
    if (!read_number(in, 2, 0, 23, &hours) || !read_char(in, ':') ||
        !read_number(in, 2, 0, 59, &minutes)) {
        return false;
    }
    *out_s = (int64_t)hours * 3600 + (int64_t)minutes * 60;
    *out_s = is_west ? -*out_s : *out_s;
    return true;
}

lp_err lp_timestamp_parse(lp_span text, int64_t *out_ns, size_t *at_byte)
{
    reader in = {text.ptr, text.len_bytes, 0};
    civil time = {0};
    int64_t nanos = 0;
    int64_t offset_s = 0;
    bool is_good;

    is_good =
        read_date(&in, &time) &&
        (read_char(&in, 'T') || read_char(&in, 't') || read_char(&in, ' ')) &&
        read_clock(&in, &time) && read_fraction(&in, &nanos) &&
        read_offset(&in, &offset_s) && in.at == in.len_bytes;
    if (!is_good) {
        if (at_byte != NULL) {
            *at_byte = in.at;
        }
        return LP_E_SYNTAX;
    }
    if (!join_ns(seconds_from_civil(&time) - offset_s, nanos, out_ns)) {
        return LP_E_INVALID;
    }
    return LP_OK;
}

static bool read_month(reader *in, unsigned *out)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

    if (in->len_bytes - in->at < 3) {
        return false;
    }
    for (unsigned i = 0; i < 12; i++) {
        if (memcmp(in->ptr + in->at, names + (size_t)i * 3, 3) == 0) {
            in->at += 3;
            *out = i + 1;
            return true;
        }
    }
    return false;
}

/* "21", " 1", "01", and "1" of senders that do not pad. 29 February passes. */
static bool read_day(reader *in, unsigned month, unsigned *out)
{
    const int64_t leap_year = 2000;
    unsigned max = month_days(leap_year, month);
    size_t at;

    read_char(in, ' ');
    at = in->at;
    if (read_number(in, 2, 1, max, out)) {
        return true;
    }
    in->at = at;
    return read_number(in, 1, 1, max, out);
}

/* The distance of two times, which need not fit into an int64_t. */
static uint64_t distance_ns(int64_t a, int64_t b)
{
    return a > b ? (uint64_t)a - (uint64_t)b : (uint64_t)b - (uint64_t)a;
}

/* Whether the date exists in time->year and is in range; *out_ns is then it. */
static bool date_in_year(const civil *time, int utc_offset_min, int64_t *out_ns)
{
    if (time->day > month_days(time->year, time->month)) {
        return false;
    }
    return join_ns(seconds_from_civil(time) - (int64_t)utc_offset_min * 60, 0,
                   out_ns);
}

lp_err lp_timestamp_parse_bsd(lp_span text, int64_t near_ns, int utc_offset_min,
                              int64_t *out_ns)
{
    reader in = {text.ptr, text.len_bytes, 0};
    civil time = {0};
    civil near;
    int64_t candidate_ns;
    bool is_found = false;
    bool is_good;

    is_good = read_month(&in, &time.month) && read_char(&in, ' ') &&
              read_day(&in, time.month, &time.day) && read_char(&in, ' ') &&
              read_clock(&in, &time) && in.at == in.len_bytes;
    if (!is_good) {
        return LP_E_SYNTAX;
    }
    civil_from_days(near_ns / second_ns / DAY_S, &near);
    for (int away = -BSD_YEARS_AWAY_MAX; away <= BSD_YEARS_AWAY_MAX; away++) {
        time.year = near.year + away;
        if (!date_in_year(&time, utc_offset_min, &candidate_ns)) {
            continue;
        }
        if (!is_found || distance_ns(candidate_ns, near_ns) <
                             distance_ns(*out_ns, near_ns)) {
            *out_ns = candidate_ns;
            is_found = true;
        }
    }
    return is_found ? LP_OK : LP_E_SYNTAX;
}

/* Printing ---------------------------------------------------------------- */

static char *put_digits(char *out, uint64_t value, int n)
{
    for (int i = n - 1; i >= 0; i--) {
        out[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return out + n;
}

static char *put_char(char *out, char c)
{
    *out = c;
    return out + 1;
}

size_t lp_timestamp_print(int64_t time_ns, int decimals,
                          char out[LP_TIMESTAMP_MAX_BYTES])
{
    int64_t seconds = time_ns / second_ns;
    int64_t nanos = time_ns % second_ns;
    int64_t days;
    uint64_t of_day_s;
    civil date;
    char *at = out;

    assert(decimals >= 0 && decimals <= 9);
    if (nanos < 0) {
        nanos += second_ns;
        seconds -= 1;
    }
    days = seconds / DAY_S - (seconds % DAY_S < 0);
    of_day_s = (uint64_t)(seconds - days * DAY_S);
    civil_from_days(days, &date);

    at = put_char(put_digits(at, (uint64_t)date.year, 4), '-');
    at = put_char(put_digits(at, date.month, 2), '-');
    at = put_char(put_digits(at, date.day, 2), 'T');
    at = put_char(put_digits(at, of_day_s / 3600, 2), ':');
    at = put_char(put_digits(at, of_day_s / 60 % 60, 2), ':');
    at = put_digits(at, of_day_s % 60, 2);
    if (decimals > 0) {
        for (int i = decimals; i < 9; i++) {
            nanos /= 10;
        }
        at = put_digits(put_char(at, '.'), (uint64_t)nanos, decimals);
    }
    memcpy(at, "+00:00", 7);
    return (size_t)(at - out) + 6;
}
