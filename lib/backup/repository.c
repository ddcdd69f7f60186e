/*
 * Backup repositories: the directory, its config and what is in it.
 *
 * FORMAT   config, four lines:
 *              aegis-backup-repository 1
 *              id HEX(16)
 *              created RFC3339
 *              check HEX(32)      BLAKE2b-256 of the lines before
 *
 * RULES    1. Nothing is ever changed in place: a file is written under
 *             tmp/, synced, and renamed.
 *          2. Readers take no lock.  Writers take the config file's, so
 *             that numbers are given once.
 */
#include "backup/repository.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <sodium.h>

#include "backup/repository_scan.h"
#include "base/clock.h"
#include "base/fs.h"
#include "codec/text.h"

#define CONFIG_BYTES_MAX 1024
#define CONFIG_TITLE "aegis-backup-repository "
#define CONFIG_VERSION "1\n"
#define TEMPORARY_BYTES 12

struct repository {
	char dir[REPOSITORY_PATH_BYTES - 128]; /* leaves room for names */
	uint8_t id[REPOSITORY_ID_BYTES];
	int lock_fd;
};

static enum ag_status
config_path(const struct repository *repo,
    char path[static REPOSITORY_PATH_BYTES], struct ag_error *err)
{
	return fs_join(path, REPOSITORY_PATH_BYTES, repo->dir, "config", err);
}

/* The check line for what text holds so far. */
static void
config_check(char line[static TEXT_HEX_BYTES(DIGEST_BYTES)], struct bytes text)
{
	struct digest sum;

	digest_of(&sum, text);
	text_hex(line, TEXT_HEX_BYTES(DIGEST_BYTES),
	    bytes_of(sum.data, DIGEST_BYTES));
}

static enum ag_status
config_format(const struct repository *repo, struct buf *text)
{
	char id[TEXT_HEX_BYTES(REPOSITORY_ID_BYTES)];
	char check[TEXT_HEX_BYTES(DIGEST_BYTES)];
	char created[CLOCK_TEXT_BYTES];
	enum ag_status status;

	text_hex(id, sizeof(id), bytes_of(repo->id, REPOSITORY_ID_BYTES));
	clock_format_ms(clock_wall_ms(), created);
	status = buf_printf(text,
	    CONFIG_TITLE CONFIG_VERSION "id %s\ncreated %s\n", id, created);
	if (status != AG_OK)
		return status;
	config_check(check, buf_bytes(text));
	return buf_printf(text, "check %s\n", check);
}

/* Move text past prefix, or return false. */
static bool
config_skip(struct bytes *text, const char *prefix)
{
	const struct bytes wanted = bytes_from_text(prefix);

	if (!bytes_has_prefix(*text, wanted))
		return false;
	text->data += wanted.len;
	text->len -= wanted.len;
	return true;
}

static enum ag_status
config_parse(struct repository *repo, struct bytes text, const char *path,
    struct ag_error *err)
{
	const size_t tail_len = 6 + DIGEST_BYTES * 2 + 1;
	char check[TEXT_HEX_BYTES(DIGEST_BYTES)];
	struct bytes rest = text, tail;

	if (!config_skip(&rest, CONFIG_TITLE))
		return ag_fail(err, AG_ECORRUPT,
		    "%s: does not begin as a repository's", path);
	if (text.len < tail_len)
		return ag_fail(err, AG_ECORRUPT, "%s: cut short", path);
	tail = bytes_of(text.data + text.len - tail_len, tail_len);
	config_check(check, bytes_of(text.data, text.len - tail_len));
	if (!config_skip(&tail, "check ") || !config_skip(&tail, check) ||
	    !bytes_equal(tail, bytes_from_text("\n")))
		return ag_fail(err, AG_ECORRUPT,
		    "%s: its checksum does not match", path);
	if (!config_skip(&rest, CONFIG_VERSION))
		return ag_fail(err, AG_EVERSION,
		    "%s: a newer format than this program's; use the newer "
		    "program",
		    path);
	if (!config_skip(&rest, "id ") || rest.len < REPOSITORY_ID_BYTES * 2 ||
	    text_hex_decode(repo->id, REPOSITORY_ID_BYTES,
		bytes_of(rest.data, REPOSITORY_ID_BYTES * 2)) != AG_OK)
		return ag_fail(err, AG_ECORRUPT, "%s: no repository id", path);
	return AG_OK;
}

