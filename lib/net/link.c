/*
 * A link over libssh.
 *
 * libssh neither bounds nor polices; what it leaves open is closed here.
 *
 * STATES   accepted  GREETING → SHAKING → PROVEN → UP
 *          dialled   SHAKING → PROVEN → UP
 *          any       → LEAVING → DEAD, or → DEAD
 *
 * RULES    1. Callbacks only record.  Writing, closing and freeing happen
 *             after libssh has returned.
 *          2. The data callback takes every byte, always: libssh does not
 *             enforce its receive window and would buffer without end.  The
 *             frame parser is the bound.
 *          3. At most 32 KB go to libssh at a time, and only while its own
 *             output is empty and the window open: its output buffer is
 *             bounded by the peer's word alone.
 *          4. While keys change, libssh may take what is written into a list
 *             that only the peer can empty.  That is seen from what it has
 *             sent, nothing follows, and the change has a deadline.
 *          5. Each session has its own ssh_event.  In a shared one, libssh
 *             polls all sessions inside a write to one of them, and a death
 *             elsewhere makes that write fail.
 *          6. One channel, one subsystem; every other request is refused
 *             and counted, and too many end the session.
 *          7. A node of an earlier roster gets as far as HELLO, to be told
 *             what follows its epoch: a member that slept while it was removed
 *             learns it from the proof.  It is a stranger in every count.
 *          8. A link key is its node's newest.  One that is not known yet is
 *             taken on the certificate beside it (net/transport.c), checked
 *             within the tries and rates that strangers have; one that has
 *             been replaced is a stranger's.
 *          9. Bytes and packets that carry no frames (rekeying, ignored
 *             messages, requests) are budgeted per period.
 *
 * NOT HERE Which of two links to keep, dialling, heartbeats' timing.
 */
#include "net/link.h"

#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "crypto/late_ssh.h"
#include "net/transport.h"
#include "trust/chain.h"
#include "trust/signing.h"

/* What one turn reads of a link before its frames are taken: the parser's
 * bound has room for the largest frame and 1 MB, no more. */
#define READ_BYTES (256U << 10)

/* What libssh asks of a socket at a time.  Less means that it was drained;
 * should more have come meanwhile, poll(2) names the socket again. */
#define LIBSSH_READ_BYTES 4096

#define OFFENCES_MAX 8
#define AUTH_TRIES_MAX 3

/* Keys that are asked for, or shown: each may cost a verification. */
#define AUTH_REQUESTS_MAX 8

#define BANNER_US UINT64_C(5000000)
#define GREETING_US UINT64_C(10000000)
#define SHAKING_US UINT64_C(5000000)
#define LEAVING_US UINT64_C(200000)
#define SPARE_US UINT64_C(2000000)
#define HELD_US UINT64_C(5000000)

/* An acceptor hears no more than this before it knows whom it hears. */
#define GREETING_BYTES_MAX (64U << 10)
#define SHAKING_BYTES_MAX (16U << 10)

/* What may come, besides frames, in one period. */
#define TALLY_US UINT64_C(10000000)
#define TALLY_BYTES (256U << 10)
#define TALLY_PACKETS 256U
#define PACKET_OVERHEAD 96U
#define BYTES_PER_ADJUST (16U << 10)

/* A parser that held a large frame gives its memory back. */
#define PARSER_KEEP_BYTES (128U << 10)

#define FRAMES_PEER                                                         \
	(1U << FRAME_CONTROL | 1U << FRAME_CONSENSUS | 1U << FRAME_CLIENT | \
	    1U << FRAME_GOSSIP)
#define FRAMES_BULK (1U << FRAME_CONTROL | 1U << FRAME_BULK)

static uint32_t
link_classes(const struct link *link)
{
	return link->kind == LINK_PEER ? FRAMES_PEER : FRAMES_BULK;
}

