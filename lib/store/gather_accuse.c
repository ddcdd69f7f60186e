/*
 * A wrong part held against who signed for it: with the parts that say what
 * it should have come to, which were right, whoever gave them.
 *
 * NOT HERE What is judged by that (store/part_evidence.c).
 */
#include "store/gather_parts.h"
#include "store/part_evidence.h"

/* Around all the parts, and around each. */
#define AROUND_BYTES 256

/* Does this part say what that item must come to, or one above it? */
static bool
leads_to(const struct item *from, const struct part_want *to)
{
	if (from->state != ITEM_HAD)
		return false;
	if (to->name.kind == PART_CLIENTS_FROM)
		return from->shape == PART_IS_LIST;
	return to->name.kind == PART_NODE && from->shape == PART_SPLIT &&
	    from->want.name.number < to->name.number &&
	    part_name_covers(&from->want.name, to->name.path);
}

/* Items come behind what they were split from. */
static enum ag_status
put_above(struct gather *g, size_t item, struct encoder *e,
    struct ag_error *err)
{
	enum ag_status status = AG_OK;
	size_t i;

	for (i = 0; status == AG_OK && i < item; i++) {
		if (!leads_to(&g->items[i], &g->items[item].want))
			continue;
		status = gather_read(g, &g->items[i], err);
		if (status == AG_OK)
			part_evidence_put(e, &g->items[i].want.name,
			    buf_bytes(&g->contents));
	}
	return status;
}

enum ag_status
gather_accuse(struct gather *g, size_t item, struct bytes contents,
    const uint8_t signature[static SIGNATURE_BYTES], struct buf *out,
    struct ag_error *err)
{
	size_t i, count = 1, len = contents.len + AROUND_BYTES;
	enum ag_status status;
	struct encoder e;
	struct bytes encoded;

	for (i = 0; i < item; i++)
		if (leads_to(&g->items[i], &g->items[item].want)) {
			count++;
			len += g->items[i].len + AROUND_BYTES;
		}
	status = buf_reserve(out, len);
	if (status != AG_OK)
		return ag_fail(err, status, "accuse of a part: %s",
		    status == AG_ELIMIT ? "too much leads to it"
					: "out of memory");
	encoder_init(&e, out->data, len);
	part_evidence_begin(&e, &g->offer, count);
	status = put_above(g, item, &e, err);
	if (status != AG_OK)
		return status;
	part_evidence_put(&e, &g->items[item].want.name, contents);
	part_evidence_end(&e, signature);
	AG_ASSERT(encoder_finish(&e, &encoded) == AG_OK);
	out->len = encoded.len;
	return AG_OK;
}
