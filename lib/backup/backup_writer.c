/*
 * Making a backup.
 *
 * RULES    1. The stream is verified as it is written, by the reader that a
 *             restore uses: one lying node can not make a backup.
 *          2. The last full chunk is held back until more comes, because the
 *             last chunk says that it is.
 *          3. The manifest is written when everything else is in place.
 *             Once that is tried the packs stay, whatever comes of it: packs
 *             that nobody names are waste, a manifest without them is harm.
 */
#include "backup/backup_writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backup/backup_proof.h"
#include "backup/pack.h"
#include "base/clock.h"
#include "crypto/recipient.h"
#include "store/snapshot.h"

struct backup_writer {
	struct backup_plan plan;
	struct secret *key;
	struct pack_writer *packs;
	struct snapshot_reader *check;
	struct buf chunk;
	struct manifest manifest;
	struct manifest_sealed sealed;
	struct snapshot_info info;
	bool has_failed;
};

enum ag_status
backup_writer_open(struct backup_writer **out, const struct backup_plan *plan,
    struct ag_error *err)
{
	struct backup_writer *w = calloc(1, sizeof(*w));
	enum ag_status status = AG_OK;

	*out = NULL;
	if (w == NULL)
		return ag_fail(err, AG_ENOMEM, "backup: out of memory");
	w->plan = *plan;
	buf_init(&w->chunk, PACK_CHUNK_BYTES);
	buf_init(&w->sealed.roster_text, ROSTER_FILE_BYTES_MAX);
	w->key = secret_random(RECIPIENT_FILE_KEY_BYTES);
	if (w->key == NULL || buf_reserve(&w->chunk, PACK_CHUNK_BYTES))
		status = ag_fail(err, AG_ENOMEM, "backup: out of memory");
	if (status == AG_OK)
		status = recipient_wrap(w->manifest.wrapped_key,
		    plan->recipient, w->key, err);
	if (status == AG_OK)
		status = pack_writer_new(&w->packs, plan->repo, w->key,
		    plan->pack_bytes, err);
	if (status == AG_OK)
		status = snapshot_reader_new(&w->check, NULL, err);
	if (status != AG_OK) {
		backup_writer_close(w);
		return status;
	}
	*out = w;
	return AG_OK;
}

static enum ag_status
cut(struct backup_writer *w, bool is_last, struct ag_error *err)
{
	enum ag_status status =
	    pack_writer_put(w->packs, buf_bytes(&w->chunk), is_last, err);

	w->manifest.bytes += w->chunk.len;
	buf_clear(&w->chunk);
	return status;
}

static enum ag_status
gather(struct backup_writer *w, struct bytes piece, struct ag_error *err)
{
	enum ag_status status = AG_OK;
	size_t room;

	while (status == AG_OK && piece.len > 0) {
		if (w->chunk.len == PACK_CHUNK_BYTES)
			status = cut(w, false, err);
		room = PACK_CHUNK_BYTES - w->chunk.len;
		if (room > piece.len)
			room = piece.len;
		if (status == AG_OK)
			status = buf_append(&w->chunk, piece.data, room);
		piece.data += room;
		piece.len -= room;
	}
	return status;
}

enum ag_status
backup_writer_put(struct backup_writer *w, struct bytes piece,
    struct ag_error *err)
{
	enum ag_status status = snapshot_reader_feed(w->check, piece, err);

	if (status == AG_OK)
		status = gather(w, piece, err);
	if (status != AG_OK)
		w->has_failed = true;
	return status;
}

/* The number after the newest backup of this name, which it names. */
static enum ag_status
number(struct backup_writer *w, struct ag_error *err)
{
	struct manifest *m = &w->manifest;
	struct repository_list list;
	enum ag_status status = repository_list(&list, w->plan.repo, err);
	size_t i;

	if (status != AG_OK)
		return status;
	m->number = 1;
	for (i = 0; i < list.count; i++) {
		if (strcmp(list.entries[i].cluster, m->cluster) != 0 ||
		    list.entries[i].number == UINT64_MAX)
			continue;
		m->number = list.entries[i].number + 1;
		m->previous = list.entries[i].id;
		m->has_previous = true;
	}
	repository_list_fini(&list);
	return AG_OK;
}

static enum ag_status
describe(struct backup_writer *w, struct ag_error *err)
{
	const struct snapshot_info *info = &w->info;
	struct manifest *m = &w->manifest;
	enum ag_status status;

	memcpy(m->repository, repository_id(w->plan.repo), REPOSITORY_ID_BYTES);
	(void)snprintf(m->cluster, sizeof(m->cluster), "%s",
	    w->plan.roster->cluster_name);
	m->scope = info->scope;
	m->seq = info->seq;
	m->time_ms = info->time_ms;
	m->created_ms = clock_wall_ms();
	w->sealed.digest = info->digest;
	w->sealed.keys = info->keys;
	w->sealed.sessions = info->sessions;
	w->sealed.certificate = info->certificate;
	status = roster_format(w->plan.roster, &w->sealed.roster_text);
	if (status != AG_OK)
		return ag_fail(err, status, "backup: keep the roster: %s",
		    ag_status_text(status));
	return number(w, err);
}

static enum ag_status
commit(struct backup_writer *w, struct repository_entry *entry,
    struct ag_error *err)
{
	enum ag_status status;
	struct buf file;

	*entry = (struct repository_entry){ .number = w->manifest.number };
	memcpy(entry->cluster, w->manifest.cluster, sizeof(entry->cluster));
	buf_init(&file, MANIFEST_BYTES_MAX);
	status = manifest_format(&w->manifest, &w->sealed, w->key, &file, err);
	if (status == AG_OK)
		status = repository_commit(w->plan.repo, entry,
		    buf_bytes(&file), err);
	buf_fini(&file);
	return status;
}

enum ag_status
backup_writer_finish(struct backup_writer *w, const struct manifest **m,
    struct repository_entry *entry, struct ag_error *err)
{
	enum ag_status status;

	if (w->has_failed)
		return ag_fail(err, AG_ECORRUPT, "backup: it was given up");
	w->has_failed = true;
	status = snapshot_reader_finish(w->check, &w->info, err);
	if (status == AG_OK)
		status = backup_proof_check(&w->info, w->plan.roster, err);
	if (status == AG_OK)
		status = cut(w, true, err);
	if (status == AG_OK)
		status = pack_writer_finish(w->packs, &w->manifest, err);
	if (status == AG_OK)
		status = describe(w, err);
	if (status != AG_OK)
		return status;
	/* A commit that failed may yet come to light after a crash. */
	pack_writer_keep(w->packs);
	status = commit(w, entry, err);
	if (status != AG_OK)
		return status;
	*m = &w->manifest;
	return AG_OK;
}

void
backup_writer_close(struct backup_writer *w)
{
	if (w == NULL)
		return;
	snapshot_reader_free(w->check);
	pack_writer_free(w->packs);
	secret_free(w->key);
	buf_fini(&w->chunk);
	manifest_sealed_fini(&w->sealed);
	free(w);
}
