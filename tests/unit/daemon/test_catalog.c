/* test_catalog.c - what exists, on threads, on disk, and after a fall. */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "catalog_fixture.h"

/* Names apart by blanks. */
static catalog_err put_names(const char *id, const char *line, bool *created)
{
    char words[256];
    lp_span names[16];
    size_t count = 0;

    snprintf(words, sizeof words, "%s", line);
    for (char *rest = words, *word; (word = strsep(&rest, " "));) {
        if (*word) {
            names[count++] = span(word);
        }
    }
    return catalog_put_channel(fix.cat, span(id), names, count, created);
}

static bool put(const char *id, const char *line)
{
    bool created;

    assert_int_equal(put_names(id, line, &created), CATALOG_OK);
    return created;
}

/* The names of a channel's tokens, in a line; "?" if there is none. */
static const char *names_of(const char *id)
{
    static char line[1024];
    const catalog_channel *found = channel(id);

    line[0] = '\0';
    if (!found) {
        return "?";
    }
    for (size_t i = 0; i < found->token_count; i++) {
        snprintf(line + strlen(line), sizeof line - strlen(line), "%s%.*s",
                 i ? " " : "", (int)found->tokens[i]->name.len_bytes,
                 found->tokens[i]->name.ptr);
    }
    return line;
}

static void token_id(const char *id, size_t index, char out[40])
{
    const catalog_channel *found = channel(id);

    assert_true(found && index < found->token_count);
    snprintf(out, 40, "%.*s", (int)found->tokens[index]->id.len_bytes,
             found->tokens[index]->id.ptr);
}

static catalog_err add_session(const char *channel_id, int64_t now_ns,
                               char out_id[40])
{
    catalog_session asked = {.num_lines = 7, .is_tail = true};
    catalog_err err;

    snprintf(asked.channel_id, sizeof asked.channel_id, "%s", channel_id);
    snprintf(asked.source, sizeof asked.source, "app");
    snprintf(asked.ps, sizeof asked.ps, "web.1");
    err = catalog_add_session(fix.cat, &asked, now_ns);
    memcpy(out_id, asked.id, 40);
    return err;
}

static bool has_session(const char *id, int64_t now_ns)
{
    catalog_session out;

    return catalog_get_session(fix.cat, span(id), now_ns, &out);
}

static bool may(const char *id, const char *password)
{
    return catalog_check_credential(view(), span(id), span(password)) != NULL;
}

static const char *owner_of(const char *secret)
{
    static char id[64];
    const catalog_credential *found =
        catalog_check_secret(view(), span(secret));

    snprintf(id, sizeof id, "%.*s", found ? (int)found->id.len_bytes : 1,
             found ? found->id.ptr : "?");
    return id;
}

static void quietly(bool is_quiet)
{
    // Errors that a test brings about are not for its output.
    log_set_level(is_quiet ? (log_level)(LOG_ERROR + 1) : LOG_INFO);
}

/* Channels and tokens ----------------------------------------------------- */

static void a_channel_is_made_with_a_token_for_each_name(void **state)
{
    const catalog_channel *found;
    const catalog_token *token;
    char id[40];

    (void)state;
    open_at(NULL);
    assert_null(channel("app-1"));
    assert_true(put("app-1", "web app app"));
    assert_string_equal(names_of("app-1"), "app web");
    assert_int_equal(catalog_channel_count(view()), 1);

    found = channel("app-1");
    assert_int_equal(found->uuid.len_bytes, 36);
    assert_true(found->created_ns > 0);
    assert_non_null(found->ring);
    token_id("app-1", 1, id);
    assert_memory_equal(id, "t.", 2);
    assert_int_equal(strlen(id), 38);
    assert_int_equal(id[16], '4'); // a random UUID says that it is one
    token = catalog_find_token(view(), span(id));
    assert_ptr_equal(token, found->tokens[1]);
    assert_ptr_equal(token->channel, found);
    assert_true(lp_span_equal(token->name, span("web")));
    assert_true(lp_span_equal(token->host_app, span("host web ")));
    id[37] ^= 1;
    assert_null(catalog_find_token(view(), span(id)));
}

static void putting_the_same_again_changes_nothing(void **state)
{
    const catalog_view *before;

    (void)state;
    open_at(fix.path);
    put("app-1", "web app");
    before = view();
    assert_false(put("app-1", "app web app"));
    assert_ptr_equal(view(), before);
}

