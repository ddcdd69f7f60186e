/*
 * The vote horizon's file: what it remembers, and what it makes of damage.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fs.h"
#include "codec/encoder.h"
#include "trust/horizon.h"

#define COPY_BYTES 512

static const struct trust_scope scope = { .cluster_id = { 7 }, .epoch = 3 };

static char dir[64], path[128];

static int
make_dir(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/aegis-horizon-XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	(void)snprintf(path, sizeof(path), "%s/horizon", dir);
	return 0;
}

static int
remove_dir(void **state)
{
	(void)state;
	(void)unlink(path);
	return rmdir(dir);
}

static enum ag_status
read_as(const struct trust_scope *of, struct horizon *horizon, uint64_t *record,
    bool *is_doubtful)
{
	struct horizon_file *file;
	struct ag_error err;
	enum ag_status status =
	    horizon_open(&file, path, of, horizon, record, &err);

	if (is_doubtful != NULL)
		*is_doubtful = horizon_is_doubtful(file);
	horizon_close(file);
	return status;
}

static void
write_once(uint64_t view, uint64_t seq, uint64_t record)
{
	struct horizon horizon;
	struct horizon_file *file;
	struct ag_error err;
	uint64_t before;

	if (horizon_open(&file, path, &scope, &horizon, &before, &err) != AG_OK)
		assert_int_equal(err.status, AG_ENOENT);
	horizon = (struct horizon){ .view = view, .seq = seq };
	assert_int_equal(horizon_write(file, &horizon, record, &err), AG_OK);
	horizon_close(file);
}

static void
flip(size_t offset)
{
	FILE *f = fopen(path, "r+b");
	int byte;

	assert_non_null(f);
	assert_int_equal(fseek(f, (long)offset, SEEK_SET), 0);
	byte = fgetc(f);
	assert_int_equal(fseek(f, (long)offset, SEEK_SET), 0);
	assert_int_not_equal(fputc(byte ^ 16, f), EOF);
	assert_int_equal(fclose(f), 0);
}

static void
a_key_that_never_voted_says_so_in_every_cluster(void **state)
{
	struct horizon horizon;
	struct ag_error err;
	uint64_t record;

	(void)state;
	assert_int_equal(horizon_create(path, &err), AG_OK);
	assert_int_equal(horizon_create(path, &err), AG_EEXIST);
	assert_int_equal(read_as(&scope, &horizon, &record, NULL), AG_OK);
	assert_int_equal(horizon.memory, HORIZON_WHOLE);
	assert_int_equal(horizon.view + horizon.seq + record, 0);
}

static void
what_was_written_last_is_read(void **state)
{
	struct horizon horizon;
	uint64_t record, i;
	bool is_doubtful;

	(void)state;
	for (i = 1; i < 6; i++) {
		write_once(i, 100 * i, 1000 * i);
		assert_int_equal(read_as(&scope, &horizon, &record,
				     &is_doubtful),
		    AG_OK);
		assert_int_equal(horizon.view, i);
		assert_int_equal(horizon.seq, 100 * i);
		assert_int_equal(record, 1000 * i);
		assert_false(is_doubtful);
	}
}

static void
an_absent_file_knows_nothing(void **state)
{
	struct horizon horizon;
	uint64_t record;

	(void)state;
	assert_int_equal(read_as(&scope, &horizon, &record, NULL), AG_ENOENT);
	assert_int_equal(horizon.memory, HORIZON_UNKNOWN);
}

static void
votes_of_another_cluster_or_epoch_bind_nothing_here(void **state)
{
	struct trust_scope other = scope;
	struct horizon horizon;
	uint64_t record;

	(void)state;
	write_once(4, 400, 9);
	other.epoch++;
	assert_int_equal(read_as(&other, &horizon, &record, NULL), AG_OK);
	assert_int_equal(horizon.seq + horizon.view + record, 0);
	assert_int_equal(horizon.memory, HORIZON_WHOLE);
}

static void
damage_to_the_newer_copy_leaves_the_older_and_doubt(void **state)
{
	struct horizon horizon;
	uint64_t record;
	bool is_doubtful;

	(void)state;
	write_once(1, 100, 1);
	write_once(2, 200, 2);
	flip(20); /* the second write is generation 2, the first copy */
	assert_int_equal(read_as(&scope, &horizon, &record, &is_doubtful),
	    AG_OK);
	assert_int_equal(horizon.seq, 100);
	assert_true(is_doubtful);
}

