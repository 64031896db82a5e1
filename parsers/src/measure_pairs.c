/* Lines that are made of pairs, and measures by convention in any line. */
#include "measure_impl.h"
#include "pairs.h"

/* The first eight bytes of a key as one number; the rest of a shorter one is
 * 0. */
static uint64_t word_of_key(const lpi_pairs *pairs, lp_span key)
{
    uint64_t word = lpi_pairs_word(pairs, key.ptr);

    return key.len_bytes >= sizeof(word)
               ? word
               : word & ((UINT64_C(1) << 8 * key.len_bytes) - 1);
}

static bool is_word(uint64_t word, const char name[8])
{
    return word == lp_swar_load(name);
}

/* Conventions ------------------------------------------------------------- */

/* Whether a key is "measure#NAME" or the like, and which. */
static bool read_key(uint64_t word, lp_span key, lp_measure_op *op,
                     lp_span *name)
{
    // Both are as long as the word, the others are a byte or two shorter.
    static const char measure[8] = {'m', 'e', 'a', 's', 'u', 'r', 'e', '#'};
    static const char legacy[8] = {'m', 'e', 'a', 's', 'u', 'r', 'e', '.'};
    const uint64_t six = (UINT64_C(1) << 48) - 1;
    const uint64_t seven = (UINT64_C(1) << 56) - 1;
    size_t prefix_bytes;

    if (is_word(word & seven, "sample#")) {
        *op = LP_OP_SAMPLE;
        prefix_bytes = 7;
    } else if (is_word(word & six, "count#\0")) {
        *op = LP_OP_COUNT;
        prefix_bytes = 6;
    } else if (is_word(word, measure) || is_word(word, legacy)) {
        *op = LP_OP_MEASURE;
        prefix_bytes = 8;
    } else if (is_word(word & seven, "unique#")) {
        *op = LP_OP_UNIQUE;
        prefix_bytes = 7;
    } else {
        return false;
    }
    *name = lp_span_skip(key, prefix_bytes);
    return true;
}

/* Does it stand by itself, and not in quotes or in JSON? */
static bool is_word_alone(const lpi_pairs *pairs, lp_span key)
{
    const char *behind = key.ptr + key.len_bytes;

    return (key.ptr == pairs->start || (unsigned char)key.ptr[-1] <= ' ') &&
           (behind == pairs->end || (unsigned char)*behind <= ' ');
}

/* A missing value is 1, an empty one is none. */
static void add_pair(lp_measures *out, lp_measure_op op, lp_span name,
                     const lpi_pairs *pairs, const lp_pair *pair)
{
    lp_span nothing = lp_span_skip(pair->key, pair->key.len_bytes);

    if (pair->unterminated) {
        return;
    }
    if (pair->value.ptr != NULL) {
        lpi_measures_add(out, op, name, pair->value, LP_UNIT_NONE);
    } else if (op != LP_OP_UNIQUE && name.len_bytes > 0 &&
               is_word_alone(pairs, pair->key)) {
        lpi_measures_put(out, &(lp_measure){.name = name,
                                            .text = nothing,
                                            .suffix = nothing,
                                            .value = 1,
                                            .op = (uint8_t)op});
    }
}

/* measure=NAME val=NUMBER units=UNIT, until it is complete. The last one may not
 * be there; whether it is is known with the pair behind val=. */
typedef struct triple {
    lp_measure_op op;
    lp_span name;
    lp_span value;
    bool is_waiting; /* the last pair may have been half of units= */
} triple;

static void end_triple(triple *open, lp_span unit, lp_measures *out)
{
    if (open->value.len_bytes > 0) {
        lpi_measures_add_slow(out, open->op, open->name, open->value, unit,
                              LP_UNIT_NONE);
        open->name.len_bytes = 0;
        open->value.len_bytes = 0;
    }
}

/* The pair behind val=. Returns whether it is of the triple. */
static bool read_units(uint64_t word, const lp_pair *pair, triple *open,
                       lp_measures *out)
{
    bool is_whole = pair->value.len_bytes > 0 && !pair->unterminated;

    if (is_whole && is_word(word, "units\0\0") &&
        pair->key.len_bytes < sizeof(word)) {
        end_triple(open, pair->value, out);
        return true;
    }
    if (!is_whole && lp_span_starts(LP_SPAN("units"), pair->key)) {
        open->is_waiting = true;
        return true;
    }
    end_triple(open, lp_span_of(NULL, 0), out);
    return false;
}

