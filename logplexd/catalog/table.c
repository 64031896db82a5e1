/* table.c - see table.h. */
#include "catalog/table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    WAY_BITS = 6,
    /* Below this depth the hash has no bits left: a node there is a pile, its
     * items in no order and its maps unused. */
    PILE_SHIFT = 66
};

/* slots: the items in the order of their ways, then the nodes in theirs. */
struct table_node {
    _Atomic uint32_t refs;
    uint32_t item_count;
    uint32_t node_count;
    uint64_t item_map;
    uint64_t node_map;
    void *slots[];
};

/* Without the instruction, which not every x86-64 has, the compiler would call
 * a function for this. */
static inline unsigned bits_set(uint64_t x)
{
    x -= x >> 1 & 0x5555555555555555u;
    x = (x & 0x3333333333333333u) + (x >> 2 & 0x3333333333333333u);
    x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fu;
    return (unsigned)(x * 0x0101010101010101u >> 56);
}

static inline uint64_t way_of(uint64_t hash, unsigned shift)
{
    return (uint64_t)1 << (hash >> shift & 63);
}

static inline unsigned item_index(const table_node *node, uint64_t way)
{
    return bits_set(node->item_map & (way - 1));
}

static inline unsigned node_index(const table_node *node, uint64_t way)
{
    return node->item_count + bits_set(node->node_map & (way - 1));
}

static inline bool is_item(const table_item *item, uint64_t hash, lp_span key)
{
    return item->hash == hash && lp_span_equal(item->key, key);
}

/* Holding ----------------------------------------------------------------- */

table_owner *table_owner_ref(table_owner *owner)
{
    atomic_fetch_add_explicit(&owner->refs, 1, memory_order_relaxed);
    return owner;
}

void table_owner_unref(table_owner *owner)
{
    // Release so that our reads come before the end; whoever brings it about
    // acquires what all the others have released.
    if (atomic_fetch_sub_explicit(&owner->refs, 1, memory_order_acq_rel) == 1) {
        owner->destroy(owner);
    }
}

