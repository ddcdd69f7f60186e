/*
 * A change of members: epoch 0 ends with a batch that says who comes next,
 * and its certified checkpoint begins epoch 1.
 *
 * Member 0 leaves, 1 and 2 stay, 3 comes; each epoch has a liar besides, and
 * they are two.  Agreement inside an epoch is what the other models are for:
 * here a correct member votes once for a slot, and a quorum's votes decide.
 * Slots are voted on ahead of what is executed, so that batches behind the
 * last one of epoch 0 may be decided in it all the same.  Nobody executes
 * them.
 *
 * What must hold: all that execute a slot execute one batch of one epoch, and
 * all that begin epoch 1 begin it behind the same slot.
 */
#define F 1
#define QUORUM 3 /* of four, in both epochs */
#define CORRECT 4
#ifndef SLOTS
#define SLOTS 3
#endif

#define STOP 3 /* the batch that ends epoch 0; others are 1 and 2 */
#define COUNT(mask) (((mask) & 1) + ((mask) >> 1 & 1) + ((mask) >> 2 & 1) + \
	((mask) >> 3 & 1))

/* Who is a member, a bit each, the liars aside. */
#define OLD 7
#define NEW 14
#define IS_MEMBER(i, e) (((e) == 0 -> OLD : NEW) >> (i) & 1)

#define CELL(e, k, batch) (((e) * SLOTS + (k)) * 4 + (batch))

typedef Member {
	byte epoch;
	byte executed; /* slots */
	bit has_stopped;
};

Member members[CORRECT];
byte votes[2 * SLOTS * 4]; /* a bit for each correct member */
byte signers[SLOTS];       /* of the checkpoint behind STOP at a slot */
byte history[SLOTS];       /* what was executed: 4 * epoch + batch */
byte first;                /* the slot that epoch 1 begins with; 0: none */

/* Whose votes count in an epoch, and how many liars have one. */
#if defined(MUTANT_EPOCH_NOT_SIGNED)
#define COUNTED(e, k, batch) ((votes[CELL(0, k, batch)] | \
	votes[CELL(1, k, batch)]) & ((e) == 0 -> OLD : NEW))
#define LIARS(e) F
#elif defined(MUTANT_OLD_ROSTER_COUNTS)
#define COUNTED(e, k, batch) votes[CELL(e, k, batch)]
#define LIARS(e) ((e) == 0 -> F : 2 * F)
#else
#define COUNTED(e, k, batch) votes[CELL(e, k, batch)]
#define LIARS(e) F
#endif
#define IS_DECIDED(e, k, batch) \
	(COUNT(COUNTED(e, k, batch)) + LIARS(e) >= QUORUM)

inline vote(i, in, k, batch)
{
	votes[CELL(in, k, batch)] = votes[CELL(in, k, batch)] | (1 << (i))
}

#ifdef MUTANT_EXECUTES_BEYOND
#define HAS_STOPPED(i) false
#else
#define HAS_STOPPED(i) members[i].has_stopped
#endif
#define NEXT(i) members[i].executed
#define MAY_EXECUTE(i, batch) (NEXT(i) < SLOTS && !HAS_STOPPED(i) && \
	IS_MEMBER(i, members[i].epoch) && \
	IS_DECIDED(members[i].epoch, NEXT(i), batch))

/* Execute the next batch; the last of an epoch is signed as a checkpoint. */
inline execute(i, batch)
{
	assert(history[NEXT(i)] == 0 ||
	    history[NEXT(i)] == 4 * members[i].epoch + batch);
	history[NEXT(i)] = 4 * members[i].epoch + batch;
	if
	:: batch == STOP ->
		signers[NEXT(i)] = signers[NEXT(i)] | (1 << (i));
		members[i].has_stopped = 1
	:: else
	fi;
	members[i].executed++
}

/* What proves that an epoch ended behind slot k. */
#if defined(MUTANT_BEGINS_ON_ONE_WORD)
#define IS_ENDED(k) true
#elif defined(MUTANT_BEGINS_UNEXECUTED)
#define IS_ENDED(k) IS_DECIDED(0, k, STOP)
#else
#define IS_ENDED(k) (COUNT(signers[k]) + F >= QUORUM)
#endif
#define MAY_BEGIN(i, k) (members[i].epoch == 0 && IS_MEMBER(i, 1) && \
	IS_ENDED(k))

/* Begin epoch 1 with the certified state, our own or one fetched. */
inline begin(i, k)
{
	assert(first == 0 || first == (k) + 1);
	assert(history[k] == STOP);
	first = (k) + 1;
	members[i].epoch = 1;
	members[i].executed = (k) + 1;
	members[i].has_stopped = 0
}

byte m, e, s, b; /* who acts, in what, on what; 0 between steps */

/*
 * Vote on all slots from s on.  A vote rests on nothing but its epoch, so it
 * is given at once: later there is less to be made of it.
 */
inline vote_on_all()
{
	do
	:: s < SLOTS ->
		if
		:: b = 1
		:: e == 0 && s < SLOTS - 1 -> b = STOP
		:: e == 1 && votes[CELL(1, s, 1)] > 0 -> b = 2
		fi;
		d_step { vote(m, e, s, b); skip };
		s++
	:: else -> break
	od;
	s = 0;
	b = 0
}

active proctype world()
{
	do
	:: atomic { m < CORRECT && IS_MEMBER(m, 0) -> vote_on_all(); m++ }
	:: m < CORRECT && !IS_MEMBER(m, 0) -> m++
	:: m == CORRECT -> break
	od;
	m = 0;
	do
	:: atomic {
		select(m : 0 .. CORRECT - 1);
		if
		:: true ->
			select(b : 1 .. 3);
			MAY_EXECUTE(m, b);
			d_step { execute(m, b); skip }
		:: true ->
			select(s : 0 .. SLOTS - 2);
			MAY_BEGIN(m, s);
			d_step { begin(m, s); skip }
			e = 1;
			s = first;
			vote_on_all()
		fi;
		m = 0;
		e = 0;
		s = 0;
		b = 0
	    }
	od
}
