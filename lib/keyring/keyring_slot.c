/*
 * Slots.
 *
 * RULES    1. All slots of the kind are tried, also behind one that opened,
 *             and what is wrong with one that does not is not told: how long
 *             it takes and what is said do not depend on which it was.
 *          2. What comes out of a slot is the root only if the root's
 *             commitment says so.  Without it, a forged slot could be made to
 *             open with many passphrases at once.
 */
#include "keyring/keyring_slot.h"

#include <sodium.h>

#include "codec/decoder.h"
#include "codec/encoder.h"
#include "crypto/kdf.h"
#include "crypto/stretch.h"

#define PURPOSE "aegis/keyring/v1/slot"
#define CONTEXT_BYTES 128

bool
keyring_slot_is_known(unsigned int kind)
{
	return kind == KEYRING_PASSPHRASE || kind == KEYRING_FILE;
}

static void
stretch_encode(struct encoder *e, const struct stretch *s)
{
	encoder_put_uint(e, s->passes);
	encoder_put_uint(e, s->mebibytes);
	encoder_put_bytes(e, bytes_of(s->salt, STRETCH_SALT_BYTES));
}

static struct bytes
context_of(uint8_t out[static CONTEXT_BYTES], const uint8_t *id,
    unsigned int kind, const struct stretch *stretch)
{
	struct encoder e;
	struct bytes context;

	encoder_init(&e, out, CONTEXT_BYTES);
	encoder_put_raw(&e, bytes_of(PURPOSE, sizeof(PURPOSE)));
	encoder_put_raw(&e, bytes_of(id, KEYRING_ID_BYTES));
	encoder_put_array(&e, 1);
	encoder_put_uint(&e, kind);
	if (kind == KEYRING_PASSPHRASE) {
		encoder_put_array(&e, 3);
		stretch_encode(&e, stretch);
	}
	AG_ASSERT(encoder_finish(&e, &context) == AG_OK);
	return context;
}

/* The key that wraps the root. */
static enum ag_status
slot_key(struct secret **key, const struct keyring_opener *opener,
    const struct stretch *stretch, struct ag_error *err)
{
	enum ag_status status = AG_OK;

	if (opener->kind == KEYRING_PASSPHRASE)
		status = stretch_passphrase(key, stretch, opener->secret, err);
	else if ((*key = secret_copy(secret_bytes(opener->secret))) == NULL)
		status = ag_fail(err, AG_ENOMEM, "out of memory");
	if (status == AG_OK)
		kdf_derive(secret_data(*key), secret_data(*key),
		    KDF_KEYRING_SLOT, 0);
	return status;
}

static enum ag_status
check_opener(const struct keyring_opener *opener, struct ag_error *err)
{
	if (opener->kind == KEYRING_PASSPHRASE)
		return secret_check_passphrase(opener->secret, err);
	AG_ASSERT(opener->kind == KEYRING_FILE);
	if (secret_len(opener->secret) == KEYRING_KEY_BYTES)
		return AG_OK;
	return ag_fail(err, AG_EINVAL,
	    "the key file has %zu bytes; a storage key has exactly %d",
	    secret_len(opener->secret), KEYRING_KEY_BYTES);
}

enum ag_status
keyring_slot_wrap(struct keyring_slot *slot,
    const uint8_t id[static KEYRING_ID_BYTES], const struct secret *root,
    const struct keyring_opener *opener, struct ag_error *err)
{
	const bool is_stretched = opener->kind == KEYRING_PASSPHRASE;
	struct stretch stretch = { .passes = 0 };
	uint8_t context[CONTEXT_BYTES], *sealed;
	enum ag_status status = check_opener(opener, err);
	struct secret *key = NULL;
	struct encoder e;
	struct bytes body;

	if (is_stretched)
		stretch_init(&stretch, opener->work);
	if (status == AG_OK)
		status = slot_key(&key, opener, &stretch, err);
	if (status != AG_OK) {
		ag_error_prefix(err, "seal the storage root");
		return status;
	}
	slot->seen.kind = opener->kind;
	encoder_init(&e, slot->body, sizeof(slot->body));
	encoder_put_array(&e, is_stretched ? 4 : 1);
	if (is_stretched)
		stretch_encode(&e, &stretch);
	sealed = encoder_put_bytes_inplace(&e, KEYRING_WRAPPED_BYTES);
	AG_ASSERT(encoder_finish(&e, &body) == AG_OK);
	seal_buffer(sealed, key,
	    context_of(context, id, opener->kind, &stretch),
	    secret_bytes(root));
	slot->body_len = body.len;
	secret_free(key);
	return AG_OK;
}

