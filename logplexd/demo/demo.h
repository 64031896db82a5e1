/*
 * demo.h - logplexd --demo: a made-up platform that sends to this daemon, so
 * that there is something to see before anybody has changed a sender.
 *
 *     cast.h --> model.h --> sender.h ----TCP----> the daemon's own listener
 *     tables     lines       thread                     |
 *                            receiver.h <---TCP--- drains of two channels
 *
 * The lines take the way of all lines: through a socket, by tokens of channels
 * that are in the catalog as any others are. Config sees to it that nothing is
 * kept and nobody beyond this machine is served meanwhile.
 */
#ifndef LOGPLEXD_DEMO_H
#define LOGPLEXD_DEMO_H

#include "catalog/catalog.h"
#include "config/config.h"
#include "demo/sender.h"

/*
 * Makes a channel for each app and begins to send to syslog_tcp, a listener of
 * ours. NULL: the log says why. BLOCKS on the catalog.
 * Owns: the caller has to sender_end() the result.
 */
sender *demo_start(const config *cfg, catalog *cat,
                   const config_address *syslog_tcp);

/* Tells who started us what there is to see, and where, on stdout. url is that
 * of our HTTP side, without a slash at its end. */
void demo_tell(const config *cfg, const char *url);

#endif /* LOGPLEXD_DEMO_H */
