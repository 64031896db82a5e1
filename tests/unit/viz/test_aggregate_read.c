/* test_aggregate_read.c - rows in order, lines behind values, markers, briefs. */
#include "aggregate_world.h"

static void say(world *w, double second, const char *process, const char *msg)
{
    world_say_at(w, at(second), "heroku", process, msg);
    world_read(w, 0);
}

/* Rows -------------------------------------------------------------------- */

typedef struct listing {
    char text[4096];
    size_t rows;
} listing;

static void list_rows(void *ctx, const lp_aggregate_window *window,
                      const lp_aggregate_row *rows, size_t count)
{
    listing *l = ctx;

    (void)window;
    for (size_t i = 0; i < count; i++) {
        size_t n = strlen(l->text);

        snprintf(l->text + n, sizeof(l->text) - n, "%d%s%.*s/%.*s ",
                 rows[i].dimension, rows[i].is_other ? "+" : ":",
                 (int)rows[i].name.len_bytes, rows[i].name.ptr,
                 (int)rows[i].of.len_bytes, rows[i].of.ptr);
    }
    l->rows += count;
}

static void rows_are_in_order_and_those_that_were_asked_for(void **state)
{
    listing all = {.rows = 0}, web1 = {.rows = 0}, named = {.rows = 0};
    lp_aggregate_select select = LP_AGGREGATE_SELECT_ALL;
    world w;

    (void)state;
    world_open(&w, NULL);
    say(&w, 0, "web.2",
        "source=web.2 sample#memory_total=1MB sample#load_avg_1m=2");
    say(&w, 0, "web.1", "source=web.1 sample#load_avg_1m=1");
    lp_aggregate_tick(w.aggregate, at(1));
    CHECK_OK(
        lp_aggregate_total(w.aggregate, 0, INT64_MAX, NULL, list_rows, &all));
    assert_string_equal(all.text,
                        "5:load_avg_1m/ 5:load_avg_1m/web.1 "
                        "5:load_avg_1m/web.2 5:memory_total/ "
                        "5:memory_total/web.2 6:web.1/ 6:web.2/ 8:/ ");
    select.of = LP_SPAN("web.1");
    CHECK_OK(lp_aggregate_total(w.aggregate, 0, INT64_MAX, &select, list_rows,
                                &web1));
    assert_string_equal(web1.text, "5:load_avg_1m/web.1 ");
    select.of = lp_span_of(NULL, 0);
    select.name = LP_SPAN("web.2");
    select.dimensions = 1U << LP_DIM_LINES | 1U << LP_DIM_PROCESS;
    CHECK_OK(lp_aggregate_each(w.aggregate, LP_TIER_SECONDS, 0, INT64_MAX,
                               &select, list_rows, &named));
    assert_string_equal(named.text, "6:web.2/ ");
    world_close(&w);
}

/* Lines behind values ------------------------------------------------------- */

enum { REQUESTS = 2000 };

typedef struct lines_behind {
    const world *w;
    double times[REQUESTS + 1]; /* by sequence number */
    size_t checked;
    size_t found;
    lp_seq max_seq;
} lines_behind;

static void check_exemplars(void *ctx, const lp_aggregate_window *window,
                            const lp_aggregate_row *rows, size_t count)
{
    static const double q[] = {0, 0.1, 0.5, 0.9, 0.99, 1};
    enum { COUNT = sizeof(q) / sizeof(q[0]) };
    lines_behind *b = ctx;
    double values[COUNT];

    for (size_t i = 0; i < count; i++) {
        CHECK_OK(lp_sketch_quantiles(rows[i].sketch, usual_scale(), q, COUNT,
                                     values));
        for (int k = 0; k < COUNT; k++) {
            lp_seq seqs[4];
            size_t n = lp_aggregate_exemplars(b->w->aggregate, window, &rows[i],
                                              values[k], seqs, 4);

            b->checked++;
            b->found += n > 0 ? 1 : 0;
            for (size_t j = 0; j < n; j++) {
                double off = fabs(b->times[seqs[j]] - values[k]);

                assert_true(off <= 4 * 0.01 * values[k]);
                assert_in_range(seqs[j], window->first_seq,
                                window->end_seq - 1);
            }
        }
        assert_true(b->times[rows[i].max_seq] == rows[i].max);
        b->max_seq = rows[i].max_seq;
    }
}

