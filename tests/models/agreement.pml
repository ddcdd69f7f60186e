/*
 * What the models share: members, what they have said, and what a new view
 * must go on with.
 *
 * N members, F = 1 of them a liar.  The correct ones are all that has a state;
 * the liar has, at any time, said whatever helps: its votes count for every
 * batch, and its VIEW_CHANGE says anything that can be proved.  The primary of
 * each view lies as well: it may show each member another NEW_VIEW, and
 * propose another batch to each.  That is more than it could do as a correct
 * member, so nothing is missed.
 *
 * A message that was sent is there for good, and who acts on it may act on
 * any part of what was sent: that is loss, delay and reordering.
 *
 * A SEQUENCE is a slot, from 0.  A BATCH is 1, 2 or NULL.  A VOTE or a
 * certificate is AT(view, batch), 0 for none.
 */
#ifndef N
#define N 4
#endif
#define F 1
#define CORRECT (N - F)
#ifdef MUTANT_QUORUM_SHORT
#define QUORUM (N - F - 1)
#else
#define QUORUM (N - F)
#endif

#ifndef SLOTS
#define SLOTS 1
#endif
#ifndef VIEWS
#define VIEWS 3
#endif

#define NULL_BATCH 3
#define AT(view, batch) (4 * (view) + (batch))
#define VIEW_OF(vote) ((vote) / 4)
#define BATCH_OF(vote) ((vote) % 4)

/* Where a vote of a view for a slot's batch is counted. */
#define CELL(view, k, batch) (((view) * SLOTS + (k)) * 4 + (batch))
#define CELLS (VIEWS * SLOTS * 4)

#define COUNT(mask) (((mask) & 1) + ((mask) >> 1 & 1) + ((mask) >> 2 & 1) + \
	((mask) >> 3 & 1))

typedef Member {
	byte view;          /* none lower is voted in */
	bit is_active;      /* in it, else changing to it */
	byte stable;        /* slots below are covered by a checkpoint, */
	byte record;        /* ... and by one that is written down */
	byte executed;      /* slots below are in the state */
	byte dropped;       /* slots below have no records any more */
	byte pledge[SLOTS]; /* the newest PREPARE given */
	byte proof[SLOTS];  /* the newest prepare certificate, COMMIT given */
};

/* A correct member's VIEW_CHANGE to a view. */
typedef Change {
	bit is_sent;
	byte stable;
	byte pledge[SLOTS];
	byte proof[SLOTS];
};

Member members[CORRECT];
Change changes[CORRECT * VIEWS];
#define CHANGE(i, w) changes[(i) * VIEWS + (w)]

byte prepares[CELLS]; /* a bit for each correct member that voted */
byte commits[CELLS];
byte certified[SLOTS * 4]; /* views, a bit each, with a certificate */
byte decided[SLOTS];       /* batches, a bit each */
byte checkpoints;          /* slots covered by a provable checkpoint */

/* Scratch of single steps; no part of the state. */
hidden byte h, j, u, best, above, size, lie, lies, base, last, k2, from;
hidden byte shown, told; /* the liar's certificate and pledge, or 0 */
hidden byte pick[SLOTS];

/* Two batches for one sequence: the one thing that must not be. */
inline decide(k, batch)
{
	decided[k] = decided[k] | (1 << (batch));
	assert(decided[k] == (1 << (batch)));
}

/* A PREPARE is sent.  With the liar's it may be a certificate, or decide. */
inline send_prepare(i, w, k, batch)
{
	prepares[CELL(w, k, batch)] = prepares[CELL(w, k, batch)] | (1 << (i));
	size = COUNT(prepares[CELL(w, k, batch)]) + F;
	if
	:: size >= QUORUM ->
		certified[(k) * 4 + (batch)] =
		    certified[(k) * 4 + (batch)] | (1 << (w))
	:: else
	fi
}

