#include "tally.h"

#include <assert.h>

enum {
    FLAG_VALUES = 1, /* and of these: in the form of the two bits below */
    FLAG_PLAIN = 2,
    FLAG_FAILED = 4,
    FLAG_VALUELESS = 8,
    FLAG_MAX_SEQ = 16,
    FLAG_ONE = 32,        /* one number is all */
    FLAG_TOTALS = 64,     /* no buckets */
    FLAG_EQUAL = 32 | 64, /* a count, and a number that all of them are */
    FLAGS_FORM = 32 | 64
};

/* Merging ----------------------------------------------------------------- */

void lpi_tally_flatten(lpi_tally *tally, lp_sketch_home *home)
{
    if (tally->is_plain) {
        return;
    }
    for (int i = 0; i < 2; i++) {
        lpi_side_clear(&tally->values.sides[i], home);
    }
    tally->values.zeros = 0;
    tally->is_plain = true;
}

static void merge_counts(lpi_tally *into, uint64_t valueless, uint64_t failed)
{
    into->valueless += valueless;
    into->failed += failed;
}

/* Of two greatest values the line of the greater one, and of equals the newer. */
static void merge_max(lpi_tally *into, double max, lp_seq max_seq)
{
    bool is_greater = into->values.count == 0 || max > into->values.max;

    if (is_greater || (max >= into->values.max && max_seq > into->max_seq)) {
        into->max_seq = max_seq;
    }
}

void lpi_tally_merge(lpi_tally *into, lp_sketch_home *home,
                     const lpi_tally *from)
{
    merge_counts(into, from->valueless, from->failed);
    if (from->values.count == 0) {
        return;
    }
    merge_max(into, from->values.max, from->max_seq);
    if (from->is_plain) {
        lpi_tally_flatten(into, home);
    }
    if (into->is_plain) {
        lpi_totals_merge(&into->values, &from->values);
    } else {
        lp_sketch_merge(&into->values, home, &from->values);
    }
}

void lpi_tally_clear(lpi_tally *tally, lp_sketch_home *home)
{
    lp_sketch_clear(&tally->values, home);
    memset(tally, 0, sizeof(*tally));
}

void lpi_tally_reset(lpi_tally *tally, lp_sketch_home *home)
{
    lpi_tally empty = {.is_plain = false};

    lpi_sketch_reset(&tally->values, home);
    empty.values = tally->values;
    *tally = empty;
}

/* Rows -------------------------------------------------------------------- */

/* Which of the forms; without a bit it is packed. */
static unsigned form_of(const lpi_tally *tally)
{
    const lp_sketch *values = &tally->values;

    if (!tally->is_plain && (!lpi_is_flat(values) || values->not_finite > 0)) {
        return 0;
    }
    if (values->count == 1) {
        return FLAG_ONE;
    }
    return values->min >= values->max &&
                   lp_sketch_sum(values) == (double)values->count * values->min
               ? FLAG_EQUAL
               : FLAG_TOTALS;
}

static void put_totals(lpi_writer *w, const lp_sketch *values, unsigned form)
{
    if (form != FLAG_ONE) {
        lpi_put_varint(w, values->count);
    }
    lpi_put_number(w, values->min);
    if (form == FLAG_TOTALS) {
        lpi_put_number(w, values->max);
        lpi_put_number(w, lp_sketch_sum(values));
    }
}

static void put_sketch(lpi_writer *w, lp_sketch *values,
                       const lp_sketch_home *home)
{
    // Its length stands in front of it: nearly always in one byte or two, and
    // it is moved when that was guessed wrong. Where there is room for it, but
    // not behind a guess of two, it is packed again.
    size_t room = w->length < w->out_max ? w->out_max - w->length : 0;
    size_t guess = room > 2 ? 2 : room;
    char *at = w->out + (w->out_max - room) + guess;
    size_t n = lpi_sketch_pack_own(values, home, at, room - guess);
    size_t head = lpi_varint_bytes(n);

    if (head + n <= room && n <= room - guess) {
        memmove(w->out + w->length + head, at, n);
    } else if (head + n <= room) {
        lpi_sketch_pack_own(values, home, w->out + w->length + head, n);
    }
    lpi_put_varint(w, n);
    w->length += n;
}

