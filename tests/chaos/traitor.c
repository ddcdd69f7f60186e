/*
 * A member in hostile hands, while the others work: traitor DIR ROSTER LISTEN
 * garbage|flood|ahead|proofs|changes
 *
 * It has the keys of the member whose data directory DIR is, listens where
 * that member does, brings up its links to all others as a node does, says
 * "up", and then does harm until something comes on stdin, which it answers
 * with "done" and how many messages it has made.
 *
 *	garbage   for each sequence number that it hears of it votes PREPARE
 *		and COMMIT for one digest towards some members and for
 *		another towards the rest, and again with a signature that is
 *		none
 *	flood     votes with signatures that are none, of a window of
 *		sequence numbers ahead: FLOOD_RATE, or what its links take
 *	ahead     the same with signatures that are right, each of a later
 *		view than the one before
 *	proofs    the same as flood, but as many votes in a message as it may
 *		hold, each with a signature that is none
 *	changes   view changes, each to a later view than the one before: its
 *		own, rightly signed; its own with a certificate that nobody
 *		signed; and another member's, that nobody signed
 *
 * NOT HERE One lie at a time, told from outside: fixture/liar.c.
 */
#include <poll.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

#include "base/clock.h"
#include "base/log.h"
#include "codec/decoder.h"
#include "codec/encoder.h"
#include "codec/message.h"
#include "net/net.h"
#include "trust/identity.h"
#include "trust/setup.h"
#include "trust/signing.h"

#define LINKS_WAIT_MS 30000
#define STEP_MS 10
#define BATCHES_MAX 64 /* votes for so many at a time, when it is late */
#define FLOOD_RATE UINT64_C(10000) /* to each member, a second */
#define FLOOD_FRAMES 64            /* between two looks at the queues */
#define FLOOD_BYTES (256U << 10)   /* in a link's queue at a time */
#define FLOOD_WINDOW 64
#define PROOFS_RATE UINT64_C(1000)
#define MESSAGE_BYTES_MAX 16384

static struct traitor {
	struct roster roster;
	struct secret *node_key, *link_key;
	struct identity identity;
	struct net *net;
	uint32_t others;            /* bit per member */
	uint64_t made;              /* messages */
	_Atomic uint64_t view, seq; /* newest heard of */
	sem_t heard;
} traitor;

static void
must(enum ag_status status, const struct ag_error *err)
{
	if (status == AG_OK)
		return;
	(void)fprintf(stderr, "traitor: %s\n", err->text);
	exit(1);
}

/* PRE_PREPARE [17, view, seq, …], VOTES [18, view, [[phase, seq, digest]…], …] */
static void
on_frame(void *arg, uint32_t member, const struct frame *frame)
{
	struct decoder d;
	uint64_t type, view, seq = 0;

	(void)arg;
	(void)member;
	type = message_type_of(frame->body);
	if (type != MESSAGE_PRE_PREPARE && type != MESSAGE_VOTES)
		return;
	decoder_init(&d, frame->body);
	(void)decoder_get_array_max(&d, 6);
	(void)decoder_get_uint(&d);
	view = decoder_get_uint(&d);
	if (type == MESSAGE_VOTES) {
		(void)decoder_get_array_max(&d, VOTE_BUNDLE_MAX);
		(void)decoder_get_array_max(&d, 3);
		/* Those of checkpoints are behind. */
		if (decoder_get_uint(&d) == VOTE_CHECKPOINT)
			return;
	}
	seq = decoder_get_uint(&d);
	if (d.why != NULL || seq <= atomic_load(&traitor.seq))
		return;
	atomic_store(&traitor.view, view);
	atomic_store(&traitor.seq, seq);
	(void)sem_post(&traitor.heard);
}

static void
on_link(void *arg, uint32_t member, bool is_up)
{
	(void)arg;
	(void)member;
	(void)is_up;
}

/* What its links say is of no use to those who measure. */
static void
on_log(void *arg, const struct log_line *line)
{
	(void)arg;
	(void)line;
}

