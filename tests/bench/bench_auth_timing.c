/*
 * bench_auth_timing.c - does the time of a refusal tell an id that is there from
 * one that is not?
 *
 *     bench_auth_timing [TRIES]
 *
 * Both kinds are tried TRIES times (100,000), in random order, so that whatever
 * else the machine does meets both alike. Prints the medians, and Welch's t over
 * what is left when the slowest tenth of both together, interrupts and the like,
 * is cut off: |t| beyond 4.5 is what leakage tests take for a leak (ISO/IEC
 * 17825). What two halves of the same kind give is printed beside it, as what
 * this machine calls nothing.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "catalog/catalog.h"

enum { CREDENTIALS = 100, TRIES = 100000, PASSWORD_BYTES = 32 };

/* The kinds of tries. */
enum { WRONG_ID, WRONG_SECRET, KINDS };

typedef struct sample {
    uint32_t ns;
    uint8_t kind;
    uint8_t half; /* of its kind */
} sample;

typedef struct bench {
    lp_engine *engine;
    catalog *cat;
    catalog_reader reader;
    char path[64];
    char why[256];
    sample *samples;
    size_t tries;
} bench;

static void die(const char *what)
{
    fprintf(stderr, "bench_auth_timing: %s\n", what);
    exit(1);
}

/* The catalog ------------------------------------------------------------- */

static void open_it(bench *b)
{
    if (catalog_open(b->engine, NULL, NULL, b->path, &b->cat, b->why,
                     sizeof b->why) != CATALOG_OK)
        die(b->why);
    memset(&b->reader, 0, sizeof b->reader);
    catalog_reader_init(&b->reader, b->cat);
}

static void close_it(bench *b)
{
    catalog_reader_fini(&b->reader);
    catalog_close(b->cat);
}

static void id_of(unsigned n, char out[16])
{
    snprintf(out, 16, "user-%04u", n);
}

/* Ids that are there are even. */
static void fill(bench *b)
{
    for (unsigned n = 0; n < CREDENTIALS; n++) {
        char id[16];

        id_of(2 * n, id);
        if (catalog_put_credential(b->cat, lp_span_str(id), LP_SPAN("right"),
                                   CATALOG_FULL_API, LP_SPAN("")) != CATALOG_OK)
            die("a credential could not be made");
    }
}

/* Tries ------------------------------------------------------------------- */

static uint64_t clock_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC_RAW, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static uint32_t random_below(uint32_t bound)
{
    static uint64_t state = 0x9e3779b97f4a7c15;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32) % bound;
}

/* A guess is never the same twice, and as long as all others. */
static void guess(char out[PASSWORD_BYTES + 1])
{
    for (unsigned i = 0; i < PASSWORD_BYTES; i++)
        out[i] = (char)('a' + random_below(26));
    out[PASSWORD_BYTES] = '\0';
}

static uint32_t try_one(bench *b, unsigned kind)
{
    const catalog_view *view = catalog_reader_view(&b->reader);
    char id[16], password[PASSWORD_BYTES + 1];
    catalog_check check = {.may_pay = false};
    const catalog_credential *found;
    uint64_t began_ns;

    id_of(kind == WRONG_ID ? 2 * random_below(4999) + 1
                           : 2 * random_below(CREDENTIALS),
          id);
    guess(password);
    began_ns = clock_ns();
    found = catalog_try_credential(view, lp_span_str(id), lp_span_str(password),
                                   &check);
    began_ns = clock_ns() - began_ns;
    if (found)
        die("a guess was right");
    return began_ns < UINT32_MAX ? (uint32_t)began_ns : UINT32_MAX;
}

static void try_all(bench *b)
{
    size_t left[KINDS] = {b->tries, b->tries};

    for (size_t i = 0; i < KINDS * b->tries; i++) {
        unsigned kind = random_below(KINDS);

        if (left[kind] == 0)
            kind = 1 - kind;
        left[kind]--;
        b->samples[i].ns = try_one(b, kind);
        b->samples[i].kind = (uint8_t)kind;
        b->samples[i].half = (uint8_t)random_below(2);
    }
}