static void an_exemplar_is_a_line_with_that_value(void **state)
{
    static lines_behind b;
    lp_aggregate_select select = {1U << LP_DIM_TOTAL | 1U << LP_DIM_PROCESS |
                                      1U << LP_DIM_ROUTE,
                                  {NULL, 0},
                                  {NULL, 0}};
    uint64_t seed = 3;
    world w;

    (void)state;
    world_open(&w, NULL);
    b.w = &w;
    for (int i = 1; i <= REQUESTS; i++) {
        request r = {.process = i % 2 == 0 ? "web.1" : "web.2",
                     .path = "/",
                     .status = 200,
                     .connect = -1,
                     .service = 1 + (int)exp(9 * fraction(&seed)),
                     .bytes = 1};

        b.times[i] = r.service;
        world_request(&w, at(i / 100.0), &r);
    }
    world_read(&w, 0);
    lp_aggregate_tick(w.aggregate, at(21));
    CHECK_OK(lp_aggregate_total(w.aggregate, 0, INT64_MAX, &select,
                                check_exemplars, &b));
    assert_int_equal(b.checked, 4 * 6);
    assert_true(b.found >= b.checked - 2);
    world_close(&w);
}

static void count_found(void *ctx, const lp_aggregate_window *window,
                        const lp_aggregate_row *rows, size_t count)
{
    lines_behind *b = ctx;

    assert_int_equal(count, 1);
    for (int percent = 1; percent < 100; percent++) {
        double q = percent / 100.0;
        double value;
        lp_seq seq;

        CHECK_OK(
            lp_sketch_quantiles(rows[0].sketch, usual_scale(), &q, 1, &value));
        b->checked++;
        if (lp_aggregate_exemplars(b->w->aggregate, window, &rows[0], value,
                                   &seq, 1) == 1) {
            b->found++;
            assert_true(fabs(b->times[seq] - value) <= 4 * 0.01 * value);
        }
    }
}

/* As many series and values as of a real app, so that most places are taken. */
static void a_total_has_lines_whichever_series_kept_them(void **state)
{
    static lines_behind b;
    lp_aggregate_select select = {1U << LP_DIM_TOTAL, {NULL, 0}, {NULL, 0}};
    uint64_t seed = 5;
    world w;

    (void)state;
    world_open(&w, NULL);
    b.w = &w;
    for (int i = 1; i <= REQUESTS; i += 2) {
        char process[8];
        char path[4];
        char measures[128];
        request r = {.process = process,
                     .path = path,
                     .status = 200,
                     .connect = -1,
                     .service = 1 + (int)exp(9 * fraction(&seed)),
                     .bytes = 1};

        snprintf(process, sizeof(process), "web.%d",
                 (int)(20 * fraction(&seed)));
        snprintf(path, sizeof(path), "/%c", 'a' + (int)(20 * fraction(&seed)));
        b.times[i] = r.service;
        world_request(&w, at(i / 100.0), &r);
        snprintf(measures, sizeof(measures),
                 "measure#a=%.3fms measure#b=%.3fms measure#c=%.3fms",
                 exp(9 * fraction(&seed)), exp(9 * fraction(&seed)),
                 exp(9 * fraction(&seed)));
        say(&w, i / 100.0, process, measures);
    }
    world_read(&w, 0);
    lp_aggregate_tick(w.aggregate, at(21));
    CHECK_OK(lp_aggregate_total(w.aggregate, 0, INT64_MAX, &select, count_found,
                                &b));
    assert_int_equal(b.checked, 99);
    assert_int_equal(b.found, b.checked);
    world_close(&w);
}

