#include <math.h>

#include "scan_world.h"

/* The numbers of lines as they were found, of at most so many. */
typedef struct finds {
    lp_seq seqs[4096];
    size_t count;
    size_t limit;
} finds;

static bool take(void *ctx, const lp_record *record)
{
    finds *found = ctx;

    assert_true(found->count < found->limit);
    found->seqs[found->count] = record->seq;
    found->count++;
    return found->count < found->limit;
}

static lp_scan *scan_of(const lp_scan_where *where, finds *found)
{
    lp_scan *scan;

    found->count = 0;
    found->limit = found->limit > 0 ? found->limit : 4096;
    CHECK_OK(lp_scan_lines_create(where, take, found, NULL, &scan, NULL));
    return scan;
}

/* What is found, as text: "9 4 1". */
static const char *find(world *now, const lp_scan_where *where,
                        uint32_t lines_max)
{
    static char text[512];
    finds found = {.limit = 0};
    lp_scan *scan = scan_of(where, &found);
    size_t n = 0;

    scan_all(scan, now->channel, lines_max);
    assert_int_equal(scan_stats(scan).matched_lines, found.count);
    lp_scan_destroy(scan);
    text[0] = '\0';
    for (size_t i = 0; i < found.count; i++) {
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%d",
                              i > 0 ? " " : "", (int)found.seqs[i]);
    }
    return text;
}

#define WHERE(...) (&(lp_scan_where){__VA_ARGS__})
#define TEXT(text)               \
    {                            \
        (text), sizeof(text) - 1 \
    }

/* Which lines ------------------------------------------------------------- */

#define ID "8601b555-6a83-4c12-8269-97c8e32cdb22"

static void say_some(world *now)
{
    say_router(now, // 1
               "at=info method=GET path=\"/users/7?a=1\" host=h request_id=" ID
               " fwd=\"1.2.3.4\" dyno=web.1 connect=1ms service=18ms "
               "status=200 bytes=13");
    say(now, "app", "web.1", LP_SPAN("[" ID "] Started GET /users/7")); // 2
    say_router(now,                                                     // 3
               "at=error code=H12 desc=\"Request timeout\" method=POST "
               "path=\"/users/8\" host=h request_id=x" ID
               " dyno=web.2 connect=6ms service=30001ms status=503 bytes=0");
    say(now, "heroku", "web.2", // 4
        LP_SPAN("Error R14 (Memory quota exceeded)"));
    say_router(now, // 5
               "GET h/users/9 dyno=web.1 queue=0 wait=0ms service=381ms "
               "status=200 bytes=22849");
    say_router(now, // 6
               "at=error code=H10 desc=\"App crashed\" method=GET "
               "path=\"/\" host=h dyno= connect= service= status=503 bytes=");
    say(now, "app", "web.10", // 7
        LP_SPAN("method=GET path=/users/7 status=503 code=H12 service=18ms"));
    say(now, "app", "worker.1", LP_SPAN(""));                              // 8
    say(now, "app", "web", LP_SPAN("a\0b \xff\xfe status=\"503\" \"" ID)); // 9
}

static void lines_are_found_by_what_they_are(void **state)
{
    world now = world_of(1000);

    (void)state;
    say_some(&now);
    assert_string_equal(find(&now, WHERE(.status = 0), 100),
                        "9 8 7 6 5 4 3 2 1");
    assert_string_equal(find(&now, WHERE(.process = TEXT("web")), 100),
                        "9 7 4 2");
    assert_string_equal(find(&now, WHERE(.process = TEXT("web.1")), 100), "2");
    assert_string_equal(find(&now, WHERE(.status = 503), 100), "6 3");
    assert_string_equal(find(&now, WHERE(.status = 20), 100), "");
    assert_string_equal(find(&now, WHERE(.code = TEXT("H12")), 100), "3");
    assert_string_equal(find(&now, WHERE(.code = TEXT("R14")), 100), "4");
    assert_string_equal(find(&now, WHERE(.code = TEXT("H1")), 100), "");
    assert_string_equal(find(&now, WHERE(.route = TEXT("GET /users/:id")), 100),
                        "5 1");
    assert_string_equal(find(&now, WHERE(.route = TEXT("GET /")), 100), "6");
    assert_string_equal(find(&now, WHERE(.request_id = TEXT(ID)), 100),
                        "9 2 1");
    world_end(&now);
}

