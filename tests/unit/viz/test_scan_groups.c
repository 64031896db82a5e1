#include <math.h>

#include "scan_question.h"
#include "scan_world.h"

enum { ROWS_MAX = 5000, TEXT_MAX = 64 };

/* An answer, in memory of its own. */
typedef struct row {
    lp_scan_group group;
    char by[LP_SCAN_BY_MAX][TEXT_MAX]; /* "(none)" where there is none */
} row;

typedef struct answer {
    row rows[ROWS_MAX];
    size_t count;
    lp_scan_groups_summary summary;
    lp_scan_stats stats;
} answer;

static void take_row(void *ctx, const lp_scan_group *group)
{
    answer *to = ctx;
    row *next = &to->rows[to->count];

    assert_true(to->count < ROWS_MAX);
    next->group = *group;
    for (int i = 0; i < LP_SCAN_BY_MAX; i++) {
        lp_span by =
            group->by[i].ptr != NULL ? group->by[i] : LP_SPAN("(none)");

        assert_true(by.len_bytes < TEXT_MAX);
        memcpy(next->by[i], by.ptr, by.len_bytes);
        next->by[i][by.len_bytes] = '\0';
    }
    to->count++;
}

static lp_scan *groups_of(const lp_scan_where *where,
                          const lp_scan_groups_options *options)
{
    const char *why = "";
    lp_scan *scan;

    if (lp_scan_groups_create(where, options, NULL, &scan, &why) != LP_OK) {
        fail_msg("%s", why);
    }
    return scan;
}

static const answer *answer_of(lp_scan *scan, uint32_t top)
{
    static answer got;

    memset(&got, 0, sizeof(got));
    lp_scan_groups_each(scan, top, take_row, &got);
    got.summary.struct_bytes = sizeof(got.summary);
    lp_scan_groups_summary_get(scan, &got.summary);
    got.stats.struct_bytes = sizeof(got.stats);
    lp_scan_stats_get(scan, &got.stats);
    return &got;
}

static const answer *ask(world *now, const lp_scan_groups_options *options,
                         uint32_t top)
{
    lp_scan_where where = LP_SCAN_WHERE_INIT;
    lp_scan *scan = groups_of(&where, options);
    const answer *got;

    scan_all(scan, now->channel, 100);
    got = answer_of(scan, top);
    lp_scan_destroy(scan);
    return got;
}

static void assert_row(const row *got, const char *by, uint64_t count,
                       double sum)
{
    assert_false(got->group.is_other);
    assert_string_equal(got->by[0], by);
    assert_int_equal(got->group.count, count);
    assert_true(got->group.sum == sum);
}

static void say_app(world *now, const char *msg)
{
    say(now, "app", "web.1", lp_span_str(msg));
}

/* In steps that end in the middle. */
static const answer *ask_hastily(world *now,
                                 const lp_scan_groups_options *options,
                                 uint64_t enough_each)
{
    lp_scan_where where = LP_SCAN_WHERE_INIT;
    patience it = {.enough_each = enough_each};
    lp_scan *scan = groups_of(&where, options);
    const answer *got;

    lp_scan_ask(scan, is_enough, &it);
    scan_all(scan, now->channel, 1000);
    assert_true(it.asked > 1000 / LP_SCAN_ASKS_EACH);
    got = answer_of(scan, 1);
    lp_scan_destroy(scan);
    return got;
}

static void steps_that_end_in_the_middle_add_up(void **state)
{
    lp_scan_groups_options options = scan_question("t", NULL);
    world now = world_of(10000);

    (void)state;
    for (int i = 1; i <= 1001; i++) {
        char msg[32];

        snprintf(msg, sizeof(msg), "t=%d", i);
        say_app(&now, msg);
    }
    for (uint64_t each = 1; each < 40; each += 6) {
        const answer *got = ask_hastily(&now, &options, each);

        assert_int_equal(got->stats.scanned_lines, 1001);
        assert_int_equal(got->stats.from_ns, 1);
        assert_row(&got->rows[0], "(none)", 1001, 1001 * 501);
        assert_int_equal(got->rows[0].group.newest_seq, 1001);
    }
    world_end(&now);
}

/* Keys -------------------------------------------------------------------- */

