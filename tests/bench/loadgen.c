/*
 * loadgen.c - sends lines as fast as a socket takes them, or at a pace.
 *
 *     loadgen [-t syslog|http|nats] [-b LINES] [-l] HOST PORT LINES LINE_BYTES
 *         CONNECTIONS [LINES_A_SECOND [plain|marked|router]] < TOKENS
 *
 * LINES_A_SECOND 0 is as many as go. The tokens are one a line, and for http with
 * the value of an Authorization header behind a blank. Frames (corpus.h) are made
 * before the clock starts and written in batches of LINES, to each connection in
 * turn, so that what is measured is the receiver. A batch of http is a request, and
 * the answer to a connection's last one is waited for; nats says at the end that all
 * has been read. With -l each batch of marked lines carries the time, in nanoseconds
 * of the monotonic clock, when it was written. Prints the lines and bytes sent and
 * the seconds it took.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "corpus.h"

enum { WRITE_BYTES = 256 << 10, CONNECTIONS_MAX = 20000 };

/* How it goes over the wire. */
typedef enum transport { SYSLOG, HTTP, NATS } transport;

/* What the command line asks for. */
typedef struct load {
    transport over;
    bool stamps;
    unsigned long batch_lines;
    const char *host, *port;
    unsigned long lines;
    unsigned long lines_a_second;
    size_t line_bytes;
    unsigned connections;
    corpus_kind kind;
} load;

static corpus_tokens tokens;
static const char *authorizations[CORPUS_TOKENS_MAX];

