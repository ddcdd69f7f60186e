/*
 * Invariants of Raft, each of one epoch: terms begin anew with it.
 *
 * ELECTION SAFETY      a term has one leader
 * VOTES                a member gives one vote in a term, over crashes too,
 *                      and has it on disk when it leaves
 * LOG MATCHING         an entry of one sequence and term is one batch
 * LEADER COMPLETENESS  who leads a term has what was committed in those
 *                      before
 * COMMITMENT           of what is executed no member lacks it that could yet
 *                      be elected, by what is on the disks
 * DURABILITY           an entry that is acknowledged is on disk
 */
#include "sim/terms.h"

#include <inttypes.h>
#include <string.h>

#include "codec/message.h"
#include "consensus/record.h"

static struct term *
term_of(struct world *w, const struct replica *r, uint64_t term)
{
	const size_t len = WORLD_TERMS_MAX * sizeof(struct term);
	struct membership *m = membership_of(w, r);

	if (term >= WORLD_TERMS_MAX)
		return NULL;
	if (m->terms == NULL) {
		m->terms = arena_take(&w->arena, len);
		memset(m->terms, 0, len);
	}
	return &m->terms[term];
}

static void
note_leader(struct world *w, const struct replica *r, uint64_t term)
{
	struct term *t = term_of(w, r, term);

	if (t == NULL)
		return;
	if (t->leader != 0 && t->leader != r->member + 1)
		world_violate(w, "term %" PRIu64 " has two leaders: %u and %u",
		    term, t->leader - 1, r->member);
	t->leader = r->member + 1;
}

/* Does a record that is safe say that this vote was given? */
static bool
vote_is_safe(struct world *w, const struct replica *r, uint64_t term,
    uint32_t member)
{
	struct record record;
	size_t i;

	for (i = r->disk.synced; i > r->disk.first; i--) {
		if (record_decode(&record, &w->certificate,
			r->disk.records[i - 1].body, NULL) != AG_OK ||
		    (record.kind != RECORD_TERM && record.kind != RECORD_BASE))
			continue;
		if (record.view == term && record.vote == member)
			return true;
	}
	return false;
}

static void
note_vote(struct world *w, const struct replica *r, uint64_t term,
    uint32_t member)
{
	struct term *t = term_of(w, r, term);

	if (t == NULL)
		return;
	if (t->votes[r->member] != 0 && t->votes[r->member] != member + 1)
		world_violate(w, "replica %u votes twice in term %" PRIu64,
		    r->index, term);
	t->votes[r->member] = member + 1;
	if (!vote_is_safe(w, r, term, member))
		world_violate(w,
		    "replica %u sent a vote of term %" PRIu64
		    " that is not on its disk",
		    r->index, term);
}

/* The last sequence that is written down and safe, or in the state. */
static bool
entry_is_safe(const struct replica *r, uint64_t seq)
{
	size_t i;

	if (seq <= r->status.stable)
		return true;
	for (i = r->disk.first; i < r->disk.synced; i++)
		if (r->disk.records[i].seq == seq)
			return true;
	return false;
}

static void
leave_answer(struct world *w, const struct replica *r, struct decoder *d)
{
	bool is_taken;
	uint64_t seq;

	(void)decoder_get_uint(d);
	is_taken = decoder_get_bool(d);
	seq = decoder_get_uint(d);
	if (is_taken && !entry_is_safe(r, seq))
		world_violate(w,
		    "replica %u acknowledged %" PRIu64
		    ", which is not on its disk",
		    r->index, seq);
}

static void
leave_vote(struct world *w, const struct replica *r, uint32_t members,
    struct decoder *d)
{
	uint64_t term = decoder_get_uint(d);
	bool is_pre = decoder_get_bool(d);
	uint32_t to = 0;

	if (is_pre || !decoder_get_bool(d))
		return;
	while ((members >> to & 1) == 0)
		to++;
	note_vote(w, r, term, to);
}

static void
leave_request(struct world *w, const struct replica *r, struct decoder *d)
{
	uint64_t term = decoder_get_uint(d);

	if (!decoder_get_bool(d))
		note_vote(w, r, term, r->self);
}

void
terms_leave(struct world *w, struct replica *r, uint32_t members,
    struct bytes body)
{
	struct decoder d;

	decoder_init(&d, body);
	(void)decoder_get_array_max(&d, 16);
	switch (decoder_get_uint(&d)) {
	case MESSAGE_APPEND:
		note_leader(w, r, decoder_get_uint(&d));
		break;
	case MESSAGE_APPEND_ANSWER:
		leave_answer(w, r, &d);
		break;
	case MESSAGE_VOTE_ANSWER:
		leave_vote(w, r, members, &d);
		break;
	case MESSAGE_VOTE_REQUEST:
		leave_request(w, r, &d);
		break;
	default:
		break;
	}
}

