/*
 * model.h - the made-up platform of the demo: given a seed and a time, lines.
 *
 *     cast.h (tables) --> apps, dynos, requests under way --> lines
 *                             ^                  |
 *                             +---- agenda ------+
 *
 * Everything happens at its own moment of the model's time: a request begins,
 * is answered by a dyno that is up, or times out, or finds nobody; a dyno boots,
 * grows, crashes. So the lines agree with each other as those of a platform do,
 * and come in the order in which they would.
 *
 * Pure: no socket, no clock. The same seed, rate and beginning give the same
 * lines, however the time is cut into calls. Bounded: so many dynos, so many
 * requests under way; what goes beyond is answered with H11, as it would be.
 *
 * Threads: one at a time for each model.
 */
#ifndef LOGPLEXD_MODEL_H
#define LOGPLEXD_MODEL_H

#include <stdint.h>

#include "logplex/span.h"

typedef struct demo_model demo_model;

/* Which of a channel's tokens a line comes by. */
typedef enum demo_source { DEMO_APP, DEMO_HEROKU, DEMO_SOURCES } demo_source;

typedef struct demo_line {
    unsigned app; /* index of cast[] */
    demo_source source;
    unsigned pri;
    int64_t time_ns;     /* as its sender's clock has it */
    const char *process; /* this and msg: until the call is over */
    lp_span msg;
} demo_line;

typedef void (*demo_emit)(void *ctx, const demo_line *line);

enum { DEMO_MSG_MAX_BYTES = 1200 };

/* lines_per_s is what it comes to on average: requests and jobs are as many as
 * it takes, dynos and what happens to them are not. NULL: no memory. */
demo_model *demo_model_create(uint64_t seed, uint32_t lines_per_s,
                              int64_t begin_ns);
void demo_model_destroy(demo_model *model);

/* Gives all lines of the time before until_ns that were not given yet. */
void demo_model_run(demo_model *model, int64_t until_ns, demo_emit emit,
                    void *ctx);

/* What until_ns was last. */
int64_t demo_model_now(const demo_model *model);

/* Time has jumped by so much, forwards or back, and nothing happened in it: the
 * machine slept, or its clock was set. */
void demo_model_shift(demo_model *model, int64_t by_ns);

#endif /* LOGPLEXD_MODEL_H */
