/*
 * limits.c - what this machine can do at all, with nothing done for the line.
 *
 *     limits copy|scan [ROUNDS]
 *     limits receive syslog|http
 *     limits send http|syslog PORT LINES LINES_A_SECOND LINE_BYTES SINKS BATCH
 *     limits stops [SECONDS]
 *
 * copy: memcpy() of WINDOW_BYTES that are not in any cache, and of HOT_BYTES that
 * are. scan: memchr() through the same. receive: a sink that reads octet-counted
 * frames from one port of 127.0.0.1, which it prints first, finds each one's end
 * and looks that it begins as a header does; those of HTTP are bodies, and each is
 * answered when all of it is there. At the end of its standard input it prints what
 * it got. send: LINES lines of LINE_BYTES go to SINKS connections at
 * that pace, in pieces of BATCH bytes from a window that is not in the cache, with
 * no more than a head before a body of HTTP and its answer waited for. stops: looks
 * at the clock again and again, before all that runs without precedence, if it may;
 * where more than STOP_NS went by in between, the machine did something else. Prints
 * what it was as name=value; cpu_s is user and system time of this process, wall_s
 * the time that went by.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "loopback.h"

enum {
    WINDOW_BYTES = 64 << 20,
    HOT_BYTES = 16 << 10,
    LINE_BYTES = 200,
    READ_BYTES = 256 << 10,
    ROUNDS = 20,
    ROUNDS_MAX = 1000000,
    SINKS_MAX = 1000,
    BATCH_BYTES_MAX = WINDOW_BYTES / 2,
    PORT_MAX = 65535,
    STOPS_S = 2,
    STOPS_S_MAX = 24 * 60 * 60,
    STOP_NS = 100 * 1000,
    /* Who never sleeps loses his precedence for a while. */
    SPELL_NS = 9 * 1000 * 1000,
    REST_NS = 1000 * 1000
};

static const char usage[] =
    "usage: limits copy|scan [ROUNDS] | receive syslog|http | send http|syslog "
    "PORT LINES LINES_A_SECOND LINE_BYTES SINKS BATCH | stops [SECONDS]\n";

static void die(const char *what)
{
    fprintf(stderr, "limits: %s: %s\n", what, strerror(errno));
    exit(1);
}

