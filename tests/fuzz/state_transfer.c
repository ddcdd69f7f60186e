/*
 * State transfer, both ends at once, among members that say anything.
 *
 * INPUT    one after another: u8 action | what it needs, a byte each
 *          frame     member, u16 length (little) | body
 *          chunk     member, transfer, index, stream, flags
 *          work      a job of the pool is done
 *          pass      seconds
 *          fetch     seq, members
 *          cancel
 *          answer    stream, KiB until it can be read no further
 *          links     they take nothing, or again what comes
 *          request   member, transfer, seq
 *          response  member, transfer, code
 *          ack       member, transfer, index
 *
 * Streams are bytes without a meaning, each with what a reader would make of
 * it: the format of snapshots has a target of its own.  Certificates are
 * real.
 *
 * Oracle: what is offered to the node is a stream that came whole, is signed
 * by enough, of this cluster and new enough; one reader at a time; chunks go
 * out in order, of the right bytes, four at most without an answer; chunks
 * are answered in order; and nothing is left when all is closed.
 */
#include <limits.h>
#include <stdlib.h>

#include "base/log.h"
#include "fixture/transfer.h"
#include "store/snapshot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define ACTIONS_MAX 256
#define SEQ 24

enum action {
	ACTION_FRAME,
	ACTION_CHUNK,
	ACTION_WORK,
	ACTION_PASS,
	ACTION_FETCH,
	ACTION_CANCEL,
	ACTION_ANSWER,
	ACTION_LINKS,
	ACTION_REQUEST,
	ACTION_RESPONSE,
	ACTION_ACK,
	ACTION_COUNT,
};

enum flag {
	FLAG_FLIPPED = 1,
	FLAG_SHORT = 2,
	FLAG_NOT_LAST = 4,
	FLAG_LAST = 8,
};

enum stream_kind {
	STREAM_LARGE,
	STREAM_SMALL,
	STREAM_ALONE, /* one signature, which is not enough */
	STREAM_OLD,
	STREAM_FOREIGN,
	STREAM_COUNT,
};

struct stream {
	struct buf bytes;
	struct snapshot_info info;
};

/* What one member was sent last. */
struct served {
	uint64_t transfer, next, acked;
	const struct stream *stream;
	bool is_ended;
};

struct bench {
	struct transfer t;
	struct served served[MEMBERS];
	const struct stream *answer; /* being handed out */
	uint64_t transfer, next_ack; /* of the fetch */
	uint64_t least;
	size_t ready_count;
};

static struct stream streams[STREAM_COUNT];
static size_t readers;

/* --- streams, and who reads them --- */

struct snapshot_reader {
	size_t len;
	uint32_t candidates; /* streams that begin with what came */
};

enum ag_status
snapshot_reader_new(struct snapshot_reader **out, const char *dir,
    struct ag_error *err)
{
	*out = malloc(sizeof(**out));
	if (*out == NULL)
		return ag_fail(err, AG_ENOMEM, "snapshot: out of memory");
	AG_ASSERT(dir != NULL);
	AG_ASSERT(readers == 0);
	readers++;
	**out = (struct snapshot_reader){ 0, (1U << STREAM_COUNT) - 1 };
	return AG_OK;
}

enum ag_status
snapshot_reader_feed(struct snapshot_reader *r, struct bytes piece,
    struct ag_error *err)
{
	size_t i;

	for (i = 0; i < STREAM_COUNT; i++) {
		struct bytes whole = buf_bytes(&streams[i].bytes);

		if (r->len + piece.len > whole.len ||
		    (piece.len > 0 &&
			memcmp(whole.data + r->len, piece.data, piece.len) !=
			    0))
			r->candidates &= ~(1U << i);
	}
	r->len += piece.len;
	return r->candidates != 0
	    ? AG_OK
	    : ag_fail(err, AG_ECORRUPT, "snapshot: damaged");
}

enum ag_status
snapshot_reader_finish(struct snapshot_reader *r, struct snapshot_info *info,
    struct ag_error *err)
{
	size_t i;

	for (i = 0; i < STREAM_COUNT; i++) {
		if ((r->candidates >> i & 1) == 0 ||
		    r->len != streams[i].bytes.len)
			continue;
		*info = streams[i].info;
		return AG_OK;
	}
	return ag_fail(err, AG_ECORRUPT, "snapshot: it is cut short");
}