/* By the names that they have among the aggregates. */
static void requests_are_found_by_the_class_of_their_status(void **state)
{
    world now = world_of(1000);

    (void)state;
    say_some(&now);
    say_router(&now, "at=info method=GET path=\"/\" service=1ms status="); // 10
    say_router(&now, "at=info method=GET path=\"/\" service=1ms status=x");
    say_router(&now, "at=info method=GET path=\"/\" status=5000000000000");
    say_router(&now, "at=info method=GET path=\"/\" status=600"); // 13
    say_router(&now, "at=info method=GET path=\"/\" status=99");
    assert_string_equal(find(&now, WHERE(.status = LP_SCAN_STATUS_NONE), 100),
                        "11 10");
    assert_string_equal(find(&now, WHERE(.status = LP_SCAN_STATUS_OTHER), 100),
                        "14 13 12");
    assert_string_equal(find(&now, WHERE(.status = 600), 100), "13");
    say_router(&now, "at=info method=GET path=\"/\" status=599"); // 15
    say_router(&now, "at=info method=GET path=\"/\" status=0500");
    say_router(&now, "at=info method=GET path=\"/\" status=5e2");
    say_router(&now, "at=info method=GET path=\"/\" status=100");
    assert_string_equal(
        find(&now, WHERE(.status = LP_SCAN_STATUS_CLASS(5)), 100), "16 15 6 3");
    assert_string_equal(
        find(&now, WHERE(.status = LP_SCAN_STATUS_CLASS(1)), 100), "18");
    world_end(&now);
}

static void responses_are_connect_and_service(void **state)
{
    world now = world_of(1000);

    (void)state;
    say_some(&now);
    assert_string_equal(find(&now,
                             WHERE(.has_response = true, .response_min_ms = 19,
                                   .response_max_ms = 19),
                             100),
                        "1");
    assert_string_equal(find(&now,
                             WHERE(.has_response = true, .response_min_ms = 0,
                                   .response_max_ms = 1e9),
                             100),
                        "5 3 1");
    assert_string_equal(
        find(&now,
             WHERE(.has_response = true, .status = 200, .response_min_ms = 20,
                   .response_max_ms = 1e9),
             100),
        "5");
    say_router(&now, "at=error code=H18 method=GET path=\"/\" connect=7ms "
                     "service= status=503");
    assert_string_equal(find(&now,
                             WHERE(.has_response = true, .response_min_ms = 7,
                                   .response_max_ms = 7),
                             100),
                        "10");
    say_router(&now, "at=info method=GET path=\"/\" connect=7ms service=5GB");
    assert_string_equal(find(&now,
                             WHERE(.has_response = true, .response_min_ms = 5e9,
                                   .response_max_ms = 1e300),
                             100),
                        "");
    world_end(&now);
}

static void lines_are_found_by_when_and_where_they_are(void **state)
{
    world now = world_of(1000);

    (void)state;
    say_some(&now);
    for (uint32_t step = 1; step < 12; step++) {
        assert_string_equal(
            find(&now, WHERE(.first_seq = 3, .end_seq = 6), step), "5 4 3");
        assert_string_equal(find(&now, WHERE(.from_ns = 7), step), "9 8 7");
        assert_string_equal(find(&now, WHERE(.from_ns = 2, .to_ns = 4), step),
                            "3 2");
        assert_string_equal(
            find(&now, WHERE(.first_seq = 8, .end_seq = 99), step), "9 8");
        assert_string_equal(
            find(&now, WHERE(.first_seq = 50, .end_seq = 99), step), "");
        assert_string_equal(find(&now, WHERE(.from_ns = 99), step), "");
    }
    world_end(&now);
}

static void all_that_is_asked_has_to_hold(void **state)
{
    world now = world_of(1000);
    lp_filter *filter = filter_of("status>=500 !at");

    (void)state;
    say_some(&now);
    assert_string_equal(find(&now, WHERE(.filter = filter), 100), "9 7");
    assert_string_equal(
        find(&now, WHERE(.filter = filter, .process = TEXT("web.10")), 100),
        "7");
    assert_string_equal(find(&now, WHERE(.filter = filter, .status = 503), 100),
                        "");
    lp_filter_destroy(filter);
    world_end(&now);
}

