/*
 * The inside of the PBFT engine, shared by the files that make it up.
 *
 * What has to do with agreement in general serves Raft as well (raft.h):
 * memory, effects, waiting requests, the log's slots, checkpoints, progress.
 * An engine of Raft has `raft`, and no certificates in its slots.
 *
 * STATES   A replica is active in a view or changing to one.
 *          A slot goes empty, proposed, prepared, committed, delivered; a
 *          new view takes it back to proposed, never below what a
 *          certificate proves.
 */
#ifndef AEGIS_CONSENSUS_PBFT_H
#define AEGIS_CONSENSUS_PBFT_H

#include "consensus/engine.h"
#include "consensus/plant.h"
#include "consensus/pool.h"
#include "consensus/reach.h"
#include "trust/evidence.h"
#include "trust/view_message.h"

#define CHECKPOINT_VOTES_KEPT 4
#define CHECKPOINT_DIGESTS_KEPT 8
#define VOTES_QUEUED_MAX 1024
#define TIMEOUT_DOUBLINGS_MAX 6
#define CATCH_UP_SLOTS 16

/* Effects one call may add besides those it has asked room for. */
#define EFFECTS_RESERVED 64

/* How long a vote may wait for other votes to share a message with. */
#define VOTES_HELD_US 5000

/* How long a prepared slot may wait for the PREPAREs of all members. */
#define ALL_WAIT_US 20000

/* Batches kept for a slot: the proposal's, our pledge's, the prepared one. */
#define SLOT_PAYLOADS 3

/* One member's signed vote of one phase for one slot. */
struct vote_cell {
	bool is_present;
	uint64_t token; /* our own: counts once this is durable; else 0 */
	struct digest digest;
	struct vote_proof proof; /* names its view */
};

/* A batch's bytes, in the pool. */
struct payload {
	uint8_t *data; /* NULL: none */
	uint32_t len;
	bool is_logged; /* a record holds it */
	struct digest digest;
};

/* A vote we have given, which binds us: never another for its view. */
struct pledge {
	bool is_given;
	uint64_t view;
	struct digest digest;
};

struct slot {
	uint64_t seq; /* 0: free */
	bool has_proposal;
	uint64_t view; /* of the proposal */
	struct digest digest;
	struct payload payloads[SLOT_PAYLOADS];
	uint64_t time_ms;
	uint32_t requests;
	uint32_t waiters;   /* bit per member at which somebody waits for it */
	bool is_flagged;    /* its batch asks for a checkpoint */
	bool is_carried;    /* a new view chose it: NEW_VIEW was its proposal */
	uint32_t convicted; /* bit per member: its evidence was given */
	struct pledge prepare, commit;
	struct vote_cell *prepares, *commits; /* a cell per member */
	struct certificate *prepared;         /* newest; proof_count 0: none */
	struct certificate *committed;
	bool is_delivered;
	uint64_t token; /* Raft: its record */
	uint64_t proposed_us, prepared_us, committed_us, executed_us;
};

struct checkpoint_vote {
	bool is_present;
	bool is_convicted; /* evidence was given: it signed another state too */
	uint64_t seq;
	uint64_t token; /* it counts once this is durable */
	struct digest digest;
	struct vote_proof proof;
};

/* A member's newest VIEW_CHANGE message, verified. */
struct view_change {
	uint64_t view; /* 0: none; no view change leads to view 0 */
	uint64_t stable_seq;
	uint64_t since_us;
	uint8_t *raw; /* the whole message, in the pool */
	uint32_t len;
};

/* Whose clients wait for a request. */
enum pace_whose {
	PACE_OWN,
	PACE_OTHERS,
	PACE_WHOSE,
};

/* What a view has given, or can be expected to: see pace.c. */
struct pace_figure {
	uint64_t rate; /* own requests in 1000 seconds; 0: not known */
	uint64_t wait_us[PACE_WHOSE]; /* of a request; 0: not known */
};

