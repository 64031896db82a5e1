#include "logplex/syslog.h"

#include "logplex/timestamp.h"
#include "swar.h"

/* What is still to be read, and where the whole began. */
typedef struct reader {
    const char *start;
    const char *at;
    const char *end;
} reader;

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t left_bytes(const reader *in)
{
    return (size_t)(in->end - in->at);
}

static bool read_char(reader *in, char expected)
{
    if (in->at == in->end || *in->at != expected) {
        return false;
    }
    in->at++;
    return true;
}

/* One to three digits. */
static bool read_number(reader *in, unsigned *out)
{
    unsigned value = 0;
    int digits = 0;

    for (; digits < 3 && in->at < in->end && is_digit(*in->at); digits++) {
        value = value * 10 + (unsigned)(*in->at - '0');
        in->at++;
    }
    *out = value;
    return digits > 0;
}

static inline const char *find_space(const char *at, const char *end)
{
    for (; end - at >= 8; at += 8) {
        uint64_t mask = lp_swar_equal(lp_swar_load(at), ' ');

        if (mask != 0) {
            return at + lp_swar_first(mask);
        }
    }
    while (at < end && *at != ' ') {
        at++;
    }
    return at;
}

/* How many bytes to search for the end of a field. */
static size_t field_room(const reader *in)
{
    size_t room_bytes = left_bytes(in);

    return room_bytes <= LP_SYSLOG_FIELD_MAX_BYTES
               ? room_bytes
               : LP_SYSLOG_FIELD_MAX_BYTES + 1;
}

/* Bytes up to a space or the end; at least one, and not too many. */
static inline bool read_field(reader *in, lp_span *out)
{
    const char *stop = find_space(in->at, in->at + field_room(in));

    if (stop == in->at || stop - in->at > LP_SYSLOG_FIELD_MAX_BYTES) {
        return false;
    }
    *out = lp_span_of(in->at, (size_t)(stop - in->at));
    in->at = stop;
    return true;
}

static lp_span rest_of(const reader *in)
{
    return lp_span_of(in->at, left_bytes(in));
}

/* STRUCTURED-DATA --------------------------------------------------------- */

static bool ends_here(const char *at, const char *end)
{
    return at == end || *at == ' ';
}

/*
 * RFC 5424 6.3: groups side by side, each closed by the first "]" that is not
 * within quotes, where a backslash takes the next byte's meaning away. Names
 * are not checked. Returns what is behind the last group, or NULL.
 */
static const char *skip_groups_strictly(const char *at, const char *end)
{
    const char *group = at;
    bool in_quotes = false;

    for (at++; at < end; at++) {
        if (in_quotes && *at == '\\') {
            at++;
        } else if (*at == '"') {
            in_quotes = !in_quotes;
        } else if (!in_quotes && *at == ']') {
            if (at == group + 1) {
                return NULL;
            }
            at++;
            if (ends_here(at, end)) {
                return at;
            }
            if (*at != '[') {
                return NULL;
            }
            group = at;
        }
    }
    return NULL;
}

/*
 * What Logplex takes besides, with quotes of no account: the data ends at the
 * first "]" with a space behind it. A "]" with a "[" behind it goes on to the
 * next group. Any other "]" is content after a backslash, and an error else.
 *
 * Logplex says this in a regular expression that may go back and try each "\]"
 * as an end and as content, which takes it exponential time. There is nothing
 * to go back for: whether "\][" ends a group or not, the bytes behind it are
 * judged by the same rule. Only an empty group, "[]", tells the two apart.
 */
static const char *skip_groups_loosely(const char *at, const char *end)
{
    const char *group = at;

    for (at++; at < end; at++) {
        bool is_escaped = at[-1] == '\\';

        if (*at != ']') {
            continue;
        }
        if (at == group + 1) {
            return NULL;
        }
        if (ends_here(at + 1, end)) {
            return at + 1;
        }
        if (is_escaped) {
            continue;
        }
        if (at[1] != '[') {
            return NULL;
        }
        group = at + 1;
    }
    return NULL;
}

