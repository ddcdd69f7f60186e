/*
 * What the escrow commands share.
 *
 * RULES    1. A file is there whole and synced or not at all, and replaces
 *             another only when --force says so.
 */
#include "cmd/escrow_file.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "cmd/exit.h"
#include "cmd/member_node.h"
#include "cmd/passphrase.h"
#include "crypto/key_format.h"
#include "trust/chain.h"

enum ag_status
escrow_file_package(struct escrow_package *out, const char *path,
    struct ag_error *err)
{
	enum ag_status status;

	buf_init(&out->file, PACKAGE_BYTES_MAX);
	out->package = package_new();
	if (out->package == NULL)
		return ag_fail(err, AG_ENOMEM, "out of memory");
	status = fs_read_file(path, &out->file, err);
	if (status != AG_OK)
		return status;
	status = package_decode(out->package, buf_bytes(&out->file), err);
	if (status != AG_OK)
		ag_error_prefix(err, "%s", path);
	return status;
}

void
escrow_file_package_fini(struct escrow_package *p)
{
	package_free(p->package);
	buf_fini(&p->file);
}

enum ag_status
escrow_file_request(struct escrow_request *out, const char *path,
    struct ag_error *err)
{
	enum ag_status status;

	buf_init(&out->file, RECOVERY_BYTES_MAX);
	out->package = package_new();
	out->request = calloc(1, sizeof(*out->request));
	if (out->package == NULL || out->request == NULL)
		return ag_fail(err, AG_ENOMEM, "out of memory");
	status = fs_read_file(path, &out->file, err);
	if (status != AG_OK)
		return status;
	status = recovery_decode(out->request, buf_bytes(&out->file), err);
	if (status == AG_OK)
		status = recovery_open(out->package, out->request, err);
	if (status != AG_OK)
		ag_error_prefix(err, "%s", path);
	return status;
}

void
escrow_file_request_fini(struct escrow_request *r)
{
	free(r->request);
	package_free(r->package);
	buf_fini(&r->file);
}

enum ag_status
escrow_file_replace_request(const struct recovery *request, const char *path,
    struct ag_error *err)
{
	enum ag_status status;
	struct buf out;

	buf_init(&out, RECOVERY_BYTES_MAX);
	status = recovery_encode(request, &out, err);
	if (status == AG_OK)
		status = fs_write_file(path, 0644, buf_bytes(&out), err);
	buf_fini(&out);
	return status;
}

enum ag_status
escrow_file_check_out(const struct applet_call *call, struct ag_error *err)
{
	const char *path = options_text(&call->options, "out");

	if (path == NULL || path[0] == '\0')
		return ag_fail(err, AG_EINVAL, "-o FILE is needed");
	if (strcmp(path, "-") == 0 || options_has(&call->options, "force") ||
	    !fs_exists(path))
		return AG_OK;
	return ag_fail(err, AG_EEXIST, "%s exists already; --force replaces it",
	    path);
}

enum ag_status
escrow_file_put(const struct applet_call *call, mode_t mode, struct bytes data,
    struct ag_error *err)
{
	const char *path = options_text(&call->options, "out");
	enum ag_status status = escrow_file_check_out(call, err);

	if (status != AG_OK)
		return status;
	if (strcmp(path, "-") == 0)
		return fs_write(STDOUT_FILENO, "standard output", data, err);
	return fs_write_file(path, mode, data, err);
}

static enum ag_status
take_key(struct secret **key, const struct private_key *loaded, int id,
    const char *path, struct ag_error *err)
{
	if (private_key_public(loaded)->id != id)
		return ag_fail(err, AG_EINVAL,
		    "private key %s: it is of type %s, and this takes %s", path,
		    key_public_algorithm(private_key_public(loaded))->name,
		    algorithm_get(ALGORITHM_KEY, id)->name);
	*key = secret_copy(secret_bytes(private_key_secret(loaded)));
	return *key != NULL
	    ? AG_OK
	    : ag_fail(err, AG_ENOMEM, "private key %s: out of memory", path);
}

enum ag_status
escrow_file_key(struct secret **key, const struct applet_call *call,
    const char *path, int id, struct ag_error *err)
{
	struct secret *text, *passphrase;
	struct private_key *loaded;
	enum ag_status status;

	*key = NULL;
	status = secret_read_file(&text, path, KEY_FORMAT_FILE_BYTES_MAX, err);
	if (status != AG_OK)
		return status;
	status = passphrase_open_key(&loaded, call, path, secret_bytes(text),
	    &passphrase, err);
	secret_free(passphrase);
	secret_free(text);
	if (status != AG_OK)
		return status;
	status = take_key(key, loaded, id, path, err);
	private_key_free(loaded);
	return status;
}

int
escrow_file_rosters(struct buf *chain, const struct applet_call *call)
{
	const char *path = options_text(&call->options, "roster");
	struct ag_error err;

	if (path == NULL)
		return member_node_chain(call, chain);
	return fs_read_file(path, chain, &err) == AG_OK
	    ? EXIT_YES
	    : exit_fail_local(call, &err);
}

enum ag_status
escrow_file_roster(struct roster **out, struct bytes chain, uint64_t epoch,
    struct ag_error *err)
{
	enum ag_status status;

	*out = calloc(1, sizeof(**out));
	if (*out == NULL)
		return ag_fail(err, AG_ENOMEM, "out of memory");
	status = chain_parse(*out, NULL, chain, epoch, "rosters", err);
	if (status == AG_OK && !roster_is_complete(*out))
		status = ag_fail(err, AG_EFORGED,
		    "the roster is not signed by all its members");
	if (status == AG_OK)
		return AG_OK;
	free(*out);
	*out = NULL;
	return status;
}
