/*
 * Requests waiting to be executed: in order of arrival, found by digest.
 *
 * RULES    1. A request is taken only if its principal signed it, and only
 *             once.  What our own node submits is believed to be signed: it
 *             signed it, or checked.  It stays until it is executed: that a
 *             primary has proposed it is no reason to forget it.
 *          2. Our own clients may use all of the room, what others forward
 *             only half, each of them an equal share of it, so that no
 *             member can keep our clients out.
 *          3. A backup sends a request to the primary as soon as there is room
 *             for it in its share there, the oldest first, and whenever
 *             half of its patience is over to everybody: then every correct
 *             replica's timer runs, and a primary that ignores the request
 *             is replaced (Castro & Liskov 1999, section 4.1).  Under a
 *             primary that seems slow or unfair (pace.c) the oldest few go
 *             sooner, so that others see them wait.
 *          4. Who holds a request for another sends it to the primary when
 *             it waits: a member that tells all but the primary must not get
 *             a correct primary blamed.
 *          5. Who is changing views alone still sends its requests to the
 *             others: they may well agree without it.
 *
 *          6. What another member sends is not taken when we remember that it
 *             was executed, further on than that member says it is: it will
 *             come there.  Who is there and still asks has got a state in the
 *             place of batches, and is heard.
 *
 * NOT HERE Whether a request was executed before: the replicated client
 *          table answers that, on every replica alike (store/session.c), and
 *          executes nothing twice.  No member can refuse a batch for it: it
 *          remembers more than a correct primary that has restarted, fetched
 *          its state or not yet executed what it carries over.  A primary
 *          gains nothing by ordering what was executed: it may as well order
 *          requests of its own.  That others' wait is what it is left for
 *          (pace.c).
 */
#include <string.h>

#include "codec/batch.h"
#include "codec/message.h"
#include "consensus/pbft.h"
#include "trust/request.h"

/* Requests sent again in one turn at most, the oldest first. */
#define SHARED_PER_TURN 64

/* And of those that have not waited for half of a view timeout. */
#define SHARED_SOONER 8

static struct pending **
bucket_of(struct engine *e, const struct digest *digest)
{
	uint32_t hash;

	memcpy(&hash, digest->data, sizeof(hash));
	return &e->buckets[hash % PENDING_BUCKETS];
}

static struct pending *
pending_find(const struct engine *e, const struct digest *digest)
{
	uint32_t hash;
	struct pending *p;

	memcpy(&hash, digest->data, sizeof(hash));
	for (p = e->buckets[hash % PENDING_BUCKETS]; p != NULL; p = p->chain)
		if (digest_equal(&p->digest, digest))
			return p;
	return NULL;
}

bool
pending_is_known(const struct engine *e, struct bytes raw)
{
	struct digest digest;

	digest_of(&digest, raw);
	return pending_find(e, &digest) != NULL;
}

static void
pending_drop(struct engine *e, struct pending *p)
{
	struct pending **at = bucket_of(e, &p->digest);

	pace_count(e);
	while (*at != p)
		at = &(*at)->chain;
	*at = p->chain;
	if (e->unproposed == p)
		e->unproposed = p->next;
	if (e->unforwarded == p)
		e->unforwarded = p->next;
	if (p->is_forwarded)
		e->forwarded_bytes -= p->len;
	if (p->previous != NULL)
		p->previous->next = p->next;
	else
		e->oldest = p->next;
	if (p->next != NULL)
		p->next->previous = p->previous;
	else
		e->newest = p->previous;
	e->pending_count--;
	e->pending_bytes -= p->len;
	if (p->source != e->config.self)
		e->peers[p->source].pending_bytes -= p->len;
	else
		e->pending_own--;
	pool_give(&e->pool, (uint8_t *)p);
}

void
pending_drop_all(struct engine *e)
{
	while (e->oldest != NULL)
		pending_drop(e, e->oldest);
}

