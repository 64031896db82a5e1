#include "peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ring.h"

enum {
    WINDOW_BYTES = 32 * 1024, /* so that a drain feels that we are slow */
    /* In so long the kernels have acknowledged and sent what they can. */
    REST_US = 250 * 1000
};

/* Lines ------------------------------------------------------------------- */

static void take_line(peer *p, const char *line, size_t line_bytes)
{
    const char *at = memmem(line, line_bytes, " - - line ", 10);
    uint64_t n = at ? strtoull(at + 10, NULL, 10) : 0;
    size_t kept_bytes =
        line_bytes < sizeof(p->line) ? line_bytes : sizeof(p->line) - 1;

    if (p->token)
        assert_non_null(memmem(line, line_bytes, p->token, strlen(p->token)));
    p->lines++;
    p->line_bytes = line_bytes;
    memcpy(p->line, line, kept_bytes);
    p->line[kept_bytes] = '\0';
    if (n == 0) // a notice
        return;
    assert_true(n < PEER_LINES_MAX);
    p->is_out_of_order = p->is_out_of_order || n <= p->last;
    p->last = n;
    p->seen[n]++;
}

/* The bytes of the first line, and where it begins; 0: it is not whole. */
static size_t first_line(const peer *p, size_t *begin)
{
    const char *end =
        memchr(p->text, p->is_by_newline ? '\n' : ' ',
               p->text_bytes < 12 || p->is_by_newline ? p->text_bytes : 12);
    size_t len_bytes;

    *begin = 0;
    if (!end)
        return 0;
    if (p->is_by_newline)
        return (size_t)(end - p->text) + 1;
    len_bytes = strtoul(p->text, NULL, 10);
    assert_true(len_bytes > 0);
    *begin = (size_t)(end - p->text) + 1;
    return p->text_bytes - *begin >= len_bytes ? len_bytes : 0;
}

static void take_lines(peer *p)
{
    size_t begin, line_bytes;

    while (p->text_bytes > 0 && (line_bytes = first_line(p, &begin)) > 0) {
        take_line(p, p->text + begin, line_bytes);
        p->text_bytes -= begin + line_bytes;
        memmove(p->text, p->text + begin + line_bytes, p->text_bytes);
    }
}

static void take_text(peer *p, const char *text, size_t text_bytes)
{
    if (p->text_bytes + text_bytes > p->room_bytes) {
        p->room_bytes = 2 * (p->text_bytes + text_bytes);
        p->text = realloc(p->text, p->room_bytes);
        assert_non_null(p->text);
    }
    memcpy(p->text + p->text_bytes, text, text_bytes);
    p->text_bytes += text_bytes;
    p->read_bytes += text_bytes;
    take_lines(p);
}

/* Life -------------------------------------------------------------------- */

void peer_begin(peer *p, int type)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t address_bytes = sizeof(address);
    int window_bytes = WINDOW_BYTES;

    memset(p, 0, sizeof(*p));
    p->fd = -1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    p->listener = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(p->listener >= 0);
    if (type == SOCK_STREAM)
        setsockopt(p->listener, SOL_SOCKET, SO_RCVBUF, &window_bytes,
                   sizeof(window_bytes));
    assert_int_equal(
        bind(p->listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(
        getsockname(p->listener, (struct sockaddr *)&address, &address_bytes),
        0);
    p->port = ntohs(address.sin_port);
    if (type == SOCK_STREAM)
        assert_int_equal(listen(p->listener, 16), 0);
}

static void hang_up(peer *p)
{
    if (p->session)
        gnutls_deinit(p->session);
    p->session = NULL;
    if (p->fd >= 0)
        close(p->fd);
    p->fd = -1;
    p->is_shaken = false;
    p->text_bytes = 0;
}

void peer_rest(void)
{
    usleep(REST_US);
}

void peer_read_all(peer *p)
{
    bool has_more;

    do {
        while (peer_step(p, SIZE_MAX)) {
        }
        peer_rest();
        has_more = peer_step(p, SIZE_MAX);
    } while (has_more);
}

void peer_die(peer *p)
{
    struct linger hard = {1, 0};

    setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    hang_up(p);
}

void peer_close(peer *p)
{
    if (p->session)
        gnutls_bye(p->session, GNUTLS_SHUT_WR);
    hang_up(p);
}

void peer_end(peer *p)
{
    hang_up(p);
    if (p->listener >= 0)
        close(p->listener);
    free(p->text);
    if (p->credentials)
        gnutls_certificate_free_credentials(p->credentials);
}

/* Connections ------------------------------------------------------------- */

static void start_session(peer *p)
{
    assert_int_equal(gnutls_init(&p->session, GNUTLS_SERVER | GNUTLS_NONBLOCK |
                                                  GNUTLS_NO_SIGNAL),
                     0);
    assert_int_equal(
        gnutls_priority_set_direct(
            p->session, p->priorities ? p->priorities : "NORMAL", NULL),
        0);
    gnutls_credentials_set(p->session, GNUTLS_CRD_CERTIFICATE, p->credentials);
    if (p->wants_certificate)
        gnutls_certificate_server_set_request(p->session, GNUTLS_CERT_REQUIRE);
    gnutls_transport_set_int(p->session, p->fd);
}

static bool accept_one(peer *p)
{
    p->fd = accept4(p->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (p->fd < 0)
        return false;
    p->connections++;
    p->last = 0; // what comes again is in order on its own
    p->is_ended = p->has_heard_goodbye = false;
    p->error = 0;
    if (p->credentials && !p->is_mute)
        start_session(p);
    return true;
}

static void end_connection(peer *p, int error)
{
    p->is_ended = true;
    p->error = error;
    p->has_heard_goodbye = p->session && error == 0;
    hang_up(p);
}

static bool shake(peer *p)
{
    size_t name_bytes = sizeof(p->server_name);
    unsigned type;
    int rc = gnutls_handshake(p->session);

    if (rc == GNUTLS_E_AGAIN)
        return false;
    if (rc < 0) {
        gnutls_alert_send_appropriate(p->session, rc);
        end_connection(p, rc);
        return true;
    }
    p->is_shaken = true;
    p->server_name[0] = '\0';
    gnutls_server_name_get(p->session, p->server_name, &name_bytes, &type, 0);
    return true;
}

static ssize_t read_some(peer *p, char *out, size_t room_bytes)
{
    ssize_t got;

    if (p->session) {
        got = gnutls_record_recv(p->session, out, room_bytes);
        return got == GNUTLS_E_AGAIN ? -EAGAIN : got;
    }
    got = recv(p->fd, out, room_bytes, 0);
    return got < 0 ? -errno : got;
}

bool peer_step(peer *p, size_t bytes_max)
{
    char some[16384];
    ssize_t got;

    if (p->fd < 0)
        return accept_one(p);
    if (p->is_mute)
        return false;
    if (p->session && !p->is_shaken)
        return shake(p);
    got =
        read_some(p, some, bytes_max < sizeof(some) ? bytes_max : sizeof(some));
    if (got == -EAGAIN)
        return false;
    if (got <= 0)
        end_connection(p, (int)got);
    else
        take_text(p, some, (size_t)got);
    return true;
}

bool peer_receive(peer *p)
{
    static char datagram[65536];
    ssize_t got = recv(p->listener, datagram, sizeof(datagram), 0);

    if (got < 0)
        return false;
    take_line(p, datagram, (size_t)got);
    return true;
}
