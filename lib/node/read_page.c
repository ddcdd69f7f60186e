/*
 * Pages of entries.
 *
 * RULES    1. A page is read under one view of the database, so its entries
 *             belong to one sequence.
 *          2. It is bounded in bytes, but for one entry.
 */
#include "node/read_page.h"

#include <stdlib.h>
#include <string.h>

#include "codec/operation.h"

#define READ_BYTES_MAX ((size_t)8 << 20)

/* False: it has no room, or there is no memory. */
static bool
add(struct read_page *p, const struct store_entry *e,
    const struct versions_version *version)
{
	if (p->page.count > 0 &&
	    p->text.len + e->key.len + e->value.len > READ_BYTES_MAX) {
		p->page.more = true;
		return false;
	}
	if (p->page.count == p->cap) {
		size_t cap = p->cap == 0 ? 16 : p->cap * 2;
		struct node_entry *grown =
		    realloc(p->entries, cap * sizeof(*grown));

		if (grown == NULL) {
			p->status = AG_ENOMEM;
			return false;
		}
		p->entries = grown;
		p->cap = cap;
	}
	p->status = buf_append(&p->text, e->key.data, e->key.len);
	if (p->status == AG_OK)
		p->status = buf_append(&p->text, e->value.data, e->value.len);
	if (p->status != AG_OK)
		return false;
	p->entries[p->page.count++] = (struct node_entry){
		.key = bytes_of(NULL, e->key.len),
		.value = bytes_of(NULL, e->value.len),
		.version = e->version,
		.created = e->created,
		.modified = e->modified,
		.lease = e->lease,
		.end = { version == NULL ? UINT64_MAX : version->end.seq,
		    version == NULL ? 0 : version->end.ord },
		.is_deleted = version != NULL && version->is_deleted,
	};
	return true;
}

static bool
add_entry(void *arg, const struct store_entry *entry)
{
	return add(arg, entry, NULL);
}

static bool
add_version(void *arg, const struct versions_version *version)
{
	return add(arg, &version->entry, version);
}

/* Entries point into text once it stops moving. */
static void
settle(struct read_page *p)
{
	const uint8_t *at = p->text.data;
	size_t i;

	for (i = 0; i < p->page.count; i++) {
		p->entries[i].key.data = at;
		at += p->entries[i].key.len;
		p->entries[i].value.data = at;
		at += p->entries[i].value.len;
	}
	p->page.entries = p->entries;
}

static enum ag_status
read_now(struct read_page *p, struct store_reader *reader,
    const struct read_query *q)
{
	struct ag_error err;
	bool more = false;
	enum ag_status status = store_range(reader, q->first, q->last, q->limit,
	    q->keys_only, add_entry, p, &more, &p->page.seq, &err);

	p->page.more = p->page.more || more;
	return status;
}

static enum ag_status
read_past(struct read_page *p, struct store_reader *reader,
    const struct read_query *q)
{
	const struct versions_end after = { q->after.seq, q->after.ord };
	struct ag_error err;
	enum ag_status status = q->is_versions
	    ? versions_read_key(reader, q->first, &after, q->is_reverse,
		  q->limit, add_version, p, &p->past, &err)
	    : versions_read_range(reader, q->at, q->first, q->last, q->limit,
		  q->keys_only, add_entry, p, &p->past, &err);

	p->page.more = p->past.more;
	p->page.next = bytes_of(p->past.next, p->past.next_len);
	p->page.seq = p->past.seq;
	p->page.oldest = p->past.oldest;
	return status;
}

enum ag_status
read_page_read(struct read_page *p, struct store_reader *reader,
    const struct read_query *query)
{
	enum ag_status status;

	*p = (struct read_page){ .status = AG_OK };
	buf_init(&p->text, READ_BYTES_MAX + KEY_BYTES_MAX + VALUE_BYTES_MAX);
	status = query->is_at || query->is_versions
	    ? read_past(p, reader, query)
	    : read_now(p, reader, query);
	settle(p);
	return status == AG_OK ? p->status : status;
}

void
read_page_fini(struct read_page *p)
{
	free(p->entries);
	buf_fini(&p->text);
}
