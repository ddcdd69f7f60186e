/*
 * Those a state is fetched from: who is asked for what.
 *
 * RULES    1. A member gains time only by pieces in their order.
 *          2. Who has nothing left to bring is asked for what another was
 *             asked long ago: the slowest does not decide when all is there.
 *          3. Who has another state than is gathered is asked for its root
 *             first, and then for what both have in common.  While nobody has
 *             the state itself, they are asked for offers anew.
 *
 * NOT HERE Offers, and what becomes of parts that came (sync_fetch.c).
 */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "node/sync_parts.h"

#define SLOW_US UINT64_C(2000000)

const char *
sync_source_name(const struct sync *s, uint32_t member)
{
	return s->config.roster->members[member].name;
}

/* May it be asked for parts? */
bool
sync_source_gives(const struct source *source)
{
	return source->state == SOURCE_READY || source->state == SOURCE_AKIN;
}

bool
sync_source_is_open(const struct source *source)
{
	return source->state == SOURCE_ASKED || sync_source_gives(source);
}

size_t
sync_source_count(const struct fetching *f, enum source_state state)
{
	size_t i, count = 0;

	for (i = 0; i < TRUST_MEMBERS_MAX; i++)
		if (f->sources[i].state == state)
			count++;
	return count;
}

/* --- sources --- */

/* What a source was to bring, others may; but not what is being judged. */
void
sync_source_clear(struct fetching *f, struct source *source)
{
	size_t i;

	gather_kin_free(source->kin);
	source->kin = NULL;

	for (i = 0; i < SYNC_ASKED_MAX; i++) {
		struct wanted *w = &source->wanted[i];

		if (!w->is_open || (f->job == JOB_CHECK && f->job_wanted == w))
			continue;
		if (f->gather != NULL && w->item != SYNC_KIN_ROOT)
			gather_put_back(f->gather, w->item);
		w->is_open = false;
	}
}

void
sync_source_leave(struct sync *s, uint32_t member, enum source_state state,
    uint64_t rest_us, const char *why)
{
	struct fetching *f = &s->fetch;
	struct source *source = &f->sources[member];

	log_warn("node", "state transfer failed",
	    LOG_TEXT("member", sync_source_name(s, member)),
	    LOG_TEXT("reason", why));
	sync_source_clear(f, source);
	source->state = state;
	source->transfer = 0;
	source->rest_until_us = clock_mono_us() + rest_us;
}

/* It need not hold its state fast any more. */
void
sync_source_done(struct sync *s, uint32_t member)
{
	struct source *source = &s->fetch.sources[member];
	uint8_t out[64];
	struct encoder e;

	if (!sync_source_is_open(source))
		return;
	source->state = SOURCE_UNASKED;
	encoder_init(&e, out, sizeof(out));
	encoder_put_array(&e, 3);
	encoder_put_uint(&e, MESSAGE_SYNC_REQUEST);
	encoder_put_uint(&e, source->transfer);
	encoder_put_uint(&e, SYNC_DONE);
	(void)sync_send(s, member, &e);
}

static void
source_ask(struct sync *s, uint32_t member)
{
	struct fetching *f = &s->fetch;
	struct source *source = &f->sources[member];
	struct digest digest;
	uint8_t out[128];
	struct encoder e;

	source->state = SOURCE_ASKED;
	source->transfer = ++s->last_transfer;
	source->heard_us = clock_mono_us();
	encoder_init(&e, out, sizeof(out));
	encoder_put_array(&e, 5);
	encoder_put_uint(&e, MESSAGE_SYNC_REQUEST);
	encoder_put_uint(&e, source->transfer);
	encoder_put_uint(&e, SYNC_OPEN);
	encoder_put_uint(&e, f->target);
	if (gather_kept(f->gather, &digest))
		encoder_put_bytes(&e, bytes_of(digest.data, DIGEST_BYTES));
	else
		encoder_put_null(&e);
	(void)sync_send(s, member, &e);
}

static bool
is_candidate(const struct sync *s, uint32_t member)
{
	return member != s->config.self &&
	    member < s->config.roster->member_count &&
	    (s->fetch.members >> member & 1) != 0;
}

/* With nobody else left to ask, who lied is asked again, after a while. */
static void
sources_forgive(struct sync *s)
{
	struct fetching *f = &s->fetch;
	uint32_t i;

	for (i = 0; i < TRUST_MEMBERS_MAX; i++)
		if (is_candidate(s, i) && f->sources[i].state != SOURCE_LIED)
			return;
	for (i = 0; i < TRUST_MEMBERS_MAX; i++)
		if (is_candidate(s, i))
			f->sources[i].state = SOURCE_RESTING;
}

/* What all have in common with a state that nobody has is not enough. */
static void
sources_renew(struct fetching *f)
{
	uint32_t i;

	if (sync_source_count(f, SOURCE_READY) > 0 ||
	    sync_source_count(f, SOURCE_ASKED) > 0 || f->job != JOB_NONE)
		return;
	for (i = 0; i < TRUST_MEMBERS_MAX; i++) {
		if (f->sources[i].state != SOURCE_AKIN)
			continue;
		sync_source_clear(f, &f->sources[i]);
		f->sources[i].state = SOURCE_UNASKED;
	}
}

