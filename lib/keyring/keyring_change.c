/*
 * Which changes a keyring takes.
 *
 * RULES    1. A slot that opens without custodians is always left.
 *          2. Epochs rise, one key is active, and what was once sealed with a
 *             key can be opened until that key is destroyed, which the active
 *             one can not be.
 *          3. To ask for what is so already is no mistake: after a crash the
 *             caller does not know how far it came.
 *          4. Of keys that are destroyed the newest are remembered, as many
 *             as there is room for.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "keyring/keyring_parts.h"
#include "keyring/keyring_slot.h"

/* --- slots --- */

static struct keyring_slot *
slot_find(struct keyring_image *image, unsigned int number)
{
	for (size_t i = 0; i < image->slot_count; i++)
		if (image->slots[i].seen.number == number)
			return &image->slots[i];
	return NULL;
}

static enum ag_status
no_slot(unsigned int number, struct ag_error *err)
{
	return ag_fail(err, AG_ENOENT, "keyring: it has no slot %u", number);
}

/* Wrap the draft's root in slot. */
static enum ag_status
slot_fill(struct keyring_draft *draft, struct keyring_slot *slot,
    const struct keyring_opener *opener, uint64_t now_ms, struct ag_error *err)
{
	struct keyring_keys *keys = keyring_keys_of(draft->secret);
	struct secret *root =
	    secret_copy(bytes_of(keys->root, KEYRING_KEY_BYTES));
	enum ag_status status;

	if (root == NULL)
		return ag_fail(err, AG_ENOMEM, "keyring: out of memory");
	slot->seen.created_ms = now_ms;
	status = keyring_slot_wrap(slot, draft->image.id, root, opener, err);
	secret_free(root);
	return status;
}

/* A place for the least number that is free, in order; NULL: none is. */
static struct keyring_slot *
slot_make(struct keyring_image *image)
{
	unsigned int number = 1;
	size_t at = 0;

	while (
	    at < image->slot_count && image->slots[at].seen.number == number) {
		number++;
		at++;
	}
	if (image->slot_count == KEYRING_SLOTS_MAX)
		return NULL;
	memmove(&image->slots[at + 1], &image->slots[at],
	    (image->slot_count - at) * sizeof(image->slots[0]));
	memset(&image->slots[at], 0, sizeof(image->slots[0]));
	image->slots[at].seen.number = number;
	image->slot_count++;
	return &image->slots[at];
}

enum ag_status
keyring_slot_add(struct keyring *k, const struct keyring_opener *opener,
    const char *label, uint64_t now_ms, unsigned int *number,
    struct ag_error *err)
{
	struct keyring_draft draft;
	struct keyring_slot *slot;
	enum ag_status status = keyring_draft_begin(&draft, k, err);

	if (status != AG_OK)
		return status;
	slot = slot_make(&draft.image);
	if (slot == NULL) {
		status = ag_fail(err, AG_ELIMIT,
		    "keyring: all %d slots are taken; remove one first",
		    KEYRING_SLOTS_MAX);
	} else {
		*number = slot->seen.number;
		(void)snprintf(slot->seen.label, sizeof(slot->seen.label), "%s",
		    label);
		status = slot_fill(&draft, slot, opener, now_ms, err);
	}
	if (status == AG_OK)
		return keyring_draft_commit(&draft, k, err);
	keyring_draft_drop(&draft);
	return status;
}

enum ag_status
keyring_slot_change(struct keyring *k, unsigned int number,
    const struct keyring_opener *opener, uint64_t now_ms, struct ag_error *err)
{
	struct keyring_draft draft;
	struct keyring_slot *slot;
	enum ag_status status = keyring_draft_begin(&draft, k, err);

	if (status != AG_OK)
		return status;
	slot = slot_find(&draft.image, number);
	status = slot == NULL ? no_slot(number, err)
			      : slot_fill(&draft, slot, opener, now_ms, err);
	if (status == AG_OK)
		return keyring_draft_commit(&draft, k, err);
	keyring_draft_drop(&draft);
	return status;
}

