/*
 * api_tail.h - how reading a channel begins, whichever API asks for it.
 */
#ifndef LOGPLEXD_API_TAIL_H
#define LOGPLEXD_API_TAIL_H

#include "api/api.h"
#include "tail/tail.h"

/* Where the reader was when he lost us: Last-Event-ID, or ?last_event_id= of a
 * page, which can't set headers. Empty: nowhere. */
lp_span api_tail_place(http_request *req);

/* The first line that may be shown to who comes now: what stands before it is
 * of no history. Where none is kept, no line is that high. */
lp_seq api_history_floor(http_request *req, const catalog_channel *channel);

/* Fills in whose lines they are, where the reader was, and what he may not see:
 * of the history when there is none, of what comes when tails are off. What else
 * is wanted is there already. */
void api_tail_of(http_request *req, const catalog_channel *channel,
                 tail_request *want);

#endif /* LOGPLEXD_API_TAIL_H */
