/*
 * minisign's files.
 *
 * RULES    1. Signatures are made in the prehashed form only; the legacy
 *             one is verified.
 *          2. The work and memory that a secret key asks for are bounded
 *             before any is spent: a key file may come from anybody.
 *          3. A trusted comment means something only once both signatures
 *             are verified, and is checked to be text before it is kept.
 *          4. A secret key's public half follows from its seed and is
 *             compared with it.
 *          5. What is encrypted has no tag: a wrong passphrase shows by the
 *             check alone, and looks like damage.
 */
#include "crypto/minisign.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "codec/text.h"

#define UNTRUSTED "untrusted comment: "
#define TRUSTED "trusted comment: "

#define PUBLIC_BYTES (2 + MINISIGN_ID_BYTES + SIGN_PUBLIC_BYTES)
#define GLOBAL_BYTES_MAX (SIGN_SIGNATURE_BYTES + MINISIGN_TRUSTED_BYTES_MAX)
#define SIGNATURE_BYTES (2 + MINISIGN_ID_BYTES + SIGN_SIGNATURE_BYTES)

/* The parts of a secret key, by where they begin. */
#define SECRET_KDF 2
#define SECRET_CHECKSUM 4
#define SECRET_SALT 6
#define SECRET_WORK (SECRET_SALT + crypto_pwhash_scryptsalsa208sha256_SALTBYTES)
#define SECRET_MEMORY (SECRET_WORK + 8)
#define SECRET_ID (SECRET_MEMORY + 8)
#define SECRET_KEY (SECRET_ID + MINISIGN_ID_BYTES)
#define SECRET_CHECK (SECRET_KEY + SIGN_SECRET_BYTES)
#define SECRET_BYTES (SECRET_CHECK + HASH_BYTES)
#define SEALED_BYTES (SECRET_BYTES - SECRET_ID)

/*
 * minisign asks for 2^25 and 2^30, or less of both where memory is short.
 * With less memory than the least here, scrypt would take more of it for
 * its parallel blocks.
 */
#define WORK_MIN ((uint64_t)1 << 15)
#define WORK_MAX ((uint64_t)1 << 26)
#define MEMORY_MIN ((uint64_t)1 << 20)
#define MEMORY_MAX ((uint64_t)1 << 30)

struct minisign_key {
	uint8_t id[MINISIGN_ID_BYTES];
	struct secret *key; /* what signer borrows; NULL: it is elsewhere */
	struct signer signer;
};

void
minisign_id_format(char text[static MINISIGN_ID_TEXT_BYTES],
    const uint8_t id[static MINISIGN_ID_BYTES])
{
	for (size_t i = 0; i < MINISIGN_ID_BYTES; i++)
		(void)snprintf(text + 2 * i, 3, "%02X",
		    id[MINISIGN_ID_BYTES - 1 - i]);
}

bool
minisign_is_file(struct bytes text)
{
	return bytes_has_prefix(text, bytes_from_text("untrusted comment:"));
}

/* Only empty lines are left. */
static bool
is_at_end(struct bytes text)
{
	struct bytes line;

	while (text_next_line(&text, &line))
		if (line.len != 0)
			return false;
	return true;
}

/* Exactly len bytes. */
static bool
decode(uint8_t *out, size_t len, struct bytes base64)
{
	size_t got = 0;

	return text_base64_decode(out, len, &got, base64, BASE64_STANDARD) ==
	    AG_OK &&
	    got == len;
}

enum ag_status
minisign_parse_public(struct minisign_public *key, struct bytes text,
    struct ag_error *err)
{
	bool is_file = minisign_is_file(text);
	uint8_t raw[PUBLIC_BYTES];
	struct bytes line;

	if (!text_next_line(&text, &line) ||
	    (is_file && !text_next_line(&text, &line)) || !is_at_end(text) ||
	    !decode(raw, sizeof(raw), line) || memcmp(raw, "Ed", 2) != 0)
		return ag_fail(err, AG_EINVAL,
		    "not a minisign public key, or damaged (its key has 56 "
		    "characters and begins with RW)");
	memcpy(key->id, raw + 2, sizeof(key->id));
	memcpy(key->key, raw + 2 + MINISIGN_ID_BYTES, sizeof(key->key));
	return AG_OK;
}

static bool
is_text(struct bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((text.data[i] < ' ' && text.data[i] != '\t') ||
		    text.data[i] == 0x7f)
			return false;
	return true;
}

static enum ag_status
corrupt(const char *what, struct ag_error *err)
{
	return ag_fail(err, AG_ECORRUPT, "minisign signature is damaged: %s",
	    what);
}

