/*
 * A node: what is started in which order, and how its parts reach one
 * another.  This is the only file that knows all of them.
 *
 *   net thread ──frames──▶ inbox ──▶ driver (engine) ──▶ journal thread
 *   api ──▶ requests, reads ──▶ driver ──▶ applier thread ──▶ watches
 *
 * RULES    1. Parts are opened from the disk upwards (state, log, agreement,
 *             links) and closed the other way round: nothing calls into a
 *             part that is gone.
 *          2. A data directory is used by one process: a lock file says so.
 *          3. After a fatal fault the node answers nothing and waits to be
 *             closed; a restart recovers from disk.
 */
#include "node/node.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "consensus/observer.h"
#include "event/loop.h"
#include "node/genesis.h"
#include "node/node_parts.h"
#include "trust/setup.h"

#define WATCH_KEEP_BYTES ((size_t)16 << 20)
#define INBOX_MEMBER_BYTES ((size_t)16 << 20)

/* By how much the log may grow before it is cut, at the least. */
#define LOG_GROWTH_LEAST (UINT64_C(16) << 20)

static void
on_frame(void *arg, uint32_t member, const struct frame *frame)
{
	struct node *n = arg;

	n->heard_us[member] = clock_mono_us();
	if (frame->class == FRAME_BULK)
		sync_frame(n->sync, member, frame->body);
	else if (member < n->roster.member_count)
		driver_message(n->driver, member, frame->body);
	else if (n->feed != NULL)
		feed_message(n->feed, member, frame->body, clock_mono_us());
}

static void
on_link(void *arg, uint32_t member, bool is_up)
{
	struct node *n = arg;

	if (is_up)
		n->links_up |= 1U << member;
	else
		n->links_up &= ~(1U << member);
}

/* On the links' thread. */
static void
on_net_frame(void *arg, uint32_t member, const struct frame *frame)
{
	inbox_put(((struct node *)arg)->inbox, member, frame);
}

static void
on_net_link(void *arg, uint32_t member, bool is_up)
{
	inbox_put_link(((struct node *)arg)->inbox, member, is_up);
}

static void
on_behind(void *arg, uint32_t member, struct bytes epoch)
{
	node_take_epoch(arg, member, epoch);
}

static void
on_net_behind(void *arg, uint32_t member, struct bytes epoch)
{
	inbox_put_epoch(((struct node *)arg)->inbox, member, epoch);
}

static void
on_link_key(void *arg, uint32_t member,
    const struct link_certificate *certificate)
{
	node_link_learn(arg, member, certificate);
}

static void
on_net_link_key(void *arg, uint32_t member,
    const struct link_certificate *certificate)
{
	inbox_put_link_key(((struct node *)arg)->inbox, member, certificate);
}

static void
node_fatal_memory(struct node *n, const char *what)
{
	struct ag_error err;

	(void)ag_fail(&err, AG_ENOMEM, "%s: out of memory", what);
	node_fatal(n, &err);
}

/* Observers get what we execute, with what proves it. */
static void
feed_observers(struct node *n, uint64_t seq, struct bytes batch)
{
	struct buf certificate;

	buf_init(&certificate, CERTIFICATE_BYTES_MAX);
	if (driver_certificate(n->driver, seq, &certificate) == AG_OK)
		feed_decided(n->feed, seq, buf_bytes(&certificate), batch);
	buf_fini(&certificate);
}

static void
on_deliver(void *arg, uint64_t seq, bool is_checkpoint, struct bytes batch)
{
	struct node *n = arg;

	if (n->feed != NULL)
		feed_observers(n, seq, batch);
	if (applier_deliver(n->applier, seq, is_checkpoint, batch) != AG_OK)
		node_fatal_memory(n, "queue a batch");
}

static void
on_execute(void *arg, bool is_idle)
{
	applier_execute(((struct node *)arg)->applier, is_idle);
}

static void
on_send(void *arg, uint32_t members, struct bytes body)
{
	struct node *n = arg;
	uint64_t type = message_type_of(body);

	if (n->net == NULL)
		return;
	/* Where a member stands helps observers to choose whom to follow. */
	if (type == MESSAGE_PROGRESS)
		members |= roster_observers(&n->roster);
	/* What a link loses is asked for again; see aegis-consensus(7). */
	if (net_send(n->net, members, message_class(type), body) != AG_OK)
		log_debug("node", "message not queued",
		    LOG_TEXT("type", message_name(type)));
}

static void
on_flush(void *arg)
{
	struct node *n = arg;

	if (n->net != NULL)
		net_flush(n->net);
}

static void
on_fetch_state(void *arg, uint64_t seq, uint32_t members)
{
	struct node *n = arg;

	if (n->sync != NULL)
		sync_fetch(n->sync, seq, members);
}

/* Members take turns: all of them waiting for their disks at once would make
 * everybody's clients wait. */
static uint64_t
sync_due_after(const struct node *n, uint64_t seq)
{
	uint64_t turn =
	    n->sync_interval * n->self / roster_node_count(&n->roster);

	return seq + n->sync_interval -
	    (seq + n->sync_interval - turn) % n->sync_interval;
}

