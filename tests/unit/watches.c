/*
 * Watches: who sees which change, and from where on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "node/watches.h"

/* What a watcher was shown, as "SEQ key SEQ key " and "end". */
struct seen {
	char text[256];
};

static void
on_change(void *arg, const struct node_change *change)
{
	struct seen *seen = arg;
	const size_t len = strlen(seen->text);
	char *at = seen->text + len;
	const size_t room = sizeof(seen->text) - len;

	if (change == NULL)
		(void)snprintf(at, room, "end");
	else
		(void)snprintf(at, room, "%llu %.*s ",
		    (unsigned long long)change->seq, (int)change->entry.key.len,
		    (const char *)change->entry.key.data);
}

static void
put(struct watches *w, uint64_t seq, const char *key)
{
	const struct store_change change = {
		.seq = seq,
		.entry = { .key = bytes_from_text(key),
		    .value = bytes_from_text("v") },
	};

	watches_publish(w, &change, 1, seq);
}

static struct node_watch *
watch(struct watches *w, const char *first, const char *last, uint64_t from,
    struct seen *seen)
{
	struct node_watch *out;
	struct ag_error err;

	*seen = (struct seen){ 0 };
	assert_int_equal(watches_add(&out, w, bytes_from_text(first),
			     bytes_from_text(last), from, on_change, seen,
			     &err),
	    AG_OK);
	return out;
}

static void
watch_sees_the_keys_of_its_range_and_no_others(void **state)
{
	static const char *const ranges[][2] = { { "w", "x" },
		{ "key/0123", "key/0124" },
		{ "key/0123456789abcdef", "key/0123456789abcdeg" } };
	struct watches *w = watches_new(1U << 20, 0);
	struct node_watch *watched;
	struct seen seen;
	char expected[64];
	uint64_t seq = 0;
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		watched = watch(w, ranges[i][0], ranges[i][1], 0, &seen);
		put(w, ++seq, "a");
		put(w, ++seq, ranges[i][0]);
		put(w, ++seq, ranges[i][1]);
		(void)snprintf(expected, sizeof(expected), "%llu %s ",
		    (unsigned long long)seq - 1, ranges[i][0]);
		assert_string_equal(seen.text, expected);
		watches_remove(watched);
	}
	watches_free(w);
}

static void
watch_without_a_last_key_sees_all_from_the_first_on(void **state)
{
	struct watches *w = watches_new(1U << 20, 0);
	struct seen all, some;

	(void)state;
	(void)watch(w, "", "", 0, &all);
	(void)watch(w, "b", "", 0, &some);
	put(w, 1, "a");
	put(w, 2, "b");
	put(w, 3, "\xff");
	assert_string_equal(all.text, "1 a 2 b 3 \xff ");
	assert_string_equal(some.text, "2 b 3 \xff ");
	watches_free(w);
}

static void
watch_from_the_past_begins_with_what_is_kept(void **state)
{
	struct watches *w = watches_new(1U << 20, 4);
	struct node_watch *out;
	struct ag_error err;
	struct seen seen, more;

	(void)state;
	put(w, 5, "a");
	put(w, 6, "b");
	put(w, 7, "a");
	(void)watch(w, "a", "b", 6, &seen);
	assert_string_equal(seen.text, "7 a ");
	(void)watch(w, "a", "b", 5, &more);
	put(w, 8, "a");
	assert_string_equal(seen.text, "7 a 8 a ");
	assert_string_equal(more.text, "5 a 7 a 8 a ");
	assert_int_equal(watches_add(&out, w, bytes_from_text("a"),
			     bytes_from_text("b"), 4, on_change, &seen, &err),
	    AG_ENOENT);
	assert_non_null(strstr(err.text, "before 5 are no longer kept"));
	watches_free(w);
}

static void
watch_from_the_future_is_shown_nothing_older(void **state)
{
	struct watches *w = watches_new(1U << 20, 4);
	struct seen seen;

	(void)state;
	(void)watch(w, "", "", 7, &seen);
	put(w, 5, "a");
	put(w, 6, "a");
	put(w, 7, "a");
	assert_string_equal(seen.text, "7 a ");
	watches_free(w);
}

static void
jump_of_the_state_ends_watches_and_forgets(void **state)
{
	struct watches *w = watches_new(1U << 20, 0);
	struct node_watch *out;
	struct ag_error err;
	struct seen seen;

	(void)state;
	(void)watch(w, "", "", 0, &seen);
	put(w, 1, "a");
	watches_reset(w, 10);
	put(w, 11, "a");
	assert_string_equal(seen.text, "1 a end");
	assert_int_equal(watches_add(&out, w, bytes_from_text(""),
			     bytes_from_text(""), 10, on_change, &seen, &err),
	    AG_ENOENT);
	watches_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    watch_sees_the_keys_of_its_range_and_no_others),
		cmocka_unit_test(
		    watch_without_a_last_key_sees_all_from_the_first_on),
		cmocka_unit_test(watch_from_the_past_begins_with_what_is_kept),
		cmocka_unit_test(watch_from_the_future_is_shown_nothing_older),
		cmocka_unit_test(jump_of_the_state_ends_watches_and_forgets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
