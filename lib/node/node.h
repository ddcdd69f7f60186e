/*
 * A node: the engine, its log, its state and its links, run as one.
 *
 * Ownership  node_open() hands out a handle, node_close() takes it back.
 * Threads    everything here belongs to the loop's thread; completions are
 *            called on it too.
 */
#ifndef AEGIS_NODE_NODE_H
#define AEGIS_NODE_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/metric.h"
#include "base/status.h"
#include "codec/operation.h"

#define NODE_MEMBERS_MAX 32
#define NODE_NAME_BYTES 64
#define NODE_KEY_TEXT_BYTES 256

struct keyring;
struct keyring_opener;
struct loop;
struct node;

struct node_config {
	const char *data_dir;
	const char *name; /* must be ours; empty: any */
	const char *roster_path;
	const char *listen;        /* host:port; NULL: the roster's address */
	const char *node_key_path; /* or else */
	const struct token_uri *token; /* where the node key is */
	const struct secret *pin;      /* of the token, or NULL */
	bool is_pin_typed;             /* somebody has just typed it */
	uint32_t key_timeout_ms;       /* of a signature by the token */
	const char *link_key_path;
	uint64_t link_key_age_ms; /* older ones are replaced */
	uint64_t rekey_bytes;     /* sessions of links change keys after */
	uint64_t rekey_ms;
	const struct secret *passphrase; /* of keys that have one, or NULL */
	const char *keyring_path;
	struct keyring **keyring; /* opened by the node, closed by who calls:
				     behind the loop, whose pool uses it */
	const struct keyring_opener
	    *keyring_opener;         /* of no kind: there is no keyring */
	unsigned int reseal_percent; /* of the time, for values that are
					sealed with the keys of old epochs */
	uint32_t view_timeout_ms;
	uint32_t checkpoint_interval;
	uint32_t pipeline_max;
	uint32_t batch_bytes_max;
	uint32_t heartbeat_ms;
	uint32_t silent_ms;
	uint64_t log_retain_bytes;
	uint64_t history_age_ms; /* of superseded versions */
	uint64_t history_bytes;  /* of them, at most; 0: none are kept */
	uint64_t clock_skew_max_ms;
	struct metric_set *metrics;
};

/* Recover from disk, start links, join agreement. */
enum ag_status node_open(struct node **out, const struct node_config *config,
    struct loop *loop, struct ag_error *err) AG_MUST_USE;

/*
 * Call fn once when the node can't go on (a failed disk, diverged state);
 * err is for the operator.  The node then only waits to be closed.
 */
void node_on_failure(struct node *node,
    void (*fn)(void *arg, const struct ag_error *err), void *arg);

/* Take no more requests; call done when those in flight are answered. */
void node_drain(struct node *node, void (*done)(void *arg), void *arg);
void node_close(struct node *node);

/*
 * Called once, with AG_OK and the result, or with
 * AG_ENOQUORUM  it did not and will not happen
 * AG_EUNKNOWN   it may yet happen; ask with the same request id
 * AG_EBUSY      not taken: too much is waiting
 */
typedef void node_done_fn(void *arg, enum ag_status status,
    const struct result *result);

struct node_request_id {
	uint8_t principal[32];
	uint64_t number;
};

/*
 * Put one encoded operation to agreement.  timeout_ms bounds the wait, and,
 * with what clocks may differ, when it may still be proposed; not when it is
 * decided.  *id names the request for asking again.
 */
enum ag_status node_submit(struct node *node, struct bytes operation,
    uint32_t timeout_ms, node_done_fn *done, void *arg,
    struct node_request_id *id, struct ag_error *err) AG_MUST_USE;

/* What became of a request: AG_ENOENT when nothing is known of it. */
enum ag_status node_find_request(struct node *node,
    const struct node_request_id *id, struct result *result) AG_MUST_USE;

/* The change that ended a version: its sequence, and its place in that. */
struct node_version_end {
	uint64_t seq; /* UINT64_MAX: it is the present one */
	uint64_t ord;
};

