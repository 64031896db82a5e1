#include "http_auth.h"

#include <string.h>
#include <strings.h>

#include "http_impl.h"

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

static const catalog_credential *find_full_api(http_request *req,
                                               const catalog_view *view)
{
    const catalog_credential *found;
    lp_span user;
    lp_span password;

    if (http_basic(req, &user, &password) != 0)
        return NULL;
    found = catalog_check_credential(view, user, password);
    return found && found->permissions & CATALOG_FULL_API ? found : NULL;
}

static const catalog_credential *find_platform(http_request *req,
                                               const catalog_view *view)
{
    lp_span user;
    lp_span secret;

    if (http_auth_bearer(http_header(req, "Authorization"), &secret))
        return catalog_check_secret(view, secret);
    if (http_basic(req, &user, &secret) != 0 || secret.len_bytes == 0)
        return NULL;
    if (user.len_bytes == 0)
        return catalog_check_secret(view, secret);
    return catalog_check_credential(view, user, secret);
}

/*
 * With no credential at all there is nothing to check: this machine's own
 * users may do everything. A proxy here speaks for others, and says so.
 */
static bool is_trusted(const http_request *req, const catalog_view *view)
{
    return catalog_credential_count(view) == 0 && req->conn->is_loopback &&
           !http_header(req, "X-Forwarded-For") &&
           !http_header(req, "Forwarded");
}

static bool deny(http_request *req, int status)
{
    bool is_known = status == 403;

    if (req->route->auth == HTTP_AUTH_PLATFORM)
        http_reply_json(
            req, status,
            json_pack("{ss,ss}", "id", is_known ? "forbidden" : "unauthorized",
                      "message",
                      is_known ? "This credential may not read logs."
                               : "Invalid credentials provided."));
    else if (req->route->auth == HTTP_AUTH_LEGACY)
        http_reply(req, 401, "text/html", LP_SPAN("Not Authorized"));
    else {
        http_set_header(req, "Www-Authenticate", "Basic realm=Logplex");
        http_reply(req, status, NULL, LP_SPAN(""));
    }
    return false;
}

bool http_auth_check(http_request *req)
{
    static const catalog_credential local = {
        {"local", 5}, CATALOG_FULL_API | CATALOG_ANY_CHANNEL, {NULL, 0}};
    const uint32_t readers = CATALOG_FULL_API | CATALOG_ONE_CHANNEL;
    const catalog_view *view;
    const catalog_credential *found;

    if (req->route->auth == HTTP_AUTH_NONE)
        return true;
    view = catalog_reader_view(&req->server->home->reader);
    if (is_trusted(req, view))
        found = &local;
    else if (req->route->auth == HTTP_AUTH_PLATFORM)
        found = find_platform(req, view);
    else
        found = find_full_api(req, view);
    if (!found)
        return deny(req, 401);
    if (!(found->permissions & readers))
        return deny(req, 403);
    http_keep_credential(req, found);
    return true;
}
