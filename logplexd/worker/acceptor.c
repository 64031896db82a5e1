#include "worker/acceptor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"

enum {
    ACCEPTS_A_TURN_MAX = 64, /* so that other handles get their turn   */
    REST_MS = 100            /* without descriptors, and without spare */
};

struct acceptor {
    uv_poll_t poll;
    uv_timer_t rest; /* then it listens again */
    worker *home;
    const acceptor_calls *calls;
    void *ctx;
    int fd;
    int spare_fd; /* -1: it could not be had back */
    unsigned open_handles;
};

static void on_connection(uv_poll_t *poll, int status, int events);

/* Another worker may have taken the descriptor meanwhile. */
static bool get_spare(acceptor *a)
{
    if (a->spare_fd < 0)
        a->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return a->spare_fd >= 0;
}

static int accept_next(const acceptor *a, struct sockaddr_storage *address,
                       socklen_t *address_bytes)
{
    *address_bytes = sizeof(*address);
    return accept4(a->fd, (struct sockaddr *)address, address_bytes,
                   SOCK_NONBLOCK | SOCK_CLOEXEC);
}

static void on_rest_over(uv_timer_t *rest)
{
    acceptor *a = rest->data;

    uv_poll_start(&a->poll, UV_READABLE, on_connection);
}

static void tell_shortage(const acceptor *a)
{
    LOG_AT(LOG_WARN, "no_descriptors", "kind=%s worker=%u", a->calls->kind,
           a->home->index);
}

/* Whether it is one of those that peers can't have. It is the lowest that is
 * free, so there are not many. */
static bool is_kept(const acceptor *a, int fd)
{
    int end = a->home->shared->peer_fd_end;

    return end > 0 && fd >= end;
}

/* Who waits would wake us for ever: he is taken with the spare descriptor and
 * turned away, or looked after when others have given theirs back. */
static bool shed(acceptor *a)
{
    struct sockaddr_storage address;
    socklen_t address_bytes;
    int fd = -1;

    tell_shortage(a);
    if (get_spare(a)) {
        close(a->spare_fd);
        a->spare_fd = -1;
        fd = accept_next(a, &address, &address_bytes);
    }
    if (fd < 0) {
        uv_poll_stop(&a->poll);
        uv_timer_start(&a->rest, on_rest_over, REST_MS, 0);
        return false;
    }
    a->calls->refuse(a->ctx, fd);
    get_spare(a);
    return true;
}

/* False: there are no more for now. */
static bool accept_one(acceptor *a)
{
    struct sockaddr_storage address;
    socklen_t address_bytes;
    int fd = accept_next(a, &address, &address_bytes);

    if (fd < 0 && (errno == EMFILE || errno == ENFILE))
        return shed(a);
    if (fd < 0)
        return errno == ECONNABORTED || errno == EINTR;
    if (is_kept(a, fd)) {
        tell_shortage(a);
        a->calls->refuse(a->ctx, fd);
    } else {
        a->calls->take(a->ctx, fd, (const struct sockaddr *)&address,
                       address_bytes);
    }
    return true;
}

static void on_connection(uv_poll_t *poll, int status, int events)
{
    acceptor *a = poll->data;

    (void)status;
    (void)events;
    for (unsigned i = 0; i < ACCEPTS_A_TURN_MAX; i++)
        if (!accept_one(a))
            break;
}

int acceptor_open(worker *w, int fd, const acceptor_calls *calls, void *ctx,
                  acceptor **out)
{
    acceptor *a = calloc(1, sizeof(*a));
    int err = a ? uv_poll_init(&w->loop, &a->poll, fd) : UV_ENOMEM;

    if (err != 0) {
        close(fd);
        free(a);
        return err;
    }
    uv_timer_init(&w->loop, &a->rest);
    a->poll.data = a->rest.data = a;
    a->open_handles = 2;
    a->home = w;
    a->calls = calls;
    a->ctx = ctx;
    a->fd = fd;
    a->spare_fd = -1;
    get_spare(a);
    uv_poll_start(&a->poll, UV_READABLE, on_connection);
    *out = a;
    return 0;
}

static void on_handle_closed(uv_handle_t *handle)
{
    acceptor *a = handle->data;

    if (--a->open_handles > 0)
        return;
    a->calls->on_closed(a->ctx);
    free(a);
}

void acceptor_close(acceptor *a)
{
    uv_poll_stop(&a->poll);
    uv_close((uv_handle_t *)&a->poll, on_handle_closed);
    uv_close((uv_handle_t *)&a->rest, on_handle_closed);
    close(a->fd);
    if (a->spare_fd >= 0)
        close(a->spare_fd);
}
