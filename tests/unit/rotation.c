/*
 * What a node does about key epochs: in which order, and what keeps it from
 * going on.
 */
#include "node/rotation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "event/loop.h"
#include "fixture/directory.h"
#include "fixture/keyrings.h"

#define PATIENCE_MS 30000
#define LOOK_MS 5

struct spec {
	char dir[DIRECTORY_PATH_BYTES];
	char path[DIRECTORY_PATH_BYTES + 16], away[DIRECTORY_PATH_BYTES + 16];
	struct loop *loop;
	struct keyring *keyring;
	struct rotation *rotation;
	struct key_epochs epochs;
	uint64_t seq;
	unsigned int percent;
	uint32_t log_epoch;
	bool is_transferring, is_catching_up;
	unsigned int cuts, hurries;
	bool (*until)(struct spec *s);
	unsigned int looks;
	struct loop_timer *timer;
};

static void
on_reseal(void *arg, unsigned int percent)
{
	((struct spec *)arg)->percent = percent;
}

static uint32_t
on_log_epoch(void *arg)
{
	return ((struct spec *)arg)->log_epoch;
}

static bool
on_is_transferring(void *arg)
{
	return ((struct spec *)arg)->is_transferring;
}

static bool
on_is_catching_up(void *arg)
{
	return ((struct spec *)arg)->is_catching_up;
}

static void
on_cut_log(void *arg)
{
	((struct spec *)arg)->cuts++;
}

static void
on_hurry(void *arg)
{
	((struct spec *)arg)->hurries++;
}

static void
on_look(void *arg)
{
	struct spec *s = arg;

	if (s->until(s)) {
		loop_stop(s->loop);
		return;
	}
	if (++s->looks > PATIENCE_MS / LOOK_MS)
		fail_msg("what is waited for does not happen");
	loop_timer_set(s->timer, LOOK_MS);
}

static void
run_until(struct spec *s, bool (*until)(struct spec *s))
{
	s->until = until;
	s->looks = 0;
	loop_timer_set(s->timer, LOOK_MS);
	loop_run(s->loop);
}

static int
set_up(void **state)
{
	static struct spec s;
	const struct rotation_config config = { .percent = 4,
		.arg = &s,
		.reseal = on_reseal,
		.log_epoch = on_log_epoch,
		.is_transferring = on_is_transferring,
		.is_catching_up = on_is_catching_up,
		.cut_log = on_cut_log,
		.hurry = on_hurry };
	struct rotation_config with = config;
	struct ag_error err;

	s = (struct spec){ .seq = 1, .log_epoch = 1 };
	*state = &s;
	if (directory_make(s.dir) == -1 || loop_new(&s.loop, &err) != AG_OK ||
	    loop_timer_new(&s.timer, s.loop, on_look, &s) != AG_OK)
		return -1;
	(void)snprintf(s.path, sizeof(s.path), "%s/keyring", s.dir);
	(void)snprintf(s.away, sizeof(s.away), "%s/away", s.dir);
	s.keyring = keyrings_make(s.path);
	key_epochs_init(&s.epochs);
	with.loop = s.loop;
	with.keyring = s.keyring;
	s.rotation = rotation_new(&with);
	return s.rotation == NULL ? -1 : 0;
}

static int
tear_down(void **state)
{
	struct spec *s = *state;

	rotation_free(s->rotation);
	loop_timer_close(s->timer);
	loop_free(s->loop);
	keyring_close(s->keyring);
	return directory_remove(s->dir);
}

/* It is agreed that this epoch is next, or (next 0) the present one. */
static void
agree(struct spec *s, uint32_t epoch, uint32_t next)
{
	s->epochs.epoch = epoch;
	s->epochs.next = next;
	s->epochs.next_seq = next == 0 ? 0 : s->seq + KEY_EPOCHS_LEAD;
	s->epochs.serial++;
	rotation_agreed(s->rotation, &s->epochs, ++s->seq);
}

static struct rotation_status
now(struct spec *s)
{
	struct rotation_status status;

	rotation_status(s->rotation, &status);
	return status;
}