static void
damage_to_both_copies_is_refused_with_the_file(void **state)
{
	struct horizon_file *file;
	struct horizon horizon;
	struct ag_error err;
	uint64_t record;

	(void)state;
	write_once(1, 100, 1);
	write_once(2, 200, 2);
	flip(20);
	flip(COPY_BYTES + 30);
	assert_int_equal(horizon_open(&file, path, &scope, &horizon, &record,
			     &err),
	    AG_ECORRUPT);
	assert_non_null(strstr(err.text, path));
	assert_int_equal(horizon.memory, HORIZON_UNKNOWN);
	/* It can be written anew. */
	horizon = (struct horizon){ .memory = HORIZON_LOST, .lost_seq = 5 };
	assert_int_equal(horizon_write(file, &horizon, 0, &err), AG_OK);
	horizon_close(file);
	assert_int_equal(read_as(&scope, &horizon, &record, NULL), AG_OK);
	assert_int_equal(horizon.memory, HORIZON_LOST);
	assert_int_equal(horizon.lost_seq, 5);
}

/* Over one of the two copies, as a later program would. */
static void
write_later(size_t copy)
{
	uint8_t raw[COPY_BYTES] = { 0 };
	struct digest check;
	struct encoder e;
	struct bytes body;
	FILE *f = fopen(path, "r+b");

	encoder_init(&e, raw, sizeof(raw));
	encoder_put_array(&e, 4);
	encoder_put_text(&e, bytes_from_text("aegis-horizon"));
	encoder_put_uint(&e, 2);
	encoder_put_bytes(&e, bytes_from_text("what it knows"));
	encoder_put_null(&e);
	assert_int_equal(encoder_finish(&e, &body), AG_OK);
	digest_of(&check, body);
	memcpy(raw + body.len, check.data, DIGEST_BYTES);
	assert_non_null(f);
	assert_int_equal(fseek(f, (long)(copy * COPY_BYTES), SEEK_SET), 0);
	assert_int_equal(fwrite(raw, sizeof(raw), 1, f), 1);
	assert_int_equal(fclose(f), 0);
}

/* Beside it may stand what was true before that program wrote. */
static void
a_later_programs_is_refused_whichever_copy_it_wrote(void **state)
{
	struct horizon_file *file;
	struct horizon horizon;
	struct ag_error err;
	uint64_t record;
	size_t copy;

	(void)state;
	for (copy = 0; copy < 2; copy++) {
		(void)unlink(path);
		write_once(1, 100, 1);
		write_once(2, 200, 2);
		write_later(copy);
		assert_int_equal(horizon_open(&file, path, &scope, &horizon,
				     &record, &err),
		    AG_EVERSION);
		assert_null(file);
		assert_non_null(strstr(err.text,
		    "format 2, this program reads up to 1; use the newer"));
		/* Damaged, it is as any other that is. */
		flip(copy * COPY_BYTES + 20);
		assert_int_equal(read_as(&scope, &horizon, &record, NULL),
		    AG_OK);
	}
}

static int
syncs_fail_once(void *arg, enum fs_op op, const char *of)
{
	unsigned *left = arg;

	(void)of;
	if (op != FS_SYNC || *left == 0)
		return 0;
	(*left)--;
	return 5; /* EIO */
}

static void
a_failed_sync_is_not_tried_again(void **state)
{
	struct horizon_file *file;
	struct horizon horizon;
	struct ag_error err;
	unsigned left = 1;
	uint64_t record;

	(void)state;
	write_once(1, 100, 1);
	assert_int_equal(horizon_open(&file, path, &scope, &horizon, &record,
			     &err),
	    AG_OK);
	fs_fault_set(syncs_fail_once, &left);
	assert_int_equal(horizon_write(file, &horizon, 0, &err), AG_ESYS);
	assert_int_equal(horizon_write(file, &horizon, 0, &err), AG_ESYS);
	assert_non_null(strstr(err.text, "stopped after a failed write"));
	assert_non_null(strstr(err.text, "Input/output error"));
	fs_fault_set(NULL, NULL);
	horizon_close(file);
}

#define SPEC(name) cmocka_unit_test_setup_teardown(name, make_dir, remove_dir)

int
main(void)
{
	const struct CMUnitTest specs[] = {
		SPEC(a_key_that_never_voted_says_so_in_every_cluster),
		SPEC(what_was_written_last_is_read),
		SPEC(an_absent_file_knows_nothing),
		SPEC(votes_of_another_cluster_or_epoch_bind_nothing_here),
		SPEC(damage_to_the_newer_copy_leaves_the_older_and_doubt),
		SPEC(damage_to_both_copies_is_refused_with_the_file),
		SPEC(a_later_programs_is_refused_whichever_copy_it_wrote),
		SPEC(a_failed_sync_is_not_tried_again),
	};

	return cmocka_run_group_tests(specs, NULL, NULL);
}
