/*
 * Manifests.
 *
 * RULES    1. What was parsed encodes to the same bytes again: there is one
 *             way to write an envelope, so nothing can hide in one.
 *          2. The name a manifest has must agree with what it says.
 */
#include "backup/manifest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "codec/decoder.h"
#include "codec/encoder.h"
#include "crypto/seal.h"
#include "trust/field.h"

#define MANIFEST_MAGIC "AEGISBM1"
#define MANIFEST_HEAD_BYTES 12
#define MANIFEST_VERSION 1
#define ENVELOPE_FIELDS 15
#define ENVELOPE_BYTES_MIN 512 /* without the list of packs */
#define ENVELOPE_PACK_BYTES 48
#define SEALED_BYTES_MAX (CERTIFICATE_BYTES_MAX + ROSTER_FILE_BYTES_MAX + 256)

static void
put_packs(struct encoder *e, const struct manifest *m)
{
	size_t i;

	encoder_put_array(e, m->pack_count);
	for (i = 0; i < m->pack_count; i++) {
		encoder_put_array(e, 2);
		encoder_put_bytes(e,
		    bytes_of(m->packs[i].id.data, DIGEST_BYTES));
		encoder_put_uint(e, m->packs[i].bytes);
	}
}

static void
put_envelope(struct encoder *e, const struct manifest *m)
{
	encoder_put_array(e, ENVELOPE_FIELDS);
	encoder_put_uint(e, MANIFEST_VERSION);
	encoder_put_bytes(e, bytes_of(m->repository, REPOSITORY_ID_BYTES));
	encoder_put_text(e, bytes_from_text(m->cluster));
	encoder_put_bytes(e, bytes_of(m->scope.cluster_id, CLUSTER_ID_BYTES));
	encoder_put_uint(e, m->scope.epoch);
	encoder_put_uint(e, m->number);
	if (m->has_previous)
		encoder_put_bytes(e, bytes_of(m->previous.data, DIGEST_BYTES));
	else
		encoder_put_null(e);
	encoder_put_uint(e, m->seq);
	encoder_put_uint(e, m->time_ms);
	encoder_put_uint(e, m->created_ms);
	encoder_put_uint(e, m->bytes);
	encoder_put_uint(e, m->stored_bytes);
	encoder_put_uint(e, m->chunks);
	encoder_put_bytes(e, bytes_of(m->wrapped_key, RECIPIENT_WRAPPED_BYTES));
	put_packs(e, m);
}

enum ag_status
manifest_encode_envelope(const struct manifest *m, struct buf *out)
{
	const size_t room =
	    ENVELOPE_BYTES_MIN + m->pack_count * ENVELOPE_PACK_BYTES;
	enum ag_status status = buf_reserve(out, room);
	struct bytes encoded;
	struct encoder e;

	if (status != AG_OK)
		return status;
	encoder_init(&e, out->data + out->len, room);
	put_envelope(&e, m);
	status = encoder_finish(&e, &encoded);
	if (status == AG_OK)
		out->len += encoded.len;
	return status;
}

static void
get_packs(struct decoder *d, struct manifest *m)
{
	size_t i;

	m->pack_count = decoder_get_array_max(d, MANIFEST_PACKS_MAX);
	if (m->pack_count == 0)
		return;
	m->packs = calloc(m->pack_count, sizeof(*m->packs));
	if (m->packs == NULL) {
		m->pack_count = 0;
		decoder_fail(d, "out of memory");
		return;
	}
	m->owns_packs = true;
	for (i = 0; i < m->pack_count && !decoder_failed(d); i++) {
		decoder_expect_array(d, 2);
		decoder_get_fixed(d, m->packs[i].id.data, DIGEST_BYTES);
		m->packs[i].bytes = decoder_get_uint(d);
	}
}

static void
get_name(struct decoder *d, struct manifest *m)
{
	struct bytes name = decoder_get_text_max(d, ROSTER_NAME_BYTES - 1);

	if (!decoder_failed(d) &&
	    !field_parse_name(m->cluster, sizeof(m->cluster), name))
		decoder_fail(d, "not a cluster's name");
}

/* Everything after the version. */
static void
get_envelope(struct decoder *d, struct manifest *m)
{
	decoder_get_fixed(d, m->repository, REPOSITORY_ID_BYTES);
	get_name(d, m);
	decoder_get_fixed(d, m->scope.cluster_id, CLUSTER_ID_BYTES);
	m->scope.epoch = decoder_get_uint(d);
	m->number = decoder_get_uint(d);
	m->has_previous = !decoder_get_null(d);
	if (m->has_previous)
		decoder_get_fixed(d, m->previous.data, DIGEST_BYTES);
	m->seq = decoder_get_uint_max(d, INT64_MAX);
	m->time_ms = decoder_get_uint_max(d, INT64_MAX);
	m->created_ms = decoder_get_uint_max(d, INT64_MAX);
	m->bytes = decoder_get_uint_max(d, INT64_MAX);
	m->stored_bytes = decoder_get_uint_max(d, INT64_MAX);
	m->chunks = decoder_get_uint_max(d, INT64_MAX);
	decoder_get_fixed(d, m->wrapped_key, RECIPIENT_WRAPPED_BYTES);
	get_packs(d, m);
}

