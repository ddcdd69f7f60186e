/*
 * What a node says about itself: status, rounds, views, certificates.
 *
 * What other members do is told as this node sees it; only certificates
 * prove anything to a third party.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/version.h"
#include "crypto/public_key.h"
#include "crypto/secret.h"
#include "node/node_parts.h"
#include "trust/certificate_file.h"

/* A link that has just gone down may be about to return. */
#define QUORUM_GRACE_US 3000000

/* A member this far behind the others is not taking part. */
#define BEHIND_SEQUENCES 256

uint32_t
node_reachable(const struct node *n)
{
	uint32_t up = n->links_up | UINT32_C(1) << n->self;

	return (uint32_t)__builtin_popcount(up & roster_members(&n->roster));
}

bool
node_is_observer(const struct node *n)
{
	return n->self >= n->roster.member_count;
}

bool
node_lacks_quorum(struct node *n)
{
	uint64_t now = clock_mono_us();

	if (node_reachable(n) >= roster_quorum(&n->roster)) {
		n->quorum_lost_us = 0;
		return false;
	}
	if (n->quorum_lost_us == 0)
		n->quorum_lost_us = now;
	return now - n->quorum_lost_us > QUORUM_GRACE_US;
}

static enum node_member_state
member_state(const struct node *n, uint32_t i,
    const struct engine_status *engine, uint64_t lag,
    const struct net_link_stats *link)
{
	if (i == n->self)
		return NODE_MEMBER_SELF;
	if (link->state == NET_LINK_CONNECTING && link->attempts == 0)
		return NODE_MEMBER_CONNECTING;
	if (link->state != NET_LINK_UP)
		return NODE_MEMBER_SILENT;
	if (i < n->roster.member_count && engine->member_rejoining[i])
		return NODE_MEMBER_REJOINING;
	if (lag > BEHIND_SEQUENCES)
		return NODE_MEMBER_BEHIND;
	return NODE_MEMBER_OK;
}

static uint64_t
since_ms(uint64_t now_us, uint64_t then_us)
{
	return then_us == 0 || then_us > now_us ? 0 : (now_us - then_us) / 1000;
}

/* How far a node is, as far as we are told. */
static void
standing(const struct node *n, uint32_t i, const struct engine_status *engine,
    struct feed_told *told)
{
	*told = (struct feed_told){ 0 };
	if (i == n->self)
		*told =
		    (struct feed_told){ engine->applied, engine->stable, 0 };
	else if (i < n->roster.member_count)
		*told = (struct feed_told){ engine->member_applied[i],
			engine->member_stable[i], engine->member_lag[i] };
	else if (n->feed != NULL)
		feed_told(n->feed, i, told);
}

static void
member_fill(const struct node *n, uint32_t i,
    const struct engine_status *engine, struct node_member *out)
{
	const struct roster_member *m = &n->roster.members[i];
	uint64_t now = clock_mono_us();
	struct link_certificate key;
	struct net_link_stats link;
	struct feed_told told;

	standing(n, i, engine, &told);
	memset(&link, 0, sizeof(link));
	if (n->net != NULL)
		net_stats(n->net, i, &link);
	memset(out, 0, sizeof(*out));
	(void)snprintf(out->name, sizeof(out->name), "%s", m->name);
	(void)snprintf(out->address, sizeof(out->address), "%s", m->address);
	(void)snprintf(out->error, sizeof(out->error), "%s", link.error);
	(void)snprintf(out->version, sizeof(out->version), "%s",
	    i == n->self ? version_text() : link.program);
	public_key_fingerprint(out->node_fingerprint, m->node_key);
	node_link_of(n, i, &key, &out->link_key_made_ms);
	public_key_fingerprint(out->link_fingerprint, key.link_key);
	out->link_serial = key.serial;
	out->state = member_state(n, i, engine, told.lag, &link);
	out->is_primary = i == engine->primary;
	out->is_observer = m->is_observer;
	out->view = i == n->self || m->is_observer ? engine->view
						   : engine->member_view[i];
	out->executed = told.applied;
	out->stable = told.stable;
	out->rtt_us = link.rtt_us;
	out->last_heard_ms = since_ms(now, link.last_heard_us);
	if (link.state == NET_LINK_UP)
		out->link_up_ms = since_ms(now, link.since_us);
	out->has_datagram_keys =
	    link.state == NET_LINK_UP && link.has_datagram_keys;
	out->key_steps = link.key_steps;
	out->keys_age_ms = since_ms(now, link.keys_since_us);
	if (link.retry_at_us > now)
		out->retry_ms = (link.retry_at_us - now) / 1000;
	out->attempts = link.attempts;
	out->tx_bytes = link.tx_bytes;
	out->rx_bytes = link.rx_bytes;
	out->queued_bytes = link.queued_bytes;
	out->dropped_frames = link.dropped_frames;
}

