/* test_encoder.c - bodies compressed: what comes out of them again, who shares
 * them, and what is kept. */
#include <stdlib.h>
#include <string.h>

#include <zlib.h>
#include <zstd.h>

#include "codec.h"
#include "encoder.h"
#include "ring.h"

enum { PLAIN_BYTES = 600000, LINE_BYTES = 100, RUNS = 5 };

static const lp_drain_encoding encodings[] = {LP_DRAIN_GZIP, LP_DRAIN_ZSTD};
static const lpi_codec *const codecs[] = {&lpi_codec_gzip, &lpi_codec_zstd};

typedef struct fixture {
    lp_engine *engine;
    lp_channel *channel, *other;
    lpi_encoder *encoder;
} fixture;

/* Half of it can be made smaller, half of it can't. */
static char plain[PLAIN_BYTES];
static char unpacked[PLAIN_BYTES + 1];

static int make_plain(void **state)
{
    uint32_t x = 1;

    (void)state;
    for (size_t i = 0; i < sizeof(plain); i++) {
        x = x * 1664525 + 1013904223; // Numerical Recipes' generator
        plain[i] = (char)(i / 50000 % 2 ? x >> 24 : 'a' + (x >> 29));
    }
    return 0;
}

static void begin(fixture *f, size_t kept_max_bytes, size_t alive_max_bytes)
{
    f->engine = ring_engine(0);
    f->channel = ring_channel(f->engine, 10, 1 << 20);
    f->other = ring_channel(f->engine, 10, 1 << 20);
    f->encoder = lpi_encoder_create(kept_max_bytes, alive_max_bytes);
    assert_non_null(f->encoder);
}

static void end(fixture *f)
{
    lpi_encoder_destroy(f->encoder);
    lp_channel_close(f->channel);
    lp_channel_close(f->other);
    lp_engine_destroy(f->engine);
}

/* Bodies ------------------------------------------------------------------ */

/* One member, and nothing behind it. */
static size_t gunzip(char *data, size_t bytes)
{
    z_stream z = {0};

    assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
    z.next_in = (Bytef *)data;
    z.avail_in = (uInt)bytes;
    z.next_out = (Bytef *)unpacked;
    z.avail_out = sizeof(unpacked);
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
    assert_int_equal(z.avail_in, 0);
    bytes = z.total_out;
    inflateEnd(&z);
    return bytes;
}

/* One frame, which says how large it will be. */
static size_t unzstd(const char *data, size_t bytes)
{
    size_t out_bytes = ZSTD_decompress(unpacked, sizeof(unpacked), data, bytes);

    assert_false(ZSTD_isError(out_bytes));
    assert_int_equal(ZSTD_findFrameCompressedSize(data, bytes), bytes);
    assert_int_equal(ZSTD_getFrameContentSize(data, bytes), out_bytes);
    return out_bytes;
}

static void assert_unpacks(lp_drain_encoding encoding, char *data, size_t bytes,
                           lp_span expected)
{
    size_t out_bytes =
        encoding == LP_DRAIN_GZIP ? gunzip(data, bytes) : unzstd(data, bytes);

    assert_int_equal(out_bytes, expected.len_bytes);
    assert_memory_equal(unpacked, expected.ptr, expected.len_bytes);
}

/* A batch of lines of LINE_BYTES each that stand in plain, from the first. */
static lp_drain_batch batch_of(lp_run runs[RUNS], lp_seq first, uint32_t lines,
                               uint32_t run_count)
{
    lp_drain_batch batch = {.runs = runs,
                            .run_count = run_count,
                            .line_count = lines,
                            .bytes = (size_t)lines * LINE_BYTES,
                            .first_seq = first,
                            .last_seq = first + lines - 1};
    const char *at = plain + (first - 1) * LINE_BYTES;

    assert_true((first - 1 + lines) * LINE_BYTES <= sizeof(plain));
    memset(runs, 0, RUNS * sizeof(runs[0]));
    for (uint32_t i = 0; i < run_count; i++) {
        runs[i].line_count = i + 1 < run_count
                                 ? lines / run_count
                                 : lines - lines / run_count * (run_count - 1);
        runs[i].bytes = lp_span_of(at, (size_t)runs[i].line_count * LINE_BYTES);
        at += runs[i].bytes.len_bytes;
    }
    return batch;
}

