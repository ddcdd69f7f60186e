/*
 * The load of aegis bench.
 */
#ifndef AEGIS_CMD_BENCH_RUN_H
#define AEGIS_CMD_BENCH_RUN_H

#include "base/bytes.h"
#include "cmd/bench_plan.h"

/* From here on SIGINT ends what runs; a second one ends the program. */
void bench_run_catch_interrupt(void);
bool bench_run_is_interrupted(void);

/* The key with this number, after the plan's prefix. */
enum ag_status bench_run_key(const struct bench_plan *plan, uint64_t number,
    struct buf *out) AG_MUST_USE;

/*
 * Fill the value of len bytes with digits that do not compress below what
 * six bits of eight allow.
 */
void bench_run_fill_value(char *value, size_t len, uint64_t seed);

/*
 * Load the cluster as the plan says.  What fails on the way is counted; an
 * error is that the load could not begin.
 */
enum ag_status bench_run_load(const struct bench_plan *plan,
    struct bench_result *result, struct ag_error *err) AG_MUST_USE;

#endif
