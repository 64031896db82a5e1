/*
 * httpd_impl.h - what the httpd_*.c share and nobody else sees.
 *
 *     httpd_accept.c   sockets in: limits, options, refusals
 *     httpd_mhd.c      libmicrohttpd on the worker's loop, plain or with TLS
 *     httpd_direct.c   plain requests with lines, past it
 *     httpd_request.c  a request from its header to its last byte; asking
 *     httpd_body.c     bodies on their way in
 *     httpd_answer.c   answering, streams included
 *     httpd_watch.c    silence: time limits, vanished readers, lingering closes
 *     httpd_mode.c     what switches have closed
 *     httpd_auth.c     who asks, and whether he may
 *     httpd_route.c, httpd_peer.c, httpd_head.c   pure helpers
 *
 * A connection outlives its requests, one after the other:
 *
 *       begin --> body --> handler --+--> answered ---------> completed: freed
 *                                    |                            ^
 *                                    +--> deferred --> answered --+
 *
 * A deferred request is suspended, and libmicrohttpd neither looks at nor
 * completes a suspended connection, so it is always there to be answered. For
 * the same reason a server can't stop before every deferred answer is given.
 */
#ifndef LOGPLEXD_HTTPD_IMPL_H
#define LOGPLEXD_HTTPD_IMPL_H

#include "base/tls.h"
#include "http/http.h"
#include "http/httpd_peer.h"
#include "http/httpd_route.h"

struct MHD_Connection;
struct MHD_Daemon;
struct MHD_Response;

typedef struct http_conn http_conn;
typedef struct http_direct_answer http_direct_answer; /* httpd_direct.c */

enum {
    /* A header must fit, with 72 bytes more for each field and each cookie, and a
     * block of a stream: in 24 KiB the cookies of a browser did not, and had no
     * answer. libmicrohttpd clears all of it for each request, so every connection
     * that was used once has it for good, and a small request costs more the
     * more it is: measured, 13 us of processor in all with 24 KiB and 18 with
     * 64, while bodies come no faster with more than 24. */
    HTTP_CONNECTION_MEMORY_BYTES = 64 * 1024,
    /* Each stream has one beside it, which is used for HTTP/1.0 alone: blocks in
     * chunks are made where they are sent from. */
    HTTP_OLD_BLOCK_BYTES = 4 * 1024,
    /* A refused body up to this size is read and thrown away, so that the
     * connection can go on; in front of a larger one it is closed. */
    HTTP_DISCARD_MAX_BYTES = 64 * 1024,
    /* Answers beyond this size count while they are taken. */
    HTTP_ANSWER_COUNTS_BYTES = 64 * 1024,
    HTTP_LINGERING_MAX = 256
};

/* A connection that is closed for us, but whose peer may still be sending: if
 * it got a reset, it could lose the answers it has not read yet. */
typedef struct http_lingerer {
    int fd;
    uint64_t until_ms;
} http_lingerer;

/*
 * A daemon of libmicrohttpd on the loop. One speaks TLS with all of its
 * connections or with none, so a server has as many as its listeners ask for.
 */
typedef struct http_engine {
    http_server *server;
    struct MHD_Daemon *daemon; /* NULL: no listener asks for it          */
    uv_poll_t poll;            /* the daemon's epoll descriptor          */
    uv_check_t check;          /* runs the daemon, at most once a turn   */
    uv_idle_t idle;            /* active while it wants to be run        */
    uv_timer_t later;          /* or wants to be run after a time        */
    bool must_run;
    bool is_tls;
    bool is_taking_over; /* a connection that has been counted */
} http_engine;

enum { HTTP_PLAIN, HTTP_TLS, HTTP_ENGINES };

struct http_server {
    worker *home;
    const http_route *const *tables;

    http_engine engines[HTTP_ENGINES];
    uv_timer_t watch; /* httpd_watch.c */
    unsigned open_handles;
    bool is_quiescing;
    bool is_stopping;

    struct acceptor **listeners; /* httpd_accept.c */
    unsigned listener_count;

    http_conn *conns;
    _Atomic unsigned conn_count;
    unsigned deferred_count;
    uint64_t bodies_bytes;  /* of all bodies on their way in   */
    uint64_t answers_bytes; /* of large ones on their way out  */
    char *room;             /* httpd_direct.c; NULL: not needed yet */
    size_t turn_bytes;      /* it has read so much in this turn    */
    unsigned turn_refusals;
    unsigned passed_over; /* connections that wait for a turn with room */
    int64_t date_s;       /* http_date() */
    char date[32];
    uint64_t request_id; /* the state of a random sequence */
    uint64_t hangups_ms; /* when streams were last looked at */
    http_lingerer lingering[HTTP_LINGERING_MAX]; /* the first ones are used */
    unsigned lingering_count;
};

