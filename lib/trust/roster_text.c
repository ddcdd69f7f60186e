/*
 * The grammar of rosters and member files: lines of words (trust/field.h).
 *
 * FORMAT   roster       "aegis-roster 1", head lines, then member blocks
 *                       and operator lines in any order
 *          member file  "aegis-member 1", then one member block
 *
 *          head         cluster NAME
 *                       strategy pbft
 *                       epoch NUMBER
 *                       created TIME            2026-11-24T04:31:07.415Z
 *                       incarnation NUMBER      these three only in the
 *                       first-seq NUMBER        roster of a restored
 *                       genesis-state HEX       cluster
 *                       policy operators NUMBER
 *                       cluster-id HEX          these two only in a
 *                       previous HEX            successor
 *          block        member NAME
 *                           role observer       of one that only follows
 *                           address HOST:PORT
 *                           node-key ssh-ed25519 BASE64
 *                           link-key ssh-ed25519 BASE64
 *                           link-signature BASE64
 *                           signature BASE64    once the member signed
 *          operator     operator NAME ssh-ed25519 BASE64
 *          approval     approval ssh-ed25519 BASE64 BASE64
 *                       key and signature, in a successor
 *
 * RULES    1. Every line of head and block but `role`, `signature`, `policy`
 *             and those of restored clusters and successors is required, and
 *             none may be there twice.
 *          2. Observers stand behind all members: their place is their
 *             number, and no voter's.
 *          3. Errors name file, line and column of the word that is wrong.
 *
 * NOT HERE Comparing members with each other and verifying (roster.c).
 */
#include "trust/roster_text.h"

#include <string.h>

#include "base/clock.h"
#include "codec/text.h"
#include "crypto/public_key.h"
#include "trust/field.h"

struct parser {
	struct field_reader reader;
	struct roster *roster; /* NULL in a member file */
	struct roster_lines *lines;
	struct roster_member *members;
	uint32_t member_max;
	uint32_t member_count;
	uint32_t member_line;
	bool in_member;
	uint32_t head_seen;   /* a bit per line of the table below */
	uint32_t member_seen; /* the same, of the current block */
};

typedef enum ag_status parse_fn(struct parser *p, struct ag_error *err);

static enum ag_status
fail(const struct parser *p, size_t word, struct ag_error *err,
    const char *expected)
{
	return field_fail(&p->reader, word, AG_EINVAL, err, "expected %s",
	    expected);
}

static struct roster_member *
current(struct parser *p)
{
	return &p->members[p->member_count - 1];
}

static enum ag_status
parse_cluster(struct parser *p, struct ag_error *err)
{
	if (!field_parse_name(p->roster->cluster_name, ROSTER_NAME_BYTES,
		p->reader.words[1]))
		return fail(p, 1, err, "a name: 1 to 32 of a-z, 0-9 and -");
	return AG_OK;
}

static enum ag_status
parse_strategy(struct parser *p, struct ag_error *err)
{
	struct bytes word = p->reader.words[1];

	char name[sizeof(p->roster->strategy)] = "";
	enum fault_model faults;

	if (word.len < sizeof(name))
		memcpy(name, word.data, word.len);
	if (roster_find_strategy(name, &faults) != AG_OK ||
	    strlen(name) != word.len)
		return fail(p, 1, err, "a strategy; known: " ROSTER_STRATEGIES);
	memcpy(p->roster->strategy, name, sizeof(name));
	return AG_OK;
}

static enum ag_status
parse_number(struct parser *p, uint64_t *value, struct ag_error *err)
{
	if (!field_parse_u64(value, p->reader.words[1]))
		return fail(p, 1, err, "a decimal number");
	return AG_OK;
}

static enum ag_status
parse_epoch(struct parser *p, struct ag_error *err)
{
	return parse_number(p, &p->roster->epoch, err);
}

static enum ag_status
parse_created(struct parser *p, struct ag_error *err)
{
	if (!field_parse_time(&p->roster->created_ms, p->reader.words[1]))
		return fail(p, 1, err,
		    "a time such as 2026-11-24T04:31:07.415Z");
	return AG_OK;
}

