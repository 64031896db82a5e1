/* test_credential.c - who may what: made, checked, kept and revoked. */
#include <ctype.h>

#include "base/log.h"
#include "catalog_fixture.h"

static catalog_configured wanted(const char *id, const char *password,
                                 uint32_t permissions)
{
    catalog_configured as = {.id = span(id),
                             .password = span(password),
                             .permissions = permissions,
                             .channel_id = span(""),
                             .name = span("")};

    return as;
}

static catalog_err set(const char *id, const char *password,
                       uint32_t permissions, bool *is_new)
{
    catalog_configured as = wanted(id, password, permissions);

    return catalog_set_credential(fix.cat, &as, false, is_new);
}

static bool may(const char *id, const char *password)
{
    return catalog_check_credential(view(), span(id), span(password)) != NULL;
}

/* What a look at the fast hashes alone finds out. */
static catalog_check look(const char *id, const char *password, bool may_pay)
{
    catalog_check check = {.may_pay = may_pay};

    catalog_try_credential(view(), span(id), span(password), &check);
    return check;
}

static void configure(const catalog_configured *list, size_t count)
{
    assert_int_equal(catalog_configure(fix.cat, list, count), CATALOG_OK);
}

static void configure_key(const char *key)
{
    catalog_configured as = wanted("LOGPLEX_AUTH_KEY", key, CATALOG_FULL_API);

    as.kind = CATALOG_STATIC_KEY;
    configure(&as, 1);
}

/* Generated ----------------------------------------------------------------- */

static void is_hex(const char *text, size_t len)
{
    assert_int_equal(strlen(text), len);
    for (size_t i = 0; i < len; i++) {
        assert_true(isdigit((unsigned char)text[i]) ||
                    (text[i] >= 'A' && text[i] <= 'F'));
    }
}

static void a_secret_is_generated_and_known_after_a_start_at_once(void **state)
{
    catalog_configured as = wanted("", "", CATALOG_ANY_CHANNEL);
    catalog_generated first, second;
    const catalog_credential *found;
    catalog_check check;

    (void)state;
    open_at(fix.path);
    as.name = span("the shipper");
    assert_int_equal(catalog_new_credential(fix.cat, &as, true, &first),
                     CATALOG_OK);
    assert_int_equal(catalog_new_credential(fix.cat, &as, true, &second),
                     CATALOG_OK);
    is_hex(first.id, 32);
    is_hex(first.secret, 64);
    assert_string_not_equal(first.id, second.id);
    assert_string_not_equal(first.secret, second.secret);
    for (int i = 0; i < 2; i++) {
        check = look(first.id, first.secret, false);
        assert_false(check.is_open || check.has_paid);
        assert_true(may(first.id, first.secret));
        assert_false(may(first.id, second.secret));
        found = catalog_find_credential(view(), span(first.id));
        assert_non_null(found);
        assert_int_equal(found->kind, CATALOG_GENERATED);
        assert_int_equal(found->permissions, CATALOG_ANY_CHANNEL);
        assert_false(found->is_configured);
        assert_true(found->created_ns > 0);
        assert_true(lp_span_equal(found->name, span("the shipper")));
        // Nor is a wrong one worth the slow hash: there is none to be learnt.
        check = look(first.id, "no", true);
        assert_false(check.is_open || check.has_paid);
        reopen();
    }
}

static void a_generated_credential_needs_a_permission_too(void **state)
{
    catalog_configured as = wanted("", "", 0);
    catalog_generated made;

    (void)state;
    open_at(NULL);
    assert_int_equal(catalog_new_credential(fix.cat, &as, true, &made),
                     CATALOG_INVALID);
    as.permissions = CATALOG_ONE_CHANNEL;
    assert_int_equal(catalog_new_credential(fix.cat, &as, true, &made),
                     CATALOG_INVALID);
    as.channel_id = span("demo");
    as.name = span("a\tb");
    assert_int_equal(catalog_new_credential(fix.cat, &as, true, &made),
                     CATALOG_INVALID);
    as.name = span("a b");
    assert_int_equal(catalog_new_credential(fix.cat, &as, true, &made),
                     CATALOG_OK);
    assert_int_equal(catalog_credential_count(view()), 1);
}

