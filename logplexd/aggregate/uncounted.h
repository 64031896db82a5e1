/*
 * uncounted.h - when lines of a channel were left out of all numbers, as there was no
 * memory for any of it.
 *
 *      counted ----[spell]------------[spell]-----[spell]   is_now
 *
 * A channel that has memory keeps it until it has been silent for two minutes, so
 * spells are few. Of more than there is room for, the two with the least between them
 * become one, with what was between them.
 */
#ifndef LOGPLEXD_UNCOUNTED_H
#define LOGPLEXD_UNCOUNTED_H

#include <stdbool.h>
#include <stdint.h>

enum { UNCOUNTED_SPELLS = 4 };

/* No window reaches back farther: a day, the first minutes of which are kept as one. */
enum { UNCOUNTED_KEPT_S = 86400 + 300 };

typedef struct uncounted_spell {
    uint64_t lines;   /* 0: there were none           */
    int64_t since_ns; /* when the first of them came  */
    int64_t last_ns;  /* when the newest of them came */
} uncounted_spell;

/* All zeros: there never were any. */
typedef struct uncounted {
    uncounted_spell spells[UNCOUNTED_SPELLS]; /* the oldest first */
    unsigned count;
    bool is_now;        /* no line has been counted since the last one  */
    uint64_t now_lines; /* of that one, without others it was joined to */
} uncounted;

/* So many lines, the first and the newest of which came then. */
void uncounted_add(uncounted *u, uint64_t lines, int64_t first_ns,
                   int64_t last_ns);

/* A line was counted. How many were not, since the last one that was. */
uint64_t uncounted_end(uncounted *u);

/* Those that are left out of what began at from_s and ended before to_s: of each spell
 * that reaches into that all, and of the one that is now even if its lines are older.
 * is_now: that one is among them. */
uncounted_spell uncounted_between(const uncounted *u, int64_t from_s,
                                  int64_t to_s, bool *is_now);

#endif /* LOGPLEXD_UNCOUNTED_H */
