/* test_aggregate_series.c - which series there are, and what is counted in the
 * other rows when there are too many. */
#include "aggregate_world.h"
#include "gather.h"

static void say(world *w, double second, const char *source,
                const char *process, const char *msg)
{
    world_say_at(w, at(second), source, process, msg);
    world_read(w, 0);
}

static lp_aggregate_row row_named(world *w, lp_dimension dimension,
                                  const char *name, const char *of)
{
    return find_row(w, dimension, name, of).row;
}

static uint64_t count_of(world *w, lp_dimension dimension, const char *name,
                         const char *of)
{
    return row_named(w, dimension, name, of).count;
}

/* What is counted ----------------------------------------------------------- */

static void a_request_without_times_counts_and_makes_nobody_faster(void **state)
{
    request timeless = plain;
    lp_aggregate_row row;
    world w;

    (void)state;
    world_open(&w, NULL);
    timeless.process = "";
    timeless.status = 503;
    timeless.code = "H10";
    timeless.connect = -1;
    timeless.service = -1;
    world_request(&w, at(0), &plain);
    world_request(&w, at(0), &timeless);
    world_read(&w, 0);
    lp_aggregate_tick(w.aggregate, at(1));
    row = row_named(&w, LP_DIM_TOTAL, "", NULL);
    assert_int_equal(row.count, 2);
    assert_int_equal(row.value_count, 1);
    assert_int_equal(row.failed, 1);
    assert_true(row.min == 10 && row.max == 10 && row.sum == 10);
    assert_true(find_row(&w, LP_DIM_TOTAL, "", NULL).median == 10);
    row = row_named(&w, LP_DIM_PROCESS, "", NULL);
    assert_int_equal(row.count, 1);
    assert_int_equal(row.value_count, 0);
    assert_null(row.sketch);
    assert_int_equal(count_of(&w, LP_DIM_STATUS, "503", NULL), 1);
    assert_int_equal(count_of(&w, LP_DIM_CODE, "H10", NULL), 1);
    world_close(&w);
}

/* In one run, so that it comes while requests are being counted; and in ever more
 * buckets. The last one is beyond all. */
static void
what_the_platform_calls_as_the_router_does_is_counted_among_it(void **state)
{
    enum { REQUESTS = 3000 };
    lp_aggregate_row row;
    request r = plain;
    char msg[64];
    world w;

    (void)state;
    world_open(&w, NULL);
    for (int i = 0; i < REQUESTS; i++) {
        int value = i % 3 == 0 ? 0 : 1 << i / 200;

        r.connect = i % 200;
        r.bytes = value;
        world_request(&w, at(i / 2000), &r);
        snprintf(msg, sizeof(msg), "measure#router.connect=%dms", value);
        fact_line(&w, "web.1",
                  world_say_at(&w, at(i / 2000), "heroku", "web.1", msg));
        add_fact(&w, LP_DIM_MEASURE, "router.connect", NULL, value, false);
        fact_line(&w, "web.1",
                  world_say_at(&w, at(i / 2000), "app", "web.1", "words"));
    }
    world_read(&w, 0);
    lp_aggregate_tick(w.aggregate, at(2));
    assert_int_equal(compare_tier(&w, LP_TIER_SECONDS).windows, 2);
    row = row_named(&w, LP_DIM_MEASURE, "router.connect", NULL);
    assert_int_equal(row.newest[0], w.lines - 1);
    assert_int_equal(row.newest[1], w.lines - 2);
    row = row_named(&w, LP_DIM_MEASURE, "router.bytes", NULL);
    assert_int_equal(row.newest[0], w.lines - 2);
    assert_int_equal(row.newest[1], w.lines - 5);
    row = row_named(&w, LP_DIM_LINES, "router", NULL);
    assert_int_equal(row.newest[0], w.lines - 2);
    world_close(&w);
}

static void what_is_no_status_has_one_row(void **state)
{
    static const int statuses[] = {0, 100, 599, 7, 99, 600, 12345};
    static const char *const names[] = {"", "100", "599"};
    world w;

    (void)state;
    world_open(&w, NULL);
    for (int i = 0; i < 7; i++) {
        request r = plain;

        r.status = statuses[i];
        world_request(&w, at(0), &r);
    }
    world_read(&w, 0);
    say(&w, 0, "heroku", "router",
        "at=info method=GET path=\"/\" dyno=web.1 status=5000000000000");
    lp_aggregate_tick(w.aggregate, at(1));
    for (int i = 0; i < 3; i++) {
        assert_int_equal(count_of(&w, LP_DIM_STATUS, names[i], NULL), 1);
    }
    assert_int_equal(count_of(&w, LP_DIM_STATUS, "other", NULL), 5);
    assert_int_equal(row_named(&w, LP_DIM_TOTAL, "", NULL).failed, 4);
    world_close(&w);
}