static void kept_names_keep_their_ids_and_missing_ones_lose_them(void **state)
{
    char kept[40], lost[40], now[40];
    lp_channel *ring;

    (void)state;
    open_at(NULL);
    put("app-1", "a k z");
    token_id("app-1", 1, kept);
    token_id("app-1", 0, lost);
    ring = channel("app-1")->ring;
    assert_false(put("app-1", "b k"));
    assert_string_equal(names_of("app-1"), "b k");
    token_id("app-1", 1, now);
    assert_string_equal(now, kept);
    assert_null(catalog_find_token(view(), span(lost)));
    assert_ptr_equal(channel("app-1")->ring, ring);
    assert_false(put("app-1", ""));
    assert_string_equal(names_of("app-1"), "");
    assert_null(catalog_find_token(view(), span(kept)));
}

static void equal_names_by_addition_are_kept_together(void **state)
{
    char first[40], second[40];

    (void)state;
    open_at(NULL);
    put("app-1", "a");
    assert_int_equal(
        catalog_add_token(fix.cat, span("app-1"), span("a"), first),
        CATALOG_OK);
    assert_int_equal(
        catalog_add_token(fix.cat, span("app-1"), span(""), second),
        CATALOG_OK);
    assert_string_equal(names_of("app-1"), " a a");
    assert_true(lp_span_equal(
        catalog_find_token(view(), span(second))->host_app, span("host - ")));
    put("app-1", "a");
    assert_string_equal(names_of("app-1"), "a a");
    assert_non_null(catalog_find_token(view(), span(first)));
    assert_int_equal(catalog_delete_token(fix.cat, span("app-1"), span(first)),
                     CATALOG_OK);
    assert_null(catalog_find_token(view(), span(first)));
    assert_string_equal(names_of("app-1"), "a");
    assert_int_equal(catalog_delete_token(fix.cat, span("app-1"), span(first)),
                     CATALOG_NOT_FOUND);
    assert_int_equal(
        catalog_add_token(fix.cat, span("app-2"), span("a"), first),
        CATALOG_NOT_FOUND);
}

static void a_token_is_not_deleted_by_way_of_another_channel(void **state)
{
    char id[40];

    (void)state;
    open_at(NULL);
    put("app-1", "a");
    put("app-2", "a");
    token_id("app-1", 0, id);
    assert_int_equal(catalog_delete_token(fix.cat, span("app-2"), span(id)),
                     CATALOG_NOT_FOUND);
    assert_non_null(catalog_find_token(view(), span(id)));
}

static void deleting_closes_the_ring_and_leaves_old_views_alone(void **state)
{
    lp_line line = {.part_count = 1, .parts = {LP_SPAN("x")}};
    catalog_view *held;
    const catalog_channel *old;
    char id[40];

    (void)state;
    open_at(NULL);
    put("app-1", "a");
    put("app-2", "b");
    token_id("app-1", 0, id);
    held = catalog_view_ref(view());
    old = catalog_find_channel(held, span("app-1"));
    assert_int_equal(lp_channel_append(old->ring, &line, NULL), LP_OK);
    assert_int_equal(catalog_delete_channel(fix.cat, span("app-1")),
                     CATALOG_OK);
    assert_null(channel("app-1"));
    assert_null(catalog_find_token(view(), span(id)));
    assert_string_equal(names_of("app-2"), "b");
    assert_int_equal(catalog_channel_count(view()), 1);
    assert_ptr_equal(catalog_find_channel(held, span("app-1")), old);
    assert_non_null(catalog_find_token(held, span(id)));
    assert_int_equal(lp_channel_append(old->ring, &line, NULL), LP_E_CLOSED);
    catalog_view_unref(held);
    assert_int_equal(catalog_delete_channel(fix.cat, span("app-1")),
                     CATALOG_NOT_FOUND);
    assert_true(put("app-1", "a"));
}

static void a_name_or_id_with_wrong_bytes_is_refused(void **state)
{
    static const char *const bad_ids[] = {"", "a\n", "\x7f", "\xff", "a\xc3"};
    static const char *const good_ids[] = {"a b", "a:b", "caf\xc3\xa9", "1"};
    static const char *const bad_names[] = {"a b", "a\t", "\x01", "\x7f"};
    char long_text[CATALOG_ID_MAX_BYTES + 2], id[40];
    bool created;

    (void)state;
    open_at(NULL);
    put("app", "");
    for (size_t i = 0; i < sizeof bad_ids / sizeof bad_ids[0]; i++) {
        assert_int_equal(put_names(bad_ids[i], "", &created), CATALOG_INVALID);
    }
    for (size_t i = 0; i < sizeof good_ids / sizeof good_ids[0]; i++) {
        assert_true(put(good_ids[i], ""));
    }
    for (size_t i = 0; i < sizeof bad_names / sizeof bad_names[0]; i++) {
        lp_span name = span(bad_names[i]);

        assert_int_equal(catalog_add_token(fix.cat, span("app"), name, id),
                         CATALOG_INVALID);
        assert_int_equal(
            catalog_put_channel(fix.cat, span("x"), &name, 1, &created),
            CATALOG_INVALID);
    }
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    assert_int_equal(put_names(long_text, "", &created), CATALOG_INVALID);
    assert_int_equal(
        catalog_add_token(fix.cat, span("app"), span(long_text), id),
        CATALOG_INVALID);
    long_text[CATALOG_ID_MAX_BYTES] = '\0';
    assert_true(put(long_text, ""));
    assert_int_equal(
        catalog_add_token(fix.cat, span("app"), span(long_text), id),
        CATALOG_OK);
}

