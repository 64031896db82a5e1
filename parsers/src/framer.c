#include "logplex/framer.h"

#include <assert.h>
#include <string.h>

#include "swar.h"

enum {
    FRAME_MAX_LEAST_BYTES = 64,
    /* A count this many times over the limit is not a count. */
    COUNT_MAX_FACTOR = 16,
    COUNT_DIGITS_MAX = 10,
    /* The longest beginning of an embedded frame that a cut can hide:
     * "1234567890 <123". */
    HIDDEN_MAX_BYTES = COUNT_DIGITS_MAX + 5,
    /* Lines are searched in blocks, since each is searched for LF and NUL,
     * and only one of these need be near. */
    BLOCK_BYTES = 256
};

/* What the last frame was, for judging the next one. */
enum after {
    AFTER_ANY = 0,
    AFTER_OCTET = 1,
    AFTER_GLUTTON = 2 /* a counted one that ends as the next count would */
};

enum skip_mode {
    SKIP_NONE = 0,
    SKIP_LINE = 1,         /* up to the line's end            */
    SKIP_SUSPECT_LINE = 2, /* or up to an embedded frame      */
};

void lp_framer_init(lp_framer *framer, uint32_t frame_max_bytes)
{
    assert(frame_max_bytes == 0 || frame_max_bytes >= FRAME_MAX_LEAST_BYTES);
    *framer = (lp_framer){0};
    framer->frame_max_bytes =
        frame_max_bytes > 0 ? frame_max_bytes : LP_FRAME_MAX_DEFAULT_BYTES;
}

/* Beginnings of frames ---------------------------------------------------- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_line_end(char c)
{
    return c == '\n' || c == '\0';
}

/* What the bytes at the front of a frame are. */
enum beginning {
    BEGINS_COUNT,  /* a count and its space  */
    BEGINS_DIGITS, /* digits, and then no more bytes */
    BEGINS_TEXT
};

struct count {
    uint64_t bytes;
    size_t prefix_bytes; /* digits and space */
};

static enum beginning read_count(lp_span span, struct count *out)
{
    uint64_t value = 0;
    size_t i = 0;

    if (span.len_bytes == 0 || !is_digit(span.ptr[0]) || span.ptr[0] == '0') {
        return BEGINS_TEXT;
    }
    for (; i < span.len_bytes && is_digit(span.ptr[i]); i++) {
        if (i == COUNT_DIGITS_MAX) {
            return BEGINS_TEXT;
        }
        value = value * 10 + (uint64_t)(span.ptr[i] - '0');
    }
    if (i == span.len_bytes) {
        return BEGINS_DIGITS;
    }
    if (span.ptr[i] != ' ') {
        return BEGINS_TEXT;
    }
    *out = (struct count){value, i + 1};
    return BEGINS_COUNT;
}

/*
 * Could a frame begin here? When the frame before it held a syslog message, a
 * count must have a "<" behind it.
 */
static bool is_plausible(lp_span span, bool is_syslog)
{
    struct count count;

    if (span.len_bytes == 0) {
        return true;
    }
    switch (span.ptr[0]) {
    case '<':
    case '\n':
    case '\r':
    case '\0':
        return true;
    default:
        break;
    }
    switch (read_count(span, &count)) {
    case BEGINS_DIGITS:
        return true;
    case BEGINS_COUNT:
        return !is_syslog || count.prefix_bytes == span.len_bytes ||
               span.ptr[count.prefix_bytes] == '<';
    case BEGINS_TEXT:
    default:
        return false;
    }
}

/* Embedded frames --------------------------------------------------------- */

/* Bytes, and what is searched in them: frames that begin at or behind first_at
 * and whose "<" is before end_at. */
struct search {
    lp_span bytes;
    size_t first_at;
    size_t end_at;
    uint64_t count_max;
    bool is_strict; /* only frames whose own end is plausible */
    bool is_final;  /* no byte will come behind these         */
};

enum found { FOUND_NONE, FOUND_HERE, FOUND_MAYBE };

/* Is "<" at less the beginning of "<123>"? MAYBE: the bytes end before. */
static enum found is_pri(const struct search *search, size_t less)
{
    size_t at = less + 1;

    while (at < search->bytes.len_bytes && at < less + 4 &&
           is_digit(search->bytes.ptr[at])) {
        at++;
    }
    if (at == search->bytes.len_bytes) {
        return search->is_final ? FOUND_NONE : FOUND_MAYBE;
    }
    return search->bytes.ptr[at] == '>' && at > less + 1 ? FOUND_HERE
                                                         : FOUND_NONE;
}

