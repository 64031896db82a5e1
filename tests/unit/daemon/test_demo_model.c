/* test_demo_model.c - the platform of --demo, without a socket or a clock. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "demo/agenda.h"
#include "demo/cast.h"
#include "demo/chance.h"
#include "demo/model.h"
#include "logplex/logfmt.h"
#include "logplex/measure.h"

#define SECOND_NS INT64_C(1000000000)
#define BEGIN_NS  (INT64_C(1764130500) * SECOND_NS)

/* Chance ------------------------------------------------------------------ */

static int compare_doubles(const void *a, const void *b)
{
    const double *left = a, *right = b;

    return (*left > *right) - (*left < *right);
}

static void service_times_are_log_normal(void **state)
{
    enum { DRAWS = 40001 };
    static double drawn[DRAWS];
    chance dice = {7};

    (void)state;
    for (unsigned i = 0; i < DRAWS; i++)
        drawn[i] = chance_lognormal(&dice, 80, .5);
    qsort(drawn, DRAWS, sizeof(drawn[0]), compare_doubles);
    // exp(sigma * z) with z of the normal distribution; 40,000 draws are well
    // within 5 % of it.
    assert_true(fabs(drawn[DRAWS / 2] / 80 - 1) < .05);
    assert_true(fabs(drawn[DRAWS * 95 / 100] / (80 * exp(.5 * 1.645)) - 1) <
                .05);
    assert_true(fabs(drawn[DRAWS * 5 / 100] / (80 * exp(-.5 * 1.645)) - 1) <
                .05);
}

static void gaps_between_events_have_their_mean_and_no_memory(void **state)
{
    enum { DRAWS = 40000 };
    chance dice = {3};
    double sum = 0, squares = 0;

    (void)state;
    for (unsigned i = 0; i < DRAWS; i++) {
        double gap = chance_exponential(&dice, 4);

        assert_true(gap >= 0);
        sum += gap;
        squares += gap * gap;
    }
    assert_true(fabs(sum / DRAWS / 4 - 1) < .05);
    assert_true(fabs(squares / DRAWS / 32 - 1) < .1); // E[x^2] = 2 mean^2
}

static void numbers_below_a_bound_are_even(void **state)
{
    unsigned counts[6] = {0};
    chance dice = {5};

    (void)state;
    for (unsigned i = 0; i < 60000; i++)
        counts[chance_below(&dice, 6)]++;
    for (unsigned i = 0; i < 6; i++)
        assert_in_range(counts[i], 9500, 10500);
}

static void uuids_have_the_form_of_version_4(void **state)
{
    char uuid[CHANCE_UUID_BYTES], other[CHANCE_UUID_BYTES];
    chance dice = {1};

    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        chance_uuid(&dice, uuid);
        assert_int_equal(strlen(uuid), 36);
        assert_int_equal(strspn(uuid, "0123456789abcdef-"), 36);
        assert_int_equal(uuid[14], '4');
        assert_non_null(strchr("89ab", uuid[19]));
    }
    chance_uuid(&dice, other);
    assert_string_not_equal(uuid, other);
}

/* The agenda -------------------------------------------------------------- */

static void
what_is_due_comes_in_order_and_equals_as_they_were_added(void **state)
{
    enum { EVENTS = 1000 };
    agenda plan;
    agenda_event event, last = {0};
    chance dice = {11};
    unsigned taken = 0;

    (void)state;
    assert_true(agenda_init(&plan, EVENTS));
    for (unsigned i = 0; i < EVENTS; i++)
        agenda_add(&plan, chance_below(&dice, 50), 0, i);
    assert_false(agenda_take(&plan, 0, &event)); // nothing is due before 0
    while (agenda_take(&plan, 50, &event)) {
        if (taken++ > 0)
            assert_true(
                event.due_ns > last.due_ns ||
                (event.due_ns == last.due_ns && event.what > last.what));
        last = event;
    }
    assert_int_equal(taken, EVENTS);
    agenda_fini(&plan);
}

/* Stories ----------------------------------------------------------------- */

enum { CODES_MAX = 32, REQUESTS_SEEN = 4096, DYNOS_MAX = 64 };

/* What is known of a request from its app's lines, by its id. */
typedef struct request_seen {
    char id[37];
    char process[16];
    int64_t begun_ns;
} request_seen;