static void what_is_over_a_limit_is_refused(void **state)
{
    bool created;
    char id[40];

    (void)state;
    fix.limits.channels_max = 2;
    fix.limits.tokens_per_channel_max = 2;
    open_at(NULL);
    assert_int_equal(put_names("a", "1 2 3", &created), CATALOG_TOO_MANY);
    assert_null(channel("a"));
    put("a", "1 2 1");
    assert_int_equal(catalog_add_token(fix.cat, span("a"), span("x"), id),
                     CATALOG_TOO_MANY);
    put("a", "3 4");
    put("b", "");
    assert_int_equal(put_names("c", "", &created), CATALOG_TOO_MANY);
    assert_int_equal(catalog_delete_channel(fix.cat, span("a")), CATALOG_OK);
    assert_true(put("c", ""));
}

static void an_engine_that_is_full_makes_no_channel(void **state)
{
    lp_engine_options tiny = LP_ENGINE_OPTIONS_INIT;
    lp_engine *whole = fix.engine;
    catalog_err err = CATALOG_OK;
    unsigned made = 0;

    (void)state;
    tiny.memory_max_bytes = 256 << 10;
    assert_int_equal(lp_engine_create(&tiny, &fix.engine), LP_OK);
    open_at(fix.path);
    for (; err == CATALOG_OK && made < 100000; made++) {
        bool created;
        char id[16];

        snprintf(id, sizeof id, "%u", made);
        err = put_names(id, "a", &created);
    }
    assert_int_equal(err, CATALOG_FULL);
    assert_int_equal(catalog_channel_count(view()), made - 1);
    close_it();
    lp_engine_destroy(fix.engine);
    fix.engine = whole;
    open_at(fix.path);
    assert_int_equal(catalog_channel_count(view()), made - 1);
}

static void a_uuid_stays_with_its_channel_id(void **state)
{
    char first[37];

    (void)state;
    open_at(NULL);
    put("app-1", "");
    snprintf(first, sizeof first, "%.36s", channel("app-1")->uuid.ptr);
    assert_int_equal(first[14], '8'); // RFC 9562, 5.8
    catalog_delete_channel(fix.cat, span("app-1"));
    put("app-1", "x");
    put("app-2", "x");
    assert_memory_equal(channel("app-1")->uuid.ptr, first, 36);
    assert_memory_not_equal(channel("app-2")->uuid.ptr, first, 36);
}

/* On disk ----------------------------------------------------------------- */

static void a_file_opened_again_has_the_same_in_it(void **state)
{
    char id[40], session[40];
    int64_t created_ns;
    catalog_session out;

    (void)state;
    open_at(fix.path);
    put("app-1", "web app");
    put("app-2", "");
    put("gone", "x");
    assert_int_equal(catalog_delete_channel(fix.cat, span("gone")), CATALOG_OK);
    token_id("app-1", 0, id);
    created_ns = channel("app-1")->created_ns;
    assert_int_equal(add_session("app-1", 5 * (int64_t)SECOND, session),
                     CATALOG_OK);
    reopen();
    assert_int_equal(catalog_channel_count(view()), 2);
    assert_string_equal(names_of("app-1"), "app web");
    assert_string_equal(names_of("app-2"), "");
    assert_int_equal(channel("app-1")->created_ns, created_ns);
    assert_ptr_equal(catalog_find_token(view(), span(id)),
                     channel("app-1")->tokens[0]);
    assert_true(
        catalog_get_session(fix.cat, span(session), 6 * (int64_t)SECOND, &out));
    assert_string_equal(out.id, session);
    assert_string_equal(out.channel_id, "app-1");
    assert_string_equal(out.source, "app");
    assert_string_equal(out.ps, "web.1");
    assert_int_equal(out.num_lines, 7);
    assert_true(out.is_tail);
    assert_int_equal(out.created_ns, 5 * (int64_t)SECOND);
}

