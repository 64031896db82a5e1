/*
 * sheet.h - lines as a syslog stream has them, rendered once for all drains of a
 * set that send the same ones.
 *
 * Drains of a channel differ in their tokens, and these are of one length. So
 * what was rendered is kept for a while, a *sheet* for a batch, with the places
 * of the tokens; who sends the same lines next, or some of them, puts his own
 * there, and no more:
 *
 *     LEN <PRI>1 TIME d.aaaa APP PROCID - - MSG  LEN <PRI>1 TIME d.aaaa APP ...
 *     |               d.bbbb                     |               d.bbbb
 *     |               token_at                   begins_at
 *     begins_at
 *
 * A sheet that all drains of its channel have used is the next one to be written
 * over, so that one that is in the cache is used again and again; else it is the
 * one that was not used for the longest time. That is for drains whose sinks are
 * slow: they go on one by one, some batches apart.
 *
 * Nobody holds a sheet: a drain that can't send all of it at once keeps a copy of
 * the rest. Where its lines end may be held, as that is the same for all, and
 * wanted for longer.
 *
 * Threads: those of the set, one that is.
 */
#ifndef LP_SHEET_H
#define LP_SHEET_H

#include "drain_impl.h"

typedef struct lpi_sheets lpi_sheets;

/* Where lines end, for those as well who wait until they have arrived. */
typedef struct lpi_ends {
    size_t holders;
    size_t room;
    uint32_t begins_at[]; /* a line; and one more, where the last one ends */
} lpi_ends;

typedef struct lpi_rendered {
    const char *text; /* of all of them */
    size_t bytes;
    lpi_ends *ends; /* a sheet's, unless it is held */
    uint32_t first; /* the first of them in there */
} lpi_rendered;

/* Returns it. */
lpi_ends *lpi_ends_hold(lpi_ends *ends);

/* NULL is allowed. */
void lpi_ends_let_go(lpi_ends *ends);

/* The set's; NULL: there is no memory. */
lpi_sheets *lpi_sheets_of(lp_drains *set);

/* One drain more of a channel that renders its lines so, or one less. */
void lpi_sheets_enter(lpi_sheets *sheets, const lp_channel *channel);
void lpi_sheets_leave(lpi_sheets *sheets, const lp_channel *channel);

/*
 * The lines of a batch of the drain, without its notice. Octet-counted, or else
 * ended by an LF, with none within (RFC 6587 3.4.2).
 * Owns: *out is a sheet's, and valid until the next call. Fails: false, there
 * is no memory.
 */
bool lpi_sheets_render(lpi_sheets *sheets, const lp_drain *drain,
                       const lp_drain_batch *batch, bool is_counted,
                       lpi_rendered *out);

/* NULL is allowed. */
void lpi_sheets_free(lpi_sheets *sheets);

#endif /* LP_SHEET_H */
