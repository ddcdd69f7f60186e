/*
 * Verifying and restoring.
 *
 * RULES    1. A restore is a verification whose bytes are kept: both take
 *             the same path.
 *          2. What fails leaves no directory behind that could be mistaken
 *             for a restored one.
 */
#include "backup/backup_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backup/backup_proof.h"
#include "backup/pack.h"
#include "backup/restored.h"
#include "base/fs.h"
#include "crypto/recipient.h"
#include "store/snapshot.h"
#include "store/tables.h"
#include "trust/chain.h"

#define STATE_DIR "state"
#define ROSTER_FILE "roster.restored"
#define RESTORED_FILE "restored"

struct pass {
	const struct backup_check *check;
	const struct manifest *manifest;
	const char *path; /* of the manifest */
	const char *dir;  /* to restore to, or NULL */
	struct secret *key;
	struct snapshot_reader *reader;
	struct manifest_sealed sealed;
	struct roster *roster; /* from inside */
	struct snapshot_info info;
	uint64_t done;
};

static enum ag_status
pass_chunk(void *arg, struct bytes chunk, struct ag_error *err)
{
	struct pass *p = arg;
	enum ag_status status;

	p->done += chunk.len;
	if (p->check->progress != NULL)
		p->check->progress(p->check->arg, p->done, p->manifest->bytes);
	status = snapshot_reader_feed(p->reader, chunk, err);
	if (status == AG_ECORRUPT)
		ag_error_prefix(err, "%s", p->path);
	return status;
}

static enum ag_status
pass_packs(struct pass *p, struct ag_error *err)
{
	const struct manifest *m = p->manifest;
	struct pack_reader *packs;
	enum ag_status status;
	size_t i;

	status =
	    pack_reader_new(&packs, p->check->repo, p->key, pass_chunk, p, err);
	for (i = 0; status == AG_OK && i < m->pack_count; i++)
		status = pack_reader_take(packs, &m->packs[i], err);
	if (status == AG_OK) {
		status = pack_reader_finish(packs, m->chunks, err);
		if (status != AG_OK)
			ag_error_prefix(err, "%s", p->path);
	}
	pack_reader_free(packs);
	return status;
}

static enum ag_status
pass_unlock(struct pass *p, struct ag_error *err)
{
	const struct manifest *m = p->manifest;
	enum ag_status status =
	    recipient_unwrap(&p->key, m->wrapped_key, p->check->key, err);

	if (status == AG_EFORGED)
		return ag_fail(err, AG_EDENIED,
		    "%s: sealed for another key than this one", p->path);
	if (status == AG_OK)
		status = manifest_open(&p->sealed, m, p->key, p->path, err);
	if (status != AG_OK)
		return status;
	p->roster = calloc(1, sizeof(*p->roster));
	if (p->roster == NULL)
		return ag_fail(err, AG_ENOMEM, "read roster: out of memory");
	status = roster_parse(p->roster, buf_bytes(&p->sealed.roster_text),
	    "roster inside", err);
	/* It is the backup's own word, of a later epoch as of the first. */
	p->roster->is_proved = p->roster->is_successor;
	return status;
}

/* Against the roster of the backup's epoch, as the caller has it. */
static enum ag_status
check_outside(const struct pass *p, struct ag_error *err)
{
	const struct backup_check *check = p->check;
	struct roster *roster = malloc(sizeof(*roster));
	enum ag_status status;

	if (roster == NULL)
		return ag_fail(err, AG_ENOMEM, "read roster: out of memory");
	status = chain_parse(roster, NULL, check->rosters, p->info.scope.epoch,
	    check->rosters_name, err);
	/* Whoever signed it, nobody in that file did. */
	if (status == AG_ENOENT) {
		status = AG_EFORGED;
		err->status = status;
	}
	if (status == AG_OK)
		status = backup_proof_check(&p->info, roster, err);
	free(roster);
	return status;
}

static bool
is_as_described(const struct pass *p)
{
	const struct snapshot_info *info = &p->info;
	const struct manifest *m = p->manifest;

	return memcmp(&info->scope.cluster_id, &m->scope.cluster_id,
		   CLUSTER_ID_BYTES) == 0 &&
	    info->scope.epoch == m->scope.epoch && info->seq == m->seq &&
	    info->time_ms == m->time_ms && info->keys == p->sealed.keys &&
	    info->sessions == p->sealed.sessions && p->done == m->bytes &&
	    strcmp(p->roster->cluster_name, m->cluster) == 0 &&
	    digest_equal(&info->digest, &p->sealed.digest);
}

static enum ag_status
pass_prove(struct pass *p, struct ag_error *err)
{
	struct snapshot_info *info = &p->info;
	enum ag_status status = snapshot_reader_finish(p->reader, info, err);

	if (status == AG_OK && !is_as_described(p))
		status = ag_fail(err, AG_ECORRUPT,
		    "the state is not the one the manifest describes");
	if (status == AG_OK)
		status = backup_proof_check(info, p->roster, err);
	if (status == AG_OK && p->check->rosters.len > 0)
		status = check_outside(p, err);
	if (status == AG_ECORRUPT || status == AG_EFORGED)
		ag_error_prefix(err, "%s", p->path);
	return status;
}