static void a_dynos_samples_count_for_all_and_for_itself(void **state)
{
    lp_aggregate_row row;
    world w;

    (void)state;
    world_open(&w, NULL);
    say(&w, 0, "heroku", "web.1",
        "source=web.1 dyno=heroku.1.2 sample#memory_total=10.00MB");
    say(&w, 0, "heroku", "web.2",
        "source=web.2 dyno=heroku.1.3 sample#memory_total=30.00MB");
    say(&w, 0, "heroku", "web.3", "Process running mem=512MB(100.0%)");
    lp_aggregate_tick(w.aggregate, at(1));
    row = row_named(&w, LP_DIM_MEASURE, "memory_total", NULL);
    assert_int_equal(row.count, 2);
    assert_true(row.sum == 40 * 1048576.0 && row.max == 30 * 1048576.0);
    assert_true(row.is_platform && row.unit == LP_UNIT_BYTES);
    assert_int_equal(row.op, LP_OP_SAMPLE);
    row = row_named(&w, LP_DIM_MEASURE, "memory_total", "web.1");
    assert_int_equal(row.count, 1);
    assert_true(row.last == 10 * 1048576.0 && row.sketch == NULL);
    assert_int_equal(count_of(&w, LP_DIM_MEASURE, "mem", NULL), 1);
    assert_int_equal(count_of(&w, LP_DIM_MEASURE, "mem", "web.3"), 0);
    world_close(&w);
}

/* A process's memory and load have a history, and no series of their own: they go
 * with its lines. */
static void memory_and_load_of_a_process_are_told_in_each_window(void **state)
{
    lp_aggregate_row row;
    uint32_t series;
    world w;

    (void)state;
    world_open(&w, NULL);
    // Its lines come from elsewhere, as of the platform's old form.
    say(&w, 0, "heroku", "web.1", "source=web.1 sample#memory_total=10.00MB");
    series = world_stats(&w).series;
    say(&w, 0, "heroku", "web.1", "source=web.1 sample#memory_total=20.00MB");
    say(&w, 1, "heroku", "web.1", "source=web.1 sample#load_avg_1m=0.5");
    say(&w, 2, "heroku", "web.1", "source=web.1 sample#load_avg_1m=1.5");
    say(&w, 2, "heroku", "api", "source=web.9 sample#load_avg_1m=9.5");
    lp_aggregate_tick(w.aggregate, at(60));
    row = row_named(&w, LP_DIM_MEASURE, "memory_total", "web.1");
    assert_int_equal(row.count, 2);
    assert_true(row.min == 10 * 1048576.0 && row.max == 20 * 1048576.0);
    assert_true(row.sum == 30 * 1048576.0 && row.last == 20 * 1048576.0);
    assert_int_equal(row.newest[0], 2);
    assert_int_equal(row.newest[1], 1);
    row = row_named(&w, LP_DIM_MEASURE, "load_avg_1m", "web.1");
    assert_int_equal(row.count, 2);
    assert_true(row.sum == 2 && row.min == 0.5 && row.max == 1.5);
    assert_true(row.is_platform && row.unit == LP_UNIT_NONE);
    assert_true(row_named(&w, LP_DIM_MEASURE, "load_avg_1m", "web.9").last ==
                9.5);
    // One more of all, and the lines of web.9 and of who said so.
    assert_int_equal(world_stats(&w).series, series + 3);
    assert_int_equal(count_of(&w, LP_DIM_LINES, "web.9", NULL), 0);
    world_close(&w);
}

static double sample_of(const world *w, const char *process, lp_gauge which)
{
    lp_aggregate_process of;

    if (!lp_aggregate_process_get(w->aggregate, lp_span_str(process), &of) ||
        of.samples[which].at_s == INT64_MIN) {
        return (double)NAN;
    }
    return of.samples[which].value;
}

static void other_samples_of_a_process_are_kept_as_the_newest(void **state)
{
    lp_aggregate_process of;
    world w;

    (void)state;
    world_open(&w, NULL);
    assert_false(lp_aggregate_process_get(w.aggregate, LP_SPAN("web.1"), &of));
    say(&w, 0, "heroku", "web.1",
        "source=web.1 sample#memory_rss=1.00MB sample#memory_cache=2.00MB "
        "sample#memory_swap=3.00MB sample#memory_quota=4.00MB "
        "sample#memory_pgpgin=5pages");
    say(&w, 0, "heroku", "web.1",
        "source=web.1 sample#load_avg_5m=6 sample#load_avg_15m=7");
    say(&w, 20, "heroku", "web.1", "source=web.1 sample#memory_rss=9.00MB");
    // An application does not say how much its dyno may have.
    say(&w, 20, "app", "web.1", "source=web.1 sample#memory_quota=1.00MB");
    assert_true(sample_of(&w, "web.1", LP_GAUGE_MEMORY_RSS) == 9 * 1048576.0);
    assert_true(sample_of(&w, "web.1", LP_GAUGE_MEMORY_CACHE) == 2 * 1048576.0);
    assert_true(sample_of(&w, "web.1", LP_GAUGE_MEMORY_SWAP) == 3 * 1048576.0);
    assert_true(sample_of(&w, "web.1", LP_GAUGE_MEMORY_QUOTA) == 4 * 1048576.0);
    assert_true(sample_of(&w, "web.1", LP_GAUGE_LOAD_5M) == 6);
    assert_true(sample_of(&w, "web.1", LP_GAUGE_LOAD_15M) == 7);
    assert_true(isnan(sample_of(&w, "web.2", LP_GAUGE_LOAD_15M)));
    assert_true(lp_aggregate_process_get(w.aggregate, LP_SPAN("web.1"), &of));
    assert_int_equal(of.samples[LP_GAUGE_MEMORY_RSS].at_s, begin_s + 20);
    assert_int_equal(of.samples[LP_GAUGE_MEMORY_QUOTA].at_s, begin_s);
    // They step back with the clock.
    say(&w, -595, "heroku", "api", "hello");
    lp_aggregate_process_get(w.aggregate, LP_SPAN("web.1"), &of);
    assert_int_equal(of.samples[LP_GAUGE_MEMORY_RSS].at_s, begin_s + 20 - 660);
    lp_aggregate_tick(w.aggregate, at(-594));
    assert_int_equal(count_of(&w, LP_DIM_MEASURE, "memory_rss", NULL), 2);
    assert_int_equal(count_of(&w, LP_DIM_MEASURE, "memory_rss", "web.1"), 0);
    world_close(&w);
}