/* What they say ----------------------------------------------------------- */

typedef struct sum {
    double count, mean, square; /* of the distances from the mean */
} sum;

/* Welford's way. */
static void sum_add(sum *s, double value)
{
    double off = value - s->mean;

    s->count++;
    s->mean += off / s->count;
    s->square += off * (value - s->mean);
}

static double welch_t(const sum *a, const sum *b)
{
    double spread = a->square / (a->count - 1) / a->count +
                    b->square / (b->count - 1) / b->count;

    return spread > 0 ? (a->mean - b->mean) / sqrt(spread) : 0;
}

static int order(const void *a, const void *b)
{
    const sample *left = a, *right = b;

    return (left->ns > right->ns) - (left->ns < right->ns);
}

/* Of samples that are sorted. */
static unsigned median_ns(const bench *b, unsigned kind)
{
    size_t seen = 0;

    for (size_t i = 0; i < KINDS * b->tries; i++) {
        seen += b->samples[i].kind == kind;
        if (2 * seen >= b->tries)
            return b->samples[i].ns;
    }
    return 0;
}

static void tell(bench *b, const char *what)
{
    size_t kept = KINDS * b->tries / 10 * 9;
    sum kinds[KINDS] = {{0, 0, 0}};
    sum halves[2] = {{0, 0, 0}};

    qsort(b->samples, KINDS * b->tries, sizeof *b->samples, order);
    for (size_t i = 0; i < kept; i++) {
        const sample *s = &b->samples[i];

        sum_add(&kinds[s->kind], s->ns);
        if (s->kind == WRONG_SECRET)
            sum_add(&halves[s->half], s->ns);
    }
    printf("%-34s median ns: unknown id %u, wrong password %u; mean ns %.2f, "
           "%.2f; Welch t %+.2f (of the same kind %+.2f)\n",
           what, median_ns(b, WRONG_ID), median_ns(b, WRONG_SECRET),
           kinds[WRONG_ID].mean, kinds[WRONG_SECRET].mean,
           welch_t(&kinds[WRONG_ID], &kinds[WRONG_SECRET]),
           welch_t(&halves[0], &halves[1]));
}

static void measure(bench *b, const char *what)
{
    try_all(b);
    tell(b, what);
}

static void learn(bench *b)
{
    const catalog_view *view = catalog_reader_view(&b->reader);

    while (
        !catalog_check_credential(view, LP_SPAN("user-0000"), LP_SPAN("right")))
        usleep(100000);
}

int main(int argc, char **argv)
{
    char dir[] = "/tmp/bench-auth-XXXXXX", other[80];
    bench b = {.tries = argc > 1 ? strtoul(argv[1], NULL, 10) : TRIES};

    log_set_level(LOG_ERROR);
    b.samples = calloc(KINDS * b.tries, sizeof *b.samples);
    if (!b.samples || b.tries < 100 || !mkdtemp(dir) ||
        lp_engine_create(NULL, &b.engine) != LP_OK)
        die("usage: bench_auth_timing [TRIES], 100 or more");
    snprintf(b.path, sizeof b.path, "%s/catalog.db", dir);
    printf("%u credentials, %zu tries of each kind\n", CREDENTIALS, b.tries);
    open_it(&b);
    fill(&b);
    measure(&b, "all have learnt:");
    close_it(&b);
    open_it(&b);
    measure(&b, "none has learnt since the start:");
    learn(&b); // it is one password, so that all do
    measure(&b, "all have learnt again:");
    close_it(&b);
    lp_engine_destroy(b.engine);
    free(b.samples);
    unlink(b.path);
    snprintf(other, sizeof other, "%s/lock", dir);
    unlink(other);
    return rmdir(dir);
}
