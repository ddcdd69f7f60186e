/*
 * Rosters: what is accepted, what is refused and with which words.
 */
#include "trust/roster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fs.h"
#include "codec/text.h"
#include "crypto/openssh_key.h"
#include "crypto/sign.h"
#include "trust/identity.h"
#include "trust/setup.h"

#define NODES 4

struct fixture {
	char dir[64];
	struct roster roster;
	struct roster again;
	struct buf text;
	char edited[16384];
	struct ag_error err;
};

static const struct setup_node nodes[NODES] = {
	{ "d1", "n1", "127.0.0.1:7001", false },
	{ "d2", "n2", "127.0.0.1:7002", false },
	{ "d3", "n3", "node3.example.org:7003", false },
	{ "d4", "n4", "[::1]:7004", false },
};

static int
make_fixture(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	size_t i;

	if (f == NULL)
		return -1;
	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/aegis-roster-XXXXXX");
	if (mkdtemp(f->dir) == NULL || chdir(f->dir) == -1)
		return -1;
	for (i = 0; i < NODES; i++)
		if (setup_keys(nodes[i].dir, nodes[i].name, &f->err) != AG_OK)
			return -1;
	f->roster.operator_count = 1;
	(void)snprintf(f->roster.operators[0].name, ROSTER_NAME_BYTES, "alice");
	memset(f->roster.operators[0].key, 7, PUBLIC_KEY_BYTES);
	buf_init(&f->text, ROSTER_FILE_BYTES_MAX);
	if (setup_trial_roster(&f->roster, "demo", "pbft", nodes, NODES,
		&f->err) != AG_OK ||
	    roster_format(&f->roster, &f->text) != AG_OK ||
	    buf_append(&f->text, "", 1) != AG_OK)
		return -1;
	f->text.len--;
	*state = f;
	return 0;
}

static int
remove_fixture(void **state)
{
	static const char *const files[] = { "keys/node", "keys/node.pub",
		"keys/link", "keys/link.pub", SETUP_HORIZON };
	struct fixture *f = *state;
	char path[128];
	size_t i, k;

	for (i = 0; i < NODES; i++) {
		for (k = 0; k < sizeof(files) / sizeof(files[0]); k++) {
			(void)snprintf(path, sizeof(path), "%s/%s",
			    nodes[i].dir, files[k]);
			(void)unlink(path);
		}
		(void)snprintf(path, sizeof(path), "%s/keys", nodes[i].dir);
		(void)rmdir(path);
		(void)rmdir(nodes[i].dir);
	}
	(void)unlink("roster");
	(void)unlink("n1.member");
	buf_fini(&f->text);
	if (chdir("/") == -1 || rmdir(f->dir) == -1)
		return -1;
	free(f);
	return 0;
}

/* The fixture's text with the first occurrence of one text replaced. */
static enum ag_status
parse_edited(struct fixture *f, const char *from, const char *to)
{
	const char *text = (const char *)f->text.data;
	const char *at = strstr(text, from);

	assert_non_null(at);
	(void)snprintf(f->edited, sizeof(f->edited), "%.*s%s%s",
	    (int)(at - text), text, to, at + strlen(from));
	return roster_parse(&f->again, bytes_from_text(f->edited), "r",
	    &f->err);
}

static void
what_is_formatted_parses_to_the_same_cluster(void **state)
{
	struct fixture *f = *state;
	struct buf again;

	assert_int_equal(roster_parse(&f->again, buf_bytes(&f->text), "r",
			     &f->err),
	    AG_OK);
	assert_memory_equal(f->again.cluster_id, f->roster.cluster_id,
	    CLUSTER_ID_BYTES);
	assert_true(roster_is_complete(&f->again));
	buf_init(&again, ROSTER_FILE_BYTES_MAX);
	assert_int_equal(roster_format(&f->again, &again), AG_OK);
	assert_true(bytes_equal(buf_bytes(&again), buf_bytes(&f->text)));
	buf_fini(&again);
}

