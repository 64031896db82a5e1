#include "sketch_side.h"

#include <assert.h>

#if defined(__SSE2__) && !defined(LP_SWAR_PLAIN)
#include <emmintrin.h>
#endif

#include "sketch_block.h"

/* Blocks grow to multiples of these. */
enum { LIST_STEP_BYTES = 16, LIST_STEP_ENTRIES = 4, DENSE_STEP_BYTES = 32 };

/* 28 octaves at 1 %, of small counters. */
enum { KEPT_MAX_BYTES = 1024 };

typedef struct key_range {
    uint32_t low;
    uint32_t high; /* inclusive */
} key_range;

/* Memory ------------------------------------------------------------------ */

size_t lpi_side_bytes(const lp_sketch_side *side)
{
    const lpi_block *block = side->block;

    return block == NULL ? 0 : lpi_block_bytes(block->form, block->capacity);
}

void lpi_side_clear(lp_sketch_side *side, lp_sketch_home *home)
{
    size_t bytes = lpi_side_bytes(side);

    if (side->block != NULL) {
        assert(home->bytes >= bytes);
        home->allocator.free(home->allocator.ctx, side->block, bytes);
        home->bytes -= bytes;
    }
    memset(side, 0, sizeof(*side));
}

void lpi_side_reset(lp_sketch_side *side, lp_sketch_home *home)
{
    lpi_block *block = side->block;
    size_t bytes = lpi_side_bytes(side);

    if (block == NULL || bytes > KEPT_MAX_BYTES) {
        lpi_side_clear(side, home);
        return;
    }
    memset(block->cells, 0, bytes - sizeof(*block));
    block->used = 0;
    side->folded = 0;
    side->floor = 0;
}

/* An empty block to take the place of the side's, or NULL. */
static lpi_block *block_for(const lp_sketch_side *side, lp_sketch_home *home,
                            unsigned form, uint32_t capacity)
{
    size_t bytes = lpi_block_bytes(form, capacity);
    lpi_block *block = NULL;

    if (home->bytes - lpi_side_bytes(side) + bytes <= home->bytes_max) {
        block = home->allocator.alloc(home->allocator.ctx, bytes,
                                      _Alignof(lpi_block));
    }
    if (block == NULL) {
        home->refused++;
        return NULL;
    }
    memset(block, 0, bytes);
    block->capacity = (uint16_t)capacity;
    block->form = (uint8_t)form;
    home->bytes += bytes;
    return block;
}

/* Reading ----------------------------------------------------------------- */

/* Which counter of a word is the first that is not 0, from one of them on; they are
 * 1 << bits_log bits each. The word has one. */
static inline uint32_t first_in_word(uint64_t word, unsigned bits_log)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    return (uint32_t)__builtin_clzll(word) >> bits_log;
#else
    return (uint32_t)__builtin_ctzll(word) >> bits_log;
#endif
}

static inline uint64_t word_from(uint64_t word, uint32_t counter,
                                 unsigned bits_log)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    return word << (counter << bits_log);
#else
    return word >> (counter << bits_log);
#endif
}

/* The first counter from at on that is not 0; capacity: there is none. They lie in
 * whole words, most of which are often empty. */
static inline uint32_t skip_zeros(const lpi_block *block, uint32_t at)
{
    unsigned bits_log = 3U + block->form;
    unsigned in_word_log = 3U - block->form;
    uint32_t in_word = 1U << in_word_log;

    while (at < block->capacity) {
        uint64_t word = word_from(block->cells[at >> in_word_log],
                                  at & (in_word - 1), bits_log);

        if (word != 0) {
            return at + first_in_word(word, bits_log);
        }
        at = (at | (in_word - 1)) + 1;
    }
    return block->capacity;
}

bool lpi_side_next(const lp_sketch_side *side, uint32_t *at, uint32_t *key,
                   uint64_t *n)
{
    const lpi_block *block = side->block;

    if (block == NULL) {
        return false;
    }
    if (block->form == LPI_FORM_LIST) {
        if (*at == block->used) {
            return false;
        }
        *key = lpi_entry_key(((const uint32_t *)block->cells)[*at]);
        *n = lpi_entry_count(((const uint32_t *)block->cells)[*at]);
        ++*at;
        return true;
    }
    *at = skip_zeros(block, *at);
    if (*at == block->capacity) {
        return false;
    }
    *key = block->first + *at;
    *n = lpi_dense_get(block, *at);
    ++*at;
    return true;
}

