/*
 * The agreement engine: events in, effects out.
 *
 * An engine is a pure step function over a fixed piece of memory.  It has no
 * clock, no I/O, no threads, no randomness and allocates nothing after
 * engine_init(); whoever drives it (the node, or the simulator) owns time,
 * the disk and the network.  The same events in the same order give the
 * same effects, byte for byte.
 *
 * THE DRIVER'S DUTIES
 *   1. Effects are carried out in order.  A PERSIST names a token; tokens
 *      rise by one.  Records are appended in token order and made durable
 *      together; then one PERSISTED event names the highest durable token.
 *      One that is_lazy carries no promise: it need not be made durable
 *      before something waits for it or a later one, only soon.
 *   2. A SEND or DELIVER that names `after` waits until that token is
 *      durable.  Nothing a peer could hold us to leaves earlier.
 *   3. DELIVERs are executed in order.  When the state machine has executed
 *      up to seq, APPLIED says so; for a batch delivered with is_checkpoint
 *      it carries the digest of the state after that batch.
 *   4. After each turn (all events at hand stepped), one FLUSH: votes wait
 *      for it, so that one signature covers a turn's votes.
 *   5. deadline_us in the effects is the next moment a TICK is due.
 *   6. At start: one REPLAY per durable record, oldest first, then START.
 *      Nothing is sent during REPLAY.
 *   7. FATAL: stop the node; its text goes to the operator.
 *   8. Records may be dropped once a stable checkpoint's own record is
 *      durable, and the state it speaks of too (until then a state that
 *      comes back older is executed again from the records): the checkpoint's
 *      record carries the certificate and where we stand in views, so
 *      replay may begin at it.  A PERSIST names in seq the sequence its
 *      record belongs to (0: none); records of sequences above the stable
 *      one are kept.  The stable checkpoint may be ahead of the state.
 *   9. A membership ends its epoch: after its batch nothing is executed,
 *      whatever is delivered, and APPLIED, START and INSTALLED say so with
 *      is_last and the digest.  The engine then only brings about that this
 *      state is certified, which STABLE tells, also after a restart.  The
 *      next epoch is another engine's, that begins behind that state.  Whose
 *      node is no member of that one goes on here until more of those who
 *      are have begun it than may be lost: they may be too few without it.
 *  10. HORIZON: write it down apart from the records, before any record that
 *      comes after it counts as durable.  START brings it back.
 *
 * Two strategies are behind this: PBFT (pbft.c), whose members may lie, and
 * Raft (raft.c), whose members may only crash.  What PBFT calls a view and
 * its primary, Raft calls a term and its leader.
 *
 * Everything in effects (records, messages, batches) borrows from the engine
 * until the next step.  Event bytes are borrowed by the engine for the step.
 *
 * Ownership  the memory is the caller's; the engine lives inside it.
 * Threads    one at a time.
 */
#ifndef AEGIS_CONSENSUS_ENGINE_H
#define AEGIS_CONSENSUS_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "trust/certificate.h"
#include "trust/horizon.h"

#define ENGINE_MEMBERS_MAX 32
#define ENGINE_EFFECTS_MAX 1024

struct engine;

struct engine_config {
	struct trust_scope scope;      /* cluster id, epoch, fault model */
	uint32_t member_count;         /* n, 1..ENGINE_MEMBERS_MAX */
	uint32_t self;                 /* our index, < n */
	uint32_t checkpoint_interval;  /* K: a checkpoint at least each K */
	uint32_t window;               /* L: sequences above the stable
					   checkpoint that may be in the log;
					   >= 2 K */
	uint32_t pipeline_max;         /* proposals in flight, 1..window */
	uint32_t batch_bytes_max;      /* one batch, encoded */
	uint32_t batch_requests_max;   /* envelopes in one batch */
	uint32_t pending_bytes_max;    /* requests waiting to be ordered */
	uint64_t view_timeout_us;      /* base of the view timer; doubles */
	uint64_t progress_interval_us; /* how often PROGRESS is sent */
	uint64_t first_seq;            /* sequences begin above this; a restored
			       cluster's goes on where its backup stood, and an
			       epoch where the one before ended.  A state that
			       is not there yet is fetched */
	struct digest first_digest;    /* of the state at first_seq */
	uint64_t clock_skew_max_ms;    /* a proposal's time against ours */
	const struct authority *authority; /* signs and verifies */
	void *authority_ctx;
};

