/*
 * ingest.c - the batch: parse, look up, chain by channel, append.
 *
 *     frames       pending lines               groups
 *     -------      -------------------         --------------------
 *     frame 1 ---> line 1 (channel A) <------- A: first, last
 *     frame 2 ---> line 2 (channel B) <---+    B: first, last
 *     frame 3 ---> line 3 (channel A)     +--- ...
 *                    ^ chained to line 1
 *
 * A small hash finds the group of a channel; it is emptied by taking a new
 * generation number. The batch is small enough to stay in the cache.
 */
#include "ingest.h"

#include <stdlib.h>

#include "logplex/render.h"
#include "logplex/syslog.h"

enum {
    LINES_MAX = 64,
    BUCKETS = 256, /* a power of two, well over LINES_MAX */
    PREFETCH_AHEAD = 8
};

typedef struct pending {
    lp_line line;
    lp_render_scratch scratch;
} pending;

typedef struct group {
    lp_channel *ring;
    lp_line *first, *last;
    uint32_t line_count;
} group;

typedef struct bucket {
    uint32_t generation;
    uint32_t group;
} bucket;

struct ingest {
    worker *home;
    listener from;
    int64_t arrival_ns;
    uint32_t line_count;
    uint32_t group_count;
    uint32_t generation;
    ingest_result result;
    group groups[LINES_MAX];
    bucket buckets[BUCKETS];
    pending lines[LINES_MAX];
};

ingest *ingest_create(worker *w)
{
    ingest *in = calloc(1, sizeof(*in));

    if (in == NULL)
        return NULL;
    in->home = w;
    in->generation = 1;
    return in;
}

void ingest_destroy(ingest *in)
{
    free(in);
}

void ingest_begin(ingest *in, listener from, int64_t arrival_ns)
{
    static const ingest_result nothing;

    in->from = from;
    in->arrival_ns = arrival_ns;
    catalog_reader_view(&in->home->reader); // stays until ingest_end()
    in->result = nothing;
    // Until the end the lines that are in a ring are in no count: nobody may
    // compare the two meanwhile.
    counters_write_begin(&in->home->counts);
}

static void reject_line(ingest *in, reject reason, uint64_t lines)
{
    in->result.rejected_lines[reason] += lines;
}

/* Grouping ---------------------------------------------------------------- */

static uint32_t bucket_of(const lp_channel *ring)
{
    // Channels are aligned; the multiplier is 2^64 / golden ratio.
    return (uint32_t)(((uintptr_t)ring >> 6) * 0x9E3779B97F4A7C15u >> 56);
}

static group *group_of(ingest *in, lp_channel *ring)
{
    uint32_t at = bucket_of(ring);
    group *g;

    for (; in->buckets[at].generation == in->generation;
         at = (at + 1) % BUCKETS) {
        g = &in->groups[in->buckets[at].group];
        if (g->ring == ring)
            return g;
    }
    in->buckets[at].generation = in->generation;
    in->buckets[at].group = in->group_count;
    g = &in->groups[in->group_count];
    in->group_count++;
    g->ring = ring;
    g->first = NULL;
    g->line_count = 0;
    lp_channel_prefetch(ring, 0);
    return g;
}

static void put_line(ingest *in, lp_channel *ring, lp_line *line)
{
    group *g = group_of(in, ring);

    line->next = NULL;
    if (g->first == NULL)
        g->first = line;
    else
        g->last->next = line;
    g->last = line;
    g->line_count++;
    in->line_count++;
}

static void append_group(ingest *in, const group *g)
{
    lp_append_result result;
    lp_err err = lp_channel_append(g->ring, g->first, &result);

    in->result.accepted_lines += result.accepted_lines;
    if (err == LP_OK)
        return;
    reject_line(in, REJECT_TOO_BIG, result.too_big_lines);
    reject_line(in, err == LP_E_CLOSED ? REJECT_CLOSED : REJECT_FULL,
                result.refused_lines);
}

