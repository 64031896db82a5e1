/* stored.h - lines in the form in which a channel stores them, without one. */
#ifndef TESTS_STORED_H
#define TESTS_STORED_H

#include <assert.h>
#include <stdlib.h>

#include "join.h"
#include "logplex/render.h"

/* out has room for the line: msg and 256 bytes for short names. */
static inline lp_record stored_line(unsigned severity, const char *source,
                                    const char *process, lp_span msg, char *out)
{
    lp_render_scratch scratch;
    lp_line line = {.arrival_ns = 0};
    lp_record record = {.seq = 1};
    lp_syslog parts = {.format = LP_SYSLOG_3164,
                       .pri = (uint8_t)(16 * 8 + severity),
                       .app = lp_span_str(source),
                       .procid = lp_span_str(process),
                       .msg = msg};
    lp_err err = lp_render_line(&parts, lp_span_of(NULL, 0), &scratch, &line);

    assert(err == LP_OK);
    (void)err;
    record.bytes = join(line.parts, line.part_count, out);
    record.marks = line.marks;
    return record;
}

#endif /* TESTS_STORED_H */
