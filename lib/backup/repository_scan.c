/*
 * What is in a repository: its backups by name, and leftovers.
 */
#include "backup/repository_scan.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backup/repository.h"
#include "base/fs.h"
#include "codec/text.h"
#include "trust/field.h"

#define ID_DIGITS ((size_t)DIGEST_BYTES * 2)
#define ID_DIGITS_MIN 4

/* Return AG_OK to go on. */
typedef enum ag_status visit_fn(void *arg, const char *name,
    struct ag_error *err);

static enum ag_status
scan(const char *path, visit_fn *visit, void *arg, struct ag_error *err)
{
	enum ag_status status = AG_OK;
	struct dirent *entry;
	DIR *dir = opendir(path);

	if (dir == NULL)
		return ag_fail_sys(err, "open %s", path);
	while (status == AG_OK) {
		errno = 0;
		entry = readdir(dir);
		if (entry == NULL && errno != 0)
			status = ag_fail_sys(err, "read %s", path);
		if (entry == NULL)
			break;
		if (strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0)
			status = visit(arg, entry->d_name, err);
	}
	(void)closedir(dir);
	return status;
}

static enum ag_status
visit_vacant(void *arg, const char *name, struct ag_error *err)
{
	static const char *const known[] = { "config.new", "packs", "snap",
		"tmp" };
	const char *dir = arg;
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(known[i], name) == 0)
			return AG_OK;
	return ag_fail(err, AG_EREFUSED,
	    "make repository %s: it holds %s and has no config; give an empty "
	    "directory",
	    dir, name);
}

enum ag_status
repository_scan_vacant(const char *dir, struct ag_error *err)
{
	char path[REPOSITORY_PATH_BYTES];
	int len = snprintf(path, sizeof(path), "%s", dir);

	if (len < 0 || (size_t)len >= sizeof(path))
		return ag_fail(err, AG_ELIMIT, "%s: path too long", dir);
	return scan(path, visit_vacant, path, err);
}

struct clearing {
	const char *dir;
};

static enum ag_status
visit_clear(void *arg, const char *name, struct ag_error *err)
{
	const struct clearing *clearing = arg;
	char path[REPOSITORY_PATH_BYTES];
	enum ag_status status =
	    fs_join(path, sizeof(path), clearing->dir, name, err);

	return status == AG_OK ? fs_unlink(path, err) : status;
}

enum ag_status
repository_scan_clear(const char *dir, struct ag_error *err)
{
	struct clearing clearing = { dir };

	return scan(dir, visit_clear, &clearing, err);
}

/* NAME-NUMBER; NAME may have dashes of its own. */
static bool
parse_source(struct repository_entry *entry, struct bytes text)
{
	size_t dash = text.len;

	while (dash > 0 && text.data[dash - 1] != '-')
		dash--;
	return dash > 1 &&
	    field_parse_name(entry->cluster, sizeof(entry->cluster),
		bytes_of(text.data, dash - 1)) &&
	    field_parse_u64(&entry->number,
		bytes_of(text.data + dash, text.len - dash)) &&
	    entry->number > 0;
}

static bool
parse_entry(struct repository_entry *entry, const char *name)
{
	const size_t len = strlen(name);
	size_t source;

	if (len <= ID_DIGITS + 1)
		return false;
	source = len - ID_DIGITS - 1;
	return name[source] == '-' &&
	    text_hex_decode(entry->id.data, DIGEST_BYTES,
		bytes_of(name + source + 1, ID_DIGITS)) == AG_OK &&
	    parse_source(entry, bytes_of(name, source));
}

struct listing {
	struct repository_list *list;
	size_t cap;
	const char *dir;
};

