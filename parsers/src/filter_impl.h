/*
 * filter_impl.h - the terms of a filter, between who reads them and who asks
 * them.
 */
#ifndef LP_FILTER_IMPL_H
#define LP_FILTER_IMPL_H

#include "filter_regex.h"
#include "logplex/filter.h"
#include "number.h"

/* In the order in which they are asked: what costs least first. */
typedef enum lpi_stage {
    LPI_STAGE_HEADER = 0,  /* source and process       */
    LPI_STAGE_PAIR = 1,    /* a measure, by no pattern */
    LPI_STAGE_PATTERN = 2, /* a measure, by a pattern  */
    LPI_STAGE_MSG = 3,
    LPI_STAGE_COUNT = 4
} lpi_stage;

typedef enum lpi_filter_field {
    LPI_FIELD_MEASURE = 0,
    LPI_FIELD_SOURCE = 1,
    LPI_FIELD_PROCESS = 2,
    LPI_FIELD_SEVERITY = 3,
    LPI_FIELD_MSG = 4
} lpi_filter_field;

typedef enum lpi_filter_op {
    LPI_OP_PRESENT = 0,
    LPI_OP_ABSENT = 1,
    LPI_OP_EQUAL = 2,
    LPI_OP_NOT_EQUAL = 3,
    LPI_OP_LESS = 4,
    LPI_OP_LESS_EQUAL = 5,
    LPI_OP_MORE = 6,
    LPI_OP_MORE_EQUAL = 7,
    LPI_OP_LIKE = 8,
    LPI_OP_UNLIKE = 9
} lpi_filter_op;

/* A piece of the filter's own text, in which quotes are resolved. */
typedef struct lpi_piece {
    uint16_t offset;
    uint16_t len_bytes;
} lpi_piece;

/* Severities are no terms any more: all of them together are one mask. */
typedef struct lpi_term {
    uint8_t field;       /* lpi_filter_field */
    uint8_t op;          /* lpi_filter_op    */
    uint8_t stage;       /* lpi_stage        */
    uint8_t pattern;     /* its number       */
    uint8_t value_first; /* of = and !=      */
    uint8_t value_count;
    lpi_piece key;
    lpi_number number; /* of the ordering operators */
} lpi_term;

/* A filter as it is read, with room for the largest. */
typedef struct lpi_draft {
    lpi_regexes *regexes; /* NULL until there is a pattern */
    uint8_t severities;   /* bit n: severity n will do     */
    uint32_t term_count;  /* those of severity included    */
    uint32_t kept_count;  /* without them                  */
    uint32_t value_count;
    uint32_t text_bytes;
    lpi_term terms[LP_FILTER_TERMS_MAX];
    lpi_piece values[LP_FILTER_ALTERNATIVES_MAX];
    char text[LP_FILTER_TEXT_MAX_BYTES];
} lpi_draft;

/* Does an order (-1, 0, 1) of what is there to what the term has satisfy it? */
static inline bool lpi_op_holds(uint8_t op, int order)
{
    switch (op) {
    case LPI_OP_EQUAL:
        return order == 0;
    case LPI_OP_NOT_EQUAL:
        return order != 0;
    case LPI_OP_LESS:
        return order < 0;
    case LPI_OP_LESS_EQUAL:
        return order <= 0;
    case LPI_OP_MORE:
        return order > 0;
    default:
        return order >= 0;
    }
}

/*
 * Reads text into a draft of zeros. draft->regexes is the caller's to destroy,
 * whether the call fails or not. error may be NULL.
 * Fails: as lp_filter_create().
 */
lp_err lpi_filter_read(lp_span text, lpi_draft *draft, lp_filter_error *error);

#endif /* LP_FILTER_IMPL_H */