void
terms_persist(struct world *w, struct replica *r, struct bytes bytes)
{
	struct entry_facts *facts;
	struct record record;
	uint32_t i;

	if (record_decode(&record, &w->certificate, bytes, NULL) != AG_OK ||
	    record.kind != RECORD_ENTRY || record.seq >= WORLD_SLOTS_MAX)
		return;
	facts = &w->entries[record.seq];
	for (i = 0; i < facts->count; i++) {
		if (facts->known[i].epoch != r->epoch ||
		    facts->known[i].term != record.view)
			continue;
		if (!digest_equal(&facts->known[i].digest, &record.digest))
			world_violate(w,
			    "replica %u has another entry at %" PRIu64
			    " of term %" PRIu64,
			    r->index, record.seq, record.view);
		return;
	}
	if (facts->count == WORLD_ENTRY_TERMS)
		return;
	facts->known[facts->count].epoch = r->epoch;
	facts->known[facts->count].term = record.view;
	facts->known[facts->count++].digest = record.digest;
}

/* What was committed before this term must be in its leader's log. */
static void
must_be_complete(struct world *w, const struct replica *r, uint64_t term)
{
	const struct membership *m = membership_of(w, r);
	uint64_t seq,
	    end = m->last_seq != 0 ? m->last_seq + 1 : WORLD_SLOTS_MAX;
	struct engine_round round;

	for (seq = r->status.stable + 1; seq < end; seq++) {
		const struct slot *slot = &w->slots[seq];

		if (!slot->is_agreed)
			return;
		if (w->entries[seq].committed_by >= term)
			continue;
		if (w->strategy->round(r->engine, seq, &round) != AG_OK ||
		    !digest_equal(&round.digest, &slot->digest))
			world_violate(w,
			    "replica %u leads term %" PRIu64
			    " without what was committed at %" PRIu64,
			    r->index, term, seq);
	}
}

/* Where the log on a disk ends, and whether it has one entry. */
struct log_end {
	uint64_t seq, term;
	bool has;
	bool is_gone; /* its node is in the epoch no more */
};

static void
read_log(struct world *w, const struct replica *r, uint64_t epoch,
    const struct effect *entry, struct log_end *end)
{
	struct record record;
	size_t i;

	*end = (struct log_end){ 0 };
	/* Who is yet to come will begin with an empty log. */
	if (r->epoch < epoch)
		return;
	end->is_gone = r->epoch > epoch || r->is_out;
	if (end->is_gone)
		return;
	for (i = r->disk.first; i < r->disk.synced; i++) {
		if (record_decode(&record, &w->certificate,
			r->disk.records[i].body, NULL) != AG_OK)
			continue;
		if (record.kind == RECORD_BASE && record.seq >= end->seq) {
			end->seq = record.seq;
			end->term = record.base_term;
			end->has = record.seq >= entry->seq;
		} else if (record.kind == RECORD_ENTRY) {
			end->seq = record.seq;
			end->term = record.view;
			if (record.seq <= entry->seq)
				end->has = record.seq == entry->seq &&
				    record.view == entry->view;
		}
	}
}

static uint32_t
voters(const struct log_end *ends, uint32_t count, const struct log_end *for_it)
{
	uint32_t i, votes = 0;

	for (i = 0; i < count; i++)
		if (!ends[i].is_gone &&
		    (for_it->term > ends[i].term ||
			(for_it->term == ends[i].term &&
			    for_it->seq >= ends[i].seq)))
			votes++;
	return votes;
}

void
terms_commit(struct world *w, struct replica *r, const struct effect *effect)
{
	const struct membership *m = membership_of(w, r);
	struct log_end ends[PROFILE_MEMBERS_MAX];
	uint32_t i, n = m->member_count;

	/* Of the leader's own term any majority will do.  Disks that lie keep
	 * their members from voting. */
	if (effect->view >= r->status.view || w->profile.lie_count > 0)
		return;
	for (i = 0; i < n; i++)
		read_log(w, &w->replicas[m->nodes[i]], r->epoch, effect,
		    &ends[i]);
	for (i = 0; i < n; i++)
		if (!ends[i].has && !ends[i].is_gone &&
		    voters(ends, n, &ends[i]) > n / 2)
			world_violate(w,
			    "replica %u executes %" PRIu64
			    ", but %u lacks it and could be elected",
			    r->index, effect->seq, m->nodes[i]);
}

void
terms_view(struct world *w, struct replica *r, const struct effect *effect)
{
	if (effect->is_changing || effect->member != r->self)
		return;
	note_leader(w, r, effect->view);
	must_be_complete(w, r, effect->view);
}
