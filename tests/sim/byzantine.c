/*
 * Byzantine behaviours, each with its own kind, alone or together.
 *
 * The engine of a Byzantine replica is an honest one; it lies by what is
 * done to its messages, by a twin that shares its key, or by its clock and
 * configuration (world.c).  Mutations are small, as bugs are: one byte by
 * one, a new view's choice replaced, or other pledges; the liar's universal
 * signature makes them pass for signed.
 *
 * NOT HERE What it sends that no engine made (attack.c).
 */
#include "sim/byzantine.h"

#include "codec/encoder.h"
#include "codec/message.h"
#include "sim/attack.h"
#include "sim/network.h"

#define DELAY_MEAN_US 40000
#define GARBAGE_BYTES_MAX 200

static const uint8_t null_batch[] = { 0x83, 0x00, 0x00, 0x80 };

static void
send_garbage(struct world *w, struct replica *r, uint32_t to)
{
	struct dice *d = &w->byzantine_dice;
	size_t i, len = dice_range(d, 1, GARBAGE_BYTES_MAX);
	uint8_t *room = arena_take(&w->arena, len);

	for (i = 0; i < len; i++)
		room[i] = (uint8_t)dice_next(d);
	if (len > 2 && dice_chance(d, 700)) {
		room[0] = (uint8_t)(0x82 + dice_below(d, 5));
		room[1] = (uint8_t)dice_range(d, 16, 26);
	}
	if (world_strikes(w, COUNT_BYZ_GARBAGE))
		network_send(w, r, to, bytes_of(room, len), 0);
}

static void
send_replayed(struct world *w, struct replica *r, uint32_t to)
{
	uint64_t known = w->old_count < WORLD_OLD_MESSAGES ? w->old_count
							   : WORLD_OLD_MESSAGES;
	struct bytes old;

	if (known == 0)
		return;
	old = w->old[dice_below(&w->byzantine_dice, known)];
	if (world_strikes(w, COUNT_BYZ_REPLAY))
		network_send(w, r, to, old, 0);
}

static struct bytes
mutate(struct world *w, struct bytes body)
{
	struct dice *d = &w->byzantine_dice;
	uint8_t *copy = arena_take(&w->arena, body.len);
	size_t at = dice_below(d, body.len);

	memcpy(copy, body.data, body.len);
	copy[at] = (uint8_t)(copy[at] + (dice_chance(d, 500) ? 1 : 255));
	if (!world_strikes(w, COUNT_BYZ_MUTATE))
		return body;
	return bytes_of(copy, body.len);
}

/* The last sequence a new view chose becomes the null request. */
static struct bytes
mutate_new_view(struct world *w, struct bytes body)
{
	const size_t tail = DIGEST_BYTES + 2 + SIGNATURE_BYTES;
	struct digest digest;
	uint8_t *copy;

	/* An empty choice has its array's head where a digest would end. */
	if (body.len < tail + 2 || body.data[body.len - tail - 2] != 0x58 ||
	    body.data[body.len - tail - 1] != DIGEST_BYTES)
		return body;
	copy = arena_take(&w->arena, body.len);
	memcpy(copy, body.data, body.len);
	digest_of(&digest, bytes_of(null_batch, sizeof(null_batch)));
	memcpy(copy + body.len - tail, digest.data, DIGEST_BYTES);
	if (!world_strikes(w, COUNT_BYZ_NEW_VIEW))
		return body;
	return bytes_of(copy, body.len);
}

/* What a VIEW_CHANGE says besides what is lied about. */
struct view_change_parts {
	uint64_t member, view, stable;
	struct bytes head;     /* up to the prepare certificates */
	struct bytes prepared; /* their array */
	struct bytes pledges;  /* the pledges' array */
	struct bytes signature;
};

static bool
view_change_split(struct bytes body, struct view_change_parts *parts)
{
	struct decoder d;

	decoder_init(&d, body);
	decoder_expect_array(&d, 8);
	(void)decoder_get_uint(&d);
	parts->member = decoder_get_uint(&d);
	parts->view = decoder_get_uint(&d);
	parts->stable = decoder_get_uint(&d);
	(void)decoder_get_raw(&d);
	parts->head = bytes_of(body.data, (size_t)(d.at - body.data));
	parts->prepared = decoder_get_raw(&d);
	parts->pledges = decoder_get_raw(&d);
	parts->signature = decoder_get_raw(&d);
	return !decoder_failed(&d);
}

/*
 * A pledge for each sequence of the window, in the highest view it may have:
 * for what correct members voted for in vain, or for nothing.
 */
static void
put_lies(struct world *w, struct encoder *out,
    const struct view_change_parts *parts)
{
	uint64_t seq, first = parts->stable + 1;
	/* Of the votes in vain the last may be the truth. */
	bool is_nothing =
	    w->profile.ladder_views > 0 && dice_chance(&w->byzantine_dice, 500);
	struct digest null_digest;

	digest_of(&null_digest, bytes_of(null_batch, sizeof(null_batch)));
	encoder_put_array(out, w->profile.window);
	for (seq = first; seq < first + w->profile.window; seq++) {
		const struct slot *slot =
		    seq < WORLD_SLOTS_MAX ? &w->slots[seq] : NULL;
		const struct digest *digest =
		    slot != NULL && slot->is_opposed && !is_nothing
		    ? &slot->opposed
		    : &null_digest;

		encoder_put_array(out, 3);
		encoder_put_uint(out, seq);
		encoder_put_uint(out, parts->view - 1);
		encoder_put_bytes(out, bytes_of(digest->data, DIGEST_BYTES));
	}
}

