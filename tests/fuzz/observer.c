/*
 * Both ends of an observer: what members may send to its engine, and what it
 * may send to the member that feeds it.
 *
 * INPUT    pieces: u8 what, u8 who, u16 length (little), bytes; what is, mod
 *          6: 0 message to the observer, 1 its clients' request, 2 time,
 *          3 its state has come on, 4 message to the feed, 5 a decision there
 *
 * Batches come in order, each once; the feed sends in order too, and hands on
 * no request that nobody signed.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/log.h"
#include "codec/batch.h"
#include "codec/message.h"
#include "consensus/observer.h"
#include "fuzz/authority.h"
#include "node/feed.h"

#define MEMBERS AUTHORITY_MEMBERS
#define SELF 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct roster roster = { .member_count = MEMBERS, .observer_count = 1 };
static struct effects effects;
static struct engine *engine;
static uint64_t now_us, delivered, applied, decided;
static bool has_failed;

static bool
is_an_observers(struct bytes message)
{
	const uint64_t type = message_type_of(message);

	return type == MESSAGE_FOLLOW || type == MESSAGE_REQUEST;
}

static void
step(struct event event)
{
	size_t i;

	event.now_us = now_us;
	strategy_observer.step(engine, &event, &effects);
	for (i = 0; i < effects.count; i++) {
		const struct effect *effect = &effects.list[i];

		AG_ASSERT(effect->kind != EFFECT_PERSIST);
		if (effect->kind == EFFECT_SEND)
			AG_ASSERT(is_an_observers(effect->body));
		if (effect->kind == EFFECT_DELIVER)
			AG_ASSERT(effect->seq == ++delivered);
		if (effect->kind == EFFECT_FATAL)
			has_failed = true;
	}
	AG_ASSERT(delivered - applied <= 16);
}

static void
on_send(void *arg, uint32_t nodes, struct bytes message)
{
	(void)arg;
	AG_ASSERT(nodes == 1U << SELF);
	AG_ASSERT(message_name(message_type_of(message)) != NULL);
}

static void
on_history(void *arg, uint32_t node, uint64_t seq)
{
	(void)arg;
	AG_ASSERT(node == SELF);
	AG_ASSERT(seq > 0);
}

static void
on_submit(void *arg, struct bytes envelope)
{
	struct envelope decoded;

	(void)arg;
	AG_ASSERT(envelope_decode(&decoded, envelope, NULL) == AG_OK);
	AG_ASSERT(decoded.signature[0] != 0);
}

static size_t
on_waiting(void *arg)
{
	(void)arg;
	return 0;
}

static void
on_want(void *arg)
{
	(void)arg;
}

static void
ignore_line(void *arg, const struct log_line *line)
{
	(void)arg;
	(void)line;
}

static struct engine *
make_engine(struct trust_scope *scope)
{
	static void *memory;
	struct engine_config config = {
		.scope = *scope,
		.member_count = MEMBERS,
		.self = SELF,
		.checkpoint_interval = 4,
		.window = 16,
		.batch_bytes_max = 2048,
		.pending_bytes_max = 8192,
		.view_timeout_us = 100000,
		.progress_interval_us = 50000,
		.authority = &anybody,
	};
	const size_t len = (strategy_observer.size(&config) + 63) & ~(size_t)63;

	if (memory == NULL)
		memory = aligned_alloc(64, len);
	AG_ASSERT(memory != NULL);
	return strategy_observer.init(memory, len, &config);
}

static void
take(struct feed *feed, unsigned what, uint8_t who, struct bytes bytes)
{
	struct event event = { .kind = EVENT_TICK,
		.member = who,
		.body = bytes };

	if (what == 0)
		event.kind = EVENT_MESSAGE;
	else if (what == 1)
		event.kind = EVENT_SUBMIT;
	else if (what == 2)
		now_us += (uint64_t)who * 1000;
	if (what == 3) {
		applied += who % 2 != 0 && applied < delivered ? 1 : 0;
		event = (struct event){ .kind = EVENT_APPLIED,
			.seq = applied,
			.has_digest = who % 3 == 0,
			.digest = { { bytes.len > 0 ? bytes.data[0] : 0 } } };
	}
	if (what == 4)
		feed_message(feed, SELF, bytes, now_us);
	else if (what == 5)
		feed_decided(feed, decided += 1 + who % 2,
		    bytes_from_text("\x01"), bytes);
	else if (!has_failed)
		step(event);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct trust_scope scope = { .faults = FAULTS_BYZANTINE };
	struct feed *feed;
	size_t at = 0;

	if (sodium_init() < 0)
		abort();
	log_sink_set(ignore_line, NULL);
	now_us = 1000000;
	delivered = applied = decided = 0;
	has_failed = false;
	engine = make_engine(&scope);
	feed = feed_new(&(struct feed_config){ .roster = &roster,
	    .scope = &scope,
	    .authority = &anybody,
	    .send = on_send,
	    .history = on_history,
	    .submit = on_submit,
	    .waiting = on_waiting,
	    .want_checkpoint = on_want });
	AG_ASSERT(engine != NULL);
	AG_ASSERT(feed != NULL);
	step((struct event){ .kind = EVENT_START });
	while (at + 4 <= size) {
		size_t len = data[at + 2] | (size_t)data[at + 3] << 8;

		if (len > size - at - 4)
			len = size - at - 4;
		take(feed, data[at] % 6, data[at + 1],
		    bytes_of(data + at + 4, len));
		at += 4 + len;
	}
	feed_free(feed);
	return 0;
}
