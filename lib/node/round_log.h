/*
 * Rounds that were decided lately: the engine forgets them at the next
 * checkpoint, operators ask later.
 *
 * Ownership  round_log_new() hands out a handle, round_log_free() takes it
 *            back.
 * Threads    the loop's.
 */
#ifndef AEGIS_NODE_ROUND_LOG_H
#define AEGIS_NODE_ROUND_LOG_H

#include <stdint.h>

#include "consensus/engine.h"

#define ROUND_LOG_KEPT 4096

struct record;
struct round_log;

/* NULL without memory. */
struct round_log *round_log_new(void);
void round_log_free(struct round_log *log);

/*
 * A record read again at the start, with its certificate if it has one: what
 * it says of its round, which has no times then.
 */
void round_log_replayed(struct round_log *log, const struct record *record,
    const struct certificate *certificate);

/*
 * A DELIVER of what the engine has in no slot, at now_us, with its certificate
 * decoded; NULL: it has none.
 */
void round_log_decided(struct round_log *log, const struct effect *effect,
    const struct certificate *certificate, uint64_t now_us);

/* The round as the engine has it; what else is known of it stays. */
void round_log_take(struct round_log *log, const struct engine_round *round);

/* The state machine has executed up to seq; now_us 0: before this start. */
void round_log_executed(struct round_log *log, uint64_t seq, uint64_t now_us);

/* Our own state's digest after seq. */
void round_log_state(struct round_log *log, uint64_t seq,
    const struct digest *digest);

/* AG_ENOENT when it is not kept. */
enum ag_status round_log_find(const struct round_log *log, uint64_t seq,
    struct engine_round *round) AG_MUST_USE;

/* NULL when it is not known. */
const struct digest *round_log_state_of(const struct round_log *log,
    uint64_t seq);

#endif
