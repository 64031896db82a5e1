/*
 * peer.h - the other side of a syslog drain, in the test's own thread: nothing
 * happens there but when the test says so.
 *
 * Lines say their number, as those of drain_lines.h; what comes is held against
 * that.
 */
#ifndef TESTS_PEER_H
#define TESTS_PEER_H

#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PEER_LINES_MAX = 65536 };

typedef struct peer {
    int listener;
    uint16_t port;
    gnutls_certificate_credentials_t credentials; /* NULL: no TLS */
    const char *priorities;                       /* NULL: NORMAL */
    bool wants_certificate;
    bool is_by_newline; /* else counted */
    const char *token;  /* that each line is to have; NULL: any */
    bool is_mute;       /* it accepts, and does no more */

    unsigned connections;
    int fd; /* -1: there is none */
    gnutls_session_t session;
    bool is_shaken;
    bool is_ended;          /* by the drain, in the way that is told here: */
    bool has_heard_goodbye; /* close_notify */
    int error;              /* of GnuTLS, at the end */
    char server_name[64];   /* that it was asked for */
    uint64_t read_bytes;    /* of text, in all */
    char *text;             /* not a whole line yet */
    size_t text_bytes, room_bytes;

    uint64_t lines; /* that have come */
    uint64_t last;  /* the number of the last one */
    bool is_out_of_order;
    uint8_t seen[PEER_LINES_MAX]; /* how often, by number */
    char line[4096];              /* the last one, as it came, cut */
    size_t line_bytes;            /* of it, not cut */
} peer;

void peer_begin(peer *p, int type);
void peer_end(peer *p);

/* One turn: it accepts, shakes hands, and reads up to so much. Returns whether
 * something came. */
bool peer_step(peer *p, size_t bytes_max);

/* A datagram, if there is one. */
bool peer_receive(peer *p);

/*
 * rest      until what was read has been acknowledged
 * read_all  what the kernels have; the drain itself sends no more meanwhile
 * die       by a reset; what was not read is lost
 * close     with a goodbye
 */
void peer_rest(void);
void peer_read_all(peer *p);
void peer_die(peer *p);
void peer_close(peer *p);

#endif /* TESTS_PEER_H */
