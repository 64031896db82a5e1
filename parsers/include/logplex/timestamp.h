/*
 * timestamp.h - RFC 3339 and RFC 3164 times to nanoseconds and back.
 *
 * Nanoseconds of wall clock since 1970-01-01T00:00:00Z, which reach from 1678
 * to 2262. Pure functions, no locale, no time zone data. Threads: any.
 */
#ifndef LOGPLEX_TIMESTAMP_H
#define LOGPLEX_TIMESTAMP_H

#include <stdint.h>

#include "logplex/errors.h"
#include "logplex/span.h"

#ifdef __cplusplus
extern "C" {
#endif

/* "2026-11-21T00:00:00.123456789+00:00" and a NUL. */
enum { LP_TIMESTAMP_MAX_BYTES = 36 };

/*
 * RFC 3339 5.6 in full: "T" and "Z" in either case, a blank for the "T", any
 * number of decimals (those past the ninth are cut), a leap second (taken as
 * the first of the next minute).
 * Fails: LP_E_SYNTAX; *at_byte (may be NULL) says where; LP_E_INVALID: the
 * time is before 1678 or after 2262.
 */
LP_API lp_err lp_timestamp_parse(lp_span text, int64_t *out_ns,
                                 size_t *at_byte);

/*
 * RFC 3164 4.1.2, "Nov 21 00:17:52". It names no year and no zone: the year is
 * the one that brings it closest to near_ns, the zone is utc_offset_min.
 * Fails: LP_E_SYNTAX.
 */
LP_API lp_err lp_timestamp_parse_bsd(lp_span text, int64_t near_ns,
                                     int utc_offset_min, int64_t *out_ns);

/*
 * Prints in UTC, as Logplex's own lines have it: "...T00:00:00.123456+00:00".
 * decimals: 0 to 9; with 0 there is no point. Writes a NUL behind it and
 * returns the length without it.
 */
LP_API size_t lp_timestamp_print(int64_t time_ns, int decimals,
                                 char out[LP_TIMESTAMP_MAX_BYTES]);

#ifdef __cplusplus
}
#endif

#endif /* LOGPLEX_TIMESTAMP_H */
