/*
 * A state taken apart and gathered again: right parts, wrong parts, parts
 * kept from before.
 */
#include "store/gather.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fs.h"
#include "fixture/batches.h"
#include "fixture/directory.h"
#include "fixture/keyrings.h"

#define VALUE_BYTES 6000
#define KEYS 1500 /* so that the root does not fit one part */
#define CROWD 4   /* of the largest values, in one bucket */

static const uint8_t cluster_id[CLUSTER_ID_BYTES] = { 1 };

/* A state and who serves it. */
struct origin {
	struct store *store;
	struct store_pin *pin;
	struct part_maker *maker;
	struct part_offer offer;
	uint64_t seq;
};

struct scene {
	char root[DIRECTORY_PATH_BYTES];
	char dir[DIRECTORY_PATH_BYTES + 16], fetched[DIRECTORY_PATH_BYTES + 16];
	struct batch_maker batch;
	char value[(1U << 20) + 1];
	struct origin origin;
	struct gather *gather;
	struct buf contents;
	size_t asked, refused;
};

static void
put(struct scene *s, const char *key, size_t len, char letter)
{
	struct origin *o = &s->origin;

	memset(s->value, letter, len);
	s->value[len] = '\0';
	o->seq++;
	batch_begin(&s->batch, (uint8_t)(o->seq % 40), o->seq, 1000);
	batch_put(&s->batch, key, s->value);
	assert_int_equal(store_apply(o->store, o->seq, batch_end(&s->batch),
			     NULL, NULL),
	    AG_OK);
}

static void
unpin(struct origin *o)
{
	part_maker_free(o->maker);
	store_unpin(o->pin);
	o->maker = NULL;
	o->pin = NULL;
}

static void
pin(struct origin *o)
{
	unpin(o);
	assert_int_equal(store_pin(o->store, &o->pin, NULL), AG_OK);
	assert_int_equal(part_maker_new(&o->maker, o->pin, NULL), AG_OK);
	memset(&o->offer, 0, sizeof(o->offer));
	part_maker_offer(o->maker, &o->offer);
	o->offer.certificate.phase = VOTE_CHECKPOINT;
	o->offer.certificate.seq = o->offer.seq;
	store_pin_digest(o->pin, &o->offer.certificate.digest);
	assert_true(part_offer_matches(&o->offer));
}

/* What is fetched is sealed with; NULL: it is not. */
static struct keyring *keyring;
static char keyring_root[DIRECTORY_PATH_BYTES];

static int
make_keyring(void **state)
{
	char path[DIRECTORY_PATH_BYTES + 16];

	(void)state;
	if (directory_make(keyring_root) == -1)
		return -1;
	(void)snprintf(path, sizeof(path), "%s/keyring", keyring_root);
	keyring = keyrings_make(path);
	return 0;
}

static int
drop_keyring(void **state)
{
	(void)state;
	keyring_close(keyring);
	return directory_remove(keyring_root);
}

static int
open_scene(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));
	char key[32];
	int i;

	assert_non_null(s);
	assert_int_equal(directory_make(s->root), 0);
	(void)snprintf(s->dir, sizeof(s->dir), "%s/state", s->root);
	(void)snprintf(s->fetched, sizeof(s->fetched), "%s/new", s->root);
	buf_init(&s->contents, PART_BYTES_MAX);
	assert_int_equal(store_open(&s->origin.store, s->dir, cluster_id, NULL,
			     NULL),
	    AG_OK);
	for (i = 0; i < KEYS; i++) {
		(void)snprintf(key, sizeof(key), "key%d", i);
		put(s, key, i % 10 == 0 ? VALUE_BYTES * 4 : VALUE_BYTES / 4,
		    (char)('a' + i % 26));
	}
	pin(&s->origin);
	*state = s;
	return 0;
}

static int
close_scene(void **state)
{
	struct scene *s = *state;

	gather_close(s->gather);
	unpin(&s->origin);
	store_close(s->origin.store);
	buf_fini(&s->contents);
	(void)directory_remove(s->root);
	free(s);
	return 0;
}

