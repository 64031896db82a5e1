/*
 * logplex.h - the public interface of the engine.
 *
 * liblogplex keeps log lines in memory, one bounded ring of lines for each
 * channel, and lets any number of readers follow a channel without copying a
 * line and without ever holding up who writes. It does no I/O, starts no
 * thread, reads no clock, installs no signal handler and has no global state.
 *
 * Read it in this order: engine, channel, append, cursor, run, ledger. A whole
 * program is in liblogplex/examples/embed.c.
 *
 * Words used in the contracts below:
 *
 *   Threads: any     any thread, at any time, together with anything else.
 *   Threads: reader  one thread at a time for each cursor, and for each run.
 *   Owns:            what passes to the caller or to the library. Where it is
 *                    not said, arguments are borrowed for the call alone.
 *   Fails:           every code the call can return besides LP_OK. A call that
 *                    fails has changed nothing unless it says otherwise.
 *
 * Times are nanoseconds of wall clock since 1970-01-01T00:00:00Z. They come
 * from the caller and need not be monotonic.
 */
#ifndef LOGPLEX_LOGPLEX_H
#define LOGPLEX_LOGPLEX_H

#include <stddef.h>
#include <stdint.h>

#include "logplex/errors.h"
#include "logplex/span.h"
#include "logplex/version.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct lp_engine lp_engine;   /* the root: memory, and its ceiling */
typedef struct lp_channel lp_channel; /* one stream of lines               */
typedef struct lp_cursor lp_cursor;   /* one reader's place in a channel   */
typedef struct lp_segment lp_segment; /* a page of lines, counted, shared  */

/*
 * The number of a line within its channel: 1, 2, 3 and so on without a hole,
 * never used twice. Together with the channel's epoch it names a line for ever.
 */
typedef uint64_t lp_seq;

/* Engine ------------------------------------------------------------------ */

/*
 * Where the engine gets its memory. Both calls can come from any thread that
 * appends or releases, so they must be thread-safe. alloc returns NULL when
 * there is none; free is told the size it was asked for and never gets NULL.
 */
typedef struct lp_allocator {
    void *(*alloc)(void *ctx, size_t size_bytes, size_t align_bytes);
    void (*free)(void *ctx, void *ptr, size_t size_bytes);
    void *ctx;
} lp_allocator;

/*
 * Zero means the default everywhere. struct_bytes tells the library how much
 * of the struct the caller's compiler knew; members are only added at the end.
 */
typedef struct lp_engine_options {
    uint32_t struct_bytes;
    uint32_t segment_max_bytes; /* 256 KiB; 4 KiB to 1 MiB, a power of two.
                                   A line takes at most this less 256 bytes */
    uint64_t memory_max_bytes;  /* 256 MiB; all that the engine ever holds,
                                  but for itself, under 1 KiB */
    uint64_t epoch; /* differs from one life of the program to the next, so
                       that a position of the last one is not taken for one of
                       this: the wall clock in nanoseconds is a good choice */
    const lp_allocator *allocator; /* aligned_alloc and free; copied */
} lp_engine_options;

#define LP_ENGINE_OPTIONS_INIT                             \
    {                                                      \
        (uint32_t)sizeof(lp_engine_options), 0, 0, 0, NULL \
    }

/*
 * Makes an engine. opt may be NULL.
 * Threads: any. Owns: *out is the caller's until lp_engine_destroy().
 * Fails: LP_E_INVALID, LP_E_NOMEM.
 */
LP_API lp_err lp_engine_create(const lp_engine_options *opt, lp_engine **out);

/*
 * Frees the engine. Every channel and cursor must have been closed and every
 * run released: it is a bug if not, and aborts. NULL is allowed.
 * Threads: any, and nothing else may be running in this engine.
 */
LP_API void lp_engine_destroy(lp_engine *engine);

