/*
 * sieve.h - the lines that a drain wants, of those that there are: those that a
 * filter lets through (filter.h), and no more than so many a second.
 *
 *     read      1 2 3 4 5 6 7 8 9
 *     wanted        x x   x
 *               passed  batch   behind it
 *
 * What stands in front of the first wanted line is passed for good. What stands
 * between or behind the lines of a batch goes with the batch: it is counted when
 * the lines before it are.
 *
 * A second is one of the lines' arrival times, so that lines which are read again
 * are chosen again, be it by another run of the program.
 *
 * Threads: those of the set, one that is.
 */
#ifndef LP_SIEVE_H
#define LP_SIEVE_H

#include "drain_impl.h"
#include "logplex/filter.h"

enum { LPI_SIEVE_TEXT_MAX_BYTES = LP_FILTER_TEXT_MAX_BYTES + 16 };

/* filter: its text, empty: none. rate_lines: a second, 0: any. *out is NULL when
 * all lines are wanted. Fails: as lp_filter_create(), LP_E_NOMEM. */
lp_err lpi_sieve_create(lp_span filter, uint32_t rate_lines, lpi_sieve **out);

/* NULL is allowed. */
void lpi_sieve_destroy(lpi_sieve *sieve);

/*
 * As lpi_take(), but lines_max is of those that are read. LP_OK with no line in
 * the batch: it is short, or there is more than is to be read at one go. Whatever it returns,
 * out->passed is to be seen to, or all of it put back. Lines before
 * again_seq take as long as they take, as their batch has to be what it was.
 */
lp_err lpi_sieve_take(lpi_sieve *sieve, lp_cursor *cursor,
                      const lpi_limits *limits, lpi_taken *out);

/* When the rate lets the next line through, of which a place in the lines needs
 * to know to go on from there; see lpi_pick. */
void lpi_sieve_set_due_ns(lpi_sieve *sieve, int64_t due_ns);

/* What tells it from others, for the names of frames. */
lp_span lpi_sieve_text(const lpi_sieve *sieve);

/* Lines on which a pattern of the filter gave up. */
uint64_t lpi_sieve_limit_lines(const lpi_sieve *sieve);

#endif /* LP_SIEVE_H */