static lpi_encoded *take(fixture *f, lp_drain_encoding encoding, lp_seq first,
                         uint32_t lines, bool is_shared)
{
    lp_run runs[RUNS];
    lp_drain_batch batch = batch_of(runs, first, lines, 1);
    bool was_shared = !is_shared;
    lpi_encoded *encoded =
        lpi_encoder_take(f->encoder, encoding, f->channel, &batch,
                         lp_span_of(NULL, 0), &was_shared);

    assert_non_null(encoded);
    assert_int_equal(was_shared, is_shared);
    assert_unpacks(encoding, encoded->data, encoded->bytes,
                   lp_span_of(plain + (first - 1) * LINE_BYTES, batch.bytes));
    return encoded;
}

static void take_and_release(fixture *f, lp_drain_encoding encoding,
                             lp_seq first, uint32_t lines, bool is_shared)
{
    lpi_encoded_release(take(f, encoding, first, lines, is_shared));
}

/* Codecs ------------------------------------------------------------------ */

static size_t pack(const lpi_codec *codec, void *ctx, const lp_span *parts,
                   size_t count, size_t bytes, char **out)
{
    size_t room_bytes = codec->most_bytes(bytes);

    *out = malloc(room_bytes); // of that size, so that ASan looks as well
    assert_non_null(*out);
    bytes = codec->pack(ctx, parts, count, bytes, *out, room_bytes);
    assert_true(bytes > 0 && bytes <= room_bytes);
    return bytes;
}

static void what_is_cut_anywhere_comes_out_whole(void **state)
{
    const size_t bytes = 700;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        void *ctx = codecs[i]->create();

        for (size_t cut = 0; cut <= bytes; cut++) {
            lp_span parts[] = {
                lp_span_of(plain, cut),
                lp_span_of(plain + cut, bytes - cut),
            };
            char *out;
            size_t out_bytes = pack(codecs[i], ctx, parts, 2, bytes, &out);

            assert_unpacks(encodings[i], out, out_bytes,
                           lp_span_of(plain, bytes));
            free(out);
        }
        codecs[i]->destroy(ctx);
    }
}

static void what_cannot_be_made_smaller_fits(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        void *ctx = codecs[i]->create();

        for (size_t bytes = 1; bytes <= 50000;
             bytes += bytes < 600 ? 1 : 7919) {
            lp_span part = lp_span_of(plain + 50000, bytes);
            char *out;
            size_t out_bytes = pack(codecs[i], ctx, &part, 1, bytes, &out);

            assert_unpacks(encodings[i], out, out_bytes, part);
            free(out);
        }
        codecs[i]->destroy(ctx);
    }
}

static void without_room_nothing_comes_out(void **state)
{
    lp_span part = lp_span_of(plain + 50000, 1000);
    char out[1000];

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        void *ctx = codecs[i]->create();

        assert_int_equal(codecs[i]->pack(ctx, &part, 1, 1000, out, sizeof(out)),
                         0);
        codecs[i]->destroy(ctx);
    }
}

/* Encoders ---------------------------------------------------------------- */

static void each_encoding_gives_all_lines_back(void **state)
{
    fixture f;

    (void)state;
    begin(&f, 0, 0);
    for (size_t i = 0; i < 2; i++) {
        take_and_release(&f, encodings[i], 1, 1, false);
        take_and_release(&f, encodings[i], 1, 6000, false);
        take_and_release(&f, encodings[i], 5000, 1000, false);
    }
    end(&f);
    assert_null(lpi_encoding_name(LP_DRAIN_IDENTITY));
    assert_string_equal(lpi_encoding_name(LP_DRAIN_GZIP), "gzip");
    assert_string_equal(lpi_encoding_name(LP_DRAIN_ZSTD), "zstd");
}

