/*
 * listen.h - sockets that several workers bind to the same address.
 *
 * SO_REUSEPORT would also let a second daemon of the same user share our
 * ports without a word, and take half of the lines. So an address is first
 * probed without it.
 */
#ifndef LOGPLEXD_LISTEN_H
#define LOGPLEXD_LISTEN_H

#include "config/config.h"

enum { LISTEN_NAME_BYTES = 64 };

/* type: SOCK_STREAM or SOCK_DGRAM. 0, or the errno of a bind that fails. */
int listen_probe(int type, const config_address *address);

/*
 * Binds a non-blocking socket to address; a port of 0 becomes the real one in
 * *address, so that the next worker's call gets the same. [::] takes IPv4 too.
 * 0 and the descriptor in *fd, or an errno.
 */
int listen_open(int type, config_address *address, int *fd);

/* "127.0.0.1:8001", "[::1]:8001". */
void listen_name(const config_address *address, char out[LISTEN_NAME_BYTES]);

#endif /* LOGPLEXD_LISTEN_H */
