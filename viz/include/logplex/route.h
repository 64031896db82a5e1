/*
 * route.h - the route of a request: what its method and its path have in common
 * with those of other requests that do the same.
 *
 *     GET /users/4711/posts?page=2      GET /users/:id/posts
 *     GET /assets/app-8f4c1a2b.js       GET /assets/:id.js
 *     GET /api/v2/search;v=1#top        GET /api/v2/search
 *
 * docs/measures.md has the rules, with examples. They go by nothing but the bytes
 * of one segment, so a route is the same whoever folds it, and whenever.
 */
#ifndef LOGPLEX_ROUTE_H
#define LOGPLEX_ROUTE_H

#include "logplex/errors.h"
#include "logplex/span.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    LP_ROUTE_MAX_BYTES = 96,
    LP_ROUTE_METHOD_MAX_BYTES = 16,  /* a longer one is "?" */
    LP_ROUTE_SEGMENT_MAX_BYTES = 48, /* a longer one is ":id" */
    /* Where there is so much room, it is written there at once. */
    LP_ROUTE_ROOM_BYTES = LP_ROUTE_MAX_BYTES + LP_ROUTE_SEGMENT_MAX_BYTES + 24
};

/*
 * Writes "METHOD PATH" to out, or only the path when there is no method, and
 * returns its length: at most out_max and LP_ROUTE_MAX_BYTES; what is behind it is
 * not as it was. What would be
 * longer ends with "/..." behind the last segment that has room; when there is no
 * room for that either it is cut anywhere.
 *
 * Any bytes will do; what comes out is printable ASCII, with no blank but the one
 * behind the method. Folding a path that was folded changes nothing. It takes
 * linear time, and does not look at what is behind the cut.
 * Threads: any.
 */
LP_API size_t lp_route_fold(lp_span method, lp_span path, char *out,
                            size_t out_max);

#ifdef __cplusplus
}
#endif

#endif /* LOGPLEX_ROUTE_H */