static enum ag_status
parse_trusted(struct minisign_signature *sig, struct bytes line,
    struct ag_error *err)
{
	const struct bytes prefix = bytes_from_text(TRUSTED);

	if (!bytes_has_prefix(line, prefix))
		return corrupt("its third line is no trusted comment", err);
	line = bytes_of(line.data + prefix.len, line.len - prefix.len);
	if (line.len > MINISIGN_TRUSTED_BYTES_MAX || !is_text(line))
		return corrupt("its trusted comment is too long or not text",
		    err);
	sig->trusted = line;
	return AG_OK;
}

enum ag_status
minisign_parse(struct minisign_signature *sig, struct bytes text,
    struct ag_error *err)
{
	uint8_t raw[SIGNATURE_BYTES];
	struct bytes lines[4];
	enum ag_status status;

	*sig = (struct minisign_signature){ 0 };
	if (!minisign_is_file(text))
		return corrupt("its first line is no untrusted comment", err);
	for (size_t i = 0; i < 4; i++)
		if (!text_next_line(&text, &lines[i]))
			return corrupt("it has less than four lines", err);
	if (!is_at_end(text))
		return corrupt("it has more than four lines", err);
	if (!decode(raw, sizeof(raw), lines[1]) || raw[0] != 'E' ||
	    (raw[1] != 'D' && raw[1] != 'd'))
		return corrupt("its second line is no signature", err);
	sig->is_legacy = raw[1] == 'd';
	memcpy(sig->id, raw + 2, sizeof(sig->id));
	memcpy(sig->signature, raw + 2 + MINISIGN_ID_BYTES,
	    sizeof(sig->signature));
	status = parse_trusted(sig, lines[2], err);
	if (status == AG_OK &&
	    !decode(sig->global, sizeof(sig->global), lines[3]))
		status = corrupt("its fourth line is no signature", err);
	return status;
}

/* What the second signature is over; its length. */
static size_t
global_text(uint8_t out[static GLOBAL_BYTES_MAX],
    const uint8_t signature[static SIGN_SIGNATURE_BYTES], struct bytes trusted)
{
	AG_ASSERT(trusted.len <= MINISIGN_TRUSTED_BYTES_MAX);
	memcpy(out, signature, SIGN_SIGNATURE_BYTES);
	if (trusted.len > 0)
		memcpy(out + SIGN_SIGNATURE_BYTES, trusted.data, trusted.len);
	return SIGN_SIGNATURE_BYTES + trusted.len;
}

enum ag_status
minisign_verify(const struct minisign_signature *sig,
    const struct minisign_public *key, struct bytes message,
    struct ag_error *err)
{
	uint8_t text[GLOBAL_BYTES_MAX];
	char signer[MINISIGN_ID_TEXT_BYTES], given[MINISIGN_ID_TEXT_BYTES];
	size_t len;

	minisign_id_format(signer, sig->id);
	minisign_id_format(given, key->id);
	if (memcmp(sig->id, key->id, sizeof(sig->id)) != 0)
		return ag_fail(err, AG_EFORGED, "key %s signed it, and not %s",
		    signer, given);
	if (!sign_verify(key->key, message, sig->signature))
		return ag_fail(err, AG_EFORGED,
		    "the signature does not verify with key %s", given);
	len = global_text(text, sig->signature, sig->trusted);
	if (!sign_verify(key->key, bytes_of(text, len), sig->global))
		return ag_fail(err, AG_EFORGED,
		    "the trusted comment's signature does not verify with "
		    "key %s",
		    given);
	return AG_OK;
}

static uint64_t
get_u64(const uint8_t *at)
{
	uint64_t value = 0;

	for (size_t i = 8; i > 0; i--)
		value = value << 8 | at[i - 1];
	return value;
}

/* The container, in locked memory; NULL when it is none, or for memory. */
static struct secret *
secret_from_text(struct bytes text)
{
	struct secret *raw = secret_new(SECRET_BYTES);
	struct bytes line;
	size_t len = 0;

	if (raw != NULL && minisign_is_file(text) &&
	    text_next_line(&text, &line) && text_next_line(&text, &line) &&
	    is_at_end(text) &&
	    secret_base64_decode(secret_data(raw), SECRET_BYTES, &len, line,
		NULL, sodium_base64_VARIANT_ORIGINAL) &&
	    len == SECRET_BYTES)
		return raw;
	secret_free(raw);
	return NULL;
}

