/*
 * Orders about key epochs: begin the next one, or change when one begins.
 *
 * What an order says goes to all members alike, and each obeys with keys of
 * its own: there is no key in it.  It takes as many approvals as a change of
 * the members does, for who may put rotation off could as well have no
 * rotation at all, and who may rotate at will could keep every node busy.
 *
 * FORMAT   of the file, and of what goes through agreement, canonical CBOR:
 *          ["aegis-key-order", 1, body, [[key (32), signature (64)]...]]
 *          body     [cluster id (32), serial, action, reason, policy | null],
 *                   in a byte string; the policy is that of a change of it
 *          policy   [max age in ms, max bytes, any change of the members]
 *          signed   "aegis/key-order/v1" NUL | cluster id | BLAKE2b-256 of
 *                   the body
 *
 * The serial is how many times key epochs were decided on before, so that an
 * order is good once, and dead when anything came before it.
 *
 * Ownership  caller's storage; nothing to free.
 * Threads    no shared state.
 */
#ifndef AEGIS_TRUST_KEY_ORDER_H
#define AEGIS_TRUST_KEY_ORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "codec/operation.h"
#include "crypto/signer.h"
#include "trust/roster.h"

#define KEY_ORDER_REASON_BYTES 201 /* with its NUL */
#define KEY_ORDER_BODY_BYTES_MAX 384
#define KEY_ORDER_APPROVALS_MAX 64
#define KEY_ORDER_BYTES_MAX OPERATION_KEY_ORDER_BYTES_MAX

/* No epoch is younger than an hour, or smaller than a MiB, by policy. */
#define KEY_POLICY_AGE_MS_LEAST (UINT64_C(3600) * 1000)
#define KEY_POLICY_AGE_MS_MOST (UINT64_C(3650) * 24 * 3600 * 1000)
#define KEY_POLICY_BYTES_LEAST (UINT64_C(1) << 20)
#define KEY_POLICY_BYTES_MOST (UINT64_C(1) << 60)

/* When a new epoch begins by itself.  A member that goes always begins one. */
struct key_policy {
	uint64_t max_age_ms;   /* by agreed time; 0: whatever its age */
	uint64_t max_bytes;    /* of values written; 0: however many */
	bool on_member_change; /* also when none goes */
};

enum key_action {
	KEY_ACTION_ROTATE = 1,
	KEY_ACTION_ROTATE_NOW = 2, /* the present keys may be known */
	KEY_ACTION_POLICY = 3,
};

struct key_approval {
	uint8_t key[PUBLIC_KEY_BYTES];
	uint8_t signature[SIGNATURE_BYTES];
};

struct key_order {
	uint8_t cluster_id[CLUSTER_ID_BYTES];
	uint64_t serial;
	enum key_action action;
	char reason[KEY_ORDER_REASON_BYTES]; /* in a line; may be empty */
	struct key_policy policy;            /* of KEY_ACTION_POLICY */
	uint32_t approval_count;
	struct key_approval approvals[KEY_ORDER_APPROVALS_MAX];
};

/* Text that can be shown in a line. */
bool key_order_is_reason(struct bytes text);

/* AG_EINVAL says which of its limits is out of bounds. */
enum ag_status key_policy_check(const struct key_policy *policy,
    struct ag_error *err) AG_MUST_USE;

/* As part of another encoding. */
void key_policy_encode(struct encoder *e, const struct key_policy *policy);
void key_policy_decode(struct decoder *d, struct key_policy *policy);

/* Into out, of KEY_ORDER_BYTES_MAX. */
struct bytes key_order_encode(const struct key_order *order, uint8_t *out);

/* Hostile bytes.  Signatures are key_order_verify()'s.  AG_EPROTO. */
enum ag_status key_order_decode(struct key_order *order, struct bytes input,
    struct ag_error *err) AG_MUST_USE;

/*
 * Approve.  AG_ENOENT: the key's approval does not count.
 */
enum ag_status key_order_sign(struct key_order *order,
    const struct roster *roster, const struct signer *signer,
    struct ag_error *err) AG_MUST_USE;

/* How many of its approvals count. */
uint32_t key_order_approved(const struct key_order *order,
    const struct roster *roster);

/*
 * AG_ECONFLICT  it is for another cluster
 * AG_EFORGED    too few approvals count
 */
enum ag_status key_order_verify(const struct key_order *order,
    const struct roster *roster, struct ag_error *err) AG_MUST_USE;

#endif
