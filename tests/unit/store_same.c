/*
 * The same state everywhere: whoever built it, with whatever SQLite, on
 * whatever machine.
 *
 * A thousand batches made of one number are executed, and the digest of the
 * state is compared with one that is written here.  When that has to change,
 * replicas of two builds would part: it is a change of the protocol.
 */
#include "store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "codec/text.h"
#include "fixture/batches.h"
#include "fixture/directory.h"

#define BATCHES 1000
#define PRINCIPALS 3
#define KEYS 300

static const char digest_hex[] =
    "378d760f66da56eb5b87d4e45a63916272d00965c4a3cc838e9da9b87f675574";

static const uint8_t cluster_id[CLUSTER_ID_BYTES] = { 1 };

struct spec {
	char dir[DIRECTORY_PATH_BYTES];
	struct store *store;
	struct batch_maker maker;
	uint64_t state; /* of what is drawn */
	uint64_t next[PRINCIPALS];
	uint8_t keys[2 * TXN_OPERATIONS_MAX][KEY_BYTES_MAX];
	uint8_t values[2 * TXN_OPERATIONS_MAX][1024];
	size_t used; /* of these */
};

/* SplitMix64. */
static uint64_t
draw(struct spec *s, uint64_t below)
{
	uint64_t z = s->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (z ^ z >> 31) % below;
}

/* One of few, each as long as its number says, with bytes of all kinds. */
static struct bytes
draw_key(struct spec *s)
{
	uint64_t number = draw(s, KEYS);
	uint8_t *key = s->keys[s->used];
	size_t len = 2 + number % 40, i;

	for (i = 0; i < len; i++)
		key[i] = (uint8_t)(1 + (number * 37 + i * i * 101) % 255);
	return bytes_of(key, len);
}

static struct bytes
draw_value(struct spec *s)
{
	uint8_t *value = s->values[s->used];
	size_t len =
	    draw(s, 10) == 0 ? draw(s, sizeof(s->values[0])) : draw(s, 24);
	size_t i;

	for (i = 0; i < len; i++)
		value[i] = (uint8_t)draw(s, 256);
	return bytes_of(value, len);
}

static struct change
draw_change(struct spec *s)
{
	struct change c = {
		.kind = draw(s, 4) == 0 ? OPERATION_DELETE : OPERATION_PUT,
		.key = draw_key(s),
	};

	if (c.kind == OPERATION_PUT)
		c.value = draw_value(s);
	c.has_if_version = draw(s, 4) == 0;
	c.if_version = c.has_if_version ? draw(s, BATCHES) : 0;
	s->used++;
	return c;
}

static void
draw_transaction(struct spec *s, struct operation *op)
{
	size_t i, branch;

	op->compare_count = draw(s, 3);
	for (i = 0; i < op->compare_count; i++, s->used++) {
		op->compares[i] = (struct compare){
			.kind =
			    draw(s, 2) == 0 ? COMPARE_EXISTS : COMPARE_VERSION,
			.key = draw_key(s),
			.number = draw(s, 2),
		};
	}
	for (branch = 0; branch < 2; branch++) {
		op->change_count[branch] = draw(s, 5);
		for (i = 0; i < op->change_count[branch]; i++) {
			op->changes[branch][i] = draw_change(s);
			op->changes[branch][i].has_if_version = false;
			op->changes[branch][i].if_version = 0;
		}
	}
}

static void
draw_operation(struct spec *s)
{
	struct operation *op = &s->maker.op;
	uint64_t lot = draw(s, 10);

	s->used = 0;
	memset(op, 0, sizeof(*op));
	if (lot == 0) {
		op->kind = OPERATION_BARRIER;
	} else if (lot < 4) {
		op->kind = OPERATION_TXN;
		draw_transaction(s, op);
	} else {
		op->change = draw_change(s);
		op->kind = op->change.kind;
	}
	batch_add(&s->maker);
}

/* Some are asked for a second time. */
static struct bytes
draw_batch(struct spec *s, uint64_t seq)
{
	uint64_t who = draw(s, PRINCIPALS), count = 1 + draw(s, 8), i;
	uint64_t first = s->next[who] + 1;

	if (draw(s, 8) == 0 && s->next[who] > 0)
		first = 1 + draw(s, s->next[who]);
	batch_begin(&s->maker, (uint8_t)(1 + who), first, 1000 * seq);
	for (i = 0; i < count; i++)
		draw_operation(s);
	if (first + count - 1 > s->next[who])
		s->next[who] = first + count - 1;
	return batch_end(&s->maker);
}

static void
open_store(struct spec *s)
{
	struct ag_error err;

	assert_int_equal(store_open(&s->store, s->dir, cluster_id, NULL, &err),
	    AG_OK);
}

static int
set_up(void **state)
{
	static struct spec s;

	memset(&s, 0, sizeof(s));
	*state = &s;
	return directory_make(s.dir);
}

static int
tear_down(void **state)
{
	struct spec *s = *state;

	store_close(s->store);
	return directory_remove(s->dir);
}

static void
a_thousand_batches_come_to_the_state_written_here(void **state)
{
	struct spec *s = *state;
	char text[TEXT_HEX_BYTES(DIGEST_BYTES)];
	struct digest digest;
	struct ag_error err;
	uint64_t seq, keys, bytes;

	open_store(s);
	for (seq = 1; seq <= BATCHES; seq++) {
		assert_int_equal(store_apply(s->store, seq, draw_batch(s, seq),
				     NULL, &err),
		    AG_OK);
		if (seq % 10 == 0)
			assert_int_equal(store_commit(s->store, &err), AG_OK);
		if (seq == BATCHES / 2) {
			store_close(s->store);
			open_store(s);
		}
	}
	store_size(s->store, &keys, &bytes);
	assert_true(keys > KEYS / 2 && bytes > 10000);
	assert_int_equal(store_digest(s->store, &digest, &err), AG_OK);
	text_hex(text, sizeof(text), bytes_of(digest.data, DIGEST_BYTES));
	assert_string_equal(text, digest_hex);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    a_thousand_batches_come_to_the_state_written_here, set_up,
		    tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
