/*
 * The I/O thread.
 *
 * One turn: wait, read, accept, take finished dials, act on what links have
 * become, run timers, write, bury the dead.
 *
 * RULES    1. libssh is entered only for a socket poll(2) has named, or to
 *             write; what its callbacks recorded is acted on afterwards.
 *          2. Reading comes before judging silence, so that a node that was
 *             stopped for a while does not drop links that have news for it.
 *          3. A frame handed out is borrowed until the next read of its
 *             link; a callback must not block.
 *          4. Sessions are used under net->turn, which is let go only to
 *             wait: meanwhile net_flush() may write on another thread, and
 *             wakes this one when that left something to do.
 *          5. The wake flag is cleared before the queues are looked at: a
 *             frame queued after that look raises it again.
 *          6. A turn that takes long is told: it means a callback blocked or
 *             libssh did.
 *
 * NOT HERE SSH (link.c), whom to prefer and when to dial (peer.c).
 */
#include "net/io.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "codec/message.h"
#include "net/heartbeat.h"
#include "net/sealed.h"

#define ACCEPTS_PER_TURN 16
#define WATCHDOG_US UINT64_C(250000)
#define WATCHDOG_LOG_US UINT64_C(10000000)
#define STOP_US UINT64_C(300000)
#define WAIT_MAX_US UINT64_C(1000000)

void
io_wake(struct net *net)
{
	const uint64_t one = 1;

	if (atomic_exchange(&net->is_woken, true))
		return;
	/* A full eventfd is already readable: nothing is lost. */
	if (write(net->wake_fd, &one, sizeof(one)) < 0)
		return;
}

/* Links and their members. */

static struct peer *
io_peer(struct net *net, const struct link *link)
{
	return &net->peers[link->member];
}

static void
io_add(struct net *net, struct link *link)
{
	link->next = net->links;
	net->links = link;
	net->link_count++;
}

static bool
io_is_shaking(const struct net *net, uint32_t member)
{
	const struct link *link;

	for (link = net->links; link != NULL; link = link->next)
		if (link->is_authenticated && link->member == member &&
		    link->kind == LINK_PEER && link->phase <= LINK_PROVEN)
			return true;
	return false;
}

static void
io_publish(struct net *net, uint32_t member)
{
	peer_publish(&net->peers[member], io_is_shaking(net, member),
	    net->now_us);
}

static void
io_tell_link(struct net *net, uint32_t member, bool is_up)
{
	const struct net_callbacks *callbacks = &net->config.callbacks;

	metric_add(net->links_up, is_up ? 1 : -1);
	if (callbacks->link != NULL)
		callbacks->link(callbacks->arg, member, is_up);
}

/* The link that was up is up no more; its session may still be leaving. */
static void
io_lose(struct net *net, struct link *link)
{
	struct peer *peer = io_peer(net, link);

	if (peer->links[link->kind] != link)
		return;
	peer_count(peer, link);
	peer_link_down(peer, link, net->config.self, net->now_us);
	if (link->kind != LINK_PEER)
		return;
	if (!atomic_load(&net->is_stopping) && peer_may_log(peer, net->now_us))
		log_warn("net", "link down", LOG_TEXT("peer", peer->who->name),
		    LOG_TEXT("error", link->err.text));
	io_publish(net, link->member);
	io_tell_link(net, link->member, false);
	/* Bulk without its peer session has nobody to answer to. */
	if (peer->links[LINK_BULK] != NULL) {
		link_leave(peer->links[LINK_BULK], net->now_us,
		    "the peer session ended");
		io_lose(net, peer->links[LINK_BULK]);
	}
}

/* Link keys. */

/* Until a session of an older key of ours is replaced, it is told again: the
 * other end may have heard of too many, and be the only one who can dial. */
