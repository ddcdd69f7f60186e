/*
 * Wrapped file keys.
 *
 * RULES    1. A share that makes a shared secret of zeros, which everybody
 *             knows, is refused when it is met.
 *          2. A share is made anew for each recipient.
 *          3. All that may be for a key is tried, also when one has opened:
 *             how long it takes does not tell which one it was.
 */
#include "crypto/age_wrap.h"

#include <stdio.h>

#include <sodium.h>

#include "codec/text.h"
#include "crypto/hkdf.h"
#include "crypto/known_answer.h"
#include "crypto/late_crypto.h"
#include "crypto/rsa_oaep.h"

#define PURPOSE "age-encryption.org/v1/"
#define PURPOSE_X25519 PURPOSE "X25519"
#define PURPOSE_SSH_ED25519 PURPOSE "ssh-ed25519"
#define PURPOSE_SSH_RSA PURPOSE "ssh-rsa"
#define PURPOSE_SCRYPT PURPOSE "scrypt"

#define WORDS_BYTES 128
#define SCRYPT_R 8
#define SCRYPT_P 1

/* The logarithms of N: 32 MiB, age's 256 MiB, and the most that is read. */
static const unsigned int work_factors[WORK_COUNT] = {
	[WORK_LOW] = 15,
	[WORK_USUAL] = 18,
	[WORK_HIGH] = AGE_WORK_FACTOR_MAX,
};

static enum ag_status
no_memory(struct ag_error *err)
{
	return ag_fail(err, AG_ENOMEM, "wrap key: out of memory");
}

static void
seal_file_key(uint8_t out[static AGE_WRAPPED_BYTES], const struct secret *key,
    const struct secret *file_key)
{
	static const uint8_t nonce[crypto_aead_chacha20poly1305_IETF_NPUBBYTES];

	(void)crypto_aead_chacha20poly1305_ietf_encrypt(out, NULL,
	    secret_bytes(file_key).data, AGE_FILE_KEY_BYTES, NULL, 0, NULL,
	    nonce, secret_bytes(key).data);
}

/* AG_EDENIED when it does not open. */
static enum ag_status
open_file_key(struct secret **file_key, const struct secret *key,
    struct bytes body, struct ag_error *err)
{
	static const uint8_t nonce[crypto_aead_chacha20poly1305_IETF_NPUBBYTES];

	*file_key = secret_new(AGE_FILE_KEY_BYTES);
	if (*file_key == NULL)
		return no_memory(err);
	if (crypto_aead_chacha20poly1305_ietf_decrypt(secret_data(*file_key),
		NULL, NULL, body.data, body.len, NULL, 0, nonce,
		secret_bytes(key).data) == 0)
		return AG_OK;
	secret_free(*file_key);
	*file_key = NULL;
	return AG_EDENIED;
}

static void
make_tag(uint8_t tag[static AGE_TAG_BYTES], const struct ssh_key *key)
{
	uint8_t hash[crypto_hash_sha256_BYTES];

	(void)crypto_hash_sha256(hash, key->blob, key->blob_len);
	memcpy(tag, hash, AGE_TAG_BYTES);
}

/*
 * A Diffie-Hellman recipient.  tweak is what the shared secret is multiplied
 * by, or NULL.
 */
struct dh_recipient {
	uint8_t point[AGE_SHARE_BYTES];
	struct secret *tweak;
	const char *purpose;
};

/* AG_EINVAL: an Ed25519 key that is no point of full order. */
static enum ag_status
dh_init(struct dh_recipient *to, const struct key_public *key,
    struct ag_error *err)
{
	*to = (struct dh_recipient){ .purpose = PURPOSE_X25519 };
	if (key->id == ALGORITHM_KEY_X25519) {
		memcpy(to->point, key->x25519, sizeof(to->point));
		return AG_OK;
	}
	to->purpose = PURPOSE_SSH_ED25519;
	if (crypto_sign_ed25519_pk_to_curve25519(to->point,
		key->ssh.blob + key->ssh.blob_len - SIGN_PUBLIC_BYTES) != 0)
		return ag_fail(err, AG_EINVAL,
		    "the Ed25519 key is not one that can be encrypted to");
	to->tweak = hkdf_sha256(bytes_from_text(""),
	    bytes_of(key->ssh.blob, key->ssh.blob_len), to->purpose);
	return to->tweak != NULL ? AG_OK : no_memory(err);
}

static void
dh_fini(struct dh_recipient *to)
{
	secret_free(to->tweak);
}

/*
 * What both ends know; false when that is zeros.  libsodium writes its result
 * before it has read the point, so each multiplication has its own place.
 */
