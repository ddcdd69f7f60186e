/*
 * Proofs that a key was there at an agreed time, for whoever has the roster.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fixture/presences.h"
#include "trust/presence.h"

#define KEY bytes_from_text("k")

static int
make_scene(void **state)
{
	struct presences *p = presences_new(0);

	presences_apply(p, 1000, "k", bytes_from_text("first"));
	presences_apply(p, 2000, "other", bytes_from_text("x"));
	*state = p;
	return 0;
}

static int
remove_scene(void **state)
{
	presences_free(*state);
	return 0;
}

static void
refused(struct presences *p, enum ag_status expected, const char *words)
{
	assert_int_equal(presence_verify(&p->presence, KEY, &p->roster,
			     &p->err),
	    expected);
	if (strstr(p->err.text, words) == NULL)
		fail_msg("'%s' lacks '%s'", p->err.text, words);
}

static void
a_key_that_is_there_is_proved_with_its_time(void **state)
{
	struct presences *p = *state;
	struct presence_entry entry;

	presences_prove(p, "k", 3);
	presences_must(p,
	    presence_verify(&p->presence, KEY, &p->roster, &p->err));
	assert_int_equal(p->presence.seq, 2);
	assert_int_equal(p->presence.time_ms, 2000);
	presences_must(p, presence_read(&p->presence, &entry, &p->err));
	assert_true(bytes_equal(entry.key, KEY));
	assert_true(bytes_equal(entry.value, bytes_from_text("first")));
	assert_int_equal(entry.version, 1);
	assert_int_equal(entry.created, 1);
	assert_int_equal(entry.modified, 1);
}

static void
time_goes_on_by_batches_that_change_nothing(void **state)
{
	struct presences *p = *state;
	struct presence_entry entry;

	presences_apply(p, 9000, NULL, bytes_of(NULL, 0));
	presences_prove(p, "k", 3);
	presences_must(p,
	    presence_verify(&p->presence, KEY, &p->roster, &p->err));
	assert_int_equal(p->presence.time_ms, 9000);
	presences_must(p, presence_read(&p->presence, &entry, &p->err));
	assert_int_equal(entry.created, 1);
}

static void
a_key_that_came_back_was_created_later(void **state)
{
	struct presences *p = *state;
	struct presence_entry entry;

	presences_apply(p, 3000, "k", bytes_of(NULL, 0));
	presences_apply(p, 4000, "k", bytes_from_text("first"));
	presences_prove(p, "k", 3);
	presences_must(p,
	    presence_verify(&p->presence, KEY, &p->roster, &p->err));
	presences_must(p, presence_read(&p->presence, &entry, &p->err));
	assert_int_equal(entry.created, 4);
}

static void
a_key_that_is_not_there_is_proved_absent(void **state)
{
	struct presences *p = *state;
	struct presence_entry entry;

	presences_apply(p, 3000, "k", bytes_of(NULL, 0));
	presences_prove(p, "k", 3);
	presences_must(p,
	    presence_verify(&p->presence, KEY, &p->roster, &p->err));
	assert_int_equal(p->presence.entry.len, 0);
	assert_int_equal(presence_read(&p->presence, &entry, &p->err),
	    AG_ENOENT);
}

static void
a_state_without_keys_proves_them_absent_too(void **state)
{
	struct presences *p = presences_new(0);

	(void)state;
	presences_apply(p, 1000, NULL, bytes_of(NULL, 0));
	presences_prove(p, "k", 3);
	presences_must(p,
	    presence_verify(&p->presence, KEY, &p->roster, &p->err));
	assert_int_equal(p->presence.entry.len, 0);
	presences_free(p);
}

static void
fewer_than_a_quorum_prove_nothing(void **state)
{
	struct presences *p = *state;

	presences_prove(p, "k", 2);
	refused(p, AG_EFORGED, "too few signers");
}

static void
another_time_sequence_or_state_is_another_digest(void **state)
{
	struct presences *p = *state;

	presences_prove(p, "k", 3);
	p->presence.time_ms++;
	refused(p, AG_EFORGED, "another state");
	p->presence.time_ms--;
	p->presence.seq++;
	refused(p, AG_EFORGED, "another state");
	p->presence.seq--;
	p->presence.sessions.data[0] ^= 1;
	refused(p, AG_EFORGED, "another state");
	p->presence.sessions.data[0] ^= 1;
	p->presence.certificate.phase = VOTE_COMMIT;
	refused(p, AG_EFORGED, "another state");
	p->presence.certificate.phase = VOTE_CHECKPOINT;
	p->entry.data[5] ^= 1;
	refused(p, AG_EFORGED, "");
	p->entry.data[5] ^= 1;
	presences_must(p,
	    presence_verify(&p->presence, KEY, &p->roster, &p->err));
}

static void
another_cluster_s_or_epoch_s_roster_does_not_judge(void **state)
{
	struct presences *p = *state;

	presences_prove(p, "k", 3);
	p->presence.scope.epoch = 1;
	refused(p, AG_ECONFLICT, "of epoch 1");
	p->presence.scope.epoch = 0;
	p->presence.scope.cluster_id[0] ^= 1;
	refused(p, AG_ECONFLICT, "another cluster");
}

static void
what_is_encoded_decodes_and_no_byte_of_it_can_be_changed(void **state)
{
	static struct presence back;
	struct presences *p = *state;
	struct buf out;

	presences_prove(p, "k", 3);
	buf_init(&out, PRESENCE_OVERHEAD + PRESENCE_ENTRY_BYTES_MAX);
	presences_encode(p, &out);
	presences_must(p, presence_decode(&back, buf_bytes(&out), &p->err));
	presences_must(p, presence_verify(&back, KEY, &p->roster, &p->err));
	for (size_t i = 0; i < out.len; i++) {
		out.data[i] ^= 1;
		if (presence_decode(&back, buf_bytes(&out), NULL) == AG_OK)
			assert_int_not_equal(presence_verify(&back, KEY,
						 &p->roster, NULL),
			    AG_OK);
		out.data[i] ^= 1;
		assert_int_not_equal(presence_decode(&back,
					 bytes_of(out.data, i), NULL),
		    AG_OK);
	}
	buf_fini(&out);
}

#define SPEC(name) \
	cmocka_unit_test_setup_teardown(name, make_scene, remove_scene)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SPEC(a_key_that_is_there_is_proved_with_its_time),
		SPEC(time_goes_on_by_batches_that_change_nothing),
		SPEC(a_key_that_came_back_was_created_later),
		SPEC(a_key_that_is_not_there_is_proved_absent),
		cmocka_unit_test(a_state_without_keys_proves_them_absent_too),
		SPEC(fewer_than_a_quorum_prove_nothing),
		SPEC(another_time_sequence_or_state_is_another_digest),
		SPEC(another_cluster_s_or_epoch_s_roster_does_not_judge),
		SPEC(what_is_encoded_decodes_and_no_byte_of_it_can_be_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
