/* http_head.c - see http_head.h. */
#include "http_head.h"

#include <inttypes.h>
#include <stdio.h>

#include "encoder.h"

static void add(lpi_http_head *head, char *line)
{
    head->lines[head->count++] = line;
}

void lpi_http_head_set(lpi_http_head *head, const lpi_http_target *target,
                       const lp_drain_batch *batch)
{
    static char type[] = "Content-Type: application/logplex-1";
    const char *encoding = lpi_encoding_name(target->encoding);

    if (encoding)
        snprintf(head->encoding, sizeof(head->encoding), "Content-Encoding: %s",
                 encoding);
    snprintf(head->msg_count, sizeof(head->msg_count),
             "Logplex-Msg-Count: %" PRIu32,
             batch->line_count + (batch->loss.lines > 0));
    snprintf(head->frame, sizeof(head->frame), "Logplex-Frame-Id: %s",
             batch->frame_id);
    snprintf(head->loss, sizeof(head->loss), "Logplex-Loss-Count: %" PRIu64,
             batch->loss.lines);
    head->count = 0;
    add(head, type);
    if (encoding)
        add(head, head->encoding);
    add(head, head->msg_count);
    add(head, head->frame);
    if (batch->loss.lines > 0)
        add(head, head->loss);
    add(head, target->token);
    add(head, target->agent);
}
