/*
 * The handshake inside a peer session.
 *
 * SSH has proved that each end holds a link key.  What is proved here is
 * that the holder of the node key stands behind this very session, for this
 * cluster and epoch, and which run of the node it is.
 *
 * FORMAT   Canonical CBOR arrays, as bodies of control frames:
 *          HELLO      [1, version min, version max, features, cluster id,
 *                      epoch, kind, sender, receiver, instance, nonce]
 *          HELLO_ACK  [2, version, features, cluster id, epoch, sender,
 *                      instance, nonce]
 *          AUTH       [3, signature]      AUTH_ACK   [4, signature]
 *          READY      [5, program]        READY_ACK  [6, program]
 *          GOODBYE    [9, text]
 *          EPOCH      [10, epoch (trust/epoch.h)]
 *          KEY_STEP, KEY_STEP_ACK, SEALED: net/sealed.c; later, too
 *          LINK_KEY   [11, serial, link key, signature
 *                      (trust/link_certificate.c)]; later, at any time
 *
 * SIGNED   "aegis/auth/v1" NUL | u64 role (0 dialler, 1 acceptor) and kind |
 *          u64 version | cluster id | u64 epoch | of the dialler, then of
 *          the acceptor: u64 features, u64 member, u64 instance, nonce, link
 *          key.  Integers big-endian.  The dialler and the acceptor sign
 *          different bytes, so neither's signature can be sent back.
 *
 * STATES   dialler   IDLE → WAIT_HELLO_ACK → WAIT_AUTH_ACK →
 *                    WAIT_READY_ACK → DONE
 *          acceptor  WAIT_HELLO → WAIT_AUTH → WAIT_READY → DONE
 *
 * THREATS  A stolen link key alone: AUTH needs the node key too.  One that has
 *          been replaced does not get as far as here (net/link.c).
 *          Relaying a session of A to B through M: the signed link keys are
 *          those each end saw in SSH, and M's is another.
 *          Replay: both nonces are signed and fresh.
 *          Reflection: role and both members are signed.
 *          Another cluster, epoch or restored incarnation with the same
 *          keys: cluster id and epoch are compared first, for a clear
 *          error, and signed as well.
 *          Downgrade: version and both feature sets are signed.
 *          Getting at sealed datagrams: with the feature, nonces are the
 *          public halves of fresh X25519 keys, and so these are signed; as
 *          unpredictable as other nonces they are anyway.
 *          Passing a peer session off as bulk: kind is signed.
 *          A program's version is its own word, for operators to read.
 *          Nothing is allocated, lengths are fixed, each message is taken
 *          once, and time is bounded by the caller.
 *
 * NOT HERE Reading frames (codec/frame), deadlines and duplicate sessions.
 */
#include "net/handshake.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/version.h"
#include "codec/decoder.h"
#include "codec/encoder.h"
#include "codec/message.h"
#include "crypto/sign.h"
#include "crypto/signer.h"
#include "trust/epoch.h"
#include "trust/signing.h"

#define GOODBYE_TEXT_MAX 120
#define HELLO_FIELDS_MAX 32 /* of any version */

void
handshake_init(struct handshake *h, const struct handshake_config *config)
{
	*h = (struct handshake){
		.roster = config->roster,
		.signer = config->signer,
		.kind = config->kind,
		.is_dialler = config->is_dialler,
		.is_former = config->is_former,
		.state =
		    config->is_dialler ? HANDSHAKE_IDLE : HANDSHAKE_WAIT_HELLO,
		.self = { .member = config->self,
		    .features = config->features,
		    .instance = config->instance },
		.peer = { .member = config->peer },
	};
	memcpy(h->self.nonce, config->nonce, sizeof(h->self.nonce));
	memcpy(h->self.link_key, config->self_link_key,
	    sizeof(h->self.link_key));
	memcpy(h->peer.link_key, config->peer_link_key,
	    sizeof(h->peer.link_key));
}

static void
output_finish(struct handshake_output *out, const struct encoder *e)
{
	struct bytes encoded;

	AG_ASSERT(encoder_finish(e, &encoded) == AG_OK);
	out->len = encoded.len;
}

static void
put_cluster(struct encoder *e, const struct handshake *h)
{
	encoder_put_bytes(e, bytes_of(h->roster->cluster_id, CLUSTER_ID_BYTES));
	encoder_put_uint(e, h->roster->epoch);
}

