/*
 * Key epochs in the replicated state: which one is, since when, and when the
 * next begins.  What is agreed is a number; keys are each node's own.
 *
 * FORMAT   the value of KEY_EPOCHS, canonical CBOR:
 *          [1, epoch, since seq, since ms, bytes, next, next seq, cause,
 *          reason, suspect, serial, policy]; policy as in trust/key_order.h.
 *          The entry's version is the serial and one, so that it never falls.
 *
 * RULES    1. What happens depends on the batches alone: on sequences, agreed
 *             times, bytes of values put, orders and successors.
 *          2. A decided epoch is active from KEY_EPOCHS_LEAD sequences later
 *             on: until then nodes make their keys durable.  No other is
 *             decided meanwhile; whatever asks for one has it.
 *          3. The present epoch began with the first value that was put in
 *             it, or with the batch that made it active: a key grows old
 *             from its use on.
 *          4. Who may know the present epoch's key may know the next one's,
 *             too, once that is decided: then another follows it at once.
 *          5. A state without the entry is at epoch 1, of which nothing was
 *             written yet.
 *
 * Ownership  caller's storage; nothing to free.
 * Threads    one at a time.
 */
#ifndef AEGIS_STORE_KEY_EPOCHS_H
#define AEGIS_STORE_KEY_EPOCHS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "codec/operation.h"
#include "trust/key_order.h"
#include "trust/roster.h"

/*
 * A busy cluster takes about as long for so many batches as a slow disk does
 * for the two syncs of a keyring.
 */
#define KEY_EPOCHS_LEAD 64

/* 30 days are what auditors ask for of keys that seal all day long. */
#define KEY_EPOCHS_AGE_MS (UINT64_C(30) * 24 * 3600 * 1000)

/*
 * Random nonces of 192 bits set no limit that a node could reach; this one
 * bounds what one key tells, and is what a busy node writes in some hours.
 */
#define KEY_EPOCHS_BYTES (UINT64_C(1) << 40)

#define KEY_EPOCHS_BYTES_MAX 512 /* of the encoding */

/* Why the next epoch was decided, or this one when there is no next. */
enum key_cause {
	KEY_CAUSE_NONE, /* the first */
	KEY_CAUSE_ORDER,
	KEY_CAUSE_SUSPECT, /* an order, for keys may be known */
	KEY_CAUSE_AGE,
	KEY_CAUSE_BYTES,
	KEY_CAUSE_MEMBERS,
	KEY_CAUSE_COUNT
};

struct key_epochs {
	uint32_t epoch;
	uint64_t since_seq;
	uint64_t since_ms; /* agreed; 0: nothing was sealed yet */
	uint64_t bytes;    /* of values put since */
	uint32_t next;     /* decided; 0: none is */
	uint64_t next_seq; /* active from there on */
	enum key_cause cause;
	char reason[KEY_ORDER_REASON_BYTES]; /* an order's */
	uint32_t suspect; /* keys up to this epoch's, which may be the next,
			     may be known; 0: none */
	uint64_t serial;  /* decisions so far */
	struct key_policy policy;

	/* Of the entry: not in its value. */
	uint64_t created, modified;
	bool is_changed; /* since it was saved */
};

void key_epochs_init(struct key_epochs *epochs);

/* Into out, of KEY_EPOCHS_BYTES_MAX. */
struct bytes key_epochs_encode(const struct key_epochs *epochs, uint8_t *out);

/* AG_ECORRUPT, AG_EVERSION. */
enum ag_status key_epochs_decode(struct key_epochs *epochs, struct bytes input,
    struct ag_error *err) AG_MUST_USE;

/* --- in a batch, in this order --- */

void key_epochs_begin_batch(struct key_epochs *epochs, uint64_t seq,
    uint64_t time_ms);
void key_epochs_count(struct key_epochs *epochs, uint64_t seq, uint64_t time_ms,
    uint64_t bytes);

/* present judges who approved.  What came of it is in *result. */
void key_epochs_execute(struct key_epochs *epochs, const struct roster *present,
    struct bytes order, uint64_t seq, uint64_t time_ms, struct result *result);

/* The members change by this batch. */
void key_epochs_change_members(struct key_epochs *epochs, bool has_left,
    uint64_t seq, uint64_t time_ms);
void key_epochs_end_batch(struct key_epochs *epochs, uint64_t seq,
    uint64_t time_ms);

const char *key_epochs_cause_name(enum key_cause cause); /* "age" */

#endif