static enum ag_status
parse_incarnation(struct parser *p, struct ag_error *err)
{
	return parse_number(p, &p->roster->incarnation, err);
}

static enum ag_status
parse_first_seq(struct parser *p, struct ag_error *err)
{
	return parse_number(p, &p->roster->first_seq, err);
}

static enum ag_status
parse_genesis_state(struct parser *p, struct ag_error *err)
{
	if (text_hex_decode(p->roster->genesis_state.data, DIGEST_BYTES,
		p->reader.words[1]) != AG_OK)
		return fail(p, 1, err, "64 hexadecimal digits");
	return AG_OK;
}

static enum ag_status
parse_policy(struct parser *p, struct ag_error *err)
{
	uint64_t count;

	if (!field_is(p->reader.words[1], "operators"))
		return fail(p, 1, err, "a policy; known: operators");
	if (!field_parse_u64(&count, p->reader.words[2]) || count == 0 ||
	    count > ROSTER_OPERATORS_MAX)
		return fail(p, 2, err, "a number of operators");
	p->roster->policy_operators = (uint32_t)count;
	return AG_OK;
}

static enum ag_status
parse_cluster_id(struct parser *p, struct ag_error *err)
{
	if (text_hex_decode(p->roster->cluster_id, CLUSTER_ID_BYTES,
		p->reader.words[1]) != AG_OK)
		return fail(p, 1, err, "64 hexadecimal digits");
	return AG_OK;
}

static enum ag_status
parse_previous(struct parser *p, struct ag_error *err)
{
	p->roster->is_successor = true;
	if (text_hex_decode(p->roster->previous.data, DIGEST_BYTES,
		p->reader.words[1]) != AG_OK)
		return fail(p, 1, err, "64 hexadecimal digits");
	return AG_OK;
}

static enum ag_status
parse_member(struct parser *p, struct ag_error *err)
{
	if (p->member_count == p->member_max)
		return field_fail(&p->reader, 0, AG_ELIMIT, err,
		    "more than %u member%s", p->member_max,
		    p->member_max == 1 ? "" : "s");
	p->member_line = p->reader.line;
	if (p->lines != NULL)
		p->lines->members[p->member_count] = p->reader.line;
	p->member_count++;
	p->member_seen = 0;
	p->in_member = true;
	if (!field_parse_name(current(p)->name, ROSTER_NAME_BYTES,
		p->reader.words[1]))
		return fail(p, 1, err, "a name: 1 to 32 of a-z, 0-9 and -");
	return AG_OK;
}

static enum ag_status
parse_role(struct parser *p, struct ag_error *err)
{
	current(p)->is_observer = field_is(p->reader.words[1], "observer");
	if (!current(p)->is_observer && !field_is(p->reader.words[1], "member"))
		return fail(p, 1, err, "a role; known: member, observer");
	return AG_OK;
}

static enum ag_status
parse_address(struct parser *p, struct ag_error *err)
{
	if (!field_parse_address(current(p)->address, ROSTER_ADDRESS_BYTES,
		p->reader.words[1]))
		return fail(p, 1, err, "an address: host:port or [v6]:port");
	return AG_OK;
}

static enum ag_status
parse_key(struct parser *p, size_t word, uint8_t *key, struct ag_error *err)
{
	struct ag_error why;

	if (public_key_parse_words(key, p->reader.words[word],
		p->reader.words[word + 1], &why) != AG_OK)
		return field_fail(&p->reader, word, AG_EINVAL, err, "%s",
		    why.text);
	return AG_OK;
}

static enum ag_status
parse_node_key(struct parser *p, struct ag_error *err)
{
	return parse_key(p, 1, current(p)->node_key, err);
}

static enum ag_status
parse_link_key(struct parser *p, struct ag_error *err)
{
	return parse_key(p, 1, current(p)->link_key, err);
}

static enum ag_status
parse_link_signature(struct parser *p, struct ag_error *err)
{
	if (!field_parse_signature(current(p)->link_signature,
		p->reader.words[1]))
		return fail(p, 1, err, "a signature of 64 bytes in base64");
	return AG_OK;
}

