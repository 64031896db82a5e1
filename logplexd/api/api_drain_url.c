/* api_drain_url.c - see api_drain_url.h. */
#include "api/api_drain_url.h"

#include <stdio.h>
#include <string.h>

#include "drain/denial.h"

static bool wrong(lp_drain_url_error *error, const char *reason,
                  const char *sentence)
{
    snprintf(error->reason, sizeof(error->reason), "%s", reason);
    snprintf(error->sentence, sizeof(error->sentence), "%s", sentence);
    return false;
}

static bool out_of_memory(lp_drain_url_error *error)
{
    return wrong(error, "no_memory", "there is no memory for it");
}

/* As it is stored, if a drain may connect there. */
static bool print_url(http_request *req, const lp_drain_url *parsed,
                      lp_span *url, lp_drain_url_error *error)
{
    const config *cfg = http_worker(req)->shared->cfg;
    char text[LP_DRAIN_URL_MAX_BYTES];
    size_t len_bytes = lp_drain_url_print(parsed, text, sizeof(text));

    if (denial_of(&cfg->drain_guard, parsed, error))
        return false;
    *url = api_copy(req, lp_span_of(text, len_bytes));
    return url->ptr || out_of_memory(error);
}

/* A URL with its options, in memory of the request. */
typedef struct api_drain_text {
    size_t bytes;
    char *text;
} api_drain_text;

/* A body has a byte at least for each that it becomes three of. */
static bool begin_text(http_request *req, api_drain_text *out)
{
    out->bytes = 0;
    out->text = http_alloc(req, 3 * http_body(req).len_bytes + 1);
    return out->text != NULL;
}

static void put_span(api_drain_text *to, lp_span span)
{
    memcpy(to->text + to->bytes, span.ptr, span.len_bytes);
    to->bytes += span.len_bytes;
}

/* RFC 3986 2.3. */
static bool is_unreserved(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
           (c >= 'a' && c <= 'z') || c == '-' || c == '.' || c == '_' ||
           c == '~';
}

static void put_escaped(api_drain_text *to, lp_span value)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < value.len_bytes; i++) {
        unsigned char c = (unsigned char)value.ptr[i];
        char escaped[3] = {'%', digits[c >> 4], digits[c & 15]};

        if (is_unreserved(c))
            put_span(to, lp_span_of(&value.ptr[i], 1));
        else
            put_span(to, lp_span_of(escaped, sizeof(escaped)));
    }
}

static void put_option(api_drain_text *to, const char *name, lp_span value)
{
    bool has_fragment = memchr(to->text, '#', to->bytes) != NULL;

    put_span(to, has_fragment ? LP_SPAN("&") : LP_SPAN("#"));
    put_span(to, lp_span_str(name));
    put_span(to, LP_SPAN("="));
    put_escaped(to, value);
}

/* Doubts ------------------------------------------------------------------ */

enum { DOUBTS_MAX = 8 /* that are told; the others are of a kind with them */ };

typedef struct doubts {
    FILE *to;
    unsigned count;
} doubts;

static void print_doubt(void *ctx, const char *sentence)
{
    doubts *so_far = ctx;

    if (so_far->count == DOUBTS_MAX)
        return;
    fputs(so_far->count > 0 ? "," : ",\"warnings\":[", so_far->to);
    api_print_json_string(so_far->to, lp_span_str(sentence));
    so_far->count++;
}

void api_print_drain_doubts(FILE *to, const config *cfg, lp_span url,
                            const char *first)
{
    doubts so_far = {to, 0};
    lp_drain_url parsed;
    lp_drain_url_error why;

    if (url.len_bytes == 0 || lp_drain_url_parse(url, &parsed, NULL) != LP_OK)
        return;
    if (first)
        print_doubt(&so_far, first);
    if (denial_of(&cfg->drain_guard, &parsed, &why))
        print_doubt(&so_far, why.sentence);
    lp_drain_url_doubts(&parsed, print_doubt, &so_far);
    if (so_far.count > 0)
        fputc(']', to);
}

/* Reading ----------------------------------------------------------------- */

/* The options of a URL's fragment may stand beside it, where they need no
 * escapes. */
static const char *const text_options[] = {"filter", "encoding", "refused"};

enum { TEXT_OPTIONS = sizeof(text_options) / sizeof(text_options[0]) };

static bool has(const json_t *body, const char *name)
{
    const json_t *value = json_object_get(body, name);

    return value && !json_is_null(value);
}

const char *api_drain_option(const json_t *body)
{
    for (size_t i = 0; i < TEXT_OPTIONS; i++)
        if (has(body, text_options[i]))
            return text_options[i];
    return has(body, "rate") ? "rate" : NULL;
}

static bool put_options(api_drain_text *to, const json_t *body,
                        lp_drain_url_error *error)
{
    const json_t *rate = json_object_get(body, "rate");
    char number[32];

    for (size_t i = 0; i < TEXT_OPTIONS; i++) {
        const json_t *value = json_object_get(body, text_options[i]);
        char sentence[64];

        if (json_is_string(value)) {
            put_option(to, text_options[i], api_json_span(value));
        } else if (value && !json_is_null(value)) {
            snprintf(sentence, sizeof(sentence), "\"%s\" has to be a string",
                     text_options[i]);
            return wrong(error, "invalid_uri", sentence);
        }
    }
    if (!rate || json_is_null(rate))
        return true;
    if (!json_is_integer(rate))
        return wrong(error, "invalid_uri",
                     "\"rate\" has to be a number, of lines a second");
    snprintf(number, sizeof(number), "%lld",
             (long long)json_integer_value(rate));
    put_option(to, "rate", lp_span_str(number));
    return true;
}

bool api_read_drain_url(http_request *req, const json_t *body, lp_span *url,
                        lp_drain_url_error *error)
{
    const json_t *text = json_object_get(body, "url");
    const char *option = api_drain_option(body);
    api_drain_text whole;
    lp_drain_url parsed;
    char sentence[96];

    if (!text && option) {
        snprintf(sentence, sizeof(sentence),
                 "\"%s\" needs a \"url\" beside it, such as "
                 "\"https://logs.example.org/\"",
                 option);
        return wrong(error, "invalid_uri", sentence);
    }
    if (!json_is_string(text))
        return wrong(error, "invalid_uri",
                     "\"url\" has to be a string, such as "
                     "\"https://logs.example.org/\"");
    if (!begin_text(req, &whole))
        return out_of_memory(error);
    put_span(&whole, api_json_span(text));
    return put_options(&whole, body, error) &&
           lp_drain_url_parse(lp_span_of(whole.text, whole.bytes), &parsed,
                              error) == LP_OK &&
           print_url(req, &parsed, url, error);
}

bool api_read_drain_host(http_request *req, const json_t *body, lp_span *url,
                         lp_drain_url_error *error)
{
    const json_t *host = json_object_get(body, "host");
    const json_t *port = json_object_get(body, "port");
    int64_t number = json_integer_value(port);
    lp_span name = host ? api_json_span(host) : lp_span_of(NULL, 0);
    lp_drain_url parsed;

    if (host && !json_is_string(host))
        return wrong(error, "missing_host_param",
                     "\"host\" has to be a string, such as "
                     "\"logs.example.org\"");
    if (port && !json_is_integer(port) && !json_is_null(port))
        return wrong(error, "invalid_tcpsyslog_uri",
                     "\"port\" has to be a number from 1 to 65535");
    return lp_drain_url_from_host(name, json_is_integer(port) ? &number : NULL,
                                  &parsed, error) == LP_OK &&
           print_url(req, &parsed, url, error);
}
