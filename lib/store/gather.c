/*
 * Parts gathered.
 *
 * STATES   A part is wanted, asked for, or had.  It starts as kept when the
 *          file has one of that name, which is judged like any other and is
 *          wanted when it is wrong.
 *
 * FORMAT   The file is records, one after another: u32 length | u8 kind |
 *          u32 number | path (32) | contents as store/gather_seal.h has them,
 *          little-endian.  Kind 255 is an
 *          offer, which says what state the parts behind it are of.
 *
 * RULES    1. Only parts that are right are written: the file can not grow
 *             past the state, but for what is kept of one wanted before, and
 *             that is let go of when it is more than what is right.
 *          2. What is read back is judged again: nothing is synced, and a
 *             torn or damaged record costs no more than that part.
 *          3. Items are bounded, whoever splits what need not be split.
 *
 * NOT HERE Making the database of it (store/gather_build.c), holding a wrong
 *          part against who signed for it (store/gather_accuse.c).
 */
#include "store/gather.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "store/crc32c.h"
#include "store/gather_buckets.h"
#include "store/gather_seal.h"
#include "store/sealed_value.h"
#include "store/session.h"

#define ITEMS_MAX (1U << 20)
#define RECORD_OFFER 255
#define RECORD_HEAD_BYTES 41
#define PAIR_BYTES (PRINCIPAL_BYTES + DIGEST_BYTES)

/* What is not of this state may take this much beyond what is. */
#define STALE_BYTES_MAX (UINT64_C(64) << 20)

static void
put_u32(uint8_t *out, uint32_t value)
{
	int i;

	for (i = 0; i < 4; i++, value >>= 8)
		out[i] = (uint8_t)value;
}

static uint32_t
get_u32(const uint8_t *in)
{
	return (uint32_t)in[0] | (uint32_t)in[1] << 8 | (uint32_t)in[2] << 16 |
	    (uint32_t)in[3] << 24;
}

static enum ag_status
no_memory(struct ag_error *err)
{
	return ag_fail(err, AG_ENOMEM, "gather a state: out of memory");
}

/* --- the file --- */

static enum ag_status
kept_note(struct gather *g, const struct kept *kept, struct ag_error *err)
{
	if (g->kept_count == g->kept_cap) {
		size_t cap = g->kept_cap == 0 ? 256 : g->kept_cap * 2;
		struct kept *grown = realloc(g->kept, cap * sizeof(*grown));

		if (grown == NULL)
			return no_memory(err);
		g->kept = grown;
		g->kept_cap = cap;
	}
	g->kept[g->kept_count++] = *kept;
	return AG_OK;
}

static int
compare_kept(const void *a, const void *b)
{
	return part_name_compare(&((const struct kept *)a)->name,
	    &((const struct kept *)b)->name);
}

static enum ag_status
offer_read(struct gather *g, uint64_t at, uint32_t len, struct ag_error *err)
{
	uint8_t *encoded = malloc(PART_OFFER_BYTES_MAX);
	enum ag_status status = AG_OK;
	struct decoder d;
	size_t got = 0;

	if (encoded == NULL)
		return no_memory(err);
	g->has_offer = false;
	if (len <= PART_OFFER_BYTES_MAX)
		status =
		    fs_read_at(g->fd, g->path, encoded, len, at, &got, err);
	decoder_init(&d, bytes_of(encoded, got));
	part_offer_decode(&d, &g->offer);
	g->has_offer = status == AG_OK && got == len &&
	    decoder_finish(&d, NULL) == AG_OK && part_offer_matches(&g->offer);
	free(encoded);
	return status;
}

static enum ag_status
record_take(struct gather *g, const uint8_t *head, uint64_t at,
    struct ag_error *err)
{
	struct kept kept = { .at = at, .len = get_u32(head) };

	if (head[4] == RECORD_OFFER)
		return offer_read(g, at, kept.len, err);
	kept.name.kind = (enum part_kind)head[4];
	kept.name.number = get_u32(head + 5);
	memcpy(kept.name.path, head + 9, DIGEST_BYTES);
	return kept_note(g, &kept, err);
}

