/*
 * State transfer, both ends.
 *
 * FORMAT   SYNC_REQUEST   [48, transfer, least seq]
 *          SYNC_RESPONSE  [49, transfer, code, seq]  code: 0 coming, 1 busy
 *          DATA_CHUNK     [50, transfer, index, bytes, is last]
 *          DATA_ACK       [51, transfer, index]
 *
 * RULES    1. Nothing a server says is believed: the whole stream is checked
 *             against the certificate in it, the certificate against the
 *             roster, and only then is the state offered to the node.
 *          2. Each side has one transfer per direction and member; a server
 *             has at most SYNC_WINDOW chunks on the way, so neither end can
 *             make the other hold more.
 *          3. A server that stops, or whose stream is wrong, is left for the
 *             next member.  It is given time only by what brings the stream
 *             on: its first answer, and whole chunks.
 *
 * NOT HERE When a node needs a state (consensus) and putting it in place
 *          (node/driver.c).
 */
#include "node/sync.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "codec/encoder.h"
#include "codec/message.h"
#include "event/loop.h"
#include "node/state_dir.h"
#include "store/snapshot.h"

#define SYNC_CHUNK_BYTES (256U << 10)
#define SYNC_WINDOW 4
#define SYNC_STALL_US 10000000
#define SYNC_TICK_MS 1000
#define SYNC_PREPARE_MS 60000

enum sync_code {
	SYNC_COMING = 0,
	SYNC_BUSY = 1,
};

/* Serving one member. */
struct serving {
	struct sync *owner;
	uint32_t member;
	uint64_t transfer; /* 0: idle */
	struct node_snapshot *snapshot;
	uint64_t next_index, acked;
	bool is_opening, is_reading, is_at_end, is_doomed;
	uint64_t heard_us;
	size_t len;
	struct ag_error err;
	enum ag_status status;
	uint8_t chunk[SYNC_CHUNK_BYTES];
};

struct fetching {
	bool is_active;
	uint64_t target; /* the newest asked for */
	uint64_t seq;    /* this transfer: at or above this */
	uint32_t members;
	uint32_t excluded;
	uint32_t server;
	uint64_t transfer; /* 0: nobody asked yet */
	uint64_t next_index;
	uint64_t heard_us;
	bool is_promised; /* the server has said that chunks come */
	bool is_feeding, is_feeding_last, is_stale;
	struct snapshot_reader *reader;
	/* Chunks that arrived, next_index first; the window's worth. */
	struct buf chunks[SYNC_WINDOW];
	size_t chunk_first, chunk_count;
	bool has_last; /* the last chunk has arrived */
	enum ag_status status;
	struct ag_error err;
};

struct sync {
	struct sync_config config;
	struct loop_timer *timer;
	char dir[PATH_MAX];
	uint64_t last_transfer;
	struct serving *servings[TRUST_MEMBERS_MAX];
	struct fetching fetch;
	struct snapshot_info info; /* of the last stream finished */
	uint8_t certificate[CERTIFICATE_BYTES_MAX];
	unsigned working; /* jobs on the pool, and snapshots asked for */
	bool is_freed;
};

static void sync_next_server(struct sync *s);
static void serving_pump(struct serving *v);

static void
fetch_drop_reader(struct fetching *f)
{
	snapshot_reader_free(f->reader);
	f->reader = NULL;
	f->chunk_count = 0;
	f->has_last = false;
	f->transfer = 0;
}

/* What was fetched is not wanted, not even when it is whole. */
static void
fetch_discard(struct sync *s)
{
	struct ag_error err;

	if (s->fetch.reader == NULL)
		return;
	fetch_drop_reader(&s->fetch);
	if (state_dir_remove(s->dir, &err) != AG_OK)
		log_warn("node", "what was fetched of a state is left behind",
		    LOG_TEXT("error", err.text));
}

static void
sync_release(struct sync *s)
{
	size_t i;

	if (!s->is_freed || s->working > 0)
		return;
	for (i = 0; i < TRUST_MEMBERS_MAX; i++) {
		if (s->servings[i] != NULL)
			node_snapshot_close(s->servings[i]->snapshot);
		free(s->servings[i]);
	}
	fetch_discard(s);
	for (i = 0; i < SYNC_WINDOW; i++)
		buf_fini(&s->fetch.chunks[i]);
	free(s);
}

