/* curl_sockets.c - see curl_sockets.h. */
#include "curl_sockets.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    SWEEP_MS = 5000,
    SWEEP_SOON_MS = 1100, /* libcurl looks once in a second at most */
    IDLE_MAX_S = 60       /* load balancers close what is idle for as long */
};

/* On the loop. libcurl wants a connection watched anew for each transfer; it
 * stays watched in between, as to take it out of epoll and in again costs more
 * than a small request. */
typedef struct watch {
    uv_poll_t poll;
    lpi_curl_sockets *sockets;
    curl_socket_t fd;
    int events;     /* that the loop waits for */
    bool is_wanted; /* by libcurl              */
} watch;

/* By descriptor. A generation tells it from what had its number before. */
typedef struct kept_socket {
    uint32_t generation;
    uint32_t users; /* drains that used it last */
    bool is_open;   /* it is a connection; libcurl has others for itself */
    bool is_kept;   /* one that has served a request: libcurl tells us when it
                       closes it. Of others it does not always */
    watch *watch;   /* may be NULL */
} kept_socket;

struct lpi_curl_sockets {
    uv_loop_t *loop;
    lpi_curl_loop *curl;
    uv_timer_t timer; /* active while one is kept */
    CURL *sweeper;
    kept_socket *at;
    size_t room;
    size_t kept_count;
    unsigned open_handles; /* freed with the last one */
    void (*closed)(void *ctx);
    void *closed_ctx;
};

static void end_handle(lpi_curl_sockets *sockets)
{
    if (--sockets->open_handles > 0)
        return;
    sockets->closed(sockets->closed_ctx);
    free(sockets->at);
    free(sockets);
}

/* Sweeping ---------------------------------------------------------------- */

static curl_socket_t on_no_socket(void *ctx, curlsocktype purpose,
                                  struct curl_sockaddr *address)
{
    (void)ctx;
    (void)purpose;
    (void)address;
    return CURL_SOCKET_BAD;
}

static CURL *create_sweeper(void)
{
    CURL *easy = curl_easy_init();

    if (!easy)
        return NULL;
    curl_easy_setopt(easy, CURLOPT_URL, "http://127.0.0.1:9/");
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L); // no drain's
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)IDLE_MAX_S);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_no_socket);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    return easy;
}

static void on_timer(uv_timer_t *timer)
{
    lpi_curl_sockets *sockets = timer->data;

    if (sockets->kept_count == 0)
        uv_timer_stop(timer);
    else
        lpi_curl_loop_add(sockets->curl, sockets->sweeper);
}

static void sweep_in(lpi_curl_sockets *sockets, uint64_t ms)
{
    uv_timer_start(&sockets->timer, on_timer, ms, SWEEP_MS);
}

/* Watching ---------------------------------------------------------------- */

static bool make_room(lpi_curl_sockets *sockets, size_t count)
{
    size_t room = count * 2;
    kept_socket *longer;

    if (count <= sockets->room)
        return true;
    longer = realloc(sockets->at, room * sizeof(*longer));
    if (!longer)
        return false;
    memset(longer + sockets->room, 0, (room - sockets->room) * sizeof(*longer));
    sockets->at = longer;
    sockets->room = room;
    return true;
}

static void on_poll(uv_poll_t *poll, int status, int events);

static void wait_for(watch *watched, int events)
{
    if (watched->events == events)
        return;
    watched->events = events;
    if (events == 0)
        uv_poll_stop(&watched->poll);
    else
        uv_poll_start(&watched->poll, events, on_poll);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    watch *watched = poll->data;
    int what = 0;

    if (!watched->is_wanted) {
        wait_for(watched, 0); // idle, and closed: libcurl sees when it looks
        return;
    }
    if (status < 0) { // libcurl finds out what it is, and says it in words
        what |= CURL_CSELECT_IN | CURL_CSELECT_OUT;
        watched->events = 0; // libuv has stopped it
    }
    if (events & UV_READABLE)
        what |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE)
        what |= CURL_CSELECT_OUT;
    lpi_curl_loop_act(watched->sockets->curl, watched->fd, what);
}

static void on_watch_closed(uv_handle_t *handle)
{
    watch *watched = handle->data;
    lpi_curl_sockets *sockets = watched->sockets;

    free(watched);
    end_handle(sockets);
}

static watch *new_watch(lpi_curl_sockets *sockets, curl_socket_t fd)
{
    watch *watched = calloc(1, sizeof(*watched));

    if (!watched)
        return NULL;
    if (!make_room(sockets, (size_t)fd + 1) ||
        uv_poll_init(sockets->loop, &watched->poll, fd) != 0) {
        free(watched);
        return NULL;
    }
    watched->poll.data = watched;
    watched->sockets = sockets;
    watched->fd = fd;
    sockets->open_handles++;
    sockets->at[fd].watch = watched;
    return watched;
}

static void close_watch(kept_socket *kept)
{
    watch *watched = kept->watch;

    kept->watch = NULL;
    if (watched)
        uv_close((uv_handle_t *)&watched->poll, on_watch_closed);
}

