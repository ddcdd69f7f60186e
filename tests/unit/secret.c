/*
 * Where secrets lie, and what becomes of them.
 *
 * What may not be touched is read through /proc/self/mem, which asks no
 * sanitizer; what must not happen is done by a child, whose end is looked at.
 */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "crypto/secret.h"
#include "crypto/secret_arena.h"
#include "crypto/secret_crash.h"

#define LARGE_BYTES 100000
#define LINE_BYTES 512
#define THREADS 4
#define ROUNDS 2000

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_CHECKED_BUILD true
#else
#define IS_CHECKED_BUILD false
#endif

static const char words[] = "the crow flies at midnight";

static struct secret *
words_secret(void)
{
	struct secret *secret = secret_copy(bytes_from_text(words));

	assert_non_null(secret);
	return secret;
}

/* What stands there, whether or not it may be touched. */
static void
look(uint8_t *out, const void *at, size_t len)
{
	int fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);

	assert_int_not_equal(fd, -1);
	assert_int_equal(pread(fd, out, len, (off_t)(uintptr_t)at), len);
	(void)close(fd);
}

/* As they are without cmocka. */
static void
reset_signals(void)
{
	static const int numbers[] = { SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV,
		SIGSYS };
	const struct sigaction standard = { .sa_handler = SIG_DFL };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		(void)sigaction(numbers[i], &standard, NULL);
}

