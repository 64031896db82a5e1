/*
 * denial.h - a drain whose host is an address that drains may not connect to.
 *
 * A name is looked at when it has been looked up, at each connect (runner.h). An
 * address can be told when the drain is made.
 */
#ifndef LOGPLEXD_DENIAL_H
#define LOGPLEXD_DENIAL_H

#include "logplex/drain_guard.h"
#include "logplex/drain_url.h"

/* Is it denied? Then *why has a reason for the legacy API, and a sentence that
 * names the rule, and the flag that would open the address. Threads: any. */
bool denial_of(const lp_drain_guard *guard, const lp_drain_url *url,
               lp_drain_url_error *why);

#endif /* LOGPLEXD_DENIAL_H */
