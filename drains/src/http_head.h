/* http_head.h - what the head of a request says of its batch (spec 5.3). */
#ifndef LP_HTTP_HEAD_H
#define LP_HTTP_HEAD_H

#include "http_target.h"

enum { LPI_HEAD_LINES_MAX = 7 };

/* The lines from Content-Type to User-Agent, in the original's order and
 * spelling, without their ends. In front of them are Host and Authorization,
 * behind them Content-Length. */
typedef struct lpi_http_head {
    unsigned count;
    char *lines[LPI_HEAD_LINES_MAX]; /* here, of the target, or constant */
    char encoding[48];
    char msg_count[48];
    char frame[64];
    char loss[48];
} lpi_http_head;

/* The target must outlive it. */
void lpi_http_head_set(lpi_http_head *head, const lpi_http_target *target,
                       const lp_drain_batch *batch);

#endif /* LP_HTTP_HEAD_H */