static void unwatch(kept_socket *kept)
{
    if (!kept->watch)
        return;
    kept->watch->is_wanted = false;
    if (kept->is_kept)
        wait_for(kept->watch, kept->watch->events & UV_READABLE);
    else
        close_watch(kept);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx,
                     void *socket_ctx)
{
    lpi_curl_sockets *sockets = ctx;
    watch *watched = (size_t)fd < sockets->room ? sockets->at[fd].watch : NULL;
    int events = 0;

    (void)easy;
    (void)socket_ctx;
    if (what == CURL_POLL_REMOVE) {
        if (watched)
            unwatch(&sockets->at[fd]);
        return 0;
    }
    if (!watched)
        watched = new_watch(sockets, fd);
    if (!watched)
        return 0; // its time will be over; -1 would end all transfers
    if (what != CURL_POLL_OUT)
        events |= UV_READABLE;
    if (what != CURL_POLL_IN)
        events |= UV_WRITABLE;
    watched->is_wanted = true;
    wait_for(watched, events);
    return 0;
}

/* Opening and closing ----------------------------------------------------- */

curl_socket_t lpi_curl_sockets_open(lpi_curl_sockets *sockets,
                                    const struct curl_sockaddr *address)
{
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC,
                    address->protocol);
    kept_socket *kept;

    if (fd < 0)
        return CURL_SOCKET_BAD;
    if (!make_room(sockets, (size_t)fd + 1)) {
        close(fd);
        return CURL_SOCKET_BAD;
    }
    kept = &sockets->at[fd];
    close_watch(kept);
    kept->generation++;
    kept->users = 0;
    kept->is_open = true;
    return fd;
}

static int on_close(void *ctx, curl_socket_t fd)
{
    lpi_curl_sockets *sockets = ctx;

    kept_socket *kept = &sockets->at[fd];

    close_watch(kept);
    sockets->kept_count -= kept->is_kept;
    kept->is_open = kept->is_kept = false;
    return close(fd);
}

void lpi_curl_sockets_set(lpi_curl_sockets *sockets, CURL *easy)
{
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, sockets);
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)IDLE_MAX_S);
}

/* Using ------------------------------------------------------------------- */

/* NULL: it has used none, or that one is closed. */
static kept_socket *find(lpi_curl_sockets *sockets, const lpi_socket_use *use)
{
    kept_socket *kept;

    if (use->generation == 0)
        return NULL;
    kept = &sockets->at[use->fd];
    return kept->is_open && kept->generation == use->generation ? kept : NULL;
}

static void keep(lpi_curl_sockets *sockets, kept_socket *kept)
{
    if (kept->is_kept)
        return;
    kept->is_kept = true;
    if (sockets->kept_count++ == 0)
        sweep_in(sockets, SWEEP_MS);
}

void lpi_curl_sockets_used(lpi_curl_sockets *sockets, curl_socket_t fd,
                           lpi_socket_use *use)
{
    kept_socket *before = find(sockets, use);

    if (before && fd == use->fd)
        return;
    if (before)
        before->users--;
    memset(use, 0, sizeof(*use));
    if (fd < 0 || (size_t)fd >= sockets->room || !sockets->at[fd].is_open)
        return;
    keep(sockets, &sockets->at[fd]);
    use->fd = fd;
    use->generation = sockets->at[fd].generation;
    sockets->at[fd].users++;
}

void lpi_curl_sockets_leave(lpi_curl_sockets *sockets, lpi_socket_use *use)
{
    kept_socket *kept = find(sockets, use);
    int fd = use->fd;

    memset(use, 0, sizeof(*use));
    if (!kept || --kept->users > 0)
        return;
    if (kept->watch && kept->watch->is_wanted)
        return;              // somebody's request is on its way there
    shutdown(fd, SHUT_RDWR); // the peer sees it now, libcurl at the next sweep
    sweep_in(sockets, SWEEP_SOON_MS);
}

/* Life -------------------------------------------------------------------- */

lpi_curl_sockets *lpi_curl_sockets_create(uv_loop_t *loop, lpi_curl_loop *curl)
{
    lpi_curl_sockets *sockets = calloc(1, sizeof(*sockets));

    if (!sockets)
        return NULL;
    sockets->sweeper = create_sweeper();
    if (!sockets->sweeper) {
        free(sockets);
        return NULL;
    }
    sockets->loop = loop;
    sockets->curl = curl;
    uv_timer_init(loop, &sockets->timer);
    sockets->timer.data = sockets;
    sockets->open_handles = 1;
    lpi_curl_loop_watch_by(curl, on_socket, sockets);
    return sockets;
}

static void on_timer_closed(uv_handle_t *handle)
{
    end_handle(handle->data);
}

void lpi_curl_sockets_destroy(lpi_curl_sockets *sockets,
                              void (*closed)(void *ctx), void *ctx)
{
    if (!sockets)
        return;
    lpi_curl_loop_remove(sockets->curl, sockets->sweeper);
    curl_easy_cleanup(sockets->sweeper);
    sockets->closed = closed;
    sockets->closed_ctx = ctx;
    uv_close((uv_handle_t *)&sockets->timer, on_timer_closed);
}
