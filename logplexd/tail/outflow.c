#include "tail/outflow.h"

#include <stdlib.h>
#include <string.h>

static void send_large(outflow *flow)
{
    size_t left_bytes = flow->large_bytes - flow->sent_bytes;
    size_t now_bytes = flow->room_bytes - flow->used_bytes;

    if (now_bytes > left_bytes)
        now_bytes = left_bytes;
    memcpy(flow->out + flow->used_bytes, flow->large + flow->sent_bytes,
           now_bytes);
    flow->used_bytes += now_bytes;
    flow->sent_bytes += now_bytes;
    if (flow->sent_bytes == flow->large_bytes)
        outflow_fini(flow);
}

void outflow_begin(outflow *flow, char *out, size_t room_bytes)
{
    flow->out = out;
    flow->room_bytes = room_bytes;
    flow->used_bytes = 0;
    if (flow->large)
        send_large(flow);
}

outflow_err outflow_put(outflow *flow, outflow_item render, const void *item)
{
    size_t left_bytes = flow->room_bytes - flow->used_bytes;
    size_t item_bytes;

    if (flow->large)
        return OUTFLOW_FULL;
    item_bytes = render(item, flow->out + flow->used_bytes, left_bytes);
    if (item_bytes <= left_bytes) {
        flow->used_bytes += item_bytes;
        return OUTFLOW_OK;
    }
    if (flow->used_bytes > 0)
        return OUTFLOW_FULL;
    flow->large = malloc(item_bytes);
    if (!flow->large)
        return OUTFLOW_NOMEM;
    flow->large_bytes = render(item, flow->large, item_bytes);
    flow->sent_bytes = 0;
    send_large(flow);
    return OUTFLOW_OK;
}

void outflow_fini(outflow *flow)
{
    free(flow->large);
    flow->large = NULL;
    flow->large_bytes = 0;
    flow->sent_bytes = 0;
}