static void a_second_daemon_is_told_who_has_the_folder(void **state)
{
    catalog *second;
    char expected[64];

    (void)state;
    open_at(fix.path);
    assert_int_equal(try_open(fix.path, &second), CATALOG_FAILED);
    assert_null(second);
    snprintf(expected, sizeof expected, "pid %ld", (long)getpid());
    assert_non_null(strstr(fix.why, fix.dir));
    assert_non_null(strstr(fix.why, expected));
    reopen();
}

static void a_newer_schema_is_refused_and_left_alone(void **state)
{
    catalog *cat;

    (void)state;
    open_at(fix.path);
    close_it();
    run_sql("PRAGMA user_version = 99");
    assert_int_equal(try_open(fix.path, &cat), CATALOG_FAILED);
    assert_non_null(strstr(fix.why, "newer"));
    assert_non_null(strstr(fix.why, "99"));
    run_sql("PRAGMA user_version = 2");
    open_at(fix.path);
}

static void a_database_of_somebody_else_is_refused(void **state)
{
    catalog *cat;
    FILE *file;

    (void)state;
    run_sql("CREATE TABLE recipes(name TEXT)");
    assert_int_equal(try_open(fix.path, &cat), CATALOG_FAILED);
    assert_non_null(strstr(fix.why, "not one of logplexd"));
    file = fopen(fix.path, "w");
    assert_non_null(file);
    for (int i = 0; i < 1000; i++) {
        fputs("this is no database ", file);
    }
    fclose(file);
    assert_int_equal(try_open(fix.path, &cat), CATALOG_FAILED);
    assert_non_null(strstr(fix.why, "not a database"));
}

static void a_folder_that_cannot_be_made_is_named(void **state)
{
    catalog *cat;

    (void)state;
    assert_int_equal(try_open("/proc/nowhere/catalog.db", &cat),
                     CATALOG_FAILED);
    assert_non_null(strstr(fix.why, "/proc/nowhere"));
}

static void the_files_are_nobody_elses_to_read(void **state)
{
    struct stat st;
    char wal[160];

    (void)state;
    open_at(fix.path);
    put("a", "b");
    snprintf(wal, sizeof wal, "%s-wal", fix.path);
    assert_int_equal(stat(fix.path, &st), 0);
    assert_int_equal(st.st_mode & 077, 0);
    assert_int_equal(stat(wal, &st), 0);
    assert_int_equal(st.st_mode & 077, 0);
}

/* A full disk: no file may grow from here on. */
static void disk_is_full(bool is_full)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = is_full ? 0 : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    quietly(is_full);
}

static void a_disk_that_is_full_changes_nothing_in_memory_or_store(void **state)
{
    const catalog_view *before;
    lp_ledger ledger = LP_LEDGER_INIT;
    char token[40], session[40], other[40];
    bool created;

    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    open_at(fix.path);
    put("app-1", "a b");
    token_id("app-1", 0, token);
    assert_int_equal(add_session("app-1", SECOND, session), CATALOG_OK);
    assert_int_equal(catalog_put_credential(fix.cat, span("c"), span("pw"),
                                            CATALOG_FULL_API, span("")),
                     CATALOG_OK);
    before = view();
    disk_is_full(true);
    assert_int_equal(put_names("app-2", "x", &created), CATALOG_FAILED);
    assert_int_equal(put_names("app-1", "x", &created), CATALOG_FAILED);
    assert_int_equal(catalog_delete_channel(fix.cat, span("app-1")),
                     CATALOG_FAILED);
    assert_int_equal(
        catalog_add_token(fix.cat, span("app-1"), span("x"), other),
        CATALOG_FAILED);
    assert_int_equal(catalog_delete_token(fix.cat, span("app-1"), span(token)),
                     CATALOG_FAILED);
    assert_int_equal(catalog_put_credential(fix.cat, span("c"), span("other"),
                                            CATALOG_FULL_API, span("")),
                     CATALOG_FAILED);
    assert_int_equal(catalog_delete_credential(fix.cat, span("c")),
                     CATALOG_FAILED);
    // Reading must go on when the disk is full: this one is in memory alone.
    assert_int_equal(add_session("app-1", SECOND, other), CATALOG_OK);
    disk_is_full(false);

    assert_ptr_equal(view(), before);
    assert_true(has_session(other, SECOND));
    lp_engine_ledger(fix.engine, &ledger);
    assert_int_equal(ledger.channels, 1);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(catalog_channel_count(view()), 1);
        assert_string_equal(names_of("app-1"), "a b");
        assert_non_null(catalog_find_token(view(), span(token)));
        assert_true(has_session(session, SECOND));
        assert_true(may("c", "pw"));
        assert_false(may("c", "other"));
        reopen();
    }
    assert_true(put("app-2", "x")); // and on it goes
}

