/*
 * Evidence: two statements that one member signed and no correct member
 * signs both of, as a file that anybody with the roster can check.
 *
 * FORMAT  ["aegis-evidence", 1, cluster id (32), epoch, kind, seq, found,
 *          [digest (32), proof], [digest (32), proof], check (32)]
 *         proof as in certificate.c; it names the member and its view.
 *         check is the BLAKE2b-256 of all bytes before it.
 *
 * Cluster and epoch are inside both signatures too.  found is when, in
 * milliseconds of the finder's clock, and is the finder's word alone; all
 * else is proved.
 *
 * Ownership  caller's storage; nothing to free.
 * Threads    none of its own.
 */
#ifndef AEGIS_TRUST_EVIDENCE_H
#define AEGIS_TRUST_EVIDENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "codec/encoder.h"
#include "trust/certificate.h"
#include "trust/roster.h"

/* Largest encoding, for fixed buffers. */
#define EVIDENCE_BYTES_MAX 1024

/* Longest sentence, with its NUL. */
#define EVIDENCE_TEXT_BYTES 192

enum evidence_kind {
	EVIDENCE_PREPARE = VOTE_PREPARE, /* two batches in one view */
	EVIDENCE_COMMIT = VOTE_COMMIT,
	EVIDENCE_CHECKPOINT = VOTE_CHECKPOINT, /* two states after one seq */
	EVIDENCE_NEW_VIEW,                     /* two beginnings of one view */
};

/* What was signed is known by its digest. */
struct evidence_statement {
	struct digest digest;
	struct vote_proof proof; /* NEW_VIEW: the signature alone */
};

struct evidence {
	struct trust_scope scope;
	enum evidence_kind kind;
	uint32_t member; /* who signed both */
	uint64_t view;   /* of both; 0 for a checkpoint */
	uint64_t seq;    /* of both; 0 for a new view */
	uint64_t found_ms;
	struct evidence_statement statements[2]; /* by rising digest */
};

/*
 * Put two statements of one member together, in their order.  What they
 * say is the caller's to compare: same kind, member and place, other digest.
 */
void evidence_make(struct evidence *out, const struct trust_scope *scope,
    enum evidence_kind kind, uint64_t seq, uint64_t found_ms,
    const struct evidence_statement *one,
    const struct evidence_statement *other);

void evidence_encode(struct encoder *e, const struct evidence *evidence);

/*
 * From hostile bytes; shape only.
 * AG_ECORRUPT  not such a file, cut short or changed
 * AG_EVERSION  a format this program does not read
 */
enum ag_status evidence_decode(struct evidence *out, struct bytes input,
    struct ag_error *err) AG_MUST_USE;

/* Did one of so many members sign both statements?  Its scope is believed. */
bool evidence_holds(const struct evidence *evidence, uint32_t member_count,
    const struct authority *authority, void *ctx);

/*
 * Is it of the roster's cluster and epoch, and did one of its members sign
 * both?  AG_EFORGED with why, members by their names.
 */
enum ag_status evidence_verify(const struct evidence *evidence,
    const struct roster *roster, struct ag_error *err) AG_MUST_USE;

/* "prepare", "commit", "checkpoint", "new-view". */
const char *evidence_kind_name(enum evidence_kind kind);

/* Who did what: a sentence, without a stop. */
void evidence_say(char out[static EVIDENCE_TEXT_BYTES],
    const struct evidence *evidence, const char *member);

#endif
