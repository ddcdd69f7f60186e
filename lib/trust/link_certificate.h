/*
 * A link key's certificate: the node key's word that from now on this is the
 * key the node shows in SSH, and no older one.
 *
 * The roster certifies the first link key of a node; that one has serial 0 and
 * no certificate of this kind.  aegis-wire(7) has the formats.
 *
 * Ownership  the caller's storage.
 * Threads    none of its own.
 */
#ifndef AEGIS_TRUST_LINK_CERTIFICATE_H
#define AEGIS_TRUST_LINK_CERTIFICATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "codec/decoder.h"
#include "codec/encoder.h"
#include "crypto/signer.h"
#include "trust/roster.h"

/* Whose link key it is, as a roster has it; borrowed. */
struct link_holder {
	const uint8_t *cluster_id;
	const uint8_t *node_key;
	const uint8_t *roster_key; /* the link key that the roster certifies */
};
struct link_holder link_certificate_holder(const struct roster *roster,
    uint32_t member);

struct link_certificate {
	uint64_t serial; /* when it was made, ms since 1970; 0: the roster's */
	uint8_t link_key[PUBLIC_KEY_BYTES];
	uint8_t signature[SIGNATURE_BYTES];
};

/*
 * Certify a key that takes the place of one with serial after; node_key is
 * the holder's.  AG_ELIMIT: there is no later serial; or as the signer does.
 */
enum ag_status link_certificate_make(struct link_certificate *certificate,
    const struct link_holder *holder, const struct signer *node_key,
    const uint8_t link_key[static PUBLIC_KEY_BYTES], uint64_t after,
    uint64_t now_ms, struct ag_error *err) AG_MUST_USE;

/* Did the holder's node key sign it, for this cluster and in place of this
 * roster's key?  Never with serial 0. */
bool link_certificate_is_valid(const struct link_certificate *certificate,
    const struct link_holder *holder);

/* Its three fields within a canonical CBOR array: shape only. */
#define LINK_CERTIFICATE_FIELDS 3
#define LINK_CERTIFICATE_ENCODED_MAX \
	(9 + 2 + PUBLIC_KEY_BYTES + 2 + SIGNATURE_BYTES)
void link_certificate_put(struct encoder *e,
    const struct link_certificate *certificate);
void link_certificate_get(struct decoder *d,
    struct link_certificate *certificate);

/* As text: what SSH shows beside the key itself. */
#define LINK_CERTIFICATE_TEXT_BYTES 97
void link_certificate_format(char text[static LINK_CERTIFICATE_TEXT_BYTES],
    const struct link_certificate *certificate);

/* Serial and signature; the key is the caller's.  AG_EPROTO. */
enum ag_status link_certificate_parse(struct link_certificate *certificate,
    struct bytes text) AG_MUST_USE;

#endif
