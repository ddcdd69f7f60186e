/*
 * A small cluster of real links on 127.0.0.1 for the specifications of net.
 *
 * One specification is one program from one file, so this is all inline.
 */
#ifndef AEGIS_TESTS_NET_FIXTURE_H
#define AEGIS_TESTS_NET_FIXTURE_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

#include "base/clock.h"
#include "base/log.h"
#include "crypto/secret.h"
#include "crypto/signer.h"
#include "net/net.h"

#define FIXTURE_MEMBERS 4

struct fixture_node {
	struct roster roster; /* its own copy: specifications change it */
	struct net *net;
	struct secret *node_key;
	struct signer signer; /* of it, as of the last start */
	struct secret *link_key;
	struct link_certificate certificate; /* serial 0: the roster's */
	struct link_certificate known[FIXTURE_MEMBERS];
	unsigned learned; /* certificates, since it began */
	void (*linked)(void);
	uint64_t step_us; /* of its keys for datagrams; 0: the usual */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	uint64_t frames;
	uint64_t from[FIXTURE_MEMBERS]; /* frames, by their sender */
	uint64_t bytes;
	uint64_t last; /* first 8 bytes of the newest body */
	bool is_out_of_order;
	uint32_t echo_to; /* members to send what comes back to */
	bool is_linked[FIXTURE_MEMBERS];
	unsigned downs;
	unsigned downs_of[FIXTURE_MEMBERS];
	char down_error[160]; /* of the newest of them */
};

struct fixture {
	struct fixture_node nodes[FIXTURE_MEMBERS];
	struct metric_set *metrics;
	uint64_t rekey_bytes; /* set before nodes start */
	uint32_t rekey_s;
	void (*linked)(void);       /* on the I/O threads, as links come up */
	int ports[FIXTURE_MEMBERS]; /* sockets that keep them ours */
};

/* Every second node lets frames leave by net_flush() alone. */
static inline enum ag_status
fixture_send(struct net *net, uint32_t members, enum frame_class class,
    struct bytes body)
{
	enum ag_status status = net_send(net, members, class, body);

	net_flush(net);
	return status;
}

static inline void
fixture_on_frame(void *arg, uint32_t member, const struct frame *frame)
{
	struct fixture_node *node = arg;
	uint64_t number = 0;

	if (node->echo_to != 0)
		assert_int_equal(fixture_send(node->net, 1U << member,
				     frame->class, frame->body),
		    AG_OK);
	if (frame->body.len >= sizeof(number))
		memcpy(&number, frame->body.data, sizeof(number));
	(void)pthread_mutex_lock(&node->lock);
	if (node->frames > 0 && number != 0 && number <= node->last)
		node->is_out_of_order = true;
	node->last = number;
	node->frames++;
	node->from[member]++;
	node->bytes += frame->body.len;
	(void)pthread_cond_broadcast(&node->changed);
	(void)pthread_mutex_unlock(&node->lock);
}

static inline void
fixture_on_link(void *arg, uint32_t member, bool is_up)
{
	struct fixture_node *node = arg;
	struct net_link_stats stats = { 0 };

	if (is_up && node->linked != NULL)
		node->linked();
	(void)pthread_mutex_lock(&node->lock);
	node->is_linked[member] = is_up;
	if (!is_up) {
		node->downs++;
		node->downs_of[member]++;
		if (node->net != NULL)
			net_stats(node->net, member, &stats);
		memcpy(node->down_error, stats.error, sizeof(node->down_error));
	}
	(void)pthread_cond_broadcast(&node->changed);
	(void)pthread_mutex_unlock(&node->lock);
}

static inline void
fixture_on_link_key(void *arg, uint32_t member,
    const struct link_certificate *certificate)
{
	struct fixture_node *node = arg;

	(void)pthread_mutex_lock(&node->lock);
	node->known[member] = *certificate;
	node->learned++;
	(void)pthread_cond_broadcast(&node->changed);
	(void)pthread_mutex_unlock(&node->lock);
}

