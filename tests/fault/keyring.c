/*
 * A keyring under failing disks and power cuts.
 *
 * SWEEP    A small life of a keyring (made, opened, epochs prepared and
 *          activated, records sealed, a slot added and one removed, a key
 *          destroyed) is run again and again; run n fails its n-th write,
 *          sync or open, once or from then on.  Then the keyring is opened
 *          without faults, judged, and the life is gone on with to its end.
 *          The sweep ends with the first run that meets no fault.  The slot
 *          that is added is of each kind in turn.
 * AGAIN    The same once more, and who asked for what failed asks again, as a
 *          node does that goes on.
 * POWER    The same, but at the n-th call the power fails: all calls from
 *          there on fail, and every file goes back to its last sync.
 * ORACLE   The keyring opens; what was acknowledged is so; every record opens
 *          but those of a key that was to be destroyed; one key is active.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "fault/disk.h"
#include "fixture/directory.h"
#include "keyring/keyring.h"

#define RECORDS_MAX 8
#define PLAIN "what a record holds"
#define PLAIN_BYTES (sizeof(PLAIN) - 1)

static struct {
	uint64_t at;   /* fail this call, counted from 1 */
	bool stays;    /* and all after it */
	bool is_power; /* what was not synced is lost then */
	bool is_asked_again;
	int error;
	uint64_t count;
} fault;

/* What has come of a life, as its caller knows it. */
struct life {
	char root[DIRECTORY_PATH_BYTES];
	char path[DIRECTORY_PATH_BYTES + 16];
	bool is_made;
	bool has_added, has_removed;
	bool may_have_added; /* as the keyring says */
	bool wants_removed;  /* tried, and it may have happened */
	uint32_t active;
	uint32_t destroyed, wants_destroyed;
	uint8_t records[RECORDS_MAX][PLAIN_BYTES + KEYRING_RECORD_BYTES];
	size_t record_count;
};

static struct secret *first_key, *second_key;

/* A token that turns over all bits of the root. */
static enum ag_status
device_wrap(void *arg, const char *context, const struct secret *root,
    uint8_t *out, size_t *len, struct ag_error *err)
{
	(void)arg;
	(void)context;
	(void)err;
	*len = secret_len(root);
	for (size_t i = 0; i < *len; i++)
		out[i] = (uint8_t)~secret_bytes(root).data[i];
	return AG_OK;
}

static enum ag_status
device_unwrap(void *arg, const char *context, struct bytes wrapped,
    struct secret **root, struct ag_error *err)
{
	size_t len;

	*root = secret_copy(wrapped);
	AG_ASSERT(*root != NULL);
	return device_wrap(arg, context, *root, secret_data(*root), &len, err);
}

static const struct keyring_device device = { .name = "pkcs11:token=ops",
	.wrap = device_wrap,
	.unwrap = device_unwrap };

/* What opens the slot that is added. */
static struct keyring_opener second = { .device = &device };

static int
on_call(void *arg, enum fs_op op, const char *path)
{
	(void)arg;
	if (op == FS_READ)
		return 0;
	fault.count++;
	if (fault.count >= fault.at && (fault.stays || fault.count == fault.at))
		return fault.error;
	if (op == FS_SYNC && fault.is_power)
		disk_synced(path);
	return 0;
}

static void
die(const char *what, const struct ag_error *err)
{
	(void)fprintf(stderr,
	    "keyring: %s: %s (fault at call %" PRIu64 "%s, errno %d)\n", what,
	    err == NULL ? "" : err->text, fault.at,
	    fault.stays ? " and on" : "", fault.error);
	exit(1);
}

static enum ag_status
open_first(struct keyring **k, const struct life *life, struct ag_error *err)
{
	const struct keyring_opener opener = { .kind = KEYRING_FILE,
		.secret = first_key };

	return keyring_open(k, life->path, &opener, true, err);
}

static enum ag_status
open_second(struct keyring **k, const struct life *life, struct ag_error *err)
{
	return keyring_open(k, life->path, &second, true, err);
}

/* With the key that must be in it now. */
static enum ag_status
open_again(struct keyring **k, const struct life *life, struct ag_error *err)
{
	return life->has_added ? open_second(k, life, err)
			       : open_first(k, life, err);
}

