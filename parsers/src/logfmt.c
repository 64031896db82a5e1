#include "logplex/logfmt.h"

#include "swar.h"

/*
 * A blank is any byte up to and with the space, so a tab, a line end or a NUL
 * parts two pairs as well. A key may hold anything but blanks, "=" and quotes;
 * a value without quotes anything but blanks, since older router lines have
 * path=/?a=b.
 */
enum { BLANK_BELOW = ' ' + 1 };

static bool is_blank(char c)
{
    return (unsigned char)c < BLANK_BELOW;
}

static bool ends_key(char c)
{
    return is_blank(c) || c == '=' || c == '"';
}

static const char *find_key_end(const char *at, const char *end)
{
    for (; end - at >= 8; at += 8) {
        uint64_t word = lp_swar_load(at);
        uint64_t mask = lp_swar_below(word, BLANK_BELOW) |
                        lp_swar_equal(word, '=') | lp_swar_equal(word, '"');

        if (mask != 0) {
            return at + lp_swar_first(mask);
        }
    }
    while (at < end && !ends_key(*at)) {
        at++;
    }
    return at;
}

static const char *find_blank(const char *at, const char *end)
{
    for (; end - at >= 8; at += 8) {
        uint64_t mask = lp_swar_below(lp_swar_load(at), BLANK_BELOW);

        if (mask != 0) {
            return at + lp_swar_first(mask);
        }
    }
    while (at < end && !is_blank(*at)) {
        at++;
    }
    return at;
}

/* The next quote or backslash. */
static const char *find_quote(const char *at, const char *end)
{
    for (; end - at >= 8; at += 8) {
        uint64_t word = lp_swar_load(at);
        uint64_t mask = lp_swar_equal(word, '"') | lp_swar_equal(word, '\\');

        if (mask != 0) {
            return at + lp_swar_first(mask);
        }
    }
    while (at < end && *at != '"' && *at != '\\') {
        at++;
    }
    return at;
}

/* at is behind the opening quote. Returns what is behind the closing one. */
static const char *take_quoted(const char *at, const char *end, lp_pair *out)
{
    const char *start = at;

    out->quoted = true;
    for (at = find_quote(at, end); at < end && *at == '\\';
         at = find_quote(at, end)) {
        out->escaped = true;
        at += end - at > 1 ? 2 : 1;
    }
    out->value = lp_span_of(start, (size_t)(at - start));
    out->unterminated = at == end;
    return out->unterminated ? end : at + 1;
}

lp_err lp_logfmt_next(lp_span *rest, lp_pair *out)
{
    const char *at = rest->ptr;
    const char *end;
    const char *stop;

    if (rest->len_bytes == 0) {
        return LP_E_END;
    }
    end = at + rest->len_bytes;
    while (at < end && ends_key(*at)) {
        at++;
    }
    if (at == end) {
        *rest = lp_span_of(end, 0);
        return LP_E_END;
    }
    stop = find_key_end(at, end);
    *out = (lp_pair){.key = {at, (size_t)(stop - at)}};
    at = stop;
    if (at < end && *at == '=') {
        at++;
        if (at < end && *at == '"') {
            at = take_quoted(at + 1, end, out);
        } else {
            stop = find_blank(at, end);
            out->value = lp_span_of(at, (size_t)(stop - at));
            at = stop;
        }
    }
    *rest = lp_span_of(at, (size_t)(end - at));
    return LP_OK;
}

/* What "\c" stands for, or 0 when it is no escape of ours. */
static char escape_of(char c)
{
    switch (c) {
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    case '"':
    case '\\':
        return c;
    default:
        return 0;
    }
}

size_t lp_logfmt_unescape(lp_span value, char *out)
{
    size_t n = 0;

    for (size_t i = 0; i < value.len_bytes; i++) {
        char c = value.ptr[i];

        if (c == '\\' && i + 1 < value.len_bytes &&
            escape_of(value.ptr[i + 1]) != 0) {
            i++;
            c = escape_of(value.ptr[i]);
        }
        out[n] = c;
        n++;
    }
    return n;
}