static void there_are_a_thousand_at_most(void **state)
{
    catalog_configured as = wanted("", "", CATALOG_ANY_CHANNEL);
    catalog_generated made, last;
    bool is_new;

    (void)state;
    open_at(NULL);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(catalog_new_credential(fix.cat, &as, true, &made),
                         CATALOG_OK);
    }
    assert_int_equal(catalog_new_credential(fix.cat, &as, true, &last),
                     CATALOG_TOO_MANY);
    assert_true(may(made.id, made.secret));
    // One can still be replaced, and another come when one has gone.
    assert_int_equal(set(made.id, "pw", CATALOG_FULL_API, &is_new), CATALOG_OK);
    assert_false(is_new);
    assert_int_equal(catalog_delete_credential(fix.cat, span(made.id)),
                     CATALOG_OK);
    assert_int_equal(catalog_new_credential(fix.cat, &as, true, &last),
                     CATALOG_OK);
    assert_null(catalog_credential_at(view(), 1000));
    assert_non_null(catalog_credential_at(view(), 999));
}

/* The last one ---------------------------------------------------------------- */

static void the_last_one_with_full_api_is_not_revoked_in_passing(void **state)
{
    catalog_configured configured = wanted("conf", "c", CATALOG_FULL_API);
    bool is_new;

    (void)state;
    open_at(fix.path);
    assert_int_equal(set("a", "pw", CATALOG_FULL_API, &is_new), CATALOG_OK);
    assert_true(is_new);
    assert_int_equal(set("s", "pw", CATALOG_ANY_CHANNEL, &is_new), CATALOG_OK);
    assert_int_equal(catalog_revoke_credential(fix.cat, span("a")),
                     CATALOG_LAST);
    assert_int_equal(set("a", "pw", CATALOG_ANY_CHANNEL, &is_new),
                     CATALOG_LAST);
    assert_int_equal(set("a", "other", CATALOG_FULL_API, &is_new), CATALOG_OK);
    assert_false(is_new);
    assert_int_equal(catalog_revoke_credential(fix.cat, span("s")), CATALOG_OK);
    assert_int_equal(catalog_revoke_credential(fix.cat, span("s")),
                     CATALOG_NOT_FOUND);

    configure(&configured, 1);
    assert_int_equal(catalog_revoke_credential(fix.cat, span("conf")),
                     CATALOG_CONFIGURED);
    assert_int_equal(catalog_revoke_credential(fix.cat, span("a")), CATALOG_OK);
    configure(NULL, 0);
    assert_int_equal(set("b", "pw", CATALOG_FULL_API, &is_new), CATALOG_OK);
    assert_int_equal(catalog_delete_credential(fix.cat, span("b")), CATALOG_OK);
    reopen();
    assert_int_equal(catalog_credential_count(view()), 0);
}

/* Telling nobody which ids there are -------------------------------------------- */

static void nothing_is_told_of_an_id_by_what_a_check_costs(void **state)
{
    static const char *const ids[] = {"learnt", "not-yet", "nobody", ""};
    bool is_new;

    (void)state;
    open_at(fix.path);
    set("learnt", "one", CATALOG_FULL_API, &is_new);
    set("not-yet", "two", CATALOG_FULL_API, &is_new);
    reopen();
    assert_true(may("learnt", "one"));
    log_set_level((log_level)(LOG_ERROR + 1));
    // While one has still to learn, all passwords are worth a slow hash, once.
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        char password[16];
        catalog_check check;

        snprintf(password, sizeof password, "wrong-%zu", i);
        check = look(ids[i], password, false);
        assert_true(check.is_open);
        assert_false(check.has_paid);
        do { // money comes by the second
            check = look(ids[i], password, true);
        } while (check.is_open);
        assert_true(check.has_paid);
        check = look(ids[i], password, true);
        assert_false(check.is_open || check.has_paid);
    }
    while (!may("not-yet", "two")) {
    }
    log_set_level(LOG_INFO);
    // And now that all have learnt, none is.
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        catalog_check check = look(ids[i], "quite another", true);

        assert_false(check.is_open || check.has_paid);
    }
}

