/*
 * http.h - HTTP as our handlers see it.
 *
 * httpd_mhd.c is the only file that knows libmicrohttpd. It runs one MHD daemon
 * for each worker, and one more if some listeners speak TLS, inside the worker's
 * loop (MHD_USE_EPOLL without a thread of its own, its epoll descriptor in a
 * uv_poll_t, MHD_get_timeout honoured after each MHD_run). Plain requests with lines
 * go past it (httpd_direct.c), which handlers don't see. The other httpd_*.c
 * read bodies whole and bounded, match routes,
 * check who asks, and make answers. Answers are counted by their status (401,
 * 403, 408, 413 and 429 by themselves too): handlers don't count them.
 *
 *     headers -> route -> mode -> auth, admit -> body (cap, time limit)
 *                                                  |
 *                                                  +--> handler
 *                                                          |
 *                      http_reply()  <-- now, or after ----+
 *                      http_stream() <-- http_defer()
 *
 * Threads: everything here is for the request's worker alone.
 */
#ifndef LOGPLEXD_HTTP_H
#define LOGPLEXD_HTTP_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "worker/worker.h"

typedef struct http_request http_request;

/* A handler answers, streams, or defers, exactly one of them, before it
 * returns. */
typedef void (*http_handler)(http_request *req);

/* Who may call a route. Failure: 401 with WWW-Authenticate, 403, or 429 when
 * there were too many. */
typedef enum http_auth {
    HTTP_AUTH_NONE,     /* anybody, or the handler checks for itself       */
    HTTP_AUTH_FULL_API, /* Basic with a full_api credential                */
    HTTP_AUTH_LEGACY,   /* the same, refused in the words of the legacy API */
    HTTP_AUTH_IF_SHOWN, /* the same for who has an Authorization header; else
                           anybody                                          */
    HTTP_AUTH_PLATFORM, /* as the Heroku CLI does: Bearer SECRET, Basic
                           :SECRET or Basic ID:SECRET; JSON 401 bodies. May
                           be full_api or one channel: the handler looks   */
    HTTP_AUTH_READER,   /* who may call HTTP_AUTH_PLATFORM, in the words of
                           v3; see api_readable_channel()                   */
} http_auth;

/*
 * Whose route it is: which of the switches can close it, and how it then says
 * so. Checked before all else that can be refused, for other methods too.
 */
typedef enum http_api {
    HTTP_API_NONE,     /* nobody's: always open                               */
    HTTP_API_INGEST,   /* by SWITCH_INGEST: 503, empty                        */
    HTTP_API_LEGACY,   /* by SWITCH_LEGACY_API: 503 and a text                */
    HTTP_API_V3,       /* by SWITCH_API: 503, empty                           */
    HTTP_API_PLATFORM, /* by SWITCH_API: 503 and JSON, as Heroku's errors are */
    HTTP_API_KINDS = 0xf,
    HTTP_READS = 0x10,  /* a flag: it changes nothing, whatever its method is,
                           so it is open while its API is read-only */
    HTTP_STREAMS = 0x20 /* a flag: its GET answers with a stream, which has no
                           length and no end that a HEAD could tell of */
} http_api;

typedef struct http_route {
    const char *method;  /* "GET", or "*" for any; of a path that matches with
                            another method the answer is 405 with Allow. HEAD
                            is GET where there is no HEAD, but not of a stream
                          */
    const char *pattern; /* "/v3/channels/:id/tokens": a segment that begins
                            with ':' matches any non-empty segment, which is
                            percent-decoded exactly once ("=." and "=.." are
                            "." and ".."); a slash at the end of the path is
                            allowed */
    unsigned api;        /* an http_api, with its flags */
    http_auth auth;
    http_handler handle;
    uint64_t body_max_bytes; /* 0: no body is read (one that comes is 413) */
    http_handler admit; /* or NULL. Called when the headers are here, after auth
                           and before anything of the body is kept; answers, and
                           the body is not kept at all, or returns */
} http_route;

/* As a route's body_max_bytes: what the configuration allows for POST /logs. */
#define HTTP_BODY_OF_LOGS UINT64_MAX

/* All routes, from all api_*.c; a NULL method ends each table. */
extern const http_route api_ops_routes[];     /* health, metrics, ledger */
extern const http_route api_openapi_routes[]; /* what describes them all */
extern const http_route api_logs_routes[];    /* POST /logs              */
extern const http_route api_v3_routes[];      /* channels, tokens ...    */
extern const http_route api_drains_routes[];  /* their drains            */
extern const http_route api_lines_routes[];   /* reading their lines      */
extern const http_route api_groups_routes[];  /* and adding them up       */
extern const http_route api_legacy_routes[];  /* v1 and v2               */
extern const http_route api_legacy_drains_routes[];
extern const http_route api_dashboard_routes[];
extern const http_route api_credentials_routes[];
extern const http_route api_sessions_routes[]; /* sessions and tails      */
extern const http_route api_platform_routes[]; /* the Heroku CLI's        */
extern const http_route api_platform_drains_routes[];
extern const http_route api_aggregates_routes[]; /* numbers of a channel */
extern const http_route api_aggregate_stream_routes[];
extern const http_route api_fleet_routes[];    /* of all channels          */
extern const http_route api_switches_routes[]; /* what can be turned down */

/* Asking ------------------------------------------------------------------ */

worker *http_worker(const http_request *req);

/* The segment that matched the n-th ':' of the pattern, from 0. */
lp_span http_param(const http_request *req, unsigned n);

/* NULL when there is none. Header names in any case. Values are
 * NUL-terminated, percent-decoded for the query. */
const char *http_header(const http_request *req, const char *name);
const char *http_query(http_request *req, const char *name);

