/*
 * /v1/status and /v1/alerts: the cluster as this node sees it.
 */
#include "api/handlers.h"
#include "api/open_requests.h"

#include <string.h>

#include "api/server.h"
#include "base/clock.h"
#include "base/version.h"
#include "monitor/process.h"

static const char *
health_name(enum node_health health)
{
	switch (health) {
	case NODE_OK:
		return "OK";
	case NODE_DEGRADED:
		return "DEGRADED";
	case NODE_NO_QUORUM:
		return "NO_QUORUM";
	case NODE_STARTING:
	default:
		return "STARTING";
	}
}

static const char *
state_name(enum node_member_state state)
{
	switch (state) {
	case NODE_MEMBER_SELF:
		return "SELF";
	case NODE_MEMBER_OK:
		return "OK";
	case NODE_MEMBER_BEHIND:
		return "BEHIND";
	case NODE_MEMBER_REJOINING:
		return "REJOINING";
	case NODE_MEMBER_CONNECTING:
		return "CONNECTING";
	case NODE_MEMBER_SILENT:
	default:
		return "SILENT";
	}
}

static uint32_t
node_count(const struct node_status *s)
{
	return s->member_count + s->observer_count;
}

static const char *
name_of(const struct node_status *s, uint32_t member)
{
	return member < node_count(s) ? s->members[member].name : "";
}

static const char *
role_name(const struct node_member *m)
{
	if (m->is_observer)
		return "OBSERVER";
	return m->is_primary ? "PRIMARY" : "REPLICA";
}

/* Of an observer that told this node nothing, nothing is known. */
static uint64_t
lag_of(const struct node_member *m, uint64_t newest)
{
	if ((m->is_observer && m->executed == 0) || m->executed > newest)
		return 0;
	return newest - m->executed;
}

static uint64_t
newest_executed(const struct node_status *s)
{
	uint64_t newest = s->executed;
	uint32_t i;

	for (i = 0; i < s->member_count; i++)
		if (s->members[i].executed > newest)
			newest = s->members[i].executed;
	return newest;
}

static uint64_t
link_key_age_ms(const struct node_member *m)
{
	const uint64_t now_ms = clock_wall_ms();

	return m->link_key_made_ms == 0 || m->link_key_made_ms > now_ms
	    ? 0
	    : now_ms - m->link_key_made_ms;
}

static void
emit_member(struct emitter *e, const struct node_status *s, uint32_t index)
{
	const struct node_member *m = &s->members[index];

	emit_object_begin(e);
	emit_text_member(e, "name", m->name);
	emit_number_member(e, "index", index);
	emit_text_member(e, "address", m->address);
	emit_text_member(e, "role", role_name(m));
	emit_text_member(e, "state", state_name(m->state));
	emit_u64_member(e, "view", m->view);
	emit_u64_member(e, "executed", m->executed);
	emit_u64_member(e, "stable", m->stable);
	emit_u64_member(e, "lag", lag_of(m, newest_executed(s)));
	emit_u64_member(e, "rtt_us", m->rtt_us);
	emit_u64_member(e, "last_heard_ms", m->last_heard_ms);
	emit_u64_member(e, "link_up_ms", m->link_up_ms);
	emit_u64_member(e, "retry_ms", m->retry_ms);
	emit_u64_member(e, "attempts", m->attempts);
	emit_u64_member(e, "tx_bytes", m->tx_bytes);
	emit_u64_member(e, "rx_bytes", m->rx_bytes);
	emit_u64_member(e, "queued_bytes", m->queued_bytes);
	emit_u64_member(e, "dropped", m->dropped_frames);
	emit_u64_member(e, "evidence", m->evidence);
	emit_text_member(e, "version", m->version);
	emit_text_member(e, "error", m->error);
	emit_text_member(e, "node_fingerprint", m->node_fingerprint);
	emit_text_member(e, "link_fingerprint", m->link_fingerprint);
	emit_u64_member(e, "link_serial", m->link_serial);
	emit_u64_member(e, "link_key_age_ms", link_key_age_ms(m));
	if (m->has_datagram_keys) {
		emit_u64_member(e, "datagram_key_steps", m->key_steps);
		emit_u64_member(e, "datagram_key_age_ms", m->keys_age_ms);
	}
	emit_object_end(e);
}

