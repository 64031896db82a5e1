/*
 * measure.h - what a log line measures.
 *
 * A line is of a *kind* that is known by who says it and how it begins, such as
 * a request seen by the router or a dyno that crashed, or of none. Of any kind,
 * it may have *measures*: a name, a number in a base unit, and what is to be
 * done with many of them.
 *
 *     heroku[router]: at=info method=GET path="/" ... service=18ms status=200
 *         kind ROUTER, method GET, path /, status 200; measure service 18 ms
 *     heroku[web.1]: source=web.1 dyno=heroku.1.2 sample#memory_total=21.00MB
 *         kind RUNTIME, source web.1; sample memory_total 22020096 bytes
 *     app[web.1]: done measure#db=1.5s count#rows=42
 *         no kind; measure db 1500 ms, count rows 42
 *
 * docs/measures.md has all kinds and conventions, with examples.
 *
 * Pure functions on spans; nothing is allocated, and a line is looked at once,
 * or twice when it seems to have measures among other words. Any bytes will do.
 */
#ifndef LOGPLEX_MEASURE_H
#define LOGPLEX_MEASURE_H

#include <stdbool.h>
#include <stdint.h>

#include "logplex/errors.h"
#include "logplex/logplex.h"
#include "logplex/render.h"
#include "logplex/span.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Base units. Memory is counted in powers of 1,024 whatever it is called, which
 * is what Heroku's samples and PostgreSQL mean: 1kB is 1,024 bytes. */
typedef enum lp_unit {
    LP_UNIT_NONE = 0,
    LP_UNIT_MS = 1, /* ns, us, ms, s, min and h become milliseconds */
    LP_UNIT_BYTES = 2,
    LP_UNIT_PERCENT = 3,
    LP_UNIT_PAGES = 4,
    LP_UNIT_OTHER = 5 /* as it is written, and so is the value: suffix */
} lp_unit;

/* What to do with many of them; the words are those of l2met. */
typedef enum lp_measure_op {
    LP_OP_MEASURE = 0, /* a distribution: quantiles, mean, least and most */
    LP_OP_SAMPLE = 1,  /* a level, of which the newest counts */
    LP_OP_COUNT = 2,   /* a sum */
    LP_OP_UNIQUE = 3   /* how many different texts */
} lp_measure_op;

typedef struct lp_measure {
    lp_span name;   /* never empty; points into the line, or to a constant */
    lp_span text;   /* the value as it is written, without quotes; empty when
                       there is none and it counts as 1 */
    lp_span suffix; /* the unit as it is written; empty when there is none */
    double value;   /* finite, in the base unit; 1 for LP_OP_UNIQUE */
    uint8_t op;     /* lp_measure_op */
    uint8_t unit;   /* lp_unit */
} lp_measure;

typedef enum lp_kind {
    LP_KIND_NONE = 0,
    LP_KIND_ROUTER = 1,  /* a request, in either of the router's forms */
    LP_KIND_RUNTIME = 2, /* memory and load of a dyno */
    LP_KIND_ERROR = 3,   /* code R..., or L...; those of H are ROUTER */
    LP_KIND_STATE = 4,   /* of a dyno, from and to */
    LP_KIND_CYCLING = 5, /* a dyno is about to be restarted */
    LP_KIND_EXIT = 6,    /* a process ended, with a status */
    LP_KIND_START = 7,   /* a process begins; subject is its command */
    LP_KIND_STOP = 8,    /* a process is told to end; subject is the signal */
    LP_KIND_RELEASE = 9, /* subject is the version, "v42" */
    LP_KIND_DEPLOY = 10, /* subject is the commit */
    LP_KIND_POSTGRES = 11,
    LP_KIND_REDIS = 12,
    LP_KIND_RAILS = 13,    /* Completed 200 OK in 12ms */
    LP_KIND_ROLLBACK = 14, /* subject is the version that comes back; that it is
                              a release again is told in a line of its own */
    LP_KIND_OWN = 64 /* the first one that a program registers, and so on */
} lp_kind;