static size_t
keys_kept(struct spec *s, enum keyring_state state)
{
	struct keyring_look look;
	size_t count = 0;

	keyring_look(s->keyring, &look);
	for (size_t i = 0; i < look.epoch_count; i++)
		count += look.epochs[i].state == state;
	return count;
}

static bool
has_next_key(struct spec *s)
{
	return keys_kept(s, KEYRING_PRE_ACTIVE) == 1;
}

static bool
seals_with_agreed(struct spec *s)
{
	return now(s).epoch == s->epochs.epoch;
}

static bool
has_one_key(struct spec *s)
{
	return now(s).need == ROTATION_NOTHING && now(s).oldest == now(s).epoch;
}

static bool
has_trouble(struct spec *s)
{
	return now(s).trouble[0] != '\0';
}

static bool
has_no_trouble(struct spec *s)
{
	return !has_trouble(s) && seals_with_agreed(s);
}

static bool
has_cut(struct spec *s)
{
	return s->cuts > 0;
}

static bool
has_hurried(struct spec *s)
{
	return s->hurries > 0;
}

static bool
needs_log(struct spec *s)
{
	return now(s).need == ROTATION_LOG;
}

static bool
needs_transfer(struct spec *s)
{
	return now(s).need == ROTATION_TRANSFER;
}

static void
a_decided_epoch_has_a_key_before_it_begins(void **state)
{
	struct spec *s = *state;

	agree(s, 1, 2);
	run_until(s, has_next_key);
	assert_int_equal(keyring_epoch(s->keyring), 1);
	agree(s, 2, 0);
	run_until(s, seals_with_agreed);
	assert_int_equal(keys_kept(s, KEYRING_DEACTIVATED), 1);
}

static void
a_key_goes_when_values_transfers_and_the_log_need_it_no_more(void **state)
{
	struct spec *s = *state;

	s->is_transferring = true;
	agree(s, 2, 0);
	run_until(s, seals_with_agreed);
	assert_int_equal(now(s).need, ROTATION_VALUES);
	assert_int_equal(s->percent, 4);
	rotation_resealed(s->rotation, 2);
	run_until(s, needs_transfer);
	s->is_transferring = false;
	run_until(s, needs_log);
	assert_int_equal(keys_kept(s, KEYRING_DEACTIVATED), 1);
	assert_int_equal(s->cuts, 0);
	s->log_epoch = 2;
	run_until(s, has_one_key);
	assert_int_equal(keys_kept(s, KEYRING_DESTROYED), 1);
}

static void
values_of_another_state_are_sealed_again_first(void **state)
{
	struct spec *s = *state;

	agree(s, 2, 0);
	run_until(s, seals_with_agreed);
	s->log_epoch = 2;
	rotation_replaced(s->rotation);
	/* That was of an epoch before. */
	rotation_resealed(s->rotation, 1);
	assert_int_equal(now(s).need, ROTATION_VALUES);
	rotation_resealed(s->rotation, 2);
	run_until(s, has_one_key);
}

static void
a_node_that_slept_makes_only_the_key_it_needs(void **state)
{
	struct spec *s = *state;
	struct keyring_look look;

	s->is_catching_up = true;
	agree(s, 1, 2);
	agree(s, 2, 0);
	agree(s, 2, 3);
	agree(s, 3, 0);
	agree(s, 3, 4);
	agree(s, 4, 0);
	run_until(s, seals_with_agreed);
	keyring_look(s->keyring, &look);
	assert_int_equal(look.epoch_count, 2);
	assert_int_equal(look.epochs[1].epoch, 4);
}

static void
who_can_not_write_the_keyring_seals_as_before_and_tries_again(void **state)
{
	struct spec *s = *state;

	assert_int_equal(rename(s->path, s->away), 0);
	agree(s, 2, 0);
	run_until(s, has_trouble);
	assert_int_equal(keyring_epoch(s->keyring), 1);
	assert_non_null(strstr(now(s).trouble,
	    "key epoch 2 is agreed, and this node still seals with 1: "));
	assert_non_null(strstr(now(s).trouble, "No such file"));
	assert_int_equal(rename(s->away, s->path), 0);
	run_until(s, has_no_trouble);
}

