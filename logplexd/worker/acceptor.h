/*
 * acceptor.h - takes the connections of a listening socket, on a worker's loop.
 *
 * libuv's own uv_listen() accepts within one turn of the loop until nobody waits,
 * and goes on in it when there are no descriptors left: then nothing has its turn
 * that would give some back. Here a turn takes a few. Without descriptors, who
 * waits is refused by means of a spare one; without that, he waits.
 *
 * Threads: the worker's, or before its loop runs.
 */
#ifndef LOGPLEXD_ACCEPTOR_H
#define LOGPLEXD_ACCEPTOR_H

#include <sys/socket.h>

#include "worker/worker.h"

typedef struct acceptor acceptor;

/* What becomes of a connection. fd does not block, and is theirs. */
typedef struct acceptor_calls {
    const char *kind; /* for the log */
    void (*take)(void *ctx, int fd, const struct sockaddr *address,
                 socklen_t address_bytes);
    void (*refuse)(void *ctx, int fd); /* there are no descriptors left for
                                          peers (peer_fd_end), or none    */
    void (*on_closed)(void *ctx);      /* behind acceptor_close()       */
} acceptor_calls;

/*
 * Owns: fd, which listens, in any case. ctx is the caller's, and so are the calls,
 * which outlive it. Fails: a UV_E code; then there is no on_closed().
 */
int acceptor_open(worker *w, int fd, const acceptor_calls *calls, void *ctx,
                  acceptor **out);

/* Closes fd at once; on_closed() comes in a later turn of the loop. */
void acceptor_close(acceptor *a);

#endif /* LOGPLEXD_ACCEPTOR_H */
