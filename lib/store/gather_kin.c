/*
 * A state akin to the one that is gathered.
 *
 * Members that stand at different checkpoints have most of their states in
 * common.  What another state's root splits into is proved by its own
 * certificate, and a node that is the same in both has the same under it:
 * whoever holds the other state can bring that.
 *
 * RULES    1. Nodes are compared where the root is split.  Roots that are
 *             split otherwise, or not at all, have nothing in common.
 *          2. It says only whom to ask.  What comes is judged as all parts
 *             are (store/gather.c).
 */
#include "store/gather_kin.h"

#include <stdlib.h>

#include "store/gather_parts.h"

struct gather_kin {
	struct part_found found; /* of its root */
};

enum ag_status
gather_kin_new(struct gather_kin **out, const struct digest *root,
    struct bytes contents, struct ag_error *err)
{
	const struct part_want want = { .name = { .kind = PART_NODE },
		.node.digest = *root,
		.is_root = true };
	struct gather_kin *kin = calloc(1, sizeof(*kin));
	enum ag_status status;

	*out = NULL;
	if (kin == NULL)
		return ag_fail(err, AG_ENOMEM, "gather a state: out of memory");
	status = part_check(&want, contents, &kin->found, err);
	if (status != AG_OK) {
		gather_kin_free(kin);
		return status;
	}
	*out = kin;
	return AG_OK;
}

void
gather_kin_free(struct gather_kin *kin)
{
	if (kin == NULL)
		return;
	part_found_fini(&kin->found);
	free(kin);
}

/* Does it have the node right below the root that this item is of? */
static bool
kin_has(const struct gather_kin *kin, const struct gather *g,
    const struct item *item)
{
	const struct part_want *top = &g->items[item->top].want;
	const struct merkle_subtree *node;

	if (kin->found.shape != PART_SPLIT || top->name.kind != PART_NODE ||
	    top->name.number != kin->found.bits)
		return false;
	node = &kin->found.nodes[merkle_bucket(top->name.path) >>
	    (MERKLE_TOP_BITS - kin->found.bits)];
	return node->kind == top->node.kind &&
	    digest_equal(&node->digest, &top->node.digest);
}

bool
gather_kin_next(const struct gather_kin *kin, struct gather *g, size_t *item,
    struct part_name *name)
{
	size_t i;

	for (i = g->wanted_at; i < g->count; i++) {
		if (g->items[i].state != ITEM_WANTED ||
		    !kin_has(kin, g, &g->items[i]))
			continue;
		g->items[i].state = ITEM_ASKED;
		*item = i;
		*name = g->items[i].want.name;
		return true;
	}
	return false;
}
