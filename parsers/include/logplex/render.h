/*
 * render.h - a message to the form that a channel stores, and from there to
 * the three forms that leave.
 *
 * Stored, and sent to HTTP drains as it stands, several side by side:
 *
 *     LEN <PRI>1 TIME host APP PROCID - MSG
 *         |       |    |    |   |      |
 *         |       |    |    |   |      msgid_offset, and msg_offset behind it
 *         pri     |    |    |   procid_offset
 *                 |    |    app_offset
 *                 |    host_offset
 *                 time_offset
 *
 * LEN counts the bytes behind its space. What this form leaves out, the
 * sender's HOSTNAME, MSGID and STRUCTURED-DATA, stands aside as
 * "HOSTNAME MSGID SD", with "-" for what there was not (a missing SD at the
 * end may be left out), and is empty when it would be "- - -", or "host - -": a
 * line whose sender calls itself so says all that itself.
 *
 * Pure functions; no allocation. Threads: any.
 */
#ifndef LOGPLEX_RENDER_H
#define LOGPLEX_RENDER_H

#include "logplex/logplex.h"
#include "logplex/syslog.h"
#include "logplex/timestamp.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes that a line needs for as long as it is not appended. */
typedef struct lp_render_scratch {
    char head[80]; /* LEN, and PRI and TIME when the message's own won't do */
} lp_render_scratch;

/*
 * Fills line->parts, part_count, marks and aside so that the parts joined are
 * the stored form of msg. host_app is "host NAME " with both spaces, kept
 * ready for each token; when it is empty the message's own APP-NAME is taken.
 * line->next and arrival_ns are the caller's.
 *
 * TIME is kept as it was sent. That of RFC 3164 becomes RFC 3339 in UTC (near
 * line->arrival_ns), and that of the arrival is taken when there is none or
 * only "-".
 *
 * msg comes from lp_syslog_parse(), or else its format is LP_SYSLOG_3164: that
 * is how a caller says something of its own, with an empty time for "now".
 *
 * Owns: the parts point into msg's frame, host_app, scratch and constants, and
 * are good for as long as these are.
 * Fails: LP_E_TOOBIG: the header is over 64 KiB, or the line over 16 MiB.
 */
LP_API lp_err lp_render_line(const lp_syslog *msg, lp_span host_app,
                             lp_render_scratch *scratch, lp_line *line);

/* Parts of a stored line, by its marks. */
LP_API lp_span lp_record_time(const lp_record *record);
LP_API lp_span lp_record_app(const lp_record *record);
LP_API lp_span lp_record_procid(const lp_record *record);
LP_API lp_span lp_record_msg(const lp_record *record);

/* Is a PROCID the one that is meant, or one of a kind of it? "web" is web and
 * web.1, and not website; "web.1" is also web.1.2. So the original's log sessions
 * have it (ps). Threads: any, as the next one. */
static inline bool lp_procid_begins(lp_span procid, lp_span meant)
{
    return lp_span_starts(procid, meant) &&
           (procid.len_bytes == meant.len_bytes ||
            procid.ptr[meant.len_bytes] == '.');
}

/* The same, but "web.1" is that alone: so filters and questions have it. */
static inline bool lp_procid_is(lp_span procid, lp_span meant)
{
    return lp_procid_begins(procid, meant) &&
           (procid.len_bytes == meant.len_bytes ||
            memchr(meant.ptr, '.', meant.len_bytes) == NULL);
}

/*
 * Each of these writes one line's form to out if it fits in room_bytes, and
 * returns the bytes that it takes, whether it fitted or not.
 *
 * tail:    TIME APP[PROCID]: MSG, and LF unless MSG ends in one
 * syslog:  LEN <PRI>1 TIME DRAIN-TOKEN APP PROCID - - MSG, LF as above;
 *          without "LEN " when is_counted is false
 *
 * lp_render_syslog_at() says besides where the token begins: another one of the
 * same length may be put in its place.
 */
LP_API size_t lp_render_tail(const lp_record *record, char *out,
                             size_t room_bytes);
LP_API size_t lp_render_syslog(const lp_record *record, lp_span drain_token,
                               bool is_counted, char *out, size_t room_bytes);
LP_API size_t lp_render_syslog_at(const lp_record *record, lp_span drain_token,
                                  bool is_counted, char *out, size_t room_bytes,
                                  size_t *token_at);

#ifdef __cplusplus
}
#endif

#endif /* LOGPLEX_RENDER_H */
