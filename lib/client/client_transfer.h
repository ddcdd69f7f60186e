/*
 * One request and its answer while they are under way.  Shared by the files
 * of the client only.
 */
#ifndef AEGIS_CLIENT_CLIENT_TRANSFER_H
#define AEGIS_CLIENT_CLIENT_TRANSFER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/un.h>

#include "client/client.h"
#include "client/late_curl.h"

struct client {
	CURL *easy;
	CURLM *multi;
	char socket_path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	atomic_bool is_interrupted;
};

/* One transfer while it runs. */
struct client_transfer {
	struct client *client;
	struct client_answer *answer;
	struct curl_slist *headers;
	bool is_change;         /* anything but a GET */
	client_piece_fn *piece; /* NULL: the body goes to the answer */
	void *arg;
	enum ag_status piece_status; /* why we ended it */
	struct ag_error *err;
	CURLcode result;
};

/*
 * Run a transfer whose client, answer and piece function are set.  is_stream:
 * only silence ends it, not its length.  last_id may be NULL.  Statuses as
 * client_call().
 */
enum ag_status client_transfer_run(struct client_transfer *t,
    const struct client_request *request, bool is_stream, const char *last_id,
    struct ag_error *err) AG_MUST_USE;

#endif
