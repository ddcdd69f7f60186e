/*
 * Watches: a stream of events, kept up across broken connections.
 *
 * RULES    1. A connection is resumed after the last whole event, so that
 *             nothing is missed and nothing comes twice.
 *          2. Pauses between attempts grow, and start over with the first
 *             byte that comes.
 *          3. Only what repeating can mend is repeated.
 */
#include <stdio.h>

#include "client/client_transfer.h"

#define RETRY_FIRST_MS 100
#define RETRY_LAST_MS 5000
#define EVENT_BYTES_MAX (8U << 20)

/* What a watch carries from one connection to the next. */
struct follower {
	const struct client_watch *watch;
	struct sse_parser parser;
	bool is_up;
	uint32_t pause_ms;
};

static enum ag_status
follow_piece(void *arg, struct bytes piece, struct ag_error *err)
{
	struct follower *f = arg;
	enum ag_status status;

	if (!f->is_up && f->watch->state != NULL)
		f->watch->state(f->watch->arg, NULL);
	f->is_up = true;
	f->pause_ms = RETRY_FIRST_MS;
	status = sse_feed(&f->parser, piece);
	if (status != AG_OK)
		return ag_fail(err, status, "read events: %s",
		    ag_status_text(status));
	/* Ends the transfer; client_watch() sees that it was meant. */
	return f->parser.is_stopped ? AG_EREFUSED : AG_OK;
}

static bool
is_worth_repeating(enum ag_status status)
{
	return status == AG_EUNREACH || status == AG_ETIMEOUT ||
	    status == AG_EBUSY || status == AG_ENOQUORUM || status == AG_OK;
}

/* False when interrupted. */
static bool
pause_before_retry(struct client *client, struct follower *f)
{
	(void)curl_multi_poll(client->multi, NULL, 0, (int)f->pause_ms, NULL);
	f->pause_ms =
	    f->pause_ms * 2 > RETRY_LAST_MS ? RETRY_LAST_MS : f->pause_ms * 2;
	return !atomic_exchange(&client->is_interrupted, false);
}

static enum ag_status
follow_once(struct client *client, struct follower *f, struct ag_error *err)
{
	/* Pings come every 15 s; two may be late. */
	const struct client_request request = { .target = f->watch->target,
		.accept = "text/event-stream",
		.timeout_ms = 40000 };
	struct client_answer answer;
	struct client_transfer t = { .client = client,
		.answer = &answer,
		.piece = follow_piece,
		.arg = f };
	enum ag_status status;

	client_answer_init(&answer);
	sse_restart(&f->parser);
	f->is_up = false;
	status = client_transfer_run(&t, &request, true, f->parser.id, err);
	if (status == AG_OK)
		(void)ag_fail(err, AG_OK, "the node ended the stream");
	client_answer_fini(&answer);
	return status;
}

enum ag_status
client_watch(struct client *client, const struct client_watch *watch,
    struct ag_error *err)
{
	struct follower f = { .watch = watch, .pause_ms = RETRY_FIRST_MS };
	bool may_retry = watch->keep_trying;
	enum ag_status status;
	struct ag_error why;

	sse_init(&f.parser, EVENT_BYTES_MAX, watch->event, watch->arg);
	if (watch->last_id != NULL)
		sse_resume_from(&f.parser, watch->last_id);
	for (;;) {
		status = follow_once(client, &f, &why);
		if (f.parser.is_stopped) {
			status = AG_OK;
			break;
		}
		may_retry = may_retry || f.is_up;
		if (!may_retry || !is_worth_repeating(status))
			break;
		if (watch->state != NULL)
			watch->state(watch->arg, why.text);
		if (!pause_before_retry(client, &f)) {
			status = ag_fail(&why, AG_EAGAIN, "watch: interrupted");
			break;
		}
	}
	if (status != AG_OK && err != NULL)
		*err = why;
	sse_fini(&f.parser);
	return status;
}
