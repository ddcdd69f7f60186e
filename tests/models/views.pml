/*
 * The steps of members in views: VIEW_CHANGE, PREPARE, COMMIT.
 *
 * A PREPARE is given when the view is entered, or never: it rests on nothing
 * that comes later, and the sooner it is there the more can be made of it.
 *
 * ORDER  View after view, and in each first all VIEW_CHANGEs, then all
 *        PREPAREs, then all COMMITs.  That is every run: what is done in a
 *        view rests on what was done in that view and in lower ones, by
 *        oneself and by others, and nobody goes back to a lower one.
 *        Everybody sends its VIEW_CHANGE: a NEW_VIEW may be without it, and
 *        who does not enter the view has lost nothing.  -DANY_ORDER is
 *        without this order, to show that it hides nothing.
 */
#include "agreement.pml"

#define MAY_CHANGE(i, w) ((w) > members[i].view)

inline change(i, w)
{
	d_step {
		members[i].view = w;
		members[i].is_active = 0;
		send_change(i, w);
		skip
	}
}

/* Enough view changes for a NEW_VIEW, with the liar's. */
#define SENT(i, w) CHANGE(i, w).is_sent
#if N == 4
#define CHANGES(w) (SENT(0, w) + SENT(1, w) + SENT(2, w) + F)
#else
#define CHANGES(w) (SENT(0, w) + SENT(1, w) + SENT(2, w) + SENT(3, w) + F)
#endif
#define MAY_ENTER(i, w) (((w) == 0 || CHANGES(w) >= QUORUM) && \
	((w) > members[i].view || \
	(w) == members[i].view && !members[i].is_active))

inline prepare(i, w, k, batch)
{
	d_step {
		members[i].pledge[k] = AT(w, batch);
		send_prepare(i, w, k, batch);
		if
		:: IS_DECIDED(w, k, batch) -> decide(k, batch)
		:: else
		fi;
		skip
	}
}

byte outcome, slot, chosen; /* 0 between steps */

/* Batches differ by name alone: what comes first in a slot is 1. */
#if CORRECT == 3
#define IS_SECOND(k) (members[0].pledge[k] + members[1].pledge[k] + \
	members[2].pledge[k] > 0)
#else
#define IS_SECOND(k) (members[0].pledge[k] + members[1].pledge[k] + \
	members[2].pledge[k] + members[3].pledge[k] > 0)
#endif

/* A vote that is not given binds nobody later; in the end nothing is later. */
#ifdef ANY_ORDER
#define IS_LAST(w) false
#else
#define IS_LAST(w) ((w) == VIEWS - 1)
#endif

/* What a view may begin with; view 0 with nothing. */
inline offer(w)
{
	d_step {
		if
		:: (w) == 0 -> outcomes = 1
		:: else -> select_all(w)
		fi;
		skip
	}
}

/* Enter a view and vote there, for what NEW_VIEW chose or what is free. */
inline enter(i, w)
{
	members[i].view = w;
	members[i].is_active = 1;
	do
	:: (outcomes >> outcome & 1) == 1 -> break
	:: (outcomes >> (outcome + 1)) > 0 -> outcome++
	od;
	do
	:: slot < SLOTS ->
		chosen = DIGIT(outcome, slot);
		if
		:: chosen == 0 -> prepare(i, w, slot, 1)
		:: chosen == 0 && IS_SECOND(slot) -> prepare(i, w, slot, 2)
		:: chosen > 0 && chosen < CLOSED ->
			prepare(i, w, slot, chosen)
		:: chosen == CLOSED ->
			assert(slot < checkpoints)
#ifdef MUTANT_CHOSEN_AGAIN
		:: chosen == CLOSED -> prepare(i, w, slot, 1)
		:: chosen == CLOSED -> prepare(i, w, slot, 2)
#endif
		:: SLOTS > 1 && !IS_LAST(w)
		fi;
		slot++
	:: else -> break
	od;
	outcome = 0;
	chosen = 0;
	slot = 0
}

#define GIVEN(i, w, k) (members[i].pledge[k] > 0 && \
	VIEW_OF(members[i].pledge[k]) == (w))