/*
 * An SD-ID has no "=" and no quote in it (RFC 5424 6.3.2). Where the sender has
 * left STRUCTURED-DATA out, a message in brackets would else be taken for it:
 * [key="value"] text.
 */
static bool begins_with_id(const char *at, const char *end)
{
    for (at++; at < end && *at != ' ' && *at != ']'; at++) {
        if (*at == '=' || *at == '"') {
            return false;
        }
    }
    return true;
}

/*
 * SD and MSG. What does not read as STRUCTURED-DATA is the beginning of MSG,
 * so that no line is lost over it.
 */
static void read_data_and_msg(reader *in, lp_syslog *out)
{
    const char *stop = NULL;

    if (left_bytes(in) > 0 && *in->at == '-' &&
        ends_here(in->at + 1, in->end)) {
        stop = in->at + 1;
    } else if (left_bytes(in) > 0 && *in->at == '[' &&
               begins_with_id(in->at, in->end)) {
        stop = skip_groups_strictly(in->at, in->end);
        if (stop == NULL) {
            stop = skip_groups_loosely(in->at, in->end);
        }
    }
    if (stop == NULL) {
        out->format = LP_SYSLOG_5424_NO_SD;
        out->sd = lp_span_of(NULL, 0);
    } else {
        out->sd = lp_span_of(in->at, (size_t)(stop - in->at));
        in->at = stop;
        read_char(in, ' ');
    }
    out->msg = rest_of(in);
}

/* RFC 5424, the common header -------------------------------------------- */

enum { LOOK_BYTES = 64 };

/*
 * Where the spaces are in LOOK_BYTES from a place on, one bit for each byte, found in
 * one look and not one for each field.
 */
typedef struct words {
    const char *at;
    uint64_t spaces;
} words;

/* The frame has as many bytes at least, in front of its end. */
static inline words look(const char *at, const char *end)
{
    size_t left_bytes = (size_t)(end - at);
    words in = {at, 0};

    if (left_bytes >= LOOK_BYTES) {
        in.spaces = lp_swar_bits64(at, ' ');
    } else if (left_bytes > 0) {
        // The last bytes, of which some stand in front of the place.
        in.spaces =
            lp_swar_bits64(end - LOOK_BYTES, ' ') >> (LOOK_BYTES - left_bytes);
    }
    return in;
}

/* Bytes up to the next space, at least one; goes behind the space. */
static inline bool read_word(words *in, lp_span *out)
{
    size_t len_bytes;

    if (in->spaces == 0) {
        return false;
    }
    len_bytes = (unsigned)__builtin_ctzll(in->spaces);
    *out = lp_span_of(in->at, len_bytes);
    in->at += len_bytes + 1;
    in->spaces = in->spaces >> len_bytes >> 1;
    return len_bytes != 0;
}

/* "<PRI>1 ", with the PRI as we would print it; eight bytes are there. Returns what
 * is behind it, or NULL. */
static inline const char *read_plain_pri(const char *ptr, uint8_t *out)
{
    uint64_t word = lp_swar_load(ptr);
    unsigned pri = (unsigned)(ptr[1] - '0');
    unsigned i = 2;

    if (ptr[0] != '<' || pri > 9) {
        return NULL;
    }
    for (; i < 4 && is_digit(ptr[i]); i++) {
        pri = pri * 10 + (unsigned)(ptr[i] - '0');
    }
    *out = (uint8_t)pri;
    if ((word >> 8 * i & 0xffffff) != ('>' | '1' << 8 | ' ' << 16) ||
        pri > 255 || (i > 2 && ptr[1] == '0')) {
        return NULL;
    }
    return ptr + i + 3;
}

