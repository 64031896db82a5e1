/* examples.h - an example of a text file, between who reads it and who runs it.
 */
#ifndef TESTS_EXAMPLES_H
#define TESTS_EXAMPLES_H

#include "logplex/span.h"

enum { ITEMS_MAX = 64, VALUE_MAX_BYTES = 1 << 18 };

typedef struct item {
    lp_span word;
    lp_span value;
    int line;
} item;

typedef struct example {
    const char *file;
    lp_span title;
    item items[ITEMS_MAX];
    size_t item_count;
} example;

/* Counts a failure, and prints it. */
void fail(const example *ex, int line, const char *what, lp_span expected,
          lp_span got);

/* An example that begins with "log:". */
void run_log_example(const example *ex);
bool is_log_word(lp_span word);

#endif /* TESTS_EXAMPLES_H */
