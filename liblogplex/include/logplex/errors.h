/*
 * errors.h - every code that a call of ours can return.
 *
 * The numbers are part of the ABI: they are pinned here and never used again
 * for something else. Zero is success; everything else is negative.
 */
#ifndef LOGPLEX_ERRORS_H
#define LOGPLEX_ERRORS_H

#include "logplex/version.h"

#ifdef __cplusplus
extern "C" {
#endif

#define LP_ERRORS(X)                                                           \
    X(LP_OK, 0, "success")                                                     \
    X(LP_E_AGAIN, -1, "nothing new yet")                                       \
    X(LP_E_CLOSED, -2, "the channel is closed")                                \
    X(LP_E_END, -3, "the reader reached its stop")                             \
    X(LP_E_INVALID, -4, "an argument is out of its range")                     \
    X(LP_E_NOMEM, -5, "the allocator has no memory")                           \
    X(LP_E_FULL, -6, "the byte ceiling is reached and nothing may be evicted") \
    X(LP_E_TOOBIG, -7, "a line is larger than a ring can hold")                \
    X(LP_E_MORE, -8, "the input ends before the item does")                    \
    X(LP_E_SYNTAX, -9, "the input does not follow its grammar")

typedef enum lp_err {
#define LP_ERR_ENUM(name, value, text) name = (value),
    LP_ERRORS(LP_ERR_ENUM)
#undef LP_ERR_ENUM
        LP_E_PIN = -0x7fffffff /* fixes the width; never returned */
} lp_err;

/*
 * One short English phrase for a code, "unknown error" for a stranger.
 * Never NULL, never freed. Threads: any.
 */
LP_API const char *lp_strerror(lp_err err);

/* The name as it stands in C, such as "LP_E_FULL". Never NULL. Threads: any. */
LP_API const char *lp_errname(lp_err err);

#ifdef __cplusplus
}
#endif

#endif /* LOGPLEX_ERRORS_H */
