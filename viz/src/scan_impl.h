/* scan_impl.h - what the parts of a scan know of each other. */
#ifndef LP_SCAN_IMPL_H
#define LP_SCAN_IMPL_H

#include "logplex/pick.h"
#include "logplex/route.h"
#include "logplex/scan.h"

enum {
    LPI_SCAN_TEXTS = 4,    /* spans of lp_scan_where */
    LPI_SCAN_RUNS_MAX = 64 /* held at a time */
};

typedef struct lpi_scan_groups lpi_scan_groups;

/* Slots of pairs: keys to group by, and then the measure. */
enum { LPI_SCAN_MEASURE = LP_SCAN_BY_MAX, LPI_SCAN_SLOTS };

/* A line, and what of it is known already. */
typedef struct lpi_scan_line {
    const lp_record *record;
    lp_span process;
    lp_span msg;
    bool is_router;
    bool has_measures;
    bool has_pairs;
    uint32_t found; /* the slots of these that are set */
    lp_pair pairs[LPI_SCAN_SLOTS];
} lpi_scan_line;

struct lp_scan {
    lp_allocator allocator;
    size_t bytes; /* of this block */
    lp_scan_where where;
    char texts[LPI_SCAN_TEXTS][LP_SCAN_TEXT_MAX_BYTES];
    char status_digits[12];
    uint32_t status_bytes;
    uint64_t limit_lines_before; /* of the filter */

    lp_scan_line_fn fn; /* one of these two */
    void *ctx;
    lpi_scan_groups *groups;
    const lp_picker *picker; /* of groups; NULL: it wants no pairs */

    bool (*is_enough)(void *ctx); /* for a step; or NULL */
    void *enough_ctx;

    bool has_begun;
    bool is_paused; /* the step was ended in the middle */
    bool is_done;
    uint64_t scanned_lines;
    uint64_t matched_lines;
    lp_seq from_seq;
    lp_seq end_seq;
    int64_t oldest_ns; /* arrival of line from_seq */
    lp_seq least_seq;  /* the first line that was asked for, or may have been */
    lp_seq oldest_seq; /* that is still there */
    uint32_t block_lines;
    lp_run runs[LPI_SCAN_RUNS_MAX];

    lp_measures measures; /* of the line that is looked at */
    char route[LP_ROUTE_MAX_BYTES];
};

/* A block of zeros, with the allocator at its front. */
void *lpi_scan_alloc(const lp_allocator *allocator, size_t *bytes);

/* Fills a scan of zeros. Returns what is wrong, or NULL. */
const char *lpi_scan_init(lp_scan *scan, const lp_scan_where *where);

/* What lp_measures_read() says. It is asked once for each line. */
const lp_measures *lpi_scan_measures(lp_scan *scan, lpi_scan_line *line);

/* Of a request by the router: its route, empty for all others; connect + service, of
 * what there is. False: there is neither. */
lp_span lpi_scan_route(lp_scan *scan, lpi_scan_line *line);
bool lpi_scan_response(lp_scan *scan, lpi_scan_line *line, double *out_ms);

/* A line that matches. */
void lpi_scan_groups_take(lp_scan *scan, lpi_scan_line *line);

void lpi_scan_groups_destroy(lp_scan *scan);
uint64_t lpi_scan_groups_bytes(const lpi_scan_groups *groups);

#endif /* LP_SCAN_IMPL_H */
