/*
 * resolver.h - the addresses of names, looked up on threads of the set's own.
 *
 * getaddrinfo(3) blocks for as long as the servers of a name are silent, and
 * libuv has four threads for all that blocks in a process: four such names would
 * hold up all others. It is used all the same, and no library that asks a DNS
 * server itself, since it does what the host is set up to do: nsswitch.conf,
 * /etc/hosts, mDNS, search lists.
 *
 *     ask() --> waiting for a thread --> looked up --> found(), on the loop
 *       |  the same name: the same look-up
 *       +--> abandon(): at once; what comes later is thrown away
 *
 * A thread lives while there are names to look up. A name has one at most, for
 * however many ask and however often they give up and ask again. Names that did
 * not come in time the last time are slow: they wait apart, and can't have all
 * threads, so that those which do come in time always find one.
 *
 * Threads: all calls and found() are the loop's.
 */
#ifndef LP_RESOLVER_H
#define LP_RESOLVER_H

#include <netdb.h>

#include "drain_impl.h"

enum {
    /* As many as drains that try at a time by default (opening_max); a sleeping
     * one costs a few pages of its stack. */
    LPI_LOOKUP_THREADS_MAX = 64,
    LPI_LOOKUP_SLOW_MAX = 48 /* of these, for slow names */
};

typedef struct lpi_resolver lpi_resolver;
typedef struct lpi_lookup lpi_lookup; /* of one who has asked */

/* found is valid during the call, has no ports, and is NULL when there is
 * nothing: why says the reason. The look-up is gone by then. */
typedef void (*lpi_on_found)(void *ctx, const struct addrinfo *found,
                             const char *why);

/* The set's own, made when it is needed first. NULL: there is no memory. */
lpi_resolver *lpi_resolver_of(lp_drains *set);

/* With the set. All look-ups must have been abandoned; those under way end by
 * themselves, and nobody waits for them. NULL is allowed. */
void lpi_resolver_close(lpi_resolver *r);

/* host is copied. NULL: there is no memory, or no thread. found() never comes
 * from within. */
lpi_lookup *lpi_resolver_ask(lpi_resolver *r, const char *host, bool is_slow,
                             lpi_on_found found, void *ctx);

/* found() does not come any more. NULL is allowed. */
void lpi_lookup_abandon(lpi_lookup *lookup);

/* For tests. Looks up in the stead of getaddrinfo(), returns what it returns,
 * and gives what freeaddrinfo() can free. Threads: the resolver's. */
typedef int (*lpi_look_up)(const char *host, struct addrinfo **found);
void lpi_resolver_look_up_by(lpi_resolver *r, lpi_look_up look_up);

#endif /* LP_RESOLVER_H */
