/*
 * syslog.h - the header of a syslog message: RFC 5424, the Logplex form that
 * leaves STRUCTURED-DATA out, and RFC 3164.
 *
 * Pure functions on spans: no allocation, no clock, no locale, linear time on
 * every input. Spans in the output point into the input. Threads: any.
 */
#ifndef LOGPLEX_SYSLOG_H
#define LOGPLEX_SYSLOG_H

#include <stdint.h>

#include "logplex/errors.h"
#include "logplex/span.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum lp_syslog_format {
    LP_SYSLOG_5424 = 0,       /* RFC 5424 6                                  */
    LP_SYSLOG_5424_NO_SD = 1, /* the same without STRUCTURED-DATA, which is
                                 then taken as "-"; application/logplex-1    */
    LP_SYSLOG_3164 = 2        /* RFC 3164 4.1                                */
} lp_syslog_format;

/* RFC 5424 6.2 sets 255, 48, 128 and 32; senders exceed them, so one wider
 * limit holds for TIMESTAMP, HOSTNAME, APP-NAME, PROCID and MSGID alike. */
enum { LP_SYSLOG_FIELD_MAX_BYTES = 1024 };

/*
 * A field that is absent, as RFC 3164 allows, has length 0; "-", the NILVALUE
 * of RFC 5424, is kept as the one byte that it is. In the two formats of RFC
 * 5424 the fields stand in the frame in this order, one space between them.
 */
typedef struct lp_syslog {
    uint8_t pri; /* modulo 256, as Logplex does: <999> is 231 */
    uint8_t format;
    uint8_t is_plain; /* prefix is just as we would print it: PRI below 256 and
                         without zeros in front, VERSION 1, a TIME */
    uint16_t version;
    lp_span prefix; /* "<PRI>VERSION TIME " as sent, its last space included;
                       empty for RFC 3164 */
    lp_span time;   /* as sent, never checked for RFC 5424 */
    lp_span host;
    lp_span app;    /* of RFC 3164: the tag, without [pid] and colon */
    lp_span procid; /* of RFC 3164: what stands in the brackets      */
    lp_span msgid;
    lp_span sd; /* brackets and all, or "-", or empty when left out */
    lp_span msg;
} lp_syslog;

/*
 * What does not read as STRUCTURED-DATA begins MSG, so that no line is lost over
 * it. RFC 3164 may lack HOSTNAME, tag, process and colon, and have a time as in
 * RFC 3339; without a time it is not taken for a message.
 * Fails: LP_E_SYNTAX; *at_byte (may be NULL) is then the offset of the first
 * byte that fits no format.
 */
LP_API lp_err lp_syslog_parse(lp_span frame, lp_syslog *out, size_t *at_byte);

#ifdef __cplusplus
}
#endif

#endif /* LOGPLEX_SYSLOG_H */