struct node_entry {
	struct bytes key;
	struct bytes value;
	uint64_t version;
	uint64_t created;
	uint64_t modified;
	uint64_t lease;              /* of a page: it is attached to; 0: none */
	struct node_version_end end; /* among a key's versions */
	bool is_deleted;             /* it ended so */
};

struct node_page {
	const struct node_entry *entries;
	size_t count;
	bool more;    /* entries follow the last one */
	uint64_t seq; /* the state this was read from */
	/* Of reads of the past: */
	struct bytes
	    next;        /* at a sequence: where to go on when there is more */
	uint64_t oldest; /* that can be read here */
};

enum node_consistency {
	NODE_LINEARIZABLE,
	NODE_LOCAL,
};

/* page is borrowed for the call; status as for node_done_fn. */
typedef void node_read_fn(void *arg, enum ag_status status,
    const struct node_page *page);

/* Entries with first <= key < last (empty: no end).  One key: count 0 or 1
 * with last = first followed by a zero byte. */
enum ag_status node_read(struct node *node, enum node_consistency consistency,
    struct bytes first, struct bytes last, size_t limit, bool keys_only,
    uint32_t timeout_ms, node_read_fn *done, void *arg,
    struct ag_error *err) AG_MUST_USE;

/*
 * The same as it was at a sequence, by this node alone; a page may be empty
 * and not the last.  done has a page with what is known when its status is
 * AG_EREFUSED  the sequence is before the oldest that this node can answer for
 * AG_EUNREACH  it is not executed here yet
 */
enum ag_status node_read_at(struct node *node, uint64_t seq, struct bytes first,
    struct bytes last, size_t limit, bool keys_only, node_read_fn *done,
    void *arg, struct ag_error *err) AG_MUST_USE;

/*
 * The versions of a key that this node has, by their ends: those after (in
 * reverse, before) that end; { 0, 0 } (UINT64_MAX, 0) for all.
 */
enum ag_status node_read_versions(struct node *node, struct bytes key,
    const struct node_version_end *after, bool is_reverse, size_t limit,
    node_read_fn *done, void *arg, struct ag_error *err) AG_MUST_USE;

/* Changes, in order, without gaps. */
struct node_change {
	uint64_t seq;
	bool is_delete;
	struct node_entry entry;
};

struct node_watch;

/*
 * change is NULL when the watch has ended: changes in between are unknown,
 * because the state moved on by a snapshot or they are not kept any more.  The
 * watch must still be closed.
 */
typedef void node_watch_fn(void *arg, const struct node_change *change);

/*
 * Watch keys with first <= key < last.  from: the first sequence of
 * interest, also one that is still to come; 0 for what comes next.
 * AG_ENOENT when from is no longer kept.
 */
enum ag_status node_watch_new(struct node_watch **out, struct node *node,
    struct bytes first, struct bytes last, uint64_t from, node_watch_fn *fn,
    void *arg, struct ag_error *err) AG_MUST_USE;
void node_watch_close(struct node_watch *watch);

/*
 * A watch from long ago is shown what was in slices, as they are read; while
 * it is held, none.  What comes is shown as it comes.
 */
void node_watch_hold(struct node_watch *watch, bool is_held);

/* All changes up to that were shown; UINT64_MAX: all that were executed. */
uint64_t node_watch_shown(const struct node_watch *watch);

/* When it has ended: the first sequence from which changes are known. */
uint64_t node_watch_known_from(const struct node_watch *watch);

/*
 * A certified snapshot (store/snapshot.h) as a stream: ready is called when
 * the checkpoint is certified; then node_snapshot_read() off the loop.
 */
struct node_snapshot;
typedef void node_snapshot_fn(void *arg, enum ag_status status,
    struct node_snapshot *snapshot);
enum ag_status node_snapshot_open(struct node *node, uint32_t timeout_ms,
    node_snapshot_fn *ready, void *arg, struct ag_error *err) AG_MUST_USE;
enum ag_status node_snapshot_read(struct node_snapshot *snapshot, uint8_t *out,
    size_t cap, size_t *len, struct ag_error *err) AG_MUST_USE;

