/*
 * Entries and ranges of keys.
 *
 * FORMAT   "key": K, "value": V, "version": "N", "created": "SEQ",
 *          "modified": "SEQ"
 */
#include "api/entry.h"

#include <string.h>

void
entry_emit(struct emitter *e, const struct node_entry *entry, bool with_value)
{
	emit_data_member(e, "key", entry->key);
	if (with_value)
		emit_data_member(e, "value", entry->value);
	emit_u64_member(e, "version", entry->version);
	emit_u64_member(e, "created", entry->created);
	emit_u64_member(e, "modified", entry->modified);
}

/* The first key after K is K and a zero byte. */
void
entry_range_of_key(struct key_range *range)
{
	AG_ASSERT(range->first_len <= KEY_BYTES_MAX);
	memcpy(range->last, range->first, range->first_len);
	range->last[range->first_len] = 0;
	range->last_len = range->first_len + 1;
}

/* The first key past all that begin with P: P with its last byte that can
 * grow grown, and what follows that cut off. */
void
entry_range_of_prefix(struct key_range *range)
{
	size_t len = range->first_len;

	while (len > 0 && range->first[len - 1] == 0xff)
		len--;
	if (len > 0) {
		memcpy(range->last, range->first, len);
		range->last[len - 1]++;
	}
	range->last_len = len;
}
