/*
 * Problem documents.
 *
 * RULES    1. The "code" decides the status.  One we do not know, from a
 *             newer node, falls back on the HTTP status.
 *          2. The document is believed about itself only: whatever it says,
 *             it is never AG_OK.
 */
#include "client/client_problem.h"

#include <stdio.h>
#include <string.h>

#include <jansson.h>

static enum ag_status
status_of_code(const char *code)
{
	int i;

	for (i = AG_OK + 1; i < AG_STATUS_COUNT; i++)
		if (strcmp(ag_status_name((enum ag_status)i), code) == 0)
			return (enum ag_status)i;
	return AG_OK;
}

static enum ag_status
status_of_http(int http)
{
	switch (http) {
	case 400:
		return AG_EINVAL;
	case 401:
	case 403:
		return AG_EDENIED;
	case 404:
	case 410:
		return AG_ENOENT;
	case 409:
	case 412:
		return AG_ECONFLICT;
	case 413:
	case 414:
	case 431:
		return AG_ELIMIT;
	case 429:
		return AG_EBUSY;
	case 503:
		return AG_ENOQUORUM;
	case 504:
		return AG_EUNKNOWN;
	default:
		return AG_EPROTO;
	}
}

static const char *
text_of(const json_t *root, const char *name)
{
	const char *text = json_string_value(json_object_get(root, name));

	return text != NULL ? text : "";
}

enum ag_status
client_problem_read(struct bytes body, struct client_answer *answer,
    struct ag_error *err)
{
	const json_t *exit_code;
	enum ag_status status;
	json_t *root;

	root = json_loadb((const char *)body.data, body.len, 0, NULL);
	status = status_of_code(text_of(root, "code"));
	if (status == AG_OK)
		status = status_of_http(answer->http);
	exit_code = json_object_get(root, "exit");
	if (json_is_integer(exit_code) && json_integer_value(exit_code) > 0 &&
	    json_integer_value(exit_code) < 128)
		answer->exit = (int)json_integer_value(exit_code);
	(void)snprintf(answer->request, sizeof(answer->request), "%s",
	    text_of(root, "request"));
	if (text_of(root, "detail")[0] != '\0')
		(void)ag_fail(err, status, "%s", text_of(root, "detail"));
	else
		(void)ag_fail(err, status,
		    "the node answered %d without a reason", answer->http);
	json_decref(root);
	return status;
}
