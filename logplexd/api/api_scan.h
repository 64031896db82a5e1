/*
 * api_scan.h - a question to the lines that a channel has, and the answer that
 * waits for it.
 *
 *     handler --> api_scan_start() --> a thread of the pool: steps of the scan,
 *                                      until it is complete, or its time is up;
 *                                      then the answer is printed --+
 *                                                                   |
 *     worker's thread: it is sent <---------------------------------+
 *
 * A scan holds lines for a step of some milliseconds only, so it pins next to
 * nothing. It has --scan-limit to take its steps in, and --scans-max of them are
 * under way at once in all of the daemon; so much processor time they may cost, and
 * what comes beyond is refused. What was not looked at when the time was up is the
 * oldest part, and the answer says so. If it takes longer than most, it looks
 * between two steps whether anybody still waits for the answer.
 *
 * What it keeps is borrowed from the engine, so that it is under --memory-max.
 */
#ifndef LOGPLEXD_API_SCAN_H
#define LOGPLEXD_API_SCAN_H

#include "api/api.h"
#include "api/line_list.h"
#include "logplex/scan.h"

typedef struct api_scan api_scan;

struct api_scan {
    http_request *req;
    lp_channel *ring;    /* held */
    lp_scan_where where; /* its filter is the scan's own */
    lp_allocator memory; /* for what is kept */
    lp_scan *scan;

    /* On the thread of the pool, when the steps are over. */
    void (*print)(api_scan *it, FILE *to);
    void (*close)(api_scan *it); /* what is more than this; or NULL */
    const char *why; /* there may be more of the answer; NULL: it is complete */
    bool is_cut;     /* there was no time, or no memory, for all steps */
    bool is_abandoned; /* nobody waits for the answer */
    uint64_t took_ns;

    /* private */
    worker *home;
    api_text text;
    uint64_t limit_ns;
    uint64_t step_until_ns;
};

/* A question of the request's, to the channel of its path, size_bytes large and
 * zeroed but for this head, whose where leaves out what is of no history. NULL:
 * answered. */
void *api_scan_open(http_request *req, size_t size_bytes);

/* Refuses with what lp_scan_..._create() said, and closes. */
void api_scan_refuse(api_scan *it, lp_err err, const char *why);

/* Takes it from here: answers, and closes. */
void api_scan_start(api_scan *it);

/* One that was not started. */
void api_scan_close(api_scan *it);

/* Which lines the answer is of, and whether there may be more of it:
 * ,"scanned":9,"matched":1,...,"complete":false,"why":"..." */
void api_scan_print_end(const api_scan *it, FILE *to);

#endif /* LOGPLEXD_API_SCAN_H */
