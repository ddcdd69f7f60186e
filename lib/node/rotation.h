/*
 * What a node does about key epochs that the cluster agreed on: makes its own
 * key for the next, seals with it when its time has come, has values sealed
 * again, and destroys keys that nothing needs any more.
 *
 * Ownership  rotation_new() hands out, rotation_free() takes back; what is
 *            being written to the keyring then is written still.
 * Threads    the loop's; the keyring is written on the pool.
 */
#ifndef AEGIS_NODE_ROTATION_H
#define AEGIS_NODE_ROTATION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/metric.h"
#include "base/status.h"
#include "store/key_epochs.h"

#define ROTATION_TROUBLE_BYTES 640

struct keyring;
struct loop;
struct rotation;

/* What a key is kept for. */
enum rotation_need {
	ROTATION_NOTHING,
	ROTATION_VALUES,   /* some may be sealed with it */
	ROTATION_TRANSFER, /* a state being fetched, or a log put aside */
	ROTATION_LOG,      /* until that is cut */
};

struct rotation_config {
	struct loop *loop;
	struct keyring *keyring;
	unsigned int percent; /* of the applier's time, for sealing again */
	struct metric_set *metrics;
	void *arg;
	void (*reseal)(void *arg, unsigned int percent); /* 0: stop */
	uint32_t (*log_epoch)(void *arg); /* the least it needs; 0: none */
	bool (*is_transferring)(void *arg);
	/* What is agreed here is of yesterday, and more is about to come. */
	bool (*is_catching_up)(void *arg);
	void (*cut_log)(void *arg); /* soon, whatever should be kept of it */
	/* Have a batch agreed on, for nothing else comes; then
	 * rotation_hurried(). */
	void (*hurry)(void *arg);
};

struct rotation *rotation_new(const struct rotation_config *config);
void rotation_free(struct rotation *rotation);

/* What is agreed at a sequence that is executed here. */
void rotation_agreed(struct rotation *rotation, const struct key_epochs *epochs,
    uint64_t seq);

/* Values need no key of another epoch than this; and: that is not known. */
void rotation_resealed(struct rotation *rotation, uint32_t epoch);
void rotation_replaced(struct rotation *rotation);

/* The batch is agreed on, or is not. */
void rotation_hurried(struct rotation *rotation, bool is_agreed);

/* The log is to be cut as far as it can be. */
bool rotation_cuts_log(const struct rotation *rotation);

struct rotation_status {
	uint32_t epoch;  /* what is sealed is sealed with its key */
	uint32_t oldest; /* whose key is there still */
	enum rotation_need need;
	uint64_t need_ms;                     /* wall, since when */
	char trouble[ROTATION_TROUBLE_BYTES]; /* or "" */
	uint64_t trouble_ms;                  /* wall, since when */
};

void rotation_status(struct rotation *rotation, struct rotation_status *status);

#endif
