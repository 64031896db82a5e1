/*
 * http_direct.h - HTTP/1.1 without TLS and without a proxy: a batch goes from the
 * segments to the kernel, with no copy in between.
 *
 *              first batch            connected
 *    closed --------------> opening -------------> open <---- answered, kept
 *      ^                       |                    | batch          ^
 *      |                       |                    v                |
 *      +---- failed, closed, nothing to do for long + sent ----------+
 *
 * Each drain has a connection of its own, and one request on its way. One that
 * was kept, and turns out to be dead before a word of the answer, costs nothing:
 * the request goes once more, on a new one.
 *
 * Threads: all calls on the set's.
 */
#ifndef LP_HTTP_DIRECT_H
#define LP_HTTP_DIRECT_H

#include "encoder.h"

/* Registers "http". The encoder must outlive all drains of the set.
 * Fails: LP_E_NOMEM. */
lp_err lpi_http_direct_register(lp_drains *set, lpi_encoder *encoder);

#endif /* LP_HTTP_DIRECT_H */
