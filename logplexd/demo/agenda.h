/*
 * agenda.h - what is going to happen, soonest first: a binary heap.
 *
 * What is due at the same time happens in the order in which it was added, so
 * that the same story comes out however often it is looked at.
 */
#ifndef LOGPLEXD_AGENDA_H
#define LOGPLEXD_AGENDA_H

#include <stdbool.h>
#include <stdint.h>

typedef struct agenda_event {
    int64_t due_ns;
    uint64_t number; /* the agenda's */
    uint32_t kind;   /* the caller's, and so is what */
    uint32_t what;
} agenda_event;

typedef struct agenda {
    agenda_event *heap;
    uint32_t count, count_max;
    uint64_t next_number;
} agenda;

/* False: no memory. */
bool agenda_init(agenda *plan, uint32_t count_max);
void agenda_fini(agenda *plan);

/* There must be room for it. */
void agenda_add(agenda *plan, int64_t due_ns, uint32_t kind, uint32_t what);

/* Takes out the next event if it is due before until_ns. */
bool agenda_take(agenda *plan, int64_t until_ns, agenda_event *out);

#endif /* LOGPLEXD_AGENDA_H */
