/*
 * Shares are submitted, and put together.
 *
 * RULES    1. A custodian's key is not even asked for before the request was
 *             found approved and to have waited.
 *          2. A share that is wrong is named with its custodian and left out;
 *             what is recovered was checked against the package before any of
 *             it is written.
 */
#include "cmd/escrow_recover.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "cmd/escrow_file.h"
#include "cmd/escrow_standing.h"
#include "cmd/exit.h"
#include "cmd/passphrase.h"
#include "escrow/share.h"

const struct applet_option escrow_recover_submit_options[] = {
	{ 'i', "identity", "FILE", "the custodian's key" },
	PASSPHRASE_OPTIONS,
	{ 'p', "package", "FILE", "refuse a request for another package" },
	{ 'r', "roster", "FILE", "the rosters; else the node is asked" },
	{ 0, "offline", NULL, "this machine's clock says how long it waited" },
	{ 'o', "out", "FILE", "write the share here" },
	{ 'f', "force", NULL, "replace an existing file" },
	OPTIONS_END,
};

const struct applet_option escrow_recover_options[] = {
	{ 'i', "identity", "FILE", "the key that shares are encrypted to" },
	PASSPHRASE_OPTIONS,
	{ 'o', "out", "FILE", "write the secret here" },
	{ 'f', "force", NULL, "replace an existing file" },
	OPTIONS_END,
};

/* --- submit --- */

/* Is it for the custodian's own copy of the package? */
static enum ag_status
check_package(const struct applet_call *call, const struct recovery *request,
    struct ag_error *err)
{
	const char *path = options_text(&call->options, "package");
	struct escrow_package own = { 0 };
	enum ag_status status;

	if (path == NULL)
		return AG_OK;
	status = escrow_file_package(&own, path, err);
	if (status == AG_OK &&
	    !digest_equal(&own.package->id, &request->package_id))
		status = ag_fail(err, AG_EREFUSED,
		    "the request is for another package than %s", path);
	escrow_file_package_fini(&own);
	return status;
}

static enum ag_status
make_share(struct buf *out, const struct applet_call *call,
    const struct escrow_request *r, struct ag_error *err)
{
	const char *path = options_text(&call->options, "identity");
	struct ristretto_key public;
	enum ag_status status;
	struct secret *key;
	struct share share;
	int place;

	status =
	    escrow_file_key(&key, call, path, ALGORITHM_KEY_RISTRETTO255, err);
	if (status != AG_OK)
		return status;
	ristretto_key_of(&public, key);
	place = package_find_key(r->package, &public.point);
	if (place == -1)
		status = ag_fail(err, AG_EREFUSED,
		    "%s is no key of a custodian who has a share of this "
		    "package",
		    path);
	else
		status = share_make(&share, r->request, r->package,
		    (uint32_t)place, key, err);
	secret_free(key);
	return status == AG_OK ? share_encode(&share, out, err) : status;
}

static int
submit_to(struct applet_call *call, const struct escrow_request *r)
{
	struct escrow_standing standing;
	enum ag_status status;
	struct ag_error err;
	struct buf out;
	int code = escrow_standing_find(&standing, call, r, true);

	if (code != EXIT_YES) {
		escrow_standing_fini(&standing);
		return code;
	}
	buf_init(&out, SHARE_BYTES_MAX);
	status = escrow_standing_check(&standing, &err);
	if (status == AG_OK)
		status = check_package(call, r->request, &err);
	if (status == AG_OK)
		status = make_share(&out, call, r, &err);
	if (status == AG_OK)
		status = escrow_file_put(call, 0644, buf_bytes(&out), &err);
	buf_fini(&out);
	escrow_standing_fini(&standing);
	return status == AG_OK ? EXIT_YES : exit_fail_local(call, &err);
}

int
escrow_recover_submit(struct applet_call *call)
{
	struct escrow_request r = { 0 };
	struct ag_error err;
	int code;

	if (!options_has(&call->options, "identity") ||
	    !options_has(&call->options, "out"))
		return applet_usage(call, "-i KEY and -o FILE are both needed");
	if (escrow_file_check_out(call, &err) != AG_OK)
		return exit_fail_local(call, &err);
	code = escrow_file_request(&r, call->operands[0], &err) == AG_OK
	    ? submit_to(call, &r)
	    : exit_fail_local(call, &err);
	if (code == EXIT_YES && !call->is_quiet)
		(void)fprintf(stderr, "%sshare made; for: %s\n",
		    r.package->is_rehearsal ? "rehearsal: " : "",
		    r.request->reason);
	escrow_file_request_fini(&r);
	return code;
}

