/*
 * syslog_drain.h - drains over syslog: TCP (RFC 6587), TLS (RFC 5425) and UDP
 * (RFC 5426).
 *
 * Spec 5.6 to 5.8, and 3.2 for the form of a line: the drain's token stands in
 * the place of HOSTNAME.
 *
 *     syslog_drain.c     lines by a stream: rendering, sending, what has arrived
 *     transport.h        a stream in the open (plain_transport.c), or by TLS
 *                        (tls_transport.c, and tls_trust.c for certificates)
 *     syslog_udp.c       lines by datagrams
 *     peer_socket.c      names, addresses, connecting: for both
 *     syslog_target.c    what a URL says: for both
 */
#ifndef LP_SYSLOG_DRAIN_H
#define LP_SYSLOG_DRAIN_H

#include "drain_impl.h"

/* Adds "syslog" and "syslog+tls" to the set, and "syslog+udp". Fails:
 * LP_E_NOMEM. */
lp_err lpi_syslog_register(lp_drains *set);
lp_err lpi_syslog_udp_register(lp_drains *set);

#endif /* LP_SYSLOG_DRAIN_H */
