/*
 * A snapshot's stream, taken in pieces, checked and stored.
 *
 * STATES   head, entries, sessions, end, done; any failure is final.
 *
 * RULES    1. Nothing of the stream is trusted: keys and principals must
 *             rise, counts must match, and the digest is computed from what
 *             came, never read.
 *          2. The database is made under a name of its own and gets its
 *             final one only when the stream proved whole: a directory with
 *             a state in it holds all of it.
 *          3. An item is taken when it is whole.  What can not become one
 *             within SNAPSHOT_ITEM_BYTES_MAX is damage.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "base/fs.h"
#include "codec/decoder.h"
#include "db/db.h"
#include "store/snapshot.h"
#include "store/snapshot_parts.h"
#include "store/tables.h"

#define PARTIAL_FILE "state.partial"
#define PATH_BYTES 4096

enum reader_stage {
	READ_HEAD,
	READ_ENTRIES,
	READ_SESSIONS,
	READ_END,
	READ_DONE,
};

struct snapshot_reader {
	enum reader_stage stage;
	bool has_failed;
	bool stores; /* false: only verify */
	bool made_dir;
	struct tables *tables;
	struct snapshot_info info;
	uint64_t left; /* entries or sessions still to come */
	struct buf held;
	struct buf last; /* key or principal before */
	crypto_generichash_state hash;
	char dir[PATH_BYTES];
	char path[PATH_BYTES]; /* of the partial database */
};

static enum ag_status
damaged(struct snapshot_reader *r, struct ag_error *err, const char *what)
{
	r->has_failed = true;
	return ag_fail(err, AG_ECORRUPT, "snapshot: %s", what);
}

static enum ag_status
dir_prepare(struct snapshot_reader *r, const char *dir, struct ag_error *err)
{
	char final[PATH_BYTES];
	enum ag_status status;

	if ((size_t)snprintf(r->dir, sizeof(r->dir), "%s", dir) >=
	    sizeof(r->dir))
		return ag_fail(err, AG_ELIMIT, "%s: path too long", dir);
	status = fs_join(final, sizeof(final), dir, TABLES_FILE, err);
	if (status == AG_OK)
		status =
		    fs_join(r->path, sizeof(r->path), dir, PARTIAL_FILE, err);
	if (status != AG_OK)
		return status;
	status = fs_mkdir(dir, err);
	r->made_dir = status == AG_OK;
	if (status != AG_OK && status != AG_EEXIST)
		return status;
	if (fs_exists(final))
		return ag_fail(err, AG_EEXIST,
		    "restore into %s: a state is "
		    "there already",
		    dir);
	return AG_OK;
}

/* Remove the partial database and what SQLite keeps beside it. */
static void
partial_remove(const struct snapshot_reader *r)
{
	static const char *const suffixes[] = { "", "-wal", "-shm",
		"-journal" };
	char path[PATH_BYTES + 16];
	size_t i;

	if (r->path[0] == '\0')
		return;
	for (i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s%s", r->path,
		    suffixes[i]);
		(void)unlink(path);
	}
}

enum ag_status
snapshot_reader_new(struct snapshot_reader **out, const char *dir,
    struct ag_error *err)
{
	struct snapshot_reader *r = calloc(1, sizeof(*r));
	enum ag_status status = AG_OK;

	*out = NULL;
	if (r == NULL)
		return ag_fail(err, AG_ENOMEM, "snapshot: out of memory");
	buf_init(&r->held, (size_t)16 << 20);
	buf_init(&r->last, KEY_BYTES_MAX);
	(void)crypto_generichash_init(&r->hash, NULL, 0, DIGEST_BYTES);
	r->stores = dir != NULL;
	if (dir != NULL)
		status = dir_prepare(r, dir, err);
	if (status != AG_OK) {
		r->path[0] = '\0';
		snapshot_reader_free(r);
		return status;
	}
	if (r->stores)
		partial_remove(r);
	*out = r;
	return AG_OK;
}

void
snapshot_reader_free(struct snapshot_reader *r)
{
	if (r == NULL)
		return;
	tables_close(r->tables);
	if (r->stores)
		partial_remove(r);
	if (r->made_dir)
		(void)rmdir(r->dir);
	buf_fini(&r->held);
	buf_fini(&r->last);
	free(r);
}

