/* cursor.c - a place in the ring: next, arm, lose, close; and its runs. */
#include "channel.h"

#include <assert.h>

#include "versioned.h"

#define NO_LIMIT UINT64_MAX

/* All before seq has been used: the writer may let go of it. */
static void want_from(lp_cursor *cursor, lp_seq seq)
{
    atomic_store_explicit(&cursor->wanted_seq, seq, memory_order_relaxed);
}

/* Only the reader counts, and the ledger looks. */
static void count(_Atomic uint64_t *at, uint64_t lines)
{
    atomic_store_explicit(
        at, atomic_load_explicit(at, memory_order_relaxed) + lines,
        memory_order_relaxed);
}

/* Opening ----------------------------------------------------------------- */

static lp_err read_options(const lp_cursor_options *from,
                           lp_cursor_options *opt)
{
    lp_cursor_options defaults = LP_CURSOR_OPTIONS_INIT;
    lp_err err;

    *opt = defaults;
    err = lpi_options_read(opt, sizeof(*opt), from);
    if (err != LP_OK)
        return err;
    if (opt->lag_max_lines == 0)
        opt->lag_max_lines = NO_LIMIT;
    if (opt->start > LP_START_TIME || opt->stop > LP_STOP_SEQ ||
        opt->confirms > 1)
        return LP_E_INVALID;
    return LP_OK;
}

/* The first resident line that arrived at or after a time. The clock may have
 * been set back in between, so every segment is asked. Under mutex. */
static lp_seq seq_at_time(const lp_channel *channel, int64_t time_ns)
{
    const lp_segment *segment = channel->oldest;

    if (channel->open != NULL)
        lpi_pen_settle(&channel->pen, channel->open);
    while (segment != NULL && segment->arrival_max_ns < time_ns)
        segment = segment->next;
    if (segment == NULL)
        return atomic_load(&channel->next_seq);
    for (uint32_t i = 0; i < segment->line_count; i++)
        if (lpi_segment_slot(segment, i)->arrival_ns >= time_ns)
            return segment->base_seq + i;
    return segment->base_seq + segment->line_count;
}

/* Under mutex. */
static lp_seq start_seq(const lp_channel *channel, const lp_cursor_options *opt)
{
    lp_seq oldest = lpi_channel_oldest_seq(channel);
    lp_seq next = atomic_load(&channel->next_seq);

    switch ((lp_start)opt->start) {
    case LP_START_NEWEST:
        break;
    case LP_START_OLDEST:
        return oldest;
    case LP_START_LAST:
        return opt->start_arg > next - oldest ? oldest : next - opt->start_arg;
    case LP_START_SEQ:
        if (opt->start_epoch != channel->epoch)
            return oldest;
        if (opt->start_arg == 0)
            return 1;
        return opt->start_arg > next ? next : opt->start_arg;
    case LP_START_TIME:
        return seq_at_time(channel, (int64_t)opt->start_arg);
    }
    return next;
}

static lp_seq stop_seq(const lp_channel *channel, const lp_cursor_options *opt)
{
    if (opt->stop == LP_STOP_NOW)
        return atomic_load(&channel->next_seq);
    return opt->stop == LP_STOP_SEQ ? opt->stop_seq : NO_LIMIT;
}

/* Among the channel's cursors from here on. */
static void enter(lp_cursor *cursor, const lp_cursor_options *opt)
{
    lp_channel *channel = cursor->channel;

    pthread_mutex_lock(&channel->mutex);
    cursor->start_seq = start_seq(channel, opt);
    cursor->stop_seq = stop_seq(channel, opt);
    cursor->seq = cursor->start_seq;
    atomic_init(&cursor->wanted_seq, cursor->start_seq);
    cursor->next = channel->cursors;
    if (cursor->next != NULL)
        cursor->next->previous = cursor;
    channel->cursors = cursor;
    channel->cursor_count++;
    pthread_mutex_unlock(&channel->mutex);
}

lp_err lp_cursor_open(lp_channel *channel, const lp_cursor_options *options,
                      lp_cursor **out)
{
    lp_cursor_options opt;
    lp_cursor *cursor;
    void *ptr = NULL;
    lp_err err;

    if (channel == NULL || out == NULL)
        return LP_E_INVALID;
    err = read_options(options, &opt);
    if (err == LP_OK)
        err =
            lpi_channel_alloc(channel->engine, channel, sizeof(*cursor), &ptr);
    if (err != LP_OK)
        return err;
    cursor = ptr;
    memset(cursor, 0, sizeof(*cursor));
    atomic_init(&cursor->lag_max_lines, opt.lag_max_lines);
    atomic_init(&cursor->delivered_lines, 0);
    atomic_init(&cursor->lost_lines, 0);
    cursor->channel = lp_channel_ref(channel);
    cursor->on_ready = opt.on_ready;
    cursor->ready_ctx = opt.ready_ctx;
    cursor->confirms = opt.confirms;
    cursor->is_other_epoch =
        opt.start == LP_START_SEQ && opt.start_epoch != channel->epoch;
    enter(cursor, &opt);
    *out = cursor;
    return LP_OK;
}

