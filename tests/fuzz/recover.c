/*
 * An engine that starts from a log somebody else wrote.
 *
 * INPUT    u8: which member we are, and whether the state is known; u8: what
 *          the state machine has applied; then records, one after another:
 *          u16 length (little) | record
 *
 * Signatures hold unless their first byte is 0.
 *
 * Oracle: no assertion falls; after a fatal effect nothing else comes; and
 * what the start sends has a number of the table.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codec/message.h"
#include "consensus/engine.h"
#include "fuzz/authority.h"
#include "trust/certificate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define MEMBERS AUTHORITY_MEMBERS

static struct effects effects;

static struct engine *
make_engine(uint32_t self)
{
	static void *memory;
	static size_t memory_len;
	const struct engine_config config = {
		.member_count = MEMBERS,
		.self = self,
		.checkpoint_interval = 4,
		.window = 8,
		.pipeline_max = 4,
		.batch_bytes_max = 2048,
		.batch_requests_max = 8,
		.pending_bytes_max = 8192,
		.view_timeout_us = 100000,
		.progress_interval_us = 50000,
		.clock_skew_max_ms = 60000,
		.authority = &anybody,
	};
	struct engine *engine;

	if (memory == NULL) {
		memory_len = (strategy_pbft.size(&config) + 63) & ~(size_t)63;
		memory = aligned_alloc(64, memory_len);
		AG_ASSERT(memory != NULL);
	}
	memset(memory, 0, memory_len);
	engine = strategy_pbft.init(memory, memory_len, &config);
	AG_ASSERT(engine != NULL);
	return engine;
}

/* False after a fatal effect. */
static bool
step(struct engine *engine, const struct event *event)
{
	size_t i;

	strategy_pbft.step(engine, event, &effects);
	for (i = 0; i < effects.count; i++) {
		const struct effect *effect = &effects.list[i];

		if (effect->kind == EFFECT_FATAL) {
			AG_ASSERT(effect->text != NULL);
			return false;
		}
		if (effect->kind == EFFECT_SEND)
			AG_ASSERT(message_name(message_type_of(effect->body)) !=
			    NULL);
	}
	return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct event event = { .kind = EVENT_REPLAY, .now_us = 1000000 };
	struct engine *engine;
	uint64_t applied;
	bool goes_on = true;

	if (len < 2)
		return 0;
	engine = make_engine(data[0] % MEMBERS);
	event.has_digest = (data[0] & 0x80) != 0;
	applied = data[1];
	data += 2;
	len -= 2;
	while (goes_on && len >= 2) {
		size_t size = (size_t)data[0] | (size_t)data[1] << 8;

		data += 2;
		len -= 2;
		if (size > len)
			size = len;
		event.body = bytes_of(data, size);
		goes_on = step(engine, &event);
		data += size;
		len -= size;
	}
	event.kind = EVENT_START;
	event.seq = applied;
	event.body = bytes_of(NULL, 0);
	if (goes_on)
		goes_on = step(engine, &event);
	event.kind = EVENT_TICK;
	event.now_us += 5000000;
	if (goes_on)
		(void)step(engine, &event);
	return 0;
}
