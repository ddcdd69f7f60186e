/*
 * Names of parts, offers, and contents judged.
 *
 * RULES    1. Contents come from whoever answered: nothing of them is used
 *             before they come to what they must.
 *          2. Leaves must rise, each under its node: the tree's functions
 *             rely on it.
 *
 * FORMAT   See store/part.h.
 */
#include "store/part.h"

#include <stdlib.h>
#include <string.h>

#include "store/session.h"
#include "trust/state.h"

#define PAIR_BYTES (PRINCIPAL_BYTES + DIGEST_BYTES)

static enum ag_status
forged(struct ag_error *err, const char *what)
{
	return ag_fail(err, AG_EFORGED, "part of a state: %s", what);
}

static size_t
path_bytes(uint32_t depth)
{
	return (depth + 7) / 8;
}

void
part_name_encode(struct encoder *e, const struct part_name *name)
{
	size_t len = name->kind == PART_NODE ? path_bytes(name->number) : 0;

	encoder_put_array(e, 3);
	encoder_put_uint(e, name->kind);
	encoder_put_uint(e, name->number);
	encoder_put_bytes(e, bytes_of(name->path, len));
}

/* Bits past the depth are zero: a node has one name. */
static bool
path_is_clean(const struct part_name *name)
{
	uint32_t depth = name->number;

	return depth % 8 == 0 ||
	    (name->path[depth / 8] & (0xff >> depth % 8)) == 0;
}

void
part_name_decode(struct decoder *d, struct part_name *name)
{
	struct bytes path;

	*name = (struct part_name){ .kind = PART_NODE };
	decoder_expect_array(d, 3);
	name->kind = (enum part_kind)decoder_get_uint_max(d, PART_CLIENTS_FROM);
	name->number = (uint32_t)decoder_get_uint_max(d,
	    name->kind == PART_NODE ? MERKLE_BITS : SESSION_PRINCIPALS);
	path = decoder_get_bytes_max(d, DIGEST_BYTES);
	if (decoder_failed(d))
		return;
	if (path.len !=
	    (name->kind == PART_NODE ? path_bytes(name->number) : 0)) {
		decoder_fail(d, "a path of another length");
		return;
	}
	if (path.len > 0)
		memcpy(name->path, path.data, path.len);
	if (name->kind == PART_NODE && !path_is_clean(name))
		decoder_fail(d, "a path longer than its depth");
}

int
part_name_compare(const struct part_name *a, const struct part_name *b)
{
	int order = (a->kind > b->kind) - (a->kind < b->kind);

	if (order == 0)
		order = memcmp(a->path, b->path, sizeof(a->path));
	if (order == 0)
		order = (a->number > b->number) - (a->number < b->number);
	return order;
}

bool
part_name_covers(const struct part_name *name, const uint8_t *key_hash)
{
	uint32_t whole = name->number / 8, rest = name->number % 8;

	if (memcmp(name->path, key_hash, whole) != 0)
		return false;
	return rest == 0 ||
	    (name->path[whole] ^ key_hash[whole]) >> (8 - rest) == 0;
}

unsigned int
part_split_bits_max(const struct part_name *name)
{
	unsigned int most = MERKLE_BITS - name->number;
	unsigned int bits =
	    name->number == 0 ? PART_SPLIT_BITS_MAX : PART_SPLIT_BITS_BELOW;

	return most < bits ? most : bits;
}

void
part_child(const struct part_name *name, unsigned int bits, uint32_t index,
    struct part_name *child)
{
	unsigned int bit;

	*child = *name;
	child->number += bits;
	for (bit = 0; bit < bits; bit++) {
		uint32_t at = name->number + bit;

		if ((index >> (bits - 1 - bit) & 1) != 0)
			child->path[at / 8] |= (uint8_t)(0x80 >> at % 8);
	}
}

void
part_offer_encode(struct encoder *e, const struct part_offer *offer)
{
	encoder_put_array(e, 7);
	encoder_put_uint(e, offer->seq);
	encoder_put_uint(e, offer->time_ms);
	encoder_put_uint(e, offer->keys);
	encoder_put_uint(e, offer->bytes);
	encoder_put_bytes(e, bytes_of(offer->root.data, DIGEST_BYTES));
	encoder_put_bytes(e, bytes_of(offer->sessions.data, DIGEST_BYTES));
	certificate_encode(e, &offer->certificate);
}

void
part_offer_decode(struct decoder *d, struct part_offer *offer)
{
	decoder_expect_array(d, 7);
	offer->seq = decoder_get_uint_max(d, INT64_MAX);
	offer->time_ms = decoder_get_uint_max(d, INT64_MAX);
	offer->keys = decoder_get_uint_max(d, INT64_MAX);
	offer->bytes = decoder_get_uint_max(d, INT64_MAX);
	decoder_get_fixed(d, offer->root.data, DIGEST_BYTES);
	decoder_get_fixed(d, offer->sessions.data, DIGEST_BYTES);
	certificate_decode(d, &offer->certificate);
}

