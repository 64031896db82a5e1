/*
 * loadgen.c - sends syslog lines as fast as a socket takes them.
 *
 *     loadgen HOST PORT LINES LINE_BYTES CONNECTIONS [LINES_A_SECOND [KIND]]
 *         < TOKENS
 *
 * LINES_A_SECOND 0 is as many as go. KIND is "plain", where what varies is little
 * and the rest of a line is filled with one letter, or "router": requests of 16
 * dynos to 12 routes with ids, of several statuses, times and sizes, and some
 * errors; what fills a line is in the query. The tokens, one a line, are dealt out at random over the lines. A corpus of
 * octet-counted RFC 5424 frames (Heroku router lines, cut or filled to
 * LINE_BYTES) is made before the clock starts and then written over and over
 * in large pieces, so that what is measured is the receiver. Prints the lines
 * and bytes sent and the seconds it took.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CORPUS_LINES = 65536, TOKENS_MAX = 100000, WRITE_BYTES = 256 << 10 };

static char *tokens[TOKENS_MAX];
static unsigned token_count;

static void die(const char *what)
{
    fprintf(stderr, "loadgen: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void read_tokens(void)
{
    char line[256];

    while (token_count < TOKENS_MAX && fgets(line, sizeof(line), stdin)) {
        line[strcspn(line, "\n")] = '\0';
        tokens[token_count] = strdup(line);
        if (tokens[token_count] == NULL)
            die("memory");
        token_count++;
    }
    if (token_count == 0) {
        fprintf(stderr, "loadgen: no tokens on standard input\n");
        exit(1);
    }
}

/* One frame; returns its bytes. */
static size_t put_frame(char *out, unsigned long n, size_t line_bytes)
{
    char text[4096];
    int header_bytes = snprintf(
        text, sizeof(text),
        "<158>1 2026-11-21T00:%02lu:%02lu.%06lu+00:00 host %s router - - "
        "at=info method=GET path=\"/items/%lu\" host=myapp.example.com "
        "request_id=8601b555-6a83-4c12-8269-%012lu fwd=\"204.204.204.204\" "
        "dyno=web.%lu connect=1ms service=%lums status=200 bytes=%lu",
        n / 60 % 60, n % 60, n % 1000000, tokens[rand() % (int)token_count],
        n % 1000, n, n % 8 + 1, n % 300, n % 9000);
    size_t len_bytes = (size_t)header_bytes;

    while (len_bytes < line_bytes)
        text[len_bytes++] = 'x';
    text[line_bytes - 1] = '\n';
    len_bytes = (size_t)snprintf(out, 8, "%zu ", line_bytes);
    memcpy(out + len_bytes, text, line_bytes);
    return len_bytes + line_bytes;
}

/* A request as it may be; LINE_BYTES is 270 at least. */
static size_t put_router_frame(char *out, unsigned long n, size_t line_bytes)
{
    static const char *const routes[] = {"/",
                                         "/login",
                                         "/api/v1/users/%u",
                                         "/api/v1/users/%u/posts",
                                         "/api/v1/posts/%u",
                                         "/assets/app-%08x.js",
                                         "/search",
                                         "/cart/%u",
                                         "/orders/%u",
                                         "/orders/%u/items",
                                         "/healthcheck",
                                         "/admin"};
    unsigned dice = (unsigned)rand() % 1000;
    unsigned service =
        3 + (unsigned)(rand() % 100 * (rand() % 100) * (rand() % 100) / 2000);
    const char *level =
        dice < 5 ? "error code=H12 desc=\"Request timeout\"" : "info";
    unsigned status = dice < 5    ? 503
                      : dice < 20 ? 500
                      : dice < 50 ? 404
                      : dice < 90 ? 302
                                  : 200;
    char path[64], head[2048], tail[512];
    size_t head_bytes, tail_bytes, prefix_bytes;

    // Which route it is falls off as in a program: half are of the first two.
    snprintf(path, sizeof(path),
             routes[(unsigned)rand() % 12 * ((unsigned)rand() % 12) / 12],
             (unsigned)rand());
    head_bytes = (size_t)snprintf(
        head, sizeof(head),
        "<158>1 2026-11-21T00:%02lu:%02lu.%06lu+00:00 host %s router - - "
        "at=%s method=GET path=\"%s?q=",
        n / 60 % 60, n % 60, n % 1000000, tokens[rand() % (int)token_count],
        level, path);
    tail_bytes = (size_t)snprintf(
        tail, sizeof(tail),
        "\" host=a.example.com request_id=8601b555-6a83-4c12-%012lu "
        "fwd=\"204.0.0.%u\" dyno=web.%u connect=%ums service=%ums status=%u "
        "bytes=%u\n",
        n, dice % 256, (unsigned)rand() % 16 + 1, dice % 4,
        dice < 5 ? 30000 : service, status, (unsigned)rand() % 50000);
    while (head_bytes + tail_bytes < line_bytes)
        head[head_bytes++] = 'x';
    prefix_bytes = (size_t)snprintf(out, 8, "%zu ", head_bytes + tail_bytes);
    memcpy(out + prefix_bytes, head, head_bytes);
    memcpy(out + prefix_bytes + head_bytes, tail, tail_bytes);
    return prefix_bytes + head_bytes + tail_bytes;
}

