/*
 * Chains of rosters.
 *
 * RULES    1. Trust goes one way: from the first roster, which whoever reads
 *             the file has reason to believe in, to each that follows.
 *          2. A roster's text alone is a chain of one, unless it is a
 *             successor: alone, that proves nothing.
 */
#include "trust/chain.h"

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "codec/decoder.h"
#include "codec/encoder.h"
#include "trust/epoch.h"

#define CHAIN_MAGIC "aegis-chain"
#define CHAIN_VERSION 1

/* What a walk along a chain needs; too much for the stack. */
struct walk {
	struct epoch epoch;
	struct roster next;
};

bool
chain_is(struct bytes file)
{
	/* The head of an array of three, which begins no text. */
	return file.len > 0 && file.data[0] == 0x83;
}

/* Read the head; d then stands before the first epoch. */
static enum ag_status
read_head(struct decoder *d, struct bytes file, struct bytes *text,
    struct ag_error *err)
{
	struct bytes magic;
	uint64_t version;

	decoder_init(d, file);
	decoder_expect_array(d, 3);
	magic = decoder_get_text_max(d, sizeof(CHAIN_MAGIC) - 1);
	if (!decoder_failed(d) &&
	    !bytes_equal(magic, bytes_from_text(CHAIN_MAGIC)))
		decoder_fail(d, "it does not begin as one");
	version = decoder_get_uint(d);
	if (!decoder_failed(d) && version != CHAIN_VERSION)
		return ag_fail(err, AG_EVERSION,
		    "a chain of format %llu, this program reads up to %d; use "
		    "the newer program",
		    (unsigned long long)version, CHAIN_VERSION);
	*text = decoder_get_bytes_max(d, ROSTER_FILE_BYTES_MAX);
	if (decoder_failed(d))
		return ag_fail(err, AG_ECORRUPT, "the chain is damaged: %s",
		    d->why);
	return AG_OK;
}

/* One epoch on. */
static enum ag_status
step(struct walk *w, struct roster *roster, struct chain_start *start,
    struct decoder *d, struct ag_error *err)
{
	struct bytes raw = decoder_get_raw(d);
	enum ag_status status;

	if (decoder_failed(d))
		return ag_fail(err, AG_ECORRUPT, "the chain is damaged: %s",
		    d->why);
	status = epoch_decode(&w->epoch, raw, err);
	if (status == AG_OK)
		status = epoch_verify(&w->epoch, roster, &w->next, err);
	if (status != AG_OK)
		return status;
	*roster = w->next;
	start->seq = w->epoch.seq;
	epoch_state(&w->epoch, &start->state);
	return AG_OK;
}

static enum ag_status
walk_to(struct roster *roster, struct chain_start *start, struct decoder *d,
    uint64_t epoch, struct ag_error *err)
{
	struct walk *w = malloc(sizeof(*w));
	enum ag_status status = AG_OK;

	if (w == NULL)
		return ag_fail(err, AG_ENOMEM, "out of memory");
	while (status == AG_OK && roster->epoch != epoch && d->at < d->end)
		status = step(w, roster, start, d, err);
	free(w);
	if (status != AG_OK || epoch == CHAIN_NEWEST || roster->epoch == epoch)
		return status;
	return ag_fail(err, AG_ENOENT,
	    "there is no roster of epoch %llu in it; the newest is of %llu",
	    (unsigned long long)epoch, (unsigned long long)roster->epoch);
}

static enum ag_status
parse_first(struct roster *roster, struct bytes text, const char *name,
    struct ag_error *err)
{
	enum ag_status status = roster_parse(roster, text, name, err);

	if (status != AG_OK || !roster->is_successor)
		return status;
	return ag_fail(err, AG_EFORGED,
	    "%s: a successor alone proves nothing; it takes the chain from the "
	    "first roster on (aegis member export)",
	    name);
}

enum ag_status
chain_parse(struct roster *roster, struct chain_start *start, struct bytes file,
    uint64_t epoch, const char *name, struct ag_error *err)
{
	struct chain_start ignored;
	enum ag_status status;
	struct bytes text = file;
	struct decoder d;

	decoder_init(&d, bytes_of(NULL, 0));
	if (chain_is(file)) {
		status = read_head(&d, file, &text, err);
		if (status != AG_OK) {
			ag_error_prefix(err, "%s", name);
			return status;
		}
	}
	status = parse_first(roster, text, name, err);
	if (status != AG_OK)
		return status;
	if (start == NULL)
		start = &ignored;
	start->seq = roster->first_seq;
	start->state = roster->genesis_state;
	status = walk_to(roster, start, &d, epoch, err);
	if (status != AG_OK)
		ag_error_prefix(err, "%s", name);
	return status;
}