static enum ag_status
parse_signature(struct parser *p, struct ag_error *err)
{
	current(p)->is_signed = true;
	if (!field_parse_signature(current(p)->signature, p->reader.words[1]))
		return fail(p, 1, err, "a signature of 64 bytes in base64");
	return AG_OK;
}

static enum ag_status
parse_operator(struct parser *p, struct ag_error *err)
{
	struct roster *roster = p->roster;
	struct roster_operator *person;

	if (roster->operator_count == ROSTER_OPERATORS_MAX)
		return field_fail(&p->reader, 0, AG_ELIMIT, err,
		    "more than %d operators", ROSTER_OPERATORS_MAX);
	p->in_member = false;
	p->lines->operators[roster->operator_count] = p->reader.line;
	person = &roster->operators[roster->operator_count++];
	if (!field_parse_name(person->name, ROSTER_NAME_BYTES,
		p->reader.words[1]))
		return fail(p, 1, err, "a name: 1 to 32 of a-z, 0-9 and -");
	return parse_key(p, 2, person->key, err);
}

static enum ag_status
parse_approval(struct parser *p, struct ag_error *err)
{
	struct roster *roster = p->roster;
	struct roster_approval *approval;
	enum ag_status status;

	if (roster->approval_count == ROSTER_APPROVALS_MAX)
		return field_fail(&p->reader, 0, AG_ELIMIT, err,
		    "more than %d approvals", ROSTER_APPROVALS_MAX);
	p->in_member = false;
	approval = &roster->approvals[roster->approval_count++];
	status = parse_key(p, 1, approval->key, err);
	if (status == AG_OK &&
	    !field_parse_signature(approval->signature, p->reader.words[3]))
		return fail(p, 3, err, "a signature of 64 bytes in base64");
	return status;
}

enum line_place {
	PLACE_HEAD,
	PLACE_MEMBER, /* inside a member's block */
	PLACE_ITEM,   /* begins something; may be repeated */
};

/* The order is the order of the bits in head_seen and member_seen. */
static const struct {
	const char *keyword;
	size_t words; /* after the keyword */
	enum line_place place;
	bool is_required;
	parse_fn *parse;
} directives[] = {
	{ "cluster", 1, PLACE_HEAD, true, parse_cluster },
	{ "strategy", 1, PLACE_HEAD, true, parse_strategy },
	{ "epoch", 1, PLACE_HEAD, true, parse_epoch },
	{ "created", 1, PLACE_HEAD, true, parse_created },
	{ "incarnation", 1, PLACE_HEAD, false, parse_incarnation },
	{ "first-seq", 1, PLACE_HEAD, false, parse_first_seq },
	{ "genesis-state", 1, PLACE_HEAD, false, parse_genesis_state },
	{ "policy", 2, PLACE_HEAD, false, parse_policy },
	{ "cluster-id", 1, PLACE_HEAD, false, parse_cluster_id },
	{ "previous", 1, PLACE_HEAD, false, parse_previous },
	{ "member", 1, PLACE_ITEM, false, parse_member },
	{ "role", 1, PLACE_MEMBER, false, parse_role },
	{ "address", 1, PLACE_MEMBER, true, parse_address },
	{ "node-key", 2, PLACE_MEMBER, true, parse_node_key },
	{ "link-key", 2, PLACE_MEMBER, true, parse_link_key },
	{ "link-signature", 1, PLACE_MEMBER, true, parse_link_signature },
	{ "signature", 1, PLACE_MEMBER, false, parse_signature },
	{ "operator", 3, PLACE_ITEM, false, parse_operator },
	{ "approval", 3, PLACE_ITEM, false, parse_approval },
};

#define DIRECTIVE_COUNT (sizeof(directives) / sizeof(directives[0]))