struct http_conn {
    http_server *server;
    http_engine *engine;
    struct MHD_Connection *mhd; /* NULL: is_direct */
    http_conn *prev, *next;
    http_request *req; /* under way; NULL: a header is being waited for */
    uint64_t since_ms; /* loop time of its last step                    */
    int fd;            /* libmicrohttpd's */
    tls_peer tls;
    bool is_loopback;
    bool is_told_raw;    /* by http_watch_answer_raw()                     */
    bool is_direct;      /* of httpd_direct.c                              */
    bool has_whole_body; /* is_direct: of the request that begins; it need
                            not be kept, if that is answered at once       */
    http_peer peer;
};

typedef struct http_pair {
    struct http_pair *next;
    char *name;
    char *value;
} http_pair;

typedef union http_block http_block; /* of http_alloc(); httpd_request.c */

struct http_request {
    http_server *server;
    http_conn *conn;
    const http_route *route; /* NULL: 404 or 405             */
    const char *method;
    http_match match;
    catalog_credential credential;
    uint64_t credentials_version; /* by which it is good */
    void *kept;                   /* of admit's, for the handler */
    http_block *memory;

    char *body;
    size_t body_bytes;
    size_t body_room_bytes;
    uint64_t body_announced_bytes; /* UINT64_MAX: chunked */
    uint64_t discarded_bytes;      /* of a refused body   */

    http_pair *headers;  /* of the answer, in order */
    size_t answer_bytes; /* of answers_bytes        */
    struct MHD_Response *answer;
    http_direct_answer *direct_answer; /* instead, if its connection is so */
    char *kept_room; /* of httpd_direct.c; a body that was lent is in it */
    int status;
    http_stream_calls stream;
    void *stream_ctx;

    bool has_credential;
    bool is_body_done;
    bool is_handled;  /* the handler was called                       */
    bool is_deferred; /* it has not answered                          */
    bool is_answered;
    bool is_body_lent; /* the body is not ours to free                */
    bool is_last;      /* its answer says that the connection closes  */
    bool is_early;     /* answered in front of a body that is not read */
    bool is_misframed; /* nobody knows where its body ends             */
    bool is_stream;
    bool keeps_open;   /* behind its stream                            */
    bool is_filling;   /* inside fill                                  */
    bool is_woken;     /* while inside fill                            */
    bool is_suspended; /* for libmicrohttpd                            */
    bool is_cut;       /* to be broken off as soon as it is run again  */
};

/* httpd_request.c: as libmicrohttpd sees a request go by ------------------ */

/* NULL: no memory. The request may have been answered already. */
http_request *http_request_begin(http_conn *conn, const char *method,
                                 const char *target);

/* Its header is all there is, though libmicrohttpd, told to expect a body, would
 * take what is behind it for one. */
bool http_request_is_whole(const http_request *req);

/* All of it is here. True: answered; false: the answer comes later. */
bool http_request_run(http_request *req);

/* The client has its answer, or is gone. Frees req. */
void http_request_completed(http_request *req);

void http_keep_credential(http_request *req, const catalog_credential *found);

/* httpd_body.c ------------------------------------------------------------ */

/* Looks at what the header announces. False: refused, and answered. */
bool http_body_admit(http_request *req);

/* False: the connection is to be closed. */
bool http_body_take(http_request *req, const char *data, size_t data_bytes);
void http_body_free(http_request *req);

/* Has memory for bodies so much left? */
bool http_body_has_budget(const http_server *server, size_t more_bytes);

/* Counts what the request holds of it. */
void http_body_count_room(http_request *req, size_t room_bytes);

/* httpd_mode.c ------------------------------------------------------------ */

/* Is the API of the path open to this request? False: it has been answered. */
bool http_mode_admit(http_request *req);

/* httpd_answer.c ---------------------------------------------------------- */

void http_count_status(http_server *server, int status);

/* What libmicrohttpd asks of a stream: bytes, or one of these. */
enum { HTTP_FILL_WAIT = 0, HTTP_FILL_END = -1, HTTP_FILL_BREAK = -2 };
ssize_t http_stream_fill(http_request *req, char *out, size_t room_bytes);

