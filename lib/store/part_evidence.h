/*
 * Evidence of wrong parts of states, and all evidence verified.
 *
 * FORMAT  the message in evidence of kind 7 (trust/evidence.h):
 *         [seq, time, root (32), clients (32), [[name, contents]…],
 *          signature (64)]
 *         The last of the parts is the wrong one, and signature its sender's
 *         under the receipt (trust/receipt.h).  Those before it lead to it:
 *         from the root each a split in which the next is named, or the
 *         client table's list.
 *
 * Threads    none of its own.
 */
#ifndef AEGIS_STORE_PART_EVIDENCE_H
#define AEGIS_STORE_PART_EVIDENCE_H

#include "base/bytes.h"
#include "base/status.h"
#include "store/part.h"
#include "trust/evidence.h"
#include "trust/receipt.h"

/* What is signed of a part of this state. */
void part_evidence_receipt(struct receipt *out, const struct digest *state,
    const struct part_name *name, struct bytes contents);

/* Begin a message with so many parts, put each, and end it. */
void part_evidence_begin(struct encoder *e, const struct part_offer *offer,
    size_t count);
void part_evidence_put(struct encoder *e, const struct part_name *name,
    struct bytes contents);
void part_evidence_end(struct encoder *e,
    const uint8_t signature[static SIGNATURE_BYTES]);

/*
 * evidence_verify(), of every kind.
 * AG_EFORGED  it convicts nobody, with why
 * AG_ENOMEM   it can not be told
 */
enum ag_status part_evidence_verify(const struct evidence *evidence,
    const struct roster *roster, struct ag_error *err) AG_MUST_USE;

#endif
