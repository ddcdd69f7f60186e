/*
 * Closed-loop load of writes on a cluster, of ours or of etcd's.
 *
 *	load --target aegis|etcd [OPTION]... ENDPOINT...
 *
 * An endpoint is a Unix socket of aegis, or HOST:PORT of etcd.  One line of
 * JSON says what came out; a put that failed makes the exit status 1.
 *
 * RULES    1. A client begins its next request when its last one is
 *             answered; its latency is from there to here, as a caller
 *             would see it, waiting for a free stream included.
 *          2. Requests begun before the warm-up is over don't count.  After
 *             the end all that is in flight is waited for, so that the keys
 *             that were acknowledged are known: `seen` has them.
 *          3. Both targets get the same keys, values and number of clients,
 *             and clients take the endpoints in turn.  Fewer clients than
 *             endpoints go on to the next endpoint after each answer.
 */
#include "bench/load.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "client/workload.h"

#define EVENTS 256
#define DRAIN_US UINT64_C(15000000)

struct load_options {
	const struct load_target *target;
	const char *seen_path;
	uint64_t seconds;
	uint64_t warm_ms;
};

static const struct option long_options[] = {
	{ "target", required_argument, NULL, 't' },
	{ "clients", required_argument, NULL, 'c' },
	{ "seconds", required_argument, NULL, 's' },
	{ "warm-ms", required_argument, NULL, 'w' },
	{ "bytes", required_argument, NULL, 'b' },
	{ "keys", required_argument, NULL, 'k' },
	{ "seen", required_argument, NULL, 'f' },
	{ "get", no_argument, NULL, 'g' },
	{ 0 },
};

bool
load_begin(struct load *load, struct load_request *request)
{
	request->began_us = clock_mono_us();
	if (request->began_us >= load->end_us)
		return false;
	request->key = workload_random(&load->random) % load->key_count;
	(void)snprintf(request->name, sizeof(request->name), "bench/%010llu",
	    (unsigned long long)request->key);
	load->in_flight++;
	return true;
}

void
load_end(struct load *load, const struct load_request *request,
    const char *reason)
{
	load->in_flight--;
	if (reason != NULL) {
		if (load->failed++ == 0)
			(void)snprintf(load->reason, sizeof(load->reason), "%s",
			    reason);
		return;
	}
	load->seen[request->key / 8] |= (uint8_t)(1U << request->key % 8);
	if (request->began_us >= load->measured_us)
		histogram_add(&load->latency,
		    clock_mono_us() - request->began_us);
}

bool
load_watch(const struct load *load, int fd, uint32_t events, void *arg,
    bool is_new)
{
	struct epoll_event event = { .events = events };

	event.data.ptr = arg;
	return epoll_ctl(load->poll, is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd,
		   &event) == 0;
}

static bool
number(const char *text, uint64_t least, uint64_t most, uint64_t *value)
{
	char *end;

	*value = strtoull(text, &end, 10);
	return *text >= '0' && *text <= '9' && *end == '\0' &&
	    *value >= least && *value <= most;
}

static bool
take_target(struct load_options *options, const char *name)
{
	if (strcmp(name, load_aegis.name) == 0)
		options->target = &load_aegis;
	else if (strcmp(name, load_etcd.name) == 0)
		options->target = &load_etcd;
	return options->target != NULL;
}

static bool
take_option(struct load *load, struct load_options *options, int letter)
{
	uint64_t value = 0;
	bool is_good = true;

	switch (letter) {
	case 't':
		return take_target(options, optarg);
	case 'f':
		options->seen_path = optarg;
		return true;
	case 'g':
		load->is_get = true;
		return true;
	case 's':
		return number(optarg, 1, 3600, &options->seconds);
	case 'w':
		return number(optarg, 0, 60000, &options->warm_ms);
	case 'k':
		return number(optarg, 1, 100000000, &load->key_count);
	case 'c':
		is_good = number(optarg, 1, 100000, &value);
		load->clients = (size_t)value;
		return is_good;
	case 'b':
		is_good = number(optarg, 1, LOAD_VALUE_BYTES_MAX, &value);
		load->value_bytes = (size_t)value;
		return is_good;
	default:
		return false;
	}
}

