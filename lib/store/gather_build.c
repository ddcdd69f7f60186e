/*
 * The state database, made of gathered parts.
 *
 * Parts come by hash and entries are stored by key; put in as they come,
 * each would touch a page of its own.  But each part's entries rise by key,
 * so that all of them are merged in one pass, and the database is written
 * from its front to its end.
 *
 * RULES    1. Every part is read once more before its entries are merged, and
 *             is what was judged, by its checksum, or is judged again: what
 *             the disk did to it since is noticed, and with a sentence, not
 *             in the middle of a mapping.
 *          2. The database has a name of its own until it is whole.
 *
 * NOT HERE Gathering (store/gather.c), leaves (store/gather_buckets.c).
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fs.h"
#include "store/crc32c.h"
#include "store/gather_buckets.h"
#include "store/gather_seal.h"
#include "store/session.h"
#include "store/tables.h"

#define PAIR_BYTES (PRINCIPAL_BYTES + DIGEST_BYTES)

/* One part's entries, of which the first is next. */
struct run {
	struct decoder d;
	struct store_entry entry; /* its value as it is kept, */
	uint64_t len;             /* and how long it is */
};

struct build {
	struct gather *g;
	const atomic_bool *stop;
	struct item **items; /* with entries, by key hash */
	size_t item_count;
	const uint8_t *map; /* the file */
	struct run *runs;   /* a heap: none is before its parent */
	size_t run_count;
};

static enum ag_status
no_memory(struct ag_error *err)
{
	return ag_fail(err, AG_ENOMEM, "make a state: out of memory");
}

static enum ag_status
stopped(const struct build *b, struct ag_error *err)
{
	return atomic_load(b->stop)
	    ? ag_fail(err, AG_EAGAIN, "make a state: stopped")
	    : AG_OK;
}

/* --- leaves --- */

static enum ag_status
damaged(const struct gather *g, struct ag_error *err)
{
	return ag_fail(err, AG_ECORRUPT,
	    "make a state: %s is not what was gathered", g->path);
}

/* Read a part again, and put its leaves if they are not. */
static enum ag_status
build_leaves_of(struct gather *g, struct item *item, struct ag_error *err)
{
	enum ag_status status = gather_read(g, item, err);

	if (status != AG_OK)
		return status;
	if (crc32c_update(0, buf_bytes(&g->contents)) != item->crc)
		return damaged(g, err);
	if (item->is_put)
		return AG_OK;
	status =
	    part_check(&item->want, buf_bytes(&g->contents), &g->found, err);
	return status == AG_OK ? gather_buckets_add(g, item, err) : status;
}

static enum ag_status
build_leaves(struct build *b, struct ag_error *err)
{
	enum ag_status status = AG_OK;
	size_t i;

	for (i = 0; status == AG_OK && i < b->item_count; i++) {
		status = stopped(b, err);
		if (status == AG_OK)
			status = build_leaves_of(b->g, b->items[i], err);
	}
	return status == AG_OK ? gather_buckets_flush(b->g, err) : status;
}

/* --- entries --- */

static void
run_next(const struct build *b, struct run *run)
{
	if (run->d.at == run->d.end) {
		run->entry.key = bytes_of(NULL, 0);
	} else if (b->g->keyring != NULL) {
		gather_seal_take(&run->d, &run->entry, &run->len);
	} else {
		part_entry_take(&run->d, &run->entry);
		run->len = run->entry.value.len;
	}
}

static bool
run_is_before(const struct run *a, const struct run *b)
{
	return bytes_compare(a->entry.key, b->entry.key) < 0;
}

/* Let the run at i sink to its place. */
static void
heap_sink(struct build *b, size_t i)
{
	struct run *runs = b->runs, moved = runs[i];
	size_t child;

	while ((child = 2 * i + 1) < b->run_count) {
		if (child + 1 < b->run_count &&
		    run_is_before(&runs[child + 1], &runs[child]))
			child++;
		if (!run_is_before(&runs[child], &moved))
			break;
		runs[i] = runs[child];
		i = child;
	}
	runs[i] = moved;
}

static enum ag_status
runs_open(struct build *b, struct ag_error *err)
{
	size_t i;

	b->runs = calloc(b->item_count + 1, sizeof(*b->runs));
	if (b->runs == NULL)
		return no_memory(err);
	for (i = 0; i < b->item_count; i++) {
		const struct item *item = b->items[i];
		struct run *run = &b->runs[b->run_count];

		decoder_init(&run->d,
		    bytes_of(b->map + item->at + 1, item->len - 1));
		run_next(b, run);
		if (run->entry.key.len > 0)
			b->run_count++;
	}
	for (i = b->run_count / 2; i-- > 0;)
		heap_sink(b, i);
	return AG_OK;
}

