/*
 * api_write.h - a write to the catalog, and the answer that waits for it.
 *
 *     handler --> api_write_start() --> work, on a thread of the pool --+
 *                                                                       |
 *     worker's thread: the answer, from the view that has the change <--+
 */
#ifndef LOGPLEXD_API_WRITE_H
#define LOGPLEXD_API_WRITE_H

#include "api.h"

typedef struct api_write api_write;

struct api_write {
    http_request *req;
    catalog *cat;
    void (*work)(api_write *write); /* on another thread: no req there        */
    void (*done)(api_write *write); /* answers req; write is gone after that  */
    api_refuse refuse;

    /* What is to be written; spans of the request. */
    lp_span channel_id;
    lp_span token_id;
    lp_span name;
    const lp_span *names;
    size_t name_count;
    catalog_session session;
    int64_t now_ns;
    void *more; /* what an API keeps for itself; of the request */

    const char *subject; /* for errors: "channel \"demo\"" */

    /* What came of it. */
    catalog_err err;
    bool is_new;
    char new_id[40];
};

/* A write of the request's, zeroed; NULL: answered, there is no memory. */
api_write *api_write_new(http_request *req, api_refuse refuse);

/* Says what the write is about: "channel", and the id of it. */
void api_write_about(api_write *write, const char *kind, lp_span value);

/* Defers the request until work is done. Answers 503 when too many wait. */
void api_write_start(api_write *write);

/* What catalog_add_session() wants, as a work. */
void api_write_session(api_write *write);

/* Answers what went wrong, if anything did. */
bool api_write_failed(const api_write *write);

/* base-url and "/sessions/ID", a string of the request's. */
const char *api_session_url(http_request *req, const catalog_session *session,
                            const char *query);

#endif /* LOGPLEXD_API_WRITE_H */
