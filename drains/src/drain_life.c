/* drain_life.c - a drain from its URL to its end, and what a protocol may ask of
 * it. */
#include "drain_impl.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sieve.h"

static void on_ready(void *ctx)
{
    lpi_set_wake(ctx);
}

static lp_err read_options(const lp_drain_options *from, lp_drain_options *opt)
{
    lp_drain_options defaults = LP_DRAIN_OPTIONS_INIT;

    *opt = defaults;
    if (!from)
        return LP_OK;
    if (from->struct_bytes > sizeof(*opt) || from->refused > LP_DRAIN_PARK)
        return LP_E_INVALID;
    memcpy(opt, from, from->struct_bytes);
    return LP_OK;
}

static lp_err open_cursor(lp_drain *drain, const lp_drain_options *from)
{
    lp_cursor_options opt = LP_CURSOR_OPTIONS_INIT;

    opt.start = from->start;
    opt.start_arg = from->start_arg;
    opt.start_epoch = from->start_epoch;
    opt.confirms = 1;
    opt.on_ready = on_ready;
    opt.ready_ctx = drain;
    return lp_cursor_open(drain->ring, &opt, &drain->cursor);
}

static lp_err open_link(lp_drain *drain, lp_span url,
                        const lp_drain_protocol **protocol, void **link)
{
    *protocol = lpi_set_protocol(drain->set, url);
    if (!*protocol)
        return LP_E_INVALID;
    return (*protocol)->open((*protocol)->ctx, drain, url,
                             lp_drain_token(drain), link);
}

/* What the URL says that is not its protocol's business. */
static lp_drain_url read_url(lp_span text)
{
    lp_drain_url none = {.says_refused = false};
    lp_drain_url url;

    // It may be of a protocol that was registered, and have no such options.
    return lp_drain_url_parse(text, &url, NULL) == LP_OK ? url : none;
}

static lp_err create_sieve(const lp_drain *drain, const lp_drain_url *url,
                           lpi_sieve **out)
{
    char text[LP_DRAIN_URL_MAX_BYTES];
    lp_span filter = lp_span_of(drain->own_filter, drain->own_filter_bytes);

    if (url->filter.ptr)
        filter = lp_span_of(text, lp_drain_url_unescape(url->filter, text));
    return lpi_sieve_create(
        filter, url->rate_lines > 0 ? url->rate_lines : drain->own_rate_lines,
        out);
}

/* One that lets the same lines through goes on with its rate where the old one
 * was. */
static void change_sieve(lp_drain *drain, lpi_sieve *to)
{
    if (lp_span_equal(lpi_sieve_text(drain->sieve), lpi_sieve_text(to))) {
        lpi_sieve_destroy(to);
        return;
    }
    drain->given_up_lines += lpi_sieve_limit_lines(drain->sieve);
    lpi_sieve_destroy(drain->sieve);
    drain->sieve = to;
    drain->again_seq = 0; // other frames, with names of their own
}

static void set_options(lp_drain *drain, const lp_drain_url *url,
                        lpi_sieve *sieve)
{
    drain->policy =
        url->says_refused ? (lp_drain_refused)url->refused : drain->own_policy;
    drain->is_in_step = url->encoding != LP_DRAIN_IDENTITY;
    change_sieve(drain, sieve);
}

static void free_drain(lp_drain *drain)
{
    lpi_sieve_destroy(drain->sieve);
    free(drain->own_filter);
    free(drain);
}

static void on_closed(uv_handle_t *handle)
{
    lp_drain *drain = handle->data;
    lp_drains *set = drain->set;

    free_drain(drain);
    lpi_set_handle_closed(set);
}

static lp_drain *new_drain(lp_drains *set, lp_channel *channel, lp_span token,
                           const lp_drain_options *opt)
{
    lp_drain *drain = calloc(1, sizeof(*drain));

    if (!drain)
        return NULL;
    if (opt->filter.len_bytes > 0) {
        drain->own_filter = malloc(opt->filter.len_bytes);
        if (!drain->own_filter) {
            free(drain);
            return NULL;
        }
        drain->own_filter_bytes = opt->filter.len_bytes;
        memcpy(drain->own_filter, opt->filter.ptr, opt->filter.len_bytes);
    }
    drain->own_rate_lines = opt->rate_lines;
    drain->set = set;
    drain->ring = lp_channel_ref(channel);
    drain->own_policy = (lp_drain_refused)opt->refused;
    drain->is_ready = true;
    drain->account = LPI_KEEP_SLOW;
    drain->batch_bytes = drain->batch_max_bytes = set->opt.batch_bytes;
    drain->token_bytes = token.len_bytes;
    memcpy(drain->token, token.ptr, token.len_bytes);
    return drain;
}

