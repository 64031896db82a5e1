/*
 * test_http_direct.c - HTTP drains and their sink, over real sockets: what is
 * said, byte by byte, and what becomes of connections that are kept, break, or
 * are answered before they were asked.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "drain_lines.h"

enum {
    RING_BYTES = 16 << 20,
    TURNS_MAX = 5000,
    HEARD_MAX_BYTES = 8 << 20,
    WINDOW_BYTES = 16 << 10 /* so that a large body does not fit */
};

/* The sink: in the test's own thread, so it does what the test says, and then. */
typedef struct sink {
    int listener;
    unsigned port;
    unsigned connections;
    int fd; /* -1: there is none */
    bool is_ended;
    bool is_hasty;
    char *heard; /* of this connection; ends with a NUL */
    size_t heard_bytes;
} sink;

static void sink_begin(sink *s)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t at_bytes = sizeof(at);
    int window_bytes = WINDOW_BYTES;

    memset(s, 0, sizeof(*s));
    s->fd = -1;
    s->heard = malloc(HEARD_MAX_BYTES + 1);
    assert_non_null(s->heard);
    s->heard[0] = '\0';
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(s->listener, SOL_SOCKET, SO_RCVBUF, &window_bytes,
               sizeof(window_bytes));
    assert_int_equal(bind(s->listener, (struct sockaddr *)&at, at_bytes), 0);
    assert_int_equal(listen(s->listener, 8), 0);
    getsockname(s->listener, (struct sockaddr *)&at, &at_bytes);
    s->port = ntohs(at.sin_port);
}

static void forget(sink *s)
{
    s->heard_bytes = 0;
    s->heard[0] = '\0';
}

static void sink_hang_up(sink *s)
{
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
    forget(s);
}

static void sink_end(sink *s)
{
    sink_hang_up(s);
    close(s->listener);
    free(s->heard);
}

/* A turn of the drain's loop, and of the sink, which reads what is there. */
static void turn(fixture *f, sink *s, bool reads)
{
    ssize_t got;

    run_for(f, 1);
    if (s->fd < 0) {
        s->fd = accept4(s->listener, NULL, NULL, SOCK_NONBLOCK);
        if (s->fd < 0)
            return;
        s->connections++;
        s->is_ended = false;
        forget(s);
    }
    if (!reads)
        return;
    while ((got = recv(s->fd, s->heard + s->heard_bytes,
                       HEARD_MAX_BYTES - s->heard_bytes, 0)) > 0)
        s->heard_bytes += (size_t)got;
    s->heard[s->heard_bytes] = '\0';
    s->is_ended = s->is_ended || got == 0 || errno != EAGAIN;
}

