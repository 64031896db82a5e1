/* sketch_pack.c - a sketch as bytes. */
#include "sketch_impl.h"

#include <assert.h>
#include <math.h>

#include "packing.h"

enum {
    VERSION = 1,
    FLAG_ZEROS = 1,
    FLAG_NOT_FINITE = 2,
    FLAG_FOLDED = 4,   /* of the negative side; positive: the next bit */
    FLAG_BUCKETS = 16, /* likewise                                     */
    FLAG_SUM_LOW = 64,
    FLAGS_ALL = 127
};

/* Which of the gap to the bucket before and the count is not told, being 1. */
enum {
    BUCKET_KIND_BITS = 2,
    BUCKET_OF_ONE = 0,
    BUCKET_NEXT = 1,
    BUCKET_OF_BOTH = 2
};

/* Writing ----------------------------------------------------------------- */

/* What a bucket takes at most: a gap and a count. */
enum { BUCKET_BYTES_MAX = 2 * 10 };

/* How it is told: the first number, and whether n comes behind it. */
static inline uint64_t token_of(uint64_t gap, uint64_t n, bool *has_count)
{
    *has_count = false;
    if (n == 1) {
        return gap << BUCKET_KIND_BITS | BUCKET_OF_ONE;
    }
    if (gap == 1 && n <= UINT64_MAX >> BUCKET_KIND_BITS) {
        return n << BUCKET_KIND_BITS | BUCKET_NEXT;
    }
    *has_count = true;
    return gap << BUCKET_KIND_BITS | BUCKET_OF_BOTH;
}

/* Where there is room for it, a number is written without asking at each byte. */
static inline char *put_at(char *at, uint64_t n)
{
    for (; n > 0x7f; n >>= 7) {
        *at++ = (char)(n | 0x80);
    }
    *at++ = (char)n;
    return at;
}

static void put_some(lpi_writer *w, const lpi_bucket *buckets, uint32_t count,
                     uint32_t before)
{
    bool has_room = w->length <= w->out_max &&
                    w->out_max - w->length >= (size_t)count * BUCKET_BYTES_MAX;
    char room[LPI_TAKE_BUCKETS * BUCKET_BYTES_MAX];
    char *start = has_room ? w->out + w->length : room;
    char *at = start;

    for (uint32_t i = 0; i < count; i++) {
        bool has_count;
        uint64_t token =
            token_of(buckets[i].key - before, buckets[i].n, &has_count);

        at = put_at(at, token);
        at = has_count ? put_at(at, buckets[i].n) : at;
        before = buckets[i].key;
    }
    if (has_room) {
        w->length += (size_t)(at - start);
    } else {
        lpi_put_bytes(w, room, (size_t)(at - room));
    }
}

static void put_buckets(lpi_writer *w, const lp_sketch_side *side)
{
    lpi_bucket buckets[LPI_TAKE_BUCKETS];
    uint32_t before = 0;
    uint32_t at = 0;
    uint32_t count;

    lpi_put_varint(w, lpi_side_buckets(side));
    while ((count = lpi_side_take(side, &at, buckets, LPI_TAKE_BUCKETS)) > 0) {
        put_some(w, buckets, count, before);
        before = buckets[count - 1].key;
    }
}

static bool has_buckets(const lp_sketch_side *side)
{
    uint32_t at = 0;
    uint32_t key;
    uint64_t n;

    return lpi_side_next(side, &at, &key, &n);
}

static unsigned flags_of(const lp_sketch *sketch)
{
    unsigned flags = 0;

    flags |= sketch->zeros > 0 ? FLAG_ZEROS : 0;
    flags |= sketch->not_finite > 0 ? FLAG_NOT_FINITE : 0;
    for (int i = 0; i < 2; i++) {
        flags |= sketch->sides[i].folded > 0 ? (unsigned)FLAG_FOLDED << i : 0;
        flags |=
            has_buckets(&sketch->sides[i]) ? (unsigned)FLAG_BUCKETS << i : 0;
    }
    if (sketch->count > 1 && isfinite(sketch->sum) && sketch->sum_low != 0) {
        flags |= FLAG_SUM_LOW;
    }
    return flags;
}

