/*
 * A node's keyring: the keys that its files are sealed with.
 *
 * HIERARCHY  A slot (a passphrase, a key file elsewhere) opens the storage
 *            root, 32 random bytes.  The root wraps data keys, one for each
 *            epoch.  A data key is never used itself: for each purpose
 *            another key is derived of it (crypto/kdf.h).
 *
 *            So a passphrase changes, or a slot comes or goes, without
 *            anything but this file being written; and a new epoch begins
 *            without anything old being written again.
 *
 * STATES     of an epoch's key, as NIST SP 800-57 calls them:
 *            pre-active   durable, nothing is sealed with it yet
 *            active       seals and opens; there is exactly one, always
 *            deactivated  only opens
 *            destroyed    gone, and noted
 *            pre-active -> active -> deactivated -> destroyed, or
 *            pre-active -> destroyed.  A key is deactivated by the next one
 *            being activated, in one write.
 *
 * FORMAT     of a record: u32 epoch | nonce (24) | ciphertext | tag (16),
 *            little-endian: XChaCha20-Poly1305.  The nonce is random, so no
 *            copy of a node, and no node put back from an image, uses one
 *            again.
 *            aegis-keyring(5) has the file's; keyring_file.h the bytes.
 *
 * What this does not do: who has an older copy of the file, and what opened
 * it, opens what that copy could open.  So a removed slot is no protection
 * from who had it and kept a copy; only new epochs are.
 *
 * Ownership  keyring_open() hands out, keyring_close() takes back and wipes.
 * Threads    keyring_seal(), keyring_unseal() and keyring_look() from any at
 *            any time; changes one at a time.
 */
#ifndef AEGIS_KEYRING_KEYRING_H
#define AEGIS_KEYRING_KEYRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "crypto/secret.h"
#include "crypto/work.h"

#define KEYRING_ID_BYTES 16
#define KEYRING_CLUSTER_BYTES 32
#define KEYRING_NODE_BYTES 64 /* with its NUL */
#define KEYRING_LABEL_BYTES 64
#define KEYRING_KEY_BYTES 32
#define KEYRING_NAME_BYTES 512
#define KEYRING_DEVICE_BYTES_MAX 640
#define KEYRING_PACKAGE_BYTES 32
#define KEYRING_SLOTS_MAX 8
#define KEYRING_EPOCHS_MAX 16

/* What sealing adds; the plain bytes' place is behind the head. */
#define KEYRING_HEAD_BYTES 28
#define KEYRING_RECORD_BYTES 44

enum keyring_kind {
	KEYRING_PASSPHRASE = 1,
	KEYRING_FILE = 2,
	KEYRING_HSM = 3,
	KEYRING_ESCROW = 4,
	/* All above: kept and shown, not opened here. */
};

enum keyring_state {
	KEYRING_PRE_ACTIVE,
	KEYRING_ACTIVE,
	KEYRING_DEACTIVATED,
	KEYRING_DESTROYED,
};

enum keyring_purpose { KEYRING_VALUES, KEYRING_LOG, KEYRING_PURPOSES };

/* What a keyring says of itself: claims, until it was opened. */
struct keyring_look {
	uint8_t id[KEYRING_ID_BYTES];
	uint8_t cluster_id[KEYRING_CLUSTER_BYTES]; /* zero: not bound yet */
	char node[KEYRING_NODE_BYTES];
	uint64_t generation; /* +1 with each change */
	struct keyring_look_slot {
		unsigned int number; /* from 1 on */
		unsigned int kind;
		uint64_t created_ms;
		char label[KEYRING_LABEL_BYTES];
	} slots[KEYRING_SLOTS_MAX];
	/* Which token's key, or escrow package in hexadecimal; or empty. */
	char openers[KEYRING_SLOTS_MAX][KEYRING_NAME_BYTES];
	size_t slot_count;
	struct keyring_look_epoch {
		uint32_t epoch;
		enum keyring_state state;
		uint64_t created_ms;
	} epochs[KEYRING_EPOCHS_MAX]; /* rising */
	size_t epoch_count;
};

/*
 * A key that stays in a token and wraps the storage root.  Who knows tokens
 * has these functions; what they are called with is not theirs.
 */
struct keyring_device {
	/* Which one it is, for who reads it; shorter than KEYRING_NAME_BYTES */
	const char *name;
	void *arg;
	/* Into out, which has KEYRING_DEVICE_BYTES_MAX. */
	enum ag_status (*wrap)(void *arg, const char *context,
	    const struct secret *root, uint8_t *out, size_t *len,
	    struct ag_error *err);
	/* AG_EFORGED  not by this key and for this context, or changed */
	enum ag_status (*unwrap)(void *arg, const char *context,
	    struct bytes wrapped, struct secret **root, struct ag_error *err);
};

/*
 * What opens a slot: a passphrase; the KEYRING_KEY_BYTES of a key file, or that
 * are in escrow; or a device.
 */
struct keyring_opener {
	enum keyring_kind kind;
	const struct secret *secret;
	enum work_level work; /* of a passphrase that is set */
	const struct keyring_device *device;
	uint8_t package[KEYRING_PACKAGE_BYTES]; /* where escrow is set */
};

struct keyring;

/*
 * Make a keyring with one slot and an active key of epoch 1, not bound to a
 * cluster yet.  AG_EEXIST.
 */
