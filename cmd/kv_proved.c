/*
 * Reads that are proved.
 *
 * RULES    1. Nothing of a value is written before all of the proof holds:
 *             cluster, epoch, a quorum's signatures, the path to the key, its
 *             absence; and the age, by this machine's clock against the time
 *             that was agreed on.
 *          2. Rosters come from a file the reader has, never from the node
 *             that is asked.
 *          3. Agreed time goes on with batches.  Where nobody writes a proof
 *             is old, and a delete that can not come true, as no version is
 *             that high, is a batch that changes nothing: then a proof is
 *             asked for once more.
 */
#include "cmd/kv_proved.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "cmd/exit.h"
#include "cmd/kv_ask.h"
#include "config/config.h"
#include "trust/chain.h"
#include "trust/presence.h"

#define MAX_AGE_MS 60000
#define PROOF_BYTES_MOST (PRESENCE_OVERHEAD + PRESENCE_ENTRY_BYTES_MAX)

static const struct output_column columns[] = {
	{ "key", NULL, 0 },
	{ "value", NULL, OUTPUT_VALUE_COLUMN },
	{ "version", NULL, OUTPUT_RIGHT },
	{ "created", NULL, OUTPUT_RIGHT | OUTPUT_WIDE_ONLY },
	{ "modified", NULL, OUTPUT_RIGHT },
	{ "consistency", NULL, OUTPUT_WIDE_ONLY },
	{ "seq", NULL, OUTPUT_RIGHT },
	{ "time", NULL, 0 },
	{ NULL, NULL, 0 },
};

const struct applet_option kv_proved_verify_options[] = {
	KV_PROVED_OPTIONS,
	{ 0, "key", "KEY", "the proof is of this key, not of whichever" },
	OPTIONS_END,
};

/* What proofs are judged by, and the one at hand. */
struct proved {
	const struct applet_call *call;
	struct buf chain; /* rosters, as in the file */
	char path[PATH_MAX];
	uint64_t max_age_ms; /* 0: any */
	struct presence presence;
	struct presence_entry entry;
	bool is_absent;
	struct output *rows;
};

/* --- what is believed --- */

/* --roster, or what the node that is configured here has. */
static enum ag_status
find_roster(struct proved *p, struct ag_error *err)
{
	const char *path = options_text(&p->call->options, "roster");
	struct config *config = NULL;
	enum ag_status status = AG_OK;

	if (path == NULL) {
		status = config_load(&config, p->call->config_path, NULL, err);
		if (status == AG_OK)
			path = config_text(config, "node.roster");
	}
	if (status == AG_OK && path[0] == '\0')
		status = fs_join(p->path, sizeof(p->path),
		    config_text(config, "node.data_dir"), "roster", err);
	else if (status == AG_OK &&
	    (size_t)snprintf(p->path, sizeof(p->path), "%s", path) >=
		sizeof(p->path))
		status =
		    ag_fail(err, AG_ELIMIT, "roster %s: path too long", path);
	config_free(config);
	if (status == AG_OK)
		status = fs_read_file(p->path, &p->chain, err);
	if (status != AG_OK)
		ag_error_prefix(err,
		    "proofs are checked by a roster (--roster FILE)");
	return status;
}

/* Initialize; 0, or the code to exit with. */
static int
proved_open(struct proved **out, const struct applet_call *call)
{
	struct proved *p = calloc(1, sizeof(*p));
	struct ag_error err;

	*out = p;
	if (p == NULL) {
		(void)ag_fail(&err, AG_ENOMEM, "out of memory");
		return exit_fail(call, &err);
	}
	p->call = call;
	p->max_age_ms = MAX_AGE_MS;
	buf_init(&p->chain, CHAIN_BYTES_MAX);
	if (options_duration_ms(&call->options, "max-age", &p->max_age_ms,
		&err) != AG_OK)
		return applet_usage(call, "%s", err.text);
	if (find_roster(p, &err) != AG_OK)
		return exit_fail_local(call, &err);
	return EXIT_YES;
}

static void
proved_close(struct proved *p)
{
	if (p == NULL)
		return;
	buf_fini(&p->chain);
	free(p);
}

/* --- a proof --- */

