/*
 * The event loop: one thread, everything that happens to it, in order.
 *
 * A thin layer on libuv, so that the rest of AEGIS sees timers, descriptors,
 * signals and posts from other threads, and nothing else.  A process may
 * have several loops; there is no default one.
 *
 * Ownership  watches belong to their creator and are closed with their
 *            *_close(); closing is safe inside callbacks and no callback
 *            follows it.  loop_free() requires every watch closed.
 * Threads    a loop and its watches belong to the thread that runs it, but
 *            loop_post() may be called from any thread.
 */
#ifndef AEGIS_EVENT_LOOP_H
#define AEGIS_EVENT_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

struct loop;
struct loop_timer;
struct loop_fd;
struct loop_signal;

typedef void loop_fn(void *arg);
typedef void loop_fd_fn(void *arg, bool readable, bool writable);
typedef void loop_signal_fn(void *arg, int signo);

enum ag_status loop_new(struct loop **out, struct ag_error *err) AG_MUST_USE;
void loop_free(struct loop *loop);

/* Run until loop_stop() or until nothing is left to wait for. */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/*
 * Call fn on the loop's thread, soon.  Posts are run in order; several from
 * one moment are run in one turn.  AG_ENOMEM is the only failure.
 */
enum ag_status loop_post(struct loop *loop, loop_fn *fn, void *arg) AG_MUST_USE;

/*
 * Forget what was posted for arg and was not run yet: it is about to be freed,
 * and nobody posts for it any more.
 */
void loop_unpost(struct loop *loop, const void *arg);

/* Nothing that was posted waits to be run. */
bool loop_is_idle(struct loop *loop);

/* fn runs at the end of every turn that had any event (the driver's flush). */
void loop_after_turn(struct loop *loop, loop_fn *fn, void *arg);

/* One-shot timers; set again from the callback to repeat. */
enum ag_status loop_timer_new(struct loop_timer **out, struct loop *loop,
    loop_fn *fn, void *arg) AG_MUST_USE;
void loop_timer_set(struct loop_timer *timer, uint64_t delay_ms);
void loop_timer_cancel(struct loop_timer *timer);
void loop_timer_close(struct loop_timer *timer);

enum ag_status loop_fd_new(struct loop_fd **out, struct loop *loop, int fd,
    loop_fd_fn *fn, void *arg, struct ag_error *err) AG_MUST_USE;
void loop_fd_want(struct loop_fd *watch, bool readable, bool writable);
void loop_fd_close(struct loop_fd *watch);

enum ag_status loop_signal_new(struct loop_signal **out, struct loop *loop,
    int signo, loop_signal_fn *fn, void *arg, struct ag_error *err) AG_MUST_USE;
void loop_signal_close(struct loop_signal *watch);

/*
 * Run work on a pool thread, then done on the loop's thread.  Work gets only
 * what arg owns; it touches no loop.
 */
enum ag_status loop_work(struct loop *loop, loop_fn *work, loop_fn *done,
    void *arg) AG_MUST_USE;

#endif
