/*
 * Sealed keys.
 *
 * RULES    1. The commitment binds a file to one key: without it, one sealed
 *             text could be made to open with many passphrases, and a server
 *             that opens it to tell which was tried.
 *          2. Every byte in front is context: nothing of it can be changed.
 *          3. What is wrong with a file that does not open is not told apart.
 */
#include "crypto/sealed_key.h"

#include <sodium.h>

#include "crypto/armour.h"
#include "crypto/pkcs8.h"
#include "crypto/ssh_wire.h"
#include "crypto/stretch.h"

#define LABEL "AEGIS SEALED KEY"
#define COLUMNS 64
#define MAGIC "aegis-sealed"
#define MAGIC_BYTES 12
#define VERSION 1
#define KDF_ARGON2ID 1
#define KEY_BYTES STRETCH_KEY_BYTES
#define NONCE_BYTES crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_BYTES crypto_aead_xchacha20poly1305_ietf_ABYTES
#define COMMITMENT_PURPOSE "aegis/sealed-key/v1/commitment"
#define SEAL_PURPOSE "aegis/sealed-key/v1/seal"
#define HEAD_BYTES_MAX (128 + SSH_KEY_BLOB_BYTES_MAX + PUBLIC_KEY_COMMENT_BYTES)

/* Borrowed from the bytes it was read from. */
struct sealed {
	struct stretch stretch;
	struct bytes nonce, commitment, blob, comment;
	struct bytes context; /* all of the above */
	struct bytes text;    /* with its tag */
};

bool
sealed_key_is_file(struct bytes text)
{
	return armour_has(text, LABEL);
}

static enum ag_status
read_sealed(struct sealed *s, struct bytes raw, struct ag_error *err)
{
	struct bytes magic, version, salt;
	struct ssh_wire_reader r;

	ssh_wire_start(&r, raw);
	magic = ssh_wire_get_raw(&r, MAGIC_BYTES);
	version = ssh_wire_get_raw(&r, 2);
	if (r.failed || !bytes_equal(magic, bytes_of(MAGIC, MAGIC_BYTES)))
		return ag_fail(err, AG_EINVAL, "damaged or cut short");
	if (version.data[0] != VERSION || version.data[1] != KDF_ARGON2ID)
		return ag_fail(err, AG_EVERSION,
		    "it is sealed in a way that is not known here (version %d, "
		    "key derivation %d)",
		    version.data[0], version.data[1]);
	s->stretch.passes = ssh_wire_get_u32(&r);
	s->stretch.mebibytes = ssh_wire_get_u32(&r);
	salt = ssh_wire_get_raw(&r, STRETCH_SALT_BYTES);
	s->nonce = ssh_wire_get_raw(&r, NONCE_BYTES);
	s->commitment = ssh_wire_get_raw(&r, KEY_BYTES);
	s->blob = ssh_wire_get_string(&r);
	s->comment = ssh_wire_get_string(&r);
	if (r.failed || r.left <= TAG_BYTES ||
	    s->comment.len >= PUBLIC_KEY_COMMENT_BYTES)
		return ag_fail(err, AG_EINVAL, "damaged or cut short");
	s->context = bytes_of(raw.data, raw.len - r.left);
	s->text = bytes_of(r.at, r.left);
	memcpy(s->stretch.salt, salt.data, STRETCH_SALT_BYTES);
	return stretch_check(&s->stretch, err);
}

static enum ag_status
take_comment(char *comment, struct bytes text, struct ag_error *err)
{
	memcpy(comment, text.data, text.len);
	comment[text.len] = '\0';
	if (strlen(comment) != text.len)
		return ag_fail(err, AG_EINVAL, "damaged or cut short");
	return public_key_check_comment(comment, err);
}

/* *s borrows from *raw, which is the caller's to free. */
static enum ag_status
read_text(struct secret **raw, struct sealed *s, struct key_public *key,
    char *comment, struct bytes text, const char *name, struct ag_error *err)
{
	enum ag_status status = armour_take_off(raw, text, LABEL, name, err);

	if (status != AG_OK)
		return status;
	status = read_sealed(s, secret_bytes(*raw), err);
	if (status == AG_OK)
		status = key_public_parse_blob(key, s->blob, err);
	if (status == AG_OK)
		status = take_comment(comment, s->comment, err);
	if (status != AG_OK)
		ag_error_prefix(err, "private key %s", name);
	return status;
}

enum ag_status
sealed_key_public(struct key_public *key, char *comment, struct bytes text,
    const char *name, struct ag_error *err)
{
	struct secret *raw;
	struct sealed s;
	enum ag_status status =
	    read_text(&raw, &s, key, comment, text, name, err);

	secret_free(raw);
	return status;
}

/* out has KEY_BYTES; a purpose is hashed with its NUL. */
static void
derive_for(uint8_t *out, const struct secret *key, const char *purpose)
{
	(void)crypto_generichash(out, KEY_BYTES, (const uint8_t *)purpose,
	    strlen(purpose) + 1, secret_bytes(key).data, KEY_BYTES);
}

/* The PrivateKeyInfo inside; NULL when it does not open. */
static struct secret *
open_text(const struct sealed *s, const struct secret *key)
{
	struct secret *der = secret_new(s->text.len - TAG_BYTES);
	struct secret *seal = secret_new(KEY_BYTES);
	uint8_t commitment[KEY_BYTES];
	bool is_open = false;

	derive_for(commitment, key, COMMITMENT_PURPOSE);
	if (der != NULL && seal != NULL &&
	    sodium_memcmp(commitment, s->commitment.data, KEY_BYTES) == 0) {
		derive_for(secret_data(seal), key, SEAL_PURPOSE);
		is_open =
		    crypto_aead_xchacha20poly1305_ietf_decrypt(secret_data(der),
			NULL, NULL, s->text.data, s->text.len, s->context.data,
			s->context.len, s->nonce.data,
			secret_bytes(seal).data) == 0;
	}
	secret_free(seal);
	if (is_open)
		return der;
	secret_free(der);
	return NULL;
}

