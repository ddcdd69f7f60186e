/*
 * The text file of a restored state.
 *
 * The lines come in one order, all of them, and nothing else: people read
 * the file, and nobody needs to write one.  It is written last and at once,
 * so that a restore that was cut off has none.
 */
#include "backup/restored.h"

#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "codec/text.h"
#include "trust/field.h"

#define RESTORED_BYTES_MAX 4096

enum ag_status
restored_save(const struct restored *restored, const char *path,
    struct ag_error *err)
{
	char cluster_id[TEXT_HEX_BYTES(CLUSTER_ID_BYTES)];
	char digest[TEXT_HEX_BYTES(DIGEST_BYTES)];
	enum ag_status status;
	struct buf text;

	text_hex(cluster_id, sizeof(cluster_id),
	    bytes_of(restored->scope.cluster_id, CLUSTER_ID_BYTES));
	text_hex(digest, sizeof(digest),
	    bytes_of(restored->digest.data, DIGEST_BYTES));
	buf_init(&text, RESTORED_BYTES_MAX);
	status = buf_printf(&text,
	    "aegis-restored 1\ncluster %s\ncluster-id %s\nepoch %llu\n"
	    "incarnation %llu\nseq %llu\ntime-ms %llu\ndigest %s\n",
	    restored->cluster, cluster_id,
	    (unsigned long long)restored->scope.epoch,
	    (unsigned long long)restored->incarnation,
	    (unsigned long long)restored->seq,
	    (unsigned long long)restored->time_ms, digest);
	if (status == AG_OK)
		status = fs_write_file(path, 0600, buf_bytes(&text), err);
	else
		status = ag_fail(err, status, "write %s: out of memory", path);
	buf_fini(&text);
	return status;
}

/* The next line must be "name value". */
static enum ag_status
next_value(struct field_reader *r, const char *name, struct bytes *value,
    struct ag_error *err)
{
	enum ag_status status = field_reader_next(r, err);

	if (status == AG_ENOENT)
		return ag_fail(err, AG_EINVAL, "%s: cut short: no %s", r->name,
		    name);
	if (status != AG_OK)
		return status;
	if (!field_is(r->words[0], name) || r->count != 2)
		return field_fail(r, 0, AG_EINVAL, err, "expected %s VALUE",
		    name);
	*value = r->words[1];
	return AG_OK;
}

static enum ag_status
next_number(struct field_reader *r, const char *name, uint64_t *number,
    struct ag_error *err)
{
	struct bytes value;
	enum ag_status status = next_value(r, name, &value, err);

	if (status == AG_OK && !field_parse_u64(number, value))
		status = field_fail(r, 1, AG_EINVAL, err, "not a number");
	return status;
}

static enum ag_status
next_hex(struct field_reader *r, const char *name, uint8_t *out, size_t len,
    struct ag_error *err)
{
	struct bytes value;
	enum ag_status status = next_value(r, name, &value, err);

	if (status == AG_OK && text_hex_decode(out, len, value) != AG_OK)
		status = field_fail(r, 1, AG_EINVAL, err,
		    "expected %zu hexadecimal digits", len * 2);
	return status;
}

static enum ag_status
next_name(struct field_reader *r, struct restored *restored,
    struct ag_error *err)
{
	struct bytes value;
	enum ag_status status = next_value(r, "cluster", &value, err);

	if (status == AG_OK &&
	    !field_parse_name(restored->cluster, sizeof(restored->cluster),
		value))
		status =
		    field_fail(r, 1, AG_EINVAL, err, "not a cluster's name");
	return status;
}

static enum ag_status
parse(struct restored *restored, struct field_reader *r, struct ag_error *err)
{
	uint64_t version;
	enum ag_status status = next_number(r, "aegis-restored", &version, err);

	if (status == AG_OK && version != 1)
		status = field_fail(r, 1, AG_EVERSION, err,
		    "unknown version; this program reads 1");
	if (status == AG_OK)
		status = next_name(r, restored, err);
	if (status == AG_OK)
		status = next_hex(r, "cluster-id", restored->scope.cluster_id,
		    CLUSTER_ID_BYTES, err);
	if (status == AG_OK)
		status = next_number(r, "epoch", &restored->scope.epoch, err);
	if (status == AG_OK)
		status =
		    next_number(r, "incarnation", &restored->incarnation, err);
	if (status == AG_OK)
		status = next_number(r, "seq", &restored->seq, err);
	if (status == AG_OK)
		status = next_number(r, "time-ms", &restored->time_ms, err);
	if (status == AG_OK)
		status = next_hex(r, "digest", restored->digest.data,
		    DIGEST_BYTES, err);
	if (status != AG_OK)
		return status;
	status = field_reader_next(r, err);
	if (status == AG_OK)
		return field_fail(r, 0, AG_EINVAL, err, "nothing may follow");
	return status == AG_ENOENT ? AG_OK : status;
}

enum ag_status
restored_load(struct restored *restored, const char *path, struct ag_error *err)
{
	struct field_reader reader;
	enum ag_status status;
	struct buf text;

	memset(restored, 0, sizeof(*restored));
	buf_init(&text, RESTORED_BYTES_MAX);
	status = fs_read_file(path, &text, err);
	if (status == AG_OK) {
		field_reader_init(&reader, buf_bytes(&text), path);
		status = parse(restored, &reader, err);
	}
	buf_fini(&text);
	return status;
}