static void an_error_has_the_newest_of_its_lines(void **state)
{
    search s;
    lp_seq seqs[3];
    lp_aggregate_window all = {.first_seq = 1, .end_seq = 100};
    lp_aggregate_window later = {.first_seq = 3, .end_seq = 4};
    world w;

    (void)state;
    world_open(&w, NULL);
    for (int i = 0; i < 3; i++) {
        say(&w, i, "web.1", "Error R14 (Memory quota exceeded)");
    }
    lp_aggregate_tick(w.aggregate, at(3));
    s = find_row(&w, LP_DIM_CODE, "R14", NULL);
    s.row.name = LP_SPAN("R14");
    assert_int_equal(s.row.newest[0], 3);
    assert_int_equal(
        lp_aggregate_exemplars(w.aggregate, &all, &s.row, 0, seqs, 3), 2);
    assert_true(seqs[0] == 3 && seqs[1] == 2);
    assert_int_equal(
        lp_aggregate_exemplars(w.aggregate, &later, &s.row, 0, seqs, 3), 1);
    assert_int_equal(seqs[0], 3);
    s.row.name = LP_SPAN("R15");
    assert_int_equal(
        lp_aggregate_exemplars(w.aggregate, &all, &s.row, 0, seqs, 3), 0);
    world_close(&w);
}

static void find_newest(void *ctx, const lp_aggregate_window *window,
                        const lp_aggregate_row *rows, size_t count)
{
    lp_seq *newest = ctx;

    (void)window;
    for (size_t i = 0; i < count; i++) {
        if (lp_span_equal(rows[i].name, LP_SPAN("R14"))) {
            memcpy(newest, rows[i].newest, sizeof(rows[i].newest));
        }
    }
}

/* Lines of a window that is asked for, and not the newest of all. */
static void the_newest_lines_are_those_of_the_window(void **state)
{
    static const lp_seq wanted[4][2] = {{0, 0}, {0, 0}, {2, 0}, {3, 0}};
    lp_aggregate_select codes = {1U << LP_DIM_CODE, {NULL, 0}, {NULL, 0}};
    lp_seq newest[2];
    world w;

    (void)state;
    world_open(&w, NULL);
    for (int i = 1; i < 4; i++) {
        say(&w, i, "", "Error R14 (Memory quota exceeded)");
    }
    lp_aggregate_tick(w.aggregate, at(4));
    // Of the first second it had one as well, but only two are kept.
    for (int i = 1; i < 4; i++) {
        CHECK_OK(lp_aggregate_total(w.aggregate, begin_s + i, begin_s + i + 1,
                                    &codes, find_newest, newest));
        assert_int_equal(newest[0], wanted[i][0]);
        assert_int_equal(newest[1], wanted[i][1]);
    }
    CHECK_OK(lp_aggregate_total(w.aggregate, begin_s, begin_s + 4, &codes,
                                find_newest, newest));
    assert_true(newest[0] == 3 && newest[1] == 2);
    world_close(&w);
}

/* Markers ------------------------------------------------------------------- */

typedef struct marked {
    char text[8192];
    size_t count;
    size_t releases;
    int64_t before_ns;
} marked;

static void list_marker(void *ctx, const lp_aggregate_marker *marker)
{
    marked *m = ctx;
    size_t n = strlen(m->text);

    assert_true(marker->at_ns >= m->before_ns);
    m->before_ns = marker->at_ns;
    m->count++;
    m->releases += marker->kind == LP_KIND_RELEASE ? 1 : 0;
    snprintf(m->text + n, sizeof(m->text) - n, "%.*s|%.*s, ",
             (int)marker->process.len_bytes, marker->process.ptr,
             (int)marker->text.len_bytes, marker->text.ptr);
}

