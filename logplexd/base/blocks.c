/* blocks.c - halving, joining, and giving back to the system. */
#include "base/blocks.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

enum {
    PAGE_BYTES = 4096,
    CHUNK_ORDER = 9, /* of blocks of 1 << order pages: 2 MiB */
    ORDERS = CHUNK_ORDER + 1,
    CHUNK_PAGES = 1 << CHUNK_ORDER,
    CHUNK_BYTES = CHUNK_PAGES * PAGE_BYTES,
    BLOCK_MAX_ORDER = 8,
    /* Of the ceiling. Blocks of many sizes leave gaps; more room makes these
     * rarer. It is addresses only. */
    RANGE_TIMES = 4,
    SLACK_PART = 64, /* of the ceiling ... */
    SLACK_MIN_BYTES = 4 << 20,
    SLACK_MAX_BYTES = 16 << 20
};

#define NO_PAGE UINT32_MAX

typedef enum page_state {
    PAGE_INNER = 0, /* not the first one of a block, or never used */
    PAGE_GIVEN,
    PAGE_HOLE,
    PAGE_RESIDENT
} page_state;

/* Of the first page of each block. It is not in the block, as to look at one that
 * is a hole would make it resident. */
typedef struct page {
    uint32_t next, previous; /* of free ones, in their list */
    uint8_t order;
    uint8_t state;
} page;

typedef struct chunk {
    uint16_t hole_pages;
    bool is_huge; /* what the kernel was told last */
} chunk;

/* Of each order: the youngest first, the oldest last. */
typedef struct free_list {
    uint32_t first[ORDERS];
    uint32_t last[ORDERS];
    uint64_t bytes_of[ORDERS];
    uint64_t bytes; /* of all orders */
} free_list;

struct blocks {
    /* Shared. */
    pthread_mutex_t mutex;

    /* Constant. */
    void *map; /* with what is in front of the first chunk */
    size_t map_bytes;
    char *base;
    uint32_t chunk_count;
    uint64_t max_bytes;
    uint64_t slack_bytes;

    /* Under mutex. */
    page *pages;
    chunk *chunks;
    uint32_t used_chunks; /* the first ones */
    free_list holes;
    free_list resident;
    uint64_t given_bytes;
    uint64_t other_bytes;
    uint64_t holes_made;
};

/* Opening and closing ----------------------------------------------------- */