static void lines_without_a_key_are_a_group(void **state)
{
    lp_scan_groups_options options = scan_question("", "k");
    world now = world_of(1000);
    const answer *got;

    (void)state;
    say_app(&now, "k=a");
    say_app(&now, "k=\"a\" k=b");
    say_app(&now, "the k is k=a");
    say_app(&now, "k=");
    say_app(&now, "k=\"\"");
    say_app(&now, "k");
    say_app(&now, "k=\"cut off");
    say_app(&now, "");
    say_app(&now, "x=\"k=a\"");
    got = ask(&now, &options, 10);
    assert_int_equal(got->count, 3);
    assert_row(&got->rows[0], "(none)", 4, 0);
    assert_row(&got->rows[1], "a", 3, 0);
    assert_row(&got->rows[2], "", 2, 0);
    assert_true(got->summary.is_exact);
    assert_int_equal(got->summary.groups_seen, 3);
    assert_int_equal(got->rows[1].group.newest_seq, 3);
    world_end(&now);
}

static void values_are_as_they_were_meant(void **state)
{
    lp_scan_groups_options options = scan_question("", "k");
    world now = world_of(1000);
    const answer *got;

    (void)state;
    say_app(&now, "k=\"a \\\"b\\\" \\\\ \\n\"");
    say_app(&now, "k=\"a \\\"b\\\" \\\\ \\n\" x");
    say_app(&now, "k=\xff\xc3(\x80");
    got = ask(&now, &options, 10);
    assert_int_equal(got->count, 2);
    assert_row(&got->rows[0], "a \"b\" \\ \n", 2, 0);
    assert_row(&got->rows[1], "\xff\xc3(\x80", 1, 0);
    world_end(&now);
}

static void of_long_values_the_first_bytes_count(void **state)
{
    static char text[2000];
    lp_scan_groups_options options = scan_question("", "k");
    lp_scan_where where = LP_SCAN_WHERE_INIT;
    world now = world_of(1000);
    lp_scan *scan = groups_of(&where, &options);
    lp_scan_groups_summary summary = LP_SCAN_GROUPS_SUMMARY_INIT;

    (void)state;
    for (size_t n = 255; n <= 257; n++) {
        memset(text, 'a', sizeof(text));
        memcpy(text, "k=\"", 3);
        text[n + 3] = '"';
        say(&now, "app", "web.1", lp_span_of(text, n + 4));
    }
    // As long when the escapes are resolved, and one byte of 256 different.
    for (int last = 0; last < 2; last++) {
        for (size_t i = 0; i < 300; i++) {
            memcpy(text + 3 + 2 * i, "\\\"", 2);
        }
        memcpy(text + 3 + 2 * 255, last == 0 ? "\\\\" : "\\\"", 2);
        text[603] = '"';
        say(&now, "app", "web.1", lp_span_of(text, 604));
    }
    scan_all(scan, now.channel, 100);
    lp_scan_groups_summary_get(scan, &summary);
    assert_int_equal(summary.groups_seen, 4);
    lp_scan_destroy(scan);
    world_end(&now);
}

static void a_line_s_own_keys_are_keys_too(void **state)
{
    lp_scan_groups_options options = scan_question("", "source");
    world now = world_of(1000);
    const answer *got;

    (void)state;
    say_app(&now, "source=db severity=high route=x");
    say_router(&now, "at=info method=GET path=\"/users/7\" dyno=web.1 "
                     "connect=1ms service=2ms status=200 bytes=1");
    say_router(&now, "GET h/users/8?a=1 dyno=web.2 queue=0 wait=0ms "
                     "service=3ms status=200 bytes=1");
    options.by_count = 4;
    options.by[1] = LP_SPAN("process");
    options.by[2] = LP_SPAN("severity");
    options.by[3] = LP_SPAN("route");
    got = ask(&now, &options, 10);
    assert_int_equal(got->count, 2);
    assert_row(&got->rows[0], "heroku", 2, 0);
    assert_string_equal(got->rows[0].by[1], "router");
    assert_string_equal(got->rows[0].by[2], "info");
    assert_string_equal(got->rows[0].by[3], "GET /users/:id");
    assert_row(&got->rows[1], "app", 1, 0);
    assert_string_equal(got->rows[1].by[3], "(none)");
    options.by_count = 3;
    options.by[0] = LP_SPAN(".source");
    options.by[1] = LP_SPAN(".severity");
    options.by[2] = LP_SPAN("path");
    got = ask(&now, &options, 10);
    assert_int_equal(got->count, 3);
    assert_row(&got->rows[0], "(none)", 1, 0);
    assert_string_equal(got->rows[0].by[2], "/users/8?a=1");
    assert_string_equal(got->rows[1].by[2], "/users/7");
    assert_row(&got->rows[2], "db", 1, 0);
    assert_string_equal(got->rows[2].by[1], "high");
    world_end(&now);
}