/* What is kept against each member, the oldest first. */
static void
count_evidence(const struct node *n, struct node_status *s)
{
	const struct evidence_store *store = witness_store(n->witness);
	size_t i;

	for (i = 0; i < evidence_store_count(store); i++) {
		const struct evidence *e =
		    &evidence_store_item(store, i)->evidence;
		struct node_member *m = &s->members[e->member];

		if (m->evidence++ == 0)
			m->evidence_first_ms = e->found_ms;
	}
}

static void
key_fill(const struct node *n, struct node_status *s)
{
	if (n->token == NULL)
		return;
	(void)snprintf(s->key_token, sizeof(s->key_token), "%s",
	    token_signer_name(n->token));
	token_signer_reason(n->token, s->key_reason);
	if (n->is_mute)
		s->missing++;
}

static enum node_health
status_health(struct node *n, const struct node_status *s)
{
	if (n->has_failed || n->removed_at > 0 || n->is_mute)
		return NODE_NO_QUORUM;
	if (s->margin < 0)
		return node_lacks_quorum(n) ? NODE_NO_QUORUM : NODE_STARTING;
	if (sync_is_fetching(n->sync))
		return NODE_STARTING;
	return s->missing > 0 ? NODE_DEGRADED : NODE_OK;
}

void
node_status(struct node *n, struct node_status *s)
{
	struct engine_status engine;
	struct sync_progress transfer;
	struct store_past past;
	uint32_t i;

	memset(s, 0, sizeof(*s));
	(void)snprintf(s->cluster, sizeof(s->cluster), "%s",
	    n->roster.cluster_name);
	(void)snprintf(s->strategy, sizeof(s->strategy), "%s",
	    n->roster.strategy);
	memcpy(s->cluster_id, n->roster.cluster_id, sizeof(s->cluster_id));
	s->epoch = n->roster.epoch;
	s->self = n->self;
	s->member_count = n->roster.member_count;
	s->observer_count = n->roster.observer_count;
	s->faults = roster_faults(&n->roster);
	s->quorum = roster_quorum(&n->roster);
	s->health = NODE_NO_QUORUM;
	/* Agreement could not be opened for the next epoch. */
	if (n->driver == NULL)
		return;
	driver_status(n->driver, &engine);
	for (i = 0; i < roster_node_count(&n->roster); i++) {
		member_fill(n, i, &engine, &s->members[i]);
		if (i < s->member_count &&
		    s->members[i].state != NODE_MEMBER_SELF &&
		    s->members[i].state != NODE_MEMBER_OK)
			s->missing++;
	}
	s->is_rejoining = engine.is_rejoining;
	s->rejoin_seq = engine.rejoin_seq;
	s->removed_at = n->removed_at;
	if (s->is_rejoining)
		s->missing++;
	key_fill(n, s);
	count_evidence(n, s);
	s->margin = (int32_t)s->faults - (int32_t)s->missing;
	s->health = status_health(n, s);
	s->view = engine.view;
	s->primary = engine.primary;
	s->is_changing_view = engine.is_changing_view;
	s->view_since_ms = view_log_since_ms(&n->views);
	s->view_changes = engine.view_changes;
	s->log_bytes = driver_log_bytes(n->driver);
	s->executed = engine.applied;
	s->stable = engine.stable;
	s->proposed = engine.proposed;
	memcpy(s->stable_digest, engine.stable_digest.data, DIGEST_BYTES);
	s->time_ms = applier_time_ms(n->applier);
	applier_size(n->applier, &s->keys, &s->bytes);
	applier_look_past(n->applier, &past);
	s->history_oldest = past.oldest;
	s->history_versions = past.versions;
	s->history_bytes = past.bytes;
	s->pending_requests = requests_waiting(n->requests);
	s->started_ms = n->started_ms;
	s->commits = (uint64_t)metric_value(n->operations);
	s->commit_p50_us = requests_quantile_us(n->requests, 0.5);
	s->commit_p99_us = requests_quantile_us(n->requests, 0.99);
	s->sync_p99_us = driver_sync_p99_us(n->driver);
	s->clock_refusals = engine.clock_refusals;
	s->clock_refused_ms =
	    since_ms(clock_mono_us(), engine.clock_refused_us);
	s->clock_member = engine.clock_member;
	s->clock_ahead_ms = engine.clock_ahead_ms;
	sync_progress(n->sync, &transfer);
	s->transfer_seq = transfer.seq;
	s->transfer_bytes = transfer.bytes;
	s->transfer_total = transfer.total;
	s->transfer_members = transfer.members;
	s->are_secrets_locked = secret_is_locked();
}

const char *
node_phase_name(enum round_phase phase)
{
	switch (phase) {
	case ROUND_PROPOSED:
		return "PROPOSED";
	case ROUND_PREPARED:
		return "PREPARED";
	case ROUND_COMMITTED:
		return "COMMITTED";
	case ROUND_EXECUTED:
		return "EXECUTED";
	case ROUND_EMPTY:
	default:
		return "EMPTY";
	}
}

