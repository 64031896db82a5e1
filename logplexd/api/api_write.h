/*
 * api_write.h - a write to the catalog, and the answer that waits for it.
 *
 *     handler --> api_write_start() --> work, on a thread of the pool --+
 *                                                                       |
 *     worker's thread: the answer, from the view that has the change <--+
 */
#ifndef LOGPLEXD_API_WRITE_H
#define LOGPLEXD_API_WRITE_H

#include "api/api.h"

typedef struct api_write api_write;

/* The work runs on another thread, and touches no request. What is done then
 * answers; the write is gone after that. */
typedef void (*api_write_step)(api_write *write);

struct api_write {
    http_request *req;
    catalog *cat;
    api_write_step work, done;
    api_refuse refuse;
    unsigned variant; /* the handler's own: of several ways to answer */

    /* What is to be written; spans of the request. */
    lp_span channel_id;
    lp_span token_id;
    lp_span name;
    const lp_span *names;
    size_t name_count;
    catalog_session session;
    uint32_t flags;
    int64_t overlap_ns; /* of a token that is rotated */
    uint64_t drain_id;
    lp_span url;
    catalog_drain_start start; /* if has_start */
    bool has_start;
    int64_t now_ns;
    void *more; /* what an API keeps for itself; of the request */

    const char *subject; /* for errors: "channel \"demo\"" */

    /* What came of it. */
    catalog_err err;
    bool is_new;
    char new_id[40];
    catalog_drain_made drain;
};

/* A write of the request's, zeroed; NULL: answered, there is no memory. The
 * second one is for a struct that begins with one. */
api_write *api_write_new(http_request *req, api_refuse refuse);
void api_write_init(api_write *write, http_request *req, api_refuse refuse);

/* The same, to the channel whose id is the path's first parameter; kind is what
 * the API calls it. */
api_write *api_write_to_channel(http_request *req, api_refuse refuse,
                                const char *kind);

/* Says what the write is about: "channel", and the id of it. */
void api_write_about(api_write *write, const char *kind, lp_span value);

/* The names in a JSON list, copied for the work; what is no list has none. False:
 * answered. */
bool api_write_names(api_write *write, const json_t *list);

/* The one name, copied likewise; empty if it is no string. */
bool api_write_name(api_write *write, const json_t *name);

/* Defers the request until work is done. False: answered with 503, as too many
 * wait. */
bool api_write_start(api_write *write, api_write_step work,
                     api_write_step done);

/* One more token of the path's channel, by a name that has to be a string; else
 * it is refused with 400. */
void api_write_start_token(http_request *req, const json_t *name,
                           api_write_step done);

/* Does write->session ask for a tail while those are switched off? Then it has
 * been refused with 503: one that asks for history alone would not be. */
bool api_write_tail_refused(const api_write *write);

/* catalog_add_session(), catalog_add_drain() and so on, as works. */
void api_write_session(api_write *write);
void api_write_add_drain(api_write *write);
void api_write_set_drain(api_write *write);
void api_write_delete_drain(api_write *write);
void api_write_add_token(api_write *write);
void api_write_delete_channel(api_write *write);

/* What is done after a deletion: 204, or what went wrong. */
void api_write_deleted(api_write *write);

/* Answers what went wrong, if anything did. */
bool api_write_failed(const api_write *write);

/* base-url and "/sessions/ID", a string of the request's. */
const char *api_session_url(http_request *req, const catalog_session *session,
                            const char *query);

#endif /* LOGPLEXD_API_WRITE_H */
