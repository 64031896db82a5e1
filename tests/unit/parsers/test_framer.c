/* What examples in tests/conformance can't say: work done, bounds, accounts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "logplex/framer.h"

enum { STREAM_BYTES = 1 << 20 };

typedef struct result {
    uint64_t frames;
    uint64_t frame_bytes;
    size_t longest_rest_bytes;
    lp_framer framer;
} result;

/* Feeds a stream in pieces, as a caller with a buffer would. */
static result feed(const char *bytes, size_t len_bytes, size_t piece_bytes,
                   uint32_t frame_max_bytes)
{
    result res = {0};
    lp_frame frame;
    lp_span rest = lp_span_of(bytes, 0);

    lp_framer_init(&res.framer, frame_max_bytes);
    for (size_t fed = 0; fed < len_bytes;) {
        fed += piece_bytes < len_bytes - fed ? piece_bytes : len_bytes - fed;
        rest.len_bytes = (size_t)(bytes + fed - rest.ptr);
        while (lp_framer_next(&res.framer, &rest, &frame) == LP_OK) {
            res.frames++;
            res.frame_bytes += frame.bytes.len_bytes;
        }
        if (rest.len_bytes > res.longest_rest_bytes) {
            res.longest_rest_bytes = rest.len_bytes;
        }
    }
    while (lp_framer_finish(&res.framer, &rest, &frame) == LP_OK) {
        res.frames++;
        res.frame_bytes += frame.bytes.len_bytes;
    }
    assert_int_equal(rest.len_bytes, 0);
    return res;
}

/* unit over and over again. The caller frees it. */
static char *repeat(const char *unit, size_t unit_bytes)
{
    char *bytes = malloc(STREAM_BYTES);

    assert_non_null(bytes);
    for (size_t i = 0; i < STREAM_BYTES; i++) {
        bytes[i] = unit[i % unit_bytes];
    }
    return bytes;
}

static double cpu_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double time_feed(const char *bytes, size_t len_bytes, size_t piece_bytes,
                        uint32_t limit_bytes)
{
    double start_s = cpu_s();
    result res = feed(bytes, len_bytes, piece_bytes, limit_bytes);

    assert_true(res.longest_rest_bytes <=
                res.framer.frame_max_bytes + LP_FRAME_PREFIX_MAX_BYTES);
    return cpu_s() - start_s;
}

/*
 * Four times the bytes take four times as long; sixteen times would be
 * quadratic. What takes no time to speak of is not compared. The higher limit
 * is for lines that never end within the lower one.
 */
static void assert_linear(const char *unit, size_t unit_bytes)
{
    static const size_t pieces_bytes[] = {1, 4096, STREAM_BYTES};
    static const uint32_t limits_bytes[] = {0, 4 * STREAM_BYTES};
    char *bytes = repeat(unit, unit_bytes);

    for (size_t i = 0; i < 6; i++) {
        size_t piece_bytes = pieces_bytes[i / 2];
        // Byte by byte a quarter of the stream is calls enough.
        size_t all_bytes = piece_bytes == 1 ? STREAM_BYTES / 4 : STREAM_BYTES;
        double part_s =
            time_feed(bytes, all_bytes / 4, piece_bytes, limits_bytes[i % 2]);
        double all_s =
            time_feed(bytes, all_bytes, piece_bytes, limits_bytes[i % 2]);

        if (all_s > 0.5 && all_s > 9 * part_s) {
            fail_msg("%.20s by %zu takes %f s, its quarter %f s", unit,
                     piece_bytes, all_s, part_s);
        }
    }
    free(bytes);
}

static void every_stream_takes_linear_time_however_it_is_cut(void **state)
{
    static const char *units[] = {
        "x",
        "9",
        "1 ",
        "9 <",
        "9 <1",
        "9 <1>",
        "1234567890 <123>",
        "5 hello6 <13>12",
        "5 hellox99999 <13>",
        "60000 <13>1 T 59999 <13>1 T",
        "70000 <13>1 T",
        "000000000000000000 <13>",
        "3 <1>5 <1>",
        "\r",
        "<13>1 \r\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        assert_linear(units[i], strlen(units[i]));
    }
    assert_linear("a\0", 2);
    assert_linear("5 hellox\0", 9);
}

static void the_rest_is_never_longer_than_the_limit_and_a_count(void **state)
{
    static const char *units[] = {"x",          "9",
                                  "64 <13>1 T", "5 hello\x01 9 <1",
                                  "63 <13>1 ",  "65 <13>1 T h a p - - x"};

    (void)state;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        char *bytes = repeat(units[i], strlen(units[i]));
        result res = feed(bytes, 1 << 14, 1, 64);

        assert_true(res.longest_rest_bytes <= 64 + LP_FRAME_PREFIX_MAX_BYTES);
        free(bytes);
    }
}