static void
sync_when_due(struct node *n, uint64_t seq)
{
	/* Logs are cut behind checkpoints, but not for every one: making
	 * the state durable costs more than keeping some log. */
	if (seq < n->sync_due_seq &&
	    driver_log_bytes(n->driver) < n->log_bytes_most)
		return;
	n->sync_due_seq = sync_due_after(n, seq);
	n->log_bytes_most = UINT64_MAX;
	if (applier_sync(n->applier, seq) != AG_OK)
		node_fatal_memory(n, "queue a checkpoint");
}

static void
on_stable(void *arg, uint64_t seq, struct bytes certificate)
{
	struct node *n = arg;

	buf_clear(&n->stable_certificate);
	if (buf_append(&n->stable_certificate, certificate.data,
		certificate.len) == AG_OK)
		n->stable_certificate_seq = seq;
	if (n->snapshots != NULL)
		snapshots_stable(n->snapshots, seq, certificate);
	if (n->feed != NULL)
		feed_stable(n->feed, seq, certificate);
	/* One that is told of while the driver opens was one before. */
	if (n->driver != NULL)
		sync_when_due(n, seq);
	node_forget_epoch(n, seq);
	node_forget_fetch(n, seq);
	node_consider_end(n);
}

static void
on_history(void *arg, uint32_t member, uint64_t seq)
{
	struct node *n = arg;

	if (n->history != NULL)
		history_send(n->history, member, seq);
}

static uint64_t
on_history_find(void *arg, uint64_t seq)
{
	return driver_find_record(((struct node *)arg)->driver, seq);
}

static void
on_history_message(void *arg, uint32_t member, struct bytes message)
{
	on_send(arg, 1U << member, message);
}

static void
on_feed_submit(void *arg, struct bytes envelope)
{
	driver_submit(((struct node *)arg)->driver, envelope);
}

static size_t
on_feed_waiting(void *arg)
{
	struct engine_status status;

	driver_status(((struct node *)arg)->driver, &status);
	return status.pending_bytes;
}

static void
on_vouched(void *arg, uint64_t seq, struct bytes certificate)
{
	struct node *n = arg;

	if (n->snapshots != NULL)
		snapshots_vouched(n->snapshots, seq, certificate);
}

static void
on_view(void *arg, uint64_t view, uint32_t primary, uint32_t askers)
{
	struct node *n = arg;

	log_info("consensus", "view entered", LOG_U64("view", view),
	    LOG_TEXT("primary", n->roster.members[primary].name));
	view_log_entered(&n->views, view, primary, askers,
	    n->is_open ? clock_wall_ms() : 0);
}

/* As view_change.c has them. */
static const char *const view_causes[NODE_VIEW_CAUSES] = { "timer", "slow",
	"unfair", "again", "joined", "lone", "rejoined" };

static void
node_make_view_metrics(struct node *n)
{
	char labels[32];
	size_t i;

	for (i = 0; i < NODE_VIEW_CAUSES; i++) {
		(void)snprintf(labels, sizeof(labels), "why=\"%s\"",
		    view_causes[i]);
		n->views_asked[i] = metric_new(n->metrics, METRIC_COUNTER,
		    "aegis_views_asked_total",
		    "Views that this node asked for, by why", labels);
	}
}

static void
node_count_view_asked(struct node *n, const char *why)
{
	size_t i;

	for (i = 0; i < NODE_VIEW_CAUSES; i++)
		if (why != NULL && strcmp(why, view_causes[i]) == 0)
			metric_add(n->views_asked[i], 1);
}

static void
on_view_asked(void *arg, const struct effect *effect)
{
	struct node *n = arg;
	const char *why = effect->text;
	char detail[NODE_VIEW_DETAIL_BYTES];

	view_log_explain(detail, effect);
	log_info("consensus", "changing view", LOG_U64("view", effect->view),
	    LOG_TEXT("primary", n->roster.members[effect->member].name),
	    LOG_TEXT("why", why != NULL ? why : "restart"),
	    LOG_TEXT("detail", detail[0] != '\0' ? detail : "none"));
	node_count_view_asked(n, why);
	view_log_asked(&n->views, effect, detail,
	    (struct view_log_time){ clock_mono_us(), clock_wall_ms() });
}

static void
on_rejoining(void *arg, bool is_rejoining, uint64_t seq)
{
	metric_set_value(((struct node *)arg)->rejoining, is_rejoining);
	if (!is_rejoining)
		log_info("consensus",
		    "voting again: what may be forgotten is settled");
	else if (seq == 0)
		log_warn("consensus",
		    "not voting: votes may be forgotten, and the other "
		    "members are asked how far they went");
	else
		log_warn("consensus",
		    "not voting until a checkpoint is stable: votes up to it "
		    "may be forgotten",
		    LOG_U64("seq", seq));
}

static void
on_refused(void *arg, struct bytes envelope)
{
	requests_refuse(((struct node *)arg)->requests, envelope);
}

static bool
on_read_wanted(void *arg)
{
	return reads_ask(((struct node *)arg)->reads);
}

