/*
 * Trials: one schedule after another, by a process that begins with the first
 * and, when it has died of one, anew with the next.
 */
#include "sim/trial.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static const char died[] = "the process died";

/* For the handler of the signal that ends the process. */
static const struct trials *at_hand;

static void
leave(const struct world *w, struct trial *t, const char *rule,
    const char *violation)
{
	t->rule = rule;
	t->events = w->events;
	t->limit = (struct limit){
		.requests = w->profile.requests,
		.clients = w->profile.client_count,
		.members = w->profile.member_count,
	};
	t->choices = w->choices;
	memcpy(t->violation, violation, strlen(violation) + 1);
}

static void
on_death(int number)
{
	(void)number;
	leave(at_hand->world, at_hand->trial, died, died);
	_exit(0);
}

static void
live(struct trials *t)
{
	static uint64_t ignored[COUNT_COUNT];
	struct world *w = t->world;

	w->choices = t->trial->choices;
	w->limit = t->trial->limit;
	if (world_run(w, t->seed, ignored))
		leave(w, t->trial, NULL, "");
	else
		leave(w, t->trial, w->rule, w->violation);
}

/* Live through one schedule after another, as long as one is asked for. */
static _Noreturn void
serve(struct trials *t, int link)
{
	const struct sigaction action = { .sa_handler = on_death };
	char ask;

	at_hand = t;
	(void)sigaction(SIGABRT, &action, NULL);
	(void)sigaction(SIGSEGV, &action, NULL);
	while (read(link, &ask, 1) == 1) {
		live(t);
		if (write(link, &ask, 1) != 1)
			break;
	}
	_exit(0);
}

static void
server_start(struct trials *t)
{
	int link[2];

	AG_ASSERT(socketpair(AF_UNIX, SOCK_STREAM, 0, link) == 0);
	(void)fflush(stdout);
	t->pid = fork();
	AG_ASSERT(t->pid != -1);
	if (t->pid == 0) {
		(void)close(link[0]);
		serve(t, link[1]);
	}
	(void)close(link[1]);
	t->link = link[0];
}

static void
server_end(struct trials *t)
{
	(void)close(t->link);
	AG_ASSERT(waitpid(t->pid, NULL, 0) == t->pid);
	t->pid = 0;
}

void
trial_open(struct trials *t, struct world *w, uint64_t seed)
{
	*t = (struct trials){ .world = w, .seed = seed };
	t->trial = mmap(NULL, sizeof(*t->trial), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	AG_ASSERT(t->trial != MAP_FAILED);
}

void
trial_close(struct trials *t)
{
	if (t->pid != 0)
		server_end(t);
	(void)munmap(t->trial, sizeof(*t->trial));
}

const char *
trial_run(struct trials *t, const struct limit *limit)
{
	struct trial *trial = t->trial;
	char answer = 0;

	t->runs++;
	trial->choices = t->world->choices;
	trial->limit = *limit;
	trial->rule = NULL;
	trial->events = 0;
	if (t->pid == 0)
		server_start(t);
	AG_ASSERT(write(t->link, &answer, 1) == 1);
	if (read(t->link, &answer, 1) != 1)
		server_end(t);
	t->events += trial->events;
	return trial->rule;
}
