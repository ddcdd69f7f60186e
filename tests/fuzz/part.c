/*
 * A part of a state is refused with a sentence, or is what was asked for.
 *
 * The digest it must come to would keep the fuzzer out: what the input comes
 * to as entries is taken for it.  So every set of entries that is one is
 * right, and right again when it is asked for by that; and no split of it
 * is, nor anything else.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "store/part.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
name_of(struct part_name *name, const uint8_t *data)
{
	struct bytes encoded;
	uint8_t out[PART_NAME_BYTES_MAX];
	struct part_name again;
	struct encoder e;
	struct decoder d;

	*name = (struct part_name){ .kind = PART_NODE };
	name->number = data[0] % 17;
	memcpy(name->path, data + 1, 2);
	encoder_init(&e, out, sizeof(out));
	part_name_encode(&e, name);
	AG_ASSERT(encoder_finish(&e, &encoded) == AG_OK);
	decoder_init(&d, encoded);
	part_name_decode(&d, &again);
	if (decoder_finish(&d, NULL) == AG_OK)
		*name = again;
	else
		*name = (struct part_name){ .kind = PART_NODE };
}

/* Entries prove themselves when what they come to is what is wanted. */
static void
check_found(struct part_want *want, struct bytes contents,
    struct part_found *found)
{
	struct ag_error err;
	size_t i;

	merkle_subtree_of(&want->node, found->bare, found->count,
	    want->name.number);
	want->is_root = false;
	AG_ASSERT(part_check(want, contents, found, &err) == AG_OK);
	for (i = 0; i < found->count; i++)
		AG_ASSERT(part_name_covers(&want->name,
		    found->leaves[i].leaf.key_hash));
	want->node.digest.data[7] ^= 1;
	AG_ASSERT(part_check(want, contents, found, &err) == AG_EFORGED);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct part_found found = { .count = 0 };
	struct part_want want = { .is_root = false };
	struct ag_error err = { .text = "" };
	enum ag_status status;
	struct bytes contents;
	size_t i;

	if (len < 4)
		return 0;
	contents = bytes_of(data + 3, len - 3);
	for (i = 0; i <= PART_CLIENTS_FROM; i++) {
		name_of(&want.name, data);
		want.name.kind = (enum part_kind)i;
		status = part_check(&want, contents, &found, &err);
		AG_ASSERT(status == AG_OK || err.text[0] != '\0');
		if (want.name.kind == PART_NODE && status == AG_EFORGED &&
		    contents.data[0] == PART_ENTRIES && found.count > 0 &&
		    strstr(err.text, "the state does not have") != NULL)
			check_found(&want, contents, &found);
	}
	part_found_fini(&found);
	return 0;
}
