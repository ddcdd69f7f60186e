/*
 * What is the same for every engine, whatever its strategy.
 */
#include "consensus/engine.h"

#include <string.h>

#include "consensus/pbft.h"
#include "consensus/raft.h"

const struct strategy *
strategy_find(const char *name)
{
	static const struct strategy *const all[] = {
		&strategy_pbft,
		&strategy_raft,
	};
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (strcmp(all[i]->name, name) == 0)
			return all[i];
	return NULL;
}

bool
engine_config_is_sound(const struct engine_config *c)
{
	return c->member_count >= 1 && c->member_count <= ENGINE_MEMBERS_MAX &&
	    c->self < c->member_count && c->checkpoint_interval >= 1 &&
	    c->window >= 2 * c->checkpoint_interval && c->window <= 4096 &&
	    c->pipeline_max >= 1 && c->pipeline_max <= c->window &&
	    c->batch_bytes_max >= 512 && c->batch_bytes_max <= 64U << 20 &&
	    c->batch_requests_max >= 1 && c->pending_bytes_max <= 1U << 30 &&
	    c->view_timeout_us > 0 && c->progress_interval_us > 0 &&
	    c->authority != NULL;
}

uint32_t
engine_others(const struct engine *e)
{
	uint32_t all = e->config.member_count == 32
	    ? UINT32_MAX
	    : (1U << e->config.member_count) - 1;

	return all & ~(1U << e->config.self);
}

bool
engine_votes(const struct engine *e)
{
	return !e->is_rejoining &&
	    (e->raft != NULL || e->applied >= e->config.first_seq ||
		e->stable > e->config.first_seq || PLANT_VOTES_STATELESS);
}

uint32_t
engine_primary(const struct engine *e)
{
	return e->raft != NULL ? raft_primary(e) : view_primary(e, e->view);
}

void
engine_describe(const struct engine *e, struct engine_status *s)
{
	uint32_t i;

	memset(s, 0, sizeof(*s));
	s->view = e->view;
	s->primary = engine_primary(e);
	s->is_changing_view = e->is_changing;
	s->delivered = e->delivered;
	s->applied = e->applied;
	s->proposed = e->proposed;
	s->stable = e->stable;
	s->stable_digest = e->stable_digest;
	s->view_changes = e->view_changes;
	s->pending_requests = e->pending_count;
	s->pending_bytes = e->pending_bytes;
	s->is_rejoining = e->has_told_rejoining;
	s->is_asking = e->is_asking;
	if (s->is_rejoining && e->horizon.memory == HORIZON_LOST)
		s->rejoin_seq = e->horizon.lost_seq;
	s->clock_refusals = e->clock_refusals;
	s->clock_refused_us = e->clock_refused_us;
	s->clock_member = e->clock_member;
	s->clock_ahead_ms = e->clock_ahead_ms;
	for (i = 0; i < e->config.member_count; i++) {
		s->member_view[i] = e->peers[i].view;
		s->member_applied[i] = e->peers[i].applied;
		s->member_lag[i] = progress_lag(e, i);
		s->member_stable[i] = e->peers[i].stable;
		s->member_rejoining[i] = e->peers[i].is_rejoining;
	}
}

uint64_t
engine_floor(const struct engine *e)
{
	if (e->raft != NULL)
		return e->raft->commit;
	return e->delivered > e->stable ? e->delivered : e->stable;
}
