/* Scans beside a thread that appends, to be looked at by ThreadSanitizer too. */
#include <pthread.h>
#include <stdatomic.h>

#include "scan_question.h"
#include "scan_world.h"

enum { LINES = 60000, HISTORY = 3000, STEP = 200 };

typedef struct writer {
    world now;
    atomic_bool is_done;
} writer;

/* Line n says n. */
static void *write_lines(void *ctx)
{
    writer *to = ctx;

    for (int i = 1; i <= LINES; i++) {
        char text[32];
        int n = snprintf(text, sizeof(text), "n=%d", i);

        say(&to->now, "app", "web.1", lp_span_of(text, (size_t)n));
    }
    atomic_store(&to->is_done, true);
    return NULL;
}

typedef struct total {
    uint64_t count;
    double sum;
} total;

static void add(void *ctx, const lp_scan_group *group)
{
    total *to = ctx;

    to->count += group->count;
    to->sum += group->sum;
}

/* Whatever came and went meanwhile, it saw each line of a range once. */
static void scan_once(lp_channel *channel)
{
    lp_scan_groups_options options = scan_question("n", "n");
    lp_scan_where where = LP_SCAN_WHERE_INIT;
    lp_scan_stats stats;
    total all = {0};
    lp_scan *scan;
    double first;
    double last;

    CHECK_OK(lp_scan_groups_create(&where, &options, NULL, &scan, NULL));
    scan_all(scan, channel, STEP);
    stats = scan_stats(scan);
    lp_scan_groups_each(scan, 10, add, &all);
    first = (double)stats.from_seq;
    last = (double)stats.end_seq - 1;
    assert_int_equal(all.count, stats.scanned_lines);
    assert_true(all.sum == (first + last) * (last - first + 1) / 2);
    lp_scan_destroy(scan);
}

static void each_line_is_seen_once_whatever_comes_and_goes(void **state)
{
    writer to = {.now = world_of(HISTORY)};
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, write_lines, &to), 0);
    while (!atomic_load(&to.is_done)) {
        scan_once(to.now.channel);
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    scan_once(to.now.channel);
    world_end(&to.now);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_line_is_seen_once_whatever_comes_and_goes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
