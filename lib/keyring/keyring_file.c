/*
 * A keyring's file.
 *
 * RULES    1. A change is written to one copy and synced, and then to the
 *             other: a crash leaves a whole one, and afterwards nothing of
 *             what was there before is left in the file.  A file put in
 *             another's place would leave the old one's bytes on the disk,
 *             with slots that were removed and keys that were destroyed.
 *          2. The first write never goes to the copy that counts.
 *          3. The digest tells torn writes from whole ones; who wrote it, the
 *             MAC says, and that needs a slot to be opened.
 *          4. One whole copy of a later format, and the file is that
 *             program's.
 */
#include "keyring/keyring_file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "base/fs.h"
#include "codec/decoder.h"
#include "codec/encoder.h"

#define MAGIC "aegis-keyring"
#define VERSION 1
#define FIELDS 9
#define FIELDS_MAX 64 /* of any format */
#define CHECK_BYTES 32
#define TAIL_BYTES (KEYRING_MAC_BYTES + CHECK_BYTES)

static void
check_of(uint8_t out[static CHECK_BYTES], const uint8_t *data, size_t len)
{
	(void)crypto_generichash(out, CHECK_BYTES, data, len, NULL, 0);
}

static void
mac_of(uint8_t out[static KEYRING_MAC_BYTES], const struct keyring_copy *copy,
    const uint8_t *key)
{
	(void)crypto_generichash(out, KEYRING_MAC_BYTES, copy->bytes, copy->len,
	    key, KEYRING_KEY_BYTES);
}

/* --- encoding --- */

static void
slot_encode(struct encoder *e, const struct keyring_slot *slot)
{
	encoder_put_array(e, 5);
	encoder_put_uint(e, slot->seen.number);
	encoder_put_uint(e, slot->seen.kind);
	encoder_put_uint(e, slot->seen.created_ms);
	encoder_put_text(e, bytes_from_text(slot->seen.label));
	encoder_put_bytes(e, bytes_of(slot->body, slot->body_len));
}

static void
epoch_encode(struct encoder *e, const struct keyring_epoch *epoch)
{
	const bool is_gone = epoch->seen.state == KEYRING_DESTROYED;

	encoder_put_array(e, 5);
	encoder_put_uint(e, epoch->seen.epoch);
	encoder_put_uint(e, epoch->seen.state);
	encoder_put_uint(e, epoch->seen.created_ms);
	encoder_put_uint(e, KEYRING_ALGORITHM);
	encoder_put_bytes(e,
	    bytes_of(epoch->wrapped, is_gone ? 0 : sizeof(epoch->wrapped)));
}

bool
keyring_file_encode(struct keyring_copy *copy,
    const struct keyring_image *image,
    const uint8_t mac_key[static KEYRING_KEY_BYTES])
{
	struct encoder e;
	struct bytes body;
	size_t i;

	memset(copy->bytes, 0, sizeof(copy->bytes));
	encoder_init(&e, copy->bytes, KEYRING_COPY_BYTES - TAIL_BYTES);
	encoder_put_array(&e, FIELDS);
	encoder_put_text(&e, bytes_from_text(MAGIC));
	encoder_put_uint(&e, VERSION);
	encoder_put_uint(&e, image->generation);
	encoder_put_bytes(&e, bytes_of(image->id, KEYRING_ID_BYTES));
	encoder_put_bytes(&e,
	    bytes_of(image->cluster_id, KEYRING_CLUSTER_BYTES));
	encoder_put_text(&e, bytes_from_text(image->node));
	encoder_put_bytes(&e, bytes_of(image->commitment, KEYRING_KEY_BYTES));
	encoder_put_array(&e, image->slot_count);
	for (i = 0; i < image->slot_count; i++)
		slot_encode(&e, &image->slots[i]);
	encoder_put_array(&e, image->epoch_count);
	for (i = 0; i < image->epoch_count; i++)
		epoch_encode(&e, &image->epochs[i]);
	if (encoder_finish(&e, &body) != AG_OK)
		return false;
	copy->len = body.len;
	mac_of(copy->bytes + body.len, copy, mac_key);
	check_of(copy->bytes + body.len + KEYRING_MAC_BYTES, copy->bytes,
	    body.len + KEYRING_MAC_BYTES);
	return true;
}

bool
keyring_file_is_genuine(const struct keyring_copy *copy,
    const uint8_t mac_key[static KEYRING_KEY_BYTES])
{
	uint8_t mac[KEYRING_MAC_BYTES];

	mac_of(mac, copy, mac_key);
	return sodium_memcmp(mac, copy->bytes + copy->len, sizeof(mac)) == 0;
}