static enum ag_status
open_sealed(struct private_key **out, const struct sealed *s,
    const struct secret *passphrase, struct ag_error *err)
{
	struct secret *key, *der;
	enum ag_status status;

	if (passphrase == NULL)
		return ag_fail(err, AG_EDENIED,
		    "it is sealed and needs its passphrase (--passphrase-fd)");
	status = stretch_passphrase(&key, &s->stretch, passphrase, err);
	if (status != AG_OK)
		return status;
	der = open_text(s, key);
	secret_free(key);
	if (der == NULL)
		return ag_fail(err, AG_EDENIED, "wrong passphrase, or damaged");
	status = pkcs8_parse_der(out, secret_bytes(der), err);
	secret_free(der);
	return status;
}

enum ag_status
sealed_key_parse(struct private_key **out, struct bytes text,
    const struct secret *passphrase, const char *name, struct ag_error *err)
{
	char comment[PUBLIC_KEY_COMMENT_BYTES];
	struct key_public claimed;
	enum ag_status status;
	struct secret *raw;
	struct sealed s;

	*out = NULL;
	status = read_text(&raw, &s, &claimed, comment, text, name, err);
	if (status != AG_OK) {
		secret_free(raw);
		return status;
	}
	status = open_sealed(out, &s, passphrase, err);
	if (status == AG_OK &&
	    !key_public_equal(private_key_public(*out), &claimed))
		status = ag_fail(err, AG_EINVAL,
		    "damaged, its halves do not belong together");
	if (status == AG_OK)
		private_key_set_comment(*out, comment);
	secret_free(raw);
	if (status != AG_OK) {
		ag_error_prefix(err, "private key %s", name);
		private_key_free(*out);
		*out = NULL;
	}
	return status;
}

/* Everything in front of what is sealed; its end. */
static uint8_t *
put_head(uint8_t *at, struct sealed *s, const uint8_t *commitment,
    const struct private_key *key)
{
	uint8_t blob[SSH_KEY_BLOB_BYTES_MAX];
	size_t len = key_public_blob(blob, private_key_public(key));

	at = ssh_wire_put_raw(at, MAGIC, MAGIC_BYTES);
	*at++ = VERSION;
	*at++ = KDF_ARGON2ID;
	at = ssh_wire_put_u32(at, s->stretch.passes);
	at = ssh_wire_put_u32(at, s->stretch.mebibytes);
	at = ssh_wire_put_raw(at, s->stretch.salt, STRETCH_SALT_BYTES);
	at = ssh_wire_put_raw(at, s->nonce.data, s->nonce.len);
	at = ssh_wire_put_raw(at, commitment, KEY_BYTES);
	at = ssh_wire_put_string(at, bytes_of(blob, len));
	return ssh_wire_put_string(at,
	    bytes_from_text(private_key_comment(key)));
}

/* The whole of a container, by the key root; NULL when memory is refused. */
static struct secret *
seal(const struct private_key *key, const struct secret *der,
    const struct stretch *stretch, const struct secret *root)
{
	uint8_t nonce[NONCE_BYTES];
	struct sealed s = { .stretch = *stretch,
		.nonce = bytes_of(nonce, sizeof(nonce)) };
	struct secret *raw, *sealing = secret_new(KEY_BYTES);
	uint8_t commitment[KEY_BYTES], *begin, *at;

	randombytes_buf(nonce, sizeof(nonce));
	raw = secret_new(HEAD_BYTES_MAX + secret_len(der) + TAG_BYTES);
	if (raw == NULL || sealing == NULL) {
		secret_free(raw);
		raw = NULL;
		goto out;
	}
	derive_for(commitment, root, COMMITMENT_PURPOSE);
	derive_for(secret_data(sealing), root, SEAL_PURPOSE);
	begin = secret_data(raw);
	at = put_head(begin, &s, commitment, key);
	(void)crypto_aead_xchacha20poly1305_ietf_encrypt(at, NULL,
	    secret_bytes(der).data, secret_len(der), begin,
	    (size_t)(at - begin), NULL, nonce, secret_bytes(sealing).data);
	secret_shorten(raw, (size_t)(at - begin) + secret_len(der) + TAG_BYTES);
out:
	secret_free(sealing);
	return raw;
}

enum ag_status
sealed_key_format(struct secret **text, const struct private_key *key,
    const struct secret *passphrase, enum work_level work, struct ag_error *err)
{
	struct secret *root, *der = NULL, *raw = NULL;
	struct stretch stretch;
	enum ag_status status;

	*text = NULL;
	stretch_init(&stretch, work);
	status = stretch_passphrase(&root, &stretch, passphrase, err);
	if (status == AG_OK)
		status = pkcs8_format_der(&der, key, err);
	if (status == AG_OK)
		raw = seal(key, der, &stretch, root);
	if (raw != NULL)
		*text = armour_put_on(secret_bytes(raw), LABEL, COLUMNS);
	if (status == AG_OK && *text == NULL)
		status = ag_fail(err, AG_ENOMEM, "out of memory");
	secret_free(raw);
	secret_free(der);
	secret_free(root);
	if (status != AG_OK)
		ag_error_prefix(err, "seal key");
	return status;
}
