/* sieve.c - see sieve.h. */
#include "sieve.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND_NS INT64_C(1000000000)

enum {
    /* At one go, wanted or not. It is twice what is to be in the batch within
     * these bounds, since a run is held for the sake of one line of it ... */
    READ_MIN_BYTES = 64 << 10,
    READ_MAX_BYTES = 1 << 20,
    GO_MAX_NS = 5000000, /* ... and no longer than this: others have a turn */
    PARTS_MAX = 1024,    /* stretches of wanted lines in a batch */
    ROOM_MIN = 64
};

struct lpi_sieve {
    lp_filter *filter; /* NULL: none                                        */
    bool has_patterns; /* it can take its time                              */
    int64_t gap_ns;    /* between lines, if they came evenly; 0: no limit   */
    int64_t due_ns;    /* when the next one would be due (GCRA, ITU-T I.371) */
    size_t text_bytes;
    char text[]; /* of the filter, and the rate */
};

/* Choosing ---------------------------------------------------------------- */

typedef enum verdict { WANTED, LEFT_OUT, LIMITED } verdict;

/* A second's worth of lines may come at once. due_ns is never further away than
 * that; if it is, the clock was set back. */
static verdict judge_rate(lpi_sieve *sieve, int64_t arrival_ns)
{
    int64_t ahead_ns = sieve->due_ns - arrival_ns;

    if (ahead_ns < 0 || ahead_ns > 2 * SECOND_NS)
        ahead_ns = 0;
    if (ahead_ns > SECOND_NS - sieve->gap_ns)
        return LIMITED;
    sieve->due_ns = arrival_ns + ahead_ns + sieve->gap_ns;
    return WANTED;
}

static verdict judge(lpi_sieve *sieve, const lp_record *record)
{
    if (sieve->filter && !lp_filter_match(sieve->filter, record))
        return LEFT_OUT;
    return sieve->gap_ns > 0 ? judge_rate(sieve, record->arrival_ns) : WANTED;
}

/* Picking ----------------------------------------------------------------- */

/* A go at the lines. */
typedef struct go {
    lpi_sieve *sieve;
    lp_cursor *cursor;
    size_t read_bytes, read_max_bytes;
    uint64_t read_lines;
    uint64_t limited; /* lines, since the first one of the batch */
    uint64_t end_ns;  /* uv_hrtime() at which it is over, but not before what is
                         sent again */
    bool is_out_of_memory;
    lpi_taken *taken;
} go;

/* An array of count members with room for one more. NULL: there is no memory,
 * and it is as it was. */
static void *with_room(void *array, uint32_t count, uint32_t *room,
                       size_t member_bytes)
{
    uint32_t more = *room ? *room * 2 : ROOM_MIN;
    void *longer;

    if (count < *room)
        return array;
    longer = realloc(array, more * member_bytes);
    if (longer)
        *room = more;
    return longer;
}

/* For a line, and for a stretch that begins with it. */
static bool make_room(lpi_picked *picked, uint32_t line_count)
{
    lpi_pick *picks = with_room(picked->picks, line_count, &picked->pick_room,
                                sizeof(*picks));
    lp_run *parts;

    if (!picks)
        return false;
    picked->picks = picks;
    parts = with_room(picked->parts, picked->part_count, &picked->part_room,
                      sizeof(*parts));
    if (!parts)
        return false;
    picked->parts = parts;
    return true;
}

/* The stretch that ended with the line before goes on, or another one begins. */
static void add_to_parts(lpi_picked *picked, const lp_run *run, uint32_t index,
                         bool goes_on)
{
    lp_run *part = &picked->parts[picked->part_count - goes_on];
    uint32_t first = goes_on ? index - part->line_count : index;

    *part = lp_run_part(run, first, index - first + 1);
    picked->part_count += !goes_on;
}

static lp_drain_loss loss_of(const lp_run *run)
{
    return (lp_drain_loss){run->lost_lines, run->lost_since_ns};
}

/* The first so many lines of a run were passed, and none is in the batch. */
static void pass_lines(go *g, const lp_run *run, uint32_t lines)
{
    lpi_passed *passed = &g->taken->passed;
    lp_drain_loss loss = loss_of(run);

    lpi_add_loss(&passed->loss, &loss);
    passed->lines += lines;
    passed->limited += g->limited;
    g->limited = 0;
}

