/* demo.c - see demo.h. */
#include "demo/demo.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"

static const lp_span token_names[DEMO_SOURCES] = {
    [DEMO_APP] = {"app", 3},
    [DEMO_HEROKU] = {"heroku", 6},
};

/* Channels ---------------------------------------------------------------- */

static void copy_tokens(const catalog_channel *channel,
                        char out[DEMO_SOURCES][SENDER_TOKEN_BYTES])
{
    for (size_t i = 0; i < channel->token_count; i++) {
        const catalog_token *token = channel->tokens[i];

        for (unsigned s = 0; s < DEMO_SOURCES; s++) {
            if (lp_span_equal(token->name, token_names[s]))
                snprintf(out[s], SENDER_TOKEN_BYTES, "%.*s",
                         (int)token->id.len_bytes, token->id.ptr);
        }
    }
}

static catalog_err make_channels(catalog *cat, sender_tokens *tokens)
{
    catalog_reader reader = {0};
    catalog_err err = CATALOG_OK;

    catalog_reader_init(&reader, cat);
    for (unsigned i = 0; i < CAST_APPS && err == CATALOG_OK; i++) {
        lp_span id = lp_span_str(cast[i].id);
        bool is_new;

        err = catalog_put_channel(cat, id, token_names, DEMO_SOURCES, &is_new);
        if (err == CATALOG_OK)
            copy_tokens(catalog_find_channel(catalog_reader_view(&reader), id),
                        tokens->of[i]);
    }
    catalog_reader_fini(&reader);
    return err;
}

/* Its lines leave as well. */
static catalog_err add_drains(catalog *cat, uint16_t port)
{
    catalog_drain_made made;
    catalog_err err = CATALOG_OK;
    char url[40];

    snprintf(url, sizeof(url), "syslog://127.0.0.1:%u", port);
    for (unsigned i = 0; i < CAST_APPS && err == CATALOG_OK; i++) {
        if (cast[i].has_drain)
            err = catalog_add_drain(cat, lp_span_str(cast[i].id),
                                    lp_span_str(url), NULL, &made);
    }
    return err;
}

static sender *failed(const char *what, const char *why)
{
    LOG_AT(LOG_ERROR, "start_failed", "what=%s why=\"%s\"", what, why);
    return NULL;
}

sender *demo_start(const config *cfg, catalog *cat,
                   const config_address *syslog_tcp)
{
    sender_tokens tokens = {0};
    catalog_err err = make_channels(cat, &tokens);
    demo_model *model;
    sender *send;

    if (err != CATALOG_OK)
        return failed("demo_channels", catalog_strerror(err));
    model = demo_model_create(cfg->demo_seed, cfg->demo_rate, wall_clock_ns());
    send = model ? sender_start(model, &tokens, syslog_tcp) : NULL;
    if (!send)
        return failed("demo", "no memory, no thread or no port");
    err = add_drains(cat, sender_receiver_port(send));
    if (err == CATALOG_OK)
        return send;
    sender_end(send);
    return failed("demo_drains", catalog_strerror(err));
}

/* What there is to see ---------------------------------------------------- */

void demo_tell(const config *cfg, const char *url)
{
    bool is_open = cfg->credential_count == 0 && !cfg->auth_key;
    const char *user = is_open ? "" : "-u ID:PASSWORD ";

    printf(
        "\nThis is a demo: %u made-up apps log about %u lines a second, over\n"
        "syslog, as a platform's routers and dynos would.\n\n",
        CAST_APPS, cfg->demo_rate);
    for (unsigned i = 0; i < CAST_APPS; i++)
        printf("    %-10s %s\n", cast[i].id, cast[i].about);
    printf("\n"
           "See them      open %s/\n"
           "Read one      curl -s %s%s/v3/channels/shop/logs\n"
           "Follow one    HEROKU_HOST=%s HEROKU_API_KEY=%s \\\n"
           "                heroku logs --tail -a shop\n"
           "End it        Ctrl-C; nothing is kept\n\n",
           url, user, url, url, is_open ? "any" : "PASSWORD");
    fflush(stdout);
}
