/*
 * The event loop, as its users may rely on it.
 */
#include "event/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

#define POSTS 1000

struct spec {
	struct loop *loop;
	struct loop_timer *timer;
	struct loop_timer *other;
	struct loop_fd *watch;
	struct loop_signal *signal;
	int fds[2];
	unsigned int fired;
	unsigned int turns;
	unsigned int order[POSTS];
	bool readable;
	bool writable;
	int signo;
	pthread_t worker;
};

struct numbered {
	struct spec *spec;
	unsigned int number;
};

static int
set_up(void **state)
{
	static struct spec spec;
	struct ag_error err;

	spec = (struct spec){ 0 };
	*state = &spec;
	return loop_new(&spec.loop, &err) == AG_OK ? 0 : -1;
}

static int
tear_down(void **state)
{
	struct spec *spec = *state;

	loop_free(spec->loop);
	return 0;
}

static void
count(void *arg)
{
	struct spec *spec = arg;

	spec->fired++;
}

static void
count_turn(void *arg)
{
	struct spec *spec = arg;

	spec->turns++;
}

static void
note_number(void *arg)
{
	struct numbered *numbered = arg;
	struct spec *spec = numbered->spec;

	spec->order[spec->fired++] = numbered->number;
	if (spec->fired == POSTS)
		loop_timer_close(spec->timer);
}

static void
never(void *arg)
{
	(void)arg;
	fail_msg("called after close");
}

/* Posted for the other two: the first to run takes the last one back. */
static void
take_back(void *arg)
{
	struct numbered *numbered = arg;

	loop_unpost(numbered[0].spec->loop, &numbered[1]);
	numbered[0].spec->fired++;
}

static void
what_is_taken_back_is_not_run(void **state)
{
	struct spec *spec = *state;
	struct numbered numbered[2] = { { spec, 0 }, { spec, 1 } };

	assert_int_equal(loop_post(spec->loop, never, &numbered[1]), AG_OK);
	loop_unpost(spec->loop, &numbered[1]);
	assert_int_equal(loop_post(spec->loop, take_back, numbered), AG_OK);
	assert_int_equal(loop_post(spec->loop, never, &numbered[1]), AG_OK);
	assert_int_equal(loop_timer_new(&spec->timer, spec->loop, count, spec),
	    AG_OK);
	loop_timer_set(spec->timer, 10);
	loop_run(spec->loop);
	assert_int_equal(spec->fired, 2);
	loop_timer_close(spec->timer);
}

static void
loop_with_nothing_to_wait_for_ends(void **state)
{
	struct spec *spec = *state;

	loop_run(spec->loop);
}

static void
timer_fires_once_and_not_early(void **state)
{
	struct spec *spec = *state;
	uint64_t began = clock_mono_us();

	assert_int_equal(loop_timer_new(&spec->timer, spec->loop, count, spec),
	    AG_OK);
	loop_timer_set(spec->timer, 20);
	loop_run(spec->loop);
	assert_int_equal(spec->fired, 1);
	assert_true(clock_mono_us() - began >= 19000);
	loop_timer_close(spec->timer);
}

static void
cancelled_timer_does_not_fire(void **state)
{
	struct spec *spec = *state;

	assert_int_equal(loop_timer_new(&spec->timer, spec->loop, never, spec),
	    AG_OK);
	loop_timer_set(spec->timer, 1);
	loop_timer_cancel(spec->timer);
	loop_run(spec->loop);
	loop_timer_close(spec->timer);
}

static void
close_other(void *arg)
{
	struct spec *spec = arg;

	loop_timer_close(spec->other);
	loop_timer_close(spec->timer);
}

static void
no_callback_follows_a_close_inside_a_callback(void **state)
{
	struct spec *spec = *state;

	assert_int_equal(loop_timer_new(&spec->timer, spec->loop, close_other,
			     spec),
	    AG_OK);
	assert_int_equal(loop_timer_new(&spec->other, spec->loop, never, spec),
	    AG_OK);
	loop_timer_set(spec->timer, 1);
	loop_timer_set(spec->other, 1);
	loop_run(spec->loop);
}