static bool
is_sealed(const uint8_t *raw)
{
	return memcmp(raw + SECRET_KDF, "Sc", 2) == 0;
}

bool
minisign_key_is_encrypted(struct bytes text)
{
	struct secret *raw = secret_from_text(text);
	bool is_encrypted = raw != NULL && is_sealed(secret_bytes(raw).data);

	secret_free(raw);
	return is_encrypted;
}

/* Take the key stream off, in place. */
static enum ag_status
unseal(uint8_t *raw, const struct secret *passphrase, const char *name,
    struct ag_error *err)
{
	uint64_t work = get_u64(raw + SECRET_WORK);
	uint64_t memory = get_u64(raw + SECRET_MEMORY);
	struct bytes words;
	struct secret *stream;
	int failed;

	if (work < WORK_MIN || work > WORK_MAX || memory < MEMORY_MIN ||
	    memory > MEMORY_MAX)
		return ag_fail(err, AG_EREFUSED,
		    "secret key %s: it asks for more work (%llu) or memory "
		    "(%llu bytes) than any key needs, or for too little",
		    name, (unsigned long long)work, (unsigned long long)memory);
	if (passphrase == NULL)
		return ag_fail(err, AG_EDENIED,
		    "secret key %s: it is encrypted and needs its passphrase "
		    "(--passphrase-fd)",
		    name);
	words = secret_bytes(passphrase);
	stream = secret_new(SEALED_BYTES);
	failed = stream == NULL ||
	    crypto_pwhash_scryptsalsa208sha256(secret_data(stream),
		SEALED_BYTES, (const char *)words.data, words.len,
		raw + SECRET_SALT, work, (size_t)memory) != 0;
	for (size_t i = 0; !failed && i < SEALED_BYTES; i++)
		raw[SECRET_ID + i] ^= secret_data(stream)[i];
	secret_free(stream);
	return failed ? ag_fail(err, AG_ENOMEM,
			    "secret key %s: its passphrase takes %llu MiB of "
			    "memory, which are not there",
			    name, (unsigned long long)(memory >> 20))
		      : AG_OK;
}

static bool
check_fits(const uint8_t *raw)
{
	crypto_generichash_state state;
	uint8_t check[HASH_BYTES];

	(void)crypto_generichash_init(&state, NULL, 0, sizeof(check));
	(void)crypto_generichash_update(&state, raw, 2);
	(void)crypto_generichash_update(&state, raw + SECRET_ID,
	    MINISIGN_ID_BYTES + SIGN_SECRET_BYTES);
	(void)crypto_generichash_final(&state, check, sizeof(check));
	secret_wipe(&state, sizeof(state));
	return sodium_memcmp(check, raw + SECRET_CHECK, sizeof(check)) == 0;
}

static enum ag_status
key_from_raw(struct minisign_key **out, uint8_t *raw,
    const struct secret *passphrase, const char *name, struct ag_error *err)
{
	bool is_encrypted = is_sealed(raw);
	enum ag_status status = AG_OK;
	struct minisign_key *key;

	if (memcmp(raw, "Ed", 2) != 0 ||
	    (!is_encrypted && memcmp(raw + SECRET_KDF, "\0\0", 2) != 0) ||
	    memcmp(raw + SECRET_CHECKSUM, "B2", 2) != 0)
		return ag_fail(err, AG_EINVAL,
		    "secret key %s: damaged, or of another version", name);
	if (is_encrypted)
		status = unseal(raw, passphrase, name, err);
	if (status != AG_OK)
		return status;
	/* Keys without a passphrase have zeros for a check. */
	if (is_encrypted && !check_fits(raw))
		return ag_fail(err, AG_EDENIED,
		    "secret key %s: wrong passphrase, or damaged", name);
	key = calloc(1, sizeof(*key));
	if (key != NULL)
		key->key =
		    secret_copy(bytes_of(raw + SECRET_KEY, SIGN_SECRET_BYTES));
	if (key == NULL || key->key == NULL) {
		minisign_key_free(key);
		return ag_fail(err, AG_ENOMEM, "secret key %s: out of memory",
		    name);
	}
	memcpy(key->id, raw + SECRET_ID, sizeof(key->id));
	if (!sign_key_is_sound(key->key)) {
		minisign_key_free(key);
		return ag_fail(err, AG_EINVAL,
		    "secret key %s: damaged, its halves do not belong "
		    "together",
		    name);
	}
	signer_of_key(&key->signer, key->key);
	*out = key;
	return AG_OK;
}

