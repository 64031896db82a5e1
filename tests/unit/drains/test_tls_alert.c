/* What a handshake of libcurl's ended by, from its words. */
#include <gnutls/gnutls.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tls_alert.h"

static const char *name_of(const char *reason)
{
    gnutls_alert_description_t alert;
    char words[256];

    snprintf(words, sizeof(words), "gnutls_handshake() failed: %s", reason);
    return lpi_tls_alert_of_words(words, &alert) ? lpi_tls_alert_name(alert)
                                                 : "";
}

static void the_peers_alert_is_known_by_its_name(void **state)
{
    (void)state;
    assert_string_equal(name_of("Handshake failed"), "handshake failure");
    assert_string_equal(name_of("Error in protocol version"),
                        "protocol version");
    assert_string_equal(name_of("Certificate is required"),
                        "certificate required");
    assert_string_equal(name_of("CA is unknown"), "unknown ca");
    assert_string_equal(name_of("The server name sent was not recognized"),
                        "unrecognized name");
    assert_string_equal(name_of("A TLS fatal alert has been received."),
                        "handshake failure");
}

static void an_error_is_what_its_peer_would_be_told(void **state)
{
    (void)state;
    assert_string_equal(name_of("An unexpected TLS packet was received."),
                        "unexpected message");
    assert_string_equal(
        name_of("A packet with illegal or unsupported version was received."),
        "protocol version");
    assert_string_equal(
        name_of(gnutls_strerror(GNUTLS_E_DH_PRIME_UNACCEPTABLE)),
        "insufficient security");
}

static void an_end_is_no_alert(void **state)
{
    (void)state;
    assert_string_equal(
        name_of("The TLS connection was non-properly terminated."), "");
    assert_string_equal(name_of("Peer has terminated the connection"), "");
    assert_string_equal(name_of("Error in the push function."), "");
    assert_string_equal(name_of("Error in the pull function."), "");
}

static void other_words_are_none(void **state)
{
    static const char *const others[] = {
        "", "Handshake failed", "Send failure: Connection reset by peer",
        "gnutls_handshake() failed: ", "gnutls_handshake() failed: Handshake"};
    gnutls_alert_description_t alert;

    (void)state;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_false(lpi_tls_alert_of_words(others[i], &alert));
    assert_string_equal(name_of("(unknown error code)"), "");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_peers_alert_is_known_by_its_name),
        cmocka_unit_test(an_error_is_what_its_peer_would_be_told),
        cmocka_unit_test(an_end_is_no_alert),
        cmocka_unit_test(other_words_are_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
