/*
 * openssh-key-v1 containers, read and written in locked memory.
 *
 * RULES    1. Nothing may follow, and padding must count up as it should.
 *          2. Rounds are bounded before any is made.
 *          3. Whether the passphrase was right is told by the check words:
 *             a damaged section can not be told from a wrong passphrase.
 */
#include "crypto/openssh_container.h"

#include <string.h>

#include <sodium.h>

#include "crypto/public_key.h"

#define MAGIC "openssh-key-v1"
#define PLAIN_BLOCK 8
#define PADDING_BYTES_MAX 15 /* libssh pads plain ones to 16 */

static enum ag_status
read_bcrypt(struct openssh_cipher *cipher, struct bytes options,
    const char *name, struct ag_error *err)
{
	struct ssh_wire_reader r;

	ssh_wire_start(&r, options);
	cipher->salt = ssh_wire_get_string(&r);
	cipher->rounds = ssh_wire_get_u32(&r);
	if (!ssh_wire_is_done(&r) || cipher->salt.len == 0 ||
	    cipher->salt.len > 64 || cipher->rounds == 0)
		return ag_fail(err, AG_EINVAL,
		    "private key %s: damaged or cut short", name);
	if (cipher->rounds > OPENSSH_ROUNDS_MAX)
		return ag_fail(err, AG_EINVAL,
		    "private key %s: its passphrase takes more than %d rounds",
		    name, OPENSSH_ROUNDS_MAX);
	return AG_OK;
}

/* What is wrong with a whole container's encryption. */
static enum ag_status
read_encryption(struct openssh_container *container, struct bytes kdf,
    struct bytes options, const char *name, struct ag_error *err)
{
	struct bytes cipher = container->cipher.name;

	container->is_plain = bytes_equal(cipher, bytes_from_text("none"));
	if (container->is_plain)
		return bytes_equal(kdf, bytes_from_text("none")) &&
			options.len == 0
		    ? AG_OK
		    : ag_fail(err, AG_EINVAL,
			  "private key %s: damaged or cut short", name);
	if (!bytes_equal(kdf, bytes_from_text("bcrypt")) ||
	    openssh_cipher_block(cipher) == 0)
		return ag_fail(err, AG_EVERSION,
		    "private key %s: its cipher or key derivation is not done "
		    "here; ssh-keygen -p -Z " OPENSSH_CIPHER " changes it",
		    name);
	return read_bcrypt(&container->cipher, options, name, err);
}

static enum ag_status
not_single(const char *name, struct ag_error *err)
{
	return ag_fail(err, AG_EINVAL,
	    "private key %s: damaged, cut short, or not a single key", name);
}

enum ag_status
openssh_container_read(struct openssh_container *container, struct bytes raw,
    const char *name, struct ag_error *err)
{
	struct ssh_wire_reader r;
	struct bytes kdf, options;
	enum ag_status status;
	bool is_single;

	*container = (struct openssh_container){ 0 };
	ssh_wire_start(&r, raw);
	if (!bytes_equal(ssh_wire_get_raw(&r, sizeof(MAGIC)),
		bytes_of(MAGIC, sizeof(MAGIC))))
		r.failed = true;
	container->cipher.name = ssh_wire_get_string(&r);
	kdf = ssh_wire_get_string(&r);
	options = ssh_wire_get_string(&r);
	is_single = ssh_wire_get_u32(&r) == 1;
	container->blob = ssh_wire_get_string(&r);
	container->section = ssh_wire_get_string(&r);
	if (r.failed || !is_single || container->section.len == 0)
		return not_single(name, err);
	/* Only a cipher that is known tells how long its tag is. */
	status = read_encryption(container, kdf, options, name, err);
	if (status != AG_OK)
		return status;
	container->tag = ssh_wire_get_raw(&r,
	    openssh_cipher_tag_bytes(container->cipher.name));
	return ssh_wire_is_done(&r) ? AG_OK : not_single(name, err);
}

/* Are the first words of a section the same? */
static bool
is_checked(struct bytes section)
{
	return section.len >= 8 &&
	    sodium_memcmp(section.data, section.data + 4, 4) == 0;
}

static enum ag_status
decrypt(struct secret *section, const struct openssh_container *container,
    const struct secret *passphrase, const char *name, struct ag_error *err)
{
	size_t block = openssh_cipher_block(container->cipher.name);
	enum ag_status status;

	if (passphrase == NULL)
		return ag_fail(err, AG_EDENIED,
		    "private key %s: it is encrypted and needs its passphrase "
		    "(--passphrase-fd)",
		    name);
	if (container->section.len % block != 0)
		return ag_fail(err, AG_EINVAL,
		    "private key %s: damaged or cut short", name);
	status = openssh_cipher_open(&container->cipher, passphrase,
	    container->section, container->tag, secret_data(section), err);
	if (status == AG_OK && !is_checked(secret_bytes(section)))
		status =
		    ag_fail(err, AG_EDENIED, "wrong passphrase, or damaged");
	if (status == AG_EDENIED)
		ag_error_prefix(err, "private key %s", name);
	return status;
}

