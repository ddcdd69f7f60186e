/*
 * View changes: leaving a primary that does not serve
 * (Castro & Liskov 1999, section 4.4; 2002, section 4.5).
 *
 * FORMAT   VIEW_CHANGE  [19, sender, view, stable, certificate | null,
 *                        [prepare certificate…], [[seq, view, digest]…],
 *                        signature]
 *          the last list are the sender's pledges: its newest PREPARE for
 *          each sequence above stable
 *          signed: "aegis/view-change/v1" NUL | cluster id | u64 epoch |
 *          u64 sender | u64 view | BLAKE2b-256 of fields 2 to 7
 *
 * RULES    1. The view is durable before anything is said in it.
 *          2. A replica that asked for a view votes in no lower one again:
 *             its VIEW_CHANGE says what it has prepared and voted for, and
 *             that must stay true.
 *          3. It asks when its patience is over, which doubles with every
 *             view that brought nothing and is reset by the first that does;
 *             or when f + 1 others ask for higher views, one of whom is
 *             correct.  So correct replicas meet in one view.
 *          4. A replica that hears no quorum, or that f + 1 others have
 *             overtaken, does not blame the primary: leaving alone would
 *             cost the cluster a voter.
 *          5. A member that has left alone all the same is followed after a
 *             long while, each time after twice as long; but never far, so
 *             that one member can't use the numbers up.  So also by those
 *             that ask with a quorum for a view that does not begin, which
 *             may need it.
 *          6. While no quorum asks for its view, a replica shows the others
 *             who does.  A liar that tells one of them alone of a far view
 *             could else have it wait there until the rest, which needs it,
 *             had come up view by view, each for the longest timeout.
 *
 * WHY      timer   something waited, and nothing was executed in time
 *          slow    less was executed than others would have (pace.c)
 *          unfair  something waited for long while other things were executed
 *          again   the view asked for did not begin in time
 *          joined  f + 1 others asked
 *          lone    a member had asked alone for a long while
 *
 * NOT HERE Primaries that serve, but worse than others would (pace.c).
 */
#include <string.h>

#include "codec/message.h"
#include "consensus/pbft.h"
#include "consensus/record.h"
#include "trust/signing.h"

/* View timeouts a lone view change stands before it is joined. */
#define LONE_TIMEOUTS 8
#define PATIENCE_MAX 10

/* No correct replica gets near it. */
#define VIEW_MAX (UINT64_MAX / 2)

/* Of a VIEW_CHANGE that holds, for who signed it: a correct member makes no
 * more than a few in a progress interval (doubt.c). */
#define CHANGE_COST 8

/* View timeouts in which each request must be executed, whatever else is. */
#define STARVATION_TIMEOUTS 4

uint32_t
view_primary(const struct engine *e, uint64_t view)
{
	return (uint32_t)(view % e->config.member_count);
}

bool
view_is_primary(const struct engine *e)
{
	return !e->is_changing && view_primary(e, e->view) == e->config.self;
}

void
view_sign(struct engine *e, const char *purpose, uint64_t view,
    struct bytes statement, uint8_t signature[static SIGNATURE_BYTES])
{
	struct digest digest;

	digest_of(&digest, statement);
	view_message_sign(&e->config.scope, purpose, e->config.self, view,
	    &digest, e->config.authority, e->config.authority_ctx, signature);
}

bool
view_signed_by(struct engine *e, const char *purpose, uint32_t member,
    uint64_t view, struct bytes statement,
    const uint8_t signature[static SIGNATURE_BYTES])
{
	struct digest digest;

	digest_of(&digest, statement);
	return view_message_is_signed(&e->config.scope, purpose, member, view,
	    &digest, signature, e->config.authority, e->config.authority_ctx);
}

void
view_drop_votes(struct engine *e)
{
	uint32_t i, kept = 0;

	for (i = 0; i < e->vote_count; i++)
		if (e->votes[i].phase == VOTE_CHECKPOINT)
			e->votes[kept++] = e->votes[i];
	e->vote_count = kept;
	e->held_count = 0;
}

void
view_keep_new_view(struct engine *e, struct bytes raw)
{
	pool_give(&e->pool, e->new_view);
	e->new_view = NULL;
	e->new_view_len = 0;
	if (raw.len == 0)
		return;
	e->new_view = pool_take(&e->pool, raw.len);
	if (e->new_view == NULL)
		return;
	memcpy(e->new_view, raw.data, raw.len);
	e->new_view_len = (uint32_t)raw.len;
}