/* SD, if it is "-" or not there, and MSG; at stands behind the space of MSGID. */
static inline bool read_plain_data(const char *at, const char *end,
                                   lp_syslog *out)
{
    if (end - at < 2) {
        return false;
    }
    if (memcmp(at, "- ", 2) == 0) {
        out->format = LP_SYSLOG_5424;
        out->sd = lp_span_of(at, 1);
        at += 2;
    } else if (at[0] != '-' && at[0] != '[') {
        out->format = LP_SYSLOG_5424_NO_SD;
        out->sd = lp_span_of(NULL, 0);
    } else {
        return false;
    }
    out->msg = lp_span_of(at, (size_t)(end - at));
    return true;
}

/*
 * What nearly every sender sends: a plain PRI, VERSION 1, a TIME, and "-" for
 * STRUCTURED-DATA, or else none. False: it is not such a message; *out is then
 * anything.
 */
static inline bool read_common(lp_span frame, lp_syslog *out)
{
    const char *end = frame.ptr + frame.len_bytes;
    const char *time;
    words in;

    if (frame.len_bytes < LOOK_BYTES) {
        return false;
    }
    time = read_plain_pri(frame.ptr, &out->pri);
    if (time == NULL) {
        return false;
    }
    in = look(time, end);
    if (!read_word(&in, &out->time) || memcmp(time, "- ", 2) == 0) {
        return false;
    }
    out->prefix = lp_span_of(frame.ptr, (size_t)(in.at - frame.ptr));
    if (!read_word(&in, &out->host)) {
        return false;
    }
    in = look(in.at, end);
    if (!read_word(&in, &out->app) || !read_word(&in, &out->procid) ||
        !read_word(&in, &out->msgid) || !read_plain_data(in.at, end, out)) {
        return false;
    }
    out->version = 1;
    out->is_plain = true;
    return true;
}

/* RFC 5424, any header ----------------------------------------------------- */

/* A field and the space behind it. */
static bool read_field_and_space(reader *in, lp_span *out)
{
    return read_field(in, out) && read_char(in, ' ');
}

/* "<0" would not do, nor would a PRI over 255 or a VERSION of two digits: the
 * length tells, since out->pri is what a PRI below 256 says. */
static bool is_plain_prefix(const char *start, const lp_syslog *out)
{
    size_t pri_bytes = out->pri < 10 ? 1 : out->pri < 100 ? 2 : 3;
    bool is_nil = out->time.len_bytes == 1 && out->time.ptr[0] == '-';

    return out->version == 1 && !is_nil && out->is_plain &&
           out->time.ptr == start + pri_bytes + sizeof("<>1 ") - 1;
}

/* in stands behind "<PRI>". */
static bool read_5424(reader *in, lp_syslog *out)
{
    unsigned version;

    if (!read_number(in, &version) || !read_char(in, ' ') ||
        !read_field_and_space(in, &out->time)) {
        return false;
    }
    out->format = LP_SYSLOG_5424;
    out->version = (uint16_t)version;
    out->prefix = lp_span_of(in->start, (size_t)(in->at - in->start));
    out->is_plain = is_plain_prefix(in->start, out);
    if (!read_field_and_space(in, &out->host) ||
        !read_field_and_space(in, &out->app) ||
        !read_field_and_space(in, &out->procid) ||
        !read_field(in, &out->msgid)) {
        return false;
    }
    read_char(in, ' ');
    read_data_and_msg(in, out);
    return true;
}

/* RFC 3164 ---------------------------------------------------------------- */

/* "Nov 21 00:17:52", a day below 10 with a blank, a zero or nothing before. */
static bool read_bsd_time(reader *in, lp_span *out)
{
    static const size_t lengths_bytes[] = {15, 14};
    int64_t unused_ns;

    for (size_t i = 0; i < 2; i++) {
        lp_span text = lp_span_of(in->at, lengths_bytes[i]);

        if (left_bytes(in) >= text.len_bytes &&
            lp_timestamp_parse_bsd(text, 0, 0, &unused_ns) == LP_OK) {
            *out = text;
            in->at += text.len_bytes;
            return true;
        }
    }
    return false;
}

