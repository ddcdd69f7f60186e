/*
 * Status of a node, as a sentence and a table of members.
 *
 * The health word comes first: OK, DEGRADED, NO_QUORUM or STARTING, with the
 * margin, which is how many more members may fail before writing stops.
 */
#include "cmd/status_print.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "client/client.h"
#include "client/target.h"
#include "cmd/display.h"
#include "cmd/exit.h"
#include "cmd/output.h"

/* A status is there at once or not at all; the API takes no more. */
#define STATUS_TIMEOUT_MS_MAX 600000

/* A refusal longer ago than this is history. */
#define CLOCK_SHOWN_MS 60000

enum ag_status
status_fetch(char **json, const char *socket, uint64_t timeout_ms,
    struct ag_error *err)
{
	struct client *client = NULL;
	struct client_request request = { 0 };
	struct client_answer answer;
	struct target target;
	enum ag_status status;

	*json = NULL;
	target_init(&target, "/v1/status");
	request.target = &target;
	request.timeout_ms = timeout_ms < STATUS_TIMEOUT_MS_MAX
	    ? (uint32_t)timeout_ms
	    : STATUS_TIMEOUT_MS_MAX;
	client_answer_init(&answer);
	status = client_new(&client, socket, err);
	if (status == AG_OK)
		status = client_call(client, &request, &answer, err);
	if (status == AG_OK) {
		*json =
		    strndup((const char *)answer.body.data, answer.body.len);
		if (*json == NULL)
			status = ag_fail(err, AG_ENOMEM,
			    "ask for status: out of memory");
	}
	client_answer_fini(&answer);
	client_free(client);
	return status;
}

static const char *
text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text == NULL ? "" : text;
}

/* Whose clock is wrong shows in what the other members say. */
static void
print_clock(const json_t *s)
{
	long long ahead =
	    json_integer_value(json_object_get(s, "clock_ahead_s"));

	if (strtoull(text_of(s, "clock_refusals"), NULL, 10) == 0 ||
	    strtoull(text_of(s, "clock_refused_ms"), NULL, 10) > CLOCK_SHOWN_MS)
		return;
	(void)printf("clock: proposals of %s are refused here, %lld s %s this "
		     "node's clock\n",
	    text_of(s, "clock_member"), ahead < 0 ? -ahead : ahead,
	    ahead < 0 ? "behind" : "ahead of");
}

/* Who is proved to be faulty. */
static void
print_evidence(const json_t *s)
{
	const json_t *m;
	size_t i;

	json_array_foreach(json_object_get(s, "members"), i, m)
	{
		uint64_t count = strtoull(text_of(m, "evidence"), NULL, 10);

		if (count > 0)
			(void)printf("evidence: %s signed what no "
				     "correct member signs, %" PRIu64
				     " proved (aegis consensus-inspect "
				     "evidence)\n",
			    text_of(m, "name"), count);
	}
}

/* How far the state is that is being fetched, and from whom. */
static void
print_transfer(const json_t *s)
{
	const json_t *transfer = json_object_get(s, "transfer"), *name;
	size_t i;

	if (transfer == NULL)
		return;
	(void)printf("fetching the state at %s: %s of about %s bytes, from",
	    text_of(transfer, "seq"), text_of(transfer, "bytes"),
	    text_of(transfer, "total"));
	json_array_foreach(json_object_get(transfer, "from"), i, name)(void)
	    printf(" %s", json_string_value(name));
	(void)putchar('\n');
}

/* Where a node's key is when it is in no file. */
static void
print_key(const json_t *s)
{
	const char *reason = text_of(s, "key_away");

	if (text_of(s, "key_token")[0] == '\0')
		return;
	(void)fputs("node key: ", stdout);
	display_print(stdout, bytes_from_text(text_of(s, "key_token")));
	if (reason[0] != '\0') {
		(void)fputs("\nnot voting: the key is away: ", stdout);
		display_print(stdout, bytes_from_text(reason));
	}
	(void)putchar('\n');
}

/* A node that may have forgotten votes says so itself. */
static void
print_rejoining(const json_t *s)
{
	const char *seq = text_of(s, "rejoin_seq");

	if (!json_is_true(json_object_get(s, "rejoining")))
		return;
	if (strcmp(seq, "0") == 0)
		(void)printf("rejoining: not voting until the other members "
			     "have told how far votes may be forgotten\n");
	else
		(void)printf("rejoining: not voting until sequence %s is "
			     "stable, votes up to it may be forgotten\n",
		    seq);
}

static void
print_removed(const json_t *s)
{
	if (json_object_get(s, "removed_at") != NULL)
		(void)printf("removed: no member from epoch %s on, stops when "
			     "enough of the others have gone on\n",
		    text_of(s, "removed_at"));
}

