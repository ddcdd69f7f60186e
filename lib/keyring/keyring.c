/*
 * A node's keyring: made, opened, and written anew.
 *
 * RULES    1. Whatever changes is written whole, every data key wrapped
 *             afresh, and is durable before anything is done with it.
 *          2. Nothing of a file is believed before its MAC: which epoch is
 *             active decides what is sealed with.
 *          3. After a failed write the keyring still seals and opens as it
 *             did, but is not changed again: which of the two is in the file
 *             is found out when it is next opened.
 *          4. So what is read may be in the kernel's memory alone, which
 *             thinks that it is not: who may change it writes both copies once
 *             before it relies on them.
 *
 * NOT HERE Bytes (keyring_file.c), slots (keyring_slot.c), which changes
 *          there are (keyring_change.c), records (keyring_seal.c).
 */
#include "keyring/keyring.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/fs.h"
#include "codec/encoder.h"
#include "crypto/kdf.h"
#include "keyring/keyring_parts.h"
#include "keyring/keyring_slot.h"

#define PURPOSE "aegis/keyring/v1/epoch"
#define CONTEXT_BYTES 192

static const enum kdf_purpose purposes[KEYRING_PURPOSES] = {
	[KEYRING_VALUES] = KDF_VALUES,
	[KEYRING_LOG] = KDF_LOG,
};

const char *
keyring_kind_name(unsigned int kind)
{
	static const char *const names[] = {
		[KEYRING_PASSPHRASE] = "passphrase",
		[KEYRING_FILE] = "file",
		[KEYRING_HSM] = "hsm",
		[KEYRING_ESCROW] = "escrow",
	};

	return kind < sizeof(names) / sizeof(names[0]) ? names[kind] : NULL;
}

const char *
keyring_state_name(enum keyring_state state)
{
	static const char *const names[] = {
		[KEYRING_PRE_ACTIVE] = "pre-active",
		[KEYRING_ACTIVE] = "active",
		[KEYRING_DEACTIVATED] = "deactivated",
		[KEYRING_DESTROYED] = "destroyed",
	};

	return names[state];
}

static enum ag_status
no_memory(const char *path, struct ag_error *err)
{
	return ag_fail(err, AG_ENOMEM, "keyring %s: out of memory", path);
}

void
keyring_keys_derive(struct keyring_keys *keys,
    const struct keyring_image *image)
{
	for (size_t i = 0; i < image->epoch_count; i++)
		for (size_t p = 0; p < KEYRING_PURPOSES; p++)
			kdf_derive(keys->derived[i][p], keys->data[i],
			    purposes[p], 0);
}

/* --- data keys, wrapped --- */

static struct bytes
context_of(uint8_t out[static CONTEXT_BYTES], const struct keyring_image *image,
    uint32_t epoch)
{
	struct encoder e;
	struct bytes context;

	encoder_init(&e, out, CONTEXT_BYTES);
	encoder_put_raw(&e, bytes_of(PURPOSE, sizeof(PURPOSE)));
	encoder_put_raw(&e, bytes_of(image->id, KEYRING_ID_BYTES));
	encoder_put_raw(&e, bytes_of(image->cluster_id, KEYRING_CLUSTER_BYTES));
	encoder_put_array(&e, 3);
	encoder_put_text(&e, bytes_from_text(image->node));
	encoder_put_uint(&e, epoch);
	encoder_put_uint(&e, KEYRING_ALGORITHM);
	AG_ASSERT(encoder_finish(&e, &context) == AG_OK);
	return context;
}

/* One of the keys derived from the root; NULL: no memory. */
static struct secret *
root_key(const uint8_t *root, enum kdf_purpose purpose)
{
	struct secret *key = secret_new(KEYRING_KEY_BYTES);

	if (key != NULL)
		kdf_derive(secret_data(key), root, purpose, 0);
	return key;
}

static bool
has_key(const struct keyring_epoch *epoch)
{
	return epoch->seen.state != KEYRING_DESTROYED;
}

