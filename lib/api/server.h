/*
 * What the API's files share: the handle and its scratch memory.
 *
 * Threads    the loop's.
 */
#ifndef AEGIS_API_SERVER_H
#define AEGIS_API_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include <microhttpd.h>

#include "api/api.h"
#include "api/emit.h"
#include "api/exchange.h"
#include "api/listener.h"
#include "api/route.h"
#include "base/bytes.h"
#include "base/metric.h"
#include "codec/operation.h"
#include "event/loop.h"
#include "monitor/alert.h"
#include "node/node.h"

#define API_ROUNDS_MAX 256
#define API_VIEWS_MAX 256
#define API_ANSWER_MAX (16U << 20)

/* Scratch above this is given back after the answer that needed it. */
#define API_SCRATCH_KEEP (256U << 10)

struct download;
struct look;
struct watcher;

struct api {
	struct loop *loop;
	struct node *node;
	struct api_config config;
	struct listener listener;
	struct MHD_Daemon *daemon;
	struct loop_fd *poll;
	struct loop_timer *timeout;
	bool is_stopping; /* nothing may wait any more */
	bool wants_run;   /* something was resumed since the last run */
	struct loop_timer *ping;
	struct MHD_Response *live; /* the one answer of /livez */

	struct exchange *waiting; /* a completion will come */
	struct exchange *spare;   /* to be used again */
	size_t spare_count;
	struct watcher *watchers;
	struct download *downloads;

	/* Scratch: filled and used within one call. */
	struct buf out;
	struct emitter emitter;
	struct buf encoded;
	struct operation operation;
	struct node_status status;
	struct node_round rounds[API_ROUNDS_MAX];
	struct node_view views[API_VIEWS_MAX];

	struct alert_list alerts; /* of the last look */
	struct alert_picture picture;
	struct look *looking; /* for open requests; NULL: nobody is */
	size_t open_requests; /* when somebody last did */

	struct metric **route_seconds; /* one for each route */
	struct metric *answers[6];     /* by class: 1xx … 5xx */
	struct metric *connections;
	struct metric *watching;
	struct metric *cut;
};

/*
 * Resume a suspended connection, from any place of the loop's thread; it is
 * served in the loop's next turn.
 */
void api_resume(struct api *api, struct MHD_Connection *connection);

/* Give scratch memory back when an answer made it large. */
static inline void
api_trim(struct buf *scratch)
{
	if (scratch->cap > API_SCRATCH_KEEP)
		buf_fini(scratch);
	scratch->len = 0;
}

#endif