static void
on_read_ready(void *arg, uint64_t seq)
{
	struct node *n = arg;

	reads_indexed(n->reads, seq, n->last_seq);
}

static void
on_evidence(void *arg, uint32_t member, struct bytes proof)
{
	witness_take(((struct node *)arg)->witness, member, proof);
}

static enum ag_status
on_envelope(void *arg, struct bytes *envelope)
{
	return requests_envelope(((struct node *)arg)->requests, envelope);
}

static void
on_fatal(void *arg, const struct ag_error *err)
{
	node_fatal(arg, err);
}

static void
on_applied(void *arg, const struct applied *applied)
{
	struct node *n = arg;

	metric_add(n->operations, (int64_t)applied->operations);
	rotation_agreed(n->rotation, applier_key_epochs(n->applier),
	    applied->seq);
	view_log_executed(&n->views, clock_mono_us());
	watches_publish(n->watches, applied->changes, applied->change_count,
	    applied->seq);
	driver_applied(n->driver, applied);
	node_expiry_agreed(n);
	requests_set_time(n->requests, applied->time_ms);
	requests_applied(n->requests, applied->outcomes,
	    applied->outcome_count);
	if (applied->is_last)
		n->last_seq = applied->seq;
	reads_applied(n->reads, n->last_seq);
	if (applied->is_last)
		node_consider_end(n);
}

static void
on_pinned(void *arg, void *pin_arg, enum ag_status status,
    struct store_pin *pin)
{
	snapshots_pinned(((struct node *)arg)->snapshots, pin_arg, status, pin);
}

static void
on_synced(void *arg, uint64_t seq)
{
	struct node *n = arg;

	driver_synced(n->driver, seq, rotation_cuts_log(n->rotation));
	n->log_bytes_most = driver_log_bytes(n->driver) + n->log_bytes_growth;
	if (n->is_ending && seq == n->last_seq)
		node_end_epoch(n);
	if (n->is_told && seq == 0)
		node_leave_epoch(n);
	if (n->is_settling && seq == 0)
		node_key_settled(n);
}

static void
on_applier_failed(void *arg, const struct ag_error *err)
{
	node_fatal(arg, err);
}

static void
on_want_checkpoint(void *arg)
{
	struct node *n = arg;

	if (n->driver != NULL)
		driver_want_checkpoint(n->driver);
}

static enum ag_status
on_sync_send(void *arg, uint32_t member, const struct bytes *parts,
    size_t count)
{
	struct node *n = arg;

	/* A part of which the signature has failed is not sent. */
	if (n->net == NULL || n->is_mute ||
	    (n->token != NULL && node_key_cannot_sign(n)))
		return AG_EUNREACH;
	return net_send_parts(n->net, 1U << member, FRAME_BULK, parts, count);
}

/* A fetched state has been verified: put it in place of ours. */
static void
on_state_ready(void *arg, const char *dir, uint64_t seq,
    const struct digest *digest, struct bytes certificate)
{
	struct node *n = arg;
	bool is_last;
	enum ag_status status;
	struct ag_error err;

	status = applier_replace(n->applier, dir, seq, &err);
	if (status == AG_EEXIST) {
		if (state_dir_remove(dir, &err) != AG_OK)
			log_warn("node", "a fetched state is left behind",
			    LOG_TEXT("error", err.text));
		return;
	}
	if (status != AG_OK) {
		node_fatal(n, &err);
		return;
	}
	log_info("node", "state installed", LOG_U64("seq", seq));
	watches_reset(n->watches, seq);
	rotation_replaced(n->rotation);
	rotation_agreed(n->rotation, applier_key_epochs(n->applier), seq);
	is_last = applier_is_last(n->applier);
	if (is_last)
		n->last_seq = seq;
	driver_installed(n->driver, seq, is_last, digest, certificate);
	requests_set_time(n->requests, applier_time_ms(n->applier));
	requests_recheck(n->requests, n->applier);
	node_expiry_agreed(n);
	reads_applied(n->reads, n->last_seq);
	node_consider_end(n);
}

/*
 * What to do about damage.  The keys stay, with the horizon beside them, and
 * so does request-number: what is fetched from the peers is the log's and the
 * state's contents only.
 */
static void
node_advise_rejoin(const struct node *n, struct ag_error *err)
{
	size_t len = strlen(err->text);

	if (roster_node_count(&n->roster) == 1) {
		(void)snprintf(err->text + len, sizeof(err->text) - len,
		    "; there is no other member to bring it back from: restore "
		    "a backup (aegis-backup(1))");
		return;
	}
	(void)snprintf(err->text + len, sizeof(err->text) - len,
	    "; to rejoin from the other members, move log and state out of "
	    "%s, leave the rest, and start it again (aegis-node(8), "
	    "REJOINING)",
	    n->data_dir);
}

void
node_fatal(struct node *n, const struct ag_error *err)
{
	if (n->has_failed)
		return;
	n->has_failed = true;
	n->failure = *err;
	if (err->status == AG_ECORRUPT)
		node_advise_rejoin(n, &n->failure);
	log_error("node", "fatal", LOG_TEXT("reason", n->failure.text));
	if (n->on_failure != NULL)
		n->on_failure(n->failure_arg, &n->failure);
}