static bool
take_options(struct load *load, struct load_options *options, int argc,
    char **argv)
{
	int letter;

	while ((letter = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		if (!take_option(load, options, letter))
			return false;
	load->endpoints = (const char *const *)argv + optind;
	load->endpoint_count = (size_t)(argc - optind);
	return options->target != NULL && optind < argc;
}

/* A file is what earlier runs on the same cluster have acknowledged. */
static bool
open_seen(struct load *load, const char *path)
{
	const size_t len = (size_t)(load->key_count / 8) + 1;
	FILE *file;
	bool is_read;

	load->seen = calloc(len, 1);
	if (load->seen == NULL)
		return false;
	file = path == NULL ? NULL : fopen(path, "rb");
	if (file == NULL)
		return true;
	is_read = fread(load->seen, 1, len, file) == len;
	(void)fclose(file);
	return is_read;
}

static bool
close_seen(const struct load *load, const char *path)
{
	const size_t len = (size_t)(load->key_count / 8) + 1;
	FILE *file;
	bool is_written;

	if (path == NULL)
		return true;
	file = fopen(path, "wb");
	if (file == NULL)
		return false;
	is_written = fwrite(load->seen, 1, len, file) == len;
	return fclose(file) == 0 && is_written;
}

static uint64_t
count_seen(const struct load *load)
{
	uint64_t i, count = 0;

	for (i = 0; i < load->key_count; i++)
		count += load->seen[i / 8] >> i % 8 & 1;
	return count;
}

/* Many clients of aegis are as many descriptors. */
static void
raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static bool
run(struct load *load, const struct load_target *target)
{
	struct epoll_event events[EVENTS];
	int count, i;

	while (load->in_flight > 0) {
		if (clock_mono_us() > load->end_us + DRAIN_US) {
			(void)fprintf(stderr,
			    "load %s: %zu requests without an answer\n",
			    target->name, load->in_flight);
			return false;
		}
		count = epoll_wait(load->poll, events, EVENTS, 1000);
		for (i = 0; i < count; i++)
			if (!target->serve(load, events[i].data.ptr,
				events[i].events))
				return false;
		if (!target->end_turn(load))
			return false;
	}
	return true;
}

static void
print_result(const struct load *load, const struct load_options *options)
{
	const struct histogram *h = &load->latency;

	(void)printf("{\"target\":\"%s\",\"clients\":%zu,\"seconds\":%llu,"
		     "\"bytes\":%zu,\"done\":%llu,\"failed\":%llu,"
		     "\"rate\":%.1f,\"p50_us\":%llu,\"p99_us\":%llu,"
		     "\"max_us\":%llu,\"keys\":%llu}\n",
	    options->target->name, load->clients,
	    (unsigned long long)options->seconds, load->value_bytes,
	    (unsigned long long)h->count, (unsigned long long)load->failed,
	    (double)h->count / (double)options->seconds,
	    (unsigned long long)histogram_quantile(h, 0.50),
	    (unsigned long long)histogram_quantile(h, 0.99),
	    (unsigned long long)h->max, (unsigned long long)count_seen(load));
}

/* Whether every request was answered, and well. */
static bool
measure(struct load *load, const struct load_options *options)
{
	const uint64_t now = clock_mono_us();
	bool is_whole;

	load->measured_us = now + options->warm_ms * 1000;
	load->end_us = load->measured_us + options->seconds * 1000000;
	load->random = now;
	is_whole = options->target->open(load) && run(load, options->target);
	options->target->close(load);
	if (load->failed > 0)
		(void)fprintf(stderr, "load %s: %llu failed, the first: %s\n",
		    options->target->name, (unsigned long long)load->failed,
		    load->reason);
	return is_whole && load->failed == 0;
}

int
main(int argc, char **argv)
{
	struct load_options options = { .seconds = 5, .warm_ms = 1000 };
	static struct load load = {
		.clients = 1,
		.value_bytes = 128,
		.key_count = 100000,
	};
	bool is_whole;

	if (!take_options(&load, &options, argc, argv)) {
		(void)fprintf(stderr,
		    "usage: load --target aegis|etcd [--clients N] "
		    "[--seconds S] [--warm-ms MS] [--bytes N] [--keys N] "
		    "[--seen FILE] [--get] ENDPOINT...\n");
		return 2;
	}
	raise_descriptors();
	memset(load.value, 'v', load.value_bytes);
	load.poll = epoll_create1(EPOLL_CLOEXEC);
	if (load.poll == -1 || !open_seen(&load, options.seen_path)) {
		(void)fprintf(stderr,
		    "load: cannot prepare the run, or read "
		    "what --seen names\n");
		return 1;
	}
	is_whole = measure(&load, &options);
	print_result(&load, &options);
	if (!close_seen(&load, options.seen_path)) {
		(void)fprintf(stderr, "load: cannot write %s\n",
		    options.seen_path);
		is_whole = false;
	}
	(void)close(load.poll);
	free(load.seen);
	return is_whole ? 0 : 1;
}