typedef struct story {
    uint64_t lines, by_app[CAST_APPS], kinds[LP_KIND_ROLLBACK + 1];
    uint64_t digest;          /* of all that was said */
    uint64_t digest_of_words; /* the same without times */
    int64_t first_ns, last_ns;
    uint64_t ops[LP_OP_UNIQUE + 1];
    uint64_t tied;         /* requests whose app's and router's lines agree */
    double wait_ms, waits; /* of the older stack: sum and number */
    struct {
        char code[4];
        uint64_t count;
        int64_t first_ns;
    } codes[CODES_MAX];
    unsigned code_count;
    request_seen seen[REQUESTS_SEEN];
    int64_t newest_ns[CAST_APPS];
    char sampled[DYNOS_MAX][CAST_APPS + 24]; /* dynos with samples of memory */
    unsigned sampled_count;
    int64_t first_sample_ns, last_sample_ns; /* the first one of each dyno */
} story;

static story *tale; /* what run() fills */

static uint64_t mix(uint64_t digest, const void *bytes, size_t count)
{
    const unsigned char *at = bytes;

    while (count-- > 0)
        digest = (digest ^ *at++) * UINT64_C(0x100000001b3);
    return digest;
}

static void note_code(story *of, lp_span code, int64_t at_ns)
{
    unsigned i = 0;

    assert_int_equal(code.len_bytes, 3);
    while (i < of->code_count && memcmp(of->codes[i].code, code.ptr, 3) != 0)
        i++;
    if (i == of->code_count) {
        assert_true(of->code_count < CODES_MAX);
        memcpy(of->codes[i].code, code.ptr, 3);
        of->codes[i].first_ns = at_ns;
        of->code_count++;
    }
    of->codes[i].count++;
}

/* When a code was first seen, in seconds; -1: never. */
static double first_s(const story *of, const char *code)
{
    for (unsigned i = 0; i < of->code_count; i++) {
        if (strcmp(of->codes[i].code, code) == 0)
            return (double)(of->codes[i].first_ns - BEGIN_NS) /
                   (double)SECOND_NS;
    }
    return -1;
}

static request_seen *place_of(story *of, const char *id)
{
    return &of->seen[mix(0, id, 36) % REQUESTS_SEEN];
}

/* Rails tags its lines with the id of the request. */
static void note_rails(story *of, const demo_line *line)
{
    request_seen *seen;

    if (line->msg.len_bytes < 48 || line->msg.ptr[0] != '[')
        return;
    seen = place_of(of, line->msg.ptr + 1);
    if (memcmp(seen->id, line->msg.ptr + 1, 36) == 0) {
        assert_string_equal(seen->process, line->process);
        return;
    }
    if (memcmp(line->msg.ptr + 37, "] Started ", 10) != 0)
        return; // the place is another's meanwhile
    memcpy(seen->id, line->msg.ptr + 1, 36);
    snprintf(seen->process, sizeof(seen->process), "%s", line->process);
    seen->begun_ns = line->time_ns;
}

static double measure_of(const lp_measures *found, const char *name)
{
    for (unsigned i = 0; i < found->count; i++) {
        if (lp_span_equal(found->list[i].name, lp_span_str(name)))
            return found->list[i].value;
    }
    return -1;
}

static void note_router(story *of, const demo_line *line,
                        const lp_measures *found)
{
    request_seen *seen;
    double took_ms;

    assert_true(found->status >= 200 && found->status < 600);
    assert_true(found->method.len_bytes > 0 && found->path.len_bytes > 0);
    assert_true(found->host.len_bytes > 0);
    if (measure_of(found, "wait") >= 0) {
        of->wait_ms += measure_of(found, "wait");
        of->waits++;
    }
    if (found->dyno.len_bytes == 0)
        assert_true(measure_of(found, "service") < 0); // nobody knows it
    else
        assert_true(measure_of(found, "service") >= 1);
    if (found->request_id.len_bytes != 36)
        return;
    seen = place_of(of, found->request_id.ptr);
    if (memcmp(seen->id, found->request_id.ptr, 36) != 0)
        return;
    assert_true(lp_span_equal(found->dyno, lp_span_str(seen->process)));
    took_ms = (double)(line->time_ns - seen->begun_ns) / 1e6;
    assert_true(fabs(took_ms - measure_of(found, "service")) < 1);
    of->tied++;
}

