/* test_aggregate_memory.c - detail fades within the bound, memory is refused at any
 * point, and totals stay. */
#include "aggregate_world.h"

/* Some of all kinds of lines. */
static void say_anything(world *w, uint64_t *seed, int64_t ns)
{
    char msg[128];
    unsigned n = (unsigned)(chance(seed) % 12);

    switch (chance(seed) % 8) {
    case 0:
        snprintf(msg, sizeof(msg),
                 "source=web.%u dyno=h.1 sample#memory_total=%u.5MB", n, n);
        world_say_at(w, ns, "heroku", "web.1", msg);
        return;
    case 1:
        snprintf(msg, sizeof(msg), "measure#db=%u.25ms count#rows=%u", n, n);
        world_say_at(w, ns, "app", "web.2", msg);
        return;
    case 2:
        snprintf(msg, sizeof(msg), "Error R%u (Memory quota exceeded)",
                 10 + n % 4);
        world_say_at(w, ns, "heroku", "web.1", msg);
        return;
    case 3:
        world_say_at(w, ns, "heroku", "web.1", "Process exited with status 1");
        return;
    default:
        say_any_request(w, seed, ns);
        return;
    }
}

/* What the facts say of requests; other lines are only counted. */
static void check_totals(world *w)
{
    static const lp_dimension core[] = {LP_DIM_TOTAL, LP_DIM_STATUS};

    for (uint32_t i = 0; i < w->series_count; i++) {
        const fact_series *series = &w->series[i];
        exact e = exact_of(w, i, INT64_MIN, INT64_MAX);
        search s;

        if (series->dimension == core[0] || series->dimension == core[1] ||
            (series->dimension == LP_DIM_MEASURE && !series->is_of_process)) {
            s = find_row(w, (lp_dimension)series->dimension, series->name,
                         NULL);
            s.row.sketch = NULL; // it has gone
            check_row(&s.row, &e);
        }
        free(e.values);
    }
    assert_int_equal(sum_dimension(w, LP_DIM_LINES).count, w->lines);
}

static comparison details_of(world *w, lp_tier tier)
{
    comparison c = {.w = w, .before_s = INT64_MIN};
    lp_aggregate_select none = {1U << LP_DIM_SKEW, {"no", 2}, {NULL, 0}};
    size_t facts = w->series_count;

    w->series_count = 0; // only windows are looked at
    CHECK_OK(lp_aggregate_each(w->aggregate, tier, INT64_MIN, INT64_MAX, &none,
                               compare_window, &c));
    w->series_count = facts;
    return c;
}

static void totals_are_exact_when_detail_has_faded(void **state)
{
    const uint64_t bytes_max = 192 * 1024;
    uint64_t seed = 5;
    lp_aggregate_stats stats;
    world w;

    (void)state;
    world_open_of(&w, bytes_max, 0);
    for (double now = 0; now < 20000; now += 2 * fraction(&seed)) {
        say_anything(&w, &seed, at(now));
        if (chance(&seed) % 16 == 0) {
            world_read(&w, bytes_max);
        }
    }
    world_read(&w, bytes_max);
    lp_aggregate_tick(w.aggregate, at(20060));
    stats = world_stats(&w);
    assert_true(stats.bytes <= bytes_max);
    assert_true(w.memory.held_bytes <= bytes_max + 16384);
    assert_int_equal(details_of(&w, LP_TIER_MINUTES).detail, LP_DETAIL_COARSE);
    assert_true(stats.full_from_s[LP_TIER_MINUTES] >
                stats.kept_from_s[LP_TIER_MINUTES]);
    assert_true(stats.core_from_s[LP_TIER_MINUTES] >
                stats.kept_from_s[LP_TIER_MINUTES]);
    assert_int_equal(stats.kept_from_s[LP_TIER_MINUTES], begin_s);
    check_totals(&w);
    world_close(&w);
}

