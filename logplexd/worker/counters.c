/* counters.c - a copy of a worker's counters in which they agree. */
#include "worker/counters.h"

#include <sched.h>

static void copy_listener(const listener_counts *from, listener_counts *out)
{
    atomic_store(&out->received_lines, atomic_load(&from->received_lines));
    atomic_store(&out->received_bytes, atomic_load(&from->received_bytes));
    atomic_store(&out->accepted_lines, atomic_load(&from->accepted_lines));
    for (int i = 0; i < REJECT_REASONS; i++)
        atomic_store(&out->rejected_lines[i],
                     atomic_load(&from->rejected_lines[i]));
    for (int i = 0; i < FRAME_EVENT_COUNT; i++)
        atomic_store(&out->frames[i], atomic_load(&from->frames[i]));
}

void counters_copy(counters *from, counters *out)
{
    uint64_t before;

    do {
        before = atomic_load(&from->version);
        if (before % 2 != 0) {
            sched_yield(); // a batch is under way; it is soon done
            continue;
        }
        for (int i = 0; i < LISTENER_COUNT; i++)
            copy_listener(&from->listeners[i], &out->listeners[i]);
        for (int i = 0; i < COUNTER_COUNT; i++)
            atomic_store(&out->counts[i], atomic_load(&from->counts[i]));
    } while (before % 2 != 0 || before != atomic_load(&from->version));
    atomic_store(&out->version, before);
}