void
sync_source_ask_all(struct sync *s)
{
	struct fetching *f = &s->fetch;
	uint64_t now_us = clock_mono_us();
	size_t open;
	uint32_t i;

	sources_forgive(s);
	sources_renew(f);
	open = sync_source_count(f, SOURCE_ASKED) +
	    sync_source_count(f, SOURCE_READY) +
	    sync_source_count(f, SOURCE_AKIN);
	for (i = 0; i < TRUST_MEMBERS_MAX; i++) {
		struct source *source = &f->sources[i];

		if (source->state == SOURCE_RESTING &&
		    source->rest_until_us <= now_us)
			source->state = SOURCE_UNASKED;
	}
	for (i = 0; i < TRUST_MEMBERS_MAX && open < SYNC_SOURCES_MAX; i++) {
		if (!is_candidate(s, i) ||
		    f->sources[i].state != SOURCE_UNASKED)
			continue;
		source_ask(s, i);
		open++;
	}
}

/* Is this of the transfer that member was asked for? */
struct source *
sync_source_expecting(struct sync *s, uint32_t member, uint64_t transfer)
{
	struct source *source = &s->fetch.sources[member];

	if (!s->fetch.is_active || !sync_source_is_open(source) ||
	    source->transfer != transfer)
		return NULL;
	return source;
}

/* --- asking for parts --- */

static struct wanted *
wanted_free(struct source *source)
{
	size_t i;

	for (i = 0; i < SYNC_ASKED_MAX; i++)
		if (!source->wanted[i].is_open)
			return &source->wanted[i];
	return NULL;
}

static size_t
count_open(const struct source *source)
{
	size_t i, count = 0;

	for (i = 0; i < SYNC_ASKED_MAX; i++)
		count += source->wanted[i].is_open ? 1 : 0;
	return count;
}

/* Is there a part that it has not brought whole? */
static bool
source_owes(const struct source *source)
{
	size_t i;

	for (i = 0; i < SYNC_ASKED_MAX; i++)
		if (source->wanted[i].is_open && !source->wanted[i].is_whole)
			return true;
	return false;
}

static bool
part_ask(struct sync *s, uint32_t member, size_t item,
    const struct part_name *name)
{
	struct source *source = &s->fetch.sources[member];
	struct wanted *w = wanted_free(source);
	uint8_t out[PART_NAME_BYTES_MAX + 64];
	struct encoder e;

	AG_ASSERT(w != NULL);
	if (!source_owes(source))
		source->heard_us = clock_mono_us();
	w->is_open = true;
	w->is_whole = false;
	w->index = ++source->last_index;
	w->item = item;
	w->next_piece = 0;
	w->asked_us = clock_mono_us();
	w->contents.max = PART_BYTES_MAX;
	buf_clear(&w->contents);
	encoder_init(&e, out, sizeof(out));
	encoder_put_array(&e, 5);
	encoder_put_uint(&e, MESSAGE_SYNC_REQUEST);
	encoder_put_uint(&e, source->transfer);
	encoder_put_uint(&e, SYNC_PART);
	encoder_put_uint(&e, w->index);
	part_name_encode(&e, name);
	return sync_send(s, member, &e) == AG_OK;
}

/* What another was asked the longest ago, and this one was not. */
static struct wanted *
slowest(struct fetching *f, uint32_t member)
{
	uint64_t now_us = clock_mono_us();
	struct wanted *found = NULL;
	size_t i, k;

	for (i = 0; i < TRUST_MEMBERS_MAX; i++)
		for (k = 0; k < SYNC_ASKED_MAX; k++) {
			struct wanted *w = &f->sources[i].wanted[k];

			if (i == member || !w->is_open || w->is_whole ||
			    w->item == SYNC_KIN_ROOT ||
			    now_us - w->asked_us < SLOW_US ||
			    gather_has(f->gather, w->item))
				continue;
			if (found == NULL || w->asked_us < found->asked_us)
				found = w;
		}
	return found;
}

/* What one member is to bring next; false: nothing now. */
static bool
part_choose(struct fetching *f, uint32_t member, size_t *item,
    struct part_name *name)
{
	struct source *source = &f->sources[member];
	struct wanted *slow;

	*name = (struct part_name){ .kind = PART_NODE };
	*item = SYNC_KIN_ROOT;
	if (source->state == SOURCE_AKIN)
		return source->kin == NULL
		    ? count_open(source) == 0
		    : gather_kin_next(source->kin, f->gather, item, name);
	if (gather_next(f->gather, item, name))
		return true;
	slow = count_open(source) == 0 ? slowest(f, member) : NULL;
	if (slow == NULL)
		return false;
	*item = slow->item;
	slow->asked_us = clock_mono_us();
	gather_name(f->gather, *item, name);
	return true;
}