static enum ag_status
config_load(struct repository *repo, struct ag_error *err)
{
	char path[REPOSITORY_PATH_BYTES];
	enum ag_status status;
	struct buf text;

	buf_init(&text, CONFIG_BYTES_MAX);
	status = config_path(repo, path, err);
	if (status == AG_OK)
		status = fs_read_file(path, &text, err);
	if (status == AG_OK)
		status = config_parse(repo, buf_bytes(&text), path, err);
	else if (status == AG_ELIMIT || status == AG_EINVAL)
		status = ag_fail(err, AG_ECORRUPT,
		    "%s: too long, or not a regular file", path);
	buf_fini(&text);
	return status;
}

/* The config comes last: without it, this is not a repository yet. */
static enum ag_status
repository_make(struct repository *repo, struct ag_error *err)
{
	static const char *const names[] = { "packs", "snap", "tmp" };
	char path[REPOSITORY_PATH_BYTES];
	enum ag_status status = fs_mkdir(repo->dir, err);
	struct buf text;
	size_t i;

	if (status == AG_EEXIST)
		status = repository_scan_vacant(repo->dir, err);
	for (i = 0; status == AG_OK && i < 3; i++) {
		status = fs_join(path, sizeof(path), repo->dir, names[i], err);
		if (status == AG_OK)
			status = fs_mkdir(path, err);
		if (status == AG_EEXIST)
			status = AG_OK;
	}
	if (status == AG_OK)
		status = config_path(repo, path, err);
	if (status != AG_OK)
		return status;
	randombytes_buf(repo->id, sizeof(repo->id));
	buf_init(&text, CONFIG_BYTES_MAX);
	status = config_format(repo, &text);
	if (status == AG_OK)
		status = fs_write_file(path, 0600, buf_bytes(&text), err);
	else
		status = ag_fail(err, status, "write %s: out of memory", path);
	buf_fini(&text);
	return status;
}

enum ag_status
repository_open(struct repository **out, const char *dir, bool create,
    struct ag_error *err)
{
	struct repository *repo = calloc(1, sizeof(*repo));
	enum ag_status status;

	*out = NULL;
	if (repo == NULL)
		return ag_fail(err, AG_ENOMEM, "open repository %s", dir);
	repo->lock_fd = -1;
	if ((size_t)snprintf(repo->dir, sizeof(repo->dir), "%s", dir) >=
	    sizeof(repo->dir)) {
		free(repo);
		return ag_fail(err, AG_ELIMIT, "open repository %s: too long",
		    dir);
	}
	status = config_load(repo, err);
	if (status == AG_ENOENT && create)
		status = repository_make(repo, err);
	else if (status == AG_ENOENT)
		status = ag_fail(err, AG_ENOENT,
		    "open repository %s: there is none (aegis backup create "
		    "makes one)",
		    dir);
	if (status != AG_OK) {
		repository_close(repo);
		return status;
	}
	*out = repo;
	return AG_OK;
}

void
repository_close(struct repository *repo)
{
	if (repo == NULL)
		return;
	if (repo->lock_fd != -1)
		(void)close(repo->lock_fd);
	free(repo);
}

const uint8_t *
repository_id(const struct repository *repo)
{
	return repo->id;
}

const char *
repository_dir(const struct repository *repo)
{
	return repo->dir;
}

enum ag_status
repository_lock(struct repository *repo, struct ag_error *err)
{
	char path[REPOSITORY_PATH_BYTES];
	enum ag_status status = config_path(repo, path, err);

	if (status == AG_OK)
		status = fs_open(&repo->lock_fd, path, O_RDONLY, 0, err);
	if (status != AG_OK)
		return status;
	if (flock(repo->lock_fd, LOCK_EX | LOCK_NB) == -1) {
		if (errno == EWOULDBLOCK)
			return ag_fail(err, AG_EBUSY,
			    "repository %s: another backup is being written",
			    repo->dir);
		return ag_fail_sys(err, "lock %s", path);
	}
	status = fs_join(path, sizeof(path), repo->dir, "tmp", err);
	if (status == AG_OK)
		status = repository_scan_clear(path, err);
	return status;
}

enum ag_status
repository_begin(const struct repository *repo, int *fd,
    char path[static REPOSITORY_PATH_BYTES], struct ag_error *err)
{
	char name[TEXT_HEX_BYTES(TEMPORARY_BYTES)];
	uint8_t random[TEMPORARY_BYTES];

	randombytes_buf(random, sizeof(random));
	text_hex(name, sizeof(name), bytes_of(random, sizeof(random)));
	if ((size_t)snprintf(path, REPOSITORY_PATH_BYTES, "%s/tmp/%s",
		repo->dir, name) >= REPOSITORY_PATH_BYTES)
		return ag_fail(err, AG_ELIMIT, "%s: path too long", repo->dir);
	return fs_open(fd, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600,
	    err);
}

