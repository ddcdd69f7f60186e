/*
 * Link keys that are replaced while nodes run, or while some of them sleep.
 */
#include "net_fixture.h"

#include <libssh/libssh.h>
#include <signal.h>

#include "net/transport.h"

#define SOON_MS 5000

static int
open_cluster(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return -1;
	(void)signal(SIGPIPE, SIG_IGN);
	fixture_open(f);
	*state = f;
	return 0;
}

static int
close_cluster(void **state)
{
	fixture_close(*state);
	free(*state);
	return 0;
}

/* A certificate of node i for a key, by node by's node key. */
static void
certify(struct fixture *f, uint32_t by, const struct secret *key,
    uint64_t serial, struct link_certificate *certificate)
{
	const struct link_holder holder =
	    link_certificate_holder(&f->nodes[by].roster, by);
	uint8_t shown[PUBLIC_KEY_BYTES];
	struct signer signer;

	sign_public(shown, key);
	signer_of_key(&signer, f->nodes[by].node_key);
	assert_int_equal(link_certificate_make(certificate, &holder, &signer,
			     shown, 0, serial, NULL),
	    AG_OK);
}

/* Node i has another link key; hands out the one before. */
static struct secret *
replace(struct fixture *f, uint32_t i, uint64_t serial)
{
	struct fixture_node *node = &f->nodes[i];
	struct secret *old = node->link_key;
	struct ag_error err;

	assert_int_equal(sign_keypair(&node->link_key, NULL), AG_OK);
	certify(f, i, node->link_key, serial, &node->certificate);
	if (node->net != NULL &&
	    net_change_link_key(node->net, node->link_key, &node->certificate,
		&err) != AG_OK)
		fail_msg("%s", err.text);
	return old;
}

/* Nobody can dial node i. */
static void
hide(struct fixture *f, uint32_t i)
{
	uint32_t j;

	for (j = 0; j < FIXTURE_MEMBERS; j++)
		if (j != i)
			(void)snprintf(f->nodes[j].roster.members[i].address,
			    ROSTER_ADDRESS_BYTES, "127.0.0.1:1");
}

static bool
wait_known(struct fixture *f, uint32_t i, uint32_t j, uint64_t serial)
{
	struct fixture_node *node = &f->nodes[i];
	struct timespec until = fixture_deadline(SOON_MS);
	int code = 0;

	(void)pthread_mutex_lock(&node->lock);
	while (node->known[j].serial != serial && code == 0)
		code =
		    pthread_cond_timedwait(&node->changed, &node->lock, &until);
	(void)pthread_mutex_unlock(&node->lock);
	return code == 0;
}

/* Wait until i's session with j is of these keys. */
static bool
wait_session(struct fixture *f, uint32_t i, uint32_t j, uint64_t ours,
    uint64_t theirs)
{
	const struct timespec pause = { .tv_nsec = 5000000 };
	struct net_link_stats stats;
	unsigned waited;

	for (waited = 0; waited < SOON_MS; waited += 5) {
		net_stats(f->nodes[i].net, j, &stats);
		if (stats.state == NET_LINK_UP && stats.our_serial == ours &&
		    stats.their_serial == theirs)
			return true;
		(void)nanosleep(&pause, NULL);
	}
	print_message("n%u to n%u: %d %llu %llu %s\n", i + 1, j + 1,
	    (int)stats.state, (unsigned long long)stats.our_serial,
	    (unsigned long long)stats.their_serial, stats.error);
	return false;
}

static void
assert_linked(struct fixture *f, uint32_t i, uint32_t j)
{
	assert_true(fixture_wait_link(f, i, j, true, SOON_MS));
	assert_true(fixture_wait_link(f, j, i, true, SOON_MS));
}

static void
assert_never_down(const struct fixture *f)
{
	uint32_t i;

	for (i = 0; i < FIXTURE_MEMBERS; i++)
		assert_int_equal(f->nodes[i].downs, 0);
}

/* Send until the sessions have been replaced; what went all arrives. */
static void
renew_under_load(struct fixture *f, uint32_t rotating, uint32_t other)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	struct net_link_stats stats = { .their_serial = 0 };
	uint8_t body[64] = { 0 };
	uint64_t number = 0;
	unsigned i;

	secret_free(replace(f, rotating, 100));
	for (i = 0; i < SOON_MS && stats.their_serial != 100; i++) {
		number++;
		memcpy(body, &number, sizeof(number));
		assert_int_equal(fixture_send(f->nodes[other].net,
				     1U << rotating, FRAME_CONSENSUS,
				     bytes_of(body, sizeof(body))),
		    AG_OK);
		(void)nanosleep(&pause, NULL);
		net_stats(f->nodes[other].net, rotating, &stats);
	}
	assert_int_equal(stats.their_serial, 100);
	assert_true(fixture_wait_frames(f, rotating, number, SOON_MS));
	assert_false(f->nodes[rotating].is_out_of_order);
	assert_true(wait_session(f, rotating, other, 100, 0));
	assert_never_down(f);
}

