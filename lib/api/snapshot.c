/*
 * GET /v1/snapshot: a certified snapshot, streamed.
 *
 * STATES   opening    the exchange waits for the node's checkpoint
 *          reading    a pool thread fills the block; the connection sleeps
 *          sending    the block goes out; when it is empty, reading again
 *
 * RULES    1. The block belongs to the pool thread while it works and to the
 *             loop otherwise; is_working says which.
 *          2. A connection that ends while a thread works leaves the
 *             download to that work's completion.
 *          3. A failure in the middle cuts the connection without the last
 *             chunk: a client sees that the stream is not whole, and the
 *             stream's own digest says so again.
 */
#include "api/snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "api/handlers.h"
#include "api/late_http.h"
#include "api/server.h"
#include "base/log.h"

#define BLOCK_BYTES (256U << 10)
#define STREAM_BLOCK_BYTES (64U << 10)

struct download {
	struct api *api; /* NULL when the API has stopped */
	struct MHD_Connection *connection;
	struct node_snapshot *snapshot;
	uint8_t block[BLOCK_BYTES];
	size_t len;
	size_t sent;
	enum ag_status status;
	struct ag_error err;
	bool is_working;
	bool is_suspended;
	bool is_orphan;
	bool has_ended;
	struct download *next, *previous;
};

static void
download_free(struct download *d)
{
	node_snapshot_close(d->snapshot);
	free(d);
}

static void
unlink_download(struct download *d)
{
	if (d->api == NULL)
		return;
	if (d->previous != NULL)
		d->previous->next = d->next;
	else
		d->api->downloads = d->next;
	if (d->next != NULL)
		d->next->previous = d->previous;
	d->next = d->previous = NULL;
}

/* On a pool thread. */
static void
fill_block(void *arg)
{
	struct download *d = arg;

	d->status = node_snapshot_read(d->snapshot, d->block, sizeof(d->block),
	    &d->len, &d->err);
}

static void
block_filled(void *arg)
{
	struct download *d = arg;

	d->is_working = false;
	d->sent = 0;
	if (d->is_orphan) {
		download_free(d);
		return;
	}
	if (d->status != AG_OK)
		log_warn("api", "snapshot ended early",
		    LOG_TEXT("why", d->err.text));
	d->has_ended = d->status != AG_OK || d->len == 0;
	if (!d->is_suspended)
		return;
	d->is_suspended = false;
	api_resume(d->api, d->connection);
}

static ssize_t
ask_for_block(struct download *d)
{
	if (d->api == NULL ||
	    loop_work(d->api->loop, fill_block, block_filled, d) != AG_OK)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	d->is_working = true;
	d->is_suspended = true;
	MHD_suspend_connection(d->connection);
	return 0;
}

static ssize_t
read_snapshot(void *cls, uint64_t offset, char *out, size_t cap)
{
	struct download *d = cls;
	size_t len;

	(void)offset;
	if (d->is_working || d->status != AG_OK)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (d->has_ended)
		return MHD_CONTENT_READER_END_OF_STREAM;
	len = d->len - d->sent;
	if (len == 0)
		return ask_for_block(d);
	if (len > cap)
		len = cap;
	memcpy(out, d->block + d->sent, len);
	d->sent += len;
	return (ssize_t)len;
}

static void
release(void *cls)
{
	struct download *d = cls;

	unlink_download(d);
	d->is_suspended = false;
	if (d->is_working)
		d->is_orphan = true;
	else
		download_free(d);
}

static struct download *
download_new(struct exchange *x, struct node_snapshot *snapshot)
{
	struct download *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	d->api = x->api;
	d->connection = x->connection;
	d->snapshot = snapshot;
	d->next = x->api->downloads;
	if (d->next != NULL)
		d->next->previous = d;
	x->api->downloads = d;
	return d;
}

static void
reply_snapshot(struct exchange *x, struct node_snapshot *snapshot)
{
	struct download *d = download_new(x, snapshot);
	struct MHD_Response *response;

	if (d == NULL) {
		node_snapshot_close(snapshot);
		exchange_problem(x, PROBLEM_INTERNAL, "out of memory");
		return;
	}
	response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN,
	    STREAM_BLOCK_BYTES, read_snapshot, d, release);
	if (response == NULL) {
		release(d);
		exchange_problem(x, PROBLEM_INTERNAL, "out of memory");
		return;
	}
	(void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
	    "application/octet-stream");
	exchange_reply_with(x, MHD_HTTP_OK, response);
	exchange_header_u64(x, "Aegis-Seq", node_snapshot_seq(snapshot));
}

static void
snapshot_ready(void *arg, enum ag_status status, struct node_snapshot *snapshot)
{
	struct exchange *x = arg;

	if (!exchange_wake(x)) {
		if (status == AG_OK)
			node_snapshot_close(snapshot);
		return;
	}
	/* A snapshot changes nothing: one not certified in time is only late. */
	if (status == AG_EUNKNOWN)
		status = AG_ENOQUORUM;
	if (status == AG_OK)
		reply_snapshot(x, snapshot);
	else
		exchange_fail(x, status, NULL);
}

void
snapshot_stream(struct exchange *x)
{
	struct ag_error err = { 0 };
	enum ag_status status;

	exchange_wait(x);
	status = node_snapshot_open(x->api->node, x->timeout_ms, snapshot_ready,
	    x, &err);
	if (status == AG_OK)
		return;
	exchange_unwait(x);
	exchange_fail(x, status, &err);
}

void
snapshot_cut_all(struct api *api)
{
	struct download *d, *next;

	for (d = api->downloads; d != NULL; d = next) {
		next = d->next;
		if (d->is_suspended)
			api_resume(api, d->connection);
		d->is_suspended = false;
		d->api = NULL;
		d->next = d->previous = NULL;
	}
	api->downloads = NULL;
}
