/*
 * Crashes: a member comes back with what its disk has, at any time and as
 * often as it likes, and must not contradict what it said before.  What was
 * sent was durable first (engine.h, THE DRIVER'S DUTIES), so nothing is lost
 * that anybody knows of.
 *
 * One slot, steps in any order.  A step that is to be told to others changes
 * the member's memory and appends a record; `waits` is the message that waits
 * until that is synced.  A restart sends again what the disk says was voted
 * (recover.c).
 */
#include "agreement.pml"

Member disk[CORRECT];
bit is_unsynced[CORRECT];
byte waits[CORRECT];
#define PREPARE 1
#define COMMIT 2
#define CHANGE_SENT 3

#define WHOLE(i) (waits[i] == 0)

/* May the message go?  A mutant sends one kind too early. */
#if defined(MUTANT_PREPARE_EARLY)
#define MAY_SEND(i) (!is_unsynced[i] || waits[i] == PREPARE)
#elif defined(MUTANT_COMMIT_EARLY)
#define MAY_SEND(i) (!is_unsynced[i] || waits[i] == COMMIT)
#elif defined(MUTANT_VIEW_EARLY)
#define MAY_SEND(i) (!is_unsynced[i] || waits[i] == CHANGE_SENT)
#else
#define MAY_SEND(i) (!is_unsynced[i])
#endif

/* What a member says in its own view once it is active in it. */
#define HAS_PREPARED(i) (members[i].is_active && members[i].pledge[0] > 0 && \
	VIEW_OF(members[i].pledge[0]) == members[i].view)
#define HAS_COMMITTED(i) (HAS_PREPARED(i) && members[i].proof[0] > 0 && \
	members[i].proof[0] == members[i].pledge[0])

inline judge(w, batch)
{
	if
	:: IS_DECIDED(w, 0, batch) -> decide(0, batch)
	:: else
	fi
}

inline say_prepare(i)
{
	send_prepare(i, members[i].view, 0, BATCH_OF(members[i].pledge[0]));
	judge(members[i].view, BATCH_OF(members[i].pledge[0]))
}

inline say_commit(i)
{
	send_commit(i, members[i].view, 0, BATCH_OF(members[i].proof[0]));
	judge(members[i].view, BATCH_OF(members[i].proof[0]))
}

/* One view has one VIEW_CHANGE of a member: said again, it says the same. */
inline say_change(i)
{
	best = members[i].view;
	if
	:: CHANGE(i, best).is_sent ->
		assert(CHANGE(i, best).pledge[0] == members[i].pledge[0] &&
		    CHANGE(i, best).proof[0] == members[i].proof[0])
	:: else -> send_change(i, best)
	fi
}

inline send(i)
{
	if
	:: waits[i] == PREPARE -> say_prepare(i)
	:: waits[i] == COMMIT -> say_commit(i)
	:: else -> say_change(i)
	fi;
	waits[i] = 0
}

inline sync(i)
{
	disk[i].view = members[i].view;
	disk[i].is_active = members[i].is_active;
	disk[i].pledge[0] = members[i].pledge[0];
	disk[i].proof[0] = members[i].proof[0];
	is_unsynced[i] = 0
}

inline restart(i)
{
	members[i].view = disk[i].view;
	members[i].is_active = disk[i].is_active;
#ifdef MUTANT_PLEDGE_FORGOTTEN
	members[i].pledge[0] = 0;
#else
	members[i].pledge[0] = disk[i].pledge[0];
#endif
#ifdef MUTANT_PROOF_FORGOTTEN
	members[i].proof[0] = 0;
#else
	members[i].proof[0] = disk[i].proof[0];
#endif
	is_unsynced[i] = 0;
	waits[i] = 0;
	if
	:: HAS_PREPARED(i) -> say_prepare(i)
	:: else
	fi;
	if
	:: HAS_COMMITTED(i) -> say_commit(i)
	:: else
	fi;
	if
	:: !members[i].is_active && members[i].view > 0 -> say_change(i)
	:: else
	fi
}

#define CHANGES(w) (CHANGE(0, w).is_sent + CHANGE(1, w).is_sent + \
	CHANGE(2, w).is_sent + F)
#define MAY_ENTER(i, w) (((w) == 0 || CHANGES(w) >= QUORUM) && \
	((w) > members[i].view || (w) == members[i].view && \
	(!members[i].is_active || members[i].pledge[0] == 0 || \
	VIEW_OF(members[i].pledge[0]) < (w))))

/* Give a PREPARE; the view's own record goes with it. */
inline prepare(i, w, batch)
{
	members[i].view = w;
	members[i].is_active = 1;
	members[i].pledge[0] = AT(w, batch);
	is_unsynced[i] = 1;
	waits[i] = PREPARE;
#ifdef MUTANT_OWN_VOTE_EARLY
	above = prepares[CELL(w, 0, batch)] | (1 << (i));
	if
	:: COUNT(above) + F >= N -> decide(0, batch)
	:: else
	fi
#endif
}

#define IS_CERTIFIED(i) (certified[BATCH_OF(members[i].pledge[0])] >> \
	members[i].view & 1)
#define MAY_COMMIT(i) (HAS_PREPARED(i) && !HAS_COMMITTED(i) && IS_CERTIFIED(i))

byte m, v, b; /* who acts, in which view, for which batch; 0 between steps */

active proctype world()
{
	d_step {
		for (j : 0 .. CORRECT - 1) {
			members[j].is_active = 1;
			disk[j].is_active = 1
		}
		skip
	}
	do
	:: atomic {
		select(m : 0 .. CORRECT - 1);
		if
		:: WHOLE(m) ->
			select(v : 1 .. VIEWS - 1);
			v > members[m].view;
			d_step {
				members[m].view = v;
				members[m].is_active = 0;
				is_unsynced[m] = 1;
				waits[m] = CHANGE_SENT
			}
		:: WHOLE(m) ->
			select(v : 0 .. VIEWS - 1);
			MAY_ENTER(m, v);
			select(b : 1 .. 2);
			d_step {
				outcomes = 0;
				if
				:: v == 0 -> outcomes = 1
				:: else -> select_all(v)
				fi;
				if
				:: (outcomes & (1 | 1 << b)) == 0 -> b = 0
				:: else
				fi;
				outcomes = 0
			}
			b > 0;
			d_step { prepare(m, v, b); skip }
		:: WHOLE(m) && MAY_COMMIT(m) ->
			d_step {
				members[m].proof[0] = members[m].pledge[0];
				is_unsynced[m] = 1;
				waits[m] = COMMIT
			}
		:: is_unsynced[m] -> d_step { sync(m); skip }
		:: waits[m] > 0 && MAY_SEND(m) -> d_step { send(m); skip }
		:: d_step { restart(m); skip }
		fi;
		m = 0;
		v = 0;
		b = 0
	    }
	od
}