/* Steps ------------------------------------------------------------------- */

static void say_numbers(world *now, uint64_t first, uint64_t last)
{
    for (uint64_t i = first; i <= last; i++) {
        char text[64];
        int n =
            snprintf(text, sizeof(text), "n=%d odd=%d", (int)i, (int)(i % 2));

        say(now, "app", "web.1", lp_span_of(text, (size_t)n));
    }
}

static void they_go_back_without_a_hole_in_steps_of_any_size(void **state)
{
    static const uint32_t steps[] = {1, 2, 7, 100, 999, 5000};
    world now = world_of(100000);
    lp_filter *filter = filter_of("odd=1");

    (void)state;
    say_numbers(&now, 1, 3000);
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        finds found = {.limit = 0};
        lp_scan *scan = scan_of(WHERE(.filter = filter), &found);
        lp_seq before = 3001;
        lp_err err = LP_OK;

        while (err == LP_OK) {
            lp_scan_stats stats;

            err = lp_scan_step(scan, now.channel, steps[i]);
            stats = scan_stats(scan);
            assert_int_equal(stats.end_seq, 3001);
            assert_true(stats.from_seq < before);
            assert_true(before - stats.from_seq <= steps[i]);
            before = stats.from_seq;
        }
        CHECK_ERR(err, LP_E_END);
        CHECK_ERR(lp_scan_step(scan, now.channel, 1), LP_E_END);
        assert_int_equal(found.count, 1500);
        for (size_t n = 0; n < found.count; n++) {
            assert_int_equal(found.seqs[n], 2999 - 2 * n);
        }
        lp_scan_destroy(scan);
    }
    lp_filter_destroy(filter);
    world_end(&now);
}

/* A quiet channel's segments are small, and there are many of them. */
static void blocks_of_many_runs_are_seen_as_a_whole(void **state)
{
    static char text[3000];
    world now = world_of(3000);
    finds found = {.limit = 0};
    lp_scan *scan;

    (void)state;
    memset(text, 'x', sizeof(text));
    for (int i = 0; i < 2500; i++) {
        say(&now, "app", "web.1", lp_span_of(text, (size_t)i));
    }
    scan = scan_of(WHERE(.status = 0), &found);
    scan_all(scan, now.channel, 1000000);
    assert_int_equal(found.count, 2500);
    for (size_t n = 0; n < found.count; n++) {
        assert_int_equal(found.seqs[n], 2500 - n);
    }
    lp_scan_destroy(scan);
    world_end(&now);
}

static void enough_is_enough(void **state)
{
    world now = world_of(10000);
    finds found = {.limit = 3};
    lp_scan *scan;

    (void)state;
    say_numbers(&now, 1, 1000);
    scan = scan_of(WHERE(.status = 0), &found);
    CHECK_ERR(lp_scan_step(scan, now.channel, 500), LP_E_END);
    assert_int_equal(found.count, 3);
    assert_int_equal(scan_stats(scan).from_seq, 998);
    assert_int_equal(scan_stats(scan).evicted_lines, 0);
    assert_true(scan_stats(scan).is_complete);
    lp_scan_destroy(scan);
    world_end(&now);
}

static void what_comes_meanwhile_is_not_looked_at(void **state)
{
    world now = world_of(10000);
    finds found = {.limit = 0};
    lp_scan *scan;

    (void)state;
    say_numbers(&now, 1, 100);
    scan = scan_of(WHERE(.status = 0), &found);
    CHECK_OK(lp_scan_step(scan, now.channel, 10));
    say_numbers(&now, 101, 200);
    scan_all(scan, now.channel, 10);
    assert_int_equal(found.count, 100);
    assert_int_equal(scan_stats(scan).end_seq, 101);
    lp_scan_destroy(scan);
    world_end(&now);
}

