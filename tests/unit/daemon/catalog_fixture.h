/*
 * catalog_fixture.h - a catalog in a folder of its own, for the tests of it. Each
 * test program has one.
 */
#ifndef TESTS_CATALOG_FIXTURE_H
#define TESTS_CATALOG_FIXTURE_H

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "catalog/catalog.h"

enum { WHY_BYTES = 512, SECOND = 1000000000 };

typedef struct fixture {
    char dir[64];
    char path[128];
    char why[WHY_BYTES];
    catalog_limits limits;
    lp_engine *engine;
    catalog *cat;
    catalog_reader reader;
} fixture;

static fixture fix;

static inline catalog_err try_open(const char *path, catalog **out)
{
    return catalog_open(fix.engine, NULL, &fix.limits, path, out, fix.why,
                        WHY_BYTES);
}

static inline void open_at(const char *path)
{
    if (try_open(path, &fix.cat) != CATALOG_OK) {
        fail_msg("%s", fix.why);
    }
    memset(&fix.reader, 0, sizeof fix.reader);
    catalog_reader_init(&fix.reader, fix.cat);
}

static inline void close_it(void)
{
    if (fix.cat) {
        catalog_reader_fini(&fix.reader);
        catalog_close(fix.cat);
        fix.cat = NULL;
    }
}

static inline void reopen(void)
{
    close_it();
    open_at(fix.path);
}

static inline int set_up(void **state)
{
    (void)state;
    memset(&fix, 0, sizeof fix);
    snprintf(fix.dir, sizeof fix.dir, "/tmp/logplexd-test-XXXXXX");
    assert_non_null(mkdtemp(fix.dir));
    snprintf(fix.path, sizeof fix.path, "%s/catalog.db", fix.dir);
    assert_int_equal(lp_engine_create(NULL, &fix.engine), LP_OK);
    return 0;
}

static inline int tear_down(void **state)
{
    static const char *const names[] = {"catalog.db", "catalog.db-wal",
                                        "catalog.db-shm", "lock"};

    (void)state;
    close_it();
    lp_engine_destroy(fix.engine); // aborts on a ring that is still open
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[160];

        snprintf(path, sizeof path, "%s/%s", fix.dir, names[i]);
        unlink(path);
    }
    return rmdir(fix.dir);
}

/* Shorthands -------------------------------------------------------------- */

static inline lp_span span(const char *text)
{
    return lp_span_str(text);
}

static inline const catalog_view *view(void)
{
    return catalog_reader_view(&fix.reader);
}

static inline const catalog_channel *channel(const char *id)
{
    return catalog_find_channel(view(), span(id));
}

/* A channel "app", with a token "web". */
static inline void make_app(char token[40])
{
    bool is_new;

    assert_int_equal(
        catalog_put_channel(fix.cat, span("app"), NULL, 0, &is_new),
        CATALOG_OK);
    assert_int_equal(
        catalog_add_token(fix.cat, span("app"), span("web"), token),
        CATALOG_OK);
}

static inline void run_sql(const char *sql)
{
    sqlite3 *db;

    assert_int_equal(sqlite3_open(fix.path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

#endif /* TESTS_CATALOG_FIXTURE_H */