#define MAY_COMMIT(i, w, k) (members[i].view == (w) && \
	members[i].is_active && GIVEN(i, w, k) && \
	members[i].proof[k] != members[i].pledge[k] && \
	(certified[(k) * 4 + BATCH_OF(members[i].pledge[k])] >> (w) & 1) == 1)

inline commit(i, w, k)
{
	d_step {
		members[i].proof[k] = members[i].pledge[k];
		best = BATCH_OF(members[i].pledge[k]);
		send_commit(i, w, k, best);
		if
		:: IS_DECIDED(w, k, best) -> decide(k, best)
		:: else
		fi;
		skip
	}
}

byte m, v, s; /* whose turn it is, in which view, for which slot */

#if SLOTS == 1
#define KEY(i) (members[i].pledge[0] << 8 | members[i].proof[0])
#else
#define KEY(i) (members[i].pledge[0] << 24 | members[i].proof[0] << 16 | \
	members[i].pledge[1] << 8 | members[i].proof[1])
#endif

#define SWAP(field, i) h = members[i].field; \
	members[i].field = members[i + 1].field; \
	members[i + 1].field = h

#ifdef MORE_FIELDS
#define REST(i) (members[i].stable << 6 | members[i].record << 4 | \
	members[i].executed << 2 | members[i].dropped)
#else
#define REST(i) 0
#endif

/* Put the members, which are alike, in order: histories become one state. */
inline order()
{
	for (u : 1 .. CORRECT) {
		for (j : 0 .. CORRECT - 2) {
			if
			:: KEY(j) > KEY(j + 1) ||
			    KEY(j) == KEY(j + 1) && REST(j) > REST(j + 1) ->
				for (k2 : 0 .. SLOTS - 1) {
					SWAP(pledge[k2], j);
					SWAP(proof[k2], j)
				}
				SWAP(stable, j);
				SWAP(record, j);
				SWAP(executed, j);
				SWAP(dropped, j)
			:: else
			fi
		}
	}
}

/* Between views: forget what nobody asks for any more. */
inline forget(w)
{
	for (h : 0 .. SLOTS * 4 - 1) {
		prepares[CELL(w, 0, 0) + h] = 0;
		commits[CELL(w, 0, 0) + h] = 0
	}
	for (j : 0 .. CORRECT - 1) {
		members[j].view = w;
		members[j].is_active = 0;
		CHANGE(j, w).is_sent = 0;
		CHANGE(j, w).stable = 0;
		for (h : 0 .. SLOTS - 1) {
			CHANGE(j, w).pledge[h] = 0;
			CHANGE(j, w).proof[h] = 0
		}
	}
	/* Of a batch's certificates the newest is enough. */
	for (h : 0 .. SLOTS * 4 - 1) {
		for (u : 1 .. VIEWS - 1) {
			if
			:: certified[h] >> u > 0 ->
				certified[h] = certified[h] >> u << u
			:: else
			fi
		}
	}
	order()
}

/* All of what is done in view v. */
inline one_view()
{
	d_step {
		for (m : 0 .. CORRECT - 1) {
			if
			:: MAY_CHANGE(m, v) -> send_change(m, v)
			:: else
			fi
		}
		m = 0
	}
	offer(v);
	do
	:: atomic { m < CORRECT ->
		enter(m, v);
		m++ }
	:: m < CORRECT -> m++
	:: m == CORRECT -> break
	od;
	outcomes = 0;
	m = 0;
	do
	:: atomic { m < CORRECT && MAY_COMMIT(m, v, s) ->
		commit(m, v, s);
		m = (s == SLOTS - 1 -> m + 1 : m);
		s = (s + 1) % SLOTS }
	:: atomic { m < CORRECT && !(IS_LAST(v) && MAY_COMMIT(m, v, s)) ->
		m = (s == SLOTS - 1 -> m + 1 : m);
		s = (s + 1) % SLOTS }
	:: m == CORRECT -> break
	od;
	m = 0;
	d_step { forget(v) }
}