/* What has no room is in the other row of processes' measures. */
static void samples_of_too_many_processes_are_counted_together(void **state)
{
    uint64_t named = 0;
    world w;

    (void)state;
    world_open_of(&w, 0, LP_AGGREGATE_SERIES_MAX_LEAST);
    for (int i = 0; i < 40; i++) {
        char msg[64], process[16];

        snprintf(process, sizeof(process), "web.%d", i);
        snprintf(msg, sizeof(msg), "source=%s sample#load_avg_1m=1", process);
        say(&w, 0, "heroku", process, msg);
    }
    lp_aggregate_tick(w.aggregate, at(1));
    for (int i = 0; i < 40; i++) {
        char process[16];

        snprintf(process, sizeof(process), "web.%d", i);
        named += count_of(&w, LP_DIM_MEASURE, "load_avg_1m", process);
    }
    assert_in_range(named, 1, LP_AGGREGATE_SERIES_MAX_LEAST);
    assert_int_equal(count_of(&w, LP_DIM_MEASURE, NULL, ""), 40 - named);
    world_close(&w);
}

static void a_convention_is_counted_of_its_source_or_of_all(void **state)
{
    lp_aggregate_row row;
    world w;

    (void)state;
    world_open(&w, NULL);
    say(&w, 0, "app", "web.1", "measure#db=5ms count#rows=3 unique#user=bob");
    say(&w, 0, "app", "web.2", "measure#db=7ms source=replica");
    say(&w, 0, "app", "web.2", "sample#db=9");
    lp_aggregate_tick(w.aggregate, at(1));
    row = row_named(&w, LP_DIM_MEASURE, "rows", NULL);
    assert_true(row.sum == 3 && row.op == LP_OP_COUNT && row.sketch == NULL);
    assert_false(row.is_platform);
    assert_int_equal(count_of(&w, LP_DIM_MEASURE, "user", NULL), 1);
    assert_int_equal(count_of(&w, LP_DIM_MEASURE, "db", "replica"), 1);
    // A sample is not a measure, though it has the same name.
    assert_int_equal(sum_dimension(&w, LP_DIM_MEASURE).rows, 4);
    world_close(&w);
}

/* Words of an application are none of the platform's. */
static void an_application_does_not_measure_what_the_router_does(void **state)
{
    lp_aggregate_row row;
    dimension_sum sum;
    world w;

    (void)state;
    world_open(&w, NULL);
    say(&w, 0, "app", "web.1", "measure#router.service=1ms");
    lp_aggregate_tick(w.aggregate, at(1));
    row = row_named(&w, LP_DIM_MEASURE, "router.service", NULL);
    assert_int_equal(row.count, 1);
    assert_false(row.is_platform);
    world_request(&w, at(1), &plain);
    world_read(&w, 0);
    lp_aggregate_tick(w.aggregate, at(2));
    sum = sum_dimension(&w, LP_DIM_MEASURE);
    assert_int_equal(sum.rows, 4); // connect, service, bytes; and theirs
    assert_int_equal(sum.count, 4);
    world_close(&w);
}

static void what_happens_to_dynos_is_counted_by_name(void **state)
{
    world w;

    (void)state;
    world_open(&w, NULL);
    say(&w, 0, "heroku", "web.1", "State changed from up to crashed");
    say(&w, 0, "heroku", "web.1", "Process exited with status 137");
    say(&w, 0, "heroku", "web.2", "Cycling");
    say(&w, 0, "heroku", "web.2", "Stopping all processes with SIGTERM");
    say(&w, 0, "heroku", "web.2", "Starting process with command `run`");
    say(&w, 0, "heroku", "web.2", "Error R14 (Memory quota exceeded)");
    say(&w, 0, "app", "web.2", "State changed from up to crashed");
    lp_aggregate_tick(w.aggregate, at(1));
    assert_int_equal(count_of(&w, LP_DIM_EVENT, "crashed", NULL), 1);
    assert_int_equal(count_of(&w, LP_DIM_EVENT, "exited", NULL), 1);
    assert_int_equal(count_of(&w, LP_DIM_EVENT, "restarted", NULL), 1);
    assert_int_equal(count_of(&w, LP_DIM_EVENT, "stopped", NULL), 1);
    assert_int_equal(count_of(&w, LP_DIM_EVENT, "started", NULL), 1);
    assert_int_equal(sum_dimension(&w, LP_DIM_EVENT).count, 5);
    assert_int_equal(count_of(&w, LP_DIM_CODE, "R14", NULL), 1);
    assert_int_equal(count_of(&w, LP_DIM_CODE, "R14", "web.2"), 1);
    assert_int_equal(row_named(&w, LP_DIM_CODE, "R14", NULL).value_count, 0);
    world_close(&w);
}

