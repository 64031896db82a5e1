/*
 * sinks.c - takes what relays send, for as little as it can.
 *
 *     sinks http|syslog
 *     sinks nats PORT SUBSCRIBERS
 *     sinks tails PORT TAILS PATH ACCEPT
 *
 * Listens on a free port of 127.0.0.1 and prints it; of nats it is that many
 * subscribers to a server at PORT, of tails as many requests for a PATH there, whose
 * answers do not end, and prints PORT. Of HTTP it reads heads and skips bodies; of
 * the others it reads all. In what it reads it counts marks: each '@',
 * which marked lines have one of (corpus.h), and when 19 digits that are not zero
 * stand behind it, how long ago that was. For each line of its standard input it
 * prints what it got so far, and at its end once more.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "loopback.h"

enum {
    HEAD_MAX = 4096,
    BUFFER_BYTES = 64 << 10, // with which it takes the least itself
    EVENTS = 256,
    PEERS_MAX = 20000,
    STAMP_DIGITS = 19,
    STEPS = 32,          // of a power of two: 3 % wide
    BUCKETS = 44 * STEPS // up to an hour and more
};

typedef struct peer {
    int fd;               // its place among peers
    unsigned digits_left; // of a stamp that is cut by the end of what was read
    uint64_t stamp_ns;    // what there is of it
    char head[HEAD_MAX];
    size_t head_bytes;
    size_t body_left;
} peer;

static bool is_http;
static unsigned long long requests, lines, bytes, marks, stamps;
static unsigned long long late[BUCKETS]; // stamps by how old they were
static char buffer[BUFFER_BYTES];
static peer *peers[PEERS_MAX];

static void die(const char *what)
{
    fprintf(stderr, "sinks: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* Times ---------------------------------------------------------------------- */

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void count_late(uint64_t ns)
{
    int power = ns < STEPS ? 5 : 63 - __builtin_clzll(ns);
    uint64_t step = ns >> (power - 5) & (STEPS - 1);
    uint64_t bucket = (uint64_t)(power - 5) * STEPS + step;

    stamps++;
    late[bucket < BUCKETS ? bucket : BUCKETS - 1]++;
}

/* The middle of the bucket that has the part-th of all stamps, in microseconds. */
static double late_us(double part)
{
    unsigned long long seen = 0;

    for (unsigned n = 0; n < BUCKETS; n++) {
        seen += late[n];
        if (seen > 0 && (double)seen >= part * (double)stamps)
            return (double)(1ULL << (n / STEPS)) * (STEPS + n % STEPS + 0.5) /
                   1e3;
    }
    return 0;
}

/* All of them are there, and zero. So they are where nobody asks how old a line is,
 * and whoever is measured beside this should not wait for it to read them. */
static bool is_no_stamp(const char *at, const char *end)
{
    static const char zeros[STAMP_DIGITS + 1] = "0000000000000000000";

    return end - at >= STAMP_DIGITS && memcmp(at, zeros, STAMP_DIGITS) == 0;
}

/* Marks in what was read from a peer at one time; the digits may go on in what it
 * sends next. */
static void count_marks(peer *p, const char *data, size_t size, uint64_t at_ns)
{
    const char *at = data, *end = data + size;

    for (;;) {
        for (; p->digits_left > 0 && at < end; p->digits_left--, at++) {
            p->stamp_ns = p->stamp_ns * 10 + (uint64_t)(*at - '0');
            if (p->digits_left == 1 && p->stamp_ns > 0)
                count_late(at_ns - p->stamp_ns);
        }
        at = at < end ? memchr(at, '@', (size_t)(end - at)) : NULL;
        if (!at)
            return;
        at++;
        marks++;
        p->stamp_ns = 0;
        p->digits_left = is_no_stamp(at, end) ? 0 : STAMP_DIGITS;
    }
}

static void tell(void)
{
    printf("requests %llu lines %llu bytes %llu marks %llu", requests, lines,
           bytes, marks);
    if (stamps > 0)
        printf(" p50_us %.0f p99_us %.0f p999_us %.0f", late_us(0.5),
               late_us(0.99), late_us(0.999));
    printf("\n");
    fflush(stdout);
}