/* Puts channels with ascending numbers, and tells of each when it is done. */
static void write_until_killed(int fd)
{
    catalog *cat;
    lp_engine *engine;
    uint32_t n = 0;

    if (lp_engine_create(NULL, &engine) != LP_OK ||
        catalog_open(engine, NULL, NULL, fix.path, &cat, fix.why, WHY_BYTES) !=
            CATALOG_OK) {
        _exit(1);
    }
    for (;; n++) {
        lp_span name = LP_SPAN("app");
        char id[16];
        bool created;

        snprintf(id, sizeof id, "%u", n);
        if (catalog_put_channel(cat, span(id), &name, 1, &created) !=
                CATALOG_OK ||
            write(fd, &n, sizeof n) != sizeof n) {
            _exit(1);
        }
    }
}

static void what_was_acknowledged_survives_a_kill(void **state)
{
    uint32_t acknowledged = 0, n;

    (void)state;
    for (unsigned round = 0; round < 3; round++) {
        int fds[2];
        pid_t child;

        assert_int_equal(pipe(fds), 0);
        child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            close(fds[0]);
            write_until_killed(fds[1]);
        }
        close(fds[1]);
        // In the middle of a write, for all that one can choose.
        for (unsigned i = 0; i < 50 + 17 * round; i++) {
            assert_int_equal(read(fds[0], &n, sizeof n), sizeof n);
        }
        assert_int_equal(kill(child, SIGKILL), 0);
        while (read(fds[0], &n, sizeof n) == sizeof n) {
        }
        close(fds[0]);
        assert_int_equal(waitpid(child, NULL, 0), child);
        acknowledged = n + 1;

        open_at(fix.path);
        for (uint32_t i = 0; i < acknowledged; i++) {
            char id[16];

            snprintf(id, sizeof id, "%u", i);
            assert_string_equal(names_of(id), "app");
        }
        close_it();
    }
}

/* Credentials ------------------------------------------------------------- */

static void configure(const char *id, const char *password,
                      uint32_t permissions)
{
    catalog_configured one = {.id = span(id),
                              .password = span(password),
                              .permissions = permissions,
                              .channel_id = span("")};

    assert_int_equal(catalog_configure(fix.cat, &one, id[0] != '\0'),
                     CATALOG_OK);
}

static void a_password_opens_its_own_credential_alone(void **state)
{
    const catalog_credential *found;

    (void)state;
    open_at(NULL);
    assert_false(may("cli", "pw"));
    assert_string_equal(owner_of("pw"), "?");
    assert_int_equal(catalog_put_credential(fix.cat, span("cli"), span("pw"),
                                            CATALOG_FULL_API, span("")),
                     CATALOG_OK);
    assert_int_equal(catalog_put_credential(fix.cat, span("one"), span("qq"),
                                            CATALOG_ONE_CHANNEL, span("app")),
                     CATALOG_OK);
    assert_int_equal(catalog_put_credential(fix.cat, span("any"), span("rr"),
                                            CATALOG_ANY_CHANNEL, span("")),
                     CATALOG_OK);
    assert_int_equal(catalog_credential_count(view()), 3);
    assert_true(may("cli", "pw"));
    assert_false(may("cli", "qq"));
    assert_false(may("cli", ""));
    assert_false(may("cli", "pw "));
    assert_false(may("CLI", "pw"));
    found = catalog_check_credential(view(), span("one"), span("qq"));
    assert_int_equal(found->permissions, CATALOG_ONE_CHANNEL);
    assert_true(lp_span_equal(found->channel_id, span("app")));
    assert_string_equal(owner_of("pw"), "cli");
    assert_string_equal(owner_of("qq"), "one");
    assert_string_equal(owner_of("rr"), "?"); // may use no API
    assert_string_equal(owner_of(""), "?");
}

static void a_password_that_was_replaced_is_none(void **state)
{
    (void)state;
    open_at(fix.path);
    catalog_put_credential(fix.cat, span("cli"), span("old"), CATALOG_FULL_API,
                           span(""));
    catalog_put_credential(fix.cat, span("cli"), span("new"), CATALOG_FULL_API,
                           span(""));
    assert_false(may("cli", "old"));
    assert_true(may("cli", "new"));
    reopen();
    assert_int_equal(catalog_credential_count(view()), 1);
    assert_false(may("cli", "old"));
    assert_true(may("cli", "new"));
    assert_int_equal(catalog_delete_credential(fix.cat, span("cli")),
                     CATALOG_OK);
    assert_false(may("cli", "new"));
    assert_int_equal(catalog_delete_credential(fix.cat, span("cli")),
                     CATALOG_NOT_FOUND);
    reopen();
    assert_int_equal(catalog_credential_count(view()), 0);
}

