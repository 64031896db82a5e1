/*
 * line_list.h - lines as JSON, one behind the other, in whatever order.
 *
 * It takes so many lines and so many bytes at most, whatever the lines are, and is
 * kept in memory that is lent to it.
 */
#ifndef LOGPLEXD_LINE_LIST_H
#define LOGPLEXD_LINE_LIST_H

#include <stdbool.h>
#include <stdio.h>

#include "logplex/logplex.h"

enum { LINE_LIST_LINES_MAX = 1000, LINE_LIST_BYTES_MAX = 4 * 1024 * 1024 };

/* Zero to begin with, but for its memory. */
typedef struct line_list {
    const lp_allocator *memory; /* NULL: malloc() and free() */
    bool has_no_memory;         /* it was refused more */
    char *bytes;
    size_t room_bytes;
    uint32_t count;
    size_t ends[LINE_LIST_LINES_MAX];
} line_list;

/* One line, by itself. */
void line_print(const lp_record *record, FILE *to);

/* False, and nothing is added: there is no room, or no memory. */
bool line_list_add(line_list *list, const lp_record *record);

/* [LINE,LINE,...], in the order in which they were added, or the other way. */
void line_list_print(const line_list *list, bool is_reversed, FILE *to);

void line_list_fini(line_list *list);

#endif /* LOGPLEXD_LINE_LIST_H */