static void
seal(struct life *life, struct keyring *k)
{
	AG_ASSERT(life->record_count < RECORDS_MAX);
	keyring_seal(k, KEYRING_LOG, bytes_of(NULL, 0), bytes_from_text(PLAIN),
	    life->records[life->record_count++]);
}

static enum ag_status
begin_epoch(struct life *life, struct keyring *k, uint32_t epoch,
    struct ag_error *err)
{
	enum ag_status status;

	if (life->active >= epoch)
		return AG_OK;
	status = keyring_epoch_prepare(k, epoch, 0, err);
	if (status == AG_OK)
		status = keyring_epoch_activate(k, epoch, err);
	if (status != AG_OK)
		return status;
	life->active = epoch;
	seal(life, k);
	return AG_OK;
}

/* Beside a slot in escrow the other one stays. */
static bool
may_remove(void)
{
	return second.kind != KEYRING_ESCROW;
}

static enum ag_status
replace_slot(struct life *life, struct keyring *k, struct ag_error *err)
{
	enum ag_status status = AG_OK;
	unsigned int number;

	if (!life->has_added)
		status = keyring_slot_add(k, &second, "", 0, &number, err);
	life->may_have_added = keyring_is_in_doubt(k);
	if (status != AG_OK)
		return status;
	life->has_added = true;
	if (life->has_removed || !may_remove())
		return AG_OK;
	life->wants_removed = true;
	status = keyring_slot_remove(k, 1, err);
	/* Before the fault it was gone, or now it is. */
	life->has_removed = status == AG_OK || status == AG_ENOENT;
	return life->has_removed ? AG_OK : status;
}

/* What is done before, and what after, it is opened a second time. */
static enum ag_status
first_half(struct life *life, struct keyring *k, struct ag_error *err)
{
	enum ag_status status;

	if (life->record_count == 0)
		seal(life, k);
	status = begin_epoch(life, k, 2, err);
	return status == AG_OK ? replace_slot(life, k, err) : status;
}

static enum ag_status
second_half(struct life *life, struct keyring *k, struct ag_error *err)
{
	enum ag_status status = begin_epoch(life, k, 7, err);

	if (status != AG_OK)
		return status;
	life->wants_destroyed = 1;
	status = keyring_epoch_destroy(k, 1, err);
	if (status == AG_OK)
		life->destroyed = 1;
	return status;
}

static enum ag_status
live(struct life *life, struct ag_error *err)
{
	const struct keyring_opener opener = { .kind = KEYRING_FILE,
		.secret = first_key };
	struct keyring *k = NULL;
	enum ag_status status = AG_OK;

	if (!life->is_made)
		status = keyring_create(life->path, "n1", &opener, "", 0, err);
	if (status != AG_OK)
		return status;
	life->is_made = true;
	status = open_again(&k, life, err);
	if (status == AG_OK)
		status = first_half(life, k, err);
	if (status != AG_OK && k != NULL && fault.is_asked_again)
		status = first_half(life, k, err);
	keyring_close(k);
	if (status != AG_OK)
		return status;
	status = open_again(&k, life, err);
	if (status == AG_OK)
		status = second_half(life, k, err);
	if (status != AG_OK && k != NULL && fault.is_asked_again)
		status = second_half(life, k, err);
	keyring_close(k);
	return status;
}

static void
check_records(const struct life *life, struct keyring *k)
{
	uint8_t plain[PLAIN_BYTES];
	struct ag_error err;

	for (size_t i = 0; i < life->record_count; i++) {
		const uint8_t *record = life->records[i];
		const bool is_open =
		    keyring_unseal(k, KEYRING_LOG, bytes_of(NULL, 0),
			bytes_of(record, sizeof(life->records[i])), plain,
			&err) == AG_OK;

		if (is_open && record[0] == life->destroyed)
			die("a destroyed key opens", NULL);
		if (!is_open && record[0] != life->wants_destroyed)
			die("a record is lost", &err);
		if (is_open && memcmp(plain, PLAIN, PLAIN_BYTES) != 0)
			die("a record is wrong", NULL);
	}
}