/* --- making one --- */

static size_t
count_prepared(const struct engine *e)
{
	size_t i, count = 0;

	for (i = 0; i < e->config.window; i++)
		if (e->slots[i].seq > e->stable &&
		    e->slots[i].prepared->proof_count > 0 &&
		    !PLANT_PREPARED_UNSAID)
			count++;
	return count;
}

static void
put_prepared(struct engine *e, struct encoder *out)
{
	uint64_t seq;

	encoder_put_array(out, count_prepared(e));
	for (seq = e->stable + 1; seq <= e->stable + e->config.window; seq++) {
		const struct slot *slot = slot_find(e, seq);

		if (slot != NULL && slot->prepared->proof_count > 0 &&
		    !PLANT_PREPARED_UNSAID)
			certificate_encode(out, slot->prepared);
	}
}

static void
put_pledges(struct engine *e, struct encoder *out)
{
	size_t i, count = 0;
	uint64_t seq;

	for (i = 0; i < e->config.window; i++)
		if (e->slots[i].seq > e->stable &&
		    e->slots[i].prepare.is_given && !PLANT_PLEDGES_UNSAID)
			count++;
	encoder_put_array(out, count);
	for (seq = e->stable + 1; seq <= e->stable + e->config.window; seq++) {
		const struct slot *slot = slot_find(e, seq);
		const struct pledge *pledge;

		if (slot == NULL || !slot->prepare.is_given ||
		    PLANT_PLEDGES_UNSAID)
			continue;
		pledge = &slot->prepare;
		encoder_put_array(out, 3);
		encoder_put_uint(out, seq);
		encoder_put_uint(out, pledge->view);
		encoder_put_bytes(out,
		    bytes_of(pledge->digest.data, DIGEST_BYTES));
	}
}

/* Encode and sign our VIEW_CHANGE to the view we are changing to. */
static struct bytes
encode_own(struct engine *e)
{
	uint8_t signature[SIGNATURE_BYTES];
	struct encoder out;
	struct bytes head;
	size_t start;

	emit_begin(e, &out);
	encoder_put_array(&out, 8);
	encoder_put_uint(&out, MESSAGE_VIEW_CHANGE);
	start = out.len;
	encoder_put_uint(&out, e->config.self);
	encoder_put_uint(&out, e->view);
	encoder_put_uint(&out, e->stable);
	if (e->stable_certificate->proof_count > 0)
		certificate_encode(&out, e->stable_certificate);
	else
		encoder_put_null(&out);
	put_prepared(e, &out);
	put_pledges(e, &out);
	if (encoder_finish(&out, &head) != AG_OK)
		return bytes_of(NULL, 0);
	view_sign(e, PURPOSE_VIEW_CHANGE, e->view,
	    bytes_of(head.data + start, head.len - start), signature);
	encoder_put_bytes(&out, bytes_of(signature, SIGNATURE_BYTES));
	return emit_end(e, &out);
}

static bool
keep(struct engine *e, uint32_t member, uint64_t view, uint64_t stable,
    struct bytes raw)
{
	struct view_change *vc = &e->peers[member].view_change;
	uint8_t *copy = pool_take(&e->pool, raw.len);

	if (copy == NULL)
		return false;
	memcpy(copy, raw.data, raw.len);
	pool_give(&e->pool, vc->raw);
	*vc = (struct view_change){
		.view = view,
		.stable_seq = stable,
		.since_us = e->now_us,
		.raw = copy,
		.len = (uint32_t)raw.len,
	};
	return true;
}

static void
announce(struct engine *e, uint64_t after)
{
	struct bytes raw = encode_own(e);

	if (raw.len == 0 || !keep(e, e->config.self, e->view, e->stable, raw))
		return;
	emit_send(e, engine_others(e), raw, after);
	e->resend_us = e->now_us + e->config.progress_interval_us;
}

/* Since when something has waited that the primary should have moved. */
static uint64_t
waiting_since(const struct engine *e)
{
	uint64_t since = pending_since(e);
	const struct peer *primary = &e->peers[view_primary(e, e->view)];
	const struct slot *next =
	    &e->slots[(e->delivered + 1) % e->config.window];

	if (next->seq == e->delivered + 1 && next->has_proposal &&
	    next->proposed_us < since)
		since = next->proposed_us;
	/* A primary that is behind itself cannot take a checkpoint. */
	if (e->wants_checkpoint && e->wanted_since_us < since &&
	    !PLANT_WANTED_UNTIMED)
		since = e->wanted_since_us;
	/* One that does not vote proposes nothing. */
	if (primary->is_rejoining && primary->rejoining_us < since)
		since = primary->rejoining_us;
	/* After the last batch there is nothing to move. */
	return e->last == 0 ? since : UINT64_MAX;
}

