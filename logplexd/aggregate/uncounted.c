#include "aggregate/uncounted.h"

#include <string.h>

/* Clocks go back, too: then it lasts from the least time to the greatest. */
static void extend(uncounted_spell *into, const uncounted_spell *more)
{
    if (into->lines == 0) {
        *into = *more;
        return;
    }
    into->lines += more->lines;
    if (more->since_ns < into->since_ns)
        into->since_ns = more->since_ns;
    if (more->last_ns > into->last_ns)
        into->last_ns = more->last_ns;
}

static void take_out(uncounted *u, unsigned at)
{
    u->count--;
    memmove(&u->spells[at], &u->spells[at + 1],
            (u->count - at) * sizeof(u->spells[0]));
}

static int64_t gap_after(const uncounted *u, unsigned at)
{
    return u->spells[at + 1].since_ns - u->spells[at].last_ns;
}

/* The two with the least between them become one. */
static void join_nearest(uncounted *u)
{
    unsigned nearest = 0;

    for (unsigned i = 1; i + 1 < u->count; i++)
        if (gap_after(u, i) < gap_after(u, nearest))
            nearest = i;
    extend(&u->spells[nearest], &u->spells[nearest + 1]);
    take_out(u, nearest + 1);
}

/* The one that is now, or a new one, which begins then. */
static uncounted_spell *newest(uncounted *u, int64_t since_ns)
{
    int64_t kept_ns = since_ns - UNCOUNTED_KEPT_S * INT64_C(1000000000);

    if (u->is_now)
        return &u->spells[u->count - 1];
    while (u->count > 0 && u->spells[0].last_ns < kept_ns)
        take_out(u, 0);
    if (u->count == UNCOUNTED_SPELLS)
        join_nearest(u);
    u->is_now = true;
    u->spells[u->count] = (uncounted_spell){.lines = 0};
    return &u->spells[u->count++];
}

void uncounted_add(uncounted *u, uint64_t lines, int64_t first_ns,
                   int64_t last_ns)
{
    uncounted_spell more = {lines, first_ns, last_ns};

    extend(newest(u, first_ns), &more);
}

uint64_t uncounted_end(uncounted *u)
{
    if (!u->is_now)
        return 0;
    u->is_now = false;
    return u->spells[u->count - 1].lines;
}

uncounted_spell uncounted_between(const uncounted *u, int64_t from_s,
                                  int64_t to_s, bool *is_now)
{
    uncounted_spell all = {.lines = 0};

    *is_now = false;
    for (unsigned i = 0; i < u->count; i++) {
        const uncounted_spell *spell = &u->spells[i];
        bool is_last = u->is_now && i == u->count - 1;

        if (spell->since_ns / 1000000000 >= to_s ||
            (!is_last && spell->last_ns / 1000000000 < from_s))
            continue;
        extend(&all, spell);
        *is_now |= is_last;
    }
    return all;
}
