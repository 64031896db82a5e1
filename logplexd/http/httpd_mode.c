#include <string.h>

#include "http/httpd_impl.h"

static api_mode mode_of(const switches *s, unsigned kind)
{
    switch (kind) {
    case HTTP_API_INGEST:
        return switch_is_on(s, SWITCH_INGEST) ? API_NORMAL : API_DISABLED;
    case HTTP_API_LEGACY:
        return (api_mode)switch_get(s, SWITCH_LEGACY_API);
    case HTTP_API_V3:
    case HTTP_API_PLATFORM:
        return (api_mode)switch_get(s, SWITCH_API);
    default:
        return API_NORMAL;
    }
}

// A method that has no route is none of the legacy API's; of the others it is
// taken for a write.
static bool is_reading(const http_request *req, unsigned kind)
{
    return req->match.api & HTTP_READS || strcmp(req->method, "GET") == 0 ||
           strcmp(req->method, "HEAD") == 0 ||
           (!req->route && kind == HTTP_API_LEGACY);
}

static void refuse(http_request *req, unsigned kind, api_mode mode)
{
    bool is_closed = mode == API_DISABLED;

    if (kind == HTTP_API_LEGACY)
        http_reply(req, 503, "text/html",
                   lp_span_str(is_closed
                                   ? "Service Temporarily Disabled"
                                   : "Logplex API temporarily in read-only "
                                     "mode"));
    else if (kind == HTTP_API_PLATFORM)
        http_reply_platform_error(req, 503, "The API is temporarily %s.",
                                  is_closed ? "disabled" : "in read-only mode");
    else
        http_reply(req, 503, NULL, LP_SPAN(""));
}

bool http_mode_admit(http_request *req)
{
    unsigned kind = req->match.api & HTTP_API_KINDS;
    api_mode mode = mode_of(&req->server->home->shared->switches, kind);

    if (mode == API_NORMAL || (mode == API_READ_ONLY && is_reading(req, kind)))
        return true;
    refuse(req, kind, mode);
    return false;
}
