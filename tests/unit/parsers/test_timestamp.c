#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "logplex/timestamp.h"

static const int64_t second_ns = 1000000000;

static int64_t parse(const char *text)
{
    int64_t ns = -1;

    if (lp_timestamp_parse(lp_span_str(text), &ns, NULL) != LP_OK) {
        fail_msg("not read: %s", text);
    }
    return ns;
}

static void assert_stops_at(const char *text, size_t expected)
{
    size_t at_byte = 99;
    int64_t ns;

    assert_int_equal(lp_timestamp_parse(lp_span_str(text), &ns, &at_byte),
                     LP_E_SYNTAX);
    if (at_byte != expected) {
        fail_msg("%s: byte %zu, not %zu", text, at_byte, expected);
    }
}

static void assert_prints(int64_t ns, int decimals, const char *expected)
{
    char out[LP_TIMESTAMP_MAX_BYTES];

    assert_int_equal(lp_timestamp_print(ns, decimals, out), strlen(expected));
    assert_string_equal(out, expected);
}

static int64_t parse_bsd(const char *text, const char *near, int offset_min)
{
    int64_t ns = -1;

    if (lp_timestamp_parse_bsd(lp_span_str(text), parse(near), offset_min,
                               &ns) != LP_OK) {
        fail_msg("not read: %s", text);
    }
    return ns;
}

static void the_epoch_is_zero(void **state)
{
    (void)state;
    assert_int_equal(parse("1970-01-01T00:00:00Z"), 0);
    assert_int_equal(parse("1970-01-01T00:00:00-00:00"), 0);
    assert_int_equal(parse("1969-12-31T23:59:59.999999999Z"), -1);
}

static void known_times_have_their_known_seconds(void **state)
{
    (void)state;
    assert_int_equal(parse("2012-12-10T03:00:48.123456Z"),
                     INT64_C(1355108448123456000));
    assert_int_equal(parse("2001-09-09T01:46:40Z"), 1000000000 * second_ns);
    assert_int_equal(parse("2000-02-29T12:00:00Z"), 951825600 * second_ns);
    assert_int_equal(parse("1900-03-01T00:00:00Z"),
                     INT64_C(-2203891200) * second_ns);
}

static void every_day_of_four_centuries_follows_the_last(void **state)
{
    const int64_t day_ns = 86400 * second_ns;
    char out[LP_TIMESTAMP_MAX_BYTES];
    int64_t ns;

    (void)state;
    // 1850-01-01 to 2250-01-01, far from the bounds of an int64_t.
    for (int64_t day = -43829; day < 102268; day++) {
        size_t n = lp_timestamp_print(day * day_ns + 1, 9, out);

        assert_int_equal(lp_timestamp_parse(lp_span_of(out, n), &ns, NULL),
                         LP_OK);
        assert_int_equal(ns, day * day_ns + 1);
    }
}

static void the_29th_of_february_is_in_leap_years_alone(void **state)
{
    (void)state;
    parse("2024-02-29T00:00:00Z");
    parse("2000-02-29T00:00:00Z");
    assert_stops_at("2023-02-29T00:00:00Z", 8);
    assert_stops_at("1900-02-29T00:00:00Z", 8);
    assert_stops_at("2100-02-29T00:00:00Z", 8);
}

static void an_offset_is_taken_off(void **state)
{
    (void)state;
    assert_int_equal(parse("1970-01-01T01:30:00+01:30"), 0);
    assert_int_equal(parse("1969-12-31T16:00:00-08:00"), 0);
    assert_int_equal(parse("1970-01-01T23:59:00+23:59"), 0);
}

static void t_and_z_may_be_small_and_t_a_blank(void **state)
{
    (void)state;
    assert_int_equal(parse("1970-01-01t00:00:01z"), second_ns);
    assert_int_equal(parse("1970-01-01 00:00:01Z"), second_ns);
}

