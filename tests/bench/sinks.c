/*
 * sinks.c - takes what drains send, for as little as it can.
 *
 *     sinks http|syslog
 *
 * Listens on a free port of 127.0.0.1 and prints it. Of HTTP it reads heads and
 * skips bodies; of syslog it reads all and looks at nothing. At the end of its
 * standard input it prints what it got and ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEAD_MAX = 4096, BUFFER_BYTES = 1 << 20, EVENTS = 256 };

typedef struct peer {
    int fd;
    char head[HEAD_MAX];
    size_t head_bytes;
    size_t body_left;
} peer;

static bool is_http;
static unsigned long long requests, lines, bytes;
static char buffer[BUFFER_BYTES];

static void die(const char *what)
{
    fprintf(stderr, "sinks: %s: %s\n", what, strerror(errno));
    exit(1);
}

static unsigned long long number_behind(const char *head, const char *name)
{
    const char *at = strcasestr(head, name);

    return at ? strtoull(at + strlen(name), NULL, 10) : 0;
}

static void answer(const peer *p)
{
    static const char text[] =
        "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n";

    if (send(p->fd, text, sizeof(text) - 1, MSG_NOSIGNAL) < 0)
        die("send");
}

/* Takes a part of a request; how much of it. */
static size_t take_http(peer *p, const char *data, size_t size)
{
    char *end;
    size_t had_bytes = p->head_bytes, some_bytes;

    if (p->body_left > 0) {
        some_bytes = size < p->body_left ? size : p->body_left;
        p->body_left -= some_bytes;
        if (p->body_left == 0)
            answer(p);
        return some_bytes;
    }
    some_bytes =
        HEAD_MAX - 1 - had_bytes < size ? HEAD_MAX - 1 - had_bytes : size;
    memcpy(p->head + had_bytes, data, some_bytes);
    p->head[had_bytes + some_bytes] = '\0';
    end = strstr(p->head, "\r\n\r\n");
    if (!end) {
        p->head_bytes += some_bytes;
        return some_bytes;
    }
    end[4] = '\0';
    requests++;
    lines += number_behind(p->head, "\nLogplex-Msg-Count:");
    p->body_left = number_behind(p->head, "\nContent-Length:");
    p->head_bytes = 0;
    return (size_t)(end + 4 - p->head) - had_bytes;
}

/* False: it has gone. */
static bool read_from(peer *p)
{
    ssize_t got = recv(p->fd, buffer, sizeof(buffer), 0);
    size_t at = 0;

    if (got <= 0)
        return false;
    bytes += (unsigned long long)got;
    while (is_http && at < (size_t)got)
        at += take_http(p, buffer + at, (size_t)got - at);
    return true;
}

static void add(int poll_fd, int fd)
{
    peer *p = calloc(1, sizeof(*p));
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = p};

    if (!p)
        die("memory");
    p->fd = fd;
    if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
        die("epoll_ctl");
}

static void serve(int poll_fd, int listener)
{
    struct epoll_event events[EVENTS];
    int on = 1;

    for (;;) {
        int count = epoll_wait(poll_fd, events, EVENTS, -1);

        for (int i = 0; i < count; i++) {
            peer *p = events[i].data.ptr;
            int fd;

            if (p->fd == STDIN_FILENO)
                return;
            if (p->fd == listener) {
                fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
                setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
                add(poll_fd, fd);
            } else if (!read_from(p)) {
                close(p->fd);
                free(p);
            }
        }
    }
}

int main(int argc, char **argv)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t address_bytes = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int poll_fd = epoll_create1(EPOLL_CLOEXEC);

    if (argc != 2)
        return 64;
    is_http = strcmp(argv[1], "http") == 0;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(listener, SOMAXCONN) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &address_bytes) != 0)
        die("listen");
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    add(poll_fd, listener);
    add(poll_fd, STDIN_FILENO);
    serve(poll_fd, listener);
    printf("requests %llu lines %llu bytes %llu\n", requests, lines, bytes);
    return 0;
}
