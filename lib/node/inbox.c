/*
 * The inbox between the links' thread and the loop.
 *
 * RULES    1. One post wakes the loop for all that has gathered.
 *          2. What one member has waiting is bounded in memory, not only in
 *             what its frames hold, so a member that floods loses its own
 *             frames and nobody else's.
 *          3. Members take turns, a letter each: behind a flood of one, that
 *             of another waits for no more than one letter of each member.
 *          4. A turn of the loop opens so many letters and leaves the rest
 *             for the next, after timers and clients.
 */
#include "node/inbox.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "event/loop.h"
#include "trust/certificate.h"

/* Opened in one turn; the cost of a turn is little beside so many. */
#define TURN_LETTERS 256

/* What an allocation costs besides. */
#define ALLOCATION_BYTES 16

enum letter_kind {
	LETTER_FRAME,
	LETTER_LINK_UP,
	LETTER_LINK_DOWN,
	LETTER_EPOCH,
	LETTER_LINK_KEY,
};

struct letter {
	struct letter *next;
	enum letter_kind kind;
	uint32_t member;
	enum frame_class class;
	size_t len;
	uint8_t body[];
};

/* Letters of one member, in order. */
struct pile {
	struct letter *first;
	struct letter **last;
};

struct inbox {
	struct loop *loop;
	struct inbox_callbacks callbacks;
	struct metric *dropped;
	size_t member_bytes_max;
	struct pile taken[TRUST_MEMBERS_MAX]; /* the loop's own */
	pthread_mutex_t lock;
	struct pile piles[TRUST_MEMBERS_MAX];
	bool is_posted;
	size_t bytes[TRUST_MEMBERS_MAX]; /* in the piles */
};

static void
pile_init(struct pile *pile)
{
	pile->first = NULL;
	pile->last = &pile->first;
}

static void
pile_add(struct pile *pile, struct letter *letter)
{
	letter->next = NULL;
	*pile->last = letter;
	pile->last = &letter->next;
}

static struct letter *
pile_take(struct pile *pile)
{
	struct letter *letter = pile->first;

	if (letter != NULL && (pile->first = letter->next) == NULL)
		pile->last = &pile->first;
	return letter;
}

static void
pile_clear(struct pile *pile)
{
	struct letter *letter;

	while ((letter = pile_take(pile)) != NULL)
		free(letter);
}

struct inbox *
inbox_new(struct loop *loop, const struct inbox_callbacks *callbacks,
    size_t member_bytes_max, struct metric_set *metrics)
{
	struct inbox *in = calloc(1, sizeof(*in));
	size_t i;

	if (in == NULL)
		return NULL;
	for (i = 0; i < TRUST_MEMBERS_MAX; i++) {
		pile_init(&in->piles[i]);
		pile_init(&in->taken[i]);
	}
	in->loop = loop;
	in->callbacks = *callbacks;
	in->member_bytes_max = member_bytes_max;
	in->dropped = metric_new(metrics, METRIC_COUNTER,
	    "aegis_inbox_dropped_frames_total",
	    "Frames dropped because too many of their sender waited", NULL);
	(void)pthread_mutex_init(&in->lock, NULL);
	return in;
}

void
inbox_free(struct inbox *in)
{
	size_t i;

	if (in == NULL)
		return;
	loop_unpost(in->loop, in);
	for (i = 0; i < TRUST_MEMBERS_MAX; i++) {
		pile_clear(&in->piles[i]);
		pile_clear(&in->taken[i]);
	}
	(void)pthread_mutex_destroy(&in->lock);
	free(in);
}

static void
inbox_open_link_key(struct inbox *in, const struct letter *letter)
{
	struct link_certificate certificate;

	memcpy(&certificate, letter->body, sizeof(certificate));
	in->callbacks.link_key(in->callbacks.arg, letter->member, &certificate);
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
	else if (letter->kind == LETTER_EPOCH)
		in->callbacks.behind(in->callbacks.arg, letter->member,
		    frame.body);
	else if (letter->kind == LETTER_LINK_KEY)
		inbox_open_link_key(in, letter);
	else
		in->callbacks.link(in->callbacks.arg, letter->member,
		    letter->kind == LETTER_LINK_UP);
}

static void inbox_turn(void *arg);