static void
io_tell_key(struct net *net, struct link *link)
{
	const struct link_certificate *ours = &net->context.ours;
	struct handshake_output out;

	if (link->kind != LINK_PEER || link->ours.serial == ours->serial ||
	    !handshake_has(&link->handshake, HANDSHAKE_FEATURE_LINK_KEYS))
		return;
	handshake_link_key(&out, ours);
	link_send_own(link, bytes_of(out.data, out.len));
}

void
io_change_own(struct net *net, const struct link_certificate *certificate)
{
	const uint64_t now_us = clock_mono_us();
	struct link *link;
	uint32_t i;

	net->context.ours = *certificate;
	for (link = net->links; link != NULL; link = link->next)
		link->beat_us = now_us;
	for (i = 0; i < net->peer_count; i++)
		peer_renew(&net->peers[i], true, now_us);
}

/* Is a certificate of a member's worth more than a glance?  No older one is,
 * and no more than so many in a time are. */
static bool
io_is_news(struct net *net, uint32_t member,
    const struct link_certificate *certificate)
{
	return certificate->serial > net->context.known[member].serial &&
	    bucket_take(&net->peers[member].certificates, 1, net->now_us);
}

/* It is news, and verified. */
static void
io_learn(struct net *net, uint32_t member,
    const struct link_certificate *certificate)
{
	const struct net_callbacks *callbacks = &net->config.callbacks;
	struct link_certificate *known = &net->context.known[member];
	struct peer *peer = &net->peers[member];

	*known = *certificate;
	peer_renew(peer, false, net->now_us);
	log_info("net", "link key replaced", LOG_TEXT("peer", peer->who->name),
	    LOG_U64("serial", known->serial));
	if (callbacks->link_key != NULL)
		callbacks->link_key(callbacks->arg, member, known);
}

static void
io_take_link_key(struct net *net, struct link *link, struct bytes body)
{
	const struct link_holder holder =
	    link_certificate_holder(net->config.roster, link->member);
	struct link_certificate shown;

	if (handshake_link_key_open(&shown, body) != AG_OK) {
		link_kill(link, AG_EPROTO, "a link key of another shape");
		return;
	}
	if (!io_is_news(net, link->member, &shown))
		return;
	if (link_certificate_is_valid(&shown, &holder))
		io_learn(net, link->member, &shown);
	else
		link_kill(link, AG_EFORGED, "%s did not certify its link key",
		    io_peer(net, link)->who->name);
}

/* Why a proven link can't be had; NULL: it can.  Bulk needs its peer session.
 */
static const char *
io_refusal(struct net *net, const struct link *link)
{
	const struct link *main_link = io_peer(net, link)->links[LINK_PEER];

	if (link->kind == LINK_BULK &&
	    (main_link == NULL ||
		main_link->handshake.peer.instance !=
		    link->handshake.peer.instance))
		return "bulk session without a peer session";
	return NULL;
}

/* Of each member one link of a kind is a spare, the last that was replaced. */
static void
io_leave_spare(struct net *net, const struct link *than)
{
	struct link *link;

	for (link = net->links; link != NULL; link = link->next)
		if (link->phase == LINK_SPARE && link->kind == than->kind &&
		    link->member == than->member)
			link_leave(link, net->now_us,
			    "replaced by a newer link");
}

/*
 * Of the two ends of a link its dialler proves it last.  So when a link takes
 * the place of another to the same process, both go on reading the other for a
 * while: what was sent on it before either knew is neither cut off nor lost.
 */
static void
io_decline(struct net *net, struct link *link)
{
	if (!link->is_dialled) {
		link_leave(link, net->now_us, "duplicate link");
		return;
	}
	/* The acceptor has the better one still before it, and ends this. */
	link_confirm(link, net->now_us);
	link_stand_by(link, net->now_us);
}

static void io_take_frames(struct net *net, struct link *link);

