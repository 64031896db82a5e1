/*
 * corpus.h - frames made before the clock starts, written over and over after it.
 */
#ifndef TESTS_BENCH_CORPUS_H
#define TESTS_BENCH_CORPUS_H

#include <stddef.h>
#include <stdint.h>

enum {
    CORPUS_LINES = 65536,
    CORPUS_LINES_A_TOKEN = 4, // at least, where there are many
    CORPUS_TOKENS_MAX = 100000
};

/* What the lines are. */
typedef enum corpus_kind {
    CORPUS_PLAIN,  // what varies is little; cut, or filled with one letter
    CORPUS_MARKED, // the same behind an '@' and 19 digits, the only '@' in it
    CORPUS_ROUTER  // requests of 16 dynos to 12 routes with ids, of several
                   // statuses, times and sizes, and some errors
} corpus_kind;

/* What stands around a line. */
typedef enum corpus_framing {
    CORPUS_COUNTED, // RFC 6587 section 3.4.1, octet counting
    CORPUS_NATS     // a message published to a subject
} corpus_framing;

/* Frames of CORPUS_LINES lines side by side; of more, if there are many tokens. */
typedef struct corpus {
    unsigned long lines;
    char *data;
    size_t *ends;   // where each begins; the last one's end behind them
    size_t *stamps; // of CORPUS_MARKED: where the digits of each begin
} corpus;

/* Who may be written for, dealt out at random over the lines. */
typedef struct corpus_tokens {
    char *all[CORPUS_TOKENS_MAX];
    unsigned count;
} corpus_tokens;

/* Lines of line_bytes (100 to 10,000; a router's are 270 at least), ended by a
 * newline. Owns: its memory, to the end of the process. Fails: ends the program. */
void corpus_make(corpus *out, const corpus_tokens *tokens, corpus_kind kind,
                 corpus_framing framing, size_t line_bytes);

/* Writes a time in nanoseconds into count lines from first on. */
void corpus_stamp(const corpus *of, unsigned long first, unsigned long count,
                  uint64_t now_ns);

#endif
