/*
 * find.h - where a text stands in another one: looked for by its first and its last
 * byte, 64 places at a time.
 *
 * Any bytes will do. It takes linear time in the length of text, times that of
 * wanted for a text that is made of its ends. Threads: any.
 */
#ifndef LOGPLEX_FIND_H
#define LOGPLEX_FIND_H

#include "logplex/errors.h"
#include "logplex/span.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The first place where wanted stands in text, 0 for an empty one; where there is
 * none, a number over text.len_bytes. */
LP_API size_t lp_find(lp_span text, lp_span wanted);

/* The same, of places where it is a whole word: no letter, digit, "-", "_" or byte
 * over 127 stands next to it. */
LP_API size_t lp_find_word(lp_span text, lp_span wanted);

#ifdef __cplusplus
}
#endif

#endif /* LOGPLEX_FIND_H */