/*
 * A port that nobody has, and no connection is given: *fd keeps it from who
 * else looks for one, and does not hinder a listener of ours.
 */
static inline unsigned
fixture_take_port(int *fd)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	int yes = 1;

	*fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(*fd != -1);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	do
		sin.sin_port =
		    htons((uint16_t)(10000 + randombytes_uniform(22000)));
	while (bind(*fd, (struct sockaddr *)&sin, sizeof(sin)) != 0);
	assert_int_equal(setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &yes,
			     sizeof(yes)),
	    0);
	return ntohs(sin.sin_port);
}

/* Keys, free ports and a roster each; nothing runs yet. */
static inline void
fixture_open(struct fixture *f)
{
	struct roster *roster = &f->nodes[0].roster;
	struct roster_member *member;
	struct fixture_node *node;
	uint32_t i;

	assert_true(sodium_init() >= 0);
	memset(f, 0, sizeof(*f));
	f->metrics = metric_set_new();
	roster->epoch = 1;
	roster->member_count = FIXTURE_MEMBERS;
	(void)snprintf(roster->cluster_name, sizeof(roster->cluster_name),
	    "test");
	randombytes_buf(roster->cluster_id, sizeof(roster->cluster_id));
	for (i = 0; i < FIXTURE_MEMBERS; i++) {
		node = &f->nodes[i];
		member = &roster->members[i];
		assert_int_equal(sign_keypair(&node->node_key, NULL), AG_OK);
		assert_int_equal(sign_keypair(&node->link_key, NULL), AG_OK);
		(void)snprintf(member->name, sizeof(member->name), "n%u",
		    i + 1);
		(void)snprintf(member->address, sizeof(member->address),
		    "127.0.0.1:%u", fixture_take_port(&f->ports[i]));
		signer_of_key(&node->signer, node->node_key);
		sign_public(member->node_key, node->node_key);
		sign_public(member->link_key, node->link_key);
		(void)pthread_mutex_init(&node->lock, NULL);
		(void)pthread_cond_init(&node->changed, NULL);
	}
	for (i = 1; i < FIXTURE_MEMBERS; i++)
		f->nodes[i].roster = *roster;
}

static inline void
fixture_start(struct fixture *f, uint32_t i)
{
	struct fixture_node *node = &f->nodes[i];
	const struct net_config config = {
		.roster = &node->roster,
		.self = i,
		.signer = &node->signer,
		.link_key = node->link_key,
		.certificate =
		    node->certificate.serial > 0 ? &node->certificate : NULL,
		.known = node->known,
		.listen = node->roster.members[i].address,
		.is_flushed = i % 2 == 0,
		.heartbeat_ms = 200,
		.silent_ms = 5000,
		.rekey_bytes = f->rekey_bytes,
		.rekey_s = f->rekey_s,
		.step_us = node->step_us,
		.callbacks = { node, fixture_on_frame, fixture_on_link, NULL,
		    fixture_on_link_key },
		.metrics = f->metrics,
	};
	struct net *net;
	struct ag_error err;

	node->linked = f->linked;
	signer_of_key(&node->signer, node->node_key);
	if (net_start(&net, &config, &err) != AG_OK)
		fail_msg("%s", err.text);
	(void)pthread_mutex_lock(&node->lock);
	node->net = net;
	(void)pthread_mutex_unlock(&node->lock);
}

static inline void
fixture_stop(struct fixture *f, uint32_t i)
{
	net_stop(f->nodes[i].net);
	f->nodes[i].net = NULL;
}

static inline void
fixture_close(struct fixture *f)
{
	uint32_t i;

	for (i = 0; i < FIXTURE_MEMBERS; i++) {
		fixture_stop(f, i);
		secret_free(f->nodes[i].node_key);
		secret_free(f->nodes[i].link_key);
		(void)pthread_cond_destroy(&f->nodes[i].changed);
		(void)pthread_mutex_destroy(&f->nodes[i].lock);
		(void)close(f->ports[i]);
	}
	metric_set_free(f->metrics);
}

