/*
 * httpd_auth.h - what an Authorization header says (RFC 7617, RFC 6750).
 */
#ifndef LOGPLEXD_HTTPD_AUTH_H
#define LOGPLEXD_HTTPD_AUTH_H

#include "http/http.h"

/*
 * Basic, the scheme in any case. Decodes into room, which is as long as header
 * at least. 0: user and password point into room; 401: another scheme, or no
 * colon; 400: not base64. header may be NULL.
 */
int http_auth_basic(const char *header, char *room, lp_span *user,
                    lp_span *password);

/* Bearer, likewise; the secret is a part of header. */
bool http_auth_bearer(const char *header, lp_span *secret);

/*
 * Who is it? False: the request has been answered with 401 or 403.
 * req->route says what is asked for.
 */
bool http_auth_check(http_request *req);

/* May who was found still do what he could then? Not if his credential has been
 * revoked, made anew, or may do less. */
bool http_auth_holds(http_request *req);

#endif /* LOGPLEXD_HTTPD_AUTH_H */