/* --- recover --- */

/* Good shares, each of another custodian; points are wiped at the end. */
struct gathering {
	const struct applet_call *call;
	const struct escrow_request *r;
	const struct secret *key;
	uint32_t count;
	uint32_t numbers[PVSS_CUSTODIANS_MAX];
	struct point points[PVSS_CUSTODIANS_MAX];
	uint32_t skipped;
};

static bool
has_number(const struct gathering *g, uint32_t number)
{
	for (uint32_t i = 0; i < g->count; i++)
		if (g->numbers[i] == number)
			return true;
	return false;
}

static enum ag_status
gather_one(struct gathering *g, const char *path, struct ag_error *err)
{
	enum ag_status status;
	struct share share;
	struct point point;
	struct buf file;

	buf_init(&file, SHARE_BYTES_MAX);
	status = fs_read_file(path, &file, err);
	if (status == AG_OK)
		status = share_decode(&share, buf_bytes(&file), err);
	buf_fini(&file);
	if (status == AG_OK)
		status = share_open(&point, &share, g->r->request,
		    g->r->package, g->key, err);
	if (status != AG_OK) {
		ag_error_prefix(err, "%s left out", path);
		return status;
	}
	if (!has_number(g, share.number)) {
		g->numbers[g->count] = share.number;
		g->points[g->count] = point;
		g->count++;
	}
	secret_wipe(&point, sizeof(point));
	return AG_OK;
}

static void
gather(struct gathering *g)
{
	struct ag_error err;

	/* The first operand is the request. */
	for (size_t i = 1; i < g->call->operand_count; i++) {
		if (gather_one(g, g->call->operands[i], &err) == AG_OK)
			continue;
		(void)exit_fail_local(g->call, &err);
		g->skipped++;
	}
}

static enum ag_status
put_together(struct secret **payload, const struct gathering *g,
    struct ag_error *err)
{
	const struct package *p = g->r->package;
	enum ag_status status;
	struct point secret;

	*payload = NULL;
	if (g->count < p->threshold)
		return ag_fail(err, AG_EREFUSED,
		    "%u good shares of different custodians, and it takes %u",
		    g->count, p->threshold);
	if (!pvss_interpolate(&secret, 0, g->numbers, g->points, p->threshold))
		return ag_fail(err, AG_EFORGED,
		    "the shares give no point together");
	status = package_open(payload, p, &secret, err);
	secret_wipe(&secret, sizeof(secret));
	return status;
}

static void
tell_recovered(const struct gathering *g, const struct secret *payload)
{
	if (g->call->is_quiet)
		return;
	if (g->r->package->is_rehearsal)
		(void)fprintf(stderr,
		    "rehearsal: %u custodians would have brought it back; no "
		    "secret was touched\n",
		    g->r->package->threshold);
	else
		(void)fprintf(stderr,
		    "%zu bytes are back; as they were out, put another secret "
		    "in their place and into escrow\n",
		    secret_len(payload));
}

static int
recover(struct gathering *g)
{
	struct secret *payload;
	enum ag_status status;
	struct ag_error err;

	gather(g);
	status = put_together(&payload, g, &err);
	if (status == AG_OK)
		status =
		    escrow_file_put(g->call, 0600, secret_bytes(payload), &err);
	if (status == AG_OK)
		tell_recovered(g, payload);
	secret_free(payload);
	secret_wipe(g->points, sizeof(g->points));
	return status == AG_OK ? EXIT_YES : exit_fail_local(g->call, &err);
}

static int
recover_from(struct applet_call *call, const struct escrow_request *r)
{
	struct gathering g = { .call = call, .r = r };
	struct secret *key;
	struct ag_error err;
	int code;

	if (escrow_file_key(&key, call,
		options_text(&call->options, "identity"), ALGORITHM_KEY_X25519,
		&err) != AG_OK)
		return exit_fail_local(call, &err);
	g.key = key;
	code = recover(&g);
	secret_free(key);
	return code;
}

int
escrow_recover_run(struct applet_call *call)
{
	struct escrow_request r = { 0 };
	struct ag_error err;
	int code;

	if (!options_has(&call->options, "identity") ||
	    !options_has(&call->options, "out"))
		return applet_usage(call, "-i KEY and -o FILE are both needed");
	if (escrow_file_check_out(call, &err) != AG_OK)
		return exit_fail_local(call, &err);
	code = escrow_file_request(&r, call->operands[0], &err) == AG_OK
	    ? recover_from(call, &r)
	    : exit_fail_local(call, &err);
	escrow_file_request_fini(&r);
	return code;
}
