/*
 * The last act: secrets are wiped before a core can be written.
 *
 * It is a second line.  Dumps are forbidden already, and a kernel that writes
 * one all the same leaves the arena out; this is for whoever allows dumps to
 * a running process, and for debuggers that wait for its end.
 *
 * RULES    1. The handler does nothing that is not async-signal-safe, and
 *             needs no memory.
 *          2. Another thread may use a secret while it is wiped, and gets
 *             zeros; a new one it does not get.  Who seals with one asks
 *             secret_is_wiped() afterwards: what zeros sealed, anybody opens
 *             and we do not.
 *
 * NOT HERE A stack that has run full: there is no room for a handler, and
 *          the kernel kills at once.
 */
#include "crypto/secret_crash.h"

#include <signal.h>
#include <stddef.h>

#include "crypto/secret_arena.h"

/* Those whose default is a core dump. */
static const int signals[] = { SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGQUIT,
	SIGSEGV, SIGSYS, SIGTRAP, SIGXCPU, SIGXFSZ };

#define SIGNALS (sizeof(signals) / sizeof(signals[0]))

static struct sigaction before[SIGNALS];

static void
on_crash(int signo)
{
	secret_arena_wipe();
	for (size_t i = 0; i < SIGNALS; i++)
		if (signals[i] == signo)
			(void)sigaction(signo, &before[i], NULL);
	/* It waits until this returns, and is dealt with as it was before. */
	(void)raise(signo);
}

static void catch (size_t i)
{
	struct sigaction action = { .sa_handler = on_crash,
		.sa_flags = SA_ONSTACK };
	struct sigaction old;

	if (sigaction(signals[i], NULL, &old) == -1 ||
	    old.sa_handler == SIG_IGN || old.sa_handler == on_crash)
		return;
	before[i] = old;
	(void)sigaction(signals[i], &action, NULL);
}

void
secret_crash_catch(void)
{
	for (size_t i = 0; i < SIGNALS; i++)
		catch (i);
}