#define PACE_WAITS 32
#define PACE_WINDOWS 4

struct pace_sum {
	uint64_t busy_us;   /* something waited, */
	uint64_t waited_us; /* all that did, together, */
	uint64_t served;    /* so many were executed, */
	uint64_t served_us; /* and have waited for that, since they came */
};

/* Some time in which something waited. */
struct pace_window {
	struct pace_sum sums[PACE_WHOSE];
	uint64_t batches; /* executed, of whatever requests */
};

/* The pace of a view, measured. */
struct pace {
	uint64_t view;
	uint64_t begins_us;  /* what comes before is not measured */
	uint64_t own_us;     /* when something of our own waited last */
	uint64_t counted_us; /* what waits is counted up to here, */
	uint64_t due_us;     /* and looked at then */
	uint64_t delivered;  /* before this window */
	struct pace_window now, last[PACE_WINDOWS];
	uint64_t windows; /* how many there were before this */
	struct pace_sum view_sums[PACE_WHOSE]; /* in all of them */
	struct pace_figure shown;              /* in those not slow */
	uint32_t demand;            /* thousandths of what is expected */
	uint32_t slow_times;        /* in a row */
	uint64_t unfair_times;      /* the median: what is unfair now */
	bool is_passed_over;        /* only others' requests were executed */
	const char *why;            /* we blame the primary, last, */
	uint64_t blamed_us;         /* then */
	bool is_blaming;            /* we say that the primary must be left */
	uint64_t rate, expected;    /* at the last look */
	uint64_t waits[PACE_WAITS]; /* of requests executed */
	uint64_t executed;          /* how many those were */
	uint64_t median_us;         /* of their waits; 0: not known */
};

/* Raft: the last term in which a member voted for us or acknowledged. */
struct bond {
	uint64_t term;
	uint64_t seq;   /* the highest entry that it acknowledged in it; or 0 */
	bool has_voted; /* for us */
};

struct peer {
	uint64_t view;
	uint64_t delivered;
	uint64_t applied;
	uint64_t lag; /* of applied behind ours, as it was told */
	uint64_t stable;
	bool is_changing;
	uint64_t wanted;   /* at or above it, a checkpoint; 0: it wants none */
	bool is_rejoining; /* it says that it does not vote, */
	uint64_t rejoining_us; /* and did so first then */
	uint64_t blamed_view;  /* view + 1 whose primary it wants left; or 0 */
	uint64_t blamed_us;    /* when it last said so */
	struct pace_figure pace; /* of its last view as primary */
	uint64_t recalled_seq;   /* its stable checkpoint when we asked, */
	uint64_t recalled_view;  /* and the view it knew of */
	struct bond bond;        /* Raft: what it owes us */
	uint64_t heard_us;       /* its last message */
	uint64_t told_us;        /* its last PROGRESS */
	uint64_t answered_us;    /* when we last helped it */
	uint64_t answered_at;    /* what it had delivered then */
	uint64_t history_at;     /* the history it last lacked began here */
	uint64_t asked_us;       /* since when its questions are counted */
	uint32_t asked;          /* and how many there were */
	struct {
		uint32_t spent;    /* verifications, doubt.c says which; */
		uint64_t interval; /* not 0: last reckoned in this one */
		bool is_convicted; /* there is evidence against it */
	} doubt;
	uint32_t patience; /* doublings before its lone view change is
				 joined again */
	uint32_t owes;     /* PREPAREs in time until it is waited for */
	uint32_t fine;     /* what it owed when it last came too late, less
				 what was forgiven since */
	uint32_t in_time;  /* times in time, towards the next of it */
	struct view_change view_change;
	struct checkpoint_vote checkpoints[CHECKPOINT_VOTES_KEPT];
	uint32_t pending_bytes; /* of requests it forwarded */
};

