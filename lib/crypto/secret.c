/*
 * Secrets, in the memory of crypto/secret_arena.c.
 *
 * RULES    1. Reading goes straight from the descriptor into locked memory;
 *             there is no buffer in between to forget.
 *          2. A file's permissions are judged on the open descriptor, so
 *             they can not change between the question and the reading.
 */
#include "crypto/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "base/fs.h"
#include "crypto/secret_arena.h"
#include "crypto/secret_crash.h"

struct secret {
	uint8_t *data;
	size_t len;
	size_t cap; /* as it was made */
};

struct secret *
secret_new(size_t len)
{
	struct secret *secret;

	secret = calloc(1, sizeof(*secret));
	if (secret == NULL)
		return NULL;
	secret->data = secret_arena_new(len);
	if (secret->data == NULL) {
		free(secret);
		return NULL;
	}
	secret->len = len;
	secret->cap = len;
	return secret;
}

void
secret_free(struct secret *secret)
{
	if (secret == NULL)
		return;
	secret_arena_free(secret->data, secret->cap);
	free(secret);
}

struct secret *
secret_copy(struct bytes data)
{
	struct secret *secret = secret_new(data.len);

	if (secret != NULL)
		memcpy(secret->data, data.data, data.len);
	return secret;
}

struct secret *
secret_random(size_t len)
{
	struct secret *secret = secret_new(len);

	if (secret != NULL)
		randombytes_buf(secret->data, len);
	return secret;
}

uint8_t *
secret_data(struct secret *secret)
{
	return secret->data;
}

size_t
secret_len(const struct secret *secret)
{
	return secret->len;
}

struct bytes
secret_bytes(const struct secret *secret)
{
	return bytes_of(secret->data, secret->len);
}

void
secret_shorten(struct secret *secret, size_t len)
{
	AG_ASSERT(len <= secret->len);
	sodium_memzero(secret->data + len, secret->len - len);
	secret->len = len;
}

bool
secret_equal(const struct secret *a, const struct secret *b)
{
	return a->len == b->len && sodium_memcmp(a->data, b->data, a->len) == 0;
}

/* Fill data until the end of input or cap bytes. */
static enum ag_status
read_into(int fd, uint8_t *data, size_t cap, size_t *len, const char *name,
    struct ag_error *err)
{
	*len = 0;
	while (*len < cap) {
		ssize_t n = read(fd, data + *len, cap - *len);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return ag_fail_sys(err, "read %s", name);
		if (n == 0)
			break;
		*len += (size_t)n;
	}
	return AG_OK;
}

enum ag_status
secret_read_fd(struct secret **out, int fd, size_t max, const char *name,
    struct ag_error *err)
{
	struct secret *secret;
	enum ag_status status;
	size_t len;

	*out = NULL;
	secret = secret_new(max + 1);
	if (secret == NULL)
		return ag_fail(err, AG_ENOMEM, "read %s: out of memory", name);
	status = read_into(fd, secret->data, max + 1, &len, name, err);
	if (status == AG_OK && len > max)
		status = ag_fail(err, AG_ELIMIT,
		    "read %s: longer than %zu bytes", name, max);
	if (status != AG_OK) {
		secret_free(secret);
		return status;
	}
	secret_shorten(secret, len);
	*out = secret;
	return AG_OK;
}

static enum ag_status
check_private(int fd, const char *path, struct ag_error *err)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return ag_fail_sys(err, "read %s", path);
	if (!S_ISREG(st.st_mode))
		return ag_fail(err, AG_EINVAL, "read %s: not a regular file",
		    path);
	if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		return ag_fail(err, AG_EDENIED,
		    "private key %s: others may use it (mode %03o); "
		    "run: chmod 600 %s",
		    path, (unsigned)(st.st_mode & 0777), path);
	return AG_OK;
}

enum ag_status
secret_read_file(struct secret **out, const char *path, size_t max,
    struct ag_error *err)
{
	enum ag_status status;
	int fd;

	*out = NULL;
	status = fs_open(&fd, path, O_RDONLY | O_NONBLOCK, 0, err);
	if (status != AG_OK)
		return status;
	status = check_private(fd, path, err);
	if (status == AG_OK)
		status = secret_read_fd(out, fd, max, path, err);
	(void)close(fd);
	return status;
}

/*
 * Fill data up to a newline or the end of input.  A byte at a time: what
 * follows the line, and when, is not ours.
 */
static enum ag_status
read_line_into(int fd, uint8_t *data, size_t cap, size_t *len,
    struct ag_error *err)
{
	enum ag_status status = AG_OK;
	size_t got = 1;

	*len = 0;
	while (status == AG_OK && got == 1 && *len < cap) {
		status = read_into(fd, data + *len, 1, &got, "passphrase", err);
		if (status == AG_OK && got == 1 && data[*len] == '\n')
			return AG_OK;
		*len += got;
	}
	return status;
}

enum ag_status
secret_check_passphrase(const struct secret *passphrase, struct ag_error *err)
{
	if (passphrase->len == 0)
		return ag_fail(err, AG_EINVAL, "passphrase is empty");
	if (passphrase->len > PASSPHRASE_BYTES_MAX)
		return ag_fail(err, AG_EINVAL,
		    "passphrase is longer than %d bytes", PASSPHRASE_BYTES_MAX);
	/* ssh-keygen and libssh would take it to end there. */
	if (memchr(passphrase->data, '\0', passphrase->len) != NULL)
		return ag_fail(err, AG_EINVAL,
		    "passphrase has a NUL byte in it");
	return AG_OK;
}

enum ag_status
secret_read_passphrase(struct secret **out, int fd, struct ag_error *err)
{
	struct secret *secret = secret_new(PASSPHRASE_BYTES_MAX + 1);
	enum ag_status status;
	size_t len;

	*out = NULL;
	if (secret == NULL)
		return ag_fail(err, AG_ENOMEM, "passphrase: out of memory");
	status = read_line_into(fd, secret->data, secret->len, &len, err);
	secret_shorten(secret, len);
	if (status == AG_OK)
		status = secret_check_passphrase(secret, err);
	if (status != AG_OK) {
		secret_free(secret);
		return status;
	}
	*out = secret;
	return AG_OK;
}

bool
secret_base64_decode(uint8_t *out, size_t cap, size_t *len, struct bytes text,
    const char *ignore, int variant)
{
	const char *start = (const char *)text.data, *end = NULL;
	uint8_t all = 0;
	size_t i;

	/* libsodium 1.0.18 takes bytes above 0x7f for some digit or other. */
	for (i = 0; i < text.len; i++)
		all |= text.data[i];
	return all < 0x80 &&
	    sodium_base642bin(out, cap, start, text.len, ignore, len, &end,
		variant) == 0 &&
	    end == start + text.len;
}

void
secret_wipe(void *data, size_t len)
{
	sodium_memzero(data, len);
}

void
secret_forbid_dumps(void)
{
	const struct rlimit none = { 0, 0 };

	(void)setrlimit(RLIMIT_CORE, &none);
	/* The limit is not asked where a core goes to a program. */
	(void)prctl(PR_SET_DUMPABLE, 0);
	secret_crash_catch();
}

bool
secret_is_wiped(void)
{
	return secret_arena_is_wiped();
}

bool
secret_is_locked(void)
{
	return secret_arena_is_locked();
}
