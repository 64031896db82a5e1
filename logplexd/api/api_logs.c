/*
 * api_logs.c - POST /logs: a body of frames into channels.
 *
 *     who?  401 --> may they?  403 --> type? 415 --> Accept? 406
 *       --> the body is read --> who, still?
 *       --> encoding 400, 413 --> the frame id of an earlier one: its answer
 *       --> count 400, nothing stored
 *       --> lines: memory full 429 | a line that is no syslog 400 | 204
 *
 * Good lines of a bad body are kept, and the answer says how many; a count that
 * lies means that the body is not what was sent, and nothing of it is kept.
 *
 * A frame id is remembered when its sender need not come again: with 204, and
 * with the 400 that kept the good lines. After a 429 it shall come again, and
 * what was kept of that body comes twice then.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "http/inflate.h"
#include "ingest/dedup.h"
#include "ingest/hold.h"
#include "ingest/ingest.h"
#include "logplex/syslog.h"

enum { FRAMES_KEPT = 512 };

/* Who sends. */
typedef struct sender {
    char kind;                  /* 't': a token, 'c': a credential   */
    lp_span id;                 /* of either                         */
    const catalog_token *token; /* all lines are this one's          */
    lp_span channel_id;         /* or each names its own, of this one */
    bool is_limited;            /* to channel_id                      */
} sender;

typedef struct batch {
    worker *home;
    const catalog_view *view;
    sender from;
    ingest_result result;
    uint64_t garbage_lines; /* newline-framed, and no syslog */
    uint64_t foreign_lines; /* not of the sender's channel   */
} batch;

/* Answering --------------------------------------------------------------- */

static void refuse(http_request *req, int status, const char *text)
{
    if (status == 400 || status == 401 || status == 403)
        http_set_header(req, "Www-Authenticate", "Basic realm=Logplex");
    http_reply(req, status, *text ? "text/plain" : NULL, lp_span_str(text));
}

static void set_count(http_request *req, const char *name, uint64_t lines)
{
    char text[24];

    snprintf(text, sizeof(text), "%" PRIu64, lines);
    http_set_header(req, name, text);
}

/* Who --------------------------------------------------------------------- */

// 0, or the status to refuse with.
static int find_token_sender(http_request *req, const catalog_view *view,
                             lp_span token, sender *from)
{
    from->token = catalog_find_token(view, token);
    if (!from->token ||
        catalog_token_is_over(from->token, worker_now(http_worker(req))))
        return http_auth_failed(req);
    from->kind = 't';
    from->id = from->token->id;
    return 0;
}

static int find_sender(http_request *req, const catalog_view *view,
                       sender *from)
{
    const catalog_credential *found;
    lp_span user;
    lp_span password;
    int status = 0;

    if (!http_header(req, "Authorization"))
        return 401;
    if (http_basic(req, &user, &password) != 0)
        return http_auth_failed(req);
    if (lp_span_equal(user, LP_SPAN("token")) &&
        lp_span_starts(password, LP_SPAN("t.")))
        return find_token_sender(req, view, password, from);
    found = http_check_credential(req, view, user, password, &status);
    if (!found)
        return status;
    from->kind = 'c';
    from->id = found->id;
    if (found->permissions & CATALOG_ANY_CHANNEL)
        return 0;
    if (!(found->permissions & CATALOG_ONE_CHANNEL))
        return 403;
    from->is_limited = true;
    from->channel_id = found->channel_id;
    return 0;
}

static bool is_logplex_type(const http_request *req)
{
    const char *type = http_header(req, "Content-Type");

    return type && (strcmp(type, "application/logplex-1") == 0 ||
                    strcmp(type, "application/x-logplex-1") == 0);
}

static const char *why_not(int status)
{
    switch (status) {
    case 403:
        return "Credential not permitted to write to any channel.";
    case 429:
        return HTTP_AUTH_LIMITED;
    case 503:
        return HTTP_AUTH_BUSY;
    default:
        return "";
    }
}

static bool check_sender(http_request *req, const catalog_view *view,
                         sender *from)
{
    int status = find_sender(req, view, from);

    if (status != 0)
        refuse(req, status, why_not(status));
    return status == 0;
}

