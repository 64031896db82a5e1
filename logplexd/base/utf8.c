/* utf8.c - well-formed byte sequences, table 3-7 of the Unicode standard. */
#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

typedef struct shape {
    uint8_t first_min, first_max;
    uint8_t second_min, second_max;
    uint8_t bytes;
} shape;

static const shape shapes[] = {
    {0x00, 0x7f, 0x00, 0x00, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2},
    {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
    {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
    {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4},
    {0xf4, 0xf4, 0x80, 0x8f, 4},
};

static const shape *shape_of(uint8_t first)
{
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        if (first >= shapes[i].first_min && first <= shapes[i].first_max) {
            return &shapes[i];
        }
    }
    return NULL;
}

size_t utf8_char_bytes(const char *text, size_t len_bytes)
{
    const unsigned char *bytes = (const unsigned char *)text;
    const shape *form = len_bytes > 0 ? shape_of(bytes[0]) : NULL;

    if (!form || form->bytes > len_bytes) {
        return 0;
    }
    if (form->bytes > 1 &&
        (bytes[1] < form->second_min || bytes[1] > form->second_max)) {
        return 0;
    }
    for (size_t i = 2; i < form->bytes; i++) {
        if ((bytes[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return form->bytes;
}

void utf8_mend(char *string)
{
    size_t left_bytes = strlen(string);

    while (left_bytes > 0) {
        size_t char_bytes = utf8_char_bytes(string, left_bytes);

        if (char_bytes == 0) {
            *string = '?';
            char_bytes = 1;
        }
        string += char_bytes;
        left_bytes -= char_bytes;
    }
}
