/* flight.c - batches between send() and what became of them. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sieve.h"

void lpi_add_loss(lp_drain_loss *to, const lp_drain_loss *more)
{
    if (more->lines == 0)
        return;
    if (to->lines == 0 || more->since_ns < to->since_ns)
        to->since_ns = more->since_ns;
    to->lines += more->lines;
}

uint64_t lpi_flight_left_lines(const lpi_flight *flight)
{
    return flight->batch.line_count - flight->done_lines;
}

/* One ------------------------------------------------------------------- */

lpi_flight *lpi_flight_create(const lp_drain *drain, lpi_taken *taken)
{
    uint32_t held = drain->protocol->copies ? 0 : taken->held_count;
    lpi_flight *flight = calloc(1, sizeof(*flight) + held * sizeof(lp_run));

    if (!flight)
        return NULL;
    flight->place = taken->place;
    flight->overflow = taken->overflow;
    flight->read_lines = taken->read_lines;
    flight->read_limited = taken->read_limited;
    flight->batch = taken->batch;
    flight->picked = taken->picked;
    flight->held_count = held;
    for (uint32_t i = 0; i < held; i++)
        flight->runs[i] = taken->runs[i];
    if (held > 0 && !flight->picked)
        flight->batch.runs = flight->runs;
    return flight;
}

void lpi_flight_let_go(lpi_flight *flight)
{
    lpi_let_go(flight->runs, flight->held_count);
    flight->held_count = 0;
    flight->batch.runs = NULL;
    flight->batch.run_count = 0;
}

static void free_flight(lpi_flight *flight)
{
    lpi_flight_let_go(flight);
    lpi_free_picked(flight->picked);
    free(flight);
}

/* Where the line is that comes behind the first so many of the batch. */
static lpi_pick pick_behind(const lpi_flight *flight, uint64_t lines)
{
    lpi_pick pick = {(uint32_t)lines, 0, 0};

    if (lines < flight->batch.line_count && flight->picked)
        return flight->picked->picks[lines];
    if (lines == flight->batch.line_count) {
        pick.before = (uint32_t)flight->read_lines;
        pick.limited = (uint32_t)flight->read_limited;
    }
    return pick;
}

/* All ------------------------------------------------------------------- */

void lpi_flights_push(lp_drain *drain, lpi_flight *flight)
{
    if (drain->last_flight)
        drain->last_flight->next = flight;
    else
        drain->flights = flight;
    drain->last_flight = flight;
    drain->flight_count++;
}

void lpi_flights_pop(lp_drain *drain)
{
    lpi_flight *flight = drain->flights;

    drain->flights = flight->next;
    if (!drain->flights)
        drain->last_flight = NULL;
    drain->flight_count--;
    free_flight(flight);
}

void lpi_flights_land(lp_drain *drain, uint64_t lines)
{
    lpi_flight *flight = drain->flights;
    lpi_pick from = pick_behind(flight, flight->done_lines);
    lpi_pick to = pick_behind(flight, flight->done_lines + lines);

    assert(lines <= lpi_flight_left_lines(flight));
    flight->done_lines += lines;
    drain->left_out_lines += to.before - from.before - lines;
    drain->limited_lines += to.limited - from.limited;
}

lp_seq lpi_flights_unconfirmed_seq(const lp_drain *drain)
{
    const lpi_flight *flight = drain->flights;

    if (!flight)
        return lp_cursor_mark(drain->cursor).seq;
    return flight->batch.first_seq +
           pick_behind(flight, flight->done_lines).before;
}

/* Where to read on when the oldest flight did not get any further. */
static lp_cursor_place place_of(const lpi_flight *flight)
{
    lp_cursor_place place = flight->place;

    if (flight->done_lines > 0)
        lp_cursor_place_after(&place, flight->batch.first_seq,
                              pick_behind(flight, flight->done_lines).before);
    return place;
}

void lpi_flights_take_back(lp_drain *drain)
{
    const lpi_flight *flight = drain->flights;
    lp_cursor_place place;

    if (!flight)
        return;
    place = place_of(flight);
    drain->again_first_seq = lpi_flights_unconfirmed_seq(drain);
    drain->again_seq = flight->batch.last_seq + 1;
    if (flight->picked)
        lpi_sieve_set_due_ns(drain->sieve,
                             pick_behind(flight, flight->done_lines).due_ns);
    while (drain->flights) {
        if (drain->flights->done_lines == 0)
            lpi_add_loss(&drain->owed, &drain->flights->owed);
        lpi_flights_pop(drain);
    }
    lp_cursor_rewind(drain->cursor, &place);
}
