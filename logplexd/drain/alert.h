/*
 * alert.h - L14: a channel is told that the certificate of one of its sinks is
 * not accepted (spec 3.3).
 */
#ifndef LOGPLEXD_ALERT_H
#define LOGPLEXD_ALERT_H

#include "worker/worker.h"

/* A line in the channel, by the drain's token. url is shown without its
 * password; alert is what TLS calls it. Threads: w's. */
void alert_append(worker *w, lp_channel *ring, lp_span token, lp_span url,
                  const char *alert);

#endif /* LOGPLEXD_ALERT_H */