static bool
dh_shared(struct secret *shared, const struct dh_recipient *to,
    const struct secret *scalar, const uint8_t *point)
{
	uint8_t first[crypto_scalarmult_BYTES];
	bool is_sound;

	if (to->tweak == NULL)
		return crypto_scalarmult(secret_data(shared),
			   secret_bytes(scalar).data, point) == 0;
	is_sound =
	    crypto_scalarmult(first, secret_bytes(scalar).data, point) == 0 &&
	    crypto_scalarmult(secret_data(shared), secret_bytes(to->tweak).data,
		first) == 0;
	secret_wipe(first, sizeof(first));
	return is_sound;
}

/*
 * The key that wraps, by one's own scalar and the other's point.
 * AG_ECORRUPT: a shared secret of zeros.
 */
static enum ag_status
dh_key(struct secret **key, const struct dh_recipient *to,
    const struct secret *scalar, const uint8_t *point, const uint8_t *share,
    struct ag_error *err)
{
	struct secret *shared = secret_new(crypto_scalarmult_BYTES);
	uint8_t salt[2 * AGE_SHARE_BYTES];
	bool is_sound;

	*key = NULL;
	if (shared == NULL)
		return no_memory(err);
	memcpy(salt, share, AGE_SHARE_BYTES);
	memcpy(salt + AGE_SHARE_BYTES, to->point, AGE_SHARE_BYTES);
	is_sound = dh_shared(shared, to, scalar, point);
	if (is_sound)
		*key = hkdf_sha256(secret_bytes(shared),
		    bytes_of(salt, sizeof(salt)), to->purpose);
	secret_free(shared);
	if (!is_sound)
		return ag_fail(err, AG_ECORRUPT,
		    "its header is malformed: a share is of low order");
	return *key != NULL ? AG_OK : no_memory(err);
}

static enum ag_status
put(struct buf *header, const char *words, const uint8_t *body, size_t len,
    struct ag_error *err)
{
	enum ag_status status =
	    age_header_put(header, words, bytes_of(body, len));

	if (status == AG_ELIMIT)
		return ag_fail(err, AG_ELIMIT,
		    "too many recipients: a header has up to %zu bytes",
		    header->max);
	return status == AG_OK ? AG_OK : no_memory(err);
}

static enum ag_status
put_dh(struct buf *header, const struct key_public *key,
    const uint8_t share[static AGE_SHARE_BYTES],
    const uint8_t body[static AGE_WRAPPED_BYTES], struct ag_error *err)
{
	char text[TEXT_BASE64_BYTES(AGE_SHARE_BYTES)];
	char tag_text[TEXT_BASE64_BYTES(AGE_TAG_BYTES)];
	char words[WORDS_BYTES];
	uint8_t tag[AGE_TAG_BYTES];

	text_base64(text, sizeof(text), bytes_of(share, AGE_SHARE_BYTES),
	    BASE64_UNPADDED);
	if (key->id == ALGORITHM_KEY_X25519) {
		(void)snprintf(words, sizeof(words), "X25519 %s", text);
	} else {
		make_tag(tag, &key->ssh);
		text_base64(tag_text, sizeof(tag_text),
		    bytes_of(tag, sizeof(tag)), BASE64_UNPADDED);
		(void)snprintf(words, sizeof(words), "ssh-ed25519 %s %s",
		    tag_text, text);
	}
	return put(header, words, body, AGE_WRAPPED_BYTES, err);
}

static enum ag_status
wrap_by_dh(struct buf *header, const struct key_public *key,
    const struct secret *file_key, struct ag_error *err)
{
	struct secret *scalar = secret_random(AGE_SHARE_BYTES);
	uint8_t share[AGE_SHARE_BYTES], body[AGE_WRAPPED_BYTES];
	struct secret *wrapping = NULL;
	struct dh_recipient to;
	enum ag_status status = dh_init(&to, key, err);

	if (status == AG_OK && scalar == NULL)
		status = no_memory(err);
	if (status == AG_OK) {
		(void)crypto_scalarmult_base(share, secret_bytes(scalar).data);
		status = dh_key(&wrapping, &to, scalar, to.point, share, NULL);
		if (status == AG_ECORRUPT)
			status = ag_fail(err, AG_EINVAL,
			    "the recipient's key is of low order");
	}
	if (status == AG_OK) {
		seal_file_key(body, wrapping, file_key);
		status = put_dh(header, key, share, body, err);
	}
	secret_free(wrapping);
	secret_free(scalar);
	dh_fini(&to);
	return status;
}

