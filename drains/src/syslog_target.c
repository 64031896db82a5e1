/* syslog_target.c - see syslog_target.h. */
#include "syslog_target.h"

#include <stdlib.h>
#include <string.h>

#include "logplex/drain_url.h"

lp_err lpi_target_init(lpi_target *target, lp_drain *drain, lp_span text,
                       lp_span token)
{
    lp_drain_url url;
    lp_err err = lp_drain_url_parse(text, &url, NULL);

    if (err != LP_OK)
        return err;
    target->host = strndup(url.host.ptr, url.host.len_bytes);
    if (!target->host)
        return LP_E_NOMEM;
    target->drain = drain;
    target->port = url.port;
    target->connect_ms = lp_drain_set_options(drain)->connect_timeout_ms;
    lp_drain_url_address(&url, &target->address);
    target->is_insecure = url.is_insecure;
    target->is_newline_framed = url.is_newline_framed;
    target->token_bytes = token.len_bytes;
    memcpy(target->token, token.ptr, token.len_bytes);
    return LP_OK;
}

void lpi_target_fini(lpi_target *target)
{
    free(target->host);
    target->host = NULL;
}
