/*
 * Slots.
 *
 * RULES    1. All slots of the kind are tried, also behind one that opened,
 *             and what is wrong with one that does not is not told: how long
 *             it takes and what is said do not depend on which it was.
 *          2. What comes out of a slot is the root only if the root's
 *             commitment says so.  Without it, a forged slot could be made to
 *             open with many passphrases at once.
 *          3. What a device could not be asked is told as the device says it,
 *             and it is asked no more: each question may take its time.
 */
#include "keyring/keyring_slot.h"

#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "codec/text.h"
#include "crypto/kdf.h"
#include "keyring/keyring_body.h"

bool
keyring_slot_is_at_hand(unsigned int kind)
{
	return kind == KEYRING_PASSPHRASE || kind == KEYRING_FILE ||
	    kind == KEYRING_HSM;
}

void
keyring_slot_describe(char out[static KEYRING_NAME_BYTES],
    const struct keyring_slot *slot)
{
	struct keyring_body body;

	out[0] = '\0';
	if ((slot->seen.kind != KEYRING_HSM &&
		slot->seen.kind != KEYRING_ESCROW) ||
	    !keyring_body_decode(&body, slot))
		return;
	if (slot->seen.kind == KEYRING_HSM)
		(void)snprintf(out, KEYRING_NAME_BYTES, "%.*s",
		    (int)body.name.len, (const char *)body.name.data);
	else
		text_hex(out, KEYRING_NAME_BYTES, body.package);
}

/* The key that seals the root. */
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
	const char *what = "the key file";

	if (opener->kind == KEYRING_PASSPHRASE)
		return secret_check_passphrase(opener->secret, err);
	if (opener->kind == KEYRING_HSM)
		return AG_OK;
	AG_ASSERT(
	    opener->kind == KEYRING_FILE || opener->kind == KEYRING_ESCROW);
	if (secret_len(opener->secret) == KEYRING_KEY_BYTES)
		return AG_OK;
	if (opener->kind == KEYRING_ESCROW)
		what = "what was in escrow";
	return ag_fail(err, AG_EINVAL,
	    "%s has %zu bytes; a storage key has exactly %d", what,
	    secret_len(opener->secret), KEYRING_KEY_BYTES);
}

/* --- wrapping --- */

static enum ag_status
wrap_by_device(struct keyring_slot *slot, const uint8_t *id,
    const struct secret *root, const struct keyring_device *device,
    struct ag_error *err)
{
	struct keyring_body body = { .name = bytes_from_text(device->name) };
	uint8_t wrapped[KEYRING_DEVICE_BYTES_MAX];
	char context[KEYRING_CONTEXT_BYTES];
	enum ag_status status;
	size_t len = 0;

	if (body.name.len >= KEYRING_NAME_BYTES)
		return ag_fail(err, AG_ELIMIT,
		    "the token's key has a name of more than %d bytes",
		    KEYRING_NAME_BYTES - 1);
	keyring_body_context_text(context, id);
	status = device->wrap(device->arg, context, root, wrapped, &len, err);
	if (status != AG_OK)
		return status;
	AG_ASSERT(len <= sizeof(wrapped));
	body.wrapped = bytes_of(wrapped, len);
	keyring_body_encode(slot, &body);
	return AG_OK;
}

static enum ag_status
wrap_by_secret(struct keyring_slot *slot, const uint8_t *id,
    const struct secret *root, const struct keyring_opener *opener,
    struct ag_error *err)
{
	uint8_t sealed[KEYRING_WRAPPED_BYTES], context[KEYRING_CONTEXT_BYTES];
	struct keyring_body body = {
		.package = bytes_of(opener->package, KEYRING_PACKAGE_BYTES),
		.wrapped = bytes_of(sealed, sizeof(sealed)),
	};
	struct secret *key = NULL;
	enum ag_status status;

	if (opener->kind == KEYRING_PASSPHRASE)
		stretch_init(&body.stretch, opener->work);
	status = slot_key(&key, opener, &body.stretch, err);
	if (status != AG_OK)
		return status;
	seal_buffer(sealed, key,
	    keyring_body_context(context, id, opener->kind, &body),
	    secret_bytes(root));
	secret_free(key);
	keyring_body_encode(slot, &body);
	return AG_OK;
}