/* With sanitizers it takes too long. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { BUSY_S = 3 * 3600 };
#else
enum { BUSY_S = 86400 };
#endif

/* What a second of an application with 8 dynos, 12 routes and 10 requests has. */
static void say_busy_second(world *w, uint64_t *seed, int second)
{
    static const int statuses[] = {200, 200, 200, 302, 304, 404, 500};
    char msg[400], process[16];

    for (int i = 0; i < 10; i++) {
        unsigned n = (unsigned)(chance(seed) % 12);

        snprintf(msg, sizeof(msg),
                 "at=info method=GET path=\"/%c/%u\" host=a.example "
                 "dyno=web.%u connect=%ums service=%ums status=%d bytes=%u",
                 'a' + (int)n, n * 7, (unsigned)(chance(seed) % 8) + 1,
                 (unsigned)(chance(seed) % 3),
                 (unsigned)exp(1 + 4 * fraction(seed)),
                 statuses[chance(seed) % 7], (unsigned)(chance(seed) % 40000));
        world_say_at(w, at(second + 0.1 * i), "heroku", "router", msg);
    }
    for (int i = 1; second % 20 == 0 && i <= 8; i++) {
        snprintf(process, sizeof(process), "web.%d", i);
        snprintf(msg, sizeof(msg),
                 "source=%s dyno=h.1 sample#load_avg_1m=%.2f "
                 "sample#load_avg_5m=%.2f sample#load_avg_15m=%.2f",
                 process, fraction(seed), fraction(seed), fraction(seed));
        world_say_at(w, at(second + 0.99), "heroku", process, msg);
        snprintf(msg, sizeof(msg),
                 "source=%s dyno=h.1 sample#memory_total=%.2fMB "
                 "sample#memory_rss=%.2fMB sample#memory_cache=1.00MB "
                 "sample#memory_swap=0.00MB sample#memory_pgpgin=%upages "
                 "sample#memory_pgpgout=%upages sample#memory_quota=512.00MB",
                 process, 300 + 100 * fraction(seed),
                 200 + 100 * fraction(seed), (unsigned)(chance(seed) % 100000),
                 (unsigned)(chance(seed) % 100000));
        world_say_at(w, at(second + 0.99), "heroku", process, msg);
    }
    world_read(w, LP_AGGREGATE_BYTES_MAX_DEFAULT);
}

static void a_busy_application_has_its_hour_and_its_day(void **state)
{
    uint64_t seed = 13;
    lp_aggregate_stats stats;
    int64_t end_s = begin_s + BUSY_S;
    world w;

    (void)state;
    world_open(&w, NULL);
    for (int second = 0; second < BUSY_S; second++) {
        say_busy_second(&w, &seed, second);
    }
    lp_aggregate_tick(w.aggregate, at(BUSY_S));
    stats = world_stats(&w);
    assert_int_equal(stats.other_values, 0);
    assert_int_equal(stats.frames_dropped, 0);
    assert_int_equal(stats.gone_until_s[LP_TIER_MINUTES], 0);
    assert_true(stats.full_from_s[LP_TIER_SECONDS] <= end_s - 60);
    assert_int_equal(stats.core_from_s[LP_TIER_TENS], end_s - 3600);
    assert_true(stats.full_from_s[LP_TIER_TENS] <= end_s - 60);
    assert_int_equal(stats.kept_from_s[LP_TIER_MINUTES], begin_s);
    assert_true(stats.full_from_s[LP_TIER_MINUTES] <= end_s - 300);
    assert_int_equal(sum_dimension(&w, LP_DIM_TOTAL).count, BUSY_S * 10);
    world_close(&w);
}