/* Waking ------------------------------------------------------------------ */

/* Under wake_mutex. */
static void disarm(lp_cursor *cursor)
{
    lp_channel *channel = cursor->channel;

    if (!cursor->is_armed)
        return;
    if (cursor->previous_armed != NULL)
        cursor->previous_armed->next_armed = cursor->next_armed;
    else
        channel->armed = cursor->next_armed;
    if (cursor->next_armed != NULL)
        cursor->next_armed->previous_armed = cursor->previous_armed;
    cursor->previous_armed = cursor->next_armed = NULL;
    cursor->is_armed = false;
    atomic_fetch_sub(&channel->armed_count, 1);
}

/* Under wake_mutex. */
static void arm(lp_cursor *cursor)
{
    lp_channel *channel = cursor->channel;

    if (cursor->is_armed)
        return;
    cursor->previous_armed = NULL;
    cursor->next_armed = channel->armed;
    if (cursor->next_armed != NULL)
        cursor->next_armed->previous_armed = cursor;
    channel->armed = cursor;
    cursor->is_armed = true;
    atomic_fetch_add(&channel->armed_count, 1);
}

/* From this line on, would lp_cursor_next() say anything but LP_E_AGAIN? */
static bool has_news(const lp_cursor *cursor, lp_seq seq)
{
    return seq >= cursor->stop_seq ||
           seq < atomic_load(&cursor->channel->next_seq) ||
           atomic_load(&cursor->channel->is_closed);
}

/* The first line from where it is that is in the ring, or would be: when memory is
 * short a ring may have none. Under mutex. */
static lp_seq readable_seq(const lp_cursor *cursor)
{
    lp_seq oldest = lpi_channel_oldest_seq(cursor->channel);

    return cursor->seq > oldest ? cursor->seq : oldest;
}

lp_err lp_cursor_arm(lp_cursor *cursor)
{
    lp_channel *channel = cursor->channel;
    bool is_needless;

    if (cursor->on_ready == NULL)
        return LP_E_INVALID;
    pthread_mutex_lock(&channel->wake_mutex);
    arm(cursor);
    // A writer who had the mutex before us has shown its lines; one who has it
    // after us sees that we are armed.
    pthread_mutex_lock(&channel->mutex);
    is_needless = has_news(cursor, readable_seq(cursor));
    pthread_mutex_unlock(&channel->mutex);
    if (is_needless)
        disarm(cursor);
    pthread_mutex_unlock(&channel->wake_mutex);
    return is_needless ? LP_E_AGAIN : LP_OK;
}

void lp_cursor_set_lag(lp_cursor *cursor, uint64_t lag_max_lines)
{
    atomic_store(&cursor->lag_max_lines,
                 lag_max_lines == 0 ? NO_LIMIT : lag_max_lines);
}

/* Reading ----------------------------------------------------------------- */

static void lose(lp_cursor *cursor, uint64_t lines)
{
    if (cursor->untold_lines == 0)
        cursor->untold_since_ns = cursor->last_arrival_ns;
    cursor->untold_lines += lines;
    count(&cursor->lost_lines, lines);
    cursor->seq += lines;
}

/* Jumps over what is beyond the lag limit. */
static void jump(lp_cursor *cursor)
{
    uint64_t lag_max =
        atomic_load_explicit(&cursor->lag_max_lines, memory_order_relaxed);
    lp_seq next = atomic_load(&cursor->channel->next_seq);
    lp_seq target;

    if (next <= lag_max || cursor->seq >= next - lag_max)
        return;
    target = next - lag_max;
    if (target > cursor->stop_seq)
        target = cursor->stop_seq;
    if (target > cursor->seq)
        lose(cursor, target - cursor->seq);
}

/* How many lines of the segment that the cursor holds may be read. */
static uint64_t visible_lines(const lp_cursor *cursor)
{
    const lp_segment *segment = cursor->segment;
    // In this order: a next_seq that counts lines of a later segment comes
    // after this one was sealed, so the second look would tell. acquire: pairs
    // with lp_channel_append(), and with lpi_pen_seal().
    lp_seq next =
        atomic_load_explicit(&cursor->channel->next_seq, memory_order_acquire);
    uint32_t published =
        atomic_load_explicit(&segment->published, memory_order_acquire);

    if (published != LPI_SEGMENT_OPEN)
        return published;
    return next > segment->base_seq ? next - segment->base_seq : 0;
}