/* --- decoding --- */

/* Text into out, which has cap bytes; no NUL may be in it. */
static void
text_decode(struct decoder *d, char *out, size_t cap)
{
	struct bytes text = decoder_get_text_max(d, cap - 1);

	if (text.len > 0 && memchr(text.data, '\0', text.len) != NULL)
		decoder_fail(d, "a NUL in a text");
	else if (text.len > 0)
		memcpy(out, text.data, text.len);
}

/* Numbers rise, so that none comes twice. */
static void
slots_decode(struct decoder *d, struct keyring_image *image)
{
	size_t count = decoder_get_array_max(d, KEYRING_SLOTS_MAX);
	uint64_t above = 0;

	for (size_t i = 0; i < count && !decoder_failed(d); i++) {
		struct keyring_slot *slot = &image->slots[i];
		struct bytes body;

		decoder_expect_array(d, 5);
		slot->seen.number =
		    (unsigned int)decoder_get_uint_max(d, KEYRING_SLOTS_MAX);
		slot->seen.kind =
		    (unsigned int)decoder_get_uint_max(d, UINT16_MAX);
		slot->seen.created_ms = decoder_get_uint(d);
		text_decode(d, slot->seen.label, sizeof(slot->seen.label));
		body = decoder_get_bytes_max(d, KEYRING_BODY_BYTES_MAX);
		if (slot->seen.number <= above)
			decoder_fail(d, "slots are not in order");
		above = slot->seen.number;
		slot->body_len = body.len;
		if (body.len > 0)
			memcpy(slot->body, body.data, body.len);
	}
	image->slot_count = count;
}

static void
epoch_decode(struct decoder *d, struct keyring_epoch *epoch)
{
	struct bytes wrapped;
	size_t want;

	decoder_expect_array(d, 5);
	epoch->seen.epoch = (uint32_t)decoder_get_uint_max(d, UINT32_MAX);
	epoch->seen.state =
	    (enum keyring_state)decoder_get_uint_max(d, KEYRING_DESTROYED);
	epoch->seen.created_ms = decoder_get_uint(d);
	if (decoder_get_uint(d) != KEYRING_ALGORITHM)
		decoder_fail(d, "an algorithm that is not known");
	wrapped = decoder_get_bytes_max(d, KEYRING_WRAPPED_BYTES);
	want =
	    epoch->seen.state == KEYRING_DESTROYED ? 0 : KEYRING_WRAPPED_BYTES;
	if (wrapped.len != want)
		decoder_fail(d, "a wrapped key of the wrong length");
	else if (want > 0)
		memcpy(epoch->wrapped, wrapped.data, want);
}

/* Epochs rise, and one of their keys is active. */
static void
epochs_decode(struct decoder *d, struct keyring_image *image)
{
	size_t count = decoder_get_array_max(d, KEYRING_EPOCHS_MAX);
	size_t active = 0;
	uint32_t above = 0;

	for (size_t i = 0; i < count && !decoder_failed(d); i++) {
		const struct keyring_look_epoch *seen = &image->epochs[i].seen;

		epoch_decode(d, &image->epochs[i]);
		if (seen->epoch <= above)
			decoder_fail(d, "epochs are not in order");
		above = seen->epoch;
		active += seen->state == KEYRING_ACTIVE;
	}
	if (active != 1)
		decoder_fail(d, "not one key is active");
	image->epoch_count = count;
}

static void
image_decode(struct decoder *d, struct keyring_image *image)
{
	memset(image, 0, sizeof(*image));
	decoder_expect_array(d, FIELDS);
	(void)decoder_get_text_max(d, sizeof(MAGIC) - 1);
	(void)decoder_get_uint(d);
	image->generation = decoder_get_uint(d);
	decoder_get_fixed(d, image->id, KEYRING_ID_BYTES);
	decoder_get_fixed(d, image->cluster_id, KEYRING_CLUSTER_BYTES);
	text_decode(d, image->node, sizeof(image->node));
	decoder_get_fixed(d, image->commitment, KEYRING_KEY_BYTES);
	slots_decode(d, image);
	epochs_decode(d, image);
}

/*
 * The format of a whole copy, whatever is in it, and how long its array is;
 * 0: it is not whole.
 */