/* One process for a data directory. */
static enum ag_status
node_lock(struct node *n, struct ag_error *err)
{
	char path[PATH_MAX];
	enum ag_status status;

	status = fs_join(path, sizeof(path), n->data_dir, "lock", err);
	if (status == AG_OK)
		status =
		    fs_open(&n->lock_fd, path, O_RDWR | O_CREAT, 0600, err);
	if (status != AG_OK)
		return status;
	if (flock(n->lock_fd, LOCK_EX | LOCK_NB) == -1)
		return ag_fail(err, AG_EBUSY,
		    "open data directory %s: another node is running on it",
		    n->data_dir);
	return AG_OK;
}

/* The lock is held: nobody else changes it. */
static enum ag_status
node_open_keyring(struct node *n, const struct node_config *config,
    struct ag_error *err)
{
	enum ag_status status;

	if (config->keyring_opener->kind == 0)
		return ag_fail(err, AG_ENOENT,
		    "open keyring %s: there is none; put it back, or, for a "
		    "node without log and state, make one (aegis keys create)",
		    config->keyring_path);
	status = keyring_open(&n->keyring, config->keyring_path,
	    config->keyring_opener, true, err);
	*config->keyring = n->keyring;
	return status == AG_OK
	    ? keyring_bind(n->keyring, n->roster.cluster_id, err)
	    : status;
}

/* What to do about a file that is not there. */
static void
node_advise_missing(struct ag_error *err, const char *advice)
{
	const size_t len = strlen(err->text);

	if (err->status == AG_ENOENT)
		(void)snprintf(err->text + len, sizeof(err->text) - len, "; %s",
		    advice);
}

static enum ag_status
node_load_files(struct node *n, const struct node_config *config,
    struct ag_error *err)
{
	enum ag_status status;

	status = node_key_open(n, config, err);
	if (status == AG_OK && !fs_exists(config->link_key_path))
		status = ag_fail(err, AG_ENOENT,
		    "open link key %s: No such file or directory",
		    config->link_key_path);
	if (status != AG_OK && n->token == NULL && config->token != NULL)
		return status;
	if (status != AG_OK) {
		node_advise_missing(err,
		    "aegis node init makes a member's keys, and "
		    "node.data_dir says where they are");
		return status;
	}
	status = epochs_load(&n->roster, &n->epoch_start, &n->chain,
	    config->roster_path, n->data_dir, err);
	if (status != AG_OK)
		node_advise_missing(err,
		    "it is made of the members' parts and signed by each "
		    "(aegis-roster(1)), and node.roster says where it is");
	return status;
}

enum ag_status
node_identify(struct node *n, struct ag_error *err)
{
	enum ag_status status =
	    identity_init(&n->identity, &n->roster, &n->node_signer, err);

	if (status != AG_OK) {
		if (n->roster.is_successor)
			ag_error_prefix(err,
			    "this node is no member at epoch %llu",
			    (unsigned long long)n->roster.epoch);
		return status;
	}
	n->self = n->identity.self;
	identity_request_signer(&n->signer, &n->identity);
	return AG_OK;
}

static enum ag_status
node_load_keys(struct node *n, const struct node_config *config,
    struct ag_error *err)
{
	enum ag_status status;
	const char *key;

	status = node_load_files(n, config, err);
	if (status != AG_OK)
		return status;
	key = n->token != NULL ? token_signer_name(n->token)
			       : config->node_key_path;
	if (!roster_is_complete(&n->roster))
		return ag_fail(err, AG_EFORGED,
		    "roster %s: not every member has signed it (aegis roster "
		    "show lists who is missing)",
		    config->roster_path);
	status = node_identify(n, err);
	if (status != AG_OK) {
		ag_error_prefix(err, "node key %s, roster %s", key,
		    config->roster_path);
		return status;
	}
	if (config->name[0] != '\0' &&
	    strcmp(config->name, n->roster.members[n->self].name) != 0)
		return ag_fail(err, AG_EINVAL,
		    "roster %s: the node key %s is that of %s, but the "
		    "configuration says %s",
		    config->roster_path, key, n->roster.members[n->self].name,
		    config->name);
	return AG_OK;
}

static enum ag_status
node_make_dirs(struct node *n, struct ag_error *err)
{
	static const char *const names[] = { "log", "state", "evidence",
		"keys" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char path[PATH_MAX];
		enum ag_status status;

		status =
		    fs_join(path, sizeof(path), n->data_dir, names[i], err);
		/* The state's directory may be in the middle of a swap. */
		if (status == AG_OK && strcmp(names[i], "state") == 0)
			status = state_dir_recover(path, err);
		if (status == AG_OK && !fs_exists(path))
			status = fs_mkdir(path, err);
		if (status != AG_OK)
			return status;
	}
	return AG_OK;
}

