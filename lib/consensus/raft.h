/*
 * The inside of the Raft engine: what it adds to what it shares with PBFT.
 *
 * A term is the engine's `view`, an entry a slot: its term is the slot's
 * view, its batch the slot's only payload.  The log goes from stable + 1 to
 * `proposed`; slots of entries at or below stable stay until their place is
 * needed, for followers that are a little behind.
 */
#ifndef AEGIS_CONSENSUS_RAFT_H
#define AEGIS_CONSENSUS_RAFT_H

#include "consensus/pbft.h"
#include "consensus/record.h"

#define RAFT_NOBODY UINT32_MAX

/* Entries in one APPEND. */
#define RAFT_ENTRIES_MAX 64

enum raft_role {
	RAFT_FOLLOWER,
	RAFT_ASKING, /* a pre-vote: could we win? */
	RAFT_CANDIDATE,
	RAFT_LEADER,
};

/* What the leader knows of a member's log. */
struct follower {
	uint64_t match; /* it has our log durably up to here */
	uint64_t next;  /* the next entry to send */
	uint64_t told;  /* the highest commit it was told of */
	/* Where its log leaves ours is not known: only empty APPENDs, one
	 * at a time. */
	bool is_probed;
	bool is_awaited; /* a probe is on its way */
	uint64_t answered_us;
	uint64_t based_us;  /* when it was last sent a LOG_BASE */
	uint64_t confirmed; /* the last round that it answered */
};

/* What a member asks the leader for a read. */
struct raft_read {
	uint64_t number; /* 0: nothing */
	uint64_t round;  /* that has to be answered; 0: not begun */
	uint64_t seq;    /* what was committed then */
};

struct raft {
	enum raft_role role;
	uint32_t leader;      /* of this term; or RAFT_NOBODY */
	uint32_t last_leader; /* the last that was known */
	uint32_t vote;        /* ours in this term; or RAFT_NOBODY */
	uint64_t term_token;  /* the record of term and vote */
	uint64_t base_term;   /* of the entry at stable */
	uint64_t offer_seq;   /* a LOG_BASE at hand, */
	uint64_t offer_term;  /* and its term */
	uint64_t told_seq;    /* the end of the longest log told at a start, */
	uint64_t told_term;   /* which votes go by as by our own */
	uint32_t told_by;     /* whose it is, a bit each */
	uint64_t told_us;
	uint64_t commit;  /* entries known to be committed */
	uint64_t durable; /* leader: its own entries, on its disk */

	uint32_t grants;   /* asking, candidate: a bit per member */
	uint32_t attempts; /* elections since a leader was heard */
	bool is_sent;      /* candidacy by the leader's own wish */
	uint64_t heard_us; /* the leader, last */
	uint64_t election_due_us;
	uint64_t heartbeat_due_us;
	uint64_t quorum_due_us;   /* leader: a majority must have answered */
	uint64_t resign_until_us; /* 0: it does not mean to */

	/* Reads. */
	uint64_t question; /* our own; 0: none */
	uint32_t asked;    /* whom, */
	uint64_t asked_us; /* and when */
	uint64_t own_seq;  /* leader: the first entry of its term */
	uint64_t round;    /* leader: the newest, in its term */
	struct raft_read reads[ENGINE_MEMBERS_MAX];

	struct follower followers[ENGINE_MEMBERS_MAX];
};

/* --- raft.c --- */

uint32_t raft_primary(const struct engine *e);

/* Enter a term or stay in it, as a follower of leader or of nobody yet. */
void raft_follow(struct engine *e, uint64_t term, uint32_t leader);

/* Tell who leads. */
void raft_announce(struct engine *e);

/* --- raft_log.c: entries, and what of them is committed --- */

/* The term of the entry at seq; false when that is not known. */
bool raft_log_term(struct engine *e, uint64_t seq, uint64_t *term);
uint64_t raft_log_last_term(struct engine *e);