/* Is every required line of this place among those seen? */
static enum ag_status
check_required(struct parser *p, enum line_place place, uint32_t seen,
    const char *where, uint32_t line, struct ag_error *err)
{
	size_t i;

	for (i = 0; i < DIRECTIVE_COUNT; i++) {
		if (directives[i].place != place ||
		    !directives[i].is_required || (seen & 1U << i) != 0)
			continue;
		(void)ag_fail(err, AG_EINVAL, "%s has no line \"%s\"", where,
		    directives[i].keyword);
		ag_error_prefix(err, "%s:%u:1", p->reader.name, line);
		return AG_EINVAL;
	}
	return AG_OK;
}

static enum ag_status
check_member_done(struct parser *p, struct ag_error *err)
{
	if (p->member_count == 0)
		return AG_OK;
	return check_required(p, PLACE_MEMBER, p->member_seen, "this member",
	    p->member_line, err);
}

/* May this line be here, now? */
static enum ag_status
check_place(struct parser *p, size_t index, struct ag_error *err)
{
	enum line_place place = directives[index].place;
	uint32_t *seen = place == PLACE_HEAD ? &p->head_seen : &p->member_seen;

	if (place == PLACE_MEMBER && !p->in_member)
		return field_fail(&p->reader, 0, AG_EINVAL, err,
		    "\"%s\" belongs below a \"member\" line",
		    directives[index].keyword);
	if (place == PLACE_HEAD && p->member_count > 0)
		return field_fail(&p->reader, 0, AG_EINVAL, err,
		    "\"%s\" belongs above the first member",
		    directives[index].keyword);
	if (p->roster == NULL && place != PLACE_MEMBER &&
	    directives[index].parse != parse_member)
		return field_fail(&p->reader, 0, AG_EINVAL, err,
		    "\"%s\" does not belong in a member file",
		    directives[index].keyword);
	if (place == PLACE_ITEM)
		return check_member_done(p, err);
	if ((*seen & 1U << index) != 0)
		return field_fail(&p->reader, 0, AG_EINVAL, err,
		    "\"%s\" is there twice", directives[index].keyword);
	*seen |= 1U << index;
	return AG_OK;
}

static enum ag_status
parse_line(struct parser *p, struct ag_error *err)
{
	enum ag_status status;
	size_t i;

	for (i = 0; i < DIRECTIVE_COUNT; i++)
		if (field_is(p->reader.words[0], directives[i].keyword))
			break;
	if (i == DIRECTIVE_COUNT)
		return field_fail(&p->reader, 0, AG_EINVAL, err,
		    "unknown word \"%.*s\"",
		    (int)(p->reader.words[0].len < 32 ? p->reader.words[0].len
						      : 32),
		    (const char *)p->reader.words[0].data);
	if (p->reader.count - 1 != directives[i].words)
		return field_fail(&p->reader, 0, AG_EINVAL, err,
		    "\"%s\" takes %zu word%s, here are %zu",
		    directives[i].keyword, directives[i].words,
		    directives[i].words == 1 ? "" : "s", p->reader.count - 1);
	status = check_place(p, i, err);
	if (status != AG_OK)
		return status;
	return directives[i].parse(p, err);
}

/* The first line: what the file is, and its version. */
static enum ag_status
parse_title(struct parser *p, const char *title, struct ag_error *err)
{
	enum ag_status status = field_reader_next(&p->reader, err);
	uint64_t version;

	if (status != AG_OK && status != AG_ENOENT)
		return status;
	if (status == AG_ENOENT || !field_is(p->reader.words[0], title) ||
	    p->reader.count != 2 ||
	    !field_parse_u64(&version, p->reader.words[1]))
		return field_fail(&p->reader, 0, AG_EINVAL, err,
		    "expected the line \"%s 1\"", title);
	if (version != 1)
		return field_fail(&p->reader, 1, AG_EVERSION, err,
		    "version %llu is not known here; this program reads "
		    "version 1; use the newer program",
		    (unsigned long long)version);
	return AG_OK;
}