/* TIME is that of the sender, and only shown. */
static void one_line_a_second_of_each_process_shows_its_skew(void **state)
{
    static const char frame[] = "<134>1 2025-11-26T04:14:58.5+00:00 host app "
                                "web.1 - - hello";
    lp_render_scratch scratch;
    lp_line line;
    lp_syslog msg;
    lp_aggregate_process of;
    lp_aggregate_row row;
    world w;

    (void)state;
    world_open(&w, NULL);
    CHECK_OK(lp_syslog_parse(lp_span_str(frame), &msg, NULL));
    for (int i = 0; i < 5; i++) {
        memset(&line, 0, sizeof(line));
        line.arrival_ns = at(i / 3); // 04:15:00 and a second later
        CHECK_OK(lp_render_line(&msg, lp_span_of(NULL, 0), &scratch, &line));
        CHECK_OK(lp_channel_append(w.channel, &line, NULL));
        w.lines++;
    }
    world_read(&w, 0);
    lp_aggregate_tick(w.aggregate, at(2));
    row = row_named(&w, LP_DIM_SKEW, "", NULL);
    assert_int_equal(row.count, 2);
    assert_true(row.min == 1500 && row.max == 2500 && row.sum == 4000);
    assert_true(lp_aggregate_process_get(w.aggregate, LP_SPAN("web.1"), &of));
    assert_int_equal(of.skew_count, 2);
    assert_true(of.skew_min_ms == 1500 && of.skew_max_ms == 2500 &&
                of.skew_sum_ms == 4000);
    assert_int_equal(of.skew_until_s, begin_s + 60);
    assert_int_equal(count_of(&w, LP_DIM_LINES, "web.1", NULL), 5);
    world_close(&w);
}

/* What can't be ----------------------------------------------------------- */

/* Each of these is in no sum, and its request is counted without a time when it is
 * a part of that. */
static void a_value_that_its_measure_cannot_have_is_in_no_sum(void **state)
{
    static const char *const odd[] = {
        "connect=1ms service=5GB status=200 bytes=10",
        "connect=1ms service=-5ms status=200 bytes=10",
        "connect=1ms service=1e18 status=200 bytes=10",
        "connect=7foo service=5ms status=200 bytes=10",
        "connect=1ms service=5ms status=200 bytes=10ms",
        "connect=1ms service=5ms status=200 bytes=-1",
        "wait=3% connect=1ms service=5ms status=200 bytes=10",
        "queue=9ms connect=1ms service=5ms status=200 bytes=10"};
    enum { ODD = sizeof(odd) / sizeof(odd[0]), TIMELESS = 4 };
    lp_aggregate_row row;
    world w;

    (void)state;
    world_open(&w, NULL);
    for (int i = 0; i < ODD; i++) {
        char msg[256];

        assert_int_equal(world_stats(&w).odd_values, i);
        snprintf(msg, sizeof(msg),
                 "at=info method=GET path=\"/\" dyno=web.1 %s", odd[i]);
        say(&w, 0, "heroku", "router", msg);
        assert_int_equal(world_stats(&w).odd_seq, i + 1);
    }
    assert_int_equal(world_stats(&w).odd_values, ODD);
    lp_aggregate_tick(w.aggregate, at(1));
    row = row_named(&w, LP_DIM_TOTAL, "", NULL);
    assert_int_equal(row.count, ODD);
    assert_int_equal(row.value_count, ODD - TIMELESS);
    assert_true(row.min == 6 && row.max == 6);
    row = row_named(&w, LP_DIM_MEASURE, "router.service", NULL);
    assert_true(row.count == ODD - 3 && row.min == 5 && row.max == 5);
    row = row_named(&w, LP_DIM_MEASURE, "router.connect", NULL);
    assert_true(row.count == ODD - 1 && row.max == 1);
    row = row_named(&w, LP_DIM_MEASURE, "router.bytes", NULL);
    assert_true(row.count == ODD - 2 && row.min == 10 && row.max == 10);
    assert_int_equal(count_of(&w, LP_DIM_MEASURE, "router.wait", NULL), 0);
    assert_int_equal(count_of(&w, LP_DIM_MEASURE, "router.queue", NULL), 0);
    world_close(&w);
}

static void a_sample_that_no_dyno_has_is_in_no_sum(void **state)
{
    lp_aggregate_row row;
    world w;

    (void)state;
    world_open(&w, NULL);
    say(&w, 0, "heroku", "web.1",
        "source=web.1 sample#memory_total=9.00MB sample#memory_rss=1ms "
        "sample#memory_quota=-1MB sample#load_avg_1m=-2 "
        "sample#memory_pgpgin=7pages sample#memory_pgpgout=7MB");
    say(&w, 0, "heroku", "web.1", "source=web.1 sample#memory_total=21");
    say(&w, 0, "heroku", "web.1", "source=web.1 sample#memory_total=1e9TB");
    // An application's measures are its own affair.
    say(&w, 0, "app", "web.1", "sample#memory_total=-21 measure#service=5GB");
    lp_aggregate_tick(w.aggregate, at(1));
    assert_int_equal(world_stats(&w).odd_values, 6);
    row = row_named(&w, LP_DIM_MEASURE, "memory_total", "web.1");
    assert_true(row.count == 1 && row.max == 9 * 1048576.0);
    assert_int_equal(count_of(&w, LP_DIM_MEASURE, "memory_pgpgin", NULL), 1);
    assert_int_equal(count_of(&w, LP_DIM_MEASURE, "memory_pgpgout", NULL), 0);
    assert_int_equal(count_of(&w, LP_DIM_MEASURE, "load_avg_1m", NULL), 0);
    assert_true(isnan(sample_of(&w, "web.1", LP_GAUGE_MEMORY_RSS)));
    assert_true(isnan(sample_of(&w, "web.1", LP_GAUGE_MEMORY_QUOTA)));
    world_close(&w);
}