/* Is the next line in the segment that the cursor holds, for all to see? */
static bool is_here(const lp_cursor *cursor)
{
    const lp_segment *segment = cursor->segment;
    lp_seq seq = cursor->seq;

    return segment != NULL && seq >= segment->base_seq &&
           seq - segment->base_seq < visible_lines(cursor);
}

/* Where to look from for a line: the ring has many segments, and those in front of it
 * are in nobody's cache. Who has rested was at one that had a line, so no other one
 * ever has the same base; and it is in the ring if none before that is gone. */
static lp_segment *nearest(const lp_cursor *cursor, lp_seq seq)
{
    lp_segment *segment = cursor->segment;

    if (segment != NULL && segment->is_in_ring && segment->base_seq <= seq)
        return segment;
    if (cursor->rested != NULL && cursor->rested_seq <= seq &&
        cursor->rested_seq >= lpi_channel_oldest_seq(cursor->channel))
        return cursor->rested;
    return cursor->channel->oldest;
}

/* The segment in the ring that has this line. Under mutex. */
static lp_segment *find(const lp_cursor *cursor, lp_seq seq)
{
    lp_segment *segment = nearest(cursor, seq);

    assert(segment != NULL); // a line below next_seq is in some segment
    // The open one is the last, and has all that the others have not.
    while (segment->next != NULL &&
           segment->base_seq + segment->line_count <= seq)
        segment = segment->next;
    return segment;
}

/* Changes the hold from one segment to the other; the old one is returned, to
 * be let go outside the lock. Under mutex. */
static lp_segment *hold(lp_cursor *cursor, lp_segment *segment)
{
    lp_segment *old = cursor->segment;

    lpi_segment_ref(segment);
    cursor->segment = segment;
    return old;
}

/* Steps to the segment that has the next line; counts what went missing. */
static lp_err step(lp_cursor *cursor)
{
    lp_channel *channel = cursor->channel;
    lp_segment *old = NULL;
    lp_err err = LP_OK;
    lp_seq oldest, limit;

    pthread_mutex_lock(&channel->mutex);
    oldest = lpi_channel_oldest_seq(channel);
    limit = oldest < cursor->stop_seq ? oldest : cursor->stop_seq;
    if (cursor->seq < limit)
        lose(cursor, limit - cursor->seq);
    if (cursor->seq >= cursor->stop_seq) {
        err = LP_E_END;
    } else if (cursor->seq >= atomic_load(&channel->next_seq)) {
        err = atomic_load(&channel->is_closed) ? LP_E_CLOSED : LP_E_AGAIN;
    } else {
        bool was_oldest = cursor->segment == channel->oldest;

        old = hold(cursor, find(cursor, cursor->seq));
        // Whoever leaves the oldest segment may have been the last to want it.
        if (was_oldest)
            lpi_channel_trim(channel);
    }
    pthread_mutex_unlock(&channel->mutex);
    if (old != NULL)
        lpi_segment_unref(old);
    return err;
}

/* How many lines from first_index on make one run. They are not walked: what lies
 * behind them is in nobody's cache. */
static uint32_t run_length(const lp_cursor *cursor, uint32_t first_index,
                           uint32_t lines_max, size_t bytes_max)
{
    const lp_segment *segment = cursor->segment;
    uint32_t lines = (uint32_t)(visible_lines(cursor) - first_index);
    uint32_t first_offset = lpi_segment_offset(segment, first_index);
    uint32_t fitting = 1;

    if (cursor->stop_seq - cursor->seq < lines)
        lines = (uint32_t)(cursor->stop_seq - cursor->seq);
    if (lines_max != 0 && lines > lines_max)
        lines = lines_max;
    if (bytes_max == 0 ||
        lpi_segment_offset(segment, first_index + lines) - first_offset <=
            bytes_max)
        return lines;
    while (lines - fitting > 1) {
        uint32_t middle = fitting + (lines - fitting) / 2;

        if (lpi_segment_offset(segment, first_index + middle) - first_offset <=
            bytes_max)
            fitting = middle;
        else
            lines = middle;
    }
    return fitting;
}

/* Tells the loss, once. */
static void tell_loss(lp_cursor *cursor, lp_run *run)
{
    run->lost_lines = cursor->untold_lines;
    run->lost_since_ns = cursor->untold_lines > 0 ? cursor->untold_since_ns : 0;
    cursor->untold_lines = 0;
}

