/*
 * bench_sketch.c - what a value costs a sketch, in nanoseconds and in bytes.
 *
 * Prints a table and fails on nothing. Values are made beforehand.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "logplex/sketch.h"

enum { VALUES = 1 << 20, ROUNDS = 8, PACKED_MAX_BYTES = 1 << 16 };

static lp_sketch_scale scale;
static lp_sketch_home home;
static double values[VALUES];

static double now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double fraction(void)
{
    static uint64_t seed = 42;

    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return (double)((seed * UINT64_C(2685821657736338717) >> 11) + 1) /
           9007199254740992.0;
}

static double log_normal(size_t i)
{
    (void)i;
    return exp(4 + sqrt(-2 * log(fraction())) *
                       cos(6.283185307179586 * fraction()));
}

static double sequential(size_t i)
{
    return 1 + (double)i / 100;
}

static double over_octaves(size_t i)
{
    (void)i;
    return exp(30 * fraction());
}

static double constant(size_t i)
{
    (void)i;
    return 0;
}

static void make(double (*value)(size_t i))
{
    for (size_t i = 0; i < VALUES; i++) {
        values[i] = value(i);
    }
}

static void bench_add(const char *name, double (*value)(size_t i))
{
    double best = 1e18;

    make(value);
    for (int round = 0; round < ROUNDS; round++) {
        lp_sketch sketch = {0};
        double start = now_ns();

        for (size_t i = 0; i < VALUES; i++) {
            lp_sketch_add(&sketch, &home, values[i]);
        }
        start = now_ns() - start;
        best = start < best ? start : best;
        lp_sketch_clear(&sketch, &home);
    }
    printf("add, %-32s %7.2f ns a value\n", name, best / VALUES);
}

/* Three open windows of each of 256 series, as live aggregates have them. */
static void bench_many(void)
{
    enum { SKETCHES = 768 };
    static lp_sketch sketches[SKETCHES];
    double start;

    make(log_normal);
    start = now_ns();
    for (size_t i = 0; i < VALUES; i++) {
        lp_sketch_add(&sketches[i * 7919 % SKETCHES], &home, values[i]);
    }
    start = now_ns() - start;
    printf("add, %-32s %7.2f ns a value, %.0f bytes each\n",
           "log-normal, 768 sketches by turns", start / VALUES,
           (double)home.bytes / SKETCHES + sizeof(lp_sketch));
    for (size_t i = 0; i < SKETCHES; i++) {
        lp_sketch_clear(&sketches[i], &home);
    }
}

static void bench_size(size_t count)
{
    enum { TIMES = 2000 };
    static char bytes[PACKED_MAX_BYTES];
    lp_sketch sketch = {0}, sum = {0};
    double merge, packed, pack;
    size_t n = 0;

    for (size_t i = 0; i < count; i++) {
        lp_sketch_add(&sketch, &home, values[i]);
    }
    merge = now_ns();
    for (int i = 0; i < TIMES; i++) {
        lp_sketch_merge(&sum, &home, &sketch);
    }
    merge = now_ns() - merge;
    pack = now_ns();
    for (int i = 0; i < TIMES; i++) {
        n = lp_sketch_pack(&sketch, &home, bytes, sizeof(bytes));
    }
    pack = now_ns() - pack;
    packed = now_ns();
    for (int i = 0; i < TIMES; i++) {
        if (lp_sketch_merge_packed(&sum, &home, lp_span_of(bytes, n)) !=
            LP_OK) {
            abort();
        }
    }
    packed = now_ns() - packed;
    printf("%8zu log-normal values: %5zu bytes, packed %5zu; "
           "merge %6.0f ns, pack %6.0f, merge packed %6.0f\n",
           count, lp_sketch_bytes(&sketch), n, merge / TIMES, pack / TIMES,
           packed / TIMES);
    lp_sketch_clear(&sketch, &home);
    lp_sketch_clear(&sum, &home);
}

int main(void)
{
    if (lp_sketch_scale_init(&scale, LP_SKETCH_ALPHA_DEFAULT) != LP_OK ||
        lp_sketch_home_init(&home, &scale, NULL, UINT64_MAX, 0) != LP_OK) {
        abort();
    }
    bench_add("constant", constant);
    bench_add("sequential", sequential);
    bench_add("log-normal", log_normal);
    bench_add("evenly over 43 octaves", over_octaves);
    bench_many();
    make(log_normal);
    for (size_t count = 1; count <= 1000; count *= 10) {
        bench_size(count);
    }
    bench_size(VALUES);
    return 0;
}