static void node_unref(table_node *node)
{
    if (!node ||
        atomic_fetch_sub_explicit(&node->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    for (unsigned i = 0; i < node->item_count; i++) {
        table_owner_unref(((table_item *)node->slots[i])->owner);
    }
    for (unsigned i = 0; i < node->node_count; i++) {
        node_unref(node->slots[node->item_count + i]);
    }
    free(node);
}

static void node_ref_slots(const table_node *node)
{
    for (unsigned i = 0; i < node->item_count; i++) {
        table_owner_ref(((table_item *)node->slots[i])->owner);
    }
    for (unsigned i = 0; i < node->node_count; i++) {
        table_node *child = node->slots[node->item_count + i];

        atomic_fetch_add_explicit(&child->refs, 1, memory_order_relaxed);
    }
}

static size_t node_bytes(size_t slot_count)
{
    return sizeof(table_node) + slot_count * sizeof(void *);
}

static table_node *node_create(size_t slot_count)
{
    table_node *node = malloc(node_bytes(slot_count));

    if (node) {
        memset(node, 0, sizeof *node);
        atomic_init(&node->refs, 1);
    }
    return node;
}

/*
 * The node itself if the draft alone holds it, or a copy that takes its place,
 * with spare more slots. NULL: no memory, and the old one is still held.
 */
static table_node *node_own(table_node *node, unsigned spare)
{
    size_t slot_count = node->item_count + node->node_count;
    table_node *own;

    if (atomic_load_explicit(&node->refs, memory_order_acquire) == 1) {
        return spare ? realloc(node, node_bytes(slot_count + spare)) : node;
    }
    own = malloc(node_bytes(slot_count + spare));
    if (!own) {
        return NULL;
    }
    own->item_count = node->item_count;
    own->node_count = node->node_count;
    own->item_map = node->item_map;
    own->node_map = node->node_map;
    memcpy(own->slots, node->slots, slot_count * sizeof own->slots[0]);
    atomic_init(&own->refs, 1);
    node_ref_slots(own);
    node_unref(node);
    return own;
}

/* Moves the slots from index on by one up, or those behind it by one down. */
static void slots_open(table_node *node, unsigned index)
{
    unsigned count = node->item_count + node->node_count;

    memmove(node->slots + index + 1, node->slots + index,
            (count - index) * sizeof node->slots[0]);
}

static void slots_close(table_node *node, unsigned index)
{
    unsigned count = node->item_count + node->node_count;

    memmove(node->slots + index, node->slots + index + 1,
            (count - index - 1) * sizeof node->slots[0]);
}

/* Slots of an owned node; the counts and maps follow the slots. */
static void item_insert(table_node *node, uint64_t way, table_item *item)
{
    unsigned index = item_index(node, way);

    slots_open(node, index);
    node->slots[index] = item;
    node->item_map |= way;
    node->item_count++;
}

static void item_extract(table_node *node, uint64_t way)
{
    slots_close(node, item_index(node, way));
    node->item_map &= ~way;
    node->item_count--;
}

static void node_insert(table_node *node, uint64_t way, table_node *child)
{
    unsigned index = node_index(node, way);

    slots_open(node, index);
    node->slots[index] = child;
    node->node_map |= way;
    node->node_count++;
}

static void node_extract(table_node *node, uint64_t way)
{
    slots_close(node, node_index(node, way));
    node->node_map &= ~way;
    node->node_count--;
}

/* Finding ----------------------------------------------------------------- */

static table_item *pile_find(const table_node *pile, uint64_t hash, lp_span key)
{
    for (unsigned i = 0; i < pile->item_count; i++) {
        if (is_item(pile->slots[i], hash, key)) {
            return pile->slots[i];
        }
    }
    return NULL;
}

table_item *table_find(const table *t, uint64_t hash, lp_span key)
{
    const table_node *node = t->root;

    for (unsigned shift = 0; node; shift += WAY_BITS) {
        uint64_t way;

        if (shift >= PILE_SHIFT) {
            return pile_find(node, hash, key);
        }
        way = way_of(hash, shift);
        if (node->item_map & way) {
            table_item *item = node->slots[item_index(node, way)];

            return is_item(item, hash, key) ? item : NULL;
        }
        if (!(node->node_map & way)) {
            return NULL;
        }
        node = node->slots[node_index(node, way)];
    }
    return NULL;
}

static bool node_each(const table_node *node,
                      bool (*each)(table_item *item, void *ctx), void *ctx)
{
    for (unsigned i = 0; i < node->item_count; i++) {
        if (!each(node->slots[i], ctx)) {
            return false;
        }
    }
    for (unsigned i = 0; i < node->node_count; i++) {
        if (!node_each(node->slots[node->item_count + i], each, ctx)) {
            return false;
        }
    }
    return true;
}

bool table_each(const table *t, bool (*each)(table_item *item, void *ctx),
                void *ctx)
{
    return !t->root || node_each(t->root, each, ctx);
}

/* Putting in -------------------------------------------------------------- */

/* In all of these, *at is the holder's place of a node, and stays valid when
 * there is no memory, whatever else has been copied by then. */

static bool node_put(table_node **at, unsigned shift, table_item *item);

static bool own(table_node **at, unsigned spare)
{
    table_node *node = node_own(*at, spare);

    if (node) {
        *at = node;
    }
    return node != NULL;
}

static bool pile_put(table_node **at, table_item *item)
{
    table_item *was = pile_find(*at, item->hash, item->key);

    if (!own(at, was ? 0 : 1)) {
        return false;
    }
    for (unsigned i = 0; was && i < (*at)->item_count; i++) {
        if ((*at)->slots[i] == was) {
            (*at)->slots[i] = item;
            table_owner_ref(item->owner);
            table_owner_unref(was->owner);
            return true;
        }
    }
    (*at)->slots[(*at)->item_count++] = item;
    table_owner_ref(item->owner);
    return true;
}

static bool item_replace(table_node **at, uint64_t way, table_item *item)
{
    void **slot;
    table_item *was;

    if (!own(at, 0)) {
        return false;
    }
    slot = &(*at)->slots[item_index(*at, way)];
    was = *slot;
    *slot = item;
    table_owner_ref(item->owner);
    table_owner_unref(was->owner);
    return true;
}

/* Two items meet at one way: both go a level down. */
static bool item_push_down(table_node **at, unsigned shift, uint64_t way,
                           table_item *item)
{
    table_item *was = (*at)->slots[item_index(*at, way)];
    table_node *child = node_create(0);

    if (!child || !node_put(&child, shift + WAY_BITS, was) ||
        !node_put(&child, shift + WAY_BITS, item) || !own(at, 0)) {
        node_unref(child);
        return false;
    }
    item_extract(*at, way);
    node_insert(*at, way, child);
    table_owner_unref(was->owner); // the child holds it now
    return true;
}

static bool node_put(table_node **at, unsigned shift, table_item *item)
{
    table_item *was;
    uint64_t way;

    if (shift >= PILE_SHIFT) {
        return pile_put(at, item);
    }
    way = way_of(item->hash, shift);
    if ((*at)->item_map & way) {
        was = (*at)->slots[item_index(*at, way)];
        return is_item(was, item->hash, item->key)
                   ? item_replace(at, way, item)
                   : item_push_down(at, shift, way, item);
    }
    if ((*at)->node_map & way) {
        if (!own(at, 0)) {
            return false;
        }
        return node_put((table_node **)&(*at)->slots[node_index(*at, way)],
                        shift + WAY_BITS, item);
    }
    if (!own(at, 1)) {
        return false;
    }
    item_insert(*at, way, item);
    table_owner_ref(item->owner);
    return true;
}

bool table_put(table *t, table_item *item)
{
    bool is_new = !table_find(t, item->hash, item->key);

    if (!t->root) {
        t->root = node_create(0);
    }
    if (!t->root || !node_put(&t->root, 0, item)) {
        return false;
    }
    t->count += is_new;
    return true;
}

/* Taking out -------------------------------------------------------------- */

static bool pile_remove(table_node **at, table_item *item)
{
    unsigned i = 0;

    if (!own(at, 0)) {
        return false;
    }
    while ((*at)->slots[i] != item) {
        i++;
    }
    slots_close(*at, i);
    (*at)->item_count--;
    table_owner_unref(item->owner);
    return true;
}

/* A child with one item left gives it to its parent, and goes. */
static void pull_up(table_node *node, uint64_t way)
{
    table_node *child = node->slots[node_index(node, way)];
    table_item *last;

    if (child->node_count > 0 || child->item_count > 1) {
        return;
    }
    assert(child->item_count == 1);
    last = child->slots[0];
    table_owner_ref(last->owner);
    node_extract(node, way);
    item_insert(node, way, last);
    node_unref(child);
}

/* item is in there. */
static bool node_remove(table_node **at, unsigned shift, table_item *item)
{
    uint64_t way;

    if (shift >= PILE_SHIFT) {
        return pile_remove(at, item);
    }
    if (!own(at, 0)) {
        return false;
    }
    way = way_of(item->hash, shift);
    if ((*at)->item_map & way) {
        item_extract(*at, way);
        table_owner_unref(item->owner);
        return true;
    }
    if (!node_remove((table_node **)&(*at)->slots[node_index(*at, way)],
                     shift + WAY_BITS, item)) {
        return false;
    }
    pull_up(*at, way);
    return true;
}

bool table_remove(table *t, uint64_t hash, lp_span key)
{
    table_item *item = table_find(t, hash, key);

    if (!item) {
        return true;
    }
    if (!node_remove(&t->root, 0, item)) {
        return false;
    }
    t->count--;
    return true;
}

/* Versions ---------------------------------------------------------------- */

table table_copy(const table *from)
{
    if (from->root) {
        atomic_fetch_add_explicit(&from->root->refs, 1, memory_order_relaxed);
    }
    return *from;
}

void table_drop(table *t)
{
    node_unref(t->root);
    t->root = NULL;
    t->count = 0;
}