static void a_stored_secret_is_known_again_after_a_start(void **state)
{
    (void)state;
    open_at(fix.path);
    catalog_put_credential(fix.cat, span("a"), span("pw"), CATALOG_FULL_API,
                           span(""));
    catalog_put_credential(fix.cat, span("b"), span("pw"), CATALOG_ANY_CHANNEL,
                           span(""));
    reopen();
    assert_string_equal(owner_of("no"), "?");
    assert_string_equal(owner_of("pw"), "a");
    assert_true(may("b", "pw")); // learnt along with a
    assert_true(may("a", "pw"));
}

static double seconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void guessing_is_answered_at_once(void **state)
{
    double began;

    (void)state;
    open_at(fix.path);
    catalog_put_credential(fix.cat, span("cli"), span("pw"), CATALOG_FULL_API,
                           span(""));
    reopen();
    // Ten thousand slow hashes would take minutes.
    quietly(true);
    began = seconds_now();
    for (unsigned i = 0; i < 10000; i++) {
        char guess[16];

        snprintf(guess, sizeof guess, "%u", i);
        assert_false(may("cli", guess));
        assert_string_equal(owner_of(guess), "?");
    }
    assert_true(seconds_now() - began < 20);
    quietly(false);
    // The right one needs a turn of its own.
    for (int i = 0; i < 30 && !may("cli", "pw"); i++) {
        usleep(100000);
    }
    assert_true(may("cli", "pw"));
}

static void
a_configured_credential_lives_as_long_as_its_configuration(void **state)
{
    (void)state;
    open_at(fix.path);
    catalog_put_credential(fix.cat, span("kept"), span("k"), CATALOG_FULL_API,
                           span(""));
    catalog_put_credential(fix.cat, span("cli"), span("api"), CATALOG_FULL_API,
                           span(""));
    configure("cli", "conf", CATALOG_FULL_API);
    assert_int_equal(catalog_credential_count(view()), 2);
    assert_true(may("cli", "conf"));
    assert_false(may("cli", "api"));
    assert_int_equal(catalog_put_credential(fix.cat, span("cli"), span("x"),
                                            CATALOG_FULL_API, span("")),
                     CATALOG_CONFIGURED);
    assert_int_equal(catalog_delete_credential(fix.cat, span("cli")),
                     CATALOG_CONFIGURED);
    configure("new", "conf2", CATALOG_ANY_CHANNEL);
    assert_false(may("cli", "conf"));
    assert_true(may("new", "conf2"));
    assert_true(may("kept", "k"));
    reopen();
    assert_int_equal(catalog_credential_count(view()), 1);
    assert_false(may("new", "conf2"));
    assert_true(may("kept", "k"));
}

static void an_incomplete_credential_is_refused(void **state)
{
    (void)state;
    open_at(NULL);
    assert_int_equal(catalog_put_credential(fix.cat, span("a"), span(""),
                                            CATALOG_FULL_API, span("")),
                     CATALOG_INVALID);
    assert_int_equal(
        catalog_put_credential(fix.cat, span("a"), span("p"), 0, span("")),
        CATALOG_INVALID);
    assert_int_equal(catalog_put_credential(fix.cat, span("a"), span("p"),
                                            CATALOG_ONE_CHANNEL, span("")),
                     CATALOG_INVALID);
    assert_int_equal(catalog_put_credential(fix.cat, span("a"), span("p"),
                                            CATALOG_FULL_API, span("app")),
                     CATALOG_INVALID);
}

/* Does any file of the store contain these bytes? */
static bool store_contains(const char *needle)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    static char bytes[4 << 20];
    bool is_found = false;

    for (int i = 0; i < 3; i++) {
        char path[160];
        FILE *file;
        size_t n;

        snprintf(path, sizeof path, "%s%s", fix.path, ends[i]);
        file = fopen(path, "r");
        if (!file) {
            continue;
        }
        n = fread(bytes, 1, sizeof bytes, file);
        assert_true(n < sizeof bytes);
        is_found |= memmem(bytes, n, needle, strlen(needle)) != NULL;
        fclose(file);
    }
    return is_found;
}

static void the_file_gives_no_secret_away(void **state)
{
    char session[40];

    (void)state;
    open_at(fix.path);
    put("app-1", "a");
    catalog_put_credential(fix.cat, span("cli-id"), span("correct horse"),
                           CATALOG_FULL_API, span(""));
    configure("conf-id", "battery staple", CATALOG_FULL_API);
    assert_int_equal(add_session("app-1", SECOND, session), CATALOG_OK);
    for (int i = 0; i < 2; i++) {
        assert_true(store_contains("cli-id")); // so that we'd see them
        assert_false(store_contains("correct horse"));
        assert_false(store_contains("battery staple"));
        assert_false(store_contains(session));
        close_it();
    }
}