void ingest_flush(ingest *in)
{
    for (uint32_t i = 0; i < in->group_count && i < PREFETCH_AHEAD; i++)
        lp_channel_prefetch(in->groups[i].ring, 1);
    for (uint32_t i = 0; i < in->group_count; i++) {
        if (i + PREFETCH_AHEAD < in->group_count)
            lp_channel_prefetch(in->groups[i + PREFETCH_AHEAD].ring, 1);
        append_group(in, &in->groups[i]);
    }
    in->line_count = 0;
    in->group_count = 0;
    in->generation++;
    if (in->generation == 0) {
        // Once in 2^32 flushes every bucket's number could come up again.
        memset(in->buckets, 0, sizeof(in->buckets));
        in->generation = 1;
    }
}

/* Frames ------------------------------------------------------------------ */

/* Every token id begins with this; nothing else that is sent as one does. */
static bool looks_like_token(lp_span app)
{
    return lp_span_starts(app, LP_SPAN("t."));
}

static bool parse(ingest *in, lp_span frame, lp_syslog *msg)
{
    in->result.received_lines++;
    if (lp_syslog_parse(frame, msg, NULL) == LP_OK)
        return true;
    reject_line(in, REJECT_MALFORMED, 1);
    return false;
}

static void take(ingest *in, const lp_syslog *msg, lp_channel *ring,
                 lp_span host_app)
{
    pending *p;

    if (in->line_count == LINES_MAX)
        ingest_flush(in);
    p = &in->lines[in->line_count];
    p->line.arrival_ns = in->arrival_ns;
    if (lp_render_line(msg, host_app, &p->scratch, &p->line) != LP_OK) {
        reject_line(in, REJECT_TOO_BIG, 1);
        return;
    }
    put_line(in, ring, &p->line);
}

void ingest_frame(ingest *in, lp_span frame)
{
    catalog_route route;
    lp_syslog msg;

    if (!parse(in, frame, &msg))
        return;
    if (!looks_like_token(msg.app))
        reject_line(in, REJECT_NO_TOKEN, 1);
    else if (!catalog_reader_find_route(&in->home->reader, msg.app, &route))
        reject_line(in, REJECT_UNKNOWN_TOKEN, 1);
    else
        take(in, &msg, route.ring, route.host_app);
}

void ingest_frame_for(ingest *in, lp_span frame, const catalog_token *token)
{
    lp_span own_app = {NULL, 0};
    lp_syslog msg;

    if (!parse(in, frame, &msg))
        return;
    take(in, &msg, token->channel->ring,
         looks_like_token(msg.app) ? token->host_app : own_app);
}

/* Counting ---------------------------------------------------------------- */

void ingest_end(ingest *in, ingest_result *out)
{
    listener_counts *counts = &in->home->counts.listeners[in->from];

    ingest_flush(in);
    count_add(&counts->received_lines, in->result.received_lines);
    count_add(&counts->accepted_lines, in->result.accepted_lines);
    for (int reason = 0; reason < REJECT_REASONS; reason++)
        if (in->result.rejected_lines[reason] > 0)
            count_add(&counts->rejected_lines[reason],
                      in->result.rejected_lines[reason]);
    counters_write_end(&in->home->counts);
    if (out != NULL)
        *out = in->result;
}

void ingest_count_framer(worker *w, listener from, lp_framer *framer)
{
    _Atomic uint64_t *frames = w->counts.listeners[from].frames;

    count_add(&frames[FRAME_OCTET], framer->octet_frames);
    count_add(&frames[FRAME_LINE], framer->line_frames);
    count_add(&frames[FRAME_CUT], framer->cut_frames);
    count_add(&frames[FRAME_RESYNC], framer->resyncs);
    count_add(&frames[FRAME_TRUNCATED], framer->truncated_frames);
    framer->octet_frames = framer->line_frames = 0;
    framer->cut_frames = framer->cut_bytes = framer->resyncs = 0;
    framer->truncated_frames = framer->truncated_bytes = 0;
}
