/* chance.c - see chance.h. */
#include "demo/chance.h"

#include <math.h>
#include <stdio.h>

uint64_t chance_next(chance *dice)
{
    uint64_t z = dice->state += 0x9e3779b97f4a7c15;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

double chance_uniform(chance *dice)
{
    return (double)(chance_next(dice) >> 11) * 0x1p-53;
}

double chance_between(chance *dice, double low, double high)
{
    return low + (high - low) * chance_uniform(dice);
}

uint32_t chance_below(chance *dice, uint32_t n)
{
    return (uint32_t)(((chance_next(dice) >> 32) * n) >> 32);
}

bool chance_is(chance *dice, double share)
{
    return chance_uniform(dice) < share;
}

double chance_exponential(chance *dice, double mean)
{
    return -mean * log(1 - chance_uniform(dice));
}

// Box and Muller's normal deviate, one of the two.
double chance_lognormal(chance *dice, double median, double sigma)
{
    double radius = sqrt(chance_exponential(dice, 2));
    double turn = chance_uniform(dice) * 6.283185307179586;

    return median * exp(sigma * radius * cos(turn));
}

void chance_uuid(chance *dice, char out[CHANCE_UUID_BYTES])
{
    uint64_t high = chance_next(dice);
    uint64_t low = chance_next(dice);

    snprintf(out, CHANCE_UUID_BYTES, "%08x-%04x-4%03x-%04x-%012llx",
             (unsigned)(high >> 32), (unsigned)(high >> 16) & 0xffff,
             (unsigned)high & 0xfff, 0x8000 | ((unsigned)(low >> 48) & 0x3fff),
             (unsigned long long)low & 0xffffffffffff);
}