/* The clock of a drain; a sink in a hurry speaks while it is read. */
static int64_t say_yes_again(void *ctx)
{
    static const char yes[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    sink *s = ctx;
    struct timespec now;

    if (s->is_hasty && s->fd >= 0) {
        s->is_hasty = false;
        assert_int_equal(send(s->fd, yes, sizeof(yes) - 1, MSG_NOSIGNAL),
                         sizeof(yes) - 1);
        usleep(1000);
    }
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void on_stop(uv_async_t *stop)
{
    uv_stop(stop->loop);
}

static void run_loop(void *loop)
{
    uv_run(loop, UV_RUN_DEFAULT);
}

/* Has it heard a request to its end? Then body is that of it. */
static bool has_request(const sink *s, lp_span *body)
{
    const char *end = strstr(s->heard, "\r\n\r\n");
    const char *length = strstr(s->heard, "Content-Length: ");

    if (!end || !length || length > end)
        return false;
    body->ptr = end + 4;
    body->len_bytes = strtoul(length + 16, NULL, 10);
    return (size_t)(s->heard + s->heard_bytes - body->ptr) >= body->len_bytes;
}

static lp_span hear(fixture *f, sink *s)
{
    lp_span body = {0};

    for (int i = 0; i < TURNS_MAX && !has_request(s, &body); i++)
        turn(f, s, true);
    assert_true(has_request(s, &body));
    return body;
}

static void answer(sink *s, const char *text)
{
    assert_int_equal(send(s->fd, text, strlen(text), MSG_NOSIGNAL),
                     strlen(text));
    forget(s);
}

static void answer_well(sink *s)
{
    answer(s, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
}

static lp_drain_status run_until_delivered(fixture *f, sink *s, uint64_t lines)
{
    for (int i = 0; i < TURNS_MAX && status_of(f).delivered_lines < lines; i++)
        turn(f, s, false);
    assert_int_equal(status_of(f).delivered_lines, lines);
    return status_of(f);
}

static lp_drain_status run_until_failed(fixture *f, sink *s, uint64_t failures)
{
    for (int i = 0; i < TURNS_MAX && status_of(f).failures < failures; i++)
        turn(f, s, false);
    assert_true(status_of(f).failures >= failures); // it may have tried again
    return status_of(f);
}

static void open_to(fixture *f, const sink *s, const char *user,
                    const char *rest)
{
    char url[256];

    snprintf(url, sizeof(url), "http://%s127.0.0.1:%u%s", user, s->port, rest);
    open_drain(f, url);
}

/* The drain of a line, whose request has been heard. */
static void open_and_hear_at(fixture *f, sink *s, const char *rest)
{
    open_to(f, s, "", rest);
    say_lines(f, 1, 1, 10);
    hear(f, s);
}

static void open_and_hear(fixture *f, sink *s)
{
    open_and_hear_at(f, s, "/");
}

/* It has been answered as well, and the connection kept. */
static void keep(fixture *f, sink *s)
{
    answer_well(s);
    run_until_delivered(f, s, 1);
}

static void open_and_keep(fixture *f, sink *s)
{
    open_and_hear(f, s);
    keep(f, s);
}

enum { HEARD_ONCE_BYTES = 2048 };

/* And the next request has been heard over it, which is as heard says. */
static void open_keep_and_hear(fixture *f, sink *s, const char *rest,
                               char heard[HEARD_ONCE_BYTES])
{
    open_and_hear_at(f, s, rest);
    keep(f, s);
    say_lines(f, 2, 2, 10);
    hear(f, s);
    snprintf(heard, HEARD_ONCE_BYTES, "%s", s->heard);
}

static void both_begin(fixture *f, sink *s)
{
    sink_begin(s);
    begin(f, RING_BYTES);
}

static void both_end(fixture *f, sink *s)
{
    end(f);
    sink_end(s);
}

/* What is said ------------------------------------------------------------ */

static void a_request_is_that_of_the_original(void **state)
{
    fixture f;
    sink s;
    lp_span body;
    char head[512];
    char frame[64];

    (void)state;
    both_begin(&f, &s);
    f.opt.user_agent = "Logplex/9";
    open_to(&f, &s, "me:a%20b%3A@", "/a/../b?c=d");
    say(&f, "one\n", 4);
    body = hear(&f, &s);
    assert_non_null(memmem(body.ptr, body.len_bytes, "app web.1 - one\n", 16));
    assert_int_equal(
        sscanf(strstr(s.heard, "Frame-Id: "), "Frame-Id: %63s", frame), 1);
    snprintf(head, sizeof(head),
             "POST /a/../b?c=d HTTP/1.1\r\n"
             "Host: 127.0.0.1:%u\r\n"
             "Authorization: Basic bWU6YSBiOg==\r\n"
             "Content-Type: application/logplex-1\r\n"
             "Logplex-Msg-Count: 1\r\n"
             "Logplex-Frame-Id: %s\r\n"
             "Logplex-Drain-Token: d.1\r\n"
             "User-Agent: Logplex/9\r\n"
             "Content-Length: %zu\r\n\r\n",
             s.port, frame, body.len_bytes);
    assert_memory_equal(s.heard, head, strlen(head));
    answer_well(&s);
    run_until_delivered(&f, &s, 1);
    both_end(&f, &s);
}

static void a_path_that_is_none_is_the_root(void **state)
{
    static const char *const asked[][2] = {
        {"", "POST / HTTP/1.1\r\n"},
        {"?x=y", "POST /?x=y HTTP/1.1\r\n"},
        {"/?", "POST /? HTTP/1.1\r\n"},
        {"/p#refused=park", "POST /p HTTP/1.1\r\n"}};

    (void)state;
    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        fixture f;
        sink s;

        both_begin(&f, &s);
        open_to(&f, &s, "", asked[i][0]);
        say(&f, "one\n", 4);
        hear(&f, &s);
        assert_memory_equal(s.heard, asked[i][1], strlen(asked[i][1]));
        both_end(&f, &s);
    }
}

/* Many runs, and more than the kernel takes at once. */
static void a_large_body_comes_whole(void **state)
{
    fixture f;
    sink s;
    lp_span body;
    uint64_t n = 0;

    (void)state;
    both_begin(&f, &s);
    f.opt.batch_bytes = 4 << 20;
    say_lines(&f, 1, 1, 100);
    open_to(&f, &s, "", "/");
    say_lines(&f, 2, 1001, 3000);
    body = hear(&f, &s);
    for (const char *at = body.ptr;
         (at = memmem(at, (size_t)(body.ptr + body.len_bytes - at), " - line ",
                      8)) != NULL;
         at++)
        assert_int_equal(strtoull(at + 8, NULL, 10), ++n + 1);
    assert_int_equal(n, 1000);
    answer_well(&s);
    run_until_delivered(&f, &s, 1000);
    both_end(&f, &s);
}

/* Connections ------------------------------------------------------------- */

static void a_connection_is_kept(void **state)
{
    fixture f;
    sink s;

    (void)state;
    both_begin(&f, &s);
    open_to(&f, &s, "", "/");
    for (uint64_t n = 1; n <= 3; n++) {
        say_lines(&f, n, n, 10);
        hear(&f, &s);
        answer(&s, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                   "2\r\nok\r\n0\r\n\r\n");
        run_until_delivered(&f, &s, n);
    }
    assert_int_equal(s.connections, 1);
    both_end(&f, &s);
}

static void one_that_is_not_to_be_kept_is_not(void **state)
{
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nand more"};

    (void)state;
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        fixture f;
        sink s;

        both_begin(&f, &s);
        open_to(&f, &s, "", "/");
        for (uint64_t n = 1; n <= 2; n++) {
            say_lines(&f, n, n, 10);
            hear(&f, &s);
            answer(&s, answers[i]);
            assert_int_equal(run_until_delivered(&f, &s, n).failures, 0);
            turn(&f, &s, true);
            assert_true(s.is_ended);
            sink_hang_up(&s);
        }
        assert_int_equal(s.connections, 2);
        both_end(&f, &s);
    }
}

/* By the sink, while nothing was on its way. */
static void one_that_was_closed_is_replaced(void **state)
{
    fixture f;
    sink s;

    (void)state;
    both_begin(&f, &s);
    open_to(&f, &s, "", "/");
    for (uint64_t n = 1; n <= 3; n++) {
        say_lines(&f, n, n, 10);
        hear(&f, &s);
        answer_well(&s);
        run_until_delivered(&f, &s, n);
        sink_hang_up(&s);
        run_for(&f, 5);
    }
    assert_int_equal(status_of(&f).failures, 0);
    assert_int_equal(s.connections, 3);
    both_end(&f, &s);
}

/* The sink closes it as the next request comes: nobody can tell whether it has
 * read it, so it is asked again, under the same name, and that is no failure. */
static void one_that_dies_under_a_request_is_replaced_once(void **state)
{
    fixture f;
    sink s;
    char first[HEARD_ONCE_BYTES];

    (void)state;
    both_begin(&f, &s);
    open_keep_and_hear(&f, &s, "/", first);
    sink_hang_up(&s);
    hear(&f, &s);
    assert_string_equal(s.heard, first);
    assert_int_equal(status_of(&f).failures, 0);
    // The new one has not been proven, so the same once more is a failure.
    sink_hang_up(&s);
    assert_string_equal(run_until_failed(&f, &s, 1).error,
                        "it closed the connection before it answered");
    hear(&f, &s);
    assert_string_equal(s.heard, first);
    answer_well(&s);
    assert_int_equal(run_until_delivered(&f, &s, 2).retries, 1);
    both_end(&f, &s);
}

/* Memory ------------------------------------------------------------------ */

static bool keeps_memory(const fixture *f)
{
    return ring_ledger(f->engine).kept_bytes > 0;
}

static void run_until_let_go(fixture *f, sink *s, bool reads)
{
    for (int i = 0; i < TURNS_MAX && keeps_memory(f); i++)
        turn(f, s, reads);
    assert_false(keeps_memory(f));
    assert_int_equal(status_of(f).state, LP_DRAIN_SENDS);
}

/* So if the connection dies after all, it is not simply sent once more, but read
 * again, as what it was. */
static void check_waits_without_memory(const char *rest)
{
    fixture f;
    sink s;
    char first[HEARD_ONCE_BYTES];
    lp_drain_status status;

    both_begin(&f, &s);
    open_keep_and_hear(&f, &s, rest, first);
    assert_true(keeps_memory(&f));
    run_until_let_go(&f, &s, false);
    sink_hang_up(&s);
    assert_string_equal(run_until_failed(&f, &s, 1).error,
                        "it closed the connection before it answered");
    hear(&f, &s);
    assert_string_equal(s.heard, first);
    run_until_let_go(&f, &s, false);
    answer_well(&s);
    status = run_until_delivered(&f, &s, 2);
    assert_int_equal(status.retries, 1);
    // Of two lines of as many bytes, one went twice.
    assert_int_equal(status.plain_bytes,
                     ring_stats(f.channel).resident_bytes * 3 / 2);
    both_end(&f, &s);
}

static void what_is_only_waited_for_keeps_no_memory(void **state)
{
    (void)state;
    check_waits_without_memory("/");
    check_waits_without_memory("/#encoding=gzip");
}

static void what_has_not_left_keeps_its_memory(void **state)
{
    fixture f;
    sink s;

    (void)state;
    both_begin(&f, &s);
    f.opt.batch_bytes = 8 << 20;
    open_to(&f, &s, "", "/");
    say_lines(&f, 1, 2000, 4000);
    for (int i = 0; i < 600; i++)
        turn(&f, &s, false);
    assert_true(keeps_memory(&f));
    run_until_let_go(&f, &s, true);
    both_end(&f, &s);
}

/* Answers ----------------------------------------------------------------- */

static void what_is_no_answer_is_told(void **state)
{
    static const char *const answers[][2] = {
        {"SSH-2.0-x\r\n",
         "what it answered is no HTTP, or too long, or cut off"},
        {"HTTP/1.1 100 Continue\r\n\r\n",
         "what it answered is no HTTP, or too long, or cut off"},
        {"HTTP/1.1 503 No\r\nContent-Len", "it answered 503"},
        {"HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n", "it answered 302"}};

    (void)state;
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        fixture f;
        sink s;

        both_begin(&f, &s);
        open_and_hear(&f, &s);
        answer(&s, answers[i][0]);
        sink_hang_up(&s);
        assert_string_equal(run_until_failed(&f, &s, 1).error, answers[i][1]);
        hear(&f, &s);
        answer_well(&s);
        run_until_delivered(&f, &s, 1);
        both_end(&f, &s);
    }
}

