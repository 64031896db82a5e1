/*
 * pick.h - the values of a few keys of a message, in one walk over its pairs that
 * ends with the last of them.
 *
 *     at=info method=GET path="/" host=h dyno=web.1 connect=1ms service=18ms ...
 *                        |--- path: looked for no further
 *
 * Pairs are those of logfmt.h. Nothing is allocated; a line is looked at once.
 */
#ifndef LOGPLEX_PICK_H
#define LOGPLEX_PICK_H

#include <stdint.h>

#include "logplex/errors.h"
#include "logplex/logfmt.h"
#include "logplex/span.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { LP_PICK_KEYS_MAX = 16, LP_PICK_SLOTS_MAX = 16 };

/* Which keys. Set up by lp_picker_init(), looked into by nobody else. */
typedef struct lp_picker {
    uint64_t lengths; /* bit n: a key has n bytes, modulo 64 */
    uint32_t slots;   /* bit n: a key asks for slot n */
    uint32_t count;
    struct {
        lp_span text;
        uint64_t word; /* its first eight bytes */
        uint64_t mask; /* those of them that it has */
        uint32_t slot;
    } keys[LP_PICK_KEYS_MAX];
} lp_picker;

/* Threads: one at a time for a picker. */
LP_API void lp_picker_init(lp_picker *picker);

/*
 * Asks for a key, whose value goes to slot. Several keys may go to one, where the
 * first one that stands in the message wins, and one key to several.
 * Threads: as above. Owns: key is kept, and must outlive the picker.
 * Fails: LP_E_INVALID (key is empty, or there is no such slot), LP_E_FULL.
 */
LP_API lp_err lp_picker_add(lp_picker *picker, lp_span key, unsigned slot);

/*
 * Bit n of the result says that out[n] is set: to the first pair for slot n that
 * has a value, be it an empty one. Words without "=" and values whose closing quote is
 * missing are passed over.
 * Threads: any, out being the caller's; it has room up to the highest slot.
 * Owns: the spans in out point into msg.
 */
LP_API uint32_t lp_pick(const lp_picker *picker, lp_span msg, lp_pair *out);

#ifdef __cplusplus
}
#endif

#endif /* LOGPLEX_PICK_H */
