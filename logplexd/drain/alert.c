#include "drain/alert.h"

#include <stdio.h>

#include "logplex/drain_url.h"
#include "logplex/render.h"

enum { PRI = 188 }; /* local7.warning */

static void append(worker *w, lp_channel *ring, const lp_line *line)
{
    listener_counts *counts = &w->counts.listeners[LISTENER_OWN];
    lp_append_result result;
    lp_err err;

    counters_write_begin(&w->counts);
    err = lp_channel_append(ring, line, &result);
    count_add(&counts->received_lines, 1);
    count_add(&counts->accepted_lines, result.accepted_lines);
    count_add(&counts->rejected_lines[REJECT_TOO_BIG], result.too_big_lines);
    count_add(&counts->rejected_lines[err == LP_E_CLOSED ? REJECT_CLOSED
                                                         : REJECT_FULL],
              result.refused_lines);
    counters_write_end(&w->counts);
    if (w->shared->pace)
        pace_add(w->shared->pace, w->index, pace_home(w->shared->pace, ring),
                 result.accepted_lines);
}

void alert_append(worker *w, lp_channel *ring, lp_span token, lp_span url,
                  const char *alert)
{
    char shown[LP_DRAIN_URL_MAX_BYTES + 8] = "";
    char text[sizeof(shown) + 128];
    size_t shown_bytes = 0;
    lp_drain_url parsed;
    lp_render_scratch scratch;
    lp_line line = {.arrival_ns = worker_now(w)};
    lp_syslog msg = {.pri = PRI,
                     .format = LP_SYSLOG_3164,
                     .host = token,
                     .app = LP_SPAN("heroku"),
                     .procid = LP_SPAN("logplex")};
    int text_bytes;

    if (lp_drain_url_parse(url, &parsed, NULL) == LP_OK) {
        if (parsed.query.ptr)
            parsed.query = LP_SPAN("***"); // where some have their key
        shown_bytes =
            lp_drain_url_print_redacted(&parsed, shown, sizeof(shown));
    }
    text_bytes = snprintf(text, sizeof(text),
                          "Error L14 (certificate validation): error=\"%s\" "
                          "uri=\"%.*s\"\n",
                          alert, (int)shown_bytes, shown);
    msg.msg = lp_span_of(text, (size_t)text_bytes);
    if (lp_render_line(&msg, lp_span_of(NULL, 0), &scratch, &line) == LP_OK)
        append(w, ring, &line);
}
