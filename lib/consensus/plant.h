/*
 * Bugs planted on purpose, one per build with -DPLANT_n, each a mistake that
 * agreement protocols have really had.  The simulator must find every one;
 * a suite that cannot fail proves nothing.  No product build defines any.
 */
#ifndef AEGIS_CONSENSUS_PLANT_H
#define AEGIS_CONSENSUS_PLANT_H

/* 1  A quorum is one vote too small. */
#ifdef PLANT_1
#define PLANT_QUORUM_SHORT 1
#else
#define PLANT_QUORUM_SHORT 0
#endif

/* 2  Votes leave before their records are durable. */
#ifdef PLANT_2
#define PLANT_SEND_EARLY 1
#else
#define PLANT_SEND_EARLY 0
#endif

/* 3  Backups believe the new primary's selection. */
#ifdef PLANT_3
#define PLANT_TRUST_NEW_VIEW 1
#else
#define PLANT_TRUST_NEW_VIEW 0
#endif

/* 4  A stable checkpoint discards one sequence too many. */
#ifdef PLANT_4
#define PLANT_WATERMARK 1
#else
#define PLANT_WATERMARK 0
#endif

/* 5  A batch is taken for a digest without comparing the two. */
#ifdef PLANT_5
#define PLANT_ANY_BATCH 1
#else
#define PLANT_ANY_BATCH 0
#endif

/* 6  The client table is left out of the state's digest (planted in the
 *    state machine, see trust/state.c). */

/* 7  The view is not written down before it is used. */
#ifdef PLANT_7
#define PLANT_VIEW_FORGOTTEN 1
#else
#define PLANT_VIEW_FORGOTTEN 0
#endif

/* 8  A checkpoint counts as stable with f + 1 votes. */
#ifdef PLANT_8
#define PLANT_CHECKPOINT_SHORT 1
#else
#define PLANT_CHECKPOINT_SHORT 0
#endif

/* 9  Nobody hands out a state without a quorum's certificate. */
#ifdef PLANT_9
#define PLANT_NOT_VOUCHED 1
#else
#define PLANT_NOT_VOUCHED 0
#endif

/* 10  A new view goes by prepare certificates alone, not by pledges. */
#ifdef PLANT_10
#define PLANT_PLEDGES_IGNORED 1
#else
#define PLANT_PLEDGES_IGNORED 0
#endif

/* 11  A quorum's PREPAREs are taken for everybody's. */
#ifdef PLANT_11
#define PLANT_FAST_SHORT 1
#else
#define PLANT_FAST_SHORT 0
#endif

/* 12  A view takes proposals for what its NEW_VIEW speaks of. */
#ifdef PLANT_12
#define PLANT_CHOSEN_AGAIN 1
#else
#define PLANT_CHOSEN_AGAIN 0
#endif

/* 13  How far votes go is not written down. */
#ifdef PLANT_13
#define PLANT_NO_HORIZON 1
#else
#define PLANT_NO_HORIZON 0
#endif

/* 14  Who rejoins votes at once. */
#ifdef PLANT_14
#define PLANT_REJOIN_EARLY 1
#else
#define PLANT_REJOIN_EARLY 0
#endif

/* 15  Who rejoined votes in whatever view it finds. */
#ifdef PLANT_15
#define PLANT_REJOIN_ANY_VIEW 1
#else
#define PLANT_REJOIN_ANY_VIEW 0
#endif

#endif