static enum ag_status
node_open_witness(struct node *n, struct ag_error *err)
{
	char path[PATH_MAX], name[48] = "evidence";
	enum ag_status status;

	/* Of each epoch apart: its roster is what verifies them. */
	if (n->roster.is_successor)
		(void)snprintf(name, sizeof(name), "evidence.%llu",
		    (unsigned long long)n->roster.epoch);
	status = fs_join(path, sizeof(path), n->data_dir, name, err);
	if (status == AG_OK && !fs_exists(path))
		status = fs_mkdir(path, err);
	if (status != AG_OK)
		return status;
	return witness_open(&n->witness, path, &n->roster, n->metrics, err);
}

static enum ag_status
node_open_state(struct node *n, const struct node_config *config,
    struct loop *loop, struct ag_error *err)
{
	const struct applier_callbacks applier = {
		.arg = n,
		.applied = on_applied,
		.pinned = on_pinned,
		.synced = on_synced,
		.resealed = node_rotation_resealed,
		.failed = on_applier_failed,
	};
	const struct store_origin origin = {
		.seq = n->roster.first_seq,
		.digest = n->roster.genesis_state,
	};
	const struct store_retention retention = {
		.age_ms = config->history_age_ms,
		.bytes = config->history_bytes,
	};
	const struct strategy *strategy = strategy_find(n->roster.strategy);
	char state_dir[PATH_MAX];
	enum ag_status status;

	status =
	    fs_join(state_dir, sizeof(state_dir), n->data_dir, "state", err);
	if (status == AG_OK)
		status =
		    applier_open(&n->applier, state_dir, n->roster.cluster_id,
			n->roster.incarnation > 0 && !n->roster.is_successor
			    ? &origin
			    : NULL,
			n->keyring, n->signer.principal, loop, &applier,
			n->metrics, err);
	if (status == AG_OK) {
		applier_retain(n->applier, &retention);
		status = applier_begin_epoch(n->applier, &n->roster, err);
	}
	if (status == AG_OK)
		status = requests_open(&n->requests, n->data_dir,
		    applier_next_number(n->applier), loop, &n->signer,
		    config->batch_bytes_max, 2 * config->clock_skew_max_ms,
		    n->metrics, err);
	if (status != AG_OK)
		return status;
	requests_set_time(n->requests, applier_time_ms(n->applier));
	n->reads = reads_new(n->requests, n->applier, loop,
	    strategy != NULL && strategy->reads_by_index);
	n->watches = watches_new(WATCH_KEEP_BYTES, applier_seq(n->applier));
	n->snapshots = snapshots_new(loop, n->applier, &n->identity.scope,
	    on_want_checkpoint, n);
	if (n->reads == NULL || n->watches == NULL || n->snapshots == NULL)
		return ag_fail(err, AG_ENOMEM, "start node: out of memory");
	if (watches_read_past(n->watches, n->applier, loop) != AG_OK)
		return ag_fail(err, AG_ENOMEM, "start node: out of memory");
	snapshots_begin_epoch(n->snapshots, &n->identity.scope,
	    &n->epoch_start);
	return AG_OK;
}

static enum ag_status
node_open_driver(struct node *n, struct ag_error *err)
{
	const struct driver_callbacks callbacks = {
		.arg = n,
		.flush = on_flush,
		.execute = on_execute,
		.deliver = on_deliver,
		.send = on_send,
		.fetch_state = on_fetch_state,
		.stable = on_stable,
		.history = on_history,
		.vouched = on_vouched,
		.view = on_view,
		.view_asked = on_view_asked,
		.rejoining = on_rejoining,
		.refused = on_refused,
		.read_wanted = on_read_wanted,
		.read_ready = on_read_ready,
		.evidence = on_evidence,
		.envelope = on_envelope,
		.fatal = on_fatal,
		.cannot_sign = n->token != NULL ? node_key_cannot_sign : NULL,
		.muted = node_key_muted,
	};
	struct driver_config driver = {
		.loop = n->loop,
		.node = &n->config,
		.roster = &n->roster,
		.first_seq = n->epoch_start.seq,
		.first_digest = n->epoch_start.state,
		.is_last = applier_is_last(n->applier),
		.convicted = witness_convicted(n->witness),
		.self = n->self,
		.strategy = node_is_observer(n)
		    ? &strategy_observer
		    : strategy_find(n->roster.strategy),
		.authority = &identity_authority,
		.authority_ctx = &n->identity,
		.keyring = n->keyring,
		.metrics = n->metrics,
	};
	char horizon[PATH_MAX];
	uint64_t seq, time_ms;
	struct digest digest;
	enum ag_status status;

	if (driver.is_last)
		n->last_seq = applier_seq(n->applier);
	if (driver.strategy == NULL)
		return ag_fail(err, AG_EVERSION,
		    "roster: strategy \"%s\" is not known to this version",
		    n->roster.strategy);
	status =
	    fs_join(n->log_dir, sizeof(n->log_dir), n->data_dir, "log", err);
	if (status == AG_OK)
		status = fs_join(horizon, sizeof(horizon), n->data_dir,
		    SETUP_HORIZON, err);
	if (status != AG_OK)
		return status;
	driver.log_dir = n->log_dir;
	driver.horizon_path = horizon;
	status = epochs_settle_log(&n->roster, buf_bytes(&n->chain),
	    n->data_dir, err);
	if (status == AG_OK)
		status =
		    applier_digest(n->applier, &seq, &time_ms, &digest, err);
	if (status != AG_OK)
		return status;
	return driver_open(&n->driver, &driver, &callbacks,
	    applier_seq(n->applier), &digest, err);
}

