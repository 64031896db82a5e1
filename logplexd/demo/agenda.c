/* agenda.c - see agenda.h. */
#include "demo/agenda.h"

#include <assert.h>
#include <stdlib.h>

bool agenda_init(agenda *plan, uint32_t count_max)
{
    *plan = (agenda){.count_max = count_max};
    plan->heap = calloc(count_max, sizeof(*plan->heap));
    return plan->heap != NULL;
}

void agenda_fini(agenda *plan)
{
    free(plan->heap);
    *plan = (agenda){0};
}

static bool is_before(const agenda_event *a, const agenda_event *b)
{
    return a->due_ns != b->due_ns ? a->due_ns < b->due_ns
                                  : a->number < b->number;
}

void agenda_add(agenda *plan, int64_t due_ns, uint32_t kind, uint32_t what)
{
    agenda_event fresh = {due_ns, plan->next_number++, kind, what};
    uint32_t at = plan->count++;

    assert(at < plan->count_max);
    while (at > 0 && is_before(&fresh, &plan->heap[(at - 1) / 2])) {
        plan->heap[at] = plan->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    plan->heap[at] = fresh;
}

bool agenda_take(agenda *plan, int64_t until_ns, agenda_event *out)
{
    const agenda_event *last;
    uint32_t at = 0, child;

    if (plan->count == 0 || plan->heap[0].due_ns >= until_ns)
        return false;
    *out = plan->heap[0];
    last = &plan->heap[--plan->count];
    while ((child = 2 * at + 1) < plan->count) {
        if (child + 1 < plan->count &&
            is_before(&plan->heap[child + 1], &plan->heap[child]))
            child++;
        if (!is_before(&plan->heap[child], last))
            break;
        plan->heap[at] = plan->heap[child];
        at = child;
    }
    plan->heap[at] = *last;
    return true;
}
