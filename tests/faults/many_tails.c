/*
 * many_tails.c - many tails of one channel, coming and going at random, while
 * one sender sends; then the accounts of all of them.
 *
 *     many_tails HTTP_PORT SYSLOG_PORT TOKEN SESSION_PATH
 *                TAILS LINES_PER_S SECONDS SEED
 *
 * A tail stays for a while, breaks off, in the middle of an event if it can,
 * stays away for a while, and comes back with Last-Event-ID. One in ten reads
 * slower than lines come, through a small window. Line 0 is sent before they
 * come, so each has a position from the start. When the sender is done all
 * stay, read what is left as fast as they can, and have to arrive at its end.
 *
 * Prints one JSON object. Exits with 1 when an account is wrong.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "sse_reader.h"

enum {
    ONE_IN_IS_SLOW = 10,
    SLOW_READ_BYTES = 1024,
    SLOW_EVERY_MS = 100,
    SLOW_WINDOW_BYTES = 4096,
    STAY_MIN_MS = 50,
    STAY_MAX_MS = 5000,
    SLOW_STAYS_PART = 4, /* of the whole show, at most */
    LEAVING_MS = 40,     /* unread, so that there is an event to be broken */
    AWAY_MAX_MS = 1000,
    TICK_MS = 5,
    ARRIVE_MAX_MS = 60000,
    LINE_ROOM_BYTES = 512,
    PATH_DIGITS = 120,
};

typedef struct tail {
    sse_reader reader;
    int fd; /* -1: away */
    bool is_slow;
    bool is_watched; /* by epoll */
    int64_t turn_ms; /* when it breaks off or comes back */
    int64_t read_ms; /* when a slow one reads            */
    unsigned breaks;
    unsigned breaks_inside; /* of these, in the middle of an event */
} tail;

typedef struct show {
    uint16_t http_port;
    const char *session;
    const char *token;
    unsigned tail_count;
    tail *tails;
    int epoll;
    int sender;
    uint64_t lines_per_s;
    int64_t show_ms;
    uint64_t sent_lines; /* line 0 is not counted */
    uint64_t last_line;
    bool is_ending; /* nobody breaks off or is slow any more */
    uint64_t random;
} show;

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "many_tails: %s: %s\n", what, strerror(errno));
    exit(2);
}

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

// xorshift64: the same seed breaks off at the same times.
static int64_t random_in(show *s, int64_t min, int64_t max)
{
    s->random ^= s->random << 13;
    s->random ^= s->random >> 7;
    s->random ^= s->random << 17;
    return min + (int64_t)(s->random % (uint64_t)(max - min + 1));
}

/* Connections ------------------------------------------------------------- */

static int dial(uint16_t port, int window_bytes)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(port),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct timeval limit = {10, 0};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        die("socket");
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    if (window_bytes > 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &window_bytes,
                   sizeof(window_bytes));
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
        die("connect");
    return fd;
}

static void say(int fd, const char *bytes, size_t len_bytes)
{
    while (len_bytes > 0) {
        ssize_t n = send(fd, bytes, len_bytes, MSG_NOSIGNAL);

        if (n < 0)
            die("send");
        bytes += n;
        len_bytes -= (size_t)n;
    }
}

static void watch(show *s, tail *t, bool is_watched)
{
    struct epoll_event want = {.events = EPOLLIN, .data.ptr = t};

    if (t->fd < 0 || t->is_watched == is_watched)
        return;
    if (epoll_ctl(s->epoll, is_watched ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, t->fd,
                  &want) != 0)
        die("epoll_ctl");
    t->is_watched = is_watched;
}

static void come(show *s, tail *t)
{
    const sse_reader *r = &t->reader;
    char id[80] = "";
    char request[512];
    int64_t stay_max_ms =
        t->is_slow ? s->show_ms / SLOW_STAYS_PART : STAY_MAX_MS;

    if (r->has_position)
        snprintf(id, sizeof(id), "Last-Event-ID: %" PRIu64 ":%" PRIu64 "\r\n",
                 r->epoch, r->position);
    snprintf(request, sizeof(request),
             "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n"
             "Accept: text/event-stream\r\n%s\r\n",
             s->session, id);
    sse_reader_connect(&t->reader);
    t->fd =
        dial(s->http_port, t->is_slow && !s->is_ending ? SLOW_WINDOW_BYTES : 0);
    say(t->fd, request, strlen(request));
    t->turn_ms = now_ms() + random_in(s, STAY_MIN_MS, stay_max_ms);
    watch(s, t, !t->is_slow || s->is_ending || !r->has_position);
}

