/*
 * Operations as canonical CBOR.
 *
 * Every replica must accept and refuse exactly the same bytes, so all bounds
 * are checked here, once, and execution trusts what was decoded.
 *
 * RULES    1. One operation has one encoding: shapes are fixed, and the
 *             decoder refuses any head that is longer than needed.
 *          2. A key has 1..KEY_BYTES_MAX bytes, a value at most
 *             VALUE_BYTES_MAX, the whole at most OPERATION_BYTES_MAX.
 *          3. A list in a transaction holds puts and deletes only.
 *          4. Nobody writes a reserved key but the execution of what it is
 *             about.
 *
 * NOT HERE What operations do (store/execute.c).
 */
#include "codec/operation.h"

#include "codec/lease.h"

bool
operation_key_is_reserved(struct bytes key)
{
	return bytes_has_prefix(key,
	    bytes_of(KEY_RESERVED, sizeof(KEY_RESERVED) - 1));
}

struct bytes
operation_roster_key(void)
{
	return bytes_of(KEY_ROSTER, sizeof(KEY_ROSTER) - 1);
}

struct bytes
operation_epochs_key(void)
{
	return bytes_of(KEY_EPOCHS, sizeof(KEY_EPOCHS) - 1);
}

static void
change_encode(struct encoder *e, const struct change *change)
{
	bool is_put = change->kind == OPERATION_PUT;
	bool has_lease = is_put && change->lease != 0;

	encoder_put_array(e, has_lease ? 5 : is_put ? 4 : 3);
	encoder_put_uint(e, change->kind);
	encoder_put_bytes(e, change->key);
	if (is_put)
		encoder_put_bytes(e, change->value);
	if (change->has_if_version)
		encoder_put_uint(e, change->if_version);
	else
		encoder_put_null(e);
	if (has_lease)
		encoder_put_uint(e, change->lease);
}

static void
compare_encode(struct encoder *e, const struct compare *compare)
{
	encoder_put_array(e, 3);
	encoder_put_uint(e, compare->kind);
	encoder_put_bytes(e, compare->key);
	if (compare->kind == COMPARE_VALUE)
		encoder_put_bytes(e, compare->value);
	else
		encoder_put_uint(e, compare->number);
}

static void
txn_encode(struct encoder *e, const struct operation *op)
{
	size_t i, list;

	encoder_put_array(e, 4);
	encoder_put_uint(e, OPERATION_TXN);
	encoder_put_array(e, op->compare_count);
	for (i = 0; i < op->compare_count; i++)
		compare_encode(e, &op->compares[i]);
	for (list = 0; list < 2; list++) {
		encoder_put_array(e, op->change_count[list]);
		for (i = 0; i < op->change_count[list]; i++)
			change_encode(e, &op->changes[list][i]);
	}
}

void
operation_encode(struct encoder *e, const struct operation *op)
{
	switch (op->kind) {
	case OPERATION_PUT:
	case OPERATION_DELETE:
		change_encode(e, &op->change);
		break;
	case OPERATION_TXN:
		AG_ASSERT(op->compare_count <= TXN_COMPARES_MAX);
		AG_ASSERT(op->change_count[0] <= TXN_OPERATIONS_MAX);
		AG_ASSERT(op->change_count[1] <= TXN_OPERATIONS_MAX);
		txn_encode(e, op);
		break;
	case OPERATION_BARRIER:
		encoder_put_array(e, 1);
		encoder_put_uint(e, OPERATION_BARRIER);
		break;
	case OPERATION_MEMBERSHIP:
		encoder_put_array(e, 2);
		encoder_put_uint(e, OPERATION_MEMBERSHIP);
		encoder_put_bytes(e, op->roster);
		break;
	case OPERATION_KEYS:
		encoder_put_array(e, 2);
		encoder_put_uint(e, OPERATION_KEYS);
		encoder_put_bytes(e, op->order);
		break;
	case OPERATION_GRANT:
	case OPERATION_KEEP_ALIVE:
	case OPERATION_REVOKE:
		encoder_put_array(e, 2);
		encoder_put_uint(e, op->kind);
		encoder_put_uint(e,
		    op->kind == OPERATION_GRANT ? op->ttl_s : op->lease);
		break;
	}
}

static struct bytes
key_decode(struct decoder *d)
{
	struct bytes key = decoder_get_bytes_max(d, KEY_BYTES_MAX);

	if (key.len == 0)
		decoder_fail(d, "empty key");
	if (operation_key_is_reserved(key))
		decoder_fail(d, "a key of the cluster's own");
	return key;
}

/* What follows the kind in an array of count elements. */
static void
change_decode_rest(struct decoder *d, struct change *change,
    enum operation_kind kind, size_t count)
{
	const bool is_put = kind == OPERATION_PUT;
	const bool has_lease = is_put && count == 5;

	*change = (struct change){ .kind = kind };
	if (count != (is_put ? 4 : 3) && !has_lease)
		decoder_fail(d, "array of the wrong length");
	change->key = key_decode(d);
	if (is_put)
		change->value = decoder_get_bytes_max(d, VALUE_BYTES_MAX);
	if (!decoder_failed(d) && !decoder_get_null(d)) {
		change->has_if_version = true;
		change->if_version = decoder_get_uint(d);
	}
	if (has_lease)
		change->lease = lease_get_id(d);
}