static marked markers_of(const world *w, int64_t from_s, int64_t to_s)
{
    marked m = {.before_ns = INT64_MIN};

    lp_aggregate_markers(w->aggregate, from_s, to_s, list_marker, &m);
    return m;
}

static void events_are_marked_in_words(void **state)
{
    world w;

    (void)state;
    world_open(&w, NULL);
    say(&w, 0, "api", "Rollback to v41 by user alice");
    say(&w, 0, "api", "Release v42 created by user alice");
    say(&w, 1, "api", "Deploy 5ec1351 by user alice");
    say(&w, 2, "web.1", "State changed from up to crashed");
    say(&w, 3, "web.1", "Process exited with status 137");
    say(&w, 4, "web.1", "Cycling");
    say(&w, 5, "web.1", "Error R14 (Memory quota exceeded)");
    assert_string_equal(markers_of(&w, begin_s, begin_s + 5).text,
                        "|v41, |v42, |5ec1351, web.1|up to crashed, "
                        "web.1|status 137, web.1|, ");
    assert_string_equal(markers_of(&w, begin_s + 1, begin_s + 3).text,
                        "|5ec1351, web.1|up to crashed, ");
    // They step back with the clock.
    say(&w, -595, "api", "Release v41 created by user alice");
    assert_int_equal(markers_of(&w, begin_s - 600, begin_s - 595).count, 6);
    world_close(&w);
}

static void releases_stay_when_processes_crash_without_end(void **state)
{
    world w;

    (void)state;
    world_open(&w, NULL);
    for (int i = 0; i < 40; i++) {
        say(&w, i, "api", "Release v42 created by user alice");
    }
    for (int i = 0; i < 500; i++) {
        say(&w, 40 + i, "web.1", "Process exited with status 1");
    }
    assert_int_equal(markers_of(&w, 0, INT64_MAX).count,
                     LP_AGGREGATE_MARKERS_MAX);
    assert_int_equal(markers_of(&w, 0, INT64_MAX).releases,
                     LP_AGGREGATE_MARKERS_MAX / 2);
    assert_int_equal(markers_of(&w, begin_s + 539, INT64_MAX).count, 1);
    world_close(&w);
}

/* Briefs -------------------------------------------------------------------- */

static void a_brief_says_what_the_last_minute_was_like(void **state)
{
    lp_aggregate_brief brief;
    world w;

    (void)state;
    world_open(&w, NULL);
    say(&w, 0, "web.1",
        "source=web.1 sample#memory_total=300MB sample#memory_quota=512MB");
    for (int i = 0; i < 100; i++) {
        request r = {.process = "web.1",
                     .path = "/",
                     .status = i % 10 == 0 ? 503 : 200,
                     .code = i % 10 == 0 ? i % 20 == 0 ? "H12" : "H10" : NULL,
                     .connect = 0,
                     .service = i,
                     .bytes = 1};

        r.code = i == 50 ? "H12" : r.code;
        world_request(&w, at(63 + i / 2), &r);
        world_read(&w, 0);
    }
    say(&w, 119, "web.1", "source=web.1 sample#memory_total=256MB");
    lp_aggregate_brief_get(w.aggregate, at(123), &brief);
    assert_int_equal(brief.end_s, begin_s + 123);
    assert_int_equal(brief.requests, 100);
    assert_int_equal(brief.lines, 101);
    assert_int_equal(brief.failed, 10);
    assert_int_equal(brief.errors, 10);
    assert_string_equal(brief.top_code, "H12");
    assert_true(fabs(brief.p95_ms - 94) <= 0.94);
    assert_true(brief.memory_share == 0.5);
    assert_true(brief.are_requests);
    // The last one has begun: it is of three seconds.
    for (int i = 0; i < 7; i++) {
        assert_int_equal(brief.sparks[LP_AGGREGATE_SPARKS - 7 + i],
                         i == 0  ? 14
                         : i < 5 ? 20
                                 : 6 * (i == 5));
    }
    // A second later the first two are out of it.
    lp_aggregate_brief_get(w.aggregate, at(124), &brief);
    assert_int_equal(brief.requests, 98);
    assert_int_equal(brief.failed, 9);
    // A minute later there is nothing; what was stays in the sparks.
    lp_aggregate_brief_get(w.aggregate, at(190), &brief);
    assert_int_equal(brief.requests, 0);
    assert_true(brief.p95_ms == 0 && brief.memory_share == 0);
    assert_int_equal(brief.sparks[LP_AGGREGATE_SPARKS - 12], 20);
    assert_string_equal(brief.top_code, "");
    world_close(&w);
}

