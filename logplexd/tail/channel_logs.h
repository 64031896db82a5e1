/*
 * channel_logs.h - the newest lines of a channel as application/logplex-1.
 *
 * The answer begins with the number of its frames, so the lines are held, not
 * copied, from before its first byte to its last.
 */
#ifndef LOGPLEXD_CHANNEL_LOGS_H
#define LOGPLEXD_CHANNEL_LOGS_H

#include "http/http.h"

/* Answers req with the newest lines_max lines, oldest first. */
void channel_logs_start(http_request *req, lp_channel *ring,
                        uint64_t lines_max);

#endif /* LOGPLEXD_CHANNEL_LOGS_H */
