/*
 * Plain openssh-key-v1 containers, read and written in locked memory.
 *
 * FORMAT   "openssh-key-v1" NUL | string cipher | string kdf | string kdf
 *          options | u32 1 | string public blob | string private section
 *          private section, cipher "none":
 *          u32 check | u32 the same | string "ssh-ed25519" | string public
 *          (32) | string seed and public (64) | string comment | padding
 *          1, 2, 3, … to a multiple of 8
 *          Integers big-endian; a string is a u32 length and its bytes.
 *
 * RULES    1. The public half stands in the file three times and follows
 *             from the seed: all four must agree.
 *          2. Nothing may follow, and padding must count up as it should.
 */
#include "crypto/openssh_container.h"

#include <string.h>

#include <sodium.h>

#include "crypto/ssh_wire.h"

#define MAGIC "openssh-key-v1"
#define CIPHER_BLOCK 8
#define PADDING_BYTES_MAX 15 /* libssh pads to 16 */

/* Up to the cipher's name, which says whether a passphrase is needed. */
static struct bytes
read_cipher(struct ssh_wire_reader *r, const struct secret *container)
{
	struct bytes all = secret_bytes(container);

	ssh_wire_start(r, all);
	if (!bytes_equal(ssh_wire_get_raw(r, sizeof(MAGIC)),
		bytes_of(MAGIC, sizeof(MAGIC))))
		r->failed = true;
	return ssh_wire_get_string(r);
}

enum ag_status
openssh_container_is_plain(const struct secret *container, bool *is_plain)
{
	struct ssh_wire_reader r;

	*is_plain =
	    bytes_equal(read_cipher(&r, container), bytes_from_text("none"));
	return r.failed ? AG_EINVAL : AG_OK;
}

bool
openssh_container_is_bearable(const struct secret *container)
{
	struct ssh_wire_reader r, options;
	struct bytes raw;

	(void)read_cipher(&r, container);
	if (!ssh_wire_expect(&r, "bcrypt"))
		return false;
	raw = ssh_wire_get_string(&r);
	ssh_wire_start(&options, raw);
	(void)ssh_wire_get_string(&options);
	return ssh_wire_get_u32(&options) <= OPENSSH_ROUNDS_MAX &&
	    !options.failed;
}

enum ag_status
openssh_container_blob(const struct secret *container, struct bytes *blob)
{
	struct ssh_wire_reader r;

	(void)read_cipher(&r, container);
	(void)ssh_wire_get_string(&r);
	(void)ssh_wire_get_string(&r);
	if (ssh_wire_get_u32(&r) != 1)
		return AG_EINVAL;
	*blob = ssh_wire_get_string(&r);
	return r.failed ? AG_EINVAL : AG_OK;
}

enum ag_status
openssh_container_public(const struct secret *container,
    uint8_t key[static SIGN_PUBLIC_BYTES])
{
	uint8_t expected[PUBLIC_KEY_BLOB_BYTES];
	struct bytes blob;

	if (openssh_container_blob(container, &blob) != AG_OK ||
	    blob.len != sizeof(expected))
		return AG_EINVAL;
	memcpy(key, blob.data + sizeof(expected) - SIGN_PUBLIC_BYTES,
	    SIGN_PUBLIC_BYTES);
	public_key_blob(expected, key);
	return memcmp(expected, blob.data, sizeof(expected)) == 0 ? AG_OK
								  : AG_EINVAL;
}

bool
openssh_container_is_padding(struct bytes padding)
{
	size_t i;

	if (padding.len > PADDING_BYTES_MAX)
		return false;
	for (i = 0; i < padding.len; i++)
		if (padding.data[i] != i + 1)
			return false;
	return true;
}

/* The private section of a plain container, against the public blob. */
static enum ag_status
section_parse(struct secret **key, char *comment, struct bytes section,
    struct bytes blob, const char *name, struct ag_error *err)
{
	uint8_t expected[PUBLIC_KEY_BLOB_BYTES];
	struct bytes public_key, private_key, note;
	struct ssh_wire_reader r;
	uint32_t check;
	bool is_checked;