static void
emit_identity(struct emitter *e, const struct node_status *s)
{
	emit_text_member(e, "version", version_text());
	emit_text_member(e, "cluster", s->cluster);
	emit_hex_member(e, "cluster_id",
	    bytes_of(s->cluster_id, sizeof(s->cluster_id)));
	emit_text_member(e, "strategy", s->strategy);
	emit_u64_member(e, "epoch", s->epoch);
	emit_text_member(e, "node", name_of(s, s->self));
	emit_number_member(e, "self", s->self);
	emit_number_member(e, "n", s->member_count);
	emit_number_member(e, "f", s->faults);
	emit_number_member(e, "quorum", s->quorum);
	emit_number_member(e, "observers", s->observer_count);
	emit_number_member(e, "missing", s->missing);
	emit_number_member(e, "margin", s->margin);
	emit_text_member(e, "health", health_name(s->health));
}

static void
emit_agreement(struct emitter *e, const struct node_status *s)
{
	emit_u64_member(e, "view", s->view);
	emit_text_member(e, "primary", name_of(s, s->primary));
	emit_bool_member(e, "changing_view", s->is_changing_view);
	emit_key(e, "view_since");
	if (s->view_since_ms == 0)
		emit_null(e);
	else
		emit_time_ms(e, s->view_since_ms);
	emit_u64_member(e, "view_changes", s->view_changes);
	emit_bool_member(e, "rejoining", s->is_rejoining);
	if (s->is_rejoining)
		emit_u64_member(e, "rejoin_seq", s->rejoin_seq);
	if (s->removed_at > 0)
		emit_u64_member(e, "removed_at", s->removed_at);
	if (s->key_token[0] != '\0')
		emit_text_member(e, "key_token", s->key_token);
	if (s->key_reason[0] != '\0')
		emit_text_member(e, "key_away", s->key_reason);
	emit_u64_member(e, "executed", s->executed);
	emit_u64_member(e, "stable", s->stable);
	emit_u64_member(e, "proposed", s->proposed);
	emit_hex_member(e, "stable_digest",
	    bytes_of(s->stable_digest, sizeof(s->stable_digest)));
	emit_time_member(e, "time", s->time_ms);
	emit_u64_member(e, "clock_refusals", s->clock_refusals);
	if (s->clock_refusals == 0)
		return;
	emit_u64_member(e, "clock_refused_ms", s->clock_refused_ms);
	emit_text_member(e, "clock_member", name_of(s, s->clock_member));
	emit_number_member(e, "clock_ahead_s", s->clock_ahead_ms / 1000);
}

static void
emit_figures(struct emitter *e, const struct node_status *s)
{
	const uint64_t now_ms = clock_wall_ms();
	struct process_usage usage = { 0 };

	emit_u64_member(e, "keys", s->keys);
	emit_u64_member(e, "bytes", s->bytes);
	emit_u64_member(e, "pending", s->pending_requests);
	emit_u64_member(e, "uptime_ms",
	    now_ms > s->started_ms ? now_ms - s->started_ms : 0);
	emit_u64_member(e, "commits", s->commits);
	emit_u64_member(e, "commit_p50_us", s->commit_p50_us);
	emit_u64_member(e, "commit_p99_us", s->commit_p99_us);
	emit_u64_member(e, "sync_p99_us", s->sync_p99_us);
	emit_u64_member(e, "log_bytes", s->log_bytes);
	emit_u64_member(e, "history_oldest", s->history_oldest);
	emit_u64_member(e, "history_versions", s->history_versions);
	emit_u64_member(e, "history_bytes", s->history_bytes);
	if (process_usage_get(&usage, NULL) == AG_OK)
		emit_u64_member(e, "rss_bytes", usage.resident_bytes);
	else
		emit_u64_member(e, "rss_bytes", 0);
	emit_bool_member(e, "secrets_locked", s->are_secrets_locked);
}

/* A state being fetched, while one is. */
static void
emit_transfer(struct emitter *e, const struct node_status *s)
{
	uint32_t i;

	if (s->transfer_seq == 0)
		return;
	emit_key(e, "transfer");
	emit_object_begin(e);
	emit_u64_member(e, "seq", s->transfer_seq);
	emit_u64_member(e, "bytes", s->transfer_bytes);
	emit_u64_member(e, "total", s->transfer_total);
	emit_key(e, "from");
	emit_array_begin(e);
	for (i = 0; i < s->member_count; i++)
		if ((s->transfer_members >> i & 1) != 0)
			emit_text(e, s->members[i].name);
	emit_array_end(e);
	emit_object_end(e);
}

