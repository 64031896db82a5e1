/*
 * drain.c - one drain: from the ring to its protocol, and back if need be.
 *
 *          line            linger over          delivered
 *   IDLE --------> LINGERS ----------> SENDS <-----------+
 *    ^                        QUEUES --> |  -------------+
 *    +------- nothing left --------------+
 *                                        | failed          refused, to park
 *                        WAITS <---------+---------> PARKED
 *                          +---- time is over ---> as before
 *                                                    +--> likewise, released
 */
#include "drain_impl.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backoff.h"
#include "sieve.h"

/* For so long a sink that is away may be on its way back. */
#define GONE_NS INT64_C(60000000000)

enum {
    STEP_LINES = 1024, /* about as many as a batch has room for */
    LANE_STEP_LINES =
        4096,     /* drains in lanes mostly go on from the same line */
    LOOK_MS = 10, /* a drain that lingers looks this often if it has enough */
    ASK_MIN_MS = 250, /* then a sink that wants small batches is asked again */
    ASK_MAX_MS = 60000,
    AFTER_MAX_MS = 3600 * 1000,
    SMALL_PART = 16, /* of a batch */
    SWIFT_TIMES = 2,
    YIELD_MS = 2 * LOOK_MS, /* to those who wait for memory, and look for it */
    VAIN_TIMES = 2          /* ... for answer_timeout_ms */
};

static int64_t now_ns(const lp_drain *drain)
{
    return drain->set->opt.now_ns(drain->set->opt.ctx);
}

/* Sending ----------------------------------------------------------------- */

/* What is owed goes with the flight, so that the next one does not tell it as
 * well. */
static void load_notice(lp_drain *drain, lpi_flight *flight)
{
    lp_drain_batch *batch = &flight->batch;

    flight->owed = drain->owed;
    memset(&drain->owed, 0, sizeof(drain->owed));
    batch->loss = flight->owed;
    lpi_add_loss(&batch->loss, &flight->overflow);
    if (batch->loss.since_ns == 0)
        batch->loss.since_ns = batch->time_ns;
    if (!drain->protocol->is_nameless)
        lpi_name_frame(batch, lp_channel_epoch(drain->ring),
                       lp_drain_token(drain), lpi_sieve_text(drain->sieve),
                       flight->picked ? flight->picked->picks[0].due_ns : 0);
}

void lpi_drain_rest_cursor(lp_drain *drain)
{
    lp_run none = {0};

    lp_cursor_rest(drain->cursor, &none, 0);
}

/* A batch costs so little that a line goes at once? */
static bool is_prompt(const lp_drain *drain)
{
    return drain->protocol->is_prompt &&
           2 * drain->flight_count < drain->protocol->window;
}

/* Is there a reason not to wait for more lines? What the ring might drop by then had
 * better be on its way. */
static bool is_due(lp_drain *drain, const lpi_taken *taken)
{
    uint64_t now_ms = uv_now(drain->set->loop);
    int64_t linger_ms = drain->set->opt.linger_ms;
    int64_t age_ms;

    if (taken->is_full || drain->again_seq > 0 || drain->set->is_hurried ||
        is_prompt(drain))
        return true;
    if (drain->due_ms == 0) {
        age_ms = (now_ns(drain) - taken->batch.time_ns) / 1000000;
        if (age_ms < 0)
            age_ms = 0;
        drain->due_ms =
            now_ms + (uint64_t)(age_ms < linger_ms ? linger_ms - age_ms : 0);
    }
    return now_ms >= drain->due_ms ||
           lp_channel_is_pressed(drain->ring, taken->batch.first_seq);
}

void lpi_drain_end_rest(lp_drain *drain)
{
    drain->rest = LPI_REST_NONE;
    drain->retry_ns = 0;
    drain->tried_ns = now_ns(drain);
    drain->is_ready = true;
}

static void on_timer(uv_timer_t *timer);