/* The words of a code are those that everybody knows it by. */
static void note_sample(story *of, const demo_line *line,
                        const lp_measures *found)
{
    char name[sizeof(of->sampled[0])];
    unsigned i = 0;

    if (measure_of(found, "memory_total") < 0)
        return;
    snprintf(name, sizeof(name), "%u %s", line->app, line->process);
    while (i < of->sampled_count && strcmp(of->sampled[i], name) != 0)
        i++;
    if (i < of->sampled_count || i == DYNOS_MAX)
        return;
    memcpy(of->sampled[of->sampled_count++], name, sizeof(name));
    if (of->first_sample_ns == 0)
        of->first_sample_ns = line->time_ns;
    of->last_sample_ns = line->time_ns;
}

static void check_words(const lp_measures *found)
{
    const char *meaning = lp_measure_code_meaning(found->code);

    assert_non_null(meaning);
    if (found->desc.len_bytes > 0 && found->code.ptr[0] != 'L')
        assert_true(lp_span_equal(found->desc, lp_span_str(meaning)));
}

static void note(void *ctx, const demo_line *line)
{
    story *of = ctx;
    lp_measure_line as = {line->source == DEMO_HEROKU ? LP_SPAN("heroku")
                                                      : LP_SPAN("app"),
                          lp_span_str(line->process), line->msg, false};
    lp_measures found;

    assert_true(line->app < CAST_APPS && line->source < DEMO_SOURCES);
    assert_true(line->pri < 192 && line->process[0] != '\0');
    assert_true(line->msg.len_bytes > 0 &&
                line->msg.len_bytes < DEMO_MSG_MAX_BYTES);
    assert_null(memchr(line->msg.ptr, '\n', line->msg.len_bytes));
    lp_measures_read(NULL, &as, &found);
    assert_int_equal(found.left_out, 0);
    of->lines++;
    of->by_app[line->app]++;
    of->kinds[found.kind]++;
    for (unsigned i = 0; i < found.count; i++)
        of->ops[found.list[i].op]++;
    of->digest_of_words =
        mix(of->digest_of_words, line->process, strlen(line->process));
    of->digest = mix(of->digest, line->msg.ptr, line->msg.len_bytes);
    of->digest = mix(of->digest, &line->time_ns, sizeof(line->time_ns));
    if (found.code.len_bytes > 0) {
        note_code(of, found.code, line->time_ns);
        check_words(&found);
    }
    if (found.kind == LP_KIND_RUNTIME)
        note_sample(of, line, &found);
    if (found.kind == LP_KIND_ROUTER)
        note_router(of, line, &found);
    else if (line->app == 0)
        note_rails(of, line);
    if (of->first_ns == 0)
        of->first_ns = line->time_ns;
    of->last_ns = line->time_ns;
}

/* For many lines: all that is asked of them is how many. */
static void note_number(void *ctx, const demo_line *line)
{
    story *of = ctx;

    of->lines++;
    of->by_app[line->app]++;
    if (memmem(line->msg.ptr, line->msg.len_bytes, " code=H11 ", 10))
        note_code(of, LP_SPAN("H11"), line->time_ns);
}

static void run_as(story *of, uint64_t seed, uint32_t lines_per_s,
                   int64_t for_s, int64_t step_ms, demo_emit emit)
{
    demo_model *model = demo_model_create(seed, lines_per_s, BEGIN_NS);
    int64_t end_ns = BEGIN_NS + for_s * SECOND_NS;

    assert_non_null(model);
    memset(of, 0, sizeof(*of));
    for (int64_t at_ns = BEGIN_NS; at_ns < end_ns; at_ns += step_ms * 1000000)
        demo_model_run(model, at_ns, emit, of);
    demo_model_run(model, end_ns, emit, of);
    assert_int_equal(demo_model_now(model), end_ns);
    demo_model_destroy(model);
}

static void run(story *of, uint64_t seed, uint32_t lines_per_s, int64_t for_s)
{
    run_as(of, seed, lines_per_s, for_s, for_s * 1000, note);
}

static void a_seed_tells_one_story_however_time_is_cut(void **state)
{
    uint64_t digest;

    (void)state;
    run(tale, 42, 100, 90);
    digest = tale->digest;
    run_as(tale, 42, 100, 90, 20, note);
    assert_true(tale->digest == digest);
    run_as(tale, 42, 100, 90, 7300, note);
    assert_true(tale->digest == digest);
    run(tale, 43, 100, 90);
    assert_true(tale->digest != digest);
}

