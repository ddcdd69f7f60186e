/*
 * Operations on the store and their results, as agreed and as answered.
 *
 * An operation is what a request carries through agreement; every replica
 * decodes the same bytes and reaches the same result.  Both encodings are
 * canonical CBOR arrays.
 *
 * FORMAT  put         [1, key, value, if_version | null]
 *                     [1, key, value, if_version | null, lease]
 *         delete      [2, key, if_version | null]
 *         txn         [3, [compare…], [op…] then, [op…] else]
 *                     compare  [kind, key, operand]; op  put or delete
 *         barrier     [4]   changes nothing; orders a linearizable read
 *         membership  [5, roster]   a successor's text (trust/succession.h)
 *         keys        [6, order]    about key epochs (trust/key_order.h)
 *         grant       [7, seconds]  a lease of so long a life
 *         keep alive  [8, lease]    for as long again, from now on
 *         revoke      [9, lease]    with the keys attached to it
 *         result      [code, seq, version, previous_version, [result…]]
 *
 * if_version: the key's version must be this for the operation to happen;
 * 0 means the key must be absent.
 *
 * lease: the key goes when that lease does (codec/lease.h); one put without
 * is attached to none.  What comes of a grant, a keep alive or a revoke has
 * the lease's number for a version, and for the previous one when it expires,
 * in agreed milliseconds.
 *
 * Keys that begin with a zero byte and "aegis/" are the cluster's own: all may
 * read them, and no put, delete or txn may name one.
 */
#ifndef AEGIS_CODEC_OPERATION_H
#define AEGIS_CODEC_OPERATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "codec/decoder.h"
#include "codec/encoder.h"

#define KEY_BYTES_MAX 1024
#define VALUE_BYTES_MAX (1U << 20)
#define TXN_COMPARES_MAX 64
#define TXN_OPERATIONS_MAX 64

/* Keys of the cluster's own: the newest successor, and the key epochs. */
#define KEY_RESERVED "\0aegis/"
#define KEY_RESERVED_END "\0aegis0" /* before the first that is behind them */
#define KEY_ROSTER KEY_RESERVED "roster"
#define KEY_EPOCHS KEY_RESERVED "key-epochs"

/* What requests for escrowed secrets stand under (lib/escrow/recovery.h). */
#define KEY_ESCROW_REQUESTS "escrow/requests/"

#define OPERATION_ROSTER_BYTES_MAX (256U << 10)
#define OPERATION_KEY_ORDER_BYTES_MAX (8U << 10)

/* An encoded operation never exceeds this. */
#define OPERATION_BYTES_MAX (VALUE_BYTES_MAX + (256U << 10))

enum operation_kind {
	OPERATION_PUT = 1,
	OPERATION_DELETE = 2,
	OPERATION_TXN = 3,
	OPERATION_BARRIER = 4,
	OPERATION_MEMBERSHIP = 5,
	OPERATION_KEYS = 6,
	OPERATION_GRANT = 7,
	OPERATION_KEEP_ALIVE = 8,
	OPERATION_REVOKE = 9,
};

enum compare_kind {
	COMPARE_VERSION = 1, /* operand: version, 0 for absent */
	COMPARE_VALUE = 2,   /* operand: the exact value */
	COMPARE_EXISTS = 3,  /* operand: 1 present, 0 absent */
};

struct compare {
	enum compare_kind kind;
	struct bytes key;
	struct bytes value; /* COMPARE_VALUE */
	uint64_t number;    /* COMPARE_VERSION, COMPARE_EXISTS */
};

/* One key changed: a put or a delete. */
struct change {
	enum operation_kind kind;
	struct bytes key;
	struct bytes value;
	bool has_if_version;
	uint64_t if_version;
	uint64_t lease; /* of a put; 0: none */
};

bool operation_key_is_reserved(struct bytes key);

/* KEY_ROSTER and KEY_EPOCHS, which have a zero byte in them. */
struct bytes operation_roster_key(void);
struct bytes operation_epochs_key(void);

/* All pointers are borrowed from the decoded bytes or the caller. */
struct operation {
	enum operation_kind kind;
	struct change change; /* PUT, DELETE */
	struct bytes roster;  /* MEMBERSHIP */
	struct bytes order;   /* KEYS */
	uint32_t ttl_s;       /* GRANT */
	uint64_t lease;       /* KEEP_ALIVE, REVOKE */
	struct compare compares[TXN_COMPARES_MAX];
	size_t compare_count;
	struct change changes[2][TXN_OPERATIONS_MAX]; /* [0] then, [1] else */
	size_t change_count[2];
};

void operation_encode(struct encoder *e, const struct operation *op);

/* Decodes and validates: key 1..KEY_BYTES_MAX bytes, values in bounds. */
enum ag_status operation_decode(struct operation *op, struct bytes input,
    struct ag_error *err) AG_MUST_USE;

enum result_code {
	RESULT_DONE = 0,      /* it happened (txn: compares held) */
	RESULT_CONFLICT = 1,  /* if_version did not match: nothing changed */
	RESULT_ELSE = 2,      /* txn: a compare failed, else list applied */
	RESULT_NOT_FOUND = 3, /* delete of an absent key */
	RESULT_EXPIRED = 4,   /* past its expiry: nothing changed */
	RESULT_INVALID = 5,   /* bytes that are not an operation */
	RESULT_STALE = 6,     /* number too old for the client table */
	RESULT_NO_LEASE = 7,  /* none of that number: nothing changed */
	RESULT_FULL = 8,      /* as many leases, or keys of one, as may be */
	RESULT_CODE_COUNT
};

struct result {
	enum result_code code;
	uint64_t seq;              /* where in the agreed order */
	uint64_t version;          /* of the key after; 0 when absent */
	uint64_t previous_version; /* of the key before; 0 when absent */
};

const char *result_code_name(enum result_code code);

#endif