static void linger(lp_drain *drain, uint64_t least_ms)
{
    uint64_t now_ms = uv_now(drain->set->loop);
    uint64_t left_ms = drain->due_ms > now_ms ? drain->due_ms - now_ms : 0;

    if (left_ms > LOOK_MS)
        left_ms = LOOK_MS;
    uv_timer_start(&drain->timer, on_timer,
                   left_ms > least_ms ? left_ms : least_ms, 0);
}

/* Who has a sieve does not read in between, as he would judge each line several
 * times. */
static bool lingers_on(const lp_drain *drain)
{
    return drain->sieve && drain->rest == LPI_REST_NONE &&
           drain->due_ms > uv_now(drain->set->loop) &&
           !lp_channel_is_pressed(drain->ring,
                                  lp_cursor_mark(drain->cursor).seq);
}

static void on_timer(uv_timer_t *timer)
{
    lp_drain *drain = timer->data;

    if (lingers_on(drain)) {
        linger(drain, 0);
        return;
    }
    if (drain->rest == LPI_REST_FAILED)
        lpi_drain_end_rest(drain);
    lpi_drain_pump(drain);
}

static void count_batch(lp_drain *drain)
{
    drain->batches++;
    drain->retries += drain->again_seq > 0;
    drain->again_seq = 0;
    drain->due_ms = 0;
    uv_timer_stop(&drain->timer);
}

/* The runs become the flight's, or are let go. */
static void launch(lp_drain *drain, lpi_flight *flight, lpi_taken *taken)
{
    bool is_copied = drain->protocol->copies;
    lp_run *parts = NULL; // which nobody wants behind send()

    load_notice(drain, flight);
    flight->sent_ms = uv_now(drain->set->loop);
    lpi_flights_push(drain, flight);
    count_batch(drain);
    if (is_copied && flight->picked) {
        parts = flight->picked->parts;
        flight->picked->parts = NULL;
    }
    if (!is_copied)
        lpi_set_watch_pace(drain->set);
    // send() may say all there is to say, and the flight be gone behind it.
    drain->is_ready = false;
    drain->is_swift = drain->protocol->send(drain->link, &flight->batch);
    if (drain->is_swift && drain->rest == LPI_REST_NONE)
        drain->is_ready = true;
    if (is_copied)
        lpi_let_go(taken->runs, taken->held_count);
    free(parts);
}

static void confirm(lp_drain *drain)
{
    lp_cursor_confirm(drain->cursor, lpi_flights_unconfirmed_seq(drain));
}

/* False: it waits for its turn. */
static bool may_try(lp_drain *drain)
{
    return drain->is_proven || lpi_set_take_turn(drain);
}

/* The first line that comes again; in front of it may be a loss, which does too. */
static lp_seq first_again(const lp_drain *drain)
{
    lp_seq seq = lp_cursor_mark(drain->cursor).seq;

    return seq > drain->again_first_seq ? seq : drain->again_first_seq;
}

/* Those who are content with less may never leave enough room for all of it. For so
 * long that all who have some have been at their end, it waits. */
static bool waits_in_vain(const lp_drain *drain)
{
    uint64_t timeout_ms = drain->set->opt.answer_timeout_ms;

    return drain->is_crowded && uv_now(drain->set->loop) - drain->crowded_ms >=
                                    VAIN_TIMES * timeout_ms;
}

/* What the ring has dropped some of can't come again as it was, and a new sieve may
 * pass all lines that were sent before: then nothing comes again. */
static void look_what_comes_again(lp_drain *drain)
{
    lp_channel_stats ring = LP_CHANNEL_STATS_INIT;
    lp_seq first_seq = first_again(drain);

    if (drain->again_seq == 0)
        return;
    lp_channel_stats_get(drain->ring, &ring);
    if (drain->again_seq <= first_seq || ring.oldest_seq > first_seq ||
        waits_in_vain(drain))
        drain->again_seq = 0;
}

/* What is sent again, whatever the sink has shown since. Who takes a stream sees no
 * batches: as long as it takes all at once, and none of it is kept, a larger one is
 * fewer calls for the same lines. */
static size_t bytes_max(const lp_drain *drain)
{
    if (drain->again_seq > 0)
        return drain->set->opt.batch_bytes;
    return drain->protocol->has_lanes && drain->is_swift
               ? SWIFT_TIMES * drain->batch_bytes
               : drain->batch_bytes;
}

