/* test_catalog_change.c - drains, flags, numbers, rotation and settings, and a
 * store as the first schema left it. */
#include "catalog/store_schema.h"
#include "catalog_fixture.h"

static void open_with(const char *id)
{
    lp_span name = LP_SPAN("app");
    bool created;

    open_at(fix.path);
    assert_int_equal(catalog_put_channel(fix.cat, span(id), &name, 1, &created),
                     CATALOG_OK);
}

static catalog_err add_drain(const char *id, const char *url,
                             catalog_drain_made *out)
{
    return catalog_add_drain(fix.cat, span(id), span(url), NULL, out);
}

static catalog_err set_drain(const char *id, uint64_t drain, const char *url)
{
    catalog_drain_made made;

    return catalog_set_drain(fix.cat, span(id), drain, span(url), &made);
}

/* "1=http://a/ 3=": the drains of a channel. */
static const char *drains_of(const char *id)
{
    static char line[4096];
    const catalog_channel *found = channel(id);

    line[0] = '\0';
    for (size_t i = 0; found && i < found->drain_count; i++) {
        size_t used = strlen(line);

        snprintf(line + used, sizeof line - used, "%s%llu=%.*s", i ? " " : "",
                 (unsigned long long)found->drains[i].id,
                 (int)found->drains[i].url.len_bytes, found->drains[i].url.ptr);
    }
    return line;
}

/* Drains ------------------------------------------------------------------ */

static void a_drain_is_there_and_outlasts_a_restart(void **state)
{
    catalog_drain_made made;
    const catalog_drain *found;

    (void)state;
    open_with("demo");
    assert_int_equal(add_drain("demo", "http://a/", &made), CATALOG_OK);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(channel("demo")->drain_count, 1);
        found = &channel("demo")->drains[0];
        assert_int_equal(found->id, made.id);
        assert_true(lp_span_equal(found->token, span(made.token)));
        assert_true(lp_span_equal(found->url, LP_SPAN("http://a/")));
        assert_ptr_equal(found->channel, channel("demo"));
        assert_int_equal(channel("demo")->token_count, 1);
        reopen();
    }
}

static void a_reserved_drain_gets_its_url_and_keeps_its_token(void **state)
{
    catalog_drain_made made, now;

    (void)state;
    open_with("demo");
    assert_int_equal(add_drain("demo", "", &made), CATALOG_OK);
    assert_string_equal(drains_of("demo"), "1=");
    assert_int_equal(catalog_set_drain(fix.cat, span("demo"), made.id,
                                       span("http://a/"), &now),
                     CATALOG_OK);
    assert_int_equal(now.id, made.id);
    assert_string_equal(now.token, made.token);
    reopen();
    assert_string_equal(drains_of("demo"), "1=http://a/");
}

static void the_same_url_twice_in_a_channel_is_refused(void **state)
{
    catalog_drain_made made;

    (void)state;
    open_with("demo");
    assert_int_equal(add_drain("demo", "http://a/", &made), CATALOG_OK);
    assert_int_equal(add_drain("demo", "http://a/", &made), CATALOG_EXISTS);
    assert_int_equal(set_drain("demo", made.id, "http://a/"), CATALOG_EXISTS);
    assert_string_equal(drains_of("demo"), "1=http://a/");
}

static void drains_have_a_limit_that_reserved_ones_do_not_fill(void **state)
{
    catalog_drain_made made;
    uint64_t reserved;

    (void)state;
    fix.limits.drains_per_channel_max = 2;
    open_with("demo");
    assert_int_equal(add_drain("demo", "", &made), CATALOG_OK);
    reserved = made.id;
    assert_int_equal(add_drain("demo", "http://a/", &made), CATALOG_OK);
    assert_int_equal(add_drain("demo", "http://b/", &made), CATALOG_OK);
    assert_int_equal(add_drain("demo", "http://c/", &made), CATALOG_TOO_MANY);
    assert_int_equal(set_drain("demo", reserved, "http://c/"), CATALOG_OK);
    assert_string_equal(drains_of("demo"),
                        "1=http://c/ 2=http://a/ 3=http://b/");
}

static void reserved_drains_have_a_limit_too(void **state)
{
    catalog_drain_made made;
    unsigned count = 0;

    (void)state;
    open_with("demo");
    while (add_drain("demo", "", &made) == CATALOG_OK) {
        count++;
    }
    assert_int_equal(count, 64);
}