/*
 * Memory that no ring holds and that counts against the ceiling all the same:
 * for what a reader makes of lines and keeps. Aligned for anything.
 *
 * Room is made as for a segment of channel, the one whose lines it is made of;
 * that is, of its own history too, if that has what is lacking, so that rings which
 * have filled the memory do not leave nothing for it. Where channel is NULL, only what is
 * surplus makes room. All that is borrowed together is at most half of the ceiling,
 * and rings never take it back.
 *
 * repay takes what borrow gave, and the size that it was asked for.
 *
 * Threads: any, but not from an on_ready.
 * Owns: *out is the caller's until lp_engine_repay(); all has to be repaid
 *       before lp_engine_destroy(). ptr may be NULL.
 * Fails: LP_E_INVALID (size_bytes is 0), LP_E_FULL, LP_E_NOMEM.
 */
LP_API lp_err lp_engine_borrow(lp_engine *engine, lp_channel *channel,
                               size_t size_bytes, void **out);
LP_API void lp_engine_repay(lp_engine *engine, void *ptr, size_t size_bytes);

enum { LP_KEEP_ACCOUNTS = 3 };

/*
 * In bytes, without a walk as that of the ledger.
 *
 * unlent  the ceiling less what is borrowed: all that lines can have
 * kept    by the runs of an account: see lp_run_keep()
 *
 * Threads: any.
 */
LP_API uint64_t lp_engine_unlent(lp_engine *engine);
LP_API uint64_t lp_engine_kept(const lp_engine *engine, unsigned account);

/* Channel ----------------------------------------------------------------- */

typedef struct lp_channel_options {
    uint32_t struct_bytes;
    uint32_t history_lines; /* 1,500: kept for readers yet to come, if the two
                               byte limits allow it */
    uint64_t bytes_max;     /* 16 MiB: the ring with all that readers who lag
                               behind still want, in whole segments, and what
                               their lines leave aside */
} lp_channel_options;

#define LP_CHANNEL_OPTIONS_INIT                    \
    {                                              \
        (uint32_t)sizeof(lp_channel_options), 0, 0 \
    }

/*
 * Opens a channel. It costs under 512 bytes until its first line, for which lines
 * that others keep beyond their history go at the ceiling. opt may be NULL.
 * Threads: any. Owns: *out is the caller's until lp_channel_close().
 * Fails: LP_E_INVALID, LP_E_NOMEM, LP_E_FULL.
 */
LP_API lp_err lp_channel_open(lp_engine *engine, const lp_channel_options *opt,
                              lp_channel **out);

/*
 * Closes a channel and gives up the caller's hold on it. Cursors on it read on
 * to its last line and then get LP_E_CLOSED; its lines go with the last of its
 * cursors, at once when there is none, whoever else still holds the channel.
 * Threads: any. NULL is allowed.
 */
LP_API void lp_channel_close(lp_channel *channel);

/*
 * One more holder, and one fewer. A held channel's memory stays valid; it may
 * be closed all the same, and append then says LP_E_CLOSED. Threads: any.
 */
LP_API lp_channel *lp_channel_ref(lp_channel *channel);
LP_API void lp_channel_unref(lp_channel *channel);

/*
 * The number that, with a sequence number, names a line for ever. No two
 * channels of one engine have the same, nor do the channels of two engines
 * whose epochs lie further apart than the number of channels ever opened.
 * Threads: any.
 */
LP_API uint64_t lp_channel_epoch(const lp_channel *channel);

/* The engine that it was opened on. Threads: any. */
LP_API lp_engine *lp_channel_engine(const lp_channel *channel);

/*
 * Where things are in a line, as seen by whoever wrote it: offsets from the
 * first byte of the line. Each field ends one space before the next begins;
 * the last goes to the end of the line. The engine stores them beside the line
 * and never looks at them. lp_render_... of the parsers does.
 */
typedef struct lp_marks {
    uint8_t time_offset;
    uint8_t pri; /* facility * 8 + severity */
    uint16_t host_offset;
    uint16_t app_offset;
    uint16_t procid_offset;
    uint16_t msgid_offset;
    uint16_t msg_offset;
} lp_marks;