/* Forty H10 in a second, ten H13 three seconds later, asked once, at end_s. */
static lp_aggregate_brief brief_of_two_codes(int end_s)
{
    lp_aggregate_brief brief;
    request r = plain;
    world w;

    world_open(&w, NULL);
    r.status = 503;
    for (int i = 0; i < 50; i++) {
        r.code = i < 40 ? "H10" : "H13";
        world_request(&w, at(i < 40 ? 7 : 10), &r);
        world_read(&w, 0);
    }
    lp_aggregate_brief_get(w.aggregate, at(end_s), &brief);
    world_close(&w);
    return brief;
}

/* Also of those in front of the first whole ten. */
static void a_top_code_is_of_the_seconds_of_errors(void **state)
{
    (void)state;
    for (int end_s = 11; end_s <= 71; end_s++) {
        lp_aggregate_brief brief = brief_of_two_codes(end_s);
        bool is_all = end_s <= 67;
        bool is_any = end_s <= 70;

        assert_int_equal(brief.errors, is_all ? 50 : is_any ? 10 : 0);
        assert_string_equal(brief.top_code, is_all   ? "H10"
                                            : is_any ? "H13"
                                                     : "");
    }
}

enum { STORM_LINES = 3000 };

/* So many different requests and measures in one second that not all of their
 * sketches find room; all times, in order. */
static void say_storm(world *w, double times[STORM_LINES])
{
    static const int statuses[] = {200, 201, 204, 301, 302, 304, 400, 401,
                                   403, 404, 422, 429, 500, 502, 503};
    uint64_t seed = 3;

    for (int i = 0; i < STORM_LINES; i++) {
        request r = plain;
        char process[16], path[32], msg[64];

        snprintf(process, sizeof(process), "web.%d", i % 60);
        snprintf(path, sizeof(path), "/page%d/all", i % 50);
        snprintf(msg, sizeof(msg), "measure#m%d=%.4fms", i % 90,
                 pow(10, 9 * fraction(&seed) - 3));
        r.process = process;
        r.path = path;
        r.status = statuses[chance(&seed) % 15];
        r.connect = 0;
        r.service = (int)pow(10, 4.5 * fraction(&seed)) + 1;
        times[i] = r.service;
        world_request(w, at(0.5), &r);
        world_say_at(w, at(0.5), "app", process, msg);
        world_read(w, 0);
    }
    qsort(times, STORM_LINES, sizeof(*times), compare_values);
}

/* Of all that memory may be too short for in a storm, what is looked at first is the
 * last to go. */
static void a_storm_of_a_second_has_its_quantiles(void **state)
{
    static double times[STORM_LINES];
    search s = {.dimension = LP_DIM_TOTAL, .name = ""};
    lp_aggregate_brief brief;
    double p95, half;
    world w;

    (void)state;
    world_open(&w, NULL);
    say_storm(&w, times);
    p95 = times[(int)(0.95 * (STORM_LINES - 1))];
    half = times[(STORM_LINES - 1) / 2];
    lp_aggregate_brief_get(w.aggregate, at(1), &brief);
    assert_int_equal(brief.requests, STORM_LINES);
    assert_true(fabs(brief.p95_ms - p95) <= 0.01 * p95);
    CHECK_OK(lp_aggregate_total(w.aggregate, begin_s, begin_s + 1, NULL,
                                search_rows, &s));
    assert_int_equal(s.row.value_count, STORM_LINES);
    assert_true(fabs(s.median - half) <= 0.01 * half);
    world_close(&w);
}

