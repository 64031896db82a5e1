/*
 * api_channel.h - how the APIs speak of a channel and what is its.
 */
#ifndef LOGPLEXD_API_CHANNEL_H
#define LOGPLEXD_API_CHANNEL_H

#include "api/api.h"

/* Of the newest view; NULL: there is none. */
const catalog_channel *api_find_channel(http_request *req, lp_span id);

/* May this credential read it? full_api, or the channel's own. */
bool api_may_read(const catalog_credential *who,
                  const catalog_channel *channel);

/* The channel of the path, for who may read it: of an HTTP_AUTH_READER route.
 * NULL: answered, with 404, or with 403 for who has the credential of another
 * one and is not told which there are. */
const catalog_channel *api_readable_channel(http_request *req);

/* NULL: the channel has no drain of this id, or there is no channel. */
const catalog_drain *api_find_drain(const catalog_channel *channel,
                                    uint64_t id);

/* base-url, "/v3/channels/ID" and path, a string of the request's. */
const char *api_channel_url(http_request *req, lp_span id, const char *path);

/* 404 that names the channel. */
void api_refuse_channel(http_request *req, lp_span id);

/* {"NAME":"TOKEN",...}: printed, as two tokens of one name are two equal keys.
 * One that is being replaced is left out: whoever reads this wants the new one. */
void api_print_tokens(FILE *to, const catalog_channel *channel);

/* {"id":1,"token":"d....","url":"..."}; without a url while it is reserved. The
 * second one leaves the brace open, for more members. */
void api_print_drain(FILE *to, uint64_t id, lp_span token, lp_span url);
void api_print_drain_head(FILE *to, uint64_t id, lp_span token, lp_span url);

/* A list of them, the reserved ones left out. */
void api_print_drains(FILE *to, const catalog_channel *channel);

#endif /* LOGPLEXD_API_CHANNEL_H */