/* The first name of the query, still encoded, that is none of known, which a
 * NULL ends; NULL: there is none. */
const char *http_query_unknown(http_request *req, const char *const *known);

/* The n-th value of a name that may be there several times, from 0. */
const char *http_query_at(http_request *req, const char *name, unsigned n);

/* The whole body, its Content-Encoding still on it. */
lp_span http_body(const http_request *req);

/* A copy, of the request, of the credential that the route's auth found; NULL
 * for HTTP_AUTH_NONE. While no credential exists at all, callers on this
 * machine get one named "local" that may do everything. */
const catalog_credential *http_credential(const http_request *req);

/*
 * User and password of an Authorization: Basic header, decoded into a buffer
 * of the request. 0: here they are; 401: there is no usable header; 400: it is
 * not base64.
 */
int http_basic(http_request *req, lp_span *user, lp_span *password);

/*
 * Whose credential is it? NULL: *status is 401, or 429 when the peer has been
 * wrong too often, or 503 when too many passwords are being looked at; the
 * latter two come with a Retry-After, and with a text to answer.
 */
#define HTTP_AUTH_LIMITED "Too many wrong credentials came from this address."
#define HTTP_AUTH_BUSY    "Too many passwords are being looked at."
const catalog_credential *http_check_credential(http_request *req,
                                                const catalog_view *view,
                                                lp_span id, lp_span password,
                                                int *status);

/* The handler itself has found that nobody is meant. The status, as above. */
int http_auth_failed(http_request *req);

/* What admit has found, for the handler; NULL to begin with. */
void http_keep(http_request *req, void *found);
void *http_kept(const http_request *req);

/* "http://HOST[:PORT]" as the client spoke to us, from --base-url or else from
 * TLS or X-Forwarded-Proto, and Host; in a buffer of the request. */
const char *http_base_url(http_request *req);

/* Memory that goes with the request; NULL when there is none. */
void *http_alloc(http_request *req, size_t size_bytes);

/* Answering --------------------------------------------------------------- */

/* Adds a header to the answer to come; both are copied. */
void http_set_header(http_request *req, const char *name, const char *value);

/* body is copied. type may be NULL for none. */
void http_reply(http_request *req, int status, const char *type, lp_span body);

/* The same for what lies where it is for as long as the program runs: it is not
 * copied, and may be large for anybody. Not for POST /logs. */
void http_reply_constant(http_request *req, int status, const char *type,
                         lp_span body);

/* Compact, keys in the order of insertion. Takes the reference to json. */
void http_reply_json(http_request *req, int status, json_t *json);

/* {"error":"..."} for our own API and v3. printf-like. */
void http_reply_error(http_request *req, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* {"id":"invalid_params","message":"..."} and the like, by status, as Heroku's
 * Platform API has it. printf-like. */
void http_reply_platform_error(http_request *req, int status,
                               const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * Suspends the connection; the answer comes later, on this thread. If the
 * client goes away meanwhile, answering is still allowed and does nothing, and
 * is still owed: the request lives until then.
 */
void http_defer(http_request *req);

/*
 * Has the client gone? One that has only shut down its sending side can't be told
 * from one that has closed; it still gets its answer. Threads: any, while the
 * request is deferred.
 */
bool http_has_hung_up(const http_request *req);

/*
 * An answer whose bytes are made as the client takes them.
 * fill: puts at most room_bytes at out and returns their number; 0: nothing
 * now, call http_stream_wake() when there is; HTTP_STREAM_END: that was all, a
 * clean end; HTTP_STREAM_ABORT: break the connection. What one fill returns
 * goes out in one chunk and one write as far as the socket takes it.
 * close: called once, whoever ended it, but not from inside http_stream(),
 * http_stream_wake() or fill; frees ctx.
 */
enum { HTTP_STREAM_END = -1, HTTP_STREAM_ABORT = -2 };
enum { HTTP_STREAM_BLOCK_BYTES = 32768 }; /* the largest room_bytes */

typedef struct http_stream_calls {
    ssize_t (*fill)(void *ctx, char *out, size_t room_bytes);
    void (*close)(void *ctx);
} http_stream_calls;

void http_stream(http_request *req, int status, const char *type,
                 const http_stream_calls *calls, void *ctx);

/* The kernel takes no more of the answer while it has so many bytes that the client
 * has no room for: without it there can be megabytes, which a stream of what is new
 * would make old. It holds for the rest of the connection. */
void http_limit_unsent(http_request *req, int bytes);

/* The connection stays open behind the stream that comes next, which would else
 * be its last answer. */
void http_keep_open(http_request *req);

/* fill has something again, after it returned 0. Harmless when not needed. */
void http_stream_wake(http_request *req);

/* The server of a worker -------------------------------------------------- */

/* Bound, listening, non-blocking. One with TLS shows the certificate of the
 * worker's shared identity. */
typedef struct http_socket {
    int fd;
    bool is_tls;
} http_socket;

/*
 * Serves the routes in tables, a NULL ends them. The server owns the sockets
 * from here, also when it fails (NULL; the log says why).
 */
http_server *http_server_start(worker *w, const http_socket *sockets,
                               unsigned count, const http_route *const *tables);

/* Accepts no more and lets requests under way finish; streams are asked to end
 * by their owners. */
void http_server_quiesce(http_server *server);
unsigned http_server_connections(const http_server *server);

/* Requests that were deferred and are still owed an answer. */
unsigned http_server_deferred(const http_server *server);

/* Cuts what is still open; nothing may be deferred. The loop must be run on for its handles to close;
 * the server is gone then. NULL is allowed. */
void http_server_stop(http_server *server);

#endif /* LOGPLEXD_HTTP_H */