enum { LP_LINE_PARTS_MAX = 6 };

/*
 * A line on its way in. Its parts are joined while they are copied; that is
 * the only copy a line ever needs. A batch is a chain of lines.
 */
typedef struct lp_line {
    const struct lp_line *next; /* of the same batch; NULL ends it */
    int64_t arrival_ns;
    lp_marks marks;
    uint32_t part_count; /* 1 to LP_LINE_PARTS_MAX */
    lp_span parts[LP_LINE_PARTS_MAX];
    lp_span aside[2]; /* what the line itself leaves out, together no more than
                         a line may be; joined and kept beside it, once for
                         neighbours that share it */
} lp_line;

/* What became of a batch. The three counts add up to the lines it had. */
typedef struct lp_append_result {
    lp_seq first_seq; /* of the first line that is in; 0 when none is */
    uint64_t accepted_lines;
    uint64_t too_big_lines; /* they, or what they leave aside: left out; the
                               lines behind them are in */
    uint64_t refused_lines; /* there was no memory, or no channel left */
} lp_append_result;

/*
 * Appends a chain of lines in order and then wakes the readers that asked for
 * it, each once. A reader can see the first lines of a long chain before its
 * last ones are in. When memory runs short, old lines make room: see "Memory" in
 * docs/architecture.md for whose. Where all of these would not be enough, none goes.
 * The channel's mutex is held for one copy of the batch; on_ready calls come
 * on this thread, after that. result may be NULL.
 * Threads: any.
 * Fails: LP_E_TOOBIG (some lines), LP_E_FULL (this and all later lines),
 *        LP_E_NOMEM (likewise), LP_E_CLOSED (all lines). *result is set in
 *        every case, and each line left out is in the channel's stats.
 */
LP_API lp_err lp_channel_append(lp_channel *channel, const lp_line *lines,
                                lp_append_result *result);

/*
 * Hints that the caller is about to append, so that the processor can fetch
 * what the append will touch while the caller does something else. Step 0 asks
 * for the channel itself; step 1, some time later, for the place that the next
 * line goes to. Never waits, and is never needed. Threads: any.
 */
LP_API void lp_channel_prefetch(const lp_channel *channel, unsigned step);

/*
 * The account of a channel, consistent in itself:
 *     appended = resident + evicted          (in lines and in bytes)
 *     resident_lines = next_seq - oldest_seq
 */
typedef struct lp_channel_stats {
    uint32_t struct_bytes;
    uint32_t cursors;
    uint64_t epoch;
    lp_seq oldest_seq; /* the first line that is still in the ring */
    lp_seq next_seq;   /* what the next line will get              */
    uint64_t appended_lines;
    uint64_t appended_bytes;
    uint64_t resident_lines;
    uint64_t resident_bytes;
    uint64_t evicted_lines;
    uint64_t evicted_bytes;
    uint64_t too_big_lines;
    uint64_t refused_lines;
    /* Memory of the ring; free space, marks and what stands aside are in it. */
    uint64_t held_bytes;
} lp_channel_stats;

#define LP_CHANNEL_STATS_INIT                                                \
    {                                                                        \
        (uint32_t)sizeof(lp_channel_stats), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, \
            0, 0                                                             \
    }

/* Threads: any. out->struct_bytes must be set. */
LP_API void lp_channel_stats_get(lp_channel *channel, lp_channel_stats *out);

/*
 * May the lines from seq on be evicted before long, so that who waits for more of
 * them had better not? True when they take half of the memory that the channel may
 * have; or when they are half of a history and the engine has no more than an eighth of
 * its ceiling left, as then what is beyond a history may go at any time.
 * Threads: any.
 */
LP_API bool lp_channel_is_pressed(lp_channel *channel, lp_seq seq);

/* Cursor ------------------------------------------------------------------ */