static void
post_on_an_idle_loop_is_run(void **state)
{
	struct spec *spec = *state;

	assert_int_equal(loop_post(spec->loop, count, spec), AG_OK);
	loop_run(spec->loop);
	assert_int_equal(spec->fired, 1);
}

static struct numbered numbered[POSTS];

static void *
post_all(void *arg)
{
	struct spec *spec = arg;

	for (unsigned int i = 0; i < POSTS; i++) {
		numbered[i] = (struct numbered){ spec, i };
		if (loop_post(spec->loop, note_number, &numbered[i]) != AG_OK)
			return spec;
	}
	return NULL;
}

static void
posts_from_another_thread_run_in_order(void **state)
{
	struct spec *spec = *state;
	pthread_t thread;
	void *failed;

	/* A far timer keeps the loop waiting until the last post. */
	assert_int_equal(loop_timer_new(&spec->timer, spec->loop, never, spec),
	    AG_OK);
	loop_timer_set(spec->timer, 60000);
	assert_int_equal(pthread_create(&thread, NULL, post_all, spec), 0);
	loop_run(spec->loop);
	assert_int_equal(pthread_join(thread, &failed), 0);
	assert_null(failed);
	assert_int_equal(spec->fired, POSTS);
	for (unsigned int i = 0; i < POSTS; i++)
		assert_int_equal(spec->order[i], i);
}

static void
posts_of_one_moment_share_one_turn(void **state)
{
	struct spec *spec = *state;

	loop_after_turn(spec->loop, count_turn, spec);
	for (int i = 0; i < 5; i++)
		assert_int_equal(loop_post(spec->loop, count, spec), AG_OK);
	loop_run(spec->loop);
	assert_int_equal(spec->fired, 5);
	assert_int_equal(spec->turns, 1);
}

static void
what_is_stopped_while_it_does_not_run_is_freed(void **state)
{
	struct spec *spec = *state;

	loop_run(spec->loop);
	loop_stop(spec->loop);
}

static void
a_timer_alone_makes_a_turn(void **state)
{
	struct spec *spec = *state;

	loop_after_turn(spec->loop, count_turn, spec);
	assert_int_equal(loop_timer_new(&spec->timer, spec->loop, count, spec),
	    AG_OK);
	loop_timer_set(spec->timer, 1);
	loop_run(spec->loop);
	assert_int_equal(spec->turns, 1);
	loop_timer_close(spec->timer);
}

static void
stop_and_post(void *arg)
{
	struct spec *spec = arg;

	loop_stop(spec->loop);
	assert_int_equal(loop_post(spec->loop, count, spec), AG_OK);
}

static void
stopped_loop_runs_no_more_posts_until_run_again(void **state)
{
	struct spec *spec = *state;

	assert_int_equal(loop_post(spec->loop, stop_and_post, spec), AG_OK);
	loop_run(spec->loop);
	assert_int_equal(spec->fired, 0);
	loop_run(spec->loop);
	assert_int_equal(spec->fired, 1);
}

static void
posts_never_run_are_freed_with_the_loop(void **state)
{
	struct spec *spec = *state;

	assert_int_equal(loop_post(spec->loop, never, NULL), AG_OK);
}

static void
note_ready(void *arg, bool readable, bool writable)
{
	struct spec *spec = arg;

	spec->fired++;
	spec->readable = readable;
	spec->writable = writable;
	loop_fd_close(spec->watch);
}

static void
watch_pair(struct spec *spec)
{
	struct ag_error err;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
			     spec->fds),
	    0);
	assert_int_equal(loop_fd_new(&spec->watch, spec->loop, spec->fds[0],
			     note_ready, spec, &err),
	    AG_OK);
}

static void
close_pair(struct spec *spec)
{
	(void)close(spec->fds[0]);
	(void)close(spec->fds[1]);
}

