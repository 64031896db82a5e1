#include "aggregate/uncounted.h"

#include <string.h>

/* What came later is put to it, by a clock that may have gone back. */
static void extend(uncounted_spell *into, const uncounted_spell *later)
{
    if (into->lines == 0 || later->since_ns < into->since_ns)
        into->since_ns = later->since_ns;
    into->lines += later->lines;
    into->last_ns = later->last_ns;
}

static void take_out(uncounted *u, unsigned at)
{
    u->count--;
    memmove(&u->spells[at], &u->spells[at + 1],
            (u->count - at) * sizeof(u->spells[0]));
}

/* Which of them has the least between it and the next, the last of which begins then. */
static unsigned nearest(const uncounted *u, int64_t next_ns)
{
    unsigned found = u->count - 1;
    int64_t least_ns = next_ns - u->spells[found].last_ns;

    for (unsigned i = 0; i + 1 < u->count; i++) {
        int64_t between_ns = u->spells[i + 1].since_ns - u->spells[i].last_ns;

        if (between_ns < least_ns) {
            least_ns = between_ns;
            found = i;
        }
    }
    return found;
}

/* The last spell is the one that begins then: a new one, if there is room for it. */
static void begin(uncounted *u, int64_t since_ns)
{
    int64_t kept_ns = since_ns - UNCOUNTED_KEPT_S * INT64_C(1000000000);

    u->is_now = true;
    u->now_lines = 0;
    while (u->count > 0 && u->spells[0].last_ns < kept_ns)
        take_out(u, 0);
    if (u->count == UNCOUNTED_SPELLS) {
        unsigned at = nearest(u, since_ns);

        if (at == u->count - 1)
            return;
        extend(&u->spells[at], &u->spells[at + 1]);
        take_out(u, at + 1);
    }
    u->spells[u->count++] = (uncounted_spell){.lines = 0};
}

void uncounted_add(uncounted *u, uint64_t lines, int64_t first_ns,
                   int64_t last_ns)
{
    uncounted_spell more = {lines, first_ns, last_ns};

    if (!u->is_now)
        begin(u, first_ns);
    u->now_lines += lines;
    extend(&u->spells[u->count - 1], &more);
}

uint64_t uncounted_end(uncounted *u)
{
    if (!u->is_now)
        return 0;
    u->is_now = false;
    return u->now_lines;
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