/* Half an answer is one, if it begins well. */
static void a_status_holds_however_the_answer_ends(void **state)
{
    fixture f;
    sink s;

    (void)state;
    both_begin(&f, &s);
    open_and_hear(&f, &s);
    answer(&s, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    sink_hang_up(&s);
    assert_int_equal(run_until_delivered(&f, &s, 1).failures, 0);
    both_end(&f, &s);
}

/* A sink that says no to a body before it has read it, and hangs up. */
static void a_body_that_is_not_wanted_is_not_sent(void **state)
{
    fixture f;
    sink s;
    lp_span body;

    (void)state;
    both_begin(&f, &s);
    f.opt.batch_bytes = 8 << 20;
    open_to(&f, &s, "", "/");
    say_lines(&f, 1, 2000, 4000);
    for (int i = 0; i < TURNS_MAX && s.connections == 0; i++)
        turn(&f, &s, false);
    turn(&f, &s, false);
    assert_int_equal(s.connections, 1);
    answer(&s, "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n");
    sink_hang_up(&s);
    assert_string_equal(run_until_failed(&f, &s, 1).error, "it answered 413");
    assert_true(status_of(&f).sent_bytes < (8 << 20));
    // And the half comes by another one.
    body = hear(&f, &s);
    assert_true(body.len_bytes <= 4 << 20);
    answer_well(&s);
    both_end(&f, &s);
}

/* One that says yes before it has read all gets the rest all the same. */
static void an_early_yes_waits_for_the_body(void **state)
{
    fixture f;
    sink s;
    uint64_t limit_ms;

    (void)state;
    both_begin(&f, &s);
    f.opt.batch_bytes = 8 << 20;
    f.opt.answer_timeout_ms = 60000;
    open_to(&f, &s, "", "/");
    say_lines(&f, 1, 1000, 4000);
    for (int i = 0; i < TURNS_MAX && s.connections == 0; i++)
        turn(&f, &s, false);
    answer_well(&s);
    for (int i = 0; i < 10; i++)
        turn(&f, &s, false);
    assert_int_equal(status_of(&f).delivered_lines, 0);
    uv_update_time(&f.loop);
    limit_ms = uv_now(&f.loop) + f.opt.answer_timeout_ms / 2;
    while (status_of(&f).delivered_lines == 0 && uv_now(&f.loop) < limit_ms) {
        forget(&s);
        turn(&f, &s, true);
    }
    assert_int_equal(status_of(&f).delivered_lines, 1000);
    both_end(&f, &s);
}

/* Else the rest of it would be read as the answer to what comes next. */
static void one_whose_answer_has_not_ended_is_not_kept(void **state)
{
    fixture f;
    sink s;

    (void)state;
    both_begin(&f, &s);
    f.opt.answer_timeout_ms = 1000;
    open_and_hear(&f, &s);
    answer(&s, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
    run_until_delivered(&f, &s, 1);
    turn(&f, &s, true);
    assert_true(s.is_ended);
    sink_hang_up(&s);
    say_lines(&f, 2, 2, 10);
    hear(&f, &s);
    answer_well(&s);
    assert_int_equal(run_until_delivered(&f, &s, 2).failures, 0);
    assert_int_equal(s.connections, 2);
    both_end(&f, &s);
}

/* What came unasked, in the same turn in which a batch goes, is no answer. */
static void what_was_said_before_is_no_answer(void **state)
{
    fixture f;
    sink s;

    (void)state;
    both_begin(&f, &s);
    f.opt.now_ns = say_yes_again;
    f.opt.ctx = &s;
    open_and_keep(&f, &s);
    s.is_hasty = true;
    say_lines(&f, 2, 2, 10);
    for (int i = 0; i < TURNS_MAX && s.is_hasty; i++)
        turn(&f, &s, false);
    sink_hang_up(&s);
    hear(&f, &s);
    assert_int_equal(status_of(&f).delivered_lines, 1);
    answer_well(&s);
    assert_int_equal(run_until_delivered(&f, &s, 2).failures, 0);
    assert_int_equal(s.connections, 2);
    both_end(&f, &s);
}

static char frame_seen[64];

static const char *frame_of(const sink *s)
{
    const char *at = strstr(s->heard, "Frame-Id: ");

    assert_non_null(at);
    assert_int_equal(sscanf(at, "Frame-Id: %63s", frame_seen), 1);
    return frame_seen;
}

/* It may have been read, so it has the same name when it comes again, however that
 * ends. */
static void what_may_have_been_read_keeps_its_name(void **state)
{
    fixture f;
    sink s;
    char first[64];

    (void)state;
    both_begin(&f, &s);
    f.opt.batch_bytes = 8 << 20;
    f.opt.answer_timeout_ms = 2000;
    open_and_keep(&f, &s);
    say_lines(&f, 2, 1000, 4000);
    hear(&f, &s);
    snprintf(first, sizeof(first), "%s", frame_of(&s));
    sink_hang_up(&s);
    run_until_failed(&f, &s, 1); // the other connection reads nothing
    sink_hang_up(&s);
    hear(&f, &s);
    assert_string_equal(frame_of(&s), first);
    both_end(&f, &s);
}

static void an_answer_that_a_late_loop_finds_is_one(void **state)
{
    fixture f;
    sink s;

    (void)state;
    both_begin(&f, &s);
    f.opt.answer_timeout_ms = 1000;
    open_and_hear(&f, &s);
    answer_well(&s);
    usleep(1200000);
    assert_int_equal(run_until_delivered(&f, &s, 1).failures, 0);
    both_end(&f, &s);
}

/* A loop that has turned on one thread turns on another, and the first one has
 * lines for it. */
static void a_loop_may_go_to_another_thread(void **state)
{
    fixture f;
    sink s;
    uv_thread_t thread;
    uv_async_t stop;
    char some[4096];
    ssize_t got = -1;

    (void)state;
    both_begin(&f, &s);
    uv_async_init(&f.loop, &stop, on_stop);
    open_and_keep(&f, &s);
    assert_int_equal(uv_thread_create(&thread, run_loop, &f.loop), 0);
    usleep(100000); // it waits
    say_lines(&f, 2, 2, 10);
    for (int i = 0; i < TURNS_MAX && got < 0; i++) {
        usleep(1000);
        got = recv(s.fd, some, sizeof(some), MSG_DONTWAIT);
    }
    assert_true(got > 0);
    uv_async_send(&stop);
    uv_thread_join(&thread);
    uv_close((uv_handle_t *)&stop, NULL);
    both_end(&f, &s);
}

static void a_sink_that_reads_nothing_gets_less(void **state)
{
    fixture f;
    sink s;
    lp_drain_status status;

    (void)state;
    both_begin(&f, &s);
    f.opt.batch_bytes = 8 << 20;
    f.opt.answer_timeout_ms = 500;
    open_to(&f, &s, "", "/");
    say_lines(&f, 1, 2000, 4000);
    status = run_until_failed(&f, &s, 1);
    assert_string_equal(status.error, "it did not take the whole body in time");
    sink_hang_up(&s);
    assert_true(hear(&f, &s).len_bytes <= 4 << 20);
    both_end(&f, &s);
}

static void an_answer_that_does_not_come_is_a_failure(void **state)
{
    fixture f;
    sink s;

    (void)state;
    both_begin(&f, &s);
    f.opt.answer_timeout_ms = 500;
    open_to(&f, &s, "", "/");
    say_lines(&f, 1, 1, 10);
    assert_string_equal(run_until_failed(&f, &s, 1).error,
                        "it did not answer in time");
    both_end(&f, &s);
}

static void retry_after_is_obeyed(void **state)
{
    fixture f;
    sink s;
    lp_drain_status status;

    (void)state;
    both_begin(&f, &s);
    open_and_hear(&f, &s);
    answer(&s, "HTTP/1.1 429 Slow\r\nRetry-After: 600\r\n"
               "Content-Length: 0\r\n\r\n");
    status = run_until_failed(&f, &s, 1);
    assert_int_equal(status.state, LP_DRAIN_WAITS);
    assert_int_equal((status.retry_ns - status.error_ns) / 1000000000, 600);
    both_end(&f, &s);
}

static void nobody_there_is_told(void **state)
{
    fixture f;
    sink s;

    (void)state;
    both_begin(&f, &s);
    close(s.listener);
    s.listener = -1;
    open_to(&f, &s, "", "/");
    say_lines(&f, 1, 1, 10);
    assert_string_equal(run_until_failed(&f, &s, 1).error,
                        "it could not be reached: Connection refused");
    both_end(&f, &s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_that_of_the_original),
        cmocka_unit_test(a_path_that_is_none_is_the_root),
        cmocka_unit_test(a_large_body_comes_whole),
        cmocka_unit_test(a_connection_is_kept),
        cmocka_unit_test(one_that_is_not_to_be_kept_is_not),
        cmocka_unit_test(one_that_was_closed_is_replaced),
        cmocka_unit_test(one_that_dies_under_a_request_is_replaced_once),
        cmocka_unit_test(what_is_only_waited_for_keeps_no_memory),
        cmocka_unit_test(what_has_not_left_keeps_its_memory),
        cmocka_unit_test(what_is_no_answer_is_told),
        cmocka_unit_test(a_status_holds_however_the_answer_ends),
        cmocka_unit_test(a_body_that_is_not_wanted_is_not_sent),
        cmocka_unit_test(an_early_yes_waits_for_the_body),
        cmocka_unit_test(one_whose_answer_has_not_ended_is_not_kept),
        cmocka_unit_test(what_was_said_before_is_no_answer),
        cmocka_unit_test(what_may_have_been_read_keeps_its_name),
        cmocka_unit_test(an_answer_that_a_late_loop_finds_is_one),
        cmocka_unit_test(a_loop_may_go_to_another_thread),
        cmocka_unit_test(a_sink_that_reads_nothing_gets_less),
        cmocka_unit_test(an_answer_that_does_not_come_is_a_failure),
        cmocka_unit_test(retry_after_is_obeyed),
        cmocka_unit_test(nobody_there_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
