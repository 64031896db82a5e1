#include "route_impl.h"

#include <stdint.h>

#include "hash.h"
#include "path_marks.h"

/* What a byte of a path is. */
enum {
    DIGIT = 1,
    HEX = 2, /* of a letter: a to f, in either case */
    LOWER = 4,
    UPPER = 8,
    MARK = 16,  /* stands between words, and says nothing */
    SPELT = 32, /* "%" and "@" */
    BAD = 64,   /* has no place in a URI (RFC 3986) */
    END = 128   /* of a segment */
};

enum {
    LETTER = LOWER | UPPER,
    CALM =
        LOWER | HEX | MARK, /* a segment of these alone, if it is shorter than
                                  a UUID, is a word */
    ESCAPES_MAX = 2,
    EXTENSION_MAX_BYTES = 5,
    UUID_BYTES = 36
};

/* What makes an id. Chance alone hardly writes a word that does not turn from
 * letters to digits more often than "sha256sum" does. */
enum {
    NUMBER_IN_WORDS_LEAST = 5, /* digits: "post-12345" */
    DIGITS_IN_TOKEN_LEAST = 6,
    DIGITS_LEAST = 8, /* of a segment: "2024-01-02-news", "order-1234-5678" */
    HEX_LEAST = 8,
    LEADING_DIGITS_LEAST = 3, /* "123-my-title" */
    TURNS_LEAST = 3,          /* of a token of TURNING_LEAST bytes */
    TURNING_LEAST = 8,
    MANY_TURNS_LEAST = 4, /* of a shorter one, or of a whole segment */
    SHORT_LEAST = 6,
    SEGMENT_LEAST = 12,
    MIXED_LEAST = 16, /* with digits, capital and small letters */
    CASED_LEAST = 20  /* without digits */
};

// clang-format off
#define B BAD
#define D DIGIT
#define E END
#define M MARK
#define S SPELT
#define L LOWER
#define l (LOWER | HEX)
#define U UPPER
#define u (UPPER | HEX)
static const uint8_t classes[256] = {
    B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B,
    B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B,
    B, M, B, E, M, S, M, M, M, M, M, M, M, M, M, E, /*  !"#$%&'()*+,-./ */
    D, D, D, D, D, D, D, D, D, D, M, E, B, M, B, E, /* 0123456789:;<=>? */
    S, u, u, u, u, u, u, U, U, U, U, U, U, U, U, U, /* @A to O */
    U, U, U, U, U, U, U, U, U, U, U, B, B, B, B, M, /* P to Z[\]^_ */
    B, l, l, l, l, l, l, L, L, L, L, L, L, L, L, L, /* `a to o */
    L, L, L, L, L, L, L, L, L, L, L, B, B, B, M, B, /* p to z{|}~ */
    B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B,
    B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B,
    B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B,
    B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B,
    B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B,
    B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B,
    B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B,
    B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B,
};
#undef B
#undef D
#undef E
#undef M
#undef S
#undef L
#undef l
#undef U
#undef u
// clang-format on

static inline unsigned class_of(char c)
{
    return classes[(unsigned char)c];
}

/* Segments ---------------------------------------------------------------- */

/* A run of letters and digits, or what all of a segment's have together. */
typedef struct looks {
    unsigned bytes;
    unsigned digits;
    unsigned beyond_hex; /* letters behind f */
    unsigned turns;      /* from a letter to a digit or back */
    unsigned rises;      /* from a small letter to a capital one */
    unsigned capital_pairs;
    unsigned classes;
} looks;

static void look_at(looks *at, unsigned before, unsigned now)
{
    at->bytes++;
    at->classes |= now;
    at->digits += (now & DIGIT) != 0;
    at->beyond_hex += (now & (DIGIT | HEX)) == 0;
    at->turns += before != 0 && (before & DIGIT) != (now & DIGIT);
    at->rises += (before & LOWER) != 0 && (now & UPPER) != 0;
    at->capital_pairs += (before & UPPER) != 0 && (now & UPPER) != 0;
}

/* Capitals and small letters as chance has them, and not as in "getUserById",
 * where capitals stand alone, nor as in "README". */
static bool has_random_case(const looks *token)
{
    return token->bytes >= CASED_LEAST &&
           token->capital_pairs * 8 >= token->bytes &&
           token->rises * 8 >= token->bytes;
}

