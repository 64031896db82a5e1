/* channel.c - the ring: append, roll on, evict, close. */
#include "channel.h"

#include <assert.h>
#include <stddef.h>

#include "versioned.h"

enum { HISTORY_DEFAULT_LINES = 1500 };
#define BYTES_MAX_DEFAULT ((uint64_t)16 << 20)

/* Opening and closing ----------------------------------------------------- */

static lp_err read_options(const lp_channel_options *from,
                           lp_channel_options *opt)
{
    lp_channel_options defaults = LP_CHANNEL_OPTIONS_INIT;
    lp_err err;

    *opt = defaults;
    err = lpi_options_read(opt, sizeof(*opt), from);
    if (err != LP_OK)
        return err;
    if (opt->history_lines == 0)
        opt->history_lines = HISTORY_DEFAULT_LINES;
    if (opt->bytes_max == 0)
        opt->bytes_max = BYTES_MAX_DEFAULT;
    return opt->bytes_max < LPI_BLOCK_MIN_BYTES ? LP_E_INVALID : LP_OK;
}

lp_err lp_channel_open(lp_engine *engine, const lp_channel_options *options,
                       lp_channel **out)
{
    lp_channel_options opt;
    lp_channel *channel;
    void *ptr = NULL;
    lp_err err;

    if (engine == NULL || out == NULL)
        return LP_E_INVALID;
    err = read_options(options, &opt);
    if (err == LP_OK)
        err = lpi_channel_alloc(engine, NULL, sizeof(*channel), &ptr);
    if (err != LP_OK)
        return err;
    channel = ptr;
    memset(channel, 0, sizeof(*channel));
    pthread_mutex_init(&channel->mutex, NULL);
    pthread_mutex_init(&channel->wake_mutex, NULL);
    atomic_init(&channel->next_seq, 1);
    atomic_init(&channel->armed_count, 0);
    atomic_init(&channel->refs, 1);
    atomic_init(&channel->is_closed, false);
    atomic_init(&channel->pen.at, NULL);
    atomic_init(&channel->pen.slot, NULL);
    channel->pen.aside_copy = channel->aside_copy;
    channel->history_lines = opt.history_lines;
    channel->bytes_max = opt.bytes_max;
    channel->engine = engine;
    lpi_engine_enter(engine, channel);
    *out = channel;
    return LP_OK;
}

uint64_t lp_channel_epoch(const lp_channel *channel)
{
    return channel->epoch;
}

lp_engine *lp_channel_engine(const lp_channel *channel)
{
    return channel->engine;
}

/* The ring's own end. Nobody else can see the channel any more. */
static void destroy(lp_channel *channel)
{
    lp_engine *engine = channel->engine;
    lpi_totals totals;

    assert(channel->cursors == NULL && channel->armed == NULL);
    pthread_mutex_lock(&channel->mutex);
    atomic_store(&channel->is_closed, true);
    lpi_channel_abandon(channel);
    totals = lpi_channel_totals(channel);
    pthread_mutex_unlock(&channel->mutex);
    lpi_engine_leave(engine, channel, &totals);
    pthread_mutex_destroy(&channel->mutex);
    pthread_mutex_destroy(&channel->wake_mutex);
    lpi_memory_free(engine, channel, sizeof(*channel));
}

bool lpi_channel_try_ref(lp_channel *channel)
{
    uint32_t refs = atomic_load(&channel->refs);

    while (refs > 0)
        if (atomic_compare_exchange_weak(&channel->refs, &refs, refs + 1))
            return true;
    return false;
}

lp_channel *lp_channel_ref(lp_channel *channel)
{
    uint32_t before = atomic_fetch_add(&channel->refs, 1);

    assert(before > 0);
    return channel;
}

void lp_channel_unref(lp_channel *channel)
{
    uint32_t before;

    if (channel == NULL)
        return;
    before = atomic_fetch_sub(&channel->refs, 1);
    assert(before > 0);
    if (before == 1)
        destroy(channel);
}

/* Calls all who are armed, once each. The lock is held meanwhile, so that
 * lp_cursor_close() can promise that no call is still running. */
