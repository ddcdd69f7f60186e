/*
 * Buddy allocator.
 *
 * RULES    1. A block of order k is 2^k units and begins at a multiple of
 *             its size.  Its buddy is the other half of the block of order
 *             k + 1 that holds both.
 *          2. orders[u] is set only where a block begins; everything else
 *             follows from it.
 *          3. orders[u] is read only of a buddy, and was written when the two
 *             were parted.  So nothing is cleared to begin with, and a page
 *             that no block lies in is never touched.
 */
#include "consensus/pool.h"

#include <stdbool.h>

#include "base/status.h"

#define POOL_TAKEN 0x80U

static size_t
align_up(size_t value)
{
	return (value + 63) & ~(size_t)63;
}

/* Whole units, rounded up to a power of two so that buddies pair up. */
static size_t
units_for(size_t len)
{
	size_t units = 1;

	while (units * POOL_BLOCK_MIN < len)
		units *= 2;
	return units;
}

size_t
pool_size(size_t len)
{
	size_t units = units_for(len);

	return align_up(units * POOL_BLOCK_MIN) + align_up(units) +
	    2 * align_up(units * sizeof(uint32_t));
}

static void
list_push(struct pool *p, unsigned int order, size_t unit)
{
	uint32_t head = p->heads[order];

	p->orders[unit] = (uint8_t)(order + 1);
	p->next[unit] = head;
	p->previous[unit] = 0;
	if (head != 0)
		p->previous[head - 1] = (uint32_t)unit + 1;
	p->heads[order] = (uint32_t)unit + 1;
}

static void
list_remove(struct pool *p, unsigned int order, size_t unit)
{
	uint32_t next = p->next[unit], previous = p->previous[unit];

	if (previous != 0)
		p->next[previous - 1] = next;
	else
		p->heads[order] = next;
	if (next != 0)
		p->previous[next - 1] = previous;
	p->orders[unit] = 0;
}

void
pool_init(struct pool *p, void *memory, size_t len)
{
	size_t units = units_for(len);
	unsigned int order = 0;
	uint8_t *at = memory;

	*p = (struct pool){ .base = at, .unit_count = units };
	at += align_up(units * POOL_BLOCK_MIN);
	p->orders = at;
	at += align_up(units);
	p->next = (uint32_t *)(void *)at;
	at += align_up(units * sizeof(uint32_t));
	p->previous = (uint32_t *)(void *)at;
	while ((size_t)1 << order < units)
		order++;
	AG_ASSERT(order < POOL_ORDERS);
	list_push(p, order, 0);
}

uint8_t *
pool_take(struct pool *p, size_t len)
{
	unsigned int order = 0, found;
	size_t unit;

	while (((size_t)POOL_BLOCK_MIN << order) < len)
		order++;
	for (found = order; found < POOL_ORDERS; found++)
		if (p->heads[found] != 0)
			break;
	if (found == POOL_ORDERS)
		return NULL;
	unit = p->heads[found] - 1;
	list_remove(p, found, unit);
	/* Keep the lower half, give the upper one back. */
	while (found > order) {
		found--;
		list_push(p, found, unit + ((size_t)1 << found));
	}
	p->orders[unit] = (uint8_t)(order + 1) | POOL_TAKEN;
	p->used_bytes += (size_t)POOL_BLOCK_MIN << order;
	return p->base + unit * POOL_BLOCK_MIN;
}

void
pool_give(struct pool *p, uint8_t *block)
{
	size_t unit;
	unsigned int order;

	if (block == NULL)
		return;
	unit = (size_t)(block - p->base) / POOL_BLOCK_MIN;
	AG_ASSERT((p->orders[unit] & POOL_TAKEN) != 0);
	order = (p->orders[unit] & ~POOL_TAKEN) - 1U;
	p->used_bytes -= (size_t)POOL_BLOCK_MIN << order;
	p->orders[unit] = 0;
	for (;;) {
		size_t buddy = unit ^ ((size_t)1 << order);

		if (buddy >= p->unit_count || p->orders[buddy] != order + 1)
			break;
		list_remove(p, order, buddy);
		unit &= ~((size_t)1 << order);
		order++;
	}
	list_push(p, order, unit);
}