static bool is_token_id(const looks *token)
{
    if (token->digits == 0) {
        return has_random_case(token);
    }
    if (token->digits == token->bytes) {
        return token->digits >= NUMBER_IN_WORDS_LEAST;
    }
    if (token->digits >= DIGITS_IN_TOKEN_LEAST ||
        (token->beyond_hex == 0 && token->bytes >= HEX_LEAST)) {
        return true;
    }
    if (token->bytes >= MIXED_LEAST && token->turns >= 2 &&
        (token->classes & LETTER) == LETTER) {
        return true;
    }
    return (token->bytes >= TURNING_LEAST && token->turns >= TURNS_LEAST) ||
           (token->bytes >= SHORT_LEAST && token->turns >= MANY_TURNS_LEAST);
}

/* Takes the run of letters and digits that begins at *at. */
static looks take_token(lp_span text, size_t *at)
{
    looks token = {0};
    unsigned before = 0;

    for (; *at < text.len_bytes; (*at)++) {
        unsigned now = class_of(text.ptr[*at]);

        if ((now & (DIGIT | LETTER)) == 0) {
            break;
        }
        look_at(&token, before, now);
        before = now;
    }
    return token;
}

/* Skips what stands between two of them. */
static void skip_marks(lp_span text, size_t *at)
{
    while (*at < text.len_bytes &&
           (class_of(text.ptr[*at]) & (DIGIT | LETTER)) == 0) {
        *at += text.ptr[*at] == '%' ? 3 : 1; // an escape is no letters
    }
}

static bool has_id(lp_span text)
{
    unsigned digits = 0;
    unsigned turns = 0;
    unsigned letters = 0;
    size_t at = 0;

    skip_marks(text, &at);
    while (at < text.len_bytes) {
        size_t start = at;
        looks token = take_token(text, &at);

        if (is_token_id(&token) ||
            (start == 0 && token.digits == token.bytes &&
             token.digits >= LEADING_DIGITS_LEAST && at < text.len_bytes &&
             text.ptr[at] == '-')) {
            return true;
        }
        digits += token.digits;
        turns += token.turns;
        letters += token.bytes - token.digits;
        skip_marks(text, &at);
    }
    return (letters == 0 && digits > 0) || digits >= DIGITS_LEAST ||
           (turns >= MANY_TURNS_LEAST && text.len_bytes >= SEGMENT_LEAST);
}

static bool is_uuid(lp_span text)
{
    if (text.len_bytes != UUID_BYTES) {
        return false;
    }
    for (size_t i = 0; i < UUID_BYTES; i++) {
        bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;

        if (is_dash ? text.ptr[i] != '-'
                    : (class_of(text.ptr[i]) & (DIGIT | HEX)) == 0) {
            return false;
        }
    }
    return true;
}

/* A name of somebody, or a text that somebody wrote. */
static bool is_spelt(lp_span text)
{
    size_t escapes = 0;

    for (size_t i = 0; i < text.len_bytes; i++) {
        if (text.ptr[i] == '@' && text.len_bytes > 1) {
            return true;
        }
        if (text.ptr[i] != '%') {
            continue;
        }
        escapes++;
        if (escapes > ESCAPES_MAX || text.len_bytes - i < 3 ||
            (class_of(text.ptr[i + 1]) & (DIGIT | HEX)) == 0 ||
            (class_of(text.ptr[i + 2]) & (DIGIT | HEX)) == 0 ||
            memcmp(text.ptr + i, "%40", 3) == 0) {
            return true;
        }
    }
    return false;
}

/* ".json", ".mp3": a letter, and up to four more or one digit among them. */
static size_t extension_bytes(lp_span text)
{
    unsigned digits = 0;
    size_t n = 0;

    for (; n < text.len_bytes && n <= EXTENSION_MAX_BYTES; n++) {
        char c = text.ptr[text.len_bytes - n - 1];
        unsigned now = class_of(c);

        if (c == '.') {
            return n > 0 && digits <= 1 && n + 1 < text.len_bytes &&
                           (class_of(text.ptr[text.len_bytes - n]) & LETTER) !=
                               0
                       ? n + 1
                       : 0;
        }
        if ((now & (DIGIT | LETTER)) == 0) {
            return 0;
        }
        digits += (now & DIGIT) != 0;
    }
    return 0;
}

/* Of a segment that is not calm: whether it is an id, and how many of its last
 * bytes stay all the same. */
