/*
 * GET /v1/watch: changes as server-sent events.
 *
 * FORMAT   id: SEQ, or SEQ.K for the K-th further change of one sequence, or
 *              SEQ.all for everything up to and with SEQ (pings, and a cut
 *              that leaves nothing out)
 *          event: put | delete | ping | cut
 *          data: the entry as JSON; for ping {"seq"}; for cut a problem
 *
 * STATES   flowing    events wait in the buffer or the connection sleeps
 *          ended      no more events come; the buffer is sent, then the end
 *
 * RULES    1. Events leave whole and in order, without gaps.  A watcher that
 *             does not read is cut when its buffer is full: after the events
 *             it holds comes a "cut" with the reason, and the client resumes
 *             by the last id it saw.
 *          2. A sequence may hold several changes of the watched range; the
 *             id tells how many were sent, so that resuming in their midst
 *             neither repeats nor skips one.
 *          3. A watch from long ago is held while its client has much to read:
 *             what is kept on the disk waits there.
 *          4. At its start, and every 15 s of the API's timer, each watcher
 *             gets a ping: it tells the client how far the state is, also
 *             as an id to resume from before the first change came or long
 *             after the last, and us who is gone.
 */
#include "api/watch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/argument.h"
#include "api/entry.h"
#include "api/handlers.h"
#include "api/late_http.h"
#include "api/server.h"

/* Enough for the largest entry several times over. */
#define BUFFER_MAX (8U << 20)

/* A watch from long ago is held while more than this waits to be read. */
#define HOLD_BYTES (128U << 10)

/* Kept free in the buffer for the reason of a cut. */
#define FAREWELL_BYTES 512

#define STREAM_BLOCK_BYTES 16384

struct watcher {
	struct api *api;
	struct MHD_Connection *connection;
	struct node_watch *source;
	struct buf pending;
	size_t sent; /* of pending */
	bool is_suspended;
	bool has_ended;
	uint64_t from;   /* the first sequence of interest, or 0 */
	uint64_t seq;    /* of the newest change */
	uint64_t of_seq; /* changes of it so far */
	uint64_t skip_seq;
	uint64_t skip; /* changes of skip_seq the client has */
	struct watcher *next, *previous;
};

static void
wake(struct watcher *w)
{
	if (!w->is_suspended)
		return;
	w->is_suspended = false;
	api_resume(w->api, w->connection);
}

static enum ag_status
write_id(struct watcher *w)
{
	if (w->of_seq == 1)
		return buf_printf(&w->pending, "id: %" PRIu64 "\n", w->seq);
	return buf_printf(&w->pending, "id: %" PRIu64 ".%" PRIu64 "\n", w->seq,
	    w->of_seq - 1);
}

static enum ag_status
write_change(struct watcher *w, const struct node_change *change)
{
	enum ag_status status = write_id(w);
	struct emitter e;

	if (status == AG_OK)
		status = buf_printf(&w->pending,
		    "event: %s\ndata: ", change->is_delete ? "delete" : "put");
	if (status != AG_OK)
		return status;
	emit_init(&e, &w->pending);
	emit_object_begin(&e);
	entry_emit(&e, &change->entry, !change->is_delete);
	emit_u64_member(&e, "seq", change->seq);
	emit_object_end(&e);
	if (e.status != AG_OK)
		return e.status;
	return buf_append(&w->pending, "\n\n", 2);
}

/*
 * An id that says: the client has all changes up to executed.  What it did
 * not ask for counts as had, or resuming would bring it.
 */
static enum ag_status
write_id_of_all(struct watcher *w, uint64_t executed)
{
	const uint64_t shown =
	    w->source == NULL ? UINT64_MAX : node_watch_shown(w->source);

	if (executed > shown)
		executed = shown;
	if (executed < w->seq)
		executed = w->seq;
	if (w->from > 0 && executed < w->from - 1)
		executed = w->from - 1;
	return buf_printf(&w->pending, "id: %" PRIu64 ".all\n", executed);
}

