/* route_impl.h - what counts lines folds their paths by. */
#ifndef LP_ROUTE_IMPL_H
#define LP_ROUTE_IMPL_H

#include "logplex/route.h"

/* lp_route_fold() of a path behind at bytes that are there, into a room of
 * LP_ROUTE_ROOM_BYTES. out_max: LP_ROUTE_MAX_BYTES at most. */
size_t lpi_route_fold_path(lp_span path, char *out, size_t at, size_t out_max);

#endif /* LP_ROUTE_IMPL_H */