static bool is_id(lp_span segment, unsigned all, size_t *kept_bytes)
{
    lp_span stem = segment;

    *kept_bytes = 0;
    if (all == DIGIT || (all & BAD) != 0 ||
        segment.len_bytes > LP_ROUTE_SEGMENT_MAX_BYTES || is_uuid(segment) ||
        ((all & SPELT) != 0 && is_spelt(segment))) {
        return true;
    }
    if (segment.len_bytes < NUMBER_IN_WORDS_LEAST &&
        (class_of(segment.ptr[0]) & LETTER) != 0) {
        return false; // "v1"
    }
    *kept_bytes = extension_bytes(segment);
    stem.len_bytes -= *kept_bytes;
    return has_id(stem);
}

/* Paths ------------------------------------------------------------------- */

static const char id[] = {':', 'i', 'd'};
static const char cut_mark[] = {'/', '.', '.', '.'};

typedef struct route {
    char *text; /* LP_ROUTE_ROOM_BYTES: it may be too long by one segment */
    size_t len_bytes;
    size_t max_bytes;
    size_t cut_at; /* the last place where the mark has room */
} route;

static void put(route *to, lp_span text)
{
    memcpy(to->text + to->len_bytes, text.ptr, text.len_bytes);
    to->len_bytes += text.len_bytes;
}

static void put_byte(route *to, char c)
{
    to->text[to->len_bytes] = c;
    to->len_bytes++;
}

/* False: it is full. */
static bool has_room(route *to)
{
    if (to->len_bytes + sizeof(cut_mark) <= to->max_bytes) {
        to->cut_at = to->len_bytes;
        return true;
    }
    return to->len_bytes <= to->max_bytes;
}

__attribute__((noinline)) static void put_any_method(route *to, lp_span method)
{
    bool is_method = method.len_bytes <= LP_ROUTE_METHOD_MAX_BYTES;

    for (size_t i = 0; is_method && i < method.len_bytes; i++) {
        char c = method.ptr[i];

        to->text[i] = c;
        is_method =
            (class_of(c) & (LETTER | DIGIT)) != 0 || c == '-' || c == '_';
    }
    to->len_bytes = method.len_bytes;
    if (!is_method) {
        to->text[0] = '?';
        to->len_bytes = 1;
    }
    put_byte(to, ' ');
}

/* Most are one of two. */
static inline void put_method(route *to, lp_span method)
{
    if (method.len_bytes == 0) {
        return;
    }
    if (method.len_bytes == 3 && memcmp(method.ptr, "GET", 3) == 0) {
        memcpy(to->text, "GET ", 4);
        to->len_bytes = 4;
    } else if (method.len_bytes == 4 && memcmp(method.ptr, "POST", 4) == 0) {
        memcpy(to->text, "POST ", 5);
        to->len_bytes = 5;
    } else {
        put_any_method(to, method);
    }
}

/* Which of eight bytes is no small letter, "-", "." or "_": the top bit of each,
 * of which only the lowest is asked for. */
static inline uint64_t stops_of(uint64_t word)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    const uint64_t tops = UINT64_C(0x80) * ones;
    uint64_t low = word & ~tops;
    uint64_t is_letter =
        (low + (0x80 - 'a') * ones) & ~(low + (0x7f - 'z') * ones);
    uint64_t is_dash =
        (low + (0x80 - '-') * ones) & ~(low + (0x7f - '.') * ones);
    uint64_t is_line = ~((low ^ '_' * ones) + 0x7f * ones);

    return (~(is_letter | is_dash | is_line) | word) & tops;
}

/* The word that a path begins with, when that is all of a segment; 0: it is not.
 * It is written while it is looked at, as most stay what they are, and eight
 * bytes at a time: text has room for that. */
static inline size_t take_word(route *to, lp_span path)
{
    char *out = to->text + to->len_bytes;
    size_t n = 0;

    for (; path.len_bytes - n >= 8 && n < UUID_BYTES; n += 8) {
        uint64_t word;
        uint64_t stops;

        memcpy(&word, path.ptr + n, sizeof(word));
        memcpy(out + n, &word, sizeof(word));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        word = __builtin_bswap64(word);
#endif
        stops = stops_of(word);
        if (stops != 0) {
            n += (size_t)__builtin_ctzll(stops) >> 3;
            return class_of(path.ptr[n]) == END && n < UUID_BYTES ? n : 0;
        }
    }
    for (; n < path.len_bytes && n < UUID_BYTES; n++) {
        unsigned now = class_of(path.ptr[n]);

        if ((now & ~(unsigned)CALM) != 0) {
            return now == END ? n : 0;
        }
        out[n] = path.ptr[n];
    }
    return n < UUID_BYTES ? n : 0;
}