static inline uint32_t count_ones(uint64_t word)
{
    word -= word >> 1 & UINT64_C(0x5555555555555555);
    word = (word & UINT64_C(0x3333333333333333)) +
           (word >> 2 & UINT64_C(0x3333333333333333));
    word = (word + (word >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return (uint32_t)(word * UINT64_C(0x0101010101010101) >> 56);
}

/* Which of the bytes of a word are not 0: a bit each, the lowest for the first. */
static inline uint64_t used_in_word(uint64_t word)
{
    const uint64_t low = UINT64_C(0x7f7f7f7f7f7f7f7f);

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    word = ((((word & low) + low) | word) & ~low) >> 7;
    // Each bit moves to the top byte, to a place of its own.
    return word * UINT64_C(0x0102040810204080) >> 56;
}

/* Counters are looked at in windows of so many words. */
enum { WINDOW_WORDS = 8, WINDOW_BYTES = LPI_TAKE_BUCKETS };

/* Which of the bytes of a window are not 0, of which the block may have fewer. */
static inline uint64_t used_in_window(const uint64_t *cells, uint32_t words)
{
    uint64_t used = 0;
    uint32_t i = 0;

    words = words < WINDOW_WORDS ? words : WINDOW_WORDS;
#if defined(__SSE2__) && !defined(LP_SWAR_PLAIN)
    for (; i + 1 < words; i += 2) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(cells + i));
        __m128i zeros = _mm_cmpeq_epi8(bytes, _mm_setzero_si128());

        used |= (uint64_t)(_mm_movemask_epi8(zeros) ^ 0xffff) << 8 * i;
    }
#endif
    for (; i < words; i++) {
        used |= used_in_word(cells[i]) << 8 * i;
    }
    return used;
}

/* The same for counters: a bit at the first byte of each. */
static inline uint64_t used_counters(const lpi_block *block, unsigned form,
                                     uint32_t at)
{
    static const uint64_t firsts[] = {UINT64_MAX, UINT64_C(0x5555555555555555),
                                      UINT64_C(0x1111111111111111),
                                      UINT64_C(0x0101010101010101)};
    uint64_t used = used_in_window(block->cells + (at >> (3U - form)),
                                   (block->capacity - at) >> (3U - form));

    for (unsigned i = 0; i < form; i++) {
        used |= used >> (1U << i);
    }
    return used & firsts[form];
}

/* form is a constant where this is inlined. */
__attribute__((always_inline)) static inline uint32_t
take_windows(const lpi_block *block, unsigned form, uint32_t *at,
             lpi_bucket *out, uint32_t out_max)
{
    uint32_t window = (uint32_t)WINDOW_BYTES >> form;
    uint32_t count = 0;

    for (; *at < block->capacity && out_max - count >= window; *at += window) {
        uint64_t used = used_counters(block, form, *at);

        for (; used != 0; used &= used - 1) {
            uint32_t cell = *at + ((uint32_t)__builtin_ctzll(used) >> form);

            out[count].key = block->first + cell;
            out[count++].n = lpi_cell_get(block, form, cell);
        }
    }
    return count;
}

uint32_t lpi_side_take(const lp_sketch_side *side, uint32_t *at,
                       lpi_bucket *out, uint32_t out_max)
{
    const lpi_block *block = side->block;
    uint32_t count = 0;

    // As most are.
    if (block != NULL && block->form <= LPI_FORM_16 &&
        out_max >= LPI_TAKE_BUCKETS) {
        return block->form == LPI_FORM_8
                   ? take_windows(block, LPI_FORM_8, at, out, out_max)
                   : take_windows(block, LPI_FORM_16, at, out, out_max);
    }
    while (count < out_max &&
           lpi_side_next(side, at, &out[count].key, &out[count].n)) {
        count++;
    }
    return count;
}

uint32_t lpi_side_buckets(const lp_sketch_side *side)
{
    const lpi_block *block = side->block;
    uint32_t count = 0;

    if (block == NULL || block->form == LPI_FORM_LIST) {
        return block == NULL ? 0 : block->used;
    }
    for (uint32_t at = 0; at < block->capacity;
         at += (uint32_t)WINDOW_BYTES >> block->form) {
        count += count_ones(used_counters(block, block->form, at));
    }
    return count;
}

uint64_t lpi_side_count(const lp_sketch_side *side)
{
    uint64_t sum = side->folded;
    uint32_t at = 0;
    uint32_t key;
    uint64_t n;

    while (lpi_side_next(side, &at, &key, &n)) {
        sum += n;
    }
    return sum;
}