/* One request a second of each of the first so many routes. */
static void say_routes(world *w, int second, int routes)
{
    char text[160];

    for (int i = 0; i < routes; i++) {
        snprintf(text, sizeof(text),
                 "at=info method=GET path=\"/r%c%c\" dyno=web.1 connect=1ms "
                 "service=2ms status=200",
                 'a' + i / 26, 'a' + i % 26);
        world_say_at(w, at(second), "heroku", "router", text);
    }
    world_read(w, LP_AGGREGATE_BYTES_MAX_DEFAULT);
}

static void has_all_detail(world *w, int seconds)
{
    lp_aggregate_stats stats;

    lp_aggregate_tick(w->aggregate, at(seconds));
    stats = world_stats(w);
    assert_true(w->memory.refused_pieces > 0);
    assert_int_equal(stats.full_from_s[LP_TIER_SECONDS], begin_s);
    assert_int_equal(stats.full_from_s[LP_TIER_TENS], begin_s);
}

/* Lines for values are good to have, and no more. */
static void no_detail_goes_for_exemplars(void **state)
{
    enum { SECONDS = 60, EXEMPLARS_BYTES = 16 * 1024 };
    world w;

    (void)state;
    world_open(&w, NULL);
    w.memory.piece_max = EXEMPLARS_BYTES - 1;
    for (int second = 0; second < SECONDS; second++) {
        say_routes(&w, second, 1);
    }
    has_all_detail(&w, SECONDS);
    world_close(&w);
}

/* Nor is the name of what is new. */
static void no_detail_goes_for_new_names(void **state)
{
    enum { SECONDS = 60, ROUTES = 100, NEW_FROM = SECONDS / 2 };
    world w;

    (void)state;
    world_open(&w, NULL);
    for (int second = 0; second < SECONDS; second++) {
        w.memory.piece_max = second < NEW_FROM ? 0 : 2047;
        say_routes(&w, second, second < NEW_FROM ? 1 : ROUTES);
    }
    has_all_detail(&w, SECONDS);
    assert_true(world_stats(&w).other_values > 0);
    assert_int_equal(world_stats(&w).lines,
                     NEW_FROM + (SECONDS - NEW_FROM) * ROUTES);
    world_close(&w);
}

/* Names that are all different, in the least memory that may be asked for: nothing
 * has room as it is, and all is counted. */
static void the_least_memory_keeps_the_totals_of_the_worst_channel(void **state)
{
    const uint64_t bytes_max = LP_AGGREGATE_BYTES_MAX_LEAST;
    uint64_t seed = 6;
    uint64_t requests = 0;
    world w;

    (void)state;
    world_open_of(&w, bytes_max, LP_AGGREGATE_SERIES_MAX_MOST);
    for (double now = 0; now < 600; now += 0.05) {
        request r = {.process = "web.1", .path = "/", .connect = 1, .bytes = 1};
        char msg[256], process[32];
        unsigned n = (unsigned)(chance(&seed) % 100000);

        snprintf(msg, sizeof(msg),
                 "count#%u%08x measure#%u%08x=%u.%u sample#%u=%u", n, n, n, n,
                 n, n, n, n);
        snprintf(process, sizeof(process), "worker.%u", n);
        world_say_at(&w, at(now), "app", process, msg);
        r.process = process;
        r.status = 100 + (int)(n % 500);
        r.service = (int)exp(20 * fraction(&seed));
        world_request(&w, at(now), &r);
        requests++;
        if (chance(&seed) % 64 == 0) {
            world_read(&w, bytes_max);
            assert_true(w.memory.held_bytes <= bytes_max + 16384);
        }
    }
    world_read(&w, bytes_max);
    lp_aggregate_tick(w.aggregate, at(660));
    assert_true(world_stats(&w).bytes <= bytes_max);
    assert_int_equal(world_stats(&w).uncounted_lines, 0);
    assert_int_equal(sum_dimension(&w, LP_DIM_TOTAL).count, requests);
    assert_int_equal(sum_dimension(&w, LP_DIM_STATUS).count, requests);
    assert_int_equal(sum_dimension(&w, LP_DIM_LINES).count, w.lines);
    world_close(&w);
}