static void
io_replace(struct net *net, const struct link *link, struct link *old)
{
	if (link->handshake.peer.instance != old->handshake.peer.instance) {
		link_leave(old, net->now_us, "replaced by a newer link");
		io_lose(net, old);
		return;
	}
	peer_count(io_peer(net, old), old);
	metric_add(net->renewals, link_is_stale(old) ? 1 : 0);
	/* What it has brought comes before what the new one brings. */
	io_take_frames(net, old);
	io_leave_spare(net, old);
	if (old->phase == LINK_UP)
		link_stand_by(old, net->now_us);
}

static void
io_prove(struct net *net, struct link *link)
{
	struct peer *peer = io_peer(net, link);
	struct link *old = peer->links[link->kind];
	const char *refusal = io_refusal(net, link);
	bool is_handover;

	if (refusal != NULL) {
		link_leave(link, net->now_us, refusal);
		return;
	}
	if (io_is_news(net, link->member, &link->theirs))
		io_learn(net, link->member, &link->theirs);
	if (old != NULL && !peer_prefers(peer, net->config.self, link, old)) {
		io_decline(net, link);
		return;
	}
	if (old != NULL)
		io_replace(net, link, old);
	is_handover = peer->links[link->kind] != NULL;
	link_confirm(link, net->now_us);
	peer_link_up(peer, link, net->now_us);
	if (link->kind != LINK_PEER || is_handover)
		return;
	if (peer_may_log(peer, net->now_us))
		log_info("net", "link up", LOG_TEXT("peer", peer->who->name),
		    LOG_TEXT("dialled_by",
			link->is_dialled ? "us" : peer->who->name));
	io_publish(net, link->member);
	io_tell_link(net, link->member, true);
}

/* Frames. */

/* Sealed, when the ends of the link have keys for that. */
static void
io_send_heartbeat(struct net *net, struct link *link, bool is_answer,
    uint64_t stamp)
{
	const struct heartbeat beat = { is_answer, stamp };
	uint8_t out[HEARTBEAT_BYTES_MAX], sealed[SEALED_BYTES_MAX];
	struct bytes body = heartbeat_encode(out, &beat);
	enum ag_status status = AG_OK;

	if (link->datagram != NULL)
		status = sealed_encode(sealed, &body, link->datagram, body,
		    net->now_us);
	if (status == AG_OK)
		link_send_own(link, body);
	else
		link_kill(link, status, "seal a heartbeat: %s",
		    ag_status_text(status));
}

static void
io_send_step(struct link *link, const struct key_step *step)
{
	uint8_t out[SEALED_BYTES_MAX];

	link_send_own(link, sealed_step_encode(out, step));
}

/* A turn's own look or a message that comes first: it is one reason. */
static void
io_kill_aged(struct link *link)
{
	link_kill(link, AG_ETIMEOUT, "no new keys for datagrams in time");
}

/* Begin a step of the keys if it is due; without one in time the link ends,
 * and the next has new keys. */
static void
io_move_keys(struct net *net, struct link *link)
{
	struct key_step step = { .is_answer = false };

	if (link->datagram == NULL)
		return;
	if (!datagram_keys_age(link->datagram, net->now_us)) {
		io_kill_aged(link);
		io_lose(net, link);
		return;
	}
	if (!datagram_keys_is_due(link->datagram, net->now_us))
		return;
	step.step = datagram_keys_step(link->datagram) + 1;
	/* Without memory it is due at the next turn still. */
	if (datagram_keys_offer(link->datagram, step.public_half) == AG_OK)
		io_send_step(link, &step);
}

static void
io_take_step(struct net *net, struct link *link, struct bytes body)
{
	enum ag_status status = AG_EPROTO;
	struct key_step step, answer = { .is_answer = true };

	if (link->datagram != NULL)
		status = sealed_step_decode(&step, body);
	if (status == AG_OK && step.is_answer)
		status = datagram_keys_take(link->datagram, step.step,
		    step.public_half, net->now_us);
	else if (status == AG_OK)
		status = datagram_keys_answer(link->datagram, step.step,
		    step.public_half, answer.public_half, net->now_us);
	if (status != AG_OK) {
		link_kill(link, status, "a step of keys: %s",
		    ag_status_text(status));
		return;
	}
	if (!step.is_answer) {
		answer.step = step.step;
		io_send_step(link, &answer);
	}
	metric_add(net->key_steps, 1);
	if (io_peer(net, link)->links[LINK_PEER] == link)
		peer_keys(io_peer(net, link), link);
}