static void a_drain_is_of_one_channel_alone(void **state)
{
    catalog_drain_made made;
    bool created;

    (void)state;
    open_with("demo");
    assert_int_equal(
        catalog_put_channel(fix.cat, span("other"), NULL, 0, &created),
        CATALOG_OK);
    assert_int_equal(add_drain("demo", "http://a/", &made), CATALOG_OK);
    assert_int_equal(set_drain("other", made.id, "http://b/"),
                     CATALOG_NOT_FOUND);
    assert_int_equal(catalog_delete_drain(fix.cat, span("other"), made.id),
                     CATALOG_NOT_FOUND);
    assert_int_equal(add_drain("nobody", "http://a/", &made),
                     CATALOG_NOT_FOUND);
    assert_string_equal(drains_of("demo"), "1=http://a/");
}

static void the_number_of_a_deleted_drain_is_never_used_again(void **state)
{
    catalog_drain_made made;

    (void)state;
    open_with("demo");
    assert_int_equal(add_drain("demo", "http://a/", &made), CATALOG_OK);
    assert_int_equal(catalog_delete_drain(fix.cat, span("demo"), made.id),
                     CATALOG_OK);
    reopen();
    assert_string_equal(drains_of("demo"), "");
    assert_int_equal(add_drain("demo", "http://a/", &made), CATALOG_OK);
    assert_int_equal(made.id, 2);
}

static void a_channel_takes_its_drains_along(void **state)
{
    catalog_drain_made made;
    bool created;

    (void)state;
    open_with("demo");
    assert_int_equal(add_drain("demo", "http://a/", &made), CATALOG_OK);
    assert_int_equal(catalog_delete_channel(fix.cat, span("demo")), CATALOG_OK);
    assert_int_equal(
        catalog_put_channel(fix.cat, span("demo"), NULL, 0, &created),
        CATALOG_OK);
    reopen();
    assert_string_equal(drains_of("demo"), "");
}

/* Channels by number ------------------------------------------------------ */

static void numbers_begin_at_one_and_are_never_used_again(void **state)
{
    lp_span names[] = {LP_SPAN("a"), LP_SPAN("a")};
    char id[24];

    (void)state;
    open_at(fix.path);
    assert_int_equal(catalog_new_channel(fix.cat, LP_SPAN("n1"), names, 2, id),
                     CATALOG_OK);
    assert_string_equal(id, "1");
    assert_int_equal(channel("1")->token_count, 2);
    assert_int_equal(catalog_delete_channel(fix.cat, span("1")), CATALOG_OK);
    reopen();
    assert_int_equal(catalog_new_channel(fix.cat, LP_SPAN(""), NULL, 0, id),
                     CATALOG_OK);
    assert_string_equal(id, "2");
}

static void a_number_that_is_taken_by_name_is_passed_over(void **state)
{
    char id[24];

    (void)state;
    open_with("1");
    assert_int_equal(catalog_new_channel(fix.cat, LP_SPAN(""), NULL, 0, id),
                     CATALOG_OK);
    assert_string_equal(id, "2");
}

static void a_channel_keeps_its_name_through_every_change(void **state)
{
    lp_span names[] = {LP_SPAN("b")};
    catalog_drain_made made;
    bool created;
    char id[24];

    (void)state;
    open_at(fix.path);
    assert_int_equal(catalog_new_channel(fix.cat, LP_SPAN("n1"), NULL, 0, id),
                     CATALOG_OK);
    assert_int_equal(catalog_put_channel(fix.cat, span(id), names, 1, &created),
                     CATALOG_OK);
    assert_int_equal(add_drain(id, "http://a/", &made), CATALOG_OK);
    assert_int_equal(catalog_set_flags(fix.cat, span(id), CATALOG_NO_HISTORY),
                     CATALOG_OK);
    assert_int_equal(catalog_put_channel(fix.cat, span(id), NULL, 0, &created),
                     CATALOG_OK);
    for (int round = 0; round < 2; round++) {
        assert_true(lp_span_equal(channel(id)->name, LP_SPAN("n1")));
        assert_int_equal(channel(id)->flags, CATALOG_NO_HISTORY);
        assert_string_equal(drains_of(id), "1=http://a/");
        reopen();
    }
}

/* Rotation ---------------------------------------------------------------- */

static void a_rotated_token_works_until_its_time_is_over(void **state)
{
    char old_id[40], new_id[40];
    const catalog_token *token;

    (void)state;
    open_with("demo");
    token = channel("demo")->tokens[0];
    snprintf(old_id, sizeof old_id, "%.*s", (int)token->id.len_bytes,
             token->id.ptr);
    assert_int_equal(catalog_rotate_token(fix.cat, span("demo"), span(old_id),
                                          100 * (int64_t)SECOND,
                                          5 * (int64_t)SECOND, new_id),
                     CATALOG_OK);
    assert_int_equal(catalog_expire_tokens(fix.cat, 104 * (int64_t)SECOND),
                     CATALOG_OK);
    assert_non_null(catalog_find_token(view(), span(old_id)));
    reopen(); // the time is kept
    assert_int_equal(catalog_expire_tokens(fix.cat, 105 * (int64_t)SECOND),
                     CATALOG_OK);
    assert_null(catalog_find_token(view(), span(old_id)));
    token = catalog_find_token(view(), span(new_id));
    assert_non_null(token);
    assert_true(lp_span_equal(token->name, LP_SPAN("app")));
    assert_int_equal(token->expires_ns, 0);
    reopen();
    assert_null(catalog_find_token(view(), span(old_id)));
}