static void
comments_and_indentation_do_not_matter(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(parse_edited(f, "cluster demo",
			     "# ours\n\n\t cluster   demo  "),
	    AG_OK);
	assert_memory_equal(f->again.cluster_id, f->roster.cluster_id,
	    CLUSTER_ID_BYTES);
}

static void
syntax_errors_name_file_line_and_column(void **state)
{
	static const struct {
		const char *from, *to, *text;
	} wrong[] = {
		{ "aegis-roster 1", "roster 1",
		    "r:1:1: expected the line \"aegis-roster 1\"" },
		{ "cluster demo", "cluster Demo",
		    "r:2:9: expected a name: 1 to 32 of a-z, 0-9 and -" },
		{ "cluster demo", "clutser demo",
		    "r:2:1: unknown word \"clutser\"" },
		{ "cluster demo", "cluster demo demo",
		    "r:2:1: \"cluster\" takes 1 word, here are 2" },
		{ "strategy pbft", "strategy paxos",
		    "r:3:10: expected a strategy; known: pbft, raft" },
		{ "epoch 0", "epoch 00", "r:4:7: expected a decimal number" },
		{ "epoch 0", "epoch 18446744073709551616",
		    "r:4:7: expected a decimal number" },
		{ "epoch 0", "epoch 0\nepoch 0",
		    "r:5:1: \"epoch\" is there twice" },
		{ "epoch 0\n", "", "r:1:1: the roster has no line \"epoch\"" },
		{ "epoch 0", "epoch 0\r", "r:4:8: control character 0x0d" },
		{ "127.0.0.1:7001", "127.0.0.1",
		    "r:8:13: expected an address: host:port or [v6]:port" },
		{ "127.0.0.1:7001", "127.0.0.1:65536",
		    "r:8:13: expected an address: host:port or [v6]:port" },
		{ "ssh-ed25519", "ssh-rsa",
		    "r:9:14: not an Ed25519 public key (it begins with "
		    "\"ssh-ed25519 AAAA\")" },
		{ "    address 127.0.0.1:7002\n", "",
		    "r:14:1: this member has no line \"address\"" },
		{ "\noperator", "\nepoch 1\noperator",
		    "r:35:1: \"epoch\" belongs above the first member" },
		{ "operator alice",
		    "operator bob ssh-ed25519 AAAA\noperator alice",
		    "r:35:14: public key is damaged or cut short" },
	};
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(parse_edited(f, wrong[i].from, wrong[i].to),
		    AG_EINVAL);
		assert_string_equal(f->err.text, wrong[i].text);
	}
}

static void
a_later_version_is_told_from_damage(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(parse_edited(f, "aegis-roster 1", "aegis-roster 2"),
	    AG_EVERSION);
}

static void
a_time_that_does_not_exist_is_refused(void **state)
{
	static const char *const times[] = { "2026-02-31T00:00:00.000Z",
		"2026-11-24T04:31:07Z", "2026-11-24t04:31:07.415Z",
		"2026-11-24T24:31:07.415Z", "1969-12-31T23:59:59.000Z" };
	struct fixture *f = *state;
	char line[64];
	size_t i;

	for (i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		const char *created =
		    strstr((const char *)f->text.data, "created ");
		char from[64];

		(void)snprintf(from, sizeof(from), "%.32s", created);
		(void)snprintf(line, sizeof(line), "created %s", times[i]);
		assert_int_equal(parse_edited(f, from, line), AG_EINVAL);
		assert_non_null(strstr(f->err.text, "r:5:9: expected a time"));
	}
}