lp_err lp_drain_open(lp_drains *set, lp_channel *channel, lp_span url,
                     lp_span token, const lp_drain_options *options,
                     lp_drain **out)
{
    lp_drain_url said = read_url(url);
    lp_drain_options opt;
    lp_drain *drain;
    lpi_sieve *sieve = NULL;
    lp_err err = read_options(options, &opt);

    if (err != LP_OK || token.len_bytes == 0 ||
        token.len_bytes > LPI_TOKEN_MAX_BYTES)
        return LP_E_INVALID;
    drain = new_drain(set, channel, token, &opt);
    if (!drain)
        return LP_E_NOMEM;
    err = create_sieve(drain, &said, &sieve);
    if (err == LP_OK)
        err = open_cursor(drain, &opt);
    if (err == LP_OK)
        err = open_link(drain, url, &drain->protocol, &drain->link);
    if (err != LP_OK) {
        lp_cursor_close(drain->cursor);
        lp_channel_unref(drain->ring);
        lpi_sieve_destroy(sieve);
        free_drain(drain);
        return err;
    }
    set_options(drain, &said, sieve);
    lpi_set_enter(drain);
    *out = drain;
    lpi_drain_pump(drain);
    return LP_OK;
}

void lp_drain_settle(lp_drain *drain)
{
    bool was_pumping = drain->is_pumping;

    if (!drain->protocol->settle)
        return;
    drain->is_pumping = true; // nothing more goes this way
    drain->protocol->settle(drain->link);
    drain->is_pumping = was_pumping;
}

lp_err lp_drain_redirect(lp_drain *drain, lp_span url)
{
    const lp_drain_protocol *protocol;
    lp_drain_url said = read_url(url);
    lpi_sieve *sieve;
    void *link;
    lp_err err = create_sieve(drain, &said, &sieve);

    if (err == LP_OK)
        err = open_link(drain, url, &protocol, &link);
    if (err != LP_OK) {
        lpi_sieve_destroy(sieve);
        return err;
    }
    lp_drain_settle(drain);
    lpi_flights_take_back(drain);
    drain->protocol->close(drain->link);
    drain->protocol = protocol;
    drain->link = link;
    set_options(drain, &said, sieve);
    drain->rest = LPI_REST_NONE;
    drain->retry_ns = 0;
    drain->failed_in_a_row = 0;
    drain->late_in_a_row = 0;
    drain->batch_bytes = drain->batch_max_bytes = drain->set->opt.batch_bytes;
    drain->too_much_bytes = 0;
    drain->is_proven = false;
    lpi_keep_set_crowded(drain, false);
    lpi_keep_set_account(drain, LPI_KEEP_SLOW);
    drain->is_ready = true;
    drain->due_ms = 0;
    uv_timer_stop(&drain->timer);
    lpi_set_end_turn(drain);
    lpi_drain_pump(drain);
    return LP_OK;
}

bool lp_drain_release(lp_drain *drain)
{
    return drain->rest == LPI_REST_PARKED && lp_drain_retry(drain);
}

bool lp_drain_retry(lp_drain *drain)
{
    if (drain->rest == LPI_REST_NONE)
        return false;
    uv_timer_stop(&drain->timer);
    lpi_drain_end_rest(drain);
    lpi_drain_pump(drain);
    return true;
}

void lp_drain_close(lp_drain *drain)
{
    if (!drain)
        return;
    drain->is_closed = true;
    lpi_flights_take_back(drain);
    drain->protocol->close(drain->link);
    lp_cursor_close(drain->cursor); // from here on nobody wakes it
    lp_channel_unref(drain->ring);
    lpi_set_leave(drain);
    uv_close((uv_handle_t *)&drain->timer, on_closed);
}

/* For protocols ----------------------------------------------------------- */

lp_channel *lp_drain_channel(const lp_drain *drain)
{
    return drain->ring;
}

lp_span lp_drain_token(const lp_drain *drain)
{
    return lp_span_of(drain->token, drain->token_bytes);
}

uv_loop_t *lp_drain_loop(const lp_drain *drain)
{
    return drain->set->loop;
}

const lp_drains_options *lp_drain_set_options(const lp_drain *drain)
{
    return &drain->set->opt;
}

bool lp_drain_may_connect(const lp_drain *drain, const struct sockaddr *address)
{
    const lp_drains_options *opt = &drain->set->opt;

    return !opt->may_connect || opt->may_connect(opt->ctx, address);
}
