/*
 * outflow.h - items of any size into the blocks that a stream asks for.
 *
 *     block |item|item|item      |   the next one does not fit: it waits
 *     block |item|large item ....|   unless it is larger than any block:
 *     block |.... its end|item   |   then it goes out over several
 *
 * So whatever fits is never split, and only a large item is ever copied.
 */
#ifndef LOGPLEXD_OUTFLOW_H
#define LOGPLEXD_OUTFLOW_H

#include <stdbool.h>
#include <stddef.h>

/* Zero to begin with. */
typedef struct outflow {
    char *out; /* the block being filled */
    size_t room_bytes;
    size_t used_bytes;
    char *large; /* NULL: none is under way */
    size_t large_bytes;
    size_t sent_bytes; /* of large */
} outflow;

/* Writes an item to out if it takes at most room_bytes, and returns the bytes
 * that it takes, whether it fitted or not; in the latter case perhaps some more,
 * which it wants to be left behind it. */
typedef size_t (*outflow_item)(const void *item, char *out, size_t room_bytes);

typedef enum outflow_err {
    OUTFLOW_OK = 0,
    OUTFLOW_FULL, /* this block has no room; put it again into the next */
    OUTFLOW_NOMEM /* for a large item */
} outflow_err;

/* Begins a block with what is left of a large item. */
void outflow_begin(outflow *flow, char *out, size_t room_bytes);

outflow_err outflow_put(outflow *flow, outflow_item render, const void *item);
void outflow_fini(outflow *flow);

#endif /* LOGPLEXD_OUTFLOW_H */
