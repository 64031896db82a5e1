#include "worker/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static in_port_t port_of(const config_address *address)
{
    const struct sockaddr_in *v4 = (const void *)&address->addr;
    const struct sockaddr_in6 *v6 = (const void *)&address->addr;

    return address->addr.ss_family == AF_INET6 ? v6->sin6_port : v4->sin_port;
}

static int set_flag(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof(value));
}

static int set_flags(int fd, int type, const config_address *address,
                     bool is_shared)
{
    // A UDP socket with SO_REUSEADDR would be shared at once.
    if (type == SOCK_STREAM && set_flag(fd, SOL_SOCKET, SO_REUSEADDR, 1) != 0)
        return errno;
    if (is_shared && set_flag(fd, SOL_SOCKET, SO_REUSEPORT, 1) != 0)
        return errno;
    if (address->addr.ss_family == AF_INET6 &&
        set_flag(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0) != 0)
        return errno;
    return 0;
}

static int open_bound(int type, const config_address *address, bool is_shared,
                      int *out)
{
    int fd =
        socket(address->addr.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int err;

    if (fd < 0)
        return errno;
    err = set_flags(fd, type, address, is_shared);
    if (err == 0 && bind(fd, (const struct sockaddr *)&address->addr,
                         address->addr_bytes) != 0)
        err = errno;
    // Two that share nothing may bind one TCP port until one of them listens.
    if (err == 0 && !is_shared && type == SOCK_STREAM && listen(fd, 1) != 0)
        err = errno;
    if (err != 0) {
        close(fd);
        return err;
    }
    *out = fd;
    return 0;
}

int listen_probe(int type, const config_address *address)
{
    int fd = -1;
    int err;

    if (port_of(address) == 0)
        return 0;
    err = open_bound(type, address, false, &fd);
    if (err == 0)
        close(fd);
    return err;
}

int listen_open(int type, config_address *address, int *fd)
{
    socklen_t addr_bytes = sizeof(address->addr);
    int err = open_bound(type, address, true, fd);

    if (err != 0)
        return err;
    if (getsockname(*fd, (struct sockaddr *)&address->addr, &addr_bytes) == 0)
        return 0;
    err = errno;
    close(*fd);
    return err;
}

void listen_name(const config_address *address, char out[LISTEN_NAME_BYTES])
{
    const struct sockaddr_in *v4 = (const void *)&address->addr;
    const struct sockaddr_in6 *v6 = (const void *)&address->addr;
    bool is_v6 = address->addr.ss_family == AF_INET6;
    char host[INET6_ADDRSTRLEN] = "?";

    inet_ntop(address->addr.ss_family,
              is_v6 ? (const void *)&v6->sin6_addr
                    : (const void *)&v4->sin_addr,
              host, sizeof(host));
    snprintf(out, LISTEN_NAME_BYTES, is_v6 ? "[%s]:%u" : "%s:%u", host,
             ntohs(port_of(address)));
}
