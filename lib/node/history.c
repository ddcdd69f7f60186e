/*
 * History, read from the log and sent as COMMITTED messages.
 *
 * A proposal's record stands before the record of its certificate, but
 * records of neighbouring sequences interleave, and a batch may be proposed
 * again in a later view.  So records are read in order, and what they hold is
 * kept by sequence until its turn comes.
 *
 * RULES    1. A member has one reader, which goes on where it stopped: what
 *             a member lacks is read once, not once for each question.
 *          2. At most HISTORY_AHEAD batches are sent beyond what the member
 *             says it has, HISTORY_BYTES at a time, and HISTORY_KEPT_BYTES
 *             are kept for it: what does not fit is fetched as a state.
 *          3. Nothing here is a promise of ours: certificate and batch prove
 *             themselves, so they need no token and wait for no sync.
 *          4. A reader that nobody asked for a while is closed.
 *
 * NOT HERE Who is to send and when (consensus/progress.c).
 */
#include "node/history.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "codec/decoder.h"
#include "codec/encoder.h"
#include "codec/message.h"
#include "consensus/record.h"
#include "event/loop.h"
#include "store/wal.h"
#include "trust/certificate.h"

#define HISTORY_AHEAD 64
#define HISTORY_BYTES ((size_t)1 << 20)
#define HISTORY_ENTRIES 1024
#define HISTORY_KEPT_BYTES ((size_t)32 << 20)
#define HISTORY_IDLE_US UINT64_C(10000000)
#define HISTORY_TICK_MS 5000

/* What is known of one sequence. */
struct entry {
	uint64_t seq; /* 0: free */
	struct digest digest;
	struct buf certificate; /* empty: not seen yet */
	struct digest batch_digests[2];
	struct buf batches[2]; /* the newest in front */
};

/* One member's reader. */
struct reader {
	struct history *owner;
	uint32_t member;
	uint64_t number; /* where to open; then in use by the pool: */
	struct wal_cursor *cursor;
	struct entry *entries;
	size_t kept_bytes;
	uint64_t next; /* the sequence to be sent next */
	uint64_t end;  /* none from here on */
	struct buf out;
	size_t lens[HISTORY_AHEAD];
	size_t count;
	bool is_at_end;
	struct certificate certificate; /* to decode into */
	struct ag_error err;
	enum ag_status status;

	/* The loop's. */
	uint64_t asked;  /* last */
	uint64_t wanted; /* end, for the next job */
	uint64_t asked_us;
	bool is_reading;
};

struct history {
	struct history_config config;
	struct loop_timer *timer;
	struct reader *readers[TRUST_MEMBERS_MAX];
	unsigned working;
	bool is_freed;
};

/* --- on the pool --- */

static void
entry_clear(struct reader *r, struct entry *e)
{
	r->kept_bytes -=
	    e->certificate.len + e->batches[0].len + e->batches[1].len;
	buf_fini(&e->certificate);
	buf_fini(&e->batches[0]);
	buf_fini(&e->batches[1]);
	e->seq = 0;
}

/* The entry of seq, begun if need be; NULL when its place is taken. */
static struct entry *
entry_open(struct reader *r, uint64_t seq)
{
	struct entry *e = &r->entries[seq % HISTORY_ENTRIES];

	if (seq < r->next || seq >= r->next + HISTORY_ENTRIES)
		return NULL;
	if (e->seq == seq)
		return e;
	if (e->seq != 0)
		entry_clear(r, e);
	e->seq = seq;
	buf_init(&e->certificate, CERTIFICATE_BYTES_MAX);
	buf_init(&e->batches[0], WAL_RECORD_BYTES_MAX);
	buf_init(&e->batches[1], WAL_RECORD_BYTES_MAX);
	return e;
}

static enum ag_status
entry_put(struct reader *r, struct buf *to, struct bytes from)
{
	r->kept_bytes -= to->len;
	buf_clear(to);
	if (r->kept_bytes + from.len > HISTORY_KEPT_BYTES)
		return ag_fail(&r->err, AG_ELIMIT,
		    "read history: too much between a proposal and its "
		    "certificate");
	if (buf_append(to, from.data, from.len) != AG_OK)
		return ag_fail(&r->err, AG_ENOMEM,
		    "read history: out of memory");
	r->kept_bytes += from.len;
	return AG_OK;
}

