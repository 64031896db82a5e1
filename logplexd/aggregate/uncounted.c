#include "aggregate/uncounted.h"

#include <string.h>

/* What came later is put to it. */
static void extend(uncounted_spell *into, const uncounted_spell *later)
{
    if (into->lines == 0)
        into->since_ns = later->since_ns;
    into->lines += later->lines;
    into->last_ns = later->last_ns;
}

static uncounted_spell *newest(uncounted *u)
{
    if (u->is_now)
        return &u->spells[u->count - 1];
    if (u->count == UNCOUNTED_SPELLS) {
        extend(&u->spells[0], &u->spells[1]);
        memmove(&u->spells[1], &u->spells[2],
                (UNCOUNTED_SPELLS - 2) * sizeof(u->spells[0]));
        u->count--;
    }
    u->is_now = true;
    u->spells[u->count] = (uncounted_spell){.lines = 0};
    return &u->spells[u->count++];
}

void uncounted_add(uncounted *u, uint64_t lines, int64_t first_ns,
                   int64_t last_ns)
{
    uncounted_spell more = {lines, first_ns, last_ns};

    extend(newest(u), &more);
}

uint64_t uncounted_end(uncounted *u)
{
    if (!u->is_now)
        return 0;
    u->is_now = false;
    return u->spells[u->count - 1].lines;
}

uncounted_spell uncounted_since(const uncounted *u, int64_t from_s)
{
    uncounted_spell all = {.lines = 0};

    for (unsigned i = 0; i < u->count; i++) {
        bool is_now = u->is_now && i == u->count - 1;

        if (is_now || u->spells[i].last_ns / 1000000000 >= from_s)
            extend(&all, &u->spells[i]);
    }
    return all;
}
