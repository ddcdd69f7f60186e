/*
 * How fast the storage is: log syncs and appends, batches applied, opening.
 *
 * Usage: storage DIRECTORY [KEYS]    (the directory must exist and be empty)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "fixture/batches.h"
#include "fixture/keyrings.h"
#include "store/store.h"
#include "store/wal.h"

#define BATCH_OPERATIONS 64
#define VALUE_BYTES 256
#define COMMIT_BATCHES 8

static const uint8_t cluster[CLUSTER_ID_BYTES] = { 1 };
static struct batch_maker maker;

static void
check(enum ag_status status, const struct ag_error *err)
{
	if (status == AG_OK)
		return;
	(void)fprintf(stderr, "storage: %s\n", err->text);
	exit(1);
}

static void
print_rate(const char *what, uint64_t us, uint64_t count)
{
	(void)printf("%-28s %9.2f us each, %9.0f/s\n", what,
	    (double)us / (double)count, (double)count * 1e6 / (double)us);
}

static long
rss_kib(void)
{
	long pages = 0, ignored;
	FILE *file = fopen("/proc/self/statm", "r");

	if (file == NULL)
		return 0;
	if (fscanf(file, "%ld %ld", &ignored, &pages) != 2)
		pages = 0;
	(void)fclose(file);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* Append count records, syncing after each group of them. */
static void
append_all(struct wal *wal, const char *what, unsigned int count,
    unsigned int group)
{
	static const uint8_t record[512] = { 1 };
	uint64_t began = clock_mono_us(), number;
	struct ag_error err;
	unsigned int i;

	for (i = 1; i <= count; i++) {
		check(wal_append(wal, bytes_of(record, sizeof(record)), &number,
			  &err),
		    &err);
		if (i % group == 0)
			check(wal_sync(wal, &number, &err), &err);
	}
	print_rate(what, clock_mono_us() - began, count);
}

static void
bench_log(const char *root)
{
	char dir[4096];
	struct ag_error err;
	struct wal *wal;
	uint64_t began;

	(void)snprintf(dir, sizeof(dir), "%s/log", root);
	check(wal_open(&wal, dir, cluster, NULL, &err), &err);
	append_all(wal, "log: append and sync", 2000, 1);
	append_all(wal, "log: append, sync each 100", 200000, 100);
	wal_close(wal);
	began = clock_mono_us();
	check(wal_open(&wal, dir, cluster, NULL, &err), &err);
	print_rate("log: open, per record", clock_mono_us() - began, 202000);
	wal_close(wal);
}

/* Batch seq of puts to keys below range, step apart. */
static struct bytes
make_batch(uint64_t seq, uint64_t range, uint64_t step)
{
	static char value[VALUE_BYTES + 1];
	char key[32];
	uint64_t i, n;

	memset(value, 'v', VALUE_BYTES);
	batch_begin(&maker, 1, seq * BATCH_OPERATIONS, 1000 + seq);
	for (i = 0; i < BATCH_OPERATIONS; i++) {
		n = (seq * BATCH_OPERATIONS + i) * step % range;
		(void)snprintf(key, sizeof(key), "key/%012llu",
		    (unsigned long long)n);
		batch_put(&maker, key, value);
	}
	return batch_end(&maker);
}

/* As a node does: some batches a commit, digests and syncs now and then. */
static void
apply(struct store *store, const char *what, uint64_t count, uint64_t range,
    uint64_t step)
{
	uint64_t spent = 0, began, i;
	struct digest digest;
	struct ag_error err;

	for (i = 0; i < count; i++) {
		uint64_t seq = store_applied(store) + 1;
		struct bytes batch = make_batch(seq, range, step);

		began = clock_mono_us();
		check(store_apply(store, seq, batch, NULL, &err), &err);
		if (seq % COMMIT_BATCHES == 0)
			check(store_commit(store, &err), &err);
		if (seq % 128 == 0)
			check(store_digest(store, &digest, &err), &err);
		if (seq % 1024 == 0)
			check(store_sync(store, &err), &err);
		spent += clock_mono_us() - began;
	}
	check(store_commit(store, &err), &err);
	print_rate(what, spent, count * BATCH_OPERATIONS);
}

/* Nanoseconds to seal, and to open, a record of len bytes. */
static void
bench_record(struct keyring *keyring, size_t len)
{
	static uint8_t plain[1U << 20], record[(1U << 20) + 64];
	const uint64_t count = (UINT64_C(64) << 20) / (len + 512);
	const struct bytes context = bytes_from_text("a key of a usual length");
	uint64_t began = clock_mono_us(), i;
	struct ag_error err;

	for (i = 0; i < count; i++)
		keyring_seal(keyring, KEYRING_VALUES, context,
		    bytes_of(plain, len), record);
	(void)printf("keyring: %zu bytes: seal %.0f ns", len,
	    (double)(clock_mono_us() - began) * 1000 / (double)count);
	began = clock_mono_us();
	for (i = 0; i < count; i++)
		check(keyring_unseal(keyring, KEYRING_VALUES, context,
			  bytes_of(record, len + KEYRING_RECORD_BYTES), plain,
			  &err),
		    &err);
	(void)printf(", open %.0f ns\n",
	    (double)(clock_mono_us() - began) * 1000 / (double)count);
}

static void
bench_store(const char *root, uint64_t keys, struct keyring *keyring)
{
	struct store *store;
	struct ag_error err;
	struct digest digest;
	char dir[4096];
	uint64_t began;

	(void)snprintf(dir, sizeof(dir), "%s/%s", root,
	    keyring == NULL ? "state" : "sealed");
	check(store_open_from(&store, dir, cluster, NULL, keyring, NULL, &err),
	    &err);
	(void)printf("empty store, %s: RSS %ld KiB\n",
	    keyring == NULL ? "in the open" : "sealed", rss_kib());
	apply(store, "store: put, new keys", keys / BATCH_OPERATIONS + 1, keys,
	    1);
	apply(store, "store: put, scattered keys", 2000, keys, 7919);
	began = clock_mono_us();
	check(store_sync(store, &err), &err);
	print_rate("store: sync", clock_mono_us() - began, 1);
	store_close(store);
	began = clock_mono_us();
	check(store_open_from(&store, dir, cluster, NULL, keyring, NULL, &err),
	    &err);
	check(store_digest(store, &digest, &err), &err);
	print_rate("store: open and digest", clock_mono_us() - began, 1);
	(void)printf("%llu keys: RSS %ld KiB\n", (unsigned long long)keys,
	    rss_kib());
	store_close(store);
}

int
main(int argc, char **argv)
{
	const uint64_t keys = argc > 2 ? strtoull(argv[2], NULL, 10) : 100000;
	struct keyring *keyring;
	char path[4096];
	size_t len;

	if (argc < 2) {
		(void)fprintf(stderr, "usage: storage DIRECTORY [KEYS]\n");
		return 2;
	}
	bench_log(argv[1]);
	(void)snprintf(path, sizeof(path), "%s/keyring", argv[1]);
	keyring = keyrings_make(path);
	for (len = 128; len <= 1U << 20; len *= 8)
		bench_record(keyring, len);
	bench_store(argv[1], keys, NULL);
	bench_store(argv[1], keys, keyring);
	keyring_close(keyring);
	return 0;
}