/* What is sent again, is in the same batch. Drains that compress, or have lanes,
 * end theirs at the same lines, wherever they began, so that one has done it for
 * all. */
static uint64_t lines_max(const lp_drain *drain)
{
    lp_seq seq = lp_cursor_mark(drain->cursor).seq;

    if (drain->again_seq > 0)
        return drain->again_seq - first_again(drain);
    if (drain->protocol->has_lanes)
        return LANE_STEP_LINES - (seq - 1) % LANE_STEP_LINES;
    return drain->is_in_step ? STEP_LINES - (seq - 1) % STEP_LINES : 0;
}

/* What is sent again is what it was. */
static lpi_limits limits_of(const lp_drain *drain)
{
    lpi_limits limits = {.bytes_max = bytes_max(drain),
                         .lines_max = lines_max(drain),
                         .again_seq = drain->again_seq,
                         .is_copied = drain->protocol->copies};

    if (!limits.is_copied)
        lpi_keep_limit(drain, &limits);
    return limits;
}

/* Fails: as lp_cursor_next(); LP_E_NOMEM. */
static lp_err take(lp_drain *drain, lpi_taken *out)
{
    lpi_limits limits = limits_of(drain);

    if (drain->sieve)
        return lpi_sieve_take(drain->sieve, drain->cursor, &limits, out);
    return lpi_take(drain->cursor, &limits, out);
}

/* Is more memory to be waited for? What is sent again goes as a whole. */
static bool lacks_memory(const lp_drain *drain, const lpi_taken *taken)
{
    return taken->is_short &&
           (taken->batch.line_count == 0 || drain->again_seq > 0);
}

/* Lines that it does not want are behind it, or go with the last ones in flight.
 * What was lost among them can't go with these: false, they must have landed. */
static bool pass(lp_drain *drain, const lpi_passed *passed)
{
    lpi_flight *last = drain->last_flight;

    if (last && passed->loss.lines > 0)
        return false;
    if (last) {
        last->read_lines += passed->lines;
        last->read_limited += passed->limited;
        return true;
    }
    drain->left_out_lines += passed->lines;
    drain->limited_lines += passed->limited;
    lpi_add_loss(&drain->owed, &passed->loss);
    return true;
}

/* False: it waits, for more lines, for its turn, or for memory. */
static bool send_taken(lp_drain *drain, lpi_taken *taken)
{
    bool is_to_go = is_due(drain, taken) && may_try(drain);
    lpi_flight *flight = is_to_go ? lpi_flight_create(drain, taken) : NULL;

    drain->has_more = taken->is_full;
    if (flight) {
        launch(drain, flight, taken);
        return true;
    }
    lpi_untake(drain->cursor, drain->sieve, taken);
    if (!drain->is_queued)
        linger(drain, is_to_go ? LOOK_MS : 0);
    return false;
}

/* False: there is nothing to send now. */
static bool send_one(lp_drain *drain)
{
    lpi_taken taken;
    lp_err err;
    bool has_sent = false;

    look_what_comes_again(drain);
    err = take(drain, &taken);
    lpi_keep_set_crowded(drain, lacks_memory(drain, &taken));
    drain->is_at_end = err == LP_E_END || err == LP_E_CLOSED;
    if (!pass(drain, &taken.passed)) {
        lpi_untake_all(drain->cursor, drain->sieve, &taken);
        linger(drain, LOOK_MS);
    } else if (drain->is_crowded) {
        lpi_untake(drain->cursor, drain->sieve, &taken);
        linger(drain, LOOK_MS);
    } else if (taken.batch.line_count > 0) {
        has_sent = send_taken(drain, &taken);
        drain->scarce_batches += has_sent && taken.is_short;
    } else {
        lpi_untake(drain->cursor, drain->sieve, &taken);
        if (err == LP_OK) // others have their turn, then it reads on
            uv_timer_start(&drain->timer, on_timer, 1, 0);
        else if (err == LP_E_NOMEM)
            linger(drain, LOOK_MS);
    }
    if (taken.passed.lines > 0)
        confirm(drain);
    lpi_drain_rest_cursor(drain);
    return has_sent;
}

