/*
 * What a view begins with: judged once more, from its NEW_VIEW alone, by
 * whoever a correct replica let convince it.
 *
 * RULES    1. A quorum of different members asked for the view, and who is in
 *             it knows who, over crashes too: laggards must be shown.
 *          2. Checkpoints and certificates in what they say hold.
 *          3. What is chosen begins behind the highest of the checkpoints.
 *          4. A certificate above it gives way to one of its own view or a
 *             higher one, or to a batch for which all but f pledged in a
 *             higher view: new_view.c says why.
 *
 * NOT HERE The signatures of the view changes, which no liar but the signer
 *          can make.
 */
#include "sim/beginning.h"

#include <inttypes.h>

#include "consensus/record.h"
#include "sim/disk.h"

#define PREPARED_MAX (TRUST_MEMBERS_MAX * PROFILE_WINDOW_MAX)

struct prepared {
	uint64_t seq, view;
	struct digest digest;
};

struct beginning {
	struct membership *membership;
	uint64_t view;
	uint32_t askers; /* a bit per member */
	uint32_t count;
	uint64_t base;
	struct bytes changes[TRUST_MEMBERS_MAX];
	struct prepared prepared[PREPARED_MAX];
	size_t prepared_count;
	uint64_t chosen_first; /* 0: nothing */
	struct digest chosen[PROFILE_WINDOW_MAX];
	size_t chosen_count;
};

static bool
certificate_holds(struct world *w, const struct beginning *b, struct decoder *d,
    enum vote_phase phase)
{
	struct membership *m = b->membership;

	certificate_decode(d, &w->certificate);
	return !decoder_failed(d) && w->certificate.phase == phase &&
	    certificate_verify(&w->certificate, &m->scope, m->member_count,
		&keyring_authority, &m->signers[0], NULL) == AG_OK;
}

/* Decode the fields of a VIEW_CHANGE up to its certificates. */
static void
change_begin(struct decoder *d, struct bytes raw, uint32_t *member,
    uint64_t *view, uint64_t *stable)
{
	decoder_init(d, raw);
	decoder_expect_array(d, 8);
	(void)decoder_get_uint(d);
	*member = (uint32_t)decoder_get_uint_max(d, TRUST_MEMBERS_MAX - 1);
	*view = decoder_get_uint(d);
	*stable = decoder_get_uint(d);
}

/* What is wrong with what one member says; NULL: nothing. */
static const char *
judge_change(struct world *w, struct beginning *b, struct bytes raw)
{
	uint64_t view, stable;
	struct decoder d;
	uint32_t member;
	size_t i, count;

	change_begin(&d, raw, &member, &view, &stable);
	if (view != b->view || (b->askers >> member & 1) != 0)
		return "not of a quorum";
	b->askers |= 1U << member;
	b->changes[b->count++] = raw;
	if (decoder_get_null(&d)
		? stable != b->membership->first_seq
		: !certificate_holds(w, b, &d, VOTE_CHECKPOINT) ||
		    w->certificate.seq != stable)
		return "with a checkpoint that is not proved";
	if (stable > b->base)
		b->base = stable;
	count = decoder_get_array_max(&d, PROFILE_WINDOW_MAX);
	for (i = 0; i < count; i++) {
		if (!certificate_holds(w, b, &d, VOTE_PREPARE) ||
		    w->certificate.view >= view)
			return "with a certificate that does not hold";
		b->prepared[b->prepared_count++] =
		    (struct prepared){ w->certificate.seq, w->certificate.view,
			    w->certificate.digest };
	}
	return decoder_failed(&d) ? "that cannot be read" : NULL;
}

static const char *
read_chosen(struct beginning *b, struct decoder *d)
{
	size_t i;

	b->chosen_count = decoder_get_array_max(d, PROFILE_WINDOW_MAX);
	for (i = 0; i < b->chosen_count; i++) {
		uint64_t seq;

		decoder_expect_array(d, 2);
		seq = decoder_get_uint(d);
		decoder_get_fixed(d, b->chosen[i].data, DIGEST_BYTES);
		if (seq != b->base + 1 + i)
			return "that goes on from elsewhere";
	}
	return decoder_failed(d) ? "that cannot be read" : NULL;
}