enum { LP_MEASURES_MAX = 32, LP_KINDS_OWN_MAX = 16 };

/* What there is to know of a line. Spans that its kind does not have, or that
 * are empty in it, have a length of 0. */
typedef struct lp_measures {
    uint8_t kind;      /* lp_kind, or LP_KIND_OWN and up */
    uint8_t count;     /* of list, at most LP_MEASURES_MAX */
    uint32_t left_out; /* measures for which there was no room in list */
    int32_t status;    /* of a response or a process; -1: none */
    lp_span at;        /* ROUTER: info, warning or error */
    lp_span method;
    lp_span host;
    lp_span path; /* with its query; escapes of a quoted one are kept */
    lp_span request_id;
    lp_span dyno;   /* ROUTER: who answered. Else the process of the line */
    lp_span source; /* source=, in a line with measures by convention */
    lp_span code;   /* H12, R14, L10: see lp_measure_code_meaning() */
    lp_span desc;   /* the words that the line has for it */
    lp_span from;   /* STATE */
    lp_span to;
    lp_span subject; /* START, STOP, RELEASE, DEPLOY */
    lp_span by;      /* RELEASE, DEPLOY: who did it */
    lp_measure list[LP_MEASURES_MAX];
} lp_measures;

/* A line, and who says it: what the platform does is believed of these names alone.
 * The source is the receiver's word, and the process is the sender's. */
typedef struct lp_measure_line {
    lp_span source;  /* APP-NAME: "heroku" is the platform */
    lp_span process; /* PROCID: "router", "web.1", "heroku-postgres" ... */
    lp_span msg;
    bool is_cut; /* the message had more: what stands behind its last blank is
                    not believed, since it may be a part of something longer */
} lp_measure_line;

/* That of a stored line. Threads: any. */
static inline lp_measure_line lp_measure_line_of(const lp_record *record)
{
    lp_span source = lp_record_app(record);
    lp_span process = lp_record_procid(record);
    lp_span msg = lp_record_msg(record);
    lp_measure_line line;

    // Word by word: a span that was just put together of two and is copied in one
    // makes the processor wait until both have arrived in its cache.
    line.source.ptr = source.ptr;
    line.source.len_bytes = source.len_bytes;
    line.process.ptr = process.ptr;
    line.process.len_bytes = process.len_bytes;
    line.msg.ptr = msg.ptr;
    line.msg.len_bytes = msg.len_bytes;
    line.is_cut = false;
    return line;
}

typedef struct lp_kinds lp_kinds;

/*
 * Reads a number as measures have it, with a unit or without; without one, unit is
 * meant. Sets text, suffix, value and unit of *out. False: it is none. Threads: any.
 */
LP_API bool lp_measure_number(lp_span text, lp_unit unit, lp_measure *out);

/*
 * Reads a line. kinds are those of one's own, or NULL.
 *
 * Of a line that is cut without our knowing, the last measure may have a part of
 * its number, of its unit or of its name; all others are as they were.
 *
 * Threads: any, out being the caller's.
 * Owns: the spans in *out point into the line and constants, and are good for as
 *       long as these are. What is in list behind count is not set.
 */
LP_API void lp_measures_read(const lp_kinds *kinds, const lp_measure_line *line,
                             lp_measures *out);

/* What a request measures, in the order in which it is most asked for. */
typedef enum lp_request_number {
    LP_REQUEST_CONNECT = 0, /* ms */
    LP_REQUEST_SERVICE = 1, /* ms */
    LP_REQUEST_WAIT = 2,    /* ms */
    LP_REQUEST_QUEUE = 3,   /* requests */
    LP_REQUEST_BYTES = 4,
    LP_REQUEST_NUMBERS = 5
} lp_request_number;

