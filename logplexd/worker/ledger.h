/*
 * ledger.h - the account of the whole daemon at one moment.
 *
 *     received = accepted + rejected by reason     each listener
 *     accepted, all listeners = appended           into the engine
 *     appended = resident + evicted                in lines and in bytes
 *
 * Each worker counts a batch a moment after it is in the ring, so a snapshot
 * is only one of one moment if nothing moved while it was taken: it is taken
 * again, some times, until that is so.
 */
#ifndef LOGPLEXD_LEDGER_H
#define LOGPLEXD_LEDGER_H

#include "worker/worker.h"

typedef struct ledger_listener {
    uint64_t received_lines;
    uint64_t received_bytes;
    uint64_t accepted_lines;
    uint64_t rejected_lines[REJECT_REASONS];
    uint64_t frames[FRAME_EVENT_COUNT];
} ledger_listener;

/* Numbers only, without a gap between them: comparable byte by byte. */
typedef struct ledger_counts {
    ledger_listener listeners[LISTENER_COUNT];
    uint64_t counts[COUNTER_COUNT];
} ledger_counts;

typedef struct ledger {
    ledger_counts sums; /* over all workers */
    lp_ledger engine;
    uint64_t channels;
    bool is_settled; /* nothing moved while it was taken */
    bool is_received_balanced;
    bool is_accepted_balanced;
    bool is_appended_balanced;
} ledger;

/* Threads: any worker's, with its own. */
void ledger_take(worker *w, ledger *out);
bool ledger_is_balanced(const ledger *led);

extern const char *const ledger_listener_names[LISTENER_COUNT];
extern const char *const ledger_reject_names[REJECT_REASONS];
extern const char *const ledger_frame_names[FRAME_EVENT_COUNT];

#endif /* LOGPLEXD_LEDGER_H */