enum ag_status
openssh_container_open(struct secret **section,
    const struct openssh_container *container, const struct secret *passphrase,
    const char *name, struct ag_error *err)
{
	struct secret *out = secret_copy(container->section);
	enum ag_status status = AG_OK;

	*section = NULL;
	if (out == NULL)
		return ag_fail(err, AG_ENOMEM, "private key %s: out of memory",
		    name);
	if (!container->is_plain)
		status = decrypt(out, container, passphrase, name, err);
	else if (!is_checked(secret_bytes(out)) ||
	    container->section.len % PLAIN_BLOCK != 0)
		status = ag_fail(err, AG_EINVAL,
		    "private key %s: damaged or cut short", name);
	if (status != AG_OK) {
		secret_free(out);
		return status;
	}
	*section = out;
	return AG_OK;
}

bool
openssh_container_start(struct ssh_wire_reader *r, struct bytes section,
    const char *type)
{
	ssh_wire_start(r, section);
	(void)ssh_wire_get_raw(r, 8);
	return ssh_wire_expect(r, type);
}

static bool
is_padding(struct bytes padding)
{
	uint8_t wrong = 0;

	if (padding.len > PADDING_BYTES_MAX)
		return false;
	for (size_t i = 0; i < padding.len; i++)
		wrong |= (uint8_t)(padding.data[i] ^ (i + 1));
	return wrong == 0;
}

bool
openssh_container_end(struct ssh_wire_reader *r, char *comment)
{
	struct bytes note = ssh_wire_get_string(r);

	if (r->failed || !is_padding(bytes_of(r->at, r->left)))
		return false;
	if (comment == NULL)
		return true;
	if (note.len >= PUBLIC_KEY_COMMENT_BYTES ||
	    memchr(note.data, '\0', note.len) != NULL)
		note.len = 0;
	memcpy(comment, note.data, note.len);
	comment[note.len] = '\0';
	return true;
}

/* Check words, fields, comment and padding to a multiple of block. */
static struct secret *
make_section(struct bytes fields, const char *comment, size_t block)
{
	size_t len = 4 + 4 + fields.len + 4 + strlen(comment);
	size_t padded = (len + block - 1) / block * block;
	struct secret *section = secret_new(padded);
	uint32_t check = randombytes_random();
	uint8_t *at;

	if (section == NULL)
		return NULL;
	at = ssh_wire_put_u32(secret_data(section), check);
	at = ssh_wire_put_u32(at, check);
	at = ssh_wire_put_raw(at, fields.data, fields.len);
	at = ssh_wire_put_string(at, bytes_from_text(comment));
	for (uint8_t pad = 1; len < padded; len++)
		*at++ = pad++;
	return section;
}

/* Everything in front of the section. */
static uint8_t *
put_head(uint8_t *at, const struct openssh_cipher *cipher, struct bytes blob)
{
	at = ssh_wire_put_raw(at, MAGIC, sizeof(MAGIC));
	at = ssh_wire_put_string(at, cipher->name);
	if (cipher->salt.len > 0) {
		at = ssh_wire_put_string(at, bytes_from_text("bcrypt"));
		at = ssh_wire_put_u32(at, 4 + cipher->salt.len + 4);
		at = ssh_wire_put_string(at, cipher->salt);
		at = ssh_wire_put_u32(at, cipher->rounds);
	} else {
		at = ssh_wire_put_string(at, bytes_from_text("none"));
		at = ssh_wire_put_string(at, bytes_from_text(""));
	}
	at = ssh_wire_put_u32(at, 1);
	return ssh_wire_put_string(at, blob);
}

enum ag_status
openssh_container_make(struct secret **out, struct bytes blob,
    struct bytes fields, const char *comment, const struct secret *passphrase,
    struct ag_error *err)
{
	uint8_t salt[OPENSSH_SALT_BYTES], *at;
	struct openssh_cipher cipher = { .name = bytes_from_text("none") };
	size_t block = PLAIN_BLOCK;
	enum ag_status status = AG_OK;
	struct secret *section;

	*out = NULL;
	if (passphrase != NULL) {
		randombytes_buf(salt, sizeof(salt));
		cipher.name = bytes_from_text(OPENSSH_CIPHER);
		cipher.salt = bytes_of(salt, sizeof(salt));
		cipher.rounds = OPENSSH_ROUNDS;
		block = openssh_cipher_block(cipher.name);
	}
	section = make_section(fields, comment, block);
	if (section != NULL)
		*out = secret_new(256 + blob.len + secret_len(section));
	if (*out == NULL) {
		secret_free(section);
		return ag_fail(err, AG_ENOMEM, "write key: out of memory");
	}
	at = put_head(secret_data(*out), &cipher, blob);
	at = ssh_wire_put_u32(at, secret_len(section));
	if (passphrase != NULL)
		status = openssh_cipher_seal(&cipher, passphrase,
		    secret_bytes(section), at, err);
	else
		(void)ssh_wire_put_raw(at, secret_bytes(section).data,
		    secret_len(section));
	secret_shorten(*out,
	    (size_t)(at - secret_data(*out)) + secret_len(section));
	secret_free(section);
	if (status != AG_OK) {
		secret_free(*out);
		*out = NULL;
	}
	return status;
}