static void put_totals(lpi_writer *w, const lp_sketch *sketch, unsigned flags)
{
    lpi_put_varint(w, sketch->count);
    if (flags & FLAG_ZEROS) {
        lpi_put_varint(w, sketch->zeros);
    }
    if (flags & FLAG_NOT_FINITE) {
        lpi_put_varint(w, sketch->not_finite);
    }
    for (int i = 0; i < 2; i++) {
        if (flags & (unsigned)FLAG_FOLDED << i) {
            lpi_put_varint(w, sketch->sides[i].folded);
            lpi_put_varint(w, sketch->sides[i].floor);
        }
    }
    if (sketch->count > 0) {
        lpi_put_number(w, sketch->min);
    }
    if (sketch->count > 1) {
        lpi_put_number(w, sketch->max);
        lpi_put_number(w, sketch->sum);
    }
    if (flags & FLAG_SUM_LOW) {
        lpi_put_number(w, sketch->sum_low);
    }
}

static unsigned settle(lp_sketch *sketch, const lp_sketch_home *home)
{
    for (int i = 0; i < 2; i++) {
        lpi_side_settle(&sketch->sides[i], home);
    }
    return flags_of(sketch);
}

static void put_values(lpi_writer *w, const lp_sketch *sketch, unsigned flags)
{
    put_totals(w, sketch, flags);
    for (int i = 0; i < 2; i++) {
        if (flags & (unsigned)FLAG_BUCKETS << i) {
            put_buckets(w, &sketch->sides[i]);
        }
    }
}

size_t lp_sketch_pack(lp_sketch *sketch, const lp_sketch_home *home, char *out,
                      size_t out_max)
{
    lpi_writer w = {out, out_max, 0};
    unsigned flags = settle(sketch, home);

    lpi_put_varint(&w, VERSION);
    lpi_put_varint(&w, flags);
    lpi_put_varint(&w, home->scale->octave_buckets);
    put_values(&w, sketch, flags);
    return w.length;
}

size_t lpi_sketch_pack_own(lp_sketch *sketch, const lp_sketch_home *home,
                           char *out, size_t out_max)
{
    lpi_writer w = {out, out_max, 0};
    unsigned flags = settle(sketch, home);

    lpi_put_varint(&w, flags);
    put_values(&w, sketch, flags);
    return w.length;
}

/* Reading ----------------------------------------------------------------- */

/* The buckets of one side, as they are written. */
typedef struct bucket_text {
    lp_span text;
    uint64_t count;
    uint64_t key; /* of the last one */
    uint64_t n;
} bucket_text;

typedef struct packed {
    lp_sketch totals; /* its sides have no blocks */
    unsigned flags;
    bucket_text buckets[2];
} packed;

/* What is told by a flag is not zero. */
static uint64_t get_count(lpi_reader *r)
{
    uint64_t n = lpi_get_varint(r);

    r->is_bad |= n == 0;
    return n;
}

/* Neither NaN nor -0, which no sketch holds. */
static double get_number(lpi_reader *r)
{
    double value = lpi_get_number(r);

    r->is_bad |= isnan(value) || (value == 0 && signbit(value));
    return value;
}

static double get_finite(lpi_reader *r)
{
    double value = get_number(r);

    r->is_bad |= isinf(value);
    return value;
}

static inline void get_bucket(lpi_reader *r, uint64_t *key, uint64_t *n)
{
    uint64_t token = lpi_get_varint(r);
    uint64_t told = token >> BUCKET_KIND_BITS;
    unsigned kind = (unsigned)token & ((1U << BUCKET_KIND_BITS) - 1);
    uint64_t gap = kind == BUCKET_NEXT ? 1 : told;

    *n = kind == BUCKET_NEXT ? told : 1;
    if (kind == BUCKET_NEXT) {
        r->is_bad |= told < 2;
    } else if (kind != BUCKET_OF_ONE) {
        *n = lpi_get_varint(r);
        r->is_bad |= kind != BUCKET_OF_BOTH || *n < 2 ||
                     (gap == 1 && *n <= UINT64_MAX >> BUCKET_KIND_BITS);
    }
    r->is_bad |= gap == 0 || __builtin_add_overflow(*key, gap, key);
}

