/*
 * Requests are made, shown to the cluster, approved and joined.
 *
 * RULES    1. A request is written before it is put into the cluster's store:
 *             killed in between, `prove` goes on; the other way round nobody
 *             would have the request that all are alerted of.
 *          2. What was put into the file is verified first, as custodians
 *             will.
 */
#include "cmd/escrow_request.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "cmd/escrow_cluster.h"
#include "cmd/escrow_file.h"
#include "cmd/escrow_show.h"
#include "cmd/escrow_standing.h"
#include "cmd/exit.h"
#include "cmd/passphrase.h"
#include "crypto/key_public.h"
#include "crypto/public_key.h"
#include "trust/chain.h"
#include "trust/setup.h"

#define ROSTER_OPTION                                                        \
	{                                                                    \
		'r', "roster", "FILE", "the rosters; else the node is asked" \
	}

const struct applet_option escrow_request_options[] = {
	{ 0, "reason", "TEXT", "why; all who approve are shown it" },
	{ 't', "to", "RECIPIENT", "the X25519 key that shares are for" },
	{ 'd', "delay", "TIME", "how long it waits (default: the package's)" },
	{ 0, "offline", NULL, "without a cluster: nothing proves the delay" },
	ROSTER_OPTION,
	{ 'o', "out", "FILE", "write the request here" },
	{ 'f', "force", NULL, "replace an existing file" },
	OPTIONS_END,
};

const struct applet_option escrow_request_prove_options[] = {
	ROSTER_OPTION,
	OPTIONS_END,
};

const struct applet_option escrow_request_approve_options[] = {
	{ 'i', "identity", "FILE", "approve with this key; repeatable" },
	{ 'd', "data", "DIR",
	    "approve with this directory's node key; repeatable" },
	PASSPHRASE_OPTIONS,
	ROSTER_OPTION,
	OPTIONS_END,
};

const struct applet_option escrow_request_merge_options[] = {
	{ 'o', "out", "FILE", "write the result here" },
	{ 'f', "force", NULL, "replace an existing file" },
	OPTIONS_END,
};

/* --- seen by the cluster --- */

static int
take_proof(const struct applet_call *call, struct recovery *request,
    struct bytes proof, struct bytes chain, const char *path)
{
	struct recovery_sight sight;
	struct ag_error err;

	if (escrow_standing_see(&sight, request, proof, chain, &err) != AG_OK)
		return exit_fail(call, &err);
	if (request->first.len == 0)
		request->first = proof;
	else
		request->latest = proof;
	return escrow_file_replace_request(request, path, &err) == AG_OK
	    ? EXIT_YES
	    : exit_fail_local(call, &err);
}

/* Put it into the store unless it was proved there before; prove it. */
static int
prove(const struct applet_call *call, struct recovery *request,
    struct bytes chain, const char *path)
{
	struct buf proof;
	int code = request->first.len == 0 ? escrow_cluster_put(call, request)
					   : escrow_cluster_tick(call, request);

	buf_init(&proof, RECOVERY_PRESENCE_BYTES_MAX);
	if (code == EXIT_YES)
		code = escrow_cluster_prove(call, request, &proof);
	if (code == EXIT_YES)
		code =
		    take_proof(call, request, buf_bytes(&proof), chain, path);
	buf_fini(&proof);
	return code;
}

static int
prove_file(struct applet_call *call, struct escrow_request *r, const char *path)
{
	struct ag_error err;
	struct buf chain;
	int code;

	if (r->request->is_offline) {
		(void)ag_fail(&err, AG_EREFUSED,
		    "the request was made offline, and is in no cluster's "
		    "store");
		return exit_fail(call, &err);
	}
	buf_init(&chain, CHAIN_BYTES_MAX);
	code = escrow_file_rosters(&chain, call);
	if (code == EXIT_YES)
		code = prove(call, r->request, buf_bytes(&chain), path);
	buf_fini(&chain);
	return code;
}

/* With the request that an operand names. */
static int
with_request(struct applet_call *call, const char *path,
    int (*run)(struct applet_call *call, struct escrow_request *r,
	const char *path))
{
	struct escrow_request r = { 0 };
	struct ag_error err;
	int code = escrow_file_request(&r, path, &err) == AG_OK
	    ? run(call, &r, path)
	    : exit_fail_local(call, &err);

	escrow_file_request_fini(&r);
	return code;
}

int
escrow_request_prove(struct applet_call *call)
{
	const char *path = call->operands[0];
	int code = with_request(call, path, prove_file);

	return code == EXIT_YES ? escrow_show_file(call, path) : code;
}

