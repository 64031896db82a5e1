/* batch.c - a batch out of the ring, its name, and its notice. */
#include "drain_impl.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <gnutls/crypto.h>

#include "sieve.h"

/* Taking ------------------------------------------------------------------ */

static void add_run(lpi_taken *to, const lp_run *run)
{
    lp_drain_batch *batch = &to->batch;

    if (batch->run_count == 0) {
        batch->first_seq = run->first_seq;
        batch->time_ns = lp_run_at(run, 0).arrival_ns;
        to->overflow.lines = run->lost_lines;
        to->overflow.since_ns = run->lost_since_ns;
    }
    to->runs[batch->run_count++] = *run;
    batch->line_count += run->line_count;
    batch->last_seq = run->first_seq + run->line_count - 1;
    batch->bytes += run->bytes.len_bytes;
}

/* What is in flight keeps its runs from when they are read. */
static bool keep(lpi_taken *to, lp_run *run)
{
    const lpi_limits *limits = &to->limits;

    if (limits->is_copied)
        return true;
    if (lp_run_keep(run, limits->account, limits->kept_max_bytes) != LP_OK)
        return false;
    if (to->batch.line_count > 0 &&
        to->kept_bytes + run->kept_bytes > limits->batch_kept_max_bytes)
        return false;
    to->kept_bytes += run->kept_bytes;
    return true;
}

static void put_back_run(lp_cursor *cursor, lpi_taken *to, lp_run *run)
{
    lp_run_release(run);
    lp_cursor_rewind(cursor, &to->before);
    to->is_full = true;
}

lp_err lpi_read_run(lp_cursor *cursor, uint32_t lines_max, size_t bytes_max,
                    lpi_taken *to, lp_run *out)
{
    lp_err err;

    to->before = lp_cursor_mark(cursor);
    err = lp_cursor_next(cursor, lines_max, bytes_max, out);
    if (err != LP_OK)
        lp_cursor_rewind(cursor, &to->before); // a loss is told with a line
    else if (to->batch.line_count > 0 && out->lost_lines > 0)
        put_back_run(cursor, to, out);
    else if (!keep(to, out)) {
        put_back_run(cursor, to, out);
        to->is_short = true;
    }
    return err;
}

/* Reads one run more. */
static lp_err take_run(lp_cursor *cursor, lpi_taken *to)
{
    lp_drain_batch *batch = &to->batch;
    size_t bytes_max = to->limits.bytes_max;
    uint64_t lines_max = to->limits.lines_max;
    size_t room_bytes = bytes_max - batch->bytes;
    uint32_t room_lines =
        lines_max == 0 ? 0 : (uint32_t)(lines_max - batch->line_count);
    lp_run run;
    lp_err err = lpi_read_run(cursor, room_lines, room_bytes, to, &run);

    if (err != LP_OK || to->is_full)
        return err;
    if (batch->run_count > 0 && run.bytes.len_bytes > room_bytes) {
        put_back_run(cursor, to, &run);
        return LP_OK;
    }
    add_run(to, &run);
    to->is_full = batch->bytes >= bytes_max ||
                  batch->run_count == LPI_RUNS_MAX ||
                  (lines_max > 0 && batch->line_count >= lines_max);
    return LP_OK;
}

/* All but the runs. */
void lpi_begin_take(const lp_cursor *cursor, const lpi_limits *limits,
                    lpi_taken *out)
{
    memset(out, 0, offsetof(lpi_taken, runs));
    out->limits = *limits;
    if (out->limits.lines_max > UINT32_MAX)
        out->limits.lines_max = UINT32_MAX;
    out->start = out->place = lp_cursor_mark(cursor);
}

lp_err lpi_take(lp_cursor *cursor, const lpi_limits *limits, lpi_taken *out)
{
    lp_err err = LP_OK;

    lpi_begin_take(cursor, limits, out);
    out->batch.runs = out->runs;
    while (err == LP_OK && !out->is_full)
        err = take_run(cursor, out);
    out->held_count = out->batch.run_count;
    out->read_lines = out->batch.line_count;
    return out->batch.run_count > 0 ? LP_OK : err;
}

void lpi_let_go(lp_run *runs, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        lp_run_release(&runs[i]);
}

void lpi_free_picked(lpi_picked *picked)
{
    if (!picked)
        return;
    free(picked->parts);
    free(picked->picks);
    free(picked);
}