/* Ask one member for one part more; false: there is none for it. */
static bool
source_fill(struct sync *s, uint32_t member)
{
	struct fetching *f = &s->fetch;
	struct source *source = &f->sources[member];
	struct part_name name;
	size_t item;

	if (!sync_source_gives(source) || wanted_free(source) == NULL ||
	    !part_choose(f, member, &item, &name))
		return false;
	if (!part_ask(s, member, item, &name)) {
		sync_source_leave(s, member, SOURCE_RESTING, SYNC_BUSY_US,
		    "its link takes nothing");
		return false;
	}
	return true;
}

void
sync_source_fill_all(struct sync *s)
{
	bool is_more = true;
	uint32_t i;

	while (is_more) {
		is_more = false;
		for (i = 0; i < TRUST_MEMBERS_MAX; i++)
			is_more = source_fill(s, i) || is_more;
	}
}

/* --- pieces --- */

static struct wanted *
wanted_of(struct source *source, uint64_t index)
{
	size_t i;

	for (i = 0; i < SYNC_ASKED_MAX; i++)
		if (source->wanted[i].is_open &&
		    source->wanted[i].index == index)
			return &source->wanted[i];
	return NULL;
}

static void
piece_answer(struct sync *s, uint32_t member, uint64_t transfer, uint64_t index,
    uint64_t piece)
{
	uint8_t out[64];
	struct encoder e;

	encoder_init(&e, out, sizeof(out));
	encoder_put_array(&e, 4);
	encoder_put_uint(&e, MESSAGE_DATA_ACK);
	encoder_put_uint(&e, transfer);
	encoder_put_uint(&e, index);
	encoder_put_uint(&e, piece);
	(void)sync_send(s, member, &e);
}

/* NULL, or what is wrong with the piece. */
static const char *
piece_take(struct wanted *w, struct bytes piece, bool is_last,
    struct bytes signature, bool is_signed)
{
	if (piece.len < SYNC_PIECE_BYTES && !is_last)
		return "piece too short";
	if (is_last && signature.len != (is_signed ? SIGNATURE_BYTES : 0))
		return "part that is not signed for";
	if (buf_append(&w->contents, piece.data, piece.len) != AG_OK)
		return "part too long, or no memory for it";
	if (signature.len > 0)
		memcpy(w->signature, signature.data, SIGNATURE_BYTES);
	w->next_piece++;
	w->is_whole = is_last;
	return NULL;
}

/* A member's other state has told what it has in common with ours. */
static void
kin_take(struct sync *s, uint32_t member, struct wanted *w)
{
	struct source *source = &s->fetch.sources[member];
	struct ag_error err;
	enum ag_status status = gather_kin_new(&source->kin, &source->root,
	    buf_bytes(&w->contents), &err);

	w->is_open = false;
	if (status == AG_OK)
		return;
	if (status == AG_EFORGED)
		metric_add(s->refused[member], 1);
	sync_source_leave(s, member,
	    status == AG_EFORGED ? SOURCE_LIED : SOURCE_RESTING, SYNC_REST_US,
	    err.text);
}

void
sync_source_chunk(struct sync *s, uint32_t member, struct decoder *d)
{
	uint64_t transfer = decoder_get_uint(d), index = decoder_get_uint(d);
	uint64_t number = decoder_get_uint(d);
	struct bytes piece = decoder_get_bytes_max(d, SYNC_PIECE_BYTES);
	bool is_last = !decoder_get_null(d);
	struct bytes signature = is_last
	    ? decoder_get_bytes_max(d, SIGNATURE_BYTES)
	    : bytes_of(NULL, 0);
	struct source *source = sync_source_expecting(s, member, transfer);
	struct wanted *w = NULL;
	const char *why;

	if (decoder_finish(d, NULL) != AG_OK || source == NULL)
		return;
	w = wanted_of(source, index);
	if (w == NULL)
		return;
	if (w->is_whole || number != w->next_piece) {
		/* A link that went down and up again has lost some. */
		sync_source_leave(s, member, SOURCE_RESTING, SYNC_BUSY_US,
		    "a piece is missing");
		sync_fetch_go(s);
		return;
	}
	why = piece_take(w, piece, is_last, signature, sync_is_signed(s));
	if (why != NULL) {
		metric_add(s->refused[member], 1);
		sync_source_leave(s, member, SOURCE_LIED, SYNC_REST_US, why);
	} else {
		source->heard_us = clock_mono_us();
		piece_answer(s, member, transfer, index, number);
		if (w->is_whole && w->item == SYNC_KIN_ROOT)
			kin_take(s, member, w);
	}
	sync_fetch_go(s);
}

/* A source owes an answer, and was silent for too long. */
bool
sync_source_is_silent(const struct source *source, uint64_t now_us)
{
	return now_us - source->heard_us > SYNC_STALL_US &&
	    (source->state == SOURCE_ASKED ||
		(sync_source_gives(source) && source_owes(source)));
}