/* A message of two or three integers after its type. */
static void
sync_send_numbers(struct sync *s, uint32_t member, enum message_type type,
    const uint64_t *numbers, size_t count)
{
	struct bytes body;
	struct encoder e;
	uint8_t out[64];
	size_t i;

	encoder_init(&e, out, sizeof(out));
	encoder_put_array(&e, count + 1);
	encoder_put_uint(&e, type);
	for (i = 0; i < count; i++)
		encoder_put_uint(&e, numbers[i]);
	AG_ASSERT(encoder_finish(&e, &body) == AG_OK);
	/* A full or absent link shows as silence, which both ends survive. */
	if (s->config.send(s->config.arg, member, &body, 1) != AG_OK)
		log_debug("node", "state transfer frame not sent",
		    LOG_TEXT("type", message_name(type)),
		    LOG_U64("member", member));
}

/* --- serving --- */

static void
serving_end(struct serving *v)
{
	if (v->is_opening || v->is_reading) {
		v->is_doomed = true;
		return;
	}
	node_snapshot_close(v->snapshot);
	v->snapshot = NULL;
	v->transfer = 0;
	v->is_doomed = false;
}

static void
serving_read(void *arg)
{
	struct serving *v = arg;

	v->status = node_snapshot_read(v->snapshot, v->chunk, sizeof(v->chunk),
	    &v->len, &v->err);
}

static void
serving_send_chunk(struct serving *v)
{
	const struct sync_config *config = &v->owner->config;
	uint8_t head[64];
	struct bytes parts[3];
	struct encoder e;
	uint8_t tail = v->is_at_end ? 0xf5 : 0xf4; /* CBOR true, false */

	/* The byte string's head is written as for an empty tail: the parts
	 * are laid end to end by the link, which spares copying the chunk. */
	encoder_init(&e, head, sizeof(head));
	encoder_put_array(&e, 5);
	encoder_put_uint(&e, MESSAGE_DATA_CHUNK);
	encoder_put_uint(&e, v->transfer);
	encoder_put_uint(&e, v->next_index);
	encoder_put_bytes_head(&e, v->len);
	AG_ASSERT(encoder_finish(&e, &parts[0]) == AG_OK);
	parts[1] = bytes_of(v->chunk, v->len);
	parts[2] = bytes_of(&tail, 1);
	if (config->send(config->arg, v->member, parts, 3) != AG_OK) {
		serving_end(v);
		return;
	}
	v->next_index++;
}

static void
serving_read_done(void *arg)
{
	struct serving *v = arg;
	struct sync *s = v->owner;

	v->is_reading = false;
	s->working--;
	if (s->is_freed) {
		sync_release(s);
		return;
	}
	if (v->status != AG_OK) {
		log_warn("node", "reading a snapshot failed",
		    LOG_TEXT("error", v->err.text));
		v->is_doomed = true;
	}
	if (v->is_doomed) {
		serving_end(v);
		return;
	}
	v->is_at_end = v->len < sizeof(v->chunk);
	serving_send_chunk(v);
	serving_pump(v);
}

static void
serving_pump(struct serving *v)
{
	if (v->snapshot == NULL || v->is_reading || v->is_at_end ||
	    v->next_index >= v->acked + SYNC_WINDOW)
		return;
	if (loop_work(v->owner->config.loop, serving_read, serving_read_done,
		v) != AG_OK) {
		serving_end(v);
		return;
	}
	v->is_reading = true;
	v->owner->working++;
}

static void
serving_ready(void *arg, enum ag_status status, struct node_snapshot *snapshot)
{
	struct serving *v = arg;
	struct sync *s = v->owner;
	uint64_t answer[3] = { v->transfer, SYNC_COMING, 0 };

	v->is_opening = false;
	v->snapshot = snapshot;
	s->working--;
	if (s->is_freed) {
		sync_release(s);
		return;
	}
	if (v->is_doomed || status != AG_OK) {
		answer[1] = SYNC_BUSY;
		if (!v->is_doomed)
			sync_send_numbers(s, v->member, MESSAGE_SYNC_RESPONSE,
			    answer, 3);
		serving_end(v);
		return;
	}
	answer[2] = node_snapshot_seq(snapshot);
	v->heard_us = clock_mono_us();
	sync_send_numbers(s, v->member, MESSAGE_SYNC_RESPONSE, answer, 3);
	serving_pump(v);
}

