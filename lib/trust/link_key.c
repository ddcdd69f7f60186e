/*
 * The link key on disk.
 *
 * FORMAT   PATH              the private key, and PATH.pub
 *          PATH.certificate  ["aegis-link-certificate", 1, serial, link key,
 *                            signature]; none beside a key of the roster
 *          PATH.next         a private key that is about to take its place
 *
 * RULES    1. A key is durable before its certificate, and the certificate
 *             before anybody hears of either: writing the certificate is what
 *             replaces a key.  Until then the old one is whole, and from then
 *             on PATH.next takes its place, now or at the next start.
 *          2. The old private key is overwritten and then given up.  That
 *             clears a plain file on a plain disk.  It is no promise where a
 *             file system copies on write or a drive remaps its blocks; what
 *             protects there is that an old key is worth nothing.
 *          3. A key that its certificate names is never written over: what
 *             did not end well is taken up where it stopped, by the next
 *             replacement as by the next start.
 *          4. A certificate of another cluster is none: a directory may have
 *             been restored into a new one.
 */
#include "trust/link_key.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "crypto/openssh_key.h"

#define CERTIFICATE_MAGIC "aegis-link-certificate"
#define CERTIFICATE_VERSION 1
#define CERTIFICATE_FILE_BYTES 256
#define PLACE_BYTES 2048

/* The files beside a key's path. */
struct places {
	char next[PLACE_BYTES];
	char next_public[PLACE_BYTES];
	char public_half[PLACE_BYTES];
	char certificate[PLACE_BYTES];
};

static enum ag_status
places_name(struct places *places, const char *path, struct ag_error *err)
{
	if (strlen(path) + sizeof(".certificate") > PLACE_BYTES)
		return ag_fail(err, AG_ELIMIT, "link key %s: path too long",
		    path);
	(void)snprintf(places->next, PLACE_BYTES, "%s.next", path);
	(void)snprintf(places->next_public, PLACE_BYTES, "%s.next.pub", path);
	(void)snprintf(places->public_half, PLACE_BYTES, "%s.pub", path);
	(void)snprintf(places->certificate, PLACE_BYTES, "%s.certificate",
	    path);
	return AG_OK;
}

static enum ag_status
save_certificate(const struct link_certificate *certificate, const char *path,
    struct ag_error *err)
{
	uint8_t memory[CERTIFICATE_FILE_BYTES];
	struct bytes body;
	struct encoder e;

	encoder_init(&e, memory, sizeof(memory));
	encoder_put_array(&e, 2 + LINK_CERTIFICATE_FIELDS);
	encoder_put_text(&e, bytes_from_text(CERTIFICATE_MAGIC));
	encoder_put_uint(&e, CERTIFICATE_VERSION);
	link_certificate_put(&e, certificate);
	AG_ASSERT(encoder_finish(&e, &body) == AG_OK);
	return fs_write_file(path, 0644, body, err);
}

static enum ag_status
read_certificate(struct link_certificate *certificate, struct bytes file,
    const char *path, struct ag_error *err)
{
	struct decoder d;
	struct bytes magic;

	decoder_init(&d, file);
	decoder_expect_array(&d, 2 + LINK_CERTIFICATE_FIELDS);
	magic = decoder_get_text_max(&d, sizeof(CERTIFICATE_MAGIC) - 1);
	if (!bytes_equal(magic, bytes_from_text(CERTIFICATE_MAGIC)) ||
	    decoder_get_uint(&d) != CERTIFICATE_VERSION)
		decoder_fail(&d, "not a link key's certificate");
	link_certificate_get(&d, certificate);
	if (decoder_finish(&d, err) == AG_OK)
		return AG_OK;
	ag_error_prefix(err, "certificate %s", path);
	return err->status = AG_ECORRUPT;
}

/* What the file says, if it is for this node of this cluster; or serial 0. */
static enum ag_status
load_certificate(struct link_certificate *certificate, const char *path,
    const struct link_holder *holder, struct ag_error *err)
{
	enum ag_status status;
	struct buf file;

	*certificate = (struct link_certificate){ .serial = 0 };
	if (!fs_exists(path))
		return AG_OK;
	buf_init(&file, CERTIFICATE_FILE_BYTES);
	status = fs_read_file(path, &file, err);
	if (status == AG_OK)
		status =
		    read_certificate(certificate, buf_bytes(&file), path, err);
	buf_fini(&file);
	if (status == AG_OK && !link_certificate_is_valid(certificate, holder))
		*certificate = (struct link_certificate){ .serial = 0 };
	return status;
}

/* Zeros in place of what a file holds. */
static enum ag_status
overwrite(const char *path, struct ag_error *err)
{
	static const uint8_t zeros[OPENSSH_KEY_FILE_BYTES_MAX];
	enum ag_status status;
	struct stat st;
	int fd;

	status = fs_open(&fd, path, O_WRONLY, 0, err);
	if (status != AG_OK)
		return status;
	if (fstat(fd, &st) == -1)
		status = ag_fail_sys(err, "look at %s", path);
	else if (st.st_size > (off_t)sizeof(zeros))
		status = ag_fail(err, AG_ELIMIT, "%s is no key", path);
	else
		status = fs_write_at(fd, path,
		    bytes_of(zeros, (size_t)st.st_size), 0, err);
	if (status == AG_OK)
		status = fs_sync(fd, path, err);
	(void)close(fd);
	return status;
}

