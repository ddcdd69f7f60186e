/*
 * Private keys.
 */
#include "crypto/private_key.h"

#include <stdio.h>
#include <stdlib.h>

#include <sodium.h>

#include "crypto/key_evp.h"
#include "crypto/late_crypto.h"
#include "crypto/sign.h"

struct private_key {
	struct key_public public;
	struct secret *secret; /* or else */
	EVP_PKEY *pkey;
	char comment[PUBLIC_KEY_COMMENT_BYTES];
};

static struct private_key *
key_new(void)
{
	return calloc(1, sizeof(struct private_key));
}

void
private_key_free(struct private_key *key)
{
	if (key == NULL)
		return;
	secret_free(key->secret);
	if (key->pkey != NULL)
		EVP_PKEY_free(key->pkey);
	free(key);
}

enum ag_status
private_key_take_ed25519(struct private_key **out, struct secret *secret,
    struct ag_error *err)
{
	uint8_t raw[SIGN_PUBLIC_BYTES], blob[PUBLIC_KEY_BLOB_BYTES];
	struct private_key *key = key_new();

	*out = NULL;
	if (key == NULL) {
		secret_free(secret);
		return ag_fail(err, AG_ENOMEM, "out of memory");
	}
	key->secret = secret;
	sign_public(raw, secret);
	public_key_blob(blob, raw);
	AG_ASSERT(key_public_parse_blob(&key->public,
		      bytes_of(blob, sizeof(blob)), NULL) == AG_OK);
	*out = key;
	return AG_OK;
}

enum ag_status
private_key_take_x25519(struct private_key **out, struct secret *secret,
    struct ag_error *err)
{
	uint8_t raw[KEY_PUBLIC_X25519_BYTES];
	struct private_key *key = key_new();

	AG_ASSERT(secret_len(secret) == crypto_scalarmult_SCALARBYTES);
	*out = NULL;
	if (key == NULL) {
		secret_free(secret);
		return ag_fail(err, AG_ENOMEM, "out of memory");
	}
	key->secret = secret;
	(void)crypto_scalarmult_base(raw, secret_bytes(secret).data);
	key_public_of_x25519(&key->public, raw);
	*out = key;
	return AG_OK;
}

enum ag_status
private_key_take_ristretto(struct private_key **out, struct secret *secret,
    struct ag_error *err)
{
	struct private_key *key = key_new();
	struct ristretto_key ristretto;

	*out = NULL;
	if (key == NULL) {
		secret_free(secret);
		return ag_fail(err, AG_ENOMEM, "out of memory");
	}
	key->secret = secret;
	ristretto_key_of(&ristretto, secret);
	key_public_of_ristretto(&key->public, &ristretto);
	*out = key;
	return AG_OK;
}

enum ag_status
private_key_take_evp(struct private_key **out, EVP_PKEY *pkey,
    struct ag_error *err)
{
	struct private_key *key = key_new();
	enum ag_status status;
	struct ssh_key ssh;

	*out = NULL;
	status = key != NULL ? key_evp_public(&ssh, pkey, err)
			     : ag_fail(err, AG_ENOMEM, "out of memory");
	if (status != AG_OK) {
		EVP_PKEY_free(pkey);
		free(key);
		return status;
	}
	key->pkey = pkey;
	key_public_of_ssh(&key->public, &ssh);
	*out = key;
	return AG_OK;
}

static enum ag_status
generate_ristretto(struct private_key **out, struct ag_error *err)
{
	struct secret *secret = secret_new(RISTRETTO_BYTES);
	struct scalar scalar;

	if (secret == NULL)
		return ag_fail(err, AG_ENOMEM, "make key: out of memory");
	scalar_random(&scalar);
	memcpy(secret_data(secret), scalar.data, RISTRETTO_BYTES);
	secret_wipe(&scalar, sizeof(scalar));
	return private_key_take_ristretto(out, secret, err);
}

enum ag_status
private_key_generate(struct private_key **out,
    const struct algorithm *algorithm, struct ag_error *err)
{
	enum ag_status status;
	struct secret *secret;
	EVP_PKEY *pkey;

	AG_ASSERT(algorithm->standing == ALGORITHM_ALLOWED);
	*out = NULL;
	if (algorithm->id == ALGORITHM_KEY_X25519) {
		secret = secret_random(crypto_scalarmult_SCALARBYTES);
		return secret != NULL
		    ? private_key_take_x25519(out, secret, err)
		    : ag_fail(err, AG_ENOMEM, "make key: out of memory");
	}
	if (algorithm->id == ALGORITHM_KEY_RISTRETTO255)
		return generate_ristretto(out, err);
	if (algorithm->id == SSH_KEY_ED25519) {
		status = sign_keypair(&secret, err);
		return status == AG_OK
		    ? private_key_take_ed25519(out, secret, err)
		    : status;
	}
	status = key_evp_generate(&pkey, (enum ssh_key_type)algorithm->id,
	    algorithm->bits, err);
	return status == AG_OK ? private_key_take_evp(out, pkey, err) : status;
}

const struct key_public *
private_key_public(const struct private_key *key)
{
	return &key->public;
}

const struct secret *
private_key_secret(const struct private_key *key)
{
	return key->secret;
}

EVP_PKEY *
private_key_evp(const struct private_key *key)
{
	return key->pkey;
}

const char *
private_key_comment(const struct private_key *key)
{
	return key->comment;
}

void
private_key_set_comment(struct private_key *key, const char *comment)
{
	(void)snprintf(key->comment, sizeof(key->comment), "%s", comment);
}

enum ag_status
private_key_check(const struct private_key *key, struct ag_error *err)
{
	enum ag_status status = key_public_check(&key->public, err);

	if (status == AG_OK && key->pkey != NULL)
		status = key_evp_check(key->pkey, &key->public.ssh, err);
	return status;
}