static void wake(lp_channel *channel)
{
    lp_cursor *cursor;

    pthread_mutex_lock(&channel->wake_mutex);
    while ((cursor = channel->armed) != NULL) {
        channel->armed = cursor->next_armed;
        if (channel->armed != NULL)
            channel->armed->previous_armed = NULL;
        cursor->next_armed = NULL;
        cursor->is_armed = false;
        atomic_fetch_sub(&channel->armed_count, 1);
        cursor->on_ready(cursor->ready_ctx);
    }
    pthread_mutex_unlock(&channel->wake_mutex);
}

/* Under mutex, in which everybody who arms looks for news after that. */
static bool is_anybody_armed(const lp_channel *channel)
{
    return atomic_load_explicit(&channel->armed_count, memory_order_relaxed) >
           0;
}

void lp_channel_close(lp_channel *channel)
{
    bool is_awaited;

    if (channel == NULL)
        return;
    pthread_mutex_lock(&channel->mutex);
    atomic_store(&channel->is_closed, true);
    lpi_channel_abandon(channel);
    is_awaited = is_anybody_armed(channel);
    pthread_mutex_unlock(&channel->mutex);
    if (is_awaited)
        wake(channel);
    lp_channel_unref(channel);
}

/* Evicting ---------------------------------------------------------------- */

lp_seq lpi_channel_oldest_seq(const lp_channel *channel)
{
    // It is that of the oldest segment, whose memory nobody needs to fetch for it.
    return channel->totals.evicted_lines + 1;
}

/* Lines in the ring, those of a batch that is not yet whole included. */
static uint64_t resident_lines(const lp_channel *channel)
{
    return channel->totals.appended_lines - channel->totals.evicted_lines;
}

static void evict_oldest(lp_channel *channel)
{
    lp_segment *segment = channel->oldest;

    if (segment == channel->open) {
        lpi_pen_seal(&channel->pen, segment);
        channel->open = NULL;
    }
    channel->oldest = segment->next;
    channel->held_bytes -= lpi_segment_held_bytes(segment);
    channel->totals.evicted_lines += segment->line_count;
    channel->totals.evicted_bytes +=
        segment->used_bytes - LPI_SEGMENT_FIRST_OFFSET;
    segment->is_in_ring = false;
    segment->next = NULL;
    atomic_fetch_add(&channel->engine->pinned_bytes,
                     lpi_segment_held_bytes(segment));
    lpi_segment_unref(segment);
}

/* Would the history still be whole without the oldest segment? */
static bool is_oldest_surplus(const lp_channel *channel)
{
    return channel->oldest != NULL && channel->oldest != channel->open &&
           resident_lines(channel) - channel->oldest->line_count >=
               channel->history_lines;
}

/* The first line that some cursor still wants, as far as its lag limit lets
 * it. A cursor moves on meanwhile; then a segment stays a little longer. */
static lp_seq wanted_seq(const lp_channel *channel)
{
    lp_seq next_seq = channel->totals.appended_lines + 1;
    lp_seq wanted = next_seq;

    for (const lp_cursor *cursor = channel->cursors; cursor != NULL;
         cursor = cursor->next) {
        // relaxed: a place that is a little old only keeps a little more.
        lp_seq seq =
            atomic_load_explicit(&cursor->wanted_seq, memory_order_relaxed);
        uint64_t lag_max =
            atomic_load_explicit(&cursor->lag_max_lines, memory_order_relaxed);

        if (seq >= cursor->stop_seq)
            continue;
        if (next_seq > lag_max && seq < next_seq - lag_max)
            seq = next_seq - lag_max;
        if (seq < wanted)
            wanted = seq;
    }
    return wanted;
}

static void note_surplus(lp_channel *channel)
{
    bool has_surplus = is_oldest_surplus(channel);

    if (has_surplus == channel->has_surplus)
        return;
    channel->has_surplus = has_surplus;
    lpi_engine_set_surplus(channel->engine, channel, has_surplus);
}