static void
sync_on_request(struct sync *s, uint32_t member, struct decoder *d)
{
	uint64_t transfer = decoder_get_uint(d);
	uint64_t refusal[3] = { transfer, SYNC_BUSY, 0 };
	struct serving *v = s->servings[member];
	struct ag_error err;

	(void)decoder_get_uint(d); /* it judges what it gets */
	if (decoder_finish(d, NULL) != AG_OK || transfer == 0)
		return;
	if (v == NULL) {
		v = calloc(1, sizeof(*v));
		if (v == NULL)
			return;
		v->owner = s;
		v->member = member;
		s->servings[member] = v;
	}
	serving_end(v);
	if (v->is_doomed) {
		sync_send_numbers(s, member, MESSAGE_SYNC_RESPONSE, refusal, 3);
		return;
	}
	v->transfer = transfer;
	v->next_index = 0;
	v->acked = 0;
	v->is_at_end = false;
	v->heard_us = clock_mono_us();
	v->is_opening = true;
	s->working++;
	if (snapshots_open(s->config.snapshots, SNAPSHOT_VOUCHED,
		SYNC_PREPARE_MS, serving_ready, v, &err) != AG_OK) {
		v->is_opening = false;
		v->transfer = 0;
		s->working--;
		sync_send_numbers(s, member, MESSAGE_SYNC_RESPONSE, refusal, 3);
	}
}

static void
sync_on_ack(struct sync *s, uint32_t member, struct decoder *d)
{
	uint64_t transfer = decoder_get_uint(d);
	uint64_t index = decoder_get_uint(d);
	struct serving *v = s->servings[member];

	if (decoder_finish(d, NULL) != AG_OK || v == NULL ||
	    v->transfer != transfer || index < v->acked ||
	    index >= v->next_index)
		return;
	v->acked = index + 1;
	v->heard_us = clock_mono_us();
	if (v->is_at_end && v->acked == v->next_index)
		serving_end(v);
	else
		serving_pump(v);
}

/* --- fetching --- */

/* This server will not do; the reason is for the operator. */
static void
fetch_give_up(struct sync *s, const char *why)
{
	struct fetching *f = &s->fetch;

	log_warn("node", "state transfer failed",
	    LOG_TEXT("member", s->config.roster->members[f->server].name),
	    LOG_TEXT("reason", why));
	f->excluded |= 1U << f->server;
	if (f->is_feeding) {
		f->is_stale = true;
		return;
	}
	fetch_discard(s);
	sync_next_server(s);
}

static void
sync_next_server(struct sync *s)
{
	struct fetching *f = &s->fetch;
	uint64_t request[2];
	struct ag_error err;
	uint32_t i, left = f->members & ~f->excluded & ~(1U << s->config.self);

	/* A chunk of a fetch that was given up may still be being stored:
	 * its reader is in use, and fetch_fed() comes back here. */
	if (!f->is_active || f->is_feeding)
		return;
	if (left == 0) {
		f->excluded = 0;
		f->transfer = 0;
		f->heard_us = clock_mono_us();
		return; /* the timer begins another round */
	}
	for (i = 0; (left >> f->server & 1) == 0; i++)
		f->server = (f->server + 1) % s->config.roster->member_count;
	if (state_dir_remove(s->dir, &err) != AG_OK ||
	    snapshot_reader_new(&f->reader, s->dir, &err) != AG_OK) {
		log_error("node", "cannot prepare for a state transfer",
		    LOG_TEXT("error", err.text));
		f->heard_us = clock_mono_us();
		f->transfer = 0;
		return;
	}
	f->transfer = ++s->last_transfer;
	f->seq = f->target;
	f->next_index = 0;
	f->is_promised = false;
	f->heard_us = clock_mono_us();
	log_info("node", "fetching state",
	    LOG_TEXT("member", s->config.roster->members[f->server].name),
	    LOG_U64("seq", f->seq));
	request[0] = f->transfer;
	request[1] = f->seq;
	sync_send_numbers(s, f->server, MESSAGE_SYNC_REQUEST, request, 2);
}