static void take_total(void *ctx, const lp_aggregate_window *window,
                       const lp_aggregate_row *rows, size_t row_count)
{
    uint64_t *sum = ctx;

    (void)window;
    *sum += row_count > 0 ? rows[0].count : 0;
}

/* Requests of the seconds that end within that time. */
static uint64_t count_between(world *w, int64_t from_s, int64_t to_s)
{
    static const lp_aggregate_select select = {
        1U << LP_DIM_TOTAL, {NULL, 0}, {NULL, 0}};
    uint64_t sum = 0;

    CHECK_OK(lp_aggregate_each(w->aggregate, LP_TIER_SECONDS, from_s, to_s,
                               &select, take_total, &sum));
    return sum;
}

static uint32_t total_series(world *w)
{
    fact_series key;

    memset(&key, 0, sizeof(key));
    key.dimension = LP_DIM_TOTAL;
    return fact_series_of(w, key);
}

/* Of a stream of lines, one allocation after the other is refused, or all from there
 * on for a while: what is counted is the same, unless that is so long that old frames
 * made room. */
static uint64_t play_refused(uint64_t from, uint64_t count, bool *is_over)
{
    uint64_t seed = 8;
    double now = 0;
    uint64_t asked;
    bool is_whole;
    world w;

    world_open_of(&w, LP_AGGREGATE_BYTES_MAX_LEAST, 0);
    w.memory.refuse_from = from;
    w.memory.refuse_count = count;
    for (int i = 0; i < 400; i++) {
        say_anything(&w, &seed, at(now));
        now += fraction(&seed);
        world_read(&w, LP_AGGREGATE_BYTES_MAX_LEAST);
    }
    asked = w.memory.asked;
    *is_over = asked <= from;
    w.memory.refuse_from = UINT64_MAX;
    for (int i = 0; i < 3; i++) {
        now += 60;
        lp_aggregate_tick(w.aggregate, at(now));
    }
    is_whole = world_stats(&w).frames_dropped == 0;
    if (is_whole) {
        assert_int_equal(sum_dimension(&w, LP_DIM_LINES).count +
                             world_stats(&w).uncounted_lines,
                         w.lines);
    }
    for (int tier = 0; tier < LP_TIERS; tier++) {
        details_of(&w, (lp_tier)tier); // windows ascend
    }
    assert_true(from < 4 || world_stats(&w).uncounted_lines == 0);
    if (is_whole && world_stats(&w).uncounted_lines == 0) {
        exact e = exact_of(&w, total_series(&w), INT64_MIN, INT64_MAX);
        search found = find_row(&w, LP_DIM_TOTAL, "", NULL);
        lp_aggregate_row row = found.row;

        found.window.start_s = INT64_MIN; // what was kept open counts later
        found.window.end_s = INT64_MAX;
        check_classes(&w, &found.window);
        // In what detail depends on memory.
        row.sketch = NULL;
        check_row(&row, &e);
        assert_int_equal(sum_dimension(&w, LP_DIM_STATUS).count, e.count);
        assert_int_equal(sum_dimension(&w, LP_DIM_STATUS).failed, e.failed);
        free(e.values);
    }
    world_close(&w);
    return asked;
}

static void no_count_is_lost_when_an_allocation_fails(void **state)
{
    bool is_over = false;

    (void)state;
    // The first two make the aggregate itself.
    for (uint64_t from = 2; !is_over; from++) {
        play_refused(from, 1, &is_over);
    }
}

/* Windows of a tier, by what each has to say of late lines. */
typedef struct lateness {
    int64_t starts_s[200];
    uint32_t late_s[200];
    uint64_t lines[200];
    unsigned count;
} lateness;

