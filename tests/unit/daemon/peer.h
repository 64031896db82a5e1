/*
 * peer.h - a bare HTTP client for tests: it says what it is told to, byte by
 * byte if need be, and fails the test when nothing comes back within 10 s.
 */
#ifndef TESTS_PEER_H
#define TESTS_PEER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

typedef struct peer {
    int fd;
    char *heard; /* received, not yet looked at; NUL behind it */
    size_t heard_bytes;
    size_t room_bytes;
} peer;

typedef struct answer {
    int status;
    char head[4096]; /* the header section, NUL-terminated */
    char *body;      /* NUL-terminated                     */
    size_t body_bytes;
    bool is_chunked;
    bool is_whole; /* its end was seen, not the connection's */
} answer;

/* A socket that a server may have, listening on this machine alone; its port. */
uint16_t peer_listen(int *fd);

peer peer_dial(uint16_t port);
void peer_hang_up(peer *p);
void peer_say_bytes(peer *p, const char *bytes, size_t len_bytes);
void peer_say(peer *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Reads until want bytes have been heard; false: the connection ended. */
bool peer_hear(peer *p, size_t want_bytes);

/* Reads until text has been heard; false: the connection ended first. */
bool peer_hear_text(peer *p, const char *text);

/* One whole answer, chunked, counted, or up to the end of the connection. */
answer peer_hear_answer(peer *p, bool is_head);
void answer_free(answer *a);

/* Says, hears, checks the status and the body (NULL: any). */
void peer_expect(peer *p, int status, const char *body);

/* True when the connection ends, with nothing more said, within ms. */
bool peer_is_hung_up(peer *p, int within_ms);

#endif /* TESTS_PEER_H */