/* Keys and principals must rise. */
static enum ag_status
check_order(struct snapshot_reader *r, struct bytes key, struct ag_error *err)
{
	if (r->last.len > 0 && bytes_compare(buf_bytes(&r->last), key) >= 0)
		return damaged(r, err, "entries are not in order");
	buf_clear(&r->last);
	if (buf_append(&r->last, key.data, key.len) != AG_OK)
		return ag_fail(err, AG_ENOMEM, "snapshot: out of memory");
	return AG_OK;
}

static enum ag_status
take_head(struct snapshot_reader *r, struct decoder *d, struct ag_error *err)
{
	struct snapshot_info *info = &r->info;
	struct tables_meta *meta;
	enum ag_status status;
	uint64_t version;

	decoder_expect_array(d, 8);
	version = decoder_get_uint(d);
	decoder_get_fixed(d, info->scope.cluster_id, CLUSTER_ID_BYTES);
	info->scope.epoch = decoder_get_uint(d);
	info->seq = decoder_get_uint_max(d, INT64_MAX);
	info->time_ms = decoder_get_uint_max(d, INT64_MAX);
	info->keys = decoder_get_uint_max(d, INT64_MAX);
	info->sessions = decoder_get_uint_max(d, SESSION_PRINCIPALS);
	info->has_certificate = !decoder_get_null(d);
	if (info->has_certificate)
		certificate_decode(d, &info->certificate);
	if (decoder_failed(d))
		return AG_EAGAIN;
	if (version > SNAPSHOT_VERSION)
		return ag_fail(err, AG_EVERSION,
		    "snapshot: format %llu, this program reads up to %d; use "
		    "the newer program",
		    (unsigned long long)version, SNAPSHOT_VERSION);
	/* In the open: whoever takes the state seals it. */
	status = tables_create(&r->tables, r->path, info->scope.cluster_id,
	    NULL, err);
	if (status == AG_OK)
		status = tables_begin(r->tables, err);
	if (status != AG_OK)
		return status;
	meta = tables_meta(r->tables);
	meta->seq = info->seq;
	meta->time_ms = info->time_ms;
	r->left = info->keys;
	r->stage = READ_ENTRIES;
	return AG_OK;
}

static enum ag_status
take_entry(struct snapshot_reader *r, struct decoder *d, struct ag_error *err)
{
	const struct tables_row absent = { .exists = false };
	struct store_entry entry;
	enum ag_status status;

	decoder_expect_array(d, 5);
	entry.key = decoder_get_bytes_max(d, KEY_BYTES_MAX);
	entry.value = decoder_get_bytes_max(d, VALUE_BYTES_MAX);
	entry.version = decoder_get_uint_max(d, INT64_MAX);
	entry.created = decoder_get_uint_max(d, r->info.seq);
	entry.modified = decoder_get_uint_max(d, r->info.seq);
	if (decoder_failed(d))
		return AG_EAGAIN;
	if (entry.key.len == 0)
		return damaged(r, err, "an empty key");
	status = check_order(r, entry.key, err);
	if (status != AG_OK)
		return status;
	r->left--;
	return r->stores ? tables_put(r->tables, &absent, &entry, err)
			 : tables_put_leaf(r->tables, &entry, err);
}

static enum ag_status
take_session(struct snapshot_reader *r, struct decoder *d, struct ag_error *err)
{
	uint8_t principal[PRINCIPAL_BYTES];
	struct bytes encoded;
	enum ag_status status;

	decoder_expect_array(d, 2);
	decoder_get_fixed(d, principal, sizeof(principal));
	encoded = decoder_get_bytes(d);
	if (decoder_failed(d))
		return AG_EAGAIN;
	status = check_order(r, bytes_of(principal, sizeof(principal)), err);
	if (status == AG_OK)
		status = session_decode(tables_sessions(r->tables), principal,
		    encoded, err);
	if (status == AG_EPROTO || status == AG_EEXIST || status == AG_ELIMIT)
		return damaged(r, err, "a client's requests are damaged");
	r->left--;
	return status;
}