/* Any segment. Returns the classes of its bytes. */
static unsigned take_segment(lp_span path, size_t *bytes)
{
    unsigned all = 0;
    size_t n = 0;

    for (; n < path.len_bytes; n++) {
        unsigned now = class_of(path.ptr[n]);

        if (now == END) {
            break;
        }
        all |= now;
    }
    *bytes = n;
    return all;
}

/* Takes a segment off the front of *path, which is not empty. */
__attribute__((noinline)) static void fold_segment(route *to, lp_span *path)
{
    size_t n = take_word(to, *path);
    size_t kept_bytes;
    lp_span segment;
    unsigned all;

    if (n > 0) {
        to->len_bytes += n;
        *path = lp_span_skip(*path, n);
        return;
    }
    all = take_segment(*path, &n);
    segment = lp_span_of(path->ptr, n);
    *path = lp_span_skip(*path, n);
    if (n > 0 && is_id(segment, all, &kept_bytes)) {
        put(to, lp_span_of(id, sizeof(id)));
        segment = lp_span_skip(segment, n - kept_bytes);
    }
    put(to, segment);
}

/* Parameters of a segment, and slashes one behind the other. Returns whether
 * there was a slash. */
static bool skip_between(lp_span *path)
{
    size_t n = 0;

    if (path->len_bytes > 0 && path->ptr[0] == ';') {
        while (n < path->len_bytes && path->ptr[n] != '/' &&
               path->ptr[n] != '?' && path->ptr[n] != '#') {
            n++;
        }
        *path = lp_span_skip(*path, n);
    }
    for (n = 0; n < path->len_bytes && path->ptr[n] == '/'; n++) {
    }
    *path = lp_span_skip(*path, n);
    return n > 0;
}

/* What stands behind the host of a whole URL; of any other path all of it. */
static lp_span behind_host(lp_span path)
{
    size_t n = 0;

    while (n < path.len_bytes &&
           (classes[(unsigned char)path.ptr[n]] & (LETTER | DIGIT)) != 0) {
        n++;
    }
    if (n == 0 || !lp_span_starts(lp_span_skip(path, n), LP_SPAN("://"))) {
        return path;
    }
    n += 3;
    while (n < path.len_bytes && path.ptr[n] != '/' && path.ptr[n] != '?' &&
           path.ptr[n] != '#') {
        n++;
    }
    return lp_span_skip(path, n);
}

/* False: there was no room for all of it. */
__attribute__((noinline)) static bool put_any_path(route *to, lp_span path)
{
    size_t start = to->len_bytes;
    bool fits = has_room(to);

    path = behind_host(path);
    while (fits && path.len_bytes > 0 && path.ptr[0] != '?' &&
           path.ptr[0] != '#') {
        if (skip_between(&path) &&
            (to->len_bytes == start || to->text[to->len_bytes - 1] != '/')) {
            put_byte(to, '/');
        }
        if (path.len_bytes > 0) {
            fold_segment(to, &path);
        }
        fits = has_room(to);
    }
    if (fits && to->len_bytes == start) {
        put_byte(to, '/');
    }
    return fits;
}

/* Paths as usual ---------------------------------------------------------- */

/* So many of the lowest bits, fewer than 64. */
static inline uint64_t bits_upto(size_t n)
{
    return (UINT64_C(1) << n) - 1;
}

/* n bytes as they are, fewer than LPI_MARKED_BYTES, with room for as many behind
 * them. */
static inline void put_as_it_is(route *to, const char *from, size_t n)
{
    char *out = to->text + to->len_bytes;

    memcpy(out, from, LPI_MARKS_STEP);
    if (n > LPI_MARKS_STEP) {
        memcpy(out + LPI_MARKS_STEP, from + LPI_MARKS_STEP,
               LPI_MARKED_BYTES - LPI_MARKS_STEP);
    }
    to->len_bytes += n;
}

/* A segment of small letters, digits and the like, with room for LPI_MARKED_BYTES
 * behind it: a word, a number, or what is looked at more closely. */
