/* encoder.c - see encoder.h. */
#include "encoder.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"

enum { KEPT_MAX_BYTES = 4 << 20, ALIVE_MAX_BYTES = 64 << 20, BUCKETS = 1024 };

static const lpi_codec *const codecs[] = {
    [LP_DRAIN_IDENTITY] = NULL,
    [LP_DRAIN_GZIP] = &lpi_codec_gzip,
    [LP_DRAIN_ZSTD] = &lpi_codec_zstd,
};

enum { CODECS = sizeof(codecs) / sizeof(codecs[0]) };

struct lpi_encoder {
    void *contexts[CODECS]; /* of codecs, from their first use on */
    char *room;             /* what comes out is written here first */
    size_t room_bytes;

    TAILQ_HEAD(kept_queue, lpi_encoded) kept; /* the newest first */
    lpi_encoded *buckets[BUCKETS];
    size_t kept_bytes, kept_max_bytes;
    size_t alive_bytes, alive_max_bytes;
};

const char *lpi_encoding_name(lp_drain_encoding encoding)
{
    return codecs[encoding] ? codecs[encoding]->name : NULL;
}

/* What is kept ------------------------------------------------------------ */

static lpi_encoded **bucket_of(lpi_encoder *encoder, const lpi_encoded *key)
{
    uint64_t mix = key->epoch + key->first_seq * UINT64_C(0x9e3779b97f4a7c15) +
                   key->line_count + ((uint64_t)key->encoding << 32);

    mix *= UINT64_C(0xd6e8feb86659fd93);
    return &encoder->buckets[(mix >> 32) % BUCKETS];
}

static bool is_same(const lpi_encoded *a, const lpi_encoded *b)
{
    return a->channel == b->channel && a->epoch == b->epoch &&
           a->first_seq == b->first_seq && a->line_count == b->line_count &&
           a->encoding == b->encoding;
}

static lpi_encoded *find(lpi_encoder *encoder, const lpi_encoded *key)
{
    lpi_encoded *at = *bucket_of(encoder, key);

    while (at && !is_same(at, key))
        at = at->next_in_bucket;
    return at;
}

static void let_go(lpi_encoded *encoded)
{
    if (--encoded->holders > 0)
        return;
    encoded->encoder->alive_bytes -= encoded->cost_bytes;
    free(encoded);
}

static void forget_oldest(lpi_encoder *encoder)
{
    lpi_encoded *oldest = TAILQ_LAST(&encoder->kept, kept_queue);
    lpi_encoded **at = bucket_of(encoder, oldest);

    while (*at != oldest)
        at = &(*at)->next_in_bucket;
    *at = oldest->next_in_bucket;
    TAILQ_REMOVE(&encoder->kept, oldest, kept);
    encoder->kept_bytes -= oldest->cost_bytes;
    let_go(oldest);
}

static void keep(lpi_encoder *encoder, lpi_encoded *encoded)
{
    lpi_encoded **bucket = bucket_of(encoder, encoded);

    encoded->holders++;
    encoded->next_in_bucket = *bucket;
    *bucket = encoded;
    TAILQ_INSERT_HEAD(&encoder->kept, encoded, kept);
    encoder->kept_bytes += encoded->cost_bytes;
    while (encoder->kept_bytes > encoder->kept_max_bytes)
        forget_oldest(encoder);
}

/* Compressing ------------------------------------------------------------- */

/* Runs that lie side by side in a segment are one part. So the parts depend on
 * the lines alone, and not on how many there were when a run was taken, which
 * could make a difference to what zlib writes. */
static size_t list_parts(const lp_drain_batch *batch, lp_span notice,
                         lp_span *parts)
{
    size_t count = 0;

    if (notice.len_bytes > 0)
        parts[count++] = notice;
    for (uint32_t i = 0; i < batch->run_count; i++) {
        lp_span bytes = batch->runs[i].bytes;
        lp_span *last = count > 0 ? &parts[count - 1] : NULL;

        if (last && last->ptr + last->len_bytes == bytes.ptr)
            last->len_bytes += bytes.len_bytes;
        else
            parts[count++] = bytes;
    }
    return count;
}

static bool make_room(lpi_encoder *encoder, size_t most_bytes)
{
    if (encoder->room_bytes >= most_bytes)
        return true;
    free(encoder->room);
    encoder->room = malloc(most_bytes);
    encoder->room_bytes = encoder->room ? most_bytes : 0;
    return encoder->room != NULL;
}