/* A request waiting to be executed. */
struct pending {
	struct pending *next, *previous; /* by arrival */
	struct pending *chain;           /* in its hash bucket */
	struct digest digest;
	uint32_t len;
	uint32_t source; /* the member that gave it; self for our clients */
	uint64_t since_us;
	uint64_t proposed_view; /* view + 1 of its proposal; 0: none */
	uint64_t proposed_seq;
	uint64_t shared_us;       /* when it was last sent again, */
	uint32_t shares;          /* and how often, in this view */
	bool is_forwarded;        /* to the primary of this view */
	uint64_t executed_before; /* others, in this view */
	uint8_t raw[];
};

#define PENDING_BUCKETS 1024

/* Requests remembered as executed, at most. */
#define PENDING_EXECUTED 2048

struct executed {
	struct digest digest;
	uint64_t seq;
};

/* What a new view must go on with: Castro & Liskov 1999, section 4.4. */
struct selection {
	uint64_t base; /* the highest stable checkpoint proved */
	struct bytes certificate;
	uint64_t count; /* sequences base + 1 … base + count */
	struct {
		bool is_chosen; /* else a null request */
		uint64_t view;
		struct digest digest;
	} * entries; /* window of them */
};

struct engine {
	struct engine_config config;       /* its authority is doubt.c's, */
	const struct authority *authority; /* which asks this one */
	void *authority_ctx;
	uint32_t quorum, faults;
	uint32_t everybody; /* PREPAREs that decide: all members' */

	/* Set by the step under way. */
	const struct event *event;
	uint32_t verified; /* of its message, and not charged to anybody */
	struct effects *effects;
	uint8_t *scratch;
	size_t scratch_cap, scratch_used;
	struct certificate *spare; /* to decode into */
	struct selection selection;

	struct pool pool;
	struct slot *slots;
	uint32_t slot_count;
	struct peer *peers;
	struct raft *raft; /* NULL: this is PBFT */

	uint64_t now_us;
	bool is_started, has_failed;
	uint64_t work_from; /* slots from here on wait for room; 0: none */
	bool has_replayed;  /* at least one record */
	uint64_t last_token, durable_token;
	uint64_t birth_token; /* the first record of an empty log; or 0 */

	/* What we voted for: memory.c. */
	struct horizon horizon;     /* as it was last told to be written */
	uint64_t horizon_step;      /* sequences it was last moved by, */
	uint64_t horizon_raised_us; /* and when */
	bool is_rejoining;          /* we give no votes, */
	bool has_told_rejoining;    /* and have said so */
	bool is_asking;             /* nor before others told of ours, */
	uint64_t asking_until_us;   /* which is waited for up to then */
	uint32_t asked_heard;       /* bit per member asked as it was heard */
	bool has_recalled_vote;     /* somebody has voted in this cluster */
	uint64_t recall_nonce;      /* our question's; 0: nobody is asked */
	uint64_t recall_until_us;   /* when to stop asking, if all is well */
	uint32_t recalled;          /* bit per member that answered */

	/* Views. */
	uint64_t view;
	bool is_changing;
	uint32_t attempts; /* view changes since the last progress */
	uint64_t view_since_us;
	uint64_t quorum_since_us; /* changing: when 2f+1 asked for it */
	uint8_t *new_view;        /* the NEW_VIEW that began this view */
	uint32_t new_view_len;
	/* What is decided up to here, or to go on with, is NEW_VIEW's alone
	 * to say: no proposal of this view is for it. */
	uint64_t chosen_to;
	uint64_t new_view_convicted; /* whose primary began it twice; or 0 */
	uint32_t change_forgers;     /* bit per member: evidence was given of a
				       VIEW_CHANGE with a forgery, */
	uint32_t new_view_forgers;   /* and of a NEW_VIEW */
	uint64_t view_changes;
	uint64_t resend_us; /* when to repeat our VIEW_CHANGE */
	struct pace pace;