static void note_window(void *ctx, const lp_aggregate_window *window,
                        const lp_aggregate_row *rows, size_t row_count)
{
    lateness *l = ctx;

    assert_true(l->count < 200);
    l->starts_s[l->count] = window->start_s - begin_s;
    l->late_s[l->count] = window->late_s;
    l->lines[l->count] = 0;
    for (size_t i = 0; i < row_count; i++) {
        l->lines[l->count] += rows[i].count;
    }
    l->count++;
}

static lateness lateness_of(const world *w, lp_tier tier)
{
    lp_aggregate_select lines = {1U << LP_DIM_LINES, {NULL, 0}, {NULL, 0}};
    lateness l = {.count = 0};

    CHECK_OK(lp_aggregate_each(w->aggregate, tier, INT64_MIN, INT64_MAX, &lines,
                               note_window, &l));
    return l;
}

static void take_held(void *ctx, const lp_aggregate_window *window,
                      const lp_aggregate_row *rows, size_t row_count)
{
    uint64_t *held_lines = ctx;

    (void)rows;
    (void)row_count;
    *held_lines = window->held_lines;
}

/* Of what came until then. */
static uint64_t held_until(const world *w, int64_t to_s)
{
    uint64_t held_lines = UINT64_MAX;

    CHECK_OK(lp_aggregate_total(w->aggregate, begin_s, to_s, NULL, take_held,
                                &held_lines));
    return held_lines;
}

/* A second without memory waits, and says so: while it does, and where it is told. */
static void lines_that_wait_for_memory_are_held_and_then_late(void **state)
{
    lp_aggregate_brief brief;
    lateness of;
    world w;

    (void)state;
    world_open(&w, NULL);
    for (int second = 0; second < 40; second++) {
        if (second == 18 + 1) { // the 18th is about to end
            w.memory.refuse_from = w.memory.asked;
            w.memory.refuse_count = UINT64_MAX / 2;
        } else if (second == 22 + 1) {
            assert_int_equal(world_stats(&w).held_lines, 5);
            assert_int_equal(world_stats(&w).lacks_since_s[0], begin_s + 18);
            lp_aggregate_brief_get(w.aggregate, at(22), &brief);
            assert_int_equal(brief.held_lines, 5);
            w.memory.refuse_from = UINT64_MAX;
            assert_int_equal(held_until(&w, begin_s + 18), 0);
            assert_int_equal(held_until(&w, begin_s + 19), 5);
        }
        world_say_at(&w, at(second), "app", "web.1", "hello");
        world_read(&w, 0);
    }
    assert_int_equal(world_stats(&w).held_lines, 0);
    assert_int_equal(world_stats(&w).lacks_since_s[0], INT64_MAX);
    assert_int_equal(held_until(&w, begin_s + 18), 0);
    assert_int_equal(held_until(&w, begin_s + 22), 5);
    assert_int_equal(held_until(&w, begin_s + 23), 0);
    lp_aggregate_tick(w.aggregate, at(60));
    of = lateness_of(&w, LP_TIER_SECONDS);
    assert_int_equal(of.count, 40 - 4);
    assert_int_equal(of.starts_s[17], 17);
    assert_int_equal(of.late_s[17], 0);
    assert_int_equal(of.starts_s[18], 22);
    assert_int_equal(of.late_s[18], 4);
    assert_int_equal(of.lines[18], 5);
    assert_int_equal(of.late_s[19], 0);
    of = lateness_of(&w, LP_TIER_TENS);
    assert_int_equal(of.count, 4);
    assert_int_equal(of.late_s[1], 0);
    assert_int_equal(of.lines[1], 8);
    assert_int_equal(of.late_s[2], 2);
    assert_int_equal(of.lines[2], 12);
    of = lateness_of(&w, LP_TIER_MINUTES);
    assert_int_equal(of.late_s[0], 0);
    assert_int_equal(of.lines[0], 40);
    world_close(&w);
}

