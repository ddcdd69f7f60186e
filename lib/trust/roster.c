/*
 * Rosters: the statement all members sign, and who is who.
 *
 * FORMAT   statement  canonical CBOR, one item after another:
 *          [1, cluster, strategy, epoch, created_ms, incarnation,
 *           first_seq, genesis_state (32), member count, operator count]
 *          or, for a policy or a successor,
 *          [2, the same, policy operators, cluster id (32) | null,
 *           previous (32) | null]
 *          or, with observers,
 *          [3, the same as 2, observer count]
 *          then [name, address, node key (32)] for each member
 *          then the same for each observer
 *          then [name, key (32)] for each operator
 *
 *          signed     "aegis/roster/v1" NUL | statement
 *          approved   "aegis/succession/v1" NUL | statement
 *          link key   "aegis/link-key/v1" NUL | node key | link key
 *
 * RULES    1. A cluster of two or three tolerates no fault and would only
 *             look safe, so it is refused.
 *          2. No key stands in two places: a node key that is also a link
 *             key would let SSH signatures pass for votes, and a key shared
 *             by two members would let one vote for both.
 *          3. An observer checks certificates, so a strategy that has none
 *             has no observers.
 *          4. The statement holds everything that decides who may vote and
 *             make requests.  A signature on it is on exactly that.
 *
 * NOT HERE The text's grammar (roster_text.c), signing (identity.c), and what
 *          may follow a roster (succession.c).
 */
#include "trust/roster.h"

#include <string.h>

#include <sodium.h>

#include "base/fs.h"
#include "crypto/sign.h"
#include "trust/roster_text.h"

/* More than the encoding of a head, a member or an operator. */
#define PIECE_BYTES_MAX 640

typedef enum ag_status piece_fn(void *arg, struct bytes piece);

/* What a policy, a successor or observers add to the head. */
static void
encode_head_rest(struct encoder *e, const struct roster *roster)
{
	encoder_put_uint(e, roster->policy_operators);
	if (roster->is_successor) {
		encoder_put_bytes(e,
		    bytes_of(roster->cluster_id, CLUSTER_ID_BYTES));
		encoder_put_bytes(e,
		    bytes_of(roster->previous.data, DIGEST_BYTES));
	} else {
		encoder_put_null(e);
		encoder_put_null(e);
	}
	if (roster->observer_count > 0)
		encoder_put_uint(e, roster->observer_count);
}

/* As old a version as says it all: that of a statement never changes. */
static unsigned
head_version(const struct roster *roster)
{
	if (roster->observer_count > 0)
		return 3;
	return roster->is_successor || roster->policy_operators > 0 ? 2 : 1;
}

static void
encode_head(struct encoder *e, const struct roster *roster)
{
	static const size_t fields[] = { 0, 10, 13, 14 };
	const unsigned version = head_version(roster);

	encoder_put_array(e, fields[version]);
	encoder_put_uint(e, version);
	encoder_put_text(e, bytes_from_text(roster->cluster_name));
	encoder_put_text(e, bytes_from_text(roster->strategy));
	encoder_put_uint(e, roster->epoch);
	encoder_put_uint(e, roster->created_ms);
	encoder_put_uint(e, roster->incarnation);
	encoder_put_uint(e, roster->first_seq);
	encoder_put_bytes(e,
	    bytes_of(roster->genesis_state.data, DIGEST_BYTES));
	encoder_put_uint(e, roster->member_count);
	encoder_put_uint(e, roster->operator_count);
	if (version > 1)
		encode_head_rest(e, roster);
}

static void
encode_member(struct encoder *e, const struct roster_member *member)
{
	encoder_put_array(e, 3);
	encoder_put_text(e, bytes_from_text(member->name));
	encoder_put_text(e, bytes_from_text(member->address));
	encoder_put_bytes(e, bytes_of(member->node_key, PUBLIC_KEY_BYTES));
}

static void
encode_operator(struct encoder *e, const struct roster_operator *person)
{
	encoder_put_array(e, 2);
	encoder_put_text(e, bytes_from_text(person->name));
	encoder_put_bytes(e, bytes_of(person->key, PUBLIC_KEY_BYTES));
}

