/*
 * What the disk still knows of our votes: the log, and the horizon beside it.
 *
 * Threads  one at a time.
 */
#ifndef AEGIS_NODE_RECOLLECT_H
#define AEGIS_NODE_RECOLLECT_H

#include <stdbool.h>

#include "base/metric.h"
#include "base/status.h"
#include "trust/horizon.h"

struct keyring;
struct wal;

struct recollect_config {
	const char *log_dir;
	/* A log belongs to one roster, whose digest this is; of a first roster
	 * it is the cluster's id. */
	const uint8_t *log_id;
	const char *horizon_path;
	const struct trust_scope *scope;
	struct keyring *keyring; /* what the log is sealed with, or NULL */
	uint64_t segment_bytes;  /* of its log; 0: as many as there may be */
	bool can_rejoin;         /* there are other members to bring us back */
	struct metric_set *metrics;
};

/* Its owner closes both handles. */
struct recollection {
	struct wal *wal;
	struct horizon_file *file;
	struct horizon horizon;
};

/*
 * Open both.  With others to bring us back a log that is damaged, or has lost
 * its end, is set aside, under a name beside its own, and an empty one takes
 * its place.
 */
enum ag_status recollect_open(struct recollection *out,
    const struct recollect_config *config, struct ag_error *err) AG_MUST_USE;

#endif
