/*
 * View changes: what was decided in one view is what every later one goes on
 * with, on the fast path (all members' PREPAREs) and on the slow one (a
 * quorum's COMMITs), with what binds a new view in each case (new_view.c,
 * SAFETY).
 */
#include "views.pml"

#ifdef ANY_ORDER

active proctype world()
{
	do
	:: atomic {
		select(m : 0 .. CORRECT - 1);
		select(v : 0 .. VIEWS - 1);
		if
		:: MAY_CHANGE(m, v) -> change(m, v)
		:: MAY_ENTER(m, v) ->
			offer(v);
			enter(m, v);
			outcomes = 0
		:: true ->
			select(s : 0 .. SLOTS - 1);
			MAY_COMMIT(m, v, s);
			commit(m, v, s)
		fi;
		m = 0;
		v = 0;
		s = 0
	    }
	od
}

#else

active proctype world()
{
	do
	:: v < VIEWS ->
		one_view();
		v++
	:: else -> break
	od
}

#endif