enum ag_status
chain_load_epoch(struct roster *roster, const char *path, uint64_t epoch,
    struct ag_error *err)
{
	enum ag_status status;
	struct buf file;

	buf_init(&file, CHAIN_BYTES_MAX);
	status = fs_read_file(path, &file, err);
	if (status == AG_OK)
		status = chain_parse(roster, NULL, buf_bytes(&file), epoch,
		    path, err);
	buf_fini(&file);
	return status;
}

enum ag_status
chain_load(struct roster *roster, const char *path, struct ag_error *err)
{
	return chain_load_epoch(roster, path, CHAIN_NEWEST, err);
}

static enum ag_status
append(struct buf *chain, struct bytes bytes, struct ag_error *err)
{
	enum ag_status status = buf_append(chain, bytes.data, bytes.len);

	return status == AG_OK ? AG_OK
			       : ag_fail(err, status, "chain of rosters: %s",
				     ag_status_text(status));
}

enum ag_status
chain_begin(struct buf *chain, struct bytes file, struct ag_error *err)
{
	uint8_t head[64];
	struct bytes encoded;
	enum ag_status status;
	struct encoder e;

	buf_clear(chain);
	if (chain_is(file))
		return append(chain, file, err);
	encoder_init(&e, head, sizeof(head));
	encoder_put_array(&e, 3);
	encoder_put_text(&e, bytes_from_text(CHAIN_MAGIC));
	encoder_put_uint(&e, CHAIN_VERSION);
	encoder_put_bytes_head(&e, file.len);
	AG_ASSERT(encoder_finish(&e, &encoded) == AG_OK);
	status = append(chain, encoded, err);
	return status == AG_OK ? append(chain, file, err) : status;
}

enum ag_status
chain_append(struct buf *chain, struct bytes epoch, struct ag_error *err)
{
	return append(chain, epoch, err);
}

static bool
is_former(const struct chain_formers *formers,
    const uint8_t key[static PUBLIC_KEY_BYTES])
{
	size_t i;

	for (i = 0; i < formers->count; i++)
		if (memcmp(formers->link_keys[i], key, PUBLIC_KEY_BYTES) == 0)
			return true;
	return false;
}

/* Those of a roster that are not in the present one, in the place of the
 * oldest. */
static void
add_formers(struct chain_formers *formers, const struct roster *roster,
    const struct roster *present)
{
	uint32_t i;

	for (i = 0; i < roster_node_count(roster); i++) {
		const uint8_t *key = roster->members[i].link_key;

		if (roster_find_link_key(present, key) != -1 ||
		    is_former(formers, key))
			continue;
		if (formers->count == CHAIN_FORMERS_MAX) {
			formers->count--;
			memmove(formers->link_keys[0], formers->link_keys[1],
			    formers->count * PUBLIC_KEY_BYTES);
			memmove(formers->node_keys[0], formers->node_keys[1],
			    formers->count * PUBLIC_KEY_BYTES);
		}
		memcpy(formers->link_keys[formers->count], key,
		    PUBLIC_KEY_BYTES);
		memcpy(formers->node_keys[formers->count++],
		    roster->members[i].node_key, PUBLIC_KEY_BYTES);
	}
}

enum ag_status
chain_find_formers(struct chain_formers *formers, struct bytes chain,
    const struct roster *present, struct ag_error *err)
{
	struct walk *w = malloc(sizeof(*w));
	enum ag_status status = AG_OK;
	struct bytes text = chain;
	struct decoder d;

	formers->count = 0;
	if (w == NULL)
		return ag_fail(err, AG_ENOMEM, "out of memory");
	decoder_init(&d, bytes_of(NULL, 0));
	if (chain_is(chain))
		status = read_head(&d, chain, &text, err);
	while (status == AG_OK) {
		status = roster_parse(&w->next, text, "chain", err);
		if (status != AG_OK)
			break;
		add_formers(formers, &w->next, present);
		if (d.at >= d.end)
			break;
		status = epoch_decode(&w->epoch, decoder_get_raw(&d), err);
		text = w->epoch.roster;
	}
	free(w);
	return status;
}

struct bytes
chain_after(struct bytes chain, uint64_t epoch)
{
	struct bytes text, raw = bytes_of(NULL, 0);
	struct roster *first = malloc(sizeof(*first));
	struct ag_error err;
	struct decoder d;
	uint64_t at = UINT64_MAX;

	if (first != NULL && read_head(&d, chain, &text, &err) == AG_OK &&
	    roster_parse(first, text, "chain", &err) == AG_OK)
		at = first->epoch;
	free(first);
	while (at <= epoch && !decoder_failed(&d) && d.at < d.end) {
		raw = decoder_get_raw(&d);
		if (at++ == epoch)
			return decoder_failed(&d) ? bytes_of(NULL, 0) : raw;
	}
	return bytes_of(NULL, 0);
}