static bool
wrap_all(struct keyring_image *image, const struct keyring_keys *keys)
{
	struct secret *wrap = root_key(keys->root, KDF_KEYRING_WRAP);
	uint8_t context[CONTEXT_BYTES];

	if (wrap == NULL)
		return false;
	for (size_t i = 0; i < image->epoch_count; i++) {
		struct keyring_epoch *epoch = &image->epochs[i];

		if (has_key(epoch))
			seal_buffer(epoch->wrapped, wrap,
			    context_of(context, image, epoch->seen.epoch),
			    bytes_of(keys->data[i], KEYRING_KEY_BYTES));
		else
			memset(epoch->wrapped, 0, sizeof(epoch->wrapped));
	}
	secret_free(wrap);
	return true;
}

static enum ag_status
unwrap_all(struct keyring_keys *keys, const struct keyring_image *image,
    const char *path, struct ag_error *err)
{
	struct secret *wrap = root_key(keys->root, KDF_KEYRING_WRAP);
	enum ag_status status = AG_OK;
	uint8_t context[CONTEXT_BYTES];

	if (wrap == NULL)
		return no_memory(path, err);
	for (size_t i = 0; status == AG_OK && i < image->epoch_count; i++) {
		const struct keyring_epoch *epoch = &image->epochs[i];

		if (has_key(epoch))
			status = seal_open(keys->data[i], wrap,
			    context_of(context, image, epoch->seen.epoch),
			    bytes_of(epoch->wrapped, sizeof(epoch->wrapped)));
	}
	secret_free(wrap);
	if (status != AG_OK)
		return ag_fail(err, status,
		    "open keyring %s: a data key in it is not its own", path);
	return AG_OK;
}

/* --- the file --- */

static enum ag_status
encode(struct keyring_copy *copy, struct keyring_image *image,
    const struct keyring_keys *keys, const char *path, struct ag_error *err)
{
	struct secret *mac = root_key(keys->root, KDF_KEYRING_MAC);
	bool has_room;

	if (mac == NULL || !wrap_all(image, keys)) {
		secret_free(mac);
		return no_memory(path, err);
	}
	has_room = keyring_file_encode(copy, image, secret_bytes(mac).data);
	secret_free(mac);
	if (!has_room)
		return ag_fail(err, AG_ELIMIT,
		    "write keyring %s: its slots take too much room", path);
	return AG_OK;
}

static size_t
active_of(const struct keyring_image *image)
{
	size_t i = 0;

	while (i < image->epoch_count &&
	    image->epochs[i].seen.state != KEYRING_ACTIVE)
		i++;
	AG_ASSERT(i < image->epoch_count);
	return i;
}

/* A new keyring's image and keys. */
static enum ag_status
draft_first(struct keyring_draft *draft, const char *node,
    const struct keyring_opener *opener, const char *label, uint64_t now_ms,
    struct ag_error *err)
{
	struct keyring_image *image = &draft->image;
	struct keyring_slot *slot = &image->slots[0];
	struct keyring_keys *keys = keyring_keys_of(draft->secret);
	struct secret *root = secret_random(KEYRING_KEY_BYTES);
	enum ag_status status;

	if (root == NULL)
		return ag_fail(err, AG_ENOMEM, "out of memory");
	memset(image, 0, sizeof(*image));
	image->generation = 1;
	randombytes_buf(image->id, sizeof(image->id));
	(void)snprintf(image->node, sizeof(image->node), "%s", node);
	memcpy(keys->root, secret_bytes(root).data, KEYRING_KEY_BYTES);
	kdf_derive(image->commitment, keys->root, KDF_KEYRING_COMMITMENT, 0);
	slot->seen.number = 1;
	slot->seen.created_ms = now_ms;
	(void)snprintf(slot->seen.label, sizeof(slot->seen.label), "%s", label);
	image->slot_count = 1;
	image->epochs[0].seen = (struct keyring_look_epoch){ .epoch = 1,
		.state = KEYRING_ACTIVE,
		.created_ms = now_ms };
	image->epoch_count = 1;
	randombytes_buf(keys->data[0], KEYRING_KEY_BYTES);
	status = keyring_slot_wrap(slot, image->id, root, opener, err);
	secret_free(root);
	return status;
}

enum ag_status
keyring_create(const char *path, const char *node,
    const struct keyring_opener *opener, const char *label, uint64_t now_ms,
    struct ag_error *err)
{
	struct keyring_draft draft = {
		.secret = secret_new(sizeof(struct keyring_keys)),
	};
	struct keyring_copy *copy = calloc(1, sizeof(*copy));
	enum ag_status status = AG_OK;