struct effect *
view_change_start(struct engine *e, uint64_t view, const char *why)
{
	struct effect *effect;
	struct encoder out;
	uint64_t token = 0;

	view_drop_votes(e);
	e->view = view;
	e->is_changing = true;
	e->attempts++;
	e->view_changes++;
	e->view_since_us = e->now_us;
	e->quorum_since_us = 0;
	view_keep_new_view(e, bytes_of(NULL, 0));
	memory_reach(e, view, 0);
	if (!PLANT_VIEW_FORGOTTEN) {
		emit_begin(e, &out);
		record_encode_view(&out, view, true, bytes_of(NULL, 0));
		token = emit_persist(e, 0, emit_end(e, &out));
		e->view_token = token;
	}
	effect = emit(e, EFFECT_VIEW);
	effect->view = view;
	effect->member = view_primary(e, view);
	effect->is_changing = true;
	effect->text = why;
	effect->since_us = waiting_since(e);
	announce(e, token);
	view_change_consider(e);
	return effect;
}

void
view_change_unfair(struct engine *e)
{
	const struct pending *oldest = e->oldest;
	uint64_t waited = oldest != NULL ? e->now_us - oldest->since_us : 0;
	uint64_t others = e->pace.median_us;
	struct effect *effect = view_change_start(e, e->view + 1, "unfair");

	if (oldest == NULL)
		return;
	effect->measured = waited;
	effect->expected = others;
	effect->body = bytes_of(oldest->raw, oldest->len);
}

static void
send_kept(struct engine *e, uint32_t members, const struct view_change *vc)
{
	uint8_t *copy;

	if (!emit_has_room(e, vc->len))
		return;
	copy = e->scratch + e->scratch_used;
	memcpy(copy, vc->raw, vc->len);
	e->scratch_used += vc->len;
	emit_send(e, members, bytes_of(copy, vc->len), e->last_token);
}

/* Those that ask for our view or a higher one, to who may not have heard. */
static void
show_others(struct engine *e)
{
	uint32_t i;

	for (i = 0; i < e->config.member_count; i++) {
		const struct view_change *vc = &e->peers[i].view_change;

		if (i == e->config.self || vc->view < e->view)
			continue;
		REACHED(OTHERS_SHOWN);
		send_kept(e, engine_others(e) & ~(1U << i), vc);
	}
}

void
view_change_show(struct engine *e, uint32_t member)
{
	const struct view_change *vc = &e->peers[member].view_change;

	if (vc->view != 0)
		send_kept(e, 1U << member, vc);
}

void
view_change_repeat(struct engine *e)
{
	const struct view_change *vc = &e->peers[e->config.self].view_change;

	if (!e->is_changing || e->is_rejoining || e->now_us < e->resend_us)
		return;
	e->resend_us = e->now_us + e->config.progress_interval_us;
	if (vc->view != e->view) {
		announce(e, e->last_token);
		view_change_consider(e);
		return;
	}
	send_kept(e, engine_others(e), vc);
	if (e->quorum_since_us == 0)
		show_others(e);
}

/* --- reading one --- */

/* Decode a certificate into the spare and check it. */
static bool
certificate_holds(struct engine *e, struct decoder *d)
{
	certificate_decode(d, e->spare);
	return !decoder_failed(d) &&
	    certificate_verify(e->spare, &e->config.scope,
		e->config.member_count, e->config.authority,
		e->config.authority_ctx, NULL) == AG_OK;
}

static bool
stable_holds(struct engine *e, const struct view_change_fields *f)
{
	struct decoder d;

	if (f->certificate.len == 0)
		return f->stable == e->config.first_seq || PLANT_STABLE_TRUSTED;
	decoder_init(&d, f->certificate);
	return certificate_holds(e, &d) && e->spare->phase == VOTE_CHECKPOINT &&
	    e->spare->seq == f->stable;
}

static bool
prepared_holds(struct engine *e, const struct view_change_fields *f)
{
	uint64_t last = f->stable;
	struct decoder d;
	size_t i;

	decoder_init(&d, f->prepared);
	for (i = 0; i < f->prepared_count; i++) {
		if ((!certificate_holds(e, &d) && !PLANT_PREPARED_TRUSTED) ||
		    e->spare->phase != VOTE_PREPARE ||
		    e->spare->view >= f->view || e->spare->seq <= last ||
		    e->spare->seq > f->stable + e->config.window)
			return false;
		last = e->spare->seq;
	}
	return true;
}