	/* The log. */
	uint64_t stable;
	struct digest stable_digest;
	struct certificate *stable_certificate; /* proof_count 0 at start */
	uint64_t stable_token;      /* its record, not yet durable; or 0 */
	uint64_t told_stable;       /* since the start; 0: none */
	struct certificate *target; /* certified above what we have; or none */
	uint64_t proposed;
	uint64_t delivered;
	uint64_t applied;
	uint64_t last;           /* what is executed ends here; 0: it goes on */
	uint64_t clock_refusals; /* see struct engine_status */
	uint64_t clock_refused_us;
	uint32_t clock_member;
	int64_t clock_ahead_ms;
	struct {
		uint64_t seq;
		struct digest digest;
	} own_digests[CHECKPOINT_DIGESTS_KEPT];
	uint64_t fetch_seq; /* a state fetch was asked for; 0: none */
	uint64_t fetch_asked_us;
	uint32_t fetch_members; /* who was to be asked then */
	struct {
		uint64_t gap; /* to the target, when it was looked at; or 0 */
		uint64_t since_us;
		uint32_t doublings; /* of the time that history is given */
	} chase;

	/* Requests. */
	struct pending *oldest, *newest;
	struct pending *unproposed;  /* all before it are, in this view */
	struct pending *unforwarded; /* all before it are, in this view */
	struct pending *buckets[PENDING_BUCKETS];
	struct executed executed[PENDING_EXECUTED]; /* by hash, newest only */
	size_t pending_count, pending_bytes;
	size_t pending_own;     /* those of our own clients */
	size_t forwarded_bytes; /* sent to the primary, in this view */
	bool wants_checkpoint;
	uint64_t wanted_since_us;
	uint64_t flagged_us;  /* when we last flagged a batch for a peer */
	uint64_t advance_to;  /* batches are proposed up to it, of nothing if
				 need be */
	uint64_t advanced_us; /* when that was last decided */

	/* Votes waiting for the end of the turn. */
	struct vote votes[VOTES_QUEUED_MAX];
	uint32_t vote_count;
	uint32_t held_count; /* the first of them: told to those who wait, and
				held for the others */
	uint64_t held_since_us;
	uint64_t all_due_us; /* the first wait for everybody ends; or MAX */
	bool is_fast;        /* all PREPAREs decided what we delivered last */
	struct vote_proof proofs[VOTE_BUNDLE_MAX];

	uint64_t
	    last_progress_us; /* something was delivered, or a view began */
	uint64_t next_progress_us; /* when PROGRESS is due */
	uint64_t view_token;       /* of the record of our view */
	uint64_t written_bytes;    /* of all records */
	struct {
		uint64_t token, bytes; /* written when it was looked at, */
		uint64_t durable;      /* and bytes of before that are */
	} written;
	uint64_t caught_up;   /* delivered when we last said so */
	bool is_history_held; /* none is taken until our state comes on */
};

/* --- emit.c: effects and the memory they borrow --- */

/* Room for len more bytes of scratch, and for some more effects. */
bool emit_has_room(const struct engine *e, size_t len);
void emit_begin(struct engine *e, struct encoder *out);

/* What was encoded since emit_begin(); empty when it did not fit. */
struct bytes emit_end(struct engine *e, const struct encoder *out);
uint64_t emit_persist(struct engine *e, uint64_t seq, struct bytes record);
/* Of what nobody is promised: durable soon is soon enough. */
void emit_persist_lazily(struct engine *e, uint64_t seq, struct bytes record);
void emit_send(struct engine *e, uint32_t members, struct bytes message,
    uint64_t after);

/* What promises nothing, at once, whatever waits for a disk. */
void emit_send_promptly(struct engine *e, uint32_t members,
    struct bytes message);
struct effect *emit(struct engine *e, enum effect_kind kind);
void emit_fatal(struct engine *e, const char *text);

/* --- engine.c: what is the same whatever the strategy --- */

bool engine_config_is_sound(const struct engine_config *c);
uint32_t engine_others(const struct engine *e);

/* May this sequence still be executed in our epoch? */
static inline bool
engine_goes_on(const struct engine *e, uint64_t seq)
{
	return e->last == 0 || seq <= e->last;
}

