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
 * the rest.
 *
 * Threads: those of the set, one that is.
 */
#ifndef LP_SHEET_H
#define LP_SHEET_H

#include "drain_impl.h"

typedef struct lpi_sheets lpi_sheets;

typedef struct lpi_sheet_line {
    uint32_t begins_at; /* in the text of its sheet */
    uint32_t token_at;
} lpi_sheet_line;

typedef struct lpi_rendered {
    const char *text; /* of all of them */
    size_t bytes;
    const lpi_sheet_line *lines; /* and one more, which begins at their end */
} lpi_rendered;

static inline size_t lpi_rendered_line_bytes(const lpi_rendered *r, size_t i)
{
    return r->lines[i + 1].begins_at - r->lines[i].begins_at;
}

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
