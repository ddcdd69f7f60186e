/*
 * State transfer, both ends at once, among members that say anything.
 *
 * FORMAT   Bytes, read as actions one after another; what is missing is 0:
 *          frame     member, length (2), that many bytes as they are
 *          work      a job of the pool is done
 *          pass      seconds
 *          fetch     seq, members
 *          cancel
 *          restart
 *          answer    which state is held fast for who waits the longest
 *          links     they take nothing, or again what comes
 *          request   member, transfer, which state's digest
 *          done      member, transfer
 *          ask       member, transfer, part, kind, number, path (2)
 *          ack       member, transfer, part, piece
 *          offer     member, which state, for what it was asked last
 *          refuse    member, code, the same
 *          part      member, which state, which bytes are changed: for the
 *                    part it was asked for last
 *
 * Oracle: what is offered to the node is a state that enough signed, of this
 * cluster; no more parts are asked of a member at once, and no more pieces
 * sent to one without an answer, than there may be; a part that is sent is
 * as it should be; and nothing is left when all is closed.
 */
#include <limits.h>
#include <stdlib.h>

#include "base/log.h"
#include "fixture/transfer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define ACTIONS_MAX 128

enum action {
	ACTION_FRAME,
	ACTION_WORK,
	ACTION_PASS,
	ACTION_FETCH,
	ACTION_CANCEL,
	ACTION_RESTART,
	ACTION_ANSWER,
	ACTION_LINKS,
	ACTION_REQUEST,
	ACTION_DONE,
	ACTION_ASK,
	ACTION_ACK,
	ACTION_OFFER,
	ACTION_REFUSE,
	ACTION_PART,
	ACTION_COUNT,
};

enum state_kind {
	STATE_LARGE,
	STATE_SMALL,
	STATE_ALONE, /* one signature, which is not enough */
	STATE_FOREIGN,
	STATE_COUNT,
};

/* What one member was sent, and asked. */
struct seen {
	uint64_t transfer;
	const struct transfer_state *held; /* for it */
	unsigned in_flight;
	uint64_t asked_for, asked; /* parts, of which transfer */
};

struct bench {
	struct transfer t;
	struct seen seen[MEMBERS];
	const struct transfer_state *answering;
	size_t ready_count;
};

static struct transfer_state states[STATE_COUNT];

static void
ignore_line(void *arg, const struct log_line *line)
{
	(void)arg;
	(void)line;
}

static void
close_states(void)
{
	size_t i;

	for (i = 0; i < STATE_COUNT; i++)
		transfer_state_close(&states[i]);
}

static void
make_states(struct transfer *t)
{
	if (states[STATE_LARGE].store != NULL)
		return;
	log_sink_set(ignore_line, NULL);
	transfer_state_open(t, &states[STATE_LARGE], 40, 100000, 0x6);
	transfer_state_open(t, &states[STATE_SMALL], 3, 10, 0x9);
	transfer_state_open(t, &states[STATE_ALONE], 4, 10, 0x2);
	t->members.roster.cluster_id[0] ^= 1;
	transfer_state_open(t, &states[STATE_FOREIGN], 5, 10, 0xf);
	t->members.roster.cluster_id[0] ^= 1;
	(void)atexit(close_states);
}

/* --- what is said is judged --- */

static void
judge_request(struct seen *seen, const struct transfer_sent *sent)
{
	if (sent->what != SYNC_PART)
		return;
	AG_ASSERT(sent->transfer >= seen->asked_for);
	seen->asked_for = sent->transfer;
	seen->asked = sent->number;
}

static void
judge_piece(struct bench *b, struct seen *seen,
    const struct transfer_sent *sent, struct bytes piece)
{
	AG_ASSERT(seen->held != NULL);
	AG_ASSERT(sent->transfer == seen->transfer);
	AG_ASSERT(piece.len <= SYNC_PIECE_BYTES);
	AG_ASSERT(sent->is_last || piece.len == SYNC_PIECE_BYTES);
	if (!b->t.is_full)
		AG_ASSERT(++seen->in_flight <= SYNC_WINDOW);
}

