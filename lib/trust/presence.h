/*
 * That a key had a value, or was absent, in a state that a cluster agreed on,
 * and when: for whoever has the cluster's rosters, and was not there.
 *
 * FORMAT  canonical CBOR:
 *         ["aegis-presence", 1, cluster id (32), epoch, seq, time_ms,
 *          key-value root (32), session digest (32), entry | null,
 *          proof (trust/proof.h), certificate of the checkpoint]
 *         entry  byte string around [key, value, version, created, modified]
 *
 * The digest that members sign covers the agreed time of the last batch
 * (trust/state.h), so what stands here is as sure as what the state holds.
 * It is a time that was agreed on, not one at which anybody looked: between
 * two batches it stands still.
 *
 * Ownership  the entry is borrowed from what was decoded.
 * Threads    no shared state.
 */
#ifndef AEGIS_TRUST_PRESENCE_H
#define AEGIS_TRUST_PRESENCE_H

#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "codec/encoder.h"
#include "trust/certificate.h"
#include "trust/proof.h"
#include "trust/roster.h"

/* Largest encoding, but for the entry. */
#define PRESENCE_OVERHEAD (PROOF_BYTES_MAX + CERTIFICATE_BYTES_MAX + 256)

/* Largest entry that is read. */
#define PRESENCE_ENTRY_BYTES_MAX ((1U << 20) + 2048)

struct presence {
	struct trust_scope scope; /* which roster to ask */
	uint64_t seq;
	uint64_t time_ms;
	struct digest root;
	struct digest sessions;
	struct bytes entry; /* empty: the key was absent */
	struct proof proof;
	struct certificate certificate;
};

/* What an entry says. */
struct presence_entry {
	struct bytes key, value;
	uint64_t version;
	uint64_t created;  /* sequence */
	uint64_t modified; /* sequence */
};

/* certificate is encoded already; presence->certificate is not looked at. */
void presence_encode(struct encoder *e, const struct presence *presence,
    struct bytes certificate);

/* From hostile bytes; shape only.  AG_ECORRUPT, AG_EVERSION. */
enum ag_status presence_decode(struct presence *presence, struct bytes input,
    struct ag_error *err) AG_MUST_USE;

/*
 * Did the members of roster, which is that of the presence's epoch, agree on
 * a state in which this holds of key?  AG_EFORGED with why not; AG_ECONFLICT
 * it is of another cluster or epoch.
 */
enum ag_status presence_verify(const struct presence *presence,
    struct bytes key, const struct roster *roster,
    struct ag_error *err) AG_MUST_USE;

/* Read an entry that was verified.  AG_ECORRUPT, AG_ENOENT: absent. */
enum ag_status presence_read(const struct presence *presence,
    struct presence_entry *entry, struct ag_error *err) AG_MUST_USE;

#endif