void
link_kill(struct link *link, enum ag_status status, const char *fmt, ...)
{
	va_list ap;

	if (link->phase == LINK_DEAD)
		return;
	/* The reason for leaving is the better one. */
	if (link->phase != LINK_LEAVING) {
		va_start(ap, fmt);
		(void)ag_fail_va(&link->err, status, fmt, ap);
		va_end(ap);
	}
	link->phase = LINK_DEAD;
}

/* Callbacks: they may run inside any libssh call on this session. */

static int
on_data(ssh_session session AG_UNUSED, ssh_channel channel AG_UNUSED,
    void *data, uint32_t len, int is_stderr, void *arg)
{
	struct link *link = arg;
	struct ag_error err;

	link->body_bytes += len;
	link->body_packets++;
	if (is_stderr != 0 || link->phase >= LINK_LEAVING)
		return (int)len;
	if (link->phase < LINK_UP && !link->is_dialled &&
	    link->body_bytes > SHAKING_BYTES_MAX) {
		link_kill(link, AG_EPROTO, "too much before the handshake");
		return (int)len;
	}
	if (frame_parser_feed(&link->parser, bytes_of(data, len), &err) !=
	    AG_OK)
		link_kill(link, err.status, "%s", err.text);
	link->is_fed = true;
	return (int)len;
}

/* Has it shown a key that may open a channel? */
static bool
link_has_key(const struct link *link)
{
	return link->is_authenticated || link->is_former;
}

/* Subsystem requests: 0 grants. */
static int
on_subsystem(ssh_session session AG_UNUSED, ssh_channel channel AG_UNUSED,
    const char *name, void *arg)
{
	struct link *link = arg;
	int kind;

	for (kind = 0; kind < LINK_KIND_COUNT; kind++)
		if (link->phase == LINK_GREETING && link_has_key(link) &&
		    strcmp(name, transport_subsystem((enum link_kind)kind)) ==
			0) {
			link->kind = (enum link_kind)kind;
			link->phase = LINK_SHAKING;
			return 0;
		}
	link->offences++;
	return 1;
}

static ssh_channel
on_channel(ssh_session session, void *arg)
{
	struct link *link = arg;

	if (link->channel != NULL || !link_has_key(link)) {
		link->offences++;
		return NULL;
	}
	link->channel = ssh_channel_new(session);
	if (link->channel != NULL)
		(void)ssh_set_channel_callbacks(link->channel,
		    &link->channel_callbacks);
	return link->channel;
}

/* Everything nobody else answered: libssh refuses it for us. */
static int
on_message(ssh_session session AG_UNUSED, ssh_message message AG_UNUSED,
    void *arg)
{
	struct link *link = arg;

	link->offences++;
	return 1;
}

/*
 * The member who shows a key: by the roster's its node is found, and with
 * another it says whose that is.  So what one member certifies, be it the key
 * of another, never stands in that one's way.  What is known of it comes back.
 */
static bool
find_member(const struct link_context *context, const uint8_t *node_key,
    struct link_certificate *shown, uint32_t *member)
{
	const struct roster *roster = context->roster;
	const int node = shown->serial == 0
	    ? roster_find_link_key(roster, shown->link_key)
	    : roster_find_node_key(roster, node_key);
	const struct link_certificate *known;
	struct link_holder holder;

	if (node < 0 || (uint32_t)node == context->self)
		return false;
	*member = (uint32_t)node;
	known = &context->known[node];
	if (memcmp(known->link_key, shown->link_key, PUBLIC_KEY_BYTES) == 0) {
		*shown = *known;
		return true;
	}
	/* Or has its node certified it since we last heard of that? */
	holder = link_certificate_holder(roster, *member);
	return shown->serial > known->serial &&
	    link_certificate_is_valid(shown, &holder);
}

/* Was it a node of an earlier roster? */
static bool
find_former(const struct chain_formers *formers, const uint8_t *key)
{
	bool is_found = false;
	size_t i;

	for (i = 0; formers != NULL && i < formers->count; i++)
		if (memcmp(formers->link_keys[i], key, PUBLIC_KEY_BYTES) == 0)
			is_found = true;
	return is_found;
}

