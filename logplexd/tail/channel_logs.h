/*
 * channel_logs.h - the newest lines of a channel as application/logplex-1.
 *
 * The answer begins with the number of its frames, so the lines are held, not
 * copied, from before its first byte on: for some seconds. Who has not taken them by
 * then gets them for as long as the ring has them, and is broken off behind that.
 */
#ifndef LOGPLEXD_CHANNEL_LOGS_H
#define LOGPLEXD_CHANNEL_LOGS_H

#include "http/http.h"

/* Answers req with the newest lines_max lines, oldest first. */
void channel_logs_start(http_request *req, lp_channel *ring,
                        uint64_t lines_max);

#endif /* LOGPLEXD_CHANNEL_LOGS_H */