/* False: it is not what this program writes. */
static bool
body_decode(const struct keyring_slot *slot, struct stretch *stretch,
    struct bytes *sealed)
{
	const bool is_stretched = slot->seen.kind == KEYRING_PASSPHRASE;
	struct decoder d;

	*stretch = (struct stretch){ .passes = 0 };
	decoder_init(&d, bytes_of(slot->body, slot->body_len));
	decoder_expect_array(&d, is_stretched ? 4 : 1);
	if (is_stretched) {
		stretch->passes =
		    (uint32_t)decoder_get_uint_max(&d, UINT32_MAX);
		stretch->mebibytes =
		    (uint32_t)decoder_get_uint_max(&d, UINT32_MAX);
		decoder_get_fixed(&d, stretch->salt, STRETCH_SALT_BYTES);
	}
	*sealed = decoder_get_bytes_max(&d, KEYRING_WRAPPED_BYTES);
	return decoder_finish(&d, NULL) == AG_OK &&
	    sealed->len == KEYRING_WRAPPED_BYTES;
}

static bool
is_root(const struct keyring_image *image, const uint8_t *root)
{
	uint8_t commitment[KEYRING_KEY_BYTES];

	kdf_derive(commitment, root, KDF_KEYRING_COMMITMENT, 0);
	return sodium_memcmp(commitment, image->commitment,
		   sizeof(commitment)) == 0;
}

/* Into out.  AG_EDENIED when it does not open. */
static enum ag_status
slot_open(struct secret *out, const struct keyring_image *image,
    const struct keyring_slot *slot, const struct keyring_opener *opener,
    struct ag_error *err)
{
	uint8_t context[CONTEXT_BYTES];
	struct stretch stretch;
	struct bytes sealed;
	struct secret *key;
	enum ag_status status;
	bool is_open;

	if (!body_decode(slot, &stretch, &sealed))
		return AG_EDENIED;
	status = slot_key(&key, opener, &stretch, err);
	if (status == AG_EINVAL)
		return AG_EDENIED;
	if (status != AG_OK)
		return status;
	is_open = seal_open(secret_data(out), key,
		      context_of(context, image->id, slot->seen.kind, &stretch),
		      sealed) == AG_OK &&
	    is_root(image, secret_data(out));
	secret_free(key);
	return is_open ? AG_OK : AG_EDENIED;
}

/* Into found, from one of the slots; tried is scratch. */
static enum ag_status
try_all(struct secret *found, struct secret *tried,
    const struct keyring_image *image, const struct keyring_opener *opener,
    struct ag_error *err)
{
	enum ag_status best = AG_EDENIED;

	for (size_t i = 0; i < image->slot_count; i++) {
		enum ag_status status;

		if (image->slots[i].seen.kind != opener->kind)
			continue;
		status = slot_open(tried, image, &image->slots[i], opener, err);
		if (status == AG_OK)
			memcpy(secret_data(found), secret_data(tried),
			    KEYRING_KEY_BYTES);
		if (best != AG_OK && status != AG_EDENIED)
			best = status;
	}
	if (best == AG_EDENIED)
		return ag_fail(err, best,
		    "no slot opens with this %s, or it is damaged",
		    opener->kind == KEYRING_FILE ? "key file" : "passphrase");
	return best;
}

enum ag_status
keyring_slot_unwrap(struct secret **root, const struct keyring_image *image,
    const struct keyring_opener *opener, const char *path, struct ag_error *err)
{
	struct secret *found = secret_new(KEYRING_KEY_BYTES);
	struct secret *tried = secret_new(KEYRING_KEY_BYTES);
	enum ag_status status = check_opener(opener, err);

	*root = NULL;
	if (status == AG_OK && (found == NULL || tried == NULL))
		status = ag_fail(err, AG_ENOMEM, "out of memory");
	if (status == AG_OK)
		status = try_all(found, tried, image, opener, err);
	secret_free(tried);
	if (status == AG_OK) {
		*root = found;
		return AG_OK;
	}
	secret_free(found);
	ag_error_prefix(err, "open keyring %s", path);
	return status;
}