static bool may_send(const lp_drain *drain)
{
    return !drain->is_closed && !drain->is_queued && !drain->set->is_paused &&
           drain->is_ready && drain->rest == LPI_REST_NONE &&
           drain->flight_count < drain->protocol->window;
}

/* Who has much to send would have the memory again that it has just given back,
 * before those who look for it do. */
static bool yields(const lp_drain *drain)
{
    return drain->has_more && !drain->protocol->copies && !drain->is_pumping &&
           may_send(drain) && lpi_keep_is_wanted(drain);
}

/* There was nothing to send: the bell says when there is. */
static void await_lines(lp_drain *drain)
{
    if (!may_send(drain) || drain->is_armed || drain->is_at_end ||
        uv_is_active((uv_handle_t *)&drain->timer))
        return;
    if (lp_cursor_arm(drain->cursor) == LP_OK)
        drain->is_armed = true;
    else
        lpi_set_wake(drain); // some came meanwhile
}

static void come_to_next_round(lp_drain *drain)
{
    lpi_lanes_come(&drain->set->lanes, drain->ring,
                   lp_cursor_mark(drain->cursor).seq);
    drain->is_next = true;
    lpi_set_wake(drain);
}

/* Who has little to send is not held up by those who have much. */
static bool waits_for_those_behind(lp_drain *drain)
{
    lp_cursor_stats stats = LP_CURSOR_STATS_INIT;

    if (!drain->protocol->has_lanes || !may_send(drain))
        return false;
    lp_cursor_stats_get(drain->cursor, &stats);
    return lpi_lanes_is_ahead(&drain->set->lanes, drain->ring,
                              stats.next_seq) &&
           stats.pending_lines >= STEP_LINES;
}

/* Behind a batch: those of its lane have theirs before there is another one. */
static bool lets_others_go_first(lp_drain *drain)
{
    if (drain->has_more && drain->protocol->has_lanes && may_send(drain))
        come_to_next_round(drain);
    return drain->is_next;
}

void lpi_drain_pump(lp_drain *drain)
{
    if (drain->is_pumping)
        return;
    drain->is_pumping = true;
    while (may_send(drain) && send_one(drain) && !lets_others_go_first(drain)) {
    }
    drain->is_pumping = false;
    if (!drain->flights)
        lpi_set_end_turn(drain); // it was given one, and had no use for it
    if (!drain->is_next)
        await_lines(drain);
}

void lpi_drain_hurry(lp_drain *drain)
{
    if (drain->rest == LPI_REST_FAILED)
        uv_timer_start(&drain->timer, on_timer, 0, 0);
    lpi_drain_pump(drain);
}

bool lpi_drain_was_there(const lp_drain *drain)
{
    return drain->success_ns > 0 && now_ns(drain) - drain->success_ns < GONE_NS;
}

bool lpi_drain_may_deliver(const lp_drain *drain)
{
    if (drain->rest == LPI_REST_PARKED)
        return false;
    return lpi_drain_was_there(drain) ||
           (drain->rest == LPI_REST_NONE && !drain->is_queued);
}

void lpi_drain_woken(lp_drain *drain)
{
    drain->is_armed = false;
    drain->is_next = false;
    if (waits_for_those_behind(drain))
        come_to_next_round(drain);
    else
        lpi_drain_pump(drain);
}

/* What became of it ------------------------------------------------------- */

/* Its kernel takes a buffer full even if the sink hangs, at each try. */
static bool is_well(const lp_drain *drain)
{
    int64_t since_ns = now_ns(drain) - drain->tried_ns;

    return drain->protocol->answers ||
           (!drain->is_doubted &&
            since_ns / 1000000 >= drain->set->opt.answer_timeout_ms);
}

/* The sink has taken something. */
static void prove(lp_drain *drain)
{
    drain->is_proven = true;
    if (is_well(drain))
        drain->failed_in_a_row = 0;
    lpi_set_end_turn(drain);
}

