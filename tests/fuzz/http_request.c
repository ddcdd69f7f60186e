/*
 * Whole connections to the API over a fake node: whatever is sent, what
 * comes back is nothing or HTTP answers, a problem is a JSON problem, and
 * the connection ends when the client has ended.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <jansson.h>

#include "base/log.h"
#include "fixture/api_fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
ignore_line(void *arg, const struct log_line *line)
{
	(void)arg;
	(void)line;
}

/* The first answer, when it is a problem with its length given. */
static void
check_problem(const struct buf *in)
{
	const char *text = (const char *)in->data;
	const char *length = strstr(text, "Content-Length: ");
	const char *body = api_fixture_body(in);
	const char *type = strstr(text, "application/problem+json");
	json_t *root;
	size_t len;

	if (type == NULL || type > body || length == NULL || length > body)
		return;
	len = strtoul(length + strlen("Content-Length: "), NULL, 10);
	if (strlen(body) < len)
		return;
	root = json_loadb(body, len, JSON_REJECT_DUPLICATES, NULL);
	if (json_integer_value(json_object_get(root, "status")) !=
	    api_fixture_status(in))
		abort();
	json_decref(root);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct api_fixture *f;
	struct api_talk talk;
	void *state;

	log_sink_set(ignore_line, NULL);
	(void)api_fixture_setup(&state);
	f = state;
	fake_node_put(f->node, "k", bytes_from_text("v"));
	api_talk_open(&talk, f);
	talk.unsent = bytes_of(data, len);
	while (talk.unsent.len > 0 && !talk.has_ended) {
		loop_fd_want(talk.watch, true, true);
		api_fixture_run(f, 1);
	}
	api_fixture_run(f, 1);
	(void)shutdown(talk.fd, SHUT_WR);
	/* A watch has no end of its own: the ping finds its client gone. */
	if (!talk.has_ended)
		api_fixture_run(f, 5);
	if (talk.received.len > 0) {
		if (api_fixture_status(&talk.received) < 100)
			abort();
		check_problem(&talk.received);
	}
	api_talk_close(&talk);
	(void)api_fixture_teardown(&state);
	return 0;
}