/* The lowest and the highest bucket; false when all are empty. */
static bool range_of(const lp_sketch_side *side, key_range *out)
{
    const lpi_block *block = side->block;
    uint32_t at = 0;
    uint64_t n;

    if (!lpi_side_next(side, &at, &out->low, &n)) {
        return false;
    }
    if (block->form == LPI_FORM_LIST) {
        out->high =
            lpi_entry_key(((const uint32_t *)block->cells)[block->used - 1]);
        return true;
    }
    at = block->capacity;
    do {
        at--;
    } while (lpi_dense_get(block, at) == 0);
    out->high = block->first + at;
    return true;
}

/* Collapsing -------------------------------------------------------------- */

static void list_fold(lp_sketch_side *side, lpi_block *block)
{
    uint32_t *entries = lpi_list_entries(block);
    uint32_t gone = 0;

    while (gone < block->used && lpi_entry_key(entries[gone]) < side->floor) {
        side->folded += lpi_entry_count(entries[gone++]);
    }
    block->used = (uint8_t)(block->used - gone);
    memmove(entries, entries + gone, block->used * sizeof(*entries));
}

/* Moves the counters so that first is the first; those that fall off at the low
 * end are folded, and there are none at the high end. */
static void dense_slide(lp_sketch_side *side, lpi_block *block, uint32_t first)
{
    size_t size = lpi_cell_bytes(block->form);
    char *cells = (char *)block->cells;
    bool is_up = first > block->first;
    uint32_t by = is_up ? first - block->first : block->first - first;
    uint32_t gone = by < block->capacity ? by : block->capacity;
    size_t stay = (block->capacity - gone) * size;

    if (is_up) {
        for (uint32_t at = 0; at < gone; at++) {
            side->folded += lpi_dense_get(block, at);
        }
        memmove(cells, cells + gone * size, stay);
        memset(cells + stay, 0, gone * size);
    } else {
        memmove(cells + gone * size, cells, stay);
        memset(cells, 0, gone * size);
    }
    block->first = first;
}

void lpi_side_raise_floor(lp_sketch_side *side, uint32_t floor)
{
    lpi_block *block = side->block;

    if (floor <= side->floor) {
        return;
    }
    side->floor = floor;
    if (block == NULL) {
        return;
    }
    if (block->form == LPI_FORM_LIST) {
        list_fold(side, block);
    } else if (block->first < floor) {
        dense_slide(side, block, floor);
    }
}

/* Counters twice as wide in the same memory, for the upper half of a range. */
static void widen_in_place(lp_sketch_side *side, key_range range)
{
    lpi_block *block = side->block;
    uint32_t half = block->capacity / 2u;
    uint32_t first = range.low;

    // The narrower a counter, the more of them a block has: eight bytes, or
    // a multiple.
    assert(block->form < LPI_FORM_64 && half > 0);
    if (range.high - range.low >= half) {
        first = range.high - half + 1;
        lpi_side_raise_floor(side, first);
    }
    if (block->first != first) {
        dense_slide(side, block, first);
    }
    // From the high end: a wide counter covers no narrow one still to come.
    for (uint32_t at = half; at-- > 0;) {
        lpi_cell_set(block, block->form + 1u, at, lpi_dense_get(block, at));
    }
    block->form++;
    block->capacity = (uint16_t)half;
}

/* There is no memory: the lowest buckets make room, as few as can be. */
static void give_way(lp_sketch_side *side, key_range range)
{
    lpi_block *block = side->block;

    if (block == NULL || block->form == LPI_FORM_LIST) {
        lpi_side_raise_floor(side, range.low + 1);
    } else if (range.high - range.low >= block->capacity) {
        lpi_side_raise_floor(side, range.high - block->capacity + 1u);
    } else {
        widen_in_place(side, range);
    }
}

/* Growing ----------------------------------------------------------------- */

/* The narrowest counters that hold every bucket, with n more in key's. */
static unsigned form_for(const lp_sketch_side *side, uint32_t key, uint64_t n)
{
    const lpi_block *block = side->block;
    unsigned form = LPI_FORM_8;
    uint64_t most = n;
    lpi_bucket each;
    uint32_t at = 0;

    if (block != NULL && block->form != LPI_FORM_LIST) {
        // Those that there are have room; only key's becomes larger.
        form = block->form;
        at = key - block->first;
        most = at < block->capacity ? lpi_dense_get(block, at) + n : n;
    } else {
        while (lpi_side_take(side, &at, &each, 1) > 0) {
            each.n += each.key == key ? n : 0;
            most = each.n > most ? each.n : most;
        }
    }
    while (most > lpi_count_max[form]) {
        form++;
    }
    return form;
}