void lpi_channel_trim(lp_channel *channel)
{
    if (is_oldest_surplus(channel)) {
        lp_seq wanted = wanted_seq(channel);

        while (is_oldest_surplus(channel) &&
               channel->oldest->base_seq + channel->oldest->line_count <=
                   wanted)
            evict_oldest(channel);
    }
    note_surplus(channel);
}

void lpi_channel_abandon(lp_channel *channel)
{
    if (channel->cursors != NULL || !atomic_load(&channel->is_closed))
        return;
    while (channel->oldest != NULL)
        evict_oldest(channel);
    note_surplus(channel);
}

bool lpi_channel_give_surplus(lp_channel *channel)
{
    bool gave = is_oldest_surplus(channel);

    if (gave)
        evict_oldest(channel);
    note_surplus(channel);
    return gave;
}

/* Of the surplus of some channel, not except. */
static bool reclaim_from_others(lp_engine *engine, const lp_channel *except)
{
    lp_channel *other = lpi_engine_take_surplus(engine, except);
    bool gave;

    if (other == NULL)
        return false;
    gave = lpi_channel_give_surplus(other);
    pthread_mutex_unlock(&other->mutex);
    lp_channel_unref(other);
    return gave;
}

bool lpi_channel_reclaim(lp_channel *channel)
{
    if (!is_oldest_surplus(channel) &&
        reclaim_from_others(channel->engine, channel))
        return true;
    if (channel->oldest == NULL)
        return false;
    evict_oldest(channel);
    return true;
}

/*
 * As lpi_channel_reclaim(), of which spare_bytes is what the ring may give, for so many
 * bytes. A ring that has less than what is lacking would give all of its history for
 * nothing. Under mutex.
 */
static bool reclaim_for(lp_channel *channel, uint64_t spare_bytes,
                        size_t size_bytes)
{
    if (spare_bytes >= lpi_memory_lack(channel->engine, size_bytes))
        return lpi_channel_reclaim(channel);
    return lpi_channel_give_surplus(channel) ||
           reclaim_from_others(channel->engine, channel);
}

/* The same for who has no mutex, and maybe no channel. */
static bool make_room(lp_engine *engine, lp_channel *channel, size_t size_bytes)
{
    bool gave;

    if (channel == NULL)
        return reclaim_from_others(engine, NULL);
    pthread_mutex_lock(&channel->mutex);
    gave = reclaim_for(channel, channel->held_bytes, size_bytes);
    note_surplus(channel);
    pthread_mutex_unlock(&channel->mutex);
    return gave;
}

lp_err lpi_channel_alloc(lp_engine *engine, lp_channel *channel,
                         size_t size_bytes, void **out)
{
    lp_err err;

    do
        err = lpi_memory_alloc(engine, size_bytes, out);
    while (err == LP_E_FULL && make_room(engine, channel, size_bytes));
    return err;
}

/* Lending ----------------------------------------------------------------- */

lp_err lp_engine_borrow(lp_engine *engine, lp_channel *channel,
                        size_t size_bytes, void **out)
{
    lp_err err = LP_E_INVALID;

    if (size_bytes == 0)
        return err;
    err = lpi_memory_begin_loan(engine, size_bytes);
    if (err != LP_OK)
        return err;
    err = lpi_channel_alloc(engine, channel, size_bytes, out);
    if (err != LP_OK)
        lpi_memory_end_loan(engine, size_bytes, true);
    return err;
}

void lp_engine_repay(lp_engine *engine, void *ptr, size_t size_bytes)
{
    if (ptr == NULL)
        return;
    lpi_memory_free(engine, ptr, size_bytes);
    lpi_memory_end_loan(engine, size_bytes, false);
}

/* Appending --------------------------------------------------------------- */

/* Of one channel. */
static uint64_t memory_max(const lp_channel *channel)
{
    return channel->bytes_max < channel->engine->memory_max_bytes
               ? channel->bytes_max
               : channel->engine->memory_max_bytes;
}

/* What a line is at most, and what it leaves aside. */
static size_t line_max(const lp_channel *channel)
{
    return lpi_segment_line_max(channel->engine->segment_max_bytes);
}