/* The null is hashed here, before the hash that covers it is compared. */
static enum ag_status
take_end(struct snapshot_reader *r, struct decoder *d, struct ag_error *err)
{
	uint8_t sum[DIGEST_BYTES];
	struct bytes tail;

	if (!decoder_get_null(d))
		return AG_EAGAIN;
	tail = bytes_of(d->at, (size_t)(d->end - d->at));
	if (tail.len < DIGEST_BYTES)
		return AG_EAGAIN;
	(void)crypto_generichash_update(&r->hash, tail.data - 1, 1);
	(void)crypto_generichash_final(&r->hash, sum, sizeof(sum));
	if (memcmp(sum, tail.data, sizeof(sum)) != 0)
		return damaged(r, err, "its checksum does not match");
	d->at += DIGEST_BYTES;
	r->stage = READ_DONE;
	return AG_OK;
}

static enum ag_status
take_item(struct snapshot_reader *r, struct decoder *d, struct ag_error *err)
{
	if (r->stage == READ_ENTRIES && r->left == 0) {
		r->stage = READ_SESSIONS;
		r->left = r->info.sessions;
		buf_clear(&r->last);
	}
	if (r->stage == READ_SESSIONS && r->left == 0)
		r->stage = READ_END;
	switch (r->stage) {
	case READ_HEAD:
		return take_head(r, d, err);
	case READ_ENTRIES:
		return take_entry(r, d, err);
	case READ_SESSIONS:
		return take_session(r, d, err);
	case READ_END:
		return take_end(r, d, err);
	case READ_DONE:
		break;
	}
	return damaged(r, err, "bytes follow its end");
}

/* Take one whole item from input; AG_EAGAIN when more bytes are needed. */
static enum ag_status
feed_one(struct snapshot_reader *r, struct bytes input, size_t *taken,
    struct ag_error *err)
{
	enum reader_stage stage = r->stage;
	size_t magic = stage == READ_HEAD ? SNAPSHOT_MAGIC_BYTES : 0;
	enum ag_status status;
	struct decoder d;

	*taken = 0;
	if (input.len <= magic)
		return AG_EAGAIN;
	if (magic > 0 && memcmp(input.data, SNAPSHOT_MAGIC, magic) != 0)
		return damaged(r, err, "it does not begin as one");
	decoder_init(&d, bytes_of(input.data + magic, input.len - magic));
	status = take_item(r, &d, err);
	if (status == AG_EAGAIN && input.len >= SNAPSHOT_ITEM_BYTES_MAX)
		return damaged(r, err, decoder_failed(&d) ? d.why : "damaged");
	if (status != AG_OK)
		return status;
	*taken = magic + decoder_offset(&d);
	if (r->stage != READ_DONE)
		(void)crypto_generichash_update(&r->hash, input.data, *taken);
	return AG_OK;
}

enum ag_status
snapshot_reader_feed(struct snapshot_reader *r, struct bytes piece,
    struct ag_error *err)
{
	enum ag_status status = AG_OK;
	size_t done = 0, taken;

	if (r->has_failed)
		return ag_fail(err, AG_ECORRUPT, "snapshot: it was refused");
	if (buf_append(&r->held, piece.data, piece.len) != AG_OK)
		return ag_fail(err, AG_ENOMEM, "snapshot: out of memory");
	while (status == AG_OK && done < r->held.len) {
		status = feed_one(r,
		    bytes_of(r->held.data + done, r->held.len - done), &taken,
		    err);
		done += taken;
	}
	if (status == AG_EAGAIN)
		status = AG_OK;
	if (status != AG_OK)
		r->has_failed = true;
	buf_consume(&r->held, done);
	return status;
}

/* Give the whole database its name, and make that survive power loss. */
static enum ag_status
settle(struct snapshot_reader *r, struct ag_error *err)
{
	enum ag_status status;

	status = tables_settle(r->tables, r->path, r->dir, err);
	r->tables = NULL;
	if (status == AG_OK) {
		r->stores = false;
		r->made_dir = false;
	}
	return status;
}

enum ag_status
snapshot_reader_finish(struct snapshot_reader *r, struct snapshot_info *info,
    struct ag_error *err)
{
	enum ag_status status;

	if (r->has_failed)
		return ag_fail(err, AG_ECORRUPT, "snapshot: it was refused");
	if (r->stage != READ_DONE)
		return damaged(r, err, "it is cut short");
	status = tables_commit(r->tables, err);
	if (status == AG_OK) {
		tables_digest(r->tables, &r->info.digest);
		*info = r->info;
	}
	if (status == AG_OK && r->stores)
		status = settle(r, err);
	r->has_failed = true;
	return status;
}