/* Hand the statement out piece by piece: it can be long, a piece not. */
static enum ag_status
each_piece(const struct roster *roster, piece_fn *take, void *arg)
{
	const uint32_t nodes = roster_node_count(roster);
	const uint32_t count = 1 + nodes + roster->operator_count;
	uint8_t out[PIECE_BYTES_MAX];
	enum ag_status status;
	struct bytes piece;
	struct encoder e;
	uint32_t i;

	for (i = 0; i < count; i++) {
		encoder_init(&e, out, sizeof(out));
		if (i == 0)
			encode_head(&e, roster);
		else if (i <= nodes)
			encode_member(&e, &roster->members[i - 1]);
		else
			encode_operator(&e, &roster->operators[i - 1 - nodes]);
		status = encoder_finish(&e, &piece);
		AG_ASSERT(status == AG_OK);
		status = take(arg, piece);
		if (status != AG_OK)
			return status;
	}
	return AG_OK;
}

static enum ag_status
hash_piece(void *arg, struct bytes piece)
{
	(void)crypto_generichash_update(arg, piece.data, piece.len);
	return AG_OK;
}

void
roster_seal(struct roster *roster)
{
	crypto_generichash_state hash;

	(void)crypto_generichash_init(&hash, NULL, 0, DIGEST_BYTES);
	(void)each_piece(roster, hash_piece, &hash);
	(void)crypto_generichash_final(&hash, roster->digest.data,
	    DIGEST_BYTES);
	roster->epoch_seq = roster->first_seq;
	if (!roster->is_successor)
		memcpy(roster->cluster_id, roster->digest.data,
		    CLUSTER_ID_BYTES);
}

static enum ag_status
append_piece(void *arg, struct bytes piece)
{
	return buf_append(arg, piece.data, piece.len);
}

/* A purpose's string has its NUL with it. */
static enum ag_status
statement_input(const struct roster *roster, const char *purpose,
    struct buf *out)
{
	enum ag_status status = buf_append(out, purpose, strlen(purpose) + 1);

	if (status != AG_OK)
		return status;
	return each_piece(roster, append_piece, out);
}

enum ag_status
roster_signing_input(const struct roster *roster, struct buf *out)
{
	return statement_input(roster, PURPOSE_ROSTER, out);
}

enum ag_status
roster_approval_input(const struct roster *roster, struct buf *out)
{
	return statement_input(roster, PURPOSE_SUCCESSION, out);
}

void
roster_link_input(struct signing *s,
    const uint8_t node_key[static PUBLIC_KEY_BYTES],
    const uint8_t link_key[static PUBLIC_KEY_BYTES])
{
	signing_begin(s, PURPOSE_LINK_KEY);
	signing_put(s, node_key, PUBLIC_KEY_BYTES);
	signing_put(s, link_key, PUBLIC_KEY_BYTES);
}

static bool
link_signature_holds(const struct roster_member *member)
{
	struct signing s;

	roster_link_input(&s, member->node_key, member->link_key);
	return sign_verify(member->node_key, signing_bytes(&s),
	    member->link_signature);
}

/* How a cluster may agree, and what its members may do to it then. */
static const struct {
	const char *name;
	enum fault_model faults;
} strategies[] = {
	{ "pbft", FAULTS_BYZANTINE },
	{ "raft", FAULTS_CRASH },
};

enum ag_status
roster_find_strategy(const char *name, enum fault_model *faults)
{
	size_t i;

	for (i = 0; i < sizeof(strategies) / sizeof(strategies[0]); i++)
		if (strcmp(strategies[i].name, name) == 0) {
			*faults = strategies[i].faults;
			return AG_OK;
		}
	return AG_ENOENT;
}

enum fault_model
roster_fault_model(const struct roster *roster)
{
	enum fault_model faults = FAULTS_BYZANTINE;

	(void)!roster_find_strategy(roster->strategy, &faults);
	return faults;
}

uint32_t
roster_faults(const struct roster *roster)
{
	return trust_faults(roster_fault_model(roster), roster->member_count);
}

uint32_t
roster_quorum(const struct roster *roster)
{
	return trust_quorum(roster_fault_model(roster), roster->member_count);
}

uint32_t
roster_node_count(const struct roster *roster)
{
	return roster->member_count + roster->observer_count;
}

/* The first so many bits. */
static uint32_t
bits_below(uint32_t count)
{
	return count < 32 ? (UINT32_C(1) << count) - 1 : UINT32_MAX;
}

uint32_t
roster_members(const struct roster *roster)
{
	return bits_below(roster->member_count);
}

uint32_t
roster_observers(const struct roster *roster)
{
	return bits_below(roster_node_count(roster)) & ~roster_members(roster);
}

enum ag_status
roster_check_member_count(enum fault_model faults, size_t count,
    struct ag_error *err)
{
	const size_t least = faults == FAULTS_CRASH ? 3 : 4;

