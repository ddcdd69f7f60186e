/*
 * Evidence: what one member signed and no correct member signs, as a file
 * that anybody with the roster can check.
 *
 * FORMAT  ["aegis-evidence", 1, cluster id (32), epoch, kind, seq, found,
 *          exhibit, exhibit, check (32)]
 *         Two statements that contradict each other, of a kind to 4:
 *         [digest (32), proof] each, proof as in certificate.c; it names the
 *         member and its view.
 *         A message that holds a forgery, of kind 5 or 6: its signer, then
 *         the whole message as a byte string; seq is 0.
 *         A wrong part of the state after seq, of kind 7: who signed for it,
 *         then as a byte string what store/part_evidence.h says.
 *         check is the BLAKE2b-256 of all bytes before it.
 *
 * Cluster and epoch are inside the signatures too.  found is when, in
 * milliseconds of the finder's clock, and is the finder's word alone; all
 * else is proved.
 *
 * Ownership  caller's storage; a message is borrowed from what it was read
 *            from or made of.
 * Threads    none of its own.
 */
#ifndef AEGIS_TRUST_EVIDENCE_H
#define AEGIS_TRUST_EVIDENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "codec/encoder.h"
#include "codec/frame.h"
#include "trust/certificate.h"
#include "trust/roster.h"

/* Largest encoding of two statements, for fixed buffers, */
#define EVIDENCE_STATEMENTS_BYTES_MAX 1024

/* what goes around a message, */
#define EVIDENCE_AROUND_BYTES 256

/* and of any: no message is longer on the wire. */
#define EVIDENCE_BYTES_MAX (FRAME_CONTROL_BYTES_MAX + EVIDENCE_AROUND_BYTES)

/* Longest sentence, with its NUL. */
#define EVIDENCE_TEXT_BYTES 192

enum evidence_kind {
	EVIDENCE_PREPARE = VOTE_PREPARE, /* two batches in one view */
	EVIDENCE_COMMIT = VOTE_COMMIT,
	EVIDENCE_CHECKPOINT = VOTE_CHECKPOINT, /* two states after one seq */
	EVIDENCE_NEW_VIEW,                     /* two beginnings of one view */
	EVIDENCE_FORGED_CHANGE,   /* a VIEW_CHANGE that holds a forgery */
	EVIDENCE_FORGED_NEW_VIEW, /* a NEW_VIEW that does */
	EVIDENCE_PART,            /* a part of a state that it does not have */
};

/* Is one message the whole of it? */
static inline bool
evidence_is_message(enum evidence_kind kind)
{
	return kind >= EVIDENCE_FORGED_CHANGE;
}

/* Was it signed in a view?  A state is the same in all of them. */
static inline bool
evidence_has_view(enum evidence_kind kind)
{
	return kind != EVIDENCE_CHECKPOINT && kind != EVIDENCE_PART;
}

/* What was signed is known by its digest. */
struct evidence_statement {
	struct digest digest;
	struct vote_proof proof; /* NEW_VIEW: the signature alone */
};

struct evidence {
	struct trust_scope scope;
	enum evidence_kind kind;
	uint32_t member; /* who signed it */
	uint64_t view;   /* of it; 0 for a state */
	uint64_t seq;    /* of it; 0 for a new view or a forgery */
	uint64_t found_ms;
	struct evidence_statement statements[2]; /* by rising digest */
	struct bytes message;                    /* or this */
};

/*
 * Put two statements of one member together, in their order.  What they
 * say is the caller's to compare: same kind, member and place, other digest.
 */
void evidence_make(struct evidence *out, const struct trust_scope *scope,
    enum evidence_kind kind, uint64_t seq, uint64_t found_ms,
    const struct evidence_statement *one,
    const struct evidence_statement *other);

/* A message of member's for a view, which forgery.h has found out; or what
 * shows its part to be wrong, of the state after seq. */
void evidence_make_message(struct evidence *out,
    const struct trust_scope *scope, enum evidence_kind kind, uint32_t member,
    uint64_t view, uint64_t seq, uint64_t found_ms, struct bytes message);

void evidence_encode(struct encoder *e, const struct evidence *evidence);

/*
 * From hostile bytes; shape only.
 * AG_ECORRUPT  not such a file, cut short or changed
 * AG_EVERSION  a format this program does not read
 */
enum ag_status evidence_decode(struct evidence *out, struct bytes input,
    struct ag_error *err) AG_MUST_USE;

/* Did one of so many members sign it, and does it convict?  Its scope is
 * believed. */
bool evidence_holds(const struct evidence *evidence, uint32_t member_count,
    const struct authority *authority, void *ctx);

/* Is it of the roster's cluster and epoch, and against one of its members?
 * AG_EFORGED with why not. */
enum ag_status evidence_verify_scope(const struct evidence *evidence,
    const struct roster *roster, struct ag_error *err) AG_MUST_USE;

/*
 * And does it convict that one?  AG_EFORGED with why not, members by their
 * names.  Of parts nothing is known here: part_evidence_verify() is for every
 * kind.
 */
enum ag_status evidence_verify(const struct evidence *evidence,
    const struct roster *roster, struct ag_error *err) AG_MUST_USE;

/* "prepare", "commit", "checkpoint", "new-view", "forged-view-change",
 * "forged-new-view", "state-part". */
const char *evidence_kind_name(enum evidence_kind kind);

/* Who did what: a sentence, without a stop. */
void evidence_say(char out[static EVIDENCE_TEXT_BYTES],
    const struct evidence *evidence, const char *member);

#endif
