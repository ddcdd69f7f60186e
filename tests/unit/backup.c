/*
 * Backups: what goes in comes out again, certified, and nothing else does.
 */
#include "backup/backup_check.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "backup/backup_writer.h"
#include "backup/restored.h"
#include "base/fs.h"
#include "crypto/recipient.h"
#include "fixture/batches.h"
#include "fixture/directory.h"
#include "store/snapshot.h"
#include "trust/identity.h"
#include "trust/setup.h"

#define KEYS 12
#define PATH 1024

static char root[DIRECTORY_PATH_BYTES];
static char repo_dir[PATH], new_dir[PATH];
static struct batch_maker maker;
static struct roster roster, other_roster;
static struct secret *node_key, *key, *other_key;
static uint8_t recipient[RECIPIENT_KEY_BYTES];
static struct buf stream;
static struct digest digest;

static void
must(enum ag_status status, const struct ag_error *err)
{
	if (status != AG_OK)
		fail_msg("%s", err->text);
}

static void
path_in(char out[static PATH], const char *name)
{
	(void)snprintf(out, PATH, "%s/%s", root, name);
}

static void
make_roster(struct roster *made, const char *name)
{
	struct setup_node node = { .name = "n1", .address = "127.0.0.1:7001" };
	struct ag_error err;
	char dir[PATH];

	path_in(dir, name);
	node.dir = dir;
	must(setup_keys(dir, "n1", &err), &err);
	must(setup_trial_roster(made, name, "pbft", &node, 1, &err), &err);
}

static void
sign_state(uint8_t *out, size_t cap, struct bytes *certificate, uint64_t seq)
{
	static struct certificate c;
	struct vote vote = { VOTE_CHECKPOINT, seq, digest };
	struct identity identity;
	struct ag_error err;
	struct encoder e;

	must(identity_init_key(&identity, &roster, node_key, &err), &err);
	c = (struct certificate){ .phase = VOTE_CHECKPOINT,
		.seq = seq,
		.digest = digest,
		.proof_count = 1 };
	vote_bundle_sign(c.proofs, &vote, 1, &identity.scope, 0, 0,
	    &identity_authority, &identity);
	encoder_init(&e, out, cap);
	certificate_encode(&e, &c);
	assert_int_equal(encoder_finish(&e, certificate), AG_OK);
}

static struct store_pin *
make_state(size_t value_len)
{
	struct store_pin *pin;
	struct store *store;
	struct ag_error err;
	char dir[PATH], *value;
	size_t i, at;

	path_in(dir, "source");
	value = calloc(1, value_len + 1);
	assert_non_null(value);
	must(store_open(&store, dir, roster.cluster_id, NULL, &err), &err);
	for (i = 1; i <= KEYS; i++) {
		char name[16];

		/* Not compressible, so that there is more than one pack. */
		for (at = 0; at < value_len; at++)
			value[at] = (char)('a' + (at * at * i + at / 7) % 26);
		(void)snprintf(name, sizeof(name), "key%zu", i);
		batch_begin(&maker, 1, i, 1000);
		batch_put(&maker, name, value);
		must(store_apply(store, i, batch_end(&maker), NULL, &err),
		    &err);
	}
	must(store_pin(store, &pin, &err), &err);
	store_pin_digest(pin, &digest);
	store_close(store);
	free(value);
	return pin;
}

/* A certified snapshot of KEYS keys in stream. */
static void
make_stream(size_t value_len)
{
	static uint8_t encoded[CERTIFICATE_BYTES_MAX], piece[10000];
	struct store_pin *pin = make_state(value_len);
	struct snapshot_writer *w;
	struct bytes certificate;
	struct trust_scope scope;
	struct ag_error err;
	size_t len;

	sign_state(encoded, sizeof(encoded), &certificate, KEYS);
	roster_scope(&roster, &scope);
	must(snapshot_writer_new(&w, pin, &scope, certificate, &err), &err);
	do {
		must(snapshot_writer_read(w, piece, sizeof(piece), &len, &err),
		    &err);
		assert_int_equal(buf_append(&stream, piece, len), AG_OK);
	} while (len > 0);
	snapshot_writer_free(w);
	store_unpin(pin);
}