lp_err lp_cursor_next(lp_cursor *cursor, uint32_t lines_max, size_t bytes_max,
                      lp_run *out)
{
    uint32_t first_offset, last_index;
    lp_err err;

    memset(out, 0, sizeof(*out));
    if (!cursor->confirms)
        want_from(cursor, cursor->seq);
    if (cursor->seq < cursor->stop_seq && !has_news(cursor, cursor->seq) &&
        !is_here(cursor))
        return LP_E_AGAIN;
    jump(cursor);
    if (cursor->seq >= cursor->stop_seq || !is_here(cursor)) {
        err = step(cursor);
        if (err != LP_OK) {
            tell_loss(cursor, out);
            return err;
        }
    }
    out->segment = cursor->segment;
    out->first_seq = cursor->seq;
    out->first_index = (uint32_t)(out->first_seq - out->segment->base_seq);
    out->line_count =
        run_length(cursor, out->first_index, lines_max, bytes_max);
    first_offset = lpi_segment_offset(out->segment, out->first_index);
    last_index = out->first_index + out->line_count - 1;
    out->bytes = lp_span_of(
        (const char *)out->segment + first_offset,
        lpi_segment_slot(out->segment, last_index)->end_offset - first_offset);
    if (cursor->untold_lines > 0 && cursor->untold_since_ns == 0)
        cursor->untold_since_ns =
            lpi_segment_slot(out->segment, out->first_index)->arrival_ns;
    tell_loss(cursor, out);
    lpi_segment_ref(out->segment);
    cursor->before_run_ns = cursor->last_arrival_ns;
    cursor->last_arrival_ns =
        lpi_segment_slot(out->segment, last_index)->arrival_ns;
    count(&cursor->delivered_lines, out->line_count);
    cursor->seq = out->first_seq + out->line_count;
    return LP_OK;
}

void lp_cursor_rest(lp_cursor *cursor, lp_run *run, uint32_t used_lines)
{
    if (run->segment != NULL && used_lines < run->line_count) {
        uint64_t unused_lines = run->line_count - used_lines;

        assert(cursor->seq == run->first_seq + run->line_count);
        count(&cursor->delivered_lines, 0 - unused_lines);
        cursor->seq = run->first_seq + used_lines;
        cursor->last_arrival_ns =
            used_lines > 0 ? lp_run_at(run, used_lines - 1).arrival_ns
                           : cursor->before_run_ns;
    }
    if (!cursor->confirms)
        want_from(cursor, cursor->seq);
    lp_run_release(run);
    if (cursor->segment != NULL) {
        cursor->rested = cursor->segment;
        cursor->rested_seq = cursor->segment->base_seq;
        lpi_segment_unref(cursor->segment);
    }
    cursor->segment = NULL;
}

/* Reading again ----------------------------------------------------------- */

lp_cursor_place lp_cursor_mark(const lp_cursor *cursor)
{
    lp_cursor_place place;

    place.seq = cursor->seq;
    place.last_arrival_ns = cursor->last_arrival_ns;
    place.delivered_lines = atomic_load(&cursor->delivered_lines);
    place.lost_lines = atomic_load(&cursor->lost_lines);
    place.untold_lines = cursor->untold_lines;
    place.untold_since_ns = cursor->untold_since_ns;
    return place;
}

void lp_cursor_confirm(lp_cursor *cursor, lp_seq before_seq)
{
    assert(cursor->confirms && before_seq <= cursor->seq);
    want_from(cursor, before_seq);
}

void lp_cursor_place_after(lp_cursor_place *place, lp_seq first_seq,
                           uint64_t lines)
{
    assert(place->seq <= first_seq);
    place->lost_lines += first_seq - place->seq;
    place->delivered_lines += lines;
    place->untold_lines = 0;
    place->seq = first_seq + lines;
}

void lp_cursor_rewind(lp_cursor *cursor, const lp_cursor_place *place)
{
    assert(place->seq <= cursor->seq);
    cursor->seq = place->seq;
    cursor->last_arrival_ns = place->last_arrival_ns;
    cursor->untold_lines = place->untold_lines;
    cursor->untold_since_ns = place->untold_since_ns;
    atomic_store(&cursor->delivered_lines, place->delivered_lines);
    atomic_store(&cursor->lost_lines, place->lost_lines);
}

/* Closing and accounting -------------------------------------------------- */