/* Did the node key of one certify the key it shows? */
static bool
is_certified_former(const struct link_context *context, const uint8_t *node_key,
    const struct link_certificate *shown)
{
	const struct chain_formers *formers = context->formers;
	struct link_holder holder = {
		.cluster_id = context->roster->cluster_id,
		.node_key = node_key,
	};
	size_t i;

	for (i = 0; formers != NULL && i < formers->count; i++) {
		holder.roster_key = formers->link_keys[i];
		if (memcmp(formers->node_keys[i], node_key, PUBLIC_KEY_BYTES) ==
			0 &&
		    link_certificate_is_valid(shown, &holder))
			return true;
	}
	return false;
}

/* Who shows a key and calls itself so; nothing of link changes. */
struct caller {
	bool is_member;
	bool is_former;
	uint32_t member;
	struct link_certificate theirs;
};

static void
find_caller(const struct link_context *context, const char *user, ssh_key key,
    struct caller *caller)
{
	uint8_t node_key[PUBLIC_KEY_BYTES];
	struct link_certificate *theirs = &caller->theirs;

	*caller = (struct caller){ .is_member = false };
	if (!transport_user_parse(user, node_key, theirs) ||
	    !transport_key_public(theirs->link_key, key))
		return;
	caller->is_member =
	    find_member(context, node_key, theirs, &caller->member);
	caller->is_former = !caller->is_member &&
	    (find_former(context->formers, theirs->link_key) ||
		(theirs->serial > 0 &&
		    is_certified_former(context, node_key, theirs)));
}

static int
on_public_key(ssh_session session AG_UNUSED, const char *user,
    struct ssh_key_struct *key, char state, void *arg)
{
	struct link *link = arg;
	struct caller caller;

	if (++link->auth_requests > AUTH_REQUESTS_MAX) {
		link_kill(link, AG_EDENIED, "too many requests with keys");
		return SSH_AUTH_DENIED;
	}
	find_caller(link->context, user, key, &caller);
	if (!caller.is_member && !caller.is_former) {
		if (++link->offences >= AUTH_TRIES_MAX)
			link_kill(link, AG_EDENIED,
			    "no key of the roster in %d tries", AUTH_TRIES_MAX);
		return SSH_AUTH_DENIED;
	}
	/* Without a signature it is only a question. */
	if (state == SSH_PUBLICKEY_STATE_NONE)
		return SSH_AUTH_SUCCESS;
	if (state != SSH_PUBLICKEY_STATE_VALID) {
		link->offences++;
		return SSH_AUTH_DENIED;
	}
	link->member = caller.member;
	link->theirs = caller.theirs;
	link->is_authenticated = caller.is_member;
	link->is_former = !caller.is_member;
	link->offences = 0;
	return SSH_AUTH_SUCCESS;
}

/* Making and freeing. */

static struct link *
link_new(const struct link_context *context, uint64_t now_us)
{
	struct link *link = calloc(1, sizeof(*link));

	if (link == NULL)
		return NULL;
	link->context = context;
	link->fd = -1;
	link->born_us = now_us;
	link->heard_us = now_us;
	link->beat_us = now_us;
	link->tally.at_us = now_us;
	link->deadline_us = UINT64_MAX;
	send_queue_init(&link->own);
	buf_init(&link->rest, LINK_WRITE_BYTES);
	link->event = ssh_event_new();
	if (link->event == NULL) {
		free(link);
		return NULL;
	}
	link->channel_callbacks.userdata = link;
	link->channel_callbacks.channel_data_function = on_data;
	link->channel_callbacks.channel_subsystem_request_function =
	    on_subsystem;
	ssh_callbacks_init(&link->channel_callbacks);
	return link;
}