/* Send what is whole, then why there is no more, then the end. */
static void
cut(struct watcher *w, enum problem_kind kind, const char *why)
{
	struct emitter e;

	if (w->has_ended)
		return;
	w->has_ended = true;
	metric_add(w->api->cut, 1);
	w->pending.max = BUFFER_MAX + FAREWELL_BYTES;
	/* A node that stops has sent all; the other reasons left some out. */
	if ((kind != PROBLEM_UNAVAILABLE ||
		write_id_of_all(w, w->api->status.executed) == AG_OK) &&
	    buf_printf(&w->pending, "event: cut\ndata: ") == AG_OK) {
		emit_init(&e, &w->pending);
		problem_begin(&e, kind, why);
		emit_object_end(&e);
		if (e.status == AG_OK)
			e.status = buf_append(&w->pending, "\n\n", 2);
	}
	wake(w);
}

static void
count_change(struct watcher *w, uint64_t seq)
{
	w->of_seq = seq == w->seq ? w->of_seq + 1 : 1;
	w->seq = seq;
}

/* Only when it is most of the buffer, so that moving the rest is cheap. */
static void
drop_sent(struct watcher *w)
{
	if (w->sent <= w->pending.len / 2)
		return;
	buf_consume(&w->pending, w->sent);
	w->sent = 0;
}

static void
cut_gone(struct watcher *w)
{
	char why[160];

	(void)snprintf(why, sizeof(why),
	    "changes before %" PRIu64 " are not known here any more: list the "
	    "keys again, then watch from there",
	    node_watch_known_from(w->source));
	cut(w, PROBLEM_GONE, why);
}

static size_t
waiting(const struct watcher *w)
{
	return w->pending.len - w->sent;
}

static void
on_change(void *arg, const struct node_change *change)
{
	struct watcher *w = arg;
	size_t whole;

	if (w->has_ended)
		return;
	if (change == NULL) {
		cut_gone(w);
		return;
	}
	count_change(w, change->seq);
	if (change->seq == w->skip_seq && w->of_seq <= w->skip)
		return;
	drop_sent(w);
	whole = w->pending.len;
	if (write_change(w, change) != AG_OK) {
		w->pending.len = whole;
		cut(w, PROBLEM_BUSY,
		    "too many changes are waiting to be read; resume after "
		    "the last id");
		return;
	}
	if (waiting(w) > HOLD_BYTES && w->source != NULL)
		node_watch_hold(w->source, true);
	wake(w);
}

/* What libmicrohttpd sends next. */
static ssize_t
read_events(void *cls, uint64_t offset, char *out, size_t cap)
{
	struct watcher *w = cls;
	size_t len = waiting(w);

	(void)offset;
	if (len == 0 && w->has_ended)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (len == 0) {
		w->is_suspended = true;
		MHD_suspend_connection(w->connection);
		return 0;
	}
	if (len > cap)
		len = cap;
	memcpy(out, w->pending.data + w->sent, len);
	w->sent += len;
	if (waiting(w) <= HOLD_BYTES / 2 && w->source != NULL)
		node_watch_hold(w->source, false);
	if (w->sent < w->pending.len)
		return (ssize_t)len;
	/* A thousand watchers at rest should hold next to nothing. */
	if (w->pending.cap > STREAM_BLOCK_BYTES)
		buf_fini(&w->pending);
	buf_clear(&w->pending);
	w->sent = 0;
	return (ssize_t)len;
}

static void
watcher_free(void *cls)
{
	struct watcher *w = cls;

	if (w->source != NULL)
		node_watch_close(w->source);
	if (w->previous != NULL)
		w->previous->next = w->next;
	else if (w->api->watchers == w)
		w->api->watchers = w->next;
	if (w->next != NULL)
		w->next->previous = w->previous;
	metric_add(w->api->watching, -1);
	buf_fini(&w->pending);
	free(w);
}

static void
ping(struct watcher *w, uint64_t executed)
{
	const size_t whole = w->pending.len;

	/* Who has not read the last ping's worth needs no other. */
	if (w->has_ended || waiting(w) > STREAM_BLOCK_BYTES)
		return;
	if (write_id_of_all(w, executed) != AG_OK ||
	    buf_printf(&w->pending,
		"event: ping\ndata: {\"seq\":\"%" PRIu64 "\"}\n\n",
		executed) != AG_OK)
		w->pending.len = whole;
	wake(w);
}

void
watch_ping_all(struct api *api)
{
	struct watcher *w;

	if (api->watchers == NULL)
		return;
	node_status(api->node, &api->status);
	for (w = api->watchers; w != NULL; w = w->next)
		ping(w, api->status.executed);
}

