/*
 * drain_keep.c - what runs in flight keep in memory, shared out so that those who
 * hold it for long keep nobody waiting who does not.
 *
 * What has left is only waited for, and lets go of its runs: if it has to be sent
 * again, it is read from the ring again. So those who do not answer hold memory for a
 * moment, and those who do not read hold it for longer.
 *
 * There is an account (lp_run_keep()) for each kind of drain. A drain is of the kind
 * that its last batch was of, and while one holds memory for longer than its kind
 * would, drain and batch go on to the next:
 *
 *              QUICK_MS          SLOW_MS
 *      QUICK ------------> SLOW ----------> HUNG
 */
#include "drain_impl.h"

enum {
    QUICK_MS = 200,
    SLOW_MS = 5000,
    YIELD_EVERY_MS = 200,

    /* Of what runs in flight may keep: */
    PINNED_PART = 2, /* that is at most, of what the engine has for lines */
    QUICK_PART = 4,  /* set aside for those who are quick ...             */
    OTHER_PART = 8,  /* ... for those who are slow, and those who hang    */
    BATCH_PART = 16, /* of what is left to the account: so some always is */
    TURN_PART = 16   /* of all: if those who hang keep more, who only has a
                        connection keeps its turn */
};

/* Limits ------------------------------------------------------------------ */

/* Of all drains together. */
static uint64_t pinned_max(const lp_drain *drain)
{
    uint64_t most_bytes =
        lp_engine_unlent(lp_channel_engine(drain->ring)) / PINNED_PART;
    uint64_t said_bytes = drain->set->opt.pinned_max_bytes;

    return said_bytes < most_bytes ? said_bytes : most_bytes;
}

/* All but what the other accounts have, or what is set aside for them. */
static uint64_t account_max(const lp_drain *drain)
{
    const lp_engine *engine = lp_channel_engine(drain->ring);
    uint64_t most_bytes = pinned_max(drain);
    uint64_t others_bytes = 0;

    for (unsigned i = 0; i < LP_KEEP_ACCOUNTS; i++) {
        uint64_t kept_bytes = lp_engine_kept(engine, i);
        uint64_t due_bytes =
            most_bytes / (i == LPI_KEEP_QUICK ? QUICK_PART : OTHER_PART);

        if (i != drain->account)
            others_bytes += kept_bytes > due_bytes ? kept_bytes : due_bytes;
    }
    return most_bytes > others_bytes ? most_bytes - others_bytes : 0;
}

void lpi_keep_limit(const lp_drain *drain, lpi_limits *limits)
{
    const lp_engine *engine = lp_channel_engine(drain->ring);
    uint64_t kept_bytes = lp_engine_kept(engine, drain->account);
    uint64_t most_bytes = account_max(drain);
    uint64_t left_bytes = most_bytes > kept_bytes ? most_bytes - kept_bytes : 0;

    limits->account = drain->account;
    limits->kept_max_bytes = most_bytes;
    limits->batch_kept_max_bytes =
        drain->again_seq > 0 ? UINT64_MAX : left_bytes / BATCH_PART;
}

bool lpi_keep_has_room(const lp_drain *drain)
{
    const lp_engine *engine = lp_channel_engine(drain->ring);

    return lp_engine_kept(engine, LPI_KEEP_HUNG) <
           pinned_max(drain) / TURN_PART;
}

/* Waiting ----------------------------------------------------------------- */

void lpi_keep_set_crowded(lp_drain *drain, bool is_crowded)
{
    unsigned *count = &drain->set->crowded[drain->account];

    if (is_crowded && !drain->is_crowded)
        drain->crowded_ms = uv_now(drain->set->loop);
    *count += (unsigned)is_crowded;
    *count -= (unsigned)drain->is_crowded;
    drain->is_crowded = is_crowded;
}

/* To let others go first each time would be too slow for one whose batches are
 * small. */
bool lpi_keep_is_wanted(const lp_drain *drain)
{
    unsigned others =
        drain->set->crowded[drain->account] - (unsigned)drain->is_crowded;

    return others > 0 &&
           uv_now(drain->set->loop) - drain->yielded_ms >= YIELD_EVERY_MS;
}

/* Pace -------------------------------------------------------------------- */

void lpi_keep_set_account(lp_drain *drain, lpi_keep_account account)
{
    unsigned is_crowded = drain->is_crowded;

    drain->set->crowded[drain->account] -= is_crowded;
    drain->set->crowded[account] += is_crowded;
    drain->account = account;
}

/* Of one that has waited for so long. */
static lpi_keep_account account_of(uint64_t ms)
{
    if (ms <= QUICK_MS)
        return LPI_KEEP_QUICK;
    return ms <= SLOW_MS ? LPI_KEEP_SLOW : LPI_KEEP_HUNG;
}

static uint64_t age_ms(const lp_drain *drain)
{
    return uv_now(drain->set->loop) - drain->flights->sent_ms;
}

void lpi_keep_note_pace(lp_drain *drain, bool has_failed)
{
    lpi_keep_account account;

    if (!drain->flights)
        return;
    account = account_of(age_ms(drain));
    if (has_failed && account != LPI_KEEP_QUICK)
        account = LPI_KEEP_HUNG;
    lpi_keep_set_account(drain, account);
}

static bool has_let_go(lp_drain *drain)
{
    if (!drain->protocol->lets_go || !drain->protocol->lets_go(drain->link))
        return false;
    for (lpi_flight *at = drain->flights; at; at = at->next)
        lpi_flight_let_go(at);
    return true;
}

static void move_runs(lp_drain *drain)
{
    for (lpi_flight *at = drain->flights; at; at = at->next)
        for (uint32_t i = 0; i < at->held_count; i++)
            lp_run_move(&at->runs[i], drain->account);
}

bool lpi_keep_look_at_pace(lp_drain *drain)
{
    lpi_keep_account account;

    if (!drain->flights || drain->flights->held_count == 0)
        return false;
    account = account_of(age_ms(drain));
    if (account == LPI_KEEP_QUICK)
        return true;
    if (has_let_go(drain))
        return false;
    if (account > drain->account) {
        lpi_keep_set_account(drain, account);
        move_runs(drain);
    }
    return true;
}
