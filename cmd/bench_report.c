/*
 * What a load measured.
 *
 * RULES    1. Latencies are of what was done; failures have a kind and a
 *             number, and make the exit status 9, or the failure's own when
 *             nothing was done.
 *          2. A row has everything its numbers mean: a table that is copied
 *             from its heading to its last row can be judged alone.
 */
#include "cmd/bench_report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/exit.h"
#include "cmd/output.h"

#define OCTAVES 40
#define BAR_COLUMNS 40
#define WORDS_BYTES 2048

static const struct output_column columns[] = {
	{ "operation", NULL, 0 },
	{ "done", NULL, OUTPUT_RIGHT },
	{ "failed", NULL, OUTPUT_RIGHT },
	{ "rate", "RATE/S", OUTPUT_RIGHT | OUTPUT_VALUE_COLUMN },
	{ "mean_us", "MEAN US", OUTPUT_RIGHT },
	{ "p50_us", "P50 US", OUTPUT_RIGHT },
	{ "p90_us", "P90 US", OUTPUT_RIGHT },
	{ "p99_us", "P99 US", OUTPUT_RIGHT },
	{ "p99_9_us", "P99.9 US", OUTPUT_RIGHT },
	{ "max_us", "MAX US", OUTPUT_RIGHT },
	{ "elapsed_ms", NULL, OUTPUT_RIGHT | OUTPUT_WIDE_ONLY },
	{ "errors", NULL, OUTPUT_WIDE_ONLY },
	{ "histogram", NULL, OUTPUT_WIDE_ONLY },
	{ NULL, NULL, 0 },
};

static uint64_t
count_failures(const struct bench_tally *tally)
{
	uint64_t count = 0;
	size_t i;

	for (i = 0; i < AG_STATUS_COUNT; i++)
		count += tally->failed[i];
	return count;
}

/* Latencies from 2^(octave-1) to below 2^octave microseconds. */
static uint64_t
count_octave(const struct histogram *h, size_t octave)
{
	const uint64_t below = UINT64_C(1) << octave;
	const uint64_t all = histogram_count_to(h, below - 1);

	return octave == 0 ? all : all - histogram_count_to(h, below / 2 - 1);
}

/* "BUSY=3,NO_QUORUM=1" */
static void
write_errors(const struct bench_tally *tally, char *out, size_t cap)
{
	size_t i, len = 0;

	out[0] = '\0';
	for (i = 0; i < AG_STATUS_COUNT && len < cap; i++)
		if (tally->failed[i] > 0)
			len += (size_t)snprintf(out + len, cap - len,
			    "%s%s=%" PRIu64, len > 0 ? "," : "",
			    ag_status_name((enum ag_status)i),
			    tally->failed[i]);
}

/* "128=5,256=70": 5 below 128 us, 70 more below 256 us. */
static void
write_histogram(const struct histogram *h, char *out, size_t cap)
{
	size_t i, len = 0;
	uint64_t count;

	out[0] = '\0';
	for (i = 0; i < OCTAVES && len < cap; i++) {
		count = count_octave(h, i);
		if (count > 0)
			len += (size_t)snprintf(out + len, cap - len,
			    "%s%" PRIu64 "=%" PRIu64, len > 0 ? "," : "",
			    UINT64_C(1) << i, count);
	}
}

static void
print_row(struct output *out, const char *name, const struct bench_tally *tally,
    uint64_t elapsed_us)
{
	static const double fractions[] = { 0.5, 0.9, 0.99, 0.999 };
	const struct histogram *h = &tally->latency;
	char words[WORDS_BYTES];
	size_t i;

	output_text(out, name);
	output_u64(out, h->count);
	output_u64(out, count_failures(tally));
	output_u64(out,
	    elapsed_us > 0
		? (uint64_t)((double)h->count * 1e6 / (double)elapsed_us)
		: 0);
	output_u64(out, h->count > 0 ? h->sum / h->count : 0);
	for (i = 0; i < sizeof(fractions) / sizeof(fractions[0]); i++)
		output_u64(out, histogram_quantile(h, fractions[i]));
	output_u64(out, h->max);
	output_u64(out, elapsed_us / 1000);
	write_errors(tally, words, sizeof(words));
	output_list(out, words);
	write_histogram(h, words, sizeof(words));
	output_list(out, words);
	output_row(out);
}

