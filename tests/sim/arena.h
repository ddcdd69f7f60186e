/*
 * Memory that lives as long as one schedule.
 *
 * Ownership  everything handed out belongs to the arena until arena_reset(),
 *            which keeps the chunks for the next schedule.
 */
#ifndef AEGIS_SIM_ARENA_H
#define AEGIS_SIM_ARENA_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define ARENA_CHUNK_BYTES (4U << 20)
#define ARENA_CHUNKS_MAX 64

struct arena {
	uint8_t *chunks[ARENA_CHUNKS_MAX];
	size_t used_chunks;
	size_t used; /* of the last used chunk */
};

/* len bytes, 16-aligned, not zeroed; the program ends when there are none. */
void *arena_take(struct arena *a, size_t len);
struct bytes arena_copy(struct arena *a, struct bytes data);
size_t arena_used(const struct arena *a);
void arena_reset(struct arena *a);
void arena_fini(struct arena *a);

#endif