void
link_free(struct link *link)
{
	if (link == NULL)
		return;
	if (link->session != NULL) {
		(void)ssh_event_remove_session(link->event, link->session);
		if (link->channel != NULL)
			(void)ssh_remove_channel_callbacks(link->channel,
			    &link->channel_callbacks);
		ssh_disconnect(link->session);
		ssh_free(link->session);
	}
	ssh_event_free(link->event);
	net_frame_unref(link->current);
	send_queue_fini(&link->own);
	frame_parser_fini(&link->parser);
	buf_fini(&link->rest);
	secret_free(link->ephemeral);
	datagram_keys_free(link->datagram);
	free(link);
}

/* Count what the session does, and refuse what nobody else answers. */
static void
link_watch(struct link *link)
{
	ssh_set_counters(link->session, &link->socket_counter,
	    &link->packet_counter);
	ssh_set_message_callback(link->session, on_message, link);
}

/* Put the session under our event, which libssh allows once it has begun. */
static enum ag_status
link_attach(struct link *link, struct ag_error *err)
{
	link->fd = ssh_get_fd(link->session);
	if (ssh_event_add_session(link->event, link->session) != SSH_OK)
		return ag_fail(err, AG_ENOMEM, "watch session: no memory");
	return AG_OK;
}

static void
link_begin_shaking(struct link *link, uint64_t now_us)
{
	uint8_t nonce[HANDSHAKE_NONCE_BYTES];
	struct handshake_config config = {
		.roster = link->context->roster,
		.signer = link->context->signer,
		.kind = link->kind,
		.is_dialler = link->is_dialled,
		.self = link->context->self,
		.peer = link->member,
		.is_former = link->is_former,
		.instance = link->context->instance,
		.nonce = nonce,
		.self_link_key = link->ours.link_key,
		.peer_link_key = link->theirs.link_key,
	};

	config.features = HANDSHAKE_FEATURE_LINK_KEYS;
	link->ephemeral =
	    link->kind == LINK_PEER ? datagram_ephemeral(nonce) : NULL;
	if (link->ephemeral != NULL)
		config.features |= HANDSHAKE_FEATURE_DATAGRAMS;
	else
		randombytes_buf(nonce, sizeof(nonce));
	handshake_init(&link->handshake, &config);
	link->phase = LINK_SHAKING;
	link->deadline_us = now_us + SHAKING_US;
}

enum ag_status
link_accept(struct link **out, const struct link_context *context,
    ssh_bind sshbind, int fd, const struct address *from, uint64_t now_us,
    struct ag_error *err)
{
	struct link *link = link_new(context, now_us);
	enum ag_status status = AG_OK;
	int rc;

	*out = NULL;
	if (link == NULL ||
	    transport_server_open(&link->session, &context->rekey, err) !=
		AG_OK)
		status = ag_fail(err, AG_ENOMEM, "accept: no memory");
	if (status != AG_OK)
		goto fail_closing;
	link->from = *from;
	link->ours = context->ours;
	link->phase = LINK_GREETING;
	link->deadline_us = now_us + GREETING_US;
	frame_parser_init(&link->parser, 1U << FRAME_CONTROL);
	link->server_callbacks.userdata = link;
	link->server_callbacks.auth_pubkey_function = on_public_key;
	link->server_callbacks.channel_open_request_session_function =
	    on_channel;
	ssh_callbacks_init(&link->server_callbacks);
	(void)ssh_set_server_callbacks(link->session, &link->server_callbacks);
	transport_tune(fd, LINK_PEER);
	link_watch(link);
	if (ssh_bind_accept_fd(sshbind, link->session, fd) != SSH_OK) {
		status =
		    ag_fail(err, AG_ESYS, "accept: %s", ssh_get_error(sshbind));
		goto fail_closing;
	}
	/* From here the session owns the socket. */
	ssh_set_blocking(link->session, 0);
	/* Once, to send the banner; then reading moves it on by itself. */
	rc = ssh_handle_key_exchange(link->session);
	if (rc == SSH_ERROR) {
		status = ag_fail(err, AG_EPROTO, "accept: %s",
		    ssh_get_error(link->session));
		goto fail;
	}
	status = link_attach(link, err);
	if (status != AG_OK)
		goto fail;
	*out = link;
	return AG_OK;

fail_closing:
	(void)close(fd);
fail:
	link_free(link);
	return status;
}