static enum ag_status
build_entries(struct build *b, struct ag_error *err)
{
	enum ag_status status = runs_open(b, err);

	while (status == AG_OK && b->run_count > 0) {
		status = stopped(b, err);
		if (status == AG_OK)
			status = tables_put_entry(b->g->tables,
			    &b->runs[0].entry, b->runs[0].len, err);
		run_next(b, &b->runs[0]);
		if (b->runs[0].entry.key.len == 0)
			b->runs[0] = b->runs[--b->run_count];
		heap_sink(b, 0);
	}
	return status;
}

/* --- the client table --- */

static enum ag_status
clients_add(struct build *b, const struct item *item, struct ag_error *err)
{
	const uint8_t *pair =
	    b->g->list.data + (size_t)item->want.name.number * PAIR_BYTES;
	enum ag_status status = gather_read(b->g, item, err);
	struct decoder d;

	if (status != AG_OK)
		return status;
	decoder_init(&d,
	    bytes_of(b->g->contents.data + 1, b->g->contents.len - 1));
	for (; status == AG_OK && d.at < d.end; pair += PAIR_BYTES)
		status = session_decode(tables_sessions(b->g->tables), pair,
		    decoder_get_bytes(&d), err);
	return status;
}

static enum ag_status
build_clients(struct build *b, struct ag_error *err)
{
	enum ag_status status = AG_OK;
	size_t i;

	for (i = 0; status == AG_OK && i < b->g->count; i++)
		if (b->g->items[i].shape == PART_IS_CLIENTS)
			status = clients_add(b, &b->g->items[i], err);
	return status;
}

/* --- the whole --- */

static int
compare_items(const void *a, const void *b)
{
	const struct item *const *x = a, *const *y = b;

	return part_name_compare(&(*x)->want.name, &(*y)->want.name);
}

static enum ag_status
build_open(struct build *b, struct ag_error *err)
{
	struct gather *g = b->g;
	struct tables_meta *meta;
	enum ag_status status;
	size_t i;

	b->items = calloc(g->count + 1, sizeof(*b->items));
	if (b->items == NULL)
		return no_memory(err);
	for (i = 0; i < g->count; i++)
		if (g->items[i].shape == PART_ENTRIES)
			b->items[b->item_count++] = &g->items[i];
	qsort(b->items, b->item_count, sizeof(struct item *), compare_items);
	b->map = mmap(NULL, g->end, PROT_READ, MAP_SHARED, g->fd, 0);
	if (b->map == MAP_FAILED) {
		b->map = NULL;
		return ag_fail_sys(err, "map %s", g->path);
	}
	status = gather_buckets_open(g, err);
	if (status != AG_OK)
		return status;
	meta = tables_meta(g->tables);
	meta->seq = g->offer.seq;
	meta->time_ms = g->offer.time_ms;
	return AG_OK;
}

static void
build_close(struct build *b)
{
	if (b->map != NULL)
		(void)munmap((void *)(uintptr_t)b->map, b->g->end);
	free(b->items);
	free(b->runs);
}

/* It is what was offered, or the disk is not to be trusted. */
static enum ag_status
build_settle(struct gather *g, struct ag_error *err)
{
	enum ag_status status = tables_commit(g->tables, err);
	struct digest digest;

	if (status != AG_OK)
		return status;
	tables_digest(g->tables, &digest);
	if (!digest_equal(&digest, &g->offer.certificate.digest))
		return damaged(g, err);
	status = tables_settle(g->tables, g->partial, g->dir, err);
	g->tables = NULL;
	return status == AG_OK ? fs_unlink(g->path, err) : status;
}

enum ag_status
gather_build_state(struct gather *g, const atomic_bool *stop,
    struct ag_error *err)
{
	struct build b = { .g = g, .stop = stop };
	enum ag_status status;

	AG_ASSERT(gather_is_whole(g));
	status = build_open(&b, err);
	if (status == AG_OK)
		status = build_leaves(&b, err);
	if (status == AG_OK)
		status = build_entries(&b, err);
	if (status == AG_OK)
		status = build_clients(&b, err);
	if (status == AG_OK)
		status = build_settle(g, err);
	build_close(&b);
	if (status != AG_OK)
		gather_buckets_drop(g);
	return status;
}