static void
on_sent(void *arg, const struct transfer_sent *sent, struct bytes piece)
{
	struct bench *b = arg;
	struct seen *seen = &b->seen[sent->member];

	if (sent->type == MESSAGE_SYNC_REQUEST)
		judge_request(seen, sent);
	if (sent->type == MESSAGE_DATA_CHUNK)
		judge_piece(b, seen, sent, piece);
	if (sent->type == MESSAGE_SYNC_RESPONSE && sent->what == SYNC_OFFERED) {
		if (b->answering != NULL)
			seen->held = b->answering;
		AG_ASSERT(seen->held != NULL);
		AG_ASSERT(sent->number == seen->held->offer.seq);
		seen->transfer = sent->transfer;
		seen->in_flight = 0;
	}
}

static void
judge_ready(struct bench *b)
{
	const struct digest *digest = &b->t.ready_digest;

	if (b->t.ready_count == b->ready_count)
		return;
	AG_ASSERT(b->t.ready_count == b->ready_count + 1);
	b->ready_count++;
	AG_ASSERT(digest_equal(digest,
		      &states[STATE_LARGE].offer.certificate.digest) ||
	    digest_equal(digest,
		&states[STATE_SMALL].offer.certificate.digest));
	AG_ASSERT(!sync_is_fetching(b->t.sync));
}

/* --- what happens --- */

static uint8_t
take_byte(struct bytes *input)
{
	uint8_t byte = 0;

	if (input->len > 0) {
		byte = input->data[0];
		*input = bytes_of(input->data + 1, input->len - 1);
	}
	return byte;
}

static uint32_t
take_member(struct bytes *input)
{
	return 1 + take_byte(input) % (MEMBERS - 1U);
}

static struct transfer_state *
take_state(struct bytes *input)
{
	return &states[take_byte(input) % STATE_COUNT];
}

static void
act_frame(struct bench *b, struct bytes *input)
{
	uint32_t member = take_member(input);
	size_t len = take_byte(input);

	len |= (size_t)take_byte(input) << 8;
	if (len > input->len)
		len = input->len;
	/* What looks like an answer would have to be counted as one. */
	if (message_type_of(bytes_of(input->data, len)) != MESSAGE_DATA_ACK)
		sync_frame(b->t.sync, member, bytes_of(input->data, len));
	*input = bytes_of(input->data + len, input->len - len);
}

static void
act_answer(struct bench *b, struct bytes *input)
{
	uint8_t which = take_byte(input) % (STATE_COUNT + 1);

	if (transfer_waiting(&b->t) == 0)
		return;
	b->answering = which < STATE_COUNT ? &states[which] : NULL;
	transfer_answer(&b->t, which < STATE_COUNT ? &states[which] : NULL);
	b->answering = NULL;
}

static void
act_request(struct bench *b, struct bytes *input)
{
	uint32_t member = take_member(input);
	uint64_t transfer = take_byte(input);
	uint8_t which = take_byte(input) % (STATE_COUNT + 1);

	transfer_request(&b->t, member, transfer,
	    which < STATE_COUNT ? &states[which].offer.certificate.digest
				: NULL);
}

static void
act_ask(struct bench *b, struct bytes *input)
{
	uint32_t member = take_member(input);
	uint64_t transfer = take_byte(input), part = take_byte(input);
	struct part_name name = { .kind = PART_NODE };

	name.kind = (enum part_kind)(take_byte(input) % 4);
	name.number = take_byte(input);
	name.path[0] = take_byte(input);
	name.path[1] = take_byte(input);
	transfer_ask(&b->t, member, transfer, part, &name);
}

static void
act_ack(struct bench *b, struct bytes *input)
{
	uint32_t member = take_member(input);
	uint64_t transfer = take_byte(input), part = take_byte(input);
	struct seen *seen = &b->seen[member];

	if (transfer == seen->transfer && seen->in_flight > 0)
		seen->in_flight--;
	transfer_ack(&b->t, member, transfer, part, take_byte(input));
}