static void check_lacks(const world *w, int64_t seconds, int64_t tens,
                        int64_t minutes)
{
    lp_aggregate_stats stats = world_stats(w);

    assert_int_equal(stats.lacks_since_s[LP_TIER_SECONDS], seconds);
    assert_int_equal(stats.lacks_since_s[LP_TIER_TENS], tens);
    assert_int_equal(stats.lacks_since_s[LP_TIER_MINUTES], minutes);
}

/* Seconds that are not merged for want of memory are missing in longer windows, and
 * so are lines that a later one has. */
static void longer_windows_say_since_when_they_lack_lines(void **state)
{
    const int64_t never = INT64_MAX;
    world w;

    (void)state;
    world_open(&w, NULL);
    world_say_at(&w, at(3), "app", "web.1", "hello");
    world_read(&w, 0);
    lp_aggregate_tick(w.aggregate, at(9));
    check_lacks(&w, never, never, never);
    w.memory.refuse_from = w.memory.asked;
    w.memory.refuse_count = UINT64_MAX / 2;
    lp_aggregate_tick(w.aggregate, at(10));
    check_lacks(&w, never, begin_s + 3, never);
    world_say_at(&w, at(13), "app", "web.1", "hello");
    world_read(&w, 0);
    for (int second = 14; second <= 22; second++) {
        lp_aggregate_tick(w.aggregate, at(second));
        check_lacks(&w, begin_s + 13, begin_s + 3, begin_s + 13);
    }
    w.memory.refuse_from = UINT64_MAX;
    lp_aggregate_tick(w.aggregate, at(23));
    check_lacks(&w, never, begin_s + 13, begin_s + 13);
    lp_aggregate_tick(w.aggregate, at(30));
    check_lacks(&w, never, never, begin_s + 13);
    lp_aggregate_tick(w.aggregate, at(60));
    check_lacks(&w, never, never, never);
    world_close(&w);
}

/* Seconds go for want of memory, and their lines are in the first ten, which begins
 * before there was anything. */
static void the_first_windows_are_told_when_their_seconds_are_gone(void **state)
{
    enum { FIRST = 7, SHORT_FROM = 20, SECONDS = 50 };
    world w;

    (void)state;
    world_open(&w, NULL);
    for (int second = FIRST; second < SECONDS; second++) {
        if (second == SHORT_FROM) {
            w.memory.bytes_max = w.memory.held_bytes * 2 / 3;
        }
        say_routes(&w, second, 10);
    }
    lp_aggregate_tick(w.aggregate, at(SECONDS));
    w.memory.bytes_max = 0; // as reading needs some
    assert_true(world_stats(&w).kept_from_s[LP_TIER_SECONDS] > begin_s + FIRST);
    assert_int_equal(world_stats(&w).kept_from_s[LP_TIER_TENS], begin_s);
    assert_int_equal(sum_dimension(&w, LP_DIM_LINES).count +
                         world_stats(&w).held_lines,
                     w.lines);
    world_close(&w);
}

/* Memory that is refused for good: what there is goes to what is newer, and reading
 * needs none of it. */
static void a_channel_that_gets_no_more_memory_still_tells_what_is_new(void **s)
{
    stingy calls = {.refuse_from = UINT64_MAX};
    lp_allocator scratch = {stingy_alloc, stingy_free, &calls};
    lp_aggregates_options opt = LP_AGGREGATES_OPTIONS_INIT;
    lp_aggregate_stats before = {0}, after;
    uint64_t seed = 11;
    unsigned held_seconds = 0;
    world w;

    (void)s;
    opt.scratch = &scratch;
    world_open(&w, &opt);
    for (int second = 0; second < 900; second++) {
        say_busy_second(&w, &seed, second);
        if (second == 300) {
            before = world_stats(&w);
            w.memory.bytes_max = w.memory.held_bytes;
        }
        held_seconds += world_stats(&w).held_lines > 0 ? 1 : 0;
    }
    assert_in_range(held_seconds, 0, 10); // once is enough
    // A second may wait ten others for memory, and is told as the last of them.
    for (int second = 900; second <= 920; second++) {
        lp_aggregate_tick(w.aggregate, at(second));
    }
    after = world_stats(&w);
    assert_true(w.memory.held_bytes <= w.memory.bytes_max);
    assert_int_equal(before.full_from_s[LP_TIER_TENS], begin_s);
    assert_true(after.full_from_s[LP_TIER_TENS] != begin_s);
    assert_int_equal(after.uncounted_lines, 0);
    assert_in_range(count_between(&w, begin_s + 880, begin_s + 920), 200, 300);
    assert_int_equal(sum_dimension(&w, LP_DIM_TOTAL).count, 900 * 10);
    assert_int_equal(calls.held_bytes, 0);
    world_close(&w);
}

