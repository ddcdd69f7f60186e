/*
 * What a campaign did: every fault injected and every place reached.
 *
 * A kind of fault that never struck in a long campaign, or a place that was
 * never reached, means that the generator rotted: the campaign fails.
 */
#ifndef AEGIS_SIM_COUNTERS_H
#define AEGIS_SIM_COUNTERS_H

#include <stdint.h>

enum counter_kind {
	COUNTER_FAULT, /* done to somebody, in PBFT's worlds alone */
	COUNTER_NOTE,  /* what faults came to */
	COUNTER_REACH, /* a place in the world */
	COUNTER_RARE,  /* the same, but not to be expected of each campaign */
	COUNTER_RAFT,  /* a fault, of Raft's worlds alone */
	COUNTER_RAFT_REACH, /* a place of theirs */
	COUNTER_BOTH,       /* a fault, of PBFT's worlds and of Raft's */
	COUNTER_BOTH_REACH, /* a place of both */
	COUNTER_BEYOND,     /* a place of worlds beyond f alone */
};

/* X(NAME, kind, text) */
#define COUNTER_TABLE(X)                                                       \
	X(LOST, BOTH, "messages lost")                                         \
	X(DUPLICATED, BOTH, "messages duplicated")                             \
	X(REPLAYED, BOTH, "old messages replayed")                             \
	X(OVERTAKEN, NOTE, "messages overtaking")                              \
	X(CLOGGED, BOTH, "links clogged")                                      \
	X(PARTITIONED, BOTH, "partitions")                                     \
	X(CONGESTED, NOTE, "messages queueing for a link")                     \
	X(FLAPPED, BOTH, "links going up and down")                            \
	X(SILENCED, BOTH, "message kinds silenced")                            \
	X(HUSHED, FAULT, "storms without word of checkpoints")                 \
	X(HELD_UP, FAULT, "views that get only so far at a replica")           \
	X(BEGUN_LATE, FAULT, "views that begin late at a replica")             \
	X(MISSED, FAULT, "proposals that a replica misses")                    \
	X(UNHEARD, FAULT, "members whose view change is not heard")            \
	X(CRASHED, BOTH, "crashes")                                            \
	X(CRASHED_ALL, BOTH, "whole-cluster crashes")                          \
	X(CRASHED_ENDING, BOTH, "the same when an epoch has ended")            \
	X(PARTED, BOTH, "ends of epochs that one hears of")                    \
	X(CRASHED_WRITING, BOTH, "crashes at a kind of record")                \
	X(RECORDS_LOST, NOTE, "unsynced records lost")                         \
	X(STATE_LOST, NOTE, "states fallen back")                              \
	X(TRUNCATED, NOTE, "logs truncated")                                   \
	X(PAUSED, BOTH, "pauses")                                              \
	X(DRIFTED, BOTH, "drifting clocks")                                    \
	X(CLOCK_JUMPED, BOTH, "clocks that jumped")                            \
	X(SLOW_SYNCS, BOTH, "slow syncs")                                      \
	X(RETRIED, NOTE, "requests retried elsewhere")                         \
	X(TWO_FACED_REQUESTS, BOTH, "requests with two bodies")                \
	X(RESUBMITTED, BOTH, "old requests made again")                        \
	X(SKIPPED, BOTH, "request numbers skipped")                            \
	X(WANTED, NOTE, "checkpoints wanted")                                  \
	X(CHANGED, BOTH, "changes of members asked for")                       \
	X(STALE, BOTH, "messages of an earlier epoch taken in")                \
	X(BYZANTINE, NOTE, "Byzantine members")                                \
	X(BYZ_MUTE, FAULT, "messages withheld, all")                           \
	X(BYZ_SELECTIVE, FAULT, "messages withheld, some")                     \
	X(BYZ_TWIN, FAULT, "messages of twins")                                \
	X(BYZ_GARBAGE, FAULT, "garbage messages")                              \
	X(BYZ_REPLAY, FAULT, "messages of others replayed")                    \
	X(BYZ_DELAY, FAULT, "messages delayed")                                \
	X(BYZ_MUTATE, FAULT, "messages mutated")                               \
	X(BYZ_NEW_VIEW, FAULT, "new-views mutated")                            \
	X(BYZ_FORGE_DIGEST, FAULT, "state digests forged")                     \
	X(BYZ_HASTY, FAULT, "view changes hurried")                            \
	X(BYZ_LIAR, FAULT, "lying state transfers")                            \
	X(BYZ_TIME, FAULT, "wrong times proposed")                             \
	X(BYZ_DESERT, FAULT, "messages withheld after the storm")              \
	X(BYZ_PLEDGES, FAULT, "view changes with false pledges")               \
	X(BYZ_EQUIVOCATE, FAULT, "other proposals and votes for some")         \
	X(BYZ_PREEMPT, FAULT, "proposals for what a new view chose")           \
	X(BYZ_BOGUS, FAULT, "digests without their batch")                     \
	X(BYZ_FUZZ, FAULT, "messages with a small mutation")                   \
	X(BYZ_SLOW, FAULT, "proposals just before patience ends")              \
	X(BYZ_SPAM, FAULT, "view changes to needless views")                   \
	X(BYZ_FORGE, FAULT, "certificates forged")                             \
	X(BYZ_CENSOR, FAULT, "requests ignored")                               \
	X(BYZ_LAST, FAULT, "members that order a client last")                 \
	X(SLEPT, BOTH, "members asleep through the storm")                     \
	X(BROKEN, FAULT, "members broken also after the storm")                \
	X(REAL_SIGNATURES, NOTE, "schedules with Ed25519")                     \
	X(RESIGNED, RAFT, "leaders asked to resign")                           \
	X(DEPOSED, RAFT, "leaders cut off")                                    \
	X(LIE_EMPTIED, BOTH, "logs emptied")                                   \
	X(LIE_DAMAGED, BOTH, "logs damaged")                                   \
	X(LIE_SHORT, BOTH, "logs cut short")                                   \
	X(LIE_OLDER, BOTH, "disks rolled back")                                \
	X(LIE_FAILING, BOTH, "syncs that failed")                              \
	X(LIE_TAIL, BOTH, "last syncs lost")                                   \
	X(LIE_FULL, BOTH, "disks full")                                        \
	X(FULL_STOPS, NOTE, "stops for want of room")                          \
	X(UNDECIDED, RARE, "histories too hard to judge")                      \
	X(REACHED_VIEW, BOTH_REACH, "views entered")                           \
	X(REACHED_CHECKPOINT, BOTH_REACH, "stable checkpoints")                \
	X(REACHED_FETCH, BOTH_REACH, "state fetches asked")                    \
	X(REACHED_INSTALL, BOTH_REACH, "states installed")                     \
	X(REACHED_NULL, REACH, "null batches delivered")                       \
	X(REACHED_REDELIVERY, REACH, "batches delivered after restart")        \
	X(REACHED_EVIDENCE, REACH, "evidence found")                           \
	X(REACHED_REFUSED, RARE, "requests refused")                           \
	X(REACHED_DUPLICATE, BOTH_REACH, "duplicate requests ordered")         \
	X(REACHED_HISTORY, REACH, "batches sent from logs")                    \
	X(REACHED_VOUCHED, BOTH_REACH, "states vouched for by f + 1")          \
	X(REACHED_FAST, REACH, "batches decided by all PREPAREs")              \
	X(REACHED_FAST_KEPT, RARE, "and again in a later view")                \
	X(REACHED_PASSED, REACH, "requests that two windows passed")           \
	X(REACHED_READ, RAFT_REACH, "reads that were not ordered")             \
	X(REACHED_REJOINING, BOTH_REACH, "members that stopped voting")        \
	X(REACHED_ASKING, REACH, "and asked how far they had voted")           \
	X(REACHED_REJOINED, BOTH_REACH, "and voted again")                     \
	X(REACHED_SETTLED, RAFT_REACH, "disks that have back what was forgot") \
	X(REACHED_EPOCH, BOTH_REACH, "epochs ended")                           \
	X(REACHED_BEYOND, BOTH_REACH, "batches decided beyond their end")      \
	X(REACHED_BEGUN, BOTH_REACH, "replicas that began the next")           \
	X(REACHED_TOLD, BOTH_REACH, "and those that others told of it")        \
	X(REACHED_JOINED, BOTH_REACH, "nodes that came to be members")         \
	X(REACHED_LEFT, BOTH_REACH, "nodes that stopped, being none")          \
	X(REACHED_LEADER_LEFT, RAFT_REACH, "and led until then")               \
	X(REACHED_OLDER_EPOCH, REACH, "disks rolled back to an older epoch")   \
	X(REACHED_BROKEN_EPOCH, REACH, "epochs with who stays broken")         \
	X(REACHED_LADDER_EPOCH, REACH, "epochs of views that end half way")    \
	X(REACHED_OBSERVED, REACH, "batches that observers delivered")         \
	X(REACHED_PROMOTED, REACH, "observers that came to vote")              \
	X(REACHED_TXN, BOTH_REACH, "transactions that changed several keys")   \
	X(REACHED_TXN_VAIN, BOTH_REACH, "and some that compared in vain")      \
	X(REACHED_FORK, BEYOND, "certificates that contradict another")        \
	X(REACHED_MET, BEYOND, "and met who had that other")                   \
	X(REACHED_STOPPED, BEYOND, "members that stopped by themselves")       \
	X(REACHED_ACCUSED, BEYOND, "culprits that signed both")

enum counter {
#define COUNTER_ENUM(name, kind, text) COUNT_##name,
	COUNTER_TABLE(COUNTER_ENUM)
#undef COUNTER_ENUM
	    COUNT_COUNT
};

const char *counter_text(enum counter counter);
enum counter_kind counter_kind(enum counter counter);

#endif
