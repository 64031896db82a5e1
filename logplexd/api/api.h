/*
 * api.h - what the api_*.c have in common.
 *
 * Texts of errors name the value that was wrong and say what would be right;
 * values come back in JSON only, so nothing in them can be taken for markup.
 */
#ifndef LOGPLEXD_API_H
#define LOGPLEXD_API_H

#include <stdio.h>

#include "http/http.h"
#include "logplex/timestamp.h"

/* May this media type ("text/plain") be the answer? RFC 9110, 12.5.1. */
bool api_accepts(const http_request *req, const char *type);

/* May the answer have this Content-Encoding ("gzip")? RFC 9110, 12.5.3. Who does
 * not say gets none. */
bool api_accepts_coding(const http_request *req, const char *coding);

/* Is this ETag, in its quotes and without a W/, one that the client has? RFC 9110,
 * 13.1.2. */
bool api_has_tag(const http_request *req, const char *tag);

/* False: Accept leaves application/json out, and it has been answered. */
bool api_wants_json(http_request *req);

/* The same for text/event-stream. */
bool api_wants_events(http_request *req);

/* Is the Content-Type this one, with or without parameters? */
bool api_has_type(const http_request *req, const char *type);

/* How an API says what is wrong with a request. */
typedef void (*api_refuse)(http_request *req, int status, const char *format,
                           ...) __attribute__((format(printf, 3, 4)));

enum { API_JSON_DEPTH_MAX = 32 };

/* The body as a JSON object, to be released with json_decref(); NULL: it is
 * none, and refuse has said so with 415 or 400. The second one takes it
 * whatever its Content-Type is. */
json_t *api_json_body(http_request *req, api_refuse refuse);
json_t *api_json_untyped(http_request *req, api_refuse refuse);

/* Has body no members but known, which a NULL ends? If it has, a typing mistake
 * would be taken for nothing said: it has been refused with 400. */
bool api_knows_all(http_request *req, const json_t *body,
                   const char *const *known);

/* The bytes of a JSON string; empty for anything else. */
lp_span api_json_span(const json_t *string);

/* A member that is a count. */
void api_json_set_count(json_t *object, const char *name, uint64_t count);

/* A whole number of decimal digits. False: it is none, or has over 18. */
bool api_parse_count(lp_span text, uint64_t *out);

/* Does the query say "name=true"? */
bool api_query_is_true(http_request *req, const char *name);

/* "2012-01-01T12:00:00Z", with a NUL. */
char *api_print_time(int64_t time_ns, char out[LP_TIMESTAMP_MAX_BYTES]);

/* How many lines num=N stands for: N, or one more for who insists on what the
 * original does (--num-extra). */
uint64_t api_lines(const http_request *req, uint64_t num);

/* A quoted JSON string; what is no UTF-8 is replaced, and nothing in it begins
 * a tag, as some answers have to call themselves text/html. */
void api_print_json_string(FILE *to, lp_span text);

/* The fewest digits that are read as the same number again; null for what is none. */
void api_print_double(FILE *to, double value);

/* ,"name":value */
void api_print_member(FILE *to, const char *name, double value);

/* A copy, with a NUL behind it, that lives as long as the request; its ptr is
 * NULL when there is no memory. */
lp_span api_copy(http_request *req, lp_span text);

/* 503 for an answer that there was no memory for. */
void api_refuse_memory(http_request *req);

/* 503 for a write that could not be taken on now. */
void api_refuse_busy(http_request *req, api_refuse refuse);

/*
 * What is printed into memory. api_text_open() is false when there is none; then
 * to is NULL. api_text_close() ends it: false when not all of it found memory, or
 * is_whole is false; then it is gone. Else at is to be freed. Threads: any.
 */
typedef struct api_text {
    FILE *to;
    char *at;
    size_t len_bytes;
} api_text;

bool api_text_open(api_text *text);
bool api_text_close(api_text *text, bool is_whole);

/*
 * An answer that is printed. api_page_open() gives the stream to print to, or
 * NULL, and then it has answered; api_page_reply() sends what was printed and
 * frees it, api_page_drop() does the latter alone.
 */
typedef api_text api_page;

FILE *api_page_open(http_request *req, api_page *page);
void api_page_reply(http_request *req, api_page *page, int status,
                    const char *type);
void api_page_drop(api_page *page);

#endif /* LOGPLEXD_API_H */