static void
changing_anything_signed_is_found_out(void **state)
{
	static const char *const changes[][2] = {
		{ "cluster demo", "cluster demi" },
		{ "epoch 0", "epoch 1" },
		{ "127.0.0.1:7002", "127.0.0.1:7009" },
		{ "member n3", "member n5" },
		{ "operator alice", "operator mallory" },
		{ "epoch 0", "epoch 0\nincarnation 1" },
		{ "epoch 0", "epoch 0\nfirst-seq 1" },
	};
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		assert_int_equal(parse_edited(f, changes[i][0], changes[i][1]),
		    AG_EFORGED);
		assert_non_null(
		    strstr(f->err.text, "signature does not fit this roster"));
	}
}

static void
a_link_key_its_node_key_did_not_certify_is_refused(void **state)
{
	struct fixture *f = *state;
	uint8_t *link = f->roster.members[2].link_key;

	link[0] ^= 1;
	assert_int_equal(roster_check(&f->roster, &f->err), AG_EFORGED);
	assert_string_equal(f->err.text,
	    "member n3: link-signature is not its node key's");
	link[0] ^= 1;
	assert_int_equal(roster_check(&f->roster, &f->err), AG_OK);
}

static void
too_few_members_are_refused_with_the_reason(void **state)
{
	struct fixture *f = *state;

	f->roster.member_count = 3;
	assert_int_equal(roster_check(&f->roster, &f->err), AG_EINVAL);
	assert_non_null(strstr(f->err.text, "3 members tolerate no fault"));
	assert_non_null(strstr(f->err.text, "4 tolerate 1"));
	(void)snprintf(f->roster.strategy, sizeof(f->roster.strategy), "raft");
	assert_int_equal(roster_check(&f->roster, &f->err), AG_OK);
	assert_int_equal(roster_quorum(&f->roster), 2);
	assert_int_equal(roster_faults(&f->roster), 1);
	f->roster.member_count = 2;
	assert_int_equal(roster_check(&f->roster, &f->err), AG_EINVAL);
	(void)snprintf(f->roster.strategy, sizeof(f->roster.strategy), "pbft");
	f->roster.member_count = 1;
	assert_int_equal(roster_check(&f->roster, &f->err), AG_OK);
	f->roster.member_count = NODES;
}

static void
names_addresses_and_keys_are_used_once(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(parse_edited(f, "member n2", "member n1"), AG_EINVAL);
	assert_string_equal(f->err.text,
	    "r:14:1: member n1: another member has the same name");
	assert_int_equal(parse_edited(f, "127.0.0.1:7002", "127.0.0.1:7001"),
	    AG_EINVAL);
	assert_non_null(strstr(f->err.text, "the same address"));
	f->again = f->roster;
	memcpy(f->again.members[3].node_key, f->roster.members[0].link_key,
	    PUBLIC_KEY_BYTES);
	assert_int_equal(roster_check(&f->again, &f->err), AG_EINVAL);
	assert_non_null(strstr(f->err.text, "has one of its keys"));
	f->again = f->roster;
	memcpy(f->again.operators[0].key, f->roster.members[0].node_key,
	    PUBLIC_KEY_BYTES);
	assert_int_equal(roster_check(&f->again, &f->err), AG_EINVAL);
	assert_non_null(strstr(f->err.text, "operator alice: a member has"));
}

static void
every_truncation_is_refused(void **state)
{
	struct fixture *f = *state;
	size_t len = f->text.len - 2;

	for (; len > 0; len -= len > 97 ? 97 : 1)
		assert_int_not_equal(roster_parse(&f->again,
					 bytes_of(f->text.data, len), "r",
					 &f->err),
		    AG_OK);
}

static void
a_roster_without_all_signatures_is_not_complete(void **state)
{
	struct fixture *f = *state;
	char *at;

	assert_int_equal(parse_edited(f, "aegis-roster", "aegis-roster"),
	    AG_OK);
	at = strstr(f->edited, "\n    signature ");
	assert_non_null(at);
	memmove(at, strchr(at + 1, '\n'), strlen(strchr(at + 1, '\n')) + 1);
	assert_int_equal(roster_parse(&f->again, bytes_from_text(f->edited),
			     "r", &f->err),
	    AG_OK);
	assert_false(roster_is_complete(&f->again));
	assert_memory_equal(f->again.cluster_id, f->roster.cluster_id,
	    CLUSTER_ID_BYTES);
}

