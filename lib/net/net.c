/*
 * Links to the other members: what the rest of a node sees of them.
 *
 * RULES    1. net_send() copies the body once, into a frame all queues
 *             share, and wakes the I/O thread at most once per turn.
 *          2. Threads of this folder take no signals: they belong to the
 *             main thread, and a closed socket must not end the process.
 */
#include "net/net.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <sodium.h>

#include "base/clock.h"
#include "crypto/late_ssh.h"
#include "net/io.h"
#include "net/transport.h"

static void
net_free(struct net *net)
{
	uint32_t i;

	dial_pool_close(net->dials);
	server_close(&net->server);
	for (i = 0; i < net->peer_count; i++)
		peer_fini(&net->peers[i]);
	if (net->wake_fd != -1)
		(void)close(net->wake_fd);
	(void)pthread_mutex_destroy(&net->turn);
	free(net);
}

static enum ag_status
net_init_peers(struct net *net, struct ag_error *err)
{
	const struct roster *roster = net->config.roster;
	uint64_t now_us = clock_mono_us();
	uint32_t i;

	for (i = 0; i < roster_node_count(roster); i++) {
		if (peer_init(&net->peers[i], i, net->config.self,
			&roster->members[i], net->config.metrics,
			now_us) != AG_OK)
			return ag_fail(err, AG_ENOMEM,
			    "start links: no memory");
		net->peer_count++;
	}
	return AG_OK;
}

static void
net_register(struct net *net)
{
	struct metric_set *set = net->config.metrics;

	net->links_up = metric_new(set, METRIC_GAUGE, "aegis_net_links_up",
	    "Members with a link that is up", NULL);
	net->renewals =
	    metric_new(set, METRIC_COUNTER, "aegis_net_link_renewals_total",
		"Sessions replaced because a link key was", NULL);
	net->key_steps =
	    metric_new(set, METRIC_COUNTER, "aegis_net_key_steps_total",
		"Times that the keys of datagrams moved on", NULL);
	net->auth_failures = metric_new(set, METRIC_COUNTER,
	    "aegis_net_auth_failures_total",
	    "Sessions that ended before or because of authentication", NULL);
	net->rtt = metric_new(set, METRIC_HISTOGRAM, "aegis_net_rtt_seconds",
	    "Round trip of heartbeats", NULL);
	net->turn_seconds =
	    metric_new(set, METRIC_HISTOGRAM, "aegis_net_turn_seconds",
		"Time of the I/O thread's turns, waiting left out", NULL);
}

/* Who is known by which key at the start. */
static void
net_init_keys(struct net *net)
{
	const struct roster *roster = net->config.roster;
	struct link_context *context = &net->context;
	struct link_certificate *known;
	uint32_t i;

	for (i = 0; i < roster_node_count(roster); i++) {
		known = &context->known[i];
		if (net->config.known != NULL)
			*known = net->config.known[i];
		if (known->serial == 0)
			memcpy(known->link_key, roster->members[i].link_key,
			    sizeof(known->link_key));
	}
	context->ours = net->config.certificate != NULL
	    ? *net->config.certificate
	    : context->known[net->config.self];
}

static enum ag_status
net_spawn(struct net *net, struct ag_error *err)
{
	const struct net_config *config = &net->config;
	const struct dial_self self = {
		.node_key = config->roster->members[config->self].node_key,
		.link_key = config->link_key,
		.certificate = &net->context.ours,
		.rekey = &net->context.rekey,
	};
	enum ag_status status;
	sigset_t all, old;
	int code;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	status = dial_pool_open(&net->dials, &self, net->wake_fd, err);
	if (status == AG_OK) {
		code = pthread_create(&net->thread, NULL, io_main, net);
		if (code != 0)
			status = ag_fail(err, AG_ESYS,
			    "start I/O thread: error %d", code);
	}
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	return status;
}

enum ag_status
net_start(struct net **out, const struct net_config *config,
    struct ag_error *err)
{
	enum ag_status status;
	struct net *net;