static void read_triple(uint64_t word, const lp_pair *pair, triple *open,
                        lp_measures *out)
{
    if (pair->key.len_bytes >= sizeof(word) || pair->unterminated) {
        return;
    }
    if (is_word(word, "measure") && pair->value.len_bytes > 0) {
        open->name = pair->value;
    } else if (is_word(word, "val\0\0\0\0") && open->name.len_bytes > 0) {
        open->value = pair->value;
        open->is_waiting = false;
    } else if (is_word(word, "source\0")) {
        out->source = pair->value;
    }
}

/* One pair of any line. */
static void read_convention(const lpi_pairs *pairs, const lp_pair *pair,
                            triple *open, lp_measures *out)
{
    uint64_t word = word_of_key(pairs, pair->key);
    lp_measure_op op;
    lp_span name;

    if (open->value.len_bytes > 0 && read_units(word, pair, open, out)) {
        return;
    }
    if (read_key(word, pair->key, &op, &name)) {
        add_pair(out, op, name, pairs, pair);
    } else {
        read_triple(word, pair, open, out);
    }
}

static void end_conventions(triple *open, bool is_cut, lp_measures *out)
{
    if (!is_cut && !open->is_waiting) {
        end_triple(open, lp_span_of(NULL, 0), out);
    }
}

/* What may be a measure: "#" behind one of its words, or "measure" in front of
 * "=" or a point. */