static void
members_are_found_by_name_and_by_either_key(void **state)
{
	struct fixture *f = *state;
	const struct roster *r = &f->roster;

	assert_int_equal(roster_find_name(r, "n3"), 2);
	assert_int_equal(roster_find_name(r, "n9"), -1);
	assert_int_equal(roster_find_node_key(r, r->members[1].node_key), 1);
	assert_int_equal(roster_find_node_key(r, r->members[1].link_key), -1);
	assert_int_equal(roster_find_link_key(r, r->members[1].link_key), 1);
}

static void
only_members_and_operators_may_make_requests(void **state)
{
	struct fixture *f = *state;
	uint8_t stranger[PUBLIC_KEY_BYTES] = { 3 };

	assert_true(
	    roster_is_principal(&f->roster, f->roster.members[0].node_key));
	assert_true(
	    roster_is_principal(&f->roster, f->roster.operators[0].key));
	assert_false(roster_is_principal(&f->roster, stranger));
	assert_false(
	    roster_is_principal(&f->roster, f->roster.members[0].link_key));
}

static void
an_identity_signs_what_the_roster_verifies(void **state)
{
	struct fixture *f = *state;
	struct vote vote = { VOTE_COMMIT, 9, { { 1 } } };
	struct vote_proof proof;
	struct identity identity;
	struct secret *key;

	assert_int_equal(setup_load_keys(&key, NULL, "d3", &f->err), AG_OK);
	assert_int_equal(identity_init_key(&identity, &f->roster, key, &f->err),
	    AG_OK);
	assert_int_equal(identity.self, 2);
	vote_bundle_sign(&proof, &vote, 1, &identity.scope, identity.self, 7,
	    &identity_authority, &identity);
	assert_true(vote_verify(&vote, &proof, &identity.scope,
	    &roster_authority, &f->roster));
	proof.member = 1;
	assert_false(vote_verify(&vote, &proof, &identity.scope,
	    &roster_authority, &f->roster));
	proof.member = 99;
	assert_false(vote_verify(&vote, &proof, &identity.scope,
	    &roster_authority, &f->roster));
	secret_free(key);
}

static void
a_key_of_no_member_is_no_identity(void **state)
{
	struct fixture *f = *state;
	struct identity identity;
	struct secret *key, *link;

	assert_int_equal(sign_keypair(&key, &f->err), AG_OK);
	assert_int_equal(identity_init_key(&identity, &f->roster, key, &f->err),
	    AG_ENOENT);
	assert_int_equal(setup_load_keys(NULL, &link, "d1", &f->err), AG_OK);
	assert_int_equal(identity_init_key(&identity, &f->roster, link,
			     &f->err),
	    AG_ENOENT);
	assert_non_null(strstr(f->err.text, "its node key is wanted"));
	secret_free(link);
	secret_free(key);
}

static void
a_member_file_carries_a_member_to_the_roster(void **state)
{
	struct fixture *f = *state;
	struct roster_member member, back;
	struct buf text;

	buf_init(&text, 4096);
	assert_int_equal(setup_member(&member, "d1", "n1", "127.0.0.1:7001",
			     &f->err),
	    AG_OK);
	assert_int_equal(roster_format_member(&member, &text), AG_OK);
	assert_int_equal(fs_write_file("n1.member", 0644, buf_bytes(&text),
			     &f->err),
	    AG_OK);
	assert_int_equal(roster_load_member(&back, "n1.member", &f->err),
	    AG_OK);
	assert_memory_equal(&member, &back, sizeof(member));

	assert_int_equal(buf_printf(&text, "epoch 3\n"), AG_OK);
	assert_int_equal(fs_write_file("n1.member", 0644, buf_bytes(&text),
			     &f->err),
	    AG_OK);
	assert_int_equal(roster_load_member(&back, "n1.member", &f->err),
	    AG_EINVAL);
	assert_non_null(strstr(f->err.text, "n1.member:8:1"));
	buf_fini(&text);
}