void
cluster_status(struct exchange *x)
{
	struct node_status *s = &x->api->status;
	struct emitter *e;
	uint32_t i;

	node_status(x->api->node, s);
	e = exchange_json_begin(x);
	emit_identity(e, s);
	emit_agreement(e, s);
	emit_figures(e, s);
	emit_transfer(e, s);
	emit_key(e, "members");
	emit_array_begin(e);
	for (i = 0; i < node_count(s); i++)
		emit_member(e, s, i);
	emit_array_end(e);
	exchange_json_end(x, MHD_HTTP_OK);
}

_Static_assert(ALERT_NAME_BYTES == NODE_NAME_BYTES &&
	ALERT_MEMBERS_MAX == NODE_MEMBERS_MAX,
    "alerts speak of the members a node has");

static void
paint(struct alert_picture *p, const struct node_status *s)
{
	const uint64_t newest = newest_executed(s);
	uint32_t i;

	*p = (struct alert_picture){
		.member_count = s->member_count,
		.faults = s->faults,
		.quorum = s->quorum,
		.missing = s->missing,
		.is_starting = s->health == NODE_STARTING,
		.key_reason = s->key_reason,
		.self = s->members[s->self].name,
		.is_changing_view = s->is_changing_view,
		.view = s->view,
		.view_since_ms = s->view_since_ms,
		.was_clock_refused = s->clock_refusals > 0,
		.clock_refused_ms = s->clock_refused_ms,
		.clock_ahead_ms = s->clock_ahead_ms,
	};
	memcpy(p->clock_member, s->members[s->clock_member].name,
	    sizeof(p->clock_member));
	for (i = 0; i < s->member_count; i++) {
		memcpy(p->members[i].name, s->members[i].name,
		    sizeof(p->members[i].name));
		p->members[i].is_silent =
		    s->members[i].state == NODE_MEMBER_SILENT;
		p->members[i].is_behind =
		    s->members[i].state == NODE_MEMBER_BEHIND;
		p->members[i].is_rejoining =
		    s->members[i].state == NODE_MEMBER_REJOINING;
		p->members[i].silent_ms = s->members[i].last_heard_ms;
		p->members[i].lag = newest - s->members[i].executed;
		p->members[i].evidence = s->members[i].evidence;
		p->members[i].evidence_first_ms =
		    s->members[i].evidence_first_ms;
	}
	p->members[s->self].is_rejoining = s->is_rejoining;
	p->members[s->self].rejoin_seq = s->rejoin_seq;
}

static void
paint_keys(struct alert_picture *p, const struct node_key_epochs *k)
{
	p->rotation_trouble = k->trouble;
	p->rotation_trouble_ms = k->trouble_ms;
	p->old_keys_need = k->need;
	p->old_keys_ms = k->need_ms;
	p->key_due_ms = k->max_age_ms == 0 || k->since_ms == 0 || k->next != 0
	    ? 0
	    : k->since_ms + k->max_age_ms;
	for (size_t i = 0; i < k->count; i++)
		if (k->list[i].epoch <= k->suspect &&
		    strcmp(k->list[i].state, "destroyed") != 0)
			p->are_old_keys_suspect = true;
}

static void
emit_alert(struct emitter *e, const struct alert *alert)
{
	emit_object_begin(e);
	emit_text_member(e, "severity", alert_severity(alert->kind));
	emit_text_member(e, "name", alert_name(alert->kind));
	emit_text_member(e, "node", alert->node);
	emit_time_member(e, "since", alert->since_ms);
	emit_text_member(e, "text", alert->text);
	emit_object_end(e);
}

void
cluster_judge_alerts(struct api *api)
{
	struct node_key_epochs keys;

	node_status(api->node, &api->status);
	node_key_epochs(api->node, &keys);
	paint(&api->picture, &api->status);
	paint_keys(&api->picture, &keys);
	api->picture.open_requests = api->open_requests;
	open_requests_look(api);
	alert_judge(&api->alerts, &api->alerts, &api->picture, clock_wall_ms());
	api->picture.rotation_trouble = NULL;
}

void
cluster_alerts(struct exchange *x)
{
	const struct alert_list *list = &x->api->alerts;
	struct emitter *e;
	size_t i;

	cluster_judge_alerts(x->api);
	e = exchange_json_begin(x);
	emit_key(e, "alerts");
	emit_array_begin(e);
	for (i = 0; i < list->count; i++)
		emit_alert(e, &list->alerts[i]);
	emit_array_end(e);
	exchange_json_end(x, MHD_HTTP_OK);
}