typedef struct unit_rows {
    char text[512];
} unit_rows;

static void list_units(void *ctx, const lp_aggregate_window *window,
                       const lp_aggregate_row *rows, size_t count)
{
    unit_rows *found = ctx;

    (void)window;
    for (size_t i = 0; i < count; i++) {
        size_t n = strlen(found->text);

        snprintf(found->text + n, sizeof(found->text) - n, "%g %u:%.*s, ",
                 rows[i].sum, rows[i].unit, (int)rows[i].unit_text.len_bytes,
                 rows[i].unit_text.ptr);
    }
}

static void units_are_never_added_up_together(void **state)
{
    lp_aggregate_select measures = {1U << LP_DIM_MEASURE, {NULL, 0}, {NULL, 0}};
    unit_rows found = {.text = ""};
    world w;

    (void)state;
    world_open(&w, NULL);
    say(&w, 0, "app", "web.1", "measure#x=1 measure#x=2ms measure#x=4B");
    say(&w, 0, "app", "web.1", "measure#x=8req/s measure#x=16foo");
    say(&w, 1, "app", "web.1", "measure#x=32foo measure#x=64req/s");
    say(&w, 1, "app", "web.1",
        "measure#x=128abcdefghijklmnopqrst measure#x=256abcdefghijklmnop");
    lp_aggregate_tick(w.aggregate, at(2));
    CHECK_OK(lp_aggregate_total(w.aggregate, begin_s, begin_s + 2, &measures,
                                list_units, &found));
    assert_string_equal(found.text, "1 0:, 2 1:, 4 2:, 72 5:req/s, 48 5:foo, "
                                    "384 5:abcdefghijklmnop, ");
    world_close(&w);
}

/* Classes ----------------------------------------------------------------- */

static void copy_window(void *ctx, const lp_aggregate_window *window,
                        const lp_aggregate_row *rows, size_t count)
{
    (void)rows;
    (void)count;
    *(lp_aggregate_window *)ctx = *window;
}

/* Far more statuses than rows, in memory that is too small for any detail. */
static void classes_are_exact_with_any_number_of_statuses(void **state)
{
    uint64_t wanted[LP_STATUS_CLASSES] = {0};
    lp_aggregate_window window;
    world w;

    (void)state;
    world_open_of(&w, LP_AGGREGATE_BYTES_MAX_LEAST,
                  LP_AGGREGATE_SERIES_MAX_LEAST);
    for (int i = 0; i < 40000; i++) {
        request r = plain;

        r.status = i % 700;
        world_request(&w, at(i / 10), &r);
        wanted[r.status == 0                      ? LP_STATUS_NONE
               : r.status < 100 || r.status > 599 ? LP_STATUS_OTHER
                                                  : (unsigned)r.status / 100]++;
    }
    say(&w, 4000, "heroku", "router",
        "at=info method=GET path=\"/\" dyno=web.1 status=0");
    wanted[LP_STATUS_OTHER]++;
    lp_aggregate_tick(w.aggregate, at(4001));
    assert_true(count_of(&w, LP_DIM_STATUS, NULL, NULL) > 20000);
    CHECK_OK(lp_aggregate_total(w.aggregate, begin_s, begin_s + 4001, NULL,
                                copy_window, &window));
    assert_true(window.detail >= LP_DETAIL_CORE);
    assert_memory_equal(window.classes, wanted, sizeof(wanted));
    world_close(&w);
}

static void a_long_name_is_cut(void **state)
{
    char msg[512] = "count#";
    char name[LP_AGGREGATE_NAME_MAX_BYTES + 1] = "";
    world w;

    (void)state;
    world_open(&w, NULL);
    memset(msg + 6, 'n', 300);
    memset(name, 'n', sizeof(name) - 1);
    say(&w, 0, "app", "web.1", msg);
    lp_aggregate_tick(w.aggregate, at(1));
    assert_int_equal(count_of(&w, LP_DIM_MEASURE, name, NULL), 1);
    world_close(&w);
}

static void spell(char *out, size_t max, size_t letters, const char *text)
{
    assert_true(letters < max);
    memset(out, 'a', letters);
    snprintf(out + letters, max - letters, "%s", text);
}

/* What a name of so many a's and a text behind them becomes, counted twice. */
static void assert_becomes(const char *text, size_t letters, const char *wanted,
                           size_t wanted_letters)
{
    char msg[512] = "count#";
    char name[LP_AGGREGATE_NAME_MAX_BYTES + 1];
    world w;

    world_open(&w, NULL);
    spell(msg + 6, sizeof(msg) - 6, letters, text);
    spell(name, sizeof(name), wanted_letters, wanted);
    say(&w, 0, "app", "web.1", msg);
    say(&w, 1, "app", "web.1", msg);
    lp_aggregate_tick(w.aggregate, at(2));
    assert_int_equal(count_of(&w, LP_DIM_MEASURE, name, NULL), 2);
    world_close(&w);
}

