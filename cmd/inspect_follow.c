/*
 * Rounds as they are executed, each a line, until somebody stops it.
 *
 * RULES    1. Every round is told once and in order.  What the node no longer
 *             keeps is counted on stderr, never passed over in silence.
 *          2. A node that goes away is waited for, with growing pauses; one
 *             that was never there is an error.
 *          3. Who reads the pipe and leaves ends it, also while nothing
 *             happens.
 */
#include "cmd/inspect_follow.h"

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/exit.h"
#include "cmd/inspect_ask.h"
#include "cmd/inspect_options.h"
#include "cmd/inspect_show.h"

#define PAUSE_MS 200
#define PAUSE_LAST_MS 5000

/* What a node keeps, and one page for what it still agrees on. */
#define PAGES_MAX 34

struct follow {
	struct applet_call *call;
	struct kv_ask ask;
	struct output *out; /* NULL: lines for people */
	uint64_t next;      /* the round to be told next; 0: not known yet */
	uint64_t left;      /* to be told before the end */
	bool has_heading, was_up;
	int pause_ms;
	json_t *pages[PAGES_MAX];
	size_t page_count;
};

/* --- printing --- */

static void
print_line(struct follow *f, const struct inspect_round *r)
{
	if (!f->has_heading)
		(void)printf("%10s %6s %8s %8s %9s  %-16s %s\n", "SEQ", "VIEW",
		    "REQUESTS", "BYTES", "TOOK US", "PREPARES", "COMMITS");
	f->has_heading = true;
	(void)printf("%10" PRIu64 " %6" PRIu64 " %8" PRIu64 " %8" PRIu64
		     " %9" PRIu64 "  %-16s %s\n",
	    r->seq, r->view, r->requests, r->bytes, r->took_us, r->prepares,
	    r->commits);
}

static enum ag_status
print_round(struct follow *f, const json_t *object)
{
	static struct inspect_round round;

	inspect_ask_round(&round, object);
	f->next = round.seq + 1;
	f->left--;
	if (f->call->is_quiet)
		return AG_OK;
	if (f->out != NULL)
		inspect_show_round(f->out, &round);
	else
		print_line(f, &round);
	return output_flush(stdout, &f->ask.err);
}

/* --- asking --- */

static void
pages_clear(struct follow *f)
{
	while (f->page_count > 0)
		json_decref(f->pages[--f->page_count]);
}

static const json_t *
page_rounds(const struct follow *f, size_t page)
{
	return json_object_get(f->pages[page], "rounds");
}

/* The lowest sequence of the last page; 0: it is empty. */
static uint64_t
pages_lowest(const struct follow *f)
{
	const json_t *rounds = page_rounds(f, f->page_count - 1);
	size_t count = json_array_size(rounds);

	return count == 0
	    ? 0
	    : kv_ask_u64(json_array_get(rounds, count - 1), "seq");
}

/* Fetch pages from the newest round down to the next to be told. */
static bool
pages_fetch(struct follow *f)
{
	uint64_t from = 0, lowest;

	do {
		json_t *page = inspect_ask_rounds(&f->ask, f->call, from,
		    INSPECT_PAGE_ROUNDS);

		if (page == NULL)
			return false;
		f->pages[f->page_count++] = page;
		lowest = pages_lowest(f);
		from = lowest - 1;
	} while (lowest > f->next && lowest > 1 && f->page_count < PAGES_MAX);
	return true;
}

/* Where to begin when nobody said so: after what is executed now. */
static bool
find_start(struct follow *f)
{
	struct target target;
	json_t *root;

	if (f->next != 0)
		return true;
	target_init(&target, "/v1/status");
	root = inspect_ask(&f->ask, f->call, &target);
	if (root == NULL)
		return false;
	f->next = kv_ask_u64(root, "executed") + 1;
	json_decref(root);
	return true;
}

static void
say_missing(struct follow *f, uint64_t seq)
{
	if (!f->call->is_quiet)
		(void)fprintf(stderr,
		    "%s: rounds %" PRIu64 " to %" PRIu64
		    " are not kept by the node any more\n",
		    f->call->title, f->next, seq - 1);
	f->next = seq;
}

