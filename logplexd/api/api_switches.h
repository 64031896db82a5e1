/*
 * api_switches.h - the switches as they are shown.
 */
#ifndef LOGPLEXD_API_SWITCHES_H
#define LOGPLEXD_API_SWITCHES_H

#include <jansson.h>

#include "catalog/switches.h"

/* {"api":"normal","ingest":true, ...}: all of them, or NULL: no memory. */
json_t *api_switches_json(const switches *s);

#endif /* LOGPLEXD_API_SWITCHES_H */
