/* plain_transport.c - TCP as it is; see transport.h. */
#include "transport.h"

#include <errno.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

typedef struct plain {
    lpi_transport base;
    uint64_t written_bytes; /* to the kernel */
} plain;

uint64_t lpi_unacknowledged_bytes(int fd)
{
    int queued_bytes = 0;

    if (ioctl(fd, SIOCOUTQ, &queued_bytes) != 0 || queued_bytes < 0)
        return UINT64_MAX;
    return (uint64_t)queued_bytes;
}

static lpi_io fail(lpi_transport *t, const char *what)
{
    snprintf(t->why, sizeof(t->why), "%s: %s", what, strerror(errno));
    return LPI_IO_FAILED;
}

static lpi_io plain_begin(lpi_transport *t)
{
    (void)t;
    return LPI_IO_DONE;
}

static lpi_io plain_write(lpi_transport *t, const char *data, size_t data_bytes,
                          size_t *taken_bytes)
{
    plain *p = (plain *)t;

    while (data_bytes > 0) {
        ssize_t sent =
            send(t->fd, data, data_bytes, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (sent >= 0) {
            data += sent;
            data_bytes -= (size_t)sent;
            *taken_bytes += (size_t)sent;
            p->written_bytes += (uint64_t)sent;
        } else if (errno == EAGAIN) {
            return LPI_IO_WANTS_WRITE;
        } else if (errno != EINTR) {
            return fail(t, "it takes no more");
        }
    }
    return LPI_IO_DONE;
}

static lpi_io plain_read(lpi_transport *t)
{
    char sink[4096];
    ssize_t got = recv(t->fd, sink, sizeof(sink), MSG_DONTWAIT);

    if (got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR)))
        return LPI_IO_WANTS_READ;
    return got == 0 ? LPI_IO_CLOSED : fail(t, "the connection broke");
}

static uint64_t plain_arrived_bytes(lpi_transport *t)
{
    const plain *p = (const plain *)t;
    uint64_t queued_bytes = lpi_unacknowledged_bytes(t->fd);

    return queued_bytes < p->written_bytes ? p->written_bytes - queued_bytes
                                           : 0;
}

static void plain_close(lpi_transport *t, bool with_farewell)
{
    (void)with_farewell;
    free(t);
}

lpi_transport *lpi_plain_open(int fd)
{
    static const lpi_transport_calls calls = {
        .begin = plain_begin,
        .write = plain_write,
        .read = plain_read,
        .arrived_bytes = plain_arrived_bytes,
        .close = plain_close,
    };
    plain *p = calloc(1, sizeof(*p));

    if (!p)
        return NULL;
    p->base.calls = &calls;
    p->base.fd = fd;
    return &p->base;
}
