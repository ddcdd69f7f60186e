/*
 * Evidence in a directory.
 *
 * FORMAT   One file for each record, ID.evidence, in the format of
 *          evidence.h.  ID is MEMBER-KIND-vVIEW-sSEQ.  Files that do not end
 *          in .evidence are not ours.
 *
 * RULES    1. A record is known by whom it accuses of what: member, kind,
 *             view, sequence.  A second proof of the same adds nothing, nor
 *             does a second message of one kind: each may be megabytes.
 *          2. What is kept is bounded for each member, and the oldest stay:
 *             a liar that lies more can't wipe out its first lie, nor
 *             another's.
 *          3. No file here can stop a node: one that is damaged is told of
 *             and not counted.  A good record of the same name replaces it.
 *          4. The record says whom it accuses, not its file's name, which
 *             anybody can write: it has the ID that it would be kept under.
 *
 * NOT HERE Telling people (node/, api/).
 */
#include "store/evidence_store.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "store/part_evidence.h"
#include "trust/field.h"

#define SUFFIX ".evidence"
#define ITEMS_MAX ((size_t)TRUST_MEMBERS_MAX * EVIDENCE_MEMBER_ITEMS_MAX)

struct evidence_store {
	char dir[PATH_MAX];
	size_t count, cap;
	struct evidence_item **items; /* by rising found_ms */
};

static bool
is_same(const struct evidence *a, const struct evidence *b)
{
	return a->member == b->member && a->kind == b->kind &&
	    (evidence_is_message(a->kind) ||
		(a->view == b->view && a->seq == b->seq));
}

static const struct evidence_item *
find_same(const struct evidence_store *s, const struct evidence *evidence)
{
	size_t i;

	for (i = 0; i < s->count; i++)
		if (is_same(&s->items[i]->evidence, evidence))
			return s->items[i];
	return NULL;
}

static enum ag_status
grow(struct evidence_store *s)
{
	const size_t cap = s->cap == 0 ? 16 : s->cap * 2;
	struct evidence_item **items;

	if (s->count < s->cap)
		return AG_OK;
	items = realloc(s->items, cap * sizeof(struct evidence_item *));
	if (items == NULL)
		return AG_ENOMEM;
	s->items = items;
	s->cap = cap;
	return AG_OK;
}

/* Put a copy in its place by time; NULL without memory. */
static struct evidence_item *
insert(struct evidence_store *s, const char *id,
    const struct evidence *evidence, struct bytes file)
{
	const struct bytes message = evidence->message;
	struct evidence_item *item;
	size_t at = s->count;

	AG_ASSERT(file.len <= EVIDENCE_BYTES_MAX);
	if (grow(s) != AG_OK)
		return NULL;
	item = calloc(1, sizeof(*item) + file.len);
	if (item == NULL)
		return NULL;
	(void)snprintf(item->id, sizeof(item->id), "%s", id);
	item->evidence = *evidence;
	item->len = file.len;
	memcpy(item->file, file.data, file.len);
	/* What was borrowed from the caller's copy is now from ours. */
	if (message.len > 0)
		item->evidence.message.data =
		    item->file + (message.data - file.data);
	for (;
	     at > 0 && s->items[at - 1]->evidence.found_ms > evidence->found_ms;
	     at--)
		s->items[at] = s->items[at - 1];
	s->items[at] = item;
	s->count++;
	return item;
}

/* --- names --- */

static void
make_id(char id[static EVIDENCE_ID_BYTES], const struct evidence *e,
    const char *member)
{
	(void)snprintf(id, EVIDENCE_ID_BYTES, "%s-%s-v%" PRIu64 "-s%" PRIu64,
	    member, evidence_kind_name(e->kind), e->view, e->seq);
}

/*
 * Who is accused, when no roster says what the member's name is: the file's
 * name, if the rest of it is the record's; else the member's number.
 */