static enum ag_status
entry_put_batch(struct reader *r, struct entry *e, struct bytes batch)
{
	struct buf older = e->batches[1];

	e->batches[1] = e->batches[0];
	e->batches[0] = older;
	e->batch_digests[1] = e->batch_digests[0];
	digest_of(&e->batch_digests[0], batch);
	return entry_put(r, &e->batches[0], batch);
}

/* The certificate as it stands in its record: [3, certificate]. */
static struct bytes
certificate_in(struct bytes record)
{
	struct decoder d;

	decoder_init(&d, record);
	decoder_expect_array(&d, 2);
	(void)decoder_get_uint(&d);
	return decoder_get_raw(&d);
}

static enum ag_status
reader_keep(struct reader *r, struct bytes bytes)
{
	struct record record;
	struct entry *e;

	if (record_decode(&record, &r->certificate, bytes, &r->err) != AG_OK)
		return r->err.status;
	if (record.kind != RECORD_COMMITTED && record.batch.len == 0)
		return AG_OK;
	e = entry_open(r, record.seq);
	if (e == NULL)
		return AG_OK;
	if (record.kind != RECORD_COMMITTED)
		return entry_put_batch(r, e, record.batch);
	e->digest = record.digest;
	return entry_put(r, &e->certificate, certificate_in(bytes));
}

/* The batch that an entry's certificate speaks of; empty: not seen. */
static struct bytes
entry_batch(const struct entry *e)
{
	size_t i;

	for (i = 0; i < 2; i++)
		if (e->batches[i].len > 0 &&
		    digest_equal(&e->batch_digests[i], &e->digest))
			return buf_bytes(&e->batches[i]);
	return bytes_of(NULL, 0);
}

/* Append the next sequence's message, when all of it is there. */
static bool
reader_emit(struct reader *r)
{
	struct entry *e = &r->entries[r->next % HISTORY_ENTRIES];
	struct bytes batch, message;
	struct encoder out;
	size_t most;

	if (e->seq != r->next || e->certificate.len == 0)
		return false;
	batch = entry_batch(e);
	most = e->certificate.len + batch.len + 32;
	if (batch.len == 0 || buf_reserve(&r->out, most) != AG_OK)
		return false;
	encoder_init(&out, r->out.data + r->out.len, most);
	encoder_put_array(&out, 3);
	encoder_put_uint(&out, MESSAGE_COMMITTED);
	encoder_put_raw(&out, buf_bytes(&e->certificate));
	encoder_put_bytes(&out, batch);
	AG_ASSERT(encoder_finish(&out, &message) == AG_OK);
	r->out.len += message.len;
	r->lens[r->count++] = message.len;
	entry_clear(r, e);
	r->next++;
	return true;
}

static bool
reader_has_room(const struct reader *r)
{
	return r->next < r->end && r->count < HISTORY_AHEAD &&
	    r->out.len < HISTORY_BYTES;
}

static void
reader_read(void *arg)
{
	struct reader *r = arg;
	struct bytes record;
	uint64_t number;

	r->status = AG_OK;
	if (r->cursor == NULL)
		r->status =
		    wal_cursor_open_sealed(&r->cursor, r->owner->config.log_dir,
			r->number, r->owner->config.keyring, &r->err);
	while (r->status == AG_OK && reader_has_room(r)) {
		if (reader_emit(r))
			continue;
		r->status =
		    wal_cursor_next(r->cursor, &number, &record, &r->err);
		if (r->status == AG_OK)
			r->status = reader_keep(r, record);
	}
	r->is_at_end = r->status == AG_ENOENT;
}

/* --- on the loop --- */

