/* api_openapi.c - openapi.json, the description of all routes, as it was built
 * into the program. */
#include <inttypes.h>
#include <string.h>

#include "api/api.h"

/*
 * The build says where the file is (OPENAPI_FILE). The assembler takes it in as
 * it is: an array of C would be many times its size to read for the compiler,
 * and a string literal longer than C11 has to allow.
 */
__asm__(".pushsection .rodata\n"
        ".hidden openapi_begin\n"
        ".hidden openapi_end\n"
        ".globl openapi_begin\n"
        ".globl openapi_end\n"
        "openapi_begin:\n"
        ".incbin \"" OPENAPI_FILE "\"\n"
        "openapi_end:\n"
        ".popsection\n");

extern const char openapi_begin[];
extern const char openapi_end[];

static uv_once_t tag_once = UV_ONCE_INIT;
static char tag[24]; // the ETag of the text

// FNV-1a (Fowler, Noll, Vo): it tells one build's text from another's, and is
// not there to withstand anybody.
static void print_tag(void)
{
    uint64_t hash = 0xcbf29ce484222325;

    for (const char *at = openapi_begin; at < openapi_end; at++)
        hash = (hash ^ (unsigned char)*at) * 0x100000001b3;
    snprintf(tag, sizeof(tag), "\"%016" PRIx64 "\"", hash);
}

static void get_openapi(http_request *req)
{
    lp_span text =
        lp_span_of(openapi_begin, (size_t)(openapi_end - openapi_begin));

    uv_once(&tag_once, print_tag);
    http_set_header(req, "ETag", tag);
    http_set_header(req, "Cache-Control", "no-cache");
    // To 304 the text gives its length alone (RFC 9110, 8.6).
    if (api_has_tag(req, tag))
        http_reply_constant(req, 304, NULL, text);
    else
        http_reply_constant(req, 200, "application/json", text);
}

const http_route api_openapi_routes[] = {
    {"GET", "/openapi.json", HTTP_API_NONE, HTTP_AUTH_NONE, get_openapi, 0,
     NULL},
    {NULL, NULL, HTTP_API_NONE, HTTP_AUTH_NONE, NULL, 0, NULL},
};
