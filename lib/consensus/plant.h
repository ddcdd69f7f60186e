/*
 * Bugs planted on purpose, one per build with -DPLANT_n, each a mistake that
 * agreement protocols have really had.  The simulator must find every one,
 * or a unit where schedules seldom get; a suite that cannot fail proves
 * nothing.  No product build defines any.
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

/*
 * The rest are conditions, of a build with -DPLANTED=n.
 */
#ifndef PLANTED
#define PLANTED 0
#endif

/* 20  A commit quorum is one vote too small. */
#define PLANT_COMMIT_SHORT (PLANTED == 20)

/* 21  A prepare quorum is one vote too small. */
#define PLANT_PREPARE_SHORT (PLANTED == 21)

/* 22  A vote counts in whatever view it was given. */
#define PLANT_ANY_VIEW (PLANTED == 22)

/* 23  A vote counts for whatever batch it was given. */
#define PLANT_ANY_DIGEST (PLANTED == 23)

/* 24  Our own vote counts before it is durable. */
#define PLANT_OWN_VOTE_EARLY (PLANTED == 24)

/* 25  A prepare certificate is not written down before the COMMIT leaves. */
#define PLANT_PREPARED_UNWRITTEN (PLANTED == 25)

/* 26  A proposal is not written down before the PREPARE leaves. */
#define PLANT_PROPOSAL_UNWRITTEN (PLANTED == 26)

/* 27  A VIEW_CHANGE says nothing of pledges. */
#define PLANT_PLEDGES_UNSAID (PLANTED == 27)

/* 28  A VIEW_CHANGE shows no prepare certificate. */
#define PLANT_PREPARED_UNSAID (PLANTED == 28)

/* 29  Of two prepare certificates the one of the lower view is chosen. */
#define PLANT_LOWEST_VIEW (PLANTED == 29)

/* 30  The first certificate above the base is taken for one below it. */
#define PLANT_BASE_PLUS_ONE (PLANTED == 30)

/* 31  The base of a new view is not raised by proved checkpoints. */
#define PLANT_BASE_FIRST (PLANTED == 31)

/* 32  One pledge too few is enough. */
#define PLANT_PLEDGES_FEW (PLANTED == 32)

/* 33  A new view begins with one view change too few. */
#define PLANT_NEW_VIEW_SHORT (PLANTED == 33)

/* 34  The stable checkpoint of a VIEW_CHANGE need not be proved. */
#define PLANT_STABLE_TRUSTED (PLANTED == 34)

/* 35  Nor need what it prepared. */
#define PLANT_PREPARED_TRUSTED (PLANTED == 35)

/* 36  A decided batch is believed without its certificate. */
#define PLANT_COMMITTED_TRUSTED (PLANTED == 36)

/* 37  A checkpoint is believed without a quorum. */
#define PLANT_CHECKPOINT_TRUSTED (PLANTED == 37)

/* 38  Any batch is taken along with a certificate. */
#define PLANT_COMMITTED_ANY (PLANTED == 38)

/* 39  Any batch is taken when one was asked for. */
#define PLANT_BATCH_ANY (PLANTED == 39)

/* 40  Requests in a proposal are not verified. */
#define PLANT_REQUEST_TRUSTED (PLANTED == 40)

/* 41  The time of a proposal is not compared with ours. */
#define PLANT_TIME_TRUSTED (PLANTED == 41)

/* 42  One member is enough to be followed into a view. */
#define PLANT_JOIN_ONE (PLANTED == 42)

/* 43  Timeouts do not double. */
#define PLANT_NO_BACKOFF (PLANTED == 43)

/* 44  A vote given is forgotten in a crash. */
#define PLANT_PLEDGE_FORGOTTEN (PLANTED == 44)

/* 45  A prepare certificate is forgotten in a crash. */
#define PLANT_PREPARED_FORGOTTEN (PLANTED == 45)

/* 46  What a new view chose is forgotten in a crash. */
#define PLANT_CHOSEN_FORGOTTEN (PLANTED == 46)

/* 47  A checkpoint record lacks the view it was made in. */
#define PLANT_CHECKPOINT_SHORN (PLANTED == 47)

/* 48  A batch that a view change may need makes room for another. */
#define PLANT_PAYLOAD_LOST (PLANTED == 48)

/* 49  The window is one sequence too wide. */
#define PLANT_WINDOW_PLUS_ONE (PLANTED == 49)

/* 53  A batch that came with its certificate is not logged. */
#define PLANT_BATCH_UNLOGGED (PLANTED == 53)

/* 54  Nobody minds a primary that takes no checkpoint. */
#define PLANT_WANTED_UNTIMED (PLANTED == 54)

/* 55  Who asks for a higher view does not count as having left. */
#define PLANT_LEAVING_EXACT (PLANTED == 55)

/* 56  What is decided but not executed is sent to nobody. */
#define PLANT_DECIDED_KEPT_BACK (PLANTED == 56)

/* 57  The vote of a proposal seen again is not verified. */
#define PLANT_AGAIN_UNVERIFIED (PLANTED == 57)

/* 58  Votes of two views are taken for a contradiction. */
#define PLANT_CONFLICT_ANY_VIEW (PLANTED == 58)

/* 59  Batches of history are executed as they come. */
#define PLANT_HISTORY_GAPS (PLANTED == 59)

/* 60  A new view is taken that contradicts what was decided in it. */
#define PLANT_OVERTAKEN_TAKEN (PLANTED == 60)

/* 61  Votes for checkpoints are not given again after a crash. */
#define PLANT_CHECKPOINT_FORGOTTEN (PLANTED == 61)

/* 62  The null request waits for its batch like any other. */
#define PLANT_NULL_UNHELD (PLANTED == 62)

/* 63  A request is forwarded once and never again. */
#define PLANT_FORWARD_ONCE (PLANTED == 63)

/* 64  Nobody shows a laggard the view it missed. */
#define PLANT_VIEW_UNSHOWN (PLANTED == 64)

/* 71  A slow primary is blamed by nobody. */
#define PLANT_SLOW_KEPT (PLANTED == 71)

/*
 * Of Raft (raft.c).
 */

/* 101  A vote leaves before it is durable. */
#define PLANT_RAFT_VOTE_EARLY (PLANTED == 101)

/* 102  A vote is given whatever the candidate's log. */
#define PLANT_RAFT_ANY_LOG (PLANTED == 102)

/* 103  What conflicts with the leader's log is not dropped. */
#define PLANT_RAFT_NO_TRUNCATE (PLANTED == 103)

/* 104  A follower executes what is not yet committed. */
#define PLANT_RAFT_BEYOND_COMMIT (PLANTED == 104)

/* 105  A second vote is given in one term. */
#define PLANT_RAFT_VOTE_TWICE (PLANTED == 105)

/* 106  An entry is acknowledged before it is durable. */
#define PLANT_RAFT_ACK_EARLY (PLANTED == 106)

/* 107  Behind a checkpoint stays what does not continue its entry. */
#define PLANT_RAFT_KEEP_SUFFIX (PLANTED == 107)

/* 108  A read is answered without asking who leads. */
#define PLANT_RAFT_READ_AT_ONCE (PLANTED == 108)

/* 109  A leader answers reads before it committed anything of its term. */
#define PLANT_RAFT_READ_EARLY (PLANTED == 109)

/* 110  Copies of an earlier term's entry commit it. */
#define PLANT_RAFT_COMMIT_ANY_TERM (PLANTED == 110)

/* 111  Who was emptied votes as soon as it has anything. */
#define PLANT_RAFT_REJOIN_EARLY (PLANTED == 111)

#endif