/* Sessions ---------------------------------------------------------------- */

static void a_session_ends_with_its_time(void **state)
{
    char first[40], second[40];
    int64_t ttl_ns = 10 * (int64_t)SECOND;

    (void)state;
    fix.limits.session_ttl_s = 10;
    open_at(fix.path);
    put("a", "");
    assert_int_equal(add_session("a", 100, first), CATALOG_OK);
    assert_int_equal(add_session("nowhere", 100, second), CATALOG_NOT_FOUND);
    assert_false(has_session(second, 100));
    assert_true(has_session(first, 100));
    assert_true(has_session(first, ttl_ns + 99));
    assert_false(has_session(first, ttl_ns + 100));
    assert_false(has_session("", 100));
    assert_false(has_session("00000000-0000-4000-8000-000000000000", 100));
    // The next one sweeps it out of the store, too.
    assert_int_equal(add_session("a", 3 * ttl_ns, second), CATALOG_OK);
    reopen();
    assert_false(has_session(first, 100));
    assert_true(has_session(second, 3 * ttl_ns));
}

static void the_oldest_session_makes_room(void **state)
{
    char ids[5][40];

    (void)state;
    fix.limits.sessions_max = 3;
    open_at(fix.path);
    put("a", "");
    for (int i = 0; i < 5; i++) {
        assert_int_equal(add_session("a", 100 + i, ids[i]), CATALOG_OK);
    }
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 5; i++) {
            assert_int_equal(has_session(ids[i], 200), i >= 2);
        }
        reopen();
    }
}

static void sessions_go_with_their_channel(void **state)
{
    char a1[40], b[40], a2[40], again[40];

    (void)state;
    open_at(fix.path);
    put("a", "");
    put("b", "");
    add_session("a", 100, a1);
    add_session("b", 101, b);
    add_session("a", 102, a2);
    assert_int_equal(catalog_delete_channel(fix.cat, span("a")), CATALOG_OK);
    put("a", "");
    add_session("a", 103, again); // the queue is whole
    for (int round = 0; round < 2; round++) {
        assert_false(has_session(a1, 200));
        assert_false(has_session(a2, 200));
        assert_true(has_session(b, 200));
        assert_true(has_session(again, 200));
        reopen();
    }
}

/* On threads -------------------------------------------------------------- */

enum { RACE_CHANNELS = 8, RACE_WRITES = 400 };

static _Atomic bool race_is_over;

static bool is_whole(const catalog_channel *found, void *ctx)
{
    const catalog_view *seen = ctx;

    for (size_t i = 0; i < found->token_count; i++) {
        const catalog_token *token = found->tokens[i];

        // A view is one moment: token and channel agree in it.
        if (catalog_find_token(seen, token->id) != token ||
            token->channel != found) {
            abort();
        }
    }
    return true;
}

static void *read_on(void *arg)
{
    catalog_reader reader = {0};

    (void)arg;
    catalog_reader_init(&reader, fix.cat);
    while (!atomic_load(&race_is_over)) {
        const catalog_view *seen = catalog_reader_view(&reader);

        catalog_each_channel(seen, is_whole, (void *)(uintptr_t)seen);
        if (catalog_check_secret(seen, LP_SPAN("nothing"))) {
            abort();
        }
    }
    catalog_reader_fini(&reader);
    return NULL;
}

static void *write_on(void *arg)
{
    const char *prefix = arg;

    for (unsigned i = 0; i < RACE_WRITES; i++) {
        static const char *const lines[] = {"a", "a b", "b c d", ""};
        char id[16], session[40];
        bool created;

        snprintf(id, sizeof id, "%s%u", prefix, i % RACE_CHANNELS);
        if (i % 7 == 6) {
            catalog_delete_channel(fix.cat, span(id));
            continue;
        }
        if (put_names(id, lines[i % 4], &created) != CATALOG_OK ||
            (i % 5 == 0 &&
             add_session(id, SECOND + i, session) != CATALOG_OK)) {
            abort();
        }
    }
    return NULL;
}

static void readers_see_whole_views_while_writers_change_them(void **state)
{
    pthread_t readers[2], writers[2];
    static char left[] = "l", right[] = "r";

    (void)state;
    open_at(NULL);
    atomic_store(&race_is_over, false);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&readers[i], NULL, read_on, NULL), 0);
        assert_int_equal(
            pthread_create(&writers[i], NULL, write_on, i ? left : right), 0);
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(writers[i], NULL);
    }
    atomic_store(&race_is_over, true);
    for (int i = 0; i < 2; i++) {
        pthread_join(readers[i], NULL);
    }
    assert_true(catalog_channel_count(view()) <= 2 * RACE_CHANNELS);
}