static enum ag_status
wrap_by_rsa(struct buf *header, const struct key_public *key,
    const struct secret *file_key, struct ag_error *err)
{
	char text[TEXT_BASE64_BYTES(AGE_TAG_BYTES)], words[WORDS_BYTES];
	uint8_t tag[AGE_TAG_BYTES], body[RSA_OAEP_BYTES_MAX];
	enum ag_status status = known_answer_check(KNOWN_ANSWER_RSA_OAEP, err);
	EVP_PKEY *pkey;
	size_t len;

	if (status != AG_OK)
		return status;
	pkey = ssh_key_to_evp(&key->ssh);
	if (pkey == NULL)
		return no_memory(err);
	status = rsa_oaep_encrypt(body, &len, pkey, PURPOSE_SSH_RSA,
	    secret_bytes(file_key), err);
	EVP_PKEY_free(pkey);
	if (status != AG_OK)
		return status;
	make_tag(tag, &key->ssh);
	text_base64(text, sizeof(text), bytes_of(tag, sizeof(tag)),
	    BASE64_UNPADDED);
	(void)snprintf(words, sizeof(words), "ssh-rsa %s", text);
	return put(header, words, body, len, err);
}

enum ag_status
age_wrap_to_key(struct buf *header, const struct key_public *to,
    const struct secret *file_key, struct ag_error *err)
{
	if (to->id == ALGORITHM_KEY_X25519 || to->id == SSH_KEY_ED25519)
		return wrap_by_dh(header, to, file_key, err);
	if (to->id == SSH_KEY_RSA)
		return wrap_by_rsa(header, to, file_key, err);
	return ag_fail(err, AG_EINVAL,
	    "keys of type %s are not encrypted to; x25519, ed25519 and rsa are",
	    key_public_algorithm(to)->name);
}

/* NULL when memory is refused. */
static struct secret *
scrypt_key(const struct secret *passphrase,
    const uint8_t salt[static AGE_SALT_BYTES], unsigned int work_factor)
{
	uint8_t whole[sizeof(PURPOSE_SCRYPT) - 1 + AGE_SALT_BYTES];
	struct secret *key =
	    secret_new(crypto_aead_chacha20poly1305_IETF_KEYBYTES);

	memcpy(whole, PURPOSE_SCRYPT, sizeof(PURPOSE_SCRYPT) - 1);
	memcpy(whole + sizeof(PURPOSE_SCRYPT) - 1, salt, AGE_SALT_BYTES);
	if (key != NULL &&
	    crypto_pwhash_scryptsalsa208sha256_ll(secret_bytes(passphrase).data,
		secret_len(passphrase), whole, sizeof(whole),
		(uint64_t)1 << work_factor, SCRYPT_R, SCRYPT_P,
		secret_data(key), secret_len(key)) == 0)
		return key;
	secret_free(key);
	return NULL;
}

static enum ag_status
scrypt_refused(unsigned int work_factor, struct ag_error *err)
{
	return ag_fail(err, AG_ENOMEM,
	    "the passphrase takes %llu KiB of memory, which were refused",
	    1ULL << work_factor);
}

enum ag_status
age_wrap_to_passphrase(struct buf *header, const struct secret *passphrase,
    enum work_level work, const struct secret *file_key, struct ag_error *err)
{
	const unsigned int work_factor = work_factors[work];
	char text[TEXT_BASE64_BYTES(AGE_SALT_BYTES)], words[WORDS_BYTES];
	uint8_t salt[AGE_SALT_BYTES], body[AGE_WRAPPED_BYTES];
	enum ag_status status = known_answer_check(KNOWN_ANSWER_SCRYPT, err);
	struct secret *key;

	if (status != AG_OK)
		return status;
	randombytes_buf(salt, sizeof(salt));
	key = scrypt_key(passphrase, salt, work_factor);
	if (key == NULL)
		return scrypt_refused(work_factor, err);
	seal_file_key(body, key, file_key);
	secret_free(key);
	text_base64(text, sizeof(text), bytes_of(salt, sizeof(salt)),
	    BASE64_UNPADDED);
	(void)snprintf(words, sizeof(words), "scrypt %s %u", text, work_factor);
	return put(header, words, body, sizeof(body), err);
}

/* An Ed25519 or X25519 key as a scalar; NULL when memory is refused. */
static struct secret *
scalar_of(const struct private_key *key)
{
	struct secret *scalar;

	if (private_key_public(key)->id == ALGORITHM_KEY_X25519)
		return secret_copy(secret_bytes(private_key_secret(key)));
	scalar = secret_new(crypto_scalarmult_SCALARBYTES);
	if (scalar != NULL)
		(void)crypto_sign_ed25519_sk_to_curve25519(secret_data(scalar),
		    secret_bytes(private_key_secret(key)).data);
	return scalar;
}

static enum ag_status
open_by_dh(struct secret **file_key, const struct age_stanza *s,
    const struct private_key *key, struct ag_error *err)
{
	struct secret *scalar = scalar_of(key), *wrapping = NULL;
	struct dh_recipient to;
	enum ag_status status = dh_init(&to, private_key_public(key), err);

	if (status == AG_OK)
		status = scalar != NULL
		    ? dh_key(&wrapping, &to, scalar, s->share, s->share, err)
		    : no_memory(err);
	if (status == AG_OK)
		status = open_file_key(file_key, wrapping, s->body, err);
	secret_free(wrapping);
	secret_free(scalar);
	dh_fini(&to);
	return status;
}

