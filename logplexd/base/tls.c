/* tls.c - see tls.h. */
#include "base/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"

enum { CHAIN_MAX = 16, FILE_MAX_BYTES = 1024 * 1024, KEY_ID_BYTES = 32 };

struct tls_certificate {
    _Atomic unsigned refs;
    gnutls_pcert_st chain[CHAIN_MAX]; /* our own one first */
    unsigned chain_count;
    gnutls_privkey_t key;
    unsigned char key_id[KEY_ID_BYTES]; /* of our own one's public key */
    int64_t not_before_s;
    int64_t not_after_s;
};

const char tls_priorities[] =
    "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"
    ":-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA"
    ":-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305"
    ":-MAC-ALL:+AEAD"
    ":-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1";

/* What is being loaded, for messages. */
typedef struct source {
    const char *flag;
    const char *path;
    const char *right;
    char *why;
    size_t why_bytes;
} source;

static bool refuse(const source *from, const char *wrong)
{
    char quoted[600];
    const char *mark;

    log_quote(from->path, quoted, sizeof(quoted));
    mark = quoted[0] == '"' ? "" : "\"";
    snprintf(from->why, from->why_bytes, "%s: %s%s%s %s; allowed: %s",
             from->flag, mark, quoted, mark, wrong, from->right);
    return false;
}

static bool refuse_code(const source *from, const char *wrong, int rc)
{
    const char *reason = gnutls_strerror(rc);
    char text[200];

    snprintf(text, sizeof(text), "%s (%.*s)", wrong, (int)strcspn(reason, "."),
             reason);
    return refuse(from, text);
}

/* Files ------------------------------------------------------------------- */

// Of a descriptor, with room for one byte more than is allowed.
static ssize_t read_all(int fd, unsigned char *out)
{
    size_t len_bytes = 0;
    ssize_t got;

    do {
        got = read(fd, out + len_bytes, FILE_MAX_BYTES + 1 - len_bytes);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        len_bytes += (size_t)got;
    } while (len_bytes <= FILE_MAX_BYTES);
    return got < 0 ? -1 : (ssize_t)len_bytes;
}

static void free_file(gnutls_datum_t *file)
{
    if (file->data)
        explicit_bzero(file->data, file->size);
    free(file->data);
    file->data = NULL;
}

static bool load_file(const source *from, gnutls_datum_t *out)
{
    int fd = open(from->path, O_RDONLY | O_CLOEXEC);
    ssize_t len_bytes;
    char wrong[160];

    out->data = fd >= 0 ? malloc(FILE_MAX_BYTES + 1) : NULL;
    out->size = 0;
    len_bytes = out->data ? read_all(fd, out->data) : -1;
    if (len_bytes < 0)
        snprintf(wrong, sizeof(wrong), "can't be read (%s)", strerror(errno));
    if (fd >= 0)
        close(fd);
    if (len_bytes < 0) {
        free_file(out);
        return refuse(from, wrong);
    }
    out->size = (unsigned)len_bytes;
    if (len_bytes <= FILE_MAX_BYTES)
        return true;
    free_file(out);
    return refuse(from, "is larger than 1 MiB");
}

/* Certificates ------------------------------------------------------------ */

static bool take_chain(tls_certificate *into, gnutls_x509_crt_t *certs,
                       unsigned count)
{
    size_t id_bytes = sizeof(into->key_id);

    for (unsigned i = 0; i < count; i++) {
        if (gnutls_pcert_import_x509(&into->chain[i], certs[i], 0) < 0)
            return false;
        into->chain_count = i + 1;
    }
    into->not_before_s = gnutls_x509_crt_get_activation_time(certs[0]);
    into->not_after_s = gnutls_x509_crt_get_expiration_time(certs[0]);
    return gnutls_x509_crt_get_key_id(certs[0], GNUTLS_KEYID_USE_SHA256,
                                      into->key_id, &id_bytes) == 0;
}