/* Append what proves a key in it (trust/presence.h); off the loop, too. */
#define NODE_PROOF_BYTES_MAX ((1U << 20) + (64U << 10))
enum ag_status node_snapshot_prove(struct node_snapshot *snapshot,
    struct bytes key, struct buf *out, struct ag_error *err) AG_MUST_USE;
uint64_t node_snapshot_seq(const struct node_snapshot *snapshot);
void node_snapshot_close(struct node_snapshot *snapshot);

enum node_member_state {
	NODE_MEMBER_SELF,
	NODE_MEMBER_OK,
	NODE_MEMBER_BEHIND,
	NODE_MEMBER_REJOINING, /* it gives no votes: some may be forgotten */
	NODE_MEMBER_CONNECTING,
	NODE_MEMBER_SILENT,
};

/* A member, or an observer, of which no vote and no margin speaks. */
struct node_member {
	char name[NODE_NAME_BYTES];
	char address[256];
	enum node_member_state state;
	bool is_primary;
	bool is_observer;
	uint64_t view;
	uint64_t executed;
	uint64_t stable;
	uint64_t rtt_us;
	uint64_t last_heard_ms; /* ago */
	uint64_t link_up_ms;    /* for how long; 0 when down */
	uint64_t retry_ms;      /* until the next dial */
	uint64_t attempts;
	uint64_t tx_bytes, rx_bytes, queued_bytes, dropped_frames;
	uint64_t evidence;          /* records that it signed conflicts */
	uint64_t evidence_first_ms; /* wall, when the oldest was found */
	char error[160];
	char version[32];          /* of its program; empty: not heard yet */
	char node_fingerprint[64]; /* SHA256:… as ssh-keygen -lf */
	char link_fingerprint[64];
	uint64_t link_serial;      /* 0: the link key is the roster's */
	uint64_t link_key_made_ms; /* wall; 0: unknown */
	/* Keys of datagrams: steps taken on the link that is up, and how long
	 * ago the last one was. */
	bool has_datagram_keys;
	uint64_t key_steps, keys_age_ms;
};

enum node_health {
	NODE_OK,        /* all members take part */
	NODE_DEGRADED,  /* quorum, but members are missing */
	NODE_NO_QUORUM, /* writes cannot succeed */
	NODE_STARTING,  /* recovering or catching up */
};

struct node_status {
	char cluster[NODE_NAME_BYTES];
	uint8_t cluster_id[32];
	char strategy[16];
	uint64_t epoch;
	uint32_t self;
	uint32_t member_count;   /* n: those in front of members */
	uint32_t observer_count; /* those behind them */
	uint32_t faults;         /* f */
	uint32_t quorum;
	uint32_t missing; /* members not taking part */
	int32_t margin;   /* f - missing; < 0: no quorum */
	enum node_health health;
	uint64_t view;
	uint32_t primary;
	bool is_changing_view;
	/* When the view began, or the change to another: wall, 0: before
	 * this node did. */
	uint64_t view_since_ms;
	uint64_t view_changes;
	bool is_rejoining;   /* this node gives no votes, */
	uint64_t rejoin_seq; /* until this is stable; 0: not known yet */
	uint64_t removed_at; /* the epoch that is without this node; or 0 */
	/* The node key is in a token: its name, and why it is away. */
	char key_token[NODE_KEY_TEXT_BYTES];  /* "": it is in a file */
	char key_reason[NODE_KEY_TEXT_BYTES]; /* "": it signs */
	uint64_t executed;
	uint64_t stable;
	uint64_t proposed;
	uint8_t stable_digest[32];
	uint64_t time_ms; /* agreed time of the last batch */
	uint64_t keys;
	uint64_t bytes;
	uint64_t pending_requests;
	uint64_t started_ms; /* wall */
	uint64_t commits;    /* operations executed since start */
	uint64_t commit_p50_us, commit_p99_us; /* of our own requests */
	uint64_t sync_p99_us;
	uint64_t log_bytes; /* log on disk */
	/* Superseded versions kept, and the oldest sequence to be read at. */
	uint64_t history_oldest, history_versions, history_bytes;
	/* Proposals whose time was too far from our clock. */
	uint64_t clock_refusals;   /* since start */
	uint64_t clock_refused_ms; /* since the last; when there was one */
	uint32_t clock_member;     /* who proposed it */
	int64_t clock_ahead_ms;    /* its time less ours */
	/* A state being fetched: of which sequence (0: none), how much is
	 * here and right, about how much there is, and who gives it. */
	uint64_t transfer_seq;
	uint64_t transfer_bytes, transfer_total;
	uint32_t transfer_members; /* a bit for each */
	bool are_secrets_locked;   /* or might have been swapped out */
	struct node_member members[NODE_MEMBERS_MAX];
};