	if (draft.secret == NULL || copy == NULL)
		status = no_memory(path, err);
	else if (fs_exists(path))
		status = ag_fail(err, AG_EEXIST,
		    "create keyring %s: it exists already", path);
	if (status == AG_OK)
		status = draft_first(&draft, node, opener, label, now_ms, err);
	if (status == AG_OK)
		status = encode(copy, &draft.image,
		    keyring_keys_of(draft.secret), path, err);
	if (status == AG_OK)
		status = keyring_file_create(path, copy, err);
	free(copy);
	keyring_draft_drop(&draft);
	return status;
}

/* With the root: is the file its own, and what are its keys? */
static enum ag_status
open_keys(struct keyring *k, const struct secret *root, struct ag_error *err)
{
	struct keyring_keys *keys;
	struct secret *mac;
	bool is_genuine;

	k->secret = secret_new(sizeof(*keys));
	if (k->secret == NULL)
		return no_memory(k->path, err);
	keys = keyring_keys_of(k->secret);
	memcpy(keys->root, secret_bytes(root).data, KEYRING_KEY_BYTES);
	mac = root_key(keys->root, KDF_KEYRING_MAC);
	if (mac == NULL)
		return no_memory(k->path, err);
	is_genuine = keyring_file_is_genuine(&k->copy, secret_bytes(mac).data);
	secret_free(mac);
	if (!is_genuine)
		return ag_fail(err, AG_EFORGED,
		    "open keyring %s: it was changed by somebody who could "
		    "not open it; put a copy of it back",
		    k->path);
	return unwrap_all(keys, &k->image, k->path, err);
}

enum ag_status
keyring_open(struct keyring **out, const char *path,
    const struct keyring_opener *opener, bool may_change, struct ag_error *err)
{
	struct keyring *k = calloc(1, sizeof(*k));
	struct secret *root = NULL;
	enum ag_status status;

	*out = NULL;
	if (k == NULL)
		return no_memory(path, err);
	(void)pthread_rwlock_init(&k->lock, NULL);
	(void)pthread_mutex_init(&k->nonce_lock, NULL);
	keyring_cipher_init(&k->cipher);
	k->may_change = may_change;
	if ((size_t)snprintf(k->path, sizeof(k->path), "%s", path) >=
	    sizeof(k->path))
		status = ag_fail(err, AG_ELIMIT,
		    "open keyring %s: path too long", path);
	else
		status = keyring_file_read(&k->copy, &k->image, path, err);
	if (status == AG_OK)
		status =
		    keyring_slot_unwrap(&root, &k->image, opener, path, err);
	if (status == AG_OK)
		status = open_keys(k, root, err);
	secret_free(root);
	if (status == AG_OK && may_change)
		status = keyring_file_write(path, &k->copy, err);
	if (status != AG_OK) {
		keyring_close(k);
		return status;
	}
	keyring_keys_derive(keyring_keys_of(k->secret), &k->image);
	k->active = active_of(&k->image);
	*out = k;
	return AG_OK;
}

void
keyring_close(struct keyring *k)
{
	if (k == NULL)
		return;
	secret_free(k->secret);
	(void)pthread_rwlock_destroy(&k->lock);
	(void)pthread_mutex_destroy(&k->nonce_lock);
	keyring_cipher_fini(&k->cipher);
	free(k);
}

const uint8_t *
keyring_id(const struct keyring *k)
{
	return k->image.id;
}

/* --- looking --- */

static void
look(const struct keyring_image *image, struct keyring_look *out)
{
	memset(out, 0, sizeof(*out));
	memcpy(out->id, image->id, sizeof(out->id));
	memcpy(out->cluster_id, image->cluster_id, sizeof(out->cluster_id));
	memcpy(out->node, image->node, sizeof(out->node));
	out->generation = image->generation;
	out->slot_count = image->slot_count;
	for (size_t i = 0; i < image->slot_count; i++) {
		out->slots[i] = image->slots[i].seen;
		keyring_slot_describe(out->openers[i], &image->slots[i]);
	}
	out->epoch_count = image->epoch_count;
	for (size_t i = 0; i < image->epoch_count; i++)
		out->epochs[i] = image->epochs[i].seen;
}

