/*
 * OpenSSL's libcrypto, loaded when it is first used (base/late.h).
 *
 * LATE_SONAME is what the linker would have named: the Makefile looks.
 *
 * RULES    1. Numbers of private keys are in a locked heap of libcrypto's own,
 *             but on their way there and back it has them in plain memory as
 *             well (DER, parameters), and frees some of it as it is.  So all
 *             that it frees is wiped.
 *          2. It takes other functions for its memory only before it has any:
 *             whoever brings it along (crypto/late_ssh.c) loads it first.
 */
#include "crypto/late_crypto.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "crypto/secret.h"
#include "crypto/self_test.h"

_Static_assert(sizeof(LATE_SONAME) > 1, "the library has a name");

#define SECURE_HEAP_BYTES ((size_t)64 << 10)
#define SECURE_PIECE_BYTES 32

struct late_crypto_functions late_crypto_call;

static void *
memory_new(size_t len, const char *file, int line)
{
	(void)file;
	(void)line;
	return len > 0 ? malloc(len) : NULL;
}

static void
memory_free(void *data, const char *file, int line)
{
	(void)file;
	(void)line;
	if (data == NULL)
		return;
	secret_wipe(data, malloc_usable_size(data));
	free(data);
}

static void *
memory_resize(void *data, size_t len, const char *file, int line)
{
	size_t old = data != NULL ? malloc_usable_size(data) : 0;
	void *made;

	if (len > 0 && len <= old)
		return data;
	made = memory_new(len, file, line);
	if (made != NULL && old > 0)
		memcpy(made, data, old);
	if (made != NULL || len == 0)
		memory_free(data, file, line);
	return made;
}

static enum ag_status
prepare(struct ag_error *err)
{
	(void)CRYPTO_set_mem_functions(memory_new, memory_resize, memory_free);
	/* Without it (no memory may be locked) numbers are wiped still. */
	(void)CRYPTO_secure_malloc_init(SECURE_HEAP_BYTES, SECURE_PIECE_BYTES);
	return self_test_crypto(err);
}

static struct late_library library = {
	.soname = LATE_SONAME,
	.package = "libssl3",
	.names = LATE_CRYPTO(LATE_NAME),
	.slots = &late_crypto_call,
	.slots_size = sizeof(late_crypto_call),
	.check = prepare,
};

enum ag_status
late_crypto_load(struct ag_error *err)
{
	return late_load(&library, err);
}
