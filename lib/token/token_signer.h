/*
 * A token's key that signs for as long as a node runs.
 *
 * When the token does not sign it is away: from then on every signature is
 * refused at once, until a thread of this module has opened it again, found
 * the same key in it, and had it sign.
 *
 * Ownership  token_signer_open() hands out, token_signer_close() takes back.
 * Threads    any; config's changed is called on the module's own.
 */
#ifndef AEGIS_TOKEN_TOKEN_SIGNER_H
#define AEGIS_TOKEN_TOKEN_SIGNER_H

#include "base/status.h"
#include "crypto/signer.h"
#include "token/token.h"

#define TOKEN_SIGNER_TEXT_BYTES 256

struct token_signer;

struct token_signer_config {
	const struct token_uri *uri;
	const struct secret *pin; /* copied; or NULL */
	bool is_typed;            /* see token_login() */
	uint32_t deadline_ms;     /* of a signature */
	struct bytes probe; /* what it signs to show that it can; lasting */
	/* It has come back; or NULL. */
	void (*returned)(void *arg);
	void *arg;
};

/*
 * Open the token, log in, find the one Ed25519 key and have it sign.  It must
 * be one that can not leave the token: AG_EREFUSED.
 */
enum ag_status token_signer_open(struct token_signer **out,
    const struct token_signer_config *config, struct ag_error *err) AG_MUST_USE;
void token_signer_close(struct token_signer *signer);

/* The key as crypto/signer.h has them; borrowed. */
void token_signer_get(struct token_signer *signer, struct signer *out);

/* "key node in token ops (maker, serial 1)". */
const char *token_signer_name(const struct token_signer *signer);

bool token_signer_is_away(struct token_signer *signer);

/*
 * Is it away, or was a signature not made since the owner last began anew?
 * Then what the owner was about to sign has none, though the token be back.
 */
bool token_signer_has_missed(struct token_signer *signer);
void token_signer_begin_anew(struct token_signer *signer);

/* Why it is away; "" when it is not. */
void token_signer_reason(struct token_signer *signer,
    char text[static TOKEN_SIGNER_TEXT_BYTES]);

#endif