void
view_change_pledge(struct decoder *d, uint64_t *seq, struct pledge *pledge)
{
	decoder_expect_array(d, 3);
	*seq = decoder_get_uint(d);
	pledge->is_given = true;
	pledge->view = decoder_get_uint(d);
	decoder_get_fixed(d, pledge->digest.data, DIGEST_BYTES);
}

/* A pledge is its sender's word: only its shape can be wrong. */
static bool
pledges_hold(const struct engine *e, const struct view_change_fields *f)
{
	uint64_t seq, last = f->stable;
	struct pledge pledge;
	struct decoder d;
	size_t i;

	decoder_init(&d, f->pledges);
	for (i = 0; i < f->pledge_count; i++) {
		view_change_pledge(&d, &seq, &pledge);
		if (decoder_failed(&d) || pledge.view >= f->view ||
		    seq <= last || seq > f->stable + e->config.window)
			return false;
		last = seq;
	}
	return true;
}

bool
view_change_verify(struct engine *e, struct bytes body,
    struct view_change_fields *f)
{
	const struct view_change *known;

	if (!view_message_read_change(f, body) ||
	    f->member >= e->config.member_count || f->view == 0)
		return false;
	known = &e->peers[f->member].view_change;
	if (known->raw != NULL &&
	    bytes_equal(body, bytes_of(known->raw, known->len)))
		return true;
	if (f->prepared_count > e->config.window ||
	    f->pledge_count > e->config.window ||
	    !view_signed_by(e, PURPOSE_VIEW_CHANGE, f->member, f->view,
		f->statement, f->signature))
		return false;
	if (stable_holds(e, f) && prepared_holds(e, f) && pledges_hold(e, f))
		return true;
	conflict_forged(e, EVIDENCE_FORGED_CHANGE, f->member, f->view, body);
	return false;
}

/* Take note of a checkpoint that a view change proves. */
static void
learn_checkpoint(struct engine *e, const struct view_change_fields *f)
{
	struct decoder d;

	if (f->certificate.len == 0 || f->stable < e->stable)
		return;
	decoder_init(&d, f->certificate);
	certificate_decode(&d, e->spare);
	checkpoint_certified(e, e->spare);
}

void
view_change_receive(struct engine *e, struct bytes body)
{
	struct view_change_fields f;

	/* Cheap questions first.  Anybody may have sent it on. */
	if (!view_message_read_change(&f, body))
		return;
	if (f.member == e->config.self && f.view > e->horizon.view &&
	    view_signed_by(e, PURPOSE_VIEW_CHANGE, f.member, f.view,
		f.statement, f.signature))
		memory_check_view(e, f.view);
	if (f.member >= e->config.member_count || f.member == e->config.self ||
	    f.view > VIEW_MAX ||
	    f.view <= e->peers[f.member].view_change.view || f.view < e->view ||
	    (f.view == e->view && !e->is_changing) ||
	    !doubt_hears_early(e, f.member))
		return;
	if (!view_change_verify(e, body, &f)) {
		doubt_waste(e);
		return;
	}
	doubt_early(e, f.member, CHANGE_COST);
	if (!keep(e, f.member, f.view, f.stable, body))
		return;
	learn_checkpoint(e, &f);
	view_change_consider(e);
}

/* --- acting on them --- */

/* The lowest view above ours that f + 1 others ask for at least; or 0. */
static uint64_t
view_to_join(const struct engine *e)
{
	uint64_t lowest = 0;
	uint32_t i, count = 0;

	for (i = 0; i < e->config.member_count; i++) {
		uint64_t view = e->peers[i].view_change.view;

		if (i == e->config.self || view <= e->view)
			continue;
		count++;
		if (lowest == 0 || view < lowest)
			lowest = view;
	}
	return count > (PLANT_JOIN_ONE ? 0 : e->faults) ? lowest : 0;
}

/* Members that ask for our view or a higher one. */
static uint32_t
count_leaving(const struct engine *e)
{
	uint32_t i, count = 0;

	for (i = 0; i < e->config.member_count; i++)
		if (PLANT_LEAVING_EXACT
			? e->peers[i].view_change.view == e->view
			: e->peers[i].view_change.view >= e->view)
			count++;
	return count;
}