/* Measures ---------------------------------------------------------------- */

static void values_are_in_base_units(void **state)
{
    lp_scan_groups_options options = scan_question("t", NULL);
    world now = world_of(1000);
    const answer *got;

    (void)state;
    say_app(&now, "t=1ms");
    say_app(&now, "t=2s");
    say_app(&now, "t=\"3ms\"");
    say_app(&now, "t=4");
    say_app(&now, "t=5MB");
    say_app(&now, "t=6req");
    say_app(&now, "t=fast");
    say_app(&now, "t=");
    say_app(&now, "t");
    got = ask(&now, &options, 10);
    assert_int_equal(got->count, 1);
    assert_int_equal(got->rows[0].group.count, 3);
    assert_true(got->rows[0].group.sum == 2004);
    assert_true(got->rows[0].group.min == 1 && got->rows[0].group.max == 2000);
    assert_true(got->rows[0].group.quantiles[2] == 2000);
    assert_int_equal(got->summary.unit, LP_UNIT_MS);
    assert_int_equal(got->summary.groups_seen, 1);
    assert_int_equal(got->summary.other_unit_values, 3);
    assert_int_equal(got->summary.without_measure_lines, 3);
    world_end(&now);
}

static void a_unit_of_one_s_own_is_kept(void **state)
{
    lp_scan_groups_options options = scan_question("t", NULL);
    world now = world_of(1000);
    const answer *got;
    static const char *const lines[] = {"t=1a", "t=1b", "t=2b", "t=1c",
                                        "t=1d", "t=1e", "t=2e", "t=3e"};

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        say_app(&now, lines[i]);
    }
    got = ask(&now, &options, 10);
    assert_int_equal(got->summary.unit, LP_UNIT_OTHER);
    assert_memory_equal(got->summary.suffix.ptr, "b", 1);
    assert_int_equal(got->rows[0].group.count, 2);
    // Of d and e it is only known that there were some.
    assert_int_equal(got->summary.other_unit_values, 6);
    world_end(&now);
}

static void the_router_s_numbers_have_units(void **state)
{
    lp_scan_groups_options options = scan_question("service", NULL);
    world now = world_of(1000);
    const answer *got;

    (void)state;
    say_router(&now, "at=info method=GET path=\"/\" dyno=web.1 connect=1 "
                     "service=2 status=200 bytes=3");
    say_router(&now, "at=info method=GET path=\"/\" dyno=web.1 connect=1ms "
                     "service=3ms status=200 bytes=4");
    got = ask(&now, &options, 10);
    assert_int_equal(got->summary.unit, LP_UNIT_MS);
    assert_true(got->rows[0].group.sum == 5);
    options.measure = LP_SPAN("bytes");
    got = ask(&now, &options, 10);
    assert_int_equal(got->summary.unit, LP_UNIT_BYTES);
    assert_true(got->rows[0].group.sum == 7);
    options.measure = LP_SPAN("response");
    got = ask(&now, &options, 10);
    assert_int_equal(got->summary.unit, LP_UNIT_MS);
    assert_true(got->rows[0].group.sum == 7);
    assert_int_equal(got->summary.without_measure_lines, 0);
    // What no router can have told is no time here, as in the live aggregates.
    say_router(&now, "at=info method=GET path=\"/\" connect=1ms service=5GB");
    say_router(&now, "at=info method=GET path=\"/\" connect=-1ms service=5ms");
    say_router(&now, "at=info method=GET path=\"/\" service=99999999999999ms");
    got = ask(&now, &options, 10);
    assert_int_equal(got->rows[0].group.count, 2);
    assert_true(got->rows[0].group.sum == 7);
    assert_int_equal(got->summary.without_measure_lines, 3);
    world_end(&now);
}