/*
 * Do we vote?  Who lacks the state that the epoch begins with does not, until
 * a quorum has another: checkpoint.c says why.
 */
bool engine_votes(const struct engine *e);

/* Who proposes now, as far as we know. */
uint32_t engine_primary(const struct engine *e);
void engine_describe(const struct engine *e, struct engine_status *status);

/*
 * Nothing at or below it is to be decided: delivered or certified, or with
 * Raft committed, which it may be before it can be delivered.
 */
uint64_t engine_floor(const struct engine *e);

/* --- slot.c: the log between the watermarks --- */

struct slot *slot_find(struct engine *e, uint64_t seq);

/* The slot of a sequence inside the window, begun if need be; or NULL. */
struct slot *slot_open(struct engine *e, uint64_t seq);
void slot_free(struct engine *e, struct slot *slot);
struct payload *slot_payload(struct slot *slot, const struct digest *digest);

/* Bytes of its proposal's batch; 0 without. */
uint32_t slot_bytes(const struct slot *slot);

/* May a view change ask us for the batch of this digest? */
bool slot_needs(const struct slot *slot, const struct digest *digest);

/* Keep a batch's bytes; AG_ELIMIT when the pool is full. */
enum ag_status slot_hold(struct engine *e, struct slot *slot,
    const struct digest *digest, struct bytes batch) AG_MUST_USE;
void slot_describe(struct engine *e, struct slot *slot);
/* The least time a batch for seq may carry: that of the one before; or 0. */
uint64_t slot_least_ms(struct engine *e, uint64_t seq);
uint32_t slot_count(const struct engine *e, const struct vote_cell *cells,
    uint64_t view, const struct digest *digest);
bool cell_counts(const struct engine *e, const struct vote_cell *cell,
    uint64_t view, const struct digest *digest);
void slot_certify(const struct engine *e, const struct slot *slot,
    enum vote_phase phase, uint32_t most, struct certificate *out);
void null_batch(struct bytes *batch, struct digest *digest);

/* --- pending.c: requests waiting to be executed --- */

void pending_take(struct engine *e, uint32_t source, struct bytes raw);
void pending_executed(struct engine *e, struct bytes batch, uint64_t seq);

/* Nothing more is executed in this epoch: forget all that waits. */
void pending_drop_all(struct engine *e);

/* A view begins: everything waits to be proposed again. */
void pending_new_view(struct engine *e);
void pending_mark_proposed(struct engine *e, struct bytes batch, uint64_t seq);
bool pending_is_known(const struct engine *e, struct bytes raw);

/* Send on what the primary, or after a while everybody, should know. */
void pending_forward(struct engine *e);

/* Since when the oldest request waits; UINT64_MAX without one. */
uint64_t pending_since(const struct engine *e);

/* When it is to be sent again. */
uint64_t pending_share_due(const struct engine *e);

/* --- proposal.c --- */

void proposal_make(struct engine *e);

/* Does somebody wait for a checkpoint, and none is on its way? */
bool proposal_flag_is_due(struct engine *e);
void proposal_clear_wants(struct engine *e);

/* A batch of what waits, or of nothing but a flag; empty when neither. */
struct bytes proposal_fill(struct engine *e, bool flagged, struct encoder *out);
void proposal_receive(struct engine *e, uint32_t from, struct decoder *d);

/* Take digest as the proposal of seq in our view; its batch may follow. */
void proposal_accept(struct engine *e, struct slot *slot,
    const struct digest *digest);

/* The proposal and its batch are there: prepare it. */
void proposal_prepare(struct engine *e, struct slot *slot);
bool proposal_is_sound(struct engine *e, struct bytes batch, uint64_t least_ms);

/* --- memory.c: do we know what we voted for? --- */

/* After the replay: false when we can't go on. */
bool memory_start(struct engine *e, const struct event *event);

/* A vote for seq, or word of a view, is about to be written down. */
void memory_reach(struct engine *e, uint64_t view, uint64_t seq);

