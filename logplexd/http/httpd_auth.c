#include "http/httpd_auth.h"

#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "http/auth_limit.h"
#include "http/httpd_impl.h"

static bool take_scheme(const char *header, const char *scheme, lp_span *rest)
{
    size_t len_bytes = strlen(scheme);

    if (!header || strncasecmp(header, scheme, len_bytes) != 0 ||
        header[len_bytes] != ' ')
        return false;
    header += len_bytes;
    header += strspn(header, " ");
    *rest = lp_span_str(header);
    while (rest->len_bytes > 0 && rest->ptr[rest->len_bytes - 1] == ' ')
        rest->len_bytes--;
    return true;
}

static int sextet_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+')
        return 62;
    return c == '/' ? 63 : -1;
}

// RFC 4648, 4; the padding may be missing. -1: this is not base64.
static ssize_t base64_decode(lp_span in, char *out)
{
    size_t used = 0;
    unsigned bits = 0;
    unsigned bit_count = 0;

    while (in.len_bytes > 0 && in.ptr[in.len_bytes - 1] == '=')
        in.len_bytes--;
    if (in.len_bytes % 4 == 1)
        return -1;
    for (size_t i = 0; i < in.len_bytes; i++) {
        int sextet = sextet_of(in.ptr[i]);

        if (sextet < 0)
            return -1;
        bits = (bits << 6 | (unsigned)sextet) & 0xffff;
        bit_count += 6;
        if (bit_count >= 8) {
            bit_count -= 8;
            out[used++] = (char)(bits >> bit_count & 0xff);
        }
    }
    return (ssize_t)used;
}

int http_auth_basic(const char *header, char *room, lp_span *user,
                    lp_span *password)
{
    lp_span encoded;
    ssize_t len_bytes;
    const char *colon;

    if (!take_scheme(header, "Basic", &encoded))
        return 401;
    len_bytes = base64_decode(encoded, room);
    if (len_bytes < 0)
        return 400;
    colon = memchr(room, ':', (size_t)len_bytes);
    if (!colon)
        return 401;
    *user = lp_span_of(room, (size_t)(colon - room));
    *password =
        lp_span_skip(lp_span_of(room, (size_t)len_bytes), user->len_bytes + 1);
    return 0;
}

bool http_auth_bearer(const char *header, lp_span *secret)
{
    return take_scheme(header, "Bearer", secret) && secret->len_bytes > 0;
}

int http_basic(http_request *req, lp_span *user, lp_span *password)
{
    const char *header = http_header(req, "Authorization");
    char *room = header ? http_alloc(req, strlen(header) + 1) : NULL;

    return room ? http_auth_basic(header, room, user, password) : 401;
}

/* Who, and how often ------------------------------------------------------ */

/* What a request shows of itself: a password, and its id unless that is NULL. */
typedef struct proof {
    lp_span id;
    lp_span password;
} proof;

static const catalog_credential *
try_proof(const catalog_view *view, const proof *shown, catalog_check *check)
{
    return shown->id.ptr
               ? catalog_try_credential(view, shown->id, shown->password, check)
               : catalog_try_secret(view, shown->password, check);
}

static int limited(http_request *req, uint32_t wait_ms)
{
    char seconds[16];
    char peer[HTTP_PEER_TEXT_BYTES];

    snprintf(seconds, sizeof(seconds), "%u", (wait_ms + 999) / 1000);
    http_set_header(req, "Retry-After", seconds);
    count_add(&req->server->home->counts.counts[COUNT_HTTP_AUTH_LIMITED], 1);
    LOG_AT(LOG_WARN, "auth_limited", "peer=%s wait_ms=%u",
           http_peer_print(&req->conn->peer, peer), wait_ms);
    return 429;
}

static int fail(http_request *req, bool has_paid)
{
    worker *w = req->server->home;
    uint32_t wait_ms = auth_limit_fail(w->shared->auth_limit, &req->conn->peer,
                                       has_paid, uv_now(&w->loop));

    return wait_ms == 0 ? 401 : limited(req, wait_ms);
}

int http_auth_failed(http_request *req)
{
    return fail(req, false);
}

static int busy(http_request *req)
{
    http_set_header(req, "Retry-After", "1");
    return 503;
}

/*
 * Whoever is right is so at the cost of the fast hash, whatever else comes from
 * his address. The slow one is for those who could be, and has limits.
 */
static const catalog_credential *check_proof(http_request *req,
                                             const catalog_view *view,
                                             const proof *shown, int *status)
{
    worker *w = req->server->home;
    catalog_check check = {.may_pay = false};
    const catalog_credential *found = try_proof(view, shown, &check);
    uint32_t wait_ms;

    if (check.is_open) {
        wait_ms = auth_limit_wait_to_pay(w->shared->auth_limit,
                                         &req->conn->peer, uv_now(&w->loop));
        if (wait_ms > 0) {
            *status = limited(req, wait_ms);
            return NULL;
        }
        check = (catalog_check){.may_pay = true};
        found = try_proof(view, shown, &check);
    }
    if (!found)
        *status = check.is_open ? busy(req) : fail(req, check.has_paid);
    return found;
}

const catalog_credential *http_check_credential(http_request *req,
                                                const catalog_view *view,
                                                lp_span id, lp_span password,
                                                int *status)
{
    proof shown = {id, password};

    return check_proof(req, view, &shown, status);
}

// full_api, or one channel: then the handler looks which.
static bool is_for_readers(const http_request *req)
{
    return req->route->auth == HTTP_AUTH_PLATFORM ||
           req->route->auth == HTTP_AUTH_READER;
}