static void
reader_close(struct reader *r)
{
	size_t i;

	wal_cursor_close(r->cursor);
	r->cursor = NULL;
	for (i = 0; r->entries != NULL && i < HISTORY_ENTRIES; i++)
		if (r->entries[i].seq != 0)
			entry_clear(r, &r->entries[i]);
	free(r->entries);
	r->entries = NULL;
	buf_fini(&r->out);
	r->asked = 0;
}

static void
history_release(struct history *h)
{
	size_t i;

	if (!h->is_freed || h->working > 0)
		return;
	for (i = 0; i < TRUST_MEMBERS_MAX; i++) {
		if (h->readers[i] != NULL)
			reader_close(h->readers[i]);
		free(h->readers[i]);
	}
	free(h);
}

static void reader_done(void *arg);

static void
reader_start(struct reader *r)
{
	r->end = r->wanted;
	r->count = 0;
	buf_clear(&r->out);
	if (loop_work(r->owner->config.loop, reader_read, reader_done, r) !=
	    AG_OK) {
		reader_close(r);
		return;
	}
	r->is_reading = true;
	r->owner->working++;
}

static void
reader_done(void *arg)
{
	struct reader *r = arg;
	struct history *h = r->owner;
	size_t i, at = 0;

	r->is_reading = false;
	h->working--;
	if (h->is_freed) {
		history_release(h);
		return;
	}
	for (i = 0; i < r->count; i++) {
		h->config.send(h->config.arg, r->member,
		    bytes_of(r->out.data + at, r->lens[i]));
		at += r->lens[i];
	}
	if (r->status != AG_OK && !r->is_at_end) {
		log_warn("node", "reading history failed",
		    LOG_TEXT("error", r->err.text));
		reader_close(r);
	} else if (r->is_at_end) {
		reader_close(r);
	} else if (r->next < r->wanted) {
		reader_start(r);
	}
}

/* Begin anew at seq; false when the log has it no more. */
static bool
reader_restart(struct reader *r, uint64_t seq)
{
	const struct history_config *config = &r->owner->config;

	reader_close(r);
	r->number = config->find(config->arg, seq);
	if (r->number == 0)
		return false;
	r->entries = calloc(HISTORY_ENTRIES, sizeof(*r->entries));
	if (r->entries == NULL)
		return false;
	buf_init(&r->out, HISTORY_BYTES + 2 * WAL_RECORD_BYTES_MAX);
	r->next = seq;
	return true;
}

void
history_send(struct history *h, uint32_t member, uint64_t seq)
{
	struct reader *r = h->readers[member];
	bool is_repeated;

	if (r == NULL) {
		r = calloc(1, sizeof(*r));
		if (r == NULL)
			return;
		r->owner = h;
		r->member = member;
		h->readers[member] = r;
	}
	is_repeated = seq == r->asked;
	r->asked_us = clock_mono_us();
	r->wanted = seq + HISTORY_AHEAD;
	if (r->is_reading)
		return;
	if ((r->entries == NULL || is_repeated || seq > r->next ||
		r->next > r->wanted) &&
	    !reader_restart(r, seq))
		return;
	r->asked = seq;
	if (r->next < r->wanted)
		reader_start(r);
	loop_timer_set(h->timer, HISTORY_TICK_MS);
}

static void
history_on_timer(void *arg)
{
	struct history *h = arg;
	uint64_t now = clock_mono_us();
	bool has_open = false;
	size_t i;

	for (i = 0; i < TRUST_MEMBERS_MAX; i++) {
		struct reader *r = h->readers[i];

		if (r == NULL || r->entries == NULL)
			continue;
		if (!r->is_reading && now - r->asked_us > HISTORY_IDLE_US)
			reader_close(r);
		else
			has_open = true;
	}
	if (has_open)
		loop_timer_set(h->timer, HISTORY_TICK_MS);
}

struct history *
history_new(const struct history_config *config)
{
	struct history *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return NULL;
	h->config = *config;
	if (loop_timer_new(&h->timer, config->loop, history_on_timer, h) !=
	    AG_OK) {
		free(h);
		return NULL;
	}
	return h;
}

void
history_free(struct history *h)
{
	if (h == NULL)
		return;
	loop_timer_close(h->timer);
	h->is_freed = true;
	history_release(h);
}