static enum ag_status
listing_grow(struct listing *l, struct ag_error *err)
{
	struct repository_entry *entries;
	size_t cap = l->cap == 0 ? 16 : l->cap * 2;

	if (l->list->count < l->cap)
		return AG_OK;
	if (l->list->count >= REPOSITORY_ENTRIES_MAX)
		return ag_fail(err, AG_ELIMIT, "%s/snap: more than %d backups",
		    l->dir, REPOSITORY_ENTRIES_MAX);
	entries = reallocarray(l->list->entries, cap, sizeof(*entries));
	if (entries == NULL)
		return ag_fail(err, AG_ENOMEM, "list %s", l->dir);
	l->list->entries = entries;
	l->cap = cap;
	return AG_OK;
}

static enum ag_status
visit_manifest(void *arg, const char *name, struct ag_error *err)
{
	struct listing *l = arg;
	enum ag_status status = listing_grow(l, err);
	struct repository_entry entry;

	if (status != AG_OK)
		return status;
	if (!parse_entry(&entry, name))
		return ag_fail(err, AG_ECORRUPT,
		    "%s/snap/%s: this is not a manifest's name", l->dir, name);
	l->list->entries[l->list->count++] = entry;
	return AG_OK;
}

static int
compare_entries(const void *a, const void *b)
{
	const struct repository_entry *x = a, *y = b;
	int order = strcmp(x->cluster, y->cluster);

	if (order != 0)
		return order;
	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return memcmp(x->id.data, y->id.data, DIGEST_BYTES);
}

enum ag_status
repository_list(struct repository_list *list, const struct repository *repo,
    struct ag_error *err)
{
	struct listing listing = { .list = list, .dir = repository_dir(repo) };
	char path[REPOSITORY_PATH_BYTES];
	enum ag_status status;

	*list = (struct repository_list){ 0 };
	status = fs_join(path, sizeof(path), repository_dir(repo), "snap", err);
	if (status == AG_OK)
		status = scan(path, visit_manifest, &listing, err);
	if (status != AG_OK)
		repository_list_fini(list);
	else if (list->count > 0)
		qsort(list->entries, list->count, sizeof(*list->entries),
		    compare_entries);
	return status;
}

void
repository_list_fini(struct repository_list *list)
{
	free(list->entries);
	*list = (struct repository_list){ 0 };
}

static bool
is_meant(const struct repository_entry *entry, const char *text)
{
	char id[TEXT_HEX_BYTES(DIGEST_BYTES)];
	struct repository_entry wanted;
	const size_t len = strlen(text);

	if (parse_source(&wanted, bytes_from_text(text)))
		return strcmp(wanted.cluster, entry->cluster) == 0 &&
		    wanted.number == entry->number;
	text_hex(id, sizeof(id), bytes_of(entry->id.data, DIGEST_BYTES));
	return len >= ID_DIGITS_MIN && strncmp(id, text, len) == 0;
}

/* The newest, when all are of one cluster. */
static enum ag_status
find_latest(const struct repository_list *list,
    const struct repository_entry **entry, struct ag_error *err)
{
	const struct repository_entry *first = list->entries, *last;

	if (list->count == 0)
		return ag_fail(err, AG_ENOENT, "the repository is empty");
	last = &list->entries[list->count - 1];
	if (strcmp(first->cluster, last->cluster) != 0)
		return ag_fail(err, AG_EINVAL,
		    "latest: there are backups of several clusters; give "
		    "NAME-NUMBER");
	*entry = last;
	return AG_OK;
}

enum ag_status
repository_find(const struct repository_list *list, const char *text,
    const struct repository_entry **entry, struct ag_error *err)
{
	size_t i;

	*entry = NULL;
	if (strcmp(text, "latest") == 0)
		return find_latest(list, entry, err);
	for (i = 0; i < list->count; i++) {
		if (!is_meant(&list->entries[i], text))
			continue;
		if (*entry != NULL)
			return ag_fail(err, AG_EINVAL,
			    "%s: several backups match", text);
		*entry = &list->entries[i];
	}
	if (*entry == NULL)
		return ag_fail(err, AG_ENOENT, "%s: no such backup", text);
	return AG_OK;
}