/* The last of what member was asked that is this; NULL: nothing. */
static struct transfer_sent *
last_asked(struct bench *b, uint32_t member, enum sync_what what)
{
	return transfer_find(&b->t, member, MESSAGE_SYNC_REQUEST, what);
}

static void
act_part(struct bench *b, struct bytes *input)
{
	uint32_t member = take_member(input);
	struct transfer_state *state = take_state(input);
	uint8_t change = take_byte(input);
	struct transfer_sent *asked = last_asked(b, member, SYNC_PART);
	struct buf *contents = &state->contents;

	if (asked == NULL ||
	    part_maker_make(state->maker, &asked->name, contents, NULL) !=
		AG_OK)
		return;
	if (change != 0)
		contents->data[change * contents->len / 256] ^= change;
	transfer_part(&b->t, member, asked->transfer, asked->number,
	    buf_bytes(contents));
}

static void
act_fetch(struct bench *b, struct bytes *input)
{
	uint64_t seq = take_byte(input);

	sync_fetch(b->t.sync, seq, take_byte(input) & 0xfU);
}

static void
act_restart(struct bench *b)
{
	size_t i;

	transfer_restart(&b->t);
	for (i = 0; i < MEMBERS; i++)
		b->seen[i] = (struct seen){ .transfer = 0 };
}

static void
act_response(struct bench *b, enum action action, struct bytes *input)
{
	uint32_t member = take_member(input);
	struct transfer_sent *asked = last_asked(b, member, SYNC_OPEN);

	if (asked == NULL)
		return;
	if (action == ACTION_OFFER)
		transfer_offer(&b->t, member, asked->transfer,
		    &take_state(input)->offer);
	else
		transfer_refuse(&b->t, member, asked->transfer,
		    take_byte(input) % 4);
}

static void
act(struct bench *b, struct bytes *input)
{
	enum action action = take_byte(input) % ACTION_COUNT;
	uint32_t member;

	switch (action) {
	case ACTION_FRAME:
		act_frame(b, input);
		break;
	case ACTION_PASS:
		virtual_loop_pass(b->t.loop, 1000U * (take_byte(input) % 16U));
		break;
	case ACTION_FETCH:
		act_fetch(b, input);
		break;
	case ACTION_CANCEL:
		sync_cancel(b->t.sync);
		break;
	case ACTION_RESTART:
		act_restart(b);
		break;
	case ACTION_ANSWER:
		act_answer(b, input);
		break;
	case ACTION_LINKS:
		b->t.is_full = !b->t.is_full;
		break;
	case ACTION_REQUEST:
		act_request(b, input);
		break;
	case ACTION_DONE:
		member = take_member(input);
		transfer_done(&b->t, member, take_byte(input));
		break;
	case ACTION_ASK:
		act_ask(b, input);
		break;
	case ACTION_ACK:
		act_ack(b, input);
		break;
	case ACTION_OFFER:
	case ACTION_REFUSE:
		act_response(b, action, input);
		break;
	case ACTION_PART:
		act_part(b, input);
		break;
	case ACTION_WORK:
	case ACTION_COUNT:
	default:
		(void)virtual_loop_work(b->t.loop);
		break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct bench bench;
	struct bytes input = bytes_of(data, len);
	struct bench *b = &bench;
	size_t i;

	memset(b, 0, sizeof(*b));
	transfer_open(&b->t);
	make_states(&b->t);
	b->t.arg = b;
	b->t.on_sent = on_sent;
	for (i = 0; i < ACTIONS_MAX && input.len > 0; i++) {
		act(b, &input);
		judge_ready(b);
		AG_ASSERT(transfer_waiting(&b->t) < MEMBERS);
		AG_ASSERT(transfer_holding(&b->t) < MEMBERS);
	}
	transfer_close(&b->t);
	AG_ASSERT(b->t.ready_count == b->ready_count);
	return 0;
}
