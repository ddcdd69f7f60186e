/*
 * Epochs proved by the one before.
 *
 * RULES    1. Approval is not enough: a successor that was signed and never
 *             agreed on, or beside which another was, is no epoch.
 *          2. Nothing of the record is believed but what leads from the
 *             text to the state's digest and from there to a quorum's
 *             signatures of the epoch before.
 */
#include "trust/epoch.h"

#include <stdlib.h>
#include <string.h>

#include "codec/decoder.h"
#include "codec/operation.h"
#include "trust/certificate_file.h"
#include "trust/state.h"
#include "trust/succession.h"

#define EPOCH_MAGIC "aegis-epoch"
#define EPOCH_VERSION 1

/* What an entry takes beside its text. */
#define ENTRY_OVERHEAD (KEY_BYTES_MAX + 64)

void
epoch_encode(struct encoder *e, const struct epoch *epoch)
{
	encoder_put_array(e, 9);
	encoder_put_text(e, bytes_from_text(EPOCH_MAGIC));
	encoder_put_uint(e, EPOCH_VERSION);
	encoder_put_bytes(e, epoch->roster);
	encoder_put_uint(e, epoch->seq);
	encoder_put_uint(e, epoch->time_ms);
	encoder_put_bytes(e, bytes_of(epoch->root.data, DIGEST_BYTES));
	encoder_put_bytes(e, bytes_of(epoch->sessions.data, DIGEST_BYTES));
	proof_encode(e, &epoch->proof);
	certificate_encode(e, &epoch->certificate);
}

enum ag_status
epoch_decode(struct epoch *epoch, struct bytes input, struct ag_error *err)
{
	struct ag_error why;
	struct bytes magic;
	uint64_t version;
	struct decoder d;

	memset(epoch, 0, sizeof(*epoch));
	decoder_init(&d, input);
	decoder_expect_array(&d, 9);
	magic = decoder_get_text_max(&d, sizeof(EPOCH_MAGIC) - 1);
	if (!decoder_failed(&d) &&
	    !bytes_equal(magic, bytes_from_text(EPOCH_MAGIC)))
		decoder_fail(&d, "it does not begin as one");
	version = decoder_get_uint(&d);
	if (!decoder_failed(&d) && version != EPOCH_VERSION)
		return ag_fail(err, AG_EVERSION,
		    "an epoch of format %llu, this program reads %d",
		    (unsigned long long)version, EPOCH_VERSION);
	epoch->roster = decoder_get_bytes_max(&d, ROSTER_FILE_BYTES_MAX);
	epoch->seq = decoder_get_uint(&d);
	epoch->time_ms = decoder_get_uint(&d);
	decoder_get_fixed(&d, epoch->root.data, DIGEST_BYTES);
	decoder_get_fixed(&d, epoch->sessions.data, DIGEST_BYTES);
	proof_decode(&d, &epoch->proof);
	certificate_decode(&d, &epoch->certificate);
	if (decoder_finish(&d, &why) == AG_OK)
		return AG_OK;
	memset(epoch, 0, sizeof(*epoch));
	return ag_fail(err, AG_ECORRUPT, "the epoch is damaged: %s", why.text);
}

void
epoch_state(const struct epoch *epoch, struct digest *digest)
{
	state_digest(digest, epoch->seq, epoch->time_ms, &epoch->root,
	    &epoch->sessions);
}

void
epoch_entry_encode(struct encoder *e, struct bytes text, uint64_t epoch,
    uint64_t seq)
{
	encoder_put_array(e, 5);
	encoder_put_bytes(e, operation_roster_key());
	encoder_put_bytes(e, text);
	encoder_put_uint(e, epoch);
	encoder_put_uint(e, seq);
	encoder_put_uint(e, seq);
}

/* Does the state that was signed hold this text? */
static enum ag_status
check_entry(const struct epoch *epoch, const struct roster *next,
    struct ag_error *err)
{
	size_t cap = epoch->roster.len + ENTRY_OVERHEAD;
	uint8_t *memory = malloc(cap);
	enum ag_status status;
	struct bytes entry;
	struct encoder e;

	if (memory == NULL)
		return ag_fail(err, AG_ENOMEM, "out of memory");
	encoder_init(&e, memory, cap);
	epoch_entry_encode(&e, epoch->roster, next->epoch, epoch->seq);
	AG_ASSERT(encoder_finish(&e, &entry) == AG_OK);
	status = proof_verify(&epoch->proof, operation_roster_key(), entry,
	    &epoch->root, err);
	free(memory);
	return status;
}

static enum ag_status
check_certificate(const struct epoch *epoch, const struct roster *before,
    struct ag_error *err)
{
	const struct certificate *c = &epoch->certificate;
	struct digest digest;

	epoch_state(epoch, &digest);
	if (c->phase != VOTE_CHECKPOINT || c->seq != epoch->seq ||
	    !digest_equal(&c->digest, &digest))
		return ag_fail(err, AG_EFORGED,
		    "its certificate is for another state");
	return certificate_file_judge(c, before, err);
}

enum ag_status
epoch_verify(const struct epoch *epoch, const struct roster *before,
    struct roster *next, struct ag_error *err)
{
	enum ag_status status =
	    roster_parse(next, epoch->roster, "its roster", err);

	if (status == AG_OK)
		status = succession_verify(next, before, err);
	if (status == AG_OK)
		status = check_entry(epoch, next, err);
	if (status == AG_OK)
		status = check_certificate(epoch, before, err);
	next->is_proved = status == AG_OK;
	next->epoch_seq = epoch->seq;
	if (status != AG_OK)
		ag_error_prefix(err, "the epoch after %llu",
		    (unsigned long long)before->epoch);
	return status;
}