static void
member_name(char out[static ROSTER_NAME_BYTES], const char *file_id,
    const struct evidence *e)
{
	const size_t len = strlen(file_id);
	char rest[EVIDENCE_ID_BYTES];
	size_t rest_len;

	make_id(rest, e, "");
	rest_len = strlen(rest);
	if (len > rest_len && strcmp(file_id + len - rest_len, rest) == 0 &&
	    field_parse_name(out, ROSTER_NAME_BYTES,
		bytes_of(file_id, len - rest_len)))
		return;
	(void)snprintf(out, ROSTER_NAME_BYTES, "#%u", e->member);
}

/* --- reading --- */

struct reader {
	struct evidence_store *store;
	const struct roster *roster;
	evidence_bad_fn *bad;
	void *arg;
};

static enum ag_status
file_load(struct evidence *evidence, struct buf *data, const char *path,
    const struct roster *roster, struct ag_error *err)
{
	enum ag_status status = fs_read_file(path, data, err);

	if (status == AG_ELIMIT)
		return ag_fail(err, AG_ECORRUPT, "%s: longer than any evidence",
		    path);
	if (status != AG_OK)
		return status;
	status = evidence_decode(evidence, buf_bytes(data), err);
	if (status == AG_OK && roster != NULL)
		status = part_evidence_verify(evidence, roster, err);
	if (status != AG_OK)
		ag_error_prefix(err, "%s", path);
	return status;
}

static const struct evidence_item *
insert_read(struct reader *r, const char *file_id,
    const struct evidence *evidence, struct bytes file)
{
	char id[EVIDENCE_ID_BYTES], member[ROSTER_NAME_BYTES];

	if (r->roster != NULL)
		(void)snprintf(member, sizeof(member), "%s",
		    r->roster->members[evidence->member].name);
	else
		member_name(member, file_id, evidence);
	make_id(id, evidence, member);
	return insert(r->store, id, evidence, file);
}

/* Read one file; AG_ENOMEM is the only failure. */
static enum ag_status
take_file(struct reader *r, const char *file_id, const char *path)
{
	enum ag_status status;
	struct evidence evidence;
	struct ag_error why;
	struct buf data;

	buf_init(&data, EVIDENCE_BYTES_MAX + 1);
	status = file_load(&evidence, &data, path, r->roster, &why);
	if (status == AG_OK && r->store->count >= ITEMS_MAX)
		status = ag_fail(&why, AG_ELIMIT,
		    "%s: %zu records are read, and no more", path, ITEMS_MAX);
	if (status == AG_OK && find_same(r->store, &evidence) == NULL)
		status =
		    insert_read(r, file_id, &evidence, buf_bytes(&data)) == NULL
		    ? AG_ENOMEM
		    : AG_OK;
	buf_fini(&data);
	if (status == AG_OK || status == AG_ENOMEM)
		return status;
	r->bad(r->arg, &why);
	return AG_OK;
}

/* The name without its suffix; false: not one of ours. */
static bool
take_id(char id[static EVIDENCE_ID_BYTES], const char *name)
{
	const size_t len = strlen(name), suffix = sizeof(SUFFIX) - 1;

	if (len <= suffix || len - suffix >= EVIDENCE_ID_BYTES ||
	    strcmp(name + len - suffix, SUFFIX) != 0)
		return false;
	memcpy(id, name, len - suffix);
	id[len - suffix] = '\0';
	return true;
}

static enum ag_status
read_dir(struct reader *r)
{
	char id[EVIDENCE_ID_BYTES], path[PATH_MAX];
	enum ag_status status = AG_OK;
	DIR *dir = opendir(r->store->dir);
	struct dirent *entry;
	struct ag_error why;

	if (dir == NULL) {
		(void)ag_fail_sys(&why, "read evidence in %s", r->store->dir);
		r->bad(r->arg, &why);
		return AG_OK;
	}
	while (status == AG_OK && (entry = readdir(dir)) != NULL)
		if (take_id(id, entry->d_name) &&
		    fs_join(path, sizeof(path), r->store->dir, entry->d_name,
			NULL) == AG_OK)
			status = take_file(r, id, path);
	(void)closedir(dir);
	return status;
}

