/*
 * switches.h - what can be turned down while the daemon runs, and stays so.
 *
 *     built in  <--  stored by the API  <--  environment  <--  flags
 *
 * At a start the last of these that says something of a switch wins. What the
 * API changes is stored first and then in force, on all workers; what came from
 * outside is in force and never stored, so it is gone when it is no longer said.
 *
 * Reading is one relaxed load: nothing else is published with a switch, and who
 * reads it once for a batch may be a batch late.
 */
#ifndef LOGPLEXD_SWITCHES_H
#define LOGPLEXD_SWITCHES_H

#include <pthread.h>
#include <stdatomic.h>

#include "catalog/catalog.h"

/* Zero is how a daemon is that nobody has touched. */
typedef enum api_mode {
    API_NORMAL = 0,
    API_READ_ONLY,
    API_DISABLED,
    API_MODES
} api_mode;

enum { SWITCH_ON = 0, SWITCH_OFF = 1 };

/* The first two have modes, the others are on or off. */
typedef enum switch_id {
    SWITCH_API,        /* of v3 and the Platform API */
    SWITCH_LEGACY_API, /* of versions 1 and 2        */
    SWITCH_INGEST,     /* lines are taken in         */
    SWITCH_HISTORY,    /* ... kept for readers to come */
    SWITCH_TAILS,      /* ... followed               */
    SWITCH_DRAINS,     /* ... sent on                */
    SWITCH_COUNT
} switch_id;

extern const char *const switch_names[SWITCH_COUNT];
extern const char *const api_mode_names[API_MODES];

/* Values ------------------------------------------------------------------ */

typedef struct switch_choice {
    bool is_given;
    uint8_t value; /* api_mode, or SWITCH_ON and SWITCH_OFF */
} switch_choice;

/* What somebody says of some of them. Zero: of none. */
typedef struct switch_set {
    switch_choice of[SWITCH_COUNT];
} switch_set;

bool switch_is_mode(switch_id id);

/* False: there is no such switch, or it can't have this value. Values are
 * "normal", "read_only", "disabled"; or "on", "off". */
bool switch_find(lp_span name, switch_id *out);
bool switch_parse(switch_id id, lp_span text, switch_choice *out);
const char *switch_value_name(switch_id id, uint8_t value);

enum { SWITCH_SET_BYTES = 160 };

/* "api=read_only ingest=off": those that are given. */
void switch_set_print(const switch_set *set, char out[SWITCH_SET_BYTES]);

/* What another version may have had more is left out. */
void switch_set_parse(lp_span text, switch_set *out);

/* What wins says replaces what base says. */
void switch_set_merge(switch_set *base, const switch_set *wins);

/* In force ---------------------------------------------------------------- */

typedef struct switches {
    _Atomic uint8_t value[SWITCH_COUNT];
    _Atomic int64_t history_since_ns;

    pthread_mutex_t mutex; /* of what is below; held for the disk */
    catalog *cat;
    switch_set stored;
} switches;

/* Sets what is stored in cat and, over it, what is given. BLOCKS: for the
 * start, before there are workers. */
void switches_open(switches *s, catalog *cat, const switch_set *given);
void switches_close(switches *s);

/* Stored, and then in force. Fails: CATALOG_FAILED, and nothing is changed.
 * Threads: any; BLOCKS. */
catalog_err switches_change(switches *s, const switch_set *wanted,
                            int64_t now_ns);

static inline uint8_t switch_get(const switches *s, switch_id id)
{
    return atomic_load_explicit(&s->value[id], memory_order_relaxed);
}

static inline bool switch_is_on(const switches *s, switch_id id)
{
    return switch_get(s, id) == SWITCH_ON;
}

/* Readers yet to come are shown nothing that arrived before: 0 when all may be
 * shown, and the end of time while history is off. */
static inline int64_t switches_history_since(const switches *s)
{
    return atomic_load_explicit(&s->history_since_ns, memory_order_relaxed);
}

#endif /* LOGPLEXD_SWITCHES_H */