/* Tell what was executed, lowest first; what is not yet ends it. */
static enum ag_status
tell_pages(struct follow *f)
{
	size_t page, i;

	for (page = f->page_count; page > 0; page--) {
		const json_t *rounds = page_rounds(f, page - 1);

		for (i = json_array_size(rounds); i > 0 && f->left > 0; i--) {
			const json_t *r = json_array_get(rounds, i - 1);
			uint64_t seq = kv_ask_u64(r, "seq");
			enum ag_status status;

			if (seq < f->next)
				continue;
			if (strcmp(inspect_ask_text(r, "phase"), "EXECUTED") !=
			    0)
				return AG_OK;
			if (seq > f->next)
				say_missing(f, seq);
			status = print_round(f, r);
			if (status != AG_OK)
				return status;
		}
	}
	return AG_OK;
}

/* --- going on --- */

static bool
is_worth_repeating(enum ag_status status)
{
	return status == AG_EUNREACH || status == AG_ETIMEOUT ||
	    status == AG_EBUSY || status == AG_ENOQUORUM;
}

/* False when nobody reads what is written any more. */
static bool
pause_follow(const struct follow *f)
{
	struct pollfd reader = { .fd = STDOUT_FILENO };

	return poll(&reader, 1, f->pause_ms) <= 0 ||
	    (reader.revents & POLLERR) == 0;
}

/* The node did not answer: EXIT_YES to try again. */
static int
take_failure(struct follow *f)
{
	if (!f->was_up || !is_worth_repeating(f->ask.err.status))
		return kv_ask_fail(&f->ask, f->call);
	if (f->pause_ms == PAUSE_MS && !f->call->is_quiet)
		(void)fprintf(stderr, "%s: %s; trying again\n", f->call->title,
		    f->ask.err.text);
	f->pause_ms *= 2;
	if (f->pause_ms > PAUSE_LAST_MS)
		f->pause_ms = PAUSE_LAST_MS;
	return EXIT_YES;
}

static int
follow_once(struct follow *f)
{
	enum ag_status status;

	if (!find_start(f) || !pages_fetch(f)) {
		pages_clear(f);
		return take_failure(f);
	}
	f->was_up = true;
	f->pause_ms = PAUSE_MS;
	status = tell_pages(f);
	pages_clear(f);
	return status == AG_OK ? EXIT_YES : exit_fail(f->call, &f->ask.err);
}

static int
follow(struct follow *f)
{
	int code;

	for (;;) {
		code = follow_once(f);
		if (code != EXIT_YES || f->left == 0)
			return code;
		if (!pause_follow(f))
			return exit_by_signal(SIGPIPE);
	}
}

/* Rows leave one by one: an array that never ends is none. */
static enum ag_status
open_output(struct follow *f)
{
	struct applet_call rows = *f->call;

	if (rows.output == OUTPUT_TABLE || rows.output == OUTPUT_WIDE)
		return AG_OK;
	if (rows.output == OUTPUT_JSON)
		rows.output = OUTPUT_JSONL;
	return output_new(&f->out, &rows, stdout, "rounds",
	    inspect_round_columns, &f->ask.err);
}

int
inspect_follow_run(struct applet_call *call)
{
	struct follow f = { .call = call, .pause_ms = PAUSE_MS };
	int code;

	if (options_has(&call->options, "data"))
		return applet_usage(call,
		    "--follow needs a running node, not --data");
	if (!inspect_options_limit(call, &f.left) ||
	    !inspect_options_from(call, &f.next))
		return EXIT_USAGE;
	if (!options_has(&call->options, "limit"))
		f.left = UINT64_MAX;
	code = kv_ask_open(&f.ask, call);
	if (code == EXIT_YES && open_output(&f) != AG_OK)
		code = exit_fail(call, &f.ask.err);
	if (code == EXIT_YES)
		code = follow(&f);
	if (f.out != NULL)
		code = kv_ask_end_rows(f.out, call, code);
	kv_ask_close(&f.ask);
	return code;
}
