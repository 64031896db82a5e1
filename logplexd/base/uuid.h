/* uuid.h - random bytes, and names made of them (RFC 9562). Threads: any. */
#ifndef LOGPLEXD_UUID_H
#define LOGPLEXD_UUID_H

#include <stddef.h>
#include <stdint.h>

#include "logplex/span.h"

enum { UUID_TEXT_BYTES = 37 }; /* 36, and a NUL */

/* From getrandom(2), which at most waits early in the machine's life. */
void random_bytes(void *out, size_t len_bytes);

/* What bytes say, but for the version and the variant, which are put into them. */
void uuid_print(uint8_t bytes[16], unsigned version, char out[UUID_TEXT_BYTES]);

/* Version 4: 122 random bits. */
void uuid_random(char out[UUID_TEXT_BYTES]);

/* Version 8 (RFC 9562, 5.8): the same for the same name, anywhere. */
void uuid_of_name(lp_span name, char out[UUID_TEXT_BYTES]);

#endif /* LOGPLEXD_UUID_H */
