/* http_target.c - see http_target.h. */
#include "http_target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "logplex/drain_url.h"
#include "tls_trust.h"

static char *unescaped(lp_span part)
{
    char *text = malloc(part.len_bytes + 1);

    if (text)
        text[lp_drain_url_unescape(part, text)] = '\0';
    return text;
}

/* The address without what is not for the wire. */
static char *wire_url(const lp_drain_url *url)
{
    lp_drain_url bare = *url;
    char text[LP_DRAIN_URL_MAX_BYTES + 1];
    size_t len_bytes;

    bare.user = bare.password = bare.fragment = lp_span_of(NULL, 0);
    len_bytes = lp_drain_url_print(&bare, text, sizeof(text) - 1);
    text[len_bytes] = '\0';
    return strdup(text);
}

static char *text_of(const char *head, lp_span body, const char *tail)
{
    size_t room_bytes = strlen(head) + body.len_bytes + strlen(tail) + 1;
    char *text = malloc(room_bytes);

    if (text)
        snprintf(text, room_bytes, "%s%.*s%s", head, (int)body.len_bytes,
                 body.ptr, tail);
    return text;
}

static char *host_header(const lp_drain_url *url)
{
    bool is_ipv6 = url->host_kind == LP_DRAIN_HOST_IPV6;
    char tail[16] = "";

    if (url->is_port_explicit)
        snprintf(tail, sizeof(tail), "%s:%u", is_ipv6 ? "]" : "",
                 (unsigned)url->port);
    else if (is_ipv6)
        snprintf(tail, sizeof(tail), "]");
    return text_of(is_ipv6 ? "Host: [" : "Host: ", url->host, tail);
}

/* RFC 9112 3.2.1. */
static char *origin_form(const lp_drain_url *url)
{
    char text[LP_DRAIN_URL_MAX_BYTES + 3];

    snprintf(text, sizeof(text), "%s%.*s%s%.*s",
             url->path.len_bytes > 0 ? "" : "/", (int)url->path.len_bytes,
             url->path.ptr, url->query.ptr ? "?" : "",
             (int)url->query.len_bytes, url->query.ptr ? url->query.ptr : "");
    return strdup(text);
}

lp_err lpi_http_target_init(lpi_http_target *target, lp_drain *drain,
                            const lp_drain_url *url, lp_span token)
{
    const char *agent = lp_drain_set_options(drain)->user_agent;
    bool has_user = url->user.ptr || url->password.ptr;

    target->drain = drain;
    target->is_tls = url->scheme == LP_DRAIN_HTTPS;
    target->is_insecure = url->is_insecure;
    target->encoding = (lp_drain_encoding)url->encoding;
    target->url = wire_url(url);
    target->path = origin_form(url);
    target->host = host_header(url);
    target->name = strndup(url->host.ptr, lpi_certified_bytes(url->host));
    target->token = text_of("Logplex-Drain-Token: ", token, "");
    target->agent = text_of("User-Agent: ", lp_span_of("", 0), agent);
    if (has_user) {
        target->user = unescaped(url->user);
        target->password = unescaped(url->password);
    }
    if (!target->url || !target->path || !target->host || !target->name ||
        !target->token || !target->agent ||
        (has_user && (!target->user || !target->password)))
        return LP_E_NOMEM;
    return LP_OK;
}

void lpi_http_target_fini(lpi_http_target *target)
{
    free(target->url);
    free(target->path);
    free(target->user);
    free(target->password);
    free(target->host);
    free(target->name);
    free(target->token);
    free(target->agent);
}