void
view_change_consider(struct engine *e)
{
	uint64_t join = view_to_join(e);

	if (e->is_rejoining)
		return;
	if (join != 0) {
		REACHED(JOINED);
		(void)view_change_start(e, join, "joined");
		return;
	}
	/* Who asks for more has left too: its message for this view may be
	 * lost, and waiting for it would be waiting forever. */
	if (!e->is_changing ||
	    count_leaving(e) < e->quorum - PLANT_NEW_VIEW_SHORT)
		return;
	if (e->quorum_since_us == 0)
		e->quorum_since_us = e->now_us;
	new_view_try(e);
}

uint64_t
view_timeout_us(const struct engine *e)
{
	uint32_t doublings = e->attempts;

	if (doublings > TIMEOUT_DOUBLINGS_MAX && !PLANT_PATIENCE_ENDLESS)
		doublings = TIMEOUT_DOUBLINGS_MAX;
	return e->config.view_timeout_us << (PLANT_NO_BACKOFF ? 0 : doublings);
}

/* When something has waited too long, although other things moved. */
static uint64_t
starvation_end(const struct engine *e)
{
	uint64_t since = waiting_since(e);

	if (since == UINT64_MAX || PLANT_PASSED_OVER)
		return UINT64_MAX;
	if (since < e->view_since_us)
		since = e->view_since_us;
	return since + STARVATION_TIMEOUTS * view_timeout_us(e);
}

/* When nothing has moved for too long, although something waits. */
static uint64_t
standstill_end(const struct engine *e)
{
	uint64_t since = waiting_since(e);

	if (since == UINT64_MAX)
		return UINT64_MAX;
	if (since < e->view_since_us)
		since = e->view_since_us;
	if (since < e->last_progress_us)
		since = e->last_progress_us;
	return since + view_timeout_us(e);
}

/* When an active replica's patience with its primary ends. */
static uint64_t
patience_end(const struct engine *e)
{
	uint64_t end = standstill_end(e), starved = starvation_end(e);

	return end < starved ? end : starved;
}

static void
leave_primary(struct engine *e)
{
	REACHED(PRIMARY_LEFT);
	if (standstill_end(e) <= e->now_us)
		(void)view_change_start(e, e->view + 1, "timer");
	else
		view_change_unfair(e);
}

static uint64_t
lone_end(const struct engine *e, const struct peer *peer)
{
	if (peer->view_change.view <= e->view ||
	    peer->view_change.view - e->view > LONE_VIEWS_MAX)
		return UINT64_MAX;
	return peer->view_change.since_us +
	    ((LONE_TIMEOUTS * e->config.view_timeout_us) << peer->patience);
}

static void
join_lone(struct engine *e)
{
	uint32_t i;

	for (i = 0; i < e->config.member_count; i++) {
		struct peer *peer = &e->peers[i];

		if (i == e->config.self || lone_end(e, peer) > e->now_us)
			continue;
		if (peer->patience < PATIENCE_MAX)
			peer->patience++;
		REACHED(JOINED_LONE);
		(void)view_change_start(e, peer->view_change.view, "lone");
		return;
	}
}

void
view_change_timers(struct engine *e)
{
	if (e->is_rejoining)
		return;
	/* Alone already, it would only be led on. */
	if (e->is_changing && e->quorum_since_us == 0)
		return;
	if (e->is_changing) {
		if (e->now_us - e->quorum_since_us >= view_timeout_us(e)) {
			REACHED(CHANGE_TIMED_OUT);
			(void)view_change_start(e, e->view + 1, "again");
			return;
		}
		join_lone(e);
		return;
	}
	if (patience_end(e) <= e->now_us) {
		if (progress_hears_quorum(e) && !progress_peers_lead(e)) {
			leave_primary(e);
			return;
		}
		REACHED(HELD_BACK);
	}
	join_lone(e);
}

uint64_t
view_change_deadline(const struct engine *e)
{
	uint64_t end, lone;
	uint32_t i;

	if (e->is_rejoining)
		return UINT64_MAX;
	if (e->is_changing && e->quorum_since_us == 0)
		return UINT64_MAX;
	end = e->is_changing ? e->quorum_since_us + view_timeout_us(e)
			     : patience_end(e);
	/* Held back by rule 4: look again when peers have told more. */
	if (end <= e->now_us)
		end = e->next_progress_us;
	for (i = 0; i < e->config.member_count; i++) {
		lone = i == e->config.self ? UINT64_MAX
					   : lone_end(e, &e->peers[i]);
		if (lone < end)
			end = lone;
	}
	return end;
}
