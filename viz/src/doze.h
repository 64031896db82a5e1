/*
 * doze.h - a channel that fell silent: what it had live, in few bytes.
 *
 *      live  | table | memo | exemplars | minute |     10 to 40 KiB
 *                |                |
 *      doze  | series, packed | exemplars, packed |    some hundred bytes
 *
 * When its last second has left the two minutes, nothing is counted in the table any
 * more: of a series there is its name to be known, and what it said last. The next
 * line wakes it. Who reads has it awake for the length of a call, in memory of that
 * call, so reading costs a silent channel nothing that stays.
 *
 * Exemplars go with the last frame of ten seconds, an hour later, and all of it with
 * the last one of a minute.
 */
#ifndef LP_DOZE_H
#define LP_DOZE_H

#include "logplex/aggregate.h"

typedef struct lpi_doze {
    int64_t base_s; /* its times are told as so long before that */
    char *exemplars;
    uint32_t exemplar_bytes;
    uint32_t series;
    uint32_t packed_bytes; /* they are behind it */
} lpi_doze;

/* Has it doze if it is silent, and gives back what is not within any window. To be
 * called when no line is being counted. */
void lpi_doze_try(lp_aggregate *aggregate);

/* It is live, as far as it ever was. False: there is no memory, and it dozes on;
 * frames may have faded for it in vain. */
bool lpi_doze_wake(lp_aggregate *aggregate);

void lpi_doze_free(lp_aggregate *aggregate);

/* For a call that reads: is it live? False: there is no memory to have it so. What
 * has begun is to be ended. */
typedef struct lpi_look {
    lp_aggregate *aggregate;
    bool is_of_call; /* it dozes, and is awake for this call alone */
} lpi_look;

bool lpi_look_begin(lpi_look *look, lp_aggregate *aggregate);
void lpi_look_end(const lpi_look *look);

#endif /* LP_DOZE_H */
