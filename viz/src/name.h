/*
 * name.h - what things are called where they are shown: in UTF-8, without control
 * characters, and cut between characters. As names are kept so, those that differ
 * are never shown as the same.
 */
#ifndef LP_VIZ_NAME_H
#define LP_VIZ_NAME_H

#include <stdbool.h>

#include "logplex/span.h"

bool lpi_name_is_clean(lp_span name);

/* A clean name of at most max_bytes, written to out: each byte that can't be in one
 * is U+FFFD. */
lp_span lpi_name_clean(lp_span name, char *out, size_t max_bytes);

#endif /* LP_VIZ_NAME_H */