/* The text files of a restored directory, the one that counts last. */
static enum ag_status
write_texts(const struct pass *p, struct ag_error *err)
{
	const struct snapshot_info *info = &p->info;
	char path[REPOSITORY_PATH_BYTES];
	struct restored restored = {
		.scope = info->scope,
		.incarnation = p->roster->incarnation,
		.seq = info->seq,
		.time_ms = info->time_ms,
		.digest = info->digest,
	};
	enum ag_status status;

	memcpy(restored.cluster, p->manifest->cluster,
	    sizeof(restored.cluster));
	status = fs_join(path, sizeof(path), p->dir, ROSTER_FILE, err);
	if (status == AG_OK)
		status = fs_create_file(path, 0600,
		    buf_bytes(&p->sealed.roster_text), err);
	if (status == AG_OK)
		status =
		    fs_join(path, sizeof(path), p->dir, RESTORED_FILE, err);
	if (status == AG_OK)
		status = restored_save(&restored, path, err);
	return status;
}

static void
pass_free(struct pass *p)
{
	snapshot_reader_free(p->reader);
	secret_free(p->key);
	manifest_sealed_fini(&p->sealed);
	free(p->roster);
	free(p);
}

static enum ag_status
pass_run(struct pass *p, struct ag_error *err)
{
	char state[REPOSITORY_PATH_BYTES];
	enum ag_status status = AG_OK;

	if (p->check->key == NULL)
		return pass_packs(p, err);
	if (p->dir != NULL)
		status = fs_join(state, sizeof(state), p->dir, STATE_DIR, err);
	if (status == AG_OK)
		status = pass_unlock(p, err);
	if (status == AG_OK)
		status = snapshot_reader_new(&p->reader,
		    p->dir != NULL ? state : NULL, err);
	if (status == AG_OK)
		status = pass_packs(p, err);
	if (status == AG_OK)
		status = pass_prove(p, err);
	if (status == AG_OK && p->dir != NULL)
		status = write_texts(p, err);
	return status;
}

static enum ag_status
check_into(const struct backup_check *check,
    const struct repository_entry *entry, const char *dir, struct manifest *m,
    struct ag_error *err)
{
	char path[REPOSITORY_PATH_BYTES];
	struct manifest own;
	struct pass *pass;
	enum ag_status status;

	status = repository_entry_path(check->repo, entry, path, err);
	if (status == AG_OK)
		status = manifest_load(&own, check->repo, entry, err);
	if (status != AG_OK)
		return status;
	pass = calloc(1, sizeof(*pass));
	if (pass == NULL) {
		manifest_fini(&own);
		return ag_fail(err, AG_ENOMEM, "%s: out of memory", path);
	}
	pass->check = check;
	pass->dir = dir;
	pass->manifest = &own;
	pass->path = path;
	status = pass_run(pass, err);
	pass_free(pass);
	if (status == AG_OK && m != NULL)
		*m = own;
	else
		manifest_fini(&own);
	return status;
}

enum ag_status
backup_check_one(const struct backup_check *check,
    const struct repository_entry *entry, struct manifest *m,
    struct ag_error *err)
{
	return check_into(check, entry, NULL, m, err);
}

static enum ag_status
check_link(const struct repository *repo, const struct repository_entry *entry,
    const struct repository_entry *before, struct ag_error *err)
{
	struct manifest m;
	enum ag_status status = manifest_load(&m, repo, entry, err);

	if (status != AG_OK)
		return status;
	if (before == NULL || strcmp(before->cluster, entry->cluster) != 0) {
		if (entry->number == 1 && m.has_previous)
			status = AG_ECORRUPT;
	} else if (before->number + 1 != entry->number || !m.has_previous ||
	    !digest_equal(&m.previous, &before->id)) {
		status = AG_ECORRUPT;
	}
	manifest_fini(&m);
	if (status != AG_OK)
		return ag_fail(err, status,
		    "%s/snap: the backup before %s-%llu was taken away or "
		    "replaced",
		    repository_dir(repo), entry->cluster,
		    (unsigned long long)entry->number);
	return AG_OK;
}

enum ag_status
backup_check_chain(const struct repository *repo,
    const struct repository_list *list, struct ag_error *err)
{
	enum ag_status status = AG_OK;
	size_t i;

	for (i = 0; status == AG_OK && i < list->count; i++)
		status = check_link(repo, &list->entries[i],
		    i == 0 ? NULL : &list->entries[i - 1], err);
	return status;
}

/* All that a restore can have made, in the order it goes. */
static void
restore_undo(const char *dir)
{
	static const char *const files[] = { RESTORED_FILE, ROSTER_FILE,
		STATE_DIR "/" TABLES_FILE, STATE_DIR "/" TABLES_FILE "-wal",
		STATE_DIR "/" TABLES_FILE "-shm" };
	char path[REPOSITORY_PATH_BYTES];
	size_t i;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (fs_join(path, sizeof(path), dir, files[i], NULL) == AG_OK)
			(void)unlink(path);
	if (fs_join(path, sizeof(path), dir, STATE_DIR, NULL) == AG_OK)
		(void)rmdir(path);
	(void)rmdir(dir);
}

enum ag_status
backup_check_restore(const struct backup_check *check,
    const struct repository_entry *entry, const char *dir, struct manifest *m,
    struct ag_error *err)
{
	enum ag_status status;

	AG_ASSERT(check->key != NULL);
	status = fs_mkdir(dir, err);
	if (status == AG_EEXIST)
		return ag_fail(err, AG_EEXIST,
		    "restore to %s: it exists already; give a new directory",
		    dir);
	if (status != AG_OK)
		return status;
	status = check_into(check, entry, dir, m, err);
	if (status != AG_OK)
		restore_undo(dir);
	return status;
}