enum ag_status
link_adopt(struct link **out, const struct link_context *context,
    struct dial *dial, uint64_t now_us, struct ag_error *err)
{
	struct link *link = link_new(context, now_us);
	struct handshake_output hello;
	enum ag_status status;

	*out = NULL;
	if (link == NULL)
		return ag_fail(err, AG_ENOMEM, "dial: no memory");
	link->session = dial->session;
	link->channel = dial->channel;
	dial->session = NULL;
	dial->channel = NULL;
	link->is_dialled = true;
	link->is_authenticated = true;
	link->member = dial->member;
	link->ours = dial->ours;
	link->theirs = dial->theirs;
	link->kind = dial->kind;
	frame_parser_init(&link->parser, link_classes(link));
	(void)ssh_set_channel_callbacks(link->channel,
	    &link->channel_callbacks);
	link_watch(link);
	status = link_attach(link, err);
	if (status != AG_OK) {
		link_free(link);
		return status;
	}
	link_begin_shaking(link, now_us);
	handshake_start(&link->handshake, &hello);
	link_send_own(link, bytes_of(hello.data, hello.len));
	*out = link;
	return AG_OK;
}

/* Reading. */

short
link_poll_events(const struct link *link)
{
	short events = POLLIN;

	if ((ssh_get_poll_flags(link->session) & SSH_WRITE_PENDING) != 0)
		events |= POLLOUT;
	return events;
}

static bool
link_is_closed(const struct link *link)
{
	if (!ssh_is_connected(link->session) ||
	    (ssh_get_status(link->session) & (SSH_CLOSED | SSH_CLOSED_ERROR)) !=
		0)
		return true;
	return link->channel != NULL &&
	    (ssh_channel_is_closed(link->channel) != 0 ||
		ssh_channel_is_eof(link->channel) != 0);
}

void
link_read(struct link *link, uint64_t now_us)
{
	uint64_t before = link->socket_counter.in_bytes, last;

	if (link->phase == LINK_DEAD)
		return;
	do
		last = link->socket_counter.in_bytes;
	while (ssh_event_dopoll(link->event, 0) != SSH_ERROR &&
	    link->socket_counter.in_bytes - last >= LIBSSH_READ_BYTES &&
	    link->socket_counter.in_bytes - before < READ_BYTES &&
	    link->phase != LINK_DEAD);
	if (link->socket_counter.in_bytes != before)
		link->heard_us = now_us;
	/* What was read before a close still counts: see link_check(). */
}

static void
link_release_parser(struct link *link)
{
	uint32_t classes = link->parser.classes;

	if (link->parser.taken != link->parser.held.len ||
	    link->parser.held.cap <= PARSER_KEEP_BYTES)
		return;
	frame_parser_fini(&link->parser);
	frame_parser_init(&link->parser, classes);
}

enum ag_status
link_next_frame(struct link *link, struct frame *frame)
{
	enum ag_status status;
	struct ag_error err;

	if (link->phase == LINK_DEAD)
		return AG_EAGAIN;
	status = frame_parser_next(&link->parser, frame, &err);
	if (status == AG_OK)
		return AG_OK;
	link->is_fed = false;
	if (status != AG_EAGAIN)
		link_kill(link, status, "%s", err.text);
	else
		link_release_parser(link);
	return AG_EAGAIN;
}