// Linger 0 makes it a reset, which half of them send.
static void hang_up(show *s, tail *t)
{
    struct linger hard = {1, 0};

    if (random_in(s, 0, 1))
        setsockopt(t->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    close(t->fd);
    t->fd = -1;
    t->is_watched = false;
}

static void hear(show *s, tail *t, size_t max_bytes)
{
    static char room[1 << 16];
    ssize_t n =
        recv(t->fd, room, max_bytes < sizeof(room) ? max_bytes : sizeof(room),
             MSG_DONTWAIT);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n > 0)
        sse_reader_feed(&t->reader, room, (size_t)n);
    if ((n <= 0 || t->reader.stage == SSE_OVER) && !t->reader.is_wrong) {
        t->reader.is_wrong = true;
        snprintf(t->reader.wrong, sizeof(t->reader.wrong),
                 "the daemon ended the tail: %s",
                 n < 0 ? strerror(errno) : "cleanly");
    }
    if (t->reader.is_wrong)
        hang_up(s, t);
}

static void break_off(show *s, tail *t)
{
    // A bit of what is there, which ends in the middle of an event.
    hear(s, t, (size_t)random_in(s, 1, 200));
    if (t->fd < 0)
        return;
    t->breaks++;
    t->breaks_inside += sse_reader_is_inside(&t->reader);
    hang_up(s, t);
    t->turn_ms = now_ms() + random_in(s, 0, AWAY_MAX_MS);
}

/* Turns ------------------------------------------------------------------- */

static void take_turn(show *s, tail *t)
{
    int64_t now = now_ms();

    if (t->reader.is_wrong)
        return;
    if (t->fd < 0) {
        if (s->is_ending || now >= t->turn_ms)
            come(s, t);
        return;
    }
    if (s->is_ending || !t->reader.has_position)
        return;
    if (now >= t->turn_ms + LEAVING_MS) {
        break_off(s, t);
    } else if (now >= t->turn_ms) {
        watch(s, t, false);
    } else if (t->is_slow && now >= t->read_ms) {
        hear(s, t, SLOW_READ_BYTES);
        t->read_ms = now + SLOW_EVERY_MS;
    }
}

static void take_turns(show *s)
{
    struct epoll_event events[64];
    int n = epoll_wait(s->epoll, events, 64, 1);

    for (int i = 0; i < n; i++) {
        tail *t = events[i].data.ptr;

        if (t->fd >= 0)
            hear(s, t, SIZE_MAX);
    }
    for (unsigned i = 0; i < s->tail_count; i++)
        take_turn(s, &s->tails[i]);
}

/* RFC 6587, 3.4.1: the frame's length, a blank, and the frame. The text is as
 * long as lines are in the world. */
static size_t print_frame(const show *s, uint64_t number, char *out)
{
    char frame[LINE_ROOM_BYTES];
    char time[32];
    struct timespec t;
    struct tm parts;
    int len;

    clock_gettime(CLOCK_REALTIME, &t);
    gmtime_r(&t.tv_sec, &parts);
    strftime(time, sizeof(time), "%Y-%m-%dT%H:%M:%S", &parts);
    len = snprintf(frame, sizeof(frame),
                   "<134>1 %s.%06ld+00:00 host %s web.1 - - line %" PRIu64
                   " at=info method=GET path=\"/%0*d\" status=200",
                   time, t.tv_nsec / 1000, s->token, number, PATH_DIGITS, 0);
    len = snprintf(out, LINE_ROOM_BYTES, "%d %s", len, frame);
    return (size_t)len;
}

static void send_due(show *s, uint64_t due_lines)
{
    char batch[64 * LINE_ROOM_BYTES];
    size_t used_bytes = 0;

    while (s->sent_lines < due_lines) {
        s->sent_lines++;
        used_bytes += print_frame(s, s->sent_lines, batch + used_bytes);
        if (used_bytes + LINE_ROOM_BYTES > sizeof(batch)) {
            say(s->sender, batch, used_bytes);
            used_bytes = 0;
        }
    }
    say(s->sender, batch, used_bytes);
}

/* Acts -------------------------------------------------------------------- */

// Is everybody, but who went wrong, at this line or behind it?
static bool are_all_at(const show *s, uint64_t number)
{
    for (unsigned i = 0; i < s->tail_count; i++) {
        const sse_reader *r = &s->tails[i].reader;

        if (!r->is_wrong &&
            (!r->has_position || r->position - r->first_seq < number))
            return false;
    }
    return true;
}

static void wait_for_all(show *s, uint64_t number)
{
    int64_t end_ms = now_ms() + ARRIVE_MAX_MS;

    while (!are_all_at(s, number) && now_ms() < end_ms)
        take_turns(s);
}

static void gather(show *s)
{
    char line[LINE_ROOM_BYTES];

    say(s->sender, line, print_frame(s, 0, line));
    // It is the one line of history for those who come later than it.
    for (unsigned i = 0; i < s->tail_count; i++)
        come(s, &s->tails[i]);
    wait_for_all(s, 0);
    for (unsigned i = 0; i < s->tail_count; i++)
        watch(s, &s->tails[i], !s->tails[i].is_slow);
}