static void what_goes_meanwhile_is_counted(void **state)
{
    world now = world_of(100);
    finds found = {.limit = 0};
    lp_scan_stats stats;
    lp_scan *scan;

    (void)state;
    say_numbers(&now, 1, 1000);
    scan = scan_of(WHERE(.first_seq = 1), &found);
    CHECK_OK(lp_scan_step(scan, now.channel, 10));
    say_numbers(&now, 1001, 3000);
    scan_all(scan, now.channel, 10);
    stats = scan_stats(scan);
    assert_int_equal(found.count, 10);
    assert_int_equal(stats.from_seq, 991);
    assert_int_equal(stats.evicted_lines, 990);
    lp_scan_destroy(scan);
    scan = scan_of(WHERE(.status = 0), &found);
    scan_all(scan, now.channel, 10);
    stats = scan_stats(scan);
    assert_int_equal(stats.evicted_lines,
                     ring_stats(now.channel).oldest_seq - 1);
    assert_int_equal(found.count, ring_stats(now.channel).resident_lines);
    lp_scan_destroy(scan);
    world_end(&now);
}

/* Wherever a step is ended, the next one goes on without a hole. */
static void a_step_may_be_ended_in_the_middle(void **state)
{
    world now = world_of(10000);

    (void)state;
    say_numbers(&now, 1, 1000);
    for (uint64_t each = 1; each < 50; each += 7) {
        finds found = {.limit = 0};
        patience it = {.enough_each = each};
        lp_scan *scan = scan_of(WHERE(.first_seq = 3, .end_seq = 990), &found);
        uint64_t steps = 1; // and the one that is under way

        lp_scan_ask(scan, is_enough, &it);
        while (lp_scan_step(scan, now.channel, 5000) == LP_OK) {
            lp_scan_stats stats = scan_stats(scan);

            // Less where a segment ends.
            assert_in_range(stats.scanned_lines, steps * each,
                            steps * each * LP_SCAN_ASKS_EACH);
            assert_false(stats.is_complete);
            steps++;
        }
        assert_true(steps >= 987 / (each * LP_SCAN_ASKS_EACH));
        assert_int_equal(found.count, 987);
        for (size_t n = 0; n < found.count; n++) {
            assert_int_equal(found.seqs[n], 989 - n);
        }
        lp_scan_destroy(scan);
    }
    world_end(&now);
}

/* What a scan says of itself when all has been looked at. Lines arrive at their
 * numbers. */
static lp_scan_stats told_of(world *now, const lp_scan_where *where)
{
    finds found = {.limit = 0};
    lp_scan *scan = scan_of(where, &found);
    lp_scan_stats stats;

    scan_all(scan, now->channel, 10);
    stats = scan_stats(scan);
    lp_scan_destroy(scan);
    return stats;
}

static void what_may_be_gone_of_a_time_is_told(void **state)
{
    world now = world_of(100);
    lp_scan_stats stats;
    lp_seq oldest;

    (void)state;
    say_numbers(&now, 1, 3000);
    // What lies over the history goes with the first reader.
    told_of(&now, WHERE(.from_ns = 1));
    oldest = ring_stats(now.channel).oldest_seq;
    assert_true(oldest > 100);
    // It begins before the oldest line did, or just then.
    for (int64_t back = 0; back < 2; back++) {
        stats = told_of(&now, WHERE(.from_ns = (int64_t)oldest - back));
        assert_int_equal(stats.evicted_lines, oldest - 1);
        assert_int_equal(stats.from_seq, oldest);
        assert_int_equal(stats.from_ns, oldest);
    }
    stats = told_of(&now, WHERE(.from_ns = (int64_t)oldest + 1));
    assert_int_equal(stats.evicted_lines, 0);
    assert_int_equal(stats.from_ns, oldest + 1);
    stats = told_of(&now, WHERE(.from_ns = 1, .first_seq = oldest - 7));
    assert_int_equal(stats.evicted_lines, 7);
    stats =
        told_of(&now, WHERE(.first_seq = oldest - 7, .floor_seq = oldest + 5));
    assert_int_equal(stats.evicted_lines, 7);
    assert_int_equal(stats.hidden_lines, 5);
    assert_int_equal(stats.from_seq, oldest + 5);
    stats = told_of(&now, WHERE(.from_ns = 5000));
    assert_int_equal(stats.evicted_lines, 0);
    assert_int_equal(stats.from_ns, 0);
    world_end(&now);
}

