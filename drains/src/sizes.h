/* sizes.h - a queue of sizes, which grows as it must. */
#ifndef LP_SIZES_H
#define LP_SIZES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

typedef struct lpi_sizes {
    uint32_t *at;
    size_t first, count;
    size_t room; /* a power of two, or none */
} lpi_sizes;

/* Room for so many more. False: there is no memory. */
static inline bool lpi_sizes_reserve(lpi_sizes *to, size_t more)
{
    size_t room = to->room ? to->room : 64;
    uint32_t *longer;

    if (to->count + more <= to->room)
        return true;
    while (room < to->count + more)
        room *= 2;
    longer = malloc(room * sizeof(*longer));
    if (!longer)
        return false;
    for (size_t i = 0; i < to->count; i++)
        longer[i] = to->at[(to->first + i) & (to->room - 1)];
    free(to->at);
    to->at = longer;
    to->first = 0;
    to->room = room;
    return true;
}

/* There must be room. */
static inline void lpi_sizes_add(lpi_sizes *to, size_t size)
{
    to->at[(to->first + to->count++) & (to->room - 1)] = (uint32_t)size;
}

/* There must be one. */
static inline uint32_t lpi_sizes_first(const lpi_sizes *from)
{
    return from->at[from->first];
}

static inline uint32_t lpi_sizes_pop(lpi_sizes *from)
{
    uint32_t size = from->at[from->first];

    from->first = (from->first + 1) & (from->room - 1);
    from->count--;
    return size;
}

static inline void lpi_sizes_fini(lpi_sizes *sizes)
{
    free(sizes->at);
    sizes->at = NULL;
}

#endif /* LP_SIZES_H */
