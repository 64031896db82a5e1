#include "logplex/render.h"

#include <string.h>

enum {
    HEADER_MAX_BYTES = 65535,
    LINE_MAX_BYTES = 16 << 20,
    /* A sent RFC 3339 time up to this length is kept as it stands. */
    TIME_MAX_BYTES = 40,
    TIME_DECIMALS = 6,
    /* "16777216 ", of LEN and its space. */
    LEN_MAX_BYTES = 9,
    PRI_MAX_BYTES = sizeof("<255>1 ") - 1
};

/* Numbers ----------------------------------------------------------------- */

/* Writes the digits so that they end before end; returns the first. No line is so
 * long that 32 bits, which are quicker to divide, would not do. */
static inline char *put_digits_before(char *end, size_t value)
{
    uint32_t left = (uint32_t)value;

    do {
        end--;
        *end = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    return end;
}

/* How long "LEN " is, in front of so many bytes. */
static size_t count_bytes_of(size_t count)
{
    size_t digits = 3; // of most lines, and none takes more than one step

    if (count < 100) {
        return count < 10 ? 2 : 3;
    }
    for (size_t next = 1000; count >= next; next *= 10) {
        digits++;
    }
    return digits + 1;
}

__attribute__((noinline)) static char *put_any_count(char *out, size_t count)
{
    out += count_bytes_of(count);
    out[-1] = ' ';
    put_digits_before(out - 1, count);
    return out;
}

/* "LEN "; returns what is behind it. Most lines have three digits. */
static inline char *put_count(char *out, size_t count)
{
    uint32_t hundreds = (uint32_t)count / 100;
    uint32_t rest = (uint32_t)count % 100;

    if (count < 100 || count > 999) {
        return put_any_count(out, count);
    }
    out[0] = (char)('0' + hundreds);
    out[1] = (char)('0' + rest / 10);
    out[2] = (char)('0' + rest % 10);
    out[3] = ' ';
    return out + 4;
}

/* "<PRI>1 "; returns its length. */
static size_t put_pri(char *out, uint8_t pri)
{
    char *at = out;

    *at++ = '<';
    if (pri >= 100) {
        *at++ = (char)('0' + pri / 100);
    }
    if (pri >= 10) {
        *at++ = (char)('0' + pri / 10 % 10);
    }
    *at++ = (char)('0' + pri % 10);
    memcpy(at, ">1 ", 3);
    return (size_t)(at - out) + 3;
}

/* To the stored form ------------------------------------------------------ */

static bool is_nil(lp_span field)
{
    return field.len_bytes == 0 ||
           (field.len_bytes == 1 && field.ptr[0] == '-');
}

/* A span with the byte behind it, which the caller knows to be a space. */
static lp_span with_space(lp_span span)
{
    return lp_span_of(span.ptr, span.len_bytes + 1);
}

static void add_part(lp_line *line, lp_span part)
{
    line->parts[line->part_count] = part;
    line->part_count++;
}

/*
 * A time in a form that can be told to anyone: as it was sent if that is RFC
 * 3339, else printed from what it means, or from when the line arrived.
 */
static size_t put_time(char *out, lp_span time, int64_t arrival_ns)
{
    int64_t time_ns = arrival_ns;
    char printed[LP_TIMESTAMP_MAX_BYTES];
    size_t printed_bytes;

    if (!is_nil(time)) {
        if (lp_timestamp_parse(time, &time_ns, NULL) == LP_OK) {
            if (time.len_bytes <= TIME_MAX_BYTES &&
                memchr(time.ptr, ' ', time.len_bytes) == NULL) {
                memcpy(out, time.ptr, time.len_bytes);
                return time.len_bytes;
            }
        } else if (lp_timestamp_parse_bsd(time, arrival_ns, 0, &time_ns) !=
                   LP_OK) {
            time_ns = arrival_ns;
        }
    }
    printed_bytes = lp_timestamp_print(time_ns, TIME_DECIMALS, printed);
    memcpy(out, printed, printed_bytes);
    return printed_bytes;
}

/*
 * Does "<PRI>1 TIME " stand in the message as we would write it? Zeros in front
 * make it longer, and so does what is no number below 256, unless it has three
 * digits as the number modulo 256 does; then the first of them differs.
 */
static bool is_canonical(const lp_syslog *msg, const char *pri,
                         size_t pri_bytes)
{
    return msg->version == 1 && msg->time.ptr == msg->prefix.ptr + pri_bytes &&
           msg->prefix.ptr[1] == pri[1];
}

/*
 * "<PRI>1 TIME " is sent in just this form by every sender that matters; it is
 * then taken from the message as it stands. Else it is made at pri, behind the
 * room for LEN, in one part or two. Returns the bytes of it.
 */
static size_t add_prefix(const lp_syslog *msg, char *pri, lp_line *line)
{
    size_t pri_bytes = put_pri(pri, msg->pri);
    bool is_timed = msg->format != LP_SYSLOG_3164 && !is_nil(msg->time);
    lp_span sent_time;

    line->marks.time_offset = (uint8_t)pri_bytes;
    if (is_timed && is_canonical(msg, pri, pri_bytes)) {
        line->parts[0].len_bytes = 0;
        add_part(line, msg->prefix);
        return msg->prefix.len_bytes;
    }
    if (is_timed) {
        sent_time = with_space(msg->time);
        line->parts[0] = lp_span_of(pri, pri_bytes);
        add_part(line, sent_time);
        return pri_bytes + sent_time.len_bytes;
    }
    pri_bytes += put_time(pri + pri_bytes, msg->time, line->arrival_ns);
    pri[pri_bytes] = ' ';
    pri_bytes++;
    line->parts[0] = lp_span_of(pri, pri_bytes);
    return pri_bytes;
}

static lp_span or_nil(lp_span field)
{
    return field.len_bytes == 0 ? LP_SPAN("-") : field;
}

/* Of RFC 5424: "APP PROCID " and "PROCID - " stand in the message already. */
static void add_names_5424(const lp_syslog *msg, lp_span host_app,
                           lp_line *line)
{
    const char *from = msg->procid.ptr;
    const char *end = msg->procid.ptr + msg->procid.len_bytes + 1;

    if (host_app.len_bytes > 0) {
        add_part(line, host_app);
    } else {
        add_part(line, LP_SPAN("host "));
        from = msg->app.ptr;
    }
    if (msg->msgid.len_bytes == 1 && msg->msgid.ptr[0] == '-' &&
        msg->msg.ptr > msg->msgid.ptr + 1) {
        add_part(line, lp_span_of(from, (size_t)(end - from) + 2));
        return;
    }
    add_part(line, lp_span_of(from, (size_t)(end - from)));
    add_part(line, LP_SPAN("- "));
}

/* Of RFC 3164, where nothing stands side by side. */
static void add_names_3164(const lp_syslog *msg, lp_span host_app,
                           lp_line *line)
{
    if (host_app.len_bytes > 0) {
        add_part(line, host_app);
    } else {
        // "host " is in the scratch, behind the time.
        add_part(line, or_nil(msg->app));
        add_part(line, LP_SPAN(" "));
    }
    add_part(line, or_nil(msg->procid));
    add_part(line, LP_SPAN(" - "));
}

/* Does the stored form say it, with its own "host"? */
static bool is_host_said(lp_span host)
{
    return is_nil(host) ||
           (host.len_bytes == 4 && memcmp(host.ptr, "host", 4) == 0);
}

/* Is there nothing in the header that the stored form leaves out? */
static inline bool is_all_said(const lp_syslog *msg)
{
    return is_host_said(msg->host) && is_nil(msg->msgid) && is_nil(msg->sd);
}

/* Seldom, and so out of the way. */
__attribute__((noinline)) static void set_aside(const lp_syslog *msg,
                                                lp_line *line)
{
    if (msg->format == LP_SYSLOG_3164) {
        line->aside[0] = msg->host;
        line->aside[1] = LP_SPAN(" -");
        return;
    }
    line->aside[0] = with_space(msg->host);
    line->aside[1] = msg->msgid;
    if (msg->sd.len_bytes > 0) {
        line->aside[1].len_bytes =
            (size_t)(msg->sd.ptr + msg->sd.len_bytes - msg->msgid.ptr);
    }
}

static inline void set_aside_if_any(const lp_syslog *msg, lp_line *line)
{
    if (is_all_said(msg)) {
        memset(line->aside, 0, sizeof(line->aside));
    } else {
        set_aside(msg, line);
    }
}

/* What stands between the parts of the header, in bytes behind LEN. */
typedef struct extents {
    size_t prefix_bytes; /* "<PRI>1 TIME " */
    size_t names_bytes;  /* "host APP "    */
    size_t procid_bytes; /* "PROCID "      */
} extents;

static const size_t host_bytes = sizeof("host ") - 1;

static bool is_too_big(const lp_syslog *msg, const extents *ext)
{
    size_t header_bytes = LEN_MAX_BYTES + PRI_MAX_BYTES + TIME_MAX_BYTES +
                          msg->time.len_bytes + ext->names_bytes +
                          ext->procid_bytes + 2;

    return header_bytes > HEADER_MAX_BYTES ||
           msg->msg.len_bytes > LINE_MAX_BYTES - header_bytes;
}

/* LEN, in front of what stands at pri already, and the marks behind it. */
static void finish_line(const lp_syslog *msg, const extents *ext, char *pri,
                        lp_line *line)
{
    size_t host = ext->prefix_bytes;
    size_t procid = host + ext->names_bytes;
    size_t text = procid + ext->procid_bytes + 2;
    char *len;
    size_t len_bytes;

    pri[-1] = ' ';
    len = put_digits_before(pri - 1, text + msg->msg.len_bytes);
    len_bytes = (size_t)(pri - len);
    line->parts[0] = lp_span_of(len, len_bytes + line->parts[0].len_bytes);
    line->marks.pri = msg->pri;
    line->marks.time_offset = (uint8_t)(line->marks.time_offset + len_bytes);
    line->marks.host_offset = (uint16_t)(len_bytes + host);
    line->marks.app_offset = (uint16_t)(len_bytes + host + host_bytes);
    line->marks.procid_offset = (uint16_t)(len_bytes + procid);
    line->marks.msgid_offset = (uint16_t)(len_bytes + text - 2);
    line->marks.msg_offset = (uint16_t)(len_bytes + text);
}

/*
 * Nearly every line: its prefix is plain, its MSGID "-" with something behind
 * it, its APP-NAME a token that host_app stands for. Then five parts make it,
 * and only LEN has to be printed. False: it is not such a line.
 */
static bool render_common(const lp_syslog *msg, lp_span host_app,
                          lp_render_scratch *scratch, lp_line *line)
{
    size_t procid = msg->prefix.len_bytes + host_app.len_bytes;
    size_t text = procid + msg->procid.len_bytes + sizeof(" - ") - 1;
    char *len = scratch->head;
    size_t len_bytes;

    if (!msg->is_plain || msg->format == LP_SYSLOG_3164 ||
        host_app.len_bytes == 0 || msg->msgid.len_bytes != 1 ||
        msg->msgid.ptr[0] != '-' || msg->msg.ptr <= msg->msgid.ptr + 1 ||
        text > HEADER_MAX_BYTES - LEN_MAX_BYTES ||
        msg->msg.len_bytes > LINE_MAX_BYTES - HEADER_MAX_BYTES) {
        return false;
    }
    set_aside_if_any(msg, line);
    len_bytes = (size_t)(put_count(len, text + msg->msg.len_bytes) - len);
    line->parts[0] = lp_span_of(len, len_bytes);
    line->parts[1] = msg->prefix;
    line->parts[2] = host_app;
    line->parts[3] = lp_span_of(msg->procid.ptr, text - procid);
    line->parts[4] = msg->msg;
    line->part_count = 5;
    line->marks.pri = msg->pri;
    line->marks.time_offset =
        (uint8_t)(len_bytes + (size_t)(msg->time.ptr - msg->prefix.ptr));
    line->marks.host_offset = (uint16_t)(len_bytes + msg->prefix.len_bytes);
    line->marks.app_offset = (uint16_t)(line->marks.host_offset + host_bytes);
    line->marks.procid_offset = (uint16_t)(len_bytes + procid);
    line->marks.msgid_offset = (uint16_t)(len_bytes + text - 2);
    line->marks.msg_offset = (uint16_t)(len_bytes + text);
    return true;
}

/* All others, out of the way of these. */
__attribute__((noinline)) static lp_err render_any(const lp_syslog *msg,
                                                   lp_span host_app,
                                                   lp_render_scratch *scratch,
                                                   lp_line *line)
{
    char *pri = scratch->head + LEN_MAX_BYTES;
    extents ext = {0, host_app.len_bytes, or_nil(msg->procid).len_bytes + 1};

    if (host_app.len_bytes == 0) {
        ext.names_bytes = host_bytes + or_nil(msg->app).len_bytes + 1;
    }
    if (is_too_big(msg, &ext)) {
        return LP_E_TOOBIG;
    }
    line->part_count = 1;
    ext.prefix_bytes = add_prefix(msg, pri, line);
    if (msg->format == LP_SYSLOG_3164) {
        if (host_app.len_bytes == 0) {
            memcpy(pri + line->parts[0].len_bytes, "host ", host_bytes);
            line->parts[0].len_bytes += host_bytes;
        }
        add_names_3164(msg, host_app, line);
    } else {
        add_names_5424(msg, host_app, line);
    }
    if (msg->msg.len_bytes > 0) {
        add_part(line, msg->msg);
    }
    set_aside_if_any(msg, line);
    finish_line(msg, &ext, pri, line);
    return LP_OK;
}

lp_err lp_render_line(const lp_syslog *msg, lp_span host_app,
                      lp_render_scratch *scratch, lp_line *line)
{
    if (render_common(msg, host_app, scratch, line)) {
        return LP_OK;
    }
    return render_any(msg, host_app, scratch, line);
}

/* Fields of the stored form ----------------------------------------------- */

/* A field from its first byte to the space before the next one's. */
static lp_span field_of(const lp_record *record, size_t from, size_t next)
{
    return lp_span_of(record->bytes.ptr + from, next - 1 - from);
}

lp_span lp_record_time(const lp_record *record)
{
    return field_of(record, record->marks.time_offset,
                    record->marks.host_offset);
}

lp_span lp_record_app(const lp_record *record)
{
    return field_of(record, record->marks.app_offset,
                    record->marks.procid_offset);
}

lp_span lp_record_procid(const lp_record *record)
{
    return field_of(record, record->marks.procid_offset,
                    record->marks.msgid_offset);
}

lp_span lp_record_msg(const lp_record *record)
{
    return lp_span_skip(record->bytes, record->marks.msg_offset);
}

/* To the forms that leave ------------------------------------------------- */

static char *put(char *out, lp_span span)
{
    if (span.len_bytes > 0) {
        memcpy(out, span.ptr, span.len_bytes);
    }
    return out + span.len_bytes;
}

/* The line end that MSG lacks. */
static lp_span missing_end(lp_span msg)
{
    if (msg.len_bytes > 0 && msg.ptr[msg.len_bytes - 1] == '\n') {
        return lp_span_of(NULL, 0);
    }
    return LP_SPAN("\n");
}

size_t lp_render_tail(const lp_record *record, char *out, size_t room_bytes)
{
    const lp_marks *at = &record->marks;
    lp_span time = field_of(record, at->time_offset,
                            at->host_offset + (size_t)1); // and a space
    lp_span app = lp_record_app(record);
    lp_span procid = lp_record_procid(record);
    lp_span msg = lp_record_msg(record);
    lp_span end = missing_end(msg);
    size_t total_bytes = time.len_bytes + app.len_bytes + procid.len_bytes +
                         LP_SPAN("[]: ").len_bytes + msg.len_bytes +
                         end.len_bytes;

    if (total_bytes > room_bytes) {
        return total_bytes;
    }
    out = put(out, time);
    out = put(out, app);
    *out++ = '[';
    out = put(out, procid);
    out = put(out, LP_SPAN("]: "));
    out = put(out, msg);
    put(out, end);
    return total_bytes;
}

enum { WIDE_BYTES = 64, HALF_BYTES = WIDE_BYTES / 2 };

/*
 * What is short is copied with some of what stands behind it, in one go and
 * without a call, where both sides have so much; whoever puts the next part
 * writes over the rest.
 */
static char *put_wide(char *out, const char *out_end, const char *from,
                      size_t bytes, const char *from_end)
{
    if (bytes > WIDE_BYTES || from_end - from < WIDE_BYTES ||
        out_end - out < WIDE_BYTES) {
        memcpy(out, from, bytes);
    } else {
        memcpy(out, from, WIDE_BYTES);
    }
    return out + bytes;
}

/* Its first bytes and its last ones, which may overlap. */
static char *put_token(char *out, lp_span token)
{
    char *end = out + token.len_bytes;

    if (token.len_bytes < HALF_BYTES || token.len_bytes > WIDE_BYTES) {
        return put(out, token);
    }
    memcpy(out, token.ptr, HALF_BYTES);
    memcpy(end - HALF_BYTES, token.ptr + token.len_bytes - HALF_BYTES,
           HALF_BYTES);
    return end;
}

/* What the stored form and this one have in common is copied in one piece: the
 * PRI with the time and the space behind it, APP-NAME with PROCID, and MSG. */
size_t lp_render_syslog_at(const lp_record *record, lp_span drain_token,
                           bool is_counted, char *out, size_t room_bytes,
                           size_t *token_at)
{
    static const char nils[] = {' ', '-', ' ', '-', ' '};
    const lp_marks *at = &record->marks;
    const char *in = record->bytes.ptr, *in_end = in + record->bytes.len_bytes;
    const char *pri =
        in + at->time_offset -
        (LP_SPAN("<0>1 ").len_bytes + (at->pri > 9) + (at->pri > 99));
    const char *msg = in + at->msg_offset;
    size_t head_bytes = (size_t)(in + at->host_offset - pri);
    size_t names_bytes = (size_t)(at->msgid_offset - 1 - at->app_offset);
    size_t msg_bytes = (size_t)(in_end - msg);
    bool is_open = msg_bytes == 0 || in_end[-1] != '\n';
    size_t line_bytes = head_bytes + drain_token.len_bytes + 1 + names_bytes +
                        sizeof(nils) + msg_bytes + is_open;
    size_t count_bytes = is_counted ? count_bytes_of(line_bytes) : 0;
    size_t total_bytes = count_bytes + line_bytes;
    const char *out_end = out + total_bytes;

    *token_at = count_bytes + head_bytes;
    if (total_bytes > room_bytes) {
        return total_bytes;
    }
    if (is_counted) {
        out = put_count(out, line_bytes);
    }
    out = put_wide(out, out_end, pri, head_bytes, in_end);
    out = put_token(out, drain_token);
    *out++ = ' ';
    out = put_wide(out, out_end, in + at->app_offset, names_bytes, in_end);
    memcpy(out, nils, sizeof(nils));
    memcpy(out + sizeof(nils), msg, msg_bytes);
    if (is_open) {
        out[sizeof(nils) + msg_bytes] = '\n';
    }
    return total_bytes;
}

size_t lp_render_syslog(const lp_record *record, lp_span drain_token,
                        bool is_counted, char *out, size_t room_bytes)
{
    size_t token_at;

    return lp_render_syslog_at(record, drain_token, is_counted, out, room_bytes,
                               &token_at);
}
