/*
 * aegis bench: measure a cluster through its nodes' sockets.
 *
 * NOT HERE The load (bench_run), keys before and after it (bench_prepare),
 *          what is shown (bench_report).
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cmd/applet.h"
#include "cmd/bench_plan.h"
#include "cmd/bench_prepare.h"
#include "cmd/bench_report.h"
#include "cmd/bench_run.h"
#include "cmd/exit.h"
#include "codec/operation.h"

#define CLIENTS_MAX 10000
#define RATE_MAX 1000000
#define SECONDS_MAX 86400
#define WATCHERS_MAX 1000
#define PREFIX_BYTES_MAX 256

static const struct applet_option bench_options[] = {
	{ 0, "clients", "N", "requests under way at once (default 16)" },
	{ 0, "rate", "N", "begin N requests a second, whatever they take" },
	{ 0, "mix", "LIST", "put=50,get=40,txn=10 (default put=1)" },
	{ 0, "seconds", "N", "measure for N seconds (default 10)" },
	{ 0, "requests", "N", "end after N requests that count" },
	{ 0, "warmup", "DURATION", "load that does not count (default 1s)" },
	{ 0, "value-bytes", "N", "length of a value (default 128)" },
	{ 0, "keys", "N", "how many keys (default 1000)" },
	{ 0, "spread", "NAME", "how wanted keys are: uniform or zipf" },
	{ 0, "consistency", "LEVEL", "linearizable (default) or local" },
	{ 0, "watchers", "N", "follow the changes N times over" },
	{ 0, "prefix", "TEXT", "what keys begin with (default bench/)" },
	{ 0, "seed", "N", "draw the same operations and keys again" },
	{ 0, "keep", NULL, "leave the keys that were written" },
	{ 'y', "yes", NULL, "even where other keys are" },
	OPTIONS_END,
};

/* AG_EINVAL with a sentence for the user. */
static enum ag_status
read_numbers(struct bench_plan *plan, struct ag_error *err)
{
	const struct options *o = &plan->call->options;
	const struct {
		const char *name;
		uint64_t least, most;
		uint64_t *value;
	} numbers[] = {
		{ "clients", 1, CLIENTS_MAX, &plan->clients },
		{ "rate", 1, RATE_MAX, &plan->rate },
		{ "seconds", 1, SECONDS_MAX, &plan->seconds },
		{ "requests", 1, UINT64_MAX, &plan->requests },
		{ "value-bytes", 0, VALUE_BYTES_MAX, &plan->value_bytes },
		{ "keys", 1, WORKLOAD_KEYS_MAX, &plan->load.keys },
		{ "watchers", 0, WATCHERS_MAX, &plan->watchers },
		{ "seed", 0, UINT64_MAX, &plan->load.seed },
	};
	enum ag_status status = AG_OK;
	size_t i;

	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		status = options_count_value(o, numbers[i].name,
		    numbers[i].least, numbers[i].most, numbers[i].value, err);
		if (status != AG_OK)
			return status;
	}
	if (plan->requests > 0 && !options_has(o, "seconds"))
		plan->seconds = SECONDS_MAX;
	return options_duration_ms(o, "warmup", &plan->warmup_ms, err);
}

/* Keys go into JSON as they are. */
static bool
is_plain(const char *prefix)
{
	size_t i;

	for (i = 0; prefix[i] != '\0'; i++)
		if (prefix[i] <= ' ' || prefix[i] > '}' || prefix[i] == '"' ||
		    prefix[i] == '\\')
			return false;
	return i > 0 && i <= PREFIX_BYTES_MAX;
}

static enum ag_status
check_plan(const struct bench_plan *plan, struct ag_error *err)
{
	if (!is_plain(plan->prefix))
		return ag_fail(err, AG_EINVAL,
		    "a prefix is 1 to %d printable characters without space, "
		    "quote and backslash",
		    PREFIX_BYTES_MAX);
	if (plan->load.weights[WORKLOAD_TXN] > 0 &&
	    plan->value_bytes > VALUE_BYTES_MAX / 2)
		return ag_fail(err, AG_EINVAL,
		    "a transaction writes two values: with txn in --mix a "
		    "value has at most %u bytes",
		    VALUE_BYTES_MAX / 2);
	if (plan->watchers > 0 && plan->value_bytes < BENCH_STAMP_BYTES)
		return ag_fail(err, AG_EINVAL,
		    "--watchers read from a value when it was written: it "
		    "takes %d --value-bytes",
		    BENCH_STAMP_BYTES);
	if (plan->call->output == OUTPUT_CBOR)
		return ag_fail(err, AG_EINVAL,
		    "-o cbor: there is no such form of this");
	return AG_OK;
}

