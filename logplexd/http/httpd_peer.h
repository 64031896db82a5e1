/*
 * httpd_peer.h - what the address of a connection's other end says.
 *
 * It is that of the connection itself: what X-Forwarded-For claims is the word
 * of whoever sent it.
 */
#ifndef LOGPLEXD_HTTPD_PEER_H
#define LOGPLEXD_HTTPD_PEER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* 127.0.0.0/8 and ::1, also as an IPv6 address that stands for IPv4. addr may
 * be NULL: unknown. */
bool http_peer_is_loopback(const struct sockaddr *addr);

/*
 * The part of an address that one owner has: IPv4 whole, of IPv6 the first 64
 * bits, as a home gets no less (RFC 6177). What is neither has nothing in it.
 */
typedef struct http_peer {
    uint8_t bytes[9]; /* the family, and the part */
} http_peer;

http_peer http_peer_of(const struct sockaddr *addr);

/* As text, for the log: "192.0.2.1", "2001:db8::/64". */
enum { HTTP_PEER_TEXT_BYTES = 64 };
const char *http_peer_print(const http_peer *peer,
                            char out[HTTP_PEER_TEXT_BYTES]);

#endif /* LOGPLEXD_HTTPD_PEER_H */