/* What is in the file; behind the last whole record it is cut. */
static enum ag_status
file_scan(struct gather *g, struct ag_error *err)
{
	uint8_t head[RECORD_HEAD_BYTES];
	enum ag_status status = AG_OK;
	uint64_t at = 0;
	off_t size = lseek(g->fd, 0, SEEK_END);
	size_t got;

	if (size < 0)
		return ag_fail_sys(err, "seek in %s", g->path);
	g->kept_count = 0;
	for (; status == AG_OK; at += sizeof(head) + get_u32(head)) {
		status = fs_read_at(g->fd, g->path, head, sizeof(head), at,
		    &got, err);
		if (status != AG_OK || got < sizeof(head) ||
		    get_u32(head) > GATHER_SEAL_BYTES_MAX ||
		    at + sizeof(head) + get_u32(head) > (uint64_t)size)
			break;
		status = record_take(g, head, at + sizeof(head), err);
	}
	if (status == AG_OK)
		status = fs_truncate(g->fd, g->path, at, err);
	g->end = at;
	if (g->kept_count > 0)
		qsort(g->kept, g->kept_count, sizeof(*g->kept), compare_kept);
	return status;
}

/* Write a record behind the others; *at is where its contents are. */
static enum ag_status
record_write(struct gather *g, uint8_t kind, const struct part_name *name,
    struct bytes contents, uint64_t *at, struct ag_error *err)
{
	uint8_t head[RECORD_HEAD_BYTES];
	enum ag_status status;

	put_u32(head, (uint32_t)contents.len);
	head[4] = kind;
	put_u32(head + 5, name->number);
	memcpy(head + 9, name->path, DIGEST_BYTES);
	status = fs_write_at(g->fd, g->path, bytes_of(head, sizeof(head)),
	    g->end, err);
	*at = g->end + sizeof(head);
	if (status == AG_OK)
		status = fs_write_at(g->fd, g->path, contents, *at, err);
	if (status == AG_OK)
		g->end = *at + contents.len;
	return status;
}

enum ag_status
gather_open(struct gather **out, const char *dir,
    const uint8_t cluster_id[static CLUSTER_ID_BYTES], struct keyring *keyring,
    struct ag_error *err)
{
	struct gather *g = calloc(1, sizeof(*g));
	enum ag_status status;

	*out = NULL;
	if (g == NULL)
		return no_memory(err);
	g->fd = -1;
	g->keyring = keyring;
	buf_init(&g->list, PART_BYTES_MAX);
	buf_init(&g->stored, GATHER_SEAL_BYTES_MAX);
	buf_init(&g->contents, PART_BYTES_MAX + KEY_BYTES_MAX);
	buf_init(&g->bucket.keys, SIZE_MAX);
	memcpy(g->cluster_id, cluster_id, CLUSTER_ID_BYTES);
	status = fs_mkdir(dir, err);
	if (status == AG_EEXIST)
		status = AG_OK;
	if (status == AG_OK)
		status =
		    fs_join(g->path, sizeof(g->path), dir, GATHER_FILE, err);
	if (status == AG_OK)
		status = fs_join(g->partial, sizeof(g->partial), dir,
		    GATHER_PARTIAL_FILE, err);
	if (status == AG_OK)
		status = fs_open(&g->fd, g->path, O_RDWR | O_CREAT | O_NOFOLLOW,
		    0600, err);
	if (status == AG_OK)
		status = file_scan(g, err);
	if (status != AG_OK) {
		gather_close(g);
		return status;
	}
	memcpy(g->dir, dir, strlen(dir) + 1);
	*out = g;
	return AG_OK;
}

void
gather_close(struct gather *g)
{
	if (g == NULL)
		return;
	gather_buckets_fini(g);
	if (g->fd != -1)
		(void)close(g->fd);
	free(g->items);
	free(g->kept);
	buf_fini(&g->list);
	buf_fini(&g->stored);
	buf_fini(&g->contents);
	sealed_value_free(g->values);
	part_found_fini(&g->found);
	free(g);
}

bool
gather_kept(const struct gather *g, struct digest *digest)
{
	if (g->has_offer)
		*digest = g->offer.certificate.digest;
	return g->has_offer;
}

/* --- items --- */

static enum ag_status
items_reserve(struct gather *g, size_t more, struct ag_error *err)
{
	size_t cap = g->cap == 0 ? 64 : g->cap;
	struct item *grown;

	if (g->count + more > ITEMS_MAX)
		return ag_fail(err, AG_ELIMIT,
		    "part of a state: split into too many");
	while (cap < g->count + more)
		cap *= 2;
	if (cap == g->cap)
		return AG_OK;
	grown = realloc(g->items, cap * sizeof(*grown));
	if (grown == NULL)
		return no_memory(err);
	g->items = grown;
	g->cap = cap;
	return AG_OK;
}

