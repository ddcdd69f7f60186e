/*
 * Bugs planted on purpose, one at a time, each a mistake that agreement
 * protocols have really had.  The simulator must find every one, or a unit
 * where schedules seldom get; a suite that cannot fail proves nothing.
 *
 * No product build has any: there they are constants, and no code is left of
 * them.  A build with -DPLANTED makes the mistake whose number is in plant.
 */
#ifndef AEGIS_CONSENSUS_PLANT_H
#define AEGIS_CONSENSUS_PLANT_H

#ifdef PLANTED
extern unsigned int plant;
#define PLANT(n) (plant == (n))
#else
#define PLANT(n) 0
#endif

/* 1  A quorum is one vote too small. */
#define PLANT_QUORUM_SHORT PLANT(1)

/* 2  Votes leave before their records are durable. */
#define PLANT_SEND_EARLY PLANT(2)

/* 3  Backups believe the new primary's selection. */
#define PLANT_TRUST_NEW_VIEW PLANT(3)

/* 4  A stable checkpoint discards one sequence too many. */
#define PLANT_WATERMARK PLANT(4)

/* 5  A batch is taken for a digest without comparing the two. */
#define PLANT_ANY_BATCH PLANT(5)

/* 6  The client table is left out of the state's digest (sim/machine.c). */
#define PLANT_CLIENTS_UNSEEN PLANT(6)

/* 7  The view is not written down before it is used. */
#define PLANT_VIEW_FORGOTTEN PLANT(7)

/* 8  A checkpoint counts as stable with f + 1 votes. */
#define PLANT_CHECKPOINT_SHORT PLANT(8)

/* 9  Nobody hands out a state without a quorum's certificate. */
#define PLANT_NOT_VOUCHED PLANT(9)

/* 10  A new view goes by prepare certificates alone, not by pledges. */
#define PLANT_PLEDGES_IGNORED PLANT(10)

/* 11  A quorum's PREPAREs are taken for everybody's. */
#define PLANT_FAST_SHORT PLANT(11)

/* 12  A view takes proposals for what its NEW_VIEW speaks of. */
#define PLANT_CHOSEN_AGAIN PLANT(12)

/* 13  How far votes go is not written down. */
#define PLANT_NO_HORIZON PLANT(13)

/* 14  Who rejoins votes at once. */
#define PLANT_REJOIN_EARLY PLANT(14)

/* 15  Who rejoined votes in whatever view it finds. */
#define PLANT_REJOIN_ANY_VIEW PLANT(15)

/* 16  Who starts votes before it has asked. */
#define PLANT_VOTES_UNASKED PLANT(16)

/* 20  A commit quorum is one vote too small. */
#define PLANT_COMMIT_SHORT PLANT(20)

/* 21  A prepare quorum is one vote too small. */
#define PLANT_PREPARE_SHORT PLANT(21)

/* 22  A vote counts in whatever view it was given. */
#define PLANT_ANY_VIEW PLANT(22)

/* 23  A vote counts for whatever batch it was given. */
#define PLANT_ANY_DIGEST PLANT(23)

/* 24  Our own vote counts before it is durable. */
#define PLANT_OWN_VOTE_EARLY PLANT(24)

/* 25  A prepare certificate is not written down before the COMMIT leaves. */
#define PLANT_PREPARED_UNWRITTEN PLANT(25)

/* 26  A proposal is not written down before the PREPARE leaves. */
#define PLANT_PROPOSAL_UNWRITTEN PLANT(26)

/* 27  A VIEW_CHANGE says nothing of pledges. */
#define PLANT_PLEDGES_UNSAID PLANT(27)

/* 28  A VIEW_CHANGE shows no prepare certificate. */
#define PLANT_PREPARED_UNSAID PLANT(28)

/* 29  Of two prepare certificates the one of the lower view is chosen. */
#define PLANT_LOWEST_VIEW PLANT(29)

/* 30  The first certificate above the base is taken for one below it. */
#define PLANT_BASE_PLUS_ONE PLANT(30)

/* 31  The base of a new view is not raised by proved checkpoints. */
#define PLANT_BASE_FIRST PLANT(31)

/* 32  One pledge too few is enough. */
#define PLANT_PLEDGES_FEW PLANT(32)

