/*
 * The API's client: handles, answers and single calls.
 *
 * NOT HERE How a transfer runs (client_transfer), following events
 *          (client_watch), what requests mean (cmd/, tui/), verifying proofs
 *          (trust/).
 */
#include "client/client.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/client_transfer.h"

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;

/* No TLS: nothing here ever needs it, and starting it costs memory. */
static void
start_curl(void)
{
	(void)curl_global_init(CURL_GLOBAL_NOTHING);
}

enum ag_status
client_new(struct client **out, const char *socket_path, struct ag_error *err)
{
	enum ag_status status;
	struct client *client;

	*out = NULL;
	if (strlen(socket_path) == 0 ||
	    strlen(socket_path) >= sizeof(client->socket_path))
		return ag_fail(err, AG_EINVAL,
		    "use socket \"%s\": a socket's path has 1 to %zu bytes",
		    socket_path, sizeof(client->socket_path) - 1);
	status = late_curl_load(err);
	if (status != AG_OK)
		return status;
	(void)pthread_once(&curl_once, start_curl);
	client = calloc(1, sizeof(*client));
	if (client == NULL)
		return ag_fail(err, AG_ENOMEM, "make client: out of memory");
	(void)snprintf(client->socket_path, sizeof(client->socket_path), "%s",
	    socket_path);
	client->easy = curl_easy_init();
	client->multi = curl_multi_init();
	if (client->easy == NULL || client->multi == NULL) {
		client_free(client);
		return ag_fail(err, AG_ENOMEM, "make client: out of memory");
	}
	*out = client;
	return AG_OK;
}

void
client_free(struct client *client)
{
	if (client == NULL)
		return;
	if (client->easy != NULL)
		curl_easy_cleanup(client->easy);
	if (client->multi != NULL)
		(void)curl_multi_cleanup(client->multi);
	free(client);
}

void
client_interrupt(struct client *client)
{
	atomic_store(&client->is_interrupted, true);
	(void)curl_multi_wakeup(client->multi);
}

void
client_answer_init(struct client_answer *answer)
{
	*answer = (struct client_answer){ .exit = -1 };
	buf_init(&answer->body, CLIENT_ANSWER_MAX);
}

void
client_answer_fini(struct client_answer *answer)
{
	buf_fini(&answer->body);
}

enum ag_status
client_call(struct client *client, const struct client_request *request,
    struct client_answer *answer, struct ag_error *err)
{
	struct client_transfer t = { .client = client, .answer = answer };

	return client_transfer_run(&t, request, false, NULL, err);
}

enum ag_status
client_get(struct client *client, const char *path,
    struct client_answer *answer, struct ag_error *err)
{
	struct client_request request = { 0 };
	struct target target;

	target_init(&target, path);
	request.target = &target;
	return client_call(client, &request, answer, err);
}

enum ag_status
client_download(struct client *client, const struct client_request *request,
    struct client_answer *answer, client_piece_fn *fn, void *arg,
    struct ag_error *err)
{
	struct client_transfer t = { .client = client,
		.answer = answer,
		.piece = fn,
		.arg = arg };

	return client_transfer_run(&t, request, true, NULL, err);
}
