/*
 * Members feed observers.
 *
 * RULES    1. Nothing an observer sends gets past the feed but a request that
 *             is rightly signed.
 *          2. What a Byzantine member feeds is what a Byzantine member sends:
 *             attacks are made on it as on anything else.
 */
#include "sim/feeding.h"

#include <stdio.h>
#include <string.h>

#include "node/feed.h"
#include "sim/replica.h"

/* What the feed calls back with. */
struct feeding {
	struct world *w;
	struct replica *r;
};

static void
on_send(void *arg, uint32_t nodes, struct bytes message)
{
	struct feeding *f = arg;

	replica_send(f->w, f->r, nodes, message);
}

static void
on_history(void *arg, uint32_t node, uint64_t seq)
{
	struct feeding *f = arg;

	replica_send_history(f->w, f->r, node, seq);
}

static void
on_submit(void *arg, struct bytes envelope)
{
	struct feeding *f = arg;

	replica_step(f->w, f->r,
	    (struct event){ .kind = EVENT_SUBMIT, .body = envelope });
}

static size_t
on_waiting(void *arg)
{
	return ((struct feeding *)arg)->r->status.pending_bytes;
}

static void
on_want_checkpoint(void *arg)
{
	struct feeding *f = arg;

	replica_step(f->w, f->r,
	    (struct event){ .kind = EVENT_CHECKPOINT_WANTED });
}

/* As much of a roster as a feed looks at. */
static const struct roster *
roster_of(struct world *w, const struct membership *m)
{
	struct roster *roster = arena_take(&w->arena, sizeof(*roster));
	uint32_t i;

	memset(roster, 0, sizeof(*roster));
	roster->member_count = m->member_count;
	roster->observer_count = m->node_count - m->member_count;
	for (i = 0; i < m->node_count; i++)
		(void)snprintf(roster->members[i].name,
		    sizeof(roster->members[i].name), "n%u", m->nodes[i]);
	return roster;
}

void
feeding_start(struct world *w, struct replica *r)
{
	struct membership *m = membership_of(w, r);
	struct feeding *f;

	feeding_stop(r);
	if (!r->is_up || r->self >= m->member_count ||
	    m->node_count == m->member_count)
		return;
	f = arena_take(&w->arena, sizeof(*f));
	*f = (struct feeding){ w, r };
	r->feed = feed_new(&(struct feed_config){
	    .roster = roster_of(w, m),
	    .scope = &m->scope,
	    .authority = &keyring_authority,
	    .authority_ctx = &m->signers[r->member],
	    .delivered = r->status.delivered,
	    .arg = f,
	    .send = on_send,
	    .history = on_history,
	    .submit = on_submit,
	    .waiting = on_waiting,
	    .want_checkpoint = on_want_checkpoint,
	});
	AG_ASSERT(r->feed != NULL);
	if (r->ended != 0)
		feeding_stable(r, r->ended, r->stable_certificate);
}

void
feeding_stop(struct replica *r)
{
	feed_free(r->feed);
	r->feed = NULL;
}

void
feeding_decided(struct replica *r, const struct effect *effect)
{
	if (r->feed != NULL)
		feed_decided(r->feed, effect->seq, effect->certificate,
		    effect->body);
}

void
feeding_stable(struct replica *r, uint64_t seq, struct bytes certificate)
{
	if (r->feed != NULL)
		feed_stable(r->feed, seq, certificate);
}

void
feeding_message(struct world *w, struct replica *r, uint32_t from,
    struct bytes body)
{
	if (r->feed != NULL)
		feed_message(r->feed, from, body, w->now);
}