static void many_tokens_expire_at_once(void **state)
{
    char id[40], next_id[40];

    (void)state;
    open_with("demo");
    assert_int_equal(catalog_add_token(fix.cat, span("demo"), LP_SPAN("x"), id),
                     CATALOG_OK);
    for (int i = 0; i < 200; i++) {
        int64_t overlap_ns = (i == 100 ? 9 : 1) * (int64_t)SECOND;

        assert_int_equal(catalog_rotate_token(fix.cat, span("demo"), span(id),
                                              0, overlap_ns, next_id),
                         CATALOG_OK);
        memcpy(id, next_id, sizeof id);
    }
    assert_int_equal(channel("demo")->token_count, 202);
    assert_int_equal(catalog_expire_tokens(fix.cat, SECOND), CATALOG_OK);
    assert_int_equal(channel("demo")->token_count, 3);
    assert_false(catalog_has_expired(fix.cat, 9 * (int64_t)SECOND - 1));
    assert_true(catalog_has_expired(fix.cat, 9 * (int64_t)SECOND));
}

static void tokens_expire_each_at_its_own_time(void **state)
{
    char ids[3][40];

    (void)state;
    open_with("demo");
    for (int i = 0; i < 3; i++) {
        char unused[40];

        assert_int_equal(
            catalog_add_token(fix.cat, span("demo"), LP_SPAN("x"), ids[i]),
            CATALOG_OK);
        assert_int_equal(
            catalog_rotate_token(fix.cat, span("demo"), span(ids[i]), 0,
                                 (3 - i) * (int64_t)SECOND, unused),
            CATALOG_OK);
    }
    for (int i = 2; i >= 0; i--) {
        assert_non_null(catalog_find_token(view(), span(ids[i])));
        assert_int_equal(
            catalog_expire_tokens(fix.cat, (3 - i) * (int64_t)SECOND),
            CATALOG_OK);
        assert_null(catalog_find_token(view(), span(ids[i])));
    }
}

/* Settings, and older stores ---------------------------------------------- */

static void a_setting_outlasts_a_restart(void **state)
{
    char text[16];

    (void)state;
    open_at(fix.path);
    assert_false(catalog_get_setting(fix.cat, "mode", text, sizeof text));
    assert_int_equal(catalog_put_setting(fix.cat, "mode", span("read_only")),
                     CATALOG_OK);
    reopen();
    assert_true(catalog_get_setting(fix.cat, "mode", text, sizeof text));
    assert_string_equal(text, "read_only");
}

static void a_store_of_the_first_schema_is_brought_up_to_date(void **state)
{
    (void)state;
    run_sql("PRAGMA application_id = 1282436216");
    run_sql(store_schema_steps[0]);
    run_sql("PRAGMA user_version = 1;"
            "INSERT INTO channels VALUES(1, 'demo', 2, 77);"
            "INSERT INTO tokens VALUES('t.1', 1, 'app')");
    open_at(fix.path);
    assert_int_equal(channel("demo")->flags, CATALOG_NO_HISTORY);
    assert_int_equal(channel("demo")->created_ns, 77);
    assert_int_equal(channel("demo")->tokens[0]->expires_ns, 0);
    assert_string_equal(drains_of("demo"), "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_drain_is_there_and_outlasts_a_restart),
        TEST(a_reserved_drain_gets_its_url_and_keeps_its_token),
        TEST(the_same_url_twice_in_a_channel_is_refused),
        TEST(drains_have_a_limit_that_reserved_ones_do_not_fill),
        TEST(reserved_drains_have_a_limit_too),
        TEST(a_drain_is_of_one_channel_alone),
        TEST(the_number_of_a_deleted_drain_is_never_used_again),
        TEST(a_channel_takes_its_drains_along),
        TEST(numbers_begin_at_one_and_are_never_used_again),
        TEST(a_number_that_is_taken_by_name_is_passed_over),
        TEST(a_channel_keeps_its_name_through_every_change),
        TEST(a_rotated_token_works_until_its_time_is_over),
        TEST(many_tokens_expire_at_once),
        TEST(tokens_expire_each_at_its_own_time),
        TEST(a_setting_outlasts_a_restart),
        TEST(a_store_of_the_first_schema_is_brought_up_to_date),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