static void
links_of_a_lower_member_are_renewed_without_an_outage(void **state)
{
	struct fixture *f = *state;

	fixture_start(f, 0);
	fixture_start(f, 1);
	assert_linked(f, 0, 1);
	renew_under_load(f, 0, 1);
}

static void
links_of_a_higher_member_are_renewed_without_an_outage(void **state)
{
	struct fixture *f = *state;

	fixture_start(f, 0);
	fixture_start(f, 1);
	assert_linked(f, 0, 1);
	renew_under_load(f, 1, 0);
}

static void
links_are_renewed_by_the_other_end_when_only_that_can_dial(void **state)
{
	struct fixture *f = *state;

	hide(f, 1);
	fixture_start(f, 0);
	fixture_start(f, 1);
	assert_linked(f, 0, 1);
	renew_under_load(f, 0, 1);
}

static void
all_that_replace_their_keys_at_once_end_with_links_of_new_ones(void **state)
{
	struct fixture *f = *state;
	uint32_t i, j;

	for (i = 0; i < FIXTURE_MEMBERS; i++)
		fixture_start(f, i);
	for (i = 0; i < FIXTURE_MEMBERS; i++)
		for (j = i + 1; j < FIXTURE_MEMBERS; j++)
			assert_linked(f, i, j);
	for (i = 0; i < FIXTURE_MEMBERS; i++)
		secret_free(replace(f, i, 10 + i));
	for (i = 0; i < FIXTURE_MEMBERS; i++)
		for (j = 0; j < FIXTURE_MEMBERS; j++)
			if (i != j)
				assert_true(
				    wait_session(f, i, j, 10 + i, 10 + j));
	assert_never_down(f);
}

static void
peers_hear_of_a_new_key_over_the_link_there_is(void **state)
{
	struct fixture *f = *state;

	fixture_start(f, 0);
	fixture_start(f, 1);
	assert_linked(f, 0, 1);
	secret_free(replace(f, 0, 100));
	assert_true(wait_known(f, 1, 0, 100));
	assert_memory_equal(&f->nodes[1].known[0], &f->nodes[0].certificate,
	    sizeof(f->nodes[0].certificate));
}

static void
who_slept_through_replacements_links_again_when_it_is_dialled(void **state)
{
	struct fixture *f = *state;

	secret_free(replace(f, 0, 5));
	secret_free(replace(f, 0, 6));
	hide(f, 0);
	fixture_start(f, 0);
	fixture_start(f, 1);
	assert_linked(f, 0, 1);
	assert_true(wait_known(f, 1, 0, 6));
}

static void
who_slept_through_replacements_links_again_when_it_dials(void **state)
{
	struct fixture *f = *state;

	secret_free(replace(f, 0, 5));
	secret_free(replace(f, 0, 6));
	hide(f, 1);
	fixture_start(f, 0);
	fixture_start(f, 1);
	assert_linked(f, 0, 1);
	assert_true(wait_known(f, 1, 0, 6));
}

static void
two_that_slept_through_each_others_replacements_link_again(void **state)
{
	struct fixture *f = *state;

	secret_free(replace(f, 0, 5));
	secret_free(replace(f, 1, 7));
	fixture_start(f, 0);
	fixture_start(f, 1);
	assert_linked(f, 0, 1);
	assert_true(wait_known(f, 1, 0, 5));
	assert_true(wait_known(f, 0, 1, 7));
}