static void
descriptor_tells_only_what_was_wanted(void **state)
{
	struct spec *spec = *state;

	watch_pair(spec);
	assert_int_equal(write(spec->fds[1], "x", 1), 1);
	loop_fd_want(spec->watch, true, false);
	loop_run(spec->loop);
	assert_int_equal(spec->fired, 1);
	assert_true(spec->readable);
	assert_false(spec->writable);
	close_pair(spec);
}

static void
descriptor_wanted_for_nothing_keeps_no_loop_running(void **state)
{
	struct spec *spec = *state;

	watch_pair(spec);
	loop_fd_want(spec->watch, true, true);
	loop_fd_want(spec->watch, false, false);
	loop_run(spec->loop);
	assert_int_equal(spec->fired, 0);
	loop_fd_close(spec->watch);
	close_pair(spec);
}

static void
hangup_is_seen_as_readable(void **state)
{
	struct spec *spec = *state;

	watch_pair(spec);
	assert_int_equal(shutdown(spec->fds[1], SHUT_RDWR), 0);
	loop_fd_want(spec->watch, true, false);
	loop_run(spec->loop);
	assert_true(spec->readable);
	close_pair(spec);
}

static void
bad_descriptor_is_refused_with_a_reason(void **state)
{
	struct spec *spec = *state;
	struct ag_error err;

	assert_int_not_equal(loop_fd_new(&spec->watch, spec->loop, 9999,
				 note_ready, spec, &err),
	    AG_OK);
	assert_null(spec->watch);
	assert_non_null(strstr(err.text, "watch descriptor: "));
}

static void
note_signal(void *arg, int signo)
{
	struct spec *spec = arg;

	spec->signo = signo;
	loop_signal_close(spec->signal);
}

static void
signal_arrives_on_the_loop(void **state)
{
	struct spec *spec = *state;
	struct ag_error err;

	assert_int_equal(loop_signal_new(&spec->signal, spec->loop, SIGUSR1,
			     note_signal, spec, &err),
	    AG_OK);
	assert_int_equal(raise(SIGUSR1), 0);
	loop_run(spec->loop);
	assert_int_equal(spec->signo, SIGUSR1);
}

static void
note_worker(void *arg)
{
	struct spec *spec = arg;

	spec->worker = pthread_self();
	spec->fired = 1;
}

static void
note_done(void *arg)
{
	struct spec *spec = arg;

	assert_int_equal(spec->fired, 1);
	assert_false(pthread_equal(spec->worker, pthread_self()));
	spec->fired = 2;
}

static void
work_is_done_elsewhere_and_finished_here(void **state)
{
	struct spec *spec = *state;

	assert_int_equal(loop_work(spec->loop, note_worker, note_done, spec),
	    AG_OK);
	loop_run(spec->loop);
	assert_int_equal(spec->fired, 2);
}

#define SPEC(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SPEC(loop_with_nothing_to_wait_for_ends),
		SPEC(what_is_taken_back_is_not_run),
		SPEC(timer_fires_once_and_not_early),
		SPEC(cancelled_timer_does_not_fire),
		SPEC(no_callback_follows_a_close_inside_a_callback),
		SPEC(post_on_an_idle_loop_is_run),
		SPEC(posts_from_another_thread_run_in_order),
		SPEC(posts_of_one_moment_share_one_turn),
		SPEC(what_is_stopped_while_it_does_not_run_is_freed),
		SPEC(a_timer_alone_makes_a_turn),
		SPEC(stopped_loop_runs_no_more_posts_until_run_again),
		SPEC(posts_never_run_are_freed_with_the_loop),
		SPEC(descriptor_tells_only_what_was_wanted),
		SPEC(descriptor_wanted_for_nothing_keeps_no_loop_running),
		SPEC(hangup_is_seen_as_readable),
		SPEC(bad_descriptor_is_refused_with_a_reason),
		SPEC(signal_arrives_on_the_loop),
		SPEC(work_is_done_elsewhere_and_finished_here),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
