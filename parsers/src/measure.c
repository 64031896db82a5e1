#include "logplex/measure.h"

#include "measure_impl.h"
#include "number.h"

/* Results ----------------------------------------------------------------- */

static inline void forget_span(lp_span *span)
{
    memset(span, 0, sizeof(*span));
}

/* One by one: that takes half as long as what gcc makes of a single memset(). */
static inline void forget_spans(lp_measures *out, lp_span process)
{
    forget_span(&out->at);
    forget_span(&out->method);
    forget_span(&out->host);
    forget_span(&out->path);
    forget_span(&out->request_id);
    out->dyno = process;
    forget_span(&out->source);
    forget_span(&out->code);
    forget_span(&out->desc);
    forget_span(&out->from);
    forget_span(&out->to);
    forget_span(&out->subject);
    forget_span(&out->by);
}

static void clear(lp_measures *out, lp_span process)
{
    out->kind = LP_KIND_NONE;
    out->count = 0;
    out->left_out = 0;
    out->status = -1;
    forget_spans(out, process);
}

bool lpi_measures_add_slow(lp_measures *out, lp_measure_op op, lp_span name,
                           lp_span text, lp_span unit, lp_unit base)
{
    lpi_number number = {
        .scaled = 1, .suffix = {text.ptr, 0}, .unit = LP_UNIT_NONE};

    if (name.len_bytes == 0 || (op == LP_OP_UNIQUE && text.len_bytes == 0) ||
        (op != LP_OP_UNIQUE && !lpi_number_scan(text, unit, &number))) {
        return false;
    }
    if (number.unit == LP_UNIT_NONE && op != LP_OP_UNIQUE) {
        number.unit = (uint8_t)base;
    }
    lpi_measures_put(out, &(lp_measure){.name = name,
                                        .text = text,
                                        .suffix = number.suffix,
                                        .value = number.scaled,
                                        .op = (uint8_t)op,
                                        .unit = number.unit});
    return true;
}

bool lp_measure_number(lp_span text, lp_unit unit, lp_measure *out)
{
    lpi_number number;
    uint32_t common;
    bool is_ms;
    size_t n = lpi_common_number(text, &common, &is_ms);

    out->text = text;
    if (n > 0) {
        out->suffix = lp_span_skip(text, n);
        out->value = common;
        out->unit = (uint8_t)(is_ms ? LP_UNIT_MS : unit);
        return true;
    }
    if (!lpi_number_scan(text, lp_span_of(NULL, 0), &number)) {
        return false;
    }
    out->suffix = number.suffix;
    out->value = number.scaled;
    out->unit = (uint8_t)(number.unit == LP_UNIT_NONE ? unit : number.unit);
    return true;
}

bool lp_measures_add(lp_measures *out, lp_measure_op op, lp_span name,
                     lp_span text, lp_unit unit)
{
    return lpi_measures_add(out, op, name, text, unit);
}

/* Own kinds --------------------------------------------------------------- */

void lp_kinds_init(lp_kinds *kinds)
{
    memset(kinds, 0, sizeof(*kinds));
}

static void set_bit(uint64_t bits[4], char c)
{
    unsigned char byte = (unsigned char)c;

    bits[byte / 64] |= UINT64_C(1) << byte % 64;
}

static bool has_bit(const uint64_t bits[4], lp_span text)
{
    unsigned char byte;

    if (text.len_bytes == 0) {
        return false;
    }
    byte = (unsigned char)text.ptr[0];
    return (bits[byte / 64] >> byte % 64 & 1) != 0;
}

lp_err lp_kinds_add(lp_kinds *kinds, const lp_kind_own *own, uint8_t *id)
{
    if (own->struct_bytes < sizeof(*own) || own->read == NULL ||
        (own->starts.len_bytes == 0 && own->process.len_bytes == 0)) {
        return LP_E_INVALID;
    }
    if (kinds->count == LP_KINDS_OWN_MAX) {
        return LP_E_FULL;
    }
    if (own->starts.len_bytes > 0) {
        set_bit(kinds->first_bytes, own->starts.ptr[0]);
    } else {
        set_bit(kinds->first_process_bytes, own->process.ptr[0]);
    }
    *id = (uint8_t)(LP_KIND_OWN + kinds->count);
    kinds->own[kinds->count] = own;
    kinds->count++;
    return LP_OK;
}

