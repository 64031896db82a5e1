/* peer_socket.c - see peer_socket.h. */
#include "peer_socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "resolver.h"

enum { ADDRESSES_MAX = 64 /* of a name; the others are not tried */ };

struct lpi_socket {
    lpi_target *target; /* NULL: it is closing */
    const lpi_socket_calls *calls;
    void *ctx;
    int type;
    uv_poll_t *poll; /* another one for each address; NULL: none */
    int fd;          /* its */
    int watched;
    uv_timer_t timer;
    uint64_t deadline_ms; /* of connecting */
    bool is_open;
    bool is_literal;    /* the host is an address, and has not been tried */
    lpi_lookup *lookup; /* NULL: none is under way */
    struct sockaddr_storage *addresses;
    size_t address_count, next_address;
    char why[LP_DRAIN_ERROR_MAX_BYTES]; /* of the last address */
};

/* Closing ----------------------------------------------------------------- */

static void on_timer_closed(uv_handle_t *handle)
{
    lpi_socket *s = handle->data;

    if (s->calls->closed)
        s->calls->closed(s->ctx);
    free(s->addresses);
    free(s);
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
    lpi_lookup_abandon(s->lookup);
    s->lookup = NULL;
    uv_close((uv_handle_t *)&s->timer, on_timer_closed);
    close_fd(s, with_reset);
}

/* Connecting -------------------------------------------------------------- */

static void on_poll(uv_poll_t *poll, int status, int events);

static void watch_again(lpi_socket *s)
{
    uv_poll_start(s->poll, s->watched, on_poll);
}

static void say_unreached(lpi_socket *s, const char *reason)
{
    snprintf(s->why, sizeof(s->why), "it could not be reached: %s", reason);
}

static socklen_t address_bytes(const struct sockaddr *address)
{
    return address->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                          : sizeof(struct sockaddr_in);
}

/* errno, or 0. */
static int start_connect(lpi_socket *s, const struct sockaddr *to)
{
    s->fd = socket(to->sa_family, s->type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
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
    s->watched = 0;
    if (connect(s->fd, to, address_bytes(to)) != 0 && errno != EINPROGRESS)
        return errno;
    lpi_socket_watch(s, UV_WRITABLE);
    return 0;
}

/* The share of the time for the address that is tried. */
static void share_time(lpi_socket *s)
{
    uint64_t addresses = s->address_count - s->next_address + 1;

    lpi_socket_set_timer(s, lpi_socket_left_ms(s) / addresses);
}

/* The next address that may be tried; gives up behind the last one. */
static void try_next(lpi_socket *s)
{
    const struct sockaddr *at;
    int err;

    close_fd(s, false);
    while (s->next_address < s->address_count) {
        at = (const struct sockaddr *)&s->addresses[s->next_address++];
        if (!lp_drain_may_connect(s->target->drain, at)) {
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

/* Batches leave as they are written, and a peer that is gone is noticed. */
static void set_stream_options(int fd)
{
    int on = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
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
    if (s->type == SOCK_STREAM)
        set_stream_options(s->fd);
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
        watch_again(s); // libuv does not, after an error
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
    if (s->lookup)
        s->target->is_slow_name = true;
    snprintf(s->why, sizeof(s->why), "%s",
             s->lookup ? "its name was not looked up in time"
                       : "it could not be reached in time");
    try_next(s);
}

/* Looking up -------------------------------------------------------------- */

static void set_port(struct sockaddr_storage *address, uint16_t port)
{
    if (address->ss_family == AF_INET6)
        ((struct sockaddr_in6 *)address)->sin6_port = htons(port);
    else
        ((struct sockaddr_in *)address)->sin_port = htons(port);
}

static bool is_of_internet(const struct addrinfo *at)
{
    return at->ai_family == AF_INET || at->ai_family == AF_INET6;
}

/* False: there is no memory. */
static bool keep_addresses(lpi_socket *s, const struct addrinfo *found)
{
    size_t count = 0;

    for (const struct addrinfo *at = found; at; at = at->ai_next)
        count += is_of_internet(at);
    if (count > ADDRESSES_MAX)
        count = ADDRESSES_MAX;
    s->addresses = calloc(count + 1, sizeof(*s->addresses));
    if (!s->addresses)
        return false;
    for (const struct addrinfo *at = found; at && s->address_count < count;
         at = at->ai_next) {
        struct sockaddr_storage *to = &s->addresses[s->address_count];

        if (!is_of_internet(at))
            continue;
        memcpy(to, at->ai_addr, at->ai_addrlen);
        set_port(to, s->target->port);
        s->address_count++;
    }
    return true;
}

static void on_found(void *ctx, const struct addrinfo *found, const char *why)
{
    lpi_socket *s = ctx;

    s->lookup = NULL;
    s->target->is_slow_name = false;
    if (!found)
        snprintf(s->why, sizeof(s->why), "its name could not be looked up: %s",
                 why);
    else if (!keep_addresses(s, found))
        snprintf(s->why, sizeof(s->why), "there is no memory for its address");
    try_next(s);
}

/* What is an address need not wait for the threads that look up names. */
static bool keep_address(lpi_socket *s)
{
    s->addresses = malloc(sizeof(*s->addresses));
    if (!s->addresses)
        return false;
    s->addresses[0] = s->target->address;
    s->address_count = 1;
    return true;
}

/* False: there is no memory. */
static bool look_up(lpi_socket *s)
{
    lpi_resolver *resolver;

    s->is_literal = lpi_target_is_address(s->target);
    if (s->is_literal)
        return keep_address(s);
    resolver = lpi_resolver_of(s->target->drain->set);
    if (resolver)
        s->lookup = lpi_resolver_ask(resolver, s->target->host,
                                     s->target->is_slow_name, on_found, s);
    return s->lookup != NULL;
}

lpi_socket *lpi_socket_open(lpi_target *target, int type,
                            const lpi_socket_calls *calls, void *ctx)
{
    lpi_socket *s = calloc(1, sizeof(*s));

    if (!s)
        return NULL;
    s->target = target;
    s->calls = calls;
    s->ctx = ctx;
    s->type = type;
    s->timer.loop = lp_drain_loop(target->drain);
    if (!look_up(s)) {
        free(s->addresses);
        free(s);
        return NULL;
    }
    uv_timer_init(s->timer.loop, &s->timer);
    s->timer.data = s;
    s->deadline_ms = lpi_socket_now_ms(s) + target->connect_ms;
    lpi_socket_set_timer(s, s->is_literal ? 0 : target->connect_ms);
    return s;
}

/* An open one ------------------------------------------------------------- */

int lpi_socket_fd(const lpi_socket *s)
{
    return s->fd;
}

/* libuv tells the kernel each time, whether there is a change or not. */
void lpi_socket_watch(lpi_socket *s, int events)
{
    if (s->watched == events)
        return;
    s->watched = events;
    watch_again(s);
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