static bool load_chain(tls_certificate *into, const source *from)
{
    gnutls_x509_crt_t *certs = NULL;
    unsigned count = 0;
    gnutls_datum_t file;
    bool ok = false;
    int rc;

    if (!load_file(from, &file))
        return false;
    rc = gnutls_x509_crt_list_import2(
        &certs, &count, &file, GNUTLS_X509_FMT_PEM, GNUTLS_X509_CRT_LIST_SORT);
    free_file(&file);
    if (rc < 0)
        return refuse_code(from, "has no certificate that can be read", rc);
    if (count > CHAIN_MAX)
        refuse(from, "has more than 16 certificates");
    else
        ok = take_chain(into, certs, count) ||
             refuse(from, "has a certificate that can't be used");
    for (unsigned i = 0; i < count; i++)
        gnutls_x509_crt_deinit(certs[i]);
    gnutls_free(certs);
    return ok;
}

static bool is_key_of(const tls_certificate *certificate,
                      gnutls_x509_privkey_t key)
{
    unsigned char id[KEY_ID_BYTES];
    size_t id_bytes = sizeof(id);

    return gnutls_x509_privkey_get_key_id(key, GNUTLS_KEYID_USE_SHA256, id,
                                          &id_bytes) == 0 &&
           memcmp(id, certificate->key_id, sizeof(id)) == 0;
}

static bool take_key(tls_certificate *into, const source *from,
                     gnutls_x509_privkey_t key)
{
    if (!is_key_of(into, key)) {
        gnutls_x509_privkey_deinit(key);
        return refuse(from, "is not the key of the certificate of --tls-cert");
    }
    if (gnutls_privkey_init(&into->key) == 0 &&
        gnutls_privkey_import_x509(into->key, key,
                                   GNUTLS_PRIVKEY_IMPORT_AUTO_RELEASE) == 0)
        return true;
    gnutls_x509_privkey_deinit(key);
    return refuse(from, "has a key that can't be used");
}

static bool load_key(tls_certificate *into, const source *from)
{
    gnutls_x509_privkey_t key = NULL;
    gnutls_datum_t file;
    int rc;

    if (!load_file(from, &file))
        return false;
    rc = gnutls_x509_privkey_init(&key);
    if (rc == 0)
        rc = gnutls_x509_privkey_import2(key, &file, GNUTLS_X509_FMT_PEM, NULL,
                                         0);
    free_file(&file);
    if (rc == 0)
        return take_key(into, from, key);
    gnutls_x509_privkey_deinit(key);
    if (rc == GNUTLS_E_DECRYPTION_FAILED)
        return refuse(from, "is encrypted, and nobody is asked for a password");
    return refuse_code(from, "has no private key that can be read", rc);
}

