/* sheet.c - see sheet.h. */
#include "sheet.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "logplex/render.h"

enum {
    SHEETS_MAX = 4,
    TEXT_MAX_BYTES = 2 << 20, /* of a sheet: room beyond that is not kept */
    GROWTH_BYTES = 16,        /* of a line, besides its token: "- -", an LF and
                                 digits of its count */
    HALF_BYTES = 32,          /* two of them put a token */
    COUNTS = 1024
};

typedef struct sheet {
    TAILQ_ENTRY(sheet) of_sheets;
    /* Which lines. */
    const lp_channel *channel; /* with the epoch; not held. NULL: nobody else
                                  will send the same */
    uint64_t epoch;
    lp_seq first_seq;
    uint32_t line_count;
    bool is_counted;
    size_t token_bytes;
    uint32_t left_drains; /* that may want them, by what we know */

    char *text;
    size_t room_bytes;
    lpi_ends *ends;
    uint32_t *token_at; /* of each line */
    size_t token_room;
} sheet;

struct lpi_sheets {
    TAILQ_HEAD(sheet_queue, sheet) queue; /* the next to be written over last */
    unsigned count;
    /* How many drains a channel has. Some channels share a count; then sheets
     * are kept for longer than they are wanted. */
    uint32_t drains[COUNTS];
};

/* Ends -------------------------------------------------------------------- */

lpi_ends *lpi_ends_hold(lpi_ends *ends)
{
    ends->holders++;
    return ends;
}

void lpi_ends_let_go(lpi_ends *ends)
{
    if (ends && --ends->holders == 0)
        free(ends);
}

/* For so many, the one behind the last included. NULL: there is no memory. */
static lpi_ends *new_ends(size_t room)
{
    lpi_ends *ends = malloc(sizeof(*ends) + room * sizeof(*ends->begins_at));

    if (!ends)
        return NULL;
    ends->holders = 1;
    ends->room = room;
    return ends;
}

/* Memory ------------------------------------------------------------------ */

lpi_sheets *lpi_sheets_of(lp_drains *set)
{
    if (set->sheets)
        return set->sheets;
    set->sheets = calloc(1, sizeof(*set->sheets));
    if (set->sheets)
        TAILQ_INIT(&set->sheets->queue);
    return set->sheets;
}

void lpi_sheets_free(lpi_sheets *sheets)
{
    sheet *s;

    if (!sheets)
        return;
    while ((s = TAILQ_FIRST(&sheets->queue)) != NULL) {
        TAILQ_REMOVE(&sheets->queue, s, of_sheets);
        free(s->text);
        lpi_ends_let_go(s->ends);
        free(s->token_at);
        free(s);
    }
    free(sheets);
}

static uint32_t *drains_of(lpi_sheets *sheets, const lp_channel *channel)
{
    uint64_t mix = (uint64_t)(uintptr_t)channel * UINT64_C(0x9e3779b97f4a7c15);

    return &sheets->drains[(mix >> 32) % COUNTS];
}

void lpi_sheets_enter(lpi_sheets *sheets, const lp_channel *channel)
{
    ++*drains_of(sheets, channel);
}

void lpi_sheets_leave(lpi_sheets *sheets, const lp_channel *channel)
{
    --*drains_of(sheets, channel);
}

/* One to be written over. NULL: there is no memory. */
static sheet *next_sheet(lpi_sheets *sheets)
{
    sheet *last = TAILQ_LAST(&sheets->queue, sheet_queue);

    if (last && (last->left_drains == 0 || sheets->count == SHEETS_MAX))
        return last;
    last = calloc(1, sizeof(*last));
    if (!last)
        return NULL;
    TAILQ_INSERT_TAIL(&sheets->queue, last, of_sheets);
    sheets->count++;
    return last;
}

/* It has been used once more. */
static void requeue(lpi_sheets *sheets, sheet *s)
{
    if (s->left_drains > 0)
        s->left_drains--;
    TAILQ_REMOVE(&sheets->queue, s, of_sheets);
    if (s->left_drains > 0)
        TAILQ_INSERT_HEAD(&sheets->queue, s, of_sheets);
    else
        TAILQ_INSERT_TAIL(&sheets->queue, s, of_sheets);
}

/* What the sheet has had is gone. False: there is no memory. */
static bool make_room(sheet *s, size_t text_bytes, size_t lines)
{
    s->line_count = 0;
    if (text_bytes > s->room_bytes || s->room_bytes > TEXT_MAX_BYTES) {
        free(s->text);
        s->text = malloc(text_bytes);
        s->room_bytes = s->text ? text_bytes : 0;
    }
    if (lines > s->token_room) {
        free(s->token_at);
        s->token_at = malloc(lines * sizeof(*s->token_at));
        s->token_room = s->token_at ? lines : 0;
    }
    if (!s->ends || s->ends->holders > 1 || s->ends->room <= lines) {
        lpi_ends_let_go(s->ends);
        s->ends = new_ends(lines + 1);
    }
    return s->text && s->token_at && s->ends;
}