static void
io_take_heartbeat(struct net *net, struct link *link, struct bytes body)
{
	const uint64_t silent_us = (uint64_t)net->config.silent_ms * 1000;
	struct heartbeat beat;
	uint64_t rtt_us;

	if (heartbeat_decode(&beat, body) != AG_OK) {
		link_kill(link, AG_EPROTO, "a heartbeat of another shape");
		return;
	}
	if (!beat.is_answer) {
		io_send_heartbeat(net, link, true, beat.stamp);
		return;
	}
	if (link->kind != LINK_PEER ||
	    !heartbeat_round_trip(&beat, net->now_us, silent_us, &rtt_us))
		return;
	peer_rtt(io_peer(net, link), rtt_us);
	metric_observe_us(net->rtt, rtt_us);
}

/* Heartbeats alone are sealed. */
static void
io_take_sealed(struct net *net, struct link *link, struct bytes body)
{
	enum ag_status status = AG_EPROTO;
	uint8_t plain[SEALED_BYTES_MAX];
	size_t len = 0;

	if (link->datagram != NULL)
		status = sealed_decode(plain, &len, link->datagram, body,
		    net->now_us);
	if (status == AG_OK)
		io_take_heartbeat(net, link, bytes_of(plain, len));
	else if (status == AG_ETIMEOUT)
		io_kill_aged(link);
	else
		link_kill(link, status, "a sealed message: %s",
		    ag_status_text(status));
}

static void
io_take_frame(struct net *net, struct link *link, const struct frame *frame)
{
	const struct net_callbacks *callbacks = &net->config.callbacks;
	uint64_t type = message_type_of(frame->body);
	char why[128];

	if (frame->class != FRAME_CONTROL || type > MESSAGE_SEALED ||
	    type == 0) {
		if (callbacks->frame != NULL)
			callbacks->frame(callbacks->arg, link->member, frame);
		return;
	}
	if (type == MESSAGE_LINK_KEY)
		io_take_link_key(net, link, frame->body);
	else if (type == MESSAGE_SEALED)
		io_take_sealed(net, link, frame->body);
	else if (type == MESSAGE_KEY_STEP || type == MESSAGE_KEY_STEP_ACK)
		io_take_step(net, link, frame->body);
	else if (type == MESSAGE_HEARTBEAT || type == MESSAGE_HEARTBEAT_ACK)
		io_take_heartbeat(net, link, frame->body);
	else if (handshake_goodbye_text(why, sizeof(why), frame->body) == AG_OK)
		link_kill(link, AG_EUNREACH, "%s said goodbye: %s",
		    io_peer(net, link)->who->name, why);
	else
		link_kill(link, AG_EPROTO, "%s after the handshake",
		    message_name(type));
}

static void
io_take_frames(struct net *net, struct link *link)
{
	struct frame frame;

	while ((link->phase == LINK_UP || link->phase == LINK_SPARE) &&
	    link_next_frame(link, &frame) == AG_OK)
		io_take_frame(net, link, &frame);
}

/* One link's part of a turn, after reading. */
static void
io_advance(struct net *net, struct link *link)
{
	if (link->phase == LINK_SHAKING) {
		link_shake(link, net->now_us);
		if (link->phase == LINK_PROVEN)
			io_prove(net, link);
		if (link->phase == LINK_LEAVING && link->is_authenticated &&
		    link->err.status == AG_EFORGED)
			metric_add(net->auth_failures, 1);
	}
	if (link->is_fed)
		io_take_frames(net, link);
	/* After its frames, so that a close does not overtake them. */
	link_check(link, net->now_us);
	if (link->phase >= LINK_LEAVING)
		io_lose(net, link);
}

