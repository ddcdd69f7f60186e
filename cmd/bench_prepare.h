/*
 * Before and after a load: whether it may be, keys that are there, and none
 * left behind.
 */
#ifndef AEGIS_CMD_BENCH_PREPARE_H
#define AEGIS_CMD_BENCH_PREPARE_H

#include "cmd/bench_plan.h"
#include "cmd/kv_ask.h"

/* EXIT_YES, or the exit code after it was said why not. */
int bench_prepare_confirm(struct kv_ask *ask, const struct bench_plan *plan);

/* All of the plan's keys, if the load reads any. */
int bench_prepare_fill(struct kv_ask *ask, const struct bench_plan *plan);

/* Remove what the load wrote, unless --keep. */
int bench_prepare_remove(struct kv_ask *ask, const struct bench_plan *plan);

#endif