/* How a child ends that does this; its complaints are not shown. */
static int
ends(void (*act)(void))
{
	const struct rlimit none = { 0, 0 };
	int status = 0, fd;
	pid_t child;

	(void)fflush(NULL);
	child = fork();
	assert_int_not_equal(child, -1);
	if (child == 0) {
		fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
		(void)dup2(fd, STDERR_FILENO);
		(void)setrlimit(RLIMIT_CORE, &none);
		reset_signals();
		act();
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static bool
is_well(int status)
{
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool
dies_of(int status, int signo)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == signo;
}

static void
secrets_of_every_length_are_zeros_and_apart(void **state)
{
	static struct secret *all[3000];
	const size_t count = sizeof(all) / sizeof(all[0]);
	size_t made = 0;

	(void)state;
	for (size_t i = 0; i < count; i++) {
		all[i] = secret_new(1 + i * 7 % 300);
		if (all[i] == NULL)
			break;
		made++;
		for (size_t k = 0; k < secret_len(all[i]); k++)
			assert_int_equal(secret_data(all[i])[k], 0);
		assert_int_equal((uintptr_t)secret_data(all[i]) % 16, 0);
		memset(secret_data(all[i]), (int)(i % 251), secret_len(all[i]));
	}
	/* More than mappings of their own would allow, and not without end. */
	assert_in_range(made, 800, count - 1);
	for (size_t i = 0; i < made; i++)
		for (size_t k = 0; k < secret_len(all[i]); k++)
			assert_int_equal(secret_data(all[i])[k], i % 251);
	for (size_t i = 0; i < made; i++)
		secret_free(all[i]);
	all[0] = secret_new(300);
	assert_non_null(all[0]);
	secret_free(all[0]);
}

static void
large_secrets_are_bounded(void **state)
{
	struct secret *all[SECRET_ARENA_LARGE_MAX];
	struct secret *half;

	(void)state;
	assert_null(secret_new(SECRET_ARENA_LARGE_BYTES_MAX + 1));
	assert_null(secret_new(SIZE_MAX / 2));
	for (size_t i = 0; i < SECRET_ARENA_LARGE_MAX; i++) {
		all[i] = secret_new(LARGE_BYTES);
		assert_non_null(all[i]);
	}
	assert_null(secret_new(LARGE_BYTES));
	for (size_t i = 0; i < SECRET_ARENA_LARGE_MAX; i++)
		secret_free(all[i]);
	half = secret_new(SECRET_ARENA_LARGE_BYTES_MAX / 2 + 1);
	assert_non_null(half);
	assert_null(secret_new(SECRET_ARENA_LARGE_BYTES_MAX / 2 + 1));
	secret_free(half);
}

static void
what_is_freed_or_cut_off_is_wiped(void **state)
{
	static const uint8_t zeros[sizeof(words)];
	struct secret *secret = words_secret();
	uint8_t seen[sizeof(words) - 1];
	const uint8_t *at = secret_data(secret);

	(void)state;
	look(seen, at, sizeof(seen));
	assert_memory_equal(seen, words, sizeof(seen));
	secret_shorten(secret, 4);
	look(seen, at, sizeof(seen));
	assert_memory_equal(seen, words, 4);
	assert_memory_equal(seen + 4, zeros, sizeof(seen) - 4);
	secret_free(secret);
	look(seen, at, sizeof(seen));
	assert_memory_equal(seen, zeros, sizeof(seen));
}

/* What the kernel says of the mapping that at lies in. */
struct mapping {
	uintptr_t from, to;
	char flags[LINE_BYTES];
};

static struct mapping
mapping_of(const void *at)
{
	FILE *file = fopen("/proc/self/smaps", "re");
	struct mapping m = { 0 };
	char line[LINE_BYTES], *end;
	uintptr_t from;

	assert_non_null(file);
	while (m.flags[0] == '\0' && fgets(line, sizeof(line), file) != NULL) {
		from = (uintptr_t)strtoull(line, &end, 16);
		if (end != line && *end == '-') {
			m.from = from;
			m.to = (uintptr_t)strtoull(end + 1, NULL, 16);
		} else if (m.from <= (uintptr_t)at && (uintptr_t)at < m.to &&
		    strncmp(line, "VmFlags:", 8) == 0) {
			memcpy(m.flags, line, sizeof(line));
		}
	}
	(void)fclose(file);
	assert_int_not_equal(m.flags[0], '\0');
	return m;
}

static void
check_flags(size_t len)
{
	struct secret *secret = secret_new(len);
	struct mapping m = mapping_of(secret_data(secret));

	assert_non_null(strstr(m.flags, " dd"));
	assert_non_null(strstr(m.flags, " wf"));
	if (secret_is_locked())
		assert_non_null(strstr(m.flags, " lo"));
	secret_free(secret);
}

static void
begin_behind_the_end(void)
{
	struct secret *secret = words_secret();

	secret_arena_wipe();
	if (secret != NULL && secret_new(32) == NULL)
		_exit(0);
	_exit(1);
}

static void
none_begins_once_all_were_wiped(void **state)
{
	(void)state;
	assert_true(is_well(ends(begin_behind_the_end)));
}

static void
memory_is_locked_undumped_and_wiped_on_fork(void **state)
{
	(void)state;
	check_flags(32);
	check_flags(LARGE_BYTES);
}

static void
write_behind(void)
{
	struct secret *secret = words_secret();

	secret_data(secret)[secret_len(secret)] ^= 1;
	secret_free(secret);
}

static void
write_in_front(void)
{
	struct secret *secret = words_secret();

	secret_data(secret)[-1] ^= 1;
	secret_free(secret);
}

static void
write_behind_large(void)
{
	struct secret *secret = secret_new(LARGE_BYTES);

	secret_data(secret)[secret_len(secret)] ^= 1;
	secret_free(secret);
}

static void
free_twice(void)
{
	void *data = secret_arena_new(32);

	secret_arena_free(data, 32);
	secret_arena_free(data, 32);
}

static void
free_as_longer(void)
{
	secret_arena_free(secret_arena_new(32), 33);
}

static void
a_write_outside_of_a_secret_ends_the_process(void **state)
{
	static void (*const acts[])(void) = { write_behind, write_in_front,
		write_behind_large, free_twice, free_as_longer };

	(void)state;
	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
		int status = ends(acts[i]);

		assert_false(is_well(status));
		if (!IS_CHECKED_BUILD)
			assert_true(dies_of(status, SIGABRT));
	}
}

static const volatile uint8_t *forbidden;

static void
touch_forbidden(void)
{
	_exit(*forbidden & 0);
}

static void
check_around(size_t len)
{
	struct secret *secret = secret_new(len);
	struct mapping m = mapping_of(secret_data(secret));

	forbidden = (const uint8_t *)m.from - 1;
	assert_true(dies_of(ends(touch_forbidden), SIGSEGV));
	forbidden = (const uint8_t *)m.to;
	assert_true(dies_of(ends(touch_forbidden), SIGSEGV));
	secret_free(secret);
}

static void
pages_of_no_access_are_around(void **state)
{
	struct secret *secret = secret_new(LARGE_BYTES);
	struct mapping m = mapping_of(secret_data(secret));

	(void)state;
	/* A large secret ends where they begin, but for its canary. */
	assert_in_range(m.to - (uintptr_t)(secret_data(secret) + LARGE_BYTES),
	    16, 31);
	secret_free(secret);
	check_around(32);
	check_around(LARGE_BYTES);
}

static struct secret *parents[2];

/* Read by others: the child's is zeros, and freed without a complaint. */
static void
use_as_child(void)
{
	struct secret *own = words_secret();

	for (size_t i = 0; i < 2; i++) {
		for (size_t k = 0; k < secret_len(parents[i]); k++)
			if (secret_data(parents[i])[k] != 0)
				_exit(1);
		secret_free(parents[i]);
	}
	if (!bytes_equal(secret_bytes(own), bytes_from_text(words)))
		_exit(2);
	secret_free(own);
}

static void
a_child_has_none_of_its_parents_secrets(void **state)
{
	(void)state;
	parents[0] = words_secret();
	parents[1] = secret_random(LARGE_BYTES);
	assert_true(is_well(ends(use_as_child)));
	assert_true(
	    bytes_equal(secret_bytes(parents[0]), bytes_from_text(words)));
	secret_free(parents[0]);
	secret_free(parents[1]);
}

/* A child begins with what its parent has locked, and may lock no more. */
static void
live_without_locks(void)
{
	const struct rlimit none = { 0, 0 };
	struct secret *secret;

	if (setrlimit(RLIMIT_MEMLOCK, &none) == -1 ||
	    (geteuid() == 0 && setuid(65534) == -1))
		_exit(1);
	secret = secret_new(LARGE_BYTES);
	if (secret == NULL)
		_exit(2);
	if (secret_is_locked())
		_exit(3);
	secret_free(secret);
}

static void
where_no_memory_may_be_locked_secrets_are_made_and_it_is_known(void **state)
{
	(void)state;
	assert_true(is_well(ends(live_without_locks)));
}

static const struct secret *doomed;

static void
look_after_wiping(int signo)
{
	(void)signo;
	for (size_t i = 0; i < sizeof(words) - 1; i++)
		if (secret_bytes(doomed).data[i] != 0)
			_exit(1);
	_exit(0);
}

static void
crash_watched(int signo)
{
	const struct sigaction action = { .sa_handler = look_after_wiping };

	(void)sigaction(signo, &action, NULL);
	doomed = words_secret();
	secret_crash_catch();
	secret_crash_catch();
	(void)raise(signo);
	_exit(2);
}

static void
crash_by_segv(void)
{
	crash_watched(SIGSEGV);
}

static void
crash_by_assertion(void)
{
	crash_watched(SIGABRT);
}

static void
crash_unwatched(void)
{
	(void)words_secret();
	secret_forbid_dumps();
	(void)raise(SIGQUIT);
}

static void
ignore_and_go_on(void)
{
	const struct sigaction ignore = { .sa_handler = SIG_IGN };

	(void)sigaction(SIGXFSZ, &ignore, NULL);
	secret_crash_catch();
	(void)raise(SIGXFSZ);
}

static void
who_dies_of_a_signal_wipes_its_secrets_first(void **state)
{
	int status;

	(void)state;
	assert_true(is_well(ends(crash_by_segv)));
	assert_true(is_well(ends(crash_by_assertion)));
	status = ends(crash_unwatched);
	assert_true(dies_of(status, SIGQUIT));
	assert_false(WCOREDUMP(status));
	assert_true(is_well(ends(ignore_and_go_on)));
}

static void
ask_for_dumps(void)
{
	const struct rlimit most = { RLIM_INFINITY, RLIM_INFINITY };
	struct rlimit left;

	(void)setrlimit(RLIMIT_CORE, &most);
	secret_forbid_dumps();
	if (prctl(PR_GET_DUMPABLE) != 0 ||
	    getrlimit(RLIMIT_CORE, &left) == -1 || left.rlim_max != 0)
		_exit(1);
}

static void
forbidden_dumps_cannot_be_allowed_by_a_limit(void **state)
{
	(void)state;
	assert_true(is_well(ends(ask_for_dumps)));
}

static void *
make_and_free(void *arg)
{
	const uint8_t mark = *(const uint8_t *)arg;

	for (size_t i = 0; i < ROUNDS; i++) {
		struct secret *secret = secret_new(1 + i % 200);
		uint8_t *data = secret_data(secret);

		memset(data, mark, secret_len(secret));
		for (size_t k = 0; k < secret_len(secret); k++)
			if (data[k] != mark)
				return NULL;
		secret_free(secret);
	}
	return arg;
}

static void
threads_share_the_arena(void **state)
{
	pthread_t threads[THREADS];
	uint8_t marks[THREADS];
	void *result;

	(void)state;
	for (size_t i = 0; i < THREADS; i++) {
		marks[i] = (uint8_t)(i + 1);
		assert_int_equal(pthread_create(&threads[i], NULL,
				     make_and_free, &marks[i]),
		    0);
	}
	for (size_t i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], &result), 0);
		assert_ptr_equal(result, &marks[i]);
	}
}

