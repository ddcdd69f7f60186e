/*
 * Durable records: what a replica must know again after a crash.
 *
 * FORMAT  canonical CBOR arrays
 *         proposal    [1, view, seq, digest, batch | null]
 *                     accepted, and our PREPARE given; null: the batch is in
 *                     an earlier record
 *         prepared    [2, certificate]   and our COMMIT given
 *         committed   [3, certificate]   of COMMITs, or of all members'
 *                     PREPAREs
 *         view        [4, view, is changing, NEW_VIEW | null]
 *         checkpoint  [5, certificate, view, is changing, NEW_VIEW | null]
 *         state       [6, seq, digest]  our own state's, at a checkpoint
 *         batch       [7, seq, batch]    that came with a certificate
 *
 *         and of Raft
 *         entry       [8, term, seq, digest, batch]
 *                     appended to the log; those from seq on before it are
 *                     no longer in the log
 *         term        [9, term, vote | null]
 *         base        [10, certificate, base term, term, vote | null]
 *                     the log begins behind this checkpoint, whose entry is
 *                     of the base term; unless the log has that very entry,
 *                     it is empty now
 *
 * Replay may begin at any checkpoint or base record.
 */
#ifndef AEGIS_CONSENSUS_RECORD_H
#define AEGIS_CONSENSUS_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "codec/encoder.h"
#include "trust/certificate.h"

enum record_kind {
	RECORD_PROPOSAL = 1,
	RECORD_PREPARED = 2,
	RECORD_COMMITTED = 3,
	RECORD_VIEW = 4,
	RECORD_CHECKPOINT = 5,
	RECORD_STATE = 6,
	RECORD_BATCH = 7,
	RECORD_ENTRY = 8,
	RECORD_TERM = 9,
	RECORD_BASE = 10,
};

#define RECORD_NO_VOTE UINT32_MAX

struct record {
	enum record_kind kind;
	uint64_t view;
	uint64_t seq; /* PROPOSAL, STATE; of the certificate otherwise */
	struct digest digest;
	struct bytes batch; /* empty: none */
	bool is_changing;
	struct bytes new_view; /* empty: none */
	uint64_t base_term;
	uint32_t vote; /* a member, or RECORD_NO_VOTE */
};

void record_encode_proposal(struct encoder *e, uint64_t view, uint64_t seq,
    const struct digest *digest, struct bytes batch);
void record_encode_certificate(struct encoder *e, enum record_kind kind,
    const struct certificate *certificate);
void record_encode_view(struct encoder *e, uint64_t view, bool is_changing,
    struct bytes new_view);
void record_encode_checkpoint(struct encoder *e,
    const struct certificate *certificate, uint64_t view, bool is_changing,
    struct bytes new_view);
void record_encode_state(struct encoder *e, uint64_t seq,
    const struct digest *digest);

void record_encode_batch(struct encoder *e, uint64_t seq, struct bytes batch);

void record_encode_entry(struct encoder *e, uint64_t term, uint64_t seq,
    const struct digest *digest, struct bytes batch);
void record_encode_term(struct encoder *e, uint64_t term, uint32_t vote);
void record_encode_base(struct encoder *e,
    const struct certificate *certificate, uint64_t base_term, uint64_t term,
    uint32_t vote);

/*
 * Decode; certificate is filled for kinds that carry one.  Byte strings are
 * borrowed from input.
 */
enum ag_status record_decode(struct record *record,
    struct certificate *certificate, struct bytes input,
    struct ag_error *err) AG_MUST_USE;

/*
 * Whose VIEW_CHANGEs a NEW_VIEW was made of, a bit per member; 0 when it is
 * none.  Nothing in it is verified.
 */
uint32_t record_new_view_askers(struct bytes new_view);

const char *record_kind_name(enum record_kind kind);

#endif
