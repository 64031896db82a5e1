/* measure_pairs.h - measures by convention, for those who walk pairs anyway. */
#ifndef LP_MEASURE_PAIRS_H
#define LP_MEASURE_PAIRS_H

#include "measure_impl.h"
#include "pairs.h"

/* measure=NAME val=NUMBER units=UNIT, until it is complete. The last one may not
 * be there; whether it is is known with the pair behind val=. */
typedef struct lpi_triple {
    lp_measure_op op;
    lp_span name;
    lp_span value;
    bool is_waiting; /* the last pair may have been half of units= */
} lpi_triple;

/* One pair of any line. */
void lpi_read_convention(const lpi_pairs *pairs, const lp_pair *pair,
                         lpi_triple *open, lp_measures *out);

/* What is open ends, with unit: as something else stands behind it, or the line
 * does. */
void lpi_triple_end(lpi_triple *open, lp_span unit, lp_measures *out);
void lpi_end_conventions(lpi_triple *open, bool is_cut, lp_measures *out);

#endif /* LP_MEASURE_PAIRS_H */