static void a_batch_is_compressed_once(void **state)
{
    fixture f;
    lpi_encoded *first, *again;

    (void)state;
    begin(&f, 0, 0);
    for (size_t i = 0; i < 2; i++) {
        first = take(&f, encodings[i], 1, 500, false);
        again = take(&f, encodings[i], 1, 500, true);
        assert_ptr_equal(first, again);
        lpi_encoded_release(first);
        assert_unpacks(encodings[i], again->data, again->bytes,
                       lp_span_of(plain, 500 * LINE_BYTES));
        lpi_encoded_release(again);
        take_and_release(&f, encodings[i], 1, 500, true);
    }
    end(&f);
}

static void another_batch_is_not_taken_for_it(void **state)
{
    fixture f;
    lp_channel *channel;

    (void)state;
    begin(&f, 0, 0);
    take_and_release(&f, LP_DRAIN_ZSTD, 1, 500, false);
    take_and_release(&f, LP_DRAIN_ZSTD, 1, 499, false);
    take_and_release(&f, LP_DRAIN_ZSTD, 2, 500, false);
    take_and_release(&f, LP_DRAIN_GZIP, 1, 500, false);
    channel = f.channel;
    f.channel = f.other;
    take_and_release(&f, LP_DRAIN_ZSTD, 1, 500, false);
    f.channel = channel;
    take_and_release(&f, LP_DRAIN_ZSTD, 1, 500, true);
    end(&f);
}

static void a_notice_stands_in_front_and_is_nobody_elses(void **state)
{
    const lp_span notice = LP_SPAN("47 Error L10 and so on\n");
    static char expected[50000];
    fixture f;
    lp_run runs[RUNS];
    lp_drain_batch batch = batch_of(runs, 1, 300, 2);
    bool is_shared;

    (void)state;
    begin(&f, 0, 0);
    memcpy(expected, notice.ptr, notice.len_bytes);
    memcpy(expected + notice.len_bytes, plain, batch.bytes);
    take_and_release(&f, LP_DRAIN_GZIP, 1, 300, false);
    for (unsigned i = 0; i < 2; i++) {
        lpi_encoded *encoded = lpi_encoder_take(
            f.encoder, LP_DRAIN_GZIP, f.channel, &batch, notice, &is_shared);

        assert_non_null(encoded);
        assert_false(is_shared);
        assert_int_equal(encoded->plain_bytes, notice.len_bytes + batch.bytes);
        assert_unpacks(LP_DRAIN_GZIP, encoded->data, encoded->bytes,
                       lp_span_of(expected, notice.len_bytes + batch.bytes));
        lpi_encoded_release(encoded);
    }
    take_and_release(&f, LP_DRAIN_GZIP, 1, 300, true);
    end(&f);
}

/* Whatever was compressed before, and in however many runs it was read. */
static void the_same_batch_has_the_same_bytes(void **state)
{
    lp_run runs[RUNS];

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        fixture f, fresh;
        lpi_encoded *first;

        begin(&fresh, 0, 0);
        first = take(&fresh, encodings[i], 1, 6000, false);
        begin(&f, 1, 0); // keeps nothing
        for (uint32_t run_count = 1; run_count <= RUNS; run_count++) {
            lp_drain_batch batch = batch_of(runs, 1, 6000, run_count);
            bool is_shared;
            lpi_encoded *again;

            take_and_release(&f, encodings[i], 7 * run_count, 2000, false);
            again = lpi_encoder_take(f.encoder, encodings[i], f.channel, &batch,
                                     lp_span_of(NULL, 0), &is_shared);
            assert_false(is_shared);
            assert_int_equal(again->bytes, first->bytes);
            assert_memory_equal(again->data, first->data, first->bytes);
            lpi_encoded_release(again);
        }
        lpi_encoded_release(first);
        end(&fresh);
        end(&f);
    }
}

static void a_member_says_nothing_of_when_and_where(void **state)
{
    static const unsigned char head[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0};
    fixture f;
    lpi_encoded *encoded;

    (void)state;
    begin(&f, 0, 0);
    encoded = take(&f, LP_DRAIN_GZIP, 1, 10, false);
    assert_memory_equal(encoded->data, head, sizeof(head));
    lpi_encoded_release(encoded);
    end(&f);
}