static int
make_world(void **state)
{
	struct ag_error err;
	char dir[PATH];

	(void)state;
	assert_int_equal(directory_make(root), 0);
	path_in(repo_dir, "repo");
	path_in(new_dir, "new");
	make_roster(&roster, "demo");
	make_roster(&other_roster, "else");
	path_in(dir, "demo");
	must(setup_load_keys(&node_key, NULL, dir, &err), &err);
	must(recipient_keypair(&key, &err), &err);
	must(recipient_keypair(&other_key, &err), &err);
	recipient_public(recipient, key);
	buf_init(&stream, 64U << 20);
	return 0;
}

static int
drop_world(void **state)
{
	(void)state;
	buf_fini(&stream);
	secret_free(node_key);
	secret_free(key);
	secret_free(other_key);
	return directory_remove(root);
}

static struct repository *
opened(void)
{
	struct repository *repo;
	struct ag_error err;

	must(repository_open(&repo, repo_dir, true, &err), &err);
	return repo;
}

static enum ag_status
back_up(struct bytes bytes, struct roster *by, uint32_t pack_bytes,
    struct repository_entry *entry, struct ag_error *err)
{
	struct backup_plan plan = { NULL, recipient, by, pack_bytes };
	struct backup_writer *w = NULL;
	const struct manifest *m;
	enum ag_status status;

	status = repository_open(&plan.repo, repo_dir, true, err);
	if (status == AG_OK)
		status = repository_lock(plan.repo, err);
	if (status == AG_OK)
		status = backup_writer_open(&w, &plan, err);
	if (status == AG_OK)
		status = backup_writer_put(w, bytes, err);
	if (status == AG_OK)
		status = backup_writer_finish(w, &m, entry, err);
	backup_writer_close(w);
	repository_close(plan.repo);
	return status;
}

static void
make_backup(struct repository_entry *entry)
{
	struct ag_error err;

	must(back_up(buf_bytes(&stream), &roster, 0, entry, &err), &err);
}

/* Open the repository anew and verify everything in it. */
static enum ag_status
verify_all(const struct secret *with, struct ag_error *err)
{
	struct backup_check check = { .key = with };
	struct repository_list list = { 0 };
	struct repository *repo;
	enum ag_status status;
	size_t i;

	status = repository_open(&repo, repo_dir, false, err);
	check.repo = repo;
	if (status == AG_OK)
		status = repository_list(&list, repo, err);
	for (i = 0; status == AG_OK && i < list.count; i++)
		status = backup_check_one(&check, &list.entries[i], NULL, err);
	if (status == AG_OK)
		status = backup_check_chain(repo, &list, err);
	repository_list_fini(&list);
	repository_close(repo);
	return status;
}

static enum ag_status
restore(const struct repository_entry *entry, struct ag_error *err)
{
	struct repository *repo = opened();
	struct backup_check check = { .repo = repo, .key = key };
	enum ag_status status =
	    backup_check_restore(&check, entry, new_dir, NULL, err);

	repository_close(repo);
	return status;
}

static void
a_restored_state_has_the_digest_that_was_certified(void **state)
{
	struct repository_entry entry;
	struct restored restored;
	struct digest found;
	struct store *store;
	struct ag_error err;
	char path[PATH];

	(void)state;
	make_stream(100);
	make_backup(&entry);
	must(restore(&entry, &err), &err);
	path_in(path, "new/restored");
	must(restored_load(&restored, path, &err), &err);
	assert_string_equal(restored.cluster, "demo");
	assert_int_equal(restored.seq, KEYS);
	assert_true(digest_equal(&restored.digest, &digest));
	path_in(path, "new/state");
	must(store_open(&store, path, roster.cluster_id, NULL, &err), &err);
	must(store_digest(store, &found, &err), &err);
	assert_true(digest_equal(&found, &digest));
	store_close(store);
}

static void
chunks_go_through_as_many_packs_as_it_takes(void **state)
{
	struct repository_entry entry;
	struct repository *repo;
	struct manifest m;
	struct ag_error err;

	(void)state;
	make_stream(300000);
	must(back_up(buf_bytes(&stream), &roster, 1, &entry, &err), &err);
	must(verify_all(key, &err), &err);
	must(verify_all(NULL, &err), &err);
	repo = opened();
	must(manifest_load(&m, repo, &entry, &err), &err);
	assert_int_equal(m.bytes, stream.len);
	assert_int_equal(m.pack_count, (stream.len + (1U << 20) - 1) >> 20);
	manifest_fini(&m);
	repository_close(repo);
	must(restore(&entry, &err), &err);
}