/* What there is to count of a request, as the router writes nearly all of them; in
 * less than 100 bytes, where lp_measures has over 2,000. */
typedef struct lp_request {
    lp_span method; /* these as in lp_measures */
    lp_span path;
    lp_span dyno;
    lp_span code;
    int32_t status;
    uint32_t has; /* bit n: there is numbers[n] */
    uint32_t numbers[LP_REQUEST_NUMBERS];
} lp_request;

/*
 * Reads a line if it is a request in the router's own words: each of its keys at
 * most once and in its order, numbers whole and of up to eight digits, no quote or
 * backslash within a value, and a message of 64 to 4,096 bytes. Such a line
 * is LP_KIND_ROUTER, and has the same spans and status there, and these numbers as
 * its only measures, in their base units.
 *
 * False: lp_measures_read() has to say what it is; *out is good for nothing. Kinds
 * of one's own are asked before, by who has some.
 *
 * Threads: any, out being the caller's.
 * Owns: the spans in *out point into the line.
 */
LP_API bool lp_request_read(const lp_measure_line *line, lp_request *out);

/*
 * What a code of Heroku's means, in words: "Request timeout" for H12. NULL for a
 * code that is not known. Never freed. Threads: any.
 */
LP_API const char *lp_measure_code_meaning(lp_span code);

/* How a base unit is written: "ms", "bytes", "%", "pages"; "" for none, and for
 * LP_UNIT_OTHER, which is in suffix. Never freed. Threads: any. */
LP_API const char *lp_measure_unit_name(lp_unit unit);

/* Kinds of one's own ------------------------------------------------------ */

/*
 * A line is put to read() when its message begins with starts, and its process is
 * process or "PROCESS.N"; an empty one of these asks for nothing, but not both
 * may be empty. read() fills *out, in which nothing is set but dyno, and says
 * whether the line is of its kind; what it did is undone when it is not. Measures
 * by convention (measure#, sample# ...) are added to what it found.
 *
 * Own kinds are asked before those that are built in, in the order in which they
 * were added. A line that is not theirs costs a look at the first byte of its
 * message and of its process.
 */
typedef struct lp_kind_own {
    uint32_t struct_bytes;
    lp_span starts;
    lp_span process;
    bool (*read)(void *ctx, const lp_measure_line *line, lp_measures *out);
    void *ctx;
} lp_kind_own;

/* A table of them; set up by lp_kinds_init(), looked into by nobody else. */
struct lp_kinds {
    const lp_kind_own *own[LP_KINDS_OWN_MAX];
    uint32_t count;
    uint64_t first_bytes[4]; /* of messages, by which kinds may be meant */
    uint64_t first_process_bytes[4]; /* the same of processes, for those that
                                        ask for no beginning */
};

/* Threads: one at a time for a table, and nobody may read with it meanwhile. */
LP_API void lp_kinds_init(lp_kinds *kinds);

/*
 * Adds a kind. *id is what lp_measures.kind says for its lines.
 * Threads: as above.
 * Owns: own is kept by the caller for as long as the table is in use.
 * Fails: LP_E_INVALID (no read(), or neither starts nor process), LP_E_FULL
 *        (there are LP_KINDS_OWN_MAX already).
 */
LP_API lp_err lp_kinds_add(lp_kinds *kinds, const lp_kind_own *own,
                           uint8_t *id);

/*
 * For read(): adds a measure whose value is written as text, a number with a
 * unit or without; without one, unit is meant. When there is no room it is
 * counted in left_out. Returns false, and adds nothing, when text is no number
 * (for LP_OP_UNIQUE, when it is empty) or name is empty.
 * Threads: one at a time for out.
 * Owns: name and text are kept, and must be good for as long as the line is.
 */
LP_API bool lp_measures_add(lp_measures *out, lp_measure_op op, lp_span name,
                            lp_span text, lp_unit unit);

#ifdef __cplusplus
}
#endif

#endif /* LOGPLEX_MEASURE_H */