static bool read_own(const lp_kinds *kinds, const lp_measure_line *line,
                     lp_measures *out)
{
    if (!has_bit(kinds->first_bytes, line->msg) &&
        !has_bit(kinds->first_process_bytes, line->process)) {
        return false;
    }
    for (uint32_t i = 0; i < kinds->count; i++) {
        const lp_kind_own *own = kinds->own[i];

        if (!lp_span_starts(line->msg, own->starts) ||
            (own->process.len_bytes > 0 &&
             !lp_procid_begins(line->process, own->process))) {
            continue;
        }
        if (own->read(own->ctx, line, out)) {
            out->kind = (uint8_t)(LP_KIND_OWN + i);
            return true;
        }
        clear(out, line->process);
    }
    return false;
}

/* Lines ------------------------------------------------------------------- */

static bool is_blank(char c)
{
    return (unsigned char)c <= ' ';
}

/* What is believed of a message; see measure_impl.h. */
static lp_span trim(lp_span msg, bool is_cut)
{
    while (is_cut && msg.len_bytes > 0 &&
           !is_blank(msg.ptr[msg.len_bytes - 1])) {
        msg.len_bytes--;
    }
    while (msg.len_bytes > 0 && is_blank(msg.ptr[msg.len_bytes - 1])) {
        msg.len_bytes--;
    }
    return msg;
}

/* A sentence of one that has a right to it. */
static bool read_sentence(const lp_measure_line *line, bool is_platform,
                          lp_measures *out)
{
    if (lp_span_equal(line->process, LP_SPAN("api"))) {
        return lpi_read_api(line->msg, out);
    }
    if (lp_span_equal(line->process, LP_SPAN("logplex")) ||
        lp_span_equal(line->process, LP_SPAN("log-shuttle"))) {
        return lpi_read_error(line->msg, out);
    }
    return is_platform ? lpi_read_platform(line->msg, out)
                       : lpi_read_rails(line->msg, out);
}

/* Whose measures they are, when nothing else is known of the line. */
static uint8_t kind_of_samples(const lp_measure_line *line, bool is_platform)
{
    if (lp_span_starts(line->process, LP_SPAN("heroku-postgres")) ||
        lp_span_equal(line->process, LP_SPAN("heroku-pgbouncer"))) {
        return LP_KIND_POSTGRES;
    }
    if (lp_span_starts(line->process, LP_SPAN("heroku-redis"))) {
        return LP_KIND_REDIS;
    }
    return is_platform ? LP_KIND_RUNTIME : LP_KIND_NONE;
}

/* A line of the router's that is of no kind of one's own. */
static void read_router(lp_span msg, const lp_measure_line *line,
                        lp_measures *out)
{
    if (lpi_read_router(msg, line->is_cut, out)) {
        out->kind = LP_KIND_ROUTER;
    } else {
        forget_spans(out, line->process);
    }
}

/* Apart, so that a router's line does not pay for it. */
__attribute__((noinline)) static void
read_any(const lp_kinds *kinds, const lp_measure_line *line, lp_measures *out)
{
    lp_measure_line trimmed = *line;
    bool is_platform = lp_span_equal(line->source, LP_SPAN("heroku"));
    bool is_known;

    trimmed.msg = trim(line->msg, line->is_cut);
    is_known =
        kinds != NULL && kinds->count > 0 && read_own(kinds, &trimmed, out);
    if (!is_known && lp_span_equal(line->process, LP_SPAN("router"))) {
        read_router(trimmed.msg, line, out);
        return;
    }
    is_known = is_known || read_sentence(&trimmed, is_platform, out);
    // In its older form the platform calls a sample a measure.
    lpi_read_conventions(&trimmed, is_platform ? LP_OP_SAMPLE : LP_OP_MEASURE,
                         out);
    if (!is_known && out->count > 0) {
        out->kind = kind_of_samples(line, is_platform);
    }
}

void lp_measures_read(const lp_kinds *kinds, const lp_measure_line *line,
                      lp_measures *out)
{
    clear(out, line->process);
    if ((kinds == NULL || kinds->count == 0) &&
        lp_span_equal(line->process, LP_SPAN("router"))) {
        read_router(trim(line->msg, line->is_cut), line, out);
    } else {
        read_any(kinds, line, out);
    }
}

bool lp_request_read(const lp_measure_line *line, lp_request *out)
{
    return lp_span_equal(line->process, LP_SPAN("router")) &&
           lpi_read_request(trim(line->msg, line->is_cut), out);
}