static void
put_run(struct encoder *e, const struct handshake *h)
{
	encoder_put_uint(e, h->self.instance);
	encoder_put_bytes(e, bytes_of(h->self.nonce, sizeof(h->self.nonce)));
}

void
handshake_start(struct handshake *h, struct handshake_output *out)
{
	struct encoder e;

	AG_ASSERT(h->state == HANDSHAKE_IDLE);
	encoder_init(&e, out->data, sizeof(out->data));
	encoder_put_array(&e, 11);
	encoder_put_uint(&e, MESSAGE_HELLO);
	encoder_put_uint(&e, HANDSHAKE_VERSION_MIN);
	encoder_put_uint(&e, HANDSHAKE_VERSION_MAX);
	encoder_put_uint(&e, h->self.features);
	put_cluster(&e, h);
	encoder_put_uint(&e, h->kind);
	encoder_put_uint(&e, h->self.member);
	encoder_put_uint(&e, h->peer.member);
	put_run(&e, h);
	output_finish(out, &e);
	h->state = HANDSHAKE_WAIT_HELLO_ACK;
}

static void
write_hello_ack(const struct handshake *h, struct handshake_output *out)
{
	struct encoder e;

	encoder_init(&e, out->data, sizeof(out->data));
	encoder_put_array(&e, 8);
	encoder_put_uint(&e, MESSAGE_HELLO_ACK);
	encoder_put_uint(&e, h->version);
	encoder_put_uint(&e, h->self.features);
	put_cluster(&e, h);
	encoder_put_uint(&e, h->self.member);
	put_run(&e, h);
	output_finish(out, &e);
}

static void
write_ready(struct handshake_output *out, enum message_type type)
{
	struct encoder e;

	encoder_init(&e, out->data, sizeof(out->data));
	encoder_put_array(&e, 2);
	encoder_put_uint(&e, type);
	encoder_put_text(&e, bytes_from_text(version_text()));
	output_finish(out, &e);
}

static void
sign_side(struct signing *s, const struct handshake_side *side)
{
	signing_put_u64(s, side->features);
	signing_put_u64(s, side->member);
	signing_put_u64(s, side->instance);
	signing_put(s, side->nonce, sizeof(side->nonce));
	signing_put(s, side->link_key, sizeof(side->link_key));
}

/* What one of the two signs about this session. */
static void
auth_input(const struct handshake *h, bool by_dialler, struct signing *s)
{
	signing_begin(s, PURPOSE_AUTH);
	signing_put_u64(s, (uint64_t)!by_dialler << 8 | (uint64_t)h->kind);
	signing_put_u64(s, h->version);
	signing_put(s, h->roster->cluster_id, CLUSTER_ID_BYTES);
	signing_put_u64(s, h->roster->epoch);
	sign_side(s, h->is_dialler ? &h->self : &h->peer);
	sign_side(s, h->is_dialler ? &h->peer : &h->self);
}

static enum ag_status
write_auth(const struct handshake *h, struct handshake_output *out,
    struct ag_error *err)
{
	uint8_t signature[SIGNATURE_BYTES];
	struct signing s;
	struct encoder e;

	auth_input(h, h->is_dialler, &s);
	if (signer_sign(h->signer, signing_bytes(&s), signature, NULL) != AG_OK)
		return ag_fail(err, AG_EUNREACH, "our node key does not sign");
	encoder_init(&e, out->data, sizeof(out->data));
	encoder_put_array(&e, 2);
	encoder_put_uint(&e, h->is_dialler ? MESSAGE_AUTH : MESSAGE_AUTH_ACK);
	encoder_put_bytes(&e, bytes_of(signature, sizeof(signature)));
	output_finish(out, &e);
	return AG_OK;
}

/* Start on a message of count elements whose type must be this. */
static void
expect(struct decoder *d, struct bytes body, enum message_type type,
    size_t count)
{
	decoder_init(d, body);
	decoder_expect_array(d, count);
	if (decoder_get_uint(d) != type)
		decoder_fail(d, "not the message that comes now");
}

static const char *
peer_name(const struct handshake *h)
{
	return h->is_former ? "a former member"
			    : h->roster->members[h->peer.member].name;
}

