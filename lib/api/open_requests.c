/*
 * Open requests are counted, where the state stands: a node without a quorum
 * alerts, too.
 *
 * RULES    1. One look at a time.  What it finds is as of then, and told with
 *             the next alerts.
 */
#include "api/open_requests.h"

#include <stdlib.h>

#include "api/entry.h"
#include "api/server.h"

#define COUNT_MAX 100
#define TIMEOUT_MS 5000

struct look {
	struct api *api; /* NULL: it has gone */
};

static void
look_done(void *arg, enum ag_status status, const struct node_page *page)
{
	struct look *look = arg;

	if (look->api != NULL) {
		look->api->looking = NULL;
		if (status == AG_OK)
			look->api->open_requests = page->count;
	}
	free(look);
}

void
open_requests_look(struct api *api)
{
	const struct bytes prefix = bytes_from_text(KEY_ESCROW_REQUESTS);
	struct key_range range = { .first_len = prefix.len };
	struct look *look;

	if (api->looking != NULL)
		return;
	look = malloc(sizeof(*look));
	if (look == NULL)
		return;
	memcpy(range.first, prefix.data, prefix.len);
	entry_range_of_prefix(&range);
	look->api = api;
	api->looking = look;
	if (node_read(api->node, NODE_LOCAL,
		bytes_of(range.first, range.first_len),
		bytes_of(range.last, range.last_len), COUNT_MAX, true,
		TIMEOUT_MS, look_done, look, NULL) == AG_OK)
		return;
	api->looking = NULL;
	free(look);
}

void
open_requests_forget(struct api *api)
{
	if (api->looking != NULL)
		api->looking->api = NULL;
	api->looking = NULL;
}