static void begin_batch(go *g, const lp_run *run, uint32_t index,
                        const lp_record *record)
{
    lpi_taken *taken = g->taken;

    taken->batch.first_seq = record->seq;
    taken->batch.time_ns = record->arrival_ns;
    taken->place = taken->before;
    if (index > 0) {
        lp_cursor_place_after(&taken->place, run->first_seq, index);
        pass_lines(g, run, index);
    } else {
        taken->overflow = loss_of(run);
    }
}

/* False: it does not fit. */
static bool pick(go *g, const lp_run *run, uint32_t index,
                 const lp_record *record, int64_t due_ns, bool goes_on)
{
    lpi_picked *picked = g->taken->picked;
    lp_drain_batch *batch = &g->taken->batch;

    if (batch->line_count > 0 &&
        (batch->bytes + record->bytes.len_bytes > g->taken->limits.bytes_max ||
         picked->part_count == PARTS_MAX))
        return false;
    if (!make_room(picked, batch->line_count)) {
        g->is_out_of_memory = batch->line_count == 0;
        return false;
    }
    if (batch->line_count == 0)
        begin_batch(g, run, index, record);
    picked->picks[batch->line_count] =
        (lpi_pick){(uint32_t)(record->seq - batch->first_seq),
                   (uint32_t)g->limited, due_ns};
    add_to_parts(picked, run, index, goes_on);
    batch->line_count++;
    batch->bytes += record->bytes.len_bytes;
    batch->last_seq = record->seq;
    return true;
}

/* Returns how many lines of the run it is done with. */
static uint32_t pick_lines(go *g, const lp_run *run)
{
    bool goes_on = false;

    for (uint32_t i = 0; i < run->line_count; i++) {
        lp_record record = lp_run_at(run, i);
        int64_t due_ns = g->sieve->due_ns;
        verdict said = judge(g->sieve, &record);

        g->limited += said == LIMITED;
        if (said == WANTED && !pick(g, run, i, &record, due_ns, goes_on)) {
            g->sieve->due_ns = due_ns;
            g->taken->is_full = true;
            return i;
        }
        goes_on = said == WANTED;
        if (g->sieve->has_patterns &&
            record.seq >= g->taken->limits.again_seq &&
            uv_hrtime() >= g->end_ns) {
            g->taken->is_full = true;
            return i + 1;
        }
    }
    return run->line_count;
}

static void check_full(go *g)
{
    lpi_taken *taken = g->taken;
    uint64_t lines_max = taken->limits.lines_max;

    taken->is_full |= taken->batch.bytes >= taken->limits.bytes_max ||
                      taken->held_count == LPI_RUNS_MAX ||
                      g->read_bytes >= g->read_max_bytes ||
                      (lines_max > 0 && g->read_lines >= lines_max);
}

static void sieve_run(go *g, lp_run *run)
{
    lpi_taken *taken = g->taken;
    uint32_t held_lines = taken->batch.line_count;
    uint32_t used = pick_lines(g, run);

    if (g->is_out_of_memory) {
        lp_run_release(run);
        return;
    }
    g->read_bytes += run->bytes.len_bytes;
    g->read_lines += used;
    if (used < run->line_count) {
        lp_cursor_place place = taken->before;

        lp_cursor_place_after(&place, run->first_seq, used);
        lp_cursor_rewind(g->cursor, &place);
    }
    if (taken->batch.line_count == 0) {
        pass_lines(g, run, used);
        taken->place = lp_cursor_mark(g->cursor);
    }
    if (taken->batch.line_count > held_lines) {
        taken->runs[taken->held_count++] = *run;
    } else {
        taken->kept_bytes -= run->kept_bytes;
        lp_run_release(run);
    }
    check_full(g);
}

static lp_err read_run(go *g)
{
    uint64_t most_lines = g->taken->limits.lines_max;
    uint32_t lines_max =
        most_lines == 0 ? 0 : (uint32_t)(most_lines - g->read_lines);
    lp_run run;
    lp_err err =
        lpi_read_run(g->cursor, lines_max, g->read_max_bytes - g->read_bytes,
                     g->taken, &run);

    if (err != LP_OK || g->taken->is_full)
        return err;
    sieve_run(g, &run);
    return g->is_out_of_memory ? LP_E_NOMEM : LP_OK;
}

