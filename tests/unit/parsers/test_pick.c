#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "logplex/filter.h"
#include "logplex/pick.h"
#include "stored.h"

static const char router[] =
    "at=info method=GET path=\"/a b=c\" host=h dyno= service=18ms "
    "status=200 status=500 a_long_key_of_one's_own=\"x\\\"y\" word cut=\"z";

static lp_picker picker_of(const char *const *keys, unsigned count)
{
    lp_picker picker;

    lp_picker_init(&picker);
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(lp_picker_add(&picker, lp_span_str(keys[i]), i),
                         LP_OK);
    }
    return picker;
}

static void assert_value(const lp_pair *pair, const char *want)
{
    assert_int_equal(pair->value.len_bytes, strlen(want));
    assert_memory_equal(pair->value.ptr, want, strlen(want));
}

static void values_are_picked_whatever_their_order_is(void **state)
{
    static const char *const keys[] = {"service", "path", "dyno",
                                       "a_long_key_of_one's_own"};
    lp_picker picker = picker_of(keys, 4);
    lp_pair out[4];

    (void)state;
    assert_int_equal(lp_pick(&picker, LP_SPAN(router), out), 0xf);
    assert_value(&out[0], "18ms");
    assert_value(&out[1], "/a b=c");
    assert_value(&out[2], "");
    assert_value(&out[3], "x\\\"y");
    assert_true(out[3].escaped && out[1].quoted && !out[0].quoted);
}

static void the_first_one_counts(void **state)
{
    static const char *const keys[] = {"status"};
    lp_picker picker = picker_of(keys, 1);
    lp_pair out[1];

    (void)state;
    assert_int_equal(lp_pick(&picker, LP_SPAN(router), out), 1);
    assert_value(&out[0], "200");
    assert_int_equal(lp_pick(&picker, LP_SPAN("the status is status=7"), out),
                     1);
    assert_value(&out[0], "7");
}

static void what_is_not_there_is_not_picked(void **state)
{
    static const char *const keys[] = {
        "b", "word", "cut", "stat", "statuss", "a_long_key_of_one's_owN"};
    lp_picker picker = picker_of(keys, 6);
    lp_pair out[6];

    (void)state;
    assert_int_equal(lp_pick(&picker, LP_SPAN(router), out), 0);
    assert_int_equal(lp_pick(&picker, LP_SPAN(""), out), 0);
    assert_int_equal(lp_pick(&picker, lp_span_of(NULL, 0), out), 0);
}

static void keys_share_slots_and_slots_share_keys(void **state)
{
    lp_picker picker;
    lp_pair out[3];

    (void)state;
    lp_picker_init(&picker);
    assert_int_equal(lp_picker_add(&picker, LP_SPAN("a"), 0), LP_OK);
    assert_int_equal(lp_picker_add(&picker, LP_SPAN("m#a"), 0), LP_OK);
    assert_int_equal(lp_picker_add(&picker, LP_SPAN("a"), 2), LP_OK);
    assert_int_equal(lp_pick(&picker, LP_SPAN("m#a=1 a=2"), out), 5);
    assert_value(&out[0], "1");
    assert_value(&out[2], "2");
}

static void there_are_sixteen_keys(void **state)
{
    lp_picker picker;

    (void)state;
    lp_picker_init(&picker);
    assert_int_equal(lp_picker_add(&picker, LP_SPAN(""), 0), LP_E_INVALID);
    assert_int_equal(lp_picker_add(&picker, LP_SPAN("a"), LP_PICK_SLOTS_MAX),
                     LP_E_INVALID);
    for (unsigned i = 0; i < LP_PICK_KEYS_MAX; i++) {
        assert_int_equal(lp_picker_add(&picker, LP_SPAN("a"), i), LP_OK);
    }
    assert_int_equal(lp_picker_add(&picker, LP_SPAN("a"), 0), LP_E_FULL);
}

