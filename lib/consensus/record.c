/*
 * Records, written and read.
 */
#include "consensus/record.h"

#include <string.h>

#include "codec/decoder.h"
#include "codec/message.h"

#define RECORD_FIELDS_MAX 5

static void
put_optional(struct encoder *e, struct bytes value)
{
	if (value.len == 0)
		encoder_put_null(e);
	else
		encoder_put_bytes(e, value);
}

static struct bytes
get_optional(struct decoder *d)
{
	if (decoder_get_null(d))
		return bytes_of(NULL, 0);
	return decoder_get_bytes(d);
}

void
record_encode_proposal(struct encoder *e, uint64_t view, uint64_t seq,
    const struct digest *digest, struct bytes batch)
{
	encoder_put_array(e, 5);
	encoder_put_uint(e, RECORD_PROPOSAL);
	encoder_put_uint(e, view);
	encoder_put_uint(e, seq);
	encoder_put_bytes(e, bytes_of(digest->data, DIGEST_BYTES));
	put_optional(e, batch);
}

void
record_encode_certificate(struct encoder *e, enum record_kind kind,
    const struct certificate *certificate)
{
	encoder_put_array(e, 2);
	encoder_put_uint(e, kind);
	certificate_encode(e, certificate);
}

void
record_encode_view(struct encoder *e, uint64_t view, bool is_changing,
    struct bytes new_view)
{
	encoder_put_array(e, 4);
	encoder_put_uint(e, RECORD_VIEW);
	encoder_put_uint(e, view);
	encoder_put_bool(e, is_changing);
	put_optional(e, new_view);
}

void
record_encode_checkpoint(struct encoder *e,
    const struct certificate *certificate, uint64_t view, bool is_changing,
    struct bytes new_view)
{
	encoder_put_array(e, 5);
	encoder_put_uint(e, RECORD_CHECKPOINT);
	certificate_encode(e, certificate);
	encoder_put_uint(e, view);
	encoder_put_bool(e, is_changing);
	put_optional(e, new_view);
}

void
record_encode_state(struct encoder *e, uint64_t seq,
    const struct digest *digest)
{
	encoder_put_array(e, 3);
	encoder_put_uint(e, RECORD_STATE);
	encoder_put_uint(e, seq);
	encoder_put_bytes(e, bytes_of(digest->data, DIGEST_BYTES));
}

void
record_encode_batch(struct encoder *e, uint64_t seq, struct bytes batch)
{
	encoder_put_array(e, 3);
	encoder_put_uint(e, RECORD_BATCH);
	encoder_put_uint(e, seq);
	encoder_put_bytes(e, batch);
}

void
record_encode_entry(struct encoder *e, uint64_t term, uint64_t seq,
    const struct digest *digest, struct bytes batch)
{
	encoder_put_array(e, 5);
	encoder_put_uint(e, RECORD_ENTRY);
	encoder_put_uint(e, term);
	encoder_put_uint(e, seq);
	encoder_put_bytes(e, bytes_of(digest->data, DIGEST_BYTES));
	encoder_put_bytes(e, batch);
}

static void
put_term(struct encoder *e, uint64_t term, uint32_t vote)
{
	encoder_put_uint(e, term);
	if (vote == RECORD_NO_VOTE)
		encoder_put_null(e);
	else
		encoder_put_uint(e, vote);
}

void
record_encode_term(struct encoder *e, uint64_t term, uint32_t vote)
{
	encoder_put_array(e, 3);
	encoder_put_uint(e, RECORD_TERM);
	put_term(e, term, vote);
}

void
record_encode_base(struct encoder *e, const struct certificate *certificate,
    uint64_t base_term, uint64_t term, uint32_t vote)
{
	encoder_put_array(e, 5);
	encoder_put_uint(e, RECORD_BASE);
	certificate_encode(e, certificate);
	encoder_put_uint(e, base_term);
	put_term(e, term, vote);
}

static void
decode_certificate(struct record *r, struct certificate *c, struct decoder *d)
{
	static const enum vote_phase phases[] = {
		[RECORD_PREPARED] = VOTE_PREPARE,
		[RECORD_COMMITTED] = VOTE_COMMIT,
		[RECORD_CHECKPOINT] = VOTE_CHECKPOINT,
		[RECORD_BASE] = VOTE_CHECKPOINT,
	};

	certificate_decode(d, c);
	if (!decoder_failed(d) && c->phase != phases[r->kind] &&
	    !(r->kind == RECORD_COMMITTED && c->phase == VOTE_PREPARE))
		decoder_fail(d, "record with a certificate of another phase");
	r->view = c->view;
	r->seq = c->seq;
	r->digest = c->digest;
}

