/*
 * tls_transport.c - TLS over TCP; see transport.h.
 *
 * What the kernel has to send is ciphertext, and a record that came only in part
 * is of no use to the peer. So of each record its two sizes are kept, until all
 * of it has arrived:
 *
 *     text        |  record  |  record  |    16 KiB at most
 *     ciphertext  |   record   |   record   |
 *                      pushed_bytes - unacknowledged
 */
#include <errno.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sizes.h"
#include "tls_alert.h"
#include "tls_trust.h"
#include "transport.h"

enum { READS_MAX = 16 /* at a time */ };

typedef struct tls {
    lpi_transport base;
    const lp_drain *drain;
    lpi_trust *trust;
    gnutls_session_t session;
    uv_loop_t *loop;
    bool is_insecure;
    bool has_pulled; /* something, since the handshake */
    bool has_heard;  /* and it was no alert            */
    int err;         /* of the socket                  */
    uint64_t begun_ms;
    uint64_t belief_ms; /* see is_believed() */
    lpi_tls_verdict verdict;
    uint64_t pushed_bytes;  /* of ciphertext, to the kernel */
    uint64_t marked_bytes;  /* of these, before the first record to come */
    uint64_t gone_bytes;    /* of these, before the first record of the queue */
    uint64_t arrived_bytes; /* of text, before it */
    lpi_sizes records;      /* of ciphertext and of text, by turns */
    char host[];            /* without a dot at its end */
} tls;

/* What GnuTLS asks of the socket ------------------------------------------ */

static ssize_t on_push(gnutls_transport_ptr_t ctx, const void *data,
                       size_t data_bytes)
{
    tls *t = ctx;
    ssize_t sent =
        send(t->base.fd, data, data_bytes, MSG_NOSIGNAL | MSG_DONTWAIT);

    if (sent >= 0) {
        t->pushed_bytes += (uint64_t)sent;
    } else {
        t->err = errno;
        gnutls_transport_set_errno(t->session, t->err);
    }
    return sent;
}

static ssize_t on_pull(gnutls_transport_ptr_t ctx, void *out, size_t room_bytes)
{
    tls *t = ctx;
    ssize_t got = recv(t->base.fd, out, room_bytes, MSG_DONTWAIT);

    if (got >= 0) {
        t->has_pulled = t->has_pulled || got > 0;
    } else {
        t->err = errno;
        gnutls_transport_set_errno(t->session, t->err);
    }
    return got;
}

/* Errors ------------------------------------------------------------------ */

/* A peer that has said something since the handshake was content. */
static lpi_io fail(tls *t, const char *what, const char *reason)
{
    snprintf(t->base.why, sizeof(t->base.why), "%s: %.*s%s", what,
             (int)strcspn(reason, "."), reason,
             !t->has_heard && lpi_tls_lacks_certificate(t->drain, t->session)
                 ? "; " LPI_WHY_NO_CERTIFICATE
                 : "");
    return LPI_IO_FAILED;
}

static void note_alert(tls *t, gnutls_alert_description_t alert)
{
    snprintf(t->base.alert, sizeof(t->base.alert), "%s",
             lpi_tls_alert_name(alert));
}

/* GnuTLS says "push" and "pull"; the socket knows better. */
static bool is_of_socket(int rc)
{
    return rc == GNUTLS_E_PUSH_ERROR || rc == GNUTLS_E_PULL_ERROR;
}

static lpi_io fail_by(tls *t, const char *what, int rc)
{
    gnutls_alert_description_t alert;

    if (rc == GNUTLS_E_FATAL_ALERT_RECEIVED) {
        char words[64];

        note_alert(t, gnutls_alert_get(t->session));
        snprintf(words, sizeof(words), "it says \"%s\"", t->base.alert);
        return fail(t, what, words);
    }
    if (is_of_socket(rc))
        return fail(t, what, strerror(t->err));
    if (rc == GNUTLS_E_PREMATURE_TERMINATION || rc == GNUTLS_E_SESSION_EOF)
        return fail(t, what, "it closed the connection");
    if (lpi_tls_alert_of_error(rc, &alert)) {
        gnutls_alert_send(t->session, GNUTLS_AL_FATAL, alert);
        note_alert(t, alert);
    }
    return fail(t, what, gnutls_strerror(rc));
}

