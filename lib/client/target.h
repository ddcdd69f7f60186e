/*
 * Request targets: a path and its query, built so that nothing in a key can
 * change what is asked.
 *
 * Ownership  the caller's memory.
 */
#ifndef AEGIS_CLIENT_TARGET_H
#define AEGIS_CLIENT_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define TARGET_BYTES 4096

struct target {
	char text[TARGET_BYTES];
	size_t len;
	bool is_overlong; /* something did not fit; client_call() refuses it */
};

/* path is one of the API's, "/v1/kv". */
void target_init(struct target *t, const char *path);

/* Bytes go as base64url, numbers in decimal, texts percent-encoded. */
void target_add_bytes(struct target *t, const char *name, struct bytes value);
void target_add_number(struct target *t, const char *name, uint64_t value);
void target_add_text(struct target *t, const char *name, const char *value);

#endif
