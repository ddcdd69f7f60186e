/*
 * Rates over time, derived from successive status answers.
 *
 * RULES    1. A counter that went back means a restart: no rate is invented.
 *          2. The ring keeps the oldest first; full, it drops one per new.
 */
#include "tui/history.h"

#include <string.h>

static void
remember(struct history *h, const struct model_status *s)
{
	h->has_last = true;
	h->last_uptime_ms = s->uptime_ms;
	h->last_commits = s->commits;
	for (size_t i = 0; i < s->member_count; i++) {
		h->last_tx[i] = s->members[i].tx_bytes;
		h->last_rx[i] = s->members[i].rx_bytes;
	}
}

static double
rate(uint64_t now, uint64_t last, double seconds)
{
	return now > last ? (double)(now - last) / seconds : 0;
}

static void
push(struct history *h, const double sample[HISTORY_SERIES_COUNT])
{
	bool is_full = h->count == HISTORY_SAMPLES;

	for (int i = 0; i < HISTORY_SERIES_COUNT; i++) {
		double *values = h->values[i];

		if (is_full)
			memmove(values, values + 1,
			    (HISTORY_SAMPLES - 1) * sizeof(values[0]));
		values[is_full ? HISTORY_SAMPLES - 1 : h->count] = sample[i];
	}
	if (!is_full)
		h->count++;
}

void
history_add(struct history *h, const struct model_status *s)
{
	double sample[HISTORY_SERIES_COUNT] = { 0 };
	double seconds = 0;

	if (!h->has_last || s->uptime_ms < h->last_uptime_ms ||
	    s->commits < h->last_commits) {
		remember(h, s);
		return;
	}
	if (s->uptime_ms == h->last_uptime_ms)
		return;
	seconds = (double)(s->uptime_ms - h->last_uptime_ms) / 1000;
	sample[HISTORY_COMMITS] = rate(s->commits, h->last_commits, seconds);
	sample[HISTORY_P99_MS] = (double)s->commit_p99_us / 1000;
	sample[HISTORY_SYNC_MS] = (double)s->sync_p99_us / 1000;
	for (size_t i = 0; i < s->member_count; i++) {
		h->tx_rate[i] =
		    rate(s->members[i].tx_bytes, h->last_tx[i], seconds);
		h->rx_rate[i] =
		    rate(s->members[i].rx_bytes, h->last_rx[i], seconds);
		sample[HISTORY_TRAFFIC] += h->tx_rate[i] + h->rx_rate[i];
	}
	push(h, sample);
	remember(h, s);
}

double
history_now(const struct history *h, enum history_series series)
{
	return h->count > 0 ? h->values[series][h->count - 1] : 0;
}

double
history_max(const struct history *h, enum history_series series)
{
	double largest = 0;

	for (size_t i = 0; i < h->count; i++)
		if (h->values[series][i] > largest)
			largest = h->values[series][i];
	return largest;
}