/* Do so many bytes from "<" on end where another frame begins? A blank does not
 * say so, as there are too many of them, nor does the end of what is there,
 * unless other grounds speak for this frame. */
static bool ends_well(const struct search *search, size_t less, uint64_t bytes)
{
    lp_span next = lp_span_skip(search->bytes, less);

    if (bytes > next.len_bytes) {
        return false;
    }
    next = lp_span_skip(next, (size_t)bytes);
    if (next.len_bytes == 0) {
        return search->is_final || search->is_strict;
    }
    return next.ptr[0] != ' ' && is_plausible(next, true);
}

/* Is the number at start the tail of a longer one, zeros in front aside? */
static bool is_continued(const char *ptr, size_t start)
{
    while (start > 0 && ptr[start - 1] == '0') {
        start--;
    }
    return start > 0 && is_digit(ptr[start - 1]);
}

/*
 * The digits before " <" are a count, but its first ones may be the last of the
 * text before it: of "bulk 1101 <" the count is 1101, 101 or 1. The shortest
 * that ends well is taken: it ends within its own message or just behind it,
 * where few bytes look like a beginning, while one that is too long ends
 * somewhere among the frames to come. When none ends well it is the longest: a
 * sender that is always wrong by one never ends well.
 */
static bool choose_count(const struct search *search, size_t less,
                         size_t *out_at)
{
    const char *ptr = search->bytes.ptr;
    size_t end = less - 1;
    size_t start = end;
    uint64_t value = 0;
    uint64_t unit = 1;
    size_t longest = end;

    while (start > search->first_at && end - start < COUNT_DIGITS_MAX &&
           is_digit(ptr[start - 1])) {
        start--;
        value += (uint64_t)(ptr[start] - '0') * unit;
        unit *= 10;
        if (ptr[start] == '0' || value > search->count_max) {
            continue;
        }
        longest = start;
        if (ends_well(search, less, value)) {
            *out_at = start;
            return true;
        }
    }
    if (search->is_strict || longest == end || is_continued(ptr, longest)) {
        return false;
    }
    *out_at = longest;
    return true;
}

/* The first embedded frame; *out_at is where its count begins. MAYBE: *out_at
 * is the "<" of what may become one with more bytes. */
static enum found find_embedded(const struct search *search, size_t from,
                                size_t *out_at)
{
    const char *ptr = search->bytes.ptr;

    while (from < search->end_at) {
        const char *hit = memchr(ptr + from, '<', search->end_at - from);
        size_t less;

        if (hit == NULL) {
            return FOUND_NONE;
        }
        less = (size_t)(hit - ptr);
        from = less + 1;
        if (less < search->first_at + 2 || ptr[less - 1] != ' ' ||
            !is_digit(ptr[less - 2])) {
            continue;
        }
        switch (is_pri(search, less)) {
        case FOUND_MAYBE:
            *out_at = less;
            return FOUND_MAYBE;
        case FOUND_HERE:
            if (choose_count(search, less, out_at)) {
                return FOUND_HERE;
            }
            break;
        case FOUND_NONE:
        default:
            break;
        }
    }
    return FOUND_NONE;
}

/* Counted frames ---------------------------------------------------------- */

enum verdict {
    HONEST,
    DOUBTFUL, /* the next count may have begun inside: a better one must fit */
    LIE
};

/* "...99 ": it may have taken the count of the next one along. */
static bool ends_in_count(const char *end, size_t len_bytes)
{
    return len_bytes > 2 && end[-1] == ' ' && is_digit(end[-2]);
}

/*
 * Judges a frame of text from begin to end by the bytes behind it. A count that
 * is too large by a few takes the first bytes of the next one, and what is left
 * of that can look like a beginning as well.
 */
static enum verdict judge(lp_span rest, size_t begin, size_t end)
{
    lp_span next = lp_span_skip(rest, end);
    bool is_syslog = rest.ptr[begin] == '<';
    struct count count;

    if (!is_plausible(next, is_syslog)) {
        return LIE;
    }
    if (!is_syslog || next.len_bytes < 2) {
        return HONEST;
    }
    if (next.ptr[0] == '<') {
        return ends_in_count(rest.ptr + end, end - begin) ? LIE : HONEST;
    }
    if (read_count(next, &count) != BEGINS_COUNT ||
        count.bytes > next.len_bytes - count.prefix_bytes) {
        return HONEST;
    }
    next = lp_span_skip(next, count.prefix_bytes + (size_t)count.bytes);
    return is_plausible(next, true) ? HONEST : DOUBTFUL;
}