enum ag_status
minisign_key_parse(struct minisign_key **out, struct bytes text,
    const struct secret *passphrase, const char *name, struct ag_error *err)
{
	struct secret *raw = secret_from_text(text);
	enum ag_status status;

	*out = NULL;
	if (raw == NULL)
		return ag_fail(err, AG_EINVAL,
		    "secret key %s: not a minisign secret key, or cut short",
		    name);
	status = key_from_raw(out, secret_data(raw), passphrase, name, err);
	secret_free(raw);
	return status;
}

void
minisign_key_free(struct minisign_key *key)
{
	if (key == NULL)
		return;
	secret_free(key->key);
	free(key);
}

void
minisign_key_public(struct minisign_public *out, const struct minisign_key *key)
{
	memcpy(out->id, key->id, sizeof(out->id));
	memcpy(out->key, key->signer.public_key, sizeof(out->key));
}

enum ag_status
minisign_key_of_signer(struct minisign_key **out, const struct signer *signer,
    struct ag_error *err)
{
	struct minisign_key *key = calloc(1, sizeof(*key));
	uint8_t hash[HASH_BYTES];

	*out = key;
	if (key == NULL)
		return ag_fail(err, AG_ENOMEM, "secret key: out of memory");
	key->signer = *signer;
	(void)crypto_generichash(hash, sizeof(hash), signer->public_key,
	    sizeof(signer->public_key), NULL, 0);
	memcpy(key->id, hash, sizeof(key->id));
	return AG_OK;
}

enum ag_status
minisign_format_public(struct buf *out, const struct minisign_public *key)
{
	uint8_t raw[PUBLIC_BYTES];
	char id[MINISIGN_ID_TEXT_BYTES], text[TEXT_BASE64_BYTES(sizeof(raw))];

	memcpy(raw, "Ed", 2);
	memcpy(raw + 2, key->id, MINISIGN_ID_BYTES);
	memcpy(raw + 2 + MINISIGN_ID_BYTES, key->key, SIGN_PUBLIC_BYTES);
	minisign_id_format(id, key->id);
	text_base64(text, sizeof(text), bytes_of(raw, sizeof(raw)),
	    BASE64_STANDARD);
	return buf_printf(out, "%sminisign public key %s\n%s\n", UNTRUSTED, id,
	    text);
}

enum ag_status
minisign_check_comment(const char *text, size_t max, struct ag_error *err)
{
	if (strlen(text) > max)
		return ag_fail(err, AG_EINVAL,
		    "comment is longer than %zu bytes", max);
	if (!is_text(bytes_from_text(text)))
		return ag_fail(err, AG_EINVAL,
		    "comment is not one line of text");
	return AG_OK;
}

enum ag_status
minisign_sign(struct buf *text, const struct minisign_key *key,
    const uint8_t digest[static HASH_BYTES_MAX], const char *comment,
    const char *trusted, struct ag_error *err)
{
	uint8_t raw[SIGNATURE_BYTES], global[SIGN_SIGNATURE_BYTES];
	uint8_t signed_text[GLOBAL_BYTES_MAX];
	char first[TEXT_BASE64_BYTES(sizeof(raw))];
	char second[TEXT_BASE64_BYTES(sizeof(global))];
	enum ag_status status;
	uint8_t *signature = raw + 2 + MINISIGN_ID_BYTES;
	size_t len;

	status =
	    minisign_check_comment(comment, MINISIGN_COMMENT_BYTES_MAX, err);
	if (status == AG_OK)
		status = minisign_check_comment(trusted,
		    MINISIGN_TRUSTED_BYTES_MAX, err);
	if (status != AG_OK)
		return status;
	memcpy(raw, "ED", 2);
	memcpy(raw + 2, key->id, MINISIGN_ID_BYTES);
	status = signer_sign(&key->signer, bytes_of(digest, HASH_BYTES_MAX),
	    signature, err);
	if (status != AG_OK)
		return status;
	len = global_text(signed_text, signature, bytes_from_text(trusted));
	status =
	    signer_sign(&key->signer, bytes_of(signed_text, len), global, err);
	if (status != AG_OK)
		return status;
	text_base64(first, sizeof(first), bytes_of(raw, sizeof(raw)),
	    BASE64_STANDARD);
	text_base64(second, sizeof(second), bytes_of(global, sizeof(global)),
	    BASE64_STANDARD);
	status = buf_printf(text, "%s%s\n%s\n%s%s\n%s\n", UNTRUSTED, comment,
	    first, TRUSTED, trusted, second);
	return status == AG_OK ? AG_OK
			       : ag_fail(err, status, "sign: out of memory");
}