static void
open_links(const char *dir, const char *roster, const char *listen)
{
	struct net_config config = {
		.roster = &traitor.roster,
		.listen = listen,
		.heartbeat_ms = 500,
		.silent_ms = 5000,
		.callbacks = { .frame = on_frame, .link = on_link },
	};
	struct ag_error err;
	uint32_t i;

	must(setup_load_keys(&traitor.node_key, &traitor.link_key, dir, &err),
	    &err);
	must(roster_load(&traitor.roster, roster, &err), &err);
	must(identity_init_key(&traitor.identity, &traitor.roster,
		 traitor.node_key, &err),
	    &err);
	config.self = traitor.identity.self;
	config.signer = &traitor.identity.signer;
	config.link_key = traitor.link_key;
	must(net_start(&traitor.net, &config, &err), &err);
	for (i = 0; i < traitor.roster.member_count; i++)
		if (i != config.self)
			traitor.others |= UINT32_C(1) << i;
}

/* Bytes in the fullest queue; those that are not up are in *down. */
static uint64_t
look_at_links(uint32_t *down)
{
	struct net_link_stats stats;
	uint64_t most = 0;
	uint32_t i;

	*down = 0;
	for (i = 0; i < traitor.roster.member_count; i++) {
		net_stats(traitor.net, i, &stats);
		if (stats.state == NET_LINK_DOWN ||
		    stats.state == NET_LINK_CONNECTING)
			*down |= UINT32_C(1) << i;
		if (stats.queued_bytes > most)
			most = stats.queued_bytes;
	}
	return most;
}

static void
pause_ms(unsigned ms)
{
	const struct timespec wait = { .tv_nsec = ms * 1000000L };

	(void)nanosleep(&wait, NULL);
}

static void
await_links(void)
{
	unsigned waited;
	uint32_t down;

	for (waited = 0; look_at_links(&down), down != 0; waited += STEP_MS) {
		if (waited >= LINKS_WAIT_MS) {
			(void)fprintf(stderr, "traitor: no link to %x\n", down);
			exit(1);
		}
		pause_ms(STEP_MS);
	}
}

struct lie {
	uint64_t view, seq;
	enum vote_phase phase;
	uint8_t what;   /* every byte of the digest */
	bool is_signed; /* rightly */
};

/* What finds no room is one lie less. */
static void
send_made(uint32_t members, const struct encoder *e)
{
	struct bytes body;

	traitor.made++;
	if (encoder_finish(e, &body) != AG_OK ||
	    net_send(traitor.net, members, FRAME_CONSENSUS, body) != AG_OK)
		return;
}

static void
tell(uint32_t members, const struct lie *lie)
{
	struct vote vote = { .phase = lie->phase, .seq = lie->seq };
	struct vote_proof proof;
	uint8_t raw[512];
	struct encoder e;

	memset(vote.digest.data, lie->what, DIGEST_BYTES);
	if (lie->is_signed)
		vote_bundle_sign(&proof, &vote, 1, &traitor.identity.scope,
		    traitor.identity.self, lie->view, &identity_authority,
		    &traitor.identity);
	else
		randombytes_buf(proof.signature, SIGNATURE_BYTES);
	encoder_init(&e, raw, sizeof(raw));
	encoder_put_array(&e, 4);
	encoder_put_uint(&e, MESSAGE_VOTES);
	encoder_put_uint(&e, lie->view);
	encoder_put_array(&e, 1);
	encoder_put_array(&e, 3);
	encoder_put_uint(&e, (uint64_t)lie->phase);
	encoder_put_uint(&e, lie->seq);
	encoder_put_bytes(&e, bytes_of(vote.digest.data, DIGEST_BYTES));
	encoder_put_bytes(&e, bytes_of(proof.signature, SIGNATURE_BYTES));
	send_made(members, &e);
}

/* Of itself, and of a bundle of one. */
static void
put_forged_proof(struct encoder *e, uint64_t view)
{
	struct vote_proof proof = {
		.member = traitor.identity.self,
		.view = view,
		.bundle_size = 1,
	};

	randombytes_buf(proof.signature, SIGNATURE_BYTES);
	vote_proof_encode(e, &proof);
}