static void a_name_is_text_and_cut_between_characters(void **state)
{
    (void)state;
    assert_becomes("\xc3\xa9", 4, "\xc3\xa9", 4);
    assert_becomes("\xf0\x9f\x98\x80", 92, "\xf0\x9f\x98\x80", 92);
    assert_becomes("\xf0\x9f\x98\x80", 93, "", 93);
    assert_becomes("\xc3\xa9", 95, "", 95);
    assert_becomes("\xff", 93, "\xef\xbf\xbd", 93);
    assert_becomes("\xff", 94, "", 94);
    assert_becomes("\xed\xa0\x80", 1, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd",
                   1);
    assert_becomes("\xe2\x82", 9, "\xef\xbf\xbd\xef\xbf\xbd", 9);
    assert_becomes("\x7f", 7, "\xef\xbf\xbd", 7);
    assert_becomes("\x7f"
                   "aaaaaaa",
                   0,
                   "\xef\xbf\xbd"
                   "aaaaaaa",
                   0);
}

static void names_that_would_be_shown_as_the_same_are_one(void **state)
{
    world w;

    (void)state;
    world_open(&w, NULL);
    say(&w, 0, "app", "web\xff", "count#a\xfe=1");
    say(&w, 0, "app", "web\xfe", "count#a\xff=1");
    say(&w, 0, "app", "web\xef\xbf\xbd", "count#a\xef\xbf\xbd=1");
    say(&w, 0, "heroku", "web.1", "State changed from up to \xff");
    say(&w, 0, "heroku", "web.1", "State changed from up to \xfe");
    lp_aggregate_tick(w.aggregate, at(1));
    assert_int_equal(count_of(&w, LP_DIM_LINES, "web\xef\xbf\xbd", NULL), 3);
    assert_int_equal(count_of(&w, LP_DIM_MEASURE, "a\xef\xbf\xbd", NULL), 3);
    assert_int_equal(count_of(&w, LP_DIM_EVENT, "\xef\xbf\xbd", NULL), 2);
    world_close(&w);
}

/* Of a length, and one letter of its own: the first or the last. */
static void make_path(char *path, size_t n, size_t which)
{
    for (size_t i = 0; i < n; i++) {
        path[i] = i % 5 == 0 ? '/' : (char)('a' + i % 7);
    }
    path[n] = '\0';
    path[which < 2 ? 1 : n - 1] = "wxyz"[which];
}

static void a_route_is_counted_as_itself_whatever_its_length(void **state)
{
    enum { ROUTES = 4, ROUNDS = 3, LONGEST = 79 };

    (void)state;
    for (size_t n = 3; n <= LONGEST; n++) {
        char names[ROUTES][sizeof("GET ") + LONGEST];
        world w;

        world_open(&w, NULL);
        for (int i = 0; i < ROUTES * ROUNDS; i++) {
            char *name = names[i % ROUTES];
            request r = plain;

            memcpy(name, "GET ", 4);
            make_path(name + 4, n, (size_t)i % ROUTES);
            r.path = name + 4;
            world_request(&w, at(0), &r);
        }
        world_read(&w, 0);
        lp_aggregate_tick(w.aggregate, at(1));
        for (int i = 0; i < ROUTES; i++) {
            assert_int_equal(count_of(&w, LP_DIM_ROUTE, names[i], NULL),
                             ROUNDS);
        }
        world_close(&w);
    }
}

/* Too many ------------------------------------------------------------------- */

static void say_numbered(world *w, double second, const char *format, int n)
{
    char msg[128];

    snprintf(msg, sizeof(msg), "%s%d", format, n);
    say(w, second, "app", "web.1", msg);
}

static void
names_without_end_keep_totals_and_leave_room_for_others(void **state)
{
    uint64_t other;
    world w;

    (void)state;
    world_open(&w, NULL);
    for (int i = 0; i < 1000; i++) {
        request r = plain;
        char path[32];

        snprintf(path, sizeof(path), "/%c%c%c/x", 'a' + i % 26,
                 'a' + i / 26 % 26, 'a' + i / 676);
        r.path = path;
        say_numbered(&w, 0, "count#c", i);
        world_request(&w, at(0), &r);
    }
    for (int i = 0; i < 20; i++) {
        request r = plain;
        char process[32];

        snprintf(process, sizeof(process), "web.%d", i);
        r.process = process;
        r.status = 200 + i % 8;
        r.code = some_codes[i % 3];
        world_request(&w, at(0), &r);
    }
    world_read(&w, 0);
    lp_aggregate_tick(w.aggregate, at(1));
    assert_int_equal(sum_dimension(&w, LP_DIM_ROUTE).count, 1020);
    assert_int_equal(sum_dimension(&w, LP_DIM_MEASURE).count, 1000 + 3 * 1020);
    assert_int_equal(count_of(&w, LP_DIM_MEASURE, "router.service", NULL),
                     1020);
    assert_int_equal(sum_dimension(&w, LP_DIM_TOTAL).count, 1020);
    // None of these had to share.
    assert_int_equal(count_of(&w, LP_DIM_PROCESS, NULL, NULL), 0);
    assert_int_equal(count_of(&w, LP_DIM_STATUS, NULL, NULL), 0);
    assert_int_equal(count_of(&w, LP_DIM_CODE, NULL, NULL), 0);
    assert_int_equal(sum_dimension(&w, LP_DIM_PROCESS).rows, 20);
    assert_int_equal(sum_dimension(&w, LP_DIM_CODE).count, 20);
    other = count_of(&w, LP_DIM_ROUTE, NULL, NULL) +
            count_of(&w, LP_DIM_MEASURE, NULL, NULL) +
            count_of(&w, LP_DIM_CODE, NULL, "");
    assert_true(other > 1500);
    assert_int_equal(world_stats(&w).other_values, other);
    assert_in_range(world_stats(&w).series, 100, 256);
    world_close(&w);
}

