/*
 * The watchers of aegis bench: how long a change takes to whoever follows.
 */
#ifndef AEGIS_CMD_BENCH_WATCH_H
#define AEGIS_CMD_BENCH_WATCH_H

#include "cmd/bench_plan.h"

/* All of this takes NULL: nobody watches. */
struct bench_watch;

/*
 * As many as the plan says, up and running; poll has an event with NULL when
 * they have, and tally counts what they see.
 */
enum ag_status bench_watch_open(struct bench_watch **out,
    const struct bench_plan *plan, int poll, struct bench_tally *tally,
    struct ag_error *err) AG_MUST_USE;
void bench_watch_close(struct bench_watch *w);

/* Changes that were due from measured_us on count. */
void bench_watch_begin(struct bench_watch *w, uint64_t measured_us);

/* So many more changes were answered, and will come to each watcher. */
void bench_watch_expect(struct bench_watch *w, uint64_t changes);

/* Read what is there, without waiting. */
void bench_watch_serve(struct bench_watch *w);

/* Wait for what is expected, as long as a request may take. */
void bench_watch_drain(struct bench_watch *w);

#endif