static void
tell_proofs(uint64_t count)
{
	static uint8_t raw[MESSAGE_BYTES_MAX];
	const uint64_t view = atomic_load(&traitor.view);
	const uint64_t seq = atomic_load(&traitor.seq);
	struct digest digest;
	struct encoder e;
	unsigned i;

	(void)count;
	randombytes_buf(digest.data, DIGEST_BYTES);
	encoder_init(&e, raw, sizeof(raw));
	encoder_put_array(&e, 2);
	encoder_put_uint(&e, MESSAGE_VOTE_PROOFS);
	encoder_put_array(&e, VOTE_BUNDLE_MAX);
	for (i = 0; i < VOTE_BUNDLE_MAX; i++) {
		encoder_put_array(&e, 4);
		encoder_put_uint(&e, VOTE_COMMIT);
		encoder_put_uint(&e, seq + 1 + i % FLOOD_WINDOW);
		encoder_put_bytes(&e, bytes_of(digest.data, DIGEST_BYTES));
		put_forged_proof(&e, view);
	}
	send_made(traitor.others, &e);
}

/* A quorum's certificate, of which the first signature is none. */
static void
put_forged_certificate(struct encoder *e, uint64_t view)
{
	static struct certificate certificate;
	uint32_t i;

	certificate.phase = VOTE_PREPARE;
	certificate.view = view;
	certificate.seq = atomic_load(&traitor.seq) + 1;
	certificate.proof_count = trust_quorum(FAULTS_BYZANTINE,
	    (uint32_t)traitor.roster.member_count);
	for (i = 0; i < certificate.proof_count; i++)
		certificate.proofs[i] = (struct vote_proof){
			.member = i,
			.view = view,
			.bundle_size = 1,
		};
	certificate_encode(e, &certificate);
}

static void
sign_change(uint64_t view, struct bytes statement,
    uint8_t signature[static SIGNATURE_BYTES])
{
	const struct trust_scope *scope = &traitor.identity.scope;
	struct digest digest;
	struct signing s;

	digest_of(&digest, statement);
	signing_begin(&s, PURPOSE_VIEW_CHANGE);
	signing_put(&s, scope->cluster_id, CLUSTER_ID_BYTES);
	signing_put_u64(&s, scope->epoch);
	signing_put_u64(&s, traitor.identity.self);
	signing_put_u64(&s, view);
	signing_put(&s, digest.data, DIGEST_BYTES);
	identity_authority.sign(&traitor.identity, signing_bytes(&s),
	    signature);
}

static void
tell_change(uint64_t view, bool is_own, bool is_forged)
{
	static uint8_t raw[MESSAGE_BYTES_MAX];
	uint8_t signature[SIGNATURE_BYTES];
	const uint32_t self = traitor.identity.self;
	struct encoder e;
	size_t start;

	encoder_init(&e, raw, sizeof(raw));
	encoder_put_array(&e, 8);
	encoder_put_uint(&e, MESSAGE_VIEW_CHANGE);
	start = e.len;
	encoder_put_uint(&e, is_own ? self : self == 0);
	encoder_put_uint(&e, view);
	encoder_put_uint(&e, traitor.roster.first_seq);
	encoder_put_null(&e);
	encoder_put_array(&e, is_forged);
	if (is_forged)
		put_forged_certificate(&e, view - 1);
	encoder_put_array(&e, 0);
	if (is_own)
		sign_change(view, bytes_of(raw + start, e.len - start),
		    signature);
	else
		randombytes_buf(signature, SIGNATURE_BYTES);
	encoder_put_bytes(&e, bytes_of(signature, SIGNATURE_BYTES));
	send_made(traitor.others, &e);
}

