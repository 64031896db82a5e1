/*
 * transport.h - bytes through a connected socket, in the open or by TLS.
 *
 * Nothing blocks: what can't go on says what it waits for. Whatever the
 * transport, it knows how much of what was written the peer's kernel has.
 */
#ifndef LP_TRANSPORT_H
#define LP_TRANSPORT_H

#include "syslog_target.h"

typedef enum lpi_io {
    LPI_IO_DONE,
    LPI_IO_WANTS_READ,
    LPI_IO_WANTS_WRITE,
    LPI_IO_CLOSED, /* the peer has said that it is over      */
    LPI_IO_FAILED  /* see why, and alert when it was of TLS  */
} lpi_io;

typedef struct lpi_transport lpi_transport;

typedef struct lpi_transport_calls {
    /* Until it is done nothing is written. */
    lpi_io (*begin)(lpi_transport *t);
    /* Adds to *taken_bytes; what was not taken is to be given again as it is,
     * in the same place. */
    lpi_io (*write)(lpi_transport *t, const char *data, size_t data_bytes,
                    size_t *taken_bytes);
    /* What the peer says means nothing to us. Never done. */
    lpi_io (*read)(lpi_transport *t);
    /* Of what was taken. */
    uint64_t (*arrived_bytes)(lpi_transport *t);
    /* The descriptor stays open. With a farewell, if there is such a thing. */
    void (*close)(lpi_transport *t, bool with_farewell);
} lpi_transport_calls;

struct lpi_transport {
    const lpi_transport_calls *calls;
    int fd;
    char why[LP_DRAIN_ERROR_MAX_BYTES];
    char
        alert[LP_DRAIN_ALERT_MAX_BYTES]; /* as lp_drain_failed_tls() wants it */
};

/* Bytes that were written to a socket and not acknowledged. */
uint64_t lpi_unacknowledged_bytes(int fd);

/* NULL: there is no memory, or, of TLS, why says what is wrong. */
lpi_transport *lpi_plain_open(int fd);
lpi_transport *lpi_tls_open(const lpi_target *target, int fd, char *why,
                            size_t why_bytes);

#endif /* LP_TRANSPORT_H */
