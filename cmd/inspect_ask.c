/*
 * Asking a node about agreement.
 */
#include "cmd/inspect_ask.h"

#include <stdio.h>
#include <string.h>

#include "cmd/exit.h"

static bool
send_question(struct kv_ask *ask, const struct applet_call *call,
    const struct target *target)
{
	struct client_request request = kv_ask_request(call, NULL, target);

	client_answer_fini(&ask->answer);
	client_answer_init(&ask->answer);
	return client_call(ask->client, &request, &ask->answer, &ask->err) ==
	    AG_OK;
}

json_t *
inspect_ask(struct kv_ask *ask, const struct applet_call *call,
    const struct target *target)
{
	return send_question(ask, call, target) ? kv_ask_json(ask) : NULL;
}

json_t *
inspect_ask_or_say(struct kv_ask *ask, const struct applet_call *call,
    const struct target *target, int *code)
{
	json_t *root;

	if (!send_question(ask, call, target)) {
		*code = kv_ask_fail(ask, call);
		return NULL;
	}
	root = kv_ask_json(ask);
	*code = root == NULL ? exit_fail(call, &ask->err) : EXIT_YES;
	return root;
}

json_t *
inspect_ask_rounds(struct kv_ask *ask, const struct applet_call *call,
    uint64_t from, uint64_t limit)
{
	struct target target;

	target_init(&target, "/v1/consensus/rounds");
	if (from != 0)
		target_add_number(&target, "from", from);
	target_add_number(&target, "limit",
	    limit < INSPECT_PAGE_ROUNDS ? limit : INSPECT_PAGE_ROUNDS);
	return inspect_ask(ask, call, &target);
}

const char *
inspect_ask_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text == NULL ? "" : text;
}

void
inspect_ask_copy(char *out, size_t cap, const json_t *object, const char *key)
{
	(void)snprintf(out, cap, "%s", inspect_ask_text(object, key));
}

uint32_t
inspect_ask_number(const json_t *object, const char *key)
{
	json_int_t value = json_integer_value(json_object_get(object, key));

	return value < 0 || value > UINT32_MAX ? 0 : (uint32_t)value;
}

void
inspect_ask_names(char out[static CERTIFICATE_NAMES_BYTES], const json_t *names)
{
	size_t i, len = 0;

	out[0] = '\0';
	for (i = 0; i < json_array_size(names); i++) {
		const char *name = json_string_value(json_array_get(names, i));

		(void)snprintf(out + len, CERTIFICATE_NAMES_BYTES - len, "%s%s",
		    i > 0 ? "," : "", name == NULL ? "" : name);
		len = strlen(out);
	}
}

void
inspect_ask_round(struct inspect_round *round, const json_t *r)
{
	*round = (struct inspect_round){
		.seq = kv_ask_u64(r, "seq"),
		.view = kv_ask_u64(r, "view"),
		.phase = inspect_ask_text(r, "phase"),
		.requests = inspect_ask_number(r, "requests"),
		.bytes = inspect_ask_number(r, "bytes"),
		.has_times = true,
		.age_us = kv_ask_u64(r, "age_us"),
		.took_us = kv_ask_u64(r, "took_us"),
	};
	inspect_ask_copy(round->digest, sizeof(round->digest), r, "digest");
	inspect_ask_copy(round->state, sizeof(round->state), r, "state");
	inspect_ask_names(round->prepares, json_object_get(r, "prepares"));
	inspect_ask_names(round->commits, json_object_get(r, "commits"));
}