static lpi_io waits(const tls *t)
{
    return gnutls_record_get_direction(t->session) ? LPI_IO_WANTS_WRITE
                                                   : LPI_IO_WANTS_READ;
}

/* The handshake ----------------------------------------------------------- */

static int on_certificate(gnutls_session_t session)
{
    tls *t = gnutls_session_get_ptr(session);

    if (t->is_insecure)
        return 0;
    t->verdict = lpi_trust_check(t->trust, session, t->host);
    return t->verdict.why ? GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR : 0;
}

static lpi_io tls_begin(lpi_transport *base)
{
    tls *t = (tls *)base;
    int rc;

    do
        rc = gnutls_handshake(t->session);
    while (rc == GNUTLS_E_INTERRUPTED || rc == GNUTLS_E_WARNING_ALERT_RECEIVED);
    if (rc == GNUTLS_E_AGAIN)
        return waits(t);
    t->begun_ms = uv_now(t->loop);
    t->has_pulled = false;
    t->marked_bytes = t->gone_bytes = t->pushed_bytes;
    if (rc == 0)
        return LPI_IO_DONE;
    if (!t->verdict.why)
        return fail_by(t, "the TLS handshake failed", rc);
    gnutls_alert_send(t->session, GNUTLS_AL_FATAL, t->verdict.alert);
    note_alert(t, t->verdict.alert);
    snprintf(base->why, sizeof(base->why), "%s", t->verdict.why);
    return LPI_IO_FAILED;
}

/* Both ways --------------------------------------------------------------- */

static bool mark_record(tls *t, size_t text_bytes)
{
    if (!lpi_sizes_reserve(&t->records, 2))
        return false;
    lpi_sizes_add(&t->records, t->pushed_bytes - t->marked_bytes);
    lpi_sizes_add(&t->records, text_bytes);
    t->marked_bytes = t->pushed_bytes;
    return true;
}

/* GnuTLS encrypts a record once, and wants to be called with the same text until
 * the kernel has taken all of it. */
static lpi_io tls_write(lpi_transport *base, const char *data,
                        size_t data_bytes, size_t *taken_bytes)
{
    tls *t = (tls *)base;

    while (data_bytes > 0) {
        ssize_t sent = gnutls_record_send(t->session, data, data_bytes);

        if (sent == GNUTLS_E_AGAIN)
            return LPI_IO_WANTS_WRITE;
        if (sent == GNUTLS_E_INTERRUPTED)
            continue;
        if (sent < 0)
            return fail_by(t, "it takes no more", (int)sent);
        if (!mark_record(t, (size_t)sent))
            return fail(t, "TLS", "there is no memory");
        data += sent;
        data_bytes -= (size_t)sent;
        *taken_bytes += (size_t)sent;
    }
    return LPI_IO_DONE;
}

static bool is_harmless(ssize_t rc)
{
    return rc > 0 || rc == GNUTLS_E_INTERRUPTED ||
           rc == GNUTLS_E_WARNING_ALERT_RECEIVED || rc == GNUTLS_E_REHANDSHAKE;
}

static lpi_io tls_read(lpi_transport *base)
{
    tls *t = (tls *)base;
    char sink[4096];

    for (int i = 0; i < READS_MAX; i++) {
        ssize_t got = gnutls_record_recv(t->session, sink, sizeof(sink));

        if (got == GNUTLS_E_AGAIN)
            break;
        if (got == 0 || got == GNUTLS_E_PREMATURE_TERMINATION)
            return LPI_IO_CLOSED;
        if (!is_harmless(got))
            return fail_by(t, "the connection broke", (int)got);
    }
    t->has_heard = t->has_heard || t->has_pulled;
    return LPI_IO_WANTS_READ;
}