/* --- made --- */

static enum ag_status
load_recipient(uint8_t out[static RECOVERY_RECIPIENT_BYTES], const char *text,
    struct ag_error *err)
{
	char comment[PUBLIC_KEY_COMMENT_BYTES];
	enum ag_status status = AG_OK;
	struct key_public key;
	struct buf file;

	buf_init(&file, PUBLIC_KEY_FILE_BYTES_MAX);
	if (key_public_parse(&key, comment, bytes_from_text(text), NULL) !=
	    AG_OK) {
		status = fs_read_file(text, &file, err);
		if (status == AG_OK)
			status = key_public_parse(&key, comment,
			    buf_bytes(&file), err);
	}
	if (status == AG_OK && key.id != ALGORITHM_KEY_X25519)
		status = ag_fail(err, AG_EINVAL,
		    "%s: shares are encrypted to X25519 keys (aegis keygen "
		    "-t x25519)",
		    text);
	if (status == AG_OK)
		status = key_public_check(&key, err);
	if (status == AG_OK)
		memcpy(out, key.x25519, RECOVERY_RECIPIENT_BYTES);
	buf_fini(&file);
	return status;
}

static int
begin(const struct applet_call *call, struct recovery *request,
    const struct escrow_package *p)
{
	const char *reason = options_text(&call->options, "reason");
	uint64_t delay_ms = p->package->delay_ms;
	uint8_t recipient[RECOVERY_RECIPIENT_BYTES];
	enum ag_status status;
	struct ag_error err;

	if (options_duration_ms(&call->options, "delay", &delay_ms, &err) !=
	    AG_OK)
		return applet_usage(call, "%s", err.text);
	if (load_recipient(recipient, options_text(&call->options, "to"),
		&err) != AG_OK)
		return exit_fail_local(call, &err);
	status = recovery_begin(request, p->package, buf_bytes(&p->file),
	    reason, recipient, delay_ms, clock_wall_ms(),
	    options_has(&call->options, "offline"), &err);
	if (status == AG_EINVAL)
		return applet_usage(call, "%s", err.text);
	return status == AG_OK ? EXIT_YES : exit_fail(call, &err);
}

static int
write_request(const struct applet_call *call, const struct recovery *request)
{
	enum ag_status status;
	struct ag_error err;
	struct buf out;

	buf_init(&out, RECOVERY_BYTES_MAX);
	status = recovery_encode(request, &out, &err);
	if (status == AG_OK)
		status = escrow_file_put(call, 0644, buf_bytes(&out), &err);
	buf_fini(&out);
	return status == AG_OK ? EXIT_YES : exit_fail_local(call, &err);
}

/* Show it to the cluster, or say what nothing will prove. */
static int
announce(struct applet_call *call)
{
	const char *path = options_text(&call->options, "out");
	int code;

	if (options_has(&call->options, "offline")) {
		if (!call->is_quiet)
			(void)fprintf(stderr,
			    "offline: each custodian's own clock decides when "
			    "it has waited, from the time that this machine "
			    "says; nobody is alerted, and nobody can cancel\n");
		return EXIT_YES;
	}
	code = with_request(call, path, prove_file);
	if (code == EXIT_YES)
		return escrow_show_file(call, path);
	(void)fprintf(stderr,
	    "%s was written, but the cluster has not shown it; go on with: "
	    "aegis escrow prove %s\n",
	    path, path);
	return code;
}

static int
make(struct applet_call *call, const struct escrow_package *p)
{
	struct recovery *request = calloc(1, sizeof(*request));
	struct ag_error err;
	int code;

	if (request == NULL) {
		(void)ag_fail(&err, AG_ENOMEM, "out of memory");
		return exit_fail(call, &err);
	}
	code = begin(call, request, p);
	if (code == EXIT_YES && !request->is_offline &&
	    !p->package->has_cluster) {
		(void)ag_fail(&err, AG_EREFUSED,
		    "the package names no cluster; make the request with "
		    "--offline");
		code = exit_fail(call, &err);
	}
	if (code == EXIT_YES)
		code = write_request(call, request);
	free(request);
	return code == EXIT_YES ? announce(call) : code;
}

