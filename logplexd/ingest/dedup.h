/*
 * dedup.h - the frame ids of late, and how the POST of each was answered.
 *
 * A sender that has heard nothing sends again. If what it calls the frame
 * (Logplex-Frame-Id) is here, its lines were kept, and it gets the answer that
 * was lost:
 *
 *     oldest                                          newest
 *       | A kept | B kept | (forgotten) | C under way |      places: a ring
 *             ^                               ^
 *     buckets: [ ... ][ ... ][ ... ]        who comes with C waits for its end
 *
 * The table is of one size for good: the oldest makes way, and so does what is
 * older than the window. What is under way makes way for nobody.
 *
 * Threads: any; a mutex, twice for each POST that has an id. The wait is for a
 * thread that is at work on a body it has whole, and itself waits for nobody.
 */
#ifndef LOGPLEXD_DEDUP_H
#define LOGPLEXD_DEDUP_H

#include <stdbool.h>
#include <stdint.h>

#include "logplex/span.h"

typedef struct dedup dedup;

enum { DEDUP_ID_MAX_BYTES = 128 };

/* 128 bits of a keyed hash: of whom nobody can make two that are the same. */
typedef struct dedup_key {
    uint64_t words[2];
} dedup_key;

/* What is remembered; the numbers mean what the caller says they do. */
typedef struct dedup_answer {
    uint32_t outcome;
    uint32_t accepted_lines;
    uint32_t rejected_lines;
} dedup_answer;

/* ids_max has to be no less than the number of threads. NULL: no memory. */
dedup *dedup_create(uint32_t ids_max, uint64_t window_ms);
void dedup_destroy(dedup *d);

/* Has it the length of an id, 1 to 128 bytes? */
bool dedup_is_id(lp_span id);

/* kind tells apart senders of one name: a token, a credential. */
dedup_key dedup_key_of(const dedup *d, char kind, lp_span sender, lp_span id);

/*
 * True: this is the first, and under way until dedup_end(). False: *answer is
 * what the first was answered. *is_early: another made way before its time.
 */
bool dedup_begin(dedup *d, const dedup_key *key, uint64_t now_ms,
                 dedup_answer *answer, bool *is_early);

/* How the first was answered; NULL: it shall be as if it had never come. */
void dedup_end(dedup *d, const dedup_key *key, const dedup_answer *answer);

#endif /* LOGPLEXD_DEDUP_H */
