/* http_target.h - whom an HTTP drain sends to, and what all its requests say. */
#ifndef LP_HTTP_TARGET_H
#define LP_HTTP_TARGET_H

#include "drain_impl.h"

/* host, token and agent are lines of a head as a whole ("Host: h"), without
 * their ends. */
typedef struct lpi_http_target {
    lp_drain *drain;
    bool is_tls;
    bool is_insecure;
    lp_drain_encoding encoding;
    char *url;  /* without user and fragment */
    char *path; /* what a request asks for: the path, and the query */
    char *user;
    char *password; /* NULL, both or neither: there is none */
    char *host;
    char *name; /* as in a certificate: the host without a dot at its end */
    char *token;
    char *agent;
} lpi_http_target;

/* Fails: LP_E_NOMEM; lpi_http_target_fini() is owed all the same. */
lp_err lpi_http_target_init(lpi_http_target *target, lp_drain *drain,
                            const lp_drain_url *url, lp_span token);
void lpi_http_target_fini(lpi_http_target *target);

#endif /* LP_HTTP_TARGET_H */