static void the_rate_is_the_one_that_was_asked_for(void **state)
{
    static const uint32_t rates[] = {50, 100, 1000};

    (void)state;
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        double per_s;

        run_as(tale, 1 + i, rates[i], 900, 900000, note_number);
        per_s = (double)tale->lines / 900;
        if (fabs(per_s / rates[i] - 1) > .12)
            print_error("asked %u, got %.1f\n", rates[i], per_s);
        assert_true(fabs(per_s / rates[i] - 1) <= .12);
        for (unsigned app = 0; app < CAST_APPS; app++)
            assert_true(tale->by_app[app] > 0);
    }
}

static void each_minute_has_lines_of_each_app(void **state)
{
    demo_model *model = demo_model_create(9, 10, BEGIN_NS);

    (void)state;
    assert_non_null(model);
    for (int64_t minute = 1; minute <= 12; minute++) {
        memset(tale, 0, sizeof(*tale));
        demo_model_run(model, BEGIN_NS + minute * 60 * SECOND_NS, note, tale);
        for (unsigned app = 0; app < CAST_APPS; app++)
            assert_true(tale->by_app[app] > 0);
    }
    demo_model_destroy(model);
}

static void within_a_minute_there_is_something_to_see(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        run(tale, seed, 100, 60);
        assert_in_range(first_s(tale, "H12"), 5, 45);
        assert_in_range(first_s(tale, "R14"), 1, 59);
        assert_in_range(first_s(tale, "H10"), 50, 60);
        assert_true(tale->kinds[LP_KIND_RELEASE] > 0);
        assert_true(tale->kinds[LP_KIND_STATE] > 0);
    }
}

static void within_five_minutes_all_kinds_of_lines_are_there(void **state)
{
    static const char *const codes[] = {"H10", "H12", "H13", "H18",
                                        "H27", "H80", "R10", "R12",
                                        "R14", "R15", "L10"};

    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        run(tale, seed, 100, 300);
        for (unsigned kind = LP_KIND_ROUTER; kind <= LP_KIND_ROLLBACK; kind++) {
            if (tale->kinds[kind] == 0)
                print_error("seed %u has no line of kind %u\n", (unsigned)seed,
                            kind);
            assert_true(tale->kinds[kind] > 0);
        }
        for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
            if (first_s(tale, codes[i]) < 0)
                print_error("seed %u has no %s\n", (unsigned)seed, codes[i]);
            assert_true(first_s(tale, codes[i]) >= 0);
        }
        for (unsigned op = LP_OP_MEASURE; op <= LP_OP_UNIQUE; op++)
            assert_true(tale->ops[op] > 0);
    }
}

/* Of a minute in which somebody links to the blog; 40 ms is what is too much. */
static void requests_wait_longer_than_they_should(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        run(tale, seed, 100, 60);
        assert_true(tale->waits > 100);
        assert_in_range(tale->wait_ms / tale->waits, 50, 8000);
    }
}

static void the_lines_of_a_request_agree(void **state)
{
    (void)state;
    run(tale, 5, 100, 300); // note() compares
    assert_true(tale->tied > 500);
}

static void more_than_can_be_under_way_is_answered_with_H11(void **state)
{
    (void)state;
    run_as(tale, 1, 400000, 5, 5000, note_number);
    assert_true(first_s(tale, "H11") > 2);
    assert_true(tale->lines > 1000000);
}

static void a_jump_of_the_clock_moves_times_and_nothing_else(void **state)
{
    const int64_t jumps_ns[] = {3600 * SECOND_NS, -86400 * SECOND_NS};
    demo_model *model;
    uint64_t lines, digest;

    (void)state;
    run(tale, 6, 100, 20);
    lines = tale->lines;
    digest = tale->digest_of_words;
    for (unsigned i = 0; i < 2; i++) {
        int64_t at_ns = BEGIN_NS + 10 * SECOND_NS;

        model = demo_model_create(6, 100, BEGIN_NS);
        assert_non_null(model);
        memset(tale, 0, sizeof(*tale));
        demo_model_run(model, at_ns, note, tale);
        demo_model_shift(model, jumps_ns[i]);
        at_ns += jumps_ns[i];
        // What is under way has begun before the jump.
        for (unsigned k = 0; k < REQUESTS_SEEN; k++)
            tale->seen[k].begun_ns += jumps_ns[i];
        assert_int_equal(demo_model_now(model), at_ns);
        tale->last_ns = at_ns;
        demo_model_run(model, at_ns + 10 * SECOND_NS, note, tale);
        assert_true(tale->lines == lines);
        assert_true(tale->digest_of_words == digest);
        assert_true(llabs(tale->last_ns - at_ns) < 15 * SECOND_NS);
        demo_model_destroy(model);
    }
}

