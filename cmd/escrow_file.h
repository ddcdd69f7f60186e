/*
 * What the escrow commands share: packages, requests, keys and rosters that
 * operands and options name, and what is written.
 */
#ifndef AEGIS_CMD_ESCROW_FILE_H
#define AEGIS_CMD_ESCROW_FILE_H

#include <sys/types.h>

#include "base/bytes.h"
#include "base/status.h"
#include "cmd/applet.h"
#include "crypto/secret.h"
#include "escrow/package.h"
#include "escrow/recovery.h"
#include "trust/roster.h"

/* A package and the file it borrows from. */
struct escrow_package {
	struct buf file;
	struct package *package;
};

enum ag_status escrow_file_package(struct escrow_package *out, const char *path,
    struct ag_error *err) AG_MUST_USE;
void escrow_file_package_fini(struct escrow_package *p);

/* A request, the package inside, and the file both borrow from. */
struct escrow_request {
	struct buf file;
	struct recovery *request;
	struct package *package;
};

enum ag_status escrow_file_request(struct escrow_request *out, const char *path,
    struct ag_error *err) AG_MUST_USE;
void escrow_file_request_fini(struct escrow_request *r);

/* Write it again, over what it was read from. */
enum ag_status escrow_file_replace_request(const struct recovery *request,
    const char *path, struct ag_error *err) AG_MUST_USE;

/* Write --out whole, replacing another file with --force alone; "-" is
 * standard output. */
enum ag_status escrow_file_put(const struct applet_call *call, mode_t mode,
    struct bytes data, struct ag_error *err) AG_MUST_USE;

/* May --out be written? */
enum ag_status escrow_file_check_out(const struct applet_call *call,
    struct ag_error *err) AG_MUST_USE;

/* A private key's scalar or X25519 number, by its id in the registry. */
enum ag_status escrow_file_key(struct secret **key,
    const struct applet_call *call, const char *path, int id,
    struct ag_error *err) AG_MUST_USE;

/* The cluster's rosters: of --roster, or as the node has them.  EXIT_YES, or
 * the code after saying why. */
int escrow_file_rosters(struct buf *chain, const struct applet_call *call);

/* That of an epoch; the caller frees it. */
enum ag_status escrow_file_roster(struct roster **out, struct bytes chain,
    uint64_t epoch, struct ag_error *err) AG_MUST_USE;

#endif