/*
 * An eighth of what the channel holds, rounded down to a power of two, so that
 * what is kept too much is in proportion; but large enough for this line, and not so
 * large that what it leaves aside finds no room. 0 when no segment is.
 */
static uint32_t next_block_bytes(const lp_channel *channel, size_t line_bytes,
                                 size_t beside_bytes)
{
    uint64_t most_bytes = memory_max(channel);
    uint32_t max_bytes = channel->engine->segment_max_bytes;
    uint32_t block_bytes = LPI_BLOCK_MIN_BYTES;

    while (block_bytes < max_bytes &&
           (lpi_segment_line_max(block_bytes) < line_bytes ||
            ((uint64_t)block_bytes * 16 <= channel->held_bytes &&
             (uint64_t)block_bytes * 2 + beside_bytes <= most_bytes)))
        block_bytes *= 2;
    if (lpi_segment_line_max(block_bytes) < line_bytes ||
        (beside_bytes > 0 && block_bytes + beside_bytes > most_bytes))
        return 0;
    return block_bytes;
}

/* Closes the open segment and opens another, for a line that leaves so much aside.
 * Seldom, and so out of the way. */
__attribute__((noinline)) static lp_err
roll(lp_channel *channel, size_t line_bytes, size_t aside_bytes)
{
    size_t beside_bytes;
    uint32_t block_bytes;
    lp_segment *segment;
    lp_err err;

    if (aside_bytes > line_max(channel))
        return LP_E_TOOBIG;
    beside_bytes = lpi_segment_aside_need(NULL, aside_bytes);
    block_bytes = next_block_bytes(channel, line_bytes, beside_bytes);
    if (block_bytes == 0 || block_bytes > memory_max(channel))
        return LP_E_TOOBIG;
    lpi_channel_trim(channel);
    while (channel->oldest != NULL &&
           channel->held_bytes + block_bytes + beside_bytes >
               channel->bytes_max)
        evict_oldest(channel);
    do
        err = lpi_segment_create(channel->engine, block_bytes,
                                 channel->totals.appended_lines + 1, &segment);
    while (err == LP_E_FULL &&
           reclaim_for(channel, channel->held_bytes, block_bytes));
    note_surplus(channel);
    if (err != LP_OK)
        return err;
    if (channel->open != NULL) {
        lpi_pen_seal(&channel->pen, channel->open);
        channel->open->next = segment;
    } else {
        channel->oldest = segment;
    }
    segment->is_in_ring = true;
    lpi_pen_begin(&channel->pen, segment);
    channel->open = segment;
    channel->held_bytes += block_bytes;
    return LP_OK;
}

static size_t line_size(const lp_line *line)
{
    uint32_t count = line->part_count;
    size_t line_bytes = line->parts[0].len_bytes;

    assert(count > 0 && count <= LP_LINE_PARTS_MAX);
#pragma GCC unroll 5
    for (uint32_t i = 1; i < count; i++)
        line_bytes += line->parts[i].len_bytes;
    return line_bytes;
}

static size_t aside_size(const lp_line *line)
{
    return line->aside[0].len_bytes + line->aside[1].len_bytes;
}

/*
 * Beside a segment there is no more than in it, so that what goes with it is in
 * proportion; but for the first line's, which may be as large as a line. Nor may it be
 * more with its segment than the channel has.
 */
static bool has_enough_beside(const lp_channel *channel, size_t need_bytes)
{
    const lp_segment *open = channel->open;

    return (!lpi_pen_is_new(&channel->pen, open) &&
            open->aside_bytes + need_bytes > open->block_bytes) ||
           lpi_segment_held_bytes(open) + need_bytes > channel->bytes_max;
}

/* By anything but the open segment. */
static bool reclaim_beside(lp_channel *channel, size_t need_bytes)
{
    uint64_t spare_bytes =
        channel->held_bytes - lpi_segment_held_bytes(channel->open);

    return channel->oldest == channel->open
               ? reclaim_from_others(channel->engine, channel)
               : reclaim_for(channel, spare_bytes, need_bytes);
}