bool
part_offer_matches(const struct part_offer *offer)
{
	struct digest digest;

	state_digest(&digest, offer->seq, offer->time_ms, &offer->root,
	    &offer->sessions);
	return offer->certificate.phase == VOTE_CHECKPOINT &&
	    offer->certificate.seq == offer->seq &&
	    digest_equal(&offer->certificate.digest, &digest);
}

void
part_found_fini(struct part_found *found)
{
	free(found->leaves);
	free(found->bare);
	free(found->nodes);
	*found = (struct part_found){ .count = 0 };
}

void
part_entry_take(struct decoder *d, struct store_entry *entry)
{
	decoder_expect_array(d, 5);
	entry->key = decoder_get_bytes_max(d, KEY_BYTES_MAX);
	entry->value = decoder_get_bytes_max(d, VALUE_BYTES_MAX);
	entry->version = decoder_get_uint_max(d, INT64_MAX);
	entry->created = decoder_get_uint_max(d, INT64_MAX);
	entry->modified = decoder_get_uint_max(d, INT64_MAX);
}

static enum ag_status
found_reserve(struct part_found *found, struct ag_error *err)
{
	size_t cap = found->cap == 0 ? 256 : found->cap * 2;
	struct merkle_leaf *bare;
	struct part_leaf *leaves;

	if (found->count < found->cap)
		return AG_OK;
	leaves = realloc(found->leaves, cap * sizeof(*leaves));
	if (leaves != NULL)
		found->leaves = leaves;
	bare = realloc(found->bare, cap * sizeof(*bare));
	if (bare != NULL)
		found->bare = bare;
	if (leaves == NULL || bare == NULL)
		return ag_fail(err, AG_ENOMEM,
		    "part of a state: out of memory");
	found->cap = cap;
	return AG_OK;
}

static int
compare_leaves(const void *a, const void *b)
{
	return memcmp(a, b, DIGEST_BYTES);
}

/* The leaves of the entries in contents, as they come. */
static enum ag_status
entries_read(const struct part_want *want, struct part_found *found,
    struct ag_error *err)
{
	struct bytes last = bytes_of(NULL, 0);
	struct store_entry entry;
	struct digest digest;
	enum ag_status status;
	struct decoder d;

	decoder_init(&d, found->contents);
	while (d.at < d.end) {
		const uint8_t *began = d.at;
		struct part_leaf *leaf;

		part_entry_take(&d, &entry);
		if (decoder_failed(&d) || entry.key.len == 0)
			return forged(err, "not an entry");
		if (last.len > 0 && bytes_compare(last, entry.key) >= 0)
			return forged(err, "keys that do not rise");
		last = entry.key;
		status = found_reserve(found, err);
		if (status != AG_OK)
			return status;
		leaf = &found->leaves[found->count++];
		leaf->key = entry.key;
		digest_of(&digest, entry.key);
		memcpy(leaf->leaf.key_hash, digest.data, DIGEST_BYTES);
		digest_of(&digest, bytes_of(began, (size_t)(d.at - began)));
		memcpy(leaf->leaf.value_hash, digest.data, DIGEST_BYTES);
		if (!part_name_covers(&want->name, leaf->leaf.key_hash))
			return forged(err, "a key of another part");
	}
	return AG_OK;
}

/*
 * One leaf has the same digest by itself and where it was said to be many:
 * that was the word of who split the node above, and the digest is the
 * state's.  The other way round it can not be said, for want of a leaf.
 */
static bool
subtree_is(const struct part_want *want, const struct merkle_subtree *subtree)
{
	return digest_equal(&subtree->digest, &want->node.digest) &&
	    (want->is_root || want->node.kind == MERKLE_MANY ||
		subtree->kind == want->node.kind);
}

static enum ag_status
entries_check(const struct part_want *want, struct part_found *found,
    struct ag_error *err)
{
	struct merkle_subtree subtree;
	enum ag_status status;
	size_t i;

	found->count = 0;
	status = entries_read(want, found, err);
	if (status != AG_OK)
		return status;
	if (found->count > 0)
		qsort(found->leaves, found->count, sizeof(*found->leaves),
		    compare_leaves);
	for (i = 0; i < found->count; i++)
		found->bare[i] = found->leaves[i].leaf;
	merkle_subtree_of(&subtree, found->bare, found->count,
	    want->name.number);
	if (!subtree_is(want, &subtree))
		return forged(err, "entries the state does not have");
	return AG_OK;
}

/* One node off the front of a split. */
static bool
node_read(struct bytes *rest, const struct part_name *name,
    struct merkle_subtree *node)
{
	const struct merkle_leaf *leaf = (const void *)(rest->data + 1);
	size_t len = 1;

