/*
 * The driver: carries out what the agreement engine asks for.
 *
 * THE ORDERING RULE  persist, sync, then send.  A message or a batch that
 * names a token waits here until the journal says that token is durable.
 * Every other module may be careless about it, because nothing leaves the
 * node but through this queue.
 *
 * Ownership  driver_open() hands out a handle, driver_close() takes it back.
 * Threads    the loop's; net callbacks only put frames into the inbox.
 */
#ifndef AEGIS_NODE_DRIVER_H
#define AEGIS_NODE_DRIVER_H

#include <stdbool.h>
#include <stdint.h>

#include "consensus/engine.h"
#include "node/applier.h"
#include "node/node.h"
#include "trust/roster.h"

struct driver;
struct journal;
struct net;

struct driver_config {
	struct loop *loop;
	const struct node_config *node;
	const struct roster *roster;
	uint64_t first_seq; /* the epoch begins above this state */
	struct digest first_digest;
	bool is_last; /* the state that is there is the last of its epoch */
	uint32_t convicted; /* bit per member: evidence is kept against it */
	uint32_t self;
	const struct strategy *strategy;
	const struct authority *authority;
	void *authority_ctx;
	const char *log_dir;
	const char *horizon_path;
	struct keyring *keyring; /* what the log is sealed with */
	struct metric_set *metrics;
};

/* How the driver reaches the parts around it; all on the loop's thread. */
struct driver_callbacks {
	void *arg;
	/* What was sent should leave: the turn is over, or the disk is to be
	 * waited for. */
	void (*flush)(void *arg);
	/* Execute; is_checkpoint asks for the digest (driver_applied). */
	void (*deliver)(void *arg, uint64_t seq, bool is_checkpoint,
	    struct bytes batch);
	/* The turn is over: execute what was delivered in it.  is_idle: the
	 * loop would now only wait. */
	void (*execute)(void *arg, bool is_idle);
	/* Send one message to the members in the set. */
	void (*send)(void *arg, uint32_t members, struct bytes body);
	/* The engine can't catch up by the log. */
	void (*fetch_state)(void *arg, uint64_t seq, uint32_t members);
	void (*stable)(void *arg, uint64_t seq, struct bytes certificate);
	/* member lacks what was agreed from seq on. */
	void (*history)(void *arg, uint32_t member, uint64_t seq);
	/* f + 1 members have our state of seq. */
	void (*vouched)(void *arg, uint64_t seq, struct bytes certificate);
	/* A view was entered; askers: whose asking began it, or 0. */
	void (
	    *view)(void *arg, uint64_t view, uint32_t primary, uint32_t askers);
	/* We ask for one, as EFFECT_VIEW says. */
	void (*view_asked)(void *arg, const struct effect *effect);
	/* Votes may be forgotten, and none are given until seq is stable (0:
	 * it is not known yet); or they are given again. */
	void (*rejoining)(void *arg, bool is_rejoining, uint64_t seq);
	void (*refused)(void *arg, struct bytes envelope);
	/* Do reads wait that nothing was asked for yet? */
	bool (*read_wanted)(void *arg);
	/* They may see a state that was executed up to seq. */
	void (*read_ready)(void *arg, uint64_t seq);
	void (*evidence)(void *arg, uint32_t member, struct bytes proof);
	/* The next envelope of local requests, or AG_EAGAIN. */
	enum ag_status (*envelope)(void *arg, struct bytes *envelope);
	void (*fatal)(void *arg, const struct ag_error *err);
	/* Has a signature failed?  NULL: none ever does. */
	bool (*cannot_sign)(void *arg);
	/* Nothing is stepped, sent or executed from now on. */
	void (*muted)(void *arg);
};

/*
 * Recover the engine from the log; applied is where the state stands, and
 * digest is that state's.  AG_ECORRUPT when the log is damaged, or tells less
 * than voting needs.
 */
enum ag_status driver_open(struct driver **out,
    const struct driver_config *config,
    const struct driver_callbacks *callbacks, uint64_t applied,
    const struct digest *digest, struct ag_error *err) AG_MUST_USE;
void driver_close(struct driver *driver);

/* Begin to take part: after the links are started. */
void driver_start(struct driver *driver);

void driver_message(struct driver *driver, uint32_t member, struct bytes body);

/* A request that is rightly signed, of another node's callers. */
void driver_submit(struct driver *driver, struct bytes envelope);
void driver_applied(struct driver *driver, const struct applied *applied);
void driver_installed(struct driver *driver, uint64_t seq, bool is_last,
    const struct digest *digest, struct bytes certificate);
void driver_want_checkpoint(struct driver *driver);

/* The node is about to stop: if it leads, another should. */
void driver_resign(struct driver *driver);

/*
 * Checkpoint seq is durable in the state database: logs may be cut, with
 * is_all also of what should be kept for others.
 */
void driver_synced(struct driver *driver, uint64_t seq, bool is_all);

/* The least key epoch that the log is sealed with; 0: none. */
uint32_t driver_log_epoch(const struct driver *driver);

/* There are local requests: flush at the end of this turn. */
void driver_touch(struct driver *driver);

void driver_status(const struct driver *driver, struct engine_status *status);

/* As the engine has it, or as it was kept; AG_ENOENT. */
enum ag_status driver_round(const struct driver *driver, uint64_t seq,
    struct engine_round *round) AG_MUST_USE;

/* Our own state's digest after seq, borrowed; NULL when it is not known. */
const struct digest *driver_state(const struct driver *driver, uint64_t seq);
uint64_t driver_sync_p99_us(const struct driver *driver);

/* Bytes of the log on disk. */
uint64_t driver_log_bytes(const struct driver *driver);

/* Where in the log seq begins at the earliest; 0: it is there no more. */
uint64_t driver_find_record(const struct driver *driver, uint64_t seq);

/* Commit certificate of a recently delivered sequence; AG_ENOENT. */
enum ag_status driver_certificate(const struct driver *driver, uint64_t seq,
    struct buf *out) AG_MUST_USE;

#endif