/* May the slot go? */
static enum ag_status
slot_check_rest(const struct keyring_image *image,
    const struct keyring_slot *slot, struct ag_error *err)
{
	for (size_t i = 0; i < image->slot_count; i++)
		if (&image->slots[i] != slot &&
		    keyring_slot_is_at_hand(image->slots[i].seen.kind))
			return AG_OK;
	return ag_fail(err, AG_EREFUSED,
	    "keyring: slot %u is the last one that opens it; add another "
	    "first",
	    slot->seen.number);
}

enum ag_status
keyring_slot_remove(struct keyring *k, unsigned int number,
    struct ag_error *err)
{
	struct keyring_draft draft;
	struct keyring_image *image = &draft.image;
	struct keyring_slot *slot;
	enum ag_status status = keyring_draft_begin(&draft, k, err);
	size_t at;

	if (status != AG_OK)
		return status;
	slot = slot_find(image, number);
	status = slot == NULL ? no_slot(number, err)
			      : slot_check_rest(image, slot, err);
	if (status != AG_OK) {
		keyring_draft_drop(&draft);
		return status;
	}
	at = (size_t)(slot - image->slots);
	image->slot_count--;
	memmove(slot, slot + 1,
	    (image->slot_count - at) * sizeof(image->slots[0]));
	return keyring_draft_commit(&draft, k, err);
}

/* --- epochs --- */

/* Its index, or epoch_count. */
static size_t
epoch_find(const struct keyring_image *image, uint32_t epoch)
{
	size_t i = 0;

	while (i < image->epoch_count && image->epochs[i].seen.epoch != epoch)
		i++;
	return i;
}

static enum ag_status
wrong_state(const struct keyring_look_epoch *seen, const char *what,
    struct ag_error *err)
{
	return ag_fail(err, AG_ECONFLICT,
	    "keyring: %s the key of epoch %" PRIu32 ": it is %s", what,
	    seen->epoch, keyring_state_name(seen->state));
}

static void
epoch_forget(struct keyring_draft *draft, size_t at)
{
	struct keyring_image *image = &draft->image;
	struct keyring_keys *keys = keyring_keys_of(draft->secret);
	const size_t behind = --image->epoch_count - at;

	memmove(&image->epochs[at], &image->epochs[at + 1],
	    behind * sizeof(image->epochs[0]));
	memmove(keys->data[at], keys->data[at + 1], behind * KEYRING_KEY_BYTES);
	secret_wipe(keys->data[image->epoch_count], KEYRING_KEY_BYTES);
	secret_wipe(keys->derived[image->epoch_count],
	    sizeof(keys->derived[0]));
}

/* Room for one more, if need be where the oldest destroyed one was noted. */
static enum ag_status
epoch_make_room(struct keyring_draft *draft, struct ag_error *err)
{
	const struct keyring_image *image = &draft->image;

	if (image->epoch_count < KEYRING_EPOCHS_MAX)
		return AG_OK;
	for (size_t i = 0; i < image->epoch_count; i++) {
		if (image->epochs[i].seen.state != KEYRING_DESTROYED)
			continue;
		epoch_forget(draft, i);
		return AG_OK;
	}
	return ag_fail(err, AG_ELIMIT,
	    "keyring: it has the keys of %d epochs; destroy one that nothing "
	    "is sealed with any more",
	    KEYRING_EPOCHS_MAX);
}

/* What a call for an epoch that there is finds; AG_EAGAIN: go on. */
static enum ag_status
prepare_judge(const struct keyring_image *image, uint32_t epoch,
    struct ag_error *err)
{
	const size_t at = epoch_find(image, epoch);
	const struct keyring_look_epoch *last =
	    &image->epochs[image->epoch_count - 1].seen;

