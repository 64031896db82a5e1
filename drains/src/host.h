/*
 * host.h - what a host can be: a name, an IPv4 or an IPv6 address, as text.
 *
 * Nothing is looked up. Threads: any.
 */
#ifndef LP_HOST_H
#define LP_HOST_H

#include <stdint.h>

#include "logplex/span.h"

enum {
    LPI_ADDRESS_BYTES = 16,
    LPI_ADDRESS_TEXT_MAX_BYTES = 46 /* "ffff:...:255.255.255.255", a NUL */
};

/* Only letters, digits, "-", "_" and ".". */
bool lpi_host_has_name_bytes(lp_span text);

/* Labels of 1 to 63 bytes, 253 in all, and a dot at the end if it likes (RFC
 * 1035 2.3.4). The bytes themselves are not looked at. */
bool lpi_host_fits_dns(lp_span text);

/* Whether the last label is all digits: a name of the DNS never is (RFC 3696
 * 2), but inet_aton() would take it for part of an address. */
bool lpi_host_ends_in_number(lp_span text);

/* Four numbers from 0 to 255, without zeros in front; the address is set in the
 * first four bytes and zero in the others. */
bool lpi_host_read_ipv4(lp_span text, uint8_t address[LPI_ADDRESS_BYTES]);

/* RFC 4291 2.2, without brackets and without a zone. */
bool lpi_host_read_ipv6(lp_span text, uint8_t address[LPI_ADDRESS_BYTES]);

/* RFC 5952, without brackets. */
lp_span lpi_host_print_ipv6(const uint8_t address[LPI_ADDRESS_BYTES],
                            char out[LPI_ADDRESS_TEXT_MAX_BYTES]);

#endif /* LP_HOST_H */
