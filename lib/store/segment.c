/*
 * Segments of the log: encoding, naming, listing.
 *
 * NOT HERE Reading (segment_reader.c); when to write what (wal.c).
 */
#include "store/segment.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "keyring/keyring.h"
#include "store/crc32c.h"
#include "store/little_endian.h"

#define SEGMENT_NAME_BYTES 24 /* wal-<16>.log */

void
segment_head_encode(const struct segment_head *head,
    uint8_t out[static SEGMENT_HEAD_BYTES])
{
	memset(out, 0, SEGMENT_HEAD_BYTES);
	memcpy(out, "AEGISWL1", 8);
	put_le32(out + 8, head->is_sealed ? SEGMENT_VERSION : 1);
	put_le32(out + 12, head->keyring);
	memcpy(out + 16, head->cluster_id, CLUSTER_ID_BYTES);
	put_le64(out + 48, head->first);
	memcpy(out + 56, head->chain.data, DIGEST_BYTES);
	put_le32(out + 88, head->salt);
	put_le32(out + 92, crc32c_update(0, bytes_of(out, 92)));
}

void
segment_head_note(struct segment_head *head, const struct keyring *keyring)
{
	head->is_sealed = keyring != NULL;
	head->keyring = keyring == NULL ? 0 : get_le32(keyring_id(keyring));
}

enum ag_status
segment_head_check(const struct segment_head *head,
    const struct keyring *keyring, const char *dir, struct ag_error *err)
{
	struct segment_head want = { .first = 0 };

	segment_head_note(&want, keyring);
	if (head->is_sealed == want.is_sealed && head->keyring == want.keyring)
		return AG_OK;
	if (keyring == NULL)
		return ag_fail(err, AG_EDENIED,
		    "read log %s: it is sealed, and can not be read without "
		    "its keyring",
		    dir);
	return ag_fail(err, AG_ECONFLICT, "read log %s: it is %s", dir,
	    head->is_sealed ? "sealed with another keyring than the node's"
			    : "not sealed, as all that the node writes is: an "
			      "older program has written it, or somebody else; "
			      "let the node begin anew in an empty directory, "
			      "and replace the member");
}

struct bytes
segment_context(uint8_t out[static SEGMENT_CONTEXT_BYTES],
    const uint8_t *cluster_id, uint64_t number)
{
	memcpy(out, cluster_id, CLUSTER_ID_BYTES);
	put_le64(out + CLUSTER_ID_BYTES, number);
	return bytes_of(out, SEGMENT_CONTEXT_BYTES);
}

size_t
segment_record_bytes(size_t len)
{
	size_t align = SEGMENT_RECORD_HEAD_BYTES;

	return (align + len + align - 1) & ~(align - 1);
}

void
segment_record_seal(uint8_t *record, size_t len, uint64_t number,
    uint64_t synced, uint32_t salt, struct digest *chain)
{
	crypto_generichash_state hash;

	put_le32(record, (uint32_t)len);
	put_le32(record + 4,
	    crc32c_update(0,
		bytes_of(record + SEGMENT_RECORD_HEAD_BYTES, len)));
	put_le64(record + 8, number);
	put_le64(record + 16, synced);
	(void)crypto_generichash_init(&hash, NULL, 0, DIGEST_BYTES);
	(void)crypto_generichash_update(&hash, chain->data, DIGEST_BYTES);
	(void)crypto_generichash_update(&hash, record + 8, 8);
	(void)crypto_generichash_update(&hash,
	    record + SEGMENT_RECORD_HEAD_BYTES, len);
	(void)crypto_generichash_final(&hash, chain->data, DIGEST_BYTES);
	memcpy(record + 24, chain->data, 4);
	put_le32(record + 28, crc32c_update(salt, bytes_of(record, 28)));
}

size_t
segment_record_len(const uint8_t *record)
{
	return get_le32(record);
}

bool
segment_record_is_first(const uint8_t *record)
{
	return get_le64(record + 8) == get_le64(record + 16) + 1;
}

enum ag_status
segment_path(char out[static SEGMENT_PATH_BYTES], const char *dir,
    uint64_t first, struct ag_error *err)
{
	int len = snprintf(out, SEGMENT_PATH_BYTES, "%s/wal-%016" PRIx64 ".log",
	    dir, first);

	if (len < 0 || len >= SEGMENT_PATH_BYTES)
		return ag_fail(err, AG_ELIMIT, "log %s: path too long", dir);
	return AG_OK;
}

/* True when name is exactly what segment_path() makes. */
static bool
name_parse(const char *name, uint64_t *first)
{
	char again[SEGMENT_NAME_BYTES + 1];
	char *end;

	if (strlen(name) != SEGMENT_NAME_BYTES || strncmp(name, "wal-", 4) != 0)
		return false;
	*first = strtoull(name + 4, &end, 16);
	(void)snprintf(again, sizeof(again), "wal-%016" PRIx64 ".log", *first);
	return strcmp(name, again) == 0;
}

static int
compare_numbers(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static enum ag_status
list_add(uint64_t **firsts, size_t *count, size_t *cap, uint64_t first)
{
	if (*count == *cap) {
		size_t more = *cap == 0 ? 16 : *cap * 2;
		uint64_t *grown = realloc(*firsts, more * sizeof(**firsts));

		if (grown == NULL)
			return AG_ENOMEM;
		*firsts = grown;
		*cap = more;
	}
	(*firsts)[(*count)++] = first;
	return AG_OK;
}

enum ag_status
segment_list(const char *dir, uint64_t **firsts, size_t *count,
    struct ag_error *err)
{
	enum ag_status status = AG_OK;
	struct dirent *entry;
	size_t cap = 0;
	uint64_t first;
	DIR *handle;

	*firsts = NULL;
	*count = 0;
	handle = opendir(dir);
	if (handle == NULL)
		return ag_fail_sys(err, "open log %s", dir);
	while (status == AG_OK && (entry = readdir(handle)) != NULL)
		if (name_parse(entry->d_name, &first))
			status = list_add(firsts, count, &cap, first);
	(void)closedir(handle);
	if (status != AG_OK) {
		free(*firsts);
		*firsts = NULL;
		return ag_fail(err, status, "list log %s: out of memory", dir);
	}
	if (*count > 1)
		qsort(*firsts, *count, sizeof(**firsts), compare_numbers);
	return AG_OK;
}