int
escrow_request_run(struct applet_call *call)
{
	const char *out = options_text(&call->options, "out");
	struct escrow_package p = { 0 };
	struct ag_error err;
	int code;

	if (!options_has(&call->options, "reason") ||
	    !options_has(&call->options, "to") || out == NULL)
		return applet_usage(call,
		    "--reason TEXT, --to RECIPIENT and -o FILE are all "
		    "needed");
	if (strcmp(out, "-") == 0)
		return applet_usage(call,
		    "a request is a file that others write into: give -o a "
		    "name");
	if (escrow_file_check_out(call, &err) != AG_OK)
		return exit_fail_local(call, &err);
	code = escrow_file_package(&p, call->operands[0], &err) == AG_OK
	    ? make(call, &p)
	    : exit_fail_local(call, &err);
	escrow_file_package_fini(&p);
	return code;
}

/* --- approved --- */

static enum ag_status
approve_with(const struct applet_call *call, struct recovery *request,
    const struct roster *roster, const char *path, struct ag_error *err)
{
	struct secret *key;
	enum ag_status status = passphrase_load_key(&key, call, path, err);

	if (status != AG_OK)
		return status;
	status = recovery_approve(request, roster, key, err);
	secret_free(key);
	if (status != AG_OK)
		ag_error_prefix(err, "%s", path);
	return status;
}

/* With every -i key and every -d directory's node key. */
static enum ag_status
approve_all(const struct applet_call *call, struct recovery *request,
    const struct roster *roster, struct ag_error *err)
{
	const struct options *o = &call->options;
	enum ag_status status = AG_OK;
	char path[PATH_MAX];

	for (size_t i = 0; status == AG_OK && i < options_count(o, "identity");
	     i++)
		status = approve_with(call, request, roster,
		    options_text_at(o, "identity", i), err);
	for (size_t i = 0; status == AG_OK && i < options_count(o, "data");
	     i++) {
		status = fs_join(path, sizeof(path),
		    options_text_at(o, "data", i), SETUP_NODE_KEY, err);
		if (status == AG_OK)
			status = approve_with(call, request, roster, path, err);
	}
	return status;
}

static int
approve(struct applet_call *call, struct escrow_request *r, const char *path)
{
	struct escrow_standing standing;
	enum ag_status status;
	struct ag_error err;
	int code;

	if (!r->package->has_cluster) {
		(void)ag_fail(&err, AG_EREFUSED,
		    "the package names no cluster, so nobody approves: its "
		    "custodians alone decide");
		return exit_fail(call, &err);
	}
	code = escrow_standing_find(&standing, call, r, false);
	if (code == EXIT_YES) {
		status = approve_all(call, r->request, standing.roster, &err);
		if (status == AG_OK)
			status =
			    escrow_file_replace_request(r->request, path, &err);
		if (status != AG_OK)
			code = exit_fail_local(call, &err);
	}
	escrow_standing_fini(&standing);
	return code == EXIT_YES ? escrow_show_file(call, path) : code;
}

int
escrow_request_approve(struct applet_call *call)
{
	const struct options *o = &call->options;

	if (options_count(o, "identity") + options_count(o, "data") == 0)
		return applet_usage(call, "give a key with -i FILE or -d DIR");
	return with_request(call, call->operands[0], approve);
}

/* --- joined --- */

static enum ag_status
merge_all(const struct applet_call *call, struct escrow_request *copies,
    struct ag_error *err)
{
	enum ag_status status = AG_OK;

	for (size_t i = 0; status == AG_OK && i < call->operand_count; i++) {
		status =
		    escrow_file_request(&copies[i], call->operands[i], err);
		if (status != AG_OK || i == 0)
			continue;
		status =
		    recovery_merge(copies[0].request, copies[i].request, err);
		if (status != AG_OK)
			ag_error_prefix(err, "%s", call->operands[i]);
	}
	return status;
}

int
escrow_request_merge(struct applet_call *call)
{
	struct escrow_request *copies;
	struct ag_error err;
	int code;

	if (escrow_file_check_out(call, &err) != AG_OK)
		return err.status == AG_EINVAL
		    ? applet_usage(call, "%s", err.text)
		    : exit_fail_local(call, &err);
	copies = calloc(call->operand_count, sizeof(*copies));
	if (copies == NULL) {
		(void)ag_fail(&err, AG_ENOMEM, "out of memory");
		return exit_fail(call, &err);
	}
	code = merge_all(call, copies, &err) == AG_OK
	    ? write_request(call, copies[0].request)
	    : exit_fail_local(call, &err);
	for (size_t i = 0; i < call->operand_count; i++)
		escrow_file_request_fini(&copies[i]);
	free(copies);
	return code;
}