static enum ag_status
check_cluster(struct handshake *h, const uint8_t *cluster_id, uint64_t epoch,
    struct ag_error *err)
{
	const char *name = peer_name(h);

	if (memcmp(cluster_id, h->roster->cluster_id, CLUSTER_ID_BYTES) != 0)
		return ag_fail(err, AG_EDENIED,
		    "%s belongs to another cluster than %s", name,
		    h->roster->cluster_name);
	h->is_behind = epoch < h->roster->epoch;
	h->epoch = epoch;
	if (epoch != h->roster->epoch)
		return ag_fail(err, AG_EDENIED,
		    "%s is at epoch %" PRIu64 " of the roster, we at %" PRIu64,
		    name, epoch, h->roster->epoch);
	if (h->is_former)
		return ag_fail(err, AG_EDENIED,
		    "it is no member at epoch %" PRIu64, epoch);
	return AG_OK;
}

static enum ag_status
check_member(const struct handshake *h, uint64_t sender, uint64_t receiver,
    struct ag_error *err)
{
	if (sender == h->peer.member && receiver == h->self.member)
		return AG_OK;
	return ag_fail(err, AG_EDENIED,
	    "%s speaks as member %" PRIu64 " to member %" PRIu64
	    " in a session of %u to %u",
	    h->roster->members[h->peer.member].name, sender, receiver,
	    h->peer.member, h->self.member);
}

/* Whatever comes behind them in a HELLO of another version. */
static enum ag_status
check_versions(const struct handshake *h, struct bytes body,
    struct ag_error *err)
{
	uint64_t min, max;
	struct decoder d;

	decoder_init(&d, body);
	(void)decoder_get_array_max(&d, HELLO_FIELDS_MAX);
	if (decoder_get_uint(&d) != MESSAGE_HELLO)
		decoder_fail(&d, "not the message that comes now");
	min = decoder_get_uint(&d);
	max = decoder_get_uint(&d);
	if (decoder_failed(&d))
		return ag_fail(err, AG_EPROTO, "%s", d.why);
	if (min <= HANDSHAKE_VERSION_MAX && max >= HANDSHAKE_VERSION_MIN)
		return AG_OK;
	return ag_fail(err, AG_EVERSION,
	    "%s speaks protocol %" PRIu64 " to %" PRIu64
	    ", we speak %d to %d; upgrade %s",
	    peer_name(h), min, max, HANDSHAKE_VERSION_MIN,
	    HANDSHAKE_VERSION_MAX,
	    min > HANDSHAKE_VERSION_MAX
		? h->roster->members[h->self.member].name
		: peer_name(h));
}

static enum ag_status
take_hello(struct handshake *h, struct bytes body, struct handshake_output *out,
    struct ag_error *err)
{
	uint64_t max, epoch, kind, sender, receiver;
	uint8_t cluster_id[CLUSTER_ID_BYTES];
	enum ag_status status;
	struct decoder d;

	status = check_versions(h, body, err);
	if (status != AG_OK)
		return status;
	expect(&d, body, MESSAGE_HELLO, 11);
	(void)decoder_get_uint(&d);
	max = decoder_get_uint(&d);
	h->peer.features = decoder_get_uint(&d);
	decoder_get_fixed(&d, cluster_id, sizeof(cluster_id));
	epoch = decoder_get_uint(&d);
	kind = decoder_get_uint(&d);
	sender = decoder_get_uint(&d);
	receiver = decoder_get_uint(&d);
	h->peer.instance = decoder_get_uint(&d);
	decoder_get_fixed(&d, h->peer.nonce, sizeof(h->peer.nonce));
	status = decoder_finish(&d, err);
	if (status != AG_OK)
		return status;
	status = check_cluster(h, cluster_id, epoch, err);
	if (status == AG_OK)
		status = check_member(h, sender, receiver, err);
	if (status != AG_OK)
		return status;
	if (kind != (uint64_t)h->kind)
		return ag_fail(err, AG_EPROTO, "HELLO for the other subsystem");
	h->version = max < HANDSHAKE_VERSION_MAX ? max : HANDSHAKE_VERSION_MAX;
	write_hello_ack(h, out);
	h->state = HANDSHAKE_WAIT_AUTH;
	return AG_OK;
}