/* A sender as it was found before the body came, and where. */
typedef struct found_sender {
    uint64_t version; /* of the view */
    sender from;
} found_sender;

static void keep_sender(http_request *req, uint64_t version, const sender *from)
{
    found_sender *kept = http_alloc(req, sizeof(*kept));

    if (kept)
        *kept = (found_sender){version, *from};
    http_keep(req, kept);
}

/*
 * What was found when the header came is what would be found now, unless the
 * catalog has changed meanwhile: the token may be gone. A view of one version
 * is one view, so what points into it is good.
 */
static bool find_sender_again(http_request *req, const catalog_view *view,
                              sender *from)
{
    const found_sender *kept = http_kept(req);

    if (!kept || kept->version != catalog_view_version(view))
        return check_sender(req, view, from);
    *from = kept->from;
    return true;
}

/* Strangers may not have us keep their bodies: those share one budget with
 * everybody's. */
static void admit_logs(http_request *req)
{
    const catalog_view *view = catalog_reader_view(&http_worker(req)->reader);
    sender from = {0};

    if (!check_sender(req, view, &from))
        return;
    if (!is_logplex_type(req))
        refuse(req, 415, "");
    else if (!api_accepts(req, "text/plain"))
        refuse(req, 406, "");
    else
        keep_sender(req, catalog_view_version(view), &from);
}

/* Frames ------------------------------------------------------------------ */

/*
 * A body, framed some frames at a time. To count its frames first and to take them
 * then costs the framing of most bodies once: these are the ones that are kept.
 */
typedef struct framing {
    lp_framer framer;
    lp_span rest; /* behind those that are kept */
    uint64_t empty_frames;
    unsigned count;
    lp_frame frames[FRAMES_KEPT];
} framing;

/* The next frame that is not empty; false: that was all. */
static bool next_frame(framing *f, lp_frame *frame)
{
    do {
        if (lp_framer_next(&f->framer, &f->rest, frame) != LP_OK &&
            lp_framer_finish(&f->framer, &f->rest, frame) != LP_OK)
            return false;
        if (frame->bytes.len_bytes == 0)
            f->empty_frames++;
    } while (frame->bytes.len_bytes == 0);
    return true;
}

/* False: there are none. */
static bool keep_frames(framing *f)
{
    f->count = 0;
    while (f->count < FRAMES_KEPT && next_frame(f, &f->frames[f->count]))
        f->count++;
    return f->count > 0;
}

static void begin_framing(const batch *b, framing *f, lp_span body)
{
    lp_framer_init(&f->framer, b->home->shared->cfg->frame_max_bytes);
    f->rest = body;
    f->empty_frames = 0;
    keep_frames(f);
}

static uint64_t count_frames(const framing *f)
{
    framing behind;
    lp_frame frame;
    uint64_t frames = f->count;

    if (f->count < FRAMES_KEPT)
        return frames;
    behind.framer = f->framer;
    behind.rest = f->rest;
    behind.empty_frames = 0;
    while (next_frame(&behind, &frame))
        frames++;
    return frames;
}

static bool is_syslog(lp_span frame)
{
    lp_syslog msg;

    return lp_syslog_parse(frame, &msg, NULL) == LP_OK;
}

// Of a token that the sender may not use, it is not said that it exists.
static void take_limited(batch *b, lp_span frame)
{
    const catalog_token *token = NULL;
    lp_syslog msg;

    if (lp_syslog_parse(frame, &msg, NULL) == LP_OK)
        token = catalog_find_token(b->view, msg.app);
    if (token && !lp_span_equal(token->channel->id, b->from.channel_id))
        b->foreign_lines++;
    else
        ingest_frame(b->home->ingest, frame);
}

static void take_frame(batch *b, const lp_frame *frame)
{
    if (frame->framing == LP_FRAMING_LINE && !is_syslog(frame->bytes))
        b->garbage_lines++;
    if (b->from.token)
        ingest_frame_for(b->home->ingest, frame->bytes, b->from.token);
    else if (b->from.is_limited)
        take_limited(b, frame->bytes);
    else
        ingest_frame(b->home->ingest, frame->bytes);
}

