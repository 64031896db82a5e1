/* peer_socket.c - see peer_socket.h. */
#include "peer_socket.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct lpi_socket {
    const lpi_target *target; /* NULL: it is closing */
    const lpi_socket_calls *calls;
    void *ctx;
    int type;
    uv_poll_t *poll; /* another one for each address; NULL: none */
    int fd;          /* its */
    int watched;
    uv_timer_t timer;
    uint64_t deadline_ms;  /* of connecting */
    unsigned open_handles; /* the timer, and a look-up under way */
    bool is_open;
    bool is_literal; /* the host is an address, and has not been tried */
    uv_getaddrinfo_t lookup;
    struct addrinfo *addresses, *next_address;
    char why[LP_DRAIN_ERROR_MAX_BYTES]; /* of the last address */
};

/* Closing ----------------------------------------------------------------- */

static void end_part(lpi_socket *s)
{
    if (--s->open_handles > 0)
        return;
    if (s->calls->closed)
        s->calls->closed(s->ctx);
    uv_freeaddrinfo(s->addresses);
    free(s);
}

static void on_timer_closed(uv_handle_t *handle)
{
    end_part(handle->data);
}

static void on_poll_closed(uv_handle_t *handle)
{
    free(handle);
}

static void close_fd(lpi_socket *s, bool with_reset)
{
    struct linger hard = {1, 0};

    if (!s->poll)
        return;
    if (with_reset)
        setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    uv_poll_stop(s->poll);
    uv_close((uv_handle_t *)s->poll, on_poll_closed);
    close(s->fd);
    s->poll = NULL;
}

void lpi_socket_close(lpi_socket *s, bool with_reset)
{
    s->target = NULL;
    uv_cancel((uv_req_t *)&s->lookup);
    uv_close((uv_handle_t *)&s->timer, on_timer_closed);
    close_fd(s, with_reset);
}

/* Connecting -------------------------------------------------------------- */

static void on_poll(uv_poll_t *poll, int status, int events);

static void say_unreached(lpi_socket *s, const char *reason)
{
    snprintf(s->why, sizeof(s->why), "it could not be reached: %s", reason);
}

/* errno, or 0. */
static int start_connect(lpi_socket *s, const struct addrinfo *to)
{
    s->fd = socket(to->ai_family, s->type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (s->fd < 0)
        return errno;
    s->poll = malloc(sizeof(*s->poll));
    if (!s->poll || uv_poll_init(s->timer.loop, s->poll, s->fd) != 0) {
        free(s->poll);
        s->poll = NULL;
        close(s->fd);
        return ENOMEM;
    }
    s->poll->data = s;
    if (connect(s->fd, to->ai_addr, to->ai_addrlen) != 0 &&
        errno != EINPROGRESS)
        return errno;
    lpi_socket_watch(s, UV_WRITABLE);
    return 0;
}

/* The share of the time for the address that is tried. */
static void share_time(lpi_socket *s)
{
    uint64_t addresses = 1;

    for (const struct addrinfo *at = s->next_address; at; at = at->ai_next)
        addresses++;
    lpi_socket_set_timer(s, lpi_socket_left_ms(s) / addresses);
}

/* The next address that may be tried; gives up behind the last one. */
static void try_next(lpi_socket *s)
{
    const struct addrinfo *at;
    int err;

    close_fd(s, false);
    while ((at = s->next_address) != NULL) {
        s->next_address = at->ai_next;
        if (!lp_drain_may_connect(s->target->drain, at->ai_addr)) {
            snprintf(s->why, sizeof(s->why), LPI_WHY_DENIED);
            continue;
        }
        err = start_connect(s, at);
        if (err == 0) {
            share_time(s);
            return;
        }
        close_fd(s, false);
        say_unreached(s, strerror(err));
    }
    lpi_socket_stop_timer(s);
    s->calls->unreached(s->ctx, s->why[0] ? s->why : "it has no address");
}

static void on_connected(lpi_socket *s)
{
    int err = 0;
    socklen_t err_bytes = sizeof(err);

    getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &err, &err_bytes);
    if (err != 0) {
        say_unreached(s, strerror(err));
        try_next(s);
        return;
    }
    s->is_open = true;
    lpi_socket_stop_timer(s);
    s->calls->opened(s->ctx);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    lpi_socket *s = poll->data;

    if (!s->is_open) {
        on_connected(s);
        return;
    }
    if (status != 0)
        lpi_socket_watch(s, s->watched); // libuv does not, after an error
    s->calls->events(s->ctx, events, status != 0);
}