enum ag_status
keyring_look_at(struct keyring_look *out, const char *path,
    struct ag_error *err)
{
	struct keyring_copy *copy = calloc(1, sizeof(*copy));
	struct keyring_image image;
	enum ag_status status;

	if (copy == NULL)
		return no_memory(path, err);
	status = keyring_file_read(copy, &image, path, err);
	free(copy);
	if (status == AG_OK)
		look(&image, out);
	return status;
}

void
keyring_look(struct keyring *k, struct keyring_look *out)
{
	(void)pthread_rwlock_rdlock(&k->lock);
	look(&k->image, out);
	(void)pthread_rwlock_unlock(&k->lock);
}

/* --- changing --- */

/*
 * A write failed, and some of it may be in the file: put what is in force there
 * again.  The copy that is whole goes last, or a second failure could leave
 * none.
 */
static enum ag_status
take_back(struct keyring *k, struct ag_error *err)
{
	struct keyring_copy *there = calloc(1, sizeof(*there));
	struct keyring_image image;
	enum ag_status status;

	if (there == NULL)
		return no_memory(k->path, err);
	status = keyring_file_read(there, &image, k->path, err);
	if (status == AG_OK) {
		k->copy.place = there->place;
		status = keyring_file_write(k->path, &k->copy, err);
	}
	k->has_failed = status != AG_OK;
	free(there);
	return status;
}

enum ag_status
keyring_draft_begin(struct keyring_draft *draft, struct keyring *k,
    struct ag_error *err)
{
	enum ag_status status = AG_OK;

	draft->secret = NULL;
	AG_ASSERT(k->may_change);
	if (k->has_failed)
		status = take_back(k, err);
	if (status != AG_OK)
		return status;
	draft->image = k->image;
	draft->secret = secret_copy(secret_bytes(k->secret));
	return draft->secret == NULL ? no_memory(k->path, err) : AG_OK;
}

void
keyring_draft_drop(struct keyring_draft *draft)
{
	secret_free(draft->secret);
	draft->secret = NULL;
}

/* What was written is in force. */
static void
adopt(struct keyring *k, struct keyring_draft *draft)
{
	struct secret *old = k->secret;

	(void)pthread_rwlock_wrlock(&k->lock);
	k->image = draft->image;
	k->secret = draft->secret;
	k->active = active_of(&k->image);
	(void)pthread_rwlock_unlock(&k->lock);
	draft->secret = old;
}

enum ag_status
keyring_draft_commit(struct keyring_draft *draft, struct keyring *k,
    struct ag_error *err)
{
	struct keyring_copy *copy = calloc(1, sizeof(*copy));
	struct keyring_keys *keys = keyring_keys_of(draft->secret);
	enum ag_status status;

	draft->image.generation++;
	keyring_keys_derive(keys, &draft->image);
	status = copy == NULL ? no_memory(k->path, err)
			      : encode(copy, &draft->image, keys, k->path, err);
	if (status == AG_OK) {
		copy->place = k->copy.place;
		status = keyring_file_write(k->path, copy, err);
		k->has_failed = status != AG_OK;
	}
	if (status == AG_OK) {
		k->copy = *copy;
		adopt(k, draft);
	}
	free(copy);
	keyring_draft_drop(draft);
	return status;
}

bool
keyring_is_in_doubt(const struct keyring *k)
{
	return k->has_failed;
}

enum ag_status
keyring_bind(struct keyring *k,
    const uint8_t cluster_id[static KEYRING_CLUSTER_BYTES],
    struct ag_error *err)
{
	static const uint8_t blank[KEYRING_CLUSTER_BYTES];
	struct keyring_draft draft;
	enum ag_status status;

	if (memcmp(k->image.cluster_id, cluster_id, sizeof(blank)) == 0)
		return AG_OK;
	if (memcmp(k->image.cluster_id, blank, sizeof(blank)) != 0)
		return ag_fail(err, AG_ECONFLICT,
		    "open keyring %s: it is for another cluster's data; check "
		    "the data directory and the roster",
		    k->path);
	status = keyring_draft_begin(&draft, k, err);
	if (status != AG_OK)
		return status;
	memcpy(draft.image.cluster_id, cluster_id, sizeof(blank));
	return keyring_draft_commit(&draft, k, err);
}