static uint32_t dense_capacity(const lp_sketch_home *home, unsigned form,
                               key_range range)
{
    size_t bytes = lpi_block_bytes(form, range.high - range.low + 1);
    size_t capacity;

    bytes =
        (bytes + DENSE_STEP_BYTES - 1) / DENSE_STEP_BYTES * DENSE_STEP_BYTES;
    capacity = (bytes - sizeof(lpi_block)) / lpi_cell_bytes(form);
    return capacity < home->buckets_max ? (uint32_t)capacity
                                        : home->buckets_max;
}

/* Room that is too much is left where the range grew. */
static uint32_t dense_first(const lp_sketch_side *side, uint32_t capacity,
                            key_range range, uint32_t key)
{
    uint32_t first = range.high < capacity ? 0 : range.high - capacity + 1;

    if (key == range.high) {
        return range.low;
    }
    return first > side->floor ? first : side->floor;
}

/* Counters of one form, as far as the other block has room for them; those that are
 * not 0 are there. */
static void copy_counters(lpi_block *to, const lpi_block *from)
{
    size_t size = lpi_cell_bytes(from->form);
    uint32_t first = from->first > to->first ? from->first : to->first;
    uint32_t from_end = from->first + from->capacity;
    uint32_t to_end = to->first + to->capacity;
    uint32_t end = from_end < to_end ? from_end : to_end;

    if (first < end) {
        memcpy((char *)to->cells + (first - to->first) * size,
               (const char *)from->cells + (first - from->first) * size,
               (end - first) * size);
    }
}

static bool grow_dense(lp_sketch_side *side, lp_sketch_home *home,
                       unsigned form, key_range range, uint32_t key)
{
    uint32_t capacity = dense_capacity(home, form, range);
    lpi_block *block = block_for(side, home, form, capacity);
    const lpi_block *old = side->block;
    lp_sketch_side grown = *side;
    uint32_t at = 0;
    uint32_t each;
    uint64_t n;

    if (block == NULL) {
        return false;
    }
    block->first = dense_first(side, capacity, range, key);
    if (old != NULL && old->form == form) {
        copy_counters(block, old);
    } else {
        while (lpi_side_next(side, &at, &each, &n)) {
            lpi_dense_set(block, each - block->first, n);
        }
    }
    grown.block = block;
    lpi_side_clear(side, home);
    *side = grown;
    return true;
}

static bool grow_list(lp_sketch_side *side, lp_sketch_home *home,
                      uint32_t capacity)
{
    const lpi_block *old = side->block;
    lpi_block *block = block_for(side, home, LPI_FORM_LIST, capacity);
    lp_sketch_side grown = *side;

    if (block == NULL) {
        return false;
    }
    if (old != NULL) {
        block->used = old->used;
        memcpy(block->cells, old->cells, old->used * sizeof(uint32_t));
    }
    grown.block = block;
    lpi_side_clear(side, home);
    *side = grown;
    return true;
}

/* Entries of the list that would take key, or 0: it should be dense. */
static uint32_t list_capacity(const lp_sketch_side *side, uint32_t key,
                              uint64_t n, size_t dense_bytes)
{
    const lpi_block *block = side->block;
    uint32_t used = block == NULL ? 0 : block->used;
    size_t bytes;
    uint32_t at;

    if (n > LPI_ENTRY_COUNT_MAX || used == LPI_LIST_MAX ||
        (block != NULL &&
         (block->form != LPI_FORM_LIST || lpi_list_find(block, key, &at)))) {
        return 0;
    }
    bytes = lpi_block_bytes(LPI_FORM_LIST, used + LIST_STEP_ENTRIES);
    bytes = (bytes + LIST_STEP_BYTES - 1) / LIST_STEP_BYTES * LIST_STEP_BYTES;
    if (bytes > dense_bytes) {
        return 0;
    }
    used = (uint32_t)((bytes - sizeof(lpi_block)) / sizeof(uint32_t));
    return used < LPI_LIST_MAX ? used : LPI_LIST_MAX;
}