	if (count == 1 || (count >= least && count <= TRUST_MEMBERS_MAX))
		return AG_OK;
	if (count == 0)
		return ag_fail(err, AG_EINVAL, "a roster needs a member");
	if (count > TRUST_MEMBERS_MAX)
		return ag_fail(err, AG_EINVAL,
		    "%zu members are too many: a cluster has at most %d", count,
		    TRUST_MEMBERS_MAX);
	if (faults == FAULTS_CRASH)
		return ag_fail(err, AG_EINVAL,
		    "%zu members tolerate no fault: a cluster of strategy "
		    "raft has 3 or more members (3 tolerate 1, 5 tolerate 2, "
		    "%d at most), or a single one for development",
		    count, TRUST_MEMBERS_MAX);
	return ag_fail(err, AG_EINVAL,
	    "%zu members tolerate no fault: a cluster has 4 or more members "
	    "(4 tolerate 1, 7 tolerate 2, %d at most), or a single one for "
	    "development",
	    count, TRUST_MEMBERS_MAX);
}

static bool
keys_equal(const uint8_t *a, const uint8_t *b)
{
	return memcmp(a, b, PUBLIC_KEY_BYTES) == 0;
}

/* What an earlier member has in common with member index, or NULL. */
static const char *
shared_with_earlier(const struct roster *roster, uint32_t index)
{
	const struct roster_member *m = &roster->members[index];
	uint32_t i;

	if (keys_equal(m->node_key, m->link_key))
		return "its node key is its link key, too";
	for (i = 0; i < index; i++) {
		const struct roster_member *other = &roster->members[i];

		if (strcmp(m->name, other->name) == 0)
			return "another member has the same name";
		if (strcmp(m->address, other->address) == 0)
			return "another member has the same address";
		if (keys_equal(m->node_key, other->node_key) ||
		    keys_equal(m->node_key, other->link_key) ||
		    keys_equal(m->link_key, other->node_key) ||
		    keys_equal(m->link_key, other->link_key))
			return "another member has one of its keys";
	}
	return NULL;
}

static const char *
operator_shares(const struct roster *roster, uint32_t index)
{
	const struct roster_operator *o = &roster->operators[index];
	uint32_t i;

	for (i = 0; i < index; i++) {
		if (strcmp(o->name, roster->operators[i].name) == 0)
			return "another operator has the same name";
		if (keys_equal(o->key, roster->operators[i].key))
			return "another operator has the same key";
	}
	if (roster_find_node_key(roster, o->key) != -1 ||
	    roster_find_link_key(roster, o->key) != -1)
		return "a member has the same key";
	return NULL;
}

/* Errors begin with "file:line:1: " when lines are known. */
static enum ag_status
fail_at(enum ag_status status, const char *name, uint32_t line,
    const char *kind, const char *who, const char *why, struct ag_error *err)
{
	(void)ag_fail(err, status, "%s %s: %s", kind, who, why);
	if (name != NULL)
		ag_error_prefix(err, "%s:%u:1", name, line);
	return status;
}

/* What the head says of approval that can not be, or NULL. */
static const char *
policy_fails(const struct roster *roster)
{
	uint32_t i, k;

	if (roster->policy_operators > roster->operator_count)
		return "its policy asks for more operators than it names";
	if (roster->is_successor && roster->epoch == 0)
		return "a successor's epoch is above 0";
	if (roster->approval_count > 0 && !roster->is_successor)
		return "approvals belong in a successor";
	for (i = 0; i < roster->approval_count; i++)
		for (k = 0; k < i; k++)
			if (keys_equal(roster->approvals[i].key,
				roster->approvals[k].key))
				return "one key approves twice";
	return NULL;
}

/* As many of both kinds as there may be. */
static enum ag_status
check_counts(const struct roster *roster, struct ag_error *err)
{
	enum fault_model faults = roster_fault_model(roster);
	enum ag_status status =
	    roster_check_member_count(faults, roster->member_count, err);

	if (status != AG_OK || roster->observer_count == 0)
		return status;
	if (faults == FAULTS_CRASH)
		return ag_fail(err, AG_EINVAL,
		    "strategy %s has no observers: nobody certifies what it "
		    "decides, so they could check nothing",
		    roster->strategy);
	if (roster_node_count(roster) > TRUST_MEMBERS_MAX)
		return ag_fail(err, AG_EINVAL,
		    "%u members and %u observers are too many: a cluster has "
		    "at most %d nodes",
		    roster->member_count, roster->observer_count,
		    TRUST_MEMBERS_MAX);
	return AG_OK;
}

