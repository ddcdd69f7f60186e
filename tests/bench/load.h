/*
 * What the load's parts share: one run, its clients' clock and its count.
 *
 * A target keeps load->clients requests in flight: it asks load_begin() for
 * the next one, and load_end() is told when its answer is there.  When
 * load_begin() says no, that client is done.
 * Ownership  the run is main's; a target's state is the target's.
 */
#ifndef AEGIS_BENCH_LOAD_H
#define AEGIS_BENCH_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/histogram.h"

#define LOAD_KEY_BYTES 32
#define LOAD_VALUE_BYTES_MAX 4096
#define LOAD_REASON_BYTES 256

struct load {
	const char *const *endpoints;
	size_t endpoint_count;
	size_t clients;
	size_t value_bytes;
	uint64_t key_count;
	bool is_get; /* GET /livez instead of a put */
	int poll;

	uint64_t measured_us; /* answers count from here on */
	uint64_t end_us;      /* nothing is begun from here on */
	uint64_t random;
	size_t in_flight;
	uint64_t failed;
	char reason[LOAD_REASON_BYTES]; /* the first failure's */
	struct histogram latency;
	uint8_t *seen; /* a bit for each key that was acknowledged */
	char value[LOAD_VALUE_BYTES_MAX + 1];
};

/* One request, from its beginning to its answer. */
struct load_request {
	uint64_t key;
	uint64_t began_us;
	char name[LOAD_KEY_BYTES];
};

/* False: the time is over. */
bool load_begin(struct load *load, struct load_request *request);

/* reason NULL: it was done. */
void load_end(struct load *load, const struct load_request *request,
    const char *reason);

/* Wait for a descriptor; arg comes back with its events. */
bool load_watch(const struct load *load, int fd, uint32_t events, void *arg,
    bool is_new);

/* What there is to load.  A false ends the run. */
struct load_target {
	const char *name;
	bool (*open)(struct load *load);
	/* Events came for what load_watch() was given. */
	bool (*serve)(struct load *load, void *arg, uint32_t events);
	/* All events of a turn were served. */
	bool (*end_turn)(struct load *load);
	void (*close)(struct load *load);
};

extern const struct load_target load_aegis;
extern const struct load_target load_etcd;

#endif
