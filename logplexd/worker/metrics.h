/*
 * metrics.h - the ledger and the process as Prometheus reads them
 * (text format 0.0.4).
 */
#ifndef LOGPLEXD_METRICS_H
#define LOGPLEXD_METRICS_H

#include <stdio.h>

#include "worker/ledger.h"

void metrics_print(FILE *to, worker *w, const ledger *led);

#endif /* LOGPLEXD_METRICS_H */