/* The fixture's roster with its last member an observer, not signed. */
static void
make_observer(struct fixture *f)
{
	f->again = f->roster;
	f->again.member_count = NODES - 1;
	f->again.observer_count = 1;
	f->again.members[NODES - 1].is_observer = true;
	roster_seal(&f->again);
}

static void
an_observer_is_counted_in_no_n_f_or_quorum(void **state)
{
	struct fixture *f = *state;
	struct roster *r = &f->again;

	*r = f->roster;
	r->members[NODES] = r->members[0];
	r->members[NODES].is_observer = true;
	r->observer_count = 1;
	assert_int_equal(roster_node_count(r), NODES + 1);
	assert_int_equal(roster_faults(r), 1);
	assert_int_equal(roster_quorum(r), 3);
	assert_int_equal(roster_members(r), 0xf);
	assert_int_equal(roster_observers(r), 0x10);
	r->member_count = 31;
	assert_int_equal(roster_members(r), UINT32_MAX >> 1);
	assert_int_equal(roster_observers(r), UINT32_C(1) << 31);
}

static void
a_role_is_part_of_what_is_signed(void **state)
{
	struct fixture *f = *state;

	make_observer(f);
	assert_false(digest_equal(&f->again.digest, &f->roster.digest));
	/* The text says so, and a signature on the one is none on the other. */
	assert_int_equal(parse_edited(f, "member n4\n",
			     "member n4\n    role member\n"),
	    AG_OK);
	assert_true(digest_equal(&f->again.digest, &f->roster.digest));
	assert_int_equal(parse_edited(f, "member n4\n",
			     "member n4\n    role observer\n"),
	    AG_EINVAL);
	assert_non_null(strstr(f->err.text, "3 members tolerate no fault"));
	assert_int_equal(parse_edited(f, "member n4\n",
			     "member n4\n    role boss\n"),
	    AG_EINVAL);
	assert_non_null(strstr(f->err.text, "known: member, observer"));
}

static void
those_who_vote_stand_before_those_who_follow(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(parse_edited(f, "member n2\n",
			     "member n2\n    role observer\n"),
	    AG_EINVAL);
	assert_non_null(strstr(f->err.text,
	    "member n3 stands behind an observer: those who vote come first"));
}

/* One member and three observers, of which each has signed. */
static void
found_with_observers(struct fixture *f, struct buf *text)
{
	struct setup_node some[NODES];
	size_t i;

	for (i = 0; i < NODES; i++) {
		some[i] = nodes[i];
		some[i].is_observer = i > 0;
	}
	memset(&f->again, 0, sizeof(f->again));
	assert_int_equal(setup_trial_roster(&f->again, "demo", "pbft", some,
			     NODES, &f->err),
	    AG_OK);
	buf_clear(text);
	assert_int_equal(roster_format(&f->again, text), AG_OK);
}

static void
a_roster_with_observers_comes_back_from_its_text(void **state)
{
	struct fixture *f = *state;
	struct digest digest;
	struct buf text;

	buf_init(&text, ROSTER_FILE_BYTES_MAX);
	found_with_observers(f, &text);
	digest = f->again.digest;
	assert_int_equal(roster_parse(&f->again, buf_bytes(&text), "r",
			     &f->err),
	    AG_OK);
	assert_int_equal(f->again.member_count, 1);
	assert_int_equal(f->again.observer_count, 3);
	assert_true(digest_equal(&f->again.digest, &digest));
	assert_true(roster_is_complete(&f->again));
	/* An observer consents, like a member. */
	f->again.members[3].is_signed = false;
	assert_false(roster_is_complete(&f->again));
	buf_fini(&text);
}

