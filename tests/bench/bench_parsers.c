/*
 * bench_parsers - nanoseconds a line for each step from bytes to a stored form,
 * and for filters that ask for lines in that form; no line is what they want, so
 * that all of it is looked at.
 *
 * 200-byte router lines, counted, 1,024 different ones in a buffer that fits a
 * read; each step is timed by itself over the same lines, the best of ten runs.
 * What lines measure is timed over stored lines of 300 bytes of four kinds.
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
#include "logplex/measure.h"
#include "logplex/render.h"
#include "logplex/syslog.h"
#include "stored.h"

enum {
    LINES = 1024,
    ROUNDS = 200,
    RUNS = 10,
    LINE_BYTES = 200,
    STORED_BYTES = 300
};

typedef struct lines {
    char bytes[LINES * (LINE_BYTES + 8)];
    size_t len_bytes;
    lp_span frames[LINES];
    lp_syslog msgs[LINES];
    lp_line rendered[LINES];
    lp_render_scratch scratch[LINES];
    char stored[LINES * (STORED_BYTES + 8)];
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

/* What lines measure ------------------------------------------------------ */

/* The I-th line of a kind; filler makes it as long as it shall be. Returns what
 * snprintf() returns. */
typedef int (*line_writer)(int i, const char *filler, char *out, size_t room);

static int write_router(int i, const char *filler, char *out, size_t room)
{
    return snprintf(out, room,
                    "at=info method=GET path=\"/%s\" host=myapp.herokuapp.com "
                    "request_id=8601b555-6a83-4c12-8269-97c8e32c%04d "
                    "fwd=\"204.204.204.%d\" dyno=web.%d connect=%dms "
                    "service=%dms status=200 bytes=%d protocol=https",
                    filler, i, i % 200, i % 10, i % 8, i % 300, i * 13);
}

static int write_older_router(int i, const char *filler, char *out, size_t room)
{
    return snprintf(out, room,
                    "GET myapp.herokuapp.com/%s dyno=web.%d queue=%d wait=%dms "
                    "service=%dms status=200 bytes=%d",
                    filler, i % 10, i % 3, i % 50, i % 300, i * 13);
}

static int write_runtime(int i, const char *filler, char *out, size_t room)
{
    return snprintf(out, room,
                    "source=web.%d dyno=heroku.2808254.%s "
                    "sample#memory_total=%d.%02dMB sample#memory_rss=%d.22MB "
                    "sample#memory_cache=0.00MB sample#memory_swap=0.00MB "
                    "sample#memory_pgpgin=%dpages",
                    i % 10, filler, 100 + i % 400, i % 100, i % 512, i * 341);
}

static int write_words(int i, const char *filler, char *out, size_t room)
{
    return snprintf(out, room,
                    "user %d has read the article on logs and cursors, and "
                    "asked for more of them (%s), but there were none; we "
                    "said so as politely as we could, and made a note of it",
                    i, filler);
}

/* Lines as a channel stores them, of STORED_BYTES each. */
static void store_kind(lines *in, const char *source, const char *process,
                       line_writer write)
{
    char *at = in->stored;

    for (int i = 0; i < LINES; i++) {
        char filler[STORED_BYTES] = "";
        char text[2 * STORED_BYTES];
        int n = write(i, filler, text, sizeof(text));
        lp_record record =
            stored_line(6, source, process, lp_span_of(text, (size_t)n), at);

        memset(filler, 'x', STORED_BYTES - record.bytes.len_bytes);
        n = write(i, filler, text, sizeof(text));
        in->records[i] =
            stored_line(6, source, process, lp_span_of(text, (size_t)n), at);
        if (in->records[i].bytes.len_bytes != STORED_BYTES) {
            abort();
        }
        at += STORED_BYTES;
    }
}

static void measure_all(lines *in)
{
    for (size_t i = 0; i < LINES; i++) {
        lp_measure_line line = lp_measure_line_of(&in->records[i]);
        lp_measures found;

        lp_measures_read(NULL, &line, &found);
        sum += found.count;
    }
}

/* Timing ------------------------------------------------------------------ */

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

static void measure_kinds(lines *in)
{
    store_kind(in, "heroku", "router", write_router);
    measure("measures router", measure_all, in);
    store_kind(in, "heroku", "router", write_older_router);
    measure("measures router, older form", measure_all, in);
    store_kind(in, "heroku", "web.1", write_runtime);
    measure("measures samples of a dyno", measure_all, in);
    store_kind(in, "app", "web.1", write_words);
    measure("measures words", measure_all, in);
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
    measure_kinds(in);
    printf("(sum %" PRIu64 ")\n", sum);
    free(in);
    return 0;
}