/* A text of pieces that mean something, in memory of its own size. */
static lp_span make_text(uint64_t *seed)
{
    static const char *const pieces[] = {
        "a",  "b", "status", "_of_it", "=",   "=\"", "\"",        "\\\"", " ",
        "\t", "1", "\xff",   "x",      "ab=", " a=", " status=2", ""};
    char text[400];
    size_t n = 0;
    char *own;

    for (unsigned i = (unsigned)(*seed >> 40) % 30; i > 0; i--) {
        const char *piece;

        *seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407;
        piece = pieces[(*seed >> 33) % (sizeof(pieces) / sizeof(*pieces))];
        memcpy(text + n, piece, strlen(piece));
        n += strlen(piece);
    }
    *seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407;
    text[n] = (char)(*seed >> 50); // and one byte of any kind
    n++;
    own = malloc(n);
    assert_non_null(own);
    memcpy(own, text, n);
    return lp_span_of(own, n);
}

static void let_go(lp_span text)
{
    char *own;

    memcpy(&own, &text.ptr, sizeof(own));
    free(own);
}

static const char *const some_keys[] = {"a", "ab", "status", "status_of_it"};

/* What lp_logfmt_next() has to say of one key. */
static bool naive(lp_span msg, lp_span key, lp_pair *out)
{
    while (lp_logfmt_next(&msg, out) == LP_OK) {
        if (out->value.ptr != NULL && !out->unterminated &&
            lp_span_equal(out->key, key)) {
            return true;
        }
    }
    return false;
}

static void it_says_what_a_walk_over_all_pairs_says(void **state)
{
    lp_picker picker = picker_of(some_keys, 4);
    uint64_t seed = 3;

    (void)state;
    for (int turn = 0; turn < 50000; turn++) {
        lp_span text = make_text(&seed);
        lp_pair out[4], want;
        uint32_t found = lp_pick(&picker, text, out);

        for (unsigned i = 0; i < 4; i++) {
            bool is_there = naive(text, lp_span_str(some_keys[i]), &want);

            assert_int_equal(found >> i & 1, is_there);
            assert_true(!is_there || out[i].value.ptr == want.value.ptr);
            assert_true(!is_there ||
                        out[i].value.len_bytes == want.value.len_bytes);
        }
        let_go(text);
    }
}

/* A filter that picks says what it says without, and picks what is picked without
 * it. */
static void assert_picks(const char *text, lp_span msg, uint64_t *matched)
{
    lp_picker picker = picker_of(some_keys, 4);
    char *room = malloc(msg.len_bytes + 256);
    lp_pair both[4], alone[4];
    lp_filter *filter;
    uint32_t found;
    lp_record record;
    bool holds;

    assert_non_null(room);
    record = stored_line(6, "app", "web.1", msg, room);
    assert_int_equal(lp_filter_create(lp_span_str(text), &filter, NULL), LP_OK);
    holds = lp_filter_match(filter, &record);
    assert_int_equal(lp_filter_pick(filter, &record, &picker, both, &found),
                     holds);
    assert_int_equal(
        found, holds ? lp_pick(&picker, lp_record_msg(&record), alone) : 0);
    for (unsigned i = 0; i < 4; i++) {
        assert_true((found >> i & 1) == 0 ||
                    both[i].value.ptr == alone[i].value.ptr);
    }
    *matched += holds;
    lp_filter_destroy(filter);
    free(room);
}

static void a_filter_picks_what_it_walks_over_anyway(void **state)
{
    static const char *const filters[] = {
        "a",   "!ab",        "status>=1",  "source=no",
        "a~x", "msg~status", "source=app", "a !status"};
    uint64_t seed = 5;

    (void)state;
    for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
        uint64_t matched = 0;

        for (int turn = 0; turn < 2000; turn++) {
            lp_span text = make_text(&seed);

            assert_picks(filters[i], text, &matched);
            let_go(text);
        }
        assert_int_equal(matched > 0, i != 3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_picked_whatever_their_order_is),
        cmocka_unit_test(the_first_one_counts),
        cmocka_unit_test(what_is_not_there_is_not_picked),
        cmocka_unit_test(keys_share_slots_and_slots_share_keys),
        cmocka_unit_test(there_are_sixteen_keys),
        cmocka_unit_test(it_says_what_a_walk_over_all_pairs_says),
        cmocka_unit_test(a_filter_picks_what_it_walks_over_anyway),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
