/*
 * http_request.h - a batch as the body of a POST (spec 5.3), by libcurl.
 *
 *     open ---> begin ---> (libcurl is done) ---> end ---> begin ...
 *                 |                                 |
 *                 +-- batch in flight --+           +-- idle: its handle may
 *                                                       go to another drain
 *
 * A drain keeps libcurl's handle from one request to the next, as to set one up
 * costs as much as a small request; only so many are kept by drains that have
 * nothing on their way.
 *
 * Threads: all calls on the loop's.
 */
#ifndef LP_HTTP_REQUEST_H
#define LP_HTTP_REQUEST_H

#include <sys/queue.h>

#include "curl_loop.h"
#include "curl_sockets.h"
#include "encoder.h"
#include "http_target.h"
#include "http_trust.h"

typedef struct lpi_handle lpi_handle; /* libcurl's, and what is around it */

/* All handles of a set. */
typedef struct lpi_handles {
    lpi_curl_loop *curl;
    lpi_curl_sockets *sockets;
    lpi_encoder *encoder;
    bool has_proxy;                        /* the environment may name one */
    TAILQ_HEAD(lpi_idle, lpi_handle) idle; /* the newest first */
    unsigned idle_count;
    size_t uploads_bytes; /* buffers of requests on their way */
} lpi_handles;

/* One drain's. */
typedef struct lpi_request {
    const lpi_http_target *target;
    lpi_handles *handles;
    lpi_handle *handle; /* NULL: it has none, or another drain has it now */
    lpi_socket_use connection;

    const lp_drain_batch *batch; /* NULL: it is idle */
    lpi_encoded *encoded;        /* NULL: the body is the notice and the runs */
    size_t notice_bytes;
    size_t total_bytes;
    size_t sent_bytes; /* that libcurl has read        */
    uint32_t run;      /* the one that it reads next   */
    size_t run_at;     /* the first byte of it         */
    size_t answer_bytes;
    size_t upload_bytes; /* of libcurl's buffer */
    bool is_let_go;      /* the body is gone, as libcurl has it */
    bool is_denied;      /* the address of the sink may not be connected to */
    bool lacks_certificate;  /* which the sink has asked for */
    lpi_tls_verdict verdict; /* on the sink's; why is NULL: no complaint */
    lpi_http_trust trust;
} lpi_request;

/* What it is given must outlive all requests. */
void lpi_handles_init(lpi_handles *handles, lpi_curl_loop *curl,
                      lpi_curl_sockets *sockets, lpi_encoder *encoder);

/* Gives up what is on its way. */
void lpi_request_close(lpi_request *request);

/* Sends a batch, which must be there until the end. False: no memory. */
bool lpi_request_begin(lpi_request *request, const lp_drain_batch *batch);

/* True: it does not need the runs of the batch any more. */
bool lpi_request_lets_go(lpi_request *request);

/* Whose transfer this was; NULL: nobody's. */
lpi_request *lpi_request_of(CURL *easy);

/* Has the drain count what has left of it. */
void lpi_request_count_sent(const lpi_request *request);

/* libcurl is done; fd as in lpi_curl_done. It may be begun again. */
void lpi_request_end(lpi_request *request, curl_socket_t fd);

/* Why the one that is on its way has failed, in libcurl's words or, where it was
 * ours to say, in ours; "": nothing. */
const char *lpi_request_why(const lpi_request *request);

#endif /* LP_HTTP_REQUEST_H */