/* And where there is no memory to read it, it is not told. */
static void a_brief_tells_no_quantile_that_may_be_off(void **state)
{
    static double times[STORM_LINES];
    lp_aggregate_brief brief;
    world w;

    (void)state;
    world_open(&w, NULL);
    say_storm(&w, times);
    lp_aggregate_tick(w.aggregate, at(1));
    w.memory.piece_max = 1;
    lp_aggregate_brief_get(w.aggregate, at(1), &brief);
    assert_true(w.memory.refused_pieces > 0);
    assert_int_equal(brief.requests, STORM_LINES);
    assert_true(brief.p95_ms == 0);
    w.memory.piece_max = 0;
    world_close(&w);
}

/* Not after ten. */
static void a_brief_says_something_after_the_first_second(void **state)
{
    lp_aggregate_brief brief;
    world w;

    (void)state;
    world_open(&w, NULL);
    world_request(&w, at(3), &plain);
    world_read(&w, 0);
    lp_aggregate_brief_get(w.aggregate, at(3.5), &brief);
    assert_int_equal(brief.requests, 0);
    lp_aggregate_brief_get(w.aggregate, at(4), &brief);
    assert_int_equal(brief.requests, 1);
    assert_int_equal(brief.lines, 1);
    assert_true(fabs(brief.p95_ms - 10) <= 0.1);
    assert_int_equal(brief.sparks[LP_AGGREGATE_SPARKS - 1], 1);
    world_close(&w);
}

/* What was asked in a second is what was said in the sixty before, with p95, whatever
 * the second is and whatever the clock does. */
static void a_brief_is_of_sixty_seconds_at_any_second(void **state)
{
    uint64_t seed = 12;
    double now = 0;
    world w;

    (void)state;
    world_open(&w, NULL);
    for (int i = 0; i < 2000; i++) {
        lp_aggregate_brief brief;
        search s = {.dimension = LP_DIM_TOTAL, .name = ""};
        uint64_t sparks = 0;

        say_any_request(&w, &seed, at(now));
        now += fraction(&seed) * (chance(&seed) % 64 == 0 ? 90 : 1);
        world_read(&w, 0);
        if (chance(&seed) % 4 != 0) {
            continue;
        }
        lp_aggregate_brief_get(w.aggregate, at(now), &brief);
        CHECK_OK(lp_aggregate_total(w.aggregate, brief.end_s - 60, brief.end_s,
                                    NULL, search_rows, &s));
        assert_int_equal(brief.requests, s.row.count);
        assert_int_equal(brief.lines, s.row.count);
        assert_int_equal(brief.failed, s.row.failed);
        if (s.row.value_count > 0) {
            assert_true(brief.p95_ms > 0 || s.row.min <= 0);
            assert_true(brief.p95_ms <= s.row.max);
        }
        for (int k = 0; k < LP_AGGREGATE_SPARKS; k++) {
            sparks += brief.sparks[k];
        }
        assert_true(sparks >= brief.requests);
    }
    world_close(&w);
}

/* Who is silent holds no more than who never said much. */
static void a_silent_channel_gives_its_minute_back(void **state)
{
    lp_aggregate_brief brief;
    uint64_t spoken_bytes;
    world w;

    (void)state;
    world_open(&w, NULL);
    say(&w, 0, "web.1", "hello");
    lp_aggregate_brief_get(w.aggregate, at(60), &brief);
    spoken_bytes = world_stats(&w).bytes;
    assert_int_equal(brief.lines, 1);
    lp_aggregate_brief_get(w.aggregate, at(299), &brief);
    assert_int_equal(brief.lines, 0);
    assert_int_equal(brief.sparks[0], 1);
    lp_aggregate_brief_get(w.aggregate, at(301), &brief);
    assert_int_equal(brief.sparks[0], 0);
    assert_true(world_stats(&w).bytes + 1024 < spoken_bytes);
    say(&w, 302, "web.1", "hello");
    lp_aggregate_brief_get(w.aggregate, at(303), &brief);
    assert_int_equal(brief.lines, 1);
    world_close(&w);
}