static void
put_envelope_len(uint8_t *out, size_t len)
{
	out[0] = (uint8_t)(len >> 24);
	out[1] = (uint8_t)(len >> 16);
	out[2] = (uint8_t)(len >> 8);
	out[3] = (uint8_t)len;
}

static size_t
get_envelope_len(const uint8_t *in)
{
	return (size_t)in[0] << 24 | (size_t)in[1] << 16 | (size_t)in[2] << 8 |
	    in[3];
}

/* Returns the plain text's encoding in a buffer of its own. */
static enum ag_status
encode_sealed(const struct manifest_sealed *sealed, struct buf *out)
{
	enum ag_status status = buf_reserve(out, SEALED_BYTES_MAX);
	struct bytes encoded;
	struct encoder e;

	if (status != AG_OK)
		return status;
	encoder_init(&e, out->data, SEALED_BYTES_MAX);
	encoder_put_array(&e, 5);
	encoder_put_bytes(&e, bytes_of(sealed->digest.data, DIGEST_BYTES));
	encoder_put_uint(&e, sealed->keys);
	encoder_put_uint(&e, sealed->sessions);
	certificate_encode(&e, &sealed->certificate);
	encoder_put_bytes(&e, buf_bytes(&sealed->roster_text));
	status = encoder_finish(&e, &encoded);
	if (status == AG_OK)
		out->len = encoded.len;
	return status;
}

enum ag_status
manifest_format(const struct manifest *m, const struct manifest_sealed *sealed,
    const struct secret *key, struct buf *out, struct ag_error *err)
{
	const uint8_t no_length[4] = { 0 };
	enum ag_status status;
	struct buf plain;

	buf_init(&plain, SEALED_BYTES_MAX);
	buf_clear(out);
	status = buf_append(out, MANIFEST_MAGIC, 8);
	if (status == AG_OK)
		status = buf_append(out, no_length, sizeof(no_length));
	if (status == AG_OK)
		status = manifest_encode_envelope(m, out);
	if (status == AG_OK)
		status = encode_sealed(sealed, &plain);
	if (status == AG_OK)
		status = buf_reserve(out, plain.len + SEAL_OVERHEAD);
	if (status == AG_OK) {
		put_envelope_len(out->data + 8, out->len - MANIFEST_HEAD_BYTES);
		seal_buffer(out->data + out->len, key, buf_bytes(out),
		    buf_bytes(&plain));
		out->len += plain.len + SEAL_OVERHEAD;
	}
	buf_fini(&plain);
	if (status != AG_OK)
		return ag_fail(err, status, "write the manifest: %s",
		    ag_status_text(status));
	return AG_OK;
}

static enum ag_status
parse_file(struct manifest *m, const char *name, struct ag_error *err)
{
	const uint8_t *data = m->file.data;
	struct ag_error why;
	struct decoder d;
	uint64_t version;
	size_t len;

	if (m->file.len < MANIFEST_HEAD_BYTES ||
	    memcmp(data, MANIFEST_MAGIC, 8) != 0)
		return ag_fail(err, AG_ECORRUPT,
		    "%s: does not begin as a manifest", name);
	len = get_envelope_len(data + 8);
	if (len > m->file.len - MANIFEST_HEAD_BYTES ||
	    m->file.len - MANIFEST_HEAD_BYTES - len < SEAL_OVERHEAD)
		return ag_fail(err, AG_ECORRUPT, "%s: cut short", name);
	m->sealed_at = MANIFEST_HEAD_BYTES + len;
	decoder_init(&d, bytes_of(data + MANIFEST_HEAD_BYTES, len));
	decoder_expect_array(&d, ENVELOPE_FIELDS);
	version = decoder_get_uint(&d);
	if (!decoder_failed(&d) && version > MANIFEST_VERSION)
		return ag_fail(err, AG_EVERSION,
		    "%s: format %llu; use the newer program", name,
		    (unsigned long long)version);
	if (version != MANIFEST_VERSION)
		decoder_fail(&d, "no such version");
	get_envelope(&d, m);
	if (decoder_finish(&d, &why) != AG_OK)
		return ag_fail(err, AG_ECORRUPT, "%s: %s", name, why.text);
	return AG_OK;
}

enum ag_status
manifest_parse(struct manifest *m, struct bytes file, const char *name,
    struct ag_error *err)
{
	enum ag_status status;