/* Members that pledged this batch for seq in a view above this one. */
static uint32_t
count_pledges(const struct beginning *b, uint64_t seq, uint64_t view,
    const struct digest *digest)
{
	uint32_t i, count = 0;

	for (i = 0; i < b->count; i++) {
		uint64_t ignored, at_seq, at_view;
		struct digest pledged;
		struct decoder d;
		uint32_t member;
		size_t k, most;

		change_begin(&d, b->changes[i], &member, &ignored, &ignored);
		(void)decoder_get_raw(&d);
		(void)decoder_get_raw(&d);
		most = decoder_get_array_max(&d, PROFILE_WINDOW_MAX);
		for (k = 0; k < most && !decoder_failed(&d); k++) {
			decoder_expect_array(&d, 3);
			at_seq = decoder_get_uint(&d);
			at_view = decoder_get_uint(&d);
			decoder_get_fixed(&d, pledged.data, DIGEST_BYTES);
			if (at_seq == seq && at_view > view &&
			    digest_equal(&pledged, digest))
				count++;
		}
	}
	return count;
}

/* May the choice for its sequence be another than this certificate's? */
static bool
gives_way(const struct beginning *b, const struct prepared *p)
{
	const struct digest *chosen = &b->chosen[p->seq - b->base - 1];
	uint32_t faults =
	    trust_faults(FAULTS_BYZANTINE, b->membership->member_count);
	size_t i;

	for (i = 0; i < b->prepared_count; i++)
		if (b->prepared[i].seq == p->seq &&
		    b->prepared[i].view >= p->view &&
		    digest_equal(&b->prepared[i].digest, chosen))
			return true;
	return count_pledges(b, p->seq, p->view, chosen) >= b->count - faults;
}

static const char *
judge_choice(const struct world *w, const struct beginning *b)
{
	size_t i;

	for (i = 0; i < b->prepared_count; i++) {
		const struct prepared *p = &b->prepared[i];

		if (p->seq <= b->base || p->seq > b->base + w->profile.window)
			continue;
		if (p->seq > b->base + b->chosen_count || !gives_way(b, p))
			return "without what was prepared";
	}
	return NULL;
}

static const char *
judge(struct world *w, struct beginning *b, struct bytes new_view)
{
	uint32_t quorum =
	    trust_quorum(FAULTS_BYZANTINE, b->membership->member_count);
	const char *wrong = NULL;
	struct decoder d;
	size_t i, count;

	decoder_init(&d, new_view);
	decoder_expect_array(&d, 5);
	(void)decoder_get_uint(&d);
	b->view = decoder_get_uint(&d);
	count = decoder_get_array_max(&d, TRUST_MEMBERS_MAX);
	for (i = 0; i < count && wrong == NULL; i++)
		wrong = judge_change(w, b, decoder_get_raw(&d));
	if (wrong == NULL && b->count < quorum)
		wrong = "not of a quorum";
	if (wrong == NULL)
		wrong = read_chosen(b, &d);
	return wrong != NULL ? wrong : judge_choice(w, b);
}

void
beginning_judge(struct world *w, const struct replica *r, struct bytes bytes)
{
	static struct beginning b; /* too large for the stack */
	struct record record;
	const char *wrong;

	if (!r->is_honest || disk_kind(bytes) != RECORD_VIEW ||
	    record_decode(&record, &w->certificate, bytes, NULL) != AG_OK ||
	    record.new_view.len == 0 || bytes_equal(record.new_view, w->judged))
		return;
	w->judged = arena_copy(&w->arena, record.new_view);
	memset(&b, 0, sizeof(b));
	b.membership = membership_of(w, r);
	b.base = b.membership->first_seq;
	wrong = judge(w, &b, w->judged);
	if (wrong != NULL)
		world_violate(w, "replica %u begins view %" PRIu64 " %s",
		    r->index, record.view, wrong);
}

void
beginning_told(struct world *w, const struct replica *r,
    const struct effect *effect)
{
	uint32_t quorum =
	    trust_quorum(FAULTS_BYZANTINE, membership_of(w, r)->member_count);

	if (!r->is_honest || effect->is_changing || effect->view == 0)
		return;
	if ((uint32_t)__builtin_popcount(effect->members) < quorum)
		world_violate(w,
		    "replica %u does not know how view %" PRIu64 " began",
		    r->index, effect->view);
}