/* The certificate names the next key: let that take its place. */
static enum ag_status
finish(const struct places *places, const char *path, struct ag_error *err)
{
	enum ag_status status = AG_OK;

	if (fs_exists(places->next)) {
		if (fs_exists(path))
			status = overwrite(path, err);
		if (status == AG_OK)
			status = fs_rename(places->next, path, err);
	}
	if (status == AG_OK)
		status =
		    fs_rename(places->next_public, places->public_half, err);
	return status == AG_OK ? fs_sync_parent(path, err) : status;
}

/* Is the next key, if there is one, the one that the certificate names? */
static bool
is_next(const struct places *places, const struct link_certificate *certificate)
{
	uint8_t shown[PUBLIC_KEY_BYTES];

	return certificate->serial > 0 && fs_exists(places->next_public) &&
	    public_key_load(shown, NULL, places->next_public, NULL) == AG_OK &&
	    memcmp(shown, certificate->link_key, sizeof(shown)) == 0;
}

static uint64_t
modified_ms(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_mtim.tv_sec > 0
	    ? (uint64_t)st.st_mtim.tv_sec * 1000
	    : 0;
}

/* Of the two that may vouch for the key on disk, the one that does. */
static enum ag_status
identify(struct link_key *key, const char *path, const struct roster *roster,
    uint32_t member, struct ag_error *err)
{
	const struct roster_member *who = &roster->members[member];
	uint8_t shown[PUBLIC_KEY_BYTES];

	sign_public(shown, key->secret);
	if (key->certificate.serial > 0 &&
	    memcmp(shown, key->certificate.link_key, sizeof(shown)) == 0) {
		key->made_ms = key->certificate.serial;
		return AG_OK;
	}
	if (memcmp(shown, who->link_key, sizeof(shown)) != 0)
		return ag_fail(err, AG_EINVAL,
		    "link key %s is not that of member %s", path, who->name);
	key->certificate = (struct link_certificate){ .serial = 0 };
	memcpy(key->certificate.link_key, shown, sizeof(shown));
	key->made_ms = modified_ms(path);
	return AG_OK;
}

enum ag_status
link_key_load(struct link_key *key, const char *path,
    const struct roster *roster, uint32_t member,
    const struct secret *passphrase, struct ag_error *err)
{
	const struct link_holder holder =
	    link_certificate_holder(roster, member);
	struct places places;
	enum ag_status status;

	*key = (struct link_key){ .secret = NULL };
	status = places_name(&places, path, err);
	if (status == AG_OK)
		status = load_certificate(&key->certificate, places.certificate,
		    &holder, err);
	if (status == AG_OK && is_next(&places, &key->certificate))
		status = finish(&places, path, err);
	if (status == AG_OK)
		status =
		    openssh_key_load(&key->secret, NULL, path, passphrase, err);
	if (status == AG_OK)
		status = identify(key, path, roster, member, err);
	if (status != AG_OK)
		link_key_free(key);
	return status;
}

/* A key has the comment of the one before it, and a passphrase if that has. */
static enum ag_status
read_manner(const char *path, char *comment, const struct secret **passphrase,
    struct ag_error *err)
{
	struct secret *key = NULL;
	enum ag_status status =
	    openssh_key_load(&key, comment, path, NULL, err);

	if (status == AG_EDENIED && *passphrase != NULL)
		status =
		    openssh_key_load(&key, comment, path, *passphrase, err);
	else
		*passphrase = NULL;
	secret_free(key);
	return status;
}

/* A key that will take the place of one with serial after, and its
 * certificate: once that is written, it is the next. */
static enum ag_status
make_next(struct link_key *next, const struct places *places, const char *path,
    const struct link_holder *holder, const struct signer *node_key,
    uint64_t after, uint64_t now_ms, const struct secret *passphrase,
    struct ag_error *err)
{
	char comment[PUBLIC_KEY_COMMENT_BYTES];
	uint8_t shown[PUBLIC_KEY_BYTES];
	enum ag_status status;

	status = read_manner(path, comment, &passphrase, err);
	if (status == AG_OK)
		status = sign_keypair(&next->secret, err);
	if (status != AG_OK)
		return status;
	sign_public(shown, next->secret);
	status = link_certificate_make(&next->certificate, holder, node_key,
	    shown, after, now_ms, err);
	if (status == AG_OK)
		status = openssh_key_save(next->secret, places->next, comment,
		    passphrase, true, err);
	return status == AG_OK
	    ? save_certificate(&next->certificate, places->certificate, err)
	    : status;
}

enum ag_status
link_key_rotate(struct link_key *key, const char *path,
    const struct link_holder *holder, const struct signer *node_key,
    uint64_t now_ms, const struct secret *passphrase, struct ag_error *err)
{
	struct link_key next = { .secret = NULL };
	struct places places;
	enum ag_status status;

	status = places_name(&places, path, err);
	if (status == AG_OK)
		status = load_certificate(&next.certificate, places.certificate,
		    holder, err);
	if (status == AG_OK && is_next(&places, &next.certificate))
		status = openssh_key_load(&next.secret, NULL,
		    fs_exists(places.next) ? places.next : path, passphrase,
		    err);
	else if (status == AG_OK)
		status = make_next(&next, &places, path, holder, node_key,
		    key->certificate.serial, now_ms, passphrase, err);
	if (status == AG_OK)
		status = finish(&places, path, err);
	if (status != AG_OK) {
		link_key_free(&next);
		return status;
	}
	next.made_ms = next.certificate.serial;
	link_key_free(key);
	*key = next;
	return AG_OK;
}

void
link_key_free(struct link_key *key)
{
	secret_free(key->secret);
	key->secret = NULL;
}
