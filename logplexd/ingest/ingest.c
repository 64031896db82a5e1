/*
 * ingest.c - the batch: parse, look up, render, chain by channel, append.
 *
 *     frames       pending messages            groups
 *     -------      ----------------------      --------------------
 *     frame 1 ---> message 1 (channel A) <---- A: first, last
 *     frame 2 ---> message 2 (channel B) <--+  B: first, last
 *     frame 3 ---> message 3 (channel A)    +- ...
 *                    ^ chained to message 1
 *
 * Where lines go to many channels, half of the time is waiting for memory. So
 * each step of a line asks for what the next one will touch, and the next one is
 * taken AHEAD_LINES lines later, when that is there:
 *
 *     parse     asks for the token's place among those found before
 *     route     looks it up, asks for the channel, renders
 *     place     asks for the place that a group will be written at
 *     append    one group after the other, when the batch is full. No line is
 *               written into a ring before: what comes next would wait behind it
 *
 * A small hash finds the group of a channel; it is emptied by taking a new
 * generation number. The batch with its frames is small enough to stay in the
 * first level of the cache, which is worth more than more lines a channel.
 */
#include "ingest/ingest.h"

#include <stdlib.h>

#include "logplex/render.h"
#include "logplex/syslog.h"

enum {
    LINES_MAX = 16,
    AHEAD_LINES = 4, /* from one step of a line to the next */
    BUCKETS = 64,    /* a power of two, well over LINES_MAX */
    BUCKET_BITS = 6,
    LOOK_LINES = 32, /* of one home, before anybody looks how far it is */
    LOOK_BYTES = 64 << 10
};

_Static_assert(1 << BUCKET_BITS == BUCKETS, "what bucket_of() gives");

typedef struct pending {
    lp_syslog msg;
    catalog_route route;          /* its ring is NULL until it is looked up */
    const struct memo_slot *memo; /* where that will be, if it is */
    size_t frame_bytes;
    lp_line line; /* the message, rendered */
    lp_render_scratch scratch;
} pending;

typedef struct group {
    lp_channel *ring;
    lp_line *first, *last; /* a chain, whose end is open */
    uint64_t frame_bytes;  /* of all of them */
} group;

typedef struct bucket {
    uint32_t generation;
    uint32_t group;
} bucket;

struct ingest {
    worker *home;
    listener from;
    int64_t arrival_ns;
    pending *next; /* message; those before it are pending */
    uint32_t group_count;
    uint32_t generation;
    bool is_off; /* what comes is counted and thrown away */
    ingest_result result;
    uint64_t fresh_lines; /* since this worker looked how far homes are */
    uint64_t fresh_bytes;
    uint32_t *fresh; /* of these lines, those of each home; NULL: no pace */
    unsigned homes;  /* that there are                                    */
    /* Lines that neither these counts nor the pace's have yet; none between
     * batches. */
    unsigned untold_home;
    uint64_t untold_lines;
    group groups[LINES_MAX];
    bucket buckets[BUCKETS];
    pending pending[LINES_MAX];
};

ingest *ingest_create(worker *w)
{
    ingest *in = calloc(1, sizeof(*in));

    if (in == NULL)
        return NULL;
    in->home = w;
    in->next = in->pending;
    in->generation = 1;
    if (w->shared->pace) {
        in->homes = pace_homes(w->shared->pace);
        in->fresh = calloc(in->homes, sizeof(*in->fresh));
        if (in->fresh == NULL) {
            free(in);
            return NULL;
        }
    }
    return in;
}

void ingest_destroy(ingest *in)
{
    if (in == NULL)
        return;
    free(in->fresh);
    free(in);
}

void ingest_begin(ingest *in, listener from, int64_t arrival_ns)
{
    static const ingest_result nothing;

    in->from = from;
    in->arrival_ns = arrival_ns;
    catalog_reader_view(&in->home->reader); // stays until ingest_end()
    in->result = nothing;
    // HTTP has asked before it read the body, and tells the sender.
    in->is_off = from != LISTENER_HTTP &&
                 !switch_is_on(&in->home->shared->switches, SWITCH_INGEST);
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
    return (uint32_t)(((uintptr_t)ring >> 6) * 0x9E3779B97F4A7C15u >>
                      (64 - BUCKET_BITS));
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
    if (in->group_count >= AHEAD_LINES)
        lp_channel_prefetch(in->groups[in->group_count - AHEAD_LINES].ring, 1);
    in->group_count++;
    g->ring = ring;
    g->first = NULL;
    g->frame_bytes = 0;
    lp_channel_prefetch(ring, 0);
    return g;
}

static void put_in_group(ingest *in, pending *p)
{
    group *g = group_of(in, p->route.ring);

    if (g->first == NULL)
        g->first = &p->line;
    else
        g->last->next = &p->line;
    g->last = &p->line;
    g->frame_bytes += p->frame_bytes;
}

/* Finds out where a message goes, and makes a line of it. */
static void route(ingest *in, pending *p)
{
    if (p->route.ring == NULL &&
        !catalog_reader_find_route(&in->home->reader, p->memo, p->msg.app,
                                   in->arrival_ns, &p->route)) {
        reject_line(in, REJECT_UNKNOWN_TOKEN, 1);
        return;
    }
    p->line.arrival_ns = in->arrival_ns;
    if (lp_render_line(&p->msg, p->route.host_app, &p->scratch, &p->line) !=
        LP_OK) {
        reject_line(in, REJECT_TOO_BIG, 1);
        return;
    }
    put_in_group(in, p);
}

