/* curl_loop.c - see curl_loop.h. */
#include "curl_loop.h"

#include <stdlib.h>

enum { CONNECTIONS_KEPT_MAX = 4096 };

struct lpi_curl_loop {
    CURLM *multi;
    lpi_curl_done done;
    uv_timer_t timer;
    void (*closed)(void *ctx);
    void *closed_ctx;
};

/* Messages of transfers that are over; each may make room for another one. */
static void reap(lpi_curl_loop *curl)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(curl->multi, &left)) != NULL) {
        CURL *easy = message->easy_handle;
        CURLcode result = message->data.result;
        curl_socket_t fd = CURL_SOCKET_BAD;

        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &fd);
        curl_multi_remove_handle(curl->multi, easy);
        curl->done(easy, result, fd);
    }
}

void lpi_curl_loop_act(lpi_curl_loop *curl, curl_socket_t fd, int events)
{
    int running;

    curl_multi_socket_action(curl->multi, fd, events, &running);
    reap(curl);
}

static void on_timeout(uv_timer_t *timer)
{
    lpi_curl_loop_act(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

static int on_timer(CURLM *multi, long timeout_ms, void *ctx)
{
    lpi_curl_loop *curl = ctx;

    (void)multi;
    if (timeout_ms < 0)
        uv_timer_stop(&curl->timer);
    else
        uv_timer_start(&curl->timer, on_timeout, (uint64_t)timeout_ms, 0);
    return 0;
}

lpi_curl_loop *lpi_curl_loop_create(uv_loop_t *loop, lpi_curl_done done)
{
    lpi_curl_loop *curl = calloc(1, sizeof(*curl));

    if (!curl)
        return NULL;
    curl->multi = curl_multi_init();
    if (!curl->multi) {
        free(curl);
        return NULL;
    }
    curl->done = done;
    uv_timer_init(loop, &curl->timer);
    curl->timer.data = curl;
    curl_multi_setopt(curl->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(curl->multi, CURLMOPT_TIMERDATA, curl);
    curl_multi_setopt(curl->multi, CURLMOPT_MAXCONNECTS,
                      (long)CONNECTIONS_KEPT_MAX);
    return curl;
}

static void on_timer_closed(uv_handle_t *handle)
{
    lpi_curl_loop *curl = handle->data;

    if (curl->closed)
        curl->closed(curl->closed_ctx);
    free(curl);
}

void lpi_curl_loop_destroy(lpi_curl_loop *curl, void (*closed)(void *ctx),
                           void *ctx)
{
    if (!curl)
        return;
    curl->closed = closed;
    curl->closed_ctx = ctx;
    curl_multi_cleanup(curl->multi); // closes its idle connections
    uv_close((uv_handle_t *)&curl->timer, on_timer_closed);
}

void lpi_curl_loop_watch_by(lpi_curl_loop *curl, curl_socket_callback watch,
                            void *ctx)
{
    curl_multi_setopt(curl->multi, CURLMOPT_SOCKETFUNCTION, watch);
    curl_multi_setopt(curl->multi, CURLMOPT_SOCKETDATA, ctx);
}

bool lpi_curl_loop_add(lpi_curl_loop *curl, CURL *easy)
{
    return curl_multi_add_handle(curl->multi, easy) == CURLM_OK;
}

void lpi_curl_loop_remove(lpi_curl_loop *curl, CURL *easy)
{
    curl_multi_remove_handle(curl->multi, easy);
}