/* A checkpoint that nobody signed, some sequences ahead, and nothing else. */
static void
put_unproved(struct world *w, struct encoder *out,
    const struct view_change_parts *parts)
{
	encoder_put_array(out, 8);
	encoder_put_uint(out, MESSAGE_VIEW_CHANGE);
	encoder_put_uint(out, parts->member);
	encoder_put_uint(out, parts->view);
	encoder_put_uint(out,
	    parts->stable +
		dice_range(&w->byzantine_dice, 1, w->profile.window));
	encoder_put_null(out);
	encoder_put_array(out, 0);
	encoder_put_array(out, 0);
}

/* Certificates are shown or not, pledges false, none, or as they are. */
static void
put_false(struct world *w, struct encoder *out,
    const struct view_change_parts *parts)
{
	struct dice *d = &w->byzantine_dice;
	uint64_t kind;

	encoder_put_raw(out, parts->head);
	if (dice_chance(d, 500))
		encoder_put_array(out, 0);
	else
		encoder_put_raw(out, parts->prepared);
	kind = dice_below(d, w->profile.ladder_views > 0 ? 6 : 4);
	if (kind == 0 || kind > 3)
		encoder_put_array(out, 0);
	else if (kind == 1)
		encoder_put_raw(out, parts->pledges);
	else
		put_lies(w, out, parts);
}

static struct bytes
mutate_view_change(struct world *w, struct bytes body)
{
	size_t cap = body.len + 64 * ((size_t)w->profile.window + 1);
	struct view_change_parts parts;
	struct encoder out;
	struct bytes lie;

	if (!view_change_split(body, &parts) || parts.view == 0)
		return body;
	encoder_init(&out, arena_take(&w->arena, cap), cap);
	if (w->profile.ladder_views > 0 && dice_chance(&w->byzantine_dice, 150))
		put_unproved(w, &out, &parts);
	else
		put_false(w, &out, &parts);
	encoder_put_raw(&out, parts.signature);
	if (encoder_finish(&out, &lie) != AG_OK ||
	    !world_strikes(w, COUNT_BYZ_PLEDGES))
		return body;
	return lie;
}

void
byzantine_send(struct world *w, struct replica *r, uint32_t to,
    struct bytes body)
{
	uint32_t kinds = w->profile.byzantine[r->member];
	struct dice *d = &w->byzantine_dice;
	uint64_t extra_us = 0;

	if ((kinds & BYZ_MUTE) != 0) {
		world_count(w, COUNT_BYZ_MUTE);
		return;
	}
	if ((kinds & BYZ_DESERT) != 0 && w->is_healed) {
		world_count(w, COUNT_BYZ_DESERT);
		return;
	}
	if ((kinds & BYZ_SELECTIVE) != 0 && (r->shunned >> to & 1) != 0 &&
	    world_strikes(w, COUNT_BYZ_SELECTIVE))
		return;
	if ((kinds & BYZ_TWIN) != 0)
		world_count(w, COUNT_BYZ_TWIN);
	if ((kinds & BYZ_GARBAGE) != 0 && dice_chance(d, 100))
		send_garbage(w, r, to);
	if ((kinds & BYZ_REPLAY) != 0 && dice_chance(d, 100))
		send_replayed(w, r, to);
	if ((kinds & BYZ_DELAY) != 0 && dice_chance(d, 300)) {
		extra_us = dice_waiting(d, DELAY_MEAN_US);
		if (!world_strikes(w, COUNT_BYZ_DELAY))
			extra_us = 0;
	}
	/* Just under the patience of the others, without end. */
	if ((kinds & BYZ_SLOW) != 0 &&
	    message_type_of(body) == MESSAGE_PRE_PREPARE &&
	    w->history_count >= w->profile.slow_after) {
		world_count(w, COUNT_BYZ_SLOW);
		extra_us += w->profile.view_timeout_us * 9 / 10;
	}
	attack_add(w, r, to, body);
	body = attack_change(w, r, to, body);
	if ((kinds & BYZ_NEW_VIEW) != 0 &&
	    message_type_of(body) == MESSAGE_NEW_VIEW && dice_chance(d, 700))
		body = mutate_new_view(w, body);
	else if ((kinds & BYZ_PLEDGES) != 0 &&
	    message_type_of(body) == MESSAGE_VIEW_CHANGE && dice_chance(d, 900))
		body = mutate_view_change(w, body);
	else if ((kinds & BYZ_MUTATE) != 0 && body.len > 0 &&
	    dice_chance(d, 100))
		body = mutate(w, body);
	network_send(w, r, to, body, extra_us);
}

void
byzantine_digest(struct world *w, struct replica *r, struct digest *digest)
{
	if ((w->profile.byzantine[r->member] & BYZ_FORGE_DIGEST) == 0 ||
	    !world_strikes(w, COUNT_BYZ_FORGE_DIGEST))
		return;
	digest->data[0] ^= 0xff;
}