static inline struct timespec
fixture_deadline(unsigned ms)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	t.tv_sec += ms / 1000;
	t.tv_nsec += (long)(ms % 1000) * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_nsec -= 1000000000;
		t.tv_sec++;
	}
	return t;
}

/* Wait until node i has seen its link to j come up or go down. */
static inline bool
fixture_wait_link(struct fixture *f, uint32_t i, uint32_t j, bool is_up,
    unsigned ms)
{
	struct fixture_node *node = &f->nodes[i];
	struct timespec until = fixture_deadline(ms);
	int code = 0;

	(void)pthread_mutex_lock(&node->lock);
	while (node->is_linked[j] != is_up && code == 0)
		code =
		    pthread_cond_timedwait(&node->changed, &node->lock, &until);
	(void)pthread_mutex_unlock(&node->lock);
	return code == 0;
}

/*
 * Wait until node i's links with j have ended so often, whether or not j has
 * dialled again: the next may be up before anybody looks.
 */
static inline bool
fixture_wait_downs(struct fixture *f, uint32_t i, uint32_t j, unsigned count,
    unsigned ms)
{
	struct fixture_node *node = &f->nodes[i];
	struct timespec until = fixture_deadline(ms);
	int code = 0;

	(void)pthread_mutex_lock(&node->lock);
	while (node->downs_of[j] < count && code == 0)
		code =
		    pthread_cond_timedwait(&node->changed, &node->lock, &until);
	(void)pthread_mutex_unlock(&node->lock);
	return code == 0;
}

/* Why a link of node i ended last. */
static inline void
fixture_assert_down(struct fixture *f, uint32_t i, const char *text)
{
	struct fixture_node *node = &f->nodes[i];
	char error[sizeof(node->down_error)];

	(void)pthread_mutex_lock(&node->lock);
	memcpy(error, node->down_error, sizeof(error));
	(void)pthread_mutex_unlock(&node->lock);
	if (strstr(error, text) == NULL)
		fail_msg("a link ended for \"%s\", not \"%s\"", error, text);
}

/* Wait until node i has received count frames in all. */
static inline bool
fixture_wait_frames(struct fixture *f, uint32_t i, uint64_t count, unsigned ms)
{
	struct fixture_node *node = &f->nodes[i];
	struct timespec until = fixture_deadline(ms);
	int code = 0;

	(void)pthread_mutex_lock(&node->lock);
	while (node->frames < count && code == 0)
		code =
		    pthread_cond_timedwait(&node->changed, &node->lock, &until);
	(void)pthread_mutex_unlock(&node->lock);
	return code == 0;
}

/* Wait until node i has received count frames in all from node j. */
static inline bool
fixture_wait_from(struct fixture *f, uint32_t i, uint32_t j, uint64_t count,
    unsigned ms)
{
	struct fixture_node *node = &f->nodes[i];
	struct timespec until = fixture_deadline(ms);
	int code = 0;

	(void)pthread_mutex_lock(&node->lock);
	while (node->from[j] < count && code == 0)
		code =
		    pthread_cond_timedwait(&node->changed, &node->lock, &until);
	(void)pthread_mutex_unlock(&node->lock);
	return code == 0;
}

/* Wait until what node i says about its link to j contains text. */
static inline bool
fixture_wait_error(struct fixture *f, uint32_t i, uint32_t j, const char *text,
    unsigned ms)
{
	const struct timespec pause = { .tv_nsec = 10000000 };
	struct net_link_stats stats;
	unsigned waited;

	for (waited = 0; waited < ms; waited += 10) {
		net_stats(f->nodes[i].net, j, &stats);
		if (strstr(stats.error, text) != NULL)
			return true;
		(void)nanosleep(&pause, NULL);
	}
	print_message("n%u says of n%u: %s\n", i + 1, j + 1, stats.error);
	return false;
}

#endif