/* Timers. */

static void
io_beat(struct net *net, struct link *link)
{
	const uint64_t silent_us = (uint64_t)net->config.silent_ms * 1000;

	if (link->phase != LINK_UP)
		return;
	if (net->now_us >= link->heard_us + silent_us) {
		link_kill(link, AG_ETIMEOUT, "no sign of life for %u ms",
		    net->config.silent_ms);
		io_lose(net, link);
		return;
	}
	io_move_keys(net, link);
	if (link->phase != LINK_UP || net->now_us < link->beat_us)
		return;
	link->beat_us = net->now_us + (uint64_t)net->config.heartbeat_ms * 1000;
	io_send_heartbeat(net, link, false, net->now_us);
	io_tell_key(net, link);
	peer_count(io_peer(net, link), link);
}

static bool
io_should_dial(const struct peer *peer, enum link_kind kind)
{
	const struct link *main_link = peer->links[LINK_PEER];

	if (peer->redials[kind].dial != NULL ||
	    (peer->links[kind] != NULL && !link_is_stale(peer->links[kind])))
		return false;
	/* Whoever dialled the peer session brings the bulk session too. */
	return kind == LINK_PEER ||
	    (main_link != NULL && main_link->is_dialled);
}

static void
io_dial_due(struct net *net, uint32_t member, uint64_t *next_us)
{
	struct peer *peer = &net->peers[member];
	struct redial *redial;
	int kind;

	for (kind = 0; kind < LINK_KIND_COUNT; kind++) {
		redial = &peer->redials[kind];
		if (!io_should_dial(peer, (enum link_kind)kind))
			continue;
		if (redial->due_us > net->now_us) {
			if (redial->due_us < *next_us)
				*next_us = redial->due_us;
			continue;
		}
		redial->dial =
		    dial_start(net->dials, member, (enum link_kind)kind,
			net->config.roster, &net->context.known[member]);
		redial->due_us = net->now_us + WAIT_MAX_US;
		io_publish(net, member);
	}
}

static void
io_take_dial(struct net *net, struct dial *dial)
{
	struct peer *peer = &net->peers[dial->member];
	struct redial *redial = &peer->redials[dial->kind];
	enum ag_status status = dial->status;
	struct link *link = NULL;
	bool is_news;

	redial->dial = NULL;
	if (dial->address.len > 0)
		peer->address = dial->address;
	if (status == AG_OK && net->link_count >= IO_LINKS_MAX)
		status = ag_fail(&dial->err, AG_ELIMIT, "too many links");
	if (status == AG_OK)
		status = link_adopt(&link, &net->context, dial, net->now_us,
		    &dial->err);
	if (status == AG_OK) {
		/* Until it is known what becomes of it, no other dial. */
		redial->due_us = link->deadline_us;
		io_add(net, link);
	} else {
		is_news = peer_is_news(peer, dial->err.text);
		peer_failed(peer, dial->kind, dial->err.text, true,
		    net->now_us);
		if (status == AG_EDENIED)
			metric_add(net->auth_failures, 1);
		if (is_news && peer_may_log(peer, net->now_us))
			log_info("net", "dial failed",
			    LOG_TEXT("peer", peer->who->name),
			    LOG_TEXT("error", dial->err.text));
	}
	io_publish(net, dial->member);
	dial_free(dial);
}

/* Burying. */