static void
begin(struct scene *s)
{
	if (s->gather == NULL)
		assert_int_equal(gather_open(&s->gather, s->fetched, cluster_id,
				     keyring, NULL),
		    AG_OK);
	assert_int_equal(gather_begin(s->gather, &s->origin.offer, NULL),
	    AG_OK);
}

static void
judge_kept(struct scene *s)
{
	size_t item;

	while (gather_next_kept(s->gather, &item))
		if (gather_check_kept(s->gather, item, NULL) == AG_OK)
			assert_int_equal(gather_accept(s->gather, item, NULL),
			    AG_OK);
		else
			gather_refuse_kept(s->gather, item);
}

/* Ask for one part and take it; false: there is none to ask for. */
static bool
step(struct scene *s)
{
	struct part_name name;
	struct ag_error err;
	size_t item;

	judge_kept(s);
	if (!gather_next(s->gather, &item, &name))
		return false;
	s->asked++;
	assert_int_equal(part_maker_make(s->origin.maker, &name, &s->contents,
			     NULL),
	    AG_OK);
	if (gather_check(s->gather, item, buf_bytes(&s->contents), &err) !=
	    AG_OK)
		fail_msg("%s", err.text);
	assert_int_equal(gather_accept(s->gather, item, NULL), AG_OK);
	return true;
}

static void
assert_built(struct scene *s)
{
	static const atomic_bool never = false;
	struct digest digest;
	struct store *store;

	assert_true(gather_is_whole(s->gather));
	assert_int_equal(gather_build_state(s->gather, &never, NULL), AG_OK);
	assert_int_equal(store_open_from(&store, s->fetched, cluster_id, NULL,
			     keyring, NULL, NULL),
	    AG_OK);
	assert_int_equal(store_digest(store, &digest, NULL), AG_OK);
	assert_true(digest_equal(&digest, &s->origin.offer.certificate.digest));
	store_close(store);
}

static void
a_state_taken_apart_is_put_together(void **state)
{
	struct scene *s = *state;

	begin(s);
	while (step(s))
		;
	assert_true(s->asked > 8);
	assert_built(s);
}

static void
apply_one(struct scene *s)
{
	struct origin *o = &s->origin;

	batch_add(&s->batch);
	assert_int_equal(store_apply(o->store, ++o->seq, batch_end(&s->batch),
			     NULL, NULL),
	    AG_OK);
}

/* The index of leases is none of the state: it is made of what came. */
static void
a_state_that_came_in_parts_knows_its_leases(void **state)
{
	struct scene *s = *state;
	struct store_reader *reader;
	struct store_entry entry;
	struct store *store;

	batch_begin(&s->batch, 41, 1, 1000);
	s->batch.op.kind = OPERATION_GRANT;
	s->batch.op.ttl_s = 10;
	apply_one(s);
	batch_begin(&s->batch, 41, 2, 1000);
	s->batch.op.kind = OPERATION_PUT;
	s->batch.op.change = (struct change){ .kind = OPERATION_PUT,
		.key = bytes_from_text("leased"),
		.lease = 1 };
	apply_one(s);
	pin(&s->origin);
	begin(s);
	while (step(s))
		;
	assert_built(s);
	assert_int_equal(store_open_from(&store, s->fetched, cluster_id, NULL,
			     keyring, NULL, NULL),
	    AG_OK);
	assert_int_equal(store_next_expiry_ms(store), 11000);
	assert_int_equal(store_reader_open(&reader, store, NULL), AG_OK);
	assert_int_equal(store_get(reader, bytes_from_text("leased"), &entry,
			     NULL),
	    AG_OK);
	assert_int_equal(entry.lease, 1);
	store_reader_close(reader);
	store_close(store);
}

static void
an_empty_state_is_two_parts_and_clients(void **state)
{
	struct scene *s = *state;
	struct origin *o = &s->origin;

	unpin(o);
	store_close(o->store);
	(void)snprintf(s->dir, sizeof(s->dir), "%s/empty", s->root);
	assert_int_equal(store_open(&o->store, s->dir, cluster_id, NULL, NULL),
	    AG_OK);
	pin(o);
	begin(s);
	while (step(s))
		;
	assert_int_equal(s->asked, 2);
	assert_built(s);
}