static enum ag_status
take_hello_ack(struct handshake *h, struct bytes body,
    struct handshake_output *out, struct ag_error *err)
{
	uint8_t cluster_id[CLUSTER_ID_BYTES];
	uint64_t epoch, sender;
	enum ag_status status;
	struct decoder d;

	expect(&d, body, MESSAGE_HELLO_ACK, 8);
	h->version = decoder_get_uint(&d);
	h->peer.features = decoder_get_uint(&d);
	decoder_get_fixed(&d, cluster_id, sizeof(cluster_id));
	epoch = decoder_get_uint(&d);
	sender = decoder_get_uint(&d);
	h->peer.instance = decoder_get_uint(&d);
	decoder_get_fixed(&d, h->peer.nonce, sizeof(h->peer.nonce));
	status = decoder_finish(&d, err);
	if (status != AG_OK)
		return status;
	if (h->version < HANDSHAKE_VERSION_MIN ||
	    h->version > HANDSHAKE_VERSION_MAX)
		return ag_fail(err, AG_EVERSION,
		    "%s chose protocol %" PRIu64 ", which was not offered",
		    h->roster->members[h->peer.member].name, h->version);
	status = check_cluster(h, cluster_id, epoch, err);
	if (status == AG_OK)
		status = check_member(h, sender, h->self.member, err);
	if (status == AG_OK)
		status = write_auth(h, out, err);
	if (status == AG_OK)
		h->state = HANDSHAKE_WAIT_AUTH_ACK;
	return status;
}

/* AUTH or AUTH_ACK: the peer's signature over the session. */
static enum ag_status
take_signature(struct handshake *h, struct bytes body, enum message_type type,
    struct ag_error *err)
{
	const struct roster_member *member =
	    &h->roster->members[h->peer.member];
	uint8_t signature[SIGNATURE_BYTES];
	enum ag_status status;
	struct signing s;
	struct decoder d;

	expect(&d, body, type, 2);
	decoder_get_fixed(&d, signature, sizeof(signature));
	status = decoder_finish(&d, err);
	if (status != AG_OK)
		return status;
	auth_input(h, !h->is_dialler, &s);
	if (!sign_verify(member->node_key, signing_bytes(&s), signature))
		return ag_fail(err, AG_EFORGED,
		    "%s did not sign this session with its node key",
		    member->name);
	return AG_OK;
}

/* What another says, as it may be shown; cut to what fits. */
static void
text_printable(char *text, size_t cap, struct bytes raw)
{
	size_t i;

	for (i = 0; i < raw.len && i + 1 < cap; i++)
		text[i] = raw.data[i] >= 0x20 && raw.data[i] < 0x7f
		    ? (char)raw.data[i]
		    : '?';
	text[i] = '\0';
}

static enum ag_status
take_ready(struct handshake *h, struct bytes body, enum message_type type,
    struct ag_error *err)
{
	struct bytes program;
	struct decoder d;

	expect(&d, body, type, 2);
	program = decoder_get_text_max(&d, sizeof(h->program) - 1);
	if (decoder_finish(&d, err) != AG_OK)
		return err->status;
	text_printable(h->program, sizeof(h->program), program);
	return AG_OK;
}

static enum ag_status
handshake_step(struct handshake *h, struct bytes body,
    struct handshake_output *out, struct ag_error *err)
{
	enum ag_status status;

	switch (h->state) {
	case HANDSHAKE_WAIT_HELLO:
		return take_hello(h, body, out, err);
	case HANDSHAKE_WAIT_HELLO_ACK:
		return take_hello_ack(h, body, out, err);
	case HANDSHAKE_WAIT_AUTH:
		status = take_signature(h, body, MESSAGE_AUTH, err);
		if (status == AG_OK)
			status = write_auth(h, out, err);
		if (status == AG_OK)
			h->state = HANDSHAKE_WAIT_READY;
		return status;
	case HANDSHAKE_WAIT_AUTH_ACK:
		status = take_signature(h, body, MESSAGE_AUTH_ACK, err);
		if (status != AG_OK)
			return status;
		write_ready(out, MESSAGE_READY);
		h->state = HANDSHAKE_WAIT_READY_ACK;
		return AG_OK;
	case HANDSHAKE_WAIT_READY:
		status = take_ready(h, body, MESSAGE_READY, err);
		if (status != AG_OK)
			return status;
		write_ready(out, MESSAGE_READY_ACK);
		h->state = HANDSHAKE_DONE;
		return AG_OK;
	case HANDSHAKE_WAIT_READY_ACK:
		status = take_ready(h, body, MESSAGE_READY_ACK, err);
		if (status == AG_OK)
			h->state = HANDSHAKE_DONE;
		return status;
	case HANDSHAKE_IDLE:
	case HANDSHAKE_DONE:
	case HANDSHAKE_FAILED:
	default:
		return ag_fail(err, AG_EPROTO,
		    "handshake message out of place");
	}
}