/* The same for everything that the log holds. */
void memory_cover(struct engine *e);

/* A stable checkpoint is durable: may we vote again? */
void memory_settle(struct engine *e);

/* A certificate that holds: is a vote of ours in it that we do not know? */
void memory_check(struct engine *e, const struct certificate *c);

/* A vote of ours that holds: do we not know of it? */
void memory_check_vote(struct engine *e, const struct vote *vote,
    uint64_t view);

/* Ours to a member of Raft: have we forgotten it? */
void memory_check_bond(struct engine *e, uint32_t to, const struct bond *bond);

/* A view that we asked for: the same. */
void memory_check_view(struct engine *e, uint64_t view);

/* A NEW_VIEW of ours that holds, of a view that we are not in. */
void memory_check_begun(struct engine *e, uint64_t view);

/* Has this member ever voted, as far as it knows? */
bool memory_has_votes(const struct engine *e);

/* The others were asked: what we know of our votes is all there is. */
void memory_trust(struct engine *e);

/* Enough answers are there: they bound our votes, */
void memory_bound(struct engine *e);

/* or nobody has voted yet, nor have we. */
void memory_be_born(struct engine *e);

/* --- recall.c: what do others know of our votes? --- */

/* A question of this number, or of one made up, is open from now on. */
void recall_begin(struct engine *e, uint64_t nonce);
void recall_ask(struct engine *e);

/* Ask those again that are heard now, and no longer than they may take. */
void recall_flush(struct engine *e);
void recall_tick(struct engine *e);
uint64_t recall_deadline(const struct engine *e);

/* Raft: a member has voted for us, or acknowledged what is up to seq. */
void recall_bind(struct engine *e, uint32_t member, uint64_t seq,
    bool has_voted);
void recall_receive(struct engine *e, uint32_t from, struct decoder *d);
void recall_receive_answer(struct engine *e, uint32_t from, struct decoder *d);

/* --- doubt.c: how much is verified of a member that wastes it --- */

/* From now on the engine's authority counts. */
void doubt_init(struct engine *e);

/* A message begins: is it heard, now, of this member? */
bool doubt_hears_message(struct engine *e, uint32_t from, uint64_t type);

/* Is anything of it verified; or what decides nothing yet? */
bool doubt_hears(struct engine *e, uint32_t member);
bool doubt_hears_early(struct engine *e, uint32_t member);

/* What was just verified holds, and decides nothing yet: its signer pays. */
void doubt_early(struct engine *e, uint32_t signer, uint32_t cost);

/* All that was verified of the message was in vain, as its sender could have
 * known. */
void doubt_waste(struct engine *e);

/* There is evidence against these members, a bit each. */
void doubt_convict(struct engine *e, uint32_t members);

/* --- vote.c --- */

void vote_give(struct engine *e, enum vote_phase phase, uint64_t seq,
    const struct digest *digest);
void vote_flush(struct engine *e);

/* The end of waiting for everybody's PREPAREs: go on without. */
void vote_stop_waiting(struct engine *e);

/* When held votes must go; UINT64_MAX: none are held. */
uint64_t vote_held_until(const struct engine *e);

/* A vote with its proof, as VOTE_PROOFS has it. */
void vote_encode(struct encoder *out, const struct vote *vote,
    const struct vote_proof *proof);
void vote_decode(struct decoder *d, struct vote *vote);
void vote_receive(struct engine *e, uint32_t from, struct decoder *d);
void vote_receive_proofs(struct engine *e, uint32_t from, struct decoder *d);
void vote_take(struct engine *e, const struct vote *vote,
    const struct vote_proof *proof, uint64_t token);

/* Move a slot as far as its votes allow. */
void vote_advance(struct engine *e, struct slot *slot);

/* Could this vote still change anything here? */
bool vote_is_useful(struct engine *e, const struct vote *vote, uint32_t member,
    uint64_t view);