static bool grow(lp_sketch_side *side, lp_sketch_home *home, key_range range,
                 uint32_t key, uint64_t n)
{
    lpi_block *block = side->block;
    unsigned form = form_for(side, key, n);
    uint32_t capacity = dense_capacity(home, form, range);
    uint32_t entries =
        list_capacity(side, key, n, lpi_block_bytes(form, capacity));

    if (entries > 0) {
        return grow_list(side, home, entries);
    }
    // Is there room that only lies at the wrong end?
    if (block != NULL && block->form == form &&
        range.high - range.low < block->capacity) {
        dense_slide(side, block,
                    dense_first(side, block->capacity, range, key));
        return true;
    }
    return grow_dense(side, home, form, range, key);
}

void lpi_side_spread(lp_sketch_side *side, lp_sketch_home *home)
{
    const lpi_block *block = side->block;
    key_range range;
    unsigned form;
    size_t bytes;

    if (block == NULL || block->form != LPI_FORM_LIST ||
        !range_of(side, &range)) {
        return;
    }
    form = form_for(side, range.high, 0);
    bytes = lpi_block_bytes(form, dense_capacity(home, form, range));
    if (bytes <= KEPT_MAX_BYTES && home->bytes + bytes <= home->bytes_max / 2) {
        grow_dense(side, home, form, range, range.high);
    }
}

/* Has the list an entry to spare for a new key, at one of its ends? */
static bool list_extend(lp_sketch_side *side, uint32_t key, uint64_t n)
{
    lpi_block *block = side->block;
    uint32_t at;

    if (block == NULL || block->form != LPI_FORM_LIST ||
        block->used == block->capacity || n > LPI_ENTRY_COUNT_MAX ||
        lpi_list_find(block, key, &at)) {
        return false;
    }
    lpi_list_insert(block, at, key, n);
    return true;
}

static bool is_too_wide(const lp_sketch_side *side, const lp_sketch_home *home,
                        key_range range)
{
    uint32_t low = side->folded > 0 ? side->floor : range.low;

    return range.high - low >= home->buckets_max;
}

/* Buckets ----------------------------------------------------------------- */

static bool count_in_place(lp_sketch_side *side, uint32_t key, uint64_t n)
{
    lpi_block *block = side->block;

    if (block == NULL) {
        return false;
    }
    return block->form == LPI_FORM_LIST ? lpi_list_add(block, key, n)
                                        : lpi_dense_add(block, key, n);
}

void lpi_side_add(lp_sketch_side *side, lp_sketch_home *home, uint32_t key,
                  uint64_t n)
{
    // Each turn counts it, raises the floor, or has made room.
    while (key >= side->floor && !count_in_place(side, key, n)) {
        key_range range = {key, key};

        if (range_of(side, &range)) {
            range.low = key < range.low ? key : range.low;
            range.high = key > range.high ? key : range.high;
        }
        if (is_too_wide(side, home, range)) {
            lpi_side_raise_floor(side, range.high - home->buckets_max + 1);
        } else if (list_extend(side, key, n)) {
            return;
        } else if (!grow(side, home, range, key, n)) {
            give_way(side, range);
        }
    }
    if (key < side->floor) {
        side->folded += n;
    }
}

void lpi_side_settle(lp_sketch_side *side, const lp_sketch_home *home)
{
    key_range range;

    if (side->folded > 0 && range_of(side, &range) &&
        is_too_wide(side, home, range)) {
        lpi_side_raise_floor(side, range.high - home->buckets_max + 1);
    }
}

static uint64_t count_at(const lp_sketch_side *side, uint32_t key)
{
    const lpi_block *block = side->block;
    uint32_t at;

    if (block->form != LPI_FORM_LIST) {
        return lpi_dense_get(block, key - block->first);
    }
    return lpi_list_find(block, key, &at)
               ? lpi_entry_count(((const uint32_t *)block->cells)[at])
               : 0;
}

void lpi_side_merge(lp_sketch_side *into, lp_sketch_home *home,
                    const lp_sketch_side *from)
{
    enum { TAKEN = LPI_TAKE_BUCKETS };
    lpi_bucket buckets[TAKEN];
    key_range range;
    uint32_t at = 0;
    uint32_t count;

    lpi_side_raise_floor(into, from->floor);
    into->folded += from->folded;
    if (!range_of(from, &range)) {
        return;
    }
    // The highest first, and then the lowest: it grows once to each end.
    lpi_side_add(into, home, range.high, count_at(from, range.high));
    while ((count = lpi_side_take(from, &at, buckets, TAKEN)) > 0) {
        for (uint32_t i = 0; i < count && buckets[i].key != range.high; i++) {
            lpi_side_add_often(into, home, buckets[i].key, buckets[i].n);
        }
    }
}
