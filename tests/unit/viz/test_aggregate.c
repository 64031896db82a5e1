/* test_aggregate.c - what lines are counted as, and in which windows. */
#include "aggregate_world.h"

static comparison compare_tier(world *w, lp_tier tier)
{
    comparison c = {.w = w, .before_s = INT64_MIN};

    CHECK_OK(lp_aggregate_each(w->aggregate, tier, INT64_MIN, INT64_MAX, NULL,
                               compare_window, &c));
    return c;
}

static comparison compare_total(world *w, int64_t from_s, int64_t to_s)
{
    comparison c = {.w = w, .before_s = INT64_MIN};

    CHECK_OK(lp_aggregate_total(w->aggregate, from_s, to_s, NULL,
                                compare_window, &c));
    assert_int_equal(c.windows, 1);
    return c;
}

static const char *const codes[] = {"H12", "H10", "H18"};

static request any_request(uint64_t *seed, char *path, size_t path_max)
{
    request r = {.process = "",
                 .path = path,
                 .status = 200,
                 .connect = -1,
                 .service = -1,
                 .bytes = (int)(chance(seed) % 100000)};
    static const char *const processes[] = {"web.1", "web.2", "web.3", ""};
    static const int statuses[] = {200, 200, 200, 304, 404, 500, 503, 0};

    snprintf(path, path_max, "/users/%u/%s", (unsigned)(chance(seed) % 1000),
             chance(seed) % 2 == 0 ? "posts" : "edit?q=1");
    r.process = processes[chance(seed) % 4];
    r.status = statuses[chance(seed) % 8];
    if (r.process[0] != '\0') {
        r.connect = (int)(chance(seed) % 5);
        r.service = (int)(exp(3 + 2 * fraction(seed)) * fraction(seed));
    }
    if (r.status == 503 || chance(seed) % 16 == 0) {
        r.code = codes[chance(seed) % 3];
    }
    return r;
}

static void say_any_request(world *w, uint64_t *seed, int64_t ns)
{
    char path[64];
    request r = any_request(seed, path, sizeof(path));

    world_request(w, ns, &r);
}

/* Ninety minutes, of which half a minute now and then is silent. */
static void windows_of_all_tiers_say_what_was_said_in_them(void **state)
{
    uint64_t seed = 7;
    int64_t ns = begin_s * SECOND_NS;
    comparison c;
    world w;

    (void)state;
    world_open(&w, &(lp_aggregates_options){.struct_bytes =
                                                sizeof(lp_aggregates_options),
                                            .bytes_max = 64 << 20});
    while (ns < (begin_s + 5400) * SECOND_NS) {
        for (int i = 0; i < 10; i++) {
            // Now and then one comes late.
            ns += (int64_t)(chance(&seed) % 2000) * 1000000;
            say_any_request(&w, &seed,
                            ns - (chance(&seed) % 8 == 0 ? 4 : 0) * SECOND_NS);
        }
        ns += (chance(&seed) % 8 == 0 ? 30 : 0) * (int64_t)SECOND_NS;
        world_read(&w, 0);
    }
    lp_aggregate_tick(w.aggregate, ns + 60 * (int64_t)SECOND_NS);
    c = compare_tier(&w, LP_TIER_SECONDS);
    assert_true(c.windows > 20);
    c = compare_tier(&w, LP_TIER_TENS);
    assert_true(c.windows > 200);
    c = compare_tier(&w, LP_TIER_MINUTES);
    assert_in_range(c.windows, 85, 91);
    assert_int_equal(c.lines, w.lines);
    c = compare_total(&w, begin_s, begin_s + 86400);
    assert_int_equal(c.lines, w.lines);
    c = compare_total(&w, ns / SECOND_NS - 60, ns / SECOND_NS + 1);
    c = compare_total(&w, ns / SECOND_NS - 333, ns / SECOND_NS - 1);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_of_all_tiers_say_what_was_said_in_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