/* Room in this step for what a slot can ask for at once. */
bool vote_has_room(const struct engine *e);

/* Remember that the slots from seq on are to be looked at again. */
void vote_put_off(struct engine *e, uint64_t seq);

/*
 * Prepare and advance all slots from seq on; what finds no room in this
 * step's effects is done in the next ones.
 */
void vote_advance_from(struct engine *e, uint64_t seq);

/* Take a certificate's word that seq is committed. */
void vote_commit(struct engine *e, struct slot *slot,
    const struct certificate *certificate);
void deliver_ready(struct engine *e);

/* Hand out a batch for execution: the next one. */
void deliver(struct engine *e, const struct certificate *certificate,
    struct bytes batch, bool is_checkpoint);

/* --- conflict.c: members that contradict themselves --- */

/* Tell of two verified statements of one member; false: no room now. */
bool conflict_report(struct engine *e, enum evidence_kind kind, uint64_t seq,
    const struct evidence_statement *one,
    const struct evidence_statement *other);

/* A message of member's that was refused: does it convict its signer? */
void conflict_forged(struct engine *e, enum evidence_kind kind, uint32_t member,
    uint64_t view, struct bytes body);

/* A certificate that holds contradicts ours: stop. */
void conflict_certified(struct engine *e, const struct certificate *ours,
    const struct certificate *theirs);

/* Has the primary of our view signed another beginning of it? */
void conflict_new_view(struct engine *e, struct bytes body);

/* --- checkpoint.c --- */

void checkpoint_applied(struct engine *e, uint64_t seq, bool has_digest,
    const struct digest *digest);

/* Our state of seq is the last of the epoch. */
void checkpoint_last(struct engine *e, uint64_t seq);

/* The digest of our own state after seq, if it is known still. */
const struct digest *checkpoint_own(const struct engine *e, uint64_t seq);

/* The highest sequence of which it is; 0: none. */
uint64_t checkpoint_own_highest(const struct engine *e);

/* Our own state's digest after seq, from before a restart. */
void checkpoint_remember(struct engine *e, uint64_t seq,
    const struct digest *digest);

/* Vote again for what we remember and is not stable. */
void checkpoint_renew(struct engine *e);
void checkpoint_vote_take(struct engine *e, const struct vote *vote,
    const struct vote_proof *proof, uint64_t token);
void checkpoint_receive(struct engine *e, struct decoder *d);

/* A certificate that has been verified.  If it contradicts one that we have, we
 * stop. */
void checkpoint_certified(struct engine *e, const struct certificate *c);
void checkpoint_installed(struct engine *e, const struct event *event);
void checkpoint_durable(struct engine *e, uint64_t before);

/* Raft: more of the log is known to be committed. */
void checkpoint_committed(struct engine *e);

/* Say that our stable checkpoint is one; its record is durable. */
void checkpoint_tell(struct engine *e);

/* Begin the log behind a certified state, whether we have it or not. */
void checkpoint_adopt(struct engine *e, const struct certificate *c);

/* Is the state's digest wanted after seq, or after a batch that asks for it? */
bool checkpoint_is_due(const struct engine *e, uint64_t seq, bool is_flagged);
void checkpoint_persist(struct engine *e);
void checkpoint_chase(struct engine *e);

/* A snapshot waits for a state that can be shown to be right. */
void checkpoint_want(struct engine *e);

/* Say which state of ours f + 1 members have, if somebody waits for one. */
void checkpoint_vouch(struct engine *e);

/* --- view_change.c --- */

uint32_t view_primary(const struct engine *e, uint64_t view);

/* We are active and the primary. */
bool view_is_primary(const struct engine *e);

/* How long a view may stand still, as patience is now. */
uint64_t view_timeout_us(const struct engine *e);

/* Ask for a view; the effect that says so may be added to. */
struct effect *view_change_start(struct engine *e, uint64_t view,
    const char *why);

/* Ask for the next, because the oldest request waits while others do not. */
void view_change_unfair(struct engine *e);