static uint64_t count_max(const lp_framer *framer)
{
    return (uint64_t)framer->frame_max_bytes * COUNT_MAX_FACTOR;
}

/* Where a counted frame really ends, if its count is found to lie. */
static bool find_real_end(const lp_framer *framer, lp_span rest, size_t begin,
                          size_t end, size_t *out_at)
{
    enum verdict verdict = judge(rest, begin, end);
    struct search search = {.bytes = rest,
                            .first_at = begin + 1,
                            .count_max = count_max(framer),
                            .is_strict = verdict == DOUBTFUL};

    if (verdict == HONEST) {
        return false;
    }
    // The count may have begun inside although its "<" stands behind the end.
    search.end_at = end + COUNT_DIGITS_MAX + 1;
    if (search.end_at > rest.len_bytes) {
        search.end_at = rest.len_bytes;
    }
    return find_embedded(&search, begin, out_at) == FOUND_HERE && *out_at < end;
}

static inline void give_as(lp_framer *framer, lp_span *rest, size_t begin,
                           size_t end, enum after after, lp_frame *frame)
{
    *frame = (lp_frame){.bytes = {rest->ptr + begin, end - begin},
                        .framing = LP_FRAMING_OCTET};
    *rest = lp_span_skip(*rest, end);
    framer->octet_frames++;
    framer->after_octet = after;
    framer->scanned_bytes = 0;
}

static void give(lp_framer *framer, lp_span *rest, size_t begin, size_t end,
                 lp_frame *frame)
{
    bool is_glutton = ends_in_count(rest->ptr + end, end - begin);

    give_as(framer, rest, begin, end, is_glutton ? AFTER_GLUTTON : AFTER_OCTET,
            frame);
}

/* A count over the limit: the beginning of a long message, or a lie. It is one
 * if whole frames follow each other inside. */
static lp_err take_cut(lp_framer *framer, lp_span *rest,
                       const struct count *count, lp_frame *frame)
{
    size_t begin = count->prefix_bytes;
    size_t end = begin + framer->frame_max_bytes;
    struct search search = {.bytes = *rest,
                            .first_at = begin + 1,
                            .end_at = end,
                            .count_max = count_max(framer),
                            .is_strict = true};
    size_t real_end;

    if (rest->len_bytes < end) {
        return LP_E_MORE;
    }
    if (find_embedded(&search, begin, &real_end) == FOUND_HERE) {
        give(framer, rest, begin, real_end, frame);
        frame->resynced = true;
        framer->resyncs++;
        return LP_OK;
    }
    give(framer, rest, begin, end, frame);
    frame->cut = true;
    framer->cut_frames++;
    framer->skip_bytes = count->bytes - framer->frame_max_bytes;
    return LP_OK;
}

static lp_err take_counted(lp_framer *framer, lp_span *rest,
                           const struct count *count, lp_frame *frame)
{
    size_t begin = count->prefix_bytes;
    size_t real_end;
    size_t end;
    bool is_lie;

    if (count->bytes > framer->frame_max_bytes) {
        return take_cut(framer, rest, count, frame);
    }
    end = begin + (size_t)count->bytes;
    if (rest->len_bytes < end) {
        return LP_E_MORE;
    }
    is_lie = rest->len_bytes > end &&
             find_real_end(framer, *rest, begin, end, &real_end);
    give(framer, rest, begin, is_lie ? real_end : end, frame);
    frame->resynced = is_lie;
    framer->resyncs += is_lie;
    return LP_OK;
}

/* Lines ------------------------------------------------------------------- */

/* The first LF or NUL, or len_bytes. */
static size_t find_line_end(const char *ptr, size_t len_bytes)
{
    const char *hit = memchr(ptr, '\n', len_bytes);

    if (hit != NULL) {
        len_bytes = (size_t)(hit - ptr);
    }
    hit = memchr(ptr, '\0', len_bytes);
    return hit != NULL ? (size_t)(hit - ptr) : len_bytes;
}

/* Where a line stops, and why. */
struct line_stop {
    size_t at; /* when it is OPEN: all before is known to hold no end */
    enum { STOP_OPEN, STOP_END, STOP_EMBEDDED } why;
};