static void what_is_hidden_is_told_apart_from_what_is_gone(void **state)
{
    world now = world_of(100);
    lp_scan_stats stats;

    (void)state;
    say_numbers(&now, 1, 50);
    stats = told_of(&now, WHERE(.floor_seq = 21));
    assert_int_equal(stats.hidden_lines, 20);
    assert_int_equal(stats.evicted_lines, 0);
    assert_int_equal(stats.from_seq, 21);
    assert_int_equal(stats.scanned_lines, 30);
    stats = told_of(&now, WHERE(.floor_seq = 21, .first_seq = 11));
    assert_int_equal(stats.hidden_lines, 10);
    stats = told_of(&now, WHERE(.floor_seq = 21, .first_seq = 31));
    assert_int_equal(stats.hidden_lines, 0);
    assert_int_equal(stats.scanned_lines, 20);
    // Those in front of a time are known to be, if they are still there.
    stats = told_of(&now, WHERE(.floor_seq = 21, .from_ns = 11));
    assert_int_equal(stats.hidden_lines, 10);
    stats = told_of(&now, WHERE(.floor_seq = INT64_MAX, .end_seq = 5));
    assert_int_equal(stats.hidden_lines, 4);
    assert_int_equal(stats.scanned_lines, 0);
    world_end(&now);
}

static void an_empty_channel_has_nothing(void **state)
{
    world now = world_of(100);

    (void)state;
    assert_string_equal(find(&now, WHERE(.status = 0), 10), "");
    assert_string_equal(find(&now, WHERE(.from_ns = 1), 10), "");
    world_end(&now);
}

/* Making one -------------------------------------------------------------- */

static void what_makes_no_sense_is_refused_in_words(void **state)
{
    static char text[LP_SCAN_TEXT_MAX_BYTES + 1];
    const lp_scan_where wrong[] = {
        {.process = {text, sizeof(text)}},
        {.request_id = {text, sizeof(text)}},
        {.status = LP_SCAN_STATUS_CLASS(6)},
        {.has_response = true, .response_min_ms = 2, .response_max_ms = 1},
        {.has_response = true, .response_min_ms = (double)NAN},
        {.first_seq = 5, .end_seq = 4},
        {.from_ns = 5, .to_ns = 4},
    };
    finds found = {.limit = 1};
    lp_scan *scan;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        const char *why = NULL;

        CHECK_ERR(
            lp_scan_lines_create(&wrong[i], take, &found, NULL, &scan, &why),
            LP_E_INVALID);
        assert_true(why != NULL && strlen(why) > 10);
        CHECK_ERR(
            lp_scan_lines_create(&wrong[i], take, &found, NULL, &scan, NULL),
            LP_E_INVALID);
    }
    scan = scan_of(WHERE(.status = 0), &found);
    CHECK_ERR(lp_scan_step(scan, NULL, 0), LP_E_INVALID);
    lp_scan_destroy(scan);
    lp_scan_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_found_by_what_they_are),
        cmocka_unit_test(requests_are_found_by_the_class_of_their_status),
        cmocka_unit_test(responses_are_connect_and_service),
        cmocka_unit_test(lines_are_found_by_when_and_where_they_are),
        cmocka_unit_test(all_that_is_asked_has_to_hold),
        cmocka_unit_test(they_go_back_without_a_hole_in_steps_of_any_size),
        cmocka_unit_test(blocks_of_many_runs_are_seen_as_a_whole),
        cmocka_unit_test(enough_is_enough),
        cmocka_unit_test(what_comes_meanwhile_is_not_looked_at),
        cmocka_unit_test(what_goes_meanwhile_is_counted),
        cmocka_unit_test(a_step_may_be_ended_in_the_middle),
        cmocka_unit_test(what_may_be_gone_of_a_time_is_told),
        cmocka_unit_test(what_is_hidden_is_told_apart_from_what_is_gone),
        cmocka_unit_test(an_empty_channel_has_nothing),
        cmocka_unit_test(what_makes_no_sense_is_refused_in_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
