/* What reads prints to what reads as an equal URL and prints the same; capitals
 * of its scheme make no difference; a log shows the same whatever the password
 * is; what does not read is told in printable words. */
#include <ctype.h>
#include <string.h>

#include "fuzz.h"
#include "logplex/drain_url.h"

enum { REDACTED_MAX_BYTES = LP_DRAIN_URL_MAX_BYTES + 3 };

static void check_words(const char *words, size_t max_bytes)
{
    size_t n = strnlen(words, max_bytes);

    REQUIRE(n > 0 && n < max_bytes - 1); // nothing was cut off
    for (size_t i = 0; i < n; i++) {
        REQUIRE(words[i] >= ' ' && words[i] < 0x7f);
    }
}

static void check_error(lp_err err, const lp_drain_url_error *error)
{
    REQUIRE(err == LP_E_SYNTAX || err == LP_E_INVALID);
    check_words(error->reason, sizeof(error->reason));
    check_words(error->sentence, sizeof(error->sentence));
}

static void check_doubt(void *ctx, const char *sentence)
{
    (void)ctx;
    check_words(sentence, LP_DRAIN_URL_SENTENCE_MAX_BYTES);
}

static void check_part(lp_span part, lp_span text)
{
    char *out = malloc(part.len_bytes + 1);

    REQUIRE(is_within(part, text));
    REQUIRE(part.ptr != NULL || part.len_bytes == 0);
    REQUIRE(out != NULL);
    REQUIRE(lp_drain_url_unescape(part, out) <= part.len_bytes);
    free(out);
}

static void check_parts(const lp_drain_url *url, lp_span text)
{
    check_part(url->user, text);
    check_part(url->password, text);
    check_part(url->host, text);
    check_part(url->path, text);
    check_part(url->query, text);
    check_part(url->fragment, text);
    REQUIRE(url->host.len_bytes > 0 && url->port > 0 && url->path.ptr != NULL);
    REQUIRE(url->user.ptr != NULL || url->password.ptr == NULL);
    lp_drain_url_doubts(url, check_doubt, NULL);
}

static void check_reads_as(lp_span text, const lp_drain_url *expected)
{
    lp_drain_url again;

    REQUIRE(lp_drain_url_parse(text, &again, NULL) == LP_OK);
    REQUIRE(lp_drain_url_equal(&again, expected));
    REQUIRE(lp_drain_url_equal(expected, &again));
    REQUIRE(again.is_insecure == expected->is_insecure);
    REQUIRE(again.encoding == expected->encoding);
}

static void check_printed(const lp_drain_url *url)
{
    char once[LP_DRAIN_URL_MAX_BYTES];
    char twice[LP_DRAIN_URL_MAX_BYTES];
    size_t n = lp_drain_url_print(url, once, sizeof(once));
    lp_drain_url again;

    REQUIRE(n <= sizeof(once));
    check_reads_as(lp_span_of(once, n), url);
    REQUIRE(lp_drain_url_parse(lp_span_of(once, n), &again, NULL) == LP_OK);
    REQUIRE(lp_drain_url_print(&again, twice, sizeof(twice)) == n);
    REQUIRE(memcmp(once, twice, n) == 0);

    for (size_t i = 0; once[i] != ':'; i++) {
        once[i] = (char)toupper(once[i]);
    }
    check_reads_as(lp_span_of(once, n), url);
}

/* The password can be a text that the host has as well; so it is not searched
 * for, but replaced, and the log must not show which it was. */
static void check_redacted(const lp_drain_url *url)
{
    char one[REDACTED_MAX_BYTES];
    char other[REDACTED_MAX_BYTES];
    size_t n = lp_drain_url_print_redacted(url, one, sizeof(one));
    lp_drain_url twin = *url;
    lp_drain_url again;

    REQUIRE(n <= sizeof(one));
    if (url->password.ptr == NULL) {
        REQUIRE(lp_drain_url_print(url, other, sizeof(other)) == n);
        REQUIRE(memcmp(one, other, n) == 0);
        return;
    }
    twin.password = LP_SPAN("another");
    REQUIRE(lp_drain_url_print_redacted(&twin, other, sizeof(other)) == n);
    REQUIRE(memcmp(one, other, n) == 0);
    if (n <= LP_DRAIN_URL_MAX_BYTES) {
        twin.password = LP_SPAN("***");
        REQUIRE(lp_drain_url_parse(lp_span_of(one, n), &again, NULL) == LP_OK);
        REQUIRE(lp_drain_url_equal(&again, &twin));
    }
}

static void check_host_form(lp_span host)
{
    int64_t port = (int64_t)host.len_bytes;
    lp_drain_url_error error;
    lp_drain_url url;
    lp_err err = lp_drain_url_from_host(host, &port, &url, &error);

    if (err != LP_OK) {
        check_error(err, &error);
        return;
    }
    REQUIRE(url.scheme == LP_DRAIN_SYSLOG_TCP && url.port == host.len_bytes);
    REQUIRE(is_within(url.host, host));
    check_printed(&url);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    lp_span text = lp_span_of((const char *)data, size);
    lp_drain_url_error error;
    lp_drain_url url;
    lp_err err = lp_drain_url_parse(text, &url, &error);

    if (err == LP_OK) {
        check_parts(&url, text);
        check_printed(&url);
        check_redacted(&url);
    } else {
        check_error(err, &error);
    }
    check_host_form(text);
    return 0;
}