static enum ag_status
node_open_links(struct node *n, struct ag_error *err)
{
	const struct inbox_callbacks inbox = {
		.arg = n,
		.frame = on_frame,
		.link = on_link,
		.behind = on_behind,
		.link_key = on_link_key,
	};
	const struct net_config net = {
		.roster = &n->roster,
		.self = n->self,
		.signer = &n->node_signer,
		.link_key = n->link.secret,
		.certificate = &n->link.certificate,
		.known = n->book.known,
		.listen = n->listen[0] != '\0' ?
		    n->listen :
		    n->roster.members[n->self].address,
		.is_flushed = true,
		.heartbeat_ms = n->config.heartbeat_ms,
		.silent_ms = n->config.silent_ms,
		.rekey_bytes = n->config.rekey_bytes,
		.rekey_s = (uint32_t)(n->config.rekey_ms / 1000),
		.chain = buf_bytes(&n->chain),
		.callbacks = {
			.arg = n,
			.frame = on_net_frame,
			.link = on_net_link,
			.behind = on_net_behind,
			.link_key = on_net_link_key,
		},
		.metrics = n->metrics,
	};
	char dir[PATH_MAX];
	enum ag_status status;

	status = fs_join(dir, sizeof(dir), n->data_dir, "state.sync", err);
	if (status == AG_OK)
		status = node_link_open_book(n, err);
	if (status != AG_OK)
		return status;
	n->inbox = inbox_new(n->loop, &inbox, INBOX_MEMBER_BYTES, n->metrics);
	if (n->inbox == NULL)
		return ag_fail(err, AG_ENOMEM, "start links: out of memory");
	status = net_start(&n->net, &net, err);
	if (status != AG_OK)
		return status;
	n->history = history_new(&(struct history_config){
	    .loop = n->loop,
	    .log_dir = n->log_dir,
	    .keyring = n->keyring,
	    .arg = n,
	    .find = on_history_find,
	    .send = on_history_message,
	});
	n->sync = sync_new(&(struct sync_config){
	    .loop = n->loop,
	    .snapshots = n->snapshots,
	    .roster = &n->roster,
	    .keyring = n->keyring,
	    .start = &n->epoch_start,
	    .self = n->self,
	    .authority = &identity_authority,
	    .authority_ctx = &n->identity,
	    .dir = dir,
	    .metrics = n->metrics,
	    .arg = n,
	    .send = on_sync_send,
	    .evidence = on_evidence,
	    .ready = on_state_ready,
	});
	n->search = log_search_new(n->loop, n->log_dir, n->keyring);
	if (n->sync == NULL || n->history == NULL || n->search == NULL)
		return ag_fail(err, AG_ENOMEM, "start links: out of memory");
	return AG_OK;
}

/* Once the links are there, and what was stable before. */
static enum ag_status
node_open_feed(struct node *n, struct ag_error *err)
{
	struct engine_status engine;

	metric_set_value(n->observing, node_is_observer(n));
	if (node_is_observer(n) || n->roster.observer_count == 0)
		return AG_OK;
	driver_status(n->driver, &engine);
	n->feed = feed_new(&(struct feed_config){
	    .roster = &n->roster,
	    .scope = &n->identity.scope,
	    .authority = &identity_authority,
	    .authority_ctx = &n->identity,
	    .delivered = engine.delivered,
	    .metrics = n->metrics,
	    .arg = n,
	    .send = on_send,
	    .history = on_history,
	    .submit = on_feed_submit,
	    .waiting = on_feed_waiting,
	    .want_checkpoint = on_want_checkpoint,
	});
	if (n->feed == NULL)
		return ag_fail(err, AG_ENOMEM, "start links: out of memory");
	if (n->stable_certificate_seq != 0)
		feed_stable(n->feed, n->stable_certificate_seq,
		    buf_bytes(&n->stable_certificate));
	return AG_OK;
}

enum ag_status
node_open_epoch(struct node *n, struct ag_error *err)
{
	enum ag_status status = node_open_witness(n, err);

	if (status == AG_OK)
		status = node_open_driver(n, err);
	if (status == AG_ECORRUPT)
		node_advise_rejoin(n, err);
	if (status == AG_OK)
		status = node_open_links(n, err);
	if (status == AG_OK)
		status = node_open_feed(n, err);
	return status;
}

void
node_close_epoch(struct node *n)
{
	net_stop(n->net);
	feed_free(n->feed);
	sync_free(n->sync);
	history_free(n->history);
	log_search_free(n->search);
	driver_close(n->driver);
	witness_close(n->witness);
	inbox_free(n->inbox);
	n->net = NULL;
	n->feed = NULL;
	n->sync = NULL;
	n->history = NULL;
	n->search = NULL;
	n->driver = NULL;
	n->witness = NULL;
	n->inbox = NULL;
}