static void *map_bytes(size_t size_bytes, int protection)
{
    void *map = mmap(NULL, size_bytes, protection,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    return map == MAP_FAILED ? NULL : map;
}

/* Addresses, of which a limit of the process may not allow as many as wanted. */
static bool map_range(blocks *b)
{
    for (uint64_t times = RANGE_TIMES; times > 0; times /= 2) {
        uint64_t chunks = b->max_bytes / CHUNK_BYTES * times + 1;

        if (chunks > NO_PAGE / CHUNK_PAGES)
            continue;
        b->map_bytes = (size_t)(chunks + 1) * CHUNK_BYTES;
        b->map = map_bytes(b->map_bytes, PROT_NONE);
        if (b->map) {
            uintptr_t at = (uintptr_t)b->map;

            b->base = (char *)b->map + (-at & (uintptr_t)(CHUNK_BYTES - 1));
            b->chunk_count = (uint32_t)chunks;
            return true;
        }
    }
    return false;
}

static size_t pages_bytes(const blocks *b)
{
    return (size_t)b->chunk_count * CHUNK_PAGES * sizeof(*b->pages);
}

static size_t chunks_bytes(const blocks *b)
{
    return b->chunk_count * sizeof(*b->chunks);
}

static void clear_list(free_list *list)
{
    for (unsigned order = 0; order < ORDERS; order++)
        list->first[order] = list->last[order] = NO_PAGE;
}

blocks *blocks_open(uint64_t max_bytes)
{
    blocks *b = calloc(1, sizeof(*b));

    if (!b)
        return NULL;
    b->max_bytes = max_bytes;
    b->slack_bytes = max_bytes / SLACK_PART;
    if (b->slack_bytes < SLACK_MIN_BYTES)
        b->slack_bytes = SLACK_MIN_BYTES;
    if (b->slack_bytes > SLACK_MAX_BYTES)
        b->slack_bytes = SLACK_MAX_BYTES;
    clear_list(&b->holes);
    clear_list(&b->resident);
    pthread_mutex_init(&b->mutex, NULL);
    if (map_range(b)) {
        b->pages = map_bytes(pages_bytes(b), PROT_READ | PROT_WRITE);
        b->chunks = map_bytes(chunks_bytes(b), PROT_READ | PROT_WRITE);
    }
    if (b->pages && b->chunks)
        return b;
    blocks_close(b);
    return NULL;
}

void blocks_close(blocks *b)
{
    if (!b)
        return;
    assert(b->given_bytes == 0 && b->other_bytes == 0);
    if (b->chunks)
        munmap(b->chunks, chunks_bytes(b));
    if (b->pages)
        munmap(b->pages, pages_bytes(b));
    if (b->map)
        munmap(b->map, b->map_bytes);
    pthread_mutex_destroy(&b->mutex);
    free(b);
}

uint64_t blocks_slack_bytes(const blocks *b)
{
    return b->slack_bytes;
}

/* Free blocks; all of it under the mutex ---------------------------------- */

static char *address_of(const blocks *b, uint32_t first)
{
    return b->base + (size_t)first * PAGE_BYTES;
}

static uint64_t order_bytes(unsigned order)
{
    return (uint64_t)PAGE_BYTES << order;
}

/*
 * A huge page, as far as there is one; else the kernel must not make one, as it
 * would fill the holes. A hint, and a limit on the number of mappings may refuse it.
 */
static void set_huge(blocks *b, uint32_t in_chunk, bool is_huge)
{
    chunk *c = &b->chunks[in_chunk / CHUNK_PAGES];

    if (c->is_huge == is_huge)
        return;
    c->is_huge = is_huge;
    madvise(address_of(b, in_chunk & ~(uint32_t)(CHUNK_PAGES - 1)), CHUNK_BYTES,
            is_huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
}

static free_list *list_of(blocks *b, uint8_t state)
{
    assert(state == PAGE_HOLE || state == PAGE_RESIDENT);
    return state == PAGE_HOLE ? &b->holes : &b->resident;
}

static void attach(blocks *b, uint32_t first, unsigned order, page_state state)
{
    free_list *list = list_of(b, (uint8_t)state);
    page *p = &b->pages[first];

    *p = (page){.next = list->first[order],
                .previous = NO_PAGE,
                .order = (uint8_t)order,
                .state = (uint8_t)state};
    if (p->next != NO_PAGE)
        b->pages[p->next].previous = first;
    else
        list->last[order] = first;
    list->first[order] = first;
    list->bytes_of[order] += order_bytes(order);
    list->bytes += order_bytes(order);
    if (state == PAGE_RESIDENT)
        return;
    b->chunks[first / CHUNK_PAGES].hole_pages += (uint16_t)(1u << order);
    if (order < CHUNK_ORDER)
        set_huge(b, first, false);
}

static void detach(blocks *b, uint32_t first)
{
    page *p = &b->pages[first];
    free_list *list = list_of(b, p->state);

    if (p->previous != NO_PAGE)
        b->pages[p->previous].next = p->next;
    else
        list->first[p->order] = p->next;
    if (p->next != NO_PAGE)
        b->pages[p->next].previous = p->previous;
    else
        list->last[p->order] = p->previous;
    list->bytes_of[p->order] -= order_bytes(p->order);
    list->bytes -= order_bytes(p->order);
    if (p->state == PAGE_HOLE)
        b->chunks[first / CHUNK_PAGES].hole_pages -= (uint16_t)(1u << p->order);
    p->state = PAGE_INNER;
}

static void give_back(blocks *b, uint32_t first, unsigned order)
{
    b->holes_made++;
    madvise(address_of(b, first), order_bytes(order), MADV_DONTNEED);
}

/* Joins a free block with its other half for as long as that is free too. Halves
 * that differ make a hole: so each is one or the other as a whole. */
static void insert(blocks *b, uint32_t first, unsigned order, page_state state)
{
    for (; order < CHUNK_ORDER; order++) {
        uint32_t other = first ^ 1u << order;
        uint8_t other_state = b->pages[other].state;

        if (b->pages[other].order != order ||
            (other_state != PAGE_HOLE && other_state != PAGE_RESIDENT))
            break;
        detach(b, other);
        if (other_state != state) {
            give_back(b, state == PAGE_RESIDENT ? first : other, order);
            state = PAGE_HOLE;
        }
        first &= ~(1u << order);
    }
    attach(b, first, order, state);
}

/* The smallest of a list from some order on. */
static uint32_t smallest(const free_list *list, unsigned order)
{
    while (order < CHUNK_ORDER && list->first[order] == NO_PAGE)
        order++;
    return list->first[order];
}

/* What is least likely to be of use: of the size of which there is most, the one
 * that has waited longest for its other half. */
static uint32_t least_useful(const free_list *list)
{
    unsigned most = 0;

    for (unsigned order = 1; order < ORDERS; order++)
        if (list->bytes_of[order] > list->bytes_of[most])
            most = order;
    return list->last[most];
}

/* One more chunk of the range, as a hole. */
static bool grow(blocks *b)
{
    uint32_t first = b->used_chunks * CHUNK_PAGES;

    if (b->used_chunks == b->chunk_count ||
        mprotect(address_of(b, first), CHUNK_BYTES, PROT_READ | PROT_WRITE) !=
            0)
        return false;
    b->used_chunks++;
    attach(b, first, CHUNK_ORDER, PAGE_HOLE);
    return true;
}

/* A block, off its list, in whatever is resident if there is any. */
static uint32_t take(blocks *b, unsigned order)
{
    uint32_t first = smallest(&b->resident, order);
    page_state state;
    unsigned from;

    if (first == NO_PAGE)
        first = smallest(&b->holes, order);
    if (first == NO_PAGE && grow(b))
        first = smallest(&b->holes, order);
    if (first == NO_PAGE)
        return NO_PAGE;
    state = (page_state)b->pages[first].state;
    from = b->pages[first].order;
    detach(b, first);
    if (from == CHUNK_ORDER)
        state = PAGE_RESIDENT; // all of it will be, and soon
    while (from > order) {
        from--;
        attach(b, first + (1u << from), from, state);
    }
    if (b->chunks[first / CHUNK_PAGES].hole_pages == 0)
        set_huge(b, first, true);
    b->pages[first] = (page){.order = (uint8_t)order, .state = PAGE_GIVEN};
    b->given_bytes += order_bytes(order);
    return first;
}

static bool has_too_much(const blocks *b)
{
    return b->given_bytes + b->other_bytes + b->resident.bytes >
           b->max_bytes + b->slack_bytes;
}

static void give_back_one(blocks *b, uint32_t first)
{
    unsigned order = b->pages[first].order;

    detach(b, first);
    give_back(b, first, order);
    insert(b, first, order, PAGE_HOLE);
}

/* Gives back what is too much. Chunks that are free as a whole go sooner: they
 * break no huge page, and who closes channels wants to see it. */
static void trim(blocks *b)
{
    const free_list *list = &b->resident;

    while (list->first[CHUNK_ORDER] != NO_PAGE &&
           (has_too_much(b) || list->bytes > b->slack_bytes))
        give_back_one(b, list->last[CHUNK_ORDER]);
    while (has_too_much(b) && list->bytes > 0)
        give_back_one(b, least_useful(list));
}

/* As an allocator --------------------------------------------------------- */

enum { NO_ORDER = ORDERS };

static unsigned order_of(size_t size_bytes)
{
    for (unsigned order = 0; order <= BLOCK_MAX_ORDER; order++)
        if (order_bytes(order) == size_bytes)
            return order;
    return NO_ORDER;
}

static bool is_of_range(const blocks *b, const void *ptr)
{
    uintptr_t offset = (uintptr_t)ptr - (uintptr_t)b->base;

    return offset < (uintptr_t)b->chunk_count * CHUNK_BYTES;
}

static void *alloc_other(blocks *b, size_t size_bytes, size_t align_bytes)
{
    void *ptr = aligned_alloc(align_bytes, (size_bytes + align_bytes - 1) &
                                               ~(align_bytes - 1));

    if (!ptr)
        return NULL;
    pthread_mutex_lock(&b->mutex);
    b->other_bytes += size_bytes;
    trim(b);
    pthread_mutex_unlock(&b->mutex);
    return ptr;
}

static void *blocks_alloc(void *ctx, size_t size_bytes, size_t align_bytes)
{
    blocks *b = ctx;
    unsigned order = order_of(size_bytes);
    uint32_t first = NO_PAGE;

    if (order != NO_ORDER && align_bytes <= PAGE_BYTES) {
        pthread_mutex_lock(&b->mutex);
        first = take(b, order);
        trim(b);
        pthread_mutex_unlock(&b->mutex);
    }
    if (first == NO_PAGE)
        return alloc_other(b, size_bytes, align_bytes);
    return address_of(b, first);
}

static void blocks_free(void *ctx, void *ptr, size_t size_bytes)
{
    blocks *b = ctx;

    pthread_mutex_lock(&b->mutex);
    if (is_of_range(b, ptr)) {
        uint32_t first =
            (uint32_t)((size_t)((char *)ptr - b->base) / PAGE_BYTES);
        unsigned order = b->pages[first].order;

        assert(b->pages[first].state == PAGE_GIVEN);
        assert(order_bytes(order) == size_bytes);
        b->given_bytes -= size_bytes;
        b->pages[first].state = PAGE_INNER;
        insert(b, first, order, PAGE_RESIDENT);
        trim(b);
        ptr = NULL;
    } else {
        b->other_bytes -= size_bytes;
    }
    pthread_mutex_unlock(&b->mutex);
    free(ptr);
}

lp_allocator blocks_allocator(blocks *b)
{
    return (lp_allocator){blocks_alloc, blocks_free, b};
}

void blocks_stats_get(blocks *b, blocks_stats *out)
{
    pthread_mutex_lock(&b->mutex);
    *out = (blocks_stats){.given_bytes = b->given_bytes,
                          .resident_bytes = b->resident.bytes,
                          .other_bytes = b->other_bytes,
                          .hole_bytes = b->holes.bytes,
                          .holes_made = b->holes_made};
    pthread_mutex_unlock(&b->mutex);
}