static void take_frames(batch *b, framing *f)
{
    ingest_begin(b->home->ingest, LISTENER_HTTP, worker_now(b->home));
    do {
        for (unsigned i = 0; i < f->count; i++)
            take_frame(b, &f->frames[i]);
    } while (keep_frames(f));
    ingest_end(b->home->ingest, &b->result);
    ingest_count_framer(b->home, LISTENER_HTTP, &f->framer);
    count_add(&b->home->counts.listeners[LISTENER_HTTP].frames[FRAME_EMPTY],
              f->empty_frames);
}

/* Counting ---------------------------------------------------------------- */

// Lines that the batch never saw.
static void count_rejected(worker *w, reject reason, uint64_t lines)
{
    listener_counts *counts = &w->counts.listeners[LISTENER_HTTP];

    counters_write_begin(&w->counts);
    count_add(&counts->received_lines, lines);
    count_add(&counts->rejected_lines[reason], lines);
    counters_write_end(&w->counts);
}

static void add_foreign(batch *b)
{
    count_rejected(b->home, REJECT_UNKNOWN_TOKEN, b->foreign_lines);
    b->result.received_lines += b->foreign_lines;
    b->result.rejected_lines[REJECT_UNKNOWN_TOKEN] += b->foreign_lines;
}

static bool is_count_right(http_request *req, const batch *b, const framing *f)
{
    const char *header = http_header(req, "Logplex-Msg-Count");
    uint64_t said;
    uint64_t frames;

    if (!header)
        return true;
    frames = count_frames(f);
    if (api_parse_count(lp_span_str(header), &said) && said == frames)
        return true;
    count_rejected(b->home, REJECT_COUNT, frames);
    return false;
}

/* The request ------------------------------------------------------------- */

typedef enum outcome {
    OUTCOME_KEPT,
    OUTCOME_GARBAGE,    /* good lines are kept            */
    OUTCOME_MISCOUNTED, /* nothing is                     */
    OUTCOME_FULL        /* some lines are not, for memory */
} outcome;

static outcome outcome_of(const batch *b)
{
    if (b->result.rejected_lines[REJECT_FULL] > 0)
        return OUTCOME_FULL;
    return b->garbage_lines > 0 ? OUTCOME_GARBAGE : OUTCOME_KEPT;
}

static dedup_answer take(http_request *req, batch *b, lp_span body)
{
    const ingest_result *result = &b->result;
    framing f;

    begin_framing(b, &f, body);
    if (!is_count_right(req, b, &f))
        return (dedup_answer){.outcome = OUTCOME_MISCOUNTED};
    take_frames(b, &f);
    add_foreign(b);
    return (dedup_answer){.outcome = outcome_of(b),
                          .accepted_lines = (uint32_t)result->accepted_lines,
                          .rejected_lines = (uint32_t)(result->received_lines -
                                                       result->accepted_lines)};
}

static void answer(http_request *req, const dedup_answer *a)
{
    if (a->rejected_lines > 0) {
        set_count(req, "Logplex-Msg-Accepted", a->accepted_lines);
        set_count(req, "Logplex-Msg-Rejected", a->rejected_lines);
    }
    switch ((outcome)a->outcome) {
    case OUTCOME_KEPT:
        http_reply(req, 204, "text/plain", LP_SPAN(""));
        break;
    case OUTCOME_GARBAGE:
        refuse(req, 400, "Malformed log messages");
        break;
    case OUTCOME_MISCOUNTED:
        refuse(req, 400, "Message count mismatch");
        break;
    case OUTCOME_FULL:
        http_set_header(req, "Retry-After", "1");
        http_reply(req, 429, "text/plain", LP_SPAN("Memory is full"));
        break;
    }
}

// False: there is none to go by.
static bool read_frame_id(http_request *req, const batch *b, dedup_key *key)
{
    const dedup *d = b->home->shared->dedup;
    const char *header = d ? http_header(req, "Logplex-Frame-Id") : NULL;
    lp_span id = lp_span_str(header ? header : "");

    if (!header)
        return false;
    if (!dedup_is_id(id)) {
        count_add(&b->home->counts.counts[COUNT_DEDUP_IGNORED], 1);
        return false;
    }
    *key = dedup_key_of(d, b->from.kind, b->from.id, id);
    return true;
}