/* Is the finished stream right, by f + 1 signatures, and new enough? */
static enum ag_status
fetch_judge(struct sync *s, struct snapshot_info *info, struct ag_error *err)
{
	const struct fetching *f = &s->fetch;
	struct trust_scope scope;

	roster_scope(s->config.roster, &scope);
	if (memcmp(&info->scope, &scope, sizeof(scope)) != 0)
		return ag_fail(err, AG_EFORGED, "snapshot of another cluster");
	if (!info->has_certificate ||
	    info->certificate.phase != VOTE_CHECKPOINT ||
	    info->certificate.seq != info->seq ||
	    !digest_equal(&info->certificate.digest, &info->digest))
		return ag_fail(err, AG_EFORGED,
		    "snapshot does not match its certificate");
	if (info->seq < f->seq)
		return ag_fail(err, AG_EFORGED, "snapshot is too old");
	return certificate_verify_vouched(&info->certificate, &scope,
	    s->config.roster->member_count, &roster_authority, s->config.roster,
	    err);
}

static void
fetch_complete(struct sync *s)
{
	struct fetching *f = &s->fetch;
	struct snapshot_info *info = &s->info;
	struct encoder e;
	struct bytes encoded;
	struct ag_error err;

	if (fetch_judge(s, info, &err) != AG_OK) {
		fetch_give_up(s, err.text);
		return;
	}
	fetch_drop_reader(f);
	f->is_active = false;
	encoder_init(&e, s->certificate, sizeof(s->certificate));
	certificate_encode(&e, &info->certificate);
	AG_ASSERT(encoder_finish(&e, &encoded) == AG_OK);
	s->config.ready(s->config.arg, s->dir, info->seq, &info->digest,
	    encoded);
}

/* The last chunk is followed by what makes the whole durable. */
static void
fetch_feed(void *arg)
{
	struct sync *s = arg;
	struct fetching *f = &s->fetch;

	f->status = snapshot_reader_feed(f->reader,
	    buf_bytes(&f->chunks[f->chunk_first]), &f->err);
	if (f->status == AG_OK && f->is_feeding_last)
		f->status =
		    snapshot_reader_finish(f->reader, &s->info, &f->err);
}

static void fetch_fed(void *arg);

static void
fetch_pump(struct sync *s)
{
	struct fetching *f = &s->fetch;

	if (f->is_feeding || f->chunk_count == 0)
		return;
	f->is_feeding_last = f->has_last && f->chunk_count == 1;
	if (loop_work(s->config.loop, fetch_feed, fetch_fed, s) != AG_OK) {
		fetch_give_up(s, "out of memory");
		return;
	}
	f->is_feeding = true;
	s->working++;
}

static void
fetch_fed(void *arg)
{
	struct sync *s = arg;
	struct fetching *f = &s->fetch;
	uint64_t ack[2] = { f->transfer, f->next_index };

	f->is_feeding = false;
	s->working--;
	if (s->is_freed) {
		sync_release(s);
		return;
	}
	if (f->is_stale) {
		f->is_stale = false;
		fetch_discard(s);
		sync_next_server(s);
		return;
	}
	if (f->status != AG_OK) {
		fetch_give_up(s, f->err.text);
		return;
	}
	f->heard_us = clock_mono_us();
	f->chunk_first = (f->chunk_first + 1) % SYNC_WINDOW;
	f->chunk_count--;
	f->next_index++;
	sync_send_numbers(s, f->server, MESSAGE_DATA_ACK, ack, 2);
	if (f->is_feeding_last)
		fetch_complete(s);
	else
		fetch_pump(s);
}

/* Is this of the transfer that member was asked for? */
static bool
fetch_expects(const struct fetching *f, uint32_t member, uint64_t transfer)
{
	return f->is_active && !f->is_stale && f->transfer != 0 &&
	    f->transfer == transfer && f->server == member;
}

static void
sync_on_chunk(struct sync *s, uint32_t member, struct decoder *d)
{
	struct fetching *f = &s->fetch;
	uint64_t transfer = decoder_get_uint(d);
	uint64_t index = decoder_get_uint(d);
	struct bytes piece = decoder_get_bytes_max(d, SYNC_CHUNK_BYTES);
	bool is_last = decoder_get_bool(d);
	struct buf *chunk;

	if (decoder_finish(d, NULL) != AG_OK ||
	    !fetch_expects(f, member, transfer))
		return;
	if (index != f->next_index + f->chunk_count ||
	    f->chunk_count == SYNC_WINDOW || f->has_last) {
		fetch_give_up(s, "chunk out of order");
		return;
	}
	if (piece.len < SYNC_CHUNK_BYTES && !is_last) {
		fetch_give_up(s, "chunk too short");
		return;
	}
	chunk = &f->chunks[(f->chunk_first + f->chunk_count) % SYNC_WINDOW];
	buf_clear(chunk);
	if (buf_append(chunk, piece.data, piece.len) != AG_OK) {
		fetch_give_up(s, "out of memory");
		return;
	}
	f->chunk_count++;
	f->has_last = is_last;
	f->heard_us = clock_mono_us();
	fetch_pump(s);
}

