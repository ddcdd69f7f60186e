/*
 * A node's own link key: its file, its certificate, and its replacement.
 *
 * Ownership  link_key_load() and link_key_rotate() hand out the secret,
 *            link_key_free() takes it back.
 * Threads    one at a time for one path.
 */
#ifndef AEGIS_TRUST_LINK_KEY_H
#define AEGIS_TRUST_LINK_KEY_H

#include <stdint.h>

#include "base/status.h"
#include "crypto/secret.h"
#include "crypto/signer.h"
#include "trust/link_certificate.h"
#include "trust/roster.h"

struct link_key {
	struct secret *secret;
	struct link_certificate certificate;
	uint64_t made_ms; /* wall; of the roster's the file's own time */
};

/*
 * Read the key at path, and finish a replacement that a crash cut short.
 * AG_EINVAL    it is neither certified nor the one the roster has for member
 * AG_ECORRUPT  its certificate can't be read
 */
enum ag_status link_key_load(struct link_key *key, const char *path,
    const struct roster *roster, uint32_t member,
    const struct secret *passphrase, struct ag_error *err) AG_MUST_USE;

/*
 * Make, certify and store a key in place of this one; on failure it stays
 * the one.  AG_EDENIED: the file has a passphrase and none was given.
 */
enum ag_status link_key_rotate(struct link_key *key, const char *path,
    const struct link_holder *holder, const struct signer *node_key,
    uint64_t now_ms, const struct secret *passphrase,
    struct ag_error *err) AG_MUST_USE;

void link_key_free(struct link_key *key);

#endif