static bool is_mark(lp_span msg, size_t at)
{
    static const char *const words[] = {"measure", "sample", "count", "unique"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        size_t n = strlen(words[i]);

        if (at >= n && memcmp(msg.ptr + at - n, words[i], n) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_older_mark(lp_span msg, size_t at)
{
    return at + 7 < msg.len_bytes &&
           (msg.ptr[at + 7] == '=' || msg.ptr[at + 7] == '.') &&
           memcmp(msg.ptr + at, "measure", 7) == 0;
}

enum { E_BEHIND_M = 6, SCAN_BYTES = 64 + E_BEHIND_M };

/* at is where in msg the SCAN_BYTES of window begin. */
static bool has_mark(lp_span msg, size_t at, const char *window)
{
    uint64_t marks = lp_swar_marks64(window, '#', 'm', E_BEHIND_M, 'e');

    for (; marks != 0; marks &= marks - 1) {
        size_t mark = at + (size_t)__builtin_ctzll(marks);

        if (msg.ptr[mark] == '#' ? is_mark(msg, mark)
                                 : is_older_mark(msg, mark)) {
            return true;
        }
    }
    return false;
}

/* Whether it is worth while to go through the pairs: without it, words that
 * measure nothing would cost as much as those that do. */
static bool may_measure(lp_span msg)
{
    char copy[SCAN_BYTES] = {0};
    size_t at = 0;

    for (; msg.len_bytes - at >= SCAN_BYTES; at += 64) {
        if (has_mark(msg, at, msg.ptr + at)) {
            return true;
        }
    }
    memcpy(copy, msg.ptr + at, msg.len_bytes - at);
    return has_mark(msg, at, copy);
}

void lpi_read_conventions(const lp_measure_line *line, lp_measure_op older,
                          lp_measures *out)
{
    triple open = {.op = older};
    lpi_pairs pairs;
    lp_pair pair;

    if (line->msg.len_bytes == 0 || !may_measure(line->msg)) {
        return;
    }
    lpi_pairs_init(&pairs, line->msg);
    while (lpi_pairs_next(&pairs, &pair)) {
        read_convention(&pairs, &pair, &open, out);
    }
    end_conventions(&open, line->is_cut, out);
}

/* The router -------------------------------------------------------------- */

typedef enum router_value {
    ROUTER_NOTHING,
    ROUTER_SPAN,
    ROUTER_STATUS,
    ROUTER_PLAIN,
    ROUTER_MS,
    ROUTER_BYTES
} router_value;

typedef struct router_key {
    char text[16];   /* with its "=" */
    uint64_t mask;   /* of the first eight bytes, those that are its own */
    uint16_t offset; /* of a span in lp_measures */
    uint8_t len_bytes;
    uint8_t value; /* router_value */
} router_key;

/* In the order in which the router writes them, so that the next one is mostly
 * found at the first look; what few lines have comes last. */
#define KEY_MASK(name)                \
    (sizeof(name) >= 8 ? ~UINT64_C(0) \
                       : (UINT64_C(1) << (8 * sizeof(name) & 63)) - 1)
#define KEY(name, kind)                                                      \
    {                                                                        \
        .text = name "=", .mask = KEY_MASK(name), .len_bytes = sizeof(name), \
        .value = (kind)                                                      \
    }
#define SPAN_KEY(name)                                                     \
    {                                                                      \
        .text = #name "=", .mask = KEY_MASK(#name),                        \
        .offset = offsetof(lp_measures, name), .len_bytes = sizeof(#name), \
        .value = ROUTER_SPAN                                               \
    }
// clang-format off
static const router_key router_keys[] = {
    SPAN_KEY(at),
    SPAN_KEY(method),
    SPAN_KEY(path),
    SPAN_KEY(host),
    SPAN_KEY(request_id),
    KEY("fwd", ROUTER_NOTHING),
    SPAN_KEY(dyno),
    KEY("connect", ROUTER_MS),
    KEY("service", ROUTER_MS),
    KEY("status", ROUTER_STATUS),
    KEY("bytes", ROUTER_BYTES),
    KEY("protocol", ROUTER_NOTHING),
    KEY("tls", ROUTER_NOTHING),
    KEY("tls_version", ROUTER_NOTHING),
    SPAN_KEY(code),
    SPAN_KEY(desc),
    KEY("queue", ROUTER_PLAIN),
    KEY("wait", ROUTER_MS),
};
// clang-format on

enum { ROUTER_KEYS = sizeof(router_keys) / sizeof(router_keys[0]) };

/* Whether a key of more than eight bytes ends as well as it begins. */
static bool ends_as(const lpi_pairs *pairs, const char *at,
                    const router_key *key)
{
    return pairs->end - at >= key->len_bytes &&
           lp_swar_load(at + key->len_bytes - 8) ==
               lp_swar_load(key->text + key->len_bytes - 8);
}

/* Which one begins at a place, from *next on and once around. NULL: none. */
static const router_key *find_router_key(const lpi_pairs *pairs, const char *at,
                                         unsigned *next)
{
    uint64_t word = lpi_pairs_word(pairs, at);
    unsigned i = *next;

    do {
        const router_key *key = &router_keys[i];

        i = i + 1 < ROUTER_KEYS ? i + 1 : 0;
        if ((word & key->mask) == lp_swar_load(key->text) &&
            (key->len_bytes <= sizeof(word) || ends_as(pairs, at, key))) {
            *next = i;
            return key;
        }
    } while (i != *next);
    return NULL;
}

static void set_span(const router_key *key, lp_span value, lp_measures *out)
{
    lp_span *span = (void *)((char *)out + key->offset);

    // In two words, as it was written: for 16 bytes at once the processor would
    // wait until both are in its cache.
    span->ptr = value.ptr;
    span->len_bytes = value.len_bytes;
}

/* lpi_measures_add() of a key that has a text; the most common numbers, "18ms" and
 * "200", at once. */
static inline bool add_number(const lpi_pairs *pairs, const lp_pair *pair,
                              lp_unit unit, lp_measures *out)
{
    enum { MS = 'm' | 's' << 8 };
    uint64_t word = lpi_pairs_word(pairs, pair->value.ptr);
    size_t len_bytes = pair->value.len_bytes;
    uint32_t number;
    size_t n = lpi_number_of_word(word, &number);
    bool is_ms = n + 2 == len_bytes && (word >> 8 * n & 0xffff) == MS;
    lp_measure *to = &out->list[out->count];

    if (n == 0 || !(n == len_bytes || is_ms) || out->count == LP_MEASURES_MAX) {
        return lpi_measures_add(out, LP_OP_MEASURE, pair->key, pair->value,
                                unit);
    }
    out->count++;
    to->name.ptr = pair->key.ptr;
    to->name.len_bytes = pair->key.len_bytes;
    to->text.ptr = pair->value.ptr;
    to->text.len_bytes = len_bytes;
    to->suffix.ptr = pair->value.ptr + n;
    to->suffix.len_bytes = len_bytes - n;
    to->value = number;
    to->op = LP_OP_MEASURE;
    to->unit = (uint8_t)(is_ms ? LP_UNIT_MS : unit);
    return true;
}

/* Whether it tells a router. */
static inline bool read_router_value(const lpi_pairs *pairs,
                                     const router_key *key, const lp_pair *pair,
                                     lp_measures *out)
{
    lp_unit unit = LP_UNIT_NONE;

    switch ((router_value)key->value) {
    case ROUTER_NOTHING:
        return false;
    case ROUTER_SPAN:
        set_span(key, pair->value, out);
        return key->offset == offsetof(lp_measures, code) &&
               pair->value.len_bytes > 0;
    case ROUTER_STATUS:
        out->status = lpi_small_number(pair->value);
        return out->status >= 0;
    case ROUTER_PLAIN:
        break;
    case ROUTER_MS:
        unit = LP_UNIT_MS;
        break;
    case ROUTER_BYTES:
        unit = LP_UNIT_BYTES;
        break;
    }
    return add_number(pairs, pair, unit, out);
}

/* A pair that the router does not write. */
static void read_other_pair(lpi_pairs *pairs, triple *open, lp_measures *out)
{
    lp_pair pair;

    if (lpi_pairs_next(pairs, &pair)) {
        read_convention(pairs, &pair, open, out);
    }
}

/* Returns whether there was anything that only a router writes. */
static bool read_router_pairs(lpi_pairs *pairs, bool is_cut, lp_measures *out)
{
    triple open = {.op = LP_OP_SAMPLE};
    bool is_router = false;
    unsigned next = 0;
    const char *at;

    while ((at = lpi_pairs_start(pairs)) < pairs->end) {
        const router_key *key = find_router_key(pairs, at, &next);

        if (key != NULL) {
            lp_pair pair = {.key = {at, key->len_bytes - 1U}};

            lpi_pairs_take_value(pairs, at + key->len_bytes, &pair);
            end_triple(&open, lp_span_of(NULL, 0), out);
            if (!pair.unterminated) {
                is_router |= read_router_value(pairs, key, &pair, out);
            }
        } else {
            // Word by word, and so that the others may stay in registers.
            lpi_pairs others = {pairs->start, at, pairs->end};

            read_other_pair(&others, &open, out);
            pairs->at = others.at;
        }
    }
    end_conventions(&open, is_cut, out);
    return is_router;
}

static lp_span take_word(lpi_pairs *pairs)
{
    const char *start = lpi_pairs_start(pairs);

    pairs->at = lpi_pairs_find(pairs, start, LPI_STOP_BLANK);
    return lp_span_of(start, (size_t)(pairs->at - start));
}

/* "GET host/path", as older routers begin. */
static void take_request(lpi_pairs *pairs, lp_measures *out)
{
    lp_span scheme = LP_SPAN("http://");
    lp_span url;
    const char *slash;

    out->method = take_word(pairs);
    url = take_word(pairs);
    if (lp_span_starts(url, scheme)) {
        url = lp_span_skip(url, scheme.len_bytes);
    }
    slash = url.len_bytes > 0 ? memchr(url.ptr, '/', url.len_bytes) : NULL;
    out->host = url;
    if (slash != NULL) {
        out->host.len_bytes = (size_t)(slash - url.ptr);
        out->path = lp_span_skip(url, out->host.len_bytes);
    }
}

bool lpi_read_router(const lp_measure_line *line, lp_measures *out)
{
    lp_span rest = line->msg;
    lpi_pairs pairs;
    bool is_router =
        lp_span_starts(rest, LP_SPAN("Error ")) && lpi_take_error(&rest, out);

    if (is_router && lp_span_starts(rest, LP_SPAN("-> "))) {
        rest = lp_span_skip(rest, 3);
    }
    out->dyno = lp_span_of(rest.ptr, 0);
    if (rest.len_bytes == 0) {
        return is_router;
    }
    lpi_pairs_init(&pairs, rest);
    if (rest.ptr[0] >= 'A' && rest.ptr[0] <= 'Z') {
        take_request(&pairs, out);
    }
    return read_router_pairs(&pairs, line->is_cut, out) || is_router;
}