uint32_t lp_drain_answer_ms(const lp_drain *drain)
{
    const lp_drains_options *opt = &drain->set->opt;
    uint64_t ms = opt->answer_timeout_ms;

    for (uint32_t n = 0; n < drain->late_in_a_row && ms < opt->backoff_max_ms;
         n++)
        ms = 2 * ms < opt->backoff_max_ms ? 2 * ms : opt->backoff_max_ms;
    return (uint32_t)ms;
}

/* What was too much for a sink may be welcome by now; small batches for ever
 * would make it slow for ever. One that has taken about as much as the limit is
 * asked for twice as much, and what it once said no to is no limit when it takes
 * as much. */
static void raise_limit(lp_drain *drain, size_t taken_bytes)
{
    uint64_t now_ms = uv_now(drain->set->loop);
    size_t most_bytes = drain->set->opt.batch_bytes;

    if (taken_bytes >= drain->too_much_bytes) {
        drain->too_much_bytes = 0;
        drain->batch_max_bytes = most_bytes;
    } else if (taken_bytes >= drain->batch_max_bytes / 2 &&
               now_ms - drain->limited_ms >= drain->limit_wait_ms) {
        drain->batch_max_bytes *= 2;
        if (drain->batch_max_bytes > most_bytes)
            drain->batch_max_bytes = most_bytes;
    }
}

/* The more often a sink says no to as much, the less often it is asked. To say
 * no to half of that, or to anything after it took as much, is a new limit. */
static void lower_limit(lp_drain *drain, size_t refused_bytes)
{
    bool is_known =
        drain->too_much_bytes > 0 && refused_bytes > drain->too_much_bytes / 2;

    drain->limit_wait_ms = is_known ? 2 * drain->limit_wait_ms : ASK_MIN_MS;
    if (drain->limit_wait_ms > ASK_MAX_MS)
        drain->limit_wait_ms = ASK_MAX_MS;
    drain->limited_ms = uv_now(drain->set->loop);
    drain->too_much_bytes = refused_bytes;
    drain->batch_max_bytes = refused_bytes / 2;
    drain->batch_bytes = drain->batch_max_bytes;
}

/* Batches become as large again as they may be. */
static void grow(lp_drain *drain, size_t taken_bytes)
{
    raise_limit(drain, taken_bytes);
    drain->batch_bytes += drain->batch_bytes / 4 + 1;
    if (drain->batch_bytes > drain->batch_max_bytes)
        drain->batch_bytes = drain->batch_max_bytes;
}

void lp_drain_delivered(lp_drain *drain, uint64_t lines)
{
    size_t taken_bytes = 0;

    assert(drain->flights || lines == 0);
    lpi_keep_note_pace(drain, false);
    drain->delivered_lines += lines;
    drain->success_ns = now_ns(drain);
    while (lines > 0) {
        lpi_flight *flight = drain->flights;
        uint64_t left = lpi_flight_left_lines(flight);
        uint64_t some = lines < left ? lines : left;

        if (flight->batch.bytes > taken_bytes)
            taken_bytes = flight->batch.bytes;
        lpi_flights_land(drain, some);
        lines -= some;
        if (some == left)
            lpi_flights_pop(drain);
    }
    // What took more than its time is still too much.
    grow(drain, drain->late_in_a_row > 0 ? 0 : taken_bytes);
    drain->late_in_a_row = 0;
    confirm(drain);
    prove(drain);
    if (yields(drain)) {
        drain->yielded_ms = uv_now(drain->set->loop);
        linger(drain, YIELD_MS);
    } else {
        lpi_drain_pump(drain);
    }
}

static void note_error(lp_drain *drain, const char *why)
{
    drain->failures++;
    drain->error_ns = now_ns(drain);
    drain->tls_alert[0] = '\0';
    snprintf(drain->error, sizeof(drain->error), "%s", why);
}

static void drop_refused(lp_drain *drain)
{
    lpi_flight *flight = drain->flights;
    lp_drain_loss lines = {lpi_flight_left_lines(flight),
                           flight->batch.time_ns};

    drain->refused_lines += lines.lines;
    if (flight->done_lines == 0) {
        lpi_add_loss(&drain->owed, &flight->owed);
        lpi_add_loss(&drain->owed, &flight->overflow);
    }
    lpi_add_loss(&drain->owed, &lines);
    lpi_flights_land(drain, lines.lines);
    lpi_flights_pop(drain);
    confirm(drain);
}

