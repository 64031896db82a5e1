/*
 * pace.h - readers that are to see every line, and ingest that waits for them.
 *
 * Such a reader lives on its channel's *home*, a worker that follows from the
 * ring's address. Workers count the lines that they append for each home, and
 * homes the lines that their readers have read, or lost. What is between the two
 * is how far a home is *behind*, and anybody can see it without asking it:
 *
 *               home 0  home 1                behind(0) = 70 + 12 - read(0)
 *     worker 0    70       9    read(0)
 *     worker 1    12      40    read(1)
 *
 * A home that is so far behind as it wants to be woken at is woken. That is at most
 * wake_most_bytes. When it is HOLD times that behind all the same, ingest *holds*: it
 * reads nothing more, from nobody, until the home has caught up half of it. Datagrams
 * alone are always read, as the kernel would drop them.
 *
 * Threads: any, but for what is said to be a worker's or a home's own.
 */
#ifndef LOGPLEXD_PACE_H
#define LOGPLEXD_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "logplex/logplex.h"

enum {
    PACE_HOLD = 2,
    PACE_LOOK_MS = 2 /* whoever holds looks again */
};

typedef struct pace pace;

/* wake: has this home read, soon. It is called from any worker. NULL: there is
 * no memory. */
pace *pace_create(unsigned workers, uint64_t wake_most_bytes,
                  void (*wake)(void *ctx, unsigned home), void *ctx);
void pace_destroy(pace *p);

/* How many there are: one for each worker. */
unsigned pace_homes(const pace *p);

/* The home of a channel, of so many; for who asks on every line. */
static inline unsigned pace_home_of(unsigned homes, const lp_channel *ring)
{
    // Rings are aligned; the multiplier is 2^64 / golden ratio.
    uint64_t hash = ((uintptr_t)ring >> 6) * 0x9E3779B97F4A7C15u;

    return (unsigned)((hash >> 32) * homes >> 32);
}

unsigned pace_home(const pace *p, const lp_channel *ring);

/* Worker w has appended so many lines for a home. Threads: w's. */
void pace_add(pace *p, unsigned w, unsigned home, uint64_t lines);

/* A home's readers have read, or lost, so many; ingest holds for it no longer, if
 * that is half. Threads: the home's. */
void pace_read(pace *p, unsigned home, uint64_t lines);

/* The home wants to be woken when it is so far behind; before, and at most, it is
 * wake_most_bytes. Threads: the home's. */
void pace_set_wake(pace *p, unsigned home, uint64_t wake_bytes);

/* In lines. */
uint64_t pace_behind(const pace *p, unsigned home);

/* Is a home so far behind that it is to read now? Lines are line_bytes long on
 * average. */
bool pace_is_late(const pace *p, unsigned home, uint64_t line_bytes);

/* Looks how far behind a home is to whom worker w has appended lines; wakes it if
 * it is late and another's, and has ingest hold if it is too far. True: it does,
 * from now on. */
bool pace_look(pace *p, unsigned w, unsigned home, uint64_t line_bytes);

/* Does ingest hold? */
bool pace_is_held(const pace *p);

/* The same, after a look at who it holds for: it may have begun to when the home had
 * read all. */
bool pace_is_held_still(pace *p);

/* Nobody is waited for any more: the daemon is going down. */
void pace_let_go(pace *p);

#endif /* LOGPLEXD_PACE_H */
