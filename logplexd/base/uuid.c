/* uuid.c - see uuid.h. */
#include "base/uuid.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <sys/random.h>

#include "base/secret.h"

void random_bytes(void *out, size_t len_bytes)
{
    char *at = out;

    while (len_bytes > 0) {
        ssize_t n = getrandom(at, len_bytes, 0);

        assert(n > 0 || errno == EINTR);
        if (n > 0) {
            at += n;
            len_bytes -= (size_t)n;
        }
    }
}

void uuid_print(uint8_t bytes[16], unsigned version, char out[UUID_TEXT_BYTES])
{
    static const char digits[] = "0123456789abcdef";

    bytes[6] = (uint8_t)((bytes[6] & 0x0f) | version << 4);
    bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
    for (unsigned i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            *out++ = '-';
        }
        *out++ = digits[bytes[i] >> 4];
        *out++ = digits[bytes[i] & 15];
    }
    *out = '\0';
}

void uuid_random(char out[UUID_TEXT_BYTES])
{
    uint8_t bytes[16];

    random_bytes(bytes, sizeof bytes);
    uuid_print(bytes, 4, out);
}

void uuid_of_name(lp_span name, char out[UUID_TEXT_BYTES])
{
    uint8_t digest[SECRET_HASH_BYTES];

    secret_digest(LP_SPAN("logplex channel "), name, digest);
    uuid_print(digest, 8, out);
}
