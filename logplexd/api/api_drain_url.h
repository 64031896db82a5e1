/* api_drain_url.h - the URL of a drain, as requests give it. */
#ifndef LOGPLEXD_API_DRAIN_URL_H
#define LOGPLEXD_API_DRAIN_URL_H

#include "api/api.h"
#include "logplex/drain_url.h"

/*
 * What a request says of where a drain sends to: {"url":"..."} or, in the
 * legacy API, {"host":"...","port":514}. Beside a URL may stand "filter",
 * "encoding", "refused" and "rate", which become options of its fragment. *url is
 * its canonical form, in memory of the request. False: error says what is wrong
 * with it.
 */
bool api_read_drain_url(http_request *req, const json_t *body, lp_span *url,
                        lp_drain_url_error *error);
bool api_read_drain_host(http_request *req, const json_t *body, lp_span *url,
                         lp_drain_url_error *error);

/* The name of the first of those options; NULL: there is none. */
const char *api_drain_option(const json_t *body);

/* ,"warnings":["..."] of a URL that has parts which do nothing, or leads where
 * drains may no longer connect; or nothing. first is one more, or NULL. */
void api_print_drain_doubts(FILE *to, const config *cfg, lp_span url,
                            const char *first);

#endif /* LOGPLEXD_API_DRAIN_URL_H */
