/* secret.c - see secret.h. Failures here can only come from a GnuTLS that was
 * built without SHA-256, or from no memory at all: nothing to go on with. */
#include "base/secret.h"

#include <assert.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <string.h>

#include "base/uuid.h"

void secret_generate(char *out, size_t size_bytes)
{
    static const char digits[] = "0123456789ABCDEF";
    uint8_t bytes[SECRET_GENERATED_BYTES];

    assert(size_bytes <= sizeof bytes);
    random_bytes(bytes, size_bytes);
    for (size_t i = 0; i < size_bytes; i++) {
        *out++ = digits[bytes[i] >> 4];
        *out++ = digits[bytes[i] & 15];
    }
    *out = '\0';
    explicit_bzero(bytes, sizeof bytes);
}

void secret_digest(lp_span head, lp_span tail, uint8_t out[SECRET_HASH_BYTES])
{
    gnutls_hash_hd_t hash;
    int rc = gnutls_hash_init(&hash, GNUTLS_DIG_SHA256);

    assert(rc == 0);
    if (head.len_bytes > 0) {
        rc = gnutls_hash(hash, head.ptr, head.len_bytes);
        assert(rc == 0);
    }
    if (tail.len_bytes > 0) {
        rc = gnutls_hash(hash, tail.ptr, tail.len_bytes);
        assert(rc == 0);
    }
    gnutls_hash_deinit(hash, out);
}

secret_hash secret_hmac(lp_span key, lp_span data)
{
    secret_hash out;
    int rc = gnutls_hmac_fast(GNUTLS_MAC_SHA256, key.ptr, key.len_bytes,
                              data.len_bytes ? data.ptr : "", data.len_bytes,
                              out.bytes);

    assert(rc == 0);
    return out;
}

/* GnuTLS takes its inputs as if it would write to them; it does not. */
static gnutls_datum_t datum(const void *ptr, size_t len_bytes)
{
    gnutls_datum_t out = {.data = (unsigned char *)(uintptr_t)ptr,
                          .size = (unsigned)len_bytes};

    return out;
}

secret_hash secret_slow(lp_span password, const secret_salt *salt,
                        unsigned rounds)
{
    gnutls_datum_t key = datum(password.ptr, password.len_bytes);
    gnutls_datum_t grain = datum(salt->bytes, sizeof salt->bytes);
    secret_hash out;
    int rc = gnutls_pbkdf2(GNUTLS_MAC_SHA256, &key, &grain, rounds, out.bytes,
                           sizeof out.bytes);

    assert(rc == 0);
    return out;
}

bool secret_equal(const secret_hash *a, const secret_hash *b)
{
    return gnutls_memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}