static void
a_backup_names_the_one_before_it(void **state)
{
	struct repository_entry entries[3];
	struct repository *repo;
	char path[REPOSITORY_PATH_BYTES];
	struct ag_error err;
	size_t i;

	(void)state;
	make_stream(10);
	for (i = 0; i < 3; i++) {
		make_backup(&entries[i]);
		assert_int_equal(entries[i].number, i + 1);
	}
	must(verify_all(NULL, &err), &err);
	repo = opened();
	must(repository_entry_path(repo, &entries[1], path, &err), &err);
	repository_close(repo);
	must(fs_unlink(path, &err), &err);
	assert_int_equal(verify_all(NULL, &err), AG_ECORRUPT);
	assert_non_null(strstr(err.text, "demo-3 was taken away"));
}

static void
another_key_opens_nothing_and_says_so(void **state)
{
	struct repository_entry entry;
	struct ag_error err;

	(void)state;
	make_stream(10);
	make_backup(&entry);
	assert_int_equal(verify_all(other_key, &err), AG_EDENIED);
	assert_non_null(strstr(err.text, "sealed for another key"));
}

static size_t
count_files(const char *name)
{
	char path[PATH];
	struct dirent *entry;
	size_t count = 0;
	DIR *dir;

	path_in(path, name);
	dir = opendir(path);
	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL)
		count += entry->d_name[0] != '.' ? 1 : 0;
	(void)closedir(dir);
	return count;
}

static void
a_state_others_certified_is_no_backup(void **state)
{
	struct repository_entry entry;
	struct ag_error err;

	(void)state;
	make_stream(10);
	assert_int_equal(back_up(buf_bytes(&stream), &other_roster, 0, &entry,
			     &err),
	    AG_EFORGED);
	assert_int_equal(count_files("repo/snap"), 0);
	assert_int_equal(count_files("repo/tmp"), 0);
}

static void
a_stream_cut_short_is_no_backup(void **state)
{
	struct repository_entry entry;
	struct ag_error err;

	(void)state;
	make_stream(10);
	assert_int_equal(back_up(bytes_of(stream.data, stream.len - 1), &roster,
			     0, &entry, &err),
	    AG_ECORRUPT);
	assert_int_equal(count_files("repo/snap"), 0);
	assert_int_equal(count_files("repo/tmp"), 0);
}

static void
one_writer_at_a_time(void **state)
{
	struct repository *first = opened(), *second = opened();
	struct ag_error err;

	(void)state;
	must(repository_lock(first, &err), &err);
	assert_int_equal(repository_lock(second, &err), AG_EBUSY);
	repository_close(first);
	repository_close(second);
}

/* Damage path in one way after another; each must be found. */
static void
damage(const char *path)
{
	struct ag_error err;
	struct buf file;
	uint8_t was;
	size_t i;
	int fd;

	buf_init(&file, 1U << 20);
	must(fs_read_file(path, &file, &err), &err);
	must(fs_open(&fd, path, O_RDWR, 0, &err), &err);
	for (i = 0; i < file.len; i++) {
		was = file.data[i] ^ (uint8_t)(1U << (i % 8));
		must(fs_write_at(fd, path, bytes_of(&was, 1), i, &err), &err);
		if (verify_all(key, &err) == AG_OK)
			fail_msg("%s: byte %zu flipped unseen", path, i);
		assert_non_null(strstr(err.text, path));
		must(fs_write_at(fd, path, bytes_of(&file.data[i], 1), i, &err),
		    &err);
	}
	for (i = file.len; i > 0; i -= i > 64 ? 37 : 1) {
		must(fs_truncate(fd, path, i - 1, &err), &err);
		if (verify_all(key, &err) == AG_OK)
			fail_msg("%s: cut to %zu unseen", path, i - 1);
	}
	must(fs_write_at(fd, path, buf_bytes(&file), 0, &err), &err);
	must(verify_all(key, &err), &err);
	(void)close(fd);
	buf_fini(&file);
}