static void print_time(int64_t when_s, char out[32])
{
    time_t when = (time_t)when_s;
    struct tm parts;

    if (!gmtime_r(&when, &parts) ||
        strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
        snprintf(out, 32, "%lld", (long long)when_s);
}

static void warn_if_out_of_date(const tls_certificate *certificate,
                                const char *path)
{
    int64_t now_s = time(NULL);
    char quoted[600];
    char when[32];

    log_quote(path, quoted, sizeof(quoted));
    if (certificate->not_after_s < now_s) {
        print_time(certificate->not_after_s, when);
        LOG_AT(LOG_WARN, "certificate_expired", "path=%s not_after=%s", quoted,
               when);
    } else if (certificate->not_before_s > now_s) {
        print_time(certificate->not_before_s, when);
        LOG_AT(LOG_WARN, "certificate_not_valid_yet", "path=%s not_before=%s",
               quoted, when);
    }
}

tls_certificate *tls_certificate_load(const char *cert_path,
                                      const char *key_path, char *why,
                                      size_t why_bytes)
{
    const source cert_from = {"--tls-cert", cert_path,
                              "a PEM file with the certificate of this server "
                              "and then those of who signed it",
                              why, why_bytes};
    const source key_from = {"--tls-key", key_path,
                             "a PEM file with the private key of the "
                             "certificate, without a password",
                             why, why_bytes};
    tls_certificate *made = calloc(1, sizeof(*made));

    if (!made) {
        refuse(&cert_from, "finds no memory");
        return NULL;
    }
    atomic_store(&made->refs, 1);
    if (!load_chain(made, &cert_from) || !load_key(made, &key_from)) {
        tls_certificate_unref(made);
        return NULL;
    }
    warn_if_out_of_date(made, cert_path);
    return made;
}

void tls_certificate_unref(tls_certificate *certificate)
{
    if (!certificate || atomic_fetch_sub(&certificate->refs, 1) != 1)
        return;
    for (unsigned i = 0; i < certificate->chain_count; i++)
        gnutls_pcert_deinit(&certificate->chain[i]);
    gnutls_privkey_deinit(certificate->key);
    free(certificate);
}

/* The one in use ---------------------------------------------------------- */

void tls_identity_init(tls_identity *identity)
{
    uv_mutex_init(&identity->lock);
    identity->current = NULL;
}

void tls_identity_fini(tls_identity *identity)
{
    tls_certificate_unref(identity->current);
    uv_mutex_destroy(&identity->lock);
}

void tls_identity_change(tls_identity *identity, tls_certificate *fresh)
{
    tls_certificate *old;
    char when[32];

    print_time(fresh->not_after_s, when);
    uv_mutex_lock(&identity->lock);
    old = identity->current;
    identity->current = fresh;
    uv_mutex_unlock(&identity->lock);
    tls_certificate_unref(old);
    // Behind the change: who reads the event may rely on it.
    LOG_AT(LOG_INFO, "certificate_in_use", "not_after=%s", when);
}

// With a reference; or NULL.
static tls_certificate *current_of(tls_identity *identity)
{
    tls_certificate *current;

    uv_mutex_lock(&identity->lock);
    current = identity->current;
    if (current)
        atomic_fetch_add(&current->refs, 1);
    uv_mutex_unlock(&identity->lock);
    return current;
}

int64_t tls_identity_not_after_s(tls_identity *identity)
{
    tls_certificate *current = current_of(identity);
    int64_t not_after_s = current ? current->not_after_s : 0;

    tls_certificate_unref(current);
    return not_after_s;
}

/* Connections ------------------------------------------------------------- */

// Ours is the side that hears it last, or says it when it has heard all.
static int on_finished(gnutls_session_t session, unsigned type, unsigned when,
                       unsigned is_incoming, const gnutls_datum_t *message)
{
    tls_peer *peer = gnutls_session_get_ptr(session);

    (void)type;
    (void)when;
    (void)message;
    if (peer && is_incoming)
        peer->is_open = true;
    return 0;
}

void tls_peer_begin(tls_peer *peer, gnutls_session_t session,
                    tls_identity *identity)
{
    // libmicrohttpd has put its connection there, for pre-shared keys alone.
    gnutls_session_set_ptr(session, peer);
    if (!peer)
        return;
    peer->session = session;
    peer->identity = identity;
    gnutls_handshake_set_hook_function(session, GNUTLS_HANDSHAKE_FINISHED,
                                       GNUTLS_HOOK_POST, on_finished);
}

void tls_peer_end(tls_peer *peer)
{
    tls_certificate_unref(peer->shown);
    *peer = (tls_peer){.session = NULL};
}

void tls_peer_send(tls_peer *peer, const char *data, size_t data_bytes)
{
    ssize_t sent = gnutls_record_send(peer->session, data, data_bytes);

    (void)sent; // what does not fit now is not worth waiting for
}

/*
 * Called a second time when the client has to say hello again (RFC 8446 4.1.4):
 * one handshake shows one certificate.
 */
int tls_on_retrieve(gnutls_session_t session,
                    const struct gnutls_cert_retr_st *info,
                    gnutls_pcert_st **chain, unsigned *chain_count,
                    gnutls_ocsp_data_st **stapled, unsigned *stapled_count,
                    gnutls_privkey_t *key, unsigned *flags)
{
    tls_peer *peer = gnutls_session_get_ptr(session);

    (void)info;
    if (peer && !peer->shown)
        peer->shown = current_of(peer->identity);
    if (!peer || !peer->shown)
        return -1;
    *chain = peer->shown->chain;
    *chain_count = peer->shown->chain_count;
    *stapled = NULL;
    *stapled_count = 0;
    *key = peer->shown->key;
    *flags = 0; // they are not GnuTLS's to free
    return 0;
}
