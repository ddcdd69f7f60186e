/*
 * Places in the engine that a campaign of the simulator must have been at:
 * code that is never reached there is code that nothing has tried.
 *
 * Only the simulator's build of the engine counts (AEGIS_REACH).  In the
 * product a place is nothing at all.
 */
#ifndef AEGIS_CONSENSUS_REACH_H
#define AEGIS_CONSENSUS_REACH_H

/* X(NAME, how often to be expected, text) */
#define REACH_TABLE(X)                                                         \
	X(NULL_CHOSEN, USUAL, "a new view fills a gap with the null request")  \
	X(CERTIFICATES_DIFFER, USUAL,                                          \
	    "two batches were prepared in two views")                          \
	X(PLEDGES_CHOSEN, USUAL, "a new view goes by pledges")                 \
	X(PLEDGES_PREFERRED, USUAL, "pledges outweigh a certificate")          \
	X(SELECTION_REFUSED, USUAL, "a primary's selection is not ours")       \
	X(OVERTAKEN, RARE, "a new view contradicts what its view decided")     \
	X(SELECTION_EXTENDED, USUAL, "a selection ends beyond the window")     \
	X(SELECTION_RESTORED, USUAL, "a selection is made again in a replay")  \
	X(BASE_LEARNED, USUAL, "a new view proves a checkpoint we lack")       \
	X(PRIMARY_LEFT, USUAL, "patience with the primary ends")               \
	X(SLOW_LEFT, USUAL, "a slow primary is left")                          \
	X(UNFAIR_LEFT, RARE, "and one that keeps a request back")              \
	X(CHANGE_TIMED_OUT, USUAL, "the next primary does not answer either")  \
	X(JOINED, USUAL, "f + 1 others are followed")                          \
	X(JOINED_LONE, USUAL, "a lone member is followed")                     \
	X(HELD_BACK, USUAL, "who hears no quorum blames nobody")               \
	X(OTHERS_SHOWN, USUAL, "others' view changes are sent on")             \
	X(ALL_WAITED_FOR, USUAL, "a prepared slot waits for all PREPAREs")     \
	X(LATE_FINED, USUAL, "and in vain")                                    \
	X(VOTE_AHEAD, USUAL, "a vote of a view above ours is kept")            \
	X(CONFLICT, USUAL, "two votes that contradict each other")             \
	X(DOUBTED, USUAL, "who wastes verifications is not heard")             \
	X(CHANGE_FORGED, USUAL, "a view change is refused for a forgery")      \
	X(NEW_VIEW_FORGED, USUAL, "and a new view")                            \
	X(CLOCK_REFUSED, USUAL, "a proposal's time is refused")                \
	X(CHOSEN_REFUSED, RARE, "a proposal for what a new view chose")        \
	X(PROPOSAL_AGAIN, USUAL, "a proposal is seen again")                   \
	X(FLAGGED, USUAL, "a batch that asks for a checkpoint")                \
	X(ADVANCED, BOTH, "the log is moved on for who rejoins")               \
	X(BATCH_DISPLACED, USUAL, "a batch makes room for another")            \
	X(BATCH_FETCHED, USUAL, "a batch that was asked for arrives")          \
	X(COMMITTED_TAKEN, USUAL, "a decided batch is taken")                  \
	X(HISTORY_TAKEN, USUAL, "and one from below the watermark")            \
	X(HISTORY_HELD, RARE, "and one too far ahead of the state is not")     \
	X(TARGET_KEPT, BOTH, "a checkpoint above our state")                   \
	X(TARGET_ADOPTED, BOTH, "our log begins behind a state we lack")       \
	X(STATE_ASKED, BOTH, "a state is asked for")                           \
	X(STATE_VOUCHED, BOTH, "a state that f + 1 vouch for is installed")    \
	X(STABLE_AHEAD, RARE, "a state behind its checkpoint after a restart") \
	X(CHANGE_RESUMED, USUAL, "a view change goes on after a restart")      \
	X(WINDOW_MOVED, USUAL, "a log that begins above the first sequence")   \
	X(EPOCH_ENDED, BOTH, "an epoch has ended here")                        \
	X(END_RESUMED, BOTH, "who starts again stands at the end of one")      \
	X(BEYOND_REFUSED, USUAL, "no vote for what comes after it")            \
	X(VOTE_WITHHELD, USUAL, "no vote for want of an epoch's first state")  \
	X(FIRST_ASKED, BOTH, "which is asked for")                             \
	X(FIRST_TAKEN, BOTH, "and comes, signed by nobody")                    \
	X(OBSERVER_TURNED, USUAL, "an observer follows another member")        \
	X(OBSERVER_REFUSED, USUAL, "it refuses what it is fed")                \
	X(OBSERVER_FETCHED, USUAL, "it asks for a state")                      \
	X(OBSERVER_ENDED, USUAL, "an epoch has ended for it")                  \
	X(EXECUTED_KNOWN, RAFT,                                                \
	    "what was executed is committed, after a crash")                   \
	X(COMMITTED_WEIGHED, RAFT, "what was signed before is committed then") \
	X(CONTRADICTED, BEYOND, "two certificates contradict each other")      \
	X(EXECUTED_OTHERWISE, BEYOND, "a new view contradicts what was done")  \
	X(STATE_DIFFERS, BEYOND, "our state is not the certified one")

enum reach_often {
	REACH_USUAL,  /* in some thousand schedules of PBFT */
	REACH_RARE,   /* in a million of them */
	REACH_RAFT,   /* in some thousand of Raft */
	REACH_BOTH,   /* in so many of either */
	REACH_BEYOND, /* in a thousand with more liars than are tolerated */
};

enum reach {
#define REACH_ENUM(name, often, text) REACH_##name,
	REACH_TABLE(REACH_ENUM)
#undef REACH_ENUM
	    REACH_COUNT
};

#ifdef AEGIS_REACH
#include <stdint.h>
extern uint64_t reach_counts[REACH_COUNT]; /* tests/sim/reach.c */
#define REACHED(name) (reach_counts[REACH_##name]++)
#else
#define REACHED(name) ((void)0)
#endif

#endif