/* httpd_mhd.c ------------------------------------------------------------- */

/* Has the daemon run in this turn of the loop, or else the next. */
void http_mhd_kick(http_engine *engine);

const char *http_mhd_header(const http_request *req, const char *name);

/* Of all headers of that name: how many there are, and whether they differ. */
unsigned http_mhd_header_count(const http_request *req, const char *name,
                               bool *differ);

/* Whether the name of a header has a blank in it (RFC 9112, 5.1). */
bool http_mhd_has_bad_name(const http_request *req);

/* Whether a name or a value of the query has an encoded NUL. */
bool http_mhd_query_has_nul(const http_request *req);

/* http_query_unknown() */
const char *http_mhd_query_unknown(const http_request *req,
                                   const char *const *known);

/* Still percent-encoded, though each '+' is a blank by now. */
bool http_mhd_query(const http_request *req, const char *name, lp_span *raw);
bool http_mhd_query_at(const http_request *req, const char *name, unsigned n,
                       lp_span *raw);

/* Makes req->answer. data is taken over, and freed with free(). */
bool http_mhd_answer_bytes(http_request *req, char *data, size_t data_bytes);
bool http_mhd_answer_constant(http_request *req, lp_span body);
bool http_mhd_answer_stream(http_request *req);
void http_mhd_set_header(http_request *req, const char *name,
                         const char *value);
void http_mhd_drop_answer(http_request *req);
const char *http_mhd_reason(int status);

/* Suspended connections go on. */
void http_mhd_resume(http_request *req);

/* Breaks the connection off, as soon as it is run. */
void http_mhd_cut(http_request *req);

/* Has a connection that is to end looked at in each run from here on. */
void http_mhd_look_at(http_conn *conn);

/* Takes a connection. False: it could not, and has closed fd. */
bool http_mhd_add(http_engine *engine, int fd, const struct sockaddr *addr,
                  socklen_t addr_bytes);

/* The same with one that has been counted as open. */
void http_mhd_take_over(http_engine *engine, int fd,
                        const struct sockaddr *addr, socklen_t addr_bytes);

/* A connection of the server's, zeroed before, into its list and out of it. */
void http_conn_link(http_conn *conn, http_engine *engine, int fd,
                    const struct sockaddr *addr);
void http_conn_unlink(http_conn *conn);
void http_conn_count_open(http_server *server);
void http_conn_count_closed(http_server *server);

/* httpd_direct.c ---------------------------------------------------------- */

/* Takes a connection without TLS. False: it could not; fd is as it was. */
bool http_direct_add(http_engine *engine, int fd, const struct sockaddr *addr);

/* Closes all it has. Answers that are owed go out as far as a socket takes them. */
void http_direct_stop(http_server *server);
bool http_direct_owes_answer(
    const http_conn *conn); /* false: it is another's */

/* As those of httpd_mhd.c, for requests of its connections. */
const char *http_direct_header(const http_request *req, const char *name);
bool http_direct_answer_bytes(http_request *req, char *data, size_t data_bytes);
void http_direct_set_header(http_request *req, const char *name,
                            const char *value);
void http_direct_drop_answer(http_request *req);
void http_direct_resume(http_request *req);

/* The request waits, and needs its body, which was lent, until then. */
void http_direct_keep_room(http_request *req);

/* httpd_accept.c ---------------------------------------------------------- */

/* Owns the descriptors from here, also when it fails. */
bool http_accept_start(http_server *server, const http_socket *sockets,
                       unsigned count);
void http_accept_stop(http_server *server);

/* Closes a handle of the server, and counts it. */
void http_handle_close(http_server *server, uv_handle_t *handle);

/* One is closed; the last one frees the server. */
void http_handle_closed(http_server *server);

/* httpd_watch.c ----------------------------------------------------------- */

void http_watch_start(http_server *server);
void http_watch_stop(http_server *server);

/* RFC 9110, 5.6.7, of this turn of the loop. */
const char *http_date(http_server *server);

/* Answers on the socket itself, where libmicrohttpd can't any more. */
void http_watch_answer_raw(http_conn *conn, int status, const char *text);

/* RFC 9112, 9.6: ends what we send, and keeps the socket for a while if its
 * peer has not closed. libmicrohttpd is about to close its descriptor. */
void http_watch_linger(http_conn *conn);

/* What is there is read and answered; then the end is seen, and it closes. */
void http_watch_end_input(http_conn *conn);

#endif /* LOGPLEXD_HTTPD_IMPL_H */