/* What others may have waiting here, each of them; and we at the primary. */
static size_t
pending_share(const struct engine *e)
{
	return e->config.pending_bytes_max / 2 /
	    (e->config.member_count > 1 ? e->config.member_count - 1 : 1);
}

static bool
pending_has_room(const struct engine *e, uint32_t source, size_t len)
{
	if (e->pending_bytes + len > e->config.pending_bytes_max)
		return false;
	return source == e->config.self ||
	    e->peers[source].pending_bytes + len <= pending_share(e);
}

static struct executed *
executed_cell(struct engine *e, const struct digest *digest)
{
	uint32_t hash;

	memcpy(&hash, digest->data, sizeof(hash));
	return &e->executed[hash % PENDING_EXECUTED];
}

/*
 * Has another sent what is executed, before it came there itself?  It would be
 * ordered once more, for nothing.
 */
static bool
is_stale(struct engine *e, uint32_t source, const struct digest *digest)
{
	const struct executed *executed = executed_cell(e, digest);

	return source != e->config.self &&
	    e->peers[source].delivered < executed->seq &&
	    digest_equal(&executed->digest, digest);
}

static void
pending_refuse(struct engine *e, uint32_t source, struct bytes raw)
{
	if (source != e->config.self)
		return;
	emit(e, EFFECT_REFUSED)->body = raw;
}

void
pending_take(struct engine *e, uint32_t source, struct bytes raw)
{
	struct envelope envelope;
	struct digest digest;
	struct pending *p, **bucket;

	digest_of(&digest, raw);
	/* After the last batch who waits asks again, in the next epoch. */
	if (e->last != 0 || pending_find(e, &digest) != NULL ||
	    is_stale(e, source, &digest))
		return;
	/* A batch must hold it, with its own head. */
	if (raw.len + 32 > e->config.batch_bytes_max ||
	    !pending_has_room(e, source, raw.len) ||
	    envelope_decode(&envelope, raw, NULL) != AG_OK ||
	    (source != e->config.self &&
		!request_verify(&envelope, &e->config.scope,
		    e->config.authority, e->config.authority_ctx))) {
		pending_refuse(e, source, raw);
		return;
	}
	p = (struct pending *)(void *)pool_take(&e->pool, sizeof(*p) + raw.len);
	if (p == NULL) {
		pending_refuse(e, source, raw);
		return;
	}
	*p = (struct pending){
		.previous = e->newest,
		.digest = digest,
		.len = (uint32_t)raw.len,
		.source = source,
		.since_us = e->now_us,
		.shared_us = e->now_us,
		.executed_before = e->pace.executed,
	};
	pace_count(e);
	memcpy(p->raw, raw.data, raw.len);
	bucket = bucket_of(e, &digest);
	p->chain = *bucket;
	*bucket = p;
	if (e->newest != NULL)
		e->newest->next = p;
	else
		e->oldest = p;
	e->newest = p;
	if (e->unproposed == NULL)
		e->unproposed = p;
	if (e->unforwarded == NULL)
		e->unforwarded = p;
	e->pending_count++;
	e->pending_bytes += p->len;
	if (source != e->config.self)
		e->peers[source].pending_bytes += p->len;
	else
		e->pending_own++;
}

/* Call fn for each request of a batch. */
static void
for_each_request(struct engine *e, struct bytes encoded,
    void (*fn)(struct engine *e, const struct digest *digest, uint64_t seq),
    uint64_t seq)
{
	struct batch batch;
	struct decoder d;
	size_t i;

	if (batch_decode(&batch, encoded, NULL) != AG_OK)
		return;
	decoder_init(&d, batch.envelopes);
	for (i = 0; i < batch.envelope_count; i++) {
		struct digest digest;

		digest_of(&digest, decoder_get_raw(&d));
		fn(e, &digest, seq);
	}
}

static void
on_executed(struct engine *e, const struct digest *digest, uint64_t seq)
{
	struct pending *p = pending_find(e, digest);

	*executed_cell(e, digest) = (struct executed){ *digest, seq };
	if (p == NULL)
		return;
	pace_executed(e, p);
	pending_drop(e, p);
}