static void
decode_term(struct record *r, struct decoder *d)
{
	r->view = decoder_get_uint(d);
	r->vote = decoder_get_null(d)
	    ? RECORD_NO_VOTE
	    : (uint32_t)decoder_get_uint_max(d, TRUST_MEMBERS_MAX - 1);
}

static void
decode_view(struct record *r, struct decoder *d)
{
	r->view = decoder_get_uint(d);
	r->is_changing = decoder_get_bool(d);
	r->new_view = get_optional(d);
}

static void
decode_body(struct record *r, struct certificate *c, struct decoder *d)
{
	switch (r->kind) {
	case RECORD_PROPOSAL:
		r->view = decoder_get_uint(d);
		r->seq = decoder_get_uint(d);
		decoder_get_fixed(d, r->digest.data, DIGEST_BYTES);
		r->batch = get_optional(d);
		break;
	case RECORD_PREPARED:
	case RECORD_COMMITTED:
		decode_certificate(r, c, d);
		break;
	case RECORD_VIEW:
		decode_view(r, d);
		break;
	case RECORD_CHECKPOINT:
		decode_certificate(r, c, d);
		decode_view(r, d);
		break;
	case RECORD_STATE:
		r->seq = decoder_get_uint(d);
		decoder_get_fixed(d, r->digest.data, DIGEST_BYTES);
		break;
	case RECORD_BATCH:
		r->seq = decoder_get_uint(d);
		r->batch = decoder_get_bytes(d);
		break;
	case RECORD_ENTRY:
		r->view = decoder_get_uint(d);
		r->seq = decoder_get_uint(d);
		decoder_get_fixed(d, r->digest.data, DIGEST_BYTES);
		r->batch = decoder_get_bytes(d);
		break;
	case RECORD_TERM:
		decode_term(r, d);
		break;
	case RECORD_BASE:
		decode_certificate(r, c, d);
		r->base_term = decoder_get_uint(d);
		decode_term(r, d);
		break;
	default:
		decoder_fail(d, "unknown kind of record");
		break;
	}
}

enum ag_status
record_decode(struct record *r, struct certificate *certificate,
    struct bytes input, struct ag_error *err)
{
	static const size_t fields[] = { 0, 5, 2, 2, 4, 5, 3, 3, 5, 3, 5 };
	struct decoder d;
	size_t count;

	memset(r, 0, sizeof(*r));
	decoder_init(&d, input);
	count = decoder_get_array_max(&d, RECORD_FIELDS_MAX);
	r->kind = (enum record_kind)decoder_get_uint_max(&d, RECORD_BASE);
	if (count != fields[r->kind])
		decoder_fail(&d, "record with the wrong number of fields");
	decode_body(r, certificate, &d);
	return decoder_finish(&d, err);
}

/* The sender of a VIEW_CHANGE (view_change.c says its format). */
static uint32_t
view_change_sender(struct bytes raw)
{
	uint32_t members;
	struct decoder d;

	if (raw.len == 0)
		return 0; /* cut short */
	decoder_init(&d, raw);
	decoder_expect_array(&d, 8);
	if (decoder_get_uint(&d) != MESSAGE_VIEW_CHANGE)
		decoder_fail(&d, "not a view change");
	members = UINT32_C(1)
	    << decoder_get_uint_max(&d, TRUST_MEMBERS_MAX - 1);
	return decoder_failed(&d) ? 0 : members;
}

uint32_t
record_new_view_askers(struct bytes new_view)
{
	uint32_t members = 0;
	struct decoder d;
	size_t i, count;

	if (new_view.len == 0)
		return 0;
	decoder_init(&d, new_view);
	decoder_expect_array(&d, 5);
	if (decoder_get_uint(&d) != MESSAGE_NEW_VIEW)
		decoder_fail(&d, "not a new view");
	(void)decoder_get_uint(&d); /* view */
	count = decoder_get_array_max(&d, TRUST_MEMBERS_MAX);
	for (i = 0; i < count && !decoder_failed(&d); i++)
		members |= view_change_sender(decoder_get_raw(&d));
	return decoder_failed(&d) ? 0 : members;
}

const char *
record_kind_name(enum record_kind kind)
{
	switch (kind) {
	case RECORD_PROPOSAL:
		return "proposal";
	case RECORD_PREPARED:
		return "prepared";
	case RECORD_COMMITTED:
		return "committed";
	case RECORD_VIEW:
		return "view";
	case RECORD_CHECKPOINT:
		return "checkpoint";
	case RECORD_BATCH:
		return "batch";
	case RECORD_STATE:
		return "state";
	case RECORD_ENTRY:
		return "entry";
	case RECORD_TERM:
		return "term";
	case RECORD_BASE:
		return "base";
	default:
		return "unknown";
	}
}
