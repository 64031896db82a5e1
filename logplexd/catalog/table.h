/*
 * table.h - an immutable map of which any number of versions share their parts.
 *
 * A hash trie with 64 ways (Bagwell, "Ideal Hash Trees", 2001): six bits of the
 * hash choose a way at each level; two bitmaps say which ways lead to an item
 * and which to a node, and only those have a slot. A change copies the nodes on
 * one way down, three for a million items, and shares the rest:
 *
 *     version 7 --> root -----+--> node --> items ...
 *                             |
 *     version 8 --> root' ----+             (shared)
 *                    \
 *                     +--> node' -> items, and the new one
 *
 * Nodes count their holders. A node with one holder belongs to the version at
 * hand alone, so it is changed where it is: a table being filled is not copied
 * over and over, and neither is the second change of one draft.
 *
 * Threads: a version that others can see is read by all and written by none;
 * a draft is its maker's alone. Both may share nodes, and drop them, at once.
 */
#ifndef LOGPLEXD_TABLE_H
#define LOGPLEXD_TABLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "logplex/span.h"

/* What items lie in; it may own several, and goes with the last hold. */
typedef struct table_owner {
    _Atomic uint32_t refs;
    void (*destroy)(struct table_owner *owner);
} table_owner;

typedef struct table_item {
    uint64_t hash;
    lp_span key;
    table_owner *owner;
} table_item;

typedef struct table_node table_node;

/* Zero is the empty table. */
typedef struct table {
    table_node *root;
    size_t count;
} table;

table_owner *table_owner_ref(table_owner *owner);
void table_owner_unref(table_owner *owner);

/* Another version that is the same so far. */
table table_copy(const table *from);
void table_drop(table *t);

/* Puts item in, in place of one with the same key, and holds its owner.
 * False: no memory; the table is as it was. */
bool table_put(table *t, table_item *item);

/* False: no memory; the table is as it was. A key that is not there is one that
 * need not be removed. */
bool table_remove(table *t, uint64_t hash, lp_span key);

/* NULL when there is none. */
table_item *table_find(const table *t, uint64_t hash, lp_span key);

/* In no order; stops when each returns false, and then returns false. */
bool table_each(const table *t, bool (*each)(table_item *item, void *ctx),
                void *ctx);

#endif /* LOGPLEXD_TABLE_H */