static void decimals_past_the_ninth_are_cut(void **state)
{
    (void)state;
    assert_int_equal(parse("1970-01-01T00:00:00.1Z"), 100000000);
    assert_int_equal(parse("1970-01-01T00:00:00.000000001Z"), 1);
    assert_int_equal(parse("1970-01-01T00:00:00.0000000019999999999Z"), 1);
    assert_stops_at("1970-01-01T00:00:00.Z", 20);
}

static void a_leap_second_is_the_first_of_the_next_minute(void **state)
{
    (void)state;
    assert_int_equal(parse("2016-12-31T23:59:60Z"),
                     parse("2017-01-01T00:00:00Z"));
    assert_int_equal(parse("2016-12-31T23:59:60.5Z"),
                     parse("2017-01-01T00:00:00.5Z"));
    assert_stops_at("2016-12-31T23:59:61Z", 17);
}

static void the_byte_that_does_not_fit_is_told(void **state)
{
    (void)state;
    assert_stops_at("", 0);
    assert_stops_at("-", 0);
    assert_stops_at("2012", 4);
    assert_stops_at("2012-13-01T00:00:00Z", 5);
    assert_stops_at("2012-00-01T00:00:00Z", 5);
    assert_stops_at("2012-01-00T00:00:00Z", 8);
    assert_stops_at("2012-04-31T00:00:00Z", 8);
    assert_stops_at("2012-01-01_00:00:00Z", 10);
    assert_stops_at("2012-01-01T24:00:00Z", 11);
    assert_stops_at("2012-01-01T00:60:00Z", 14);
    assert_stops_at("2012-01-01T00:00:00", 19);
    assert_stops_at("2012-01-01T00:00:00+24:00", 20);
    assert_stops_at("2012-01-01T00:00:00+0100", 22);
    assert_stops_at("2012-01-01T00:00:00Z+00:00", 20);
}

static void times_outside_of_64_bits_are_refused(void **state)
{
    int64_t ns;

    (void)state;
    assert_int_equal(parse("2262-04-11T23:47:16.854775807Z"), INT64_MAX);
    assert_int_equal(parse("1677-09-21T00:12:43.145224192Z"), INT64_MIN);
    assert_int_equal(lp_timestamp_parse(
                         LP_SPAN("2262-04-11T23:47:16.854775808Z"), &ns, NULL),
                     LP_E_INVALID);
    assert_int_equal(lp_timestamp_parse(
                         LP_SPAN("1677-09-21T00:12:43.145224191Z"), &ns, NULL),
                     LP_E_INVALID);
    assert_int_equal(
        lp_timestamp_parse(LP_SPAN("0000-01-01T00:00:00Z"), &ns, NULL),
        LP_E_INVALID);
    assert_int_equal(
        lp_timestamp_parse(LP_SPAN("9999-12-31T23:59:60-23:59"), &ns, NULL),
        LP_E_INVALID);
}

static void printing_cuts_to_the_decimals_asked_for(void **state)
{
    int64_t ns = INT64_C(1355108448123456789);

    (void)state;
    assert_prints(ns, 0, "2012-12-10T03:00:48+00:00");
    assert_prints(ns, 1, "2012-12-10T03:00:48.1+00:00");
    assert_prints(ns, 6, "2012-12-10T03:00:48.123456+00:00");
    assert_prints(ns, 9, "2012-12-10T03:00:48.123456789+00:00");
    assert_prints(-1, 3, "1969-12-31T23:59:59.999+00:00");
    assert_prints(INT64_MIN, 9, "1677-09-21T00:12:43.145224192+00:00");
    assert_prints(INT64_MAX, 9, "2262-04-11T23:47:16.854775807+00:00");
}