static void
every_flipped_byte_and_every_cut_is_found(void **state)
{
	struct repository_entry entry;
	char path[REPOSITORY_PATH_BYTES];
	struct repository *repo;
	struct ag_error err;
	struct manifest m;

	(void)state;
	make_stream(10);
	make_backup(&entry);
	repo = opened();
	must(repository_entry_path(repo, &entry, path, &err), &err);
	damage(path);
	must(manifest_load(&m, repo, &entry, &err), &err);
	assert_int_equal(m.pack_count, 1);
	must(repository_pack_path(repo, &m.packs[0].id, path, &err), &err);
	damage(path);
	manifest_fini(&m);
	repository_close(repo);
	(void)snprintf(path, sizeof(path), "%s/config", repo_dir);
	damage(path);
}

static unsigned int calls, failing_call;

static int
fail_one_call(void *arg, enum fs_op op, const char *path)
{
	(void)arg;
	(void)op;
	(void)path;
	return ++calls == failing_call ? EIO : 0;
}

/* Fail the n-th call of a backup, for every n; returns how many there are. */
static unsigned int
fail_each_call(bool fresh)
{
	struct repository_entry entry;
	struct ag_error err;

	for (failing_call = 1;; failing_call++) {
		if (fresh)
			(void)directory_remove(repo_dir);
		calls = 0;
		fs_fault_set(fail_one_call, NULL);
		(void)!back_up(buf_bytes(&stream), &roster, 0, &entry, &err);
		fs_fault_set(NULL, NULL);
		make_backup(&entry);
		must(verify_all(key, &err), &err);
		if (calls < failing_call)
			return calls;
	}
}

static void
a_disk_that_fails_at_any_call_harms_no_backup(void **state)
{
	(void)state;
	make_stream(10);
	assert_true(fail_each_call(true) > 20);
	assert_true(fail_each_call(false) > 10);
}

/* A hostile repository can give what it changed the right name. */
static void
a_changed_manifest_does_not_pass_under_its_new_name(void **state)
{
	char was[REPOSITORY_PATH_BYTES], now[REPOSITORY_PATH_BYTES];
	struct repository_entry entry, changed;
	struct repository *repo;
	struct ag_error err;
	struct buf file;
	size_t i;

	(void)state;
	make_stream(10);
	make_backup(&entry);
	repo = opened();
	must(repository_entry_path(repo, &entry, was, &err), &err);
	buf_init(&file, MANIFEST_BYTES_MAX);
	must(fs_read_file(was, &file, &err), &err);
	must(fs_unlink(was, &err), &err);
	for (i = 0; i < file.len; i++) {
		file.data[i] ^= (uint8_t)(1U << (i % 8));
		changed = entry;
		must(repository_commit(repo, &changed, buf_bytes(&file), &err),
		    &err);
		if (verify_all(key, &err) == AG_OK)
			fail_msg("byte %zu of a manifest flipped unseen", i);
		must(repository_entry_path(repo, &changed, now, &err), &err);
		must(fs_unlink(now, &err), &err);
		file.data[i] ^= (uint8_t)(1U << (i % 8));
	}
	buf_fini(&file);
	repository_close(repo);
}

static void
a_failed_restore_leaves_nothing(void **state)
{
	struct repository_entry entry;
	char path[REPOSITORY_PATH_BYTES];
	struct repository *repo;
	struct ag_error err;
	struct manifest m;

	(void)state;
	make_stream(10);
	make_backup(&entry);
	repo = opened();
	must(manifest_load(&m, repo, &entry, &err), &err);
	must(repository_pack_path(repo, &m.packs[0].id, path, &err), &err);
	manifest_fini(&m);
	repository_close(repo);
	must(fs_unlink(path, &err), &err);
	assert_int_equal(restore(&entry, &err), AG_ECORRUPT);
	assert_non_null(strstr(err.text, "missing"));
	assert_false(fs_exists(new_dir));
}

#define SPEC(name) cmocka_unit_test_setup_teardown(name, make_world, drop_world)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SPEC(a_restored_state_has_the_digest_that_was_certified),
		SPEC(chunks_go_through_as_many_packs_as_it_takes),
		SPEC(a_backup_names_the_one_before_it),
		SPEC(another_key_opens_nothing_and_says_so),
		SPEC(a_state_others_certified_is_no_backup),
		SPEC(a_stream_cut_short_is_no_backup),
		SPEC(one_writer_at_a_time),
		SPEC(every_flipped_byte_and_every_cut_is_found),
		SPEC(a_disk_that_fails_at_any_call_harms_no_backup),
		SPEC(a_changed_manifest_does_not_pass_under_its_new_name),
		SPEC(a_failed_restore_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