/* A session with node 0 in which nothing was shown. */
static ssh_session
connect_ssh(struct fixture *f)
{
	const char *address = f->nodes[0].roster.members[0].address;
	struct sockaddr_in sin = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ssh_session session;
	struct ag_error err;

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sin.sin_port =
	    htons((uint16_t)strtoul(strrchr(address, ':') + 1, NULL, 10));
	assert_int_equal(connect(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(transport_client_open(&session, fd, 5,
			     &(struct transport_rekey){ 0 }, &err),
	    AG_OK);
	assert_int_equal(transport_client_connect(session, &err), AG_OK);
	return session;
}

/* What SSH says to a key, shown to node 0 with a name. */
static int
try_key(struct fixture *f, const struct secret *secret, const char *user)
{
	ssh_session session = connect_ssh(f);
	struct ag_error err;
	ssh_key key;
	int rc;

	assert_int_equal(transport_key_import(&key, secret, &err), AG_OK);
	rc = ssh_userauth_publickey(session, user, key);
	ssh_key_free(key);
	ssh_disconnect(session);
	ssh_free(session);
	return rc;
}

static void
a_stolen_key_is_worth_nothing_once_it_has_been_replaced(void **state)
{
	struct fixture *f = *state;
	struct link_certificate first;
	char user[TRANSPORT_USER_BYTES];
	struct secret *roster_key, *stolen;

	fixture_start(f, 0);
	fixture_start(f, 1);
	assert_linked(f, 0, 1);
	roster_key = replace(f, 1, 5);
	first = f->nodes[1].certificate;
	assert_true(wait_known(f, 0, 1, 5));
	stolen = replace(f, 1, 6);
	assert_true(wait_known(f, 0, 1, 6));

	assert_int_equal(try_key(f, roster_key, "peer"), SSH_AUTH_DENIED);
	assert_int_equal(try_key(f, stolen, "peer"), SSH_AUTH_DENIED);
	transport_user(user, f->nodes[1].roster.members[1].node_key, &first);
	assert_int_equal(try_key(f, stolen, user), SSH_AUTH_DENIED);
	/* The test knows how to ask. */
	transport_user(user, f->nodes[1].roster.members[1].node_key,
	    &f->nodes[1].certificate);
	assert_int_equal(try_key(f, f->nodes[1].link_key, user),
	    SSH_AUTH_SUCCESS);
	secret_free(roster_key);
	secret_free(stolen);
}

static void
a_node_with_its_older_key_is_refused_also_with_its_node_key(void **state)
{
	struct fixture *f = *state;
	struct secret *old;

	old = replace(f, 1, 5);
	f->nodes[0].known[1] = f->nodes[1].certificate;
	secret_free(f->nodes[1].link_key);
	f->nodes[1].link_key = old;
	f->nodes[1].certificate.serial = 0;
	fixture_start(f, 0);
	fixture_start(f, 1);
	assert_true(fixture_wait_error(f, 0, 1, "host key at", SOON_MS));
	assert_true(fixture_wait_error(f, 1, 0,
	    "does not accept our link key; compare rosters, or replace the key",
	    SOON_MS));
	assert_int_equal(f->nodes[0].learned, 0);
}

static void
a_node_that_came_back_older_is_let_in_with_a_key_made_since(void **state)
{
	struct fixture *f = *state;

	secret_free(replace(f, 1, 5));
	f->nodes[0].known[1] = f->nodes[1].certificate;
	secret_free(replace(f, 1, 6));
	fixture_start(f, 0);
	fixture_start(f, 1);
	assert_linked(f, 0, 1);
	assert_true(wait_known(f, 0, 1, 6));
}

static void
a_key_that_its_node_did_not_certify_is_a_strangers(void **state)
{
	struct fixture *f = *state;
	const uint8_t *of_n2;
	struct link_certificate forged;
	char user[TRANSPORT_USER_BYTES];
	struct secret *key = NULL;

	fixture_start(f, 0);
	of_n2 = f->nodes[1].roster.members[1].node_key;
	assert_int_equal(sign_keypair(&key, NULL), AG_OK);
	assert_int_equal(try_key(f, key, "peer"), SSH_AUTH_DENIED);
	/* Signed by n3, by nobody, and for another cluster. */
	certify(f, 2, key, 100, &forged);
	transport_user(user, of_n2, &forged);
	assert_int_equal(try_key(f, key, user), SSH_AUTH_DENIED);
	certify(f, 1, key, 100, &forged);
	forged.signature[7] ^= 1;
	transport_user(user, of_n2, &forged);
	assert_int_equal(try_key(f, key, user), SSH_AUTH_DENIED);
	f->nodes[1].roster.cluster_id[0] ^= 1;
	certify(f, 1, key, 100, &forged);
	transport_user(user, of_n2, &forged);
	assert_int_equal(try_key(f, key, user), SSH_AUTH_DENIED);
	f->nodes[1].roster.cluster_id[0] ^= 1;
	/* Of the very node that is asked, and in words nobody has. */
	certify(f, 0, key, 100, &forged);
	transport_user(user, f->nodes[0].roster.members[0].node_key, &forged);
	assert_int_equal(try_key(f, key, user), SSH_AUTH_DENIED);
	assert_int_equal(try_key(f, key, "peer:"), SSH_AUTH_DENIED);
	assert_int_equal(try_key(f, key, "peer:x:y"), SSH_AUTH_DENIED);
	assert_int_equal(f->nodes[0].learned, 0);
	/* The test knows how to ask. */
	certify(f, 1, key, 100, &forged);
	transport_user(user, of_n2, &forged);
	assert_int_equal(try_key(f, key, user), SSH_AUTH_SUCCESS);
	secret_free(key);
}

static void
who_asks_for_a_key_again_and_again_is_hung_up_on(void **state)
{
	struct fixture *f = *state;
	struct link_certificate news;
	char user[TRANSPORT_USER_BYTES];
	struct secret *secret = NULL;
	unsigned asked = 0;
	ssh_session session;
	struct ag_error err;
	ssh_key key;

	fixture_start(f, 0);
	/* A key that has to be verified each time. */
	assert_int_equal(sign_keypair(&secret, NULL), AG_OK);
	certify(f, 1, secret, 100, &news);
	transport_user(user, f->nodes[1].roster.members[1].node_key, &news);
	assert_int_equal(transport_key_import(&key, secret, &err), AG_OK);
	session = connect_ssh(f);
	while (asked < 50 &&
	    ssh_userauth_try_publickey(session, user, key) == SSH_AUTH_SUCCESS)
		asked++;
	assert_int_equal(asked, 8);
	ssh_key_free(key);
	ssh_disconnect(session);
	ssh_free(session);
	secret_free(secret);
}

static void
a_certified_key_without_its_node_key_is_not_enough(void **state)
{
	struct fixture *f = *state;

	secret_free(replace(f, 1, 5));
	secret_free(f->nodes[1].node_key);
	assert_int_equal(sign_keypair(&f->nodes[1].node_key, NULL), AG_OK);
	fixture_start(f, 0);
	fixture_start(f, 1);
	assert_true(fixture_wait_error(f, 0, 1,
	    "n2 did not sign this session with its node key", SOON_MS));
	/* Nor is anything kept on the word of such a session. */
	assert_int_equal(f->nodes[0].learned, 0);
}

/* Hand node 0 a LINK_KEY as if node i meant it. */
static void
tell_by(struct fixture *f, uint32_t i,
    const struct link_certificate *certificate, size_t cut)
{
	struct handshake_output out;

	handshake_link_key(&out, certificate);
	assert_int_equal(fixture_send(f->nodes[i].net, 1, FRAME_CONTROL,
			     bytes_of(out.data, out.len - cut)),
	    AG_OK);
}

static void
tell(struct fixture *f, const struct link_certificate *certificate, size_t cut)
{
	tell_by(f, 1, certificate, cut);
}

/* n4 says that n2's key is its own, and then n2 dials. */
static void
claim_key_of_n2(struct fixture *f)
{
	struct link_certificate claim;

	hide(f, 1);
	fixture_start(f, 0);
	fixture_start(f, 3);
	assert_linked(f, 0, 3);
	certify(f, 3, f->nodes[1].link_key, 50, &claim);
	tell_by(f, 3, &claim, 0);
	assert_true(wait_known(f, 0, 3, 50));
	fixture_start(f, 1);
	assert_linked(f, 0, 1);
}

static void
who_certifies_the_roster_key_of_another_does_not_cut_it_off(void **state)
{
	claim_key_of_n2(*state);
}

static void
who_certifies_the_newest_key_of_another_does_not_cut_it_off(void **state)
{
	struct fixture *f = *state;

	secret_free(replace(f, 1, 5));
	f->nodes[0].known[1] = f->nodes[1].certificate;
	claim_key_of_n2(f);
}

static void
a_forged_or_misshapen_announcement_ends_the_link(void **state)
{
	struct fixture *f = *state;
	struct link_certificate forged;

	fixture_start(f, 0);
	fixture_start(f, 1);
	assert_linked(f, 0, 1);
	certify(f, 2, f->nodes[1].link_key, 50, &forged);
	tell(f, &forged, 0);
	assert_true(fixture_wait_downs(f, 0, 1, 1, SOON_MS));
	assert_linked(f, 0, 1);
	tell(f, &forged, 1);
	assert_true(fixture_wait_downs(f, 0, 1, 2, SOON_MS));
	assert_int_equal(f->nodes[0].learned, 0);
}

static void
an_older_announcement_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct link_certificate older;

	fixture_start(f, 0);
	fixture_start(f, 1);
	assert_linked(f, 0, 1);
	certify(f, 1, f->nodes[1].link_key, 50, &older);
	secret_free(replace(f, 1, 60));
	assert_true(wait_known(f, 0, 1, 60));
	tell(f, &older, 0);
	assert_true(wait_session(f, 0, 1, 0, 60));
	assert_int_equal(f->nodes[0].known[1].serial, 60);
	assert_int_equal(f->nodes[0].learned, 1);
}

static void
a_flood_of_announcements_is_heard_in_part_and_harms_nobody(void **state)
{
	struct fixture *f = *state;
	struct link_certificate each;
	uint8_t body[16] = { 1 };
	uint64_t i;

	for (i = 0; i < 3; i++)
		fixture_start(f, (uint32_t)i);
	assert_linked(f, 0, 1);
	assert_linked(f, 0, 2);
	for (i = 1; i <= 500; i++) {
		certify(f, 1, f->nodes[1].link_key, i, &each);
		tell(f, &each, 0);
	}
	/* A frame behind them says that they have all been taken. */
	assert_int_equal(fixture_send(f->nodes[1].net, 1, FRAME_CONTROL,
			     bytes_of(body, sizeof(body))),
	    AG_OK);
	assert_true(fixture_wait_from(f, 0, 1, 1, SOON_MS));
	assert_true(f->nodes[0].learned >= 8 && f->nodes[0].learned < 20);
	assert_int_equal(fixture_send(f->nodes[2].net, 1, FRAME_CONSENSUS,
			     bytes_of(body, sizeof(body))),
	    AG_OK);
	assert_true(fixture_wait_from(f, 0, 2, 1, SOON_MS));
	assert_never_down(f);
}

static void
announcements_over_the_rate_are_not_even_verified(void **state)
{
	struct fixture *f = *state;
	struct link_certificate each[30], forged;
	uint8_t body[16] = { 1 };
	uint64_t i;

	fixture_start(f, 0);
	fixture_start(f, 1);
	assert_linked(f, 0, 1);
	for (i = 0; i < 30; i++)
		certify(f, 1, f->nodes[1].link_key, 1 + i, &each[i]);
	forged = each[29];
	forged.serial = 1000;
	for (i = 0; i < 30; i++)
		tell(f, &each[i], 0);
	tell(f, &forged, 0);
	assert_int_equal(fixture_send(f->nodes[1].net, 1, FRAME_CONTROL,
			     bytes_of(body, sizeof(body))),
	    AG_OK);
	assert_true(fixture_wait_from(f, 0, 1, 1, SOON_MS));
	assert_never_down(f);
}

static void
a_key_that_was_over_the_rate_is_told_again_over_the_link_there_is(void **state)
{
	struct fixture *f = *state;
	uint64_t i;

	fixture_start(f, 0);
	fixture_start(f, 1);
	assert_linked(f, 0, 1);
	/* From here on nobody can dial. */
	hide(f, 0);
	hide(f, 1);
	for (i = 1; i <= 12; i++)
		secret_free(replace(f, 1, i));
	assert_true(wait_known(f, 0, 1, 12));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define SPEC(name) \
	cmocka_unit_test_setup_teardown(name, open_cluster, close_cluster)
		SPEC(links_of_a_lower_member_are_renewed_without_an_outage),
		SPEC(links_of_a_higher_member_are_renewed_without_an_outage),
		SPEC(
		    links_are_renewed_by_the_other_end_when_only_that_can_dial),
		SPEC(
		    all_that_replace_their_keys_at_once_end_with_links_of_new_ones),
		SPEC(peers_hear_of_a_new_key_over_the_link_there_is),
		SPEC(
		    who_slept_through_replacements_links_again_when_it_is_dialled),
		SPEC(who_slept_through_replacements_links_again_when_it_dials),
		SPEC(
		    two_that_slept_through_each_others_replacements_link_again),
		SPEC(a_stolen_key_is_worth_nothing_once_it_has_been_replaced),
		SPEC(
		    a_node_with_its_older_key_is_refused_also_with_its_node_key),
		SPEC(
		    a_node_that_came_back_older_is_let_in_with_a_key_made_since),
		SPEC(a_key_that_its_node_did_not_certify_is_a_strangers),
		SPEC(who_asks_for_a_key_again_and_again_is_hung_up_on),
		SPEC(a_certified_key_without_its_node_key_is_not_enough),
		SPEC(
		    who_certifies_the_roster_key_of_another_does_not_cut_it_off),
		SPEC(
		    who_certifies_the_newest_key_of_another_does_not_cut_it_off),
		SPEC(a_forged_or_misshapen_announcement_ends_the_link),
		SPEC(an_older_announcement_changes_nothing),
		SPEC(
		    a_flood_of_announcements_is_heard_in_part_and_harms_nobody),
		SPEC(announcements_over_the_rate_are_not_even_verified),
		SPEC(
		    a_key_that_was_over_the_rate_is_told_again_over_the_link_there_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
