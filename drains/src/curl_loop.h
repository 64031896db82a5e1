/*
 * curl_loop.h - libcurl's multi interface on a libuv loop.
 *
 * Threads: all calls on the loop's.
 */
#ifndef LP_CURL_LOOP_H
#define LP_CURL_LOOP_H

#include <stdbool.h>

#include <curl/curl.h>
#include <uv.h>

typedef struct lpi_curl_loop lpi_curl_loop;

/* A transfer is over, and its handle is out of the multi already; fd is that of
 * the connection that it used, if it is still open. Not called from within
 * libcurl, so it may begin another one. */
typedef void (*lpi_curl_done)(CURL *easy, CURLcode result, curl_socket_t fd);

/* NULL: no memory. */
lpi_curl_loop *lpi_curl_loop_create(uv_loop_t *loop, lpi_curl_done done);

/* Its transfers must have been removed. closed() is called in a later turn of the
 * loop. NULL is allowed. */
void lpi_curl_loop_destroy(lpi_curl_loop *curl, void (*closed)(void *ctx),
                           void *ctx);

/* Who watches libcurl's descriptors on the loop, before the first transfer; and
 * what he is to do when something happens to one: events are CURL_CSELECT_*. */
void lpi_curl_loop_watch_by(lpi_curl_loop *curl, curl_socket_callback watch,
                            void *ctx);
void lpi_curl_loop_act(lpi_curl_loop *curl, curl_socket_t fd, int events);

/* False: libcurl has no memory. */
bool lpi_curl_loop_add(lpi_curl_loop *curl, CURL *easy);
void lpi_curl_loop_remove(lpi_curl_loop *curl, CURL *easy);

#endif /* LP_CURL_LOOP_H */
