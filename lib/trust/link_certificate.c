/*
 * Certificates of link keys.
 *
 * SIGNED   "aegis/link-certificate/v1" NUL | cluster id | node key |
 *          the roster's link key | u64 serial | link key.  Integers
 *          big-endian.
 *
 * FORMAT   within an array: serial, link key, signature
 *          text: base64 of u64 serial, big-endian, and signature
 *
 * RULES    1. A serial only rises.  It is the time at which the key was made,
 *             or one more than the last when the clock does not tell a later
 *             one: so a node whose directory came back older makes a key that
 *             is newer than all that its peers know of, and not just than
 *             those it remembers.
 *          2. There is no date of expiry.  Agreed time moves with agreement,
 *             and agreement needs links: a cluster without a quorum would lock
 *             itself out for good.  What ends a key is its successor.
 *          3. It holds as long as the roster has the link key that it was
 *             made for: when the members agree on another, that is in force,
 *             and what was certified before is not.
 *          4. A certificate is no secret and proves nothing about who shows
 *             it; a session must still be signed by the node key
 *             (net/handshake.c).
 *
 * NOT HERE Files (link_key.c), and what is known of others (link_book.c).
 */
#include "trust/link_certificate.h"

#include <string.h>

#include "codec/text.h"
#include "crypto/sign.h"
#include "trust/signing.h"

#define RAW_BYTES (8 + SIGNATURE_BYTES)

struct link_holder
link_certificate_holder(const struct roster *roster, uint32_t member)
{
	return (struct link_holder){
		.cluster_id = roster->cluster_id,
		.node_key = roster->members[member].node_key,
		.roster_key = roster->members[member].link_key,
	};
}

static void
signing_input(struct signing *s, const struct link_certificate *certificate,
    const struct link_holder *holder)
{
	signing_begin(s, PURPOSE_LINK_CERTIFICATE);
	signing_put(s, holder->cluster_id, CLUSTER_ID_BYTES);
	signing_put(s, holder->node_key, PUBLIC_KEY_BYTES);
	signing_put(s, holder->roster_key, PUBLIC_KEY_BYTES);
	signing_put_u64(s, certificate->serial);
	signing_put(s, certificate->link_key, PUBLIC_KEY_BYTES);
}

enum ag_status
link_certificate_make(struct link_certificate *certificate,
    const struct link_holder *holder, const struct signer *node_key,
    const uint8_t link_key[static PUBLIC_KEY_BYTES], uint64_t after,
    uint64_t now_ms, struct ag_error *err)
{
	struct signing s;

	if (after == UINT64_MAX)
		return ag_fail(err, AG_ELIMIT,
		    "certify link key: no serial is later than the last");
	certificate->serial = now_ms > after ? now_ms : after + 1;
	memcpy(certificate->link_key, link_key, PUBLIC_KEY_BYTES);
	signing_input(&s, certificate, holder);
	return signer_sign(node_key, signing_bytes(&s), certificate->signature,
	    err);
}

bool
link_certificate_is_valid(const struct link_certificate *certificate,
    const struct link_holder *holder)
{
	struct signing s;

	if (certificate->serial == 0)
		return false;
	signing_input(&s, certificate, holder);
	return sign_verify(holder->node_key, signing_bytes(&s),
	    certificate->signature);
}

void
link_certificate_put(struct encoder *e,
    const struct link_certificate *certificate)
{
	encoder_put_uint(e, certificate->serial);
	encoder_put_bytes(e, bytes_of(certificate->link_key, PUBLIC_KEY_BYTES));
	encoder_put_bytes(e, bytes_of(certificate->signature, SIGNATURE_BYTES));
}

void
link_certificate_get(struct decoder *d, struct link_certificate *certificate)
{
	certificate->serial = decoder_get_uint(d);
	decoder_get_fixed(d, certificate->link_key, PUBLIC_KEY_BYTES);
	decoder_get_fixed(d, certificate->signature, SIGNATURE_BYTES);
}

void
link_certificate_format(char text[static LINK_CERTIFICATE_TEXT_BYTES],
    const struct link_certificate *certificate)
{
	uint8_t raw[RAW_BYTES];
	size_t i;

	for (i = 0; i < 8; i++)
		raw[i] = (uint8_t)(certificate->serial >> (56 - 8 * i));
	memcpy(raw + 8, certificate->signature, SIGNATURE_BYTES);
	text_base64(text, LINK_CERTIFICATE_TEXT_BYTES,
	    bytes_of(raw, sizeof(raw)), BASE64_STANDARD);
}

enum ag_status
link_certificate_parse(struct link_certificate *certificate, struct bytes text)
{
	uint8_t raw[RAW_BYTES];
	size_t len, i;

	if (text_base64_decode(raw, sizeof(raw), &len, text, BASE64_STANDARD) !=
		AG_OK ||
	    len != sizeof(raw))
		return AG_EPROTO;
	certificate->serial = 0;
	for (i = 0; i < 8; i++)
		certificate->serial = certificate->serial << 8 | raw[i];
	memcpy(certificate->signature, raw + 8, SIGNATURE_BYTES);
	return AG_OK;
}