static void put_back(lp_cursor *cursor, lpi_sieve *sieve, lpi_taken *taken,
                     const lp_cursor_place *place)
{
    if (sieve) // what is passed does not change it
        lpi_sieve_set_due_ns(sieve, taken->due_ns);
    lpi_let_go(taken->runs, taken->held_count);
    lpi_free_picked(taken->picked);
    taken->held_count = 0;
    taken->picked = NULL;
    lp_cursor_rewind(cursor, place);
}

void lpi_untake(lp_cursor *cursor, lpi_sieve *sieve, lpi_taken *taken)
{
    put_back(cursor, sieve, taken, &taken->place);
}

void lpi_untake_all(lp_cursor *cursor, lpi_sieve *sieve, lpi_taken *taken)
{
    put_back(cursor, sieve, taken, &taken->start);
    taken->place = taken->start;
    memset(&taken->passed, 0, sizeof(taken->passed));
}

/* Names ------------------------------------------------------------------- */

void lpi_name_frame(lp_drain_batch *batch, uint64_t epoch, lp_span token,
                    lp_span sieve, int64_t due_ns)
{
    static const char digits[] = "0123456789ABCDEF";
    char text[LPI_TOKEN_MAX_BYTES + LPI_SIEVE_TEXT_MAX_BYTES + 128];
    unsigned char hash[32];
    size_t len_bytes;

    len_bytes = (size_t)snprintf(
        text, sizeof(text),
        "%" PRIx64 " %.*s %" PRIx64 " %" PRIx64 " %" PRIx64 " logplex-1", epoch,
        (int)token.len_bytes, token.ptr, batch->first_seq, batch->last_seq,
        batch->loss.lines);
    if (sieve.len_bytes > 0) { // it may have a NUL
        assert(sieve.len_bytes <= LPI_SIEVE_TEXT_MAX_BYTES);
        len_bytes +=
            (size_t)snprintf(text + len_bytes, sizeof(text) - len_bytes,
                             " %" PRIx64, (uint64_t)due_ns);
        memcpy(text + len_bytes, sieve.ptr, sieve.len_bytes);
        len_bytes += sieve.len_bytes;
    }
    // A receiver tells frames apart by it, so SHA-256 and not a checksum.
    gnutls_hash_fast(GNUTLS_DIG_SHA256, text, len_bytes, hash);
    for (size_t i = 0; i < LP_DRAIN_FRAME_ID_BYTES / 2; i++) {
        batch->frame_id[2 * i] = digits[hash[i] >> 4];
        batch->frame_id[2 * i + 1] = digits[hash[i] & 15];
    }
    batch->frame_id[LP_DRAIN_FRAME_ID_BYTES] = '\0';
}

/* Notices ----------------------------------------------------------------- */

enum { TIME_ROOM_BYTES = 48 };

static void print_time(int64_t time_ns, char *out)
{
    time_t seconds = (time_t)(time_ns / 1000000000);
    struct tm parts;

    if (!gmtime_r(&seconds, &parts) ||
        strftime(out, TIME_ROOM_BYTES, "%Y-%m-%dT%H:%M:%S+00:00", &parts) == 0)
        out[0] = '\0';
}

size_t lp_drain_print_notice(const lp_drain_batch *batch, lp_span token,
                             bool is_counted, char *out, size_t room_bytes)
{
    char body[LP_DRAIN_NOTICE_MAX_BYTES];
    char now[TIME_ROOM_BYTES];
    char since[TIME_ROOM_BYTES];
    bool is_syslog = token.len_bytes > 0;
    lp_span host = is_syslog ? token : LP_SPAN("host");
    int body_bytes, len_bytes;

    if (batch->loss.lines == 0)
        return 0;
    print_time(batch->time_ns, now);
    print_time(batch->loss.since_ns, since);
    body_bytes =
        snprintf(body, sizeof(body),
                 "<172>1 %s %.*s heroku logplex - %sError L10 (output buffer "
                 "overflow): %" PRIu64 " messages dropped since %s.\n",
                 now, (int)host.len_bytes, host.ptr, is_syslog ? "- " : "",
                 batch->loss.lines, since);
    if (is_counted || !is_syslog)
        len_bytes = snprintf(out, room_bytes, "%d %s", body_bytes, body);
    else
        len_bytes = snprintf(out, room_bytes, "%s", body);
    return (size_t)len_bytes;
}