	*node = (struct merkle_subtree){ .kind = MERKLE_EMPTY };
	if (rest->len < 1 || rest->data[0] > MERKLE_MANY)
		return false;
	node->kind = (enum merkle_kind)rest->data[0];
	if (node->kind == MERKLE_ONE)
		len += sizeof(*leaf);
	if (node->kind == MERKLE_MANY)
		len += DIGEST_BYTES;
	if (rest->len < len)
		return false;
	if (node->kind == MERKLE_ONE) {
		if (!part_name_covers(name, leaf->key_hash))
			return false;
		merkle_subtree_of(node, leaf, 1, 0);
	} else if (node->kind == MERKLE_MANY) {
		memcpy(node->digest.data, rest->data + 1, DIGEST_BYTES);
	}
	*rest = bytes_of(rest->data + len, rest->len - len);
	return true;
}

/* What 2^bits nodes come to, level by level, in place of a copy. */
static void
nodes_fold(struct merkle_subtree *nodes, unsigned int bits,
    struct merkle_subtree *out)
{
	uint32_t i;

	for (; bits > 0; bits--)
		for (i = 0; i < 1U << (bits - 1); i++)
			merkle_combine(&nodes[i], &nodes[2 * i],
			    &nodes[2 * i + 1]);
	*out = nodes[0];
}

static enum ag_status
split_check(const struct part_want *want, struct part_found *found,
    struct ag_error *err)
{
	struct merkle_subtree *copy, subtree;
	struct bytes rest = found->contents;
	unsigned int bits = rest.len > 0 ? rest.data[0] : 0;
	struct part_name child;
	uint32_t i;

	if (bits == 0 || bits > part_split_bits_max(&want->name))
		return forged(err, "a split into too many or nothing");
	if (found->nodes == NULL)
		found->nodes =
		    calloc(2U << PART_SPLIT_BITS_MAX, sizeof(*found->nodes));
	if (found->nodes == NULL)
		return ag_fail(err, AG_ENOMEM,
		    "part of a state: out of memory");
	rest = bytes_of(rest.data + 1, rest.len - 1);
	for (i = 0; i < 1U << bits; i++) {
		part_child(&want->name, bits, i, &child);
		if (!node_read(&rest, &child, &found->nodes[i]))
			return forged(err, "a split that is damaged");
	}
	found->bits = bits;
	copy = found->nodes + (1U << PART_SPLIT_BITS_MAX);
	memcpy(copy, found->nodes, sizeof(*copy) << bits);
	nodes_fold(copy, bits, &subtree);
	if (rest.len > 0 || !subtree_is(want, &subtree))
		return forged(err, "nodes the state does not have");
	return AG_OK;
}

static enum ag_status
list_check(const struct part_want *want, const struct part_found *found,
    struct ag_error *err)
{
	const struct session_config config = { SESSION_PRINCIPALS,
		SESSION_WINDOW };
	struct digest digest;

	session_list_digest(&config, found->contents, &digest);
	if (found->contents.len % PAIR_BYTES != 0 ||
	    found->contents.len / PAIR_BYTES > SESSION_PRINCIPALS ||
	    !digest_equal(&digest, &want->node.digest))
		return forged(err, "clients the state does not have");
	return AG_OK;
}

static enum ag_status
clients_check(const struct part_want *want, const struct part_found *found,
    struct ag_error *err)
{
	struct digest digest;
	struct decoder d;
	size_t at;

	decoder_init(&d, found->contents);
	for (at = 0; at < want->list.len; at += PAIR_BYTES) {
		digest_of(&digest, decoder_get_bytes(&d));
		if (memcmp(digest.data, want->list.data + at + PRINCIPAL_BYTES,
			DIGEST_BYTES) != 0)
			return forged(err,
			    "a client's requests the state does not have");
	}
	if (decoder_finish(&d, NULL) != AG_OK)
		return forged(err, "bytes behind a client's requests");
	return AG_OK;
}

enum ag_status
part_check(const struct part_want *want, struct bytes contents,
    struct part_found *found, struct ag_error *err)
{
	if (contents.len == 0 || contents.len > PART_BYTES_MAX ||
	    contents.data[0] > PART_IS_CLIENTS)
		return forged(err, "neither entries nor anything known");
	found->shape = (enum part_shape)contents.data[0];
	found->contents = bytes_of(contents.data + 1, contents.len - 1);
	if (want->name.kind == PART_NODE && found->shape == PART_ENTRIES)
		return entries_check(want, found, err);
	if (want->name.kind == PART_NODE && found->shape == PART_SPLIT)
		return split_check(want, found, err);
	if (want->name.kind == PART_LIST && found->shape == PART_IS_LIST)
		return list_check(want, found, err);
	if (want->name.kind == PART_CLIENTS_FROM &&
	    found->shape == PART_IS_CLIENTS)
		return clients_check(want, found, err);
	return forged(err, "something else than was asked for");
}