static void measures_by_convention_are_found_by_their_names(void **state)
{
    lp_scan_groups_options options = scan_question("db", NULL);
    world now = world_of(1000);
    const answer *got;

    (void)state;
    say_app(&now, "measure#db=1ms");
    say_app(&now, "sample#db=2ms");
    say_app(&now, "count#db=3ms");
    say_app(&now, "measure.db=4ms");
    say_app(&now, "db=5ms measure#db=9ms");
    say_app(&now, "unique#db=6ms measure#dbs=7ms");
    got = ask(&now, &options, 10);
    assert_int_equal(got->rows[0].group.count, 5);
    assert_true(got->rows[0].group.sum == 15);
    assert_int_equal(got->summary.without_measure_lines, 1);
    world_end(&now);
}

static void they_are_ranked_by_lines_or_by_sum(void **state)
{
    lp_scan_groups_options options = scan_question("t", "k");
    world now = world_of(1000);
    const answer *got;

    (void)state;
    for (int i = 0; i < 3; i++) {
        say_app(&now, "k=a t=1");
        say_app(&now, i > 0 ? "k=b t=10" : "k=c t=50");
        say_app(&now, i > 1 ? "k=d t=-100" : "x");
    }
    got = ask(&now, &options, 2);
    assert_int_equal(got->count, 3);
    assert_row(&got->rows[0], "a", 3, 3);
    assert_row(&got->rows[1], "b", 2, 20);
    assert_true(got->rows[2].group.is_other);
    assert_int_equal(got->rows[2].group.count, 2);
    assert_true(got->rows[2].group.sum == -50);
    assert_true(got->rows[2].group.min == -100);
    options.order = LP_SCAN_BY_SUM;
    got = ask(&now, &options, 1);
    assert_row(&got->rows[0], "c", 1, 50);
    assert_int_equal(got->rows[1].group.count, 6);
    assert_true(got->rows[1].group.sum == -77);
    say_app(&now, "k=c t=-45");
    got = ask(&now, &options, 2);
    assert_row(&got->rows[0], "b", 2, 20);
    assert_row(&got->rows[1], "c", 2, 5);
    options.quantile_count = 0;
    got = ask(&now, &options, 0);
    assert_int_equal(got->count, 1);
    assert_int_equal(got->rows[0].group.count, 8);
    assert_true(got->rows[0].group.sum == -72);
    assert_true(got->rows[0].group.min == -100);
    assert_true(got->rows[0].group.max == 50);
    world_end(&now);
}

/* Against an exact computation --------------------------------------------- */

enum { KEYS = 40, LINES = 6000 };

typedef struct exact {
    double values[LINES];
    size_t count;
    double sum;
} exact;

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;

    return (left > right) - (left < right);
}

/* A line in one of several hands, with whatever may stand between. */
static void say_random(world *now, uint64_t *seed, unsigned key, double value)
{
    static const struct {
        const char *before, *between, *behind;
        bool is_value_first;
    } forms[] = {
        {"", " other=1 ", "", false},
        {"", " ", "\n", true},
        {"noise k ", " \"quoted k=x\" t ", " t=99999ms k=wrong", false},
        {"[tag] x=\"t=7ms k=y\" ", " \xff\xfe ", " tail\xff", true},
        {"t t =k ", " ", " =t= \"unbalanced", false},
    };
    unsigned form = (unsigned)(chance(seed) % 5);
    char pair[2][64], text[256];
    bool first = forms[form].is_value_first;
    int n;

    snprintf(pair[first], sizeof(pair[0]),
             key % 2 == 0 ? "k=key%u" : "k=\"key\\\"%u\"", key);
    snprintf(pair[!first], sizeof(pair[0]),
             chance(seed) % 2 == 0 ? "t=%.1fms" : "t=\"%.1fms\"", value);
    n = snprintf(text, sizeof(text), "%s%s%s%s%s", forms[form].before, pair[0],
                 forms[form].between, pair[1], forms[form].behind);
    say(now, "app", "web.1", lp_span_of(text, (size_t)n));
}