static void run(show *s)
{
    int64_t start_ms = now_ms();
    int64_t next_ms = start_ms;

    while (s->sent_lines < s->last_line) {
        int64_t now = now_ms();

        if (now >= next_ms) {
            uint64_t due = (uint64_t)(now - start_ms) * s->lines_per_s / 1000;

            send_due(s, due < s->last_line ? due : s->last_line);
            next_ms = now + TICK_MS;
        }
        take_turns(s);
    }
}

static void arrive(show *s)
{
    s->is_ending = true;
    for (unsigned i = 0; i < s->tail_count; i++)
        watch(s, &s->tails[i], true);
    wait_for_all(s, s->last_line);
}

/* Accounts ---------------------------------------------------------------- */

static bool is_right(const show *s, const tail *t)
{
    const sse_reader *r = &t->reader;

    return !r->is_wrong && r->has_position &&
           r->first_seq == s->tails[0].reader.first_seq &&
           r->lines + r->lost_lines == s->sent_lines;
}

static void complain(unsigned i, const tail *t)
{
    const sse_reader *r = &t->reader;

    fprintf(stderr,
            "tail %u%s: %" PRIu64 " lines + %" PRIu64 " lost in %" PRIu64
            " gaps, %u breaks, at %" PRIu64 ": %s\n",
            i, t->is_slow ? " (slow)" : "", r->lines, r->lost_lines, r->gaps,
            t->breaks, r->has_position ? r->position - r->first_seq : 0,
            r->is_wrong ? r->wrong : "does not add up");
}

static double cpu_s(void)
{
    struct rusage used;

    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static unsigned report(const show *s, double run_s, double arrive_s)
{
    uint64_t lines = 0, lost = 0, slow_lost = 0, gaps = 0, inside = 0;
    unsigned wrong = 0, breaks = 0, breaks_inside = 0;

    for (unsigned i = 0; i < s->tail_count; i++) {
        const tail *t = &s->tails[i];

        lines += t->reader.lines;
        lost += t->reader.lost_lines;
        slow_lost += t->is_slow ? t->reader.lost_lines : 0;
        gaps += t->reader.gaps;
        inside += t->is_slow ? 0 : t->reader.gaps_inside;
        breaks += t->breaks;
        breaks_inside += t->breaks_inside;
        if (is_right(s, t))
            continue;
        wrong++;
        complain(i, t);
    }
    printf("{\"tails\":%u,\"wrong\":%u,\"sent\":%" PRIu64
           ",\"seconds\":%.1f,\"arrive_seconds\":%.1f,\"delivered\":%" PRIu64
           ",\"lost\":%" PRIu64 ",\"lost_by_slow\":%" PRIu64
           ",\"gaps\":%" PRIu64 ",\"gaps_inside_fast\":%" PRIu64
           ",\"breaks\":%u,\"breaks_inside\":%u,\"cpu_seconds\":%.1f}\n",
           s->tail_count, wrong, s->sent_lines, run_s, arrive_s, lines, lost,
           slow_lost, gaps, inside, breaks, breaks_inside, cpu_s());
    return wrong;
}

static unsigned long long argument(const char *text)
{
    char *end;
    unsigned long long n = strtoull(text, &end, 10);

    if (end == text || *end != '\0') {
        fprintf(stderr, "many_tails: \"%s\" is no number\n", text);
        exit(64);
    }
    return n;
}

int main(int argc, char **argv)
{
    show s = {0};
    int64_t start_ms, sent_ms;
    unsigned wrong;

    if (argc != 9) {
        fputs("usage: many_tails HTTP_PORT SYSLOG_PORT TOKEN SESSION_PATH "
              "TAILS LINES_PER_S SECONDS SEED\n",
              stderr);
        return 64;
    }
    s.http_port = (uint16_t)argument(argv[1]);
    s.sender = dial((uint16_t)argument(argv[2]), 0);
    s.token = argv[3];
    s.session = argv[4];
    s.tail_count = (unsigned)argument(argv[5]);
    s.lines_per_s = argument(argv[6]);
    s.show_ms = (int64_t)argument(argv[7]) * 1000;
    s.last_line = s.lines_per_s * (uint64_t)s.show_ms / 1000;
    s.random = argument(argv[8]) + 1;
    s.epoll = epoll_create1(EPOLL_CLOEXEC);
    s.tails = calloc(s.tail_count, sizeof(*s.tails));
    if (s.epoll < 0 || !s.tails)
        die("start");
    for (unsigned i = 0; i < s.tail_count; i++)
        s.tails[i].is_slow = i % ONE_IN_IS_SLOW == ONE_IN_IS_SLOW - 1;
    gather(&s);
    start_ms = now_ms();
    run(&s);
    sent_ms = now_ms();
    arrive(&s);
    wrong = report(&s, (double)(sent_ms - start_ms) / 1000,
                   (double)(now_ms() - sent_ms) / 1000);
    free(s.tails);
    return wrong > 0;
}
