/*
 * SSHSIG: reading, checking and making signature files.
 *
 * RULES    1. What is signed begins with "SSHSIG" and holds the namespace,
 *             so that no such signature passes for one of another protocol
 *             and none of those for one of these.
 *          2. A reserved part that is not empty is refused: it could say
 *             something about the signature that is not understood here.
 *          3. Digests are SHA-512, or SHA-256 when the signer chose that.
 *          4. Nothing but white space may follow the last line.
 *
 * NOT HERE Who may sign (crypto/allowed_signers.c); hashing files.
 */
#include "crypto/sshsig.h"

#include <string.h>

#include <sodium.h>

#include "codec/text.h"
#include "crypto/known_answer.h"
#include "crypto/ssh_wire.h"

#define MAGIC "SSHSIG"
#define MAGIC_BYTES 6
#define VERSION 1
#define ARMOUR_BEGIN "-----BEGIN SSH SIGNATURE-----"
#define ARMOUR_END "-----END SSH SIGNATURE-----"
#define ARMOUR_COLUMNS 70

#define HASH_NAME_BYTES_MAX 6 /* "sha512" */
#define BLOB_BYTES_MAX                                                     \
	(MAGIC_BYTES + 4 + 4 + SSH_KEY_BLOB_BYTES_MAX + 4 +                \
	    SSHSIG_NAMESPACE_BYTES_MAX + 4 + 4 + HASH_NAME_BYTES_MAX + 4 + \
	    SSH_KEY_SIGNATURE_BYTES_MAX)
#define SIGNED_BYTES_MAX                                        \
	(MAGIC_BYTES + 4 + SSHSIG_NAMESPACE_BYTES_MAX + 4 + 4 + \
	    HASH_NAME_BYTES_MAX + 4 + HASH_BYTES_MAX)

static enum ag_status
corrupt(struct ag_error *err)
{
	return ag_fail(err, AG_ECORRUPT, "signature is damaged or cut short");
}

bool
sshsig_is_armoured(struct bytes text)
{
	return bytes_has_prefix(text, bytes_from_text(ARMOUR_BEGIN));
}

static bool
is_blank(struct bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		if (memchr(" \t\r\n", text.data[i], 4) == NULL)
			return false;
	return true;
}

/* Take the armour off; *len bytes of blob, which has BLOB_BYTES_MAX. */
static enum ag_status
blob_from_text(uint8_t *blob, size_t *len, struct bytes text,
    struct ag_error *err)
{
	const size_t begin = sizeof(ARMOUR_BEGIN) - 1;
	const size_t end = sizeof(ARMOUR_END) - 1;
	const uint8_t *start, *stop, *after;
	size_t text_len;

	if (!sshsig_is_armoured(text))
		return ag_fail(err, AG_ECORRUPT,
		    "not an SSH signature (its first line would be "
		    "\"" ARMOUR_BEGIN "\")");
	start = text.data + begin;
	stop = memmem(start, text.len - begin, "\n" ARMOUR_END, end + 1);
	if (stop == NULL)
		return ag_fail(err, AG_ECORRUPT,
		    "signature is cut short, its last line is missing");
	after = stop + 1 + end;
	if (!is_blank(bytes_of(after, (size_t)(text.data + text.len - after))))
		return ag_fail(err, AG_ECORRUPT,
		    "signature has something after its last line");
	text_len = (size_t)(stop - start);
	/* The strict decoder skips nothing, and lines are in the way. */
	if (!secret_base64_decode(blob, BLOB_BYTES_MAX, len,
		bytes_of(start, text_len), "\r\n",
		sodium_base64_VARIANT_ORIGINAL))
		return ag_fail(err, AG_ECORRUPT,
		    "signature is damaged: not base64, or longer than any "
		    "that is taken");
	return AG_OK;
}

static enum ag_status
parse_namespace(struct sshsig *sig, struct bytes namespace,
    struct ag_error *err)
{
	if (namespace.len > SSHSIG_NAMESPACE_BYTES_MAX ||
	    memchr(namespace.data, '\0', namespace.len) != NULL)
		return ag_fail(err, AG_ECORRUPT,
		    "signature has a namespace that is too long, or not text");
	memcpy(sig->namespace, namespace.data, namespace.len);
	sig->namespace[namespace.len] = '\0';
	return AG_OK;
}

static enum ag_status
parse_hash(struct sshsig *sig, struct bytes name, struct ag_error *err)
{
	if (bytes_equal(name, bytes_from_text("sha512")))
		sig->algorithm = HASH_SHA_512;
	else if (bytes_equal(name, bytes_from_text("sha256")))
		sig->algorithm = HASH_SHA_256;
	else
		return ag_fail(err, AG_EREFUSED,
		    "signature is over a hash that is neither sha512 nor "
		    "sha256");
	return AG_OK;
}

static enum ag_status
parse_fields(struct sshsig *sig, struct ssh_wire_reader *r,
    struct ag_error *err)
{
	struct bytes key = ssh_wire_get_string(r);
	struct bytes namespace = ssh_wire_get_string(r);
	struct bytes reserved = ssh_wire_get_string(r);
	struct bytes hash = ssh_wire_get_string(r);
	struct bytes signature = ssh_wire_get_string(r);
	enum ag_status status;

	if (!ssh_wire_is_done(r) || namespace.len == 0 ||
	    signature.len > sizeof(sig->signature))
		return corrupt(err);
	if (reserved.len != 0)
		return ag_fail(err, AG_EVERSION,
		    "signature has an extension that is not known here");
	status = ssh_key_parse_blob(&sig->key, key, err);
	if (status != AG_OK) {
		ag_error_prefix(err, "signature's key");
		return status == AG_EINVAL ? AG_ECORRUPT : status;
	}
	status = parse_namespace(sig, namespace, err);
	if (status == AG_OK)
		status = parse_hash(sig, hash, err);
	memcpy(sig->signature, signature.data, signature.len);
	sig->signature_len = signature.len;
	return status;
}