/* Under the item at top; or one by itself, with top where it will be. */
static void
item_add(struct gather *g, const struct part_want *want, size_t top)
{
	const struct kept sought = { .name = want->name }, *kept = NULL;
	struct item *item = &g->items[g->count++];

	*item = (struct item){ .want = *want,
		.state = ITEM_WANTED,
		.top = (uint32_t)top };
	if (g->kept_count > 0)
		kept = bsearch(&sought, g->kept, g->kept_count,
		    sizeof(*g->kept), compare_kept);
	if (kept == NULL)
		return;
	item->state = ITEM_KEPT;
	item->at = kept->at;
	item->len = kept->len;
}

static enum ag_status
offer_write(struct gather *g, struct ag_error *err)
{
	const struct part_name none = { .number = 0 };
	uint8_t *out = malloc(PART_OFFER_BYTES_MAX);
	enum ag_status status;
	struct bytes encoded;
	struct encoder e;
	uint64_t at;

	if (out == NULL)
		return no_memory(err);
	encoder_init(&e, out, PART_OFFER_BYTES_MAX);
	part_offer_encode(&e, &g->offer);
	AG_ASSERT(encoder_finish(&e, &encoded) == AG_OK);
	status = record_write(g, RECORD_OFFER, &none, encoded, &at, err);
	free(out);
	return status;
}

/* Begin the file anew when what is right is the lesser part of it. */
static enum ag_status
file_prune(struct gather *g, struct ag_error *err)
{
	enum ag_status status = AG_OK;

	if (g->count > 0 && g->end > 2 * g->right_bytes + STALE_BYTES_MAX)
		status = fs_truncate(g->fd, g->path, 0, err);
	return status == AG_OK ? file_scan(g, err) : status;
}

enum ag_status
gather_begin(struct gather *g, const struct part_offer *offer,
    struct ag_error *err)
{
	struct part_want root = { .name = { .kind = PART_NODE },
		.is_root = true };
	struct part_want list = { .name = { .kind = PART_LIST } };
	enum ag_status status = file_prune(g, err);

	if (status != AG_OK)
		return status;
	gather_buckets_drop(g);
	g->offer = *offer;
	g->has_offer = true;
	g->count = g->had = g->wanted_at = g->kept_at = 0;
	g->progress = (struct gather_progress){ .total = offer->bytes };
	g->right_bytes = 0;
	status = items_reserve(g, 2, err);
	if (status == AG_OK)
		status = offer_write(g, err);
	if (status != AG_OK)
		return status;
	root.node.digest = offer->root;
	list.node.digest = offer->sessions;
	item_add(g, &list, g->count);
	item_add(g, &root, g->count);
	return AG_OK;
}

bool
gather_next(struct gather *g, size_t *item, struct part_name *name)
{
	for (; g->wanted_at < g->count; g->wanted_at++) {
		struct item *at = &g->items[g->wanted_at];

		if (at->state != ITEM_WANTED)
			continue;
		at->state = ITEM_ASKED;
		*item = g->wanted_at++;
		*name = at->want.name;
		return true;
	}
	return false;
}

static void
item_want(struct gather *g, size_t item)
{
	g->items[item].state = ITEM_WANTED;
	if (item < g->wanted_at)
		g->wanted_at = item;
}

void
gather_put_back(struct gather *g, size_t item)
{
	if (g->items[item].state == ITEM_ASKED)
		item_want(g, item);
}

void
gather_name(const struct gather *g, size_t item, struct part_name *name)
{
	*name = g->items[item].want.name;
}

bool
gather_has(const struct gather *g, size_t item)
{
	return g->items[item].state == ITEM_HAD;
}

bool
gather_next_kept(struct gather *g, size_t *item)
{
	for (; g->kept_at < g->count; g->kept_at++)
		if (g->items[g->kept_at].state == ITEM_KEPT) {
			*item = g->kept_at;
			return true;
		}
	return false;
}

/* --- judging --- */

static enum ag_status
item_check(struct gather *g, const struct item *item, struct bytes contents,
    struct ag_error *err)
{
	struct part_want want = item->want;

	if (want.name.kind == PART_CLIENTS_FROM) {
		size_t at = (size_t)want.name.number * PAIR_BYTES;
		size_t len = g->list.len - at;

		if (len > PART_CLIENTS * PAIR_BYTES)
			len = PART_CLIENTS * PAIR_BYTES;
		want.list = bytes_of(g->list.data + at, len);
	}
	return part_check(&want, contents, &g->found, err);
}

enum ag_status
gather_check(struct gather *g, size_t item, struct bytes contents,
    struct ag_error *err)
{
	struct item *at = &g->items[item];
	enum ag_status status = item_check(g, at, contents, err);
	struct bytes stored;

