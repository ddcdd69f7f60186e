/*
 * A stream of frames gives the same frames however it is cut, and what the
 * parser accepts is what frame_head() writes.
 */
#include <stdint.h>
#include <string.h>

#include "codec/frame.h"

#define FRAMES_MAX 64
#define ALL_CLASSES ((1U << FRAME_CLASS_COUNT) - 1)

struct parsed {
	size_t count;
	size_t lens[FRAMES_MAX];
	enum frame_class classes[FRAMES_MAX];
	enum ag_status status;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
take_frames(struct frame_parser *p, struct parsed *parsed, const uint8_t **at)
{
	uint8_t head[FRAME_HEAD_BYTES];
	struct frame frame;

	while ((parsed->status = frame_parser_next(p, &frame, NULL)) == AG_OK) {
		frame_head(head, frame.class, frame.body.len);
		AG_ASSERT(memcmp(*at, head, sizeof(head)) == 0);
		AG_ASSERT(memcmp(*at + sizeof(head), frame.body.data,
			      frame.body.len) == 0);
		*at += sizeof(head) + frame.body.len;
		if (parsed->count < FRAMES_MAX) {
			parsed->lens[parsed->count] = frame.body.len;
			parsed->classes[parsed->count] = frame.class;
		}
		parsed->count++;
	}
}

static void
parse(struct parsed *parsed, const uint8_t *data, size_t len, size_t step)
{
	const uint8_t *at = data;
	struct frame_parser p;
	size_t i;

	*parsed = (struct parsed){ .status = AG_EAGAIN };
	frame_parser_init(&p, ALL_CLASSES);
	for (i = 0; parsed->status == AG_EAGAIN && i < len; i += step) {
		struct bytes piece =
		    bytes_of(data + i, len - i < step ? len - i : step);

		parsed->status = frame_parser_feed(&p, piece, NULL);
		if (parsed->status == AG_OK)
			take_frames(&p, parsed, &at);
	}
	frame_parser_fini(&p);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct parsed whole, cut;

	if (len < 1 || len > 65536)
		return 0;
	parse(&whole, data + 1, len - 1, 65536);
	parse(&cut, data + 1, len - 1, (size_t)data[0] % 16 + 1);
	/* One piece is refused at its first head; a cut one a little later. */
	AG_ASSERT(whole.status == AG_EAGAIN || whole.status == AG_EPROTO);
	AG_ASSERT(whole.status == cut.status);
	AG_ASSERT(whole.count == cut.count);
	AG_ASSERT(memcmp(whole.lens, cut.lens, sizeof(cut.lens)) == 0);
	AG_ASSERT(memcmp(whole.classes, cut.classes, sizeof(cut.classes)) == 0);
	return 0;
}
