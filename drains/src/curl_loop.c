/* curl_loop.c - see curl_loop.h. */
#include "curl_loop.h"

#include <stdlib.h>

enum { CONNECTIONS_KEPT_MAX = 4096 };

struct lpi_curl_loop {
    uv_loop_t *loop;
    CURLM *multi;
    lpi_curl_done done;
    uv_timer_t timer;
    unsigned open_handles;
    void (*closed)(void *ctx);
    void *closed_ctx;
};

/* A descriptor that libcurl wants watched. */
typedef struct watch {
    uv_poll_t poll;
    lpi_curl_loop *curl;
    curl_socket_t fd;
} watch;

static void end_handle(lpi_curl_loop *curl)
{
    if (--curl->open_handles > 0)
        return;
    if (curl->closed)
        curl->closed(curl->closed_ctx);
    free(curl);
}

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

static void act(lpi_curl_loop *curl, curl_socket_t fd, int events)
{
    int running;

    curl_multi_socket_action(curl->multi, fd, events, &running);
    reap(curl);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    watch *watched = poll->data;
    int what = 0;

    if (status < 0)
        what |= CURL_CSELECT_ERR;
    if (events & UV_READABLE)
        what |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE)
        what |= CURL_CSELECT_OUT;
    act(watched->curl, watched->fd, what);
}

static void on_watch_closed(uv_handle_t *handle)
{
    watch *watched = handle->data;
    lpi_curl_loop *curl = watched->curl;

    free(watched);
    end_handle(curl);
}

static watch *new_watch(lpi_curl_loop *curl, curl_socket_t fd)
{
    watch *watched = calloc(1, sizeof(*watched));

    if (!watched)
        return NULL;
    watched->curl = curl;
    watched->fd = fd;
    if (uv_poll_init(curl->loop, &watched->poll, fd) != 0) {
        free(watched);
        return NULL;
    }
    watched->poll.data = watched;
    curl->open_handles++;
    curl_multi_assign(curl->multi, fd, watched);
    return watched;
}

static void unwatch(lpi_curl_loop *curl, watch *watched)
{
    if (!watched)
        return;
    curl_multi_assign(curl->multi, watched->fd, NULL);
    uv_poll_stop(&watched->poll);
    uv_close((uv_handle_t *)&watched->poll, on_watch_closed);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx,
                     void *socket_ctx)
{
    lpi_curl_loop *curl = ctx;
    watch *watched = socket_ctx;
    int events = 0;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        unwatch(curl, watched);
        return 0;
    }
    if (!watched)
        watched = new_watch(curl, fd);
    if (!watched)
        return -1; // the transfer fails
    if (what != CURL_POLL_OUT)
        events |= UV_READABLE;
    if (what != CURL_POLL_IN)
        events |= UV_WRITABLE;
    uv_poll_start(&watched->poll, events, on_poll);
    return 0;
}

static void on_timeout(uv_timer_t *timer)
{
    act(timer->data, CURL_SOCKET_TIMEOUT, 0);
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
    curl->loop = loop;
    curl->done = done;
    uv_timer_init(loop, &curl->timer);
    curl->timer.data = curl;
    curl->open_handles = 1;
    curl_multi_setopt(curl->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(curl->multi, CURLMOPT_SOCKETDATA, curl);
    curl_multi_setopt(curl->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(curl->multi, CURLMOPT_TIMERDATA, curl);
    curl_multi_setopt(curl->multi, CURLMOPT_MAXCONNECTS,
                      (long)CONNECTIONS_KEPT_MAX);
    return curl;
}

static void on_timer_closed(uv_handle_t *handle)
{
    end_handle(handle->data);
}

void lpi_curl_loop_destroy(lpi_curl_loop *curl, void (*closed)(void *ctx),
                           void *ctx)
{
    if (!curl)
        return;
    curl->closed = closed;
    curl->closed_ctx = ctx;
    curl_multi_cleanup(curl->multi); // unwatches its idle connections
    uv_close((uv_handle_t *)&curl->timer, on_timer_closed);
}

bool lpi_curl_loop_add(lpi_curl_loop *curl, CURL *easy)
{
    return curl_multi_add_handle(curl->multi, easy) == CURLM_OK;
}

void lpi_curl_loop_remove(lpi_curl_loop *curl, CURL *easy)
{
    curl_multi_remove_handle(curl->multi, easy);
}
