#include "corpus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STAMP_DIGITS = 19, TEXT_MAX = 16384, FRAMING_MAX = 64 };

static const char *any(const corpus_tokens *tokens)
{
    return tokens->all[(unsigned)rand() % tokens->count];
}

/* A line without framing; returns its bytes. */
static size_t put_plain(char *out, unsigned long n, const char *token,
                        const char *mark, size_t line_bytes)
{
    size_t len_bytes = (size_t)snprintf(
        out, TEXT_MAX,
        "<158>1 2026-11-21T00:%02lu:%02lu.%06lu+00:00 host %s router - - "
        "%sat=info method=GET path=\"/items/%lu\" host=myapp.example.com "
        "request_id=8601b555-6a83-4c12-8269-%012lu fwd=\"204.204.204.204\" "
        "dyno=web.%lu connect=1ms service=%lums status=200 bytes=%lu",
        n / 60 % 60, n % 60, n % 1000000, token, mark, n % 1000, n, n % 8 + 1,
        n % 300, n % 9000);

    while (len_bytes < line_bytes)
        out[len_bytes++] = 'x';
    out[line_bytes - 1] = '\n';
    return line_bytes;
}

static size_t put_router(char *out, unsigned long n, const char *token,
                         size_t line_bytes)
{
    static const char *const routes[] = {"/",
                                         "/login",
                                         "/api/v1/users/%u",
                                         "/api/v1/users/%u/posts",
                                         "/api/v1/posts/%u",
                                         "/assets/app-%08x.js",
                                         "/search",
                                         "/cart/%u",
                                         "/orders/%u",
                                         "/orders/%u/items",
                                         "/healthcheck",
                                         "/admin"};
    unsigned dice = (unsigned)rand() % 1000;
    unsigned service =
        3 + (unsigned)(rand() % 100 * (rand() % 100) * (rand() % 100) / 2000);
    const char *level =
        dice < 5 ? "error code=H12 desc=\"Request timeout\"" : "info";
    unsigned status = dice < 5    ? 503
                      : dice < 20 ? 500
                      : dice < 50 ? 404
                      : dice < 90 ? 302
                                  : 200;
    char path[64], tail[512];
    size_t head_bytes, tail_bytes;

    // Which route it is falls off as in a program: half are of the first two.
    snprintf(path, sizeof(path),
             routes[(unsigned)rand() % 12 * ((unsigned)rand() % 12) / 12],
             (unsigned)rand());
    head_bytes = (size_t)snprintf(
        out, TEXT_MAX,
        "<158>1 2026-11-21T00:%02lu:%02lu.%06lu+00:00 host %s router - - "
        "at=%s method=GET path=\"%s?q=",
        n / 60 % 60, n % 60, n % 1000000, token, level, path);
    tail_bytes = (size_t)snprintf(
        tail, sizeof(tail),
        "\" host=a.example.com request_id=8601b555-6a83-4c12-%012lu "
        "fwd=\"204.0.0.%u\" dyno=web.%u connect=%ums service=%ums status=%u "
        "bytes=%u\n",
        n, dice % 256, (unsigned)rand() % 16 + 1, dice % 4,
        dice < 5 ? 30000 : service, status, (unsigned)rand() % 50000);
    while (head_bytes + tail_bytes < line_bytes)
        out[head_bytes++] = 'x';
    memcpy(out + head_bytes, tail, tail_bytes);
    return head_bytes + tail_bytes;
}

/* Returns the bytes of the frame. */
static size_t frame(char *out, const char *text, size_t text_bytes,
                    corpus_framing framing)
{
    size_t head_bytes = (size_t)snprintf(
        out, FRAMING_MAX, framing == CORPUS_NATS ? "PUB logs %zu\r\n" : "%zu ",
        text_bytes);

    memcpy(out + head_bytes, text, text_bytes);
    if (framing != CORPUS_NATS)
        return head_bytes + text_bytes;
    memcpy(out + head_bytes + text_bytes, "\r\n", 2);
    return head_bytes + text_bytes + 2;
}

void corpus_make(corpus *out, const corpus_tokens *tokens, corpus_kind kind,
                 corpus_framing framing, size_t line_bytes)
{
    size_t used_bytes = 0;
    char text[TEXT_MAX];

    out->lines = (unsigned long)tokens->count * CORPUS_LINES_A_TOKEN;
    if (out->lines < CORPUS_LINES)
        out->lines = CORPUS_LINES;
    out->data = malloc(out->lines * (line_bytes + 512));
    out->ends = malloc((out->lines + 1) * sizeof(*out->ends));
    out->stamps = calloc(out->lines, sizeof(*out->stamps));
    if (!out->data || !out->ends || !out->stamps) {
        fputs("corpus: no memory\n", stderr);
        exit(1);
    }
    for (unsigned long n = 0; n < out->lines; n++) {
        char *at = out->data + used_bytes;
        size_t text_bytes =
            kind == CORPUS_ROUTER
                ? put_router(text, n, any(tokens), line_bytes)
                : put_plain(text, n, any(tokens),
                            kind == CORPUS_MARKED ? "@0000000000000000000 "
                                                  : "",
                            line_bytes);

        out->ends[n] = used_bytes;
        used_bytes += frame(at, text, text_bytes, framing);
        if (kind == CORPUS_MARKED)
            out->stamps[n] =
                (size_t)((char *)memchr(at, '@', line_bytes) + 1 - out->data);
    }
    out->ends[out->lines] = used_bytes;
}

void corpus_stamp(const corpus *of, unsigned long first, unsigned long count,
                  uint64_t now_ns)
{
    char digits[STAMP_DIGITS];

    for (int n = STAMP_DIGITS; n-- > 0; now_ns /= 10)
        digits[n] = (char)('0' + now_ns % 10);
    for (unsigned long n = first; n < first + count; n++)
        memcpy(of->data + of->stamps[n], digits, STAMP_DIGITS);
}
