#include "peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "worker/listen.h"

enum { PATIENCE_MS = 10000 };

uint16_t peer_listen(int *fd)
{
    config_address address = {0};
    struct sockaddr_in *v4 = (void *)&address.addr;

    v4->sin_family = AF_INET;
    v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.addr_bytes = sizeof(*v4);
    assert_int_equal(listen_probe(SOCK_STREAM, &address), 0);
    assert_int_equal(listen_open(SOCK_STREAM, &address, fd), 0);
    assert_int_equal(listen(*fd, SOMAXCONN), 0);
    return ntohs(v4->sin_port);
}

peer peer_dial(uint16_t port)
{
    struct sockaddr_in to = {0};
    peer p = {socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), NULL, 0, 0};

    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(p.fd >= 0);
    assert_int_equal(connect(p.fd, (const void *)&to, sizeof(to)), 0);
    return p;
}

void peer_hang_up(peer *p)
{
    close(p->fd);
    free(p->heard);
    p->heard = NULL;
}

void peer_say_bytes(peer *p, const char *bytes, size_t len_bytes)
{
    while (len_bytes > 0) {
        ssize_t sent = send(p->fd, bytes, len_bytes, MSG_NOSIGNAL);

        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return; // what was answered in the meantime is what counts
        bytes += sent;
        len_bytes -= (size_t)sent;
    }
}

void peer_say(peer *p, const char *format, ...)
{
    char text[4096];
    va_list args;
    int len_bytes;

    va_start(args, format);
    len_bytes = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    assert_in_range(len_bytes, 0, sizeof(text) - 1);
    peer_say_bytes(p, text, (size_t)len_bytes);
}

// False: the connection ended.
static bool hear_more(peer *p)
{
    struct pollfd fd = {p->fd, POLLIN, 0};
    ssize_t got;

    if (p->room_bytes - p->heard_bytes < 65536) {
        p->room_bytes = 2 * p->room_bytes + 131072;
        p->heard = realloc(p->heard, p->room_bytes + 1);
        assert_non_null(p->heard);
    }
    assert_int_equal(poll(&fd, 1, PATIENCE_MS), 1);
    got = recv(p->fd, p->heard + p->heard_bytes, p->room_bytes - p->heard_bytes,
               0);
    if (got > 0)
        p->heard_bytes += (size_t)got;
    p->heard[p->heard_bytes] = '\0';
    return got > 0;
}

bool peer_hear(peer *p, size_t want_bytes)
{
    while (p->heard_bytes < want_bytes)
        if (!hear_more(p))
            return false;
    return true;
}

bool peer_hear_text(peer *p, const char *text)
{
    while (!p->heard || !strstr(p->heard, text))
        if (!hear_more(p))
            return false;
    return true;
}

static void forget(peer *p, size_t len_bytes)
{
    p->heard_bytes -= len_bytes;
    memmove(p->heard, p->heard + len_bytes, p->heard_bytes);
    p->heard[p->heard_bytes] = '\0';
}

static bool take_chunk(peer *p, answer *a)
{
    size_t chunk_bytes;
    size_t head_bytes;

    if (!peer_hear_text(p, "\r\n"))
        return false;
    chunk_bytes = strtoul(p->heard, NULL, 16);
    head_bytes = (size_t)(strstr(p->heard, "\r\n") - p->heard) + 2;
    if (!peer_hear(p, head_bytes + chunk_bytes + 2))
        return false;
    a->body = realloc(a->body, a->body_bytes + chunk_bytes + 1);
    assert_non_null(a->body);
    memcpy(a->body + a->body_bytes, p->heard + head_bytes, chunk_bytes);
    a->body_bytes += chunk_bytes;
    a->body[a->body_bytes] = '\0';
    forget(p, head_bytes + chunk_bytes + 2);
    a->is_whole = chunk_bytes == 0;
    return !a->is_whole;
}

static void take_counted(peer *p, answer *a, size_t want_bytes)
{
    a->is_whole = peer_hear(p, want_bytes);
    a->body_bytes = a->is_whole ? want_bytes : p->heard_bytes;
    a->body = calloc(1, a->body_bytes + 1);
    assert_non_null(a->body);
    memcpy(a->body, p->heard, a->body_bytes);
    forget(p, a->body_bytes);
}

answer peer_hear_answer(peer *p, bool is_head)
{
    answer a = {0};
    size_t head_bytes;
    const char *length;

    assert_true(peer_hear_text(p, "\r\n\r\n"));
    head_bytes = (size_t)(strstr(p->heard, "\r\n\r\n") - p->heard) + 4;
    assert_in_range(head_bytes, 0, sizeof(a.head) - 1);
    memcpy(a.head, p->heard, head_bytes);
    forget(p, head_bytes);
    a.status = (int)strtol(a.head + strlen("HTTP/1.1 "), NULL, 10);
    length = strstr(a.head, "\r\nContent-Length: ");
    a.is_chunked = strstr(a.head, "\r\nTransfer-Encoding: chunked") != NULL;
    if (is_head || a.status == 204 || a.status < 200)
        take_counted(p, &a, 0);
    else if (a.is_chunked)
        while (take_chunk(p, &a))
            ;
    else
        take_counted(p, &a,
                     length ? strtoul(length + 18, NULL, 10) : SIZE_MAX / 4);
    return a;
}

void answer_free(answer *a)
{
    free(a->body);
    a->body = NULL;
}

void peer_expect(peer *p, int status, const char *body)
{
    answer a = peer_hear_answer(p, false);

    assert_int_equal(a.status, status);
    if (body)
        assert_string_equal(a.body, body);
    answer_free(&a);
}

bool peer_is_hung_up(peer *p, int within_ms)
{
    struct pollfd fd = {p->fd, POLLIN, 0};
    char more;

    if (poll(&fd, 1, within_ms) != 1)
        return false;
    return recv(p->fd, &more, 1, 0) <= 0;
}
