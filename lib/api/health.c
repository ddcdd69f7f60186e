/*
 * /livez, /readyz and /metrics: what supervisors and scrapers ask.
 *
 * RULES    1. /livez says only that the loop turns: a cluster in trouble is
 *             no reason to kill its nodes.
 *          2. /readyz is 200 when this node can serve what clients ask:
 *             it has recovered and a quorum answers.
 */
#include "api/handlers.h"

#include "api/argument.h"
#include "api/server.h"
#include "monitor/exposition.h"
#include "monitor/process.h"

void
health_live(struct exchange *x)
{
	exchange_reply_with(x, MHD_HTTP_OK, x->api->live);
}

static void
emit_check(struct emitter *e, const char *name, bool is_ok)
{
	emit_object_begin(e);
	emit_text_member(e, "name", name);
	emit_bool_member(e, "ok", is_ok);
	emit_object_end(e);
}

void
health_ready(struct exchange *x)
{
	struct node_status *status = &x->api->status;
	bool is_recovered, has_quorum, is_verbose;
	struct emitter *e;

	if (!argument_flag(x, "verbose", &is_verbose))
		return;
	node_status(x->api->node, status);
	is_recovered = status->health != NODE_STARTING;
	has_quorum = status->health != NODE_NO_QUORUM && status->margin >= 0;
	e = exchange_json_begin(x);
	emit_bool_member(e, "ready", is_recovered && has_quorum);
	if (is_verbose || !is_recovered || !has_quorum) {
		emit_key(e, "checks");
		emit_array_begin(e);
		emit_check(e, "recovered", is_recovered);
		emit_check(e, "quorum", has_quorum);
		emit_array_end(e);
	}
	exchange_json_end(x,
	    is_recovered && has_quorum ? MHD_HTTP_OK
				       : MHD_HTTP_SERVICE_UNAVAILABLE);
}

void
health_metrics(struct exchange *x)
{
	struct api *api = x->api;
	enum ag_status status;

	buf_clear(&api->out);
	status = exposition_write(&api->out, node_metrics(api->node));
	if (status == AG_OK)
		status = process_write_metrics(&api->out);
	if (status != AG_OK) {
		exchange_fail(x, AG_EINTERNAL, NULL);
		return;
	}
	exchange_reply(x, MHD_HTTP_OK, EXPOSITION_CONTENT_TYPE,
	    buf_bytes(&api->out));
	api_trim(&api->out);
}
