/*
 * backoff.h - how long to wait after a failure.
 *
 * Twice as long after each one in a row, from min_ms up to max_ms; of that, a
 * random part between a half and the whole, so that drains which lost the same
 * sink do not come back to it in one moment.
 */
#ifndef LP_BACKOFF_H
#define LP_BACKOFF_H

#include <stdint.h>

/* A sequence of numbers that need not be hard to guess (splitmix64). */
static inline uint64_t lpi_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* failures is 1 after the first one. */
static inline uint64_t lpi_backoff_ms(uint32_t failures, uint32_t min_ms,
                                      uint32_t max_ms, uint64_t random)
{
    uint64_t ms = min_ms;

    for (uint32_t i = 1; i < failures && ms < max_ms; i++)
        ms *= 2;
    if (ms > max_ms)
        ms = max_ms;
    return ms - random % (ms / 2 + 1);
}

#endif /* LP_BACKOFF_H */