/* Keys made to share a bucket are no way to make a state that can't move. */
static void
a_bucket_larger_than_a_part_is_split_below_it(void **state)
{
	struct scene *s = *state;
	struct digest digest;
	char key[32];
	int i, found = 0;

	for (i = 0; found < CROWD; i++) {
		(void)snprintf(key, sizeof(key), "crowd%d", i);
		digest_of(&digest, bytes_from_text(key));
		if (digest.data[0] != 7 || digest.data[1] != 7)
			continue;
		put(s, key, 1U << 20, 'c');
		found++;
	}
	pin(&s->origin);
	begin(s);
	while (step(s))
		;
	assert_built(s);
}

/* An entry of that key, and its leaf. */
static struct bytes
entry_make(const char *key, uint8_t *out, size_t cap, struct merkle_leaf *leaf)
{
	struct digest digest;
	struct bytes encoded;
	struct encoder e;

	encoder_init(&e, out, cap);
	encoder_put_array(&e, 5);
	encoder_put_bytes(&e, bytes_from_text(key));
	encoder_put_bytes(&e, bytes_from_text("value"));
	encoder_put_uint(&e, 1);
	encoder_put_uint(&e, 1);
	encoder_put_uint(&e, 1);
	assert_int_equal(encoder_finish(&e, &encoded), AG_OK);
	digest_of(&digest, bytes_from_text(key));
	memcpy(leaf->key_hash, digest.data, DIGEST_BYTES);
	digest_of(&digest, encoded);
	memcpy(leaf->value_hash, digest.data, DIGEST_BYTES);
	return encoded;
}

/*
 * One leaf is hashed as it is, however deep, so that who splits a node may
 * say that there are more, without the digest being another.  Whoever then
 * brings the one that is there brings what the state has.
 */
static void
one_leaf_that_was_said_to_be_many_is_right_all_the_same(void **state)
{
	/* The first bit of their hashes is 0 and 1. */
	static const char *const keys[] = { "left2", "right0" };
	struct part_want want = { .name = { .kind = PART_NODE },
		.is_root = true };
	struct part_found found = { .count = 0 };
	struct merkle_leaf leaves[2];
	struct merkle_subtree root;
	uint8_t entry[64], other[64], contents[128] = { PART_SPLIT, 1 };
	struct bytes first;
	struct ag_error err;
	size_t len = 2;

	(void)state;
	first = entry_make(keys[0], entry, sizeof(entry), &leaves[0]);
	(void)entry_make(keys[1], other, sizeof(other), &leaves[1]);
	assert_true((leaves[0].key_hash[0] & 0x80) == 0);
	assert_true((leaves[1].key_hash[0] & 0x80) != 0);
	merkle_subtree_of(&root, leaves, 2, 0);
	want.node.digest = root.digest;
	merkle_subtree_of(&root, leaves, 1, 1);
	contents[len++] = MERKLE_MANY;
	memcpy(contents + len, root.digest.data, DIGEST_BYTES);
	len += DIGEST_BYTES;
	contents[len++] = MERKLE_ONE;
	memcpy(contents + len, &leaves[1], sizeof(leaves[1]));
	len += sizeof(leaves[1]);
	assert_int_equal(part_check(&want, bytes_of(contents, len), &found,
			     &err),
	    AG_OK);
	want.node = found.nodes[0];
	want.is_root = false;
	part_child(&(struct part_name){ .kind = PART_NODE }, 1, 0, &want.name);
	contents[0] = PART_ENTRIES;
	memcpy(contents + 1, first.data, first.len);
	assert_int_equal(part_check(&want, bytes_of(contents, 1 + first.len),
			     &found, &err),
	    AG_OK);
	part_found_fini(&found);
}