static void a_bsd_time_is_of_the_nearest_year(void **state)
{
    (void)state;
    assert_int_equal(parse_bsd("Nov 21 00:17:52", "2026-11-21T00:20:00Z", 0),
                     parse("2026-11-21T00:17:52Z"));
    assert_int_equal(parse_bsd("Dec 31 23:59:59", "2026-01-01T00:00:01Z", 0),
                     parse("2025-12-31T23:59:59Z"));
    assert_int_equal(parse_bsd("Jan  1 00:00:01", "2025-12-31T23:59:59Z", 0),
                     parse("2026-01-01T00:00:01Z"));
    assert_int_equal(parse_bsd("Feb 29 12:00:00", "2026-11-21T00:00:00Z", 0),
                     parse("2028-02-29T12:00:00Z"));
    assert_int_equal(parse_bsd("Feb 29 12:00:00", "1900-01-01T00:00:00Z", 0),
                     parse("1896-02-29T12:00:00Z"));
}

static void a_bsd_time_is_of_the_zone_given(void **state)
{
    (void)state;
    assert_int_equal(parse_bsd("Nov 21 01:17:52", "2026-11-21T00:20:00Z", 60),
                     parse("2026-11-21T00:17:52Z"));
    assert_int_equal(parse_bsd("Dec 31 16:00:00", "2026-01-01T00:00:00Z", -480),
                     parse("2026-01-01T00:00:00Z"));
}

static void a_bsd_day_may_be_padded_or_not(void **state)
{
    const char *near = "2026-11-21T00:00:00Z";
    int64_t expected = parse("2026-11-01T00:17:52Z");

    (void)state;
    assert_int_equal(parse_bsd("Nov  1 00:17:52", near, 0), expected);
    assert_int_equal(parse_bsd("Nov 01 00:17:52", near, 0), expected);
    assert_int_equal(parse_bsd("Nov 1 00:17:52", near, 0), expected);
}

static void what_is_no_bsd_time_is_refused(void **state)
{
    static const char *wrong[] = {"",
                                  "Nov",
                                  "nov 21 00:17:52",
                                  "Nov 31 00:17:52",
                                  "Feb 30 00:17:52",
                                  "Nov  0 00:17:52",
                                  "Nov 21 24:17:52",
                                  "Nov 21 00:17:52 ",
                                  "Nov 21 2026 00:17:52",
                                  "2026-11-21T00:17:52Z"};
    int64_t ns;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(
            lp_timestamp_parse_bsd(lp_span_str(wrong[i]), 0, 0, &ns),
            LP_E_SYNTAX);
    }
}

static void a_bsd_time_near_the_bounds_stays_in_them(void **state)
{
    int64_t ns;

    (void)state;
    assert_int_equal(
        lp_timestamp_parse_bsd(LP_SPAN("Dec 31 00:00:00"), INT64_MAX, 0, &ns),
        LP_OK);
    assert_int_equal(ns, parse("2261-12-31T00:00:00Z"));
    assert_int_equal(
        lp_timestamp_parse_bsd(LP_SPAN("Jan  1 00:00:00"), INT64_MIN, 0, &ns),
        LP_OK);
    assert_int_equal(ns, parse("1678-01-01T00:00:00Z"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_epoch_is_zero),
        cmocka_unit_test(known_times_have_their_known_seconds),
        cmocka_unit_test(every_day_of_four_centuries_follows_the_last),
        cmocka_unit_test(the_29th_of_february_is_in_leap_years_alone),
        cmocka_unit_test(an_offset_is_taken_off),
        cmocka_unit_test(t_and_z_may_be_small_and_t_a_blank),
        cmocka_unit_test(decimals_past_the_ninth_are_cut),
        cmocka_unit_test(a_leap_second_is_the_first_of_the_next_minute),
        cmocka_unit_test(the_byte_that_does_not_fit_is_told),
        cmocka_unit_test(times_outside_of_64_bits_are_refused),
        cmocka_unit_test(printing_cuts_to_the_decimals_asked_for),
        cmocka_unit_test(a_bsd_time_is_of_the_nearest_year),
        cmocka_unit_test(a_bsd_time_is_of_the_zone_given),
        cmocka_unit_test(a_bsd_day_may_be_padded_or_not),
        cmocka_unit_test(what_is_no_bsd_time_is_refused),
        cmocka_unit_test(a_bsd_time_near_the_bounds_stays_in_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