/* What a web dyno says in twenty seconds. */
static void say_samples(world *w, double second, const char *process)
{
    char msg[400];

    snprintf(msg, sizeof(msg),
             "source=%s dyno=heroku.1.2 sample#load_avg_1m=0.5 "
             "sample#load_avg_5m=0.4 sample#load_avg_15m=0.3",
             process);
    world_say_at(w, at(second), "heroku", process, msg);
    snprintf(msg, sizeof(msg),
             "source=%s dyno=heroku.1.2 sample#memory_total=300.00MB "
             "sample#memory_rss=250.00MB sample#memory_cache=50.00MB "
             "sample#memory_swap=0.00MB sample#memory_pgpgin=100pages "
             "sample#memory_pgpgout=90pages sample#memory_quota=512.00MB",
             process);
    world_say_at(w, at(second), "heroku", process, msg);
    world_say_at(w, at(second), "app", process, "hello");
}

/* It begins, one is restarted and one is out of memory, and it has measures of its
 * own. */
static void say_application(world *w, double second, int dynos)
{
    static const int statuses[] = {200, 201, 301, 302, 304, 400, 404, 500, 503};
    static const char *const codes[] = {"H10", "H12", "H13", "H18", "H27"};
    char msg[128], path[32];

    for (int i = 0; i < dynos; i++) {
        char process[16];
        request r = plain;

        snprintf(process, sizeof(process), "web.%d", i + 1);
        snprintf(path, sizeof(path), "/%c", 'a' + i % 10);
        r.process = process;
        r.path = path;
        r.status = statuses[i % 9];
        world_say_at(w, at(second), "heroku", process,
                     "State changed from starting to up");
        say_samples(w, second, process);
        world_request(w, at(second), &r);
        r.code = i < 5 ? codes[i] : NULL;
        world_request(w, at(second), &r);
    }
    for (int i = 0; i < 30; i++) {
        snprintf(msg, sizeof(msg), "measure#job%d=%dms", i, i);
        world_say_at(w, at(second), "app", "web.1", msg);
    }
    world_say_at(w, at(second), "heroku", "web.1",
                 "Error R14 (Memory quota exceeded)");
    world_say_at(w, at(second), "heroku", "web.2", "Cycling");
    world_say_at(w, at(second), "heroku", "web.2",
                 "State changed from up to starting");
    world_say_at(w, at(second), "heroku", "web.2",
                 "Stopping all processes with SIGTERM");
    world_say_at(w, at(second), "heroku", "web.2",
                 "Process exited with status 143");
    world_say_at(w, at(second), "heroku", "web.2",
                 "Starting process with command `run`");
    world_say_at(w, at(second), "app", "api", "Release v1 created by user a");
    world_read(w, LP_AGGREGATE_BYTES_MAX_DEFAULT);
}

static void an_application_of_fifty_dynos_has_room(void **state)
{
    world w;

    (void)state;
    world_open(&w, NULL);
    say_application(&w, 0, 50);
    say_application(&w, 20, 50);
    lp_aggregate_tick(w.aggregate, at(60));
    assert_true(world_stats(&w).series <= LP_AGGREGATE_SERIES_MAX_DEFAULT);
    assert_int_equal(world_stats(&w).other_values, 0);
    assert_int_equal(sum_dimension(&w, LP_DIM_PROCESS).rows, 50);
    assert_int_equal(sum_dimension(&w, LP_DIM_LINES).rows, 52);
    assert_int_equal(sum_dimension(&w, LP_DIM_ROUTE).rows, 10);
    assert_int_equal(sum_dimension(&w, LP_DIM_STATUS).rows +
                         sum_dimension(&w, LP_DIM_CODE).rows,
                     15);
    for (int i = 1; i <= 50; i++) {
        char process[16];

        snprintf(process, sizeof(process), "web.%d", i);
        assert_int_equal(count_of(&w, LP_DIM_MEASURE, "memory_total", process),
                         2);
        assert_int_equal(count_of(&w, LP_DIM_MEASURE, "load_avg_1m", process),
                         2);
        assert_true(sample_of(&w, process, LP_GAUGE_MEMORY_QUOTA) ==
                    512 * 1048576.0);
    }
    world_close(&w);
}

/* A name that comes again much later is another series; what was counted of those
 * that made room is in the other row. */
static void silent_series_make_room_and_are_never_mistaken(void **state)
{
    uint64_t named = 0;
    uint64_t others;
    world w;

    (void)state;
    world_open_of(&w, 4 << 20, LP_AGGREGATE_SERIES_MAX_LEAST);
    for (int round = 0; round < 40; round++) {
        for (int i = 0; i < 20; i++) {
            say_numbered(&w, round * 130, "count#", round * 10 + i);
        }
    }
    lp_aggregate_tick(w.aggregate, at(40 * 130));
    assert_true(world_stats(&w).series_dropped > 40);
    assert_true(world_stats(&w).series <= LP_AGGREGATE_SERIES_MAX_LEAST);
    assert_int_equal(sum_dimension(&w, LP_DIM_MEASURE).count, 800);
    for (int n = 0; n < 410; n++) {
        char name[16];
        lp_aggregate_row row;

        snprintf(name, sizeof(name), "%d", n);
        row = row_named(&w, LP_DIM_MEASURE, name, NULL);
        // Of each number there was one in a round, and of most in two rounds.
        assert_true(row.count <= 2);
        named += row.count;
    }
    others = count_of(&w, LP_DIM_MEASURE, NULL, NULL);
    assert_int_equal(named + others, 800);
    assert_true(named > 0 && others > 700);
    // Of one process, from first to last.
    assert_int_equal(count_of(&w, LP_DIM_LINES, "web.1", NULL), 800);
    world_close(&w);
}