/* Looks at what search holds from a place on, up to end_at. */
static struct line_stop scan_line(struct search search, size_t from,
                                  bool is_suspect)
{
    size_t end = search.end_at;
    size_t embedded;

    while (from < end) {
        size_t block_bytes =
            end - from < BLOCK_BYTES ? end - from : BLOCK_BYTES;
        size_t stop = find_line_end(search.bytes.ptr + from, block_bytes);

        if (is_suspect) {
            search.end_at = from + stop;
            switch (find_embedded(&search, from, &embedded)) {
            case FOUND_HERE:
                return (struct line_stop){embedded, STOP_EMBEDDED};
            case FOUND_MAYBE:
                return (struct line_stop){embedded, STOP_OPEN};
            case FOUND_NONE:
            default:
                break;
            }
        }
        from += stop;
        if (stop < block_bytes) {
            return (struct line_stop){from, STOP_END};
        }
    }
    return (struct line_stop){end, STOP_OPEN};
}

/*
 * No message begins otherwise than with "<". So a line that does, and follows a
 * counted frame or begins with a count that is none, is searched for a message
 * that it hides; and so is a message whose count was taken by the frame before.
 */
static bool is_suspect_line(const lp_framer *framer, lp_span line)
{
    char c = line.ptr[0];

    if (c == '<') {
        return framer->after_octet == AFTER_GLUTTON;
    }
    return c != '\r' && !is_line_end(c) &&
           (framer->after_octet != AFTER_ANY || is_digit(c));
}

static void give_line(lp_framer *framer, lp_span *rest, size_t len_bytes,
                      size_t taken_bytes, lp_frame *frame)
{
    *frame =
        (lp_frame){.bytes = {rest->ptr, len_bytes}, .framing = LP_FRAMING_LINE};
    *rest = lp_span_skip(*rest, taken_bytes);
    framer->line_frames++;
    framer->after_octet = AFTER_ANY;
    framer->scanned_bytes = 0;
}

/* A line longer than it may be, if so many bytes are there to tell. The CR of
 * a CRLF does not make it so. */
static bool is_too_long(const lp_framer *framer, lp_span rest)
{
    size_t max_bytes = framer->frame_max_bytes;

    return rest.len_bytes > max_bytes + 1 ||
           (rest.len_bytes == max_bytes + 1 && rest.ptr[max_bytes] != '\r');
}

/* len_bytes is up to the line's end, which stands there if has_end. */
static void take_whole_line(lp_framer *framer, lp_span *rest, size_t len_bytes,
                            bool has_end, lp_frame *frame)
{
    size_t taken_bytes = len_bytes + has_end;
    size_t cut_bytes;

    if (has_end && rest->ptr[len_bytes] == '\n' && len_bytes > 0 &&
        rest->ptr[len_bytes - 1] == '\r') {
        len_bytes--;
    }
    cut_bytes = len_bytes > framer->frame_max_bytes
                    ? len_bytes - framer->frame_max_bytes
                    : 0;
    give_line(framer, rest, len_bytes - cut_bytes, taken_bytes, frame);
    if (cut_bytes > 0) {
        frame->cut = true;
        framer->cut_frames++;
        framer->cut_bytes += cut_bytes;
    }
}

static lp_err take_line(lp_framer *framer, lp_span *rest, bool is_final,
                        lp_frame *frame)
{
    bool is_suspect = is_suspect_line(framer, *rest);
    bool is_lie = is_suspect && framer->after_octet != AFTER_ANY;
    struct search search = {.bytes = *rest,
                            .first_at = 1,
                            .end_at = (size_t)framer->frame_max_bytes + 2,
                            .count_max = count_max(framer),
                            .is_final = is_final};
    struct line_stop stop;

    if (search.end_at > rest->len_bytes) {
        search.end_at = rest->len_bytes;
    }
    stop = scan_line(search, framer->scanned_bytes, is_suspect);
    if (stop.why == STOP_OPEN && is_too_long(framer, *rest)) {
        give_line(framer, rest, framer->frame_max_bytes,
                  framer->frame_max_bytes, frame);
        frame->cut = true;
        framer->cut_frames++;
        framer->skip_line = is_suspect ? SKIP_SUSPECT_LINE : SKIP_LINE;
    } else if (stop.why == STOP_OPEN && !is_final) {
        framer->scanned_bytes = (uint32_t)stop.at;
        return LP_E_MORE;
    } else {
        take_whole_line(framer, rest, stop.at, stop.why == STOP_END, frame);
    }
    frame->resynced = is_lie || stop.why == STOP_EMBEDDED;
    framer->resyncs += frame->resynced;
    return LP_OK;
}