inline send_commit(i, w, k, batch)
{
	commits[CELL(w, k, batch)] = commits[CELL(w, k, batch)] | (1 << (i))
}

/* All PREPAREs decide, or a quorum's COMMITs. */
#ifdef MUTANT_FAST_SHORT
#define EVERYBODY QUORUM
#else
#define EVERYBODY N
#endif
#define IS_DECIDED(w, k, batch) \
	(COUNT(prepares[CELL(w, k, batch)]) + F >= EVERYBODY || \
	    COUNT(commits[CELL(w, k, batch)]) + F >= QUORUM)

/* Slots that a member no longer speaks of. */
#if defined(MUTANT_FREED_AT_EXECUTION)
#define FREED(i) members[i].executed
#elif defined(MUTANT_FREED_TOO_FAR)
#define FREED(i) (members[i].stable > 0 -> members[i].stable + 1 : 0)
#else
#define FREED(i) members[i].stable
#endif

inline send_change(i, w)
{
	CHANGE(i, w).is_sent = 1;
	CHANGE(i, w).stable = members[i].stable;
	for (h : 0 .. SLOTS - 1) {
		if
		:: h >= FREED(i) ->
			CHANGE(i, w).pledge[h] = members[i].pledge[h];
			CHANGE(i, w).proof[h] = members[i].proof[h]
		:: else
		fi
	}
}

/*
 * What NEW_VIEW of view w may say: outcomes[o] is set for each outcome o that
 * some set of view changes dictates.  An outcome has a digit for each slot:
 * nothing chosen, a batch, or CLOSED below the base.
 */
#define CLOSED 4
#define RADIX 5
#if SLOTS == 1
#define OUTCOMES RADIX
#else
#define OUTCOMES (RADIX * RADIX)
#endif
#define DIGIT(outcome, k) ((k) == 0 -> (outcome) % RADIX : (outcome) / RADIX)

int outcomes; /* a bit each; 0 between steps */

/*
 * The liar's part of a set of view changes: absent, or for each slot nothing,
 * or all that can be said for one batch, which is the newest certificate and
 * a pledge in the view before.  Whatever else it says is chosen by one of
 * these too: a pledge or a certificate helps its own batch alone, the more the
 * newer it is.
 */
#define ABSENT (4 * (SLOTS == 1 -> 1 : 4))
#define LIE(code, k) ((k) == 0 -> (code) % 4 : (code) / 4)

inline lie_about(w, k)
{
	lie = (lies == ABSENT -> 0 : LIE(lies, k));
	shown = 0;
	told = 0;
	if
	:: lie > 0 ->
		told = AT(w - 1, lie);
		for (u : 0 .. w - 1) {
			if
			:: (certified[(k) * 4 + lie] >> u & 1) == 1 ->
				shown = AT(u, lie)
			:: else
			fi
		}
	:: else
	fi
}

#define HAS(i, w) ((from >> (i) & 1) == 1)

/* The certificate of the highest view. */
inline choose_proof(w, k)
{
	best = shown;
	for (j : 0 .. CORRECT - 1) {
		if
		:: HAS(j, w) && CHANGE(j, w).proof[k] > 0 && (best == 0 ||
		    VIEW_OF(CHANGE(j, w).proof[k]) > VIEW_OF(best)) ->
			best = CHANGE(j, w).proof[k]
		:: else
		fi
	}
}

/* How many pledges for a batch bind. */
#ifdef MUTANT_PLEDGES_OF_F
#define LEAST F
#else
#define LEAST (size - F)
#endif
/* Is a batch pledged in view u to be chosen over what is chosen? */
#if defined(MUTANT_PLEDGE_BEATS_PROOF)
#define BEATS(u) (u >= VIEW_OF(best))
#elif defined(MUTANT_PLEDGE_VIEW_IGNORED)
#define BEATS(u) true
#else
#define BEATS(u) (u > VIEW_OF(best))
#endif