	ssh_wire_start(&r, section);
	check = ssh_wire_get_u32(&r);
	is_checked = check == ssh_wire_get_u32(&r);
	if (!is_checked || !ssh_wire_expect(&r, PUBLIC_KEY_TYPE))
		return ag_fail(err, AG_EVERSION,
		    "private key %s: not an Ed25519 key", name);
	public_key = ssh_wire_get_string(&r);
	private_key = ssh_wire_get_string(&r);
	note = ssh_wire_get_string(&r);
	if (r.failed || public_key.len != SIGN_PUBLIC_BYTES ||
	    private_key.len != SIGN_SECRET_BYTES ||
	    note.len >= PUBLIC_KEY_COMMENT_BYTES ||
	    section.len % CIPHER_BLOCK != 0 ||
	    !openssh_container_is_padding(bytes_of(r.at, r.left)))
		return ag_fail(err, AG_EINVAL,
		    "private key %s: damaged or cut short", name);
	*key = secret_copy(private_key);
	if (*key == NULL)
		return ag_fail(err, AG_ENOMEM, "private key %s: out of memory",
		    name);
	public_key_blob(expected, public_key.data);
	if (!bytes_equal(blob, bytes_of(expected, sizeof(expected))) ||
	    memcmp(private_key.data + SIGN_SEED_BYTES, public_key.data,
		SIGN_PUBLIC_BYTES) != 0 ||
	    !sign_key_is_sound(*key)) {
		secret_free(*key);
		*key = NULL;
		return ag_fail(err, AG_EINVAL,
		    "private key %s: damaged, its halves do not belong "
		    "together",
		    name);
	}
	if (comment != NULL) {
		memcpy(comment, note.data, note.len);
		comment[note.len] = '\0';
	}
	return AG_OK;
}

enum ag_status
openssh_container_section(const struct secret *container, struct bytes *blob,
    struct bytes *section)
{
	struct ssh_wire_reader r;

	if (!bytes_equal(read_cipher(&r, container), bytes_from_text("none")) ||
	    !ssh_wire_expect(&r, "none") || !ssh_wire_expect(&r, "") ||
	    ssh_wire_get_u32(&r) != 1)
		return AG_EINVAL;
	*blob = ssh_wire_get_string(&r);
	*section = ssh_wire_get_string(&r);
	return ssh_wire_is_done(&r) ? AG_OK : AG_EINVAL;
}

enum ag_status
openssh_container_parse(struct secret **key, char *comment,
    const struct secret *container, const char *name, struct ag_error *err)
{
	struct bytes blob, section;

	if (openssh_container_section(container, &blob, &section) != AG_OK)
		return ag_fail(err, AG_EINVAL,
		    "private key %s: damaged, cut short, or not a single key",
		    name);
	return section_parse(key, comment, section, blob, name, err);
}

static size_t
section_len(size_t comment_len)
{
	size_t len = 4 + 4 + PUBLIC_KEY_BLOB_BYTES + 4 + SIGN_SECRET_BYTES + 4 +
	    comment_len;

	return (len + CIPHER_BLOCK - 1) / CIPHER_BLOCK * CIPHER_BLOCK;
}

static uint8_t *
put_section(uint8_t *at, const struct secret *key,
    const uint8_t blob[static PUBLIC_KEY_BLOB_BYTES], const char *comment)
{
	size_t len = section_len(strlen(comment));
	uint8_t *end = ssh_wire_put_u32(at, len) + len;
	uint32_t check = randombytes_random();
	uint8_t pad = 1;

	at = ssh_wire_put_u32(at, len);
	at = ssh_wire_put_u32(at, check);
	at = ssh_wire_put_u32(at, check);
	at = ssh_wire_put_raw(at, blob, PUBLIC_KEY_BLOB_BYTES);
	at = ssh_wire_put_string(at, secret_bytes(key));
	at = ssh_wire_put_string(at, bytes_from_text(comment));
	while (at < end)
		*at++ = pad++;
	return end;
}

struct secret *
openssh_container_make(const struct secret *key, const char *comment)
{
	uint8_t blob[PUBLIC_KEY_BLOB_BYTES];
	struct secret *container = secret_new(
	    256 + PUBLIC_KEY_BLOB_BYTES + section_len(strlen(comment)));
	uint8_t *at;

	if (container == NULL)
		return NULL;
	public_key_blob(blob, secret_bytes(key).data + SIGN_SEED_BYTES);
	at = ssh_wire_put_raw(secret_data(container), MAGIC, sizeof(MAGIC));
	at = ssh_wire_put_string(at, bytes_from_text("none"));
	at = ssh_wire_put_string(at, bytes_from_text("none"));
	at = ssh_wire_put_string(at, bytes_from_text(""));
	at = ssh_wire_put_u32(at, 1);
	at = ssh_wire_put_string(at, bytes_of(blob, sizeof(blob)));
	at = put_section(at, key, blob, comment);
	secret_shorten(container, (size_t)(at - secret_data(container)));
	return container;
}