static enum ag_status
check_all(const struct roster *roster, const struct roster_lines *lines,
    const char *name, struct ag_error *err)
{
	enum ag_status status = check_counts(roster, err);
	const char *why;
	uint32_t i;

	if (status != AG_OK) {
		if (name != NULL)
			ag_error_prefix(err, "%s", name);
		return status;
	}
	for (i = 0; i < roster_node_count(roster); i++) {
		const struct roster_member *m = &roster->members[i];

		why = shared_with_earlier(roster, i);
		if (why != NULL)
			return fail_at(AG_EINVAL, name, lines->members[i],
			    "member", m->name, why, err);
		if (!link_signature_holds(m))
			return fail_at(AG_EFORGED, name, lines->members[i],
			    "member", m->name,
			    "link-signature is not its node key's", err);
	}
	for (i = 0; i < roster->operator_count; i++) {
		why = operator_shares(roster, i);
		if (why != NULL)
			return fail_at(AG_EINVAL, name, lines->operators[i],
			    "operator", roster->operators[i].name, why, err);
	}
	why = policy_fails(roster);
	if (why == NULL)
		return AG_OK;
	(void)ag_fail(err, AG_EINVAL, "%s", why);
	if (name != NULL)
		ag_error_prefix(err, "%s", name);
	return AG_EINVAL;
}

enum ag_status
roster_check(const struct roster *roster, struct ag_error *err)
{
	static const struct roster_lines none;

	return check_all(roster, &none, NULL, err);
}

static enum ag_status
verify_approvals(const struct roster *roster, const char *name,
    struct ag_error *err)
{
	enum ag_status status;
	struct buf input;
	uint32_t i;

	buf_init(&input, ROSTER_FILE_BYTES_MAX);
	status = roster_approval_input(roster, &input);
	if (status != AG_OK)
		status = ag_fail(err, status, "%s: %s", name,
		    ag_status_text(status));
	for (i = 0; status == AG_OK && i < roster->approval_count; i++) {
		const struct roster_approval *a = &roster->approvals[i];

		if (!sign_verify(a->key, buf_bytes(&input), a->signature))
			status = ag_fail(err, AG_EFORGED,
			    "%s: approval %u does not fit this roster", name,
			    i + 1);
	}
	buf_fini(&input);
	return status;
}

static enum ag_status
verify_signatures(const struct roster *roster, const struct roster_lines *lines,
    const char *name, struct ag_error *err)
{
	enum ag_status status;
	struct buf input;
	uint32_t i;

	buf_init(&input, ROSTER_FILE_BYTES_MAX);
	status = roster_signing_input(roster, &input);
	if (status != AG_OK)
		status = ag_fail(err, status, "read roster %s: %s", name,
		    ag_status_text(status));
	for (i = 0; status == AG_OK && i < roster_node_count(roster); i++) {
		const struct roster_member *m = &roster->members[i];

		if (m->is_signed &&
		    !sign_verify(m->node_key, buf_bytes(&input), m->signature))
			status = fail_at(AG_EFORGED, name, lines->members[i],
			    "member", m->name,
			    "signature does not fit this roster", err);
	}
	buf_fini(&input);
	return status;
}

enum ag_status
roster_parse(struct roster *roster, struct bytes text, const char *name,
    struct ag_error *err)
{
	struct roster_lines lines = { 0 };
	enum ag_status status;

	if (text.len > ROSTER_FILE_BYTES_MAX)
		return ag_fail(err, AG_EINVAL, "%s: longer than %u bytes", name,
		    ROSTER_FILE_BYTES_MAX);
	status = roster_text_parse(roster, &lines, text, name, err);
	if (status == AG_OK)
		status = check_all(roster, &lines, name, err);
	if (status != AG_OK)
		return status;
	roster_seal(roster);
	status = verify_signatures(roster, &lines, name, err);
	return status == AG_OK ? verify_approvals(roster, name, err) : status;
}

enum ag_status
roster_load(struct roster *roster, const char *path, struct ag_error *err)
{
	enum ag_status status;
	struct buf text;

	buf_init(&text, ROSTER_FILE_BYTES_MAX);
	status = fs_read_file(path, &text, err);
	if (status == AG_OK)
		status = roster_parse(roster, buf_bytes(&text), path, err);
	buf_fini(&text);
	return status;
}

enum ag_status
roster_format(const struct roster *roster, struct buf *out)
{
	return roster_text_format(roster, out);
}

enum ag_status
roster_load_member(struct roster_member *member, const char *path,
    struct ag_error *err)
{
	enum ag_status status;
	struct buf text;

