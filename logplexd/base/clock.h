/* clock.h - the time of day. */
#ifndef LOGPLEXD_CLOCK_H
#define LOGPLEXD_CLOCK_H

#include <stdint.h>

/* Wall clock, nanoseconds since 1970. Threads: any. */
int64_t wall_clock_ns(void);

#endif /* LOGPLEXD_CLOCK_H */