static void a_write_is_seen_by_every_thread_that_asks_after_it(void **state)
{
    catalog_reader other = {0};

    (void)state;
    open_at(NULL);
    catalog_reader_init(&other, fix.cat);
    for (unsigned i = 0; i < 100; i++) {
        char id[16];

        snprintf(id, sizeof id, "%u", i);
        put(id, "a");
        assert_non_null(
            catalog_find_channel(catalog_reader_view(&other), span(id)));
    }
    catalog_reader_fini(&other);
}

static bool route_of(const char *token, catalog_route *out)
{
    view();
    return catalog_reader_find_route(
        &fix.reader, catalog_reader_memo(&fix.reader, span(token)), span(token),
        0, out);
}

/* What is near in a memo, and what is too long for that. */
static void a_route_says_the_name_of_its_token_however_long(void **state)
{
    static const char *const names[] = {"a", "router", "worker-12",
                                        "worker-123", "a-name-of-some-length"};
    enum { NAMES = sizeof names / sizeof names[0] };
    char tokens[NAMES][40];
    catalog_route routes[NAMES];

    (void)state;
    open_at(NULL);
    for (size_t i = 0; i < NAMES; i++) {
        put(names[i], names[i]);
        token_id(names[i], 0, tokens[i]);
    }
    for (int round = 0; round < 3; round++) { // found, and remembered
        for (size_t i = 0; i < NAMES; i++) {
            assert_true(route_of(tokens[i], &routes[i]));
        }
        for (size_t i = 0; i < NAMES; i++) {
            char host_app[64];

            snprintf(host_app, sizeof host_app, "host %s ", names[i]);
            assert_true(lp_span_equal(routes[i].host_app, span(host_app)));
            assert_ptr_equal(routes[i].ring, channel(names[i])->ring);
        }
    }
}

static void an_id_that_is_nearly_a_tokens_has_no_route(void **state)
{
    char token[40];
    catalog_route route;

    (void)state;
    open_at(NULL);
    put("demo", "app");
    token_id("demo", 0, token);
    assert_true(route_of(token, &route)); // and it is remembered
    for (size_t i = 0; token[i]; i++) {
        char was = token[i];

        token[i] = was == '0' ? '1' : '0';
        assert_false(route_of(token, &route));
        token[i] = was;
    }
    assert_true(route_of(token, &route));
    token[38] = '0';
    token[39] = '\0';
    assert_false(route_of(token, &route));
    token[37] = '\0';
    assert_false(route_of(token, &route));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_channel_is_made_with_a_token_for_each_name),
        TEST(putting_the_same_again_changes_nothing),
        TEST(kept_names_keep_their_ids_and_missing_ones_lose_them),
        TEST(equal_names_by_addition_are_kept_together),
        TEST(a_token_is_not_deleted_by_way_of_another_channel),
        TEST(deleting_closes_the_ring_and_leaves_old_views_alone),
        TEST(a_name_or_id_with_wrong_bytes_is_refused),
        TEST(what_is_over_a_limit_is_refused),
        TEST(an_engine_that_is_full_makes_no_channel),
        TEST(a_uuid_stays_with_its_channel_id),
        TEST(a_file_opened_again_has_the_same_in_it),
        TEST(a_second_daemon_is_told_who_has_the_folder),
        TEST(a_newer_schema_is_refused_and_left_alone),
        TEST(a_database_of_somebody_else_is_refused),
        TEST(a_folder_that_cannot_be_made_is_named),
        TEST(the_files_are_nobody_elses_to_read),
        TEST(a_disk_that_is_full_changes_nothing_in_memory_or_store),
        TEST(what_was_acknowledged_survives_a_kill),
        TEST(a_password_opens_its_own_credential_alone),
        TEST(a_password_that_was_replaced_is_none),
        TEST(a_stored_secret_is_known_again_after_a_start),
        TEST(guessing_is_answered_at_once),
        TEST(a_configured_credential_lives_as_long_as_its_configuration),
        TEST(an_incomplete_credential_is_refused),
        TEST(the_file_gives_no_secret_away),
        TEST(a_session_ends_with_its_time),
        TEST(the_oldest_session_makes_room),
        TEST(sessions_go_with_their_channel),
        TEST(readers_see_whole_views_while_writers_change_them),
        TEST(a_write_is_seen_by_every_thread_that_asks_after_it),
        TEST(a_route_says_the_name_of_its_token_however_long),
        TEST(an_id_that_is_nearly_a_tokens_has_no_route),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