static void a_cut_frame_is_given_before_its_rest_comes(void **state)
{
    char bytes[128] = "100 ";
    lp_framer framer;
    lp_frame frame;
    lp_span rest = lp_span_of(bytes, 4 + 63);

    (void)state;
    memset(bytes + 4, 'x', 100);
    lp_framer_init(&framer, 64);
    assert_int_equal(lp_framer_next(&framer, &rest, &frame), LP_E_MORE);
    rest.len_bytes++;
    assert_int_equal(lp_framer_next(&framer, &rest, &frame), LP_OK);
    assert_true(frame.cut);
    assert_int_equal(frame.bytes.len_bytes, 64);
    assert_int_equal(rest.len_bytes, 0);
    assert_int_equal(framer.skip_bytes, 36);
}

static void a_count_beyond_16_times_the_limit_is_text(void **state)
{
    lp_framer framer;
    lp_frame frame;
    lp_span rest = LP_SPAN("1025 x\n");

    (void)state;
    lp_framer_init(&framer, 64);
    assert_int_equal(lp_framer_next(&framer, &rest, &frame), LP_OK);
    assert_int_equal(frame.framing, LP_FRAMING_LINE);
    assert_true(lp_span_equal(frame.bytes, LP_SPAN("1025 x")));
    rest = LP_SPAN("1024 x\n");
    assert_int_equal(lp_framer_next(&framer, &rest, &frame), LP_E_MORE);
}

static void a_finished_framer_takes_a_new_stream(void **state)
{
    lp_framer framer;
    lp_frame frame;
    char bytes[128] = "200 ";
    lp_span rest;

    (void)state;
    memset(bytes + 4, 'x', 100);
    lp_framer_init(&framer, 64);
    rest = lp_span_of(bytes, 100);
    assert_int_equal(lp_framer_next(&framer, &rest, &frame), LP_OK);
    assert_int_equal(lp_framer_next(&framer, &rest, &frame), LP_E_MORE);
    assert_int_equal(lp_framer_finish(&framer, &rest, &frame), LP_E_MORE);
    rest = LP_SPAN("2 ok");
    assert_int_equal(lp_framer_next(&framer, &rest, &frame), LP_OK);
    assert_true(lp_span_equal(frame.bytes, LP_SPAN("ok")));
}

/* Messages of all lengths of one to six digits, one behind the other. */
static void a_count_is_read_whatever_its_length(void **state)
{
    enum { COUNTS = 1200, BYTES = 1 << 20 };
    char *bytes = malloc(BYTES + 8 * COUNTS);
    size_t counts[COUNTS], len_bytes = 0, n = 0;
    lp_framer framer;
    lp_frame frame;
    lp_span rest;

    (void)state;
    assert_non_null(bytes);
    for (size_t count = 1; len_bytes + count < BYTES;
         count += 1 + count / 12, n++) {
        counts[n] = count;
        len_bytes += (size_t)snprintf(bytes + len_bytes, 16, "%zu <", count);
        memset(bytes + len_bytes, 'x', count - 1);
        len_bytes += count - 1;
    }
    lp_framer_init(&framer, 1 << 20);
    rest = lp_span_of(bytes, len_bytes);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(lp_framer_next(&framer, &rest, &frame), LP_OK);
        assert_int_equal(frame.bytes.len_bytes, counts[i]);
        assert_false(frame.resynced);
    }
    assert_int_equal(rest.len_bytes, 0);
    free(bytes);
}

/* The count of a frame is known from the one before it, but goes by what stands
 * there now. */
static void a_count_read_ahead_is_of_the_bytes_that_are_there(void **state)
{
    lp_framer framer;
    lp_frame frame;
    lp_span rest = LP_SPAN("5 <1> x16 <1> 0123456789ab5 <1> z5 <1> z");

    (void)state;
    lp_framer_init(&framer, 64);
    assert_int_equal(lp_framer_next(&framer, &rest, &frame), LP_OK);
    // Which would do for 16 bytes, too, as it quotes a frame.
    rest = LP_SPAN("23 <1> 0123456789ab5 <1> z5 <1> z5 <1> z");
    assert_int_equal(lp_framer_next(&framer, &rest, &frame), LP_OK);
    assert_true(lp_span_equal(frame.bytes, LP_SPAN("<1> 0123456789ab5 <1> z")));
}

/* How many messages come out with their beginning and their end. */
static size_t count_whole_messages(const char *bytes, size_t len_bytes,
                                   size_t piece_bytes, const char *marker)
{
    lp_framer framer;
    lp_frame frame;
    lp_span rest = lp_span_of(bytes, 0);
    size_t whole = 0;

    lp_framer_init(&framer, 0);
    for (size_t fed = 0; fed < len_bytes;) {
        fed += piece_bytes < len_bytes - fed ? piece_bytes : len_bytes - fed;
        rest.len_bytes = (size_t)(bytes + fed - rest.ptr);
        while (lp_framer_next(&framer, &rest, &frame) == LP_OK) {
            whole +=
                lp_span_starts(frame.bytes, LP_SPAN("<13>1 T h a p - - ")) &&
                memchr(frame.bytes.ptr, marker[0], frame.bytes.len_bytes) !=
                    NULL;
        }
    }
    return whole;
}

