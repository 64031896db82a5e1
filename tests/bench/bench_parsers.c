/*
 * bench_parsers - nanoseconds a line for each step from bytes to a stored form,
 * and for filters that ask for lines in that form; no line is what they want, so
 * that all of it is looked at.
 *
 * 200-byte router lines, counted, 1,024 different ones in a buffer that fits a
 * read; each step is timed by itself over the same lines, the best of ten runs.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "join.h"
#include "logplex/filter.h"
#include "logplex/framer.h"
#include "logplex/logfmt.h"
#include "logplex/render.h"
#include "logplex/syslog.h"

enum { LINES = 1024, ROUNDS = 200, RUNS = 10, LINE_BYTES = 200 };

typedef struct lines {
    char bytes[LINES * (LINE_BYTES + 8)];
    size_t len_bytes;
    lp_span frames[LINES];
    lp_syslog msgs[LINES];
    lp_line rendered[LINES];
    lp_render_scratch scratch[LINES];
    char stored[LINES * (LINE_BYTES + 8)];
    lp_record records[LINES];
    lp_filter *filter;
} lines;

/* What the steps found, so that no compiler leaves them out. */
static uint64_t sum;

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Frames of 200 bytes: the path is as long as it must be for that. */
static void make_lines(lines *in)
{
    static const char path[] = "/articles/2026/11/one-log-many-cursors";

    for (int i = 0; i < LINES; i++) {
        char text[512];
        int n = snprintf(
            text, sizeof(text),
            "<158>1 2026-11-21T03:%02d:%02d.%06d+00:00 host "
            "t.a3a9f5f9-1150-431b-9439-eaa7cbdcab2c router - - at=info "
            "method=GET path=\"/%.*s\" dyno=web.%d connect=%dms "
            "service=%dms status=200 bytes=%d",
            i / 60 % 60, i % 60, i * 911, i % 8, path, i % 10, i % 8, i % 100,
            i * 13);

        while (n < LINE_BYTES) {
            text[n++] = 'x';
        }
        in->len_bytes += (size_t)snprintf(
            in->bytes + in->len_bytes, sizeof(in->bytes) - in->len_bytes,
            "%d %.*s", LINE_BYTES, LINE_BYTES, text);
    }
}

static void frame_all(lines *in)
{
    lp_framer framer;
    lp_frame frame;
    lp_span rest = lp_span_of(in->bytes, in->len_bytes);
    size_t n = 0;

    lp_framer_init(&framer, 0);
    while (lp_framer_next(&framer, &rest, &frame) == LP_OK) {
        in->frames[n] = frame.bytes;
        n++;
    }
    sum += n;
}

static void parse_all(lines *in)
{
    for (size_t i = 0; i < LINES; i++) {
        sum += lp_syslog_parse(in->frames[i], &in->msgs[i], NULL) == LP_OK;
    }
}

static void render_all(lines *in)
{
    lp_span host_app = LP_SPAN("host heroku ");

    for (size_t i = 0; i < LINES; i++) {
        lp_render_line(&in->msgs[i], host_app, &in->scratch[i],
                       &in->rendered[i]);
        sum += in->rendered[i].part_count;
    }
}

static void together_all(lines *in)
{
    lp_framer framer;
    lp_frame frame;
    lp_syslog msg;
    lp_span rest = lp_span_of(in->bytes, in->len_bytes);
    lp_span host_app = LP_SPAN("host heroku ");
    size_t n = 0;

    lp_framer_init(&framer, 0);
    while (lp_framer_next(&framer, &rest, &frame) == LP_OK) {
        if (lp_syslog_parse(frame.bytes, &msg, NULL) == LP_OK) {
            // 64 lines are a batch; their memory stays near.
            lp_render_line(&msg, host_app, &in->scratch[n % 64],
                           &in->rendered[n % 64]);
            sum += in->rendered[n % 64].part_count;
        }
        n++;
    }
}

static void pairs_all(lines *in)
{
    for (size_t i = 0; i < LINES; i++) {
        lp_span rest = in->msgs[i].msg;
        lp_pair pair;

        while (lp_logfmt_next(&rest, &pair) == LP_OK) {
            sum += pair.value.len_bytes;
        }
    }
}

/* What render_all() left, side by side as in a segment. */
static void store_all(lines *in)
{
    char *at = in->stored;

    for (size_t i = 0; i < LINES; i++) {
        const lp_line *line = &in->rendered[i];

        in->records[i] =
            (lp_record){.bytes = join(line->parts, line->part_count, at),
                        .marks = line->marks};
        at += in->records[i].bytes.len_bytes;
    }
}

static void filter_all(lines *in)
{
    for (size_t i = 0; i < LINES; i++) {
        sum += lp_filter_match(in->filter, &in->records[i]);
    }
}

static double measure(const char *name, void (*step)(lines *), lines *in)
{
    double best_ns = 1e9;

    for (int run = 0; run < RUNS; run++) {
        uint64_t start_ns = now_ns();
        double took_ns;

        for (int round = 0; round < ROUNDS; round++) {
            step(in);
        }
        took_ns = (double)(now_ns() - start_ns) / LINES / ROUNDS;
        best_ns = took_ns < best_ns ? took_ns : best_ns;
    }
    printf("%-35s %6.1f ns a line\n", name, best_ns);
    return best_ns;
}

static void measure_filters(lines *in)
{
    static const char *const texts[] = {
        "source=app",
        "status>=500",
        "status>=500 service>1s !code",
        "msg~\"status=5\\d\\d\"",
        "path~\"^/api\"",
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        char name[64];

        if (lp_filter_create(lp_span_str(texts[i]), &in->filter, NULL) !=
            LP_OK) {
            abort();
        }
        snprintf(name, sizeof(name), "filter %s", texts[i]);
        measure(name, filter_all, in);
        lp_filter_destroy(in->filter);
    }
}

int main(void)
{
    lines *in = calloc(1, sizeof(*in));

    if (in == NULL) {
        return 1;
    }
    make_lines(in);
    measure("framer", frame_all, in);
    measure("header", parse_all, in);
    measure("render", render_all, in);
    measure("framer+header+render", together_all, in);
    measure("logfmt", pairs_all, in);
    store_all(in);
    measure_filters(in);
    printf("(sum %" PRIu64 ")\n", sum);
    free(in);
    return 0;
}