/*
 * Called on the thread that appends or closes the channel, at most once for
 * each successful lp_cursor_arm(). It runs under a lock of the channel, so it
 * must only wake the reader: no call of this library, and nothing that blocks.
 */
typedef void (*lp_ready_fn)(void *ctx);

typedef enum lp_start {
    LP_START_NEWEST = 0, /* only what comes from now on                      */
    LP_START_OLDEST = 1, /* all that the ring still has                      */
    LP_START_LAST = 2,   /* the newest start_arg lines, or fewer             */
    LP_START_SEQ = 3,    /* at number start_arg of epoch start_epoch, or the
                            next one if it is yet to come; what is gone of that
                            already counts as lost                           */
    LP_START_TIME = 4    /* at the first line that arrived at or after
                            start_arg, taken as int64_t nanoseconds          */
} lp_start;

typedef enum lp_stop {
    LP_STOP_NEVER = 0,
    LP_STOP_NOW = 1, /* before the line that comes after this call */
    LP_STOP_SEQ = 2  /* before number stop_seq                     */
} lp_stop;

typedef struct lp_cursor_options {
    uint32_t struct_bytes;
    uint32_t start; /* lp_start */
    uint64_t start_arg;
    uint64_t start_epoch;
    uint32_t stop;     /* lp_stop */
    uint32_t confirms; /* 1: what it has read stays wanted, and may be read
                          again, until lp_cursor_confirm() */
    lp_seq stop_seq;
    uint64_t lag_max_lines; /* further behind it jumps, and the lines that it
                               jumps over are lost to it; 0: no limit but the
                               memory's */
    lp_ready_fn on_ready;   /* may be NULL for a reader that polls */
    void *ready_ctx;
} lp_cursor_options;

#define LP_CURSOR_OPTIONS_INIT                                               \
    {                                                                        \
        (uint32_t)sizeof(lp_cursor_options), 0, 0, 0, 0, 0, 0, 0, NULL, NULL \
    }

/*
 * Opens a cursor. It may outlive lp_channel_close(). A start in an epoch that
 * is not the channel's means that no line of the caller's is still here: the
 * cursor then starts at the oldest line, and lp_cursor_stats says so. At the ceiling
 * room is made for it as for a line of its channel.
 * Threads: any. Owns: *out is the caller's until lp_cursor_close().
 * Fails: LP_E_INVALID, LP_E_NOMEM, LP_E_FULL.
 */
LP_API lp_err lp_cursor_open(lp_channel *channel, const lp_cursor_options *opt,
                             lp_cursor **out);

/*
 * Closes a cursor. Afterwards its on_ready will not be called, nor still be
 * running; runs that it gave remain valid.
 * Threads: reader, and not from an on_ready. NULL is allowed.
 */
LP_API void lp_cursor_close(lp_cursor *cursor);

/*
 * A run: lines that lie side by side in one segment, and what was lost before
 * the first of them. Its bytes never change while it is held.
 */
typedef struct lp_run {
    lp_segment *segment;  /* held; the library's business */
    uint32_t first_index; /* likewise                     */
    uint32_t line_count;
    lp_seq first_seq;
    uint64_t lost_lines;   /* that this cursor missed just before first_seq */
    int64_t lost_since_ns; /* when the last line before them arrived or, if the
                              cursor had read none, the first one behind
                              them; 0 when none was lost or neither is known */
    lp_span bytes;         /* all of the lines, end to end                  */
    uint64_t kept_bytes;   /* memory of its segment, if lp_run_keep() counts it;
                              else 0 */
    uint32_t kept_account; /* and where it does */
} lp_run;

/*
 * The next run, of at most lines_max lines and bytes_max bytes, but at least
 * one line; 0 means no limit. Neither blocks nor copies; it takes the
 * channel's mutex only to step from one segment to the next.
 * Threads: reader.
 * Owns: *out holds its segment until lp_run_release(), even after the ring has
 *       moved on, and after the cursor and the channel are gone.
 * Fails: LP_E_AGAIN (nothing new), LP_E_END (it reached its stop), LP_E_CLOSED
 *        (nothing new ever). out->lost_lines and out->lost_since_ns are set
 *        all the same: lines may have been lost with none left behind them.
 */