void
watch_cut_all(struct api *api)
{
	struct watcher *w;

	if (api->watchers == NULL)
		return;
	node_status(api->node, &api->status);
	for (w = api->watchers; w != NULL; w = w->next)
		cut(w, PROBLEM_UNAVAILABLE, "the node is stopping");
}

/*
 * "SEQ" or "SEQ.K": the newest change the client has, and how many of that
 * sequence.  "SEQ.all": UINT64_MAX of them.
 */
static bool
parse_event_id(struct bytes text, uint64_t *seq, uint64_t *count)
{
	const uint8_t *dot =
	    text.len > 0 ? memchr(text.data, '.', text.len) : NULL;
	struct bytes further;

	*count = 0;
	if (dot != NULL) {
		further =
		    bytes_of(dot + 1, text.len - (size_t)(dot + 1 - text.data));
		text.len = (size_t)(dot - text.data);
		if (bytes_equal(further, bytes_from_text("all")))
			*count = UINT64_MAX - 1;
		else if (!argument_parse_u64(further, count) ||
		    *count >= UINT64_MAX - 1)
			return false;
	}
	*count += 1;
	return argument_parse_u64(text, seq);
}

/* Where to begin: Last-Event-ID, else from, else now.  False: answered. */
static bool
take_start(struct exchange *x, struct watcher *w, uint64_t *from)
{
	const char *id = MHD_lookup_connection_value(x->connection,
	    MHD_HEADER_KIND, "Last-Event-ID");

	*from = 0;
	if (id == NULL || id[0] == '\0')
		return argument_u64(x, "from", 0, UINT64_MAX, from);
	if (parse_event_id(bytes_from_text(id), &w->skip_seq, &w->skip)) {
		*from = w->skip_seq;
		if (w->skip == UINT64_MAX && w->skip_seq < UINT64_MAX)
			*from += 1;
		return true;
	}
	exchange_problem(x, PROBLEM_BAD_REQUEST,
	    "Last-Event-ID takes the id of an earlier event");
	return false;
}

static enum ag_status
open_source(struct exchange *x, struct watcher *w, uint64_t from,
    struct ag_error *err)
{
	entry_range_of_prefix(&x->range);
	return node_watch_new(&w->source, x->api->node,
	    bytes_of(x->range.first, x->range.first_len),
	    bytes_of(x->range.last, x->range.last_len), from, on_change, w,
	    err);
}

static void
reply_stream(struct exchange *x, struct watcher *w)
{
	struct MHD_Response *response =
	    MHD_create_response_from_callback(MHD_SIZE_UNKNOWN,
		STREAM_BLOCK_BYTES, read_events, w, watcher_free);

	if (response == NULL) {
		watcher_free(w);
		exchange_problem(x, PROBLEM_INTERNAL, "out of memory");
		return;
	}
	(void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
	    "text/event-stream");
	(void)MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL,
	    "no-store");
	exchange_reply_with(x, MHD_HTTP_OK, response);
}

static struct watcher *
watcher_new(struct exchange *x)
{
	struct watcher *w = calloc(1, sizeof(*w));
	struct api *api = x->api;

	if (w == NULL)
		return NULL;
	w->api = api;
	w->connection = x->connection;
	buf_init(&w->pending, BUFFER_MAX);
	w->next = api->watchers;
	if (w->next != NULL)
		w->next->previous = w;
	api->watchers = w;
	metric_add(api->watching, 1);
	return w;
}

void
watch_follow(struct exchange *x)
{
	struct ag_error err = { 0 };
	struct watcher *w;
	enum ag_status status;
	uint64_t from;

	if (!argument_bytes(x, "prefix", x->range.first, KEY_BYTES_MAX,
		&x->range.first_len))
		return;
	w = watcher_new(x);
	if (w == NULL) {
		exchange_problem(x, PROBLEM_INTERNAL, "out of memory");
		return;
	}
	if (!take_start(x, w, &from)) {
		watcher_free(w);
		return;
	}
	w->from = from;
	status = open_source(x, w, from, &err);
	if (status != AG_OK) {
		watcher_free(w);
		if (status == AG_ENOENT)
			exchange_problem(x, PROBLEM_GONE, err.text);
		else
			exchange_fail(x, status, &err);
		return;
	}
	node_status(x->api->node, &x->api->status);
	ping(w, x->api->status.executed);
	reply_stream(x, w);
}