/* Bounds ------------------------------------------------------------------ */

static void the_newest_are_kept_up_to_their_bound(void **state)
{
    const size_t kept_max_bytes = 40000;
    fixture f;

    (void)state;
    begin(&f, kept_max_bytes, 0);
    for (lp_seq first = 1; first <= 400; first++) {
        take_and_release(&f, LP_DRAIN_ZSTD, first, 50, false);
        take_and_release(&f, LP_DRAIN_ZSTD, first, 50, true);
        assert_true(lpi_encoder_alive_bytes(f.encoder) <= kept_max_bytes);
    }
    assert_true(lpi_encoder_alive_bytes(f.encoder) > kept_max_bytes / 2);
    take_and_release(&f, LP_DRAIN_ZSTD, 396, 50, true);
    take_and_release(&f, LP_DRAIN_ZSTD, 1, 50, false);
    end(&f);
}

static void what_is_larger_than_the_bound_is_not_kept(void **state)
{
    fixture f;

    (void)state;
    begin(&f, 1000, 0);
    take_and_release(&f, LP_DRAIN_GZIP, 1, 2000, false);
    assert_int_equal(lpi_encoder_alive_bytes(f.encoder), 0);
    take_and_release(&f, LP_DRAIN_GZIP, 1, 2000, false);
    end(&f);
}

static void what_is_held_outlives_its_being_kept(void **state)
{
    fixture f;
    lpi_encoded *held;

    (void)state;
    begin(&f, 10000, 0);
    held = take(&f, LP_DRAIN_ZSTD, 1, 50, false);
    for (lp_seq first = 2; first <= 50; first++)
        take_and_release(&f, LP_DRAIN_ZSTD, first, 50, false);
    take_and_release(&f, LP_DRAIN_ZSTD, 1, 50, false);
    assert_unpacks(LP_DRAIN_ZSTD, held->data, held->bytes,
                   lp_span_of(plain, 50 * LINE_BYTES));
    lpi_encoded_release(held);
    end(&f);
}

static void what_is_alive_has_a_bound_as_well(void **state)
{
    fixture f;
    lp_run runs[RUNS];
    lp_drain_batch batch = batch_of(runs, 501, 500, 1);
    lpi_encoded *held;
    bool is_shared;

    (void)state;
    begin(&f, 0, 60000);
    // What is only kept makes place.
    for (lp_seq first = 1; first <= 10; first++)
        take_and_release(&f, LP_DRAIN_GZIP, first, 500, false);
    assert_true(lpi_encoder_alive_bytes(f.encoder) <= 60000);
    // What is held can't.
    held = take(&f, LP_DRAIN_GZIP, 101, 700, false);
    assert_null(lpi_encoder_take(f.encoder, LP_DRAIN_GZIP, f.channel, &batch,
                                 lp_span_of(NULL, 0), &is_shared));
    lpi_encoded_release(held);
    take_and_release(&f, LP_DRAIN_GZIP, 501, 500, false);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_cut_anywhere_comes_out_whole),
        cmocka_unit_test(what_cannot_be_made_smaller_fits),
        cmocka_unit_test(without_room_nothing_comes_out),
        cmocka_unit_test(each_encoding_gives_all_lines_back),
        cmocka_unit_test(a_batch_is_compressed_once),
        cmocka_unit_test(another_batch_is_not_taken_for_it),
        cmocka_unit_test(a_notice_stands_in_front_and_is_nobody_elses),
        cmocka_unit_test(the_same_batch_has_the_same_bytes),
        cmocka_unit_test(a_member_says_nothing_of_when_and_where),
        cmocka_unit_test(the_newest_are_kept_up_to_their_bound),
        cmocka_unit_test(what_is_larger_than_the_bound_is_not_kept),
        cmocka_unit_test(what_is_held_outlives_its_being_kept),
        cmocka_unit_test(what_is_alive_has_a_bound_as_well),
    };

    return cmocka_run_group_tests(tests, make_plain, NULL);
}