/* HTTP ----------------------------------------------------------------------- */

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

/* Peers ---------------------------------------------------------------------- */

/* False: it has gone. */
static bool read_from(peer *p)
{
    ssize_t got = recv(p->fd, buffer, sizeof(buffer), 0);
    size_t at = 0;

    if (got <= 0)
        return false;
    bytes += (unsigned long long)got;
    count_marks(p, buffer, (size_t)got, now_ns());
    while (is_http && at < (size_t)got)
        at += take_http(p, buffer + at, (size_t)got - at);
    return true;
}

static void add(int poll_fd, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

    if (fd < 0 || fd >= PEERS_MAX || !(peers[fd] = calloc(1, sizeof(peer))))
        die("a connection");
    peers[fd]->fd = fd;
    if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
        die("epoll_ctl");
}

/* False: standard input has ended. */
static bool asked(void)
{
    ssize_t got = read(STDIN_FILENO, buffer, sizeof(buffer));

    for (ssize_t n = 0; n < got; n++) {
        if (buffer[n] == '\n')
            tell();
    }
    return got > 0;
}

static void take_peer(int poll_fd, int listener)
{
    int on = 1, fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

    if (fd < 0)
        die("accept");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    add(poll_fd, fd);
}

static void serve(int poll_fd, int listener)
{
    struct epoll_event events[EVENTS];

    for (;;) {
        int count = epoll_wait(poll_fd, events, EVENTS, -1);

        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;

            if (fd == STDIN_FILENO) {
                if (!asked())
                    return;
            } else if (fd == listener) {
                take_peer(poll_fd, listener);
            } else if (!read_from(peers[fd])) {
                close(fd);
                free(peers[fd]);
                peers[fd] = NULL;
            }
        }
    }
}

/* Connections that say a text, each of which is answered before the next one. */
static void subscribe(int poll_fd, const char *port, unsigned long count,
                      const char *text, const char *answered)
{
    struct sockaddr_in address = {.sin_family = AF_INET};

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons((unsigned short)strtoul(port, NULL, 10));
    for (unsigned long n = 0; n < count; n++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        size_t had_bytes = 0;

        if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
            send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
            die("connect");
        // Not before the server knows: what is sent earlier would not come.
        do {
            ssize_t got =
                recv(fd, buffer + had_bytes, BUFFER_BYTES - 1 - had_bytes, 0);

            if (got <= 0)
                die("no answer of the server");
            had_bytes += (size_t)got;
            buffer[had_bytes] = '\0';
        } while (!strstr(buffer, answered));
        add(poll_fd, fd);
    }
    printf("%s\n", port);
    fflush(stdout);
}

static void follow(int poll_fd, char **argv)
{
    char request[1024];

    snprintf(request, sizeof(request),
             "GET %s HTTP/1.1\r\nHost: localhost\r\nAccept: %s\r\n\r\n",
             argv[4], argv[5]);
    subscribe(poll_fd, argv[2], strtoul(argv[3], NULL, 10), request,
              "\r\n\r\n");
}

int main(int argc, char **argv)
{
    static const char nats[] =
        "CONNECT {\"verbose\":false}\r\nSUB logs 1\r\nPING\r\n";
    struct rlimit files = {PEERS_MAX, PEERS_MAX};
    int poll_fd = epoll_create1(EPOLL_CLOEXEC);
    int listener = -1;

    if (argc != 2 && argc != 4 && argc != 6) {
        fprintf(stderr, "usage: sinks http|syslog | nats PORT SUBSCRIBERS | "
                        "tails PORT TAILS PATH ACCEPT\n");
        return 64;
    }
    setrlimit(RLIMIT_NOFILE, &files);
    is_http = strcmp(argv[1], "http") == 0;
    add(poll_fd, STDIN_FILENO);
    if (argc == 4) {
        subscribe(poll_fd, argv[2], strtoul(argv[3], NULL, 10), nats, "PONG");
    } else if (argc == 6) {
        follow(poll_fd, argv);
    } else {
        listener = loopback_listen();
        if (listener < 0)
            die("listen");
        add(poll_fd, listener);
    }
    serve(poll_fd, listener);
    tell();
    return 0;
}