static void
check_epochs(const struct life *life, struct keyring *k)
{
	struct keyring_look look;
	size_t active = 0;

	keyring_look(k, &look);
	for (size_t i = 0; i < look.epoch_count; i++)
		active += look.epochs[i].state == KEYRING_ACTIVE;
	if (active != 1)
		die("not one key is active", NULL);
	if (keyring_epoch(k) < life->active)
		die("an activation is lost", NULL);
}

/* Every slot that must open does, and none that must not. */
static struct keyring *
check_slots(const struct life *life)
{
	struct keyring *by_first = NULL, *by_second = NULL;
	struct ag_error err;
	const bool has_first = open_first(&by_first, life, &err) == AG_OK;
	const bool has_second = open_second(&by_second, life, &err) == AG_OK;

	if (!has_first && !has_second)
		die("open the keyring", &err);
	if (!has_first && !life->wants_removed)
		die("the first slot is lost", NULL);
	if (has_first && life->has_removed)
		die("a removed slot opens", NULL);
	if (!has_second && life->has_added)
		die("an added slot is lost", NULL);
	if (has_second && !life->has_added && !life->may_have_added)
		die("a slot is there that nobody was told of", NULL);
	if (has_first && has_second)
		keyring_close(by_second);
	return has_first ? by_first : by_second;
}

static void
check(struct life *life)
{
	struct keyring *k = check_slots(life);

	check_epochs(life, k);
	check_records(life, k);
	keyring_close(k);
}

/* Without faults, to the end. */
static void
go_on(struct life *life)
{
	struct ag_error err;

	/* It was never said to be there: it is made anew. */
	if (!life->is_made)
		(void)unlink(life->path);
	if (live(life, &err) != AG_OK)
		die("go on", &err);
	check(life);
	if (life->active != 7 || life->destroyed != 1 ||
	    life->has_removed != may_remove())
		die("the end is another", NULL);
}

/* Fail every call in turn; returns how many lives that took. */
static uint64_t
sweep(int error, bool stays, bool is_power)
{
	for (uint64_t n = 1;; n++) {
		struct life life = { .active = 1 };
		struct ag_error err = { .text = "" };
		enum ag_status status;

		if (directory_make(life.root) == -1)
			die("make a directory", NULL);
		(void)snprintf(life.path, sizeof(life.path), "%s/keyring",
		    life.root);
		fault.at = n;
		fault.stays = stays;
		fault.is_power = is_power;
		fault.error = error;
		fault.count = 0;
		fs_fault_set(on_call, NULL);
		status = live(&life, &err);
		fs_fault_set(NULL, NULL);
		if (is_power && fault.count >= n)
			disk_cut_power(life.root);
		disk_forget();
		if (status != AG_OK && err.text[0] == '\0')
			die("a failure without a word", NULL);
		if (life.is_made)
			check(&life);
		go_on(&life);
		(void)directory_remove(life.root);
		if (fault.count < n)
			return n;
	}
}

static void
sweep_all(const char *kind)
{
	(void)printf("keyring, %s: %" PRIu64
		     " calls, each failing once (EIO)\n",
	    kind, sweep(EIO, false, false));
	fault.is_asked_again = true;
	(void)printf("keyring, %s: %" PRIu64
		     " calls, each failing once and asked for again\n",
	    kind, sweep(EIO, false, false));
	fault.is_asked_again = false;
	(void)printf("keyring, %s: %" PRIu64
		     " calls, failing from there on (EIO)\n",
	    kind, sweep(EIO, true, false));
	(void)printf("keyring, %s: %" PRIu64
		     " calls, disk full from there on\n",
	    kind, sweep(ENOSPC, true, false));
	(void)printf("keyring, %s: %" PRIu64
		     " calls, the last before a power cut\n",
	    kind, sweep(EIO, true, true));
}

int
main(void)
{
	first_key = secret_random(KEYRING_KEY_BYTES);
	second_key = secret_random(KEYRING_KEY_BYTES);
	AG_ASSERT(first_key != NULL && second_key != NULL);
	second.secret = second_key;
	for (int kind = KEYRING_FILE; kind <= KEYRING_ESCROW; kind++) {
		second.kind = (enum keyring_kind)kind;
		sweep_all(keyring_kind_name((unsigned int)kind));
	}
	secret_free(first_key);
	secret_free(second_key);
	return 0;
}
