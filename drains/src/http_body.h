/* http_body.h - the body of a request, encoded as its target wants it, and what has
 * left of it. */
#ifndef LP_HTTP_BODY_H
#define LP_HTTP_BODY_H

#include "encoder.h"
#include "http_target.h"

/*
 * The notice and the lines of a batch, encoded. *out is NULL where they go as they
 * are. Owns: *out until lpi_encoded_release(). False: there is no memory.
 */
bool lpi_http_encode(const lpi_http_target *target, lpi_encoder *encoder,
                     const lp_drain_batch *batch, lp_span notice,
                     lpi_encoded **out);

/* Has the drain count so many bytes of a body. encoded is NULL where it was not. */
void lpi_http_count_sent(const lpi_http_target *target,
                         const lpi_encoded *encoded, uint64_t sent_bytes);

#endif /* LP_HTTP_BODY_H */
