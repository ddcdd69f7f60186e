/*
 * What a campaign did: every fault injected and every place reached.
 *
 * A fault family that never struck in a long campaign means the generator
 * rotted, and the campaign fails: see campaign.c.
 */
#ifndef AEGIS_SIM_COUNTERS_H
#define AEGIS_SIM_COUNTERS_H

#include <stdint.h>

/* X(NAME, text) */
#define COUNTER_TABLE(X)                                         \
	X(LOST, "messages lost")                                 \
	X(DUPLICATED, "messages duplicated")                     \
	X(REPLAYED, "old messages replayed")                     \
	X(OVERTAKEN, "messages overtaking")                      \
	X(CLOGGED, "links clogged")                              \
	X(PARTITIONED, "partitions")                             \
	X(SILENCED, "message kinds silenced")                    \
	X(CRASHED, "crashes")                                    \
	X(CRASHED_ALL, "whole-cluster crashes")                  \
	X(RECORDS_LOST, "unsynced records lost")                 \
	X(STATE_LOST, "states fallen back")                      \
	X(TRUNCATED, "logs truncated")                           \
	X(PAUSED, "pauses")                                      \
	X(DRIFTED, "drifting clocks")                            \
	X(SLOW_SYNCS, "slow syncs")                              \
	X(RETRIED, "requests retried elsewhere")                 \
	X(TWO_FACED_REQUESTS, "requests with two bodies")        \
	X(WANTED, "checkpoints wanted")                          \
	X(BYZ_MUTE, "messages withheld, all")                    \
	X(BYZ_SELECTIVE, "messages withheld, some")              \
	X(BYZ_TWIN, "messages of twins")                         \
	X(BYZ_GARBAGE, "garbage messages")                       \
	X(BYZ_REPLAY, "messages of others replayed")             \
	X(BYZ_DELAY, "messages delayed")                         \
	X(BYZ_MUTATE, "messages mutated")                        \
	X(BYZ_NEW_VIEW, "new-views mutated")                     \
	X(BYZ_FORGE_DIGEST, "state digests forged")              \
	X(BYZ_HASTY, "view changes hurried")                     \
	X(BYZ_LIAR, "lying state transfers")                     \
	X(BYZ_TIME, "wrong times proposed")                      \
	X(BYZ_DESERT, "messages withheld after the storm")       \
	X(BYZ_PLEDGES, "view changes with false pledges")        \
	X(SLEPT, "members asleep through the storm")             \
	X(REAL_SIGNATURES, "schedules with Ed25519")             \
	X(REACHED_VIEW, "views entered")                         \
	X(REACHED_CHECKPOINT, "stable checkpoints")              \
	X(REACHED_FETCH, "state fetches asked")                  \
	X(REACHED_INSTALL, "states installed")                   \
	X(REACHED_NULL, "null batches delivered")                \
	X(REACHED_REDELIVERY, "batches delivered after restart") \
	X(REACHED_EVIDENCE, "evidence found")                    \
	X(REACHED_REFUSED, "requests refused")                   \
	X(REACHED_DUPLICATE, "duplicate requests ordered")       \
	X(REACHED_HISTORY, "batches sent from logs")             \
	X(REACHED_VOUCHED, "states vouched for by f + 1")        \
	X(REACHED_FAST, "batches decided by all PREPAREs")       \
	X(REACHED_FAST_KEPT, "and again in a later view")

enum counter {
#define COUNTER_ENUM(name, text) COUNT_##name,
	COUNTER_TABLE(COUNTER_ENUM)
#undef COUNTER_ENUM
	    COUNT_COUNT
};

const char *counter_text(enum counter counter);

#endif