/* A successor names the cluster and the roster before it, others neither. */
static enum ag_status
check_successor(const struct parser *p, struct ag_error *err)
{
	bool has_id = false;
	size_t i;

	for (i = 0; i < DIRECTIVE_COUNT; i++)
		if (directives[i].parse == parse_cluster_id)
			has_id = (p->head_seen & 1U << i) != 0;
	if (has_id == p->roster->is_successor)
		return AG_OK;
	(void)ag_fail(err, AG_EINVAL,
	    "\"cluster-id\" and \"previous\" belong together");
	ag_error_prefix(err, "%s:1:1", p->reader.name);
	return AG_EINVAL;
}

static enum ag_status
parse_all(struct parser *p, const char *title, struct ag_error *err)
{
	enum ag_status status = parse_title(p, title, err);

	while (status == AG_OK) {
		status = field_reader_next(&p->reader, err);
		if (status == AG_OK)
			status = parse_line(p, err);
	}
	if (status != AG_ENOENT)
		return status;
	status = check_member_done(p, err);
	if (status == AG_OK && p->roster != NULL)
		status = check_required(p, PLACE_HEAD, p->head_seen,
		    "the roster", 1, err);
	if (status == AG_OK && p->roster != NULL)
		status = check_successor(p, err);
	return status;
}

/* Who votes, and who stands behind them. */
static enum ag_status
count_roles(struct parser *p, struct ag_error *err)
{
	struct roster *roster = p->roster;
	uint32_t i;

	for (i = 0; i < p->member_count; i++) {
		if (roster->members[i].is_observer) {
			roster->observer_count++;
			continue;
		}
		roster->member_count++;
		if (roster->observer_count == 0)
			continue;
		(void)ag_fail(err, AG_EINVAL,
		    "member %s stands behind an observer: those who vote come "
		    "first",
		    roster->members[i].name);
		ag_error_prefix(err, "%s:%u:1", p->reader.name,
		    p->lines->members[i]);
		return AG_EINVAL;
	}
	return AG_OK;
}

enum ag_status
roster_text_parse(struct roster *roster, struct roster_lines *lines,
    struct bytes text, const char *name, struct ag_error *err)
{
	struct parser p = {
		.roster = roster,
		.lines = lines,
		.members = roster->members,
		.member_max = TRUST_MEMBERS_MAX,
	};
	enum ag_status status;

	memset(roster, 0, sizeof(*roster));
	field_reader_init(&p.reader, text, name);
	status = parse_all(&p, "aegis-roster", err);
	return status == AG_OK ? count_roles(&p, err) : status;
}

enum ag_status
roster_text_parse_member(struct roster_member *member, struct bytes text,
    const char *name, struct ag_error *err)
{
	struct parser p = { .members = member, .member_max = 1 };
	enum ag_status status;

	memset(member, 0, sizeof(*member));
	field_reader_init(&p.reader, text, name);
	status = parse_all(&p, "aegis-member", err);
	if (status == AG_OK && p.member_count == 0)
		return ag_fail(err, AG_EINVAL, "%s:%u:1: no member in it", name,
		    p.reader.line);
	return status;
}

static enum ag_status
format_signature(struct buf *out, const char *keyword,
    const uint8_t signature[static SIGNATURE_BYTES])
{
	char base64[TEXT_BASE64_BYTES(SIGNATURE_BYTES)];

	text_base64(base64, sizeof(base64),
	    bytes_of(signature, SIGNATURE_BYTES), BASE64_STANDARD);
	return buf_printf(out, "    %s %s\n", keyword, base64);
}

static enum ag_status
format_block(const struct roster_member *member, struct buf *out)
{
	char node_key[PUBLIC_KEY_LINE_BYTES], link_key[PUBLIC_KEY_LINE_BYTES];
	enum ag_status status;

	public_key_format(node_key, member->node_key, NULL);
	public_key_format(link_key, member->link_key, NULL);
	status = buf_printf(out,
	    "\nmember %s\n%s    address %s\n    node-key %s\n"
	    "    link-key %s\n",
	    member->name, member->is_observer ? "    role observer\n" : "",
	    member->address, node_key, link_key);
	if (status == AG_OK)
		status = format_signature(out, "link-signature",
		    member->link_signature);
	if (status == AG_OK && member->is_signed)
		status = format_signature(out, "signature", member->signature);
	return status;
}