/* Every third count is wrong, always by the same. */
static void counts_that_lie_lose_only_what_they_reach(void **state)
{
    static const int errors[] = {-30, -9, -2, -1, 1, 2, 3, 4, 5, 17, 60, 150};
    enum { MESSAGES = 300 };
    char *bytes = malloc(1 << 16);

    (void)state;
    assert_non_null(bytes);
    for (size_t e = 0; e < sizeof(errors) / sizeof(errors[0]); e++) {
        size_t n = 0;

        for (int i = 0; i < MESSAGES; i++) {
            char text[256];
            int text_bytes = snprintf(
                text, sizeof(text), "<13>1 T h a p - - %.*s %d;", 20 + i % 60,
                "the quick brown fox jumps over the lazy dog and "
                "over the quick brown fox as well",
                i);

            n += (size_t)snprintf(bytes + n, (1 << 16) - n, "%d %s",
                                  text_bytes + (i % 3 == 0 ? errors[e] : 0),
                                  text);
        }
        // With all that follows at hand nothing is lost but tails of liars.
        assert_true(count_whole_messages(bytes, n, n, ";") >= MESSAGES * 2 / 3);
        // With nothing at hand a count too large has reached further by then.
        assert_true(count_whole_messages(bytes, n, 1, ";") >= MESSAGES / 3);
    }
    free(bytes);
}

/*
 * A stream without line ends, of messages that end in a number, so that a count
 * too small leaves digits in front of the next one. Some are wrong; how many
 * honest ones come out whole?
 */
static size_t lost_beside_liars(int error, int every, size_t piece_bytes)
{
    enum { MESSAGES = 4000, ROOM_BYTES = 1 << 20 };
    char *bytes = malloc(ROOM_BYTES);
    char *seen = calloc(MESSAGES, 1);
    lp_span rest = lp_span_of(bytes, 0);
    lp_framer framer;
    lp_frame frame;
    size_t n = 0, lost = 0;

    assert_non_null(bytes);
    assert_non_null(seen);
    for (int i = 0; i < MESSAGES; i++) {
        char text[256];
        int text_bytes =
            snprintf(text, sizeof(text),
                     "<13>1 T h a p - - id=%d the quick brown fox ms=%d", i,
                     100 + i * 7 % 900);

        n += (size_t)snprintf(bytes + n, ROOM_BYTES - n, "%d %s",
                              text_bytes + (i % every == 7 ? error : 0), text);
    }
    lp_framer_init(&framer, 0);
    for (size_t fed = 0; fed < n;) {
        fed += piece_bytes < n - fed ? piece_bytes : n - fed;
        rest.len_bytes = (size_t)(bytes + fed - rest.ptr);
        while (
            lp_framer_next(&framer, &rest, &frame) == LP_OK ||
            (fed == n && lp_framer_finish(&framer, &rest, &frame) == LP_OK)) {
            const char *id =
                memmem(frame.bytes.ptr, frame.bytes.len_bytes, "id=", 3);

            if (id != NULL)
                seen[strtol(id + 3, NULL, 10)] = 1;
        }
    }
    for (int i = 0; i < MESSAGES; i++)
        lost += i % every != 7 && !seen[i];
    free(bytes);
    free(seen);
    return lost;
}

static void honest_neighbours_of_a_liar_are_saved(void **state)
{
    static const int errors[] = {-40, -3, -2,  -1,   1,     2,
                                 3,   40, 100, 2000, 50000, 1000000};

    (void)state;
    for (size_t e = 0; e < sizeof(errors) / sizeof(errors[0]); e++) {
        // What is left of a message can make the next count ten times as large,
        // and that can end where another begins.
        assert_in_range(lost_beside_liars(errors[e], 4000, 1 << 20), 0, 20);
        assert_in_range(lost_beside_liars(errors[e], 4000, 65536), 0, 20);
    }
    // One in ten takes the ones behind it along: they come out whole.
    assert_in_range(lost_beside_liars(100, 10, 1 << 20), 0, 40);
    assert_in_range(lost_beside_liars(2000, 10, 1 << 20), 0, 40);
    assert_in_range(lost_beside_liars(2000, 10, 65536), 0, 40);
    assert_in_range(lost_beside_liars(1000000, 10, 1 << 20), 0, 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_stream_takes_linear_time_however_it_is_cut),
        cmocka_unit_test(the_rest_is_never_longer_than_the_limit_and_a_count),
        cmocka_unit_test(a_cut_frame_is_given_before_its_rest_comes),
        cmocka_unit_test(a_count_beyond_16_times_the_limit_is_text),
        cmocka_unit_test(a_finished_framer_takes_a_new_stream),
        cmocka_unit_test(a_count_is_read_whatever_its_length),
        cmocka_unit_test(a_count_read_ahead_is_of_the_bytes_that_are_there),
        cmocka_unit_test(counts_that_lie_lose_only_what_they_reach),
        cmocka_unit_test(honest_neighbours_of_a_liar_are_saved),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