enum event_kind {
	EVENT_REPLAY,    /* record: one durable record, before START */
	EVENT_START,     /* seq: applied by the state machine already;
			    has_digest and digest of that state when known;
			    horizon; token: a number that no other start had,
			    or 0 to ask nobody what it knows of our votes
			    before we vote again; members: against whom
			    evidence is kept, a bit each */
	EVENT_TICK,      /* time only */
	EVENT_MESSAGE,   /* member: authenticated sender; body */
	EVENT_SUBMIT,    /* body: an envelope of our clients, rightly signed */
	EVENT_PERSISTED, /* token: this and all lower ones are durable */
	EVENT_APPLIED,   /* seq; has_digest and digest at a checkpoint;
			    is_last: of this epoch */
	EVENT_INSTALLED, /* seq, digest: state transfer put this in place;
			    body: the certificate, of a quorum or vouched */
	EVENT_CHECKPOINT_WANTED, /* a snapshot waits for a certified point */
	EVENT_FLUSH,             /* end of the turn */
	EVENT_RESIGN,            /* we are about to stop: let another lead */
	EVENT_READ, /* token: a read's, that no other of this member had, also
		       before a restart; it takes the place of the one before */
};

struct event {
	enum event_kind kind;
	uint64_t now_us;  /* monotonic, never falls */
	uint64_t wall_ms; /* our clock, for judging proposed times */
	uint32_t member;
	uint32_t members;
	uint64_t seq;
	uint64_t token;
	bool has_digest;
	bool is_last;
	const struct horizon *horizon; /* NULL: none is kept */
	struct digest digest;
	struct bytes body;
};

enum effect_kind {
	EFFECT_PERSIST,     /* token, body: append this record; is_lazy */
	EFFECT_SEND,        /* members, after, body: one wire message;
			       is_prompt: it need not keep its place among
			       others, which may wait for a disk */
	EFFECT_DELIVER,     /* seq, view, digest, body: execute this batch;
			       after; is_checkpoint: digest wanted */
	EFFECT_FETCH_STATE, /* seq, digest, certificate in body: we are too
			       far behind; members: who has it */
	EFFECT_HISTORY,     /* member lacks what was agreed from seq on and we
			       keep in no memory: send it COMMITTEDs from the
			       records, some more than were asked for before */
	EFFECT_STABLE,      /* seq, digest, certificate in body; token: that of
			       the durable record of it; records up to
			       here are needed for catch-up only */
	EFFECT_VOUCHED,     /* seq, digest, certificate in body: f + 1 members
			       have our state of seq, which is enough for
			       who needs a state; no quorum has signed */
	EFFECT_VIEW,        /* view, member: its primary; is_changing: text why
			       we ask for it, or NULL after a restart, and
			       since_us; else members: who asked for it.
			       "slow": measured and expected requests in 1000
			       seconds; "unfair": body: the request, or empty,
			       and microseconds it waited, and others */
	EFFECT_EVIDENCE,    /* member: culprit; body: self-contained proof */
	EFFECT_REFUSED,     /* body: a submitted envelope we had no room for */
	EFFECT_HORIZON,     /* horizon: how far our votes may go from now on,
			       and what is known of those before */
	EFFECT_REJOINING,   /* is_rejoining: votes may be forgotten, and none
			       are given until seq (0: not known yet) is
			       stable; or they are given again */
	EFFECT_READ,        /* token: this read is right of a state that was
			       executed up to seq; unless that is the epoch's
			       last, for the next may have begun elsewhere */
	EFFECT_FATAL,       /* text */
};

