/*
 * Stored values.
 *
 * RULES    1. Values are compressed one by one: what one is never shows in
 *             how long another becomes.
 *          2. Short ones are not: a frame's head takes what would be saved,
 *             and trying takes longer than sealing.  Those of middling length
 *             are at the faster level, which takes a third of the time.
 */
#include "store/sealed_value.h"

#include <stdlib.h>
#include <string.h>

#include <zstd.h>

#include "codec/operation.h"
#include "keyring/keyring.h"
#include "store/little_endian.h"

#define COMPRESS_BYTES_LEAST 256
#define COMPRESS_BYTES_WELL 4096
#define ZSTD_LEVEL_FAST (-2)
#define ZSTD_LEVEL 1
#define CONTEXT_HEAD_BYTES 12
#define STORED_BYTES_MAX (VALUE_BYTES_MAX + KEYRING_RECORD_BYTES)

struct sealed_value {
	struct keyring *keyring;
	ZSTD_CCtx *squeeze;
	ZSTD_DCtx *restore;
	struct buf out;     /* what was sealed or opened last */
	struct buf content; /* compressed, before or after */
	uint8_t context[CONTEXT_HEAD_BYTES + KEY_BYTES_MAX];
};

struct sealed_value *
sealed_value_new(struct keyring *keyring)
{
	struct sealed_value *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->keyring = keyring;
	buf_init(&s->out, STORED_BYTES_MAX);
	buf_init(&s->content, VALUE_BYTES_MAX);
	if (keyring == NULL)
		return s;
	s->squeeze = ZSTD_createCCtx();
	s->restore = ZSTD_createDCtx();
	if (s->squeeze != NULL && s->restore != NULL)
		return s;
	sealed_value_free(s);
	return NULL;
}

void
sealed_value_free(struct sealed_value *s)
{
	if (s == NULL)
		return;
	(void)ZSTD_freeCCtx(s->squeeze);
	(void)ZSTD_freeDCtx(s->restore);
	buf_fini(&s->out);
	buf_fini(&s->content);
	free(s);
}

static struct bytes
context_of(struct sealed_value *s, struct bytes key, uint64_t version,
    uint64_t len)
{
	AG_ASSERT(key.len <= KEY_BYTES_MAX);
	put_le64(s->context, version);
	put_le32(s->context + 8, (uint32_t)len);
	memcpy(s->context + CONTEXT_HEAD_BYTES, key.data, key.len);
	return bytes_of(s->context, CONTEXT_HEAD_BYTES + key.len);
}

/* Room for len bytes and nothing else. */
static enum ag_status
make_room(struct buf *buf, size_t len, struct ag_error *err)
{
	enum ag_status status;

	buf_clear(buf);
	status = buf_reserve(buf, len);
	return status == AG_OK ? AG_OK
			       : ag_fail(err, status, "state: a value: %s",
				     ag_status_text(status));
}

/* The value's frame when that is shorter, or itself. */
static enum ag_status
compress(struct sealed_value *s, struct bytes value, struct bytes *content,
    struct ag_error *err)
{
	enum ag_status status;
	size_t len;

	*content = value;
	if (value.len < COMPRESS_BYTES_LEAST)
		return AG_OK;
	status = make_room(&s->content, value.len, err);
	if (status != AG_OK)
		return status;
	/* What does not fit in as many bytes does not help, and ends early. */
	len = ZSTD_compressCCtx(s->squeeze, s->content.data, value.len - 1,
	    value.data, value.len,
	    value.len < COMPRESS_BYTES_WELL ? ZSTD_LEVEL_FAST : ZSTD_LEVEL);
	if (!ZSTD_isError(len))
		*content = bytes_of(s->content.data, len);
	return AG_OK;
}

enum ag_status
sealed_value_seal(struct sealed_value *s, struct bytes key, uint64_t version,
    struct bytes value, struct bytes *stored, struct ag_error *err)
{
	struct bytes content;
	enum ag_status status;

	*stored = value;
	if (s->keyring == NULL)
		return AG_OK;
	status = compress(s, value, &content, err);
	if (status == AG_OK)
		status =
		    make_room(&s->out, content.len + KEYRING_RECORD_BYTES, err);
	if (status != AG_OK)
		return status;
	keyring_seal(s->keyring, KEYRING_VALUES,
	    context_of(s, key, version, value.len), content, s->out.data);
	*stored = bytes_of(s->out.data, content.len + KEYRING_RECORD_BYTES);
	return AG_OK;
}

static enum ag_status
damaged(struct ag_error *err)
{
	return ag_fail(err, AG_ECORRUPT, "state: a value is damaged");
}

static enum ag_status
decompress(struct sealed_value *s, struct bytes content, uint64_t len,
    struct bytes *value, struct ag_error *err)
{
	enum ag_status status = make_room(&s->content, (size_t)len, err);

	if (status != AG_OK)
		return status;
	if (ZSTD_decompressDCtx(s->restore, s->content.data, (size_t)len,
		content.data, content.len) != len)
		return damaged(err);
	*value = bytes_of(s->content.data, (size_t)len);
	return AG_OK;
}

/* Open what was stored into out, behind the place of a record's head. */
static enum ag_status
unseal(struct sealed_value *s, struct bytes key, uint64_t version, uint64_t len,
    struct bytes stored, struct bytes *content, struct ag_error *err)
{
	enum ag_status status;

	if (len > VALUE_BYTES_MAX || key.len > KEY_BYTES_MAX ||
	    stored.len > STORED_BYTES_MAX)
		return damaged(err);
	status = make_room(&s->out, stored.len, err);
	if (status != AG_OK)
		return status;
	if (keyring_unseal(s->keyring, KEYRING_VALUES,
		context_of(s, key, version, len), stored,
		s->out.data + KEYRING_HEAD_BYTES, err) == AG_OK) {
		*content = bytes_of(s->out.data + KEYRING_HEAD_BYTES,
		    stored.len - KEYRING_RECORD_BYTES);
		return AG_OK;
	}
	ag_error_prefix(err, "state");
	if (err != NULL)
		err->status = AG_ECORRUPT;
	return AG_ECORRUPT;
}

enum ag_status
sealed_value_renew(struct sealed_value *s, struct bytes key, uint64_t version,
    uint64_t len, struct bytes stored, struct bytes *renewed,
    struct ag_error *err)
{
	struct bytes content;
	enum ag_status status =
	    unseal(s, key, version, len, stored, &content, err);

	if (status != AG_OK)
		return status;
	keyring_seal(s->keyring, KEYRING_VALUES,
	    context_of(s, key, version, len), content, s->out.data);
	*renewed = bytes_of(s->out.data, stored.len);
	return AG_OK;
}

enum ag_status
sealed_value_open(struct sealed_value *s, struct bytes key, uint64_t version,
    uint64_t len, struct bytes stored, struct bytes *value,
    struct ag_error *err)
{
	struct bytes content;
	enum ag_status status;

	if (s->keyring == NULL) {
		*value = stored;
		return stored.len == len ? AG_OK : damaged(err);
	}
	status = unseal(s, key, version, len, stored, &content, err);
	if (status != AG_OK)
		return status;
	if (content.len == len) {
		*value = content;
		return AG_OK;
	}
	return decompress(s, content, len, value, err);
}
