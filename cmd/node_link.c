/*
 * aegis node rotate-link-key: have a running node make itself a new one.
 *
 * The node does it all: it has the node key that certifies, and the links that
 * the others hear it by.
 */
#include "cmd/node_link.h"

#include <jansson.h>

#include "cmd/exit.h"
#include "cmd/kv_ask.h"
#include "cmd/output.h"

static const struct output_column columns[] = {
	{ "serial", NULL, OUTPUT_RIGHT | OUTPUT_VALUE_COLUMN },
	{ "fingerprint", "LINK KEY", 0 },
	{ NULL, NULL, 0 },
};

static int
print_key(const struct applet_call *call, const json_t *key)
{
	struct output *out;
	struct ag_error err;

	if (call->is_quiet)
		return EXIT_YES;
	if (output_new(&out, call, stdout, NULL, columns, &err) != AG_OK)
		return exit_fail(call, &err);
	output_u64(out, kv_ask_u64(key, "serial"));
	output_text(out,
	    json_string_value(json_object_get(key, "fingerprint")));
	output_row(out);
	if (output_end(out, &err) != AG_OK)
		return exit_fail(call, &err);
	return EXIT_YES;
}

int
node_link_run(struct applet_call *call)
{
	struct client_request request;
	struct target target;
	json_t *key = NULL;
	struct kv_ask ask;
	int code = kv_ask_open(&ask, call);

	if (code == EXIT_YES) {
		target_init(&target, "/v1/link-key");
		request = kv_ask_request(call, "POST", &target);
		if (client_call(ask.client, &request, &ask.answer, &ask.err) !=
		    AG_OK)
			code = kv_ask_fail(&ask, call);
	}
	if (code == EXIT_YES) {
		key = kv_ask_json(&ask);
		code = key == NULL ? exit_fail(call, &ask.err)
				   : print_key(call, key);
	}
	json_decref(key);
	kv_ask_close(&ask);
	return code;
}