/* What a node keeps of its configuration, which its opener may change. */
static void
node_keep_config(struct node *n, const struct node_config *config)
{
	n->config = *config;
	(void)snprintf(n->data_dir, sizeof(n->data_dir), "%s",
	    config->data_dir);
	(void)snprintf(n->listen, sizeof(n->listen), "%s",
	    config->listen != NULL ? config->listen : "");
	n->config.data_dir = n->data_dir;
	n->config.listen = n->listen;
	n->config.passphrase = NULL;
	n->config.keyring_opener = NULL;
	n->config.token = NULL;
	n->config.pin = NULL;
}

enum ag_status
node_open(struct node **out, const struct node_config *config,
    struct loop *loop, struct ag_error *err)
{
	enum ag_status status;
	struct node *n;

	*out = NULL;
	n = calloc(1, sizeof(*n));
	if (n == NULL)
		return ag_fail(err, AG_ENOMEM, "start node: out of memory");
	n->lock_fd = -1;
	n->metrics = config->metrics;
	n->started_ms = clock_wall_ms();
	n->started_us = clock_mono_us();
	n->sync_interval = (uint64_t)config->checkpoint_interval * 16;
	n->log_bytes_growth = config->log_retain_bytes > LOG_GROWTH_LEAST
	    ? config->log_retain_bytes
	    : LOG_GROWTH_LEAST;
	n->log_bytes_most = n->log_bytes_growth;
	buf_init(&n->stable_certificate, CERTIFICATE_BYTES_MAX);
	n->operations = metric_new(n->metrics, METRIC_COUNTER,
	    "aegis_operations_total", "Operations executed", NULL);
	n->rejoining = metric_new(n->metrics, METRIC_GAUGE, "aegis_rejoining",
	    "1 while this node gives no votes, because it may have forgotten "
	    "some",
	    NULL);
	n->observing = metric_new(n->metrics, METRIC_GAUGE, "aegis_observing",
	    "1 while this node is an observer, which does not vote", NULL);
	node_make_view_metrics(n);
	n->loop = loop;
	buf_init(&n->next_chain, CHAIN_BYTES_MAX);
	node_keep_config(n, config);
	status = node_load_keys(n, config, err);
	if (status == AG_OK)
		status = node_lock(n, err);
	if (status == AG_OK)
		status = node_link_open(n, config, err);
	if (status == AG_OK)
		status = node_open_keyring(n, config, err);
	if (status == AG_OK)
		status = genesis_check(&n->roster, n->data_dir, err);
	if (status == AG_OK)
		status = node_make_dirs(n, err);
	/* Peers have what is in a state, and not what is in a keyring. */
	if (status == AG_OK) {
		status = node_open_state(n, config, loop, err);
		if (status == AG_ECORRUPT)
			node_advise_rejoin(n, err);
	}
	if (status == AG_OK)
		status = node_rotation_open(n, err);
	if (status == AG_OK)
		status = node_expiry_open(n, err);
	if (status == AG_OK)
		status = node_open_epoch(n, err);
	if (status != AG_OK) {
		node_close(n);
		return status;
	}
	rotation_agreed(n->rotation, applier_key_epochs(n->applier),
	    applier_seq(n->applier));
	n->is_open = true;
	driver_start(n->driver);
	node_expiry_agreed(n);
	log_info("node", "started",
	    LOG_TEXT("name", n->roster.members[n->self].name),
	    LOG_TEXT("cluster", n->roster.cluster_name),
	    LOG_U64("applied", applier_seq(n->applier)));
	*out = n;
	return AG_OK;
}

void
node_close(struct node *n)
{
	if (n == NULL)
		return;
	/* It posts, for as long as it is there; links sign until they end. */
	node_close_epoch(n);
	node_key_close(n);
	loop_unpost(n->loop, n);
	snapshots_free(n->snapshots);
	reads_free(n->reads);
	requests_close(n->requests);
	/* They may have waited for a batch, and were told just now. */
	expiry_free(n->expiry);
	rotation_free(n->rotation);
	watches_free(n->watches);
	applier_close(n->applier);
	buf_fini(&n->stable_certificate);
	buf_fini(&n->chain);
	buf_fini(&n->next_chain);
	node_link_close(n);
	if (n->lock_fd != -1)
		(void)close(n->lock_fd);
	free(n);
}

void
node_on_failure(struct node *n,
    void (*fn)(void *arg, const struct ag_error *err), void *arg)
{
	n->on_failure = fn;
	n->failure_arg = arg;
	if (n->has_failed)
		fn(arg, &n->failure);
}

/* Requests are answered; reads may wait still. */
static void
on_requests_idle(void *arg)
{
	struct node *n = arg;

	reads_on_idle(n->reads, n->on_drained, n->drained_arg);
}

