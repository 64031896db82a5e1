/*
 * sink.h - where the drains of the demo lead: a syslog receiver that throws away
 * what it gets, and is away now and then, so that there are drains that lag, fail
 * and catch up.
 *
 * Threads: that of the loop; sink_open() and sink_close() also before it runs.
 */
#ifndef LOGPLEXD_SINK_H
#define LOGPLEXD_SINK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <uv.h>

enum { SINK_READ_BYTES = 64 * 1024 };

LIST_HEAD(sink_peers, sink_peer);

typedef struct sink {
    uv_tcp_t server;
    uv_timer_t turn;
    struct sink_peers peers;
    unsigned peer_count;
    uint16_t port;
    bool is_there; /* it listens */
    char nothing[SINK_READ_BYTES];
} sink;

/* Listens on a free port of loopback, and when it comes back on the same. 0, or
 * libuv's error; sink_close() is owed whatever it is, and its work is done when
 * the loop has run out. */
int sink_open(sink *of, uv_loop_t *loop);
void sink_close(sink *of);

#endif /* LOGPLEXD_SINK_H */