	if (at < image->epoch_count) {
		const struct keyring_look_epoch *seen = &image->epochs[at].seen;

		return seen->state <= KEYRING_ACTIVE
		    ? AG_OK
		    : wrong_state(seen, "prepare", err);
	}
	if (epoch > last->epoch)
		return AG_EAGAIN;
	return ag_fail(err, AG_ECONFLICT,
	    "keyring: prepare the key of epoch %" PRIu32 ": there is one of "
	    "epoch %" PRIu32 " already",
	    epoch, last->epoch);
}

enum ag_status
keyring_epoch_prepare(struct keyring *k, uint32_t epoch, uint64_t now_ms,
    struct ag_error *err)
{
	struct keyring_draft draft;
	struct keyring_image *image = &draft.image;
	enum ag_status status = prepare_judge(&k->image, epoch, err);

	if (status != AG_EAGAIN)
		return status;
	status = keyring_draft_begin(&draft, k, err);
	if (status != AG_OK)
		return status;
	status = epoch_make_room(&draft, err);
	if (status != AG_OK) {
		keyring_draft_drop(&draft);
		return status;
	}
	image->epochs[image->epoch_count].seen = (struct keyring_look_epoch){
		.epoch = epoch,
		.state = KEYRING_PRE_ACTIVE,
		.created_ms = now_ms,
	};
	randombytes_buf(keyring_keys_of(draft.secret)->data[image->epoch_count],
	    KEYRING_KEY_BYTES);
	image->epoch_count++;
	return keyring_draft_commit(&draft, k, err);
}

static enum ag_status
no_epoch(uint32_t epoch, struct ag_error *err)
{
	return ag_fail(err, AG_ENOENT,
	    "keyring: it knows nothing of epoch %" PRIu32, epoch);
}

enum ag_status
keyring_epoch_activate(struct keyring *k, uint32_t epoch, struct ag_error *err)
{
	const size_t at = epoch_find(&k->image, epoch);
	struct keyring_draft draft;
	enum ag_status status;

	if (at == k->image.epoch_count)
		return no_epoch(epoch, err);
	if (at == k->active)
		return AG_OK;
	if (k->image.epochs[at].seen.state != KEYRING_PRE_ACTIVE ||
	    at < k->active)
		return wrong_state(&k->image.epochs[at].seen, "activate", err);
	status = keyring_draft_begin(&draft, k, err);
	if (status != AG_OK)
		return status;
	draft.image.epochs[k->active].seen.state = KEYRING_DEACTIVATED;
	draft.image.epochs[at].seen.state = KEYRING_ACTIVE;
	return keyring_draft_commit(&draft, k, err);
}

enum ag_status
keyring_epoch_destroy(struct keyring *k, uint32_t epoch, struct ag_error *err)
{
	const size_t at = epoch_find(&k->image, epoch);
	struct keyring_draft draft;
	struct keyring_keys *keys;
	enum ag_status status;

	if (at == k->image.epoch_count)
		return no_epoch(epoch, err);
	if (at == k->active)
		return wrong_state(&k->image.epochs[at].seen, "destroy", err);
	if (k->image.epochs[at].seen.state == KEYRING_DESTROYED)
		return AG_OK;
	status = keyring_draft_begin(&draft, k, err);
	if (status != AG_OK)
		return status;
	keys = keyring_keys_of(draft.secret);
	secret_wipe(keys->data[at], KEYRING_KEY_BYTES);
	draft.image.epochs[at].seen.state = KEYRING_DESTROYED;
	return keyring_draft_commit(&draft, k, err);
}

uint32_t
keyring_epoch(struct keyring *k)
{
	uint32_t epoch;

	(void)pthread_rwlock_rdlock(&k->lock);
	epoch = k->image.epochs[k->active].seen.epoch;
	(void)pthread_rwlock_unlock(&k->lock);
	return epoch;
}
