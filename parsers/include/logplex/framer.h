/*
 * framer.h - finds syslog frames in a stream of bytes (RFC 6587).
 *
 * Octet counting ("LEN SP frame", RFC 6587 3.4.1) and newline framing (3.4.2)
 * are told apart frame by frame, as real streams mix them. The framer never
 * buffers: it works on the caller's bytes and says LP_E_MORE when they end
 * inside a frame. It allocates nothing and takes linear time on every input,
 * however it is cut.
 *
 * Counts that lie. A frame must be followed by what can begin one: a count, "<"
 * or a line end. When it is not, its count was wrong, and the next counted
 * message, which looks like "123 <45>", is searched for:
 *
 *     too large   100 <13>1 ... short99 <13>1 ... another message...
 *                     |              ^ the frame ends here instead
 *     too small   20 <13>1 ... a message of more bytes99 <13>1 ...
 *                     | frame |  a line that ends here ^
 *
 * A frame that fits what is behind it is not searched, so a message may quote a
 * frame. Searched are those with a count over the limit and those whose next
 * frame is a lie; and they are taken apart only where whole counted frames
 * follow each other inside. (One that ends as the count of the next one would,
 * as in "took 5 ", and has a line behind it and not a count, passes for a lie:
 * no sender mixes the two like that.)
 * Whether a count lies is decided with the bytes that are there: a frame is
 * never held back to wait for those behind it. So what becomes of a lie can
 * depend on where the stream was cut; honest frames are the same wherever it
 * was. What a count too small leaves in front of the next one, if it is digits,
 * makes that one larger: such a lie can swallow as much as the count then says.
 *
 * Threads: any, one at a time for each framer.
 */
#ifndef LOGPLEX_FRAMER_H
#define LOGPLEX_FRAMER_H

#include <stdint.h>

#include "logplex/errors.h"
#include "logplex/span.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    LP_FRAME_MAX_DEFAULT_BYTES = 65536,
    /* What may stand before the bytes of a frame: a count and its space. A
     * caller's buffer of frame_max_bytes + this is always large enough. */
    LP_FRAME_PREFIX_MAX_BYTES = 16
};

typedef enum lp_framing {
    LP_FRAMING_OCTET = 0, /* a count came first                           */
    LP_FRAMING_LINE = 1   /* LF or NUL came last, and a CR before LF went */
} lp_framing;

typedef struct lp_frame {
    lp_span bytes; /* points into the caller's bytes; may be empty */
    lp_framing framing;
    bool cut;      /* it was longer than frame_max_bytes */
    bool resynced; /* a count lied: this frame ends where the next plausible one
                      begins, or is what a count too small left behind */
} lp_frame;

/*
 * Made by lp_framer_init(). The counters are the caller's to read. Every byte
 * taken is in a frame, in front of it (its count) or behind it (its line end),
 * or in cut_bytes or truncated_bytes.
 */
typedef struct lp_framer {
    uint32_t frame_max_bytes;
    uint32_t scanned_bytes; /* of *rest: no line ends in them        */
    uint64_t skip_bytes;    /* still to drop of a cut counted frame  */
    uint32_t skip_line;     /* dropping the rest of a cut line       */
    uint32_t after_octet;   /* what the last frame was               */
    uint64_t octet_frames;
    uint64_t line_frames;
    uint64_t cut_frames;
    uint64_t cut_bytes;        /* dropped from cut frames            */
    uint64_t resyncs;          /* counts found to lie                */
    uint64_t truncated_frames; /* the stream ended inside a frame    */
    uint64_t truncated_bytes;
    /* The first seven bytes of the frame to come, if they have been read as its
     * count: that is of so many bytes, and its text begins there. */
    uint64_t ahead_word;
    uint32_t ahead_count;
    uint32_t ahead_begin; /* 0: they have not */
} lp_framer;

/* frame_max_bytes: 0 means LP_FRAME_MAX_DEFAULT_BYTES; at least 64. */
LP_API void lp_framer_init(lp_framer *framer, uint32_t frame_max_bytes);

/*
 * Takes the next frame off the front of *rest.
 * LP_OK       *frame is set and *rest has moved past it.
 * LP_E_MORE   *rest is empty or the beginning of a frame: call again with the
 *             same bytes and more behind them. It is never longer than
 *             frame_max_bytes + LP_FRAME_PREFIX_MAX_BYTES.
 *
 * A count over frame_max_bytes gives a frame cut to that, as soon as it is
 * there; one over 16 times as much is no count but the beginning of a line.
 */
LP_API lp_err lp_framer_next(lp_framer *framer, lp_span *rest, lp_frame *frame);

/*
 * The stream has ended with *rest, which lp_framer_next() wanted more of. Call
 * it until it says LP_E_MORE.
 * LP_OK       *frame is set: a last line without its LF, or what could be saved
 *             from a count that lied.
 * LP_E_MORE   nothing is left, or half a counted frame, which is counted as
 *             truncated. *rest is empty, and the framer ready for a new stream.
 */
LP_API lp_err lp_framer_finish(lp_framer *framer, lp_span *rest,
                               lp_frame *frame);

#ifdef __cplusplus
}
#endif

#endif /* LOGPLEX_FRAMER_H */
