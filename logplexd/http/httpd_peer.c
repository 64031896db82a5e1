/* httpd_peer.c - see httpd_peer.h. */
#include "http/httpd_peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

enum { PEER_NONE, PEER_IP4, PEER_IP6 };

/* The four bytes of an IPv4 address, however it is told; NULL: it is none. */
static const uint8_t *ip4_of(const struct sockaddr *addr)
{
    const struct sockaddr_in *v4 = (const void *)addr;
    const struct sockaddr_in6 *v6 = (const void *)addr;

    if (addr && addr->sa_family == AF_INET) {
        return (const uint8_t *)&v4->sin_addr;
    }
    if (addr && addr->sa_family == AF_INET6 &&
        IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
        return v6->sin6_addr.s6_addr + 12;
    }
    return NULL;
}

bool http_peer_is_loopback(const struct sockaddr *addr)
{
    const struct sockaddr_in6 *v6 = (const void *)addr;
    const uint8_t *ip4 = ip4_of(addr);

    if (ip4) {
        return ip4[0] == 127;
    }
    return addr && addr->sa_family == AF_INET6 &&
           IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

http_peer http_peer_of(const struct sockaddr *addr)
{
    const struct sockaddr_in6 *v6 = (const void *)addr;
    const uint8_t *ip4 = ip4_of(addr);
    http_peer peer = {{PEER_NONE}};

    if (ip4) {
        peer.bytes[0] = PEER_IP4;
        memcpy(peer.bytes + 1, ip4, 4);
    } else if (addr && addr->sa_family == AF_INET6) {
        peer.bytes[0] = PEER_IP6;
        memcpy(peer.bytes + 1, v6->sin6_addr.s6_addr, 8);
    }
    return peer;
}

const char *http_peer_print(const http_peer *peer,
                            char out[HTTP_PEER_TEXT_BYTES])
{
    struct in6_addr network = IN6ADDR_ANY_INIT;
    char text[INET6_ADDRSTRLEN] = "unknown";

    if (peer->bytes[0] == PEER_IP4) {
        inet_ntop(AF_INET, peer->bytes + 1, text, sizeof text);
    } else if (peer->bytes[0] == PEER_IP6) {
        memcpy(network.s6_addr, peer->bytes + 1, 8);
        inet_ntop(AF_INET6, &network, text, sizeof text);
    }
    snprintf(out, HTTP_PEER_TEXT_BYTES, "%s%s", text,
             peer->bytes[0] == PEER_IP6 ? "/64" : "");
    return out;
}
