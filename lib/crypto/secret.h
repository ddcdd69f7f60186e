/*
 * Memory for secrets: locked, kept out of core dumps, wiped when freed.
 * SECRETS in aegis(1) says what that leaves out.
 *
 * Private keys, passphrases and derived keys live here and nowhere else;
 * they are never put into argv, the environment, a log line or struct buf.
 *
 * Ownership  secret_new() hands out, secret_free() wipes and takes back.
 * Threads    a secret may be read from any thread while nobody writes it.
 */
#ifndef AEGIS_CRYPTO_SECRET_H
#define AEGIS_CRYPTO_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"

struct secret;

/* len zero bytes, len > 0.  NULL when memory is refused. */
struct secret *secret_new(size_t len);
void secret_free(struct secret *secret);

/* A secret holding a copy of data; the caller wipes its own. */
struct secret *secret_copy(struct bytes data);

/* A secret of len bytes from the system's random generator. */
struct secret *secret_random(size_t len);

uint8_t *secret_data(struct secret *secret);
size_t secret_len(const struct secret *secret);

/* Borrowed: until the secret is freed or shortened. */
struct bytes secret_bytes(const struct secret *secret);

/* Keep the first len bytes and wipe the rest. */
void secret_shorten(struct secret *secret, size_t len);

/* Equal, in time that depends on the lengths alone. */
bool secret_equal(const struct secret *a, const struct secret *b);

/*
 * Read a descriptor to its end.  AG_ELIMIT when it holds more than max
 * bytes; name is what errors call it.
 */
enum ag_status secret_read_fd(struct secret **out, int fd, size_t max,
    const char *name, struct ag_error *err) AG_MUST_USE;

/*
 * Read a private file.  AG_EDENIED when its mode lets group or others read
 * or write it; the text says what to do.
 */
enum ag_status secret_read_file(struct secret **out, const char *path,
    size_t max, struct ag_error *err) AG_MUST_USE;

#define PASSPHRASE_BYTES_MAX 1024

/* AG_EINVAL when it is empty, too long, or has a byte no reader agrees on. */
enum ag_status secret_check_passphrase(const struct secret *passphrase,
    struct ag_error *err) AG_MUST_USE;

/*
 * A passphrase: a line from a descriptor, without its newline, and nothing
 * behind it.  AG_EINVAL as secret_check_passphrase().
 */
enum ag_status secret_read_passphrase(struct secret **out, int fd,
    struct ag_error *err) AG_MUST_USE;

/*
 * base64 of a secret, in time that depends on the length alone: into out,
 * which has cap bytes; characters of ignore are skipped.  variant is one of
 * libsodium's.  False when text is anything else.
 */
bool secret_base64_decode(uint8_t *out, size_t cap, size_t *len,
    struct bytes text, const char *ignore, int variant);

/* Wipe memory that held a secret outside of one, such as on the stack. */
void secret_wipe(void *data, size_t len);

/*
 * From here on this process leaves no core dump, no other process of its
 * user can look into it, and a signal that kills it wipes its secrets first.
 * Once, before there are threads.
 */
void secret_forbid_dumps(void);

/*
 * Were all secrets wiped, because this process is ending by a crash?  What
 * was made of one before this is asked may be of zeros.
 */
bool secret_is_wiped(void);

/*
 * Whether no secret can have been swapped out so far: false once the system
 * has refused to lock memory (RLIMIT_MEMLOCK).
 */
bool secret_is_locked(void);

#endif