static void assert_agrees(const row *got, exact *want)
{
    qsort(want->values, want->count, sizeof(want->values[0]), compare);
    assert_int_equal(got->group.count, want->count);
    assert_true(fabs(got->group.sum - want->sum) <= 1e-9 * want->sum);
    assert_true(got->group.min == want->values[0]);
    assert_true(got->group.max == want->values[want->count - 1]);
    for (int i = 0; i < 2; i++) {
        double q = i == 0 ? 0.5 : 0.95;
        double value =
            want->values[(size_t)floor(q * (double)(want->count - 1))];

        assert_true(fabs(got->group.quantiles[i] - value) <= 0.01 * value);
    }
}

static void groups_agree_with_an_exact_computation(void **state)
{
    static exact want[KEYS];
    lp_scan_groups_options options = scan_question("t", "k");
    world now = world_of(LINES);
    uint64_t seed = 11;
    const answer *got;

    (void)state;
    for (int i = 0; i < LINES; i++) {
        unsigned key = (unsigned)(chance(&seed) % (chance(&seed) % KEYS + 1));
        double value = floor(exp(10 * fraction(&seed)) * 10) / 10;

        say_random(&now, &seed, key, value);
        want[key].values[want[key].count] = value;
        want[key].count++;
        want[key].sum += value;
    }
    got = ask(&now, &options, 1000);
    assert_int_equal(got->count, KEYS);
    assert_int_equal(got->stats.matched_lines, LINES);
    assert_int_equal(got->summary.without_measure_lines, 0);
    for (size_t i = 0; i < KEYS; i++) {
        const char *digits = strpbrk(got->rows[i].by[0], "0123456789");
        unsigned key = (unsigned)strtoul(digits, NULL, 10);

        assert_int_equal(got->rows[i].by[0][3] == '"', key % 2);
        assert_true(i == 0 ||
                    got->rows[i].group.count <= got->rows[i - 1].group.count);
        assert_agrees(&got->rows[i], &want[key]);
        want[key].count = 0;
    }
    world_end(&now);
}

/* More keys than there is room for ----------------------------------------- */

#ifndef LINES_OF_MANY
#define LINES_OF_MANY 400000
#endif

enum { MANY = LINES_OF_MANY, CHUNK = 2000, HEAVY = 20 };

/* Keys of which each is new, and among them, from the middle on, some that come
 * again and again: in the worst order for who keeps those that came first. */
static void say_many(world *now, uint64_t first, uint64_t *heavy)
{
    for (uint64_t i = first; i < first + CHUNK; i++) {
        bool is_heavy = i > MANY / 2 && i % 5 == 0;
        char text[64];
        int n =
            snprintf(text, sizeof(text), "k=%s%d t=%d", is_heavy ? "heavy" : "",
                     (int)(is_heavy ? i / 5 % HEAVY : i), (int)(i % 1000));

        heavy[i / 5 % HEAVY] += is_heavy;
        say(now, "app", "web.1", lp_span_of(text, (size_t)n));
    }
}

/* Runs as they come: older ones first, which makes no difference here. */
static void scan_new(lp_scan *scan, lp_cursor *cursor)
{
    lp_run run;

    while (lp_cursor_next(cursor, 0, 0, &run) == LP_OK) {
        assert_int_equal(run.lost_lines, 0);
        assert_true(lp_scan_run(scan, &run));
        lp_run_release(&run);
    }
}

static void assert_totals(const answer *got, uint64_t count, double sum)
{
    double all = 0;
    uint64_t n = 0;

    for (size_t i = 0; i < got->count; i++) {
        n += got->rows[i].group.count;
        all += got->rows[i].group.sum;
        assert_true(got->rows[i].group.min >= 0);
        assert_true(got->rows[i].group.max <= 999);
    }
    assert_int_equal(n, count);
    assert_true(all == sum);
}

