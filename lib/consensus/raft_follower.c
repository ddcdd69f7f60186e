/*
 * A follower's log: what the leader sends is appended where it fits (Ongaro
 * 2014, section 3.5).
 *
 * RULES    1. Entries are taken only behind an entry that both logs have;
 *             what conflicts with them is dropped first.  What is committed
 *             is never dropped: a message that would is no leader's.
 *          2. Whatever is taken is durable before the answer leaves.
 *          3. An entry at or below our stable checkpoint is committed, and
 *             the leader's is the same.
 *          4. Who is answered that it lacks an entry learns the last of ours
 *             that could be in its log too.
 */
#include "codec/batch.h"
#include "codec/message.h"
#include "consensus/raft.h"

/* An APPEND, read. */
struct append {
	uint64_t term;
	uint64_t before, before_term;
	uint64_t commit;
	size_t count;
	struct {
		uint64_t term;
		struct bytes batch;
	} entries[RAFT_ENTRIES_MAX];
};

static bool
entry_is_sound(const struct engine *e, struct bytes encoded)
{
	struct batch batch;

	return encoded.len <= e->config.batch_bytes_max &&
	    batch_decode(&batch, encoded, NULL) == AG_OK &&
	    batch.envelope_count <= e->config.batch_requests_max;
}

/* From hostile bytes; false when no leader would have sent them. */
static bool
read_append(const struct engine *e, struct append *a, struct decoder *d)
{
	uint64_t least;
	size_t i;

	a->term = decoder_get_uint(d);
	a->before = decoder_get_uint(d);
	a->before_term = decoder_get_uint(d);
	a->commit = decoder_get_uint(d);
	a->count = decoder_get_array_max(d, RAFT_ENTRIES_MAX);
	for (i = 0; i < a->count && !decoder_failed(d); i++) {
		decoder_expect_array(d, 2);
		a->entries[i].term = decoder_get_uint(d);
		a->entries[i].batch =
		    decoder_get_bytes_max(d, e->config.batch_bytes_max);
	}
	if (decoder_finish(d, NULL) != AG_OK || a->term == UINT64_MAX ||
	    a->before > UINT64_MAX / 2)
		return false;
	least = a->before_term;
	for (i = 0; i < a->count; i++) {
		if (a->entries[i].term < least ||
		    !entry_is_sound(e, a->entries[i].batch))
			return false;
		least = a->entries[i].term;
	}
	return least <= a->term;
}

static void
answer(struct engine *e, uint32_t to, bool is_taken, uint64_t seq,
    uint64_t hint_seq, uint64_t hint_term)
{
	struct encoder out;

	emit_begin(e, &out);
	encoder_put_array(&out, 6);
	encoder_put_uint(&out, MESSAGE_APPEND_ANSWER);
	encoder_put_uint(&out, e->view);
	encoder_put_bool(&out, is_taken);
	encoder_put_uint(&out, seq);
	encoder_put_uint(&out, hint_seq);
	encoder_put_uint(&out, hint_term);
	emit_send(e, 1U << to, emit_end(e, &out),
	    PLANT_RAFT_ACK_EARLY ? 0 : e->last_token);
}

bool
raft_follower_hear(struct engine *e, uint32_t from, uint64_t term)
{
	const struct raft *raft = e->raft;

	if (term < e->view) {
		/* It learns that its time is over. */
		answer(e, from, false, 0, 0, 0);
		return false;
	}
	if (term == e->view &&
	    (raft->role == RAFT_LEADER ||
		(raft->leader != RAFT_NOBODY && raft->leader != from)))
		return false;
	raft_follow(e, term, from);
	return true;
}

/* Have both logs the entry before? */
static bool
fits(struct engine *e, const struct append *a)
{
	uint64_t term;

	if (a->before < e->stable)
		return true;
	return a->before <= e->proposed && raft_log_term(e, a->before, &term) &&
	    term == a->before_term;
}

static void
refuse(struct engine *e, uint32_t from, const struct append *a)
{
	uint64_t seq = a->before < e->proposed ? a->before : e->proposed;
	uint64_t term = 0;

	while (raft_log_term(e, seq, &term) && term > a->before_term &&
	    seq > e->stable)
		seq--;
	answer(e, from, false, a->before, seq, term);
}

/*
 * Take one entry; AG_EEXIST when the log has it, AG_EPROTO when it can't be
 * the leader's.
 */
static enum ag_status
take(struct engine *e, uint64_t seq, uint64_t term, struct bytes batch)
{
	const struct slot *slot;

	if (seq <= e->stable)
		return AG_EEXIST;
	slot = seq <= e->proposed ? slot_find(e, seq) : NULL;
	if (slot != NULL) {
		if (slot->view == term || PLANT_RAFT_NO_TRUNCATE)
			return AG_EEXIST;
		if (seq <= e->raft->commit)
			return AG_EPROTO;
		raft_log_truncate(e, seq);
	}
	return raft_log_append(e, term, batch);
}

/* Take what fits; false when it can't be the leader's. */
static bool
take_all(struct engine *e, const struct append *a, uint64_t *last)
{
	size_t i;

	*last = a->before > e->stable ? a->before : e->stable;
	for (i = 0; i < a->count; i++) {
		uint64_t seq = a->before + 1 + i;
		enum ag_status status =
		    take(e, seq, a->entries[i].term, a->entries[i].batch);

		if (status == AG_EPROTO)
			return false;
		if (status == AG_ELIMIT)
			break;
		if (seq > *last)
			*last = seq;
	}
	return true;
}

void
raft_follower_append(struct engine *e, uint32_t from, struct decoder *d)
{
	struct append a;
	uint64_t last, commit;

	if (!read_append(e, &a, d) || !raft_follower_hear(e, from, a.term))
		return;
	if (!fits(e, &a)) {
		refuse(e, from, &a);
		return;
	}
	if (!take_all(e, &a, &last))
		return;
	commit = a.commit < last ? a.commit : last;
	if (commit > e->raft->commit)
		e->raft->commit = commit;
	answer(e, from, true, last, 0, 0);
}

void
raft_follower_base(struct engine *e, uint32_t from, struct decoder *d)
{
	uint64_t term = decoder_get_uint(d), base_term = decoder_get_uint(d);

	certificate_decode(d, e->spare);
	if (decoder_finish(d, NULL) != AG_OK || term == UINT64_MAX ||
	    base_term > term || e->spare->phase != VOTE_CHECKPOINT ||
	    !raft_follower_hear(e, from, term))
		return;
	if (e->spare->seq > e->stable) {
		if (certificate_verify(e->spare, &e->config.scope,
			e->config.member_count, e->config.authority,
			e->config.authority_ctx, NULL) != AG_OK) {
			doubt_waste(e);
			return;
		}
		e->raft->offer_seq = e->spare->seq;
		e->raft->offer_term = base_term;
		checkpoint_adopt(e, e->spare);
	}
	answer(e, from, true, e->stable, 0, 0);
}