enum ag_status
evidence_store_open(struct evidence_store **out, const char *dir,
    const struct roster *roster, evidence_bad_fn *bad, void *arg,
    struct ag_error *err)
{
	struct evidence_store *s = calloc(1, sizeof(*s));
	struct reader r = { s, roster, bad, arg };
	enum ag_status status = AG_ENOMEM;

	*out = NULL;
	if (s != NULL) {
		(void)snprintf(s->dir, sizeof(s->dir), "%s", dir);
		status = read_dir(&r);
	}
	if (status != AG_OK) {
		evidence_store_close(s);
		return ag_fail(err, status,
		    "read evidence in %s: out of memory", dir);
	}
	*out = s;
	return AG_OK;
}

void
evidence_store_close(struct evidence_store *s)
{
	size_t i;

	if (s == NULL)
		return;
	for (i = 0; i < s->count; i++)
		free(s->items[i]);
	free(s->items);
	free(s);
}

/* --- adding --- */

static enum ag_status
check_new(const struct evidence_store *s, const struct evidence *evidence,
    const struct roster *roster, struct ag_error *err)
{
	const char *name = roster->members[evidence->member].name;

	if (find_same(s, evidence) != NULL)
		return ag_fail(err, AG_EEXIST,
		    "keep evidence against %s: the same is kept already", name);
	if (evidence_store_count_of(s, evidence->member) >=
	    EVIDENCE_MEMBER_ITEMS_MAX)
		return ag_fail(err, AG_ELIMIT,
		    "keep evidence against %s: %d records are enough, the "
		    "oldest stay",
		    name, EVIDENCE_MEMBER_ITEMS_MAX);
	return AG_OK;
}

static enum ag_status
file_write(const struct evidence_store *s, const struct evidence_item *item,
    struct ag_error *err)
{
	char name[EVIDENCE_ID_BYTES + sizeof(SUFFIX)], path[PATH_MAX];
	enum ag_status status;

	(void)snprintf(name, sizeof(name), "%s%s", item->id, SUFFIX);
	status = fs_join(path, sizeof(path), s->dir, name, err);
	if (status == AG_OK)
		status = fs_write_file(path, 0600,
		    bytes_of(item->file, item->len), err);
	return status;
}

enum ag_status
evidence_store_add(struct evidence_store *s, const struct roster *roster,
    struct bytes file, const struct evidence_item **out, struct ag_error *err)
{
	char id[EVIDENCE_ID_BYTES];
	struct evidence evidence;
	enum ag_status status;

	*out = NULL;
	if (file.len > EVIDENCE_BYTES_MAX)
		return ag_fail(err, AG_ECORRUPT, "longer than any evidence");
	status = evidence_decode(&evidence, file, err);
	if (status == AG_OK)
		status = part_evidence_verify(&evidence, roster, err);
	if (status == AG_OK)
		status = check_new(s, &evidence, roster, err);
	if (status != AG_OK)
		return status;
	make_id(id, &evidence, roster->members[evidence.member].name);
	*out = insert(s, id, &evidence, file);
	if (*out == NULL)
		return ag_fail(err, AG_ENOMEM, "keep evidence: out of memory");
	return file_write(s, *out, err);
}

/* --- asking --- */

size_t
evidence_store_count(const struct evidence_store *s)
{
	return s->count;
}

const struct evidence_item *
evidence_store_item(const struct evidence_store *s, size_t index)
{
	AG_ASSERT(index < s->count);
	return s->items[index];
}

const struct evidence_item *
evidence_store_find(const struct evidence_store *s, struct bytes id)
{
	size_t i;

	for (i = 0; i < s->count; i++)
		if (bytes_equal(bytes_from_text(s->items[i]->id), id))
			return s->items[i];
	return NULL;
}

size_t
evidence_store_count_of(const struct evidence_store *s, uint32_t member)
{
	size_t i, count = 0;

	for (i = 0; i < s->count; i++)
		if (s->items[i]->evidence.member == member)
			count++;
	return count;
}
