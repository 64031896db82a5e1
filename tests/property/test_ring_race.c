/*
 * test_ring_race.c - many threads at one ring; meant for ThreadSanitizer, and
 * true without it.
 *
 * Writers append batches to shared channels. Readers follow them, fast and
 * slow, sleep on their bell, hold runs, and come and go. A keeper closes and
 * opens channels and adds up the ledger meanwhile. At the end each reader's
 * lines and losses come to what it was offered, and the ledger balances.
 */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "ring.h"

enum { WRITERS = 2, READERS = 4, CHURNERS = 2, CHANNELS = 3, BATCHES = 1500 };

typedef struct race {
    lp_engine *engine;
    lp_channel *channels[CHANNELS];
    _Atomic uint64_t appended[CHANNELS];
    _Atomic uint64_t delivered, lost;
    _Atomic int writers_left;
} race;

typedef struct bell {
    pthread_mutex_t mutex;
    pthread_cond_t rung;
    bool is_rung;
} bell;

typedef struct job {
    race *race;
    unsigned number;
} job;

static void ring_it(void *ctx)
{
    bell *b = ctx;

    pthread_mutex_lock(&b->mutex);
    b->is_rung = true;
    pthread_cond_signal(&b->rung);
    pthread_mutex_unlock(&b->mutex);
}

static void wait_for(bell *b)
{
    pthread_mutex_lock(&b->mutex);
    while (!b->is_rung)
        pthread_cond_wait(&b->rung, &b->mutex);
    b->is_rung = false;
    pthread_mutex_unlock(&b->mutex);
}

/* A line tells which writer wrote it as its how-many-th. */
static void *write_lines(void *arg)
{
    job *j = arg;
    uint64_t written[CHANNELS] = {0};
    char text[16][120];
    lp_line lines[16];

    memset(lines, 0, sizeof(lines));
    for (unsigned batch = 0; batch < BATCHES; batch++) {
        unsigned c = (batch + j->number) % CHANNELS;
        unsigned count = 1 + batch % 16;
        lp_append_result result;

        for (unsigned i = 0; i < count; i++) {
            int len = snprintf(text[i], sizeof(text[i]), "%u %llu%*s",
                               j->number, (unsigned long long)++written[c],
                               (int)(batch % 90), "");

            lines[i].next = i + 1 < count ? &lines[i + 1] : NULL;
            lines[i].part_count = 1;
            lines[i].parts[0] = lp_span_of(text[i], (size_t)len);
        }
        lp_channel_append(j->race->channels[c], lines, &result);
        assert(result.accepted_lines == count);
        atomic_fetch_add(&j->race->appended[c], count);
    }
    // The last writer closes; the readers end when they have read it all.
    if (atomic_fetch_sub(&j->race->writers_left, 1) == 1)
        for (unsigned c = 0; c < CHANNELS; c++)
            lp_channel_close(j->race->channels[c]);
    return NULL;
}

/* Each writer's lines come in its order, and none twice. */
static void check_order(const lp_run *run, uint64_t last[WRITERS])
{
    for (uint32_t i = 0; i < run->line_count; i++) {
        lp_record record = lp_run_at(run, i);
        char text[121];
        unsigned writer;
        unsigned long long n;

        memcpy(text, record.bytes.ptr, record.bytes.len_bytes);
        text[record.bytes.len_bytes] = '\0';
        assert(sscanf(text, "%u %llu", &writer, &n) == 2);
        assert(writer < WRITERS && n > last[writer]);
        last[writer] = n;
    }
}