static void ask_of_many(uint32_t groups_max, uint32_t order)
{
    lp_scan_groups_options options = scan_question("t", "k");
    lp_scan_where where = LP_SCAN_WHERE_INIT;
    world now = world_of(2 * CHUNK);
    lp_cursor *cursor =
        ring_cursor(now.channel, LP_START_OLDEST, 0, LP_STOP_NEVER);
    uint64_t heavy[HEAVY] = {0};
    const answer *got;
    lp_scan *scan;

    options.groups_max = groups_max;
    options.bytes_max = 1 << 20;
    options.order = order;
    scan = groups_of(&where, &options);
    for (uint64_t i = 0; i < MANY; i += CHUNK) {
        lp_scan_stats stats = LP_SCAN_STATS_INIT;

        say_many(&now, i, heavy);
        scan_new(scan, cursor);
        lp_scan_stats_get(scan, &stats);
        assert_true(stats.bytes <= options.bytes_max);
        assert_int_equal(stats.scanned_lines, i + CHUNK);
    }
    lp_cursor_close(cursor);
    got = answer_of(scan, HEAVY);
    assert_totals(got, MANY, MANY / 1000 * 499500.0);
    assert_int_equal(got->count, HEAVY + 1);
    assert_false(got->summary.is_exact);
    assert_true(fabs((double)got->summary.groups_seen - MANY * 0.9) <
                MANY * 0.08);
    if (order == LP_SCAN_BY_LINES) {
        assert_true(got->summary.floor <= 2.0 * MANY / groups_max);
    }
    for (size_t i = 0; i < HEAVY; i++) {
        const row *one = &got->rows[i];

        assert_memory_equal(one->by[0], "heavy", 5);
        if (order == LP_SCAN_BY_LINES) {
            uint64_t true_count = heavy[strtoul(one->by[0] + 5, NULL, 10)];

            assert_true(one->group.count <= true_count);
            assert_true((double)true_count <=
                        (double)one->group.count + one->group.missed_max);
        }
        assert_true(one->group.missed_max <= got->summary.floor);
    }
    lp_scan_destroy(scan);
    world_end(&now);
}

static void of_any_number_of_keys_the_heavy_ones_are_told(void **state)
{
    (void)state;
    ask_of_many(1024, LP_SCAN_BY_LINES);
    ask_of_many(200, LP_SCAN_BY_LINES);
    ask_of_many(1024, LP_SCAN_BY_SUM);
}

static void keys_are_counted_in_the_unit_of_the_answer(void **state)
{
    enum { OWN_KEYS = 200, OWN_LINES = 6000, OTHER_LINES = 3000 };
    lp_scan_groups_options options = scan_question("t", "k");
    world now = world_of(OWN_LINES + OTHER_LINES);
    const answer *got;

    (void)state;
    for (int i = 0; i < OWN_LINES; i++) {
        char msg[32];

        snprintf(msg, sizeof(msg), "t=1ms k=%d", i % OWN_KEYS);
        say_app(&now, msg);
        snprintf(msg, sizeof(msg), "t=1MB k=%d", i);
        if (i < OTHER_LINES) {
            say_app(&now, msg);
        }
    }
    got = ask(&now, &options, OWN_KEYS);
    assert_int_equal(got->count, OWN_KEYS);
    assert_true(got->summary.is_exact);
    assert_int_equal(got->summary.groups_seen, OWN_KEYS);
    options.groups_max = 64;
    got = ask(&now, &options, OWN_KEYS);
    assert_false(got->summary.is_exact);
    assert_true(fabs((double)got->summary.groups_seen - OWN_KEYS) <
                OWN_KEYS * 0.08);
    world_end(&now);
}

/* What a key really has is between what it is said to have and that and what was
 * missed; one that is not there has no more than the floor. */
static void what_was_missed_is_told_in_any_order(void **state)
{
    enum { SMALL = 60, SMALL_LINES = 3000 };
    lp_scan_groups_options options = scan_question("", "k");
    lp_scan_where where = LP_SCAN_WHERE_INIT;

    (void)state;
    options.quantile_count = 0;
    for (uint64_t turn = 1; turn <= 60; turn++) {
        world now = world_of(SMALL_LINES);
        uint64_t count[SMALL] = {0};
        uint64_t seed = turn;
        double floor_was;
        const answer *got;
        lp_scan *scan;

        for (unsigned i = 0; i < SMALL_LINES; i++) {
            unsigned spread = turn % 3 == 0 ? SMALL : i / 60 + 1;
            unsigned key = (unsigned)(chance(&seed) % spread);
            char text[32];
            int n = snprintf(text, sizeof(text), "k=%u", key);

            count[key]++;
            say(&now, "app", "web.1", lp_span_of(text, (size_t)n));
        }
        options.groups_max = 4 + (uint32_t)(turn % 20);
        scan = groups_of(&where, &options);
        scan_all(scan, now.channel, 100);
        got = answer_of(scan, 1000);
        floor_was = got->summary.floor;
        assert_true(floor_was <= 2.0 * SMALL_LINES / options.groups_max);
        for (size_t i = 0; i < got->count; i++) {
            const row *one = &got->rows[i];
            unsigned long key = strtoul(one->by[0], NULL, 10);

            if (!one->group.is_other) {
                assert_true(one->group.count <= count[key]);
                assert_true((double)count[key] <=
                            (double)one->group.count + one->group.missed_max);
                count[key] = 0;
            }
        }
        for (size_t key = 0; key < SMALL; key++) {
            assert_true((double)count[key] <= floor_was);
        }
        lp_scan_destroy(scan);
        world_end(&now);
    }
}

