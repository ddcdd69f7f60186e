/*
 * View changes and new views, read and signed.
 *
 * SIGNED   purpose NUL | cluster id | u64 epoch | u64 member | u64 view |
 *          BLAKE2b-256 of the statement, which is the message's fields from
 *          the second to the last but one, as they are encoded
 *
 * NOT HERE What a message must say to be followed (consensus/), and what in
 *          it convicts its signer (forgery.c).
 */
#include "trust/view_message.h"

#include <string.h>

#include "codec/decoder.h"
#include "codec/message.h"
#include "trust/signing.h"

/* No window is longer. */
#define ITEMS_MAX 4096

/* So many items, one after another. */
static void
read_items(struct decoder *d, size_t most, size_t *count, struct bytes *items)
{
	size_t i;

	*count = decoder_get_array_max(d, most);
	items->data = d->at;
	for (i = 0; i < *count; i++)
		(void)decoder_get_raw(d);
	items->len = (size_t)(d->at - items->data);
}

bool
view_message_read_change(struct view_change_fields *f, struct bytes message)
{
	const uint8_t *start;
	struct decoder d;

	memset(f, 0, sizeof(*f));
	decoder_init(&d, message);
	decoder_expect_array(&d, 8);
	if (decoder_get_uint(&d) != MESSAGE_VIEW_CHANGE)
		decoder_fail(&d, "not a view change");
	start = d.at;
	f->member = (uint32_t)decoder_get_uint_max(&d, TRUST_MEMBERS_MAX - 1);
	f->view = decoder_get_uint(&d);
	f->stable = decoder_get_uint(&d);
	if (!decoder_get_null(&d))
		f->certificate = decoder_get_raw(&d);
	read_items(&d, ITEMS_MAX, &f->prepared_count, &f->prepared);
	read_items(&d, ITEMS_MAX, &f->pledge_count, &f->pledges);
	f->statement = bytes_of(start, (size_t)(d.at - start));
	decoder_get_fixed(&d, f->signature, SIGNATURE_BYTES);
	return decoder_finish(&d, NULL) == AG_OK;
}

bool
view_message_read_new_view(struct new_view_fields *f, struct bytes message)
{
	const uint8_t *start;
	struct decoder d;

	memset(f, 0, sizeof(*f));
	decoder_init(&d, message);
	decoder_expect_array(&d, 5);
	if (decoder_get_uint(&d) != MESSAGE_NEW_VIEW)
		decoder_fail(&d, "not a new view");
	start = d.at;
	f->view = decoder_get_uint(&d);
	read_items(&d, TRUST_MEMBERS_MAX, &f->change_count, &f->changes);
	read_items(&d, ITEMS_MAX, &f->chosen_count, &f->chosen);
	f->statement = bytes_of(start, (size_t)(d.at - start));
	decoder_get_fixed(&d, f->signature, SIGNATURE_BYTES);
	return decoder_finish(&d, NULL) == AG_OK;
}

static void
signing_input(struct signing *s, const struct trust_scope *scope,
    const char *purpose, uint32_t member, uint64_t view,
    const struct digest *statement)
{
	signing_begin(s, purpose);
	signing_put(s, scope->cluster_id, CLUSTER_ID_BYTES);
	signing_put_u64(s, scope->epoch);
	signing_put_u64(s, member);
	signing_put_u64(s, view);
	signing_put(s, statement->data, DIGEST_BYTES);
}

void
view_message_sign(const struct trust_scope *scope, const char *purpose,
    uint32_t self, uint64_t view, const struct digest *statement,
    const struct authority *authority, void *ctx,
    uint8_t signature[static SIGNATURE_BYTES])
{
	struct signing s;

	signing_input(&s, scope, purpose, self, view, statement);
	authority->sign(ctx, signing_bytes(&s), signature);
}

bool
view_message_is_signed(const struct trust_scope *scope, const char *purpose,
    uint32_t member, uint64_t view, const struct digest *statement,
    const uint8_t signature[static SIGNATURE_BYTES],
    const struct authority *authority, void *ctx)
{
	struct signing s;

	signing_input(&s, scope, purpose, member, view, statement);
	return authority->verify(ctx, member, signing_bytes(&s), signature);
}
