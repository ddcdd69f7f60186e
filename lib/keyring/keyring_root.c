/*
 * A new storage root.
 *
 * RULES    1. All data keys and all slots are wrapped with it in one write: a
 *             crash leaves the old root or the new, and every key.
 *          2. A slot of which nobody shows the opener can not be wrapped
 *             anew, for what wraps it is not kept: it goes.
 */
#include <stdlib.h>
#include <string.h>

#include "crypto/kdf.h"
#include "keyring/keyring_body.h"
#include "keyring/keyring_parts.h"
#include "keyring/keyring_slot.h"

/* The opener that opens this slot alone; NULL: none does. */
static const struct keyring_opener *
opener_of(const struct keyring *k, const struct keyring_slot *slot,
    const struct keyring_opener *openers, size_t count)
{
	struct keyring_image *alone = malloc(sizeof(*alone));
	const struct keyring_opener *found = NULL;
	struct secret *root;
	struct ag_error err;

	if (alone == NULL)
		return NULL;
	*alone = k->image;
	alone->slots[0] = *slot;
	alone->slot_count = 1;
	for (size_t i = 0; found == NULL && i < count; i++) {
		root = NULL;
		if (keyring_slot_unwrap(&root, alone, &openers[i], k->path,
			&err) == AG_OK)
			found = &openers[i];
		secret_free(root);
	}
	free(alone);
	return found;
}

void
keyring_root_fit(const struct keyring *k, const struct keyring_opener *openers,
    size_t count, bool fits[static KEYRING_SLOTS_MAX])
{
	for (size_t i = 0; i < k->image.slot_count; i++)
		fits[i] =
		    opener_of(k, &k->image.slots[i], openers, count) != NULL;
}

/* Wrap as old was: with the same work, or for the same package. */
static enum ag_status
wrap_again(struct keyring_slot *slot, const struct keyring_slot *old,
    const uint8_t *id, const struct secret *root,
    const struct keyring_opener *opener, struct ag_error *err)
{
	struct keyring_opener same = *opener;
	struct keyring_body body;

	/* It was opened. */
	AG_ASSERT(keyring_body_decode(&body, old));
	if (opener->kind == KEYRING_PASSPHRASE)
		same.work = stretch_level(&body.stretch);
	if (opener->kind == KEYRING_ESCROW)
		memcpy(same.package, body.package.data, sizeof(same.package));
	return keyring_slot_wrap(slot, id, root, &same, err);
}

/* Is what is left of the slots enough? */
static enum ag_status
check_rest(const struct keyring_image *image, const char *path,
    struct ag_error *err)
{
	for (size_t i = 0; i < image->slot_count; i++)
		if (keyring_slot_is_at_hand(image->slots[i].seen.kind))
			return AG_OK;
	return ag_fail(err, AG_EDENIED,
	    image->slot_count == 0
		? "keyring %s: no slot opens with what was given"
		: "keyring %s: what was given leaves no slot that opens "
		  "without custodians; give another, or add one first",
	    path);
}

/* Wrap the slots that can be, and leave the others out. */
static enum ag_status
wrap_slots(struct keyring_image *image, const struct keyring *k,
    const struct secret *root, const struct keyring_opener *openers,
    size_t count, uint64_t now_ms, struct ag_error *err)
{
	enum ag_status status = AG_OK;
	size_t kept = 0;

	for (size_t i = 0; status == AG_OK && i < k->image.slot_count; i++) {
		struct keyring_slot *slot = &image->slots[kept];
		const struct keyring_opener *opener =
		    opener_of(k, &k->image.slots[i], openers, count);

		if (opener == NULL)
			continue;
		*slot = k->image.slots[i];
		slot->seen.created_ms = now_ms;
		status = wrap_again(slot, &k->image.slots[i], image->id, root,
		    opener, err);
		kept++;
	}
	image->slot_count = kept;
	return status == AG_OK ? check_rest(image, k->path, err) : status;
}

enum ag_status
keyring_root_renew(struct keyring *k, const struct keyring_opener *openers,
    size_t count, uint64_t now_ms, struct ag_error *err)
{
	struct secret *root = secret_random(KEYRING_KEY_BYTES);
	struct keyring_draft draft;
	struct keyring_keys *keys;
	enum ag_status status;

	if (root == NULL)
		return ag_fail(err, AG_ENOMEM, "keyring: out of memory");
	status = keyring_draft_begin(&draft, k, err);
	if (status == AG_OK) {
		keys = keyring_keys_of(draft.secret);
		memcpy(keys->root, secret_bytes(root).data, KEYRING_KEY_BYTES);
		kdf_derive(draft.image.commitment, keys->root,
		    KDF_KEYRING_COMMITMENT, 0);
		status = wrap_slots(&draft.image, k, root, openers, count,
		    now_ms, err);
		if (status == AG_OK)
			status = keyring_draft_commit(&draft, k, err);
		else
			keyring_draft_drop(&draft);
	}
	secret_free(root);
	return status;
}