/* A member whose epoch is over is told what came next, before it is left. */
static void
link_tell_epoch(struct link *link)
{
	const struct handshake *h = &link->handshake;
	struct handshake_output head;
	struct net_frame *frame;
	struct bytes parts[2];

	if (!h->is_behind || link->is_dialled)
		return;
	parts[1] = chain_after(link->context->chain, h->epoch);
	if (parts[1].len == 0)
		return;
	handshake_epoch_head(&head, parts[1].len);
	parts[0] = bytes_of(head.data, head.len);
	frame = net_frame_new(FRAME_CONTROL, parts, 2);
	if (frame == NULL)
		return;
	if (send_queue_push(&link->own, frame) != AG_OK)
		link_kill(link, AG_ENOMEM, "no memory for a frame");
	net_frame_unref(frame);
}

/* Was it the proof of an epoch that follows ours?  Who gets it judges it. */
static bool
link_take_epoch(struct link *link, const struct frame *frame)
{
	const struct link_context *context = link->context;
	struct bytes epoch;

	if (frame->class != FRAME_CONTROL || !link->is_dialled ||
	    handshake_epoch_open(frame->body, &epoch) != AG_OK)
		return false;
	if (context->behind != NULL)
		context->behind(context->arg, link->member, epoch);
	return true;
}

/* The handshake is done: from its nonces come the keys of datagrams. */
static void
link_begin_datagrams(struct link *link, uint64_t now_us)
{
	struct signing transcript;
	struct datagram_start start = {
		.is_dialler = link->is_dialled,
		.ephemeral = link->ephemeral,
		.their_public = link->handshake.peer.nonce,
		.step_us = link->context->step_us,
		.now_us = now_us,
	};
	enum ag_status status = AG_OK;

	if (handshake_has(&link->handshake, HANDSHAKE_FEATURE_DATAGRAMS)) {
		handshake_transcript(&link->handshake, &transcript);
		start.transcript = signing_bytes(&transcript);
		status = datagram_keys_new(&link->datagram, &start);
	}
	secret_free(link->ephemeral);
	link->ephemeral = NULL;
	if (status != AG_OK)
		link_kill(link, status, "no keys for datagrams: %s",
		    ag_status_text(status));
}

void
link_shake(struct link *link, uint64_t now_us)
{
	struct ag_error err;
	struct frame frame;

	if (link->phase == LINK_SHAKING && link->handshake.roster == NULL) {
		link_begin_shaking(link, now_us);
		link->parser.classes = link_classes(link);
	}
	while (link->phase == LINK_SHAKING &&
	    link_next_frame(link, &frame) == AG_OK) {
		if (link_take_epoch(link, &frame))
			continue;
		if (frame.class != FRAME_CONTROL ||
		    frame.body.len > HANDSHAKE_BYTES_MAX) {
			link_kill(link, AG_EPROTO,
			    "a %s frame of %zu bytes inside the handshake",
			    frame_class_name(frame.class), frame.body.len);
			return;
		}
		if (handshake_input(&link->handshake, frame.body, &link->answer,
			&err) != AG_OK) {
			link_tell_epoch(link);
			link_leave(link, now_us, err.text);
			return;
		}
		if (link->handshake.state == HANDSHAKE_DONE)
			link_begin_datagrams(link, now_us);
		if (link->phase != LINK_SHAKING)
			return;
		if (link->handshake.state == HANDSHAKE_DONE)
			link->phase = LINK_PROVEN;
		else if (link->answer.len > 0)
			link_send_own(link,
			    bytes_of(link->answer.data, link->answer.len));
	}
}

void
link_confirm(struct link *link, uint64_t now_us)
{
	AG_ASSERT(link->phase == LINK_PROVEN);
	if (link->answer.len > 0)
		link_send_own(link,
		    bytes_of(link->answer.data, link->answer.len));
	if (link->kind == LINK_BULK)
		transport_tune(link->fd, LINK_BULK);
	link->phase = LINK_UP;
	link->deadline_us = UINT64_MAX;
	link->beat_us = now_us;
	/* Frames may stand right behind the handshake. */
	link->is_fed = true;
}

