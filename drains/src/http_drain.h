/*
 * http_drain.h - drains over HTTP and HTTPS: a POST for each batch.
 *
 * Spec 5.3 for the request. HTTP in the open is http_direct.h's, unless the
 * environment names a proxy. All else is libcurl's, which keeps the connections; one
 * of them may serve several drains to the same place, as what tells these apart is
 * in each request.
 */
#ifndef LP_HTTP_DRAIN_H
#define LP_HTTP_DRAIN_H

#include "drain_impl.h"

/* Adds "http" and "https" to the set. Fails: LP_E_NOMEM. */
lp_err lpi_http_register(lp_drains *set, struct lpi_http **out);

/* Its drains must have been closed. NULL is allowed. */
void lpi_http_destroy(struct lpi_http *http);

#endif /* LP_HTTP_DRAIN_H */