enum ag_status
handshake_input(struct handshake *h, struct bytes body,
    struct handshake_output *out, struct ag_error *err)
{
	char why[GOODBYE_TEXT_MAX + 1];
	enum ag_status status;

	out->len = 0;
	if (handshake_goodbye_text(why, sizeof(why), body) == AG_OK)
		status = ag_fail(err, AG_EDENIED, "%s refused: %s",
		    peer_name(h), why);
	else
		status = handshake_step(h, body, out, err);
	if (status != AG_OK) {
		h->state = HANDSHAKE_FAILED;
		out->len = 0;
	}
	return status;
}

void
handshake_epoch_head(struct handshake_output *out, size_t len)
{
	struct encoder e;

	encoder_init(&e, out->data, sizeof(out->data));
	encoder_put_array(&e, 2);
	encoder_put_uint(&e, MESSAGE_EPOCH);
	encoder_put_bytes_head(&e, len);
	output_finish(out, &e);
}

enum ag_status
handshake_epoch_open(struct bytes body, struct bytes *epoch)
{
	struct decoder d;

	expect(&d, body, MESSAGE_EPOCH, 2);
	*epoch = decoder_get_bytes_max(&d, EPOCH_BYTES_MAX);
	return decoder_finish(&d, NULL) == AG_OK ? AG_OK : AG_EPROTO;
}

void
handshake_link_key(struct handshake_output *out,
    const struct link_certificate *certificate)
{
	struct encoder e;

	encoder_init(&e, out->data, sizeof(out->data));
	encoder_put_array(&e, 1 + LINK_CERTIFICATE_FIELDS);
	encoder_put_uint(&e, MESSAGE_LINK_KEY);
	link_certificate_put(&e, certificate);
	output_finish(out, &e);
}

enum ag_status
handshake_link_key_open(struct link_certificate *certificate, struct bytes body)
{
	struct decoder d;

	expect(&d, body, MESSAGE_LINK_KEY, 1 + LINK_CERTIFICATE_FIELDS);
	link_certificate_get(&d, certificate);
	return decoder_finish(&d, NULL) == AG_OK ? AG_OK : AG_EPROTO;
}

void
handshake_transcript(const struct handshake *h, struct signing *s)
{
	AG_ASSERT(h->state == HANDSHAKE_DONE);
	auth_input(h, true, s);
}

bool
handshake_has(const struct handshake *h, uint64_t feature)
{
	return (h->self.features & h->peer.features & feature) == feature;
}

void
handshake_goodbye(struct handshake_output *out, const char *why)
{
	struct encoder e;
	size_t len = strlen(why), i;

	if (len > GOODBYE_TEXT_MAX)
		len = GOODBYE_TEXT_MAX;
	/* Cutting must not leave half a character. */
	for (i = 0; i < len; i++)
		if ((unsigned char)why[i] >= 0x80)
			len = i;
	encoder_init(&e, out->data, sizeof(out->data));
	encoder_put_array(&e, 2);
	encoder_put_uint(&e, MESSAGE_GOODBYE);
	encoder_put_text(&e, bytes_of(why, len));
	output_finish(out, &e);
}

enum ag_status
handshake_goodbye_text(char *text, size_t cap, struct bytes body)
{
	struct bytes raw;
	struct decoder d;

	AG_ASSERT(cap > 0);
	text[0] = '\0';
	expect(&d, body, MESSAGE_GOODBYE, 2);
	raw = decoder_get_text_max(&d, GOODBYE_TEXT_MAX);
	if (decoder_finish(&d, NULL) != AG_OK)
		return AG_EPROTO;
	text_printable(text, cap, raw);
	return AG_OK;
}
