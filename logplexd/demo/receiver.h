/*
 * receiver.h - where the drains of the demo lead: throws away what it gets, and
 * is away now and then, so that there are drains that lag, fail and catch up.
 *
 * Threads: that of the loop, and before it runs, any.
 */
#ifndef LOGPLEXD_RECEIVER_H
#define LOGPLEXD_RECEIVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <uv.h>

enum { RECEIVER_READ_BYTES = 64 * 1024 };

LIST_HEAD(receiver_peers, receiver_peer);

typedef struct receiver {
    uv_tcp_t server;
    uv_timer_t turn;
    struct receiver_peers peers;
    unsigned peer_count;
    uint16_t port;
    bool is_there; /* it listens */
    char nothing[RECEIVER_READ_BYTES];
} receiver;

/* Listens on a free port of loopback, and when it comes back on the same. 0, or
 * libuv's error; receiver_close() is owed whatever it is, and its work is done
 * when the loop has run out. */
int receiver_open(receiver *of, uv_loop_t *loop);
void receiver_close(receiver *of);

#endif /* LOGPLEXD_RECEIVER_H */
