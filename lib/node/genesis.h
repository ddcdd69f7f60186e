/*
 * What a data directory must hold before its node first starts.
 *
 * Threads  one at a time.
 */
#ifndef AEGIS_NODE_GENESIS_H
#define AEGIS_NODE_GENESIS_H

#include "base/status.h"
#include "trust/roster.h"

/*
 * May a node with this roster start on data_dir?  Changes nothing but to
 * finish what a crash cut short.
 *
 * AG_EINVAL     the state that the roster begins with is not there
 * AG_ECONFLICT  the log is another cluster's
 */
enum ag_status genesis_check(const struct roster *roster, const char *data_dir,
    struct ag_error *err) AG_MUST_USE;

#endif