/* Rendering --------------------------------------------------------------- */

/* As the peer would see the end of the line there. */
static void join_lines(char *line, size_t line_bytes)
{
    for (size_t i = 0; i + 1 < line_bytes; i++)
        if (line[i] == '\n')
            line[i] = ' ';
}

/* Behind what there is. */
static void render_run(sheet *s, const lp_run *run, lp_span token)
{
    uint32_t *begins_at = &s->ends->begins_at[s->line_count];
    uint32_t *tokens_at = &s->token_at[s->line_count];
    size_t at = begins_at[0];

    for (uint32_t i = 0; i < run->line_count; i++) {
        lp_record record = lp_run_at(run, i);
        char *line = s->text + at;
        size_t token_at;
        size_t line_bytes = lp_render_syslog_at(
            &record, token, s->is_counted, line, s->room_bytes - at, &token_at);

        if (!s->is_counted)
            join_lines(line, line_bytes);
        tokens_at[i] = (uint32_t)(at + token_at);
        at += line_bytes;
        begins_at[i + 1] = (uint32_t)at;
    }
    s->line_count += run->line_count;
}

static bool is_common(const lp_drain_batch *batch)
{
    return batch->last_seq - batch->first_seq + 1 == batch->line_count;
}

/* Only lines that are all there, one behind the other, are found again. */
static bool render(sheet *s, const lp_drain *drain, const lp_drain_batch *batch,
                   bool is_counted)
{
    lp_span token = lp_drain_token(drain);
    size_t lines = batch->line_count;

    if (!make_room(s, batch->bytes + lines * (token.len_bytes + GROWTH_BYTES),
                   lines))
        return false;
    s->channel = is_common(batch) ? drain->ring : NULL;
    s->epoch = lp_channel_epoch(drain->ring);
    s->first_seq = batch->first_seq;
    s->is_counted = is_counted;
    s->token_bytes = token.len_bytes;
    s->ends->begins_at[0] = 0;
    for (uint32_t i = 0; i < batch->run_count; i++)
        render_run(s, &batch->runs[i], token);
    assert(s->line_count == lines);
    return true;
}

/* Rendered before ---------------------------------------------------------- */

static bool has(const sheet *s, const lp_drain *drain,
                const lp_drain_batch *batch, bool is_counted)
{
    return s->channel == drain->ring && batch->first_seq >= s->first_seq &&
           batch->last_seq < s->first_seq + s->line_count &&
           s->epoch == lp_channel_epoch(drain->ring) &&
           s->is_counted == is_counted && s->token_bytes == drain->token_bytes;
}

static sheet *find(const lpi_sheets *sheets, const lp_drain *drain,
                   const lp_drain_batch *batch, bool is_counted)
{
    sheet *s;

    if (!is_common(batch))
        return NULL;
    TAILQ_FOREACH (s, &sheets->queue, of_sheets)
        if (has(s, drain, batch, is_counted))
            return s;
    return NULL;
}

/* One of the usual length takes two copies that overlap, as this is all there is
 * to do for a line. */
static void put_tokens(char *text, const uint32_t *token_at, size_t count,
                       lp_span token)
{
    size_t second = token.len_bytes - HALF_BYTES;

    if (token.len_bytes < HALF_BYTES || second > HALF_BYTES) {
        for (size_t i = 0; i < count; i++)
            memcpy(text + token_at[i], token.ptr, token.len_bytes);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        char *to = text + token_at[i];

        memcpy(to, token.ptr, HALF_BYTES);
        memcpy(to + second, token.ptr + second, HALF_BYTES);
    }
}

bool lpi_sheets_render(lpi_sheets *sheets, const lp_drain *drain,
                       const lp_drain_batch *batch, bool is_counted,
                       lpi_rendered *out)
{
    size_t count = batch->line_count;
    sheet *s = find(sheets, drain, batch, is_counted);
    const uint32_t *begins_at;

    out->first = 0;
    if (s) {
        out->first = (uint32_t)(batch->first_seq - s->first_seq);
        put_tokens(s->text, s->token_at + out->first, count,
                   lp_drain_token(drain));
    } else {
        s = next_sheet(sheets);
        if (!s || !render(s, drain, batch, is_counted))
            return false;
        s->left_drains = s->channel ? *drains_of(sheets, s->channel) : 0;
    }
    requeue(sheets, s);
    begins_at = s->ends->begins_at + out->first;
    out->ends = s->ends;
    out->text = s->text + begins_at[0];
    out->bytes = begins_at[count] - begins_at[0];
    return true;
}