static double now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double cpu_s(void)
{
    struct rusage used;

    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

/* Lines of LINE_BYTES, each ended by a newline. */
static char *make_window(size_t line_bytes)
{
    char *window = malloc(WINDOW_BYTES);

    if (!window)
        die("memory");
    memset(window, 'x', WINDOW_BYTES);
    for (size_t at = line_bytes; at <= WINDOW_BYTES; at += line_bytes)
        window[at - 1] = '\n';
    return window;
}

static void tell(const char *what, double bytes, double seconds)
{
    printf("%s GB_s=%.2f ns_a_line=%.2f\n", what, bytes / seconds / 1e9,
           seconds / (bytes / LINE_BYTES) * 1e9);
}

static void copy(unsigned long rounds)
{
    char *from = make_window(LINE_BYTES), *to = make_window(LINE_BYTES);
    unsigned long sum = 0;
    double began = now_s();

    for (unsigned long n = 0; n < rounds; n++) {
        memcpy(to, from, WINDOW_BYTES);
        sum += (unsigned char)to[n];
    }
    tell("copy cold", (double)rounds * WINDOW_BYTES, now_s() - began);
    began = now_s();
    for (unsigned long n = 0; n < rounds * (WINDOW_BYTES / HOT_BYTES); n++) {
        memcpy(to, from, HOT_BYTES);
        // Or the compiler sees that all copies are alike.
        __asm__ volatile("" : : "r"(to), "r"(from) : "memory");
    }
    tell("copy hot", (double)rounds * WINDOW_BYTES, now_s() - began);
    fprintf(stderr, "limits: %lu\n", sum);
    free(from);
    free(to);
}

/* How many lines there are. */
static unsigned long count_lines(const char *data, size_t size)
{
    unsigned long lines = 0;
    const char *at = data, *end = data + size;

    while ((at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        at++;
        lines++;
    }
    return lines;
}

static void scan(unsigned long rounds)
{
    char *window = make_window(LINE_BYTES);
    unsigned long lines = 0;
    double began = now_s();

    for (unsigned long n = 0; n < rounds; n++)
        lines += count_lines(window, WINDOW_BYTES);
    tell("scan cold", (double)rounds * WINDOW_BYTES, now_s() - began);
    began = now_s();
    for (unsigned long n = 0; n < rounds * (WINDOW_BYTES / HOT_BYTES); n++)
        lines += count_lines(window, HOT_BYTES);
    tell("scan hot", (double)rounds * WINDOW_BYTES, now_s() - began);
    fprintf(stderr, "limits: %lu\n", lines);
    free(window);
}

/* What a bare sink has seen. */
typedef struct seen {
    unsigned long long lines;
    unsigned long long bytes;
    unsigned long long bad; // does not begin with <PRI>1 and a space
} seen;

/* Frames that are whole; how many bytes they take. */
static size_t take_frames(const char *data, size_t size, seen *out)
{
    size_t at = 0;

    for (;;) {
        size_t len_bytes = 0, head = at;

        while (head < size && data[head] >= '0' && data[head] <= '9')
            len_bytes = len_bytes * 10 + (size_t)(data[head++] - '0');
        if (head >= size || size - head - 1 < len_bytes)
            return at;
        const char *line = data + head + 1;
        const char *end = memchr(line, '>', len_bytes < 6 ? len_bytes : 6);

        if (data[head] != ' ' || !end || line + len_bytes - end < 3 ||
            *line != '<' || end[1] != '1' || end[2] != ' ')
            out->bad++;
        out->lines++;
        at = head + 1 + len_bytes;
    }
}

/* A connection and what it has of a frame whose end is to come. */
typedef struct peer {
    char *data;
    size_t used_bytes;
    size_t body_bytes; // that are still to come, of HTTP
} peer;

/* The head of a request; how many bytes it takes, 0: it is not all there. */
static size_t take_head(const char *data, size_t size, peer *p)
{
    static const char name[] = "\r\nContent-Length: ";
    const char *end = memmem(data, size, "\r\n\r\n", 4);
    const char *length =
        end ? memmem(data, (size_t)(end - data), name, sizeof(name) - 1) : NULL;

    if (!end)
        return 0;
    p->body_bytes = length ? strtoul(length + sizeof(name) - 1, NULL, 10) : 0;
    return (size_t)(end + 4 - data);
}

/* Heads and bodies; how many bytes of these. */
static size_t take_requests(int fd, peer *p, seen *out)
{
    static const char answer[] = "HTTP/1.1 204 No Content\r\n\r\n";
    size_t at = 0;

    for (;;) {
        size_t left_bytes = p->used_bytes - at, taken;

        if (p->body_bytes == 0) {
            taken = take_head(p->data + at, left_bytes, p);
        } else {
            taken = take_frames(
                p->data + at,
                left_bytes < p->body_bytes ? left_bytes : p->body_bytes, out);
            p->body_bytes -= taken;
            if (taken > 0 && p->body_bytes == 0 &&
                send(fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL) < 0)
                die("answer");
        }
        if (taken == 0)
            return at;
        at += taken;
    }
}

/* False: it has gone. */
static bool read_peer(int fd, peer *p, bool is_http, seen *out)
{
    ssize_t got = read(fd, p->data + p->used_bytes, READ_BYTES - p->used_bytes);
    size_t taken;

    if (got <= 0)
        return false;
    out->bytes += (unsigned long long)got;
    p->used_bytes += (size_t)got;
    taken = is_http ? take_requests(fd, p, out)
                    : take_frames(p->data, p->used_bytes, out);
    memmove(p->data, p->data + taken, p->used_bytes - taken);
    p->used_bytes -= taken;
    return true;
}

static void receive(bool is_http)
{
    struct pollfd polled[2 + SINKS_MAX] = {
        {.fd = STDIN_FILENO, .events = POLLIN},
        {.fd = loopback_listen(), .events = POLLIN}};
    peer peers[2 + SINKS_MAX] = {{0}};
    nfds_t count = 2;
    seen all = {0};

    if (polled[1].fd < 0)
        die("listen");
    while (poll(polled, count, -1) >= 0 && polled[0].revents == 0) {
        for (nfds_t n = 2; n < count; n++) {
            if (polled[n].revents == 0 ||
                read_peer(polled[n].fd, &peers[n], is_http, &all))
                continue;
            close(polled[n].fd);
            polled[n].fd = -1;
            free(peers[n].data);
            peers[n] = (peer){0};
        }
        if (polled[1].revents == 0 || count == 2 + SINKS_MAX)
            continue;
        peers[count].data = malloc(READ_BYTES);
        polled[count] = (struct pollfd){.fd = accept(polled[1].fd, NULL, NULL),
                                        .events = POLLIN};
        if (!peers[count].data || polled[count].fd < 0)
            die("accept");
        count++;
    }
    printf("lines=%llu bytes=%llu bad=%llu cpu_s=%.3f\n", all.lines, all.bytes,
           all.bad, cpu_s());
}

/* What `limits send` is asked for. */
typedef struct sending {
    bool is_http;
    unsigned long lines;
    unsigned long lines_a_second;
    size_t line_bytes;
    int sinks;
    size_t batch_bytes;
} sending;

static int dial(const char *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons((unsigned short)strtoul(port, NULL, 10));
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
        die("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
}

static void send_all(int fd, const char *data, size_t size, int flags)
{
    while (size > 0) {
        ssize_t sent = send(fd, data, size, flags | MSG_NOSIGNAL);

        if (sent < 0)
            die("send");
        data += sent;
        size -= (size_t)sent;
    }
}

static void send_batch(const sending *what, const int *fds, const char *data,
                       size_t size)
{
    char text[1024];

    for (int n = 0; n < what->sinks; n++) {
        int head_bytes = snprintf(text, sizeof(text),
                                  "POST /%d HTTP/1.1\r\nHost: localhost\r\n"
                                  "Content-Length: %zu\r\n\r\n",
                                  n, size);

        if (what->is_http)
            send_all(fds[n], text, (size_t)head_bytes, MSG_MORE);
        send_all(fds[n], data, size, 0);
    }
    for (int n = 0; what->is_http && n < what->sinks; n++) {
        if (recv(fds[n], text, sizeof(text), 0) <= 0)
            die("no answer");
    }
}

static void sleep_until(double at_s)
{
    struct timespec at = {.tv_sec = (time_t)at_s};

    at.tv_nsec = (long)((at_s - (double)at.tv_sec) * 1e9);
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

static void send_lines(const sending *what, const char *port)
{
    unsigned long batch_lines = what->batch_bytes / what->line_bytes;
    size_t size = batch_lines * what->line_bytes, at = 0;
    char *window = make_window(what->line_bytes);
    unsigned long done = 0;
    double began = now_s(), cpu;
    int fds[SINKS_MAX];

    for (int n = 0; n < what->sinks; n++)
        fds[n] = dial(port);
    cpu = cpu_s();
    while (done < what->lines) {
        done += batch_lines;
        if (what->lines_a_second > 0)
            sleep_until(began + (double)done / (double)what->lines_a_second);
        send_batch(what, fds, window + at, size);
        at = at + 2 * size > WINDOW_BYTES ? 0 : at + size;
    }
    printf("lines=%lu cpu_s=%.3f wall_s=%.3f\n", done, cpu_s() - cpu,
           now_s() - began);
    free(window);
}

/* Stops of this machine, or of this processor, as one sees them who has it. */
typedef struct stops {
    unsigned long count;
    double seconds; // all of them
    double longest_s;
} stops;

/* The seconds that it took. */
static double watch(stops *out)
{
    double began = now_s(), last = began, now;

    do {
        now = now_s();
        if (now - last > STOP_NS / 1e9) {
            out->count++;
            out->seconds += now - last;
            if (now - last > out->longest_s)
                out->longest_s = now - last;
        }
        last = now;
    } while (now - began < SPELL_NS / 1e9);
    return now - began;
}

static void look_for_stops(double seconds)
{
    const struct sched_param first = {.sched_priority = 1};
    const struct timespec rest = {.tv_nsec = REST_NS};
    bool has_precedence = sched_setscheduler(0, SCHED_FIFO, &first) == 0;
    double watched_s = 0;
    stops all = {0};

    while (watched_s < seconds) {
        watched_s += watch(&all);
        nanosleep(&rest, NULL);
    }
    printf("stops=%lu a_second=%.2f longest_us=%.0f share=%.5f precedence=%d\n",
           all.count, (double)all.count / watched_s, all.longest_s * 1e6,
           all.seconds / watched_s, has_precedence);
}

static unsigned long read_number(const char *name, const char *text,
                                 unsigned long min, unsigned long max)
{
    unsigned long value;
    char *end;

    errno = 0;
    value = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 ||
        value < min || value > max) {
        fprintf(stderr,
                "limits: %s is a whole number from %lu to %lu, not '%s'\n",
                name, min, max, text);
        exit(EX_USAGE);
    }
    return value;
}

static double read_seconds(const char *text)
{
    char *end;
    double value = strtod(text, &end);

    if (*end == '\0' && value > 0 && value <= STOPS_S_MAX)
        return value;
    fprintf(stderr, "limits: SECONDS is a number above 0, up to %d, not '%s'\n",
            STOPS_S_MAX, text);
    exit(EX_USAGE);
}

static bool read_is_http(const char *text)
{
    if (strcmp(text, "http") == 0)
        return true;
    if (strcmp(text, "syslog") == 0)
        return false;
    fprintf(stderr, "limits: it goes over syslog or http, not '%s'\n", text);
    exit(EX_USAGE);
}

static unsigned long read_rounds(char **words)
{
    return words[0] ? read_number("ROUNDS", words[0], 1, ROUNDS_MAX) : ROUNDS;
}

static void asked_to_copy(char **words)
{
    copy(read_rounds(words));
}

static void asked_to_scan(char **words)
{
    scan(read_rounds(words));
}

static void asked_for_stops(char **words)
{
    look_for_stops(words[0] ? read_seconds(words[0]) : STOPS_S);
}

static void asked_to_receive(char **words)
{
    receive(read_is_http(words[0]));
}

static void asked_to_send(char **words)
{
    sending what = {.is_http = read_is_http(words[0])};

    read_number("PORT", words[1], 1, PORT_MAX);
    what.lines = read_number("LINES", words[2], 1, LONG_MAX);
    what.lines_a_second = read_number("LINES_A_SECOND", words[3], 0, LONG_MAX);
    what.line_bytes = read_number("LINE_BYTES", words[4], 1, BATCH_BYTES_MAX);
    what.sinks = (int)read_number("SINKS", words[5], 1, SINKS_MAX);
    what.batch_bytes =
        read_number("BATCH", words[6], what.line_bytes, BATCH_BYTES_MAX);
    send_lines(&what, words[1]);
}

static void asked_for_help(char **words)
{
    (void)words;
    fputs(usage, stdout);
}

static const struct {
    const char *name;
    int words_min, words_max;
    void (*run)(char **words);
} commands[] = {
    {"copy", 0, 1, asked_to_copy},    {"scan", 0, 1, asked_to_scan},
    {"stops", 0, 1, asked_for_stops}, {"receive", 1, 1, asked_to_receive},
    {"send", 7, 7, asked_to_send},    {"--help", 0, 0, asked_for_help},
};

int main(int argc, char **argv)
{
    int words = argc - 2;

    for (size_t n = 0; n < sizeof(commands) / sizeof(*commands); n++) {
        if (words < commands[n].words_min || words > commands[n].words_max ||
            strcmp(argv[1], commands[n].name) != 0)
            continue;
        commands[n].run(argv + 2);
        return 0;
    }
    fputs(usage, stderr);
    return EX_USAGE;
}
