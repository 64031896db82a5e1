/*
 * metrics.h - the ledger and the process as Prometheus reads them
 * (text format 0.0.4).
 */
#ifndef LOGPLEXD_METRICS_H
#define LOGPLEXD_METRICS_H

#include <stdio.h>

#include "worker/ledger.h"

void metrics_print(FILE *to, worker *w, const ledger *led);

/* For more of them: the two comments of a metric, and one that has no labels.
 * name is without "logplex_". */
void metrics_print_head(FILE *to, const char *name, const char *type,
                        const char *help);
void metrics_print_one(FILE *to, const char *name, const char *type,
                       const char *help, uint64_t value);

/* The value of a label, without its quotes. text is UTF-8. */
void metrics_print_escaped(FILE *to, const char *text);

#endif /* LOGPLEXD_METRICS_H */