static void *read_lines(void *arg)
{
    job *j = arg;
    lp_cursor_options opt = LP_CURSOR_OPTIONS_INIT;
    lp_channel *channel = j->race->channels[j->number % CHANNELS];
    uint64_t last[WRITERS] = {0}, lines = 0, lost = 0;
    struct timespec nap = {0, 1000000};
    bell b = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false};
    lp_cursor *cursor;
    lp_run run;
    lp_err err;

    opt.start = LP_START_SEQ;
    opt.start_arg = 1;
    opt.start_epoch = lp_channel_epoch(channel);
    opt.on_ready = ring_it;
    opt.ready_ctx = &b;
    opt.lag_max_lines = j->number == 2 ? 64 : 0;
    err = lp_cursor_open(channel, &opt, &cursor);
    assert(err == LP_OK);
    while ((err = lp_cursor_next(cursor, 40, 0, &run)) != LP_E_CLOSED) {
        if (err == LP_E_AGAIN) {
            if (lp_cursor_arm(cursor) == LP_OK)
                wait_for(&b);
            continue;
        }
        check_order(&run, last);
        lines += run.line_count;
        lost += run.lost_lines;
        if (j->number == 1 && lines % 7 == 0)
            nanosleep(&nap, NULL); // with the run held: it pins its segment
        lp_run_release(&run);
    }
    lost += run.lost_lines;
    assert(lines + lost ==
           atomic_load(&j->race->appended[j->number % CHANNELS]));
    atomic_fetch_add(&j->race->delivered, lines);
    atomic_fetch_add(&j->race->lost, lost);
    lp_cursor_close(cursor);
    return NULL;
}

/* Opens, arms, reads and closes cursors and channels without end. */
static void *churn(void *arg)
{
    job *j = arg;
    unsigned random = j->number + 1;

    while (atomic_load(&j->race->writers_left) > 0) {
        lp_cursor_options opt = LP_CURSOR_OPTIONS_INIT;
        bell b = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false};
        lp_channel *own;
        lp_cursor *cursor;
        lp_run run;
        lp_ledger ledger = LP_LEDGER_INIT;

        random = random * 1664525u + 1013904223u;
        if (lp_channel_open(j->race->engine, NULL, &own) == LP_OK) {
            opt.on_ready = ring_it;
            opt.ready_ctx = &b;
            opt.start = random >> 30;
            opt.start_arg = random >> 20;
            if (lp_cursor_open(own, &opt, &cursor) == LP_OK) {
                lp_cursor_arm(cursor);
                ring_append(own, "mine", 4, 1);
                if (lp_cursor_next(cursor, 1, 0, &run) == LP_OK)
                    lp_run_release(&run);
                lp_channel_close(own);
                lp_cursor_close(cursor);
            } else {
                lp_channel_close(own);
            }
        }
        lp_engine_ledger(j->race->engine, &ledger);
        assert(ledger.appended_lines ==
               ledger.resident_lines + ledger.evicted_lines);
        assert(ledger.memory_bytes <= ledger.memory_max_bytes);
    }
    return NULL;
}

static void threads_lose_nothing_that_is_not_counted(void **state)
{
    static race r;
    pthread_t threads[WRITERS + READERS + CHURNERS];
    job jobs[WRITERS + READERS + CHURNERS];
    unsigned started = 0;
    lp_ledger ledger;
    uint64_t appended = 0;

    (void)state;
    r.engine = ring_engine(4 << 20);
    atomic_store(&r.writers_left, WRITERS);
    for (unsigned c = 0; c < CHANNELS; c++) {
        r.channels[c] = ring_channel(r.engine, 50, 32 << 10);
        lp_channel_ref(r.channels[c]);
    }
    for (unsigned i = 0; i < WRITERS + READERS + CHURNERS; i++) {
        void *(*work)(void *) = i < READERS              ? read_lines
                                : i < READERS + CHURNERS ? churn
                                                         : write_lines;

        jobs[i].race = &r;
        jobs[i].number = i < READERS              ? i
                         : i < READERS + CHURNERS ? i - READERS
                                                  : i - READERS - CHURNERS;
        assert_int_equal(pthread_create(&threads[i], NULL, work, &jobs[i]), 0);
        started++;
    }
    for (unsigned i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    for (unsigned c = 0; c < CHANNELS; c++) {
        appended += atomic_load(&r.appended[c]);
        lp_channel_unref(r.channels[c]);
    }
    ledger = ring_ledger(r.engine);
    assert_int_equal(ledger.channels, 0);
    assert_int_equal(ledger.pinned_bytes, 0);
    assert_true(ledger.appended_lines >= appended);
    assert_int_equal(ledger.resident_lines, 0);
    assert_true(ledger.delivered_lines >= atomic_load(&r.delivered));
    lp_engine_destroy(r.engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_lose_nothing_that_is_not_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
