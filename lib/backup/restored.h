/*
 * What a restored state is: the text that a new incarnation's roster is made
 * from, so that no member of the old one can take part.
 *
 * FORMAT  lines of words, as in rosters:
 *             aegis-restored 1
 *             cluster NAME
 *             cluster-id HEX(32)
 *             epoch NUMBER
 *             incarnation NUMBER    of the cluster that was backed up
 *             seq NUMBER
 *             time-ms NUMBER
 *             digest HEX(32)
 */
#ifndef AEGIS_BACKUP_RESTORED_H
#define AEGIS_BACKUP_RESTORED_H

#include <stdint.h>

#include "base/status.h"
#include "trust/roster.h"

struct restored {
	char cluster[ROSTER_NAME_BYTES];
	struct trust_scope scope;
	uint64_t incarnation;
	uint64_t seq;
	uint64_t time_ms;
	struct digest digest;
};

enum ag_status restored_save(const struct restored *restored, const char *path,
    struct ag_error *err) AG_MUST_USE;
enum ag_status restored_load(struct restored *restored, const char *path,
    struct ag_error *err) AG_MUST_USE;

#endif