/* What is dropped --------------------------------------------------------- */

static void drop(lp_framer *framer, lp_span *rest, size_t bytes)
{
    *rest = lp_span_skip(*rest, bytes);
    framer->cut_bytes += bytes;
}

/* Drops what was announced, up to whole frames that follow each other: then
 * the count was a lie after all. */
static void skip_counted(lp_framer *framer, lp_span *rest)
{
    struct search search = {.bytes = *rest,
                            .end_at = rest->len_bytes,
                            .count_max = count_max(framer),
                            .is_strict = true};
    size_t real_end;

    if (search.end_at > framer->skip_bytes) {
        search.end_at = (size_t)framer->skip_bytes;
    }
    if (find_embedded(&search, 0, &real_end) == FOUND_HERE) {
        drop(framer, rest, real_end);
        framer->skip_bytes = 0;
        framer->resyncs++;
        return;
    }
    drop(framer, rest, search.end_at);
    framer->skip_bytes -= search.end_at;
}

static void skip_cut_line(lp_framer *framer, lp_span *rest, bool is_final)
{
    bool is_suspect = framer->skip_line == SKIP_SUSPECT_LINE;
    struct search search = {.bytes = *rest,
                            .end_at = rest->len_bytes,
                            .count_max = count_max(framer),
                            .is_final = is_final};
    struct line_stop stop = scan_line(search, 0, is_suspect);
    size_t kept_bytes = 0;

    if (stop.why != STOP_OPEN) {
        framer->skip_line = SKIP_NONE;
        drop(framer, rest, stop.at);
        *rest = lp_span_skip(*rest, stop.why == STOP_END ? 1 : 0);
        return;
    }
    if (is_suspect && !is_final) {
        kept_bytes = rest->len_bytes < HIDDEN_MAX_BYTES ? rest->len_bytes
                                                        : HIDDEN_MAX_BYTES;
    }
    drop(framer, rest, rest->len_bytes - kept_bytes);
}

/* The common frame --------------------------------------------------------- */

enum { SHORT_DIGITS_MAX = 5, SHORT_ROOM_BYTES = SHORT_DIGITS_MAX + 2 };

/*
 * A count of one to five digits, its space and a "<"; SHORT_ROOM_BYTES are there.
 * Returns where the "<" is, or 0. Digit by digit, as a processor guesses how many there
 * are, and then need not wait for what says it: where the next frame is hangs on this.
 */
static inline uint32_t read_short_count(const char *ptr, uint32_t *out)
{
    uint32_t value = (uint32_t)(ptr[0] - '0');
    uint32_t i = 1;

    if (value - 1 > 8) {
        return 0;
    }
    for (; i < SHORT_DIGITS_MAX; i++) {
        uint32_t digit = (uint32_t)(ptr[i] - '0');

        if (digit > 9) {
            break;
        }
        value = value * 10 + digit;
    }
    *out = value;
    return ptr[i] == ' ' && ptr[i + 1] == '<' ? i + 1 : 0;
}

/* Could a count, a message or a line end begin so? */
static inline bool is_beginning(char c)
{
    return (c >= '1' && c <= '9') || c == '<' || c == '\n' || c == '\r' ||
           c == '\0';
}

/*
 * Nearly every frame is counted, whole, and followed by another counted one
 * whose "<" is there too, and which ends well itself as far as can be seen; and
 * its last byte is no digit. Then it is honest by the rules of judge(), and all
 * that is to do is this. What was read of the next one to see it is kept for it.
 * False: it is not such a frame, and nothing has been done.
 */
