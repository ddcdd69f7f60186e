/*
 * Exported entries, as lines and as CBOR: what is accepted is written and read
 * again as the same entry.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "client/export_entry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
check_same(const struct export_entry *a, const struct export_entry *b)
{
	if (!bytes_equal(a->key, b->key) || !bytes_equal(a->value, b->value) ||
	    a->version != b->version || a->created != b->created ||
	    a->modified != b->modified)
		abort();
}

/* Through both forms. */
static void
check_entry(const struct export_entry *entry)
{
	struct buf line, item, arena;
	struct export_entry again;
	struct ag_error err;
	size_t used;

	buf_init(&line, EXPORT_ENTRY_BYTES_MAX);
	buf_init(&item, EXPORT_ENTRY_BYTES_MAX);
	buf_init(&arena, EXPORT_ENTRY_BYTES_MAX);
	if (export_entry_write_cbor(entry, &item) != AG_OK ||
	    export_entry_read_cbor(&again, &used, buf_bytes(&item), &err) !=
		AG_OK ||
	    used != item.len)
		abort();
	check_same(entry, &again);
	/* A line has 19 digits of a number at most. */
	if (entry->version < INT64_MAX && entry->created < INT64_MAX &&
	    entry->modified < INT64_MAX) {
		if (export_entry_write_json(entry, &line) != AG_OK ||
		    export_entry_read_json(&again, &arena,
			bytes_of(line.data, line.len - 1), &err) != AG_OK)
			abort();
		check_same(entry, &again);
	}
	buf_fini(&line);
	buf_fini(&item);
	buf_fini(&arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct export_entry entry;
	struct ag_error err = { 0 };
	struct buf arena;
	size_t used;

	buf_init(&arena, EXPORT_ENTRY_BYTES_MAX);
	if (export_entry_read_json(&entry, &arena, bytes_of(data, len), &err) ==
	    AG_OK)
		check_entry(&entry);
	else if (err.text[0] == '\0')
		abort();
	buf_fini(&arena);
	if (export_entry_read_cbor(&entry, &used, bytes_of(data, len), &err) ==
	    AG_OK)
		check_entry(&entry);
	return 0;
}