/* All operations of the load; what watchers saw is none. */
static size_t
add_up(const struct bench_plan *plan, const struct bench_result *result,
    struct bench_tally *all)
{
	size_t i, j, used = 0;

	for (i = 0; i < WORKLOAD_OPERATIONS; i++) {
		used += plan->load.weights[i] > 0;
		histogram_merge(&all->latency, &result->kinds[i].latency);
		for (j = 0; j < AG_STATUS_COUNT; j++)
			all->failed[j] += result->kinds[i].failed[j];
	}
	return used;
}

static void
print_bars(const struct histogram *h)
{
	uint64_t most = 0, count;
	size_t i;

	for (i = 0; i < OCTAVES; i++) {
		count = count_octave(h, i);
		most = count > most ? count : most;
	}
	if (most == 0)
		return;
	(void)printf("\n%14s\n", "LATENCY US");
	for (i = 0; i < OCTAVES; i++) {
		count = count_octave(h, i);
		if (count > 0)
			(void)printf("< %12" PRIu64 "  %-*.*s %" PRIu64 "\n",
			    UINT64_C(1) << i, BAR_COLUMNS,
			    (int)(1 + count * (BAR_COLUMNS - 1) / most),
			    "########################################", count);
	}
}

/* What the numbers leave out. */
static void
tell_rest(const struct bench_plan *plan, const struct bench_result *result,
    const struct bench_tally *all)
{
	char words[WORDS_BYTES];

	if (result->unsent > 0)
		(void)fprintf(stderr,
		    "%s: %" PRIu64 " requests were due and never begun: the "
		    "cluster does not take %" PRIu64 " a second, and latencies "
		    "would be longer still\n",
		    plan->call->title, result->unsent, plan->rate);
	if (result->first.status == AG_OK)
		return;
	write_errors(all, words, sizeof(words));
	(void)fprintf(stderr, "%s: failed: %s; the first: %s\n",
	    plan->call->title, words, result->first.text);
}

static int
code_of(const struct bench_result *result, const struct bench_tally *all)
{
	if (result->first.status != AG_OK && all->latency.count == 0)
		return exit_code_of(result->first.status);
	if (result->first.status != AG_OK || result->unsent > 0 ||
	    count_failures(&result->kinds[BENCH_WATCH]) > 0)
		return EXIT_PARTIAL;
	return EXIT_YES;
}

static void
print_rows(struct output *out, const struct bench_plan *plan,
    const struct bench_result *result, const struct bench_tally *all,
    size_t used)
{
	size_t i;

	for (i = 0; i < WORKLOAD_OPERATIONS; i++)
		if (plan->load.weights[i] > 0)
			print_row(out,
			    workload_name((enum workload_operation)i),
			    &result->kinds[i], result->elapsed_us);
	if (used > 1)
		print_row(out, "all", all, result->elapsed_us);
	if (plan->watchers > 0)
		print_row(out, "watch", &result->kinds[BENCH_WATCH],
		    result->elapsed_us);
}

int
bench_report_print(const struct bench_plan *plan,
    const struct bench_result *result)
{
	const struct applet_call *call = plan->call;
	struct bench_tally *all = calloc(1, sizeof(*all));
	struct ag_error err;
	struct output *out;
	int code = EXIT_YES;
	size_t used;

	if (all == NULL) {
		(void)ag_fail(&err, AG_ENOMEM, "report: out of memory");
		return exit_fail(call, &err);
	}
	used = add_up(plan, result, all);
	if (output_new(&out, call, stdout, "operations", columns, &err) !=
	    AG_OK) {
		code = exit_fail(call, &err);
		goto done;
	}
	print_rows(out, plan, result, all, used);
	if (output_end(out, &err) != AG_OK) {
		code = exit_fail(call, &err);
		goto done;
	}
	if (!call->is_quiet &&
	    (call->output == OUTPUT_TABLE || call->output == OUTPUT_WIDE))
		print_bars(&all->latency);
	tell_rest(plan, result, all);
	code = output_flush(stdout, &err) == AG_OK ? code_of(result, all)
						   : exit_fail(call, &err);
done:
	free(all);
	return code;
}