static uint64_t
frame_read(const uint8_t *bytes, size_t *len)
{
	uint8_t check[CHECK_BYTES];
	struct decoder d;
	struct bytes magic;
	uint64_t version;
	size_t count;

	decoder_init(&d, bytes_of(bytes, KEYRING_COPY_BYTES - TAIL_BYTES));
	count = decoder_get_array_max(&d, FIELDS_MAX);
	magic = decoder_get_text_max(&d, sizeof(MAGIC) - 1);
	version = decoder_get_uint(&d);
	for (; count > 2 && !decoder_failed(&d); count--)
		(void)decoder_get_raw(&d);
	if (decoder_failed(&d) || !bytes_equal(magic, bytes_from_text(MAGIC)))
		return 0;
	*len = decoder_offset(&d);
	check_of(check, bytes, *len + KEYRING_MAC_BYTES);
	return memcmp(check, bytes + *len + KEYRING_MAC_BYTES, CHECK_BYTES) == 0
	    ? version
	    : 0;
}

/* A whole copy of our format that counts more than *image does. */
static bool
copy_take(struct keyring_copy *copy, struct keyring_image *image, bool has_one,
    const uint8_t *bytes, unsigned place, size_t len)
{
	struct keyring_image found;
	struct decoder d;

	decoder_init(&d, bytes_of(bytes, len));
	image_decode(&d, &found);
	if (decoder_finish(&d, NULL) != AG_OK ||
	    (has_one && found.generation <= image->generation))
		return false;
	*image = found;
	memcpy(copy->bytes, bytes, KEYRING_COPY_BYTES);
	copy->len = len;
	copy->place = place;
	return true;
}

static enum ag_status
judge(struct keyring_copy *copy, struct keyring_image *image,
    const uint8_t *bytes, const char *path, struct ag_error *err)
{
	bool has_one = false;

	for (unsigned i = 0; i < 2; i++) {
		const uint8_t *at = bytes + (size_t)i * KEYRING_COPY_BYTES;
		size_t len = 0;
		const uint64_t version = frame_read(at, &len);

		if (version > VERSION)
			return ag_fail(err, AG_EVERSION,
			    "open keyring %s: format %llu, this program reads "
			    "up to %d; use the newer program",
			    path, (unsigned long long)version, VERSION);
		if (version == VERSION &&
		    copy_take(copy, image, has_one, at, i, len))
			has_one = true;
	}
	if (has_one)
		return AG_OK;
	return ag_fail(err, AG_ECORRUPT,
	    "open keyring %s: it is damaged; put a copy of it back, or see "
	    "aegis-keys(7), WHEN ONE IS LOST",
	    path);
}

static enum ag_status
no_memory(const char *path, struct ag_error *err)
{
	return ag_fail(err, AG_ENOMEM, "keyring %s: out of memory", path);
}

enum ag_status
keyring_file_read(struct keyring_copy *copy, struct keyring_image *image,
    const char *path, struct ag_error *err)
{
	uint8_t *bytes = calloc(2, KEYRING_COPY_BYTES);
	enum ag_status status;
	size_t got;
	int fd;

	if (bytes == NULL)
		return no_memory(path, err);
	status = fs_open(&fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0, err);
	if (status == AG_OK) {
		status = fs_read_at(fd, path, bytes, 2 * KEYRING_COPY_BYTES, 0,
		    &got, err);
		(void)close(fd);
	}
	if (status == AG_OK)
		status = judge(copy, image, bytes, path, err);
	free(bytes);
	return status;
}

/* --- writing --- */

enum ag_status
keyring_file_create(const char *path, const struct keyring_copy *copy,
    struct ag_error *err)
{
	uint8_t *bytes = calloc(2, KEYRING_COPY_BYTES);
	enum ag_status status;

	if (bytes == NULL)
		return no_memory(path, err);
	memcpy(bytes, copy->bytes, KEYRING_COPY_BYTES);
	memcpy(bytes + KEYRING_COPY_BYTES, copy->bytes, KEYRING_COPY_BYTES);
	status = fs_create_file(path, 0600,
	    bytes_of(bytes, 2 * KEYRING_COPY_BYTES), err);
	free(bytes);
	return status;
}

enum ag_status
keyring_file_write(const char *path, const struct keyring_copy *copy,
    struct ag_error *err)
{
	enum ag_status status;
	int fd;

	status = fs_open(&fd, path, O_WRONLY | O_NOFOLLOW, 0, err);
	if (status != AG_OK)
		return status;
	for (unsigned i = 1; status == AG_OK && i <= 2; i++) {
		status = fs_write_at(fd, path,
		    bytes_of(copy->bytes, KEYRING_COPY_BYTES),
		    (uint64_t)((copy->place + i) % 2) * KEYRING_COPY_BYTES,
		    err);
		if (status == AG_OK)
			status = fs_sync(fd, path, err);
	}
	(void)close(fd);
	return status;
}
