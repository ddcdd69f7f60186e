/*
 * Certificates as files, and why one does not convince.
 *
 * RULES    1. The verdict is certificate_verify()'s; what is found out here
 *             only says it in the roster's words.
 *          2. Every byte of the file counts: a change anywhere is refused.
 */
#include "trust/certificate_file.h"

#include <stdio.h>
#include <string.h>

#include "codec/decoder.h"
#include "codec/text.h"

#define FILE_MAGIC "aegis-certificate"
#define FILE_VERSION 1

/* Hexadecimal digits of a cluster id that tell one from another. */
#define ID_TEXT_BYTES TEXT_HEX_BYTES(8)

void
certificate_file_encode(struct encoder *e, const struct trust_scope *scope,
    struct bytes certificate)
{
	encoder_put_array(e, 5);
	encoder_put_text(e, bytes_from_text(FILE_MAGIC));
	encoder_put_uint(e, FILE_VERSION);
	encoder_put_bytes(e, bytes_of(scope->cluster_id, CLUSTER_ID_BYTES));
	encoder_put_uint(e, scope->epoch);
	encoder_put_raw(e, certificate);
}

enum ag_status
certificate_file_decode(struct certificate_file *out, struct bytes input,
    struct ag_error *err)
{
	struct ag_error why;
	struct bytes magic;
	struct decoder d;
	uint64_t version;

	memset(out, 0, sizeof(*out));
	decoder_init(&d, input);
	decoder_expect_array(&d, 5);
	magic = decoder_get_text_max(&d, sizeof(FILE_MAGIC) - 1);
	if (!d.is_short &&
	    (decoder_failed(&d) ||
		!bytes_equal(magic, bytes_from_text(FILE_MAGIC))))
		return ag_fail(err, AG_ECORRUPT,
		    "it is not an exported certificate, or its beginning is "
		    "damaged");
	version = decoder_get_uint(&d);
	if (!decoder_failed(&d) && version != FILE_VERSION)
		return ag_fail(err, AG_EVERSION,
		    "a certificate of format %llu, this program reads %d",
		    (unsigned long long)version, FILE_VERSION);
	decoder_get_fixed(&d, out->scope.cluster_id, CLUSTER_ID_BYTES);
	out->scope.epoch = decoder_get_uint(&d);
	certificate_decode(&d, &out->certificate);
	if (decoder_finish(&d, &why) == AG_OK)
		return AG_OK;
	memset(out, 0, sizeof(*out));
	if (d.is_short)
		return ag_fail(err, AG_ECORRUPT,
		    "the certificate is cut short: it ends at byte %zu",
		    input.len);
	return ag_fail(err, AG_ECORRUPT, "the certificate is damaged: %s",
	    why.text);
}

const char *
certificate_file_kind(const struct certificate *c)
{
	switch (c->phase) {
	case VOTE_PREPARE:
		return "prepare";
	case VOTE_COMMIT:
		return "commit";
	case VOTE_CHECKPOINT:
		return "checkpoint";
	default:
		return "unknown";
	}
}

static bool
proof_holds(const struct certificate *c, const struct vote_proof *proof,
    const struct roster *roster, const struct trust_scope *scope)
{
	const struct vote vote = { c->phase, c->seq, c->digest };

	return vote_verify(&vote, proof, scope, &roster_authority,
	    (void *)(uintptr_t)roster);
}

/* Whose signatures do not hold: how many, and their names. */
static uint32_t
find_forged(const struct certificate *c, const struct roster *roster,
    const struct trust_scope *scope, char *names, size_t cap)
{
	uint32_t i, count = 0;
	size_t len = 0;

	names[0] = '\0';
	for (i = 0; i < c->proof_count; i++) {
		const struct vote_proof *proof = &c->proofs[i];

		if (proof->member >= roster->member_count ||
		    proof_holds(c, proof, roster, scope))
			continue;
		(void)snprintf(names + len, cap - len, "%s%s",
		    count > 0 ? ", " : "", roster->members[proof->member].name);
		len = strlen(names);
		count++;
	}
	return count;
}

/*
 * certificate_verify() speaks of members by number and stops at the first
 * that is wrong; say whose signatures are forged, or that all are.
 */
static enum ag_status
explain(const struct certificate *c, const struct roster *roster,
    const struct trust_scope *scope, const struct ag_error *found,
    struct ag_error *err)
{
	char names[CERTIFICATE_NAMES_BYTES];
	uint32_t forged = find_forged(c, roster, scope, names, sizeof(names));

	if (c->proof_count < roster_quorum(roster))
		return ag_fail(err, AG_EFORGED,
		    "too few signers: %u, and a quorum of %u members is %u%s%s",
		    c->proof_count, roster->member_count, roster_quorum(roster),
		    forged > 0 ? "; besides forged: " : "", names);
	if (forged == 0)
		return ag_fail(err, AG_EFORGED, "%s", found->text);
	if (forged == c->proof_count)
		return ag_fail(err, AG_EFORGED,
		    "no signature is by a member of this roster on this "
		    "statement: it was changed, or it is of another cluster "
		    "or epoch");
	return ag_fail(err, AG_EFORGED, "forged signature%s of %s",
	    forged > 1 ? "s" : "", names);
}

enum ag_status
certificate_file_judge(const struct certificate *c, const struct roster *roster,
    struct ag_error *err)
{
	struct trust_scope scope;
	struct ag_error found;

	roster_scope(roster, &scope);
	if (certificate_verify(c, &scope, roster->member_count,
		&roster_authority, (void *)(uintptr_t)roster, &found) == AG_OK)
		return AG_OK;
	return explain(c, roster, &scope, &found, err);
}

enum ag_status
certificate_file_verify(const struct certificate_file *file,
    const struct roster *roster, struct ag_error *err)
{
	char ours[ID_TEXT_BYTES], theirs[ID_TEXT_BYTES];

	if (memcmp(file->scope.cluster_id, roster->cluster_id,
		CLUSTER_ID_BYTES) != 0) {
		text_hex(theirs, sizeof(theirs),
		    bytes_of(file->scope.cluster_id, 8));
		text_hex(ours, sizeof(ours), bytes_of(roster->cluster_id, 8));
		return ag_fail(err, AG_EFORGED,
		    "it is of another cluster: %s..., and the roster is of "
		    "%s %s...",
		    theirs, roster->cluster_name, ours);
	}
	if (file->scope.epoch != roster->epoch)
		return ag_fail(err, AG_EFORGED,
		    "it is of another epoch: %llu, and the roster's is %llu",
		    (unsigned long long)file->scope.epoch,
		    (unsigned long long)roster->epoch);
	return certificate_file_judge(&file->certificate, roster, err);
}
