/* api_dashboard.c - the dashboard's files. They are for anybody: there is no
 * secret in them, and what they ask for is asked with a credential. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "http/inflate.h"
#include "logplex/dashboard.h"

enum { PATH_BYTES = 256 };

/*
 * The page runs what came with it, speaks with us, and does nothing else: no
 * other host, no frame, no form that the browser sends, no device.
 */
static const char policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' "
    "data:; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action "
    "'none'; frame-ancestors 'none'";

static void set_headers(http_request *req, const char *tag, const char *cache)
{
    http_set_header(req, "ETag", tag);
    http_set_header(req, "Cache-Control", cache);
    http_set_header(req, "Vary", "Accept-Encoding");
    http_set_header(req, "Content-Security-Policy", policy);
    http_set_header(req, "X-Content-Type-Options", "nosniff");
    http_set_header(req, "Referrer-Policy", "no-referrer");
    http_set_header(req, "Cross-Origin-Opener-Policy", "same-origin");
    http_set_header(req, "Cross-Origin-Embedder-Policy", "require-corp");
    http_set_header(req, "Cross-Origin-Resource-Policy", "same-origin");
    http_set_header(req, "Permissions-Policy",
                    "camera=(), geolocation=(), microphone=(), payment=(), "
                    "usb=()");
}

/* A file for the few who take no gzip. It is unpacked once, and kept, as there is no
 * other bound to how many ask at a time. */
typedef struct plain_file {
    struct plain_file *next;
    const lp_dashboard_file *of;
    char *bytes;
    size_t len_bytes;
} plain_file;

static pthread_mutex_t plain_mutex = PTHREAD_MUTEX_INITIALIZER;
static plain_file *plain_files; /* under it */

static plain_file *unpack(const lp_dashboard_file *file)
{
    plain_file *made = calloc(1, sizeof(*made));

    if (!made)
        return NULL;
    made->of = file;
    if (inflate_body(
            "gzip", lp_span_of(file->begin, (size_t)(file->end - file->begin)),
            file->plain_bytes, &made->bytes, &made->len_bytes) == INFLATE_OK)
        return made;
    free(made);
    return NULL;
}

/* NULL: no memory. */
static const plain_file *plain_of(const lp_dashboard_file *file)
{
    plain_file *found;

    pthread_mutex_lock(&plain_mutex);
    found = plain_files;
    while (found && found->of != file)
        found = found->next;
    if (!found && (found = unpack(file)) != NULL) {
        found->next = plain_files;
        plain_files = found;
    }
    pthread_mutex_unlock(&plain_mutex);
    return found;
}

static void reply_plain(http_request *req, const lp_dashboard_file *file)
{
    const plain_file *plain = plain_of(file);

    if (plain)
        http_reply_constant(req, 200, file->type,
                            lp_span_of(plain->bytes, plain->len_bytes));
    else
        api_refuse_memory(req);
}

static void reply_file(http_request *req, const lp_dashboard_file *file,
                       const char *cache)
{
    lp_span packed = lp_span_of(file->begin, (size_t)(file->end - file->begin));
    char tag[32];

    // Weak, as it is the same for the file packed and unpacked (RFC 9110, 8.8.1).
    snprintf(tag, sizeof(tag), "W/\"%s\"", file->tag);
    set_headers(req, tag, cache);
    if (api_has_tag(req, tag + 2)) {
        http_reply(req, 304, NULL, LP_SPAN(""));
        return;
    }
    if (!api_accepts_coding(req, "gzip")) {
        reply_plain(req, file);
        return;
    }
    http_set_header(req, "Content-Encoding", "gzip");
    http_reply_constant(req, 200, file->type, packed);
}

// Which page it is, the script sees by the address.
static void get_page(http_request *req)
{
    reply_file(req, lp_dashboard_find(LP_SPAN("index.html")), "no-cache");
}

// What has its hash in its name never changes.
static void get_asset(http_request *req)
{
    lp_span name = http_param(req, 0);
    const lp_dashboard_file *file = NULL;
    char path[PATH_BYTES];

    if (name.len_bytes < sizeof(path) - sizeof("assets/")) {
        snprintf(path, sizeof(path), "assets/%.*s", (int)name.len_bytes,
                 name.ptr);
        file = lp_dashboard_find(lp_span_str(path));
    }
    if (file)
        reply_file(req, file, "public, max-age=31536000, immutable");
    else
        http_reply_error(req, 404,
                         "the dashboard has no file \"%.*s\"; its page, /, "
                         "names those it has",
                         (int)(name.len_bytes < 100 ? name.len_bytes : 100),
                         name.ptr);
}

const http_route api_dashboard_routes[] = {
    {"GET", "/", HTTP_API_NONE, HTTP_AUTH_NONE, get_page, 0, NULL},
    {"GET", "/channels/:id", HTTP_API_NONE, HTTP_AUTH_NONE, get_page, 0, NULL},
    {"GET", "/assets/:name", HTTP_API_NONE, HTTP_AUTH_NONE, get_asset, 0, NULL},
    {NULL, NULL, HTTP_API_NONE, HTTP_AUTH_NONE, NULL, 0, NULL},
};