	if (status == AG_OK)
		status = gather_seal(g, contents, &stored, err);
	if (status == AG_OK)
		status = record_write(g, (uint8_t)at->want.name.kind,
		    &at->want.name, stored, &at->at, err);
	if (status != AG_OK)
		return status;
	at->len = (uint32_t)stored.len;
	at->bytes = (uint32_t)contents.len;
	at->crc = crc32c_update(0, contents);
	gather_buckets_try(g, at);
	return AG_OK;
}

enum ag_status
gather_read(struct gather *g, const struct item *item, struct ag_error *err)
{
	enum ag_status status;
	size_t got;

	buf_clear(&g->stored);
	status = buf_reserve(&g->stored, item->len);
	if (status != AG_OK)
		return no_memory(err);
	status = fs_read_at(g->fd, g->path, g->stored.data, item->len, item->at,
	    &got, err);
	if (status == AG_OK && got < item->len)
		return ag_fail(err, AG_ECORRUPT, "%s: it was cut short",
		    g->path);
	g->stored.len = item->len;
	if (status == AG_OK)
		status = gather_unseal(g, err);
	if (status == AG_ECORRUPT) {
		buf_clear(&g->contents);
		status = AG_OK;
	}
	return status;
}

enum ag_status
gather_check_kept(struct gather *g, size_t item, struct ag_error *err)
{
	struct item *at = &g->items[item];
	enum ag_status status = gather_read(g, at, err);

	if (status == AG_OK)
		status = item_check(g, at, buf_bytes(&g->contents), err);
	if (status != AG_OK)
		return status;
	at->bytes = (uint32_t)g->contents.len;
	at->crc = crc32c_update(0, buf_bytes(&g->contents));
	gather_buckets_try(g, at);
	return AG_OK;
}

static enum ag_status
accept_split(struct gather *g, size_t item, struct ag_error *err)
{
	const struct part_name name = g->items[item].want.name;
	struct part_want child = { .is_root = false };
	enum ag_status status;
	uint32_t i;

	status = items_reserve(g, (size_t)1 << g->found.bits, err);
	for (i = 0; status == AG_OK && i < 1U << g->found.bits; i++) {
		child.node = g->found.nodes[i];
		part_child(&name, g->found.bits, i, &child.name);
		if (child.node.kind != MERKLE_EMPTY)
			item_add(g, &child,
			    name.number == 0 ? g->count : g->items[item].top);
	}
	return status;
}

static enum ag_status
accept_list(struct gather *g, struct ag_error *err)
{
	struct part_want clients = { .name = { .kind = PART_CLIENTS_FROM } };
	struct bytes list = g->found.contents;
	uint32_t count = (uint32_t)(list.len / PAIR_BYTES);
	enum ag_status status;

	buf_clear(&g->list);
	status = buf_append(&g->list, list.data, list.len);
	if (status != AG_OK)
		return no_memory(err);
	status = items_reserve(g, count / PART_CLIENTS + 1, err);
	for (; status == AG_OK && clients.name.number < count;
	     clients.name.number += PART_CLIENTS)
		item_add(g, &clients, g->count);
	return status;
}

enum ag_status
gather_accept(struct gather *g, size_t item, struct ag_error *err)
{
	bool was_kept = g->items[item].state == ITEM_KEPT;
	enum ag_status status = AG_OK;

	AG_ASSERT(g->items[item].state != ITEM_HAD);
	if (g->found.shape == PART_SPLIT)
		status = accept_split(g, item, err);
	if (g->found.shape == PART_IS_LIST)
		status = accept_list(g, err);
	if (status != AG_OK)
		return status;
	g->items[item].state = ITEM_HAD;
	g->items[item].shape = g->found.shape;
	g->had++;
	g->progress.bytes += g->items[item].bytes;
	g->right_bytes += g->items[item].len;
	g->progress.parts++;
	g->progress.kept += was_kept ? 1 : 0;
	return AG_OK;
}

void
gather_refuse_kept(struct gather *g, size_t item)
{
	if (g->items[item].state == ITEM_KEPT)
		item_want(g, item);
}

bool
gather_was_split(const struct gather *g)
{
	return g->found.shape == PART_SPLIT;
}

bool
gather_is_whole(const struct gather *g)
{
	return g->count > 0 && g->had == g->count;
}

void
gather_progress(const struct gather *g, struct gather_progress *progress)
{
	*progress = g->progress;
}