static void
on_proposed(struct engine *e, const struct digest *digest, uint64_t seq)
{
	struct pending *p = pending_find(e, digest);

	if (p == NULL)
		return;
	p->proposed_view = e->view + 1;
	p->proposed_seq = seq;
}

void
pending_executed(struct engine *e, struct bytes batch, uint64_t seq)
{
	for_each_request(e, batch, on_executed, seq);
}

void
pending_mark_proposed(struct engine *e, struct bytes batch, uint64_t seq)
{
	if (e->pending_count > 0)
		for_each_request(e, batch, on_proposed, seq);
}

void
pending_new_view(struct engine *e)
{
	struct pending *p;

	for (p = e->oldest; p != NULL; p = p->next) {
		p->proposed_view = 0;
		/* The new primary gets a patience of its own. */
		p->since_us = e->now_us;
		p->shared_us = e->now_us;
		p->shares = 0;
		p->executed_before = 0;
		p->is_forwarded = false;
	}
	e->forwarded_bytes = 0;
	e->unproposed = e->oldest;
	e->unforwarded = e->oldest;
}

static void
pending_send(struct engine *e, const struct pending *p, uint32_t members)
{
	struct encoder out;

	emit_begin(e, &out);
	encoder_put_array(&out, 2);
	encoder_put_uint(&out, MESSAGE_REQUEST);
	encoder_put_bytes(&out, bytes_of(p->raw, p->len));
	emit_send(e, members, emit_end(e, &out), 0);
}

/* What has come since the last turn, to the primary. */
static void
forward_new(struct engine *e)
{
	uint32_t primary = engine_primary(e);
	/* The primary may execute a little later than we do. */
	size_t most = pending_share(e) / 4 * 3;

	for (; e->unforwarded != NULL; e->unforwarded = e->unforwarded->next) {
		struct pending *p = e->unforwarded;

		if (primary == e->config.self || p->source != e->config.self ||
		    p->proposed_view == e->view + 1)
			continue;
		if ((e->forwarded_bytes > 0 &&
			e->forwarded_bytes + p->len > most) ||
		    !emit_has_room(e, p->len + 64))
			return;
		p->is_forwarded = true;
		e->forwarded_bytes += p->len;
		pending_send(e, p, 1U << primary);
	}
}

/* What has waited too long, to whoever should have moved it. */
static void
share_old(struct engine *e)
{
	uint64_t half = e->config.view_timeout_us / 2, due = pace_share_us(e);
	uint32_t primary = engine_primary(e), count = 0;
	const bool is_behind = progress_peers_lead(e);
	struct pending *p;

	for (p = e->oldest; p != NULL && count < SHARED_PER_TURN; p = p->next) {
		/* A leader of Raft ignores nobody. */
		uint32_t to = p->source == e->config.self && e->raft == NULL
		    ? engine_others(e)
		    : 1U << primary;

		if (e->now_us - p->since_us <
		    (count < SHARED_SOONER ? due : half))
			return;
		/* It may have been executed long ago.  So may what our own
		 * clients wait for, but they have nobody else to tell of it. */
		if (is_behind && p->source != e->config.self)
			continue;
		count++;
		if (PLANT_FORWARD_ONCE || e->now_us - p->shared_us < due ||
		    !emit_has_room(e, p->len + 64))
			continue;
		p->shared_us = e->now_us;
		p->shares++;
		pending_send(e, p, to & ~(1U << e->config.self));
	}
}

void
pending_forward(struct engine *e)
{
	if (!e->is_changing)
		forward_new(e);
	share_old(e);
}

uint64_t
pending_since(const struct engine *e)
{
	return e->oldest == NULL ? UINT64_MAX : e->oldest->since_us;
}

uint64_t
pending_share_due(const struct engine *e)
{
	uint64_t due;

	if (e->oldest == NULL)
		return UINT64_MAX;
	due = e->oldest->shared_us + pace_share_us(e);
	return due > e->now_us ? due : UINT64_MAX;
}