void node_status(struct node *node, struct node_status *status);

struct node_round {
	uint64_t seq;
	uint64_t view;
	const char *phase; /* "PROPOSED" … "EXECUTED" */
	uint8_t digest[32];
	uint32_t prepares; /* bit per member */
	uint32_t commits;
	uint32_t requests;
	uint32_t bytes;
	uint64_t age_us;  /* since first seen; 0 unknown */
	uint64_t took_us; /* first seen to executed; 0 unknown */
	bool has_state;   /* its digest after this round is known */
	uint8_t state[32];
};

/* Rounds seq, seq - 1, … downward, at most cap; returns how many. */
size_t node_rounds(struct node *node, uint64_t seq, struct node_round *out,
    size_t cap);

/*
 * Where a request was here, phase by phase.  Times are of this node's clock,
 * microseconds since 1970; 0 unknown.
 */
struct node_trace {
	const char *phase; /* "WAITING", "SENT", "PROPOSED" … "EXECUTED" */
	uint64_t received_us, sent_us, proposed_us, prepared_us, committed_us,
	    executed_us, answered_us;
	const char *answer; /* what its caller was told: a status; or NULL */
	const char *code;   /* its result's; NULL: not known */
	bool has_round;
	struct node_round round;
	uint64_t batch_ms; /* agreed time of its batch; 0 unknown */
};

/* What memory knows; AG_ENOENT: the log may know more. */
enum ag_status node_trace(struct node *node, const struct node_request_id *id,
    struct node_trace *out) AG_MUST_USE;

/* trace is borrowed for the call; AG_ENOENT: the log has nothing of it. */
typedef void node_trace_fn(void *arg, enum ag_status status,
    const struct node_trace *trace, const struct ag_error *err);

/* Read the log; fn is called once.  AG_EBUSY while another is looked for. */
enum ag_status node_trace_log(struct node *node,
    const struct node_request_id *id, node_trace_fn *fn, void *arg,
    struct ag_error *err) AG_MUST_USE;

#define NODE_VIEW_DETAIL_BYTES 64

struct node_view {
	uint64_t view;
	uint32_t primary;
	bool is_changing; /* asked for, and not entered */
	uint32_t askers;  /* whose VIEW_CHANGEs began it; 0: unknown */
	const char *why;  /* this node asked: "timer", …; or NULL */
	char detail[NODE_VIEW_DETAIL_BYTES]; /* what it measured; or empty */
	uint64_t asked_ms;   /* wall, when this node asked; 0: it did not */
	uint64_t began_ms;   /* wall; 0 when it began before this start */
	uint64_t stopped_us; /* nothing was executed for so long; 0: unknown */
};

/* The newest views this node asked for or entered, newest first. */
size_t node_views(struct node *node, struct node_view *out, size_t cap);

/*
 * The commit certificate of seq, or with is_checkpoint the checkpoint
 * certificate at or above it, as a file (trust/certificate_file.h).
 * AG_ENOENT when not kept.
 */
enum ag_status node_certificate(struct node *node, uint64_t seq,
    bool is_checkpoint, struct buf *out, struct ag_error *err) AG_MUST_USE;