LP_API lp_err lp_cursor_next(lp_cursor *cursor, uint32_t lines_max,
                             size_t bytes_max, lp_run *out);

/*
 * For a reader that may be away for long, because its peer is slow, say: lets go
 * of run, of which it has used the first used_lines lines, and of the segment
 * that the cursor holds by itself to read on without a lock. The cursor goes on
 * behind what was used; what is evicted meanwhile is lost to it and counted,
 * and nothing is pinned. run is the last one that this cursor gave, or empty,
 * and not shared with anybody who would use its other lines; it is emptied.
 * Threads: reader.
 */
LP_API void lp_cursor_rest(lp_cursor *cursor, lp_run *run, uint32_t used_lines);

/*
 * A place of a cursor between two of its reads, to come back to. Its members
 * are the library's business, but for seq: the line that it would get next.
 */
typedef struct lp_cursor_place {
    lp_seq seq;
    int64_t last_arrival_ns;
    uint64_t delivered_lines;
    uint64_t lost_lines;
    uint64_t untold_lines;
    int64_t untold_since_ns;
} lp_cursor_place;

/*
 * For a reader whose peer confirms what it was sent, or does not.
 *
 * mark     where it is now
 * confirm  for a cursor that was opened with confirms: the lines before
 *          before_seq will not be read again, so that they may go
 * after    moves a place, from which lines of one run or of several with nothing
 *          lost between them were read, behind the first so many of these;
 *          first_seq is that of the first run. It is not told when these arrived:
 *          what is lost next is said to be so since the line before the place
 * rewind   back to a place that it had before, and not before a line that it
 *          has confirmed: what it has read since it will read again, and
 *          what was lost since will be told again. What has gone meanwhile is
 *          lost to it and counted. Its account is as it was at that place
 *
 * Threads: reader.
 */
LP_API lp_cursor_place lp_cursor_mark(const lp_cursor *cursor);
LP_API void lp_cursor_confirm(lp_cursor *cursor, lp_seq before_seq);
LP_API void lp_cursor_place_after(lp_cursor_place *place, lp_seq first_seq,
                                  uint64_t lines);
LP_API void lp_cursor_rewind(lp_cursor *cursor, const lp_cursor_place *place);

/*
 * Asks for one on_ready call as soon as lp_cursor_next() would not say
 * LP_E_AGAIN. LP_OK: the call will come. LP_E_AGAIN: no need to wait, there is
 * something to read now, and no call will come.
 * Threads: reader. Fails: LP_E_AGAIN, LP_E_INVALID (on_ready is NULL).
 */
LP_API lp_err lp_cursor_arm(lp_cursor *cursor);

/* Changes lag_max_lines from the next read on. Threads: reader. */
LP_API void lp_cursor_set_lag(lp_cursor *cursor, uint64_t lag_max_lines);

/*
 * The account of a reader: offered = delivered + lost + pending. What another
 * epoch had is not in it, because nobody can count it.
 */
typedef struct lp_cursor_stats {
    uint32_t struct_bytes;
    uint32_t other_epoch;     /* 1: its start was in another epoch        */
    lp_seq next_seq;          /* the line it will get next, if still there */
    uint64_t offered_lines;   /* from its start to its stop or to now      */
    uint64_t delivered_lines; /* in runs                                   */
    uint64_t lost_lines;      /* told in runs, or about to be told         */
    uint64_t pending_lines;
} lp_cursor_stats;

#define LP_CURSOR_STATS_INIT                                \
    {                                                       \
        (uint32_t)sizeof(lp_cursor_stats), 0, 0, 0, 0, 0, 0 \
    }