static bool read_3164_time(reader *in, lp_span *out)
{
    reader ahead = *in;
    int64_t unused_ns;

    if (read_bsd_time(in, out)) {
        return true;
    }
    if (!read_field(&ahead, out) ||
        lp_timestamp_parse(*out, &unused_ns, NULL) != LP_OK) {
        return false;
    }
    *in = ahead;
    return true;
}

/* Whether a word is a tag, "su:" or "sshd[12]:", and so no host. */
static bool is_tag(lp_span word)
{
    return word.ptr[word.len_bytes - 1] == ':' ||
           memchr(word.ptr, '[', word.len_bytes) != NULL;
}

/* "[PID]", without a blank in it. */
static void read_pid(reader *in, lp_span *out)
{
    reader ahead = *in;
    const char *close;

    if (!read_char(&ahead, '[')) {
        return;
    }
    close = memchr(ahead.at, ']', field_room(&ahead));
    if (close == NULL || find_space(ahead.at, close) != close) {
        return;
    }
    *out = lp_span_of(ahead.at, (size_t)(close - ahead.at));
    in->at = close + 1;
}

/* TAG, [PID], colon and space; each of them may be missing. */
static void read_tag(reader *in, lp_syslog *out)
{
    const char *stop = in->at;
    size_t room_bytes = field_room(in);

    if (room_bytes > LP_SYSLOG_FIELD_MAX_BYTES) {
        room_bytes = LP_SYSLOG_FIELD_MAX_BYTES;
    }
    while (stop < in->at + room_bytes && *stop != ' ' && *stop != ':' &&
           *stop != '[') {
        stop++;
    }
    out->app = lp_span_of(in->at, (size_t)(stop - in->at));
    in->at = stop;
    read_pid(in, &out->procid);
    read_char(in, ':');
    read_char(in, ' ');
}

/* in stands behind "<PRI>". */
static bool read_3164(reader *in, lp_syslog *out)
{
    reader ahead;
    lp_span word;

    if (!read_3164_time(in, &out->time) || !read_char(in, ' ')) {
        return false;
    }
    out->format = LP_SYSLOG_3164;
    ahead = *in;
    if (read_field(&ahead, &word) && !is_tag(word)) {
        out->host = word;
        *in = ahead;
        read_char(in, ' ');
    }
    read_tag(in, out);
    out->msg = rest_of(in);
    return true;
}

/* Any --------------------------------------------------------------------- */

/* Not inlined, so that the common way pays for none of its registers. */
__attribute__((noinline)) static lp_err parse_any(lp_span frame, lp_syslog *out,
                                                  size_t *at_byte)
{
    reader in = {frame.ptr, frame.ptr, frame.ptr};
    reader old;
    unsigned pri;

    if (frame.len_bytes > 0) {
        in.end += frame.len_bytes;
    }
    if (!read_char(&in, '<') || !read_number(&in, &pri) ||
        !read_char(&in, '>')) {
        goto fail;
    }
    out->pri = (uint8_t)(pri % 256);
    out->is_plain = pri < 256;
    old = in;
    if (read_5424(&in, out)) {
        return LP_OK;
    }
    *out = (lp_syslog){.pri = out->pri};
    if (read_3164(&old, out)) {
        return LP_OK;
    }
    if (old.at > in.at) {
        in.at = old.at;
    }
fail:
    if (at_byte != NULL) {
        *at_byte = (size_t)(in.at - in.start);
    }
    return LP_E_SYNTAX;
}

lp_err lp_syslog_parse(lp_span frame, lp_syslog *out, size_t *at_byte)
{
    if (read_common(frame, out)) {
        return LP_OK;
    }
    return parse_any(frame, out, at_byte);
}
