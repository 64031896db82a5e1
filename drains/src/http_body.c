/* http_body.c - see http_body.h. */
#include "http_body.h"

bool lpi_http_encode(const lpi_http_target *target, lpi_encoder *encoder,
                     const lp_drain_batch *batch, lp_span notice,
                     lpi_encoded **out)
{
    bool is_shared;

    *out = NULL;
    if (target->encoding == LP_DRAIN_IDENTITY)
        return true;
    *out = lpi_encoder_take(encoder, target->encoding,
                            lp_drain_channel(target->drain), batch, notice,
                            &is_shared);
    if (*out)
        lp_drain_count_compression(target->drain, is_shared);
    return *out != NULL;
}

void lpi_http_count_sent(const lpi_http_target *target,
                         const lpi_encoded *encoded, uint64_t sent_bytes)
{
    uint64_t plain_bytes = sent_bytes;

    if (encoded) // of half a body, that half
        plain_bytes = plain_bytes * encoded->plain_bytes / encoded->bytes;
    lp_drain_count_compressed(target->drain, sent_bytes, plain_bytes);
}
