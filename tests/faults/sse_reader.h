/*
 * sse_reader.h - the reader of a tail who keeps accounts. Pure: bytes in.
 *
 *     HTTP/1.1 head -> chunks -> lines -> events -> account
 *
 * Bytes may be cut anywhere. An event counts when its empty line has come, as
 * for every EventSource (WHATWG HTML, 9.2.6); what a broken connection leaves
 * of one is forgotten. The rules of the account:
 *
 *     a line   its seq is one more than the position; the number in its text
 *              runs along with seq. It becomes the position.
 *     a gap    lost is what lies between the position and its id, exactly.
 *              Its id becomes the position.
 *
 * So nothing is repeated, and lines + lost is how far the position has come.
 */
#ifndef TESTS_SSE_READER_H
#define TESTS_SSE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SSE_LINE_BYTES = 1024, SSE_WRONG_BYTES = 320 };

typedef enum sse_stage {
    SSE_STATUS,
    SSE_HEAD,
    SSE_CHUNK_SIZE,
    SSE_CHUNK,
    SSE_CHUNK_END,
    SSE_OVER, /* the response came to its end */
} sse_stage;

/* A line being put together, of the transport or of an event. */
typedef struct sse_line {
    char text[SSE_LINE_BYTES + 1];
    size_t len_bytes;
} sse_line;

typedef struct sse_event {
    bool has_id;
    bool has_data;
    bool is_gap;
    uint64_t epoch;
    uint64_t seq;
    char data[SSE_LINE_BYTES + 1];
} sse_event;

typedef struct sse_reader {
    sse_stage stage;
    size_t chunk_left_bytes;
    sse_line transport;
    sse_line line;
    sse_event event;
    uint64_t events; /* of this connection */

    bool has_position;
    uint64_t epoch;
    uint64_t position;  /* seq of the last event that counted */
    uint64_t first_seq; /* of the line that came first, number 0 */
    bool is_notice_due; /* a gap is told once more, in words     */

    uint64_t lines; /* after the first one */
    uint64_t lost_lines;
    uint64_t gaps;
    uint64_t gaps_inside; /* of these, not the first event of a connection */

    bool is_wrong;
    char wrong[SSE_WRONG_BYTES]; /* what came first that breaks a rule */
} sse_reader;

/* A new connection: what was left of the one before is forgotten. */
void sse_reader_connect(sse_reader *r);

void sse_reader_feed(sse_reader *r, const char *bytes, size_t len_bytes);

/* Is it in the middle of an event? */
bool sse_reader_is_inside(const sse_reader *r);

#endif /* TESTS_SSE_READER_H */