static void long_keys_have_room_for_fewer_of_them(void **state)
{
    static char text[LP_SCAN_BY_MAX * 400];
    lp_scan_groups_options options = scan_question("t", "a");
    lp_scan_where where = LP_SCAN_WHERE_INIT;
    world now = world_of(3000);
    const answer *got;
    lp_scan *scan;

    (void)state;
    options.by_count = 4;
    options.by[1] = LP_SPAN("a");
    options.by[2] = LP_SPAN("a");
    options.by[3] = LP_SPAN("a");
    options.bytes_max = LP_SCAN_BYTES_MAX_LEAST;
    for (int i = 0; i < 3000; i++) {
        int n = snprintf(text, sizeof(text), "t=1 a=%d", i);

        memset(text + n, 'x', 300);
        say(&now, "app", "web.1", lp_span_of(text, (size_t)n + 300));
    }
    scan = groups_of(&where, &options);
    scan_all(scan, now.channel, 100);
    got = answer_of(scan, 0);
    assert_true(got->stats.bytes <= options.bytes_max);
    assert_int_equal(got->count, 1);
    assert_int_equal(got->rows[0].group.count, 3000);
    assert_true(got->rows[0].group.sum == 3000);
    lp_scan_destroy(scan);
    world_end(&now);
}

/* Memory ------------------------------------------------------------------ */

/* Returns how often memory was asked for. */
static uint64_t live_through(world *now, stingy *memory)
{
    lp_allocator allocator = {stingy_alloc, stingy_free, memory};
    lp_scan_groups_options options = scan_question("t", "k");
    lp_scan_where where = LP_SCAN_WHERE_INIT;
    const answer *got;
    lp_scan *scan = NULL;
    lp_err err =
        lp_scan_groups_create(&where, &options, &allocator, &scan, NULL);

    if (err != LP_OK) {
        CHECK_ERR(err, LP_E_NOMEM);
        assert_int_equal(memory->held_bytes, 0);
        return memory->asked;
    }
    scan_all(scan, now->channel, 1000);
    got = answer_of(scan, 3);
    assert_int_equal(got->stats.bytes, memory->held_bytes);
    assert_int_equal(got->count, 4);
    for (size_t i = 0; i < got->count; i++) {
        const lp_scan_group *one = &got->rows[i].group;

        assert_int_equal(one->count, i < 3 ? 100 : 300);
        assert_true(one->min == 0 && one->max == 99);
        assert_true(one->sum == (double)one->count / 100 * 4950);
        for (int q = 0; q < 3; q++) {
            // Of an answer that memory did not allow there is none.
            assert_true(isnan(one->quantiles[q]) ||
                        fabs(one->quantiles[q] - (double[]){49, 94, 99}[q]) <=
                            1);
        }
    }
    lp_scan_destroy(scan);
    assert_int_equal(memory->held_bytes, 0);
    return memory->asked;
}

static void without_memory_there_is_no_wrong_answer(void **state)
{
    world now = world_of(1000);
    stingy whole = {0};
    uint64_t asked;

    (void)state;
    for (int i = 0; i < 600; i++) {
        char text[32];
        int n = snprintf(text, sizeof(text), "k=%d t=%d", i % 6, i / 6);

        say(&now, "app", "web.1", lp_span_of(text, (size_t)n));
    }
    asked = live_through(&now, &whole);
    assert_true(asked > 10);
    for (uint64_t from = 0; from < asked; from++) {
        stingy once = {.refuse_from = from, .refuse_count = 1};
        stingy always = {.refuse_from = from, .refuse_count = UINT64_MAX};

        live_through(&now, &once);
        live_through(&now, &always);
    }
    world_end(&now);
}