struct effect {
	enum effect_kind kind;
	uint32_t members; /* bit per member index; never our own for SEND */
	uint32_t member;
	uint64_t token;
	uint64_t after;
	uint64_t seq;
	uint64_t view;
	uint64_t since_us; /* something waits since then; UINT64_MAX: nothing */
	uint64_t measured; /* VIEW: what we ask for it because of, */
	uint64_t expected; /* and what should have been: see text */
	bool is_checkpoint;
	bool is_changing;
	bool is_lazy;
	bool is_prompt;
	bool is_rejoining;
	struct digest digest;
	struct bytes body;
	struct bytes certificate; /* DELIVER: its commit certificate; Raft
				     has none */
	const struct horizon *horizon;
	const char *text;
};

struct effects {
	struct effect list[ENGINE_EFFECTS_MAX];
	size_t count;
	uint64_t deadline_us; /* UINT64_MAX: none */
};

/* Where the engine stands; a copy, safe to keep. */
struct engine_status {
	uint64_t view;
	uint32_t primary;
	bool is_changing_view;
	uint64_t delivered; /* highest sequence handed out for execution */
	uint64_t applied;   /* highest sequence the state machine reports */
	uint64_t proposed;  /* highest sequence known in this view */
	uint64_t stable;    /* stable checkpoint */
	struct digest stable_digest;
	uint64_t view_changes; /* since init */
	size_t pending_requests;
	size_t pending_bytes;
	/* Votes we gave may be forgotten: we give none for now (memory.c). */
	bool is_rejoining;
	uint64_t rejoin_seq; /* until this is stable; 0: not known yet */
	bool is_asking;      /* nor before others told what they know of them */
	/* Proposals refused because their time was too far from ours. */
	uint64_t clock_refusals;                  /* since init */
	uint64_t clock_refused_us;                /* now_us at the last */
	uint32_t clock_member;                    /* who proposed it */
	int64_t clock_ahead_ms;                   /* its time less ours */
	uint64_t member_view[ENGINE_MEMBERS_MAX]; /* last told us */
	uint64_t member_applied[ENGINE_MEMBERS_MAX];
	uint64_t member_lag[ENGINE_MEMBERS_MAX]; /* behind ours, when it told:
						    we go on meanwhile */
	uint64_t member_stable[ENGINE_MEMBERS_MAX];
	bool member_rejoining[ENGINE_MEMBERS_MAX];
};

enum round_phase {
	ROUND_EMPTY,
	ROUND_PROPOSED,
	ROUND_PREPARED,
	ROUND_COMMITTED,
	ROUND_EXECUTED,
};

/* One sequence number as the engine sees it, for inspection. */
struct engine_round {
	uint64_t seq;
	uint64_t view;
	enum round_phase phase;
	struct digest digest;
	uint32_t prepares; /* bit per member */
	uint32_t commits;
	uint32_t requests;
	uint32_t bytes;
	uint64_t proposed_us; /* now_us when first seen */
	uint64_t prepared_us;
	uint64_t committed_us;
	uint64_t executed_us;
};

/* A way to agree.  The cluster's genesis names one. */
struct strategy {
	const char *name;    /* "pbft", "raft" */
	bool reads_by_index; /* READ is answered; else a linearizable read has
				to be ordered as a write is */
	/* Bytes of memory an engine of this configuration needs. */
	size_t (*size)(const struct engine_config *config);
	/* Lay out an engine in memory (64-byte aligned, of any content). */
	struct engine *(*init)(void *memory, size_t len,
	    const struct engine_config *config);
	void (*step)(struct engine *engine, const struct event *event,
	    struct effects *effects);
	void (
	    *status)(const struct engine *engine, struct engine_status *status);
	/* AG_ENOENT when seq is not in the log. */
	enum ag_status (*round)(const struct engine *engine, uint64_t seq,
	    struct engine_round *round);
};

extern const struct strategy strategy_pbft;
extern const struct strategy strategy_raft;

/* NULL for an unknown name. */
const struct strategy *strategy_find(const char *name);

#endif
