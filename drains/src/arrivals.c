/* arrivals.c - see arrivals.h. */
#include "arrivals.h"

#include <stdlib.h>

static lpi_awaited *batch_at(const lpi_arrivals *a, size_t n)
{
    return &a->at[(a->first + n) & (a->room - 1)];
}

/* For one batch more. False: there is no memory. */
static bool make_room(lpi_arrivals *a)
{
    size_t room = a->room ? 2 * a->room : 4;
    lpi_awaited *longer;

    if (a->count < a->room)
        return true;
    longer = malloc(room * sizeof(*longer));
    if (!longer)
        return false;
    for (size_t n = 0; n < a->count; n++)
        longer[n] = *batch_at(a, n);
    free(a->at);
    a->at = longer;
    a->first = 0;
    a->room = room;
    return true;
}

bool lpi_arrivals_await(lpi_arrivals *a, const lpi_rendered *rendered,
                        uint32_t lines, size_t notice_bytes)
{
    lpi_awaited *batch;

    if (!make_room(a))
        return false;
    batch = batch_at(a, a->count++);
    batch->ends = lpi_ends_hold(rendered->ends);
    batch->next = rendered->first;
    batch->last = rendered->first + lines;
    batch->notice_bytes = (uint32_t)notice_bytes;
    return true;
}

/* Those up to a line, without it, and what is in front of them. */
static uint64_t bytes_to(const lpi_awaited *batch, uint32_t line)
{
    const uint32_t *begins_at = batch->ends->begins_at;

    return (uint64_t)begins_at[line] - begins_at[batch->next] +
           batch->notice_bytes;
}

/* Behind the last line that fits into so many bytes. */
static uint32_t fitting(const lpi_awaited *batch, uint64_t bytes)
{
    uint32_t line = batch->next;

    if (bytes_to(batch, batch->last) <= bytes)
        return batch->last;
    while (bytes_to(batch, line + 1) <= bytes)
        line++;
    return line;
}

/* How many lines of the first batch arrived. */
static uint32_t count_first(lpi_arrivals *a, uint64_t arrived_bytes)
{
    lpi_awaited *batch = batch_at(a, 0);
    uint32_t line = fitting(batch, arrived_bytes - a->counted_bytes);
    uint32_t lines = line - batch->next;

    if (lines == 0)
        return 0;
    a->counted_bytes += bytes_to(batch, line);
    batch->next = line;
    batch->notice_bytes = 0;
    return lines;
}

static void pop(lpi_arrivals *a)
{
    lpi_ends_let_go(batch_at(a, 0)->ends);
    a->first = (a->first + 1) & (a->room - 1);
    a->count--;
}

uint64_t lpi_arrivals_count(lpi_arrivals *a, uint64_t arrived_bytes)
{
    uint64_t lines = 0;

    if (arrived_bytes < a->counted_bytes)
        return 0;
    while (a->count > 0) {
        lines += count_first(a, arrived_bytes);
        if (batch_at(a, 0)->next < batch_at(a, 0)->last)
            break;
        pop(a);
    }
    return lines;
}

void lpi_arrivals_fini(lpi_arrivals *a)
{
    while (a->count > 0)
        pop(a);
    free(a->at);
    a->at = NULL;
}
