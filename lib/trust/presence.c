/*
 * Presence of a key, proved.
 */
#include "trust/presence.h"

#include "codec/decoder.h"
#include "codec/operation.h"
#include "trust/certificate_file.h"
#include "trust/state.h"

#define PRESENCE_MAGIC "aegis-presence"
#define PRESENCE_VERSION 1

_Static_assert(PRESENCE_ENTRY_BYTES_MAX >= VALUE_BYTES_MAX + KEY_BYTES_MAX + 64,
    "any entry can be proved");

void
presence_encode(struct encoder *e, const struct presence *presence,
    struct bytes certificate)
{
	encoder_put_array(e, 11);
	encoder_put_text(e, bytes_from_text(PRESENCE_MAGIC));
	encoder_put_uint(e, PRESENCE_VERSION);
	encoder_put_bytes(e,
	    bytes_of(presence->scope.cluster_id, CLUSTER_ID_BYTES));
	encoder_put_uint(e, presence->scope.epoch);
	encoder_put_uint(e, presence->seq);
	encoder_put_uint(e, presence->time_ms);
	encoder_put_bytes(e, bytes_of(presence->root.data, DIGEST_BYTES));
	encoder_put_bytes(e, bytes_of(presence->sessions.data, DIGEST_BYTES));
	if (presence->entry.len > 0)
		encoder_put_bytes(e, presence->entry);
	else
		encoder_put_null(e);
	proof_encode(e, &presence->proof);
	encoder_put_raw(e, certificate);
}

enum ag_status
presence_decode(struct presence *presence, struct bytes input,
    struct ag_error *err)
{
	struct ag_error why;
	struct bytes magic;
	struct decoder d;
	uint64_t version;

	*presence = (struct presence){ 0 };
	decoder_init(&d, input);
	decoder_expect_array(&d, 11);
	magic = decoder_get_text_max(&d, sizeof(PRESENCE_MAGIC) - 1);
	if (!decoder_failed(&d) &&
	    !bytes_equal(magic, bytes_from_text(PRESENCE_MAGIC)))
		decoder_fail(&d, "it does not begin as one");
	version = decoder_get_uint(&d);
	if (!decoder_failed(&d) && version != PRESENCE_VERSION)
		return ag_fail(err, AG_EVERSION,
		    "a proof of presence of format %llu, this program reads %d",
		    (unsigned long long)version, PRESENCE_VERSION);
	decoder_get_fixed(&d, presence->scope.cluster_id, CLUSTER_ID_BYTES);
	presence->scope.epoch = decoder_get_uint(&d);
	presence->seq = decoder_get_uint(&d);
	presence->time_ms = decoder_get_uint(&d);
	decoder_get_fixed(&d, presence->root.data, DIGEST_BYTES);
	decoder_get_fixed(&d, presence->sessions.data, DIGEST_BYTES);
	if (!decoder_get_null(&d)) {
		presence->entry =
		    decoder_get_bytes_max(&d, PRESENCE_ENTRY_BYTES_MAX);
		if (!decoder_failed(&d) && presence->entry.len == 0)
			decoder_fail(&d, "an entry is empty");
	}
	proof_decode(&d, &presence->proof);
	certificate_decode(&d, &presence->certificate);
	if (decoder_finish(&d, &why) == AG_OK)
		return AG_OK;
	*presence = (struct presence){ 0 };
	return ag_fail(err, AG_ECORRUPT, "the proof of presence is damaged: %s",
	    why.text);
}

enum ag_status
presence_verify(const struct presence *presence, struct bytes key,
    const struct roster *roster, struct ag_error *err)
{
	const struct certificate *c = &presence->certificate;
	enum ag_status status;
	struct digest digest;

	if (memcmp(presence->scope.cluster_id, roster->cluster_id,
		CLUSTER_ID_BYTES) != 0)
		return ag_fail(err, AG_ECONFLICT, "it is of another cluster");
	if (presence->scope.epoch != roster->epoch)
		return ag_fail(err, AG_ECONFLICT,
		    "it is of epoch %llu, and the roster of epoch %llu",
		    (unsigned long long)presence->scope.epoch,
		    (unsigned long long)roster->epoch);
	state_digest(&digest, presence->seq, presence->time_ms, &presence->root,
	    &presence->sessions);
	if (c->phase != VOTE_CHECKPOINT || c->seq != presence->seq ||
	    !digest_equal(&c->digest, &digest))
		return ag_fail(err, AG_EFORGED,
		    "its certificate is for another state");
	status = certificate_file_judge(c, roster, err);
	if (status == AG_OK)
		status = proof_verify(&presence->proof, key, presence->entry,
		    &presence->root, err);
	return status;
}

enum ag_status
presence_read(const struct presence *presence, struct presence_entry *entry,
    struct ag_error *err)
{
	struct decoder d;

	*entry = (struct presence_entry){ 0 };
	if (presence->entry.len == 0)
		return ag_fail(err, AG_ENOENT, "the key was absent");
	decoder_init(&d, presence->entry);
	decoder_expect_array(&d, 5);
	entry->key = decoder_get_bytes_max(&d, KEY_BYTES_MAX);
	entry->value = decoder_get_bytes_max(&d, VALUE_BYTES_MAX);
	entry->version = decoder_get_uint(&d);
	entry->created = decoder_get_uint(&d);
	entry->modified = decoder_get_uint(&d);
	return decoder_finish(&d, err) == AG_OK
	    ? AG_OK
	    : ag_fail(err, AG_ECORRUPT, "the entry is damaged");
}