/* Making one -------------------------------------------------------------- */

static void assert_refused(const lp_scan_groups_options *options)
{
    lp_scan_where where = LP_SCAN_WHERE_INIT;
    const char *why = NULL;
    lp_scan *scan;

    CHECK_ERR(lp_scan_groups_create(&where, options, NULL, &scan, &why),
              LP_E_INVALID);
    assert_true(why != NULL && strlen(why) > 10);
}

static void what_makes_no_sense_is_refused_in_words(void **state)
{
    static const char *const keys[] = {"", "a b", "a=b", "a\"", "response"};
    static const char *const measures[] = {"a b",     "=",        "source",
                                           "process", "severity", "route"};
    static char text[LP_SCAN_KEY_MAX_BYTES + 1];
    lp_scan_groups_options options;

    (void)state;
    memset(text, 'x', sizeof(text));
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        options = scan_question("t", keys[i]);
        assert_refused(&options);
    }
    for (size_t i = 0; i < sizeof(measures) / sizeof(measures[0]); i++) {
        options = scan_question(measures[i], NULL);
        assert_refused(&options);
    }
    options = scan_question("t", NULL);
    options.measure = lp_span_of(text, sizeof(text));
    assert_refused(&options);
    options = scan_question("t", NULL);
    options.by_count = LP_SCAN_BY_MAX + 1;
    assert_refused(&options);
    options = scan_question("", "k");
    options.order = LP_SCAN_BY_SUM;
    assert_refused(&options);
    options.order = 2;
    assert_refused(&options);
}

static void what_is_out_of_range_is_refused_in_words(void **state)
{
    lp_scan_groups_options options = scan_question("t", NULL);

    (void)state;
    options.quantiles[0] = 0.96;
    assert_refused(&options);
    options.quantiles[0] = (double)NAN;
    assert_refused(&options);
    options.quantiles[0] = -0.1;
    assert_refused(&options);
    options = scan_question("t", NULL);
    options.quantile_count = LP_SCAN_QUANTILES_MAX + 1;
    assert_refused(&options);
    options = scan_question("t", NULL);
    options.alpha = 0.2;
    assert_refused(&options);
    options = scan_question("t", NULL);
    options.groups_max = LP_SCAN_GROUPS_MAX_LEAST - 1;
    assert_refused(&options);
    options.groups_max = LP_SCAN_GROUPS_MAX_MOST;
    assert_refused(&options);
    options = scan_question("t", NULL);
    options.bytes_max = LP_SCAN_BYTES_MAX_LEAST - 1;
    assert_refused(&options);
    options.bytes_max = UINT64_MAX;
    assert_refused(&options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_that_end_in_the_middle_add_up),
        cmocka_unit_test(lines_without_a_key_are_a_group),
        cmocka_unit_test(values_are_as_they_were_meant),
        cmocka_unit_test(of_long_values_the_first_bytes_count),
        cmocka_unit_test(a_line_s_own_keys_are_keys_too),
        cmocka_unit_test(values_are_in_base_units),
        cmocka_unit_test(a_unit_of_one_s_own_is_kept),
        cmocka_unit_test(the_router_s_numbers_have_units),
        cmocka_unit_test(measures_by_convention_are_found_by_their_names),
        cmocka_unit_test(they_are_ranked_by_lines_or_by_sum),
        cmocka_unit_test(groups_agree_with_an_exact_computation),
        cmocka_unit_test(of_any_number_of_keys_the_heavy_ones_are_told),
        cmocka_unit_test(keys_are_counted_in_the_unit_of_the_answer),
        cmocka_unit_test(what_was_missed_is_told_in_any_order),
        cmocka_unit_test(long_keys_have_room_for_fewer_of_them),
        cmocka_unit_test(without_memory_there_is_no_wrong_answer),
        cmocka_unit_test(what_makes_no_sense_is_refused_in_words),
        cmocka_unit_test(what_is_out_of_range_is_refused_in_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