/* Views ahead of ours a lone member is followed at most. */
#define LONE_VIEWS_MAX 64
void view_change_receive(struct engine *e, struct bytes body);

/* Send our own again to whoever may have missed it. */
void view_change_repeat(struct engine *e);

/* Show a member the last one that we have of it. */
void view_change_show(struct engine *e, uint32_t member);

/* Act on the view changes at hand. */
void view_change_consider(struct engine *e);
void view_change_timers(struct engine *e);
uint64_t view_change_deadline(const struct engine *e);

/* Read the next of a VIEW_CHANGE's pledges. */
void view_change_pledge(struct decoder *d, uint64_t *seq,
    struct pledge *pledge);

/* Read from hostile bytes and verify everything in it. */
bool view_change_verify(struct engine *e, struct bytes body,
    struct view_change_fields *fields);

void view_sign(struct engine *e, const char *purpose, uint64_t view,
    struct bytes statement, uint8_t signature[static SIGNATURE_BYTES]);
bool view_signed_by(struct engine *e, const char *purpose, uint32_t member,
    uint64_t view, struct bytes statement,
    const uint8_t signature[static SIGNATURE_BYTES]);

/* Forget votes not sent yet, but those for checkpoints. */
void view_drop_votes(struct engine *e);

/* Keep the NEW_VIEW that began this view, to show to others. */
void view_keep_new_view(struct engine *e, struct bytes raw);

/* --- pace.c: a primary that is slower than others were, or unfair --- */

/* A view begins, for which we waited so long. */
void pace_begin(struct engine *e, uint64_t waited_us);

/* What waits now has waited until now: before requests come or go. */
void pace_count(struct engine *e);

/* A request that waited here is executed. */
void pace_executed(struct engine *e, const struct pending *request);

/* How long a request waits until more members than the primary get it. */
uint64_t pace_share_us(const struct engine *e);

/* Leave the primary if enough members blame it, and we do. */
void pace_consider(struct engine *e);
void pace_tick(struct engine *e);
uint64_t pace_deadline(const struct engine *e);

/* --- new_view.c --- */

void new_view_try(struct engine *e);
void new_view_receive(struct engine *e, struct bytes body);
void new_view_restore(struct engine *e, struct bytes body);

/* The window has moved: open the slots of what NEW_VIEW chose beyond it. */
void new_view_extend(struct engine *e, uint64_t old_stable);

/* --- progress.c: what is lost is asked for again --- */

void progress_send(struct engine *e);

/* Note what a member says of itself; false when it is not well said. */
bool progress_note(struct engine *e, uint32_t from, struct decoder *d);
void progress_receive(struct engine *e, uint32_t from, struct decoder *d);
void progress_tick(struct engine *e);
void progress_fetch(struct engine *e);
void progress_receive_fetch(struct engine *e, uint32_t from, struct decoder *d);
void progress_receive_batch(struct engine *e, struct decoder *d);
void progress_receive_committed(struct engine *e, struct decoder *d);

/* Count a member's question; false when it asks too much. */
bool progress_may_ask(struct engine *e, uint32_t member);

/* Our state has been executed further: ask for what was not taken. */
void progress_state_came_on(struct engine *e);

/* Sequences that member is behind our state, as far as is known. */
uint64_t progress_lag(const struct engine *e, uint32_t member);

/* Show a member our stable checkpoint, and votes of ours it may lack. */
void progress_show_checkpoint(struct engine *e, uint32_t to);
void progress_show_votes(struct engine *e, uint32_t to);
bool progress_peers_lead(const struct engine *e);
bool progress_hears_quorum(const struct engine *e);

/* --- recover.c --- */

void recover_record(struct engine *e, struct bytes record);

void recover_start(struct engine *e, const struct event *event);

/* The epoch has ended here; its proof may be known from before. */
void recover_last(struct engine *e, uint64_t seq);

/* Say again, to be sent, all that we stand by. */
void recover_renew(struct engine *e);

#endif