static void
change_decode(struct decoder *d, struct change *change)
{
	size_t count = decoder_get_array_max(d, 5);
	uint64_t kind = decoder_get_uint(d);

	if (kind != OPERATION_PUT && kind != OPERATION_DELETE)
		decoder_fail(d, "expected a put or a delete");
	change_decode_rest(d, change,
	    kind == OPERATION_PUT ? OPERATION_PUT : OPERATION_DELETE, count);
}

static void
compare_decode(struct decoder *d, struct compare *compare)
{
	uint64_t kind;

	*compare = (struct compare){ .kind = COMPARE_EXISTS };
	decoder_expect_array(d, 3);
	kind = decoder_get_uint(d);
	compare->key = key_decode(d);
	if (kind == COMPARE_VERSION) {
		compare->kind = COMPARE_VERSION;
		compare->number = decoder_get_uint(d);
	} else if (kind == COMPARE_VALUE) {
		compare->kind = COMPARE_VALUE;
		compare->value = decoder_get_bytes_max(d, VALUE_BYTES_MAX);
	} else if (kind == COMPARE_EXISTS) {
		compare->number = decoder_get_uint_max(d, 1);
	} else {
		decoder_fail(d, "unknown kind of compare");
	}
}

static void
txn_decode_rest(struct decoder *d, struct operation *op, size_t count)
{
	size_t i, list;

	if (count != 4)
		decoder_fail(d, "array of the wrong length");
	op->compare_count = decoder_get_array_max(d, TXN_COMPARES_MAX);
	for (i = 0; i < op->compare_count; i++)
		compare_decode(d, &op->compares[i]);
	for (list = 0; list < 2; list++) {
		op->change_count[list] =
		    decoder_get_array_max(d, TXN_OPERATIONS_MAX);
		for (i = 0; i < op->change_count[list]; i++)
			change_decode(d, &op->changes[list][i]);
	}
}

/* What follows the kind in an operation about a lease. */
static void
lease_decode_rest(struct decoder *d, struct operation *op, size_t count)
{
	if (count != 2)
		decoder_fail(d, "array of the wrong length");
	if (op->kind == OPERATION_GRANT)
		op->ttl_s = lease_get_ttl(d);
	else
		op->lease = lease_get_id(d);
}

enum ag_status
operation_decode(struct operation *op, struct bytes input, struct ag_error *err)
{
	struct decoder d;
	size_t count;
	uint64_t kind;

	op->change = (struct change){ .kind = OPERATION_BARRIER };
	op->roster = bytes_of(NULL, 0);
	op->order = bytes_of(NULL, 0);
	op->ttl_s = 0;
	op->lease = 0;
	op->compare_count = 0;
	op->change_count[0] = 0;
	op->change_count[1] = 0;
	op->kind = OPERATION_BARRIER;
	if (input.len > OPERATION_BYTES_MAX)
		return ag_fail(err, AG_EPROTO,
		    "operation of %zu bytes, at "
		    "most %u are allowed",
		    input.len, OPERATION_BYTES_MAX);
	decoder_init(&d, input);
	count = decoder_get_array_max(&d, 5);
	kind = decoder_get_uint(&d);
	if (kind == OPERATION_PUT || kind == OPERATION_DELETE) {
		op->kind =
		    kind == OPERATION_PUT ? OPERATION_PUT : OPERATION_DELETE;
		change_decode_rest(&d, &op->change, op->kind, count);
	} else if (kind == OPERATION_TXN) {
		op->kind = OPERATION_TXN;
		txn_decode_rest(&d, op, count);
	} else if (kind == OPERATION_MEMBERSHIP) {
		op->kind = OPERATION_MEMBERSHIP;
		if (count != 2)
			decoder_fail(&d, "array of the wrong length");
		op->roster =
		    decoder_get_bytes_max(&d, OPERATION_ROSTER_BYTES_MAX);
	} else if (kind == OPERATION_KEYS) {
		op->kind = OPERATION_KEYS;
		if (count != 2)
			decoder_fail(&d, "array of the wrong length");
		op->order =
		    decoder_get_bytes_max(&d, OPERATION_KEY_ORDER_BYTES_MAX);
	} else if (kind >= OPERATION_GRANT && kind <= OPERATION_REVOKE) {
		op->kind = (enum operation_kind)kind;
		lease_decode_rest(&d, op, count);
	} else if (kind != OPERATION_BARRIER) {
		decoder_fail(&d, "unknown kind of operation");
	} else if (count != 1) {
		decoder_fail(&d, "array of the wrong length");
	}
	return decoder_finish(&d, err);
}

const char *
result_code_name(enum result_code code)
{
	static const char *const names[RESULT_CODE_COUNT] = {
		[RESULT_DONE] = "DONE",
		[RESULT_CONFLICT] = "CONFLICT",
		[RESULT_ELSE] = "ELSE",
		[RESULT_NOT_FOUND] = "NOT_FOUND",
		[RESULT_EXPIRED] = "EXPIRED",
		[RESULT_INVALID] = "INVALID",
		[RESULT_STALE] = "STALE",
		[RESULT_NO_LEASE] = "NO_LEASE",
		[RESULT_FULL] = "FULL",
	};

	return (unsigned int)code < RESULT_CODE_COUNT ? names[code] : "UNKNOWN";
}