/* Is the entry at seq in memory and known to be committed? */
bool raft_log_has_committed(struct engine *e, uint64_t seq);

/*
 * Append an entry behind all others and write it down; AG_ELIMIT when the
 * window or the memory is full.
 */
enum ag_status raft_log_append(struct engine *e, uint64_t term,
    struct bytes batch) AG_MUST_USE;

/* Drop the entries from seq on. */
void raft_log_truncate(struct engine *e, uint64_t seq);

/* Hand out for execution what is committed. */
void raft_log_deliver(struct engine *e);

/* Is there more of it than this step had room for? */
bool raft_log_is_behind(struct engine *e);

/* The log begins behind seq now, which the cluster has certified. */
void raft_log_begin_behind(struct engine *e, uint64_t seq);
void raft_log_encode_base(struct engine *e, struct encoder *out);

void raft_log_replay(struct engine *e, struct bytes bytes);
void raft_log_start(struct engine *e, const struct event *event);

/* --- raft_election.c --- */

void raft_election_arm(struct engine *e);
void raft_election_tick(struct engine *e);
void raft_election_begin(struct engine *e);

/* Our own vote may have become durable. */
void raft_election_durable(struct engine *e);
void raft_election_request(struct engine *e, uint32_t from, struct decoder *d);
void raft_election_answer(struct engine *e, uint32_t from, struct decoder *d);

/* The leader wishes us to take its place. */
void raft_election_sent(struct engine *e, uint32_t from, struct decoder *d);

/* Be in this term at least, with no vote left to give in it. */
void raft_election_spend(struct engine *e, uint64_t term);

/* A log ends so, as its member told: vote for none that has less. */
void raft_election_told(struct engine *e, uint32_t from, uint64_t seq,
    uint64_t term);

/* Write down term and vote. */
void raft_election_persist(struct engine *e);

/* --- raft_leader.c --- */

void raft_leader_begin(struct engine *e);
void raft_leader_tick(struct engine *e);

/* Propose what waits, and send the followers what they lack. */
void raft_leader_flush(struct engine *e);
void raft_leader_durable(struct engine *e);
void raft_leader_answer(struct engine *e, uint32_t from, struct decoder *d);

/* Hand the leadership to the follower that is the furthest. */
void raft_leader_resign(struct engine *e);
void raft_leader_help(struct engine *e, uint32_t to);
uint64_t raft_leader_deadline(const struct engine *e);

/* Heartbeats in a timeout. */
#define RAFT_HEARTBEATS 8

static inline uint64_t
raft_heartbeat_us(const struct engine *e)
{
	return e->config.view_timeout_us / RAFT_HEARTBEATS + 1;
}

/* --- raft_read.c --- */

/* Our node has a read, and had no other of this number ever. */
void raft_read_ask(struct engine *e, uint64_t number);
void raft_read_tick(struct engine *e);
void raft_read_flush(struct engine *e);

/* The leader's term begins: nobody has asked it yet. */
void raft_read_begin_term(struct engine *e);

/* Ask those again who have not answered the round. */
void raft_read_repeat(struct engine *e);
uint64_t raft_read_deadline(const struct engine *e);
void raft_read_receive_index(struct engine *e, uint32_t from,
    struct decoder *d);
void raft_read_receive_answer(struct engine *e, struct decoder *d);
void raft_read_receive_confirm(struct engine *e, uint32_t from,
    struct decoder *d);
void raft_read_receive_confirmed(struct engine *e, uint32_t from,
    struct decoder *d);

/* --- raft_follower.c --- */

/* Is from the leader of this term?  Then it was heard. */
bool raft_follower_hear(struct engine *e, uint32_t from, uint64_t term);

void raft_follower_append(struct engine *e, uint32_t from, struct decoder *d);
void raft_follower_base(struct engine *e, uint32_t from, struct decoder *d);

#endif