/* Takes so much more memory for what this line leaves aside. */
static lp_err add_aside(lp_channel *channel, const lp_line *line,
                        size_t need_bytes)
{
    uint64_t evicted_lines = channel->totals.evicted_lines;
    lp_err err;

    while (channel->held_bytes + need_bytes > channel->bytes_max)
        evict_oldest(channel); // the open one alone is not too much
    do
        err = lpi_pen_put_aside(&channel->pen, channel->open, line->aside);
    while (err == LP_E_FULL && reclaim_beside(channel, need_bytes));
    if (err == LP_OK)
        channel->held_bytes += need_bytes;
    if (channel->totals.evicted_lines != evicted_lines)
        note_surplus(channel);
    return err;
}

/* Sees to it that pen.aside is this line's. Few lines leave anything aside that the
 * one before did not. */
__attribute__((noinline)) static lp_err
put_aside(lp_channel *channel, const lp_line *line, size_t line_bytes)
{
    size_t aside_bytes = aside_size(line);
    size_t need_bytes;
    lp_err err;

    if (lpi_pen_has_aside(&channel->pen, line->aside))
        return LP_OK;
    if (aside_bytes > line_max(channel))
        return LP_E_TOOBIG;
    need_bytes = lpi_segment_aside_need(channel->open, aside_bytes);
    if (need_bytes > 0 && has_enough_beside(channel, need_bytes)) {
        err = roll(channel, line_bytes, aside_bytes);
        if (err != LP_OK)
            return err;
        need_bytes = lpi_segment_aside_need(channel->open, aside_bytes);
    }
    return add_aside(channel, line, need_bytes);
}

static lp_err append_line(lp_channel *channel, const lp_line *line)
{
    size_t line_bytes = line_size(line);
    const char *aside = NULL;
    lp_err err;

    if (channel->open == NULL || !lpi_pen_fits(&channel->pen, line_bytes)) {
        err = roll(channel, line_bytes, aside_size(line));
        if (err != LP_OK)
            return err;
    }
    if (aside_size(line) > 0) {
        err = put_aside(channel, line, line_bytes);
        if (err != LP_OK)
            return err;
        aside = channel->pen.aside;
    }
    lpi_pen_put(&channel->pen, channel->open, line, line_bytes, aside);
    channel->totals.appended_lines++;
    channel->totals.appended_bytes += line_bytes;
    return LP_OK;
}

static uint64_t chain_length(const lp_line *line)
{
    uint64_t lines = 0;

    for (; line != NULL; line = line->next)
        lines++;
    return lines;
}

/* Under mutex. Stops at the first line that memory has no room for: those
 * behind it would only come out of order. */
static lp_err append_chain(lp_channel *channel, const lp_line *line,
                           lp_append_result *result)
{
    lp_err worst = LP_OK;

    for (; line != NULL; line = line->next) {
        lp_err err = append_line(channel, line);

        if (err == LP_OK)
            continue;
        worst = err;
        if (err != LP_E_TOOBIG)
            break;
        result->too_big_lines++;
    }
    result->refused_lines = chain_length(line);
    return worst;
}

lp_err lp_channel_append(lp_channel *channel, const lp_line *lines,
                         lp_append_result *result)
{
    lp_append_result sum = {0, 0, 0, 0};
    bool is_awaited = false;
    lp_seq first_seq;
    lp_err err;

    pthread_mutex_lock(&channel->mutex);
    first_seq = channel->totals.appended_lines + 1;
    if (atomic_load_explicit(&channel->is_closed, memory_order_relaxed)) {
        err = LP_E_CLOSED;
        sum.refused_lines = chain_length(lines);
    } else {
        err = append_chain(channel, lines, &sum);
    }
    // Seldom: they are on a line of the cache that nothing else touches here.
    if (err != LP_OK) {
        channel->totals.too_big_lines += sum.too_big_lines;
        channel->totals.refused_lines += sum.refused_lines;
    }
    sum.accepted_lines = channel->totals.appended_lines + 1 - first_seq;
    if (sum.accepted_lines > 0) {
        sum.first_seq = first_seq;
        // release: pairs with the acquire of readers that don't take the mutex.
        atomic_store_explicit(&channel->next_seq,
                              channel->totals.appended_lines + 1,
                              memory_order_release);
        is_awaited = is_anybody_armed(channel);
    }
    pthread_mutex_unlock(&channel->mutex);
    if (is_awaited)
        wake(channel);
    if (result != NULL)
        *result = sum;
    return err;
}