enum ag_status keyring_create(const char *path, const char *node,
    const struct keyring_opener *opener, const char *label, uint64_t now_ms,
    struct ag_error *err) AG_MUST_USE;

/*
 * Open with any slot that opener fits; all of its kind are tried.  With
 * may_change, what a crash left is finished, and changes are allowed: one
 * process at a time.
 *
 * AG_ENOENT    there is none
 * AG_EDENIED   nothing that opener fits opens, or it is damaged; else what its
 *              device says
 * AG_EFORGED   it was changed by somebody who could not open it
 * AG_ECORRUPT  it can not be read;  AG_EVERSION a later program's
 */
enum ag_status keyring_open(struct keyring **out, const char *path,
    const struct keyring_opener *opener, bool may_change,
    struct ag_error *err) AG_MUST_USE;
void keyring_close(struct keyring *keyring);

/* Read what it says without opening it. */
enum ag_status keyring_look_at(struct keyring_look *look, const char *path,
    struct ag_error *err) AG_MUST_USE;
void keyring_look(struct keyring *keyring, struct keyring_look *look);

/* "passphrase"; NULL: a later program's. */
const char *keyring_kind_name(unsigned int kind);
const char *keyring_state_name(enum keyring_state state);

/*
 * The cluster whose data it is for, once and for all.
 * AG_ECONFLICT  it is another's
 */
enum ag_status keyring_bind(struct keyring *keyring,
    const uint8_t cluster_id[static KEYRING_CLUSTER_BYTES],
    struct ag_error *err) AG_MUST_USE;

/*
 * Slots.  Each change is durable when it returns, and leaves a slot that
 * opens.
 * AG_ELIMIT   there are KEYRING_SLOTS_MAX
 * AG_ENOENT   no slot has that number
 * AG_EREFUSED it is the last one that opens without custodians
 */
enum ag_status keyring_slot_add(struct keyring *keyring,
    const struct keyring_opener *opener, const char *label, uint64_t now_ms,
    unsigned int *number, struct ag_error *err) AG_MUST_USE;
enum ag_status keyring_slot_change(struct keyring *keyring, unsigned int number,
    const struct keyring_opener *opener, uint64_t now_ms,
    struct ag_error *err) AG_MUST_USE;
enum ag_status keyring_slot_remove(struct keyring *keyring, unsigned int number,
    struct ag_error *err) AG_MUST_USE;

/*
 * A new storage root, which wraps all data keys, in one write.  Slots that an
 * opener opens stay, with their numbers; the others fall away, for nobody here
 * has what they are wrapped with.  fits says which stay, as in the look.
 *
 * What was sealed before an older copy of the file still opens; what is sealed
 * with a key that is made afterwards it does not.
 * AG_EDENIED  no slot would be left, or none that opens without custodians
 */
void keyring_root_fit(const struct keyring *keyring,
    const struct keyring_opener *openers, size_t count,
    bool fits[static KEYRING_SLOTS_MAX]);
enum ag_status keyring_root_renew(struct keyring *keyring,
    const struct keyring_opener *openers, size_t count, uint64_t now_ms,
    struct ag_error *err) AG_MUST_USE;

/*
 * Did a change fail of which some may be in the file?  Then what was to open
 * it may be all that does.
 */
bool keyring_is_in_doubt(const struct keyring *keyring);

/*
 * Epochs.  Each is durable when it returns, and doing it a second time, as
 * after a crash, changes nothing.
 *
 * prepare   makes the key of an epoch above all that there are: a node that
 *           slept through some makes only the one it needs
 * activate  seals with it from now on, and no more with the one before
 * destroy   wipes a key that nothing is sealed with any more
 *
 * AG_ECONFLICT  the epoch's state does not allow it
 * AG_ENOENT     nothing is known of that epoch
 * AG_ELIMIT     too many keys are kept; destroy some first
 */
enum ag_status keyring_epoch_prepare(struct keyring *keyring, uint32_t epoch,
    uint64_t now_ms, struct ag_error *err) AG_MUST_USE;
enum ag_status keyring_epoch_activate(struct keyring *keyring, uint32_t epoch,
    struct ag_error *err) AG_MUST_USE;
enum ag_status keyring_epoch_destroy(struct keyring *keyring, uint32_t epoch,
    struct ag_error *err) AG_MUST_USE;

/* The active key's. */
uint32_t keyring_epoch(struct keyring *keyring);

/* That of a record, which stands in the open; 0: it is too short for one. */
uint32_t keyring_record_epoch(struct bytes record);

/* Of KEYRING_ID_BYTES, borrowed. */
const uint8_t *keyring_id(const struct keyring *keyring);

/*
 * Seal plain with the active key into out, which has plain.len +
 * KEYRING_RECORD_BYTES; plain may lie at out + KEYRING_HEAD_BYTES.  context is
 * not stored, but must be the same when opening.
 */
void keyring_seal(struct keyring *keyring, enum keyring_purpose purpose,
    struct bytes context, struct bytes plain, uint8_t *out);

/*
 * Open into out, which has record.len - KEYRING_RECORD_BYTES, or may be
 * record.data + KEYRING_HEAD_BYTES.
 * AG_EFORGED  of another keyring, context or purpose, of an epoch whose key
 *             is destroyed, or damaged
 */
enum ag_status keyring_unseal(struct keyring *keyring,
    enum keyring_purpose purpose, struct bytes context, struct bytes record,
    uint8_t *out, struct ag_error *err) AG_MUST_USE;

#endif
