#include "api/api_query.h"

#include <inttypes.h>
#include <string.h>

enum { SHOWN_MAX_BYTES = 100 };

bool api_query_knows(http_request *req, const char *const *known)
{
    const char *unknown = http_query_unknown(req, known);
    char list[256] = "";

    if (!unknown)
        return true;
    for (unsigned i = 0; known[i]; i++)
        snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s",
                 i > 0 ? ", " : "", known[i]);
    http_reply_error(req, 400,
                     "there is no parameter \"%.*s\"; there may be %s",
                     SHOWN_MAX_BYTES, unknown, list);
    return false;
}

bool api_query_number(http_request *req, const char *name, uint64_t least,
                      uint64_t most, uint64_t *out)
{
    const char *text = http_query(req, name);
    uint64_t number;

    if (!text)
        return true;
    if (!api_parse_count(lp_span_str(text), &number) || number < least ||
        number > most) {
        http_reply_error(req, 400,
                         "\"%s\" is \"%.*s\", but has to be a number from "
                         "%" PRIu64 " to %" PRIu64,
                         name, SHOWN_MAX_BYTES, text, least, most);
        return false;
    }
    *out = number;
    return true;
}

bool api_query_filter(http_request *req, const char *name, lp_filter **out)
{
    const char *text = http_query(req, name);
    lp_filter_error error;
    lp_err err;

    if (!text || *text == '\0')
        return true;
    err = lp_filter_create(lp_span_str(text), out, &error);
    if (err == LP_OK)
        return true;
    if (err == LP_E_NOMEM)
        http_reply_error(req, 503, "no memory for a filter");
    else
        http_reply_error(req, 400, "\"%s\", at byte %zu: %s", name,
                         error.at_byte, error.sentence);
    return false;
}
