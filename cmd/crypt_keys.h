/*
 * Whom files are encrypted to, and what opens them: the options of
 * `aegis crypt encrypt`, `decrypt` and `rewrap`.
 *
 * Ownership  what is handed out is the caller's to free.
 */
#ifndef AEGIS_CMD_CRYPT_KEYS_H
#define AEGIS_CMD_CRYPT_KEYS_H

#include "base/bytes.h"
#include "base/status.h"
#include "cmd/applet.h"
#include "crypto/age_input.h"
#include "crypto/secret.h"

#define CRYPT_RECIPIENT_OPTIONS                                              \
	{ 'r', "recipient", "KEY", "to this public key (age1…, ssh-…)" },    \
	{                                                                    \
		'R', "recipients-file", "FILE", "to each public key in FILE" \
	}

/*
 * A whole header, to the keys that -r and -R give or else to the passphrase,
 * which may be NULL.  AG_EINVAL: to nobody, or to both.
 */
enum ag_status crypt_make_header(struct buf *header,
    const struct applet_call *call, const struct secret *file_key,
    const struct secret *passphrase, struct ag_error *err) AG_MUST_USE;

/* Whether it takes a key, and none was given. */
bool crypt_lacks_identity(const struct applet_call *call,
    const struct age_input *in);

/*
 * The file key, by the identities given with -i, or without any by the
 * passphrase, which is asked for; and the header is checked with it.
 * AG_EFORGED, AG_ECORRUPT  it does not open
 * AG_EDENIED, AG_EINVAL    an identity's file, or its passphrase
 */
enum ag_status crypt_unlock(struct secret **file_key,
    const struct applet_call *call, const struct age_input *in,
    struct ag_error *err) AG_MUST_USE;

#endif