enum ag_status
repository_place(int fd, const char *from, const char *to_dir, const char *to,
    struct ag_error *err)
{
	enum ag_status status = fs_sync(fd, from, err);

	if (close(fd) == -1 && status == AG_OK)
		status = ag_fail_sys(err, "close %s", from);
	if (status == AG_OK)
		status = fs_rename(from, to, err);
	if (status != AG_OK) {
		(void)unlink(from);
		return status;
	}
	status = fs_sync_dir(to_dir, err);
	if (status != AG_OK)
		(void)unlink(to);
	return status;
}

static enum ag_status
pack_dir(const struct repository *repo, const struct digest *id,
    char path[static REPOSITORY_PATH_BYTES], struct ag_error *err)
{
	if ((size_t)snprintf(path, REPOSITORY_PATH_BYTES, "%s/packs/%02x",
		repo->dir, id->data[0]) >= REPOSITORY_PATH_BYTES)
		return ag_fail(err, AG_ELIMIT, "%s: path too long", repo->dir);
	return AG_OK;
}

enum ag_status
repository_pack_path(const struct repository *repo, const struct digest *id,
    char path[static REPOSITORY_PATH_BYTES], struct ag_error *err)
{
	char name[TEXT_HEX_BYTES(DIGEST_BYTES)];

	text_hex(name, sizeof(name), bytes_of(id->data, DIGEST_BYTES));
	if ((size_t)snprintf(path, REPOSITORY_PATH_BYTES, "%s/packs/%02x/%s",
		repo->dir, id->data[0], name) >= REPOSITORY_PATH_BYTES)
		return ag_fail(err, AG_ELIMIT, "%s: path too long", repo->dir);
	return AG_OK;
}

enum ag_status
repository_place_pack(const struct repository *repo, int fd, const char *from,
    const struct digest *id, struct ag_error *err)
{
	char dir[REPOSITORY_PATH_BYTES], path[REPOSITORY_PATH_BYTES];
	enum ag_status status = pack_dir(repo, id, dir, err);

	if (status == AG_OK)
		status = fs_mkdir(dir, err);
	if (status == AG_OK)
		status = fs_join(path, sizeof(path), repo->dir, "packs", err);
	if (status == AG_OK)
		status = fs_sync_dir(path, err);
	if (status == AG_OK || status == AG_EEXIST)
		status = repository_pack_path(repo, id, path, err);
	if (status != AG_OK) {
		(void)close(fd);
		(void)unlink(from);
		return status;
	}
	return repository_place(fd, from, dir, path, err);
}

enum ag_status
repository_entry_path(const struct repository *repo,
    const struct repository_entry *entry,
    char path[static REPOSITORY_PATH_BYTES], struct ag_error *err)
{
	char id[TEXT_HEX_BYTES(DIGEST_BYTES)];

	text_hex(id, sizeof(id), bytes_of(entry->id.data, DIGEST_BYTES));
	if ((size_t)snprintf(path, REPOSITORY_PATH_BYTES, "%s/snap/%s-%llu-%s",
		repo->dir, entry->cluster, (unsigned long long)entry->number,
		id) >= REPOSITORY_PATH_BYTES)
		return ag_fail(err, AG_ELIMIT, "%s: path too long", repo->dir);
	return AG_OK;
}

enum ag_status
repository_commit(const struct repository *repo, struct repository_entry *entry,
    struct bytes manifest, struct ag_error *err)
{
	char from[REPOSITORY_PATH_BYTES], to[REPOSITORY_PATH_BYTES];
	char dir[REPOSITORY_PATH_BYTES];
	enum ag_status status;
	int fd;

	digest_of(&entry->id, manifest);
	status = fs_join(dir, sizeof(dir), repo->dir, "snap", err);
	if (status == AG_OK)
		status = repository_entry_path(repo, entry, to, err);
	if (status == AG_OK)
		status = repository_begin(repo, &fd, from, err);
	if (status != AG_OK)
		return status;
	status = fs_write(fd, from, manifest, err);
	if (status != AG_OK) {
		(void)close(fd);
		(void)unlink(from);
		return status;
	}
	return repository_place(fd, from, dir, to, err);
}