void
link_stand_by(struct link *link, uint64_t now_us)
{
	AG_ASSERT(link->phase == LINK_UP);
	link->phase = LINK_SPARE;
	link->deadline_us = now_us + SPARE_US;
}

/* Writing. */

void
link_send_own(struct link *link, struct bytes body)
{
	struct net_frame *frame = net_frame_new(FRAME_CONTROL, &body, 1);

	if (frame == NULL) {
		link_kill(link, AG_ENOMEM, "no memory for a frame");
		return;
	}
	if (send_queue_push(&link->own, frame) != AG_OK)
		link_kill(link, AG_ENOMEM, "no memory for a frame");
	net_frame_unref(frame);
}

/* The frame being written, or the next one; NULL when there is none. */
static struct net_frame *
link_current(struct link *link, link_source_fn *source, void *arg)
{
	if (link->current != NULL)
		return link->current;
	link->current_at = 0;
	link->current = send_queue_pop(&link->own, 1U << FRAME_CONTROL);
	if (link->current == NULL && source != NULL && link->phase == LINK_UP)
		link->current = source(arg,
		    link->kind == LINK_PEER ? FRAMES_PEER : 1U << FRAME_BULK);
	return link->current;
}

/* Gather up to cap bytes of frames, end to end. */
static size_t
link_stage(struct link *link, uint8_t *out, size_t cap, link_source_fn *source,
    void *arg)
{
	struct net_frame *frame;
	size_t len = 0, part;

	while (len < cap && (frame = link_current(link, source, arg)) != NULL) {
		part = frame->len - link->current_at;
		if (part > cap - len)
			part = cap - len;
		memcpy(out + len, frame->data + link->current_at, part);
		len += part;
		link->current_at += part;
		if (link->current_at == frame->len) {
			net_frame_unref(frame);
			link->current = NULL;
		}
	}
	return len;
}

/* One write.  False when libssh takes no more for now. */
static bool
link_write(struct link *link, const uint8_t *data, size_t len, size_t *written)
{
	const struct ssh_counter_struct *sent = &link->packet_counter;
	uint64_t want = sent->out_bytes;
	int rc = ssh_channel_write(link->channel, data, (uint32_t)len);

	*written = 0;
	if (rc < 0 && rc != SSH_AGAIN) {
		link_kill(link, AG_EUNREACH, "link closed while writing: %s",
		    ssh_get_error(link->session));
		return false;
	}
	*written = rc > 0 ? (size_t)rc : 0;
	want += *written;
	if (sent->out_bytes < want)
		link->held_until = want;
	return *written == len;
}

/* Is some of what libssh took still inside it, for want of new keys? */
static bool
link_is_held(const struct link *link)
{
	return link->packet_counter.out_bytes < link->held_until;
}

static size_t
link_room(const struct link *link)
{
	uint32_t window;

	if (link->channel == NULL || link->phase == LINK_DEAD ||
	    link->phase == LINK_GREETING || link_is_closed(link) ||
	    link_is_held(link) ||
	    (ssh_get_poll_flags(link->session) & SSH_WRITE_PENDING) != 0)
		return 0;
	window = ssh_channel_window_size(link->channel);
	return window < LINK_WRITE_BYTES ? window : LINK_WRITE_BYTES;
}

void
link_flush(struct link *link, link_source_fn *source, void *arg)
{
	uint8_t *staged = link->context->scratch;
	size_t room, len, written;

	room = link_room(link);
	if (room == 0)
		return;
	if (link->rest.len > 0) {
		len = link->rest.len < room ? link->rest.len : room;
		(void)link_write(link, link->rest.data, len, &written);
		buf_consume(&link->rest, written);
		if (link->rest.len == 0)
			buf_fini(&link->rest);
		return;
	}
	len = link_stage(link, staged, room, source, arg);
	if (len == 0 || link_write(link, staged, len, &written))
		return;
	if (buf_append(&link->rest, staged + written, len - written) != AG_OK)
		link_kill(link, AG_ENOMEM, "no memory to hold back a write");
}

