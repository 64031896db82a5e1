/*
 * loopback.h - a port for those who are told which one by what is printed.
 */
#ifndef TESTS_BENCH_LOOPBACK_H
#define TESTS_BENCH_LOOPBACK_H

#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

/* Listens on a free port of 127.0.0.1, and prints it. -1: errno says why not. */
static inline int loopback_listen(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t address_bytes = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(listener, SOMAXCONN) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &address_bytes) != 0)
        return -1;
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return listener;
}

#endif
