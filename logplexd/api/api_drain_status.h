/*
 * api_drain_status.h - how drains fare, for who asks.
 */
#ifndef LOGPLEXD_API_DRAIN_STATUS_H
#define LOGPLEXD_API_DRAIN_STATUS_H

#include <jansson.h>

#include "api/api_write.h"
#include "drain/runner.h"

/* ,"status":{...} of a drain that has a URL; its state is "starts" as long as it
 * does not run. */
void api_print_drain_status(FILE *to, const daemon_shared *shared,
                            uint64_t drain_id);

/* How long its oldest pending line has been there; 0: it has none. */
double api_drain_lag_s(const lp_drain_status *status);

/* All drains together, for /ledger and for /metrics. */
json_t *api_drains_json(const runner_totals *totals);
void api_print_drain_metrics(FILE *to, const runner_totals *totals);

/* A write has failed because its drain has the URL already. If it is parked, it
 * is let go on, and the write has succeeded. */
void api_release_drain(api_write *write);

#endif /* LOGPLEXD_API_DRAIN_STATUS_H */
