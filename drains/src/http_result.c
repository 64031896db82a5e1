/* http_result.c - see http_result.h. */
#include "http_result.h"

#include <stdio.h>
#include <string.h>

#include "encoder.h"
#include "tls_trust.h"

enum { DAY_S = 86400 };

uint64_t lpi_http_after_ms(int64_t after_s)
{
    if (after_s <= 0)
        return 0;
    return (uint64_t)(after_s < DAY_S ? after_s : DAY_S) * 1000;
}

/* 407 is what a proxy says of itself, not what the sink says of the lines. */
static bool is_to_be_tried_again(unsigned status)
{
    return status < 400 || status >= 500 || status == 407 || status == 408 ||
           status == 425 || status == 429;
}

static bool is_the_senders_fault(const lpi_http_result *result)
{
    return result->status < 200 || !is_to_be_tried_again(result->status);
}

/* Why it failed, before anything is added. */
static void print_answer(const lpi_http_target *target,
                         const lpi_http_result *result, char *out,
                         size_t room_bytes)
{
    const char *encoding = lpi_encoding_name(target->encoding);

    if (result->status < 200)
        snprintf(out, room_bytes, "%s", result->why);
    else if (result->status < 300)
        snprintf(out, room_bytes,
                 "it answered %u before it had read the whole body",
                 result->status);
    else if (result->status == 407)
        snprintf(out, room_bytes,
                 "a proxy answered 407: it wants a user and a password, or "
                 "others, in http_proxy");
    else if (result->status == 415 && encoding)
        snprintf(out, room_bytes,
                 "it answered 415; it may not know encoding=%s", encoding);
    else
        snprintf(out, room_bytes, "it answered %u", result->status);
}

static void print_why(const lpi_http_target *target,
                      const lpi_http_result *result, char *out,
                      size_t room_bytes)
{
    size_t n;

    print_answer(target, result, out, room_bytes);
    n = strlen(out);
    if (result->lacks_certificate && is_the_senders_fault(result))
        snprintf(out + n, room_bytes - n, "; " LPI_WHY_NO_CERTIFICATE);
}

void lpi_http_tell(const lpi_http_target *target, uint64_t lines,
                   const lpi_http_result *result)
{
    lp_drain *drain = target->drain;
    char why[LP_DRAIN_ERROR_MAX_BYTES];

    lp_drain_count_answer(drain, result->status);
    if (result->status >= 200 && result->status < 300 && result->is_whole) {
        lp_drain_delivered(drain, lines);
        return;
    }
    print_why(target, result, why, sizeof(why));
    if (result->is_slow)
        lp_drain_failed_slowly(drain, why);
    else if (result->is_late)
        lp_drain_failed_late(drain, why);
    else if (result->status == 413)
        lp_drain_refuse_size(drain, why);
    else if (!is_to_be_tried_again(result->status))
        lp_drain_refuse(drain, why);
    else
        lp_drain_failed(drain, why, result->after_ms);
}