static void
vote_garbage(uint64_t seq)
{
	const uint32_t some = traitor.others & UINT32_C(0x55555555);
	struct lie lie = { .view = atomic_load(&traitor.view), .seq = seq };

	for (lie.phase = VOTE_PREPARE; lie.phase <= VOTE_COMMIT; lie.phase++) {
		lie.is_signed = true;
		lie.what = 0xaa;
		tell(some, &lie);
		lie.what = 0xbb;
		tell(traitor.others & ~some, &lie);
		lie.is_signed = false;
		tell(traitor.others, &lie);
	}
}

static void
do_garbage(void)
{
	static uint64_t last;
	struct timespec until;
	uint64_t seq;

	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec++;
	if (sem_timedwait(&traitor.heard, &until) != 0)
		return;
	seq = atomic_load(&traitor.seq);
	if (seq > last + BATCHES_MAX)
		last = seq - BATCHES_MAX;
	while (last < seq)
		vote_garbage(++last);
}

/* Some of what tell_one() makes, if it is time for more of it. */
static void
flood(uint64_t rate, void (*tell_one)(uint64_t count))
{
	static uint64_t count, began_us;
	uint32_t down;
	unsigned i;

	if (began_us == 0)
		began_us = clock_mono_us();
	if (look_at_links(&down) > FLOOD_BYTES ||
	    count * 1000000 > (clock_mono_us() - began_us) * rate) {
		pause_ms(1);
		return;
	}
	for (i = 0; i < FLOOD_FRAMES; i++, count++)
		tell_one(count);
}

static void
tell_vote(uint64_t count, bool is_ahead)
{
	const struct lie lie = {
		.view = atomic_load(&traitor.view) + (is_ahead ? 1 + count : 0),
		.seq = atomic_load(&traitor.seq) + count % FLOOD_WINDOW,
		.phase = VOTE_COMMIT,
		.what = 0xcc,
		.is_signed = is_ahead,
	};

	tell(traitor.others, &lie);
}

static void
tell_forged_vote(uint64_t count)
{
	tell_vote(count, false);
}

static void
tell_vote_ahead(uint64_t count)
{
	tell_vote(count, true);
}

static void
tell_one_of_changes(uint64_t count)
{
	tell_change(atomic_load(&traitor.view) + 1 + count, count % 3 != 2,
	    count % 3 == 1);
}

static void
do_flood(void)
{
	flood(FLOOD_RATE, tell_forged_vote);
}

static void
do_ahead(void)
{
	flood(FLOOD_RATE, tell_vote_ahead);
}

static void
do_proofs(void)
{
	flood(PROOFS_RATE, tell_proofs);
}

static void
do_changes(void)
{
	flood(FLOOD_RATE, tell_one_of_changes);
}

static bool
has_input(void)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };

	return poll(&p, 1, 0) != 0;
}

static void (*harm_find(const char *name))(void)
{
	static const struct {
		const char *name;
		void (*harm)(void);
	} harms[] = {
		{ "garbage", do_garbage },
		{ "flood", do_flood },
		{ "ahead", do_ahead },
		{ "proofs", do_proofs },
		{ "changes", do_changes },
	};
	size_t i;

	for (i = 0; i < sizeof(harms) / sizeof(harms[0]); i++)
		if (strcmp(name, harms[i].name) == 0)
			return harms[i].harm;
	return NULL;
}

int
main(int argc, char **argv)
{
	void (*harm)(void) = argc == 5 ? harm_find(argv[4]) : NULL;

	if (harm == NULL) {
		(void)fprintf(stderr,
		    "usage: traitor DIR ROSTER LISTEN "
		    "garbage|flood|ahead|proofs|changes\n");
		return 2;
	}
	if (sodium_init() < 0 || sem_init(&traitor.heard, 0, 0) != 0)
		return 1;
	log_sink_set(on_log, NULL);
	open_links(argv[1], argv[2], argv[3]);
	await_links();
	(void)puts("up");
	(void)fflush(stdout);
	while (!has_input())
		harm();
	(void)printf("done %llu\n", (unsigned long long)traitor.made);
	(void)fflush(stdout);
	net_stop(traitor.net);
	secret_free(traitor.node_key);
	secret_free(traitor.link_key);
	return 0;
}
