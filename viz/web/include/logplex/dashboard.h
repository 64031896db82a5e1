/*
 * dashboard.h - the dashboard's files, as they were built into the program.
 *
 * The build makes them of viz/web with Node.js, or, where there is none, a page
 * that says so. Whoever serves HTTP hands them out; who asks for numbers then is
 * the page, at the routes of the daemon.
 *
 * Threads: any, all is constant.
 */
#ifndef LOGPLEX_DASHBOARD_H
#define LOGPLEX_DASHBOARD_H

#include "logplex/span.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct lp_dashboard_file {
    const char *path; /* "index.html", "assets/index-B1xY3z.js"; those in assets
                         have a hash of what is in them in their name */
    const char *type; /* a Content-Type                                    */
    const char *tag;  /* changes with what is in it; 16 hexadecimal digits */
    const char *begin; /* packed by gzip (RFC 1952)                        */
    const char *end;
    size_t plain_bytes; /* when it is unpacked */
} lp_dashboard_file;

/* NULL: there is no such file. */
const lp_dashboard_file *lp_dashboard_find(lp_span path);

#ifdef __cplusplus
}
#endif

#endif /* LOGPLEX_DASHBOARD_H */
