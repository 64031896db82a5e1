#include "worker/pace.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { LINE_BYTES = 64 }; /* of a cache */

/* What one worker writes, apart from what others do. */
typedef struct row {
    _Atomic uint64_t *added; /* by home */
    _Atomic uint64_t read;   /* as a home */
    /* Of a home: how far behind it ingest began to hold; 0: it does not. */
    _Atomic uint64_t held_lines;
    _Atomic uint64_t wake_bytes; /* of a home */
} row;

struct pace {
    void (*wake)(void *ctx, unsigned home);
    void *ctx;
    unsigned workers;
    uint64_t wake_most_bytes;
    _Atomic unsigned held_homes;
    _Atomic bool is_over;
    size_t row_bytes;
    char *rows;
};

static row *row_of(const pace *p, unsigned index)
{
    return (row *)(void *)(p->rows + index * p->row_bytes);
}

pace *pace_create(unsigned workers, uint64_t wake_most_bytes,
                  void (*wake)(void *ctx, unsigned home), void *ctx)
{
    pace *p = calloc(1, sizeof(*p));
    size_t used_bytes = sizeof(row) + workers * sizeof(_Atomic uint64_t);

    if (!p)
        return NULL;
    p->wake = wake;
    p->ctx = ctx;
    p->workers = workers;
    p->wake_most_bytes = wake_most_bytes;
    p->row_bytes = (used_bytes + LINE_BYTES - 1) / LINE_BYTES * LINE_BYTES;
    p->rows = aligned_alloc(LINE_BYTES, workers * p->row_bytes);
    if (!p->rows) {
        free(p);
        return NULL;
    }
    for (unsigned i = 0; i < workers; i++) {
        row *r = row_of(p, i);

        r->added = (_Atomic uint64_t *)(void *)(r + 1);
        atomic_init(&r->read, 0);
        atomic_init(&r->held_lines, 0);
        atomic_init(&r->wake_bytes, wake_most_bytes);
        for (unsigned home = 0; home < workers; home++)
            atomic_init(&r->added[home], 0);
    }
    return p;
}

void pace_destroy(pace *p)
{
    if (!p)
        return;
    free(p->rows);
    free(p);
}

unsigned pace_homes(const pace *p)
{
    return p->workers;
}

unsigned pace_home(const pace *p, const lp_channel *ring)
{
    return pace_home_of(p->workers, ring);
}

void pace_set_wake(pace *p, unsigned home, uint64_t wake_bytes)
{
    if (wake_bytes > p->wake_most_bytes)
        wake_bytes = p->wake_most_bytes;
    atomic_store_explicit(&row_of(p, home)->wake_bytes, wake_bytes,
                          memory_order_relaxed);
}

/* As count_add(): only the owner writes. */
static void add(_Atomic uint64_t *at, uint64_t n)
{
    atomic_store_explicit(at,
                          atomic_load_explicit(at, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

void pace_add(pace *p, unsigned w, unsigned home, uint64_t lines)
{
    add(&row_of(p, w)->added[home], lines);
}

uint64_t pace_behind(const pace *p, unsigned home)
{
    // Loaded first, so what is read meanwhile is taken for behind: at worst a home is
    // woken for nothing.
    uint64_t read =
        atomic_load_explicit(&row_of(p, home)->read, memory_order_relaxed);
    uint64_t added = 0;

    for (unsigned i = 0; i < p->workers; i++)
        added += atomic_load_explicit(&row_of(p, i)->added[home],
                                      memory_order_relaxed);
    // For a moment less are, as a line can be read before it is counted as added.
    return added > read ? added - read : 0;
}

bool pace_is_late(const pace *p, unsigned home, uint64_t line_bytes)
{
    return pace_behind(p, home) * line_bytes >=
           atomic_load_explicit(&row_of(p, home)->wake_bytes,
                                memory_order_relaxed);
}

bool pace_look(pace *p, unsigned w, unsigned home, uint64_t line_bytes)
{
    uint64_t expected = 0;
    row *r = row_of(p, home);
    uint64_t lines;

    if (!pace_is_late(p, home, line_bytes))
        return false;
    if (w != home)
        p->wake(p->ctx, home);
    lines = pace_behind(p, home);
    if (lines * line_bytes <= PACE_HOLD * p->wake_most_bytes ||
        atomic_load(&p->is_over))
        return false;
    if (!atomic_compare_exchange_strong(&r->held_lines, &expected, lines))
        return false;
    atomic_fetch_add(&p->held_homes, 1);
    return true;
}

/* Lets go of ingest, if it holds for this home and need not any more. */
static void let_go(pace *p, unsigned home)
{
    row *r = row_of(p, home);
    uint64_t held_lines = atomic_load(&r->held_lines);

    if (held_lines == 0 ||
        (pace_behind(p, home) > held_lines / 2 && !atomic_load(&p->is_over)))
        return;
    if (atomic_compare_exchange_strong(&r->held_lines, &held_lines, 0))
        atomic_fetch_sub(&p->held_homes, 1);
}

void pace_read(pace *p, unsigned home, uint64_t lines)
{
    add(&row_of(p, home)->read, lines);
    let_go(p, home);
}

bool pace_is_held(const pace *p)
{
    return atomic_load_explicit(&p->held_homes, memory_order_relaxed) > 0;
}

bool pace_is_held_still(pace *p)
{
    for (unsigned home = 0; pace_is_held(p) && home < p->workers; home++)
        let_go(p, home);
    return pace_is_held(p);
}

void pace_let_go(pace *p)
{
    atomic_store(&p->is_over, true);
    pace_is_held_still(p);
}
