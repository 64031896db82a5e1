/* window.h - how far a connection is, as our kernel knows it. */
#ifndef LP_WINDOW_H
#define LP_WINDOW_H

#include <stdint.h>

/* Bytes of TCP since the connection began. */
typedef struct lpi_window {
    uint64_t acknowledged_bytes;
    uint64_t edge_bytes; /* up to which the peer has room */
} lpi_window;

/* Where the kernel does not tell of the peer's room, it looks as if all were read
 * at once. */
lpi_window lpi_window_of(int fd);

#endif /* LP_WINDOW_H */