static void get_totals(lpi_reader *r, packed *p)
{
    lp_sketch *totals = &p->totals;

    totals->count = lpi_get_varint(r);
    if (p->flags & FLAG_ZEROS) {
        totals->zeros = get_count(r);
    }
    if (p->flags & FLAG_NOT_FINITE) {
        totals->not_finite = get_count(r);
    }
    for (int i = 0; i < 2; i++) {
        if (p->flags & (unsigned)FLAG_FOLDED << i) {
            uint64_t floor;

            totals->sides[i].folded = get_count(r);
            floor = get_count(r);
            r->is_bad |= floor > UINT32_MAX;
            totals->sides[i].floor = (uint32_t)floor;
        }
    }
    if (totals->count > 0) {
        totals->min = get_finite(r);
        totals->max = totals->min;
        totals->sum = totals->min;
    }
    if (totals->count > 1) {
        totals->max = get_finite(r);
        totals->sum = get_number(r);
    }
    if (p->flags & FLAG_SUM_LOW) {
        totals->sum_low = get_finite(r);
        r->is_bad |=
            totals->count < 2 || totals->sum_low == 0 || isinf(totals->sum);
    }
}

/* Is it a bucket that a value between min and max can be in? */
static bool is_possible(const packed *p, const lp_sketch_scale *scale, int side,
                        uint64_t key)
{
    uint32_t end = lpi_keys_end(scale);
    uint32_t first = side == 0 ? 1 : scale->octave_buckets;
    uint32_t last = side == 0 ? end - scale->octave_buckets : end - 1;
    lpi_place place = {side, (uint32_t)key};

    return key >= first && key <= last && key >= p->totals.sides[side].floor &&
           lpi_place_compare(lpi_place_of(scale, p->totals.min), place) <= 0 &&
           lpi_place_compare(place, lpi_place_of(scale, p->totals.max)) <= 0;
}

/* Checks the buckets of one side; *left is what is still to be counted. */
static void get_buckets(lpi_reader *r, packed *p, const lp_sketch_scale *scale,
                        int side, uint64_t *left)
{
    bucket_text *buckets = &p->buckets[side];

    buckets->count = get_count(r);
    buckets->text = r->rest;
    for (uint64_t i = 0; i < buckets->count && !r->is_bad; i++) {
        get_bucket(r, &buckets->key, &buckets->n);
        r->is_bad |= !is_possible(p, scale, side, buckets->key) ||
                     __builtin_sub_overflow(*left, buckets->n, left);
    }
}

/* What has no bucket must be there too, between min and max. */
static void check_rest(lpi_reader *r, const packed *p,
                       const lp_sketch_scale *scale, uint64_t *left)
{
    const lp_sketch *totals = &p->totals;
    lpi_place zero = {-1, 0};
    lpi_place low = lpi_place_of(scale, totals->min);
    lpi_place high = lpi_place_of(scale, totals->max);

    r->is_bad |= __builtin_sub_overflow(*left, totals->zeros, left) ||
                 (totals->zeros > 0 && (lpi_place_compare(low, zero) > 0 ||
                                        lpi_place_compare(zero, high) > 0));
    for (int i = 0; i < 2; i++) {
        const lp_sketch_side *side = &totals->sides[i];

        r->is_bad |= __builtin_sub_overflow(*left, side->folded, left) ||
                     side->floor > lpi_keys_end(scale) ||
                     (side->folded > 0 && (i == 0 ? low : high).side != i);
    }
}

static lp_err unpack(lp_span bytes, const lp_sketch_scale *scale, packed *p)
{
    lpi_reader r = {bytes, false};
    uint64_t octave_buckets;
    uint64_t flags;
    uint64_t left;

    memset(p, 0, sizeof(*p));
    r.is_bad |= lpi_get_varint(&r) != VERSION;
    flags = lpi_get_varint(&r);
    r.is_bad |= flags > FLAGS_ALL;
    p->flags = (unsigned)flags;
    octave_buckets = lpi_get_varint(&r);
    if (r.is_bad || octave_buckets != scale->octave_buckets) {
        return r.is_bad ? LP_E_SYNTAX : LP_E_INVALID;
    }
    get_totals(&r, p);
    r.is_bad |= p->totals.min > p->totals.max;
    left = lpi_is_flat(&p->totals) ? 0 : p->totals.count;
    for (int i = 0; i < 2 && !r.is_bad; i++) {
        if (p->flags & (unsigned)FLAG_BUCKETS << i) {
            get_buckets(&r, p, scale, i, &left);
        }
    }
    check_rest(&r, p, scale, &left);
    return r.is_bad || left > 0 || r.rest.len_bytes > 0 ? LP_E_SYNTAX : LP_OK;
}