static void
suspect_keys_are_replaced_without_pauses_and_the_log_is_cut(void **state)
{
	struct spec *s = *state;

	s->epochs.suspect = 1;
	agree(s, 2, 0);
	run_until(s, seals_with_agreed);
	assert_int_equal(s->percent, 100);
	s->is_transferring = true;
	rotation_resealed(s->rotation, 2);
	run_until(s, has_cut);
	assert_int_equal(now(s).need, ROTATION_TRANSFER);
	s->is_transferring = false;
	run_until(s, needs_log);
	assert_true(rotation_cuts_log(s->rotation));
	s->log_epoch = 2;
	run_until(s, has_one_key);
	assert_false(rotation_cuts_log(s->rotation));
}

static bool
has_full_keyring(struct spec *s)
{
	return keys_kept(s, KEYRING_DEACTIVATED) == KEYRING_EPOCHS_MAX - 1;
}

static void
a_full_keyring_makes_room_when_the_oldest_key_may_go(void **state)
{
	struct spec *s = *state;
	uint32_t epoch;

	for (epoch = 2; epoch <= KEYRING_EPOCHS_MAX; epoch++) {
		agree(s, epoch, 0);
		run_until(s, seals_with_agreed);
	}
	assert_true(has_full_keyring(s));
	agree(s, epoch, 0);
	run_until(s, has_trouble);
	assert_non_null(strstr(now(s).trouble,
	    "epoch 17 is agreed, and this node still seals with 16: its "
	    "keyring is full"));
	assert_int_equal(s->percent, 100);
	rotation_resealed(s->rotation, KEYRING_EPOCHS_MAX);
	run_until(s, has_cut);
	assert_true(rotation_cuts_log(s->rotation));
	assert_true(has_full_keyring(s));
	s->log_epoch = 2;
	run_until(s, has_no_trouble);
	assert_int_equal(keys_kept(s, KEYRING_DEACTIVATED),
	    KEYRING_EPOCHS_MAX - 1);
	rotation_resealed(s->rotation, epoch);
	s->log_epoch = epoch;
	run_until(s, has_one_key);
}

static void
many_keys_are_thinned_out_before_there_is_no_room(void **state)
{
	struct spec *s = *state;

	for (uint32_t epoch = 2; epoch <= KEYRING_EPOCHS_MAX / 2; epoch++) {
		assert_int_equal(s->cuts, 0);
		agree(s, epoch, 0);
		run_until(s, seals_with_agreed);
		rotation_resealed(s->rotation, epoch);
	}
	run_until(s, has_cut);
	assert_false(has_trouble(s));
	assert_true(rotation_cuts_log(s->rotation));
}

static void
where_nothing_else_comes_batches_are_asked_for(void **state)
{
	struct spec *s = *state;

	agree(s, 1, 2);
	run_until(s, has_hurried);
	assert_int_equal(s->hurries, 1);
	rotation_hurried(s->rotation, true);
	assert_int_equal(s->hurries, 2);
	agree(s, 2, 0);
	rotation_hurried(s->rotation, true);
	assert_int_equal(s->hurries, 2);
	run_until(s, seals_with_agreed);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_decided_epoch_has_a_key_before_it_begins),
		TEST(
		    a_key_goes_when_values_transfers_and_the_log_need_it_no_more),
		TEST(values_of_another_state_are_sealed_again_first),
		TEST(a_node_that_slept_makes_only_the_key_it_needs),
		TEST(
		    who_can_not_write_the_keyring_seals_as_before_and_tries_again),
		TEST(
		    suspect_keys_are_replaced_without_pauses_and_the_log_is_cut),
		TEST(a_full_keyring_makes_room_when_the_oldest_key_may_go),
		TEST(many_keys_are_thinned_out_before_there_is_no_room),
		TEST(where_nothing_else_comes_batches_are_asked_for),
	};

	return cmocka_run_group_tests_name("rotation", tests, NULL, NULL);
}
