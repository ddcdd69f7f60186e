/*
 * The beginning of an epoch: what proves to whoever has the roster before it
 * that the cluster went on with a successor, and from which state.
 *
 * A quorum of the members before signed the state that ends their epoch, and
 * that state holds the successor's text under KEY_ROSTER.
 *
 * FORMAT  ["aegis-epoch", 1, text of the successor, seq, time_ms,
 *          key-value root (32), session digest (32), proof of the entry
 *          (trust/proof.h), certificate of the checkpoint]
 *
 * Ownership  texts are borrowed from what was decoded.
 * Threads    no shared state.
 */
#ifndef AEGIS_TRUST_EPOCH_H
#define AEGIS_TRUST_EPOCH_H

#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "codec/encoder.h"
#include "trust/certificate.h"
#include "trust/proof.h"
#include "trust/roster.h"

/* Largest encoding. */
#define EPOCH_BYTES_MAX \
	(ROSTER_FILE_BYTES_MAX + PROOF_BYTES_MAX + CERTIFICATE_BYTES_MAX + 256)

struct epoch {
	struct bytes roster; /* text */
	uint64_t seq;        /* the last of the epoch before */
	uint64_t time_ms;
	struct digest root;
	struct digest sessions;
	struct proof proof;
	struct certificate certificate;
};

void epoch_encode(struct encoder *e, const struct epoch *epoch);

/* From hostile bytes; shape only.  AG_ECORRUPT, AG_EVERSION. */
enum ag_status epoch_decode(struct epoch *epoch, struct bytes input,
    struct ag_error *err) AG_MUST_USE;

/* The digest of the state that the epoch begins with. */
void epoch_state(const struct epoch *epoch, struct digest *digest);

/*
 * The entry that holds the text of a successor of that epoch, as value
 * hashes cover it; needs len + 64 bytes of room beyond the key.
 */
void epoch_entry_encode(struct encoder *e, struct bytes text, uint64_t epoch,
    uint64_t seq);

/*
 * Did the members of before agree on it?  *next is then the roster, proved.
 * AG_EFORGED, AG_ECONFLICT, AG_EINVAL with why.
 */
enum ag_status epoch_verify(const struct epoch *epoch,
    const struct roster *before, struct roster *next,
    struct ag_error *err) AG_MUST_USE;

#endif