static inline void fold_usual_segment(route *to, lp_span segment,
                                      uint64_t digits)
{
    size_t n = segment.len_bytes;

    if (digits == 0
            ? n < UUID_BYTES
            : n < NUMBER_IN_WORDS_LEAST && segment.ptr[0] >= 'a') { // "v1"
        put_as_it_is(to, segment.ptr, n);
    } else if (digits == bits_upto(n)) {
        put(to, lp_span_of(id, sizeof(id)));
    } else {
        fold_segment(to, &segment);
    }
}

/* How many bytes a path has, of a few, in front of its query, when all are usual;
 * 0: there is another one, or it is longer, or it has two slashes side by side. */
static inline size_t usual_bytes(lp_span path, const lpi_path_marks *marks)
{
    size_t n =
        path.len_bytes < LPI_MARKED_BYTES ? path.len_bytes : LPI_MARKED_BYTES;
    uint64_t odd = ~marks->usual & bits_upto(n);
    uint64_t slashes = marks->slashes;

    if (odd != 0) {
        n = (size_t)__builtin_ctzll(odd);
        if (path.ptr[n] != '?' && path.ptr[n] != '#') {
            return 0;
        }
    } else if (n < path.len_bytes) {
        return 0;
    }
    return (slashes & slashes << 1 & bits_upto(n)) == 0 ? n : 0;
}

/* Such a path, of n bytes, which stands in copy. Those of its segments that have a
 * digit are looked at, mostly one, and all else stays as it is; in a path as long as
 * a UUID all are. */
static inline void fold_usual_path(route *to, const char *copy, size_t n,
                                   const lpi_path_marks *marks)
{
    uint64_t ends = marks->slashes | UINT64_C(1) << n;
    uint64_t asked =
        bits_upto(n) & (n < UUID_BYTES ? marks->digits : ~marks->slashes);
    size_t at = 0;

    while (asked != 0) {
        size_t first = (size_t)__builtin_ctzll(asked);
        uint64_t before = marks->slashes & bits_upto(first);
        size_t start = before == 0 ? 0 : 64 - (size_t)__builtin_clzll(before);
        size_t end = first + (size_t)__builtin_ctzll(ends >> first);

        put_as_it_is(to, copy + at, start - at);
        fold_usual_segment(to, lp_span_of(copy + start, end - start),
                           marks->digits >> start & bits_upto(end - start));
        at = end;
        asked = asked >> at << at;
    }
    put_as_it_is(to, copy + at, n - at);
}

/* A short path of small letters, digits and the like, as most are. False: it is
 * none, or a route that may be too long. */
static inline bool put_usual_path(route *to, lp_span path)
{
    char copy[2 * LPI_MARKED_BYTES];
    size_t start = to->len_bytes;
    lpi_path_marks marks = lpi_path_marks_of(path, to->text + start, copy);
    size_t n = usual_bytes(path, &marks);

    if (n == 0) {
        return false;
    }
    if ((marks.digits & bits_upto(n)) == 0 && n < UUID_BYTES) {
        to->len_bytes += n; // as it is
    } else {
        fold_usual_path(to, copy, n, &marks);
    }
    if (to->len_bytes + sizeof(cut_mark) > to->max_bytes) {
        to->len_bytes = start;
        return false;
    }
    return true;
}

/* False: there was no room for all of it. */
static bool put_path(route *to, lp_span path)
{
    return put_usual_path(to, path) || put_any_path(to, path);
}

size_t lpi_route_fold_path(lp_span path, char *out, size_t at, size_t out_max)
{
    route to = {out, at, out_max, at};

    if (!put_path(&to, path)) {
        // The mark has a slash of its own.
        to.len_bytes =
            to.cut_at - (to.cut_at > 0 && to.text[to.cut_at - 1] == '/');
        put(&to, lp_span_of(cut_mark, sizeof(cut_mark)));
    }
    return to.len_bytes < out_max ? to.len_bytes : out_max;
}

size_t lp_route_fold(lp_span method, lp_span path, char *out, size_t out_max)
{
    char text[LP_ROUTE_ROOM_BYTES];
    route to = {.text = out_max < sizeof(text) ? text : out};
    size_t len_bytes;

    put_method(&to, method);
    len_bytes = lpi_route_fold_path(
        path, to.text, to.len_bytes,
        out_max < LP_ROUTE_MAX_BYTES ? out_max : LP_ROUTE_MAX_BYTES);
    if (to.text != out) {
        memcpy(out, text, len_bytes);
    }
    return len_bytes;
}
