/*
 * A node's parts, shared by the files that make up lib/node's front:
 * node.c opens and wires them, node_status.c describes them.
 */
#ifndef AEGIS_NODE_NODE_PARTS_H
#define AEGIS_NODE_NODE_PARTS_H

#include <limits.h>

#include "codec/message.h"
#include "consensus/engine.h"
#include "crypto/openssh_key.h"
#include "crypto/secret.h"
#include "crypto/sign.h"
#include "crypto/signer.h"
#include "keyring/keyring.h"
#include "net/net.h"
#include "node/applier.h"
#include "node/driver.h"
#include "node/epochs.h"
#include "node/expiry.h"
#include "node/feed.h"
#include "node/history.h"
#include "node/inbox.h"
#include "node/log_search.h"
#include "node/node.h"
#include "node/reads.h"
#include "node/requests.h"
#include "node/rotation.h"
#include "node/snapshots.h"
#include "node/state_dir.h"
#include "node/sync.h"
#include "node/view_log.h"
#include "node/watches.h"
#include "node/witness.h"
#include "token/token_signer.h"
#include "trust/identity.h"
#include "trust/link_book.h"
#include "trust/link_key.h"
#include "trust/request.h"
#include "trust/roster.h"

#define NODE_VIEW_CAUSES 7

struct node {
	char data_dir[PATH_MAX];
	char listen[ROSTER_ADDRESS_BYTES]; /* empty: the roster's address */
	struct node_config config; /* texts but these two are the opener's */
	struct loop *loop;
	int lock_fd;
	struct keyring *keyring; /* what its files are sealed with */
	struct roster roster;
	struct chain_start epoch_start;
	struct buf chain; /* of rosters, up to ours */
	struct buf
	    next_chain;      /* up to the one that follows, once it is known */
	uint64_t last_seq;   /* the epoch's last; 0: it goes on */
	bool is_ending;      /* and its certificate is known */
	bool is_told;        /* what follows, by a member that has gone over */
	uint32_t told_by;    /* the same, when it goes on without us */
	uint64_t told_us;    /* when the first did */
	uint64_t removed_at; /* the epoch that is without us; 0: none is */
	uint32_t self;
	struct secret *node_key;
	struct signer node_signer;  /* signs with the node key, */
	struct token_signer *token; /* which is in there; or NULL */
	bool is_mute;               /* it does not sign: see node_key.c */
	bool is_settling; /* it does again, and we are about to go on */
	struct metric *key_away;
	struct link_key link;
	char link_path[PATH_MAX];
	struct link_book book; /* of the others' */
	struct loop_timer *link_timer;
	struct metric *link_made;
	struct identity identity;
	struct request_signer signer;
	struct metric_set *metrics;
	struct metric *operations;
	struct metric *rejoining; /* 1: this node gives no votes */
	struct metric *observing; /* 1: it is an observer */

	struct applier *applier;
	struct rotation *rotation;
	struct expiry *expiry;
	struct requests *requests;
	struct reads *reads;
	struct watches *watches;
	struct snapshots *snapshots;
	struct driver *driver;
	struct inbox *inbox;
	struct net *net;
	struct sync *sync;
	struct history *history;
	struct feed
	    *feed; /* of observers; NULL: there are none, or we are one */
	struct log_search *search;
	node_trace_fn *on_trace; /* who waits for the search */
	void *trace_arg;
	struct node_request_id trace_id;
	struct witness *witness;
	char log_dir[PATH_MAX];

	bool is_open, is_draining, has_failed;
	struct ag_error failure;
	void (*on_failure)(void *arg, const struct ag_error *err);
	void *failure_arg;
	void (*on_drained)(void *arg);
	void *drained_arg;

	uint32_t links_up; /* bit per node */
	uint64_t heard_us[NODE_MEMBERS_MAX];
	uint64_t started_ms, started_us;
	uint64_t sync_due_seq, sync_interval;
	uint64_t log_bytes_most, log_bytes_growth; /* then the log is cut */
	struct buf stable_certificate;
	uint64_t stable_certificate_seq;
	struct metric *views_asked[NODE_VIEW_CAUSES];
	struct view_log views;
	uint64_t quorum_lost_us; /* 0: there is one */
};

/* A round as others see it (node_status.c). */
void node_round_fill(const struct node *node, const struct engine_round *r,
    struct node_round *out);
const char *node_phase_name(enum round_phase phase);

void node_fatal(struct node *node, const struct ag_error *err);

/* --- node.c, for node_epoch.c --- */

/* Who we are by the present roster.  AG_ENOENT: no member. */
enum ag_status node_identify(struct node *node,
    struct ag_error *err) AG_MUST_USE;

/* What belongs to one epoch: evidence, agreement and links. */
enum ag_status node_open_epoch(struct node *node,
    struct ag_error *err) AG_MUST_USE;
void node_close_epoch(struct node *node);

/* --- node_key.c --- */

/* Load the node key, or open its token; and its end. */
enum ag_status node_key_open(struct node *node,
    const struct node_config *config, struct ag_error *err) AG_MUST_USE;
void node_key_close(struct node *node);

/* For the driver, of a node whose key is in a token. */
bool node_key_cannot_sign(void *arg);
void node_key_muted(void *arg);

/* What was delivered before the key was away is executed. */
void node_key_settled(struct node *node);

/* --- node_expiry.c --- */

enum ag_status node_expiry_open(struct node *node,
    struct ag_error *err) AG_MUST_USE;

/* Batches were executed, or a state put in the place of ours. */
void node_expiry_agreed(struct node *node);

/* --- node_rotation.c --- */

/* Key epochs, once there is an applier; and what it says of them. */
enum ag_status node_rotation_open(struct node *node,
    struct ag_error *err) AG_MUST_USE;
void node_rotation_resealed(void *arg, uint32_t epoch);

/* What is left of a fetch goes once a later state is stable. */
void node_forget_fetch(struct node *node, uint64_t stable);

/* --- node_link.c --- */

/* The link key, replaced if it is old; the directory is ours. */
enum ag_status node_link_open(struct node *node,
    const struct node_config *config, struct ag_error *err) AG_MUST_USE;
void node_link_close(struct node *node);

/* What is known of the link keys of this epoch's nodes. */
enum ag_status node_link_open_book(struct node *node,
    struct ag_error *err) AG_MUST_USE;

/* The links have learned of another's, and verified it. */
void node_link_learn(struct node *node, uint32_t member,
    const struct link_certificate *certificate);

/* A node's newest, and when it was made; wall, 0: unknown. */
void node_link_of(const struct node *node, uint32_t member,
    struct link_certificate *certificate, uint64_t *made_ms);

/* --- node_epoch.c --- */

/* Is our state the last of the epoch, and certified?  Then go on. */
void node_consider_end(struct node *node);

/* The last state is durable. */
void node_end_epoch(struct node *node);

/* A member says that this epoch follows ours. */
void node_take_epoch(struct node *node, uint32_t member, struct bytes epoch);

/* What was decided here before it said so is durable. */
void node_leave_epoch(struct node *node);

/* A checkpoint of this epoch is stable: what was before may go. */
void node_forget_epoch(struct node *node, uint64_t stable);

/* Does this node follow, and not vote? */
bool node_is_observer(const struct node *node);

/* Members whose links are up, ourselves included if we are one. */
uint32_t node_reachable(const struct node *node);

/* Fewer than a quorum have been reachable for longer than a moment. */
bool node_lacks_quorum(struct node *node);

#endif