static size_t read_max_bytes(size_t bytes_max)
{
    if (bytes_max < READ_MIN_BYTES / 2)
        return READ_MIN_BYTES;
    return bytes_max < READ_MAX_BYTES / 2 ? 2 * bytes_max : READ_MAX_BYTES;
}

lp_err lpi_sieve_take(lpi_sieve *sieve, lp_cursor *cursor,
                      const lpi_limits *limits, lpi_taken *out)
{
    go g = {.sieve = sieve,
            .cursor = cursor,
            .read_max_bytes = read_max_bytes(limits->bytes_max),
            .taken = out};
    lp_err err = LP_OK;

    g.end_ns = uv_hrtime() + GO_MAX_NS;
    lpi_begin_take(cursor, limits, out);
    out->due_ns = sieve->due_ns;
    out->picked = calloc(1, sizeof(*out->picked));
    if (!out->picked)
        return LP_E_NOMEM;
    while (err == LP_OK && !out->is_full)
        err = read_run(&g);
    if (err == LP_E_NOMEM) {
        lpi_untake_all(cursor, sieve, out);
        return err;
    }
    out->batch.runs = out->picked->parts;
    out->batch.run_count = out->picked->part_count;
    out->read_lines = lp_cursor_mark(cursor).seq - out->batch.first_seq;
    out->read_limited = g.limited;
    return out->batch.line_count > 0 ? LP_OK : err;
}

/* Life -------------------------------------------------------------------- */

static lpi_sieve *new_sieve(lp_span filter, uint32_t rate_lines)
{
    char rate[32];
    int rate_bytes = snprintf(rate, sizeof(rate), " %" PRIu32 " ", rate_lines);
    size_t text_bytes = (size_t)rate_bytes + filter.len_bytes;
    lpi_sieve *sieve = calloc(1, sizeof(*sieve) + text_bytes);

    if (!sieve)
        return NULL;
    if (rate_lines > 0)
        sieve->gap_ns = SECOND_NS / rate_lines;
    sieve->text_bytes = text_bytes;
    memcpy(sieve->text, rate, (size_t)rate_bytes);
    if (filter.len_bytes > 0)
        memcpy(sieve->text + rate_bytes, filter.ptr, filter.len_bytes);
    return sieve;
}

static lp_err create_filter(lpi_sieve *sieve, lp_span text)
{
    lp_filter_stats stats = LP_FILTER_STATS_INIT;
    lp_err err = lp_filter_create(text, &sieve->filter, NULL);

    if (err != LP_OK)
        return err;
    lp_filter_stats_get(sieve->filter, &stats);
    sieve->has_patterns = stats.patterns > 0;
    return LP_OK;
}

lp_err lpi_sieve_create(lp_span filter, uint32_t rate_lines, lpi_sieve **out)
{
    lpi_sieve *sieve;
    lp_err err = LP_OK;

    *out = NULL;
    if (filter.len_bytes == 0 && rate_lines == 0)
        return LP_OK;
    if (filter.len_bytes > LP_FILTER_TEXT_MAX_BYTES)
        return LP_E_FULL;
    sieve = new_sieve(filter, rate_lines);
    if (!sieve)
        return LP_E_NOMEM;
    if (filter.len_bytes > 0)
        err = create_filter(sieve, filter);
    if (err != LP_OK) {
        free(sieve);
        return err;
    }
    *out = sieve;
    return LP_OK;
}

void lpi_sieve_destroy(lpi_sieve *sieve)
{
    if (!sieve)
        return;
    lp_filter_destroy(sieve->filter);
    free(sieve);
}

void lpi_sieve_set_due_ns(lpi_sieve *sieve, int64_t due_ns)
{
    sieve->due_ns = due_ns;
}

lp_span lpi_sieve_text(const lpi_sieve *sieve)
{
    if (!sieve)
        return lp_span_of(NULL, 0);
    return lp_span_of(sieve->text, sieve->text_bytes);
}

uint64_t lpi_sieve_limit_lines(const lpi_sieve *sieve)
{
    lp_filter_stats stats = LP_FILTER_STATS_INIT;

    if (sieve && sieve->filter)
        lp_filter_stats_get(sieve->filter, &stats);
    return stats.limit_lines;
}
