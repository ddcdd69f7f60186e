/*
 * What will happen, and when: by time, then by birth.
 */
#ifndef AEGIS_SIM_SCHEDULE_H
#define AEGIS_SIM_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define SCHEDULE_MAX 65536

/* X(NAME, needs the replica to be the same incarnation) */
#define HAPPEN_TABLE(X)   \
	X(ARRIVE, false)  \
	X(SUBMIT, false)  \
	X(FLUSH, true)    \
	X(TIMER, true)    \
	X(SYNCED, true)   \
	X(APPLY, true)    \
	X(TRANSFER, true) \
	X(RESTART, true)  \
	X(FAULT, false)   \
	X(SLEEP, false)   \
	X(ROUND, false)   \
	X(FLAP, false)    \
	X(REBOOT, false)  \
	X(HEAL, false)    \
	X(REPLY, false)   \
	X(THINK, false)   \
	X(RETRY, false)   \
	X(LIE, false)     \
	X(LEAVE, true)    \
	X(TOLD, true)     \
	X(JOIN, false)    \
	X(BLACKOUT, false)

enum happen_kind {
#define HAPPEN_ENUM(name, bound) HAPPEN_##name,
	HAPPEN_TABLE(HAPPEN_ENUM)
#undef HAPPEN_ENUM
	    HAPPEN_COUNT
};

struct happening {
	uint64_t at;
	enum happen_kind kind;
	uint32_t replica;     /* or client */
	uint32_t incarnation; /* of the replica it was meant for */
	uint32_t from;        /* ARRIVE: node; SUBMIT: the other body */
	uint64_t value;       /* ARRIVE: the epoch it was sent in */
	struct bytes body;
};

/* When, and where the rest is: what the heap moves about. */
struct schedule_key {
	uint64_t at;
	uint64_t tag; /* its birth, then its cell in the lowest 16 bits */
};

struct schedule {
	struct schedule_key heap[SCHEDULE_MAX];
	struct happening cells[SCHEDULE_MAX];
	uint16_t free[SCHEDULE_MAX]; /* cells, the last freed last */
	size_t count, used;          /* happenings; cells ever taken */
	uint64_t births;
};

void schedule_reset(struct schedule *s);

/* False when full: the schedule has run away. */
bool schedule_push(struct schedule *s, struct happening h);

/* When the next thing happens; UINT64_MAX: nothing does. */
static inline uint64_t
schedule_next_at(const struct schedule *s)
{
	return s->count == 0 ? UINT64_MAX : s->heap[0].at;
}

/* One of those that will happen, in no order. */
static inline const struct happening *
schedule_at(const struct schedule *s, size_t i)
{
	return &s->cells[s->heap[i].tag & (SCHEDULE_MAX - 1)];
}

bool schedule_pop(struct schedule *s, struct happening *h);

const char *happen_name(enum happen_kind kind);
bool happen_is_bound(enum happen_kind kind);

#endif
