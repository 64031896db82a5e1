/*
 * line_json.h - a line of a ring as JSON (RFC 8259), byte by byte. Pure.
 *
 *     {"seq":5,"t":1764130500.123456,"time":"2026-11-26T04:15:00.120000+00:00",
 *      "source":"heroku","process":"router","severity":6,"text":"at=info ..."}
 *
 * t is the arrival, in seconds, and time what the sender wrote. text is the
 * message without the line end behind it; of one over LINE_JSON_TEXT_MAX_BYTES
 * it is the beginning, and there is "cut":true. Bytes that are no UTF-8 (RFC
 * 3629) become U+FFFD, one each.
 */
#ifndef LOGPLEXD_LINE_JSON_H
#define LOGPLEXD_LINE_JSON_H

#include "base/sink.h"
#include "logplex/logplex.h"

enum { LINE_JSON_TEXT_MAX_BYTES = 16 * 1024 };

void line_json_put(sink *to, const lp_record *record);

/* A message without the line end that it may have. */
lp_span line_json_text(lp_span msg);

/* A string with its quotes. */
void line_json_put_string(sink *to, lp_span text);

#endif /* LOGPLEXD_LINE_JSON_H */
