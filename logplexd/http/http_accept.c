#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "http/http_impl.h"

enum {
    ACCEPTS_A_TURN_MAX = 64, /* so that other handles get their turn */
    STUCK_PEER_MS = 300 * 1000
};

/*
 * We accept ourselves, and hand the sockets to the MHD daemon that speaks what
 * they speak, instead of one daemon for each listening socket: so there is one
 * set of limits for all addresses, and closing the listeners leaves the rest of
 * the daemon running.
 */
struct http_listener {
    uv_poll_t poll;
    http_engine *engine;
    int fd;
};

/*
 * A reader who takes nothing any more, or is gone without a word, is the
 * kernel's to notice: libmicrohttpd would look at each of ten thousand waiting
 * readers in turn, each time it runs. (tcp(7): TCP_USER_TIMEOUT counts data
 * that is not acknowledged and windows that stay shut.)
 */
static void set_options(int fd)
{
    int on = 1;
    int idle_s = 60;
    unsigned stuck_ms = STUCK_PEER_MS;

    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &stuck_ms, sizeof(stuck_ms));
}

// Who waits for TLS could not read this, and there is no room for a handshake:
// it is closed without a word.
static void refuse(http_engine *engine, int fd)
{
    static const char answer[] = "HTTP/1.1 503 Service Unavailable\r\n"
                                 "Content-Length: 0\r\n"
                                 "Retry-After: 1\r\n"
                                 "Connection: close\r\n\r\n";
    http_server *server = engine->server;

    if (!engine->is_tls) {
        ssize_t sent =
            send(fd, answer, sizeof(answer) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);

        (void)sent; // a courtesy
        http_count_status(server, 503);
    }
    close(fd);
    count_add(&server->home->counts.counts[COUNT_CONNECTIONS_REFUSED], 1);
}

static int open_spare(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

// Out of descriptors, the connection would stay in front of the queue and wake
// us for ever: take it with the spare one, and turn it away.
static bool shed(const http_listener *from)
{
    http_server *server = from->engine->server;
    int fd;

    LOG_AT(LOG_WARN, "no_descriptors", "kind=http worker=%u",
           server->home->index);
    if (server->spare_fd < 0)
        return false;
    close(server->spare_fd);
    fd = accept4(from->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0)
        refuse(from->engine, fd);
    server->spare_fd = open_spare();
    return fd >= 0;
}

// False: there are no more for now.
static bool accept_one(const http_listener *from)
{
    http_server *server = from->engine->server;
    uint32_t most = server->home->shared->cfg->http_connections_max;
    struct sockaddr_storage addr;
    socklen_t addr_bytes = sizeof(addr);
    int fd = accept4(from->fd, (struct sockaddr *)&addr, &addr_bytes,
                     SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd < 0 && (errno == EMFILE || errno == ENFILE))
        return shed(from);
    if (fd < 0)
        return errno == ECONNABORTED || errno == EINTR;
    if (atomic_load(&server->conn_count) >= most) {
        refuse(from->engine, fd);
        return true;
    }
    set_options(fd);
    if (from->engine->is_tls ||
        !http_direct_add(from->engine, fd, (const struct sockaddr *)&addr))
        http_mhd_add(from->engine, fd, (const struct sockaddr *)&addr,
                     addr_bytes);
    return true;
}

static void on_connection(uv_poll_t *poll, int status, int events)
{
    const http_listener *from = poll->data;

    (void)status;
    (void)events;
    for (unsigned i = 0; i < ACCEPTS_A_TURN_MAX; i++)
        if (!accept_one(from))
            break;
}

static int start_listener(http_server *server, http_listener *from,
                          const http_socket *socket)
{
    int err;

    from->engine = &server->engines[socket->is_tls ? HTTP_TLS : HTTP_PLAIN];
    from->fd = socket->fd;
    from->poll.data = from;
    err = uv_poll_init(&server->home->loop, &from->poll, from->fd);
    if (err != 0) {
        close(from->fd);
        return err;
    }
    server->listener_count++;
    server->open_handles++;
    return uv_poll_start(&from->poll, UV_READABLE, on_connection);
}

bool http_accept_start(http_server *server, const http_socket *sockets,
                       unsigned count)
{
    int err = 0;

    server->spare_fd = open_spare();
    server->listeners = calloc(count, sizeof(*server->listeners));
    for (unsigned i = 0; i < count; i++) {
        if (server->listeners && err == 0)
            err = start_listener(server, &server->listeners[i], &sockets[i]);
        else
            close(sockets[i].fd);
    }
    return err == 0 && (server->listeners || count == 0);
}

void http_accept_stop(http_server *server)
{
    for (unsigned i = 0; i < server->listener_count; i++) {
        http_listener *from = &server->listeners[i];

        uv_poll_stop(&from->poll);
        http_handle_close(server, (uv_handle_t *)&from->poll);
        close(from->fd);
    }
    server->listener_count = 0;
    if (server->spare_fd >= 0)
        close(server->spare_fd);
    server->spare_fd = -1;
}