/* 33  A new view begins with one view change too few. */
#define PLANT_NEW_VIEW_SHORT PLANT(33)

/* 34  The stable checkpoint of a VIEW_CHANGE need not be proved. */
#define PLANT_STABLE_TRUSTED PLANT(34)

/* 35  Nor need what it prepared. */
#define PLANT_PREPARED_TRUSTED PLANT(35)

/* 36  A decided batch is believed without its certificate. */
#define PLANT_COMMITTED_TRUSTED PLANT(36)

/* 37  A checkpoint is believed without a quorum. */
#define PLANT_CHECKPOINT_TRUSTED PLANT(37)

/* 38  Any batch is taken along with a certificate. */
#define PLANT_COMMITTED_ANY PLANT(38)

/* 39  Any batch is taken when one was asked for. */
#define PLANT_BATCH_ANY PLANT(39)

/* 40  Requests in a proposal are not verified. */
#define PLANT_REQUEST_TRUSTED PLANT(40)

/* 41  The time of a proposal is not compared with ours. */
#define PLANT_TIME_TRUSTED PLANT(41)

/* 42  One member is enough to be followed into a view. */
#define PLANT_JOIN_ONE PLANT(42)

/* 43  Timeouts do not double. */
#define PLANT_NO_BACKOFF PLANT(43)

/* 44  A vote given is forgotten in a crash. */
#define PLANT_PLEDGE_FORGOTTEN PLANT(44)

/* 45  A prepare certificate is forgotten in a crash. */
#define PLANT_PREPARED_FORGOTTEN PLANT(45)

/* 46  What a new view chose is forgotten in a crash. */
#define PLANT_CHOSEN_FORGOTTEN PLANT(46)

/* 47  A checkpoint record lacks the view it was made in. */
#define PLANT_CHECKPOINT_SHORN PLANT(47)

/* 48  A batch that a view change may need makes room for another. */
#define PLANT_PAYLOAD_LOST PLANT(48)

/* 49  The window is one sequence too wide. */
#define PLANT_WINDOW_PLUS_ONE PLANT(49)

/* 53  A batch that came with its certificate is not logged. */
#define PLANT_BATCH_UNLOGGED PLANT(53)

/* 54  Nobody minds a primary that takes no checkpoint. */
#define PLANT_WANTED_UNTIMED PLANT(54)

/* 55  Who asks for a higher view does not count as having left. */
#define PLANT_LEAVING_EXACT PLANT(55)

/* 56  What is decided but not executed is sent to nobody. */
#define PLANT_DECIDED_KEPT_BACK PLANT(56)

/* 57  The vote of a proposal seen again is not verified. */
#define PLANT_AGAIN_UNVERIFIED PLANT(57)

/* 58  Votes of two views are taken for a contradiction. */
#define PLANT_CONFLICT_ANY_VIEW PLANT(58)

/* 59  Batches of history are executed as they come. */
#define PLANT_HISTORY_GAPS PLANT(59)

/* 60  A new view is taken that contradicts what was decided in it. */
#define PLANT_OVERTAKEN_TAKEN PLANT(60)

/* 61  Votes for checkpoints are not given again after a crash. */
#define PLANT_CHECKPOINT_FORGOTTEN PLANT(61)

/* 62  The null request waits for its batch like any other. */
#define PLANT_NULL_UNHELD PLANT(62)

/* 63  A request is forwarded once and never again. */
#define PLANT_FORWARD_ONCE PLANT(63)

/* 64  Nobody shows a laggard the view it missed. */
#define PLANT_VIEW_UNSHOWN PLANT(64)

/* 65  Patience that has grown stays so, whatever is decided. */
#define PLANT_PATIENCE_KEPT PLANT(65)

/* 66  Patience grows without end. */
#define PLANT_PATIENCE_ENDLESS PLANT(66)

/* 71  A slow primary is blamed by nobody. */
#define PLANT_SLOW_KEPT PLANT(71)

/* 72  A signature does not name its epoch. */
#define PLANT_EPOCH_UNSIGNED PLANT(72)

/* 73  Nothing ends with an epoch's last batch. */
#define PLANT_LAST_UNBOUNDED PLANT(73)