static void merge_buckets(lp_sketch_side *into, lp_sketch_home *home,
                          const bucket_text *buckets)
{
    lpi_reader r = {buckets->text, false};
    uint64_t key = 0;
    uint64_t n;

    if (buckets->count == 0) {
        return;
    }
    // The highest first, and then the lowest: it grows once to each end.
    lpi_side_add(into, home, (uint32_t)buckets->key, buckets->n);
    for (uint64_t i = 1; i < buckets->count; i++) {
        get_bucket(&r, &key, &n);
        lpi_side_add(into, home, (uint32_t)key, n);
    }
}

lp_err lp_sketch_merge_packed(lp_sketch *into, lp_sketch_home *home,
                              lp_span bytes)
{
    uint64_t sum;
    packed p;
    lp_err err = unpack(bytes, home->scale, &p);

    if (err != LP_OK) {
        return err;
    }
    if (__builtin_add_overflow(into->count, p.totals.count, &sum) ||
        __builtin_add_overflow(into->not_finite, p.totals.not_finite, &sum)) {
        return LP_E_FULL;
    }
    // Without blocks: zeros, what is folded, and of a flat one all.
    lp_sketch_merge(into, home, &p.totals);
    for (int i = 0; i < 2; i++) {
        merge_buckets(&into->sides[i], home, &p.buckets[i]);
    }
    return LP_OK;
}

/* Own packed forms -------------------------------------------------------- */

/* Of what this wrote itself, and has just to be read. */
static inline void get_own_bucket(lpi_reader *r, uint64_t *key, uint64_t *n)
{
    uint64_t token = lpi_get_varint(r);
    uint64_t told = token >> BUCKET_KIND_BITS;
    bool is_next = (token & BUCKET_NEXT) != 0;

    *n = is_next ? told : 1;
    *key += is_next ? 1 : told;
    if ((token & BUCKET_OF_BOTH) != 0) {
        *n = lpi_get_varint(r);
    }
}

static void open_own(lpi_reader *r, packed *p)
{
    memset(p, 0, sizeof(*p));
    p->flags = (unsigned)lpi_get_varint(r);
    get_totals(r, p);
}

void lpi_packed_totals(lp_span bytes, lp_sketch *out)
{
    lpi_reader r = {bytes, false};
    packed p;

    open_own(&r, &p);
    assert(!r.is_bad);
    *out = p.totals;
}

/* Takes buckets as long as there is a counter of this form for each, and room in it.
 * How many are left; *key and *n are of the first one that has none. */
__attribute__((always_inline)) static inline uint64_t
merge_in_place(lpi_reader *from, lpi_block *block, unsigned form, uint64_t left,
               uint64_t *key, uint64_t *n)
{
    for (; left > 0; left--) {
        get_own_bucket(from, key, n);
        if (!lpi_cell_add(block, form, (uint32_t)*key, *n)) {
            return left;
        }
    }
    return 0;
}

static void merge_own_buckets(lpi_reader *from, lp_sketch_side *into,
                              lp_sketch_home *home)
{
    uint64_t left = lpi_get_varint(from);
    lpi_reader r = *from; // not in memory
    uint64_t key = 0;
    uint64_t n;

    while (left > 0) {
        lpi_block *block = into->block;

        if (block != NULL && block->form == LPI_FORM_8) {
            left = merge_in_place(&r, block, LPI_FORM_8, left, &key, &n);
        } else if (block != NULL && block->form == LPI_FORM_16) {
            left = merge_in_place(&r, block, LPI_FORM_16, left, &key, &n);
        } else {
            get_own_bucket(&r, &key, &n);
        }
        if (left > 0) {
            lpi_side_add(into, home, (uint32_t)key, n);
            left--;
        }
    }
    *from = r;
}

void lpi_sketch_merge_own(lp_sketch *into, lp_sketch_home *home, lp_span bytes)
{
    lpi_reader r = {bytes, false};
    packed p;

    open_own(&r, &p);
    lp_sketch_merge(into, home, &p.totals);
    for (int i = 0; i < 2; i++) {
        if (p.flags & (unsigned)FLAG_BUCKETS << i) {
            merge_own_buckets(&r, &into->sides[i], home);
        }
    }
    assert(!r.is_bad && r.rest.len_bytes == 0);
}
