/*
 * The inbox between the links' thread and the loop.
 *
 * RULES    1. One post wakes the loop for all that has gathered.
 *          2. What one member has waiting is bounded, so a member that
 *             floods loses its own frames and nobody else's.
 */
#include "node/inbox.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "event/loop.h"

#define INBOX_MEMBERS 32

enum letter_kind {
	LETTER_FRAME,
	LETTER_LINK_UP,
	LETTER_LINK_DOWN,
};

struct letter {
	struct letter *next;
	enum letter_kind kind;
	uint32_t member;
	enum frame_class class;
	size_t len;
	uint8_t body[];
};

struct inbox {
	struct loop *loop;
	struct inbox_callbacks callbacks;
	struct metric *dropped;
	size_t member_bytes_max;
	pthread_mutex_t lock;
	struct letter *first;
	struct letter **last;
	bool is_posted;
	size_t bytes[INBOX_MEMBERS];
};

struct inbox *
inbox_new(struct loop *loop, const struct inbox_callbacks *callbacks,
    size_t member_bytes_max, struct metric_set *metrics)
{
	struct inbox *in = calloc(1, sizeof(*in));

	if (in == NULL)
		return NULL;
	in->loop = loop;
	in->callbacks = *callbacks;
	in->member_bytes_max = member_bytes_max;
	in->last = &in->first;
	in->dropped = metric_new(metrics, METRIC_COUNTER,
	    "aegis_inbox_dropped_frames_total",
	    "Frames dropped because too many of their sender waited", NULL);
	(void)pthread_mutex_init(&in->lock, NULL);
	return in;
}

void
inbox_free(struct inbox *in)
{
	struct letter *letter;

	if (in == NULL)
		return;
	while ((letter = in->first) != NULL) {
		in->first = letter->next;
		free(letter);
	}
	(void)pthread_mutex_destroy(&in->lock);
	free(in);
}

static void
inbox_open(struct inbox *in, const struct letter *letter)
{
	const struct frame frame = {
		.class = letter->class,
		.body = bytes_of(letter->body, letter->len),
	};

	if (letter->kind == LETTER_FRAME)
		in->callbacks.frame(in->callbacks.arg, letter->member, &frame);
	else
		in->callbacks.link(in->callbacks.arg, letter->member,
		    letter->kind == LETTER_LINK_UP);
}

/* On the loop: open everything that has gathered. */
static void
inbox_drain(void *arg)
{
	struct inbox *in = arg;
	struct letter *letter, *next;

	(void)pthread_mutex_lock(&in->lock);
	letter = in->first;
	in->first = NULL;
	in->last = &in->first;
	in->is_posted = false;
	memset(in->bytes, 0, sizeof(in->bytes));
	(void)pthread_mutex_unlock(&in->lock);
	for (; letter != NULL; letter = next) {
		next = letter->next;
		inbox_open(in, letter);
		free(letter);
	}
}

static void
inbox_push(struct inbox *in, struct letter *letter)
{
	bool must_post;

	letter->next = NULL;
	(void)pthread_mutex_lock(&in->lock);
	*in->last = letter;
	in->last = &letter->next;
	must_post = !in->is_posted;
	in->is_posted = true;
	in->bytes[letter->member] += letter->len;
	(void)pthread_mutex_unlock(&in->lock);
	/* Without memory for a post the frames wait for the next one. */
	if (must_post && loop_post(in->loop, inbox_drain, in) != AG_OK) {
		(void)pthread_mutex_lock(&in->lock);
		in->is_posted = false;
		(void)pthread_mutex_unlock(&in->lock);
	}
}

void
inbox_put(struct inbox *in, uint32_t member, const struct frame *frame)
{
	struct letter *letter;
	size_t waiting;

	AG_ASSERT(member < INBOX_MEMBERS);
	(void)pthread_mutex_lock(&in->lock);
	waiting = in->bytes[member];
	(void)pthread_mutex_unlock(&in->lock);
	letter = waiting + frame->body.len > in->member_bytes_max
	    ? NULL
	    : malloc(sizeof(*letter) + frame->body.len);
	if (letter == NULL) {
		metric_add(in->dropped, 1);
		return;
	}
	letter->kind = LETTER_FRAME;
	letter->member = member;
	letter->class = frame->class;
	letter->len = frame->body.len;
	memcpy(letter->body, frame->body.data, frame->body.len);
	inbox_push(in, letter);
}

void
inbox_put_link(struct inbox *in, uint32_t member, bool is_up)
{
	struct letter *letter = calloc(1, sizeof(*letter));

	if (letter == NULL)
		return;
	letter->kind = is_up ? LETTER_LINK_UP : LETTER_LINK_DOWN;
	letter->member = member;
	inbox_push(in, letter);
}