/* Those that run another version than this node does, by name. */
static void
print_versions(const json_t *s)
{
	const char *ours = text_of(s, "version"), *theirs;
	const json_t *m;
	size_t i, others = 0;

	json_array_foreach(json_object_get(s, "members"), i, m)
	{
		theirs = text_of(m, "version");
		if (theirs[0] == '\0' || strcmp(theirs, ours) == 0)
			continue;
		(void)printf("%s%s runs %s", others++ == 0 ? "" : ", ",
		    text_of(m, "name"), theirs);
	}
	if (others > 0)
		(void)printf("; this node %s\n", ours);
}

static void
print_memory(const json_t *s)
{
	if (json_is_false(json_object_get(s, "secrets_locked")))
		(void)printf("memory: secrets of this node are not locked and "
			     "may be swapped out, raise its RLIMIT_MEMLOCK "
			     "(systemd: LimitMEMLOCK=16M)\n");
}

static void
print_summary(const json_t *s)
{
	long long n = json_integer_value(json_object_get(s, "n"));
	long long missing = json_integer_value(json_object_get(s, "missing"));
	long long observers =
	    json_integer_value(json_object_get(s, "observers"));

	/* The words are the node's own; the names passed its roster. */
	(void)printf("%s  margin %lld  %lld of %lld members take part\n",
	    text_of(s, "health"),
	    (long long)json_integer_value(json_object_get(s, "margin")),
	    n - missing, n);
	if (n == 1)
		(void)printf("one member: no fault of any kind is tolerated, "
			     "for development only\n");
	(void)printf("cluster %s  epoch %s  strategy %s  view %s  primary "
		     "%s%s\n",
	    text_of(s, "cluster"), text_of(s, "epoch"), text_of(s, "strategy"),
	    text_of(s, "view"), text_of(s, "primary"),
	    json_is_true(json_object_get(s, "changing_view"))
		? "  (changing view)"
		: "");
	if (observers > 0)
		(void)printf("%lld observer%s, counted in none of that\n",
		    observers, observers == 1 ? "" : "s");
	(void)printf("executed %s  stable %s  keys %s\n",
	    text_of(s, "executed"), text_of(s, "stable"), text_of(s, "keys"));
	print_transfer(s);
	print_key(s);
	print_rejoining(s);
	print_removed(s);
	print_versions(s);
	print_clock(s);
	print_evidence(s);
	print_memory(s);
	(void)putchar('\n');
}

static enum ag_status
print_members(struct applet_call *call, const json_t *s, struct ag_error *err)
{
	static const struct output_column columns[] = {
		{ "name", NULL, OUTPUT_VALUE_COLUMN },
		{ "role", NULL, 0 },
		{ "state", NULL, 0 },
		{ "view", NULL, OUTPUT_RIGHT },
		{ "executed", NULL, OUTPUT_RIGHT },
		{ "lag", NULL, OUTPUT_RIGHT },
		{ "rtt_us", NULL, OUTPUT_RIGHT },
		{ "address", NULL, 0 },
		{ "version", NULL, OUTPUT_WIDE_ONLY },
		{ "error", NULL, 0 },
		{ NULL, NULL, 0 },
	};
	struct output *out;
	enum ag_status status;
	const json_t *m;
	size_t i, k;

	status = output_new(&out, call, stdout, "members", columns, err);
	if (status != AG_OK)
		return status;
	json_array_foreach(json_object_get(s, "members"), i, m)
	{
		for (k = 0; columns[k].name != NULL; k++)
			output_text(out, text_of(m, columns[k].name));
		output_row(out);
	}
	return output_end(out, err);
}

int
status_print(struct applet_call *call, const char *json)
{
	json_t *s = json_loads(json, JSON_REJECT_DUPLICATES, NULL);
	enum ag_status status = AG_OK;
	struct ag_error err;
	bool is_ok;

	if (s == NULL) {
		(void)ag_fail(&err, AG_EPROTO,
		    "ask for status: the answer is not JSON");
		return exit_fail(call, &err);
	}
	is_ok = strcmp(text_of(s, "health"), "OK") == 0;
	if (call->output == OUTPUT_JSON && !call->is_quiet) {
		(void)printf("%s\n", json);
	} else if (!call->is_quiet) {
		if (call->output == OUTPUT_TABLE || call->output == OUTPUT_WIDE)
			print_summary(s);
		status = print_members(call, s, &err);
	}
	json_decref(s);
	if (status == AG_OK)
		status = output_flush(stdout, &err);
	if (status != AG_OK)
		return exit_fail(call, &err);
	return is_ok ? EXIT_YES : EXIT_NO;
}
