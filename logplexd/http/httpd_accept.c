#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/httpd_impl.h"
#include "worker/acceptor.h"

enum { STUCK_PEER_MS = 300 * 1000 };

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
static void refuse(void *ctx, int fd)
{
    static const char answer[] = "HTTP/1.1 503 Service Unavailable\r\n"
                                 "Content-Length: 0\r\n"
                                 "Retry-After: 1\r\n"
                                 "Connection: close\r\n\r\n";
    const http_engine *engine = ctx;
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

static void take(void *ctx, int fd, const struct sockaddr *address,
                 socklen_t address_bytes)
{
    http_engine *engine = ctx;
    http_server *server = engine->server;
    uint32_t most = server->home->shared->cfg->http_connections_max;

    if (atomic_load(&server->conn_count) >= most) {
        refuse(engine, fd);
        return;
    }
    set_options(fd);
    if (engine->is_tls || !http_direct_add(engine, fd, address))
        http_mhd_add(engine, fd, address, address_bytes);
}

static void on_closed(void *ctx)
{
    http_engine *engine = ctx;

    http_handle_closed(engine->server);
}

/*
 * We accept ourselves, and hand the sockets to the MHD daemon that speaks what
 * they speak, instead of one daemon for each listening socket: so there is one
 * set of limits for all addresses, and closing the listeners leaves the rest of
 * the daemon running.
 */
static int start_listener(http_server *server, const http_socket *socket)
{
    static const acceptor_calls calls = {
        .kind = "http",
        .take = take,
        .refuse = refuse,
        .on_closed = on_closed,
    };
    http_engine *engine =
        &server->engines[socket->is_tls ? HTTP_TLS : HTTP_PLAIN];
    int err = acceptor_open(server->home, socket->fd, &calls, engine,
                            &server->listeners[server->listener_count]);

    if (err != 0)
        return err;
    server->listener_count++;
    server->open_handles++;
    return 0;
}

bool http_accept_start(http_server *server, const http_socket *sockets,
                       unsigned count)
{
    int err = 0;

    server->listeners = calloc(count, sizeof(acceptor *));
    for (unsigned i = 0; i < count; i++) {
        if (server->listeners && err == 0)
            err = start_listener(server, &sockets[i]);
        else
            close(sockets[i].fd);
    }
    return err == 0 && (server->listeners || count == 0);
}

void http_accept_stop(http_server *server)
{
    while (server->listener_count > 0)
        acceptor_close(server->listeners[--server->listener_count]);
}