static void without_money_nobody_knows_and_nobody_is_told_no(void **state)
{
    catalog_check check = {0};
    bool is_new;

    (void)state;
    open_at(fix.path);
    set("a", "right", CATALOG_FULL_API, &is_new);
    reopen();
    log_set_level((log_level)(LOG_ERROR + 1));
    for (int i = 0; i < 100 && !check.is_open; i++) {
        char password[24];

        snprintf(password, sizeof password, "wrong-%d", i);
        check = look("a", password, true);
    }
    log_set_level(LOG_INFO);
    assert_true(check.is_open);
    assert_false(check.has_paid);
}

/* The static key ------------------------------------------------------------------ */

static void the_static_key_has_no_id_and_is_one_that_exists(void **state)
{
    const catalog_credential *found;

    (void)state;
    open_at(fix.path);
    assert_null(catalog_check_key(view(), span("secret")));
    configure_key("secret");
    assert_int_equal(catalog_credential_count(view()), 1);
    found = catalog_check_key(view(), span("secret"));
    assert_non_null(found);
    assert_int_equal(found->permissions, CATALOG_FULL_API);
    assert_true(found->is_configured);
    assert_null(catalog_check_key(view(), span("secret ")));
    assert_null(catalog_check_key(view(), span("")));
    assert_false(may("LOGPLEX_AUTH_KEY", "secret"));
    assert_false(may("", "secret"));
    assert_non_null(catalog_check_secret(view(), span("secret")));
    assert_int_equal(
        catalog_delete_credential(fix.cat, span("LOGPLEX_AUTH_KEY")),
        CATALOG_CONFIGURED);
    configure_key("another");
    assert_null(catalog_check_key(view(), span("secret")));
    assert_non_null(catalog_check_key(view(), span("another")));
    reopen();
    assert_null(catalog_check_key(view(), span("another")));
    assert_int_equal(catalog_credential_count(view()), 0);
}

/* The store ------------------------------------------------------------------------ */

static void a_kind_of_the_future_is_not_taken_for_a_password(void **state)
{
    bool is_new;

    (void)state;
    open_at(fix.path);
    set("a", "pw", CATALOG_FULL_API, &is_new);
    close_it();
    run_sql("UPDATE credentials SET kind = 7");
    log_set_level((log_level)(LOG_ERROR + 1));
    assert_int_equal(try_open(fix.path, &fix.cat), CATALOG_FAILED);
    log_set_level(LOG_INFO);
    run_sql("UPDATE credentials SET kind = 0");
    open_at(fix.path);
    assert_true(may("a", "pw"));
}

static void the_file_has_no_generated_secret(void **state)
{
    catalog_configured as = wanted("", "", CATALOG_FULL_API);
    static char bytes[4 << 20];
    catalog_generated made;
    FILE *file;
    size_t n;

    (void)state;
    open_at(fix.path);
    assert_int_equal(catalog_new_credential(fix.cat, &as, true, &made),
                     CATALOG_OK);
    close_it();
    file = fopen(fix.path, "r");
    assert_non_null(file);
    n = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    assert_non_null(memmem(bytes, n, made.id, strlen(made.id)));
    assert_null(memmem(bytes, n, made.secret, strlen(made.secret)));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_secret_is_generated_and_known_after_a_start_at_once),
        TEST(a_generated_credential_needs_a_permission_too),
        TEST(there_are_a_thousand_at_most),
        TEST(the_last_one_with_full_api_is_not_revoked_in_passing),
        TEST(nothing_is_told_of_an_id_by_what_a_check_costs),
        TEST(without_money_nobody_knows_and_nobody_is_told_no),
        TEST(the_static_key_has_no_id_and_is_one_that_exists),
        TEST(a_kind_of_the_future_is_not_taken_for_a_password),
        TEST(the_file_has_no_generated_secret),
    };

    return cmocka_run_group_tests_name("credential", tests, NULL, NULL);
}
