/* The router's lines. */
#include "blanks.h"
#include "measure_pairs.h"

/* Keys -------------------------------------------------------------------- */

typedef enum router_value {
    ROUTER_NOTHING,
    ROUTER_SPAN,
    ROUTER_CODE, /* a span that only a router has */
    ROUTER_NUMBER,
    ROUTER_STATUS
} router_value;

typedef struct router_key {
    char text[16]; /* with its "=" */
    size_t len_bytes;
    size_t offset;            /* of a span in lp_measures */
    int request_offset;       /* of a span in lp_request; or NOWHERE */
    lp_request_number number; /* which one it is there */
    router_value value;
    lp_unit unit; /* of a number that has none */
} router_key;

enum { NOWHERE = -1 };

#define KEY(name, kind)                                           \
    .text = name "=", .len_bytes = sizeof(name), .value = (kind), \
    .request_offset = NOWHERE
#define NO_KEY(name)              \
    {                             \
        KEY(name, ROUTER_NOTHING) \
    }
#define NUMBER_KEY(name, which, base)                               \
    {                                                               \
        KEY(name, ROUTER_NUMBER), .number = (which), .unit = (base) \
    }
#define SPAN_KEY(name)                                                 \
    {                                                                  \
        KEY(#name, ROUTER_SPAN), .offset = offsetof(lp_measures, name) \
    }
#define ASKED_KEY(name, kind)                                           \
    {                                                                   \
        .text = #name "=", .len_bytes = sizeof(#name), .value = (kind), \
        .offset = offsetof(lp_measures, name),                          \
        .request_offset = (int)offsetof(lp_request, name)               \
    }
// In the order in which the router writes them.
static const router_key router_keys[] = {
    SPAN_KEY(at),
    ASKED_KEY(code, ROUTER_CODE),
    SPAN_KEY(desc),
    ASKED_KEY(method, ROUTER_SPAN),
    ASKED_KEY(path, ROUTER_SPAN),
    SPAN_KEY(host),
    SPAN_KEY(request_id),
    NO_KEY("fwd"),
    ASKED_KEY(dyno, ROUTER_SPAN),
    NUMBER_KEY("queue", LP_REQUEST_QUEUE, LP_UNIT_NONE),
    NUMBER_KEY("wait", LP_REQUEST_WAIT, LP_UNIT_MS),
    NUMBER_KEY("connect", LP_REQUEST_CONNECT, LP_UNIT_MS),
    NUMBER_KEY("service", LP_REQUEST_SERVICE, LP_UNIT_MS),
    {KEY("status", ROUTER_STATUS)},
    NUMBER_KEY("bytes", LP_REQUEST_BYTES, LP_UNIT_BYTES),
    NO_KEY("protocol"),
    NO_KEY("tls"),
    NO_KEY("tls_version"),
};

enum {
    FIRST_NUMBER = 9, // of these keys
    ROUTER_KEYS = sizeof(router_keys) / sizeof(router_keys[0]),
    WORD_BYTES = 8
};

static inline void set_span(const router_key *key, lp_span value,
                            lp_measures *out)
{
    lp_span *span = (void *)((char *)out + key->offset);

    // In two words, as it was written: for 16 bytes at once the processor would
    // wait until both are in its cache.
    span->ptr = value.ptr;
    span->len_bytes = value.len_bytes;
}

/* Apart, so that those that are read on the spot save no registers for it. */
__attribute__((noinline)) static bool add_rare_number(lp_measures *out,
                                                      const router_key *key,
                                                      lp_span name,
                                                      lp_span text)
{
    return lpi_measures_add(out, LP_OP_MEASURE, name, text, key->unit);
}

/* A number behind its key; those that the router writes, service=18ms and
 * bytes=22849, at once. */
__attribute__((always_inline)) static inline bool
add_number(lp_measures *out, const router_key *key, lp_span name, lp_span text,
           uint64_t word)
{
    // Of an empty one that is the end of its key.
    const char *last_two = text.ptr + text.len_bytes - 2;
    size_t suffix_bytes = key->unit == LP_UNIT_MS ? 2 : 0;
    size_t n = text.len_bytes - suffix_bytes;
    lp_measure *to = &out->list[out->count];
    uint32_t number;

    if (out->count == LP_MEASURES_MAX ||
        (key->unit == LP_UNIT_MS && memcmp(last_two, "ms", 2) != 0) ||
        !(key->unit == LP_UNIT_BYTES ? lpi_number_of_word(word, n, &number)
                                     : lpi_number_of_half(word, n, &number))) {
        return add_rare_number(out, key, name, text);
    }
    out->count++;
    to->name.ptr = name.ptr;
    to->name.len_bytes = name.len_bytes;
    to->text.ptr = text.ptr;
    to->text.len_bytes = text.len_bytes;
    to->suffix.ptr = text.ptr + n;
    to->suffix.len_bytes = suffix_bytes;
    to->value = (int32_t)number;
    to->op = LP_OP_MEASURE;
    to->unit = (uint8_t)key->unit;
    return true;
}

/* The digits at the front. */
static inline bool set_status(lp_measures *out, lp_span text, uint64_t word)
{
    uint32_t number;

    out->status = lpi_number_of_half(word, text.len_bytes, &number)
                      ? (int32_t)number
                      : lpi_small_number(text);
    return out->status >= 0;
}

/* Whether it tells a router. */
__attribute__((always_inline)) static inline bool
read_router_value(const lpi_pairs *pairs, const router_key *key, lp_span name,
                  lp_span value, lp_measures *out)
{
    switch (key->value) {
    case ROUTER_NOTHING:
        return false;
    case ROUTER_SPAN:
        set_span(key, value, out);
        return false;
    case ROUTER_CODE:
        set_span(key, value, out);
        return value.len_bytes > 0;
    case ROUTER_NUMBER:
        return add_number(out, key, name, value,
                          lpi_pairs_word(pairs, value.ptr));
    case ROUTER_STATUS:
        break;
    }
    return set_status(out, value, lpi_pairs_word(pairs, value.ptr));
}

/* Pairs as usual ---------------------------------------------------------- */

/*
 * Nearly all lines of a router have the same keys in the same order, one blank
 * between two pairs and no blank in a value. For these there is a way of their
 * own: each place is held against each key in its order, which are constants in
 * the code then, and where a pair ends is known beforehand.
 */
typedef struct router_walk {
    const lpi_pairs *pairs;
    const char *at;
    const char *last; /* a blank behind it has too little behind itself */
    lpi_blanks blanks;
    bool is_router; /* there was something that only a router writes */
} router_walk;

/* A key that has a word's length at most, and a byte behind it. */
enum { PAIR_BYTES = WORD_BYTES + 1 };

/* Apart, as there are many who ask and few who need it. */
__attribute__((noinline)) static lpi_blanks blanks_from(const lpi_pairs *pairs,
                                                        const char *at)
{
    return lpi_blanks_from(pairs, at);
}

/* Whether the quote at stop is the first one from at on. It may say no when there
 * is little in front of it. */
__attribute__((noinline)) static bool
is_quoted(const char *start, const char *at, const char *stop)
{
    const char *tail;

    if (*stop != '"' || stop - start < LPI_STOP_BYTES) {
        return false;
    }
    tail = stop - LPI_STOP_BYTES;
    for (; at < tail; at += LPI_STOP_BYTES) {
        if (lpi_stop_mask(at, LPI_STOP_QUOTE) != 0) {
            return false;
        }
    }
    return lpi_stop_mask(tail, LPI_STOP_QUOTE) >> (at - tail) == 0;
}

/* By its first and its last bytes, two, four or eight, as the compiler makes one
 * comparison of each. There are PAIR_BYTES. */
static inline bool is_at_key(const char *at, const char *end,
                             const router_key *key)
{
    size_t n = key->len_bytes;
    size_t first = n < 4 ? 2 : 4;
    size_t last = n <= WORD_BYTES ? first : WORD_BYTES;

    return memcmp(at, key->text, first) == 0 &&
           (n <= WORD_BYTES || end - at > (ptrdiff_t)n) &&
           memcmp(at + n - last, key->text + n - last, last) == 0;
}

/* Where the blank is that is next; NULL: not nearby. */
static inline const char *take_blank(router_walk *walk)
{
    if (walk->blanks.bits == 0) {
        walk->blanks =
            blanks_from(walk->pairs, walk->blanks.at + LPI_BLANKS_BYTES);
        if (walk->blanks.bits == 0) {
            return NULL;
        }
    }
    return lpi_blanks_take(&walk->blanks);
}

/* The value of the key that stands there, and where the blank behind it is. NULL: it
 * is not as usual. */
static inline const char *find_value(router_walk *walk, const router_key *key,
                                     lp_span *value)
{
    const char *start = walk->at + key->len_bytes;
    const char *stop = take_blank(walk);
    const char *end = stop;

    if (stop == NULL) {
        return NULL;
    }
    if (*start == '"') {
        start++;
        end--;
        if (start > end || !is_quoted(walk->pairs->start, start, end)) {
            return NULL;
        }
    }
    value->ptr = start;
    value->len_bytes = (size_t)(end - start);
    return stop;
}

/* To the next pair. False: there is too little left for one. */
static inline bool step_to_next(const char **at, const char *last,
                                const char *stop)
{
    *at = stop;
    if (stop >= last) {
        return false;
    }
    ++*at;
    return true;
}

/* False: there is no room for a pair. */
static inline bool begin_walk(router_walk *walk, const lpi_pairs *pairs)
{
    walk->pairs = pairs;
    walk->at = pairs->at;
    walk->is_router = false;
    if (pairs->end - pairs->at < PAIR_BYTES) {
        return false;
    }
    walk->last = pairs->end - PAIR_BYTES;
    walk->blanks = blanks_from(pairs, pairs->at);
    return walk->blanks.bits != 0;
}

/* Takes a pair if it has the key. False: what comes next is not as usual. */
static inline bool take_usual_pair(router_walk *walk, const router_key *key,
                                   lp_measures *out)
{
    const char *at = walk->at;
    const char *stop;
    lp_span value;

    if (!is_at_key(at, walk->pairs->end, key)) {
        return true;
    }
    stop = find_value(walk, key, &value);
    if (stop == NULL) {
        return false;
    }
    walk->is_router |= read_router_value(
        walk->pairs, key, lp_span_of(at, key->len_bytes - 1), value, out);
    return step_to_next(&walk->at, walk->last, stop);
}

/* Up to the first pair that is not as usual. Returns whether there was anything
 * that only a router writes. */
static bool read_usual_pairs(lpi_pairs *pairs, lp_measures *out)
{
    router_walk walk;
    bool is_usual = begin_walk(&walk, pairs);
    const char *at;

    if (!is_usual) {
        return false;
    }
    do {
        at = walk.at;
#pragma GCC unroll 18
        for (int i = 0; i < ROUTER_KEYS && is_usual; i++) {
            is_usual = take_usual_pair(&walk, &router_keys[i], out);
        }
    } while (is_usual && walk.at != at);
    pairs->at = walk.at;
    return walk.is_router;
}

/* Requests ---------------------------------------------------------------- */

/* The same of a request, of which all blanks are known beforehand. A quoted value may
 * have some. */
typedef struct request_walk {
    const char *at;
    const char *last; /* as of a router_walk */
    const char *end;
    const char *const *next; /* blank */
    unsigned quotes;         /* that no value has had */
} request_walk;

/* A number whose last digit stands in front of end, with eight bytes of the text
 * before it, its key and another pair; so it needs no look at what is behind. Most
 * have four digits at most, but those of bytes. */
static inline bool number_before(const router_key *key, const char *end,
                                 size_t n, uint32_t *out)
{
    uint64_t word;

    if (n - 1 >= WORD_BYTES) {
        return false;
    }
    // Its digits are at the top: now at the bottom, as a number begins.
    word = lp_swar_load(end - WORD_BYTES) >> (64 - 8 * n);
    return key->unit != LP_UNIT_BYTES && n <= WORD_BYTES / 2
               ? lpi_number_of_half(word, n, out)
               : lpi_number_of_word(word, n, out);
}

/* False: it is there, and is none of eight digits with the unit that is meant. */
static inline bool take_request_number(const router_key *key, lp_span value,
                                       lp_request *out)
{
    size_t unit_bytes = key->unit == LP_UNIT_MS ? 2 : 0;
    const char *end = value.ptr + value.len_bytes - unit_bytes;

    if (value.len_bytes == 0) {
        return true;
    }
    if (unit_bytes > 0 && memcmp(end, "ms", 2) != 0) {
        return false;
    }
    if (key->value == ROUTER_STATUS) {
        uint32_t status = 0;
        bool is_one = number_before(key, end, value.len_bytes, &status);

        out->status = (int32_t)status;
        return is_one;
    }
    out->has |= 1U << key->number;
    return number_before(key, end, value.len_bytes - unit_bytes,
                         &out->numbers[key->number]);
}

/* The value of the key that stands there. Returns the blank behind it, or the end of
 * the text where a quoted one has no end: a quote is left over then, as it is where
 * one does not belong, and that is asked in the end. */
static inline const char *
find_request_value(request_walk *walk, const router_key *key, lp_span *value)
{
    const char *start = walk->at + key->len_bytes;
    const char *stop = *walk->next++;
    const char *end = stop;

    if (*start == '"') {
        start++;
        while (stop[-1] != '"' || stop <= start) {
            if (stop == walk->end) {
                return stop;
            }
            stop = *walk->next++;
        }
        end = stop - 1;
        walk->quotes -= 2;
    }
    value->ptr = start;
    value->len_bytes = (size_t)(end - start);
    return stop;
}

/* As take_usual_pair(). False, too: it is not for a request. */
static inline bool take_request_pair(request_walk *walk, const router_key *key,
                                     lp_request *out)
{
    lp_span value = {walk->at, 0};
    const char *stop;

    if (!is_at_key(walk->at, walk->end, key)) {
        return true;
    }
    stop = find_request_value(walk, key, &value);
    if (key->request_offset != NOWHERE) {
        lp_span *span = (void *)((char *)out + key->request_offset);

        span->ptr = value.ptr;
        span->len_bytes = value.len_bytes;
    }
    if ((key->value == ROUTER_NUMBER || key->value == ROUTER_STATUS) &&
        !take_request_number(key, value, out)) {
        return false;
    }
    return step_to_next(&walk->at, walk->last, stop);
}

bool lpi_read_request(lp_span msg, lp_request *out)
{
    lpi_blank_list blanks;
    request_walk walk;
    bool is_usual = true;

    if (!lpi_blanks_of(msg, &blanks)) {
        return false;
    }
    out->method.len_bytes = 0;
    out->path.len_bytes = 0;
    out->dyno.len_bytes = 0;
    out->code.len_bytes = 0;
    out->status = -1;
    out->has = 0;
    walk.at = msg.ptr;
    walk.end = msg.ptr + msg.len_bytes;
    walk.last = walk.end - PAIR_BYTES;
    walk.next = blanks.at;
    walk.quotes = blanks.quotes;
#pragma GCC unroll 18
    for (int i = 0; i < ROUTER_KEYS && is_usual; i++) {
        // Numbers have something in front of them, so that a word can be read there.
        is_usual = take_request_pair(&walk, &router_keys[i], out) &&
                   (i + 1 != FIRST_NUMBER || walk.at != msg.ptr);
    }
    return walk.at == walk.end && walk.quotes == 0 &&
           (out->has != 0 || out->status >= 0 || out->code.len_bytes > 0);
}

/* Any pairs --------------------------------------------------------------- */

static const router_key *find_router_key(lp_span name)
{
    for (int i = 0; i < ROUTER_KEYS; i++) {
        const router_key *key = &router_keys[i];

        if (lp_span_equal(name, lp_span_of(key->text, key->len_bytes - 1))) {
            return key;
        }
    }
    return NULL;
}

/* Returns whether there was anything that only a router writes. */
static bool read_any_pairs(lpi_pairs *pairs, bool is_cut, lp_measures *out)
{
    lpi_triple open = {.op = LP_OP_SAMPLE};
    bool is_router = false;
    lp_pair pair;

    while (lpi_pairs_next(pairs, &pair)) {
        const router_key *key =
            pair.value.ptr != NULL ? find_router_key(pair.key) : NULL;

        if (key == NULL) {
            lpi_read_convention(pairs, &pair, &open, out);
        } else {
            lpi_triple_end(&open, lp_span_of(NULL, 0), out);
            if (!pair.unterminated) {
                is_router |=
                    read_router_value(pairs, key, pair.key, pair.value, out);
            }
        }
        if (open.value.len_bytes == 0) {
            lpi_pairs_start(pairs);
            is_router |= read_usual_pairs(pairs, out);
        }
    }
    lpi_end_conventions(&open, is_cut, out);
    return is_router;
}

/* Lines ------------------------------------------------------------------- */

static bool is_capital(char c)
{
    return c >= 'A' && c <= 'Z';
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
    lpi_pairs_start(pairs);
}

/* What older routers begin with, "Error H12 (Request timeout) -> GET host/path".
 * Returns whether there was an error. */
__attribute__((noinline)) static bool take_beginning(lpi_pairs *pairs,
                                                     lp_measures *out)
{
    lp_span rest = lp_span_of(pairs->at, (size_t)(pairs->end - pairs->at));
    bool is_error =
        lp_span_starts(rest, LP_SPAN("Error ")) && lpi_take_error(&rest, out);

    if (is_error && lp_span_starts(rest, LP_SPAN("-> "))) {
        rest = lp_span_skip(rest, 3);
    }
    out->dyno = lp_span_of(rest.ptr, 0);
    lpi_pairs_init(pairs, rest);
    if (rest.len_bytes > 0 && is_capital(rest.ptr[0])) {
        take_request(pairs, out);
    }
    return is_error;
}

bool lpi_read_router(lp_span msg, bool is_cut, lp_measures *out)
{
    bool is_router = false;
    lpi_pairs pairs;

    out->dyno = lp_span_of(msg.ptr, 0);
    if (msg.len_bytes == 0) {
        return false;
    }
    lpi_pairs_init(&pairs, msg);
    if (is_capital(msg.ptr[0])) {
        is_router = take_beginning(&pairs, out);
    }
    is_router |= read_usual_pairs(&pairs, out);
    if (pairs.at != pairs.end) {
        is_router |= read_any_pairs(&pairs, is_cut, out);
    }
    return is_router;
}