static void
a_series_that_was_dropped_gives_its_old_rows_to_the_other_one(void **state)
{
    world w;

    (void)state;
    world_open_of(&w, 4 << 20, LP_AGGREGATE_SERIES_MAX_LEAST);
    say(&w, 0, "app", "web.1", "measure#old=5 measure#old=7");
    for (int i = 0; i < 40; i++) {
        say_numbered(&w, 200, "count#c", i);
    }
    say(&w, 200, "app", "web.1", "measure#old=9");
    lp_aggregate_tick(w.aggregate, at(201));
    // The name is known again, if it is, without what it was before.
    assert_true(count_of(&w, LP_DIM_MEASURE, "old", NULL) <= 1);
    assert_int_equal(sum_dimension(&w, LP_DIM_MEASURE).count, 43);
    assert_true(sum_dimension(&w, LP_DIM_MEASURE).sum == 5 + 7 + 9 + 40);
    world_close(&w);
}

/* Ten million would take a minute: how many says who calls it. */
#ifndef KEYS
#define KEYS 200000
#endif

static void keys_without_end_change_neither_memory_nor_totals(void **state)
{
    uint64_t most = 0;
    world w;

    (void)state;
    world_open(&w, NULL);
    for (int i = 0; i < KEYS; i++) {
        char msg[96], process[32];

        snprintf(msg, sizeof(msg), "count#a%d=2 measure#b%d=3 source=s%d", i, i,
                 i);
        snprintf(process, sizeof(process), "p.%d", i);
        world_say_at(&w, at(i / 200.0), "app", process, msg);
        if (i % 64 == 63) {
            world_read(&w, LP_AGGREGATE_BYTES_MAX_DEFAULT);
            most = world_stats(&w).bytes > most ? world_stats(&w).bytes : most;
        }
    }
    world_read(&w, LP_AGGREGATE_BYTES_MAX_DEFAULT);
    lp_aggregate_tick(w.aggregate, at(KEYS / 200.0 + 120));
    assert_true(w.memory.held_bytes <= LP_AGGREGATE_BYTES_MAX_DEFAULT + 16384);
    assert_true(most <= LP_AGGREGATE_BYTES_MAX_DEFAULT);
    // All of it was today, and all of it is there.
    assert_int_equal(world_stats(&w).lines, KEYS);
    assert_int_equal(sum_dimension(&w, LP_DIM_LINES).count, KEYS);
    world_close(&w);
}

/* A series that had no memory for its first line of a second is not in the frame of
 * that second, whatever comes to it later. */
static void values_are_gathered_for_a_series_that_is_in_the_second(void **state)
{
    lpi_series series = {.is_plain = true};
    lpi_gather gather;

    (void)state;
    lpi_gather_open(&gather, &series);
    assert_false(gather.is_open);
    lpi_tally_add_plain(&series.open, 1);
    lpi_gather_open(&gather, &series);
    assert_true(gather.is_open);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            values_are_gathered_for_a_series_that_is_in_the_second),
        cmocka_unit_test(
            a_request_without_times_counts_and_makes_nobody_faster),
        cmocka_unit_test(
            what_the_platform_calls_as_the_router_does_is_counted_among_it),
        cmocka_unit_test(what_is_no_status_has_one_row),
        cmocka_unit_test(a_dynos_samples_count_for_all_and_for_itself),
        cmocka_unit_test(memory_and_load_of_a_process_are_told_in_each_window),
        cmocka_unit_test(other_samples_of_a_process_are_kept_as_the_newest),
        cmocka_unit_test(samples_of_too_many_processes_are_counted_together),
        cmocka_unit_test(a_convention_is_counted_of_its_source_or_of_all),
        cmocka_unit_test(an_application_does_not_measure_what_the_router_does),
        cmocka_unit_test(what_happens_to_dynos_is_counted_by_name),
        cmocka_unit_test(one_line_a_second_of_each_process_shows_its_skew),
        cmocka_unit_test(a_value_that_its_measure_cannot_have_is_in_no_sum),
        cmocka_unit_test(a_sample_that_no_dyno_has_is_in_no_sum),
        cmocka_unit_test(units_are_never_added_up_together),
        cmocka_unit_test(classes_are_exact_with_any_number_of_statuses),
        cmocka_unit_test(a_long_name_is_cut),
        cmocka_unit_test(a_name_is_text_and_cut_between_characters),
        cmocka_unit_test(names_that_would_be_shown_as_the_same_are_one),
        cmocka_unit_test(a_route_is_counted_as_itself_whatever_its_length),
        cmocka_unit_test(
            names_without_end_keep_totals_and_leave_room_for_others),
        cmocka_unit_test(an_application_of_fifty_dynos_has_room),
        cmocka_unit_test(silent_series_make_room_and_are_never_mistaken),
        cmocka_unit_test(
            a_series_that_was_dropped_gives_its_old_rows_to_the_other_one),
        cmocka_unit_test(keys_without_end_change_neither_memory_nor_totals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