/* Any byte of any part, and what was right stays. */
static void
a_changed_byte_in_any_part_is_noticed(void **state)
{
	struct scene *s = *state;
	struct part_name name;
	struct ag_error err;
	size_t item, at, i;

	begin(s);
	while (gather_next(s->gather, &item, &name)) {
		assert_int_equal(part_maker_make(s->origin.maker, &name,
				     &s->contents, NULL),
		    AG_OK);
		for (i = 0; i < 5; i++) {
			at = i * (s->contents.len - 1) / 4;
			s->contents.data[at] ^= 1;
			assert_int_equal(gather_check(s->gather, item,
					     buf_bytes(&s->contents), &err),
			    AG_EFORGED);
			s->contents.data[at] ^= 1;
		}
		assert_int_equal(gather_check(s->gather, item,
				     bytes_of(s->contents.data,
					 s->contents.len - 1),
				     &err),
		    AG_EFORGED);
		assert_int_equal(gather_check(s->gather, item,
				     buf_bytes(&s->contents), NULL),
		    AG_OK);
		assert_int_equal(gather_accept(s->gather, item, NULL), AG_OK);
	}
	assert_built(s);
}

static void
another_part_in_its_place_is_noticed(void **state)
{
	struct scene *s = *state;
	struct part_name name, other;
	struct ag_error err;
	size_t item, next;

	begin(s);
	while (gather_next(s->gather, &item, &name)) {
		if (gather_next(s->gather, &next, &other)) {
			assert_int_equal(part_maker_make(s->origin.maker,
					     &other, &s->contents, NULL),
			    AG_OK);
			assert_int_equal(gather_check(s->gather, item,
					     buf_bytes(&s->contents), &err),
			    AG_EFORGED);
			gather_put_back(s->gather, next);
		}
		gather_put_back(s->gather, item);
		assert_true(step(s));
	}
	assert_built(s);
}

/* So a liar can not fill the disk. */
static void
wrong_parts_are_not_written(void **state)
{
	struct scene *s = *state;
	struct part_name name;
	struct ag_error err;
	char path[DIRECTORY_PATH_BYTES + 32];
	struct buf file;
	size_t item, len;
	int i;

	begin(s);
	(void)snprintf(path, sizeof(path), "%s/parts", s->fetched);
	buf_init(&file, 1U << 24);
	assert_int_equal(fs_read_file(path, &file, NULL), AG_OK);
	len = file.len;
	assert_true(gather_next(s->gather, &item, &name));
	assert_int_equal(buf_reserve(&s->contents, PART_BYTES_MAX), AG_OK);
	memset(s->contents.data, 0, PART_BYTES_MAX);
	for (i = 0; i < 10; i++)
		assert_int_equal(gather_check(s->gather, item,
				     bytes_of(s->contents.data, PART_BYTES_MAX),
				     &err),
		    AG_EFORGED);
	buf_clear(&file);
	assert_int_equal(fs_read_file(path, &file, NULL), AG_OK);
	assert_int_equal(file.len, len);
	buf_fini(&file);
}

static void
what_was_gathered_before_a_restart_is_not_asked_for_again(void **state)
{
	struct scene *s = *state;
	struct gather_progress progress;
	struct digest digest;
	size_t i, whole;

	begin(s);
	while (step(s))
		;
	whole = s->asked;
	gather_close(s->gather);
	s->gather = NULL;
	assert_int_equal(directory_remove(s->fetched), 0);

	s->asked = 0;
	begin(s);
	for (i = 0; i < whole / 2; i++)
		assert_true(step(s));
	gather_close(s->gather);
	assert_int_equal(gather_open(&s->gather, s->fetched, cluster_id,
			     keyring, NULL),
	    AG_OK);
	assert_true(gather_kept(s->gather, &digest));
	assert_true(digest_equal(&digest, &s->origin.offer.certificate.digest));
	begin(s);
	while (step(s))
		;
	assert_int_equal(s->asked, whole);
	gather_progress(s->gather, &progress);
	assert_int_equal(progress.kept, whole / 2);
	assert_built(s);
}