/* Threads: reader. out->struct_bytes must be set. */
LP_API void lp_cursor_stats_get(lp_cursor *cursor, lp_cursor_stats *out);

/* Run --------------------------------------------------------------------- */

/* A line as readers see it; the spans are valid as long as the run is held. */
typedef struct lp_record {
    lp_seq seq;
    int64_t arrival_ns;
    lp_span bytes;
    lp_span aside;
    lp_marks marks;
} lp_record;

/* The line numbered 0 to line_count - 1 of a run. Threads: reader. */
LP_API lp_record lp_run_at(const lp_run *run, uint32_t index);

/* The part of a run from line first on, of line_count lines, 1 at least. It has
 * no hold of its own: it is valid as long as the run is, and not released.
 * Threads: reader. */
LP_API lp_run lp_run_part(const lp_run *run, uint32_t first,
                          uint32_t line_count);

/* A second hold on the same lines, for another thread, say. Threads: reader.
 * Owns: the copy is let go by an lp_run_release() of its own. */
LP_API lp_run lp_run_share(const lp_run *run);

/* Lets go, and empties the run; an empty one is allowed. Threads: any. */
LP_API void lp_run_release(lp_run *run);

/*
 * For a reader that holds runs for longer than it can say, as its peer is slow: it
 * *keeps* them, on one of LP_KEEP_ACCOUNTS accounts of the engine, 0 to
 * LP_KEEP_ACCOUNTS - 1. On an account counts what its runs hold, in memory and not in
 * lines: all of their segments, each once, whether they are in a ring or were evicted.
 * With this run's it is to be no more than max_bytes; a run is kept in any case if no
 * other is on the account. It is kept until it is released, and a share or a part of it
 * is not.
 * Threads: reader. Fails: LP_E_FULL, and the run is held as before.
 */
LP_API lp_err lp_run_keep(lp_run *run, unsigned account, uint64_t max_bytes);

/* A run that is kept goes to another account, however much there is on that: its
 * reader has been wrong about how long it would be. Threads: reader. Nothing happens
 * where 65,535 runs of its segment are there already, or it is not kept. */
LP_API void lp_run_move(lp_run *run, unsigned account);

/* Ledger ------------------------------------------------------------------ */

/*
 * The account of an engine: every line that was ever appended, in channels that
 * are open and in those that are gone.
 *     appended = resident + evicted
 */
typedef struct lp_ledger {
    uint32_t struct_bytes;
    uint32_t unused;
    uint64_t channels;
    uint64_t cursors;
    uint64_t appended_lines;
    uint64_t appended_bytes;
    uint64_t resident_lines;
    uint64_t resident_bytes;
    uint64_t evicted_lines;
    uint64_t evicted_bytes;
    uint64_t too_big_lines;
    uint64_t refused_lines;
    uint64_t delivered_lines; /* by all cursors */
    uint64_t lost_lines;      /* to all cursors */
    uint64_t memory_max_bytes;
    uint64_t memory_bytes;   /* all that the engine holds, but for itself     */
    uint64_t pinned_bytes;   /* of these, out of every ring, kept by readers  */
    uint64_t pooled_bytes;   /* of these, free and ready for the next segment */
    uint64_t borrowed_bytes; /* of these, lent: lp_engine_borrow()           */
    uint64_t borrow_refusals; /* for want of room, or of the half that is all */
    uint64_t kept_bytes;      /* on all accounts together: lp_run_keep()     */
} lp_ledger;

#define LP_LEDGER_INIT                                                         \
    {                                                                          \
        (uint32_t)sizeof(lp_ledger), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, \
            0, 0, 0, 0, 0, 0                                                   \
    }

/*
 * Adds up the ledger, channel by channel, each one consistent in itself.
 * Threads: any. out->struct_bytes must be set.
 */
LP_API void lp_engine_ledger(lp_engine *engine, lp_ledger *out);

#ifdef __cplusplus
}
#endif

#endif /* LOGPLEX_LOGPLEX_H */