void
node_drain(struct node *n, void (*done)(void *arg), void *arg)
{
	n->is_draining = true;
	n->on_drained = done;
	n->drained_arg = arg;
	if (!n->has_failed)
		driver_resign(n->driver);
	requests_on_idle(n->requests, on_requests_idle, n);
}

static enum ag_status
node_admit(struct node *n, const char *what, struct ag_error *err)
{
	if (n->has_failed)
		return ag_fail(err, AG_EUNREACH, "%s: the node has failed: %s",
		    what, n->failure.text);
	if (n->is_draining)
		return ag_fail(err, AG_EBUSY, "%s: the node is stopping", what);
	if (n->is_mute)
		return ag_fail(err, AG_EUNREACH,
		    "%s: this node takes no part, for its key is away (%s); "
		    "ask another",
		    what, token_signer_name(n->token));
	if (n->removed_at > 0)
		return ag_fail(err, AG_ENOQUORUM,
		    "%s: this node is no member any more: it was removed at "
		    "epoch %llu; ask another",
		    what, (unsigned long long)n->removed_at);
	if (node_lacks_quorum(n))
		return ag_fail(err, AG_ENOQUORUM,
		    "%s: %u of %u members reachable, %u needed", what,
		    node_reachable(n), n->roster.member_count,
		    roster_quorum(&n->roster));
	return AG_OK;
}

enum ag_status
node_submit(struct node *n, struct bytes operation, uint32_t timeout_ms,
    node_done_fn *done, void *arg, struct node_request_id *id,
    struct ag_error *err)
{
	enum ag_status status = node_admit(n, "submit", err);

	if (status != AG_OK)
		return status;
	status =
	    requests_add(n->requests, operation, timeout_ms, done, arg, id);
	if (status != AG_OK)
		return ag_fail(err, status, "submit: too many requests wait");
	driver_touch(n->driver);
	return AG_OK;
}

enum ag_status
node_find_request(struct node *n, const struct node_request_id *id,
    struct result *result)
{
	return applier_find_request(n->applier, id->principal, id->number,
	    result);
}

enum ag_status
node_read(struct node *n, enum node_consistency consistency, struct bytes first,
    struct bytes last, size_t limit, bool keys_only, uint32_t timeout_ms,
    node_read_fn *done, void *arg, struct ag_error *err)
{
	const struct read_query query = {
		.first = first,
		.last = last,
		.limit = limit,
		.keys_only = keys_only,
	};
	enum ag_status status = AG_OK;

	if (consistency == NODE_LINEARIZABLE || n->has_failed)
		status = node_admit(n, "read", err);
	if (status != AG_OK)
		return status;
	driver_touch(n->driver);
	return reads_add(n->reads, consistency, &query, timeout_ms, done, arg,
	    err);
}

static enum ag_status
read_past(struct node *n, const struct read_query *query, node_read_fn *done,
    void *arg, struct ag_error *err)
{
	enum ag_status status =
	    n->has_failed ? node_admit(n, "read", err) : AG_OK;

	return status == AG_OK
	    ? reads_add(n->reads, NODE_LOCAL, query, 0, done, arg, err)
	    : status;
}

enum ag_status
node_read_at(struct node *n, uint64_t seq, struct bytes first,
    struct bytes last, size_t limit, bool keys_only, node_read_fn *done,
    void *arg, struct ag_error *err)
{
	const struct read_query query = {
		.is_at = true,
		.at = seq,
		.first = first,
		.last = last,
		.limit = limit,
		.keys_only = keys_only,
	};

	return read_past(n, &query, done, arg, err);
}

enum ag_status
node_read_versions(struct node *n, struct bytes key,
    const struct node_version_end *after, bool is_reverse, size_t limit,
    node_read_fn *done, void *arg, struct ag_error *err)
{
	const struct read_query query = {
		.is_versions = true,
		.after = *after,
		.is_reverse = is_reverse,
		.first = key,
		.limit = limit,
	};

	return read_past(n, &query, done, arg, err);
}

enum ag_status
node_watch_new(struct node_watch **out, struct node *n, struct bytes first,
    struct bytes last, uint64_t from, node_watch_fn *fn, void *arg,
    struct ag_error *err)
{
	return watches_add(out, n->watches, first, last, from, fn, arg, err);
}

void
node_watch_close(struct node_watch *watch)
{
	watches_remove(watch);
}

void
node_watch_hold(struct node_watch *watch, bool is_held)
{
	watches_hold(watch, is_held);
}

uint64_t
node_watch_shown(const struct node_watch *watch)
{
	return watches_shown(watch);
}

uint64_t
node_watch_known_from(const struct node_watch *watch)
{
	return watches_known_from(watch);
}

enum ag_status
node_snapshot_open(struct node *n, uint32_t timeout_ms, node_snapshot_fn *ready,
    void *arg, struct ag_error *err)
{
	enum ag_status status = node_admit(n, "snapshot", err);

	if (status != AG_OK)
		return status;
	return snapshots_open(n->snapshots, SNAPSHOT_CERTIFIED, timeout_ms,
	    ready, arg, err);
}

struct metric_set *
node_metrics(struct node *n)
{
	return n->metrics;
}