void
snapshot_reader_free(struct snapshot_reader *r)
{
	if (r == NULL)
		return;
	readers--;
	free(r);
}

static void
make_stream(struct members *members, enum stream_kind kind, size_t len,
    uint64_t seq, uint32_t signers)
{
	struct stream *stream = &streams[kind];
	struct snapshot_info *info = &stream->info;
	size_t i;

	buf_init(&stream->bytes, TRANSFER_STREAM_BYTES_MAX);
	AG_ASSERT(buf_reserve(&stream->bytes, len) == AG_OK);
	for (i = 0; i < len; i++)
		stream->bytes.data[i] =
		    (uint8_t)((i / 7 * 31) ^ (i >> 11) ^ kind);
	stream->bytes.len = len;
	roster_scope(&members->roster, &info->scope);
	info->seq = seq;
	info->has_certificate = true;
	memset(info->digest.data, (int)kind + 1, DIGEST_BYTES);
	members_certify(members, signers, seq, &info->digest,
	    &info->certificate);
}

static void
ignore_line(void *arg, const struct log_line *line)
{
	(void)arg;
	(void)line;
}

static void
make_streams(struct members *members)
{
	if (streams[STREAM_LARGE].bytes.data != NULL)
		return;
	log_sink_set(ignore_line, NULL);
	make_stream(members, STREAM_LARGE, 5 * TRANSFER_CHUNK_BYTES, SEQ, 0x6);
	make_stream(members, STREAM_SMALL, 100, SEQ, 0x9);
	make_stream(members, STREAM_ALONE, 100, SEQ, 0x2);
	make_stream(members, STREAM_OLD, 100, SEQ / 2, 0xf);
	make_stream(members, STREAM_FOREIGN, 100, SEQ, 0xf);
	streams[STREAM_FOREIGN].info.scope.cluster_id[0] ^= 1;
}

/* --- what is said is judged --- */

static void
judge_chunk(struct served *served, const struct transfer_sent *sent,
    struct bytes piece)
{
	struct bytes right;
	bool is_last;

	AG_ASSERT(served->stream != NULL);
	AG_ASSERT(sent->transfer == served->transfer);
	AG_ASSERT(sent->number == served->next);
	AG_ASSERT(sent->number < served->acked + TRANSFER_WINDOW);
	AG_ASSERT(!served->is_ended);
	right = transfer_piece(buf_bytes(&served->stream->bytes), sent->number,
	    &is_last);
	AG_ASSERT(bytes_compare(piece, right) == 0);
	AG_ASSERT(sent->is_last == is_last);
	served->is_ended = is_last;
	served->next++;
}