static void
io_bury(struct net *net, struct link *link)
{
	struct peer *peer = io_peer(net, link);
	bool was_up = link->handshake.state == HANDSHAKE_DONE;
	char from[ADDRESS_TEXT_BYTES];
	bool is_news;

	io_lose(net, link);
	net->link_count--;
	if (link->is_authenticated) {
		peer_count(peer, link);
		if (!was_up) {
			is_news = peer_is_news(peer, link->err.text);
			peer_failed(peer, link->kind, link->err.text,
			    link->is_dialled, net->now_us);
			if (is_news && peer_may_log(peer, net->now_us))
				log_warn("net", "handshake failed",
				    LOG_TEXT("peer", peer->who->name),
				    LOG_TEXT("error", link->err.text));
		}
	} else {
		metric_add(net->auth_failures, link->is_former ? 0 : 1);
		if (bucket_take(&net->server.log_lines, 1, net->now_us)) {
			address_format(from, &link->from);
			log_warn("net",
			    link->is_former ? "former member turned away"
					    : "stranger turned away",
			    LOG_TEXT("from", from),
			    LOG_TEXT("error", link->err.text));
		}
	}
	if (link->is_authenticated)
		io_publish(net, link->member);
	link_free(link);
}

static void
io_bury_dead(struct net *net)
{
	struct link **at = &net->links, *link;

	while ((link = *at) != NULL) {
		if (link->phase != LINK_DEAD) {
			at = &link->next;
			continue;
		}
		*at = link->next;
		io_bury(net, link);
	}
}

/* The turn. */

struct io_polls {
	struct pollfd fds[2 + IO_LINKS_MAX];
	struct link *links[2 + IO_LINKS_MAX];
	size_t count;
};

static void
io_collect(struct net *net, struct io_polls *polls)
{
	struct link *link;

	polls->fds[0] = (struct pollfd){ net->wake_fd, POLLIN, 0 };
	polls->fds[1] = (struct pollfd){ net->server.fd, POLLIN, 0 };
	/* A full table leaves newcomers in the backlog. */
	if (net->link_count + ACCEPTS_PER_TURN >= IO_LINKS_MAX ||
	    server_rests(&net->server, net->now_us))
		polls->fds[1].fd = -1;
	polls->count = 2;
	for (link = net->links; link != NULL; link = link->next) {
		AG_ASSERT(polls->count < 2 + IO_LINKS_MAX);
		polls->fds[polls->count] =
		    (struct pollfd){ link->fd, link_poll_events(link), 0 };
		polls->links[polls->count++] = link;
	}
}

static void
io_accept(struct net *net)
{
	struct server_view view = {
		.context = &net->context,
		.peers = net->peers,
		.peer_count = net->peer_count,
		.links = net->links,
	};
	bool has_more = true;
	struct link *link;
	unsigned i;

	for (i = 0; has_more && i < ACCEPTS_PER_TURN; i++) {
		link =
		    server_accept(&net->server, &view, &has_more, net->now_us);
		if (link == NULL)
			continue;
		io_add(net, link);
		view.links = net->links;
	}
}

/* When something is due next. */
static uint64_t
io_run_timers(struct net *net)
{
	uint64_t next_us = dial_pool_expire(net->dials, net->now_us);
	struct link *link;
	uint32_t i;

	for (link = net->links; link != NULL; link = link->next) {
		io_beat(net, link);
		if (link->phase == LINK_UP) {
			if (link->beat_us < next_us)
				next_us = link->beat_us;
		} else if (link->deadline_us < next_us) {
			next_us = link->deadline_us;
		}
	}
	for (i = 0; i < net->peer_count; i++)
		if (i != net->config.self)
			io_dial_due(net, i, &next_us);
	return next_us;
}

bool
io_write(struct net *net)
{
	bool is_done = true;
	struct link *link;

	for (link = net->links; link != NULL; link = link->next) {
		if (link->phase == LINK_UP)
			link_flush(link, peer_next_frame, io_peer(net, link));
		else
			link_flush(link, NULL, NULL);
		/* libssh may read where it should only write. */
		is_done = is_done && link->phase != LINK_DEAD &&
		    !(link->is_fed && link->phase < LINK_LEAVING) &&
		    (link_poll_events(link) & POLLOUT) == 0;
	}
	return is_done;
}