	memset(m, 0, sizeof(*m));
	buf_init(&m->file, MANIFEST_BYTES_MAX);
	status = buf_append(&m->file, file.data, file.len);
	if (status != AG_OK)
		status =
		    ag_fail(err, status == AG_ELIMIT ? AG_ECORRUPT : status,
			"%s: %s", name, ag_status_text(status));
	else
		status = parse_file(m, name, err);
	if (status != AG_OK)
		manifest_fini(m);
	return status;
}

static enum ag_status
check_name(const struct manifest *m, const struct repository *repo,
    const struct repository_entry *entry, const char *path,
    struct ag_error *err)
{
	if (memcmp(m->repository, repository_id(repo), REPOSITORY_ID_BYTES) !=
	    0)
		return ag_fail(err, AG_ECORRUPT,
		    "%s: belongs to another repository", path);
	if (m->number != entry->number ||
	    strcmp(m->cluster, entry->cluster) != 0)
		return ag_fail(err, AG_ECORRUPT,
		    "%s: it is the manifest of %s-%llu", path, m->cluster,
		    (unsigned long long)m->number);
	return AG_OK;
}

enum ag_status
manifest_load(struct manifest *m, const struct repository *repo,
    const struct repository_entry *entry, struct ag_error *err)
{
	char path[REPOSITORY_PATH_BYTES];
	enum ag_status status;
	struct digest id;
	struct buf file;

	memset(m, 0, sizeof(*m));
	buf_init(&file, MANIFEST_BYTES_MAX);
	status = repository_entry_path(repo, entry, path, err);
	if (status == AG_OK)
		status = fs_read_file(path, &file, err);
	if (status == AG_ELIMIT || status == AG_EINVAL)
		status = ag_fail(err, AG_ECORRUPT,
		    "%s: too long, or not a regular file", path);
	if (status == AG_OK) {
		digest_of(&id, buf_bytes(&file));
		if (!digest_equal(&id, &entry->id))
			status = ag_fail(err, AG_ECORRUPT,
			    "%s: damaged: its bytes are not those its name "
			    "says",
			    path);
	}
	if (status == AG_OK)
		status = manifest_parse(m, buf_bytes(&file), path, err);
	if (status == AG_OK) {
		status = check_name(m, repo, entry, path, err);
		if (status != AG_OK)
			manifest_fini(m);
	}
	buf_fini(&file);
	return status;
}

void
manifest_fini(struct manifest *m)
{
	if (m->owns_packs)
		free(m->packs);
	buf_fini(&m->file);
	memset(m, 0, sizeof(*m));
}

static enum ag_status
decode_sealed(struct manifest_sealed *sealed, struct bytes plain,
    struct ag_error *err)
{
	struct bytes text;
	struct decoder d;
	enum ag_status status;

	decoder_init(&d, plain);
	decoder_expect_array(&d, 5);
	decoder_get_fixed(&d, sealed->digest.data, DIGEST_BYTES);
	sealed->keys = decoder_get_uint(&d);
	sealed->sessions = decoder_get_uint(&d);
	certificate_decode(&d, &sealed->certificate);
	text = decoder_get_bytes_max(&d, ROSTER_FILE_BYTES_MAX);
	status = decoder_finish(&d, err);
	if (status == AG_OK && text.len > 0)
		status = buf_append(&sealed->roster_text, text.data, text.len);
	return status;
}

enum ag_status
manifest_open(struct manifest_sealed *sealed, const struct manifest *m,
    const struct secret *key, const char *name, struct ag_error *err)
{
	const size_t len = m->file.len - m->sealed_at - SEAL_OVERHEAD;
	enum ag_status status;
	struct ag_error why = { 0 };
	uint8_t *plain = malloc(len + 1);

	memset(sealed, 0, sizeof(*sealed));
	buf_init(&sealed->roster_text, ROSTER_FILE_BYTES_MAX);
	if (plain == NULL)
		return ag_fail(err, AG_ENOMEM, "%s: out of memory", name);
	status = seal_open(plain, key, bytes_of(m->file.data, m->sealed_at),
	    bytes_of(m->file.data + m->sealed_at, len + SEAL_OVERHEAD));
	if (status != AG_OK)
		status = ag_fail(err, AG_EFORGED,
		    "%s: the sealed part does not open", name);
	else if (decode_sealed(sealed, bytes_of(plain, len), &why) != AG_OK)
		status = ag_fail(err, AG_ECORRUPT, "%s: sealed part: %s", name,
		    why.text);
	free(plain);
	if (status != AG_OK)
		manifest_sealed_fini(sealed);
	return status;
}

void
manifest_sealed_fini(struct manifest_sealed *sealed)
{
	buf_fini(&sealed->roster_text);
}