static enum ag_status
read_plan(struct bench_plan *plan, struct ag_error *err)
{
	const struct options *o = &plan->call->options;
	const char *mix = options_text(o, "mix");
	const char *spread = options_text(o, "spread");
	const char *prefix = options_text(o, "prefix");
	enum ag_status status = read_numbers(plan, err);

	if (status == AG_OK && mix != NULL)
		status = workload_parse_mix(mix, plan->load.weights, err);
	if (status == AG_OK && spread != NULL)
		status = workload_parse_spread(spread, &plan->load.spread, err);
	if (prefix != NULL)
		plan->prefix = prefix;
	return status == AG_OK ? check_plan(plan, err) : status;
}

/* The sockets named, or the one of the configuration. */
static int
read_sockets(struct bench_plan *plan)
{
	struct applet_call *call = plan->call;
	struct ag_error err;
	size_t i;

	if (call->operand_count > BENCH_SOCKETS_MAX)
		return applet_usage(call, "at most %d sockets",
		    BENCH_SOCKETS_MAX);
	for (i = 0; i < call->operand_count; i++)
		plan->sockets[i] = call->operands[i];
	plan->socket_count = call->operand_count;
	if (call->operand_count > 0)
		return EXIT_YES;
	if (applet_socket(call, plan->socket, sizeof(plan->socket), &err) !=
	    AG_OK)
		return exit_fail_local(call, &err);
	plan->sockets[0] = plan->socket;
	plan->socket_count = 1;
	return EXIT_YES;
}

/* The load, and its result. */
static int
measure(struct bench_plan *plan)
{
	struct bench_result *result = calloc(1, sizeof(*result));
	struct ag_error err;
	int code;

	if (result == NULL) {
		(void)ag_fail(&err, AG_ENOMEM, "load: out of memory");
		return exit_fail(plan->call, &err);
	}
	code = bench_run_load(plan, result, &err) == AG_OK
	    ? bench_report_print(plan, result)
	    : exit_fail(plan->call, &err);
	free(result);
	return code;
}

static int
run(struct kv_ask *ask, struct bench_plan *plan)
{
	int code = bench_prepare_confirm(ask, plan), removed;

	if (code != EXIT_YES)
		return code;
	bench_run_catch_interrupt();
	code = bench_prepare_fill(ask, plan);
	if (code == EXIT_YES && !bench_run_is_interrupted())
		code = measure(plan);
	removed = bench_prepare_remove(ask, plan);
	if (bench_run_is_interrupted())
		return exit_by_signal(SIGINT);
	return code != EXIT_YES ? code : removed;
}

static int
bench_run(struct applet_call *call)
{
	struct bench_plan plan = {
		.call = call,
		.prefix = "bench/",
		.load = { .weights = { 1 },
		    .keys = 1000,
		    .seed = clock_mono_us() },
		.clients = 16,
		.seconds = 10,
		.warmup_ms = 1000,
		.value_bytes = 128,
	};
	struct target unused;
	struct ag_error err;
	struct kv_ask ask;
	int code;

	target_init(&unused, "/v1/kv");
	if (!kv_ask_add_consistency(call, &unused))
		return EXIT_USAGE;
	if (read_plan(&plan, &err) != AG_OK)
		return applet_usage(call, "%s", err.text);
	code = read_sockets(&plan);
	if (code != EXIT_YES)
		return code;
	code = kv_ask_open_at(&ask, call, plan.sockets[0]);
	if (code == EXIT_YES)
		code = run(&ask, &plan);
	kv_ask_close(&ask);
	return code;
}

static const char *const bench_examples[] = {
	"aegis bench --clients 64 --seconds 30",
	"aegis bench --rate 500 --mix put=20,get=75,txn=5 --spread zipf",
	NULL,
};

const struct applet applet_bench = {
	.name = "bench",
	.summary = "measure how fast the cluster answers",
	.operands = "[SOCKET...]",
	.options = bench_options,
	.examples = bench_examples,
	.run = bench_run,
};