static void
on_sent(void *arg, const struct transfer_sent *sent, struct bytes piece)
{
	struct bench *b = arg;
	struct served *served = &b->served[sent->member];

	switch (sent->type) {
	case MESSAGE_SYNC_REQUEST:
		AG_ASSERT(sent->transfer > b->transfer);
		b->transfer = sent->transfer;
		b->least = sent->number;
		b->next_ack = 0;
		break;
	case MESSAGE_SYNC_RESPONSE:
		AG_ASSERT(sent->number <= 1);
		if (sent->number == 1)
			break;
		AG_ASSERT(b->answer != NULL);
		AG_ASSERT(sent->seq == b->answer->info.seq);
		*served = (struct served){ .transfer = sent->transfer,
			.stream = b->answer };
		break;
	case MESSAGE_DATA_ACK:
		AG_ASSERT(sent->transfer == b->transfer);
		AG_ASSERT(sent->number == b->next_ack);
		b->next_ack++;
		break;
	default:
		AG_ASSERT(sent->type == MESSAGE_DATA_CHUNK);
		judge_chunk(served, sent, piece);
		break;
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
	AG_ASSERT(b->t.ready_seq >= b->least);
	AG_ASSERT(digest_equal(digest, &streams[STREAM_LARGE].info.digest) ||
	    digest_equal(digest, &streams[STREAM_SMALL].info.digest) ||
	    digest_equal(digest, &streams[STREAM_OLD].info.digest));
	AG_ASSERT(!sync_is_fetching(b->t.sync));
	AG_ASSERT(readers == 0);
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

static void
act_frame(struct bench *b, struct bytes *input)
{
	uint32_t member = take_member(input);
	size_t len = take_byte(input);

	len |= (size_t)take_byte(input) << 8;
	if (len > input->len)
		len = input->len;
	sync_frame(b->t.sync, member, bytes_of(input->data, len));
	*input = bytes_of(input->data + len, input->len - len);
}

static void
act_chunk(struct bench *b, struct bytes *input)
{
	static uint8_t copy[TRANSFER_CHUNK_BYTES];
	uint32_t member = take_member(input);
	uint64_t transfer = take_byte(input), index = take_byte(input);
	enum stream_kind kind = take_byte(input) % STREAM_COUNT;
	uint8_t flags = take_byte(input);
	struct bytes piece;
	bool is_last;

	piece =
	    transfer_piece(buf_bytes(&streams[kind].bytes), index, &is_last);
	if (piece.len > 0)
		memcpy(copy, piece.data, piece.len);
	if ((flags & FLAG_FLIPPED) != 0)
		copy[piece.len / 2] ^= 1;
	if ((flags & FLAG_SHORT) != 0)
		piece.len /= 2;
	if ((flags & FLAG_LAST) != 0)
		is_last = true;
	if ((flags & FLAG_NOT_LAST) != 0)
		is_last = false;
	transfer_chunk(&b->t, member, transfer, index,
	    bytes_of(copy, piece.len), is_last);
}

static void
act_answer(struct bench *b, struct bytes *input)
{
	uint8_t which = take_byte(input) % (STREAM_COUNT + 1);
	size_t fails_at = (size_t)take_byte(input) << 13;
	struct bytes bytes;

	if (transfer_waiting(&b->t) == 0)
		return;
	if (which == STREAM_COUNT) {
		transfer_answer(&b->t, NULL, 0, 0);
		return;
	}
	b->answer = &streams[which];
	bytes = buf_bytes(&b->answer->bytes);
	transfer_answer(&b->t, &bytes, b->answer->info.seq,
	    fails_at == 0 ? SIZE_MAX : fails_at);
}

static void
act_ack(struct bench *b, struct bytes *input)
{
	uint32_t member = take_member(input);
	uint64_t transfer = take_byte(input), index = take_byte(input);
	struct served *served = &b->served[member];

	if (transfer == served->transfer && index >= served->acked &&
	    index < served->next)
		served->acked = index + 1;
	transfer_ack(&b->t, member, transfer, index);
}

static void
act(struct bench *b, struct bytes *input)
{
	enum action action = take_byte(input) % ACTION_COUNT;
	uint32_t member;
	uint64_t number;

	switch (action) {
	case ACTION_FRAME:
		act_frame(b, input);
		break;
	case ACTION_CHUNK:
		act_chunk(b, input);
		break;
	case ACTION_PASS:
		virtual_loop_pass(b->t.loop, 1000U * (take_byte(input) % 16U));
		break;
	case ACTION_FETCH:
		number = take_byte(input);
		sync_fetch(b->t.sync, number, take_byte(input) & 0xfU);
		break;
	case ACTION_CANCEL:
		sync_cancel(b->t.sync);
		break;
	case ACTION_ANSWER:
		act_answer(b, input);
		break;
	case ACTION_LINKS:
		b->t.is_full = !b->t.is_full;
		break;
	case ACTION_REQUEST:
		member = take_member(input);
		number = take_byte(input);
		transfer_request(&b->t, member, number, take_byte(input));
		break;
	case ACTION_RESPONSE:
		member = take_member(input);
		number = take_byte(input);
		transfer_response(&b->t, member, number, take_byte(input));
		break;
	case ACTION_ACK:
		act_ack(b, input);
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
	make_streams(&b->t.members);
	b->t.arg = b;
	b->t.on_sent = on_sent;
	for (i = 0; i < ACTIONS_MAX && input.len > 0; i++) {
		act(b, &input);
		judge_ready(b);
		AG_ASSERT(transfer_waiting(&b->t) < MEMBERS);
		AG_ASSERT(transfer_reading(&b->t) < MEMBERS);
	}
	transfer_close(&b->t);
	AG_ASSERT(b->t.ready_count == b->ready_count);
	AG_ASSERT(readers == 0);
	return 0;
}