void lp_drain_refuse(lp_drain *drain, const char *why)
{
    assert(drain->flights);
    if (drain->policy == LP_DRAIN_RETRY) {
        lp_drain_failed(drain, why, 0);
        return;
    }
    note_error(drain, why);
    lpi_keep_note_pace(drain, false);
    prove(drain);
    if (drain->policy == LP_DRAIN_PARK) {
        lpi_flights_take_back(drain);
        drain->rest = LPI_REST_PARKED;
    } else {
        drop_refused(drain);
    }
    lpi_drain_pump(drain);
}

void lp_drain_refuse_size(lp_drain *drain, const char *why)
{
    const lpi_flight *flight = drain->flights;

    assert(flight);
    if (lpi_flight_left_lines(flight) == 1) {
        lp_drain_refuse(drain, why);
        return;
    }
    note_error(drain, why);
    lpi_keep_note_pace(drain, false);
    prove(drain);
    lower_limit(drain, flight->batch.bytes);
    lpi_flights_take_back(drain);
    drain->again_seq = 0; // other frames, with names of their own
    lpi_drain_pump(drain);
}

void lp_drain_failed(lp_drain *drain, const char *why, uint64_t after_ms)
{
    const lp_drains_options *opt = &drain->set->opt;
    uint64_t wait_ms;

    note_error(drain, why);
    lpi_keep_note_pace(drain, true);
    lpi_flights_take_back(drain);
    if (drain->rest == LPI_REST_PARKED)
        return;
    drain->failed_in_a_row++;
    drain->is_ready = false;
    drain->is_proven = false;
    drain->due_ms = 0;
    drain->rest = LPI_REST_FAILED;
    wait_ms = lpi_backoff_ms(drain->failed_in_a_row, opt->backoff_min_ms,
                             drain->set->is_hurried ? opt->backoff_min_ms
                                                    : opt->backoff_max_ms,
                             lpi_random(&drain->set->random));
    if (wait_ms < after_ms)
        wait_ms = after_ms < AFTER_MAX_MS ? after_ms : AFTER_MAX_MS;
    drain->retry_ns = drain->error_ns + (int64_t)wait_ms * 1000000;
    uv_timer_start(&drain->timer, on_timer, wait_ms, 0);
    lpi_set_end_turn(drain);
}

void lp_drain_failed_slowly(lp_drain *drain, const char *why)
{
    const lpi_flight *flight = drain->flights;

    assert(flight);
    drain->batch_bytes = flight->batch.bytes / 2;
    if (drain->batch_bytes == 0)
        drain->batch_bytes = 1; // a line is sent whatever its size
    lp_drain_failed(drain, why, 0);
    drain->again_seq = 0; // other frames, with names of their own
}

void lp_drain_failed_late(lp_drain *drain, const char *why)
{
    size_t bytes = drain->flights->batch.bytes;

    if (bytes >= drain->set->opt.batch_bytes / SMALL_PART)
        lower_limit(drain, bytes); // a small one was not late for its size
    drain->late_in_a_row++;
    lp_drain_failed(drain, why, 0);
}

void lp_drain_failed_tls(lp_drain *drain, const char *alert, const char *why,
                         uint64_t after_ms)
{
    lp_drain_failed(drain, why, after_ms);
    drain->tls_failures++;
    snprintf(drain->tls_alert, sizeof(drain->tls_alert), "%s", alert);
}

void lp_drain_reached(lp_drain *drain)
{
    if (lpi_keep_has_room(drain))
        lpi_set_end_turn(drain);
}

void lp_drain_ready(lp_drain *drain)
{
    if (drain->rest == LPI_REST_FAILED)
        return;
    drain->is_ready = true;
    if (drain->protocol->has_lanes)
        lpi_set_wake(drain); // then it has its turn
    else
        lpi_drain_pump(drain);
}
