/*
 * A certificate on its own: a file that says which cluster it speaks of, and
 * that anybody who has that cluster's roster can check.
 *
 * FORMAT  ["aegis-certificate", 1, cluster id (32), epoch, certificate]
 *
 * Cluster and epoch are inside every signature too: what stands here only
 * says which roster to ask, and cannot make anything true.
 *
 * Ownership  caller's storage; nothing to free.
 */
#ifndef AEGIS_TRUST_CERTIFICATE_FILE_H
#define AEGIS_TRUST_CERTIFICATE_FILE_H

#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "codec/encoder.h"
#include "trust/certificate.h"
#include "trust/roster.h"

/* Largest encoding, for fixed buffers. */
#define CERTIFICATE_FILE_BYTES_MAX (CERTIFICATE_BYTES_MAX + 128)

/* Longest list of signers' names, with its NUL. */
#define CERTIFICATE_NAMES_BYTES (TRUST_MEMBERS_MAX * ROSTER_NAME_BYTES)

struct certificate_file {
	struct trust_scope scope;
	struct certificate certificate;
};

/* Around a certificate that is encoded already. */
void certificate_file_encode(struct encoder *e, const struct trust_scope *scope,
    struct bytes certificate);

/*
 * From hostile bytes; shape only.
 * AG_ECORRUPT  not such a file, cut short or changed: at which byte
 * AG_EVERSION  a format this program does not read
 */
enum ag_status certificate_file_decode(struct certificate_file *out,
    struct bytes input, struct ag_error *err) AG_MUST_USE;

/*
 * Is it of the roster's cluster and epoch, and does it convince?
 * AG_EFORGED with why, members by their names.
 */
enum ag_status certificate_file_verify(const struct certificate_file *file,
    const struct roster *roster, struct ag_error *err) AG_MUST_USE;

/* The same of a certificate whose cluster is known from elsewhere. */
enum ag_status certificate_file_judge(const struct certificate *c,
    const struct roster *roster, struct ag_error *err) AG_MUST_USE;

/* "commit", "checkpoint", …: what a certificate is called. */
const char *certificate_file_kind(const struct certificate *c);

#endif
