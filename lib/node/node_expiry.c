/*
 * Leases that expire, for a node: its parts to expiry.c.
 */
#include "node/node_parts.h"

/* How long a batch that only lets leases expire is waited for. */
#define SUBMIT_MS 5000

static uint32_t
on_place(void *arg, uint32_t *members)
{
	const struct node *n = arg;

	*members = n->roster.member_count;
	return n->self;
}

static void
on_submitted(void *arg, enum ag_status status, const struct result *result)
{
	(void)result;
	expiry_submitted(((struct node *)arg)->expiry, status == AG_OK);
}

static void
on_submit(void *arg)
{
	static const uint8_t barrier[] = { 0x81, OPERATION_BARRIER };
	struct node_request_id id;
	struct node *n = arg;
	struct ag_error err;

	if (node_is_observer(n) || n->driver == NULL ||
	    node_submit(n, bytes_of(barrier, sizeof(barrier)), SUBMIT_MS,
		on_submitted, n, &id, &err) != AG_OK)
		expiry_submitted(n->expiry, false);
}

enum ag_status
node_expiry_open(struct node *n, struct ag_error *err)
{
	const struct expiry_config config = {
		.loop = n->loop,
		.metrics = n->metrics,
		.arg = n,
		.place = on_place,
		.submit = on_submit,
	};

	n->expiry = expiry_new(&config);
	return n->expiry == NULL
	    ? ag_fail(err, AG_ENOMEM, "start node: out of memory")
	    : AG_OK;
}

void
node_expiry_agreed(struct node *n)
{
	expiry_agreed(n->expiry, applier_next_expiry_ms(n->applier),
	    applier_time_ms(n->applier));
}