void lpi_tally_write(lpi_writer *w, lpi_tally *tally,
                     const lp_sketch_home *home, uint64_t id,
                     uint64_t before_id, lp_seq first_seq)
{
    bool has_values = tally->values.count > 0;
    bool has_max_seq =
        has_values && !tally->is_plain && tally->max_seq >= first_seq;
    unsigned form = has_values ? form_of(tally) : 0;
    unsigned flags = form;

    flags |= has_values ? FLAG_VALUES : 0;
    flags |= tally->is_plain ? FLAG_PLAIN : 0;
    flags |= tally->failed > 0 ? FLAG_FAILED : 0;
    flags |= tally->valueless > 0 ? FLAG_VALUELESS : 0;
    flags |= has_max_seq ? FLAG_MAX_SEQ : 0;
    lpi_put_varint(w, id - before_id);
    lpi_put_byte(w, (uint8_t)flags);
    if (tally->failed > 0) {
        lpi_put_varint(w, tally->failed);
    }
    if (tally->valueless > 0) {
        lpi_put_varint(w, tally->valueless);
    }
    if (has_max_seq) {
        lpi_put_varint(w, tally->max_seq - first_seq);
    }
    if (form != 0) {
        put_totals(w, &tally->values, form);
    } else if (has_values) {
        put_sketch(w, &tally->values, home);
    }
}

static void get_totals(lpi_reader *r, unsigned form, lpi_row *out)
{
    out->count = form == FLAG_ONE ? 1 : lpi_get_varint(r);
    out->min = lpi_get_number(r);
    out->max = out->min;
    out->sum = (double)out->count * out->min;
    if (form == FLAG_TOTALS) {
        out->max = lpi_get_number(r);
        out->sum = lpi_get_number(r);
    }
}

bool lpi_row_next(lp_span *rest, lp_seq first_seq, lpi_row *out)
{
    lpi_reader r = {*rest, false};
    unsigned flags;
    uint64_t id;

    if (rest->len_bytes == 0) {
        return false;
    }
    id = out->id + lpi_get_varint(&r);
    memset(out, 0, sizeof(*out));
    out->id = id;
    flags = (unsigned)lpi_get_varint(&r);
    out->is_plain = (flags & FLAG_PLAIN) != 0;
    if (flags & FLAG_FAILED) {
        out->failed = lpi_get_varint(&r);
    }
    if (flags & FLAG_VALUELESS) {
        out->valueless = lpi_get_varint(&r);
    }
    if (flags & FLAG_MAX_SEQ) {
        out->max_seq = first_seq + lpi_get_varint(&r);
    }
    if (flags & FLAGS_FORM) {
        get_totals(&r, flags & FLAGS_FORM, out);
    } else if (flags & FLAG_VALUES) {
        size_t n = (size_t)lpi_get_varint(&r);

        assert(n <= r.rest.len_bytes);
        out->packed = lp_span_of(r.rest.ptr, n);
        r.rest = lp_span_skip(r.rest, n);
    }
    assert(!r.is_bad);
    *rest = r.rest;
    return true;
}

void lpi_row_totals(const lpi_row *row, lp_sketch *out)
{
    if (row->packed.len_bytes > 0) {
        lpi_packed_totals(row->packed, out);
        return;
    }
    memset(out, 0, sizeof(*out));
    out->count = row->count;
    out->min = row->min;
    out->max = row->max;
    out->sum = row->sum;
}

void lpi_tally_merge_row(lpi_tally *into, lp_sketch_home *home,
                         const lpi_row *row, bool as_plain)
{
    lp_sketch totals;

    merge_counts(into, row->valueless, row->failed);
    if (!lpi_row_has_values(row)) {
        into->is_plain |= as_plain && into->values.count == 0;
        return;
    }
    lpi_row_totals(row, &totals);
    merge_max(into, totals.max, row->max_seq);
    if (row->is_plain || as_plain) {
        lpi_tally_flatten(into, home);
    }
    if (into->is_plain) {
        lpi_totals_merge(&into->values, &totals);
    } else if (row->packed.len_bytes > 0) {
        lpi_sketch_merge_own(&into->values, home, row->packed);
    } else {
        lp_sketch_merge(&into->values, home, &totals);
    }
}