static inline bool take_common(lp_framer *framer, lp_span *rest,
                               lp_frame *frame)
{
    const char *ptr = rest->ptr;
    size_t begin = framer->ahead_begin;
    size_t end = begin + framer->ahead_count;
    size_t next_end;
    uint32_t next_begin, next_count = 0;
    bool is_glutton;

    if (begin == 0 || framer->ahead_count > framer->frame_max_bytes ||
        rest->len_bytes < end + SHORT_ROOM_BYTES ||
        (lp_swar_load(ptr) ^ framer->ahead_word) << 8 != 0 ||
        is_digit(ptr[end - 1])) {
        return false;
    }
    next_begin = read_short_count(ptr + end, &next_count);
    next_end = end + next_begin + next_count;
    if (next_begin == 0 ||
        (rest->len_bytes > next_end && !is_beginning(ptr[next_end]))) {
        return false;
    }
    // With the last byte, as there may be no eighth one behind it.
    framer->ahead_word = lp_swar_load(ptr + end - 1) >> 8;
    framer->ahead_count = next_count;
    framer->ahead_begin = next_begin;
    is_glutton = ptr[end - 1] == ' ' && ends_in_count(ptr + end, end - begin);
    give_as(framer, rest, begin, end, is_glutton ? AFTER_GLUTTON : AFTER_OCTET,
            frame);
    return true;
}

/* Reads the first count, which nobody has read ahead. */
static bool look_ahead(lp_framer *framer, lp_span rest)
{
    if (rest.len_bytes < sizeof(framer->ahead_word) ||
        (framer->skip_line | framer->skip_bytes) != 0) {
        return false;
    }
    framer->ahead_word = lp_swar_load(rest.ptr) << 8 >> 8;
    framer->ahead_begin = read_short_count(rest.ptr, &framer->ahead_count);
    return framer->ahead_begin != 0;
}

/* Any frame --------------------------------------------------------------- */

static lp_err take_any(lp_framer *framer, lp_span *rest, bool is_final,
                       lp_frame *frame)
{
    struct count count;

    framer->ahead_begin = 0;
    if (rest->len_bytes > 0 && framer->skip_bytes > 0) {
        skip_counted(framer, rest);
    }
    if (rest->len_bytes > 0 && framer->skip_line != SKIP_NONE) {
        skip_cut_line(framer, rest, is_final);
    }
    if (rest->len_bytes == 0 || framer->skip_line != SKIP_NONE) {
        return LP_E_MORE;
    }
    switch (read_count(*rest, &count)) {
    case BEGINS_DIGITS:
        if (!is_final) {
            return LP_E_MORE;
        }
        break;
    case BEGINS_COUNT:
        if (count.bytes <= count_max(framer)) {
            return take_counted(framer, rest, &count, frame);
        }
        break;
    case BEGINS_TEXT:
    default:
        break;
    }
    return take_line(framer, rest, is_final, frame);
}

/* Not inlined, so that the common way pays for none of its registers. */
__attribute__((noinline)) static lp_err
take_first(lp_framer *framer, lp_span *rest, lp_frame *frame)
{
    if (look_ahead(framer, *rest) && take_common(framer, rest, frame)) {
        return LP_OK;
    }
    return take_any(framer, rest, false, frame);
}

lp_err lp_framer_next(lp_framer *framer, lp_span *rest, lp_frame *frame)
{
    if (take_common(framer, rest, frame)) {
        return LP_OK;
    }
    return take_first(framer, rest, frame);
}

/* Half a counted frame: perhaps its count was too large, and there are whole
 * messages in it. */
static lp_err save_half(lp_framer *framer, lp_span *rest, lp_frame *frame)
{
    struct search search = {.bytes = *rest,
                            .end_at = rest->len_bytes,
                            .count_max = framer->frame_max_bytes,
                            .is_strict = true,
                            .is_final = true};
    size_t real_end;
    struct count count;

    if (rest->len_bytes == 0 || read_count(*rest, &count) != BEGINS_COUNT) {
        return LP_E_MORE;
    }
    search.first_at = count.prefix_bytes + 1;
    if (find_embedded(&search, search.first_at, &real_end) != FOUND_HERE) {
        return LP_E_MORE;
    }
    give(framer, rest, count.prefix_bytes, real_end, frame);
    frame->resynced = true;
    framer->resyncs++;
    return LP_OK;
}

lp_err lp_framer_finish(lp_framer *framer, lp_span *rest, lp_frame *frame)
{
    if (take_any(framer, rest, true, frame) == LP_OK ||
        save_half(framer, rest, frame) == LP_OK) {
        return LP_OK;
    }
    if (rest->len_bytes > 0) {
        framer->truncated_frames++;
        framer->truncated_bytes += rest->len_bytes;
        *rest = lp_span_skip(*rest, rest->len_bytes);
    }
    framer->scanned_bytes = 0;
    framer->skip_bytes = 0;
    framer->skip_line = SKIP_NONE;
    framer->after_octet = AFTER_ANY;
    return LP_E_MORE;
}
