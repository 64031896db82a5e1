/*
 * chance.h - the same random numbers for the same seed, on any machine.
 *
 * SplitMix64 (Steele, Lea, Flood 2014): good enough for a play, and of no use
 * for a secret. Threads: one at a time for each.
 */
#ifndef LOGPLEXD_CHANCE_H
#define LOGPLEXD_CHANCE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct chance {
    uint64_t state; /* the seed, to begin with */
} chance;

uint64_t chance_next(chance *dice);

/* From 0 up to but not including 1. */
double chance_uniform(chance *dice);

/* From low up to but not including high. */
double chance_between(chance *dice, double low, double high);

/* From 0 to n - 1; n is not 0. */
uint32_t chance_below(chance *dice, uint32_t n);

/* True with a probability of share. */
bool chance_is(chance *dice, double share);

/* The time to the next of events that know nothing of each other. */
double chance_exponential(chance *dice, double mean);

/* As service times are: half of them above median; sigma is the standard
 * deviation of their logarithm. */
double chance_lognormal(chance *dice, double median, double sigma);

enum { CHANCE_UUID_BYTES = 37 }; /* 36, and a NUL */

/* Looks like one of version 4. */
void chance_uuid(chance *dice, char out[CHANCE_UUID_BYTES]);

#endif /* LOGPLEXD_CHANCE_H */