bool
link_is_stale(const struct link *link)
{
	const struct link_context *context = link->context;

	return link->ours.serial != context->ours.serial ||
	    link->theirs.serial < context->known[link->member].serial;
}

bool
link_is_flushed(const struct link *link)
{
	return link->rest.len == 0 && link->current == NULL &&
	    send_queue_bytes(&link->own) == 0 &&
	    (ssh_get_poll_flags(link->session) & SSH_WRITE_PENDING) == 0;
}

/* Judging. */

static void
link_check_tally(struct link *link, uint64_t now_us)
{
	const struct link_tally *was = &link->tally;
	struct link_tally now = {
		.at_us = now_us,
		.bytes_in = link->socket_counter.in_bytes,
		.packets_in = link->packet_counter.in_packets,
		.body_bytes = link->body_bytes,
		.body_packets = link->body_packets,
		.bytes_out = link->socket_counter.out_bytes,
	};
	uint64_t packets = now.body_packets - was->body_packets;
	uint64_t adjusts = (now.bytes_out - was->bytes_out) / BYTES_PER_ADJUST;
	uint64_t bytes_max = now.body_bytes - was->body_bytes + TALLY_BYTES +
	    (packets + adjusts) * PACKET_OVERHEAD;

	if (now.bytes_in - was->bytes_in > bytes_max ||
	    now.packets_in - was->packets_in >
		packets + adjusts + TALLY_PACKETS) {
		link_kill(link, AG_EPROTO,
		    "too much SSH traffic that carries no frames");
		return;
	}
	if (now_us - was->at_us >= TALLY_US)
		link->tally = now;
}

/* Keys that are to change have to within a time. */
static void
link_check_held(struct link *link, uint64_t now_us)
{
	if (!link_is_held(link))
		link->held_us = 0;
	else if (link->held_us == 0)
		link->held_us = now_us;
	else if (now_us >= link->held_us + HELD_US)
		link_kill(link, AG_ETIMEOUT, "no new SSH keys in time");
}

void
link_check(struct link *link, uint64_t now_us)
{
	if (link->phase == LINK_DEAD)
		return;
	if (link_is_closed(link)) {
		link_kill(link, AG_EUNREACH, "the other side closed the link");
		return;
	}
	if (link->offences >= OFFENCES_MAX) {
		link_kill(link, AG_EPROTO, "too many refused SSH requests");
		return;
	}
	link_check_held(link, now_us);
	if (link->phase == LINK_LEAVING && link_is_flushed(link))
		link_kill(link, AG_OK, "left");
	else if (link->phase == LINK_SPARE && now_us >= link->deadline_us)
		link_leave(link, now_us, "replaced by a newer link");
	else if (now_us >= link->deadline_us)
		link_kill(link, AG_ETIMEOUT,
		    link->phase == LINK_GREETING
			? "no SSH authentication in time"
			: "no answer to the handshake in time");
	else if (link->phase == LINK_GREETING &&
	    link->socket_counter.in_bytes == 0 &&
	    now_us >= link->born_us + BANNER_US)
		link_kill(link, AG_ETIMEOUT, "no SSH banner in time");
	else if (link->phase == LINK_GREETING &&
	    link->socket_counter.in_bytes > GREETING_BYTES_MAX)
		link_kill(link, AG_EPROTO, "too much before authentication");
	else
		link_check_tally(link, now_us);
}

void
link_leave(struct link *link, uint64_t now_us, const char *why)
{
	struct handshake_output goodbye;

	if (link->phase >= LINK_LEAVING)
		return;
	(void)ag_fail(&link->err, AG_EDENIED, "%s", why);
	handshake_goodbye(&goodbye, why);
	link_send_own(link, bytes_of(goodbye.data, goodbye.len));
	if (link->phase == LINK_DEAD)
		return;
	link->phase = LINK_LEAVING;
	link->deadline_us = now_us + LEAVING_US;
}