static void no_count_is_lost_when_memory_is_short_for_a_while(void **state)
{
    bool is_over = false;

    (void)state;
    for (uint64_t from = 2; !is_over; from += 7) {
        play_refused(from, 40, &is_over);
        play_refused(from, 1000, &is_over);
    }
}

/* What a series keeps from one second to the next it gives back when it is silent. */
static void a_silent_series_holds_no_sketch(void **state)
{
    uint64_t seed = 10;
    uint64_t busy_bytes;
    char msg[64];
    world w;

    (void)state;
    world_open(&w, NULL);
    for (int second = 0; second < 2; second++) {
        for (int i = 0; i < 500; i++) {
            snprintf(msg, sizeof(msg), "measure#x=%.3f",
                     exp(10 * fraction(&seed)));
            world_say_at(&w, at(second), "app", "web.1", msg);
        }
        world_read(&w, 0);
    }
    world_say_at(&w, at(2), "app", "web.1", "hello");
    world_read(&w, 0);
    busy_bytes = world_stats(&w).bytes;
    lp_aggregate_tick(w.aggregate, at(3));
    assert_true(world_stats(&w).bytes < busy_bytes);
    world_close(&w);
}

static void reading_without_memory_says_so(void **state)
{
    search s = {.dimension = LP_DIM_TOTAL, .name = ""};
    uint64_t seed = 9;
    world w;

    (void)state;
    world_open(&w, NULL);
    say_anything(&w, &seed, at(0));
    world_read(&w, 0);
    lp_aggregate_tick(w.aggregate, at(1));
    w.memory.refuse_from = w.memory.asked;
    w.memory.refuse_count = 2;
    CHECK_ERR(
        lp_aggregate_total(w.aggregate, 0, INT64_MAX, NULL, search_rows, &s),
        LP_E_NOMEM);
    CHECK_ERR(lp_aggregate_each(w.aggregate, LP_TIER_SECONDS, 0, INT64_MAX,
                                NULL, search_rows, &s),
              LP_E_NOMEM);
    assert_int_equal(s.found, 0);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(totals_are_exact_when_detail_has_faded),
        cmocka_unit_test(no_detail_goes_for_exemplars),
        cmocka_unit_test(lines_that_wait_for_memory_are_held_and_then_late),
        cmocka_unit_test(longer_windows_say_since_when_they_lack_lines),
        cmocka_unit_test(
            the_first_windows_are_told_when_their_seconds_are_gone),
        cmocka_unit_test(no_detail_goes_for_new_names),
        cmocka_unit_test(a_busy_application_has_its_hour_and_its_day),
        cmocka_unit_test(
            the_least_memory_keeps_the_totals_of_the_worst_channel),
        cmocka_unit_test(no_count_is_lost_when_an_allocation_fails),
        cmocka_unit_test(no_count_is_lost_when_memory_is_short_for_a_while),
        cmocka_unit_test(
            a_channel_that_gets_no_more_memory_still_tells_what_is_new),
        cmocka_unit_test(a_silent_series_holds_no_sketch),
        cmocka_unit_test(reading_without_memory_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