enum ag_status
keyring_slot_wrap(struct keyring_slot *slot,
    const uint8_t id[static KEYRING_ID_BYTES], const struct secret *root,
    const struct keyring_opener *opener, struct ag_error *err)
{
	enum ag_status status = check_opener(opener, err);

	slot->seen.kind = opener->kind;
	if (status == AG_OK && opener->kind == KEYRING_HSM)
		status = wrap_by_device(slot, id, root, opener->device, err);
	else if (status == AG_OK)
		status = wrap_by_secret(slot, id, root, opener, err);
	if (status != AG_OK)
		ag_error_prefix(err, "seal the storage root");
	return status;
}

/* --- unwrapping --- */

static bool
is_root(const struct keyring_image *image, const uint8_t *root)
{
	uint8_t commitment[KEYRING_KEY_BYTES];

	kdf_derive(commitment, root, KDF_KEYRING_COMMITMENT, 0);
	return sodium_memcmp(commitment, image->commitment,
		   sizeof(commitment)) == 0;
}

static enum ag_status
open_by_device(struct secret *out, const struct keyring_image *image,
    const struct keyring_body *body, const struct keyring_device *device,
    struct ag_error *err)
{
	char context[KEYRING_CONTEXT_BYTES];
	struct secret *root = NULL;
	enum ag_status status;

	keyring_body_context_text(context, image->id);
	status =
	    device->unwrap(device->arg, context, body->wrapped, &root, err);
	if (status == AG_OK && secret_len(root) == KEYRING_KEY_BYTES)
		memcpy(secret_data(out), secret_bytes(root).data,
		    KEYRING_KEY_BYTES);
	else if (status == AG_OK)
		status = AG_EFORGED;
	secret_free(root);
	return status == AG_EFORGED ? AG_EDENIED : status;
}

static enum ag_status
open_by_secret(struct secret *out, const struct keyring_image *image,
    const struct keyring_body *body, const struct keyring_opener *opener,
    struct ag_error *err)
{
	uint8_t context[KEYRING_CONTEXT_BYTES];
	struct secret *key = NULL;
	enum ag_status status = slot_key(&key, opener, &body->stretch, err);

	/* Work that is out of bounds. */
	if (status == AG_EINVAL)
		return AG_EDENIED;
	if (status != AG_OK)
		return status;
	status = seal_open(secret_data(out), key,
	    keyring_body_context(context, image->id, opener->kind, body),
	    body->wrapped);
	secret_free(key);
	return status == AG_OK ? AG_OK : AG_EDENIED;
}

/* Into out.  AG_EDENIED when it does not open. */
static enum ag_status
slot_open(struct secret *out, const struct keyring_image *image,
    const struct keyring_slot *slot, const struct keyring_opener *opener,
    struct ag_error *err)
{
	struct keyring_body body;
	enum ag_status status;

	if (!keyring_body_decode(&body, slot))
		return AG_EDENIED;
	status = opener->kind == KEYRING_HSM
	    ? open_by_device(out, image, &body, opener->device, err)
	    : open_by_secret(out, image, &body, opener, err);
	return status == AG_OK && !is_root(image, secret_data(out)) ? AG_EDENIED
								    : status;
}

static enum ag_status
no_slot_opens(enum keyring_kind kind, struct ag_error *err)
{
	static const char *const names[] = {
		[KEYRING_PASSPHRASE] = "passphrase",
		[KEYRING_FILE] = "key file",
		[KEYRING_HSM] = "token's key",
		[KEYRING_ESCROW] = "secret from escrow",
	};

	return ag_fail(err, AG_EDENIED,
	    "no slot opens with this %s, or it is damaged", names[kind]);
}

/* Into found, from one of the slots; tried is scratch. */
static enum ag_status
try_all(struct secret *found, struct secret *tried,
    const struct keyring_image *image, const struct keyring_opener *opener,
    struct ag_error *err)
{
	enum ag_status status, best = AG_EDENIED;

	for (size_t i = 0; i < image->slot_count; i++) {
		if (image->slots[i].seen.kind != opener->kind)
			continue;
		status = slot_open(tried, image, &image->slots[i], opener, err);
		if (status == AG_OK)
			memcpy(secret_data(found), secret_data(tried),
			    KEYRING_KEY_BYTES);
		if (best != AG_OK && status != AG_EDENIED)
			best = status;
		if (best != AG_OK && best != AG_EDENIED)
			break;
	}
	return best == AG_EDENIED ? no_slot_opens(opener->kind, err) : best;
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