static void die(const char *what)
{
    fprintf(stderr, "loadgen: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void read_tokens(void)
{
    char line[512];

    while (tokens.count < CORPUS_TOKENS_MAX &&
           fgets(line, sizeof(line), stdin)) {
        char *token, *blank;

        line[strcspn(line, "\n")] = '\0';
        token = strdup(line);
        if (token == NULL)
            die("memory");
        blank = strchr(token, ' ');
        if (blank)
            *blank++ = '\0';
        authorizations[tokens.count] = blank;
        tokens.all[tokens.count++] = token;
    }
    if (tokens.count == 0) {
        fprintf(stderr, "loadgen: no tokens on standard input\n");
        exit(1);
    }
}

static int dial(const load *what)
{
    struct sockaddr_in address = {0};
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

    address.sin_family = AF_INET;
    address.sin_port = htons((unsigned short)strtoul(what->port, NULL, 10));
    if (fd < 0 || inet_pton(AF_INET, what->host, &address.sin_addr) != 1 ||
        connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
        die("connect");
    // Or the kernel keeps what a stamped line is part of until more is written.
    if (what->stamps)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
}

static void send_all(int fd, const char *bytes, size_t len_bytes, int flags)
{
    while (len_bytes > 0) {
        size_t piece = len_bytes < WRITE_BYTES ? len_bytes : WRITE_BYTES;
        ssize_t sent = send(fd, bytes, piece, flags);

        if (sent < 0)
            die("send");
        bytes += sent;
        len_bytes -= (size_t)sent;
    }
}

/* Reads until the text has come; what else comes with it is let go. */
static void await(int fd, const char *text)
{
    char answer[16384];
    size_t had_bytes = 0;
    ssize_t got;

    do {
        got = recv(fd, answer + had_bytes, sizeof(answer) - 1 - had_bytes, 0);
        if (got <= 0)
            die("no answer");
        had_bytes += (size_t)got;
        answer[had_bytes] = '\0';
    } while (!strstr(answer, text));
}

/* The answer to a request; anything but success is the end. */
static void await_success(int fd)
{
    char answer[16384];
    ssize_t got = recv(fd, answer, sizeof(answer) - 1, 0);

    answer[got > 0 ? got : 0] = '\0';
    if (strncmp(answer, "HTTP/1.1 2", 10) != 0) {
        fprintf(stderr, "loadgen: the answer was: %s\n", answer);
        exit(1);
    }
}

/* Sleeps until it is time for more than done lines. */
static void keep_pace(const struct timespec *from, unsigned long done,
                      unsigned long lines_a_second)
{
    double due = (double)done / (double)lines_a_second;
    struct timespec at = *from;

    if (lines_a_second == 0)
        return;
    at.tv_sec += (time_t)due;
    at.tv_nsec += (long)((due - (double)(time_t)due) * 1e9);
    if (at.tv_nsec >= 1000000000) {
        at.tv_nsec -= 1000000000;
        at.tv_sec++;
    }
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

/* The place of a name among three; false, and says so: it is none of them. */
static bool read_name(const char *name, const char *const *names, int *out)
{
    for (*out = 0; *out < 3; ++*out) {
        if (strcmp(name, names[*out]) == 0)
            return true;
    }
    fprintf(stderr, "loadgen: %s is none of %s, %s, %s\n", name, names[0],
            names[1], names[2]);
    return false;
}

static bool read_options(int argc, char **argv, load *out)
{
    static const char *const transports[] = {"syslog", "http", "nats"};
    int option, place;

    while ((option = getopt(argc, argv, "t:b:l")) != -1) {
        if (option == 't') {
            if (!read_name(optarg, transports, &place))
                return false;
            out->over = (transport)place;
        }
        if (option == 'b')
            out->batch_lines = strtoul(optarg, NULL, 10);
        out->stamps |= option == 'l';
        if (option == '?')
            return false;
    }
    return out->batch_lines >= 1 && out->batch_lines <= CORPUS_LINES;
}

static bool read_load(int argc, char **argv, load *out)
{
    static const char *const kinds[] = {"plain", "marked", "router"};
    int place;

    *out = (load){.batch_lines = 1024};
    if (!read_options(argc, argv, out) || argc - optind < 5 ||
        argc - optind > 7) {
        fprintf(stderr,
                "usage: loadgen [-t syslog|http|nats] [-b LINES] [-l] HOST "
                "PORT LINES LINE_BYTES CONNECTIONS [LINES_A_SECOND "
                "[plain|marked|router]] < TOKENS\n");
        return false;
    }
    argv += optind;
    argc -= optind;
    out->host = argv[0];
    out->port = argv[1];
    out->lines = strtoul(argv[2], NULL, 10);
    out->line_bytes = strtoul(argv[3], NULL, 10);
    out->connections = (unsigned)strtoul(argv[4], NULL, 10);
    out->lines_a_second = argc > 5 ? strtoul(argv[5], NULL, 10) : 0;
    if (argc > 6) {
        if (!read_name(argv[6], kinds, &place))
            return false;
        out->kind = (corpus_kind)place;
    }
    if (out->line_bytes < 100 || out->line_bytes > 10000 ||
        out->connections < 1 || out->connections > CONNECTIONS_MAX) {
        fprintf(stderr,
                "loadgen: LINE_BYTES is 100 to 10000, CONNECTIONS 1 to %d\n",
                CONNECTIONS_MAX);
        return false;
    }
    return true;
}

static int *dial_all(const load *what)
{
    struct rlimit files = {CONNECTIONS_MAX + 100, CONNECTIONS_MAX + 100};
    int *fds = calloc(what->connections, sizeof(*fds));

    if (!fds)
        die("memory");
    if (what->connections > 1000)
        setrlimit(RLIMIT_NOFILE, &files);
    for (unsigned c = 0; c < what->connections; c++) {
        fds[c] = dial(what);
        if (what->over == NATS) {
            await(fds[c], "\r\n");
            send_all(fds[c], "CONNECT {\"verbose\":false}\r\n", 27, 0);
        }
    }
    return fds;
}

static void send_request(int fd, const char *authorization, const char *body,
                         size_t body_bytes, unsigned long lines)
{
    char head[1024];
    int head_bytes =
        snprintf(head, sizeof(head),
                 "POST /logs HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
                 "application/logplex-1\r\nLogplex-Msg-Count: %lu\r\n%s%s%s"
                 "Content-Length: %zu\r\n\r\n",
                 lines, authorization ? "Authorization: " : "",
                 authorization ? authorization : "",
                 authorization ? "\r\n" : "", body_bytes);

    send_all(fd, head, (size_t)head_bytes, MSG_MORE);
    send_all(fd, body, body_bytes, 0);
}

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* One batch, the turn-th; returns its lines. */
static unsigned long send_batch(const load *what, const corpus *from,
                                const int *fds, unsigned long turn,
                                unsigned long left)
{
    unsigned long count = left < what->batch_lines ? left : what->batch_lines;
    unsigned long first =
        turn % (from->lines / what->batch_lines) * what->batch_lines;
    size_t size = from->ends[first + count] - from->ends[first];
    const char *data = from->data + from->ends[first];
    int fd = fds[turn % what->connections];

    if (what->stamps && what->kind == CORPUS_MARKED)
        corpus_stamp(from, first, count, now_ns());
    if (what->over != HTTP) {
        send_all(fd, data, size, 0);
        return count;
    }
    if (turn >= what->connections)
        await_success(fd);
    send_request(fd, authorizations[turn % tokens.count], data, size, count);
    return count;
}

static void finish(const load *what, const int *fds, unsigned long turns)
{
    for (unsigned c = 0; c < what->connections; c++) {
        if (what->over == HTTP && c < turns)
            await_success(fds[c]);
        if (what->over == NATS) {
            send_all(fds[c], "PING\r\n", 6, 0);
            await(fds[c], "PONG");
        }
        close(fds[c]);
    }
}

int main(int argc, char **argv)
{
    unsigned long done = 0, turn = 0;
    struct timespec from, to;
    corpus lines;
    load what;
    int *fds;

    if (!read_load(argc, argv, &what))
        return 64;
    prctl(PR_SET_TIMERSLACK, 1UL);
    read_tokens();
    corpus_make(&lines, &tokens, what.kind,
                what.over == NATS ? CORPUS_NATS : CORPUS_COUNTED,
                what.line_bytes);
    fds = dial_all(&what);
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (; done < what.lines; turn++) {
        done += send_batch(&what, &lines, fds, turn, what.lines - done);
        keep_pace(&from, done, what.lines_a_second);
    }
    finish(&what, fds, turn);
    clock_gettime(CLOCK_MONOTONIC, &to);
    printf("lines=%lu bytes=%zu seconds=%.3f\n", done,
           (size_t)done * lines.ends[lines.lines] / lines.lines,
           (double)(to.tv_sec - from.tv_sec) +
               (double)(to.tv_nsec - from.tv_nsec) / 1e9);
    free(fds);
    return 0;
}