/* 74  The client table ends with its epoch. */
#define PLANT_TABLE_DROPPED PLANT(74)

/* 75  Who lacks the epoch's first state votes all the same. */
#define PLANT_VOTES_STATELESS PLANT(75)

/* 76  An epoch's last state is a checkpoint only where others are. */
#define PLANT_LAST_UNCERTIFIED PLANT(76)

/* 77  An observer takes a batch whose certificate it did not verify. */
#define PLANT_OBSERVER_TRUSTS PLANT(77)

/* 78  An observer takes any batch along with a certificate. */
#define PLANT_OBSERVER_ANY PLANT(78)

/* 79  An observer goes on beyond its epoch's last batch. */
#define PLANT_OBSERVER_BEYOND PLANT(79)

/* 80  Who comes to the end again after a crash does not tell its proof. */
#define PLANT_LAST_UNTOLD PLANT(80)

/* 81  Of a transaction's comparisons only that of the first key counts
 *     (sim/machine.c). */
#define PLANT_TXN_ONE_COMPARED PLANT(81)

/* 125  Nobody minds what waits while other requests are executed. */
#define PLANT_PASSED_OVER PLANT(125)

/*
 * Of Raft (raft.c).
 */

/* 101  A vote leaves before it is durable. */
#define PLANT_RAFT_VOTE_EARLY PLANT(101)

/* 102  A vote is given whatever the candidate's log. */
#define PLANT_RAFT_ANY_LOG PLANT(102)

/* 103  What conflicts with the leader's log is not dropped. */
#define PLANT_RAFT_NO_TRUNCATE PLANT(103)

/* 104  A follower executes what is not yet committed. */
#define PLANT_RAFT_BEYOND_COMMIT PLANT(104)

/* 105  A second vote is given in one term. */
#define PLANT_RAFT_VOTE_TWICE PLANT(105)

/* 106  An entry is acknowledged before it is durable. */
#define PLANT_RAFT_ACK_EARLY PLANT(106)

/* 107  Behind a checkpoint stays what does not continue its entry. */
#define PLANT_RAFT_KEEP_SUFFIX PLANT(107)

/* 108  A read is answered without asking who leads. */
#define PLANT_RAFT_READ_AT_ONCE PLANT(108)

/* 109  A leader answers reads before it committed anything of its term. */
#define PLANT_RAFT_READ_EARLY PLANT(109)

/* 110  Copies of an earlier term's entry commit it. */
#define PLANT_RAFT_COMMIT_ANY_TERM PLANT(110)

/* 111  Who was emptied votes as soon as it has anything. */
#define PLANT_RAFT_REJOIN_EARLY PLANT(111)

/* 112  What the log had executed is not known to be committed after a crash. */
#define PLANT_RAFT_EXECUTED_FORGOTTEN PLANT(112)

/* 113  Votes for a state are weighed before its entry is committed, only. */
#define PLANT_RAFT_UNWEIGHED PLANT(113)

/* 114  An epoch of Raft begins with checkpoints only where others are. */
#define PLANT_RAFT_BEGINNING_SPARSE PLANT(114)

/* 115  An epoch's last state answers reads (sim/machine.c). */
#define PLANT_RAFT_LAST_READ PLANT(115)

/* 116  What a member owes us is not told to it. */
#define PLANT_RAFT_BOND_UNTOLD PLANT(116)

/* 117  Who starts minds no longer log than its own. */
#define PLANT_RAFT_LOGS_IGNORED PLANT(117)

/* 118  A member's place is given away though f may then have the state
 *      (sim/membership.c). */
#define PLANT_RAFT_REPLACED PLANT(118)

/* 119  Who is no member any more stops at once (sim/succession.c). */
#define PLANT_RAFT_GONE_EARLY PLANT(119)

/*
 * That more members are faulty than are tolerated, which is only to be seen
 * where they are: `--profile beyond`.
 */

/* 120  A certificate that contradicts ours is passed over. */
#define PLANT_BEYOND_UNSEEN PLANT(120)

/* 121  Who stops for it accuses nobody. */
#define PLANT_BEYOND_UNTOLD PLANT(121)

/* 122  An engine that has failed goes on. */
#define PLANT_BEYOND_GOES_ON PLANT(122)

#endif
