/*
 * peer_socket.h - a connected socket to a host, TCP or UDP, on the drain's loop.
 *
 *    looking up --> an address that may be connected to --> connected
 *        |             |   ^  the next one                     |
 *        +-------------+---+---- unreached                     +--> events, timer
 *
 * Every address gets its share of the time in which the host must be reached, so
 * that one which swallows all packets does not hide the next one.
 */
#ifndef LP_PEER_SOCKET_H
#define LP_PEER_SOCKET_H

#include "syslog_target.h"

typedef struct lpi_socket lpi_socket;

/*
 * What its owner is told, never from within a call of the owner's. After
 * lpi_socket_close() only closed() comes, when nothing of it is left.
 */
typedef struct lpi_socket_calls {
    void (*opened)(void *ctx); /* it is connected; watch it now */
    /* Close it now; why holds until closed(). */
    void (*unreached)(void *ctx, const char *why);
    /* As it is watched for. Broken: to read from it says why. */
    void (*events)(void *ctx, int events, bool is_broken);
    void (*timer)(void *ctx);
    void (*closed)(void *ctx); /* may be NULL */
} lpi_socket_calls;

/* target is kept. type is SOCK_STREAM or SOCK_DGRAM. NULL: there is no memory,
 * and no call will come. */
lpi_socket *lpi_socket_open(lpi_target *target, int type,
                            const lpi_socket_calls *calls, void *ctx);

/* With a reset the peer gets nothing that it does not have already. */
void lpi_socket_close(lpi_socket *s, bool with_reset);

/* Once it is open: */
int lpi_socket_fd(const lpi_socket *s);
void lpi_socket_watch(lpi_socket *s, int events); /* of libuv */

/* timer() comes once after ms, unless another timer is set before. */
void lpi_socket_set_timer(lpi_socket *s, uint64_t ms);
void lpi_socket_stop_timer(lpi_socket *s);
bool lpi_socket_has_timer(const lpi_socket *s);

/* What is left of the time in which a connection must be made. */
uint64_t lpi_socket_left_ms(const lpi_socket *s);
uint64_t lpi_socket_now_ms(const lpi_socket *s);

#endif /* LP_PEER_SOCKET_H */
