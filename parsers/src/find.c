#include "logplex/find.h"

#include "swar.h"

enum { PLACES = 64 };

#define NOWHERE ((size_t)-1)

/* Of the places that marks has a bit for, the lowest at at, the first one where it
 * is. */
static size_t find_marked(lp_span text, lp_span wanted, size_t at,
                          uint64_t marks)
{
    for (; marks != 0; marks &= marks - 1) {
        size_t place = at + (size_t)__builtin_ctzll(marks);

        if (memcmp(text.ptr + place, wanted.ptr, wanted.len_bytes) == 0) {
            return place;
        }
    }
    return NOWHERE;
}

/* Where both ends of it stand, of 64 places. */
static uint64_t marks_at(lp_span text, lp_span wanted, size_t at)
{
    size_t distance = wanted.len_bytes - 1;
    const char *ptr = text.ptr + at;

    return lp_swar_bits64(ptr, wanted.ptr[0]) &
           lp_swar_bits64(ptr + distance, wanted.ptr[distance]);
}

/* Of fewer than 64 places. */
static size_t find_slowly(lp_span text, lp_span wanted, size_t at)
{
    size_t end = text.len_bytes - wanted.len_bytes + 1;

    while (at < end) {
        const char *first = memchr(text.ptr + at, wanted.ptr[0], end - at);

        if (first == NULL) {
            break;
        }
        if (memcmp(first, wanted.ptr, wanted.len_bytes) == 0) {
            return (size_t)(first - text.ptr);
        }
        at = (size_t)(first - text.ptr) + 1;
    }
    return NOWHERE;
}

static size_t find_from(lp_span text, lp_span wanted, size_t at)
{
    size_t places;

    if (wanted.len_bytes == 0) {
        return at;
    }
    if (wanted.len_bytes > text.len_bytes) {
        return NOWHERE;
    }
    places = text.len_bytes - wanted.len_bytes + 1;
    for (; places >= PLACES && at <= places - PLACES; at += PLACES) {
        size_t place =
            find_marked(text, wanted, at, marks_at(text, wanted, at));

        if (place != NOWHERE) {
            return place;
        }
    }
    if (at >= places) {
        return NOWHERE;
    }
    if (places < PLACES) {
        return find_slowly(text, wanted, at);
    }
    // The last 64 once more, without those that were looked at.
    return find_marked(text, wanted, at,
                       marks_at(text, wanted, places - PLACES) >>
                           (at - (places - PLACES)));
}

size_t lp_find(lp_span text, lp_span wanted)
{
    return find_from(text, wanted, 0);
}

static bool is_of_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           (unsigned char)c > 127;
}

size_t lp_find_word(lp_span text, lp_span wanted)
{
    size_t at = find_from(text, wanted, 0);

    while (at < text.len_bytes) {
        size_t end = at + wanted.len_bytes;

        if ((at == 0 || !is_of_word(text.ptr[at - 1])) &&
            (end == text.len_bytes || !is_of_word(text.ptr[end]))) {
            return at;
        }
        at = find_from(text, wanted, at + 1);
    }
    return at;
}