static void
sync_on_response(struct sync *s, uint32_t member, struct decoder *d)
{
	struct fetching *f = &s->fetch;
	uint64_t transfer = decoder_get_uint(d);
	uint64_t code = decoder_get_uint(d);

	(void)decoder_get_uint(d);
	if (decoder_finish(d, NULL) != AG_OK ||
	    !fetch_expects(f, member, transfer))
		return;
	if (code != SYNC_COMING) {
		fetch_give_up(s, "the member is busy");
		return;
	}
	if (!f->is_promised)
		f->heard_us = clock_mono_us();
	f->is_promised = true;
}

/* --- both --- */

static void
sync_on_timer(void *arg)
{
	struct sync *s = arg;
	struct fetching *f = &s->fetch;
	uint64_t now = clock_mono_us();
	size_t i;

	if (f->is_active && !f->is_feeding) {
		if (f->transfer == 0)
			sync_next_server(s);
		else if (now - f->heard_us > SYNC_STALL_US)
			fetch_give_up(s, "no answer for 10 s");
	}
	for (i = 0; i < TRUST_MEMBERS_MAX; i++) {
		struct serving *v = s->servings[i];

		if (v != NULL && v->snapshot != NULL &&
		    now - v->heard_us > SYNC_STALL_US)
			serving_end(v);
	}
	loop_timer_set(s->timer, SYNC_TICK_MS);
}

struct sync *
sync_new(const struct sync_config *config)
{
	struct sync *s = calloc(1, sizeof(*s));
	size_t i;

	if (s == NULL)
		return NULL;
	s->config = *config;
	s->config.dir = s->dir;
	/* Transfers of an earlier start are not mistaken for ours. */
	s->last_transfer = clock_wall_ms() << 16;
	(void)snprintf(s->dir, sizeof(s->dir), "%s", config->dir);
	for (i = 0; i < SYNC_WINDOW; i++)
		buf_init(&s->fetch.chunks[i], SYNC_CHUNK_BYTES);
	if (loop_timer_new(&s->timer, config->loop, sync_on_timer, s) !=
	    AG_OK) {
		free(s);
		return NULL;
	}
	loop_timer_set(s->timer, SYNC_TICK_MS);
	return s;
}

void
sync_free(struct sync *s)
{
	if (s == NULL)
		return;
	loop_timer_close(s->timer);
	s->fetch.is_active = false;
	s->is_freed = true;
	sync_release(s);
}

void
sync_fetch(struct sync *s, uint64_t seq, uint32_t members)
{
	struct fetching *f = &s->fetch;

	if (f->is_active) {
		/* A newer target only matters to the next server asked. */
		f->members |= members;
		if (seq > f->target)
			f->target = seq;
		return;
	}
	f->is_active = true;
	f->target = seq;
	f->members = members;
	f->excluded = 0;
	sync_next_server(s);
}

void
sync_cancel(struct sync *s)
{
	struct fetching *f = &s->fetch;

	if (!f->is_active)
		return;
	f->is_active = false;
	if (f->is_feeding)
		f->is_stale = true;
	else
		fetch_discard(s);
}

bool
sync_is_fetching(const struct sync *s)
{
	return s->fetch.is_active;
}

void
sync_frame(struct sync *s, uint32_t member, struct bytes body)
{
	uint64_t type = message_type_of(body);
	struct decoder d;

	decoder_init(&d, body);
	(void)decoder_get_array_max(&d, 8);
	(void)decoder_get_uint(&d);
	if (type == MESSAGE_SYNC_REQUEST)
		sync_on_request(s, member, &d);
	else if (type == MESSAGE_SYNC_RESPONSE)
		sync_on_response(s, member, &d);
	else if (type == MESSAGE_DATA_CHUNK)
		sync_on_chunk(s, member, &d);
	else if (type == MESSAGE_DATA_ACK)
		sync_on_ack(s, member, &d);
}