/* Without memory for a post the letters wait for the next one. */
static void
inbox_post(struct inbox *in)
{
	if (loop_post(in->loop, inbox_turn, in) == AG_OK)
		return;
	(void)pthread_mutex_lock(&in->lock);
	in->is_posted = false;
	(void)pthread_mutex_unlock(&in->lock);
}

/* Take the pile of each member of whom none is left from before. */
static void
inbox_take(struct inbox *in)
{
	size_t i;

	(void)pthread_mutex_lock(&in->lock);
	for (i = 0; i < TRUST_MEMBERS_MAX; i++) {
		if (in->taken[i].first != NULL || in->piles[i].first == NULL)
			continue;
		in->taken[i] = in->piles[i];
		pile_init(&in->piles[i]);
		in->bytes[i] = 0;
	}
	in->is_posted = false;
	(void)pthread_mutex_unlock(&in->lock);
}

/* A letter of each member that has one; how many that were. */
static unsigned
inbox_open_round(struct inbox *in)
{
	struct letter *letter;
	unsigned opened = 0;
	size_t i;

	for (i = 0; i < TRUST_MEMBERS_MAX; i++) {
		letter = pile_take(&in->taken[i]);
		if (letter == NULL)
			continue;
		inbox_open(in, letter);
		free(letter);
		opened++;
	}
	return opened;
}

static bool
inbox_has_taken(const struct inbox *in)
{
	size_t i;

	for (i = 0; i < TRUST_MEMBERS_MAX; i++)
		if (in->taken[i].first != NULL)
			return true;
	return false;
}

/* On the loop. */
static void
inbox_turn(void *arg)
{
	struct inbox *in = arg;
	unsigned opened = 0, round;
	bool must_post = false;

	inbox_take(in);
	do
		opened += round = inbox_open_round(in);
	while (round > 0 && opened < TURN_LETTERS);
	if (!inbox_has_taken(in))
		return;
	(void)pthread_mutex_lock(&in->lock);
	must_post = !in->is_posted;
	in->is_posted = true;
	(void)pthread_mutex_unlock(&in->lock);
	if (must_post)
		inbox_post(in);
}

static size_t
letter_cost(size_t len)
{
	return sizeof(struct letter) + ALLOCATION_BYTES + len;
}

static void
inbox_push(struct inbox *in, struct letter *letter)
{
	bool must_post;

	(void)pthread_mutex_lock(&in->lock);
	pile_add(&in->piles[letter->member], letter);
	must_post = !in->is_posted;
	in->is_posted = true;
	in->bytes[letter->member] += letter_cost(letter->len);
	(void)pthread_mutex_unlock(&in->lock);
	if (must_post)
		inbox_post(in);
}

static void
inbox_put_body(struct inbox *in, uint32_t member, enum letter_kind kind,
    const struct frame *frame)
{
	struct letter *letter;
	size_t waiting;

	AG_ASSERT(member < TRUST_MEMBERS_MAX);
	(void)pthread_mutex_lock(&in->lock);
	waiting = in->bytes[member];
	(void)pthread_mutex_unlock(&in->lock);
	letter = waiting + letter_cost(frame->body.len) > in->member_bytes_max
	    ? NULL
	    : malloc(sizeof(*letter) + frame->body.len);
	if (letter == NULL) {
		metric_add(in->dropped, 1);
		return;
	}
	letter->kind = kind;
	letter->member = member;
	letter->class = frame->class;
	letter->len = frame->body.len;
	memcpy(letter->body, frame->body.data, frame->body.len);
	inbox_push(in, letter);
}

void
inbox_put(struct inbox *in, uint32_t member, const struct frame *frame)
{
	inbox_put_body(in, member, LETTER_FRAME, frame);
}

void
inbox_put_epoch(struct inbox *in, uint32_t member, struct bytes epoch)
{
	const struct frame frame = { .class = FRAME_CONTROL, .body = epoch };

	inbox_put_body(in, member, LETTER_EPOCH, &frame);
}

void
inbox_put_link_key(struct inbox *in, uint32_t member,
    const struct link_certificate *certificate)
{
	const struct frame frame = {
		.class = FRAME_CONTROL,
		.body = bytes_of(certificate, sizeof(*certificate)),
	};

	inbox_put_body(in, member, LETTER_LINK_KEY, &frame);
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