void
node_round_fill(const struct node *n, const struct engine_round *r,
    struct node_round *out)
{
	const struct digest *state = driver_state(n->driver, r->seq);
	uint64_t now = clock_mono_us();

	*out = (struct node_round){
		.seq = r->seq,
		.view = r->view,
		.phase = node_phase_name(r->phase),
		.prepares = r->prepares,
		.commits = r->commits,
		.requests = r->requests,
		.bytes = r->bytes,
		.has_state = state != NULL,
	};
	memcpy(out->digest, r->digest.data, DIGEST_BYTES);
	if (state != NULL)
		memcpy(out->state, state->data, DIGEST_BYTES);
	if (r->proposed_us != 0 && r->proposed_us <= now)
		out->age_us = now - r->proposed_us;
	if (r->proposed_us != 0 && r->executed_us > r->proposed_us)
		out->took_us = r->executed_us - r->proposed_us;
}

size_t
node_rounds(struct node *n, uint64_t seq, struct node_round *out, size_t cap)
{
	struct engine_round r;
	size_t count = 0;

	for (; count < cap && seq > 0 && n->driver != NULL; seq--) {
		if (driver_round(n->driver, seq, &r) != AG_OK)
			break;
		node_round_fill(n, &r, &out[count++]);
	}
	return count;
}

size_t
node_views(struct node *n, struct node_view *out, size_t cap)
{
	return view_log_list(&n->views, out, cap);
}

/* The certificate itself, appended to out; AG_ENOENT when it is not kept. */
static enum ag_status
find_certificate(const struct node *n, uint64_t seq, bool is_checkpoint,
    struct buf *out)
{
	if (n->driver == NULL)
		return AG_ENOENT;
	if (!is_checkpoint)
		return driver_certificate(n->driver, seq, out);
	if (n->stable_certificate_seq < seq || n->stable_certificate_seq == 0)
		return AG_ENOENT;
	return buf_append(out, n->stable_certificate.data,
	    n->stable_certificate.len);
}

enum ag_status
node_certificate(struct node *n, uint64_t seq, bool is_checkpoint,
    struct buf *out, struct ag_error *err)
{
	uint8_t encoded[CERTIFICATE_FILE_BYTES_MAX];
	struct bytes file;
	struct buf bare;
	struct encoder e;
	enum ag_status status;

	buf_init(&bare, CERTIFICATE_BYTES_MAX);
	status = find_certificate(n, seq, is_checkpoint, &bare);
	encoder_init(&e, encoded, sizeof(encoded));
	if (status == AG_OK) {
		certificate_file_encode(&e, &n->identity.scope,
		    buf_bytes(&bare));
		AG_ASSERT(encoder_finish(&e, &file) == AG_OK);
		status = buf_append(out, file.data, file.len);
	}
	buf_fini(&bare);
	if (status == AG_ENOENT)
		return ag_fail(err, AG_ENOENT,
		    "no %s certificate for sequence %llu is kept here",
		    is_checkpoint ? "checkpoint" : "commit",
		    (unsigned long long)seq);
	return status;
}

static void
evidence_fill(const struct node *n, const struct evidence_item *item,
    struct node_evidence *out)
{
	const struct evidence *e = &item->evidence;

	_Static_assert(sizeof(out->text) == EVIDENCE_TEXT_BYTES,
	    "a sentence fits");
	*out = (struct node_evidence){
		.id = item->id,
		.kind = evidence_kind_name(e->kind),
		.member = e->member,
		.has_view = evidence_has_view(e->kind),
		.view = e->view,
		.seq = e->seq,
		.found_ms = e->found_ms,
		.file = bytes_of(item->file, item->len),
	};
	evidence_say(out->text, e, n->roster.members[e->member].name);
}

bool
node_evidence(struct node *n, size_t index, struct node_evidence *out)
{
	const struct evidence_store *store =
	    n->witness == NULL ? NULL : witness_store(n->witness);

	if (store == NULL || index >= evidence_store_count(store))
		return false;
	evidence_fill(n, evidence_store_item(store, index), out);
	return true;
}

enum ag_status
node_evidence_find(struct node *n, struct bytes id, struct node_evidence *out,
    struct ag_error *err)
{
	const struct evidence_item *item = n->witness == NULL
	    ? NULL
	    : evidence_store_find(witness_store(n->witness), id);

	if (item == NULL)
		return ag_fail(err, AG_ENOENT,
		    "no evidence of that name is kept here");
	evidence_fill(n, item, out);
	return AG_OK;
}

enum ag_status
node_state(struct node *n, struct node_state *out, struct ag_error *err)
{
	struct digest digest;
	enum ag_status status =
	    applier_digest(n->applier, &out->seq, &out->time_ms, &digest, err);

	if (status == AG_OK)
		memcpy(out->digest, digest.data, DIGEST_BYTES);
	return status;
}
