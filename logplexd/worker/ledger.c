#include "worker/ledger.h"

#include <string.h>

enum { TAKES_MAX = 5 };

#define NAME2(id, name)       [id] = (name),
#define NAME3(id, name, help) [id] = (name),
const char *const ledger_listener_names[LISTENER_COUNT] = {LISTENERS(NAME2)};
const char *const ledger_reject_names[REJECT_REASONS] = {REJECTS(NAME3)};
const char *const ledger_frame_names[FRAME_EVENT_COUNT] = {FRAME_EVENTS(NAME3)};

static void add_listener(ledger_listener *to, const listener_counts *from)
{
    to->received_lines += count_get(&from->received_lines);
    to->received_bytes += count_get(&from->received_bytes);
    to->accepted_lines += count_get(&from->accepted_lines);
    for (unsigned i = 0; i < REJECT_REASONS; i++)
        to->rejected_lines[i] += count_get(&from->rejected_lines[i]);
    for (unsigned i = 0; i < FRAME_EVENT_COUNT; i++)
        to->frames[i] += count_get(&from->frames[i]);
}

static void add_up(const daemon_shared *shared, ledger_counts *out)
{
    counters copy;

    memset(out, 0, sizeof(*out));
    for (unsigned i = 0; i < shared->worker_count; i++) {
        counters_copy(&shared->workers[i]->counts, &copy);
        for (unsigned j = 0; j < LISTENER_COUNT; j++)
            add_listener(&out->listeners[j], &copy.listeners[j]);
        for (unsigned j = 0; j < COUNTER_COUNT; j++)
            out->counts[j] += count_get(&copy.counts[j]);
    }
}

static void check(ledger *led)
{
    uint64_t accepted_lines = 0;

    led->is_received_balanced = true;
    for (unsigned i = 0; i < LISTENER_COUNT; i++) {
        const ledger_listener *at = &led->sums.listeners[i];
        uint64_t known_lines = at->accepted_lines;

        for (unsigned j = 0; j < REJECT_REASONS; j++)
            known_lines += at->rejected_lines[j];
        if (known_lines != at->received_lines)
            led->is_received_balanced = false;
        accepted_lines += at->accepted_lines;
    }
    led->is_accepted_balanced = accepted_lines == led->engine.appended_lines;
    led->is_appended_balanced =
        led->engine.appended_lines ==
            led->engine.resident_lines + led->engine.evicted_lines &&
        led->engine.appended_bytes ==
            led->engine.resident_bytes + led->engine.evicted_bytes;
}

bool ledger_is_balanced(const ledger *led)
{
    return led->is_received_balanced && led->is_accepted_balanced &&
           led->is_appended_balanced;
}

void ledger_take(worker *w, ledger *out)
{
    ledger_counts before;

    for (unsigned i = 0; i < TAKES_MAX; i++) {
        lp_ledger empty = LP_LEDGER_INIT;

        add_up(w->shared, &before);
        out->engine = empty;
        lp_engine_ledger(w->shared->engine, &out->engine);
        add_up(w->shared, &out->sums);
        check(out);
        out->is_settled = memcmp(&before, &out->sums, sizeof(before)) == 0;
        if (out->is_settled && ledger_is_balanced(out))
            break;
    }
    out->channels = catalog_channel_count(catalog_reader_view(&w->reader));
}