/* The original's key stands behind "Basic " as it is. */
static const catalog_credential *find_key(http_request *req,
                                          const catalog_view *view)
{
    lp_span text;

    return take_scheme(http_header(req, "Authorization"), "Basic", &text)
               ? catalog_check_key(view, text)
               : NULL;
}

// False: there is nothing to look for anybody by.
static bool read_proof(http_request *req, proof *out)
{
    bool may_be_secret = is_for_readers(req);

    *out = (proof){{NULL, 0}, {NULL, 0}};
    if (may_be_secret &&
        http_auth_bearer(http_header(req, "Authorization"), &out->password))
        return true;
    if (http_basic(req, &out->id, &out->password) != 0)
        return false;
    if (!may_be_secret)
        return true;
    if (out->id.len_bytes == 0)
        out->id.ptr = NULL;
    return out->password.len_bytes > 0;
}

static const catalog_credential *
find_caller(http_request *req, const catalog_view *view, int *status)
{
    const catalog_credential *found = find_key(req, view);
    proof shown;

    *status = 401;
    if (found)
        return found;
    if (!http_header(req, "Authorization"))
        return NULL; // has not failed: has not tried
    if (!read_proof(req, &shown)) {
        *status = http_auth_failed(req);
        return NULL;
    }
    found = check_proof(req, view, &shown, status);
    if (found && !is_for_readers(req) &&
        !(found->permissions & CATALOG_FULL_API)) {
        *status = 401;
        return NULL;
    }
    return found;
}

// "localhost:8001", "127.0.0.1", "[::1]:8001".
static bool is_own_host(const char *host)
{
    static const char *const names[] = {"localhost", "127.0.0.1", "[::1]"};

    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        size_t len_bytes = strlen(names[i]);

        if (strncasecmp(host, names[i], len_bytes) == 0 &&
            (host[len_bytes] == '\0' || host[len_bytes] == ':'))
            return true;
    }
    return false;
}

/*
 * With no credential at all there is nothing to check: this machine's own
 * users may do everything. A proxy here speaks for others, and says so; and a
 * browser here may be at the page of somebody else, which says so in Origin, or
 * in Host when its name was made to lead here.
 */
static bool is_trusted(const http_request *req, const catalog_view *view)
{
    const char *host = http_header(req, "Host");
    const char *origin = http_header(req, "Origin");
    const char *origin_host = origin ? strstr(origin, "://") : NULL;

    return catalog_credential_count(view) == 0 && req->conn->is_loopback &&
           !http_header(req, "X-Forwarded-For") &&
           !http_header(req, "Forwarded") && (!host || is_own_host(host)) &&
           (!origin || (origin_host && is_own_host(origin_host + 3)));
}

static const char *why_not(int status)
{
    switch (status) {
    case 401:
        return "Invalid credentials provided.";
    case 403:
        return "This credential may not read logs.";
    case 429:
        return HTTP_AUTH_LIMITED;
    default:
        return HTTP_AUTH_BUSY;
    }
}

/* No challenge by Basic: a browser would answer that itself, with a window of
 * its own in front of the page that asks. */
static void deny_reader(http_request *req, int status)
{
    if (status == 401)
        http_set_header(req, "Www-Authenticate", "Bearer realm=Logplex");
    http_reply_error(req, status, "%s", why_not(status));
}

static bool deny(http_request *req, int status)
{
    if (req->route->auth == HTTP_AUTH_PLATFORM)
        http_reply_platform_error(req, status, "%s", why_not(status));
    else if (req->route->auth == HTTP_AUTH_READER)
        deny_reader(req, status);
    else if (status == 429 || status == 503)
        http_reply_error(req, status, "%s", why_not(status));
    else if (req->route->auth == HTTP_AUTH_LEGACY ||
             req->route->auth == HTTP_AUTH_IF_SHOWN)
        http_reply(req, 401, "text/html", LP_SPAN("Not Authorized"));
    else {
        http_set_header(req, "Www-Authenticate", "Basic realm=Logplex");
        http_reply(req, status, NULL, LP_SPAN(""));
    }
    return false;
}

/* Who is trusted, for want of any credential. */
static const catalog_credential local = {
    .id = {"local", 5}, .permissions = CATALOG_FULL_API | CATALOG_ANY_CHANNEL};

static bool still_holds(const catalog_credential *was, const catalog_view *view)
{
    const catalog_credential *now = catalog_find_credential(view, was->id);

    if (!now)
        return catalog_credential_count(view) == 0 &&
               lp_span_equal(was->id, local.id);
    return now->created_ns == was->created_ns &&
           now->secret_mark == was->secret_mark &&
           (was->permissions & ~now->permissions) == 0 &&
           lp_span_equal(now->channel_id, was->channel_id);
}

bool http_auth_holds(http_request *req)
{
    const catalog_view *view;
    uint64_t version;

    if (!req->has_credential)
        return true;
    view = catalog_reader_view(&req->server->home->reader);
    version = catalog_view_credentials_version(view);
    if (version == req->credentials_version)
        return true;
    req->credentials_version = version;
    return still_holds(&req->credential, view);
}

bool http_auth_check(http_request *req)
{
    const uint32_t readers = CATALOG_FULL_API | CATALOG_ONE_CHANNEL;
    const catalog_view *view;
    const catalog_credential *found;
    int status = 401;

    if (req->route->auth == HTTP_AUTH_NONE ||
        (req->route->auth == HTTP_AUTH_IF_SHOWN &&
         !http_header(req, "Authorization")))
        return true;
    view = catalog_reader_view(&req->server->home->reader);
    found = is_trusted(req, view) ? &local : find_caller(req, view, &status);
    if (!found)
        return deny(req, status);
    if (!(found->permissions & readers))
        return deny(req, 403);
    http_keep_credential(req, found);
    req->credentials_version = catalog_view_credentials_version(view);
    return true;
}
