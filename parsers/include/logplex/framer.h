/*
 * framer.h - finds syslog frames in a stream of bytes (RFC 6587).
 *
 * Octet counting ("LEN SP frame", RFC 6587 3.4.1) and newline framing (3.4.2)
 * are told apart frame by frame, as real streams mix them. The framer never
 * buffers: it works on the caller's bytes and says LP_E_MORE when they end
 * inside a frame. It allocates nothing and takes linear time on every input.
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
    bool resynced; /* its count or that before it lied: this frame ends
                            or begins where the next plausible one does */
} lp_frame;

/* Made by lp_framer_init(). The counters are the caller's to read. */
typedef struct lp_framer {
    uint32_t frame_max_bytes;
    uint32_t skip_line;  /* dropping up to the end of a cut line */
    uint64_t skip_bytes; /* still to drop of a cut counted frame */
    uint64_t octet_frames;
    uint64_t line_frames;
    uint64_t cut_frames;
    uint64_t cut_bytes;        /* dropped from cut frames                */
    uint64_t resyncs;          /* counts found to lie                    */
    uint64_t truncated_frames; /* the stream ended inside a frame        */
    uint64_t truncated_bytes;
} lp_framer;

/* frame_max_bytes: 0 means LP_FRAME_MAX_DEFAULT_BYTES; at least 64. */
LP_API void lp_framer_init(lp_framer *framer, uint32_t frame_max_bytes);

/*
 * Takes the next frame off the front of *rest.
 * LP_OK       *frame is set and *rest has moved past it.
 * LP_E_MORE   *rest is empty or the beginning of a frame: call again with the
 *             same bytes and more behind them. It is never longer than
 *             frame_max_bytes + LP_FRAME_PREFIX_MAX_BYTES.
 */
LP_API lp_err lp_framer_next(lp_framer *framer, lp_span *rest, lp_frame *frame);

/*
 * The stream has ended with *rest, which lp_framer_next() wanted more of.
 * LP_OK       a last line without its LF is a frame: *frame is set.
 * LP_E_MORE   nothing is left, or half a counted frame, which is counted as
 *             truncated. Either way *rest is empty afterwards.
 */
LP_API lp_err lp_framer_finish(lp_framer *framer, lp_span *rest,
                               lp_frame *frame);

#ifdef __cplusplus
}
#endif

#endif /* LOGPLEX_FRAMER_H */