/* To encoder->room; returns how much, 0: there is no memory. */
static size_t pack(lpi_encoder *encoder, lp_drain_encoding encoding,
                   const lp_drain_batch *batch, lp_span notice)
{
    const lpi_codec *codec = codecs[encoding];
    void **context = &encoder->contexts[encoding];
    size_t in_bytes = notice.len_bytes + batch->bytes;
    lp_span *parts;
    size_t bytes;

    if (!*context)
        *context = codec->create();
    if (!*context || !make_room(encoder, codec->most_bytes(in_bytes)))
        return 0;
    parts = malloc((batch->run_count + (size_t)1) * sizeof(*parts));
    if (!parts)
        return 0;
    bytes = codec->pack(*context, parts, list_parts(batch, notice, parts),
                        in_bytes, encoder->room, encoder->room_bytes);
    free(parts);
    return bytes;
}

/* Out of encoder->room. */
static lpi_encoded *new_encoded(lpi_encoder *encoder, const lpi_encoded *key,
                                size_t bytes)
{
    size_t cost_bytes = sizeof(lpi_encoded) + bytes;
    lpi_encoded *encoded;

    while (encoder->alive_bytes + cost_bytes > encoder->alive_max_bytes &&
           !TAILQ_EMPTY(&encoder->kept))
        forget_oldest(encoder);
    if (encoder->alive_bytes + cost_bytes > encoder->alive_max_bytes)
        return NULL;
    encoded = malloc(cost_bytes);
    if (!encoded)
        return NULL;
    *encoded = *key;
    encoded->encoder = encoder;
    encoded->holders = 1;
    encoded->cost_bytes = (uint32_t)cost_bytes;
    encoded->bytes = bytes;
    memcpy(encoded->data, encoder->room, bytes);
    encoder->alive_bytes += cost_bytes;
    return encoded;
}

lpi_encoded *lpi_encoder_take(lpi_encoder *encoder, lp_drain_encoding encoding,
                              const lp_channel *channel,
                              const lp_drain_batch *batch, lp_span notice,
                              bool *is_shared)
{
    lpi_encoded key = {
        .channel = channel,
        .epoch = lp_channel_epoch(channel),
        .first_seq = batch->first_seq,
        .line_count = batch->line_count,
        .encoding = encoding,
        .plain_bytes = notice.len_bytes + batch->bytes,
    };
    // With a notice, or with lines left out, it is one drain's alone.
    bool is_common =
        notice.len_bytes == 0 &&
        batch->last_seq - batch->first_seq + 1 == batch->line_count;
    lpi_encoded *encoded = is_common ? find(encoder, &key) : NULL;
    size_t bytes;

    *is_shared = encoded != NULL;
    if (encoded) {
        assert(encoded->plain_bytes == key.plain_bytes);
        encoded->holders++;
        return encoded;
    }
    bytes = pack(encoder, encoding, batch, notice);
    encoded = bytes > 0 ? new_encoded(encoder, &key, bytes) : NULL;
    if (encoded && is_common)
        keep(encoder, encoded);
    return encoded;
}

void lpi_encoded_release(lpi_encoded *encoded)
{
    if (encoded)
        let_go(encoded);
}

/* Life -------------------------------------------------------------------- */

lpi_encoder *lpi_encoder_create(size_t kept_max_bytes, size_t alive_max_bytes)
{
    lpi_encoder *encoder = calloc(1, sizeof(*encoder));

    if (!encoder)
        return NULL;
    TAILQ_INIT(&encoder->kept);
    encoder->kept_max_bytes = kept_max_bytes ? kept_max_bytes : KEPT_MAX_BYTES;
    encoder->alive_max_bytes =
        alive_max_bytes ? alive_max_bytes : ALIVE_MAX_BYTES;
    return encoder;
}

void lpi_encoder_destroy(lpi_encoder *encoder)
{
    if (!encoder)
        return;
    while (!TAILQ_EMPTY(&encoder->kept))
        forget_oldest(encoder);
    assert(encoder->alive_bytes == 0);
    for (size_t i = 0; i < CODECS; i++)
        if (codecs[i])
            codecs[i]->destroy(encoder->contexts[i]);
    free(encoder->room);
    free(encoder);
}

size_t lpi_encoder_alive_bytes(const lpi_encoder *encoder)
{
    return encoder->alive_bytes;
}
