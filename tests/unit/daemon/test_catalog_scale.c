/* test_catalog_scale.c - many channels: time by growth, and what is kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "catalog/catalog.h"

enum { CHANNELS = 100000, BLOCK = CHANNELS / 10, LOOKUPS = 2000000 };

/* Of processor, so that others on the machine do not count. */
static double seconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static lp_span id_of(unsigned n, char out[24])
{
    snprintf(out, 24, "app-%u", n);
    return lp_span_str(out);
}

static void make_channels(catalog *cat, unsigned from, unsigned to)
{
    for (unsigned n = from; n < to; n++) {
        lp_span name = LP_SPAN("app");
        bool created = false;
        char id[24];

        assert_int_equal(
            catalog_put_channel(cat, id_of(n, id), &name, 1, &created),
            CATALOG_OK);
        assert_true(created);
    }
}

static void time_lookups(const catalog_view *view)
{
    static char ids[CHANNELS][40];
    double began;
    unsigned found = 0;

    for (unsigned n = 0; n < CHANNELS; n++) {
        char id[24];
        const catalog_channel *channel =
            catalog_find_channel(view, id_of(n, id));

        assert_non_null(channel);
        assert_int_equal(channel->token_count, 1);
        snprintf(ids[n], sizeof ids[n], "%.*s",
                 (int)channel->tokens[0]->id.len_bytes,
                 channel->tokens[0]->id.ptr);
    }
    for (unsigned span = 16; span <= CHANNELS; span *= 16) {
        began = seconds_now();
        for (unsigned i = 0; i < LOOKUPS; i++) {
            const char *id = ids[i * 2654435761u % span];

            found += catalog_find_token(view, lp_span_of(id, 38)) != NULL;
        }
        print_message("lookup among %u of %d tokens: %.1f ns\n", span, CHANNELS,
                      (seconds_now() - began) / LOOKUPS * 1e9);
    }
    assert_int_equal(found % LOOKUPS, 0);
    assert_true(found > 0);
}

/* Were a change to cost what is there already, the last tenth would take some
 * twenty times the first. */
static void the_last_channels_cost_what_the_first_did(void **state)
{
    lp_engine_options options = LP_ENGINE_OPTIONS_INIT;
    catalog_reader reader = {0};
    lp_engine *engine;
    catalog *cat;
    double took[10], began;
    char why[256];

    (void)state;
    options.memory_max_bytes = (uint64_t)1 << 30;
    assert_int_equal(lp_engine_create(&options, &engine), LP_OK);
    assert_int_equal(
        catalog_open(engine, NULL, NULL, NULL, &cat, why, sizeof why),
        CATALOG_OK);
    for (unsigned block = 0; block < 10; block++) {
        began = seconds_now();
        make_channels(cat, block * BLOCK, (block + 1) * BLOCK);
        took[block] = seconds_now() - began;
    }
    print_message("a channel: %.1f us among the first %d, %.1f us at last\n",
                  took[0] / BLOCK * 1e6, BLOCK, took[9] / BLOCK * 1e6);
    assert_true(took[9] < 6 * took[0]);
    catalog_reader_init(&reader, cat);
    assert_int_equal(catalog_channel_count(catalog_reader_view(&reader)),
                     CHANNELS);
    time_lookups(catalog_reader_view(&reader));
    for (unsigned n = 0; n < CHANNELS; n += 2) {
        char id[24];

        assert_int_equal(catalog_delete_channel(cat, id_of(n, id)), CATALOG_OK);
    }
    assert_int_equal(catalog_channel_count(catalog_reader_view(&reader)),
                     CHANNELS / 2);
    catalog_reader_fini(&reader);
    catalog_close(cat);
    lp_engine_destroy(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_channels_cost_what_the_first_did),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