	buf_init(&text, ROSTER_FILE_BYTES_MAX);
	status = fs_read_file(path, &text, err);
	if (status == AG_OK)
		status = roster_text_parse_member(member, buf_bytes(&text),
		    path, err);
	if (status == AG_OK && !link_signature_holds(member))
		status = ag_fail(err, AG_EFORGED,
		    "%s: member %s: link-signature is not its node key's", path,
		    member->name);
	buf_fini(&text);
	return status;
}

enum ag_status
roster_format_member(const struct roster_member *member, struct buf *out)
{
	return roster_text_format_member(member, out);
}

bool
roster_is_complete(const struct roster *roster)
{
	uint32_t i;

	if (roster->is_successor)
		return roster->is_proved;
	for (i = 0; i < roster_node_count(roster); i++)
		if (!roster->members[i].is_signed)
			return false;
	return roster->member_count > 0;
}

void
roster_put_last(struct roster *roster, const struct roster_member *member)
{
	const uint32_t nodes = roster_node_count(roster);
	const uint32_t at = member->is_observer ? nodes : roster->member_count;

	AG_ASSERT(nodes < TRUST_MEMBERS_MAX);
	memmove(&roster->members[at + 1], &roster->members[at],
	    (nodes - at) * sizeof(roster->members[0]));
	roster->members[at] = *member;
	roster->members[at].is_signed = false;
	if (member->is_observer)
		roster->observer_count++;
	else
		roster->member_count++;
}

int
roster_find_name(const struct roster *roster, const char *name)
{
	uint32_t i;

	for (i = 0; i < roster_node_count(roster); i++)
		if (strcmp(roster->members[i].name, name) == 0)
			return (int)i;
	return -1;
}

int
roster_find_node_key(const struct roster *roster,
    const uint8_t key[static PUBLIC_KEY_BYTES])
{
	uint32_t i;

	for (i = 0; i < roster_node_count(roster); i++)
		if (keys_equal(roster->members[i].node_key, key))
			return (int)i;
	return -1;
}

int
roster_find_link_key(const struct roster *roster,
    const uint8_t key[static PUBLIC_KEY_BYTES])
{
	uint32_t i;

	for (i = 0; i < roster_node_count(roster); i++)
		if (keys_equal(roster->members[i].link_key, key))
			return (int)i;
	return -1;
}

int
roster_find_operator(const struct roster *roster,
    const uint8_t key[static PUBLIC_KEY_BYTES])
{
	uint32_t i;

	for (i = 0; i < roster->operator_count; i++)
		if (keys_equal(roster->operators[i].key, key))
			return (int)i;
	return -1;
}

bool
roster_may_approve(const struct roster *roster,
    const uint8_t key[static PUBLIC_KEY_BYTES])
{
	int node;

	if (roster->policy_operators > 0)
		return roster_find_operator(roster, key) != -1;
	node = roster_find_node_key(roster, key);
	return node != -1 && (uint32_t)node < roster->member_count;
}

uint32_t
roster_approvals_needed(const struct roster *roster)
{
	return roster->policy_operators > 0 ? roster->policy_operators
					    : roster_quorum(roster);
}

bool
roster_is_principal(const struct roster *roster,
    const uint8_t key[static PUBLIC_KEY_BYTES])
{
	return roster_find_node_key(roster, key) != -1 ||
	    roster_find_operator(roster, key) != -1;
}

void
roster_scope(const struct roster *roster, struct trust_scope *scope)
{
	memcpy(scope->cluster_id, roster->cluster_id, CLUSTER_ID_BYTES);
	scope->epoch = roster->epoch;
	scope->faults = roster_fault_model(roster);
}

static void
roster_can_not_sign(void *ctx, struct bytes message,
    uint8_t signature[static SIGNATURE_BYTES])
{
	(void)ctx;
	(void)message;
	(void)signature;
	ag_assert_failed("a roster verifies and never signs", __FILE__,
	    __LINE__);
}

static bool
roster_verify(void *ctx, uint32_t member, struct bytes message,
    const uint8_t signature[static SIGNATURE_BYTES])
{
	const struct roster *roster = ctx;

	return member < roster->member_count &&
	    sign_verify(roster->members[member].node_key, message, signature);
}

static bool
roster_verify_request(void *ctx,
    const uint8_t principal[static PUBLIC_KEY_BYTES], struct bytes message,
    const uint8_t signature[static SIGNATURE_BYTES])
{
	return roster_is_principal(ctx, principal) &&
	    sign_verify(principal, message, signature);
}

const struct authority roster_authority = {
	.sign = roster_can_not_sign,
	.verify = roster_verify,
	.verify_request = roster_verify_request,
};
