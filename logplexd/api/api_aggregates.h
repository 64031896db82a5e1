/*
 * api_aggregates.h - what the files of the aggregates have in common.
 */
#ifndef LOGPLEXD_API_AGGREGATES_H
#define LOGPLEXD_API_AGGREGATES_H

#include "api/api_aggregate_print.h"
#include "api/api_channel.h"
#include "api/api_query.h"

/* The aggregator of the path's channel, for who may read it, and the channel.
 * NULL: answered, with 403 or 404. */
aggregator *api_readable_aggregator(http_request *req,
                                    const catalog_channel **channel);

/* False: there are no aggregates, and it has been answered. */
bool api_has_aggregates(http_request *req);

/* Does work(ctx) on the pool, and then done(ctx) here, which answers. False: there
 * is too much to do on the pool, and it has been answered. */
bool api_offload(http_request *req, void (*work)(void *ctx),
                 void (*done)(void *ctx), void *ctx);

/* 200 for numbers of this moment; or 503, where is_printed is false, as there was no
 * memory for all of them. */
void api_page_reply_numbers(http_request *req, api_page *page, bool is_printed);

/* Series of named channels for /metrics. count at most
 * API_METRICS_CHANNELS_MAX. Threads: any. */
enum { API_METRICS_CHANNELS_MAX = 32 };

typedef struct api_metrics_channel {
    aggregator *who; /* held */
    char id[CATALOG_ID_MAX_BYTES + 1];
} api_metrics_channel;

void api_print_channel_metrics(FILE *to, const api_metrics_channel *channels,
                               size_t count, int64_t now_ns);

#endif /* LOGPLEXD_API_AGGREGATES_H */