/* Write.  True when libssh has read something meanwhile, as it may. */
static bool
io_flush(struct net *net)
{
	struct link *link;

	(void)io_write(net);
	for (link = net->links; link != NULL; link = link->next)
		if (link->is_fed && link->phase < LINK_LEAVING)
			return true;
	return false;
}

static void
io_read(struct net *net, const struct io_polls *polls)
{
	uint64_t count;
	size_t i;

	if (polls->fds[0].revents != 0 &&
	    read(net->wake_fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		log_error("net", "wake-up lost", LOG_I64("errno", errno));
	atomic_store(&net->is_woken, false);
	for (i = 2; i < polls->count; i++)
		if (polls->fds[i].revents != 0)
			link_read(polls->links[i], net->now_us);
}

static void
io_watch(struct net *net)
{
	uint64_t took_us = clock_mono_us() - net->now_us;

	metric_observe_us(net->turn_seconds, took_us);
	if (took_us < WATCHDOG_US ||
	    net->now_us < net->watchdog_logged_us + WATCHDOG_LOG_US)
		return;
	net->watchdog_logged_us = net->now_us;
	log_warn("net", "a turn of the I/O thread took long",
	    LOG_U64("took_us", took_us));
}

static uint64_t
io_turn(struct net *net, struct io_polls *polls, uint64_t next_us)
{
	struct link *link;
	struct dial *dial;
	uint64_t wait_us = 0;

	io_collect(net, polls);
	net->now_us = clock_mono_us();
	if (next_us > net->now_us)
		wait_us = next_us - net->now_us;
	if (wait_us > WAIT_MAX_US)
		wait_us = WAIT_MAX_US;
	(void)pthread_mutex_unlock(&net->turn);
	if (poll(polls->fds, polls->count, (int)((wait_us + 999) / 1000)) < 0 &&
	    errno != EINTR)
		log_error("net", "poll failed", LOG_I64("errno", errno));
	(void)pthread_mutex_lock(&net->turn);
	net->now_us = clock_mono_us();
	io_read(net, polls);
	if (polls->fds[1].revents != 0)
		io_accept(net);
	while ((dial = dial_finished(net->dials)) != NULL)
		io_take_dial(net, dial);
	for (link = net->links; link != NULL; link = link->next)
		io_advance(net, link);
	next_us = io_run_timers(net);
	if (io_flush(net))
		next_us = 0;
	io_bury_dead(net);
	io_watch(net);
	return next_us;
}

/* Say goodbye everywhere and give it a moment to get through. */
static void
io_stop(struct net *net, struct io_polls *polls)
{
	uint64_t end_us = clock_mono_us() + STOP_US;
	struct link *link, *next;

	net->now_us = clock_mono_us();
	for (link = net->links; link != NULL; link = link->next)
		link_leave(link, net->now_us, "node is stopping");
	while (net->links != NULL && net->now_us < end_us) {
		(void)io_flush(net);
		io_collect(net, polls);
		polls->fds[0].fd = -1;
		polls->fds[1].fd = -1;
		(void)poll(polls->fds, polls->count, 1);
		net->now_us = clock_mono_us();
		io_read(net, polls);
		for (link = net->links; link != NULL; link = link->next)
			link_check(link, net->now_us);
		io_bury_dead(net);
	}
	for (link = net->links; link != NULL; link = next) {
		next = link->next;
		link_free(link);
	}
	net->links = NULL;
	net->link_count = 0;
}

void *
io_main(void *arg)
{
	struct io_polls polls;
	struct net *net = arg;
	uint64_t next_us = 0;

	(void)pthread_setname_np(pthread_self(), "aegis-net");
	(void)pthread_mutex_lock(&net->turn);
	while (!atomic_load(&net->is_stopping))
		next_us = io_turn(net, &polls, next_us);
	io_stop(net, &polls);
	(void)pthread_mutex_unlock(&net->turn);
	return NULL;
}