/* Proof that a member signed what no correct member signs. */
struct node_evidence {
	const char *id;   /* borrowed until the node is closed */
	const char *kind; /* of a fault: see trust/evidence.h */
	uint32_t member;  /* who signed it */
	bool has_view;    /* else it is of a state, the same in all views */
	uint64_t view;
	uint64_t seq; /* 0: what is of a view has none */
	uint64_t found_ms;
	char text[192];    /* who did what, a sentence */
	struct bytes file; /* trust/evidence.h, borrowed likewise */
};

/* Record number index, oldest first; false: there are no more. */
bool node_evidence(struct node *node, size_t index, struct node_evidence *out);

/* The record of that name; AG_ENOENT. */
enum ag_status node_evidence_find(struct node *node, struct bytes id,
    struct node_evidence *out, struct ag_error *err) AG_MUST_USE;

/* The state as of one sequence: what equal members have in common. */
struct node_state {
	uint64_t seq;
	uint64_t time_ms;
	uint8_t digest[32];
};

/*
 * The digest of everything executed here so far; see trust/state.h.  It is
 * this node's own finding, certified by nobody.  Waits for the batches that
 * are being executed.
 */
enum ag_status node_state(struct node *node, struct node_state *out,
    struct ag_error *err) AG_MUST_USE;

/*
 * Put a successor, as text, to agreement; done as for node_submit().  What it
 * would be refused for is said at once, by the roster of now.
 * AG_ECONFLICT it follows another roster; AG_EINVAL, AG_EFORGED
 */
enum ag_status node_change_members(struct node *node, struct bytes successor,
    uint32_t timeout_ms, node_done_fn *done, void *arg,
    struct node_request_id *id, struct ag_error *err) AG_MUST_USE;

/* The chain of rosters up to the present one (trust/chain.h); borrowed until
 * the loop's next turn. */
struct bytes node_chain(const struct node *node);

/* Key epochs: what is agreed on, and how far this node is. */
#define NODE_KEY_REASON_BYTES 201
#define NODE_KEY_TROUBLE_BYTES 640
#define NODE_KEY_EPOCHS_MAX 16

struct node_key_epochs {
	uint64_t serial; /* decisions so far: what an order is made for */
	uint32_t epoch;
	uint64_t since_seq, since_ms; /* agreed; 0: nothing was sealed yet */
	uint64_t bytes;               /* of values put since */
	uint32_t next;                /* 0: none is decided */
	uint64_t next_seq;
	const char *cause;                  /* "first", "age", … */
	char reason[NODE_KEY_REASON_BYTES]; /* an order's */
	uint32_t suspect; /* keys up to this epoch's may be known */
	uint64_t max_age_ms, max_bytes; /* 0: no limit */
	bool on_member_change;

	uint32_t active;  /* this node seals with that epoch's key */
	const char *need; /* what the oldest key is kept for; NULL: nothing */
	uint64_t need_ms; /* wall, since when */
	uint64_t passed, resealed, keys;      /* values: of so many */
	uint32_t log_epoch;                   /* the least the log needs */
	char trouble[NODE_KEY_TROUBLE_BYTES]; /* or "" */
	uint64_t trouble_ms;                  /* wall, since when */
	struct {
		uint32_t epoch;
		const char *state; /* "active", … */
		uint64_t created_ms;
	} list[NODE_KEY_EPOCHS_MAX];
	size_t count;
};

void node_key_epochs(struct node *node, struct node_key_epochs *keys);

/*
 * Put an order about key epochs (trust/key_order.h) to agreement; as
 * node_change_members().
 * AG_ECONFLICT  it is another cluster's, or was made before another decision
 */
enum ag_status node_order_keys(struct node *node, struct bytes order,
    uint32_t timeout_ms, node_done_fn *done, void *arg,
    struct node_request_id *id, struct ag_error *err) AG_MUST_USE;

/*
 * Make a new link key, certify it, and let it take the place of the old one,
 * here and with the other members.  AG_EDENIED: its file has a passphrase.
 */
enum ag_status node_replace_link_key(struct node *node,
    struct ag_error *err) AG_MUST_USE;

/* Process metrics gathered at scrape time go here first. */
struct metric_set *node_metrics(struct node *node);

#endif
