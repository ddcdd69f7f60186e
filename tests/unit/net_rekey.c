/*
 * Sessions change their keys: after so much, after so long, whoever sends.
 * libssh itself is asked, which says in its log what it sends and gets.
 */
#include "net_fixture.h"

#include <dlfcn.h>
#include <signal.h>
#include <stdatomic.h>

#include <libssh/callbacks.h>
#include <libssh/libssh.h>

#include "crypto/late_ssh.h"

#define SOON_MS 10000
#define BODY_BYTES 100000

static atomic_uint sent, received; /* NEWKEYS, by all I/O threads */

/* libssh's: level and callback are each thread's own. */
static int (*set_level)(int level);
static int (*set_callback)(ssh_logging_callback callback);

static void
on_log(int priority, const char *function, const char *text, void *arg)
{
	(void)priority;
	(void)function;
	(void)arg;
	if (strstr(text, "SSH_MSG_NEWKEYS sent") != NULL)
		atomic_fetch_add(&sent, 1);
	if (strstr(text, "Received SSH_MSG_NEWKEYS") != NULL)
		atomic_fetch_add(&received, 1);
}

static void
listen_here(void)
{
	(void)set_callback(on_log);
	(void)set_level(SSH_LOG_FUNCTIONS);
}

static int
open_cluster(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	void *library = dlopen("libssh.so.4", RTLD_NOW);
	void *found[2];

	if (f == NULL || library == NULL)
		return -1;
	found[0] = dlsym(library, "ssh_set_log_level");
	found[1] = dlsym(library, "ssh_set_log_callback");
	memcpy(&set_level, &found[0], sizeof(set_level));
	memcpy(&set_callback, &found[1], sizeof(set_callback));
	(void)signal(SIGPIPE, SIG_IGN);
	fixture_open(f);
	f->linked = listen_here;
	*state = f;
	return set_level != NULL && set_callback != NULL ? 0 : -1;
}

static int
close_cluster(void **state)
{
	fixture_close(*state);
	free(*state);
	return 0;
}

/* Two nodes whose sessions have done with their first keys. */
static void
start_two(struct fixture *f)
{
	fixture_start(f, 0);
	fixture_start(f, 1);
	assert_true(fixture_wait_link(f, 0, 1, true, SOON_MS));
	assert_true(fixture_wait_link(f, 1, 0, true, SOON_MS));
	atomic_store(&sent, 0);
	atomic_store(&received, 0);
}

/* Frames of 100 kB from one to the other, one by one. */
static void
transfer(struct fixture *f, uint32_t from, uint32_t to, uint64_t bytes)
{
	static uint8_t body[BODY_BYTES];
	uint64_t number = f->nodes[to].from[from], end;

	end = number + bytes / sizeof(body);
	while (number < end) {
		number++;
		memcpy(body, &number, sizeof(number));
		assert_int_equal(fixture_send(f->nodes[from].net, 1U << to,
				     FRAME_CONSENSUS,
				     bytes_of(body, sizeof(body))),
		    AG_OK);
		assert_true(fixture_wait_from(f, to, from, number, SOON_MS));
	}
	assert_int_equal(f->nodes[0].downs + f->nodes[1].downs, 0);
}

static void
keys_change_after_so_much_whichever_end_sends(void **state)
{
	struct fixture *f = *state;
	uint32_t from;

	f->rekey_bytes = 2 << 20;
	start_two(f);
	for (from = 0; from < 2; from++) {
		atomic_store(&sent, 0);
		atomic_store(&received, 0);
		transfer(f, from, 1 - from, 9 << 20);
		/* Both ends send and get one each time: four, at the least,
		 * in nine MiB. */
		assert_in_range(atomic_load(&sent), 2 * 4, 2 * 12);
		assert_in_range(atomic_load(&received), 2 * 4, 2 * 12);
	}
}

static void
keys_stay_below_the_limit(void **state)
{
	struct fixture *f = *state;
	unsigned tries = 5; /* of nine MiB */

	f->rekey_bytes = 64 << 20;
	start_two(f);
	/* The other session, for bulk, may still be at its first keys. */
	do {
		atomic_store(&sent, 0);
		transfer(f, 0, 1, 9 << 20);
	} while (atomic_load(&sent) > 0 && --tries > 0);
	assert_int_equal(atomic_load(&sent), 0);
}

static void
keys_of_an_idle_link_change_after_so_long(void **state)
{
	const struct timespec pause = { .tv_nsec = 10000000 };
	struct fixture *f = *state;
	unsigned waited;

	f->rekey_s = 1;
	start_two(f);
	for (waited = 0; atomic_load(&received) < 4 && waited < SOON_MS;
	     waited += 10)
		(void)nanosleep(&pause, NULL);
	assert_in_range(atomic_load(&received), 4, 1000);
	assert_int_equal(f->nodes[0].downs + f->nodes[1].downs, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define SPEC(name) \
	cmocka_unit_test_setup_teardown(name, open_cluster, close_cluster)
		SPEC(keys_change_after_so_much_whichever_end_sends),
		SPEC(keys_stay_below_the_limit),
		SPEC(keys_of_an_idle_link_change_after_so_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
