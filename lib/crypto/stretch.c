/*
 * Passphrases made into keys.
 */
#include "crypto/stretch.h"

#include <sodium.h>

#include "crypto/known_answer.h"

#define PASSES_MAX 10U
#define MEBIBYTES_MIN 64U
#define MEBIBYTES_MAX 2048U

_Static_assert(STRETCH_SALT_BYTES == crypto_pwhash_SALTBYTES, "Argon2's salt");

/* libsodium's for logins, for files, and for what matters most. */
static const struct {
	uint32_t passes, mebibytes;
} factors[WORK_COUNT] = {
	[WORK_LOW] = { 2, 64 },
	[WORK_USUAL] = { 3, 256 },
	[WORK_HIGH] = { 4, 1024 },
};

void
stretch_init(struct stretch *stretch, enum work_level work)
{
	stretch->passes = factors[work].passes;
	stretch->mebibytes = factors[work].mebibytes;
	randombytes_buf(stretch->salt, sizeof(stretch->salt));
}

enum work_level
stretch_level(const struct stretch *stretch)
{
	for (int level = 0; level < WORK_COUNT; level++)
		if (stretch->passes == factors[level].passes &&
		    stretch->mebibytes == factors[level].mebibytes)
			return (enum work_level)level;
	return WORK_USUAL;
}

enum ag_status
stretch_check(const struct stretch *stretch, struct ag_error *err)
{
	if (stretch->passes >= 1 && stretch->passes <= PASSES_MAX &&
	    stretch->mebibytes >= MEBIBYTES_MIN &&
	    stretch->mebibytes <= MEBIBYTES_MAX)
		return AG_OK;
	return ag_fail(err, AG_EINVAL,
	    "it asks for %u passes over %u MiB, which is out of bounds",
	    stretch->passes, stretch->mebibytes);
}

enum ag_status
stretch_passphrase(struct secret **key, const struct stretch *stretch,
    const struct secret *passphrase, struct ag_error *err)
{
	const struct bytes words = secret_bytes(passphrase);
	enum ag_status status = stretch_check(stretch, err);

	*key = NULL;
	if (status == AG_OK)
		status = known_answer_check(KNOWN_ANSWER_ARGON2ID, err);
	if (status != AG_OK)
		return status;
	*key = secret_new(STRETCH_KEY_BYTES);
	if (*key != NULL &&
	    crypto_pwhash(secret_data(*key), STRETCH_KEY_BYTES,
		(const char *)words.data, words.len, stretch->salt,
		stretch->passes, (size_t)stretch->mebibytes << 20,
		crypto_pwhash_ALG_ARGON2ID13) == 0)
		return AG_OK;
	secret_free(*key);
	*key = NULL;
	return ag_fail(err, AG_ENOMEM, "%u MiB of memory were refused",
	    stretch->mebibytes);
}