/* One message more: the one AHEAD_LINES before it takes its next step. */
static void take_pending(ingest *in)
{
    in->next++;
    if (in->next > in->pending + AHEAD_LINES)
        route(in, in->next - AHEAD_LINES - 1);
}

/* The first of the last few, which have yet to take the next step. */
static uint32_t rest_of(uint32_t count)
{
    return count > AHEAD_LINES ? count - AHEAD_LINES : 0;
}

static void route_rest(ingest *in)
{
    uint32_t pending_count = (uint32_t)(in->next - in->pending);

    for (uint32_t i = rest_of(pending_count); i < pending_count; i++)
        route(in, &in->pending[i]);
    for (uint32_t i = rest_of(in->group_count); i < in->group_count; i++)
        lp_channel_prefetch(in->groups[i].ring, 1);
}

/* Appending --------------------------------------------------------------- */

/* Tells the pace what was appended for one home after the other. */
static void tell_pace(ingest *in)
{
    uint64_t lines = in->untold_lines;

    if (lines == 0)
        return;
    pace_add(in->home->shared->pace, in->home->index, in->untold_home, lines);
    in->fresh[in->untold_home] += (uint32_t)lines;
    in->fresh_lines += lines;
    in->untold_lines = 0;
}

/* What nobody reads has no say in how long lines are: else a sender of long frames
 * that are rejected could have ingest hold. */
static void count_fresh(ingest *in, const group *g, uint64_t lines)
{
    unsigned home = pace_home_of(in->homes, g->ring);

    if (lines == 0)
        return;
    if (home != in->untold_home) {
        tell_pace(in);
        in->untold_home = home;
    }
    in->untold_lines += lines;
    in->fresh_bytes += g->frame_bytes;
}

static void append_group(ingest *in, const group *g)
{
    lp_append_result result;
    lp_err err;

    g->last->next = NULL;
    err = lp_channel_append(g->ring, g->first, &result);
    in->result.accepted_lines += result.accepted_lines;
    if (in->fresh != NULL)
        count_fresh(in, g, result.accepted_lines);
    if (err == LP_OK)
        return;
    reject_line(in, REJECT_TOO_BIG, result.too_big_lines);
    reject_line(in, err == LP_E_CLOSED ? REJECT_CLOSED : REJECT_FULL,
                result.refused_lines);
}

static void append_all(ingest *in)
{
    for (uint32_t i = 0; i < in->group_count; i++)
        append_group(in, &in->groups[i]);
    tell_pace(in);
}

/* How far are those who follow the lines? Those of this worker read now, as the
 * lines are still in the cache. */
static void look_at_homes(ingest *in)
{
    worker *w = in->home;
    pace *p = w->shared->pace;
    uint64_t line_bytes = in->fresh_bytes / (in->fresh_lines + 1) + 1;

    for (unsigned home = 0; home < in->homes; home++) {
        if (in->fresh[home] < LOOK_LINES &&
            in->fresh[home] * line_bytes < LOOK_BYTES)
            continue;
        in->fresh[home] = 0;
        if (home == w->index && w->on_lines != NULL &&
            pace_is_late(p, home, line_bytes))
            w->on_lines(w);
        if (pace_look(p, w->index, home, line_bytes))
            count_add(&w->counts.counts[COUNT_INGEST_HOLDS], 1);
    }
    // An average of late, in which what was long ago counts less and less.
    in->fresh_lines /= 2;
    in->fresh_bytes /= 2;
}

void ingest_flush(ingest *in)
{
    route_rest(in);
    append_all(in);
    if (in->fresh != NULL &&
        (in->fresh_lines >= LOOK_LINES || in->fresh_bytes >= LOOK_BYTES))
        look_at_homes(in);
    in->next = in->pending;
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

/* The next pending message, parsed; it is one only once it is counted. NULL: it
 * is no message. */
static pending *parse(ingest *in, lp_span frame)
{
    pending *p;

    if (in->next == in->pending + LINES_MAX)
        ingest_flush(in);
    p = in->next;
    in->result.received_lines++;
    p->frame_bytes = frame.len_bytes;
    if (lp_syslog_parse(frame, &p->msg, NULL) == LP_OK)
        return p;
    reject_line(in, REJECT_MALFORMED, 1);
    return NULL;
}

void ingest_frame(ingest *in, lp_span frame)
{
    pending *p;
    lp_span app;

    if (in->is_off) {
        in->result.received_lines++;
        reject_line(in, REJECT_SWITCHED_OFF, 1);
        return;
    }
    p = parse(in, frame);
    if (p == NULL)
        return;
    app = p->msg.app;
    if (!looks_like_token(app)) {
        reject_line(in, REJECT_NO_TOKEN, 1);
        return;
    }
    p->memo = catalog_reader_memo(&in->home->reader, app);
    __builtin_prefetch(p->memo); // a hint, even if it is NULL
    p->route.ring = NULL;
    take_pending(in);
}

void ingest_frame_for(ingest *in, lp_span frame, const catalog_token *token)
{
    pending *p = parse(in, frame);

    if (p == NULL)
        return;
    p->route.ring = token->channel->ring;
    p->route.host_app =
        looks_like_token(p->msg.app) ? token->host_app : lp_span_of(NULL, 0);
    take_pending(in);
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
