/*
 * Memory that lives as long as one schedule: chunks, taken from the front.
 */
#include "sim/arena.h"

#include <stdlib.h>

void *
arena_take(struct arena *a, size_t len)
{
	void *out;

	len = (len + 15) & ~(size_t)15;
	AG_ASSERT(len <= ARENA_CHUNK_BYTES);
	if (a->used_chunks == 0 || ARENA_CHUNK_BYTES - a->used < len) {
		AG_ASSERT(a->used_chunks < ARENA_CHUNKS_MAX);
		if (a->chunks[a->used_chunks] == NULL)
			a->chunks[a->used_chunks] = malloc(ARENA_CHUNK_BYTES);
		AG_ASSERT(a->chunks[a->used_chunks] != NULL);
		a->used_chunks++;
		a->used = 0;
	}
	out = a->chunks[a->used_chunks - 1] + a->used;
	a->used += len;
	return out;
}

struct bytes
arena_copy(struct arena *a, struct bytes data)
{
	uint8_t *out = arena_take(a, data.len);

	if (data.len > 0)
		memcpy(out, data.data, data.len);
	return bytes_of(out, data.len);
}

size_t
arena_used(const struct arena *a)
{
	return a->used_chunks == 0
	    ? 0
	    : (a->used_chunks - 1) * ARENA_CHUNK_BYTES + a->used;
}

void
arena_reset(struct arena *a)
{
	a->used_chunks = 0;
	a->used = 0;
}

void
arena_fini(struct arena *a)
{
	size_t i;

	for (i = 0; i < ARENA_CHUNKS_MAX; i++)
		free(a->chunks[i]);
}