void lp_channel_prefetch(const lp_channel *channel, unsigned step)
{
    const char *at, *slot;

    if (step == 0) {
        // Of the totals, an append touches the first two.
        for (size_t ahead = 0;
             ahead < offsetof(lp_channel, totals.evicted_lines);
             ahead += LPI_ALIGN_BYTES)
            __builtin_prefetch((const char *)channel + ahead, 1);
        return;
    }
    // relaxed: an address that is out of date is fetched for nothing.
    at = atomic_load_explicit(&channel->pen.at, memory_order_relaxed);
    slot = (const char *)atomic_load_explicit(&channel->pen.slot,
                                              memory_order_relaxed);
    if (at == NULL)
        return;
    // Into the second level: the first is too small for all that a batch asks
    // for, and waiting for a place in it holds up the asking itself.
    __builtin_prefetch(slot, 1, 2);
    for (uint32_t ahead = 0; ahead < 5; ahead++)
        __builtin_prefetch(at + ahead * LPI_ALIGN_BYTES, 1, 2);
}

/* The account ------------------------------------------------------------- */

lpi_totals lpi_channel_totals(const lp_channel *channel)
{
    lpi_totals totals = channel->totals;

    for (const lp_cursor *cursor = channel->cursors; cursor != NULL;
         cursor = cursor->next) {
        totals.delivered_lines += atomic_load(&cursor->delivered_lines);
        totals.lost_lines += atomic_load(&cursor->lost_lines);
    }
    return totals;
}

void lp_channel_stats_get(lp_channel *channel, lp_channel_stats *out)
{
    lp_channel_stats stats = LP_CHANNEL_STATS_INIT;

    pthread_mutex_lock(&channel->mutex);
    stats.cursors = channel->cursor_count;
    stats.epoch = channel->epoch;
    stats.oldest_seq = lpi_channel_oldest_seq(channel);
    stats.next_seq = channel->totals.appended_lines + 1;
    stats.appended_lines = channel->totals.appended_lines;
    stats.appended_bytes = channel->totals.appended_bytes;
    stats.evicted_lines = channel->totals.evicted_lines;
    stats.evicted_bytes = channel->totals.evicted_bytes;
    stats.too_big_lines = channel->totals.too_big_lines;
    stats.refused_lines = channel->totals.refused_lines;
    stats.held_bytes = channel->held_bytes;
    pthread_mutex_unlock(&channel->mutex);
    stats.resident_lines = stats.appended_lines - stats.evicted_lines;
    stats.resident_bytes = stats.appended_bytes - stats.evicted_bytes;
    lpi_stats_write(out, &stats, sizeof(stats));
}

/* Memory of the segments that have this line and those behind it. Under mutex. */
static uint64_t held_from(const lp_channel *channel, lp_seq seq)
{
    uint64_t held_bytes = channel->held_bytes;

    for (const lp_segment *segment = channel->oldest;
         segment != NULL && segment != channel->open &&
         segment->base_seq + segment->line_count <= seq;
         segment = segment->next)
        held_bytes -= lpi_segment_held_bytes(segment);
    return held_bytes;
}

bool lp_channel_is_pressed(lp_channel *channel, lp_seq seq)
{
    uint64_t half_bytes = memory_max(channel) / 2;
    bool is_pressed;

    pthread_mutex_lock(&channel->mutex);
    is_pressed = (channel->held_bytes >= half_bytes &&
                  held_from(channel, seq) >= half_bytes) ||
                 (channel->totals.appended_lines + 1 >=
                      seq + channel->history_lines / 2 &&
                  lpi_memory_is_tight(channel->engine));
    pthread_mutex_unlock(&channel->mutex);
    return is_pressed;
}