static uint64_t
thread_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void
a_key_is_made_and_freed_in_less_than_a_microsecond(void **state)
{
	uint64_t best = UINT64_MAX;

	(void)state;
	if (IS_CHECKED_BUILD)
		skip();
	for (size_t round = 0; round < 50; round++) {
		uint64_t begin = thread_ns(), took;

		for (size_t i = 0; i < 1000; i++)
			secret_free(secret_new(32));
		took = (thread_ns() - begin) / 1000;
		if (took < best)
			best = took;
	}
	print_message("%llu ns\n", (unsigned long long)best);
	assert_in_range(best, 0, 999);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(secrets_of_every_length_are_zeros_and_apart),
		cmocka_unit_test(large_secrets_are_bounded),
		cmocka_unit_test(what_is_freed_or_cut_off_is_wiped),
		cmocka_unit_test(none_begins_once_all_were_wiped),
		cmocka_unit_test(memory_is_locked_undumped_and_wiped_on_fork),
		cmocka_unit_test(a_write_outside_of_a_secret_ends_the_process),
		cmocka_unit_test(pages_of_no_access_are_around),
		cmocka_unit_test(a_child_has_none_of_its_parents_secrets),
		cmocka_unit_test(
		    where_no_memory_may_be_locked_secrets_are_made_and_it_is_known),
		cmocka_unit_test(who_dies_of_a_signal_wipes_its_secrets_first),
		cmocka_unit_test(forbidden_dumps_cannot_be_allowed_by_a_limit),
		cmocka_unit_test(threads_share_the_arena),
		cmocka_unit_test(
		    a_key_is_made_and_freed_in_less_than_a_microsecond),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