static void
an_observers_signature_is_no_vote(void **state)
{
	struct fixture *f = *state;
	uint8_t signature[SIGNATURE_BYTES];
	struct bytes words = bytes_from_text("prepare");
	struct secret *key;
	struct buf text;

	buf_init(&text, ROSTER_FILE_BYTES_MAX);
	found_with_observers(f, &text);
	assert_int_equal(setup_load_keys(&key, NULL, "d2", &f->err), AG_OK);
	sign_message(signature, key, words);
	assert_true(
	    sign_verify(f->again.members[1].node_key, words, signature));
	assert_false(roster_authority.verify(&f->again, 1, words, signature));
	/* But its clients may ask for something. */
	assert_true(roster_authority.verify_request(&f->again,
	    f->again.members[1].node_key, words, signature));
	secret_free(key);
	buf_fini(&text);
}

static void
where_nobody_certifies_nobody_observes(void **state)
{
	struct fixture *f = *state;

	f->again = f->roster;
	(void)snprintf(f->again.strategy, sizeof(f->again.strategy), "raft");
	f->again.member_count = 3;
	f->again.observer_count = 1;
	assert_int_equal(roster_check(&f->again, &f->err), AG_EINVAL);
	assert_non_null(strstr(f->err.text, "strategy raft has no observers"));
}

static void
there_are_at_most_so_many_nodes_of_both_kinds(void **state)
{
	struct fixture *f = *state;

	f->again = f->roster;
	f->again.observer_count = TRUST_MEMBERS_MAX - NODES + 1;
	assert_int_equal(roster_check(&f->again, &f->err), AG_EINVAL);
	assert_non_null(
	    strstr(f->err.text, "4 members and 29 observers are too many"));
}

static void
set_up_never_replaces_keys(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(setup_keys("d1", "n1", &f->err), AG_EEXIST);
	assert_string_equal(f->err.text,
	    "set up d1: it has a node key already");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_formatted_parses_to_the_same_cluster),
		cmocka_unit_test(comments_and_indentation_do_not_matter),
		cmocka_unit_test(syntax_errors_name_file_line_and_column),
		cmocka_unit_test(a_later_version_is_told_from_damage),
		cmocka_unit_test(a_time_that_does_not_exist_is_refused),
		cmocka_unit_test(changing_anything_signed_is_found_out),
		cmocka_unit_test(
		    a_link_key_its_node_key_did_not_certify_is_refused),
		cmocka_unit_test(too_few_members_are_refused_with_the_reason),
		cmocka_unit_test(names_addresses_and_keys_are_used_once),
		cmocka_unit_test(every_truncation_is_refused),
		cmocka_unit_test(
		    a_roster_without_all_signatures_is_not_complete),
		cmocka_unit_test(members_are_found_by_name_and_by_either_key),
		cmocka_unit_test(only_members_and_operators_may_make_requests),
		cmocka_unit_test(an_identity_signs_what_the_roster_verifies),
		cmocka_unit_test(a_key_of_no_member_is_no_identity),
		cmocka_unit_test(a_member_file_carries_a_member_to_the_roster),
		cmocka_unit_test(an_observer_is_counted_in_no_n_f_or_quorum),
		cmocka_unit_test(a_role_is_part_of_what_is_signed),
		cmocka_unit_test(those_who_vote_stand_before_those_who_follow),
		cmocka_unit_test(
		    a_roster_with_observers_comes_back_from_its_text),
		cmocka_unit_test(an_observers_signature_is_no_vote),
		cmocka_unit_test(where_nobody_certifies_nobody_observes),
		cmocka_unit_test(there_are_at_most_so_many_nodes_of_both_kinds),
		cmocka_unit_test(set_up_never_replaces_keys),
	};

	return cmocka_run_group_tests(tests, make_fixture, remove_fixture);
}