static enum ag_status
check_members(struct proved *p, struct bytes key, struct ag_error *err)
{
	const struct presence *presence = &p->presence;
	struct roster *roster = calloc(1, sizeof(*roster));
	enum ag_status status;

	if (roster == NULL)
		return ag_fail(err, AG_ENOMEM, "out of memory");
	status = chain_parse(roster, NULL, buf_bytes(&p->chain),
	    presence->scope.epoch, p->path, err);
	if (status == AG_ENOENT)
		ag_error_prefix(err,
		    "the proof is of epoch %" PRIu64
		    " (aegis member export has the chain)",
		    presence->scope.epoch);
	if (status == AG_OK && !roster_is_complete(roster))
		status = ag_fail(err, AG_EFORGED,
		    "roster %s: it is not signed by all its members", p->path);
	if (status == AG_OK)
		status = presence_verify(presence, key, roster, err);
	free(roster);
	return status;
}

static bool
is_fresh(const struct proved *p)
{
	const uint64_t now_ms = clock_wall_ms(), then_ms = p->presence.time_ms;
	const uint64_t age_ms =
	    now_ms > then_ms ? now_ms - then_ms : then_ms - now_ms;

	return p->max_age_ms == 0 || age_ms <= p->max_age_ms;
}

static enum ag_status
check_age(const struct proved *p, struct ag_error *err)
{
	char time[CLOCK_TEXT_BYTES];

	if (is_fresh(p))
		return AG_OK;
	clock_format_ms(p->presence.time_ms, time);
	return ag_fail(err, AG_EFORGED,
	    "what is proved is of %s, by this machine's clock more than "
	    "%" PRIu64 " s from now (--max-age)",
	    time, p->max_age_ms / 1000);
}

/* All but its age: key is empty when it is whichever the proof is of. */
static enum ag_status
judge(struct proved *p, struct bytes proof, struct bytes key,
    struct ag_error *err)
{
	enum ag_status status;

	p->is_absent = false;
	status = presence_decode(&p->presence, proof, err);
	if (status == AG_OK) {
		status = presence_read(&p->presence, &p->entry, err);
		p->is_absent = status == AG_ENOENT;
		status = p->is_absent ? AG_OK : status;
	}
	if (status == AG_OK && key.len == 0 && p->is_absent)
		status = ag_fail(err, AG_EINVAL,
		    "it proves that a key was absent: of which, --key says");
	if (status == AG_OK && key.len == 0)
		key = p->entry.key;
	return status == AG_OK ? check_members(p, key, err) : status;
}

/* A proof that holds, of a key: its value. */
static int
show(struct proved *p, bool wants_rows, struct ag_error *err)
{
	const struct presence_entry *entry = &p->entry;
	char time[CLOCK_TEXT_BYTES];

	if (!wants_rows)
		return kv_ask_write_value(p->call, entry->value);
	if (kv_ask_rows(&p->rows, p->call, "entries", columns, err) != AG_OK)
		return exit_fail(p->call, err);
	clock_format_ms(p->presence.time_ms, time);
	output_bytes(p->rows, entry->key);
	output_bytes(p->rows, entry->value);
	output_u64(p->rows, entry->version);
	output_u64(p->rows, entry->created);
	output_u64(p->rows, entry->modified);
	output_text(p->rows, "proved");
	output_u64(p->rows, p->presence.seq);
	output_text(p->rows, time);
	output_row(p->rows);
	return EXIT_YES;
}

/* That it was absent is an answer, too. */
static int
tell_absence(const struct proved *p, const char *key, struct ag_error *err)
{
	if (p->call->is_quiet)
		return EXIT_NO;
	(void)ag_fail(err, AG_ENOENT,
	    "%s: proved to be absent at sequence %" PRIu64, key,
	    p->presence.seq);
	return exit_fail_code(p->call, err, EXIT_NO);
}

/* What does not hold, whatever it was told as, does not verify. */
static int
refuse(const struct proved *p, const char *what, struct ag_error *err)
{
	ag_error_prefix(err, "%s: not proved", what);
	return exit_fail_code(p->call, err,
	    err->status == AG_ENOMEM       ? EXIT_INTERNAL
		: err->status == AG_EINVAL ? EXIT_USAGE
					   : EXIT_VERIFY);
}

/* --- get --- */

bool
kv_proved_is_asked(const struct applet_call *call)
{
	const char *level = options_text(&call->options, "consistency");

	return level != NULL && strcmp(level, "proved") == 0;
}

static enum ag_status
ask_for(struct kv_ask *ask, const struct applet_call *call, const char *method,
    const char *path, const char *key)
{
	struct client_request request;
	struct target target;

	target_init(&target, path);
	target_add_bytes(&target, "key", bytes_from_text(key));
	if (strcmp(method, "DELETE") == 0)
		target_add_number(&target, "if_version", UINT64_MAX - 1);
	request = kv_ask_request(call, method, &target);
	if (strcmp(method, "GET") == 0)
		request.accept = "application/cbor";
	return client_call(ask->client, &request, &ask->answer, &ask->err);
}

