/*
 * Keys that stay in hardware: tokens that speak PKCS#11.
 *
 * Whatever a token is asked goes to a thread of its own and is waited for no
 * longer than deadline_ms.  What it answers is bounded, and what it signs is
 * verified before it is believed.
 *
 * Ownership  token_new() hands out a handle, token_free() takes it back.
 * Threads    any.
 */
#ifndef AEGIS_TOKEN_TOKEN_H
#define AEGIS_TOKEN_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "crypto/secret.h"
#include "crypto/ssh_key.h"
#include "token/token_uri.h"

#define TOKEN_SLOTS_MAX 64
#define TOKEN_KEYS_MAX 128
#define TOKEN_SIGNATURE_BYTES_MAX 1024

struct token;

/* A token in its slot. */
struct token_info {
	unsigned long slot;
	char label[TOKEN_LABEL_BYTES];
	char manufacturer[TOKEN_LABEL_BYTES];
	char model[TOKEN_SERIAL_BYTES];
	char serial[TOKEN_SERIAL_BYTES];
	bool is_initialized; /* it has a label and PINs */
	bool needs_login;
	bool has_pinpad;   /* the PIN is typed at the reader */
	bool is_pin_low;   /* a wrong PIN was given */
	bool is_pin_final; /* one more locks it */
	bool is_pin_locked;
};

enum token_key_type {
	TOKEN_KEY_OTHER,
	TOKEN_KEY_ED25519,
	TOKEN_KEY_P256,
	TOKEN_KEY_P384,
	TOKEN_KEY_RSA,
	TOKEN_KEY_AES,
};

struct token_key {
	unsigned long handle; /* of this session */
	enum token_class class;
	enum token_key_type type;
	unsigned int bits;
	char label[TOKEN_OBJECT_BYTES];
	uint8_t id[TOKEN_ID_BYTES_MAX];
	size_t id_len;
	bool is_sensitive;   /* never shown in the clear */
	bool is_extractable; /* may leave the token, wrapped at least */
	bool asks_always;    /* for the PIN, at every use */
	bool may_sign, may_decrypt;
	bool has_public; /* else its public half is not in the token */
	struct ssh_key public;
};

/* Load the URI's module, and start the thread. */
enum ag_status token_new(struct token **out, const struct token_uri *uri,
    uint32_t deadline_ms, struct ag_error *err) AG_MUST_USE;
void token_free(struct token *token);

/* How long each call from here on may take. */
void token_set_deadline(struct token *token, uint32_t deadline_ms);

/* The file that was loaded. */
enum ag_status token_module_file(struct token *token,
    char path[static TOKEN_PATH_BYTES], struct ag_error *err) AG_MUST_USE;

/* The tokens that match what the URI says, into TOKEN_SLOTS_MAX. */
enum ag_status token_list(struct token *token, struct token_info *out,
    size_t *count, struct ag_error *err) AG_MUST_USE;

/*
 * Have the module look for its tokens anew, which closes this one: AG_EBUSY
 * when others use the module.
 */
enum ag_status token_restart(struct token *token,
    struct ag_error *err) AG_MUST_USE;

/*
 * Open the one token that matches; also again, when it was gone.
 * AG_ENOENT    it is not there
 * AG_ECONFLICT several match
 */
enum ag_status token_open(struct token *token, struct token_info *info,
    struct ag_error *err) AG_MUST_USE;

/*
 * Log in, once: a PIN that is wrong is not tried again, here or by a caller.
 * pin may be NULL at a reader with a pinpad.  A last try is made only with a
 * PIN that somebody has just typed.
 * AG_EDENIED   wrong PIN, which err says what follows from, or a locked one
 * AG_EREFUSED  it would be the last try
 */
enum ag_status token_login(struct token *token, const struct secret *pin,
    bool is_typed, struct ag_error *err) AG_MUST_USE;

/* Keys that the URI's object, id and type match, into TOKEN_KEYS_MAX. */
enum ag_status token_list_keys(struct token *token, struct token_key *out,
    size_t *count, struct ag_error *err) AG_MUST_USE;

/* The one key of that class.  AG_ENOENT none, AG_ECONFLICT several. */
enum ag_status token_find_key(struct token *token, enum token_class class,
    struct token_key *out, struct ag_error *err) AG_MUST_USE;

/*
 * Sign: Ed25519 the message, ECDSA its SHA-256 (P-384: SHA-384) as r | s,
 * RSA its SHA-512 by PKCS #1 v1.5.  Nothing is verified here.
 */
enum ag_status token_sign(struct token *token, const struct token_key *key,
    struct bytes message, uint8_t signature[static TOKEN_SIGNATURE_BYTES_MAX],
    size_t *len, struct ag_error *err) AG_MUST_USE;

struct token_making {
	enum token_key_type type;
	unsigned int bits; /* of RSA and AES */
	char label[TOKEN_OBJECT_BYTES];
	uint8_t id[TOKEN_ID_BYTES_MAX];
	size_t id_len;
};

/*
 * Make a key that does not leave the token; *out is its private half, or the
 * secret key.
 * AG_EEXIST    there is one of that label or id
 * AG_EREFUSED  the token would let it out: it is destroyed again
 */
enum ag_status token_generate(struct token *token,
    const struct token_making *making, struct token_key *out,
    struct ag_error *err) AG_MUST_USE;

/* "ed25519", "ecdsa-p256", "ecdsa-p384", "rsa", "aes", "other". */
const char *token_key_type_name(enum token_key_type type);

#endif
