#include "api/api_channel.h"

#include <inttypes.h>
#include <string.h>

/* Finding ----------------------------------------------------------------- */

const catalog_channel *api_find_channel(http_request *req, lp_span id)
{
    worker *w = http_worker(req);

    return catalog_find_channel(catalog_reader_view(&w->reader), id);
}

bool api_may_read(const catalog_credential *who, const catalog_channel *channel)
{
    return who->permissions & CATALOG_FULL_API ||
           (who->permissions & CATALOG_ONE_CHANNEL &&
            lp_span_equal(who->channel_id, channel->id));
}

const catalog_channel *api_readable_channel(http_request *req)
{
    const catalog_credential *who = http_credential(req);
    lp_span id = http_param(req, 0);
    const catalog_channel *channel = api_find_channel(req, id);

    if (channel && api_may_read(who, channel))
        return channel;
    if (who->permissions & CATALOG_FULL_API ||
        lp_span_equal(who->channel_id, id))
        api_refuse_channel(req, id);
    else
        http_reply_error(req, 403,
                         "this credential may read one channel only, and that "
                         "is not \"%.*s\"",
                         (int)(id.len_bytes < 256 ? id.len_bytes : 256),
                         id.ptr);
    return NULL;
}

const catalog_drain *api_find_drain(const catalog_channel *channel, uint64_t id)
{
    for (size_t i = 0; channel && i < channel->drain_count; i++)
        if (channel->drains[i].id == id)
            return &channel->drains[i];
    return NULL;
}

/* Answering --------------------------------------------------------------- */

// As one segment of a path (RFC 3986, 3.3), unreserved characters alone but for
// what http_segment_name() is for.
static char *put_segment(char *at, lp_span text)
{
    static const char digits[] = "0123456789ABCDEF";

    if (lp_span_equal(text, LP_SPAN(".")) || lp_span_equal(text, LP_SPAN("..")))
        *at++ = '=';
    for (size_t i = 0; i < text.len_bytes; i++) {
        unsigned char c = (unsigned char)text.ptr[i];

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
            (c >= '0' && c <= '9') || (c && strchr("-._~", c))) {
            *at++ = (char)c;
            continue;
        }
        *at++ = '%';
        *at++ = digits[c >> 4];
        *at++ = digits[c & 15];
    }
    return at;
}

const char *api_channel_url(http_request *req, lp_span id, const char *path)
{
    static const char channels[] = "/v3/channels/";
    const char *base = http_base_url(req);
    char *segment = http_alloc(req, 3 * id.len_bytes + 1);
    size_t url_bytes =
        strlen(base) + sizeof(channels) + 3 * id.len_bytes + strlen(path);
    char *url = http_alloc(req, url_bytes);

    if (!segment || !url)
        return "";
    *put_segment(segment, id) = '\0';
    snprintf(url, url_bytes, "%s%s%s%s", base, channels, segment, path);
    return url;
}

void api_refuse_channel(http_request *req, lp_span id)
{
    http_reply_error(req, 404, "there is no channel \"%.*s\"",
                     (int)(id.len_bytes < 256 ? id.len_bytes : 256), id.ptr);
}

/* Printing ---------------------------------------------------------------- */

void api_print_tokens(FILE *to, const catalog_channel *channel)
{
    bool is_first = true;

    fputc('{', to);
    for (size_t i = 0; i < channel->token_count; i++) {
        if (channel->tokens[i]->expires_ns != 0)
            continue;
        if (!is_first)
            fputc(',', to);
        is_first = false;
        api_print_json_string(to, channel->tokens[i]->name);
        fputc(':', to);
        api_print_json_string(to, channel->tokens[i]->id);
    }
    fputc('}', to);
}

void api_print_drain_head(FILE *to, uint64_t id, lp_span token, lp_span url)
{
    fprintf(to, "{\"id\":%" PRIu64 ",\"token\":", id);
    api_print_json_string(to, token);
    if (url.len_bytes > 0) {
        fputs(",\"url\":", to);
        api_print_json_string(to, url);
    }
}

void api_print_drain(FILE *to, uint64_t id, lp_span token, lp_span url)
{
    api_print_drain_head(to, id, token, url);
    fputc('}', to);
}

void api_print_drains(FILE *to, const catalog_channel *channel)
{
    bool is_first = true;

    fputc('[', to);
    for (size_t i = 0; i < channel->drain_count; i++) {
        const catalog_drain *drain = &channel->drains[i];

        if (drain->url.len_bytes == 0)
            continue;
        if (!is_first)
            fputc(',', to);
        is_first = false;
        api_print_drain(to, drain->id, drain->token, drain->url);
    }
    fputc(']', to);
}