static int dial(const char *host, const char *port)
{
    struct sockaddr_in address = {0};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_family = AF_INET;
    address.sin_port = htons((unsigned short)strtoul(port, NULL, 10));
    if (fd < 0 || inet_pton(AF_INET, host, &address.sin_addr) != 1 ||
        connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
        die("connect");
    return fd;
}

static void send_all(int fd, const char *bytes, size_t len_bytes)
{
    while (len_bytes > 0) {
        size_t piece = len_bytes < WRITE_BYTES ? len_bytes : WRITE_BYTES;
        ssize_t sent = write(fd, bytes, piece);

        if (sent < 0)
            die("write");
        bytes += sent;
        len_bytes -= (size_t)sent;
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

/* What the command line asks for. */
typedef struct load {
    unsigned long lines;
    unsigned long lines_a_second;
    size_t line_bytes;
    int connections;
    size_t (*put)(char *out, unsigned long n, size_t line_bytes);
} load;

static bool read_load(int argc, char **argv, load *out)
{
    if (argc < 6 || argc > 8) {
        fprintf(stderr, "usage: loadgen HOST PORT LINES LINE_BYTES "
                        "CONNECTIONS [LINES_A_SECOND [KIND]] < TOKENS\n");
        return false;
    }
    out->lines = strtoul(argv[3], NULL, 10);
    out->line_bytes = strtoul(argv[4], NULL, 10);
    out->connections = (int)strtol(argv[5], NULL, 10);
    out->lines_a_second = argc > 6 ? strtoul(argv[6], NULL, 10) : 0;
    out->put = put_frame;
    if (argc > 7 && strcmp(argv[7], "router") == 0) {
        out->put = put_router_frame;
    } else if (argc > 7 && strcmp(argv[7], "plain") != 0) {
        fprintf(stderr, "loadgen: KIND is plain or router, not %s\n", argv[7]);
        return false;
    }
    if (out->line_bytes < 100 || out->line_bytes > 4000 ||
        out->connections < 1 || out->connections > 64) {
        fprintf(stderr, "loadgen: LINE_BYTES is 100 to 4000, CONNECTIONS 1 "
                        "to 64\n");
        return false;
    }
    return true;
}

/* Frames side by side; ends says where each begins, and the last one ends. */
static char *make_corpus(const load *what, size_t *ends)
{
    char *corpus = malloc(CORPUS_LINES * (what->line_bytes + 512));
    size_t used_bytes = 0;

    if (corpus == NULL)
        die("memory");
    for (unsigned long n = 0; n < CORPUS_LINES; n++) {
        ends[n] = used_bytes;
        used_bytes += what->put(corpus + used_bytes, n, what->line_bytes);
    }
    ends[CORPUS_LINES] = used_bytes;
    return corpus;
}

int main(int argc, char **argv)
{
    size_t *ends = malloc((CORPUS_LINES + 1) * sizeof(*ends));
    unsigned long done = 0;
    struct timespec from, to;
    const char *corpus;
    int fds[64];
    load what;

    if (!read_load(argc, argv, &what))
        return 64;
    if (ends == NULL)
        die("memory");
    read_tokens();
    corpus = make_corpus(&what, ends);
    for (int c = 0; c < what.connections; c++)
        fds[c] = dial(argv[1], argv[2]);
    clock_gettime(CLOCK_MONOTONIC, &from);
    // A thousand lines to each connection in turn.
    for (unsigned long turn = 0; done < what.lines; turn++) {
        unsigned long first = turn * 1024 % CORPUS_LINES;
        unsigned long left = what.lines - done;
        unsigned long count = left < 1024 ? left : 1024;

        send_all(fds[turn % (unsigned long)what.connections],
                 corpus + ends[first], ends[first + count] - ends[first]);
        done += count;
        keep_pace(&from, done, what.lines_a_second);
    }
    for (int c = 0; c < what.connections; c++)
        close(fds[c]);
    clock_gettime(CLOCK_MONOTONIC, &to);
    printf("lines=%lu bytes=%zu seconds=%.3f\n", done,
           (size_t)done * ends[CORPUS_LINES] / CORPUS_LINES,
           (double)(to.tv_sec - from.tv_sec) +
               (double)(to.tv_nsec - from.tv_nsec) / 1e9);
    return 0;
}
