/* test_table.c - the persistent table against a plain array. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/hash.h"
#include "catalog/table.h"

enum { KEYS = 300, VERSIONS = 40, STEPS = 4000 };

typedef struct thing {
    table_owner owner;
    table_item item;
    char key[8];
} thing;

static unsigned alive;

static void thing_destroy(table_owner *owner)
{
    alive--;
    free(owner);
}

static thing *thing_create(unsigned key, uint64_t hash)
{
    thing *t = calloc(1, sizeof *t);

    assert_non_null(t);
    alive++;
    t->owner.refs = 1;
    t->owner.destroy = thing_destroy;
    snprintf(t->key, sizeof t->key, "%u", key);
    t->item.key = lp_span_str(t->key);
    t->item.hash = hash;
    t->item.owner = &t->owner;
    return t;
}

/* What a version ought to hold. */
typedef struct version {
    table table;
    table_item *model[KEYS];
} version;

static uint64_t seed = 1;

static uint64_t random_number(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

typedef uint64_t (*hash_fn)(unsigned key);

static uint64_t spread(unsigned key)
{
    static const hash_key secret = {{1, 2}};

    return hash_span(&secret, lp_span_of((const char *)&key, sizeof key));
}

static uint64_t all_the_same(unsigned key)
{
    (void)key;
    return 0x123456789abcdef0u;
}

/* Alike but for the very last bits, so that they part at the bottom. */
static uint64_t alike(unsigned key)
{
    return (uint64_t)(key % 16) << 60;
}

static bool count_one(table_item *item, void *ctx)
{
    (void)item;
    ++*(size_t *)ctx;
    return true;
}

static void check(const version *v, hash_fn hash)
{
    size_t expected = 0, found = 0;

    for (unsigned key = 0; key < KEYS; key++) {
        char text[8];

        snprintf(text, sizeof text, "%u", key);
        assert_ptr_equal(table_find(&v->table, hash(key), lp_span_str(text)),
                         v->model[key]);
        expected += v->model[key] != NULL;
    }
    table_each(&v->table, count_one, &found);
    assert_int_equal(found, expected);
    assert_int_equal(v->table.count, expected);
}

static void put(version *v, unsigned key, hash_fn hash)
{
    thing *t = thing_create(key, hash(key));

    assert_true(table_put(&v->table, &t->item));
    v->model[key] = &t->item;
    table_owner_unref(&t->owner);
}

static void take_out(version *v, unsigned key, hash_fn hash)
{
    char text[8];

    snprintf(text, sizeof text, "%u", key);
    assert_true(table_remove(&v->table, hash(key), lp_span_str(text)));
    v->model[key] = NULL;
}

/* Changes versions at random, copies some over others, and looks at all. */
static void run_model(hash_fn hash)
{
    static version versions[VERSIONS];

    memset(versions, 0, sizeof versions);
    for (unsigned step = 0; step < STEPS; step++) {
        version *v = &versions[random_number() % VERSIONS];
        unsigned key = (unsigned)(random_number() % KEYS);
        uint64_t dice = random_number() % 100;

        if (dice < 60) {
            put(v, key, hash);
        } else if (dice < 90) {
            take_out(v, key, hash);
        } else {
            version *from = &versions[random_number() % VERSIONS];
            version copy = *from;

            copy.table = table_copy(&from->table);
            table_drop(&v->table);
            *v = copy;
        }
        if (step % 64 == 0) {
            check(v, hash);
        }
    }
    for (unsigned i = 0; i < VERSIONS; i++) {
        check(&versions[i], hash);
    }
    for (unsigned i = 0; i < VERSIONS; i++) {
        table_drop(&versions[i].table);
    }
    assert_int_equal(alive, 0);
}

static void versions_hold_what_a_model_holds(void **state)
{
    (void)state;
    run_model(spread);
}

static void keys_of_one_hash_are_told_apart(void **state)
{
    (void)state;
    run_model(all_the_same);
}

static void hashes_that_differ_at_their_end_are_told_apart(void **state)
{
    (void)state;
    run_model(alike);
}

static void an_emptied_table_can_be_filled_again(void **state)
{
    version v = {.table = {NULL, 0}};

    (void)state;
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned key = 0; key < KEYS; key++) {
            put(&v, key, spread);
        }
        check(&v, spread);
        for (unsigned key = 0; key < KEYS; key++) {
            take_out(&v, key, spread);
        }
        check(&v, spread);
    }
    table_drop(&v.table);
    assert_int_equal(alive, 0);
}

/* Computed by an independent implementation that, with two rounds and four,
 * gives the vector in the authors' paper (appendix A). */
static void the_hash_is_siphash_1_3(void **state)
{
    static const hash_key key = {{0x0706050403020100, 0x0f0e0d0c0b0a0908}};
    char text[15];

    (void)state;
    for (char i = 0; i < 15; i++) {
        text[(int)i] = i;
    }
    assert_true(hash_span(&key, lp_span_of(NULL, 0)) == 0xabac0158050fc4dc);
    assert_true(hash_span(&key, lp_span_of(text, 15)) == 0xd320d86d2a519956);
}

static void the_hash_depends_on_every_byte_the_length_and_the_key(void **state)
{
    static const hash_key key = {{7, 9}}, other = {{7, 10}};
    char text[40] = {0};
    uint64_t plain = hash_span(&key, lp_span_of(text, sizeof text));

    (void)state;
    assert_true(hash_span(&other, lp_span_of(text, sizeof text)) != plain);
    for (size_t i = 0; i < sizeof text; i++) {
        text[i] = 1;
        assert_true(hash_span(&key, lp_span_of(text, sizeof text)) != plain);
        text[i] = 0;
        assert_true(hash_span(&key, lp_span_of(text, i)) != plain);
    }
    assert_int_equal(hash_span(&key, lp_span_of(NULL, 0)),
                     hash_span(&key, lp_span_of(text, 0)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions_hold_what_a_model_holds),
        cmocka_unit_test(keys_of_one_hash_are_told_apart),
        cmocka_unit_test(hashes_that_differ_at_their_end_are_told_apart),
        cmocka_unit_test(an_emptied_table_can_be_filled_again),
        cmocka_unit_test(the_hash_is_siphash_1_3),
        cmocka_unit_test(the_hash_depends_on_every_byte_the_length_and_the_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