/* What all but f pledge, in the highest view at or above which they do. */
inline choose_pledged(w, k)
{
	for (u : 0 .. w - 1) {
		for (h : 1 .. 3) {
			above = (BATCH_OF(told) == h && VIEW_OF(told) >= u ->
			    F : 0);
			for (j : 0 .. CORRECT - 1) {
				if
				:: HAS(j, w) &&
				    BATCH_OF(CHANGE(j, w).pledge[k]) == h &&
				    VIEW_OF(CHANGE(j, w).pledge[k]) >= u ->
					above++
				:: else
				fi
			}
			if
			:: above >= LEAST && (best == 0 || BEATS(u)) ->
				best = AT(u, h)
			:: else
			fi
		}
	}
}

/* The base that a liar's VIEW_CHANGE has a certificate for. */
#ifdef MUTANT_BASE_UNPROVED
#define PROVABLE SLOTS
#else
#define PROVABLE checkpoints
#endif

inline choose(w, k)
{
	best = 0;
#ifndef MUTANT_PROOF_IGNORED
	choose_proof(w, k);
#endif
#ifndef MUTANT_PLEDGES_IGNORED
	choose_pledged(w, k);
#endif
	skip
}

/* Add the outcome of one set of view changes. */
inline select_from(w)
{
	base = (lies == ABSENT -> 0 : PROVABLE);
	for (j : 0 .. CORRECT - 1) {
		if
		:: HAS(j, w) && CHANGE(j, w).stable > base ->
			base = CHANGE(j, w).stable
		:: else
		fi
	}
	last = 0;
	for (k2 : 0 .. SLOTS - 1) {
		lie_about(w, k2);
		choose(w, k2);
		pick[k2] = (k2 < base -> CLOSED : BATCH_OF(best));
		if
		:: pick[k2] > 0 -> last = k2
		:: else
		fi
	}
	/* No holes below what was chosen. */
	for (k2 : 0 .. SLOTS - 1) {
		if
		:: pick[k2] == 0 && k2 < last ->
#ifdef MUTANT_HOLE_ENDS
			last = k2
		:: k2 > last ->
			pick[k2] = 0
#else
			pick[k2] = NULL_BATCH
#endif
		:: else
		fi
	}
#if SLOTS == 1
	outcomes = outcomes | (1 << pick[0])
#else
	outcomes = outcomes | (1 << (pick[0] + RADIX * pick[1]))
#endif
}

#ifdef ALL_LIES
/* Every other lie, of one slot: nothing else is chosen because of it. */
inline lie_otherwise(w)
{
	for (shown : 0 .. AT(w, 0) - 1) {
		for (told : 0 .. AT(w, 0) - 1) {
			if
			:: shown == 0 || BATCH_OF(shown) > 0 &&
			    (certified[BATCH_OF(shown)] >>
				VIEW_OF(shown) & 1) == 1 ->
				choose(w, 0);
				assert((outcomes >> BATCH_OF(best) & 1) == 1)
			:: else
			fi
		}
	}
}
#endif

/* All that NEW_VIEW of w can be, from all sets of view changes. */
inline select_all(w)
{
	outcomes = 0;
#ifdef MUTANT_NEW_VIEW_TRUSTED
	outcomes = (1 << OUTCOMES) - 1;
#else
	for (from : 1 .. (1 << CORRECT) - 1) {
		above = 1;
		for (j : 0 .. CORRECT - 1) {
			if
			:: HAS(j, w) && !CHANGE(j, w).is_sent -> above = 0
			:: else
			fi
		}
		if
		:: above == 1 ->
			for (lies : 0 .. ABSENT) {
				size = COUNT(from) + (lies == ABSENT -> 0 : F);
				if
				:: size >= QUORUM -> select_from(w)
				:: else
				fi
			}
#ifdef ALL_LIES
			size = COUNT(from) + F;
			if
			:: size >= QUORUM -> lie_otherwise(w)
			:: else
			fi
#endif
		:: else
		fi
	}
#endif
	skip
}
