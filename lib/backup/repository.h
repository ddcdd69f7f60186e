/*
 * A backup repository: a directory of files that are written once.
 *
 * FORMAT  config            text: format, repository id, time, checksum
 *         packs/XX/ID       sealed chunks, see backup/pack.h
 *         snap/NAME-N-ID    manifests, see backup/manifest.h
 *         tmp/              what is being written; worthless after a crash
 *
 * ID is BLAKE2b-256 of the file's bytes, in hexadecimal; XX its first byte.
 * A backup exists when its manifest does, and that is written last.
 *
 * Ownership  repository_open() hands out, repository_close() takes back.
 * Threads    one at a time.
 */
#ifndef AEGIS_BACKUP_REPOSITORY_H
#define AEGIS_BACKUP_REPOSITORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "trust/roster.h"

#define REPOSITORY_ID_BYTES 16
#define REPOSITORY_PATH_BYTES 4096
#define REPOSITORY_ENTRIES_MAX 65536

struct repository;

/* One backup, as its manifest's name says. */
struct repository_entry {
	char cluster[ROSTER_NAME_BYTES];
	uint64_t number; /* counts from 1 for each name */
	struct digest id;
};

struct repository_list {
	struct repository_entry *entries; /* by name, then number */
	size_t count;
};

/*
 * Open dir; with create, also make it when it is absent or empty.
 * AG_ENOENT    no repository there
 * AG_ECORRUPT  its config file is damaged
 * AG_EVERSION  made by a newer program
 * AG_EREFUSED  something else is in dir
 */
enum ag_status repository_open(struct repository **out, const char *dir,
    bool create, struct ag_error *err) AG_MUST_USE;
void repository_close(struct repository *repo);

const uint8_t *repository_id(const struct repository *repo);
const char *repository_dir(const struct repository *repo);

/*
 * Be the one who writes, until closed, and clear away what a crash left.
 * AG_EBUSY when another is.
 */
enum ag_status repository_lock(struct repository *repo,
    struct ag_error *err) AG_MUST_USE;

/* Begin a file that has no name yet; its path for now goes to path. */
enum ag_status repository_begin(const struct repository *repo, int *fd,
    char path[static REPOSITORY_PATH_BYTES], struct ag_error *err) AG_MUST_USE;

/* Sync fd, close it and give the file its place. */
enum ag_status repository_place(int fd, const char *from, const char *to_dir,
    const char *to, struct ag_error *err) AG_MUST_USE;

enum ag_status repository_pack_path(const struct repository *repo,
    const struct digest *id, char path[static REPOSITORY_PATH_BYTES],
    struct ag_error *err) AG_MUST_USE;

/* Place a finished pack under its id, and make that survive power loss. */
enum ag_status repository_place_pack(const struct repository *repo, int fd,
    const char *from, const struct digest *id,
    struct ag_error *err) AG_MUST_USE;

enum ag_status repository_entry_path(const struct repository *repo,
    const struct repository_entry *entry,
    char path[static REPOSITORY_PATH_BYTES], struct ag_error *err) AG_MUST_USE;

/* The commit: a manifest's bytes get their name.  entry->id is filled. */
enum ag_status repository_commit(const struct repository *repo,
    struct repository_entry *entry, struct bytes manifest,
    struct ag_error *err) AG_MUST_USE;

/* AG_ECORRUPT when snap/ holds a name that is no manifest's. */
enum ag_status repository_list(struct repository_list *list,
    const struct repository *repo, struct ag_error *err) AG_MUST_USE;
void repository_list_fini(struct repository_list *list);

/*
 * The one backup that text means: "latest", NAME-NUMBER, or at least 4
 * digits of an id.  AG_ENOENT; AG_EINVAL when several match.
 */
enum ag_status repository_find(const struct repository_list *list,
    const char *text, const struct repository_entry **entry,
    struct ag_error *err) AG_MUST_USE;

#endif