static void on_timer(uv_timer_t *timer)
{
    lpi_socket *s = timer->data;

    if (s->is_open) {
        s->calls->timer(s->ctx);
        return;
    }
    if (s->is_literal) {
        s->is_literal = false;
        try_next(s);
        return;
    }
    snprintf(s->why, sizeof(s->why), "%s",
             s->addresses ? "it could not be reached in time"
                          : "its name was not looked up in time");
    try_next(s);
}

/* Looking up -------------------------------------------------------------- */

static void on_looked_up(uv_getaddrinfo_t *lookup, int status,
                         struct addrinfo *addresses)
{
    lpi_socket *s = lookup->data;

    s->addresses = addresses;
    s->next_address = addresses;
    if (s->target) {
        if (status != 0)
            snprintf(s->why, sizeof(s->why),
                     "its name could not be looked up: %s",
                     uv_strerror(status));
        try_next(s);
    }
    end_part(s);
}

/* What is an address need not wait for the threads that look up names, which
 * others may have stuck in a resolver. */
static int look_up(lpi_socket *s)
{
    struct addrinfo hints = {.ai_socktype = s->type, .ai_flags = AI_ADDRCONFIG};
    char port[8];

    snprintf(port, sizeof(port), "%u", (unsigned)s->target->port);
    if (s->target->is_address) {
        hints.ai_flags = AI_NUMERICHOST;
        s->is_literal = true;
        if (getaddrinfo(s->target->host, port, &hints, &s->addresses) != 0)
            return UV_EAI_NONAME;
        s->next_address = s->addresses;
        s->open_handles = 1; // the timer
        return 0;
    }
    s->lookup.data = s;
    s->open_handles = 2; // and the look-up
    return uv_getaddrinfo(s->timer.loop, &s->lookup, on_looked_up,
                          s->target->host, port, &hints);
}

lpi_socket *lpi_socket_open(const lpi_target *target, int type,
                            const lpi_socket_calls *calls, void *ctx)
{
    const lp_drains_options *opt = lp_drain_set_options(target->drain);
    lpi_socket *s = calloc(1, sizeof(*s));

    if (!s)
        return NULL;
    s->target = target;
    s->calls = calls;
    s->ctx = ctx;
    s->type = type;
    s->timer.loop = lp_drain_loop(target->drain);
    if (look_up(s) != 0) {
        free(s);
        return NULL;
    }
    uv_timer_init(s->timer.loop, &s->timer);
    s->timer.data = s;
    s->deadline_ms = lpi_socket_now_ms(s) + opt->connect_timeout_ms;
    lpi_socket_set_timer(s, s->is_literal ? 0 : opt->connect_timeout_ms);
    return s;
}

/* An open one ------------------------------------------------------------- */

int lpi_socket_fd(const lpi_socket *s)
{
    return s->fd;
}

void lpi_socket_watch(lpi_socket *s, int events)
{
    s->watched = events;
    uv_poll_start(s->poll, events, on_poll);
}

void lpi_socket_set_timer(lpi_socket *s, uint64_t ms)
{
    uv_timer_start(&s->timer, on_timer, ms, 0);
}

void lpi_socket_stop_timer(lpi_socket *s)
{
    uv_timer_stop(&s->timer);
}

bool lpi_socket_has_timer(const lpi_socket *s)
{
    return uv_is_active((const uv_handle_t *)&s->timer);
}

uint64_t lpi_socket_left_ms(const lpi_socket *s)
{
    uint64_t now_ms = lpi_socket_now_ms(s);

    return s->deadline_ms > now_ms ? s->deadline_ms - now_ms : 0;
}

uint64_t lpi_socket_now_ms(const lpi_socket *s)
{
    return uv_now(s->timer.loop);
}