/* Far more processes than there is room for: the fullest one is known all the same,
 * for as long as it says so. */
static void the_fullest_process_needs_no_series(void **state)
{
    lp_aggregate_brief brief;
    char msg[128], process[16];
    world w;

    (void)state;
    world_open_of(&w, 0, LP_AGGREGATE_SERIES_MAX_LEAST);
    for (int second = 0; second < 100; second++) {
        for (int i = 1; second % 20 == 0 && i <= 50; i++) {
            bool is_full = i == 50 && second < 40;

            snprintf(process, sizeof(process), "web.%d", i);
            snprintf(msg, sizeof(msg),
                     "source=%s sample#memory_total=%dMB "
                     "sample#memory_quota=512.00MB",
                     process, is_full ? 640 : 128);
            say(&w, second, process, msg);
        }
        lp_aggregate_brief_get(w.aggregate, at(second + 1), &brief);
        // It said so last at 20 s.
        assert_true(brief.memory_share == (second + 1 < 60 ? 1.25 : 0.25));
    }
    // One in the older form, of a line each, has no quota to be measured by.
    say(&w, 100, "web.77",
        "source=web.77 measure=memory_total val=1024 units=MB");
    say(&w, 100, "web.78", "source=web.78 measure=memory_quota val=1 units=MB");
    lp_aggregate_brief_get(w.aggregate, at(101), &brief);
    assert_true(brief.memory_share == 0.25);
    lp_aggregate_brief_get(w.aggregate, at(180), &brief);
    assert_true(brief.memory_share == 0);
    world_close(&w);
}

static void a_channel_without_requests_shows_its_lines(void **state)
{
    lp_aggregate_brief brief;
    world w;

    (void)state;
    world_open(&w, NULL);
    for (int i = 0; i < 30; i++) {
        say(&w, i, "web.1", "hello");
    }
    lp_aggregate_brief_get(w.aggregate, at(30), &brief);
    assert_false(brief.are_requests);
    assert_int_equal(brief.lines, 30);
    assert_int_equal(brief.sparks[LP_AGGREGATE_SPARKS - 1], 10);
    assert_true(brief.p95_ms == 0 && brief.memory_share == 0);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_in_order_and_those_that_were_asked_for),
        cmocka_unit_test(an_exemplar_is_a_line_with_that_value),
        cmocka_unit_test(a_total_has_lines_whichever_series_kept_them),
        cmocka_unit_test(the_newest_lines_are_those_of_the_window),
        cmocka_unit_test(an_error_has_the_newest_of_its_lines),
        cmocka_unit_test(events_are_marked_in_words),
        cmocka_unit_test(releases_stay_when_processes_crash_without_end),
        cmocka_unit_test(a_brief_says_what_the_last_minute_was_like),
        cmocka_unit_test(a_top_code_is_of_the_seconds_of_errors),
        cmocka_unit_test(the_fullest_process_needs_no_series),
        cmocka_unit_test(a_channel_without_requests_shows_its_lines),
        cmocka_unit_test(a_brief_says_something_after_the_first_second),
        cmocka_unit_test(a_storm_of_a_second_has_its_quantiles),
        cmocka_unit_test(a_brief_tells_no_quantile_that_may_be_off),
        cmocka_unit_test(a_brief_is_of_sixty_seconds_at_any_second),
        cmocka_unit_test(a_silent_channel_gives_its_minute_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
