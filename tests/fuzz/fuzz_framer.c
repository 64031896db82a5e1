/*
 * The first byte says what the rest is.
 *
 * Even: a stream, cut as its second byte says. Frames lie in it, one behind the
 * other; every byte is in a frame, its count, its line end, or counted as lost;
 * what is left is never longer than promised.
 *
 * Odd: a recipe for an honest stream, made here with its right counts and line
 * ends. It is fed whole, byte by byte and in pieces; each time the very frames
 * that went in come out, none marked.
 */
#include <string.h>

#include "fuzz.h"
#include "logplex/framer.h"

enum { FRAME_MAX_BYTES = 64, FRAMES_MAX = 256, HONEST_MAX_BYTES = 1 << 15 };

/* Any stream -------------------------------------------------------------- */

/* Bytes around a frame: at most a count and its space, or CR and LF. */
static void check_frame(const lp_frame *frame, lp_span before, lp_span after,
                        uint64_t dropped_bytes)
{
    size_t taken_bytes = (size_t)(after.ptr - before.ptr);

    REQUIRE(is_within(frame->bytes, before));
    REQUIRE(frame->bytes.len_bytes <= FRAME_MAX_BYTES);
    REQUIRE(taken_bytes >= frame->bytes.len_bytes + dropped_bytes);
    REQUIRE(taken_bytes - frame->bytes.len_bytes - dropped_bytes <=
            LP_FRAME_PREFIX_MAX_BYTES);
    REQUIRE(taken_bytes > 0);
    REQUIRE(after.ptr + after.len_bytes == before.ptr + before.len_bytes);
}

static void check_counters(const lp_framer *framer, uint64_t frames,
                           uint64_t cut_frames)
{
    REQUIRE(framer->octet_frames + framer->line_frames == frames);
    REQUIRE(framer->cut_frames == cut_frames);
    REQUIRE(framer->skip_bytes == 0 || framer->cut_frames > 0);
    REQUIRE(framer->resyncs <= frames);
}

static void feed_any(lp_span all, size_t piece_bytes)
{
    lp_framer framer;
    lp_frame frame;
    lp_span rest = lp_span_of(all.ptr, 0);
    lp_span before;
    uint64_t frames = 0;
    uint64_t cut_frames = 0;
    uint64_t frame_bytes = 0;
    bool is_ending = false;

    lp_framer_init(&framer, FRAME_MAX_BYTES);
    for (size_t fed = 0; !is_ending;) {
        fed += piece_bytes < all.len_bytes - fed ? piece_bytes
                                                 : all.len_bytes - fed;
        rest.len_bytes = (size_t)(all.ptr + fed - rest.ptr);
        is_ending = fed == all.len_bytes;
        for (;;) {
            uint64_t dropped_bytes = framer.cut_bytes;

            before = rest;
            if (lp_framer_next(&framer, &rest, &frame) != LP_OK &&
                (!is_ending ||
                 lp_framer_finish(&framer, &rest, &frame) != LP_OK)) {
                break;
            }
            check_frame(&frame, before, rest, framer.cut_bytes - dropped_bytes);
            frames++;
            frame_bytes += frame.bytes.len_bytes;
            cut_frames += frame.cut;
        }
        REQUIRE(rest.len_bytes <= FRAME_MAX_BYTES + LP_FRAME_PREFIX_MAX_BYTES);
        check_counters(&framer, frames, cut_frames);
    }
    REQUIRE(rest.len_bytes == 0);
    REQUIRE(frame_bytes + framer.cut_bytes + framer.truncated_bytes <=
            all.len_bytes);
    REQUIRE(all.len_bytes <= frame_bytes + framer.cut_bytes +
                                 framer.truncated_bytes +
                                 (frames + 1) * LP_FRAME_PREFIX_MAX_BYTES);
}

/* Honest streams ---------------------------------------------------------- */

typedef struct honest {
    char bytes[HONEST_MAX_BYTES];
    size_t len_bytes;
    lp_frame frames[FRAMES_MAX];
    size_t frame_count;
} honest;

static void put(honest *out, const void *bytes, size_t len_bytes)
{
    memcpy(out->bytes + out->len_bytes, bytes, len_bytes);
    out->len_bytes += len_bytes;
}

