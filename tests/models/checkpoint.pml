/*
 * Checkpoints: the log is cut behind what a quorum has signed, and nothing
 * that was decided is lost with it (checkpoint.c, recover.c, new_view.c).
 *
 * A checkpoint follows each slot.  What is checked besides agreement:
 * f + 1 correct members have the state of a checkpoint that can be proved, so
 * that whoever needs it finds it; a new view leaves out only what such a
 * checkpoint covers; a restart can bring its state forward from its records.
 *
 * After each view members execute, sign, cut, write down and restart in any
 * order.  That is enough although a member may learn of a checkpoint from
 * views above its own: it then only leaves slots out of its VIEW_CHANGE whose
 * base keeps everybody else from voting for them.
 */
#define MORE_FIELDS
#include "views.pml"

#ifdef MUTANT_CHECKPOINT_SHORT
#define ENOUGH (F + 1)
#else
#define ENOUGH QUORUM
#endif

#define MAY_EXECUTE(i) (members[i].executed < SLOTS && \
	decided[members[i].executed] > 0)

/* Execute, and sign the state at once: signers are those who have it. */
inline execute(i)
{
	members[i].executed++;
	best = members[i].executed;
	above = 0;
	for (j : 0 .. CORRECT - 1) {
		above = above + (members[j].executed >= best -> 1 : 0)
	}
	if
	:: above + F >= ENOUGH && checkpoints < best ->
		checkpoints = best;
		assert(above >= F + 1)
	:: else
	fi
}

#ifdef MUTANT_DROPPED_EARLY
#define RECORD(i) members[i].stable
#else
#define RECORD(i) members[i].record
#endif
#ifdef MUTANT_DROPPED_UNEXECUTED
#define EXECUTED(i) SLOTS
#else
#define EXECUTED(i) members[i].executed
#endif
#define MAY_DROP(i) (members[i].dropped < RECORD(i) && \
	members[i].dropped < EXECUTED(i))

/* Let go of a slot's records. */
inline drop(i)
{
	best = members[i].dropped;
	members[i].pledge[best] = 0;
	members[i].proof[best] = 0;
	members[i].dropped++
}

inline restart(i)
{
	members[i].stable = members[i].record;
	assert(members[i].executed >= members[i].dropped)
}

inline between_views()
{
	do
	:: atomic {
		select(m : 0 .. CORRECT - 1);
		if
		:: MAY_EXECUTE(m) -> d_step { execute(m); skip }
		/* Also behind a state that we have yet to get. */
		:: members[m].stable < checkpoints ->
			members[m].stable = checkpoints
		:: members[m].record < members[m].stable ->
			members[m].record = members[m].stable
		:: MAY_DROP(m) -> d_step { drop(m) }
		:: members[m].stable > members[m].record ||
		    members[m].executed < members[m].dropped ->
			d_step { restart(m) }
		fi;
		m = 0;
		d_step { order(); skip }
	    }
	:: true -> break
	od
}

active proctype world()
{
	do
	:: v < VIEWS - 1 ->
		one_view();
		between_views();
		v++
	:: else -> break
	od;
	one_view()
}
