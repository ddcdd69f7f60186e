/*
 * Who may sign: files in the allowed-signers format of ssh-keygen(1).
 *
 * FORMAT   line        principals SP [options SP] type SP base64 [SP comment]
 *                      empty lines and those that begin with # are comments
 *          principals  patterns with commas between: * and ? are wildcards,
 *                      ! in front takes names out; "quoted" when with blanks
 *          options     with commas between, names in any case:
 *                      cert-authority            not supported: see RULES
 *                      namespaces="PATTERNS"
 *                      valid-after="TIME" valid-before="TIME"
 *          TIME        YYYYMMDD or YYYYMMDDHHMM[SS], with Z in UTC and else
 *                      in the zone of this machine
 *
 * Threads    no shared state, but that of mktime(3).
 */
#ifndef AEGIS_CRYPTO_ALLOWED_SIGNERS_H
#define AEGIS_CRYPTO_ALLOWED_SIGNERS_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "crypto/ssh_key.h"

#define ALLOWED_SIGNERS_FILE_BYTES_MAX ((size_t)4 << 20)

struct allowed_question {
	const struct ssh_key *key;
	const char *identity;
	const char *namespace;
	uint64_t at; /* seconds since 1970: when the signature counts */
};

/*
 * Does any line allow it?  *line is its number.  name is what errors call
 * the file.
 *
 * AG_EDENIED  no line does: err has the reason of the nearest one
 * AG_EINVAL   a line up to the one that does is wrong; err says which
 */
enum ag_status allowed_signers_check(struct bytes text, const char *name,
    const struct allowed_question *question, size_t *line,
    struct ag_error *err) AG_MUST_USE;

/* A TIME as above; AG_EINVAL when it is none. */
enum ag_status allowed_signers_parse_time(uint64_t *at,
    struct bytes text) AG_MUST_USE;

#endif
