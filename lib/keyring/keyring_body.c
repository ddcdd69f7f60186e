/*
 * What is in a slot.
 */
#include "keyring/keyring_body.h"

#include <stdio.h>
#include <string.h>

#include "codec/decoder.h"
#include "codec/encoder.h"
#include "codec/text.h"

#define PURPOSE "aegis/keyring/v1/slot"

static void
stretch_encode(struct encoder *e, const struct stretch *stretch)
{
	encoder_put_uint(e, stretch->passes);
	encoder_put_uint(e, stretch->mebibytes);
	encoder_put_bytes(e, bytes_of(stretch->salt, STRETCH_SALT_BYTES));
}

static void
stretch_decode(struct decoder *d, struct stretch *stretch)
{
	stretch->passes = (uint32_t)decoder_get_uint_max(d, UINT32_MAX);
	stretch->mebibytes = (uint32_t)decoder_get_uint_max(d, UINT32_MAX);
	decoder_get_fixed(d, stretch->salt, STRETCH_SALT_BYTES);
}

/* How many fields there are before the root. */
static size_t
fields_of(unsigned int kind)
{
	switch (kind) {
	case KEYRING_PASSPHRASE:
		return 3;
	case KEYRING_HSM:
	case KEYRING_ESCROW:
		return 1;
	default:
		return 0;
	}
}

void
keyring_body_encode(struct keyring_slot *slot, const struct keyring_body *body)
{
	const unsigned int kind = slot->seen.kind;
	struct encoder e;
	struct bytes whole;

	encoder_init(&e, slot->body, sizeof(slot->body));
	encoder_put_array(&e, fields_of(kind) + 1);
	if (kind == KEYRING_PASSPHRASE)
		stretch_encode(&e, &body->stretch);
	else if (kind == KEYRING_HSM)
		encoder_put_text(&e, body->name);
	else if (kind == KEYRING_ESCROW)
		encoder_put_bytes(&e, body->package);
	encoder_put_bytes(&e, body->wrapped);
	AG_ASSERT(encoder_finish(&e, &whole) == AG_OK);
	slot->body_len = whole.len;
}

bool
keyring_body_decode(struct keyring_body *body, const struct keyring_slot *slot)
{
	const unsigned int kind = slot->seen.kind;
	struct decoder d;

	memset(body, 0, sizeof(*body));
	decoder_init(&d, bytes_of(slot->body, slot->body_len));
	decoder_expect_array(&d, fields_of(kind) + 1);
	if (kind == KEYRING_PASSPHRASE)
		stretch_decode(&d, &body->stretch);
	else if (kind == KEYRING_HSM)
		body->name = decoder_get_text_max(&d, KEYRING_NAME_BYTES - 1);
	else if (kind == KEYRING_ESCROW)
		body->package =
		    decoder_get_bytes_max(&d, KEYRING_PACKAGE_BYTES);
	body->wrapped = decoder_get_bytes_max(&d, KEYRING_DEVICE_BYTES_MAX);
	if (decoder_finish(&d, NULL) != AG_OK)
		return false;
	if (kind == KEYRING_ESCROW &&
	    body->package.len != KEYRING_PACKAGE_BYTES)
		return false;
	return kind == KEYRING_HSM ||
	    body->wrapped.len == KEYRING_WRAPPED_BYTES;
}

struct bytes
keyring_body_context(uint8_t out[static KEYRING_CONTEXT_BYTES],
    const uint8_t id[static KEYRING_ID_BYTES], unsigned int kind,
    const struct keyring_body *body)
{
	struct encoder e;
	struct bytes context;

	encoder_init(&e, out, KEYRING_CONTEXT_BYTES);
	encoder_put_raw(&e, bytes_of(PURPOSE, sizeof(PURPOSE)));
	encoder_put_raw(&e, bytes_of(id, KEYRING_ID_BYTES));
	encoder_put_array(&e, 1);
	encoder_put_uint(&e, kind);
	if (kind == KEYRING_PASSPHRASE) {
		encoder_put_array(&e, 3);
		stretch_encode(&e, &body->stretch);
	} else if (kind == KEYRING_ESCROW) {
		encoder_put_array(&e, 1);
		encoder_put_bytes(&e, body->package);
	}
	AG_ASSERT(encoder_finish(&e, &context) == AG_OK);
	return context;
}

void
keyring_body_context_text(char out[static KEYRING_CONTEXT_BYTES],
    const uint8_t id[static KEYRING_ID_BYTES])
{
	char hex[TEXT_HEX_BYTES(KEYRING_ID_BYTES)];

	text_hex(hex, sizeof(hex), bytes_of(id, KEYRING_ID_BYTES));
	(void)snprintf(out, KEYRING_CONTEXT_BYTES, "%s %s hsm", PURPOSE, hex);
}
