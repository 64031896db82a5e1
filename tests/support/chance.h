/* chance.h - numbers at random, the same ones at each run. */
#ifndef TESTS_CHANCE_H
#define TESTS_CHANCE_H

#include <stdint.h>

/* Below n (xorshift64*, by Marsaglia and Vigna). Threads: one. */
static inline uint32_t chance(uint32_t n)
{
    static uint64_t seed = 42;

    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return (uint32_t)((seed * UINT64_C(2685821657736338717)) >> 33) % n;
}

#endif
