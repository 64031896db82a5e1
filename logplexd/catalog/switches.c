/* switches.c - see switches.h. */
#include "catalog/switches.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

const char *const switch_names[SWITCH_COUNT] = {
    [SWITCH_API] = "api",       [SWITCH_LEGACY_API] = "legacy_api",
    [SWITCH_INGEST] = "ingest", [SWITCH_HISTORY] = "history",
    [SWITCH_TAILS] = "tails",   [SWITCH_DRAINS] = "drains",
};

const char *const api_mode_names[API_MODES] = {
    [API_NORMAL] = "normal",
    [API_READ_ONLY] = "read_only",
    [API_DISABLED] = "disabled",
};

static const char setting_name[] = "switches";

/* Values ------------------------------------------------------------------ */

bool switch_is_mode(switch_id id)
{
    return id == SWITCH_API || id == SWITCH_LEGACY_API;
}

static uint8_t value_count(switch_id id)
{
    return switch_is_mode(id) ? API_MODES : SWITCH_OFF + 1;
}

const char *switch_value_name(switch_id id, uint8_t value)
{
    assert(value < value_count(id));
    if (!switch_is_mode(id))
        return value == SWITCH_ON ? "on" : "off";
    return api_mode_names[value];
}

bool switch_find(lp_span name, switch_id *out)
{
    for (unsigned id = 0; id < SWITCH_COUNT; id++) {
        if (lp_span_equal(name, lp_span_str(switch_names[id]))) {
            *out = (switch_id)id;
            return true;
        }
    }
    return false;
}

bool switch_parse(switch_id id, lp_span text, switch_choice *out)
{
    for (uint8_t value = 0; value < value_count(id); value++) {
        if (lp_span_equal(text, lp_span_str(switch_value_name(id, value)))) {
            out->is_given = true;
            out->value = value;
            return true;
        }
    }
    return false;
}

void switch_set_print(const switch_set *set, char out[SWITCH_SET_BYTES])
{
    size_t used_bytes = 0;

    out[0] = '\0';
    for (unsigned id = 0; id < SWITCH_COUNT; id++) {
        if (set->of[id].is_given)
            used_bytes += (size_t)snprintf(
                out + used_bytes, SWITCH_SET_BYTES - used_bytes, "%s%s=%s",
                used_bytes > 0 ? " " : "", switch_names[id],
                switch_value_name((switch_id)id, set->of[id].value));
    }
}

static void parse_pair(lp_span pair, switch_set *out)
{
    const char *equals = memchr(pair.ptr, '=', pair.len_bytes);
    size_t name_bytes = equals ? (size_t)(equals - pair.ptr) : 0;
    switch_id id;

    if (switch_find(lp_span_of(pair.ptr, name_bytes), &id))
        switch_parse(id, lp_span_skip(pair, name_bytes + 1), &out->of[id]);
}

void switch_set_parse(lp_span text, switch_set *out)
{
    memset(out, 0, sizeof(*out));
    while (text.len_bytes > 0) {
        const char *end = memchr(text.ptr, ' ', text.len_bytes);
        size_t pair_bytes = end ? (size_t)(end - text.ptr) : text.len_bytes;

        parse_pair(lp_span_of(text.ptr, pair_bytes), out);
        text = lp_span_skip(text, pair_bytes + (end ? 1 : 0));
    }
}

void switch_set_merge(switch_set *base, const switch_set *wins)
{
    for (unsigned id = 0; id < SWITCH_COUNT; id++)
        if (wins->of[id].is_given)
            base->of[id] = wins->of[id];
}

/* In force ---------------------------------------------------------------- */

// Lines that came while history was off are as old as those before.
static void date_history(switches *s, uint8_t value, int64_t now_ns)
{
    bool was_on = switch_is_on(s, SWITCH_HISTORY);

    if (value == SWITCH_OFF)
        atomic_store(&s->history_since_ns, INT64_MAX);
    else if (!was_on)
        atomic_store(&s->history_since_ns, now_ns);
}

static void apply(switches *s, const switch_set *set, int64_t now_ns)
{
    const switch_choice *history = &set->of[SWITCH_HISTORY];

    if (history->is_given)
        date_history(s, history->value, now_ns);
    for (unsigned id = 0; id < SWITCH_COUNT; id++)
        if (set->of[id].is_given)
            atomic_store(&s->value[id], set->of[id].value);
}

// Each that is not as it is built in, and who says so.
static void log_start(const switches *s, const switch_set *given)
{
    for (unsigned i = 0; i < SWITCH_COUNT; i++) {
        switch_id id = (switch_id)i;
        const switch_choice *stored = &s->stored.of[i];
        uint8_t value = switch_get(s, id);

        if (given->of[i].is_given && stored->is_given && stored->value != value)
            LOG_AT(LOG_WARN, "switch_overruled",
                   "switch=%s value=%s stored=%s why=\"a flag or the "
                   "environment says otherwise, and wins at each start\"",
                   switch_names[i], switch_value_name(id, value),
                   switch_value_name(id, stored->value));
        else if (given->of[i].is_given || value != 0)
            LOG_AT(LOG_INFO, "switch_set", "switch=%s value=%s from=%s",
                   switch_names[i], switch_value_name(id, value),
                   given->of[i].is_given ? "configuration" : "store");
    }
}

void switches_open(switches *s, catalog *cat, const switch_set *given)
{
    char text[SWITCH_SET_BYTES] = "";
    switch_set all;

    pthread_mutex_init(&s->mutex, NULL);
    s->cat = cat;
    if (catalog_get_setting(cat, setting_name, text, sizeof(text)))
        switch_set_parse(lp_span_str(text), &s->stored);
    all = s->stored;
    switch_set_merge(&all, given);
    apply(s, &all, 0);
    log_start(s, given);
}

void switches_close(switches *s)
{
    if (s->cat)
        pthread_mutex_destroy(&s->mutex);
}

static void log_change(const switch_set *set)
{
    char text[SWITCH_SET_BYTES];

    switch_set_print(set, text);
    LOG_AT(LOG_WARN, "switched", "%s", text);
}

catalog_err switches_change(switches *s, const switch_set *wanted,
                            int64_t now_ns)
{
    char text[SWITCH_SET_BYTES];
    switch_set stored;
    catalog_err err;

    pthread_mutex_lock(&s->mutex);
    stored = s->stored;
    switch_set_merge(&stored, wanted);
    switch_set_print(&stored, text);
    err = catalog_put_setting(s->cat, setting_name, lp_span_str(text));
    if (err == CATALOG_OK) {
        s->stored = stored;
        apply(s, wanted, now_ns);
        log_change(wanted);
    }
    pthread_mutex_unlock(&s->mutex);
    return err;
}