// The body was here before, or that is what its sender calls it.
static void take_once(http_request *req, batch *b, lp_span body,
                      const dedup_key *key, dedup_answer *a)
{
    dedup *d = b->home->shared->dedup;
    _Atomic uint64_t *counts = b->home->counts.counts;
    framing f;
    bool is_early;

    if (!dedup_begin(d, key, uv_now(&b->home->loop), a, &is_early)) {
        count_add(&counts[COUNT_DEDUP_HITS], 1);
        begin_framing(b, &f, body);
        count_rejected(b->home, REJECT_DUPLICATE, count_frames(&f));
        return;
    }
    count_add(&counts[COUNT_DEDUP_EVICTED], is_early);
    *a = take(req, b, body);
    dedup_end(
        d, key,
        a->outcome == OUTCOME_KEPT || a->outcome == OUTCOME_GARBAGE ? a : NULL);
}

static void store(http_request *req, batch *b, lp_span body)
{
    dedup_answer a;
    dedup_key key;

    if (read_frame_id(req, b, &key))
        take_once(req, b, body, &key, &a);
    else
        a = take(req, b, body);
    answer(req, &a);
}

static void store_inflated(http_request *req, batch *b, lp_span body)
{
    const char *coding = http_header(req, "Content-Encoding");
    char *plain = NULL;
    size_t plain_bytes = 0;

    switch (inflate_body(coding ? coding : "", body,
                         b->home->shared->cfg->inflated_max_bytes, &plain,
                         &plain_bytes)) {
    case INFLATE_OK:
        store(req, b, lp_span_of(plain, plain_bytes));
        break;
    case INFLATE_UNKNOWN: // as the original does
        store(req, b, body);
        break;
    case INFLATE_DAMAGED:
        refuse(req, 400, "Bad request");
        break;
    case INFLATE_TOO_BIG:
        refuse(req, 413, "The inflated body is too big");
        break;
    case INFLATE_NOMEM:
        http_set_header(req, "Retry-After", "1");
        refuse(req, 503, "Out of memory");
        break;
    }
    free(plain);
}

static void take_post(http_request *req)
{
    worker *w = http_worker(req);
    lp_span body = http_body(req);
    // Held, because ingest_begin() may go on to a newer one.
    catalog_view *view = catalog_view_ref(catalog_reader_view(&w->reader));
    batch b = {.home = w, .view = view};

    // It may have been switched off while the body came.
    if (!switch_is_on(&w->shared->switches, SWITCH_INGEST)) {
        refuse(req, 503, "");
        catalog_view_unref(view);
        return;
    }
    count_add(&w->counts.listeners[LISTENER_HTTP].received_bytes,
              body.len_bytes);
    if (find_sender_again(req, view, &b.from))
        store_inflated(req, &b, body);
    catalog_view_unref(view);
}

/* While ingest holds, a body waits where it is, and its sender for the answer. */
typedef struct held_post {
    hold_wait wait; /* the first member */
    http_request *req;
} held_post;

static void go_on(hold_wait *wait)
{
    take_post(((held_post *)(void *)wait)->req);
}

static void post_logs(http_request *req)
{
    worker *w = http_worker(req);
    held_post *held = NULL;

    if (hold_is_on(w))
        held = http_alloc(req, sizeof(*held));
    if (!held) {
        take_post(req);
        return;
    }
    *held = (held_post){.wait = {.go_on = go_on}, .req = req};
    http_defer(req);
    hold_until_over(w, &held->wait);
}

const http_route api_logs_routes[] = {
    {"POST", "/logs", HTTP_API_INGEST, HTTP_AUTH_NONE, post_logs,
     HTTP_BODY_OF_LOGS, admit_logs},
    {NULL, NULL, HTTP_API_NONE, HTTP_AUTH_NONE, NULL, 0, NULL},
};