static void
a_record_cut_or_damaged_costs_no_more_than_its_part(void **state)
{
	struct scene *s = *state;
	char path[DIRECTORY_PATH_BYTES + 32];
	struct buf file;
	size_t i, whole;

	begin(s);
	while (step(s))
		;
	whole = s->asked;
	gather_close(s->gather);
	(void)snprintf(path, sizeof(path), "%s/parts", s->fetched);
	buf_init(&file, 1U << 26);
	assert_int_equal(fs_read_file(path, &file, NULL), AG_OK);
	file.data[file.len / 2] ^= 1;
	assert_int_equal(fs_write_file(path, 0600,
			     bytes_of(file.data, file.len - 3), NULL),
	    AG_OK);
	buf_fini(&file);
	assert_int_equal(gather_open(&s->gather, s->fetched, cluster_id,
			     keyring, NULL),
	    AG_OK);
	s->asked = 0;
	begin(s);
	while (step(s))
		;
	assert_in_range(s->asked, 1, 2);
	assert_true(whole > 8);
	for (i = 0; step(s); i++)
		fail();
	assert_built(s);
}

static void
another_state_takes_over_what_is_the_same_in_it(void **state)
{
	struct scene *s = *state;
	size_t whole;

	begin(s);
	while (step(s))
		;
	whole = s->asked;
	put(s, "key1", 5, 'x');
	pin(&s->origin);
	s->asked = 0;
	begin(s);
	while (step(s))
		;
	/* The root's split, one part below it, and the clients'. */
	assert_in_range(s->asked, 1, whole / 2);
	assert_built(s);
}

static void
a_build_that_is_stopped_leaves_the_parts(void **state)
{
	static const atomic_bool now = true;
	struct scene *s = *state;
	struct ag_error err;

	begin(s);
	while (step(s))
		;
	assert_int_equal(gather_build_state(s->gather, &now, &err), AG_EAGAIN);
	assert_built(s);
}

static void
parts_nobody_has_are_refused(void **state)
{
	struct scene *s = *state;
	struct part_name name = { .kind = PART_CLIENTS_FROM, .number = 1000 };
	struct ag_error err;

	assert_int_equal(part_maker_make(s->origin.maker, &name, &s->contents,
			     &err),
	    AG_EINVAL);
}

static void
a_name_has_one_encoding(void **state)
{
	static const uint8_t path[] = { 0xa0 };
	struct part_name name = { .kind = PART_NODE, .number = 3 }, again;
	uint8_t out[PART_NAME_BYTES_MAX];
	struct bytes encoded;
	struct encoder e;
	struct decoder d;

	(void)state;
	name.path[0] = path[0];
	encoder_init(&e, out, sizeof(out));
	part_name_encode(&e, &name);
	assert_int_equal(encoder_finish(&e, &encoded), AG_OK);
	decoder_init(&d, encoded);
	part_name_decode(&d, &again);
	assert_int_equal(decoder_finish(&d, NULL), AG_OK);
	assert_int_equal(part_name_compare(&name, &again), 0);
	out[encoded.len - 1] |= 1; /* a bit past its depth */
	decoder_init(&d, encoded);
	part_name_decode(&d, &again);
	assert_int_equal(decoder_finish(&d, NULL), AG_EPROTO);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define SPEC(name) \
	cmocka_unit_test_setup_teardown(name, open_scene, close_scene)
		SPEC(a_state_taken_apart_is_put_together),
		SPEC(a_state_that_came_in_parts_knows_its_leases),
		SPEC(an_empty_state_is_two_parts_and_clients),
		SPEC(a_bucket_larger_than_a_part_is_split_below_it),
		SPEC(one_leaf_that_was_said_to_be_many_is_right_all_the_same),
		SPEC(a_changed_byte_in_any_part_is_noticed),
		SPEC(another_part_in_its_place_is_noticed),
		SPEC(wrong_parts_are_not_written),
		SPEC(what_was_gathered_before_a_restart_is_not_asked_for_again),
		SPEC(a_record_cut_or_damaged_costs_no_more_than_its_part),
		SPEC(another_state_takes_over_what_is_the_same_in_it),
		SPEC(a_build_that_is_stopped_leaves_the_parts),
		SPEC(parts_nobody_has_are_refused),
		cmocka_unit_test(a_name_has_one_encoding),
	};

	return cmocka_run_group_tests_name("in the open", tests, NULL, NULL) +
	    cmocka_run_group_tests_name("sealed", tests, make_keyring,
		drop_keyring);
}