static void add_octet(honest *out, lp_span text)
{
    char count[32];
    int n = snprintf(count, sizeof(count), "%zu ", text.len_bytes + 5);

    put(out, count, (size_t)n);
    out->frames[out->frame_count] =
        (lp_frame){.bytes = {out->bytes + out->len_bytes, text.len_bytes + 5},
                   .framing = LP_FRAMING_OCTET};
    put(out, "<13>1", 5);
    put(out, text.ptr, text.len_bytes);
}

static void add_line(honest *out, lp_span text, bool is_crlf)
{
    size_t start = out->len_bytes;

    put(out, "<13>1", 5);
    for (size_t i = 0; i < text.len_bytes; i++) {
        if (text.ptr[i] != '\n' && text.ptr[i] != '\0' && text.ptr[i] != '\r') {
            put(out, text.ptr + i, 1);
        }
    }
    out->frames[out->frame_count] =
        (lp_frame){.bytes = {out->bytes + start, out->len_bytes - start},
                   .framing = LP_FRAMING_LINE};
    put(out, is_crlf ? "\r\n" : "\n", is_crlf ? 2 : 1);
}

/*
 * Recipe: a byte that says how, one that says how long, and so many bytes. A
 * counted frame that ends in a blank is followed by an empty line: with a digit
 * before the blank, and a line behind it, it would look like a lie.
 */
static void make_honest(honest *out, lp_span recipe)
{
    while (recipe.len_bytes > 2 && out->frame_count < FRAMES_MAX - 1 &&
           out->len_bytes < HONEST_MAX_BYTES - 300) {
        unsigned how = (uint8_t)recipe.ptr[0];
        size_t bytes = (uint8_t)recipe.ptr[1];
        lp_span text;

        recipe = lp_span_skip(recipe, 2);
        bytes = bytes < recipe.len_bytes ? bytes : recipe.len_bytes;
        text = lp_span_of(recipe.ptr, bytes);
        recipe = lp_span_skip(recipe, bytes);
        if (how % 4 == 0) {
            add_line(out, text, how & 4);
        } else {
            add_octet(out, text);
        }
        out->frame_count++;
        if (how % 4 == 3 ||
            (how % 4 != 0 && bytes > 0 && text.ptr[bytes - 1] == ' ')) {
            out->frames[out->frame_count] =
                (lp_frame){.bytes = {out->bytes + out->len_bytes, 0},
                           .framing = LP_FRAMING_LINE};
            put(out, "\n", 1);
            out->frame_count++;
        }
    }
}

static void feed_honest(const honest *in, size_t piece_bytes)
{
    lp_framer framer;
    lp_frame frame;
    lp_span rest = lp_span_of(in->bytes, 0);
    size_t n = 0;

    lp_framer_init(&framer, 1024);
    for (size_t fed = 0; fed < in->len_bytes;) {
        fed += piece_bytes < in->len_bytes - fed ? piece_bytes
                                                 : in->len_bytes - fed;
        rest.len_bytes = (size_t)(in->bytes + fed - rest.ptr);
        while (lp_framer_next(&framer, &rest, &frame) == LP_OK) {
            const lp_frame *expected = &in->frames[n];

            REQUIRE(n < in->frame_count);
            REQUIRE(frame.bytes.ptr == expected->bytes.ptr);
            REQUIRE(frame.bytes.len_bytes == expected->bytes.len_bytes);
            REQUIRE(frame.framing == expected->framing);
            REQUIRE(!frame.cut && !frame.resynced);
            n++;
        }
    }
    REQUIRE(n == in->frame_count);
    REQUIRE(rest.len_bytes == 0);
    REQUIRE(framer.resyncs == 0 && framer.cut_bytes == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static honest stream;
    lp_span all = lp_span_of((const char *)data, size);
    size_t piece_bytes;

    if (size < 2) {
        return 0;
    }
    piece_bytes = (size_t)data[1] + 1;
    all = lp_span_skip(all, 2);
    if (data[0] % 2 == 0) {
        feed_any(all, piece_bytes);
        feed_any(all, 1);
        feed_any(all, all.len_bytes + 1);
        return 0;
    }
    stream.len_bytes = 0;
    stream.frame_count = 0;
    make_honest(&stream, all);
    feed_honest(&stream, piece_bytes);
    feed_honest(&stream, 1);
    feed_honest(&stream, stream.len_bytes + 1);
    return 0;
}