/* Leaves the channel's cursors, and its account with the channel. */
static void leave(lp_cursor *cursor)
{
    lp_channel *channel = cursor->channel;

    pthread_mutex_lock(&channel->mutex);
    if (cursor->previous != NULL)
        cursor->previous->next = cursor->next;
    else
        channel->cursors = cursor->next;
    if (cursor->next != NULL)
        cursor->next->previous = cursor->previous;
    channel->cursor_count--;
    channel->totals.delivered_lines += atomic_load(&cursor->delivered_lines);
    channel->totals.lost_lines += atomic_load(&cursor->lost_lines);
    lpi_channel_trim(channel);
    lpi_channel_abandon(channel);
    pthread_mutex_unlock(&channel->mutex);
}

void lp_cursor_close(lp_cursor *cursor)
{
    lp_channel *channel;

    if (cursor == NULL)
        return;
    channel = cursor->channel;
    pthread_mutex_lock(&channel->wake_mutex);
    disarm(cursor);
    pthread_mutex_unlock(&channel->wake_mutex);
    leave(cursor);
    if (cursor->segment != NULL)
        lpi_segment_unref(cursor->segment);
    lpi_memory_free(channel->engine, cursor, sizeof(*cursor));
    lp_channel_unref(channel);
}

void lp_cursor_stats_get(lp_cursor *cursor, lp_cursor_stats *out)
{
    lp_cursor_stats stats = LP_CURSOR_STATS_INIT;
    lp_seq end = atomic_load(&cursor->channel->next_seq);

    stats.other_epoch = cursor->is_other_epoch;
    stats.next_seq = cursor->seq;
    if (end > cursor->stop_seq)
        end = cursor->stop_seq;
    if (end > stats.next_seq)
        stats.pending_lines = end - stats.next_seq;
    stats.delivered_lines = atomic_load(&cursor->delivered_lines);
    stats.lost_lines = atomic_load(&cursor->lost_lines);
    stats.offered_lines =
        stats.next_seq - cursor->start_seq + stats.pending_lines;
    lpi_stats_write(out, &stats, sizeof(stats));
}

/* Runs -------------------------------------------------------------------- */

lp_record lp_run_at(const lp_run *run, uint32_t index)
{
    const lpi_slot *slot;
    uint32_t offset;
    lp_record record;

    assert(index < run->line_count);
    index += run->first_index;
    slot = lpi_segment_slot(run->segment, index);
    offset = lpi_segment_offset(run->segment, index);
    record.seq = run->segment->base_seq + index;
    record.arrival_ns = slot->arrival_ns;
    record.marks = slot->marks;
    record.bytes = lp_span_of((const char *)run->segment + offset,
                              slot->end_offset - offset);
    record.aside = lp_span_of(NULL, 0);
    if (slot->aside != NULL) {
        uint32_t len_bytes;

        memcpy(&len_bytes, slot->aside, sizeof(len_bytes));
        record.aside = lp_span_of(slot->aside + sizeof(len_bytes), len_bytes);
    }
    return record;
}

lp_run lp_run_part(const lp_run *run, uint32_t first, uint32_t line_count)
{
    lp_record one;
    const lpi_slot *last;
    lp_run part = {
        .segment = run->segment,
        .first_index = run->first_index + first,
        .line_count = line_count,
        .first_seq = run->first_seq + first,
    };

    assert(line_count > 0 && first + line_count <= run->line_count);
    one = lp_run_at(run, first);
    last = lpi_segment_slot(run->segment, part.first_index + line_count - 1);
    part.bytes =
        lp_span_of(one.bytes.ptr, (size_t)((const char *)run->segment +
                                           last->end_offset - one.bytes.ptr));
    return part;
}

lp_run lp_run_share(const lp_run *run)
{
    lp_run copy = *run;

    if (copy.segment != NULL)
        lpi_segment_ref(copy.segment);
    copy.kept_bytes = 0;
    return copy;
}

lp_err lp_run_keep(lp_run *run, unsigned account, uint64_t max_bytes)
{
    assert(account < LP_KEEP_ACCOUNTS);
    if (run->kept_bytes > 0)
        return LP_OK;
    run->kept_bytes = lpi_segment_keep(run->segment, account, max_bytes);
    run->kept_account = account;
    return run->kept_bytes > 0 ? LP_OK : LP_E_FULL;
}

void lp_run_move(lp_run *run, unsigned account)
{
    assert(account < LP_KEEP_ACCOUNTS);
    if (run->kept_bytes > 0 && run->kept_account != account &&
        lpi_segment_move(run->segment, run->kept_account, account))
        run->kept_account = account;
}

void lp_run_release(lp_run *run)
{
    if (run->kept_bytes > 0)
        lpi_segment_unkeep(run->segment, run->kept_account);
    if (run->segment != NULL)
        lpi_segment_unref(run->segment);
    memset(run, 0, sizeof(*run));
}
