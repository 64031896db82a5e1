/*
 * curl_sockets.h - libcurl's descriptors on the loop; the connections that it
 * keeps, and their end.
 *
 * libcurl keeps a connection for whoever wants it next, be that another drain to
 * the same place, and closes what is of no use any more only when it makes a new
 * one. So somebody has to know who uses which, and now and then to ask for a new
 * one that he does not get: a transfer without CURLOPT_PRIVATE, that comes to its
 * end like any other.
 *
 * Threads: all calls on the loop's.
 */
#ifndef LP_CURL_SOCKETS_H
#define LP_CURL_SOCKETS_H

#include "curl_loop.h"

typedef struct lpi_curl_sockets lpi_curl_sockets;

/* The connection that a drain used last, if it is still open. All zeros: none. */
typedef struct lpi_socket_use {
    int fd;
    uint32_t generation;
} lpi_socket_use;

/* NULL: no memory. */
lpi_curl_sockets *lpi_curl_sockets_create(uv_loop_t *loop, lpi_curl_loop *curl);

/* Before the loop's end of curl, of which it wants connections closed. Then
 * closed() is called, in a later turn. NULL is allowed. */
void lpi_curl_sockets_destroy(lpi_curl_sockets *sockets,
                              void (*closed)(void *ctx), void *ctx);

/* Before each transfer: it tells of the connections that it closes. */
void lpi_curl_sockets_set(lpi_curl_sockets *sockets, CURL *easy);

/* What libcurl's CURLOPT_OPENSOCKETFUNCTION is to return. */
curl_socket_t lpi_curl_sockets_open(lpi_curl_sockets *sockets,
                                    const struct curl_sockaddr *address);

/* Behind each transfer: which one it used, if that is open. */
void lpi_curl_sockets_used(lpi_curl_sockets *sockets, curl_socket_t fd,
                           lpi_socket_use *use);

/* A drain ends. If nobody else uses its connection, that ends too. */
void lpi_curl_sockets_leave(lpi_curl_sockets *sockets, lpi_socket_use *use);

#endif /* LP_CURL_SOCKETS_H */
