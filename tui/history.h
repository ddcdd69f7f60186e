/*
 * Rates over time, derived from successive status answers.
 *
 * Ownership  the caller's storage; zeroed memory is an empty history.
 */
#ifndef AEGIS_TUI_HISTORY_H
#define AEGIS_TUI_HISTORY_H

#include <stddef.h>

#include "tui/model.h"

#define HISTORY_SAMPLES 120

enum history_series {
	HISTORY_COMMITS, /* commits per second */
	HISTORY_P99_MS,  /* commit latency */
	HISTORY_SYNC_MS, /* log sync latency */
	HISTORY_TRAFFIC, /* bytes per second, all links, both ways */
	HISTORY_SERIES_COUNT
};

struct history {
	size_t count;
	double values[HISTORY_SERIES_COUNT][HISTORY_SAMPLES];
	double tx_rate[MODEL_MEMBERS_MAX];
	double rx_rate[MODEL_MEMBERS_MAX];
	bool has_last;
	uint64_t last_uptime_ms;
	uint64_t last_commits;
	uint64_t last_tx[MODEL_MEMBERS_MAX];
	uint64_t last_rx[MODEL_MEMBERS_MAX];
};

/*
 * Take in a status.  The node's own uptime is the clock, so a slow or
 * paused dashboard does not bend the rates; a restart begins anew.
 */
void history_add(struct history *h, const struct model_status *status);

double history_now(const struct history *h, enum history_series series);
double history_max(const struct history *h, enum history_series series);

#endif