/* The lines of a policy and of a successor. */
static enum ag_status
format_succession(const struct roster *roster, struct buf *out)
{
	char id[TEXT_HEX_BYTES(CLUSTER_ID_BYTES)];
	char previous[TEXT_HEX_BYTES(DIGEST_BYTES)];
	enum ag_status status = AG_OK;

	if (roster->policy_operators > 0)
		status = buf_printf(out, "policy operators %u\n",
		    roster->policy_operators);
	if (status != AG_OK || !roster->is_successor)
		return status;
	text_hex(id, sizeof(id),
	    bytes_of(roster->cluster_id, CLUSTER_ID_BYTES));
	text_hex(previous, sizeof(previous),
	    bytes_of(roster->previous.data, DIGEST_BYTES));
	return buf_printf(out, "cluster-id %s\nprevious %s\n", id, previous);
}

static enum ag_status
format_approvals(const struct roster *roster, struct buf *out)
{
	char key[PUBLIC_KEY_LINE_BYTES];
	char signature[TEXT_BASE64_BYTES(SIGNATURE_BYTES)];
	enum ag_status status = AG_OK;
	uint32_t i;

	if (roster->approval_count > 0)
		status = buf_append(out, "\n", 1);
	for (i = 0; status == AG_OK && i < roster->approval_count; i++) {
		const struct roster_approval *a = &roster->approvals[i];

		public_key_format(key, a->key, NULL);
		text_base64(signature, sizeof(signature),
		    bytes_of(a->signature, SIGNATURE_BYTES), BASE64_STANDARD);
		status = buf_printf(out, "approval %s %s\n", key, signature);
	}
	return status;
}

/* The lines only a restored cluster's roster has. */
static enum ag_status
format_origin(const struct roster *roster, struct buf *out)
{
	static const struct digest empty;
	char hex[TEXT_HEX_BYTES(DIGEST_BYTES)];
	enum ag_status status = AG_OK;

	if (roster->incarnation != 0)
		status = buf_printf(out, "incarnation %llu\n",
		    (unsigned long long)roster->incarnation);
	if (status == AG_OK && roster->first_seq != 0)
		status = buf_printf(out, "first-seq %llu\n",
		    (unsigned long long)roster->first_seq);
	if (status != AG_OK || digest_equal(&roster->genesis_state, &empty))
		return status;
	text_hex(hex, sizeof(hex),
	    bytes_of(roster->genesis_state.data, DIGEST_BYTES));
	return buf_printf(out, "genesis-state %s\n", hex);
}

enum ag_status
roster_text_format(const struct roster *roster, struct buf *out)
{
	char created[CLOCK_TEXT_BYTES], key[PUBLIC_KEY_LINE_BYTES];
	enum ag_status status;
	uint32_t i;

	clock_format_ms(roster->created_ms, created);
	status = buf_printf(out,
	    "aegis-roster 1\n"
	    "cluster %s\nstrategy %s\nepoch %llu\ncreated %s\n",
	    roster->cluster_name, roster->strategy,
	    (unsigned long long)roster->epoch, created);
	if (status == AG_OK)
		status = format_origin(roster, out);
	if (status == AG_OK)
		status = format_succession(roster, out);
	for (i = 0; status == AG_OK && i < roster_node_count(roster); i++)
		status = format_block(&roster->members[i], out);
	if (status == AG_OK && roster->operator_count > 0)
		status = buf_append(out, "\n", 1);
	for (i = 0; status == AG_OK && i < roster->operator_count; i++) {
		public_key_format(key, roster->operators[i].key, NULL);
		status = buf_printf(out, "operator %s %s\n",
		    roster->operators[i].name, key);
	}
	return status == AG_OK ? format_approvals(roster, out) : status;
}

enum ag_status
roster_text_format_member(const struct roster_member *member, struct buf *out)
{
	enum ag_status status = buf_printf(out, "aegis-member 1\n");

	if (status == AG_OK)
		status = format_block(member, out);
	return status;
}
