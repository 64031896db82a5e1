#include "http/inflate.h"

#include <stdbool.h>
#include <stdlib.h>
#include <strings.h>

#include <zlib.h>
#include <zstd.h>

enum {
    FIRST_ROOM_BYTES = 64 * 1024,
    GZIP_WINDOW_BITS = 15 + 16, /* gzip's header and trailer, not zlib's */
    /* 8 MiB, what every decoder has to support (RFC 8878, 3.1.1.1.2). */
    ZSTD_WINDOW_LOG_MAX = 23
};

/* What comes out. */
typedef struct room {
    char *ptr;
    size_t used_bytes;
    size_t room_bytes;
    size_t max_bytes;
} room;

/* One byte over the limit is allowed, to see that there is one. */
static inflate_err grow(room *to)
{
    size_t room_bytes = to->room_bytes ? 2 * to->room_bytes : FIRST_ROOM_BYTES;
    char *ptr;

    if (to->used_bytes > to->max_bytes)
        return INFLATE_TOO_BIG;
    if (to->used_bytes < to->room_bytes)
        return INFLATE_OK;
    if (room_bytes > to->max_bytes)
        room_bytes = to->max_bytes + 1;
    ptr = realloc(to->ptr, room_bytes);
    if (!ptr)
        return INFLATE_NOMEM;
    to->ptr = ptr;
    to->room_bytes = room_bytes;
    return INFLATE_OK;
}

/* Padding behind the last member is allowed (gzip(1)). */
static bool is_padding(lp_span rest)
{
    for (size_t i = 0; i < rest.len_bytes; i++)
        if (rest.ptr[i] != '\0')
            return false;
    return true;
}

/* As much as zlib's counters can hold; bodies are smaller. */
static uInt piece(size_t len_bytes)
{
    return len_bytes > 1U << 30 ? 1U << 30 : (uInt)len_bytes;
}

static int gunzip_some(z_stream *z, lp_span *rest, room *to)
{
    // zlib does not write here, it only forgot to say so.
    union {
        const char *is;
        Bytef *wants;
    } from = {rest->ptr};
    uInt in_bytes = piece(rest->len_bytes);
    uInt out_bytes = piece(to->room_bytes - to->used_bytes);
    int err;

    z->next_in = from.wants;
    z->avail_in = in_bytes;
    z->next_out = (Bytef *)to->ptr + to->used_bytes;
    z->avail_out = out_bytes;
    err = inflate(z, Z_NO_FLUSH);
    *rest = lp_span_skip(*rest, in_bytes - z->avail_in);
    to->used_bytes += out_bytes - z->avail_out;
    return err;
}

static inflate_err gunzip(lp_span rest, room *to)
{
    z_stream z = {0};
    inflate_err result = INFLATE_OK;
    int err = Z_OK;

    if (rest.len_bytes == 0)
        return INFLATE_DAMAGED;
    if (inflateInit2(&z, GZIP_WINDOW_BITS) != Z_OK)
        return INFLATE_NOMEM;
    while (result == INFLATE_OK) {
        if (err == Z_STREAM_END && is_padding(rest))
            break;
        if (err == Z_STREAM_END)
            inflateReset(&z);
        result = grow(to);
        if (result != INFLATE_OK)
            break;
        err = gunzip_some(&z, &rest, to);
        if (err == Z_MEM_ERROR)
            result = INFLATE_NOMEM;
        else if (err != Z_OK && err != Z_STREAM_END)
            result = INFLATE_DAMAGED; // also Z_BUF_ERROR: it ends too soon
    }
    inflateEnd(&z);
    return result;
}

static inflate_err unzstd_all(ZSTD_DCtx *ctx, lp_span rest, room *to)
{
    ZSTD_inBuffer in = {rest.ptr, rest.len_bytes, 0};
    size_t left = 1; // 0: a frame is complete

    while (in.pos < in.size || left != 0) {
        ZSTD_outBuffer out;
        size_t before = in.pos;
        inflate_err err = grow(to);

        if (err != INFLATE_OK)
            return err;
        out = (ZSTD_outBuffer){to->ptr, to->room_bytes, to->used_bytes};
        left = ZSTD_decompressStream(ctx, &out, &in);
        if (ZSTD_isError(left))
            return INFLATE_DAMAGED;
        if (left != 0 && in.pos == before && out.pos == to->used_bytes)
            return INFLATE_DAMAGED; // it ends too soon
        to->used_bytes = out.pos;
    }
    return INFLATE_OK;
}

static inflate_err unzstd(lp_span rest, room *to)
{
    ZSTD_DCtx *ctx = ZSTD_createDCtx();
    inflate_err err;

    if (!ctx)
        return INFLATE_NOMEM;
    ZSTD_DCtx_setParameter(ctx, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX);
    err = unzstd_all(ctx, rest, to);
    ZSTD_freeDCtx(ctx);
    return err;
}

inflate_err inflate_body(const char *coding, lp_span body, size_t out_max_bytes,
                         char **out, size_t *out_bytes)
{
    room to = {NULL, 0, 0, out_max_bytes};
    inflate_err err;

    if (strcasecmp(coding, "gzip") == 0 || strcasecmp(coding, "x-gzip") == 0)
        err = gunzip(body, &to);
    else if (strcasecmp(coding, "zstd") == 0)
        err = unzstd(body, &to);
    else
        return INFLATE_UNKNOWN;
    if (err == INFLATE_OK && to.used_bytes > out_max_bytes)
        err = INFLATE_TOO_BIG;
    if (err != INFLATE_OK) {
        free(to.ptr);
        return err;
    }
    *out = to.ptr;
    *out_bytes = to.used_bytes;
    return INFLATE_OK;
}
