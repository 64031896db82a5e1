/* test_inflate.c - bodies packed, damaged, cut and meant as bombs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>
#include <zstd.h>

#include "http/inflate.h"

enum { PLAIN_BYTES = 200000, PACKED_MAX_BYTES = 250000 };

typedef struct packed {
    const char *coding;
    char bytes[PACKED_MAX_BYTES];
    size_t len_bytes;
} packed;

static char plain[PLAIN_BYTES];
static packed samples[2] = {{.coding = "gzip"}, {.coding = "zstd"}};

static void pack_gzip(packed *out)
{
    z_stream z = {0};

    assert_int_equal(
        deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (Bytef *)plain;
    z.avail_in = sizeof(plain);
    z.next_out = (Bytef *)out->bytes;
    z.avail_out = sizeof(out->bytes);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    out->len_bytes = z.total_out;
    deflateEnd(&z);
}

static void pack_zstd(packed *out)
{
    ZSTD_CCtx *ctx = ZSTD_createCCtx();

    ZSTD_CCtx_setParameter(ctx, ZSTD_c_checksumFlag, 1);
    out->len_bytes = ZSTD_compress2(ctx, out->bytes, sizeof(out->bytes), plain,
                                    sizeof(plain));
    assert_false(ZSTD_isError(out->len_bytes));
    ZSTD_freeCCtx(ctx);
}

static int make_samples(void **state)
{
    uint32_t x = 1;

    (void)state;
    for (size_t i = 0; i < sizeof(plain); i++) {
        x = x * 1664525 + 1013904223; // Numerical Recipes' generator
        plain[i] = (char)('a' + (x >> 28));
    }
    pack_gzip(&samples[0]);
    pack_zstd(&samples[1]);
    return 0;
}

static inflate_err try(const packed *sample, size_t len_bytes,
                       size_t out_max_bytes)
{
    char *out = NULL;
    size_t out_bytes = 0;
    inflate_err err =
        inflate_body(sample->coding, lp_span_of(sample->bytes, len_bytes),
                     out_max_bytes, &out, &out_bytes);

    if (err == INFLATE_OK) {
        assert_int_equal(out_bytes, sizeof(plain));
        assert_memory_equal(out, plain, sizeof(plain));
    } else {
        assert_null(out);
    }
    free(out);
    return err;
}

static void a_body_comes_out_as_it_went_in(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++)
        assert_int_equal(try(&samples[i], samples[i].len_bytes, sizeof(plain)),
                         INFLATE_OK);
}

static void one_byte_over_the_cap_is_too_big(void **state)
{
    static const size_t caps_bytes[] = {
        0, 1, 65535, 65536, 65537, 131072, 199998, 199999, PLAIN_BYTES - 1};

    (void)state;
    for (int i = 0; i < 2; i++)
        for (size_t j = 0; j < sizeof(caps_bytes) / sizeof(size_t); j++)
            assert_int_equal(
                try(&samples[i], samples[i].len_bytes, caps_bytes[j]),
                INFLATE_TOO_BIG);
}

static void a_body_that_is_cut_anywhere_is_damaged(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++)
        for (size_t cut = 0; cut < samples[i].len_bytes;
             cut += cut < 64 ? 1 : 997)
            assert_int_equal(try(&samples[i], cut, sizeof(plain)),
                             INFLATE_DAMAGED);
}

/* A flipped bit is found by the checksum, if by nothing else; a few bits of
 * the headers mean nothing (the time, say), and one can ask for a checksum
 * or a window that is not there. */
static void a_flipped_bit_never_makes_another_body(void **state)
{
    packed broken;

    (void)state;
    for (int i = 0; i < 2; i++) {
        for (size_t at = 0; at < samples[i].len_bytes;
             at += at < 32 ? 1 : 1499) {
            broken = samples[i];
            broken.bytes[at] ^= (char)(1 << at % 8);
            try(&broken, broken.len_bytes, sizeof(plain));
        }
    }
}

static void an_unknown_coding_is_told_apart(void **state)
{
    char *out = NULL;
    size_t out_bytes = 0;

    (void)state;
    assert_int_equal(inflate_body("", LP_SPAN("x"), 10, &out, &out_bytes),
                     INFLATE_UNKNOWN);
    assert_int_equal(
        inflate_body("deflate", LP_SPAN("x"), 10, &out, &out_bytes),
        INFLATE_UNKNOWN);
    assert_null(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_comes_out_as_it_went_in),
        cmocka_unit_test(one_byte_over_the_cap_is_too_big),
        cmocka_unit_test(a_body_that_is_cut_anywhere_is_damaged),
        cmocka_unit_test(a_flipped_bit_never_makes_another_body),
        cmocka_unit_test(an_unknown_coding_is_told_apart),
    };

    return cmocka_run_group_tests(tests, make_samples, NULL);
}