static void a_time_that_was_told_is_not_told_again(void **state)
{
    demo_model *model = demo_model_create(6, 100, BEGIN_NS);
    uint64_t lines;

    (void)state;
    assert_non_null(model);
    memset(tale, 0, sizeof(*tale));
    demo_model_run(model, BEGIN_NS + 10 * SECOND_NS, note, tale);
    lines = tale->lines;
    assert_true(lines > 0);
    demo_model_run(model, BEGIN_NS + 10 * SECOND_NS, note, tale);
    demo_model_run(model, BEGIN_NS + 9 * SECOND_NS, note, tale);
    assert_true(tale->lines == lines);
    assert_int_equal(demo_model_now(model), BEGIN_NS + 10 * SECOND_NS);
    demo_model_destroy(model);
}

/* Each that is up at the beginning is measured at once, and not all at a time. */
static void dynos_have_their_first_samples_within_four_seconds(void **state)
{
    static const uint64_t seeds[] = {1, 2, 3};

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        unsigned dynos = 0;

        for (unsigned app = 0; app < CAST_APPS; app++) {
            for (unsigned p = 0; p < cast[app].process_count; p++)
                dynos += cast[app].processes[p].count;
        }
        run(tale, seeds[i], 100, 5);
        assert_int_equal(tale->sampled_count, dynos);
        assert_true(tale->first_sample_ns >= BEGIN_NS + SECOND_NS);
        assert_true(tale->last_sample_ns > tale->first_sample_ns + SECOND_NS);
    }
}

/* A night of it: whatever the tables lead to, no dyno gets lost. */
static void hours_later_it_is_still_told(void **state)
{
    demo_model *model = demo_model_create(77, 10, BEGIN_NS);
    const int64_t hour_ns = 3600 * SECOND_NS;

    (void)state;
    assert_non_null(model);
    demo_model_run(model, BEGIN_NS + 8 * hour_ns, note_number, tale);
    memset(tale, 0, sizeof(*tale));
    demo_model_run(model, BEGIN_NS + 8 * hour_ns + 600 * SECOND_NS, note, tale);
    for (unsigned kind = LP_KIND_ROUTER; kind <= LP_KIND_ROLLBACK; kind++)
        assert_true(tale->kinds[kind] > 0);
    demo_model_destroy(model);
}

static int set_up(void **state)
{
    (void)state;
    tale = calloc(1, sizeof(*tale));
    return tale ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    free(tale);
    return 0;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(service_times_are_log_normal),
        cmocka_unit_test(gaps_between_events_have_their_mean_and_no_memory),
        cmocka_unit_test(numbers_below_a_bound_are_even),
        cmocka_unit_test(uuids_have_the_form_of_version_4),
        cmocka_unit_test(
            what_is_due_comes_in_order_and_equals_as_they_were_added),
        cmocka_unit_test(a_seed_tells_one_story_however_time_is_cut),
        cmocka_unit_test(the_rate_is_the_one_that_was_asked_for),
        cmocka_unit_test(each_minute_has_lines_of_each_app),
        cmocka_unit_test(within_a_minute_there_is_something_to_see),
        cmocka_unit_test(within_five_minutes_all_kinds_of_lines_are_there),
        cmocka_unit_test(requests_wait_longer_than_they_should),
        cmocka_unit_test(the_lines_of_a_request_agree),
        cmocka_unit_test(more_than_can_be_under_way_is_answered_with_H11),
        cmocka_unit_test(a_jump_of_the_clock_moves_times_and_nothing_else),
        cmocka_unit_test(a_time_that_was_told_is_not_told_again),
        cmocka_unit_test(dynos_have_their_first_samples_within_four_seconds),
        cmocka_unit_test(hours_later_it_is_still_told),
    };

    return cmocka_run_group_tests_name("demo_model", tests, set_up, tear_down);
}