	*out = NULL;
	AG_ASSERT(config->self < roster_node_count(config->roster));
	net = calloc(1, sizeof(*net));
	if (net == NULL)
		return ag_fail(err, AG_ENOMEM, "start links: no memory");
	if (pthread_mutex_init(&net->turn, NULL) != 0) {
		free(net);
		return ag_fail(err, AG_ENOMEM, "start links: no memory");
	}
	net->config = *config;
	net->server.fd = -1;
	net->context = (struct link_context){
		.roster = config->roster,
		.signer = config->signer,
		.self = config->self,
		.rekey = { config->rekey_bytes, config->rekey_s },
		.step_us = config->step_us,
		.scratch = net->scratch,
		.chain = config->chain,
		.formers = &net->formers,
		.behind = config->callbacks.behind,
		.arg = config->callbacks.arg,
	};
	net_init_keys(net);
	randombytes_buf(&net->context.instance, sizeof(net->context.instance));
	net->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	status = net->wake_fd != -1 ? net_init_peers(net, err)
				    : ag_fail_sys(err, "start links: eventfd");
	if (status == AG_OK && config->chain.len > 0)
		status = chain_find_formers(&net->formers, config->chain,
		    config->roster, err);
	net_register(net);
	if (status == AG_OK)
		status = server_open(&net->server, config->listen,
		    config->link_key, &net->context.ours, config->metrics, err);
	if (status == AG_OK)
		status = net_spawn(net, err);
	if (status != AG_OK) {
		net_free(net);
		return status;
	}
	*out = net;
	return AG_OK;
}

void
net_stop(struct net *net)
{
	if (net == NULL)
		return;
	atomic_store(&net->is_stopping, true);
	atomic_store(&net->is_woken, false);
	io_wake(net);
	(void)pthread_join(net->thread, NULL);
	net_free(net);
}

enum ag_status
net_change_link_key(struct net *net, const struct secret *link_key,
    const struct link_certificate *certificate, struct ag_error *err)
{
	enum ag_status status;
	ssh_key key = NULL;
	ssh_bind bind;

	status = transport_bind_open(&bind, link_key, certificate, err);
	if (status != AG_OK)
		return status;
	status = transport_key_import(&key, link_key, err);
	if (status != AG_OK) {
		ssh_bind_free(bind);
		return status;
	}
	(void)pthread_mutex_lock(&net->turn);
	server_change_key(&net->server, bind);
	dial_pool_change_key(net->dials, key, certificate);
	io_change_own(net, certificate);
	(void)pthread_mutex_unlock(&net->turn);
	io_wake(net);
	return AG_OK;
}

void
net_known(struct net *net, uint32_t member,
    struct link_certificate *certificate)
{
	AG_ASSERT(member < net->peer_count);
	(void)pthread_mutex_lock(&net->turn);
	*certificate = net->context.known[member];
	(void)pthread_mutex_unlock(&net->turn);
}

enum ag_status
net_send_parts(struct net *net, uint32_t members, enum frame_class class,
    const struct bytes *parts, size_t count)
{
	enum ag_status status = AG_OK, one;
	struct net_frame *frame;
	size_t len = 0;
	uint32_t i;

	for (i = 0; i < count; i++)
		len += parts[i].len;
	if (len == 0 || len > frame_bytes_max(class))
		return AG_ELIMIT;
	frame = net_frame_new(class, parts, count);
	if (frame == NULL)
		return AG_ENOMEM;
	for (i = 0; i < net->peer_count; i++) {
		if ((members >> i & 1) == 0 || i == net->config.self)
			continue;
		one = peer_send(&net->peers[i], frame);
		if (one != AG_OK)
			status = one;
	}
	net_frame_unref(frame);
	if (net->config.is_flushed)
		atomic_store(&net->has_queued, true);
	else
		io_wake(net);
	return status;
}

void
net_flush(struct net *net)
{
	bool is_done = false;

	if (!atomic_exchange(&net->has_queued, false))
		return;
	if (pthread_mutex_trylock(&net->turn) == 0) {
		is_done = io_write(net);
		(void)pthread_mutex_unlock(&net->turn);
	}
	if (!is_done)
		io_wake(net);
}

enum ag_status
net_send(struct net *net, uint32_t members, enum frame_class class,
    struct bytes body)
{
	return net_send_parts(net, members, class, &body, 1);
}

void
net_stats(const struct net *net, uint32_t member, struct net_link_stats *stats)
{
	/* The lock changes, what it guards does not. */
	struct peer *peer = (struct peer *)(uintptr_t)&net->peers[member];

	AG_ASSERT(member < net->peer_count);
	(void)pthread_mutex_lock(&peer->lock);
	*stats = peer->stats;
	stats->queued_bytes = send_queue_bytes(&peer->queue);
	stats->dropped_frames = peer->queue.dropped;
	(void)pthread_mutex_unlock(&peer->lock);
}