/* In ask->answer and *p; the code, or EXIT_YES. */
static int
fetch_and_judge(struct proved *p, struct kv_ask *ask, const char *key)
{
	if (ask_for(ask, p->call, "GET", "/v1/proof", key) != AG_OK)
		return kv_ask_fail(ask, p->call);
	if (judge(p, buf_bytes(&ask->answer.body), bytes_from_text(key),
		&ask->err) != AG_OK)
		return refuse(p, key, &ask->err);
	return EXIT_YES;
}

static int
keep_proof(const struct proved *p, const struct kv_ask *ask)
{
	const char *path = options_text(&p->call->options, "proof");
	struct ag_error err;

	if (path == NULL)
		return EXIT_YES;
	return fs_write_file(path, 0644, buf_bytes(&ask->answer.body), &err) ==
		AG_OK
	    ? EXIT_YES
	    : exit_fail_local(p->call, &err);
}

static int
get_one(struct proved *p, struct kv_ask *ask, const char *key, bool wants_rows)
{
	enum ag_status status;
	int code;

	ask->key = key;
	code = fetch_and_judge(p, ask, key);
	if (code == EXIT_YES && !is_fresh(p)) {
		status = ask_for(ask, p->call, "DELETE", "/v1/kv", key);
		if (status != AG_OK && status != AG_ECONFLICT)
			return kv_ask_fail(ask, p->call);
		code = fetch_and_judge(p, ask, key);
	}
	if (code != EXIT_YES)
		return code;
	if (check_age(p, &ask->err) != AG_OK)
		return refuse(p, key, &ask->err);
	code = keep_proof(p, ask);
	if (code != EXIT_YES)
		return code;
	return p->is_absent ? tell_absence(p, key, &ask->err)
			    : show(p, wants_rows, &ask->err);
}

static int
get_each(struct proved *p, struct kv_ask *ask)
{
	const struct applet_call *call = p->call;
	const bool wants_rows = call->output != OUTPUT_VALUE &&
	    (options_has(&call->options, "output") || call->operand_count > 1);
	int code = EXIT_YES, one;
	size_t i;

	for (i = 0; i < call->operand_count; i++) {
		one = get_one(p, ask, call->operands[i],
		    wants_rows || call->operand_count > 1);
		if (one != EXIT_YES)
			code = one;
		if (one != EXIT_YES && one != EXIT_NO)
			break;
	}
	return kv_ask_end_rows(p->rows, call, code);
}

int
kv_proved_get(struct applet_call *call)
{
	struct proved *p;
	struct kv_ask ask;
	int code;

	if (options_has(&call->options, "at") ||
	    options_has(&call->options, "watch"))
		return applet_usage(call,
		    "what is proved is the newest checkpoint's: neither --at "
		    "nor --watch");
	if (options_has(&call->options, "proof") && call->operand_count > 1)
		return applet_usage(call, "--proof keeps that of one KEY");
	code = proved_open(&p, call);
	if (code == EXIT_YES) {
		code = kv_ask_open(&ask, call);
		if (code == EXIT_YES)
			code = get_each(p, &ask);
		kv_ask_close(&ask);
	}
	proved_close(p);
	return code;
}

/* --- verify --- */

static int
verify_file(struct proved *p, struct bytes proof)
{
	const char *key = options_text(&p->call->options, "key");
	const bool wants_rows = p->call->output != OUTPUT_VALUE &&
	    options_has(&p->call->options, "output");
	struct ag_error err;

	if (judge(p, proof, bytes_from_text(key == NULL ? "" : key), &err) !=
		AG_OK ||
	    check_age(p, &err) != AG_OK)
		return refuse(p, p->call->operands[0], &err);
	if (p->is_absent)
		return tell_absence(p, key, &err);
	return kv_ask_end_rows(p->rows, p->call, show(p, wants_rows, &err));
}

int
kv_proved_verify(struct applet_call *call)
{
	struct ag_error err;
	struct proved *p;
	struct buf proof;
	int code = proved_open(&p, call);

	buf_init(&proof, PROOF_BYTES_MOST);
	/* What was kept is as old as it may be, unless it is asked for. */
	if (code == EXIT_YES && !options_has(&call->options, "max-age"))
		p->max_age_ms = 0;
	if (code == EXIT_YES &&
	    fs_read_file(call->operands[0], &proof, &err) != AG_OK)
		code = exit_fail_local(call, &err);
	if (code == EXIT_YES)
		code = verify_file(p, buf_bytes(&proof));
	buf_fini(&proof);
	proved_close(p);
	return code;
}
