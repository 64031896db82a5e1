/* drain_doubt.c - what in a URL does nothing, see lp_drain_url_doubts(). */
#include <stdarg.h>
#include <stdio.h>

#include "ascii.h"
#include "drain_option.h"
#include "scheme.h"

enum {
    SHOWN_MAX_BYTES = 48,
    NEAR = 2, /* letters that are wrong, missing or too many */
    NAME_MAX_BYTES = 16
};

typedef struct doubter {
    const lp_drain_url *url;
    lp_drain_on_doubt *on_doubt;
    void *ctx;
} doubter;

__attribute__((format(printf, 2, 3))) static void tell(const doubter *to,
                                                       const char *format, ...)
{
    char sentence[LP_DRAIN_URL_SENTENCE_MAX_BYTES];
    va_list args;

    va_start(args, format);
    vsnprintf(sentence, sizeof(sentence), format, args);
    va_end(args);
    to->on_doubt(to->ctx, sentence);
}

static const char *scheme_name(const doubter *to)
{
    return lpi_scheme_of(to->url->scheme)->name;
}

/* The parts of a URL that has been read are printable. */
static int shown_bytes(lp_span text)
{
    return (int)(text.len_bytes < SHOWN_MAX_BYTES ? text.len_bytes
                                                  : SHOWN_MAX_BYTES);
}

/* The nearest name -------------------------------------------------------- */

static unsigned least(unsigned a, unsigned b, unsigned c)
{
    unsigned ab = a < b ? a : b;

    return ab < c ? ab : c;
}

/*
 * How many letters of a have to be changed, added or taken away to make b, in any
 * case (Levenshtein, by rows: before[j] is for the letters of a so far and the
 * first j of b).
 */
static unsigned distance(lp_span a, lp_span b)
{
    unsigned before[NAME_MAX_BYTES + 1];

    for (unsigned j = 0; j <= b.len_bytes; j++) {
        before[j] = j;
    }
    for (unsigned i = 0; i < a.len_bytes; i++) {
        unsigned corner = before[0];

        before[0] = i + 1;
        for (size_t j = 0; j < b.len_bytes; j++) {
            bool is_same = lpi_to_lower(a.ptr[i]) == lpi_to_lower(b.ptr[j]);
            unsigned above = before[j + 1];

            before[j + 1] =
                least(above + 1, before[j] + 1, corner + (is_same ? 0 : 1));
            corner = above;
        }
    }
    return before[b.len_bytes];
}

/* The text in front of its "=". */
static lp_span name_of(lp_span option)
{
    const char *end = memchr(option.ptr, '=', option.len_bytes);

    return end != NULL ? lp_span_of(option.ptr, (size_t)(end - option.ptr))
                       : option;
}

/* The option that was meant, as far as can be told; NULL: none. */
static const lpi_option *nearest(lp_span option)
{
    lp_span name = name_of(option);
    const lpi_option *found = NULL;
    unsigned least_far = NEAR + 1;

    if (name.len_bytes > NAME_MAX_BYTES) {
        return NULL;
    }
    for (size_t i = 0; i < LPI_OPTION_COUNT; i++) {
        lp_span other = name_of(lp_span_str(lpi_options[i].name));
        unsigned far = distance(name, other);

        if (far < least_far && far < other.len_bytes / 2) {
            least_far = far;
            found = &lpi_options[i];
        }
    }
    return found;
}

/* Parts ------------------------------------------------------------------- */

static void doubt_unknown(const doubter *to, lp_span option)
{
    const lpi_option *meant = nearest(option);
    int bytes = shown_bytes(option);

    if (meant != NULL) {
        tell(to, "\"%.*s\" in the fragment does nothing: did you mean \"%s\"?",
             bytes, option.ptr, meant->name);
    } else {
        tell(to,
             "\"%.*s\" in the fragment does nothing: the options are "
             "insecure, refused=, encoding=, filter= and rate=, with \"&\" "
             "between them",
             bytes, option.ptr);
    }
}

/* Is it among those behind, and counts there? */
static bool is_said_again(lpi_option_kind kind, lp_span behind)
{
    lp_span value;

    while (behind.len_bytes > 0) {
        if (lpi_option_read(lpi_option_take(&behind), &value) == kind) {
            return true;
        }
    }
    return false;
}

static void doubt_fragment(const doubter *to)
{
    lp_span rest = to->url->fragment;

    while (rest.len_bytes > 0) {
        lp_span option = lpi_option_take(&rest);
        lp_span value;
        lpi_option_kind kind = lpi_option_read(option, &value);

        if (option.len_bytes == 0) {
            continue;
        }
        if (kind == LPI_OPTION_COUNT) {
            doubt_unknown(to, option);
        } else if (!lpi_option_is_heeded(kind, to->url)) {
            tell(to, "\"%.*s\" in the fragment does nothing over %s: %s",
                 shown_bytes(option), option.ptr, scheme_name(to),
                 lpi_options[kind].why_not);
        } else if (is_said_again(kind, rest)) {
            tell(to,
                 "\"%.*s\" in the fragment does nothing: it is said again "
                 "behind it",
                 shown_bytes(option), option.ptr);
        }
    }
}

/* Of syslog, which sends nothing of it. */
static void doubt_query(const doubter *to)
{
    bool is_udp = to->url->scheme == LP_DRAIN_SYSLOG_UDP;
    lp_span rest = to->url->query;

    while (rest.len_bytes > 0) {
        lp_span option = lpi_option_take(&rest);
        lp_span value;

        if (option.len_bytes > 0 &&
            (is_udp || !lpi_option_has(option, LP_SPAN("framing="), &value))) {
            tell(to, "\"%.*s\" in the query does nothing over %s%s",
                 shown_bytes(option), option.ptr, scheme_name(to),
                 is_udp ? ", where a line is a datagram"
                        : ": it can say \"framing=newline\"");
        }
    }
}

void lp_drain_url_doubts(const lp_drain_url *url, lp_drain_on_doubt *on_doubt,
                         void *ctx)
{
    doubter to = {url, on_doubt, ctx};

    if (url->scheme != LP_DRAIN_HTTP && url->scheme != LP_DRAIN_HTTPS) {
        if (url->user.ptr != NULL) {
            tell(&to, "the user and the password are not sent over %s",
                 scheme_name(&to));
        }
        if (url->path.len_bytes > 1) {
            tell(&to, "the path \"%.*s\" is not sent over %s",
                 shown_bytes(url->path), url->path.ptr, scheme_name(&to));
        }
        doubt_query(&to);
    }
    doubt_fragment(&to);
}