enum ag_status
sshsig_parse(struct sshsig *sig, struct bytes text, struct ag_error *err)
{
	uint8_t blob[BLOB_BYTES_MAX];
	struct ssh_wire_reader r;
	enum ag_status status;
	uint32_t version;
	size_t len = 0;

	*sig = (struct sshsig){ 0 };
	status = blob_from_text(blob, &len, text, err);
	if (status != AG_OK)
		return status;
	ssh_wire_start(&r, bytes_of(blob, len));
	if (!bytes_equal(ssh_wire_get_raw(&r, MAGIC_BYTES),
		bytes_of(MAGIC, MAGIC_BYTES)))
		return corrupt(err);
	version = ssh_wire_get_u32(&r);
	if (!r.failed && version != VERSION)
		return ag_fail(err, AG_EVERSION,
		    "signature is of version %u; %d is known", version,
		    VERSION);
	return parse_fields(sig, &r, err);
}

/* What the key signs; its length. */
static size_t
signed_text(uint8_t out[static SIGNED_BYTES_MAX], const char *namespace,
    enum hash_algorithm algorithm, const uint8_t *digest)
{
	const char *hash = algorithm == HASH_SHA_512 ? "sha512" : "sha256";
	uint8_t *at = ssh_wire_put_raw(out, MAGIC, MAGIC_BYTES);

	at = ssh_wire_put_string(at, bytes_from_text(namespace));
	at = ssh_wire_put_string(at, bytes_from_text(""));
	at = ssh_wire_put_string(at, bytes_from_text(hash));
	at = ssh_wire_put_string(at, bytes_of(digest, hash_bytes(algorithm)));
	return (size_t)(at - out);
}

enum ag_status
sshsig_verify(const struct sshsig *sig, const char *namespace,
    const uint8_t *digest, struct ag_error *err)
{
	uint8_t text[SIGNED_BYTES_MAX];
	enum ag_status status;
	size_t len;

	if (strcmp(sig->namespace, namespace) != 0)
		return ag_fail(err, AG_EFORGED,
		    "the signature was made for namespace \"%s\" and not "
		    "\"%s\"",
		    sig->namespace, namespace);
	status = known_answer_check_signature(sig->key.type, err);
	if (status != AG_OK)
		return status;
	len = signed_text(text, sig->namespace, sig->algorithm, digest);
	return ssh_key_verify(&sig->key, bytes_of(text, len),
	    bytes_of(sig->signature, sig->signature_len), err);
}

enum ag_status
sshsig_check_namespace(const char *namespace, struct ag_error *err)
{
	size_t len = strlen(namespace);

	if (len == 0 || len > SSHSIG_NAMESPACE_BYTES_MAX)
		return ag_fail(err, AG_EINVAL,
		    "a namespace has 1 to %d characters",
		    SSHSIG_NAMESPACE_BYTES_MAX);
	for (size_t i = 0; i < len; i++)
		if ((uint8_t) namespace[i] < ' ' || namespace[i] == 0x7f)
			return ag_fail(err, AG_EINVAL,
			    "a namespace is text on one line, such as file or "
			    "name@example.org");
	return AG_OK;
}

/* Put the armour on, lines as long as ssh-keygen makes them. */
static enum ag_status
append_armoured(struct buf *text, struct bytes blob)
{
	char base64[TEXT_BASE64_BYTES(BLOB_BYTES_MAX)];
	enum ag_status status = buf_printf(text, "%s\n", ARMOUR_BEGIN);
	size_t len, done;

	text_base64(base64, sizeof(base64), blob, BASE64_STANDARD);
	len = strlen(base64);
	for (done = 0; status == AG_OK && done < len; done += ARMOUR_COLUMNS)
		status =
		    buf_printf(text, "%.*s\n", ARMOUR_COLUMNS, base64 + done);
	return status == AG_OK ? buf_printf(text, "%s\n", ARMOUR_END) : status;
}

enum ag_status
sshsig_sign(struct buf *text, const struct ssh_signer *signer,
    const char *namespace, const uint8_t digest[static HASH_BYTES_MAX],
    struct ag_error *err)
{
	uint8_t message[SIGNED_BYTES_MAX], blob[BLOB_BYTES_MAX];
	uint8_t signature[SSH_KEY_SIGNATURE_BYTES_MAX];
	const struct ssh_key *key = ssh_signer_public(signer);
	uint8_t *at = blob;
	size_t len, signature_len;
	enum ag_status status;

	status = sshsig_check_namespace(namespace, err);
	if (status != AG_OK)
		return status;
	len = signed_text(message, namespace, HASH_SHA_512, digest);
	status = ssh_signer_sign(signer, bytes_of(message, len), signature,
	    &signature_len, err);
	if (status != AG_OK)
		return status;
	at = ssh_wire_put_raw(at, MAGIC, MAGIC_BYTES);
	at = ssh_wire_put_u32(at, VERSION);
	at = ssh_wire_put_string(at, bytes_of(key->blob, key->blob_len));
	at = ssh_wire_put_string(at, bytes_from_text(namespace));
	at = ssh_wire_put_string(at, bytes_from_text(""));
	at = ssh_wire_put_string(at, bytes_from_text("sha512"));
	at = ssh_wire_put_string(at, bytes_of(signature, signature_len));
	status = append_armoured(text, bytes_of(blob, (size_t)(at - blob)));
	return status == AG_OK ? AG_OK
			       : ag_fail(err, status, "sign: out of memory");
}