/* What RSA has opened must be a file key. */
static enum ag_status
check_file_key(struct secret **file_key, enum ag_status status)
{
	if (status == AG_OK && secret_len(*file_key) != AGE_FILE_KEY_BYTES) {
		secret_free(*file_key);
		*file_key = NULL;
		status = AG_EFORGED;
	}
	return status == AG_EFORGED ? AG_EDENIED : status;
}

static enum ag_status
open_by_rsa(struct secret **file_key, const struct age_stanza *s,
    const struct private_key *key, struct ag_error *err)
{
	enum ag_status status = known_answer_check(KNOWN_ANSWER_RSA_OAEP, err);

	if (status == AG_OK)
		status = rsa_oaep_decrypt(file_key, private_key_evp(key),
		    PURPOSE_SSH_RSA, s->body, err);
	return check_file_key(file_key, status);
}

static enum ag_status
none_opens(const struct age_header *header, struct ag_error *err)
{
	for (size_t i = 0; i < header->count; i++)
		if (header->stanzas[i].kind == AGE_STANZA_HYBRID)
			return ag_fail(err, AG_EDENIED,
			    "no recipient is one of the keys; some are "
			    "post-quantum keys, which are not done here");
	return ag_fail(err, AG_EDENIED, "no recipient is one of the keys");
}

/* Whether a stanza may be for the key: of its kind, and with its tag. */
static bool
is_for(const struct age_stanza *s, const struct key_public *key)
{
	uint8_t tag[AGE_TAG_BYTES];

	if (s->kind == AGE_STANZA_X25519)
		return key->id == ALGORITHM_KEY_X25519;
	if ((s->kind != AGE_STANZA_SSH_ED25519 || key->id != SSH_KEY_ED25519) &&
	    (s->kind != AGE_STANZA_SSH_RSA || key->id != SSH_KEY_RSA))
		return false;
	make_tag(tag, &key->ssh);
	return memcmp(tag, s->tag, sizeof(tag)) == 0;
}

enum ag_status
age_wrap_open(struct secret **file_key, const struct age_header *header,
    const struct private_key *key, struct ag_error *err)
{
	const struct key_public *own = private_key_public(key);

	*file_key = NULL;
	for (size_t i = 0; i < header->count; i++) {
		const struct age_stanza *s = &header->stanzas[i];
		struct secret *opened = NULL;
		enum ag_status status;

		if (!is_for(s, own))
			continue;
		status = s->kind == AGE_STANZA_SSH_RSA
		    ? open_by_rsa(&opened, s, key, err)
		    : open_by_dh(&opened, s, key, err);
		if (*file_key == NULL && status != AG_OK &&
		    status != AG_EDENIED)
			return status;
		if (*file_key == NULL)
			*file_key = opened;
		else
			secret_free(opened);
	}
	return *file_key != NULL ? AG_OK : none_opens(header, err);
}

enum ag_status
age_wrap_open_rsa(struct secret **file_key, const struct age_header *header,
    const struct key_public *own, age_decrypt_fn *decrypt, void *arg,
    struct ag_error *err)
{
	enum ag_status status = AG_EDENIED;

	*file_key = NULL;
	for (size_t i = 0; status == AG_EDENIED && i < header->count; i++) {
		const struct age_stanza *s = &header->stanzas[i];

		if (s->kind != AGE_STANZA_SSH_RSA || !is_for(s, own))
			continue;
		status = check_file_key(file_key,
		    decrypt(arg, PURPOSE_SSH_RSA, s->body, file_key, err));
	}
	return status == AG_EDENIED ? none_opens(header, err) : status;
}

enum ag_status
age_wrap_open_passphrase(struct secret **file_key,
    const struct age_header *header, const struct secret *passphrase,
    struct ag_error *err)
{
	const struct age_stanza *s = &header->stanzas[0];
	enum ag_status status;
	struct secret *key;

	*file_key = NULL;
	if (s->kind != AGE_STANZA_SCRYPT)
		return ag_fail(err, AG_EDENIED,
		    "it is encrypted to keys, and not to a passphrase");
	status = known_answer_check(KNOWN_ANSWER_SCRYPT, err);
	if (status != AG_OK)
		return status;
	key = scrypt_key(passphrase, s->salt, s->work_factor);
	if (key == NULL)
		return scrypt_refused(s->work_factor, err);
	status = open_file_key(file_key, key, s->body, err);
	secret_free(key);
	return status == AG_EDENIED
	    ? ag_fail(err, AG_EDENIED, "the passphrase is another")
	    : status;
}
