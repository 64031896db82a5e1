#include "api/api_query.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "config/config_value.h"

enum { SHOWN_MAX_BYTES = 100, NUMBER_MAX_BYTES = 32, NS_DIGITS = 9 };
#define TIME_MAX_S 9e9 /* what nanoseconds can count, or less */

static bool knows_once(http_request *req, const char *const *known)
{
    for (; *known; known++) {
        const char *again = http_query_at(req, *known, 1);

        if (!again)
            continue;
        http_reply_error(req, 400,
                         "\"%s\" is there twice, the second time as \"%.*s\"; "
                         "it can have one value",
                         *known, SHOWN_MAX_BYTES, again);
        return false;
    }
    return true;
}

bool api_query_knows(http_request *req, const char *const *known)
{
    const char *unknown = http_query_unknown(req, known);
    char list[256] = "";

    if (!unknown)
        return knows_once(req, known);
    for (unsigned i = 0; known[i]; i++)
        snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s",
                 i > 0 ? ", " : "", known[i]);
    http_reply_error(req, 400,
                     "there is no parameter \"%.*s\"; there may be %s",
                     SHOWN_MAX_BYTES, unknown, known[0] ? list : "none here");
    return false;
}

void api_query_refuse(http_request *req, const char *name, lp_span value,
                      const char *wanted)
{
    size_t shown_bytes =
        value.len_bytes < SHOWN_MAX_BYTES ? value.len_bytes : SHOWN_MAX_BYTES;

    http_reply_error(req, 400, "\"%s\" is \"%.*s\", but has to be %s", name,
                     (int)shown_bytes, value.ptr, wanted);
}

bool api_query_text(http_request *req, const char *name, lp_span *out)
{
    const char *text = http_query(req, name);

    if (!text)
        return true;
    *out = lp_span_str(text);
    if (out->len_bytes > 0)
        return true;
    http_reply_error(req, 400,
                     "\"%s\" is empty; say what it has to be, or leave it out",
                     name);
    return false;
}

/* Numbers ----------------------------------------------------------------- */

bool api_query_number(http_request *req, const char *name, uint64_t least,
                      uint64_t most, uint64_t *out)
{
    const char *text = http_query(req, name);
    uint64_t number;
    char wanted[80];

    if (!text)
        return true;
    if (api_parse_count(lp_span_str(text), &number) && number >= least &&
        number <= most) {
        *out = number;
        return true;
    }
    snprintf(wanted, sizeof(wanted), "a number from %" PRIu64 " to %" PRIu64,
             least, most);
    api_query_refuse(req, name, lp_span_str(text), wanted);
    return false;
}

// strtod() would take more, and what stands behind.
bool api_parse_decimal(lp_span text, double *out)
{
    char number[NUMBER_MAX_BYTES];
    size_t whole, part = 0;

    if (text.len_bytes == 0 || text.len_bytes >= sizeof(number))
        return false;
    memcpy(number, text.ptr, text.len_bytes);
    number[text.len_bytes] = '\0';
    whole = strspn(number, "0123456789");
    if (number[whole] == '.')
        part = 1 + strspn(number + whole + 1, "0123456789");
    if (whole == 0 || part == 1 || whole + part != text.len_bytes)
        return false;
    *out = strtod(number, NULL);
    return true;
}

/* A decimal, and maybe an exponent, as our own answers have it: 5.1e-05. */
static bool parse_number(const char *text, double *out)
{
    size_t decimal = strcspn(text, "eE");
    const char *exponent = text + decimal;

    if (!api_parse_decimal(lp_span_of(text, decimal), out))
        return false;
    if (*exponent == '\0')
        return true;
    exponent += exponent[1] == '+' || exponent[1] == '-' ? 2 : 1;
    *out = strtod(text, NULL);
    return *exponent != '\0' &&
           exponent[strspn(exponent, "0123456789")] == '\0' && isfinite(*out);
}

bool api_query_decimal(http_request *req, const char *name, double *out)
{
    const char *text = http_query(req, name);

    if (!text || parse_number(text, out))
        return true;
    api_query_refuse(req, name, lp_span_str(text),
                     "a number, such as 250 or 0.5");
    return false;
}

bool api_query_time(http_request *req, const char *name, int64_t *out_ns)
{
    const char *text = http_query(req, name);
    const char *part;
    double seconds;
    int64_t ns = 0;

    if (!text)
        return true;
    if (!api_parse_decimal(lp_span_str(text), &seconds) ||
        seconds > TIME_MAX_S) {
        api_query_refuse(req, name, lp_span_str(text),
                         "a time in seconds since 1970, such as "
                         "1764130500.25");
        return false;
    }
    part = text + strcspn(text, ".");
    part += *part == '.' ? 1 : 0;
    for (int i = 0; i < NS_DIGITS; i++) {
        ns = ns * 10 + (*part ? *part - '0' : 0);
        part += *part ? 1 : 0;
    }
    *out_ns = strtoll(text, NULL, 10) * 1000000000 + ns;
    return true;
}

bool api_query_epoch(http_request *req, const char *name, uint64_t *out)
{
    const char *text = http_query(req, name);

    if (!text)
        return true;
    if (!value_number(text, out))
        return true;
    api_query_refuse(req, name, lp_span_str(text),
                     "an epoch: digits, as answers and ids of events have it");
    return false;
}

bool api_query_duration(http_request *req, const char *name, uint64_t least_ms,
                        uint64_t most_ms, uint64_t *out_ms)
{
    const char *text = http_query(req, name);
    uint64_t ms;
    char least[32], most[32];
    char wanted[128];

    if (!text)
        return true;
    if (!value_duration(text, &ms) && ms >= least_ms && ms <= most_ms) {
        *out_ms = ms;
        return true;
    }
    value_duration_print(least_ms, least);
    value_duration_print(most_ms, most);
    snprintf(wanted, sizeof(wanted),
             "a time from %s to %s, such as 5m (units: ms, s, m, h)", least,
             most);
    api_query_refuse(req, name, lp_span_str(text), wanted);
    return false;
}

/* Texts ------------------------------------------------------------------- */

bool api_query_words(http_request *req, const char *name, unsigned most,
                     lp_span *out, uint32_t *count)
{
    const char *text = http_query(req, name);
    const char *at = text;
    char wanted[80];

    if (!text)
        return true;
    *count = 0;
    while (*count < most) {
        size_t word_bytes = strcspn(at, ",");

        if (word_bytes == 0)
            break;
        out[*count] = lp_span_of(at, word_bytes);
        (*count)++;
        at += word_bytes;
        if (*at == '\0')
            return true;
        at++;
    }
    snprintf(wanted, sizeof(wanted), "1 to %u values, with commas between them",
             most);
    api_query_refuse(req, name, lp_span_str(text), wanted);
    return false;
}

bool api_query_word(http_request *req, const char *name,
                    const char *const *words, unsigned count, unsigned *out)
{
    const char *text = http_query(req, name);
    char list[256] = "";

    for (unsigned i = 0; text && i < count; i++) {
        if (strcmp(text, words[i]) == 0) {
            *out = i;
            return true;
        }
        snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s",
                 i == 0          ? ""
                 : i < count - 1 ? ", "
                                 : " or ",
                 words[i]);
    }
    if (!text)
        return true;
    http_reply_error(req, 400, "\"%s\" is \"%.*s\", but has to be %s", name,
                     SHOWN_MAX_BYTES, text, list);
    return false;
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
        api_refuse_memory(req);
    else
        http_reply_error(req, 400, "\"%s\", at byte %zu: %s", name,
                         error.at_byte, error.sentence);
    return false;
}