/*
 * In TLS 1.3 our handshake is over before the peer has looked at our
 * certificate, and if it does not like it, it throws away what its kernel has
 * acknowledged by then. So nothing counts before it has said anything, a ticket
 * mostly, or has had the time to.
 */
static bool is_believed(const tls *t)
{
    return t->has_heard ||
           gnutls_certificate_client_get_request_status(t->session) == 0 ||
           gnutls_protocol_get_version(t->session) != GNUTLS_TLS1_3 ||
           uv_now(t->loop) - t->begun_ms >= t->belief_ms;
}

static uint64_t tls_arrived_bytes(lpi_transport *base)
{
    tls *t = (tls *)base;
    uint64_t queued_bytes = lpi_unacknowledged_bytes(base->fd);
    uint64_t acknowledged_bytes =
        queued_bytes < t->pushed_bytes ? t->pushed_bytes - queued_bytes : 0;

    if (!is_believed(t))
        return 0;
    while (t->records.count > 0 &&
           t->gone_bytes + lpi_sizes_first(&t->records) <= acknowledged_bytes) {
        t->gone_bytes += lpi_sizes_pop(&t->records);
        t->arrived_bytes += lpi_sizes_pop(&t->records);
    }
    return t->arrived_bytes;
}

/* Life -------------------------------------------------------------------- */

static void tls_close(lpi_transport *base, bool with_farewell)
{
    tls *t = (tls *)base;

    if (with_farewell)
        gnutls_bye(t->session, GNUTLS_SHUT_WR);
    if (t->session)
        gnutls_deinit(t->session);
    lpi_trust_let_go(t->trust);
    lpi_sizes_fini(&t->records);
    free(t);
}

static tls *new_tls(const lpi_target *target, int fd)
{
    static const lpi_transport_calls calls = {
        .begin = tls_begin,
        .write = tls_write,
        .read = tls_read,
        .arrived_bytes = tls_arrived_bytes,
        .close = tls_close,
    };
    size_t host_bytes = lpi_certified_bytes(lp_span_str(target->host));
    tls *t = calloc(1, sizeof(*t) + host_bytes + 1);

    if (!t)
        return NULL;
    t->base.calls = &calls;
    t->base.fd = fd;
    t->is_insecure = target->is_insecure;
    t->drain = target->drain;
    t->loop = lp_drain_loop(target->drain);
    t->belief_ms = lp_drain_set_options(target->drain)->answer_timeout_ms / 2;
    memcpy(t->host, target->host, host_bytes);
    return t;
}

static int start_session(tls *t, bool is_address)
{
    int rc = gnutls_init(&t->session, GNUTLS_CLIENT | GNUTLS_NONBLOCK);

    if (rc == 0)
        rc = lpi_trust_lend(t->trust, t->session);
    if (rc == 0 && !is_address)
        rc = gnutls_server_name_set(t->session, GNUTLS_NAME_DNS, t->host,
                                    strlen(t->host));
    if (rc != 0)
        return rc;
    gnutls_session_set_ptr(t->session, t);
    gnutls_session_set_verify_function(t->session, on_certificate);
    gnutls_transport_set_ptr(t->session, t);
    gnutls_transport_set_push_function(t->session, on_push);
    gnutls_transport_set_pull_function(t->session, on_pull);
    gnutls_handshake_set_timeout(t->session, GNUTLS_INDEFINITE_TIMEOUT);
    return 0;
}

lpi_transport *lpi_tls_open(const lpi_target *target, int fd, char *why,
                            size_t why_bytes)
{
    lpi_trust *trust = lpi_trust_hold(target->drain->set, why, why_bytes);
    tls *t = trust ? new_tls(target, fd) : NULL;
    int rc;

    if (!trust)
        return NULL;
    if (!t) {
        lpi_trust_let_go(trust);
        snprintf(why, why_bytes, "there is no memory for a TLS session");
        return NULL;
    }
    t->trust = trust;
    rc = start_session(t, lpi_target_is_address(target));
    if (rc == 0)
        return &t->base;
    snprintf(why, why_bytes, "TLS can't begin: %s", gnutls_strerror(rc));
    tls_close(&t->base, false);
    return NULL;
}
