#include "api/line_list.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tail/line_json.h"

enum { ROOM_LEAST_BYTES = 4096 };

static size_t used_bytes(const line_list *list)
{
    return list->count > 0 ? list->ends[list->count - 1] : 0;
}

static char *allocate(const line_list *list, size_t room_bytes)
{
    const lp_allocator *memory = list->memory;

    return memory ? memory->alloc(memory->ctx, room_bytes, 1)
                  : malloc(room_bytes);
}

static bool make_room(line_list *list, size_t need_bytes)
{
    size_t room_bytes =
        list->room_bytes ? 2 * list->room_bytes : ROOM_LEAST_BYTES;
    char *bytes;

    if (room_bytes < need_bytes)
        room_bytes = need_bytes;
    if (room_bytes > LINE_LIST_BYTES_MAX)
        room_bytes = LINE_LIST_BYTES_MAX;
    if (room_bytes < need_bytes)
        return false;
    bytes = allocate(list, room_bytes);
    list->has_no_memory = !bytes;
    if (!bytes)
        return false;
    if (list->bytes)
        memcpy(bytes, list->bytes, used_bytes(list));
    line_list_fini(list);
    list->bytes = bytes;
    list->room_bytes = room_bytes;
    return true;
}

bool line_list_add(line_list *list, const lp_record *record)
{
    sink to = {list->bytes, list->room_bytes, used_bytes(list)};

    if (list->count == LINE_LIST_LINES_MAX)
        return false;
    line_json_put(&to, record);
    if (to.used_bytes > to.room_bytes) {
        if (!make_room(list, to.used_bytes))
            return false;
        to = (sink){list->bytes, list->room_bytes, used_bytes(list)};
        line_json_put(&to, record);
    }
    list->ends[list->count] = to.used_bytes;
    list->count++;
    return true;
}

void line_list_print(const line_list *list, bool is_reversed, FILE *to)
{
    fputc('[', to);
    for (uint32_t i = 0; i < list->count; i++) {
        uint32_t at = is_reversed ? list->count - 1 - i : i;
        size_t begin = at > 0 ? list->ends[at - 1] : 0;

        if (i > 0)
            fputc(',', to);
        fwrite(list->bytes + begin, 1, list->ends[at] - begin, to);
    }
    fputc(']', to);
}

void line_print(const lp_record *record, FILE *to)
{
    line_list line = {.room_bytes = 0};

    if (line_list_add(&line, record))
        fwrite(line.bytes, 1, line.ends[0], to);
    else
        fprintf(to, "{\"seq\":%" PRIu64 ",\"left_out\":true}", record->seq);
    line_list_fini(&line);
}

void line_list_fini(line_list *list)
{
    if (!list->memory)
        free(list->bytes);
    else if (list->bytes)
        list->memory->free(list->memory->ctx, list->bytes, list->room_bytes);
    list->bytes = NULL;
    list->room_bytes = 0;
}
