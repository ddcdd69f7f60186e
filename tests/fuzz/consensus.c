/*
 * Agreement's messages from hostile members, every kind of them.
 *
 * INPUT    u8: which member we are; then, one after another,
 *          u8 action | and for a message u8 sender, u16 length (little), body
 *
 * A signature holds unless its first byte is 0, so that mutations get past
 * the first check: far more than f members lie here.  What agreement promises
 * is therefore off; what an engine promises its driver is not.
 *
 * Oracle: no assertion falls, tokens and deliveries rise by one, what is sent
 * has a number of the table, and what was written down is read again by an
 * engine that starts from it.
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
#define RECORDS_MAX 4096
#define RECORD_BYTES_MAX (4U << 20)
#define START_US 1000000

enum action {
	ACTION_MESSAGE,
	ACTION_TICK,
	ACTION_SYNC,
	ACTION_APPLY,
	ACTION_FLUSH,
	ACTION_SUBMIT,
	ACTION_WANT,
	ACTION_COUNT,
};

struct record_at {
	size_t at, len;
};

/* An engine, its disk and its state machine. */
struct bench {
	struct engine *engine;
	struct effects effects;
	struct event event;
	uint64_t token, durable;
	uint64_t delivered, applied;
	bool is_checkpoint, has_failed;
	struct record_at records[RECORDS_MAX];
	size_t record_count, record_bytes;
	uint8_t disk[RECORD_BYTES_MAX];
};

static struct bench bench;
static void *memory;
static size_t memory_len;

static void
make_engine(struct bench *b, uint32_t self)
{
	struct engine_config config = {
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

	if (memory == NULL) {
		memory_len = (strategy_pbft.size(&config) + 63) & ~(size_t)63;
		memory = aligned_alloc(64, memory_len);
		AG_ASSERT(memory != NULL);
	}
	memset(memory, 0, memory_len);
	b->engine = strategy_pbft.init(memory, memory_len, &config);
	AG_ASSERT(b->engine != NULL);
	b->token = b->durable = 0;
}

static void
persist(struct bench *b, const struct effect *effect)
{
	struct record_at *at = &b->records[b->record_count];

	AG_ASSERT(effect->token == b->token + 1);
	b->token = effect->token;
	if (b->record_count == RECORDS_MAX ||
	    b->record_bytes + effect->body.len > RECORD_BYTES_MAX) {
		b->has_failed = true;
		return;
	}
	*at = (struct record_at){ b->record_bytes, effect->body.len };
	memcpy(b->disk + at->at, effect->body.data, at->len);
	b->record_bytes += at->len;
	b->record_count++;
}

static void
carry_out(struct bench *b, const struct effect *effect)
{
	switch (effect->kind) {
	case EFFECT_PERSIST:
		persist(b, effect);
		break;
	case EFFECT_SEND:
		AG_ASSERT(message_name(message_type_of(effect->body)) != NULL);
		AG_ASSERT(effect->after <= b->token);
		break;
	case EFFECT_DELIVER:
		AG_ASSERT(effect->seq == b->delivered + 1);
		b->delivered = effect->seq;
		b->is_checkpoint = effect->is_checkpoint;
		break;
	case EFFECT_FATAL:
		AG_ASSERT(effect->text[0] != '\0');
		b->has_failed = true;
		break;
	case EFFECT_FETCH_STATE:
	case EFFECT_HISTORY:
	case EFFECT_STABLE:
	case EFFECT_VOUCHED:
	case EFFECT_VIEW:
	case EFFECT_EVIDENCE:
	case EFFECT_REFUSED:
	case EFFECT_HORIZON:
	case EFFECT_REJOINING:
	case EFFECT_READ:
	default:
		break;
	}
}

static void
step(struct bench *b, enum event_kind kind)
{
	struct engine_status status;
	size_t i;

	if (b->has_failed)
		return;
	b->event.kind = kind;
	strategy_pbft.step(b->engine, &b->event, &b->effects);
	for (i = 0; i < b->effects.count; i++)
		carry_out(b, &b->effects.list[i]);
	strategy_pbft.status(b->engine, &status);
	AG_ASSERT(status.delivered >= b->delivered);
}

/* What was delivered is executed; every state has the digest 0. */
static void
apply(struct bench *b)
{
	if (b->applied == b->delivered)
		return;
	b->applied = b->delivered;
	b->event.seq = b->applied;
	b->event.has_digest = b->is_checkpoint;
	memset(&b->event.digest, 0, sizeof(b->event.digest));
	step(b, EVENT_APPLIED);
}

static void
take_message(struct bench *b, struct bytes *input, enum event_kind kind)
{
	size_t len;

	if (input->len < 3)
		return;
	b->event.member = input->data[0] % MEMBERS;
	len = input->data[1] | (size_t)input->data[2] << 8;
	*input = bytes_of(input->data + 3, input->len - 3);
	if (len > input->len)
		len = input->len;
	b->event.body = bytes_of(input->data, len);
	*input = bytes_of(input->data + len, input->len - len);
	step(b, kind);
}

static void
act(struct bench *b, struct bytes *input)
{
	enum action action = (enum action)(input->data[0] % ACTION_COUNT);

	*input = bytes_of(input->data + 1, input->len - 1);
	switch (action) {
	case ACTION_MESSAGE:
		take_message(b, input, EVENT_MESSAGE);
		break;
	case ACTION_SUBMIT:
		take_message(b, input, EVENT_SUBMIT);
		break;
	case ACTION_TICK:
		b->event.now_us += 60000;
		step(b, EVENT_TICK);
		break;
	case ACTION_SYNC:
		b->durable = b->token;
		b->event.token = b->durable;
		step(b, EVENT_PERSISTED);
		break;
	case ACTION_APPLY:
		apply(b);
		break;
	case ACTION_WANT:
		step(b, EVENT_CHECKPOINT_WANTED);
		break;
	case ACTION_FLUSH:
	case ACTION_COUNT:
	default:
		step(b, EVENT_FLUSH);
		break;
	}
}

static void
start(struct bench *b)
{
	b->event.seq = b->applied;
	b->event.has_digest = true;
	memset(&b->event.digest, 0, sizeof(b->event.digest));
	b->delivered = b->applied;
	step(b, EVENT_START);
}

/* A crash, after which everything that was written is there. */
static void
restart(struct bench *b, uint32_t self)
{
	size_t i, count = b->record_count;

	make_engine(b, self);
	b->delivered = 0;
	for (i = 0; i < count && !b->has_failed; i++) {
		b->event.body =
		    bytes_of(b->disk + b->records[i].at, b->records[i].len);
		step(b, EVENT_REPLAY);
	}
	AG_ASSERT(b->record_count == count);
	start(b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes input = bytes_of(data, len);
	struct bench *b = &bench;
	uint32_t self;

	if (len < 2)
		return 0;
	self = data[0] % MEMBERS;
	input = bytes_of(data + 1, len - 1);
	b->event = (struct event){
		.now_us = START_US,
		.wall_ms = 1700000000000,
	};
	b->delivered = b->applied = 0;
	b->has_failed = false;
	b->record_count = b->record_bytes = 0;
	make_engine(b, self);
	start(b);
	while (input.len > 0 && !b->has_failed)
		act(b, &input);
	if (!b->has_failed)
		restart(b, self);
	return 0;
}
