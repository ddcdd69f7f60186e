/*
 * Memory for batches and other payloads: a buddy allocator over a fixed
 * region of the engine's arena.
 *
 * Blocks are powers of two; the lowest free one that fits is taken, so that
 * an engine with little to hold touches little memory.
 *
 * Ownership  a block belongs to whoever took it until pool_give().
 */
#ifndef AEGIS_CONSENSUS_POOL_H
#define AEGIS_CONSENSUS_POOL_H

#include <stddef.h>
#include <stdint.h>

#define POOL_BLOCK_MIN 256
#define POOL_ORDERS 30

struct pool {
	uint8_t *base;
	size_t unit_count; /* smallest blocks in the region */
	uint8_t *orders;   /* per unit: order + 1 of the block that begins
				here, with POOL_TAKEN when in use */
	uint32_t *next;    /* per unit: free list links, unit + 1 */
	uint32_t *previous;
	uint32_t heads[POOL_ORDERS]; /* unit + 1; 0: none */
	size_t used_bytes;
};

/* Bytes of arena a pool needs to hold len bytes of payload. */
size_t pool_size(size_t len);

/* memory is 64-byte aligned, pool_size(len) long and of any content. */
void pool_init(struct pool *pool, void *memory, size_t len);

/* NULL when no block of that size is free. */
uint8_t *pool_take(struct pool *pool, size_t len);
void pool_give(struct pool *pool, uint8_t *block);

#endif
