/*
 * Look-ups in the table of wire messages.
 */
#include "codec/message.h"

#include <stddef.h>

#include "codec/decoder.h"

static const struct {
	uint64_t type;
	const char *name;
	enum frame_class class;
} messages[] = {
#define MESSAGE_ROW(name, number, class) { (number), #name, (class) },
	MESSAGE_TABLE(MESSAGE_ROW)
#undef MESSAGE_ROW
};

#define MESSAGE_COUNT (sizeof(messages) / sizeof(messages[0]))
#define MESSAGE_FIELDS_MAX 64

const char *
message_name(uint64_t type)
{
	size_t i;

	for (i = 0; i < MESSAGE_COUNT; i++)
		if (messages[i].type == type)
			return messages[i].name;
	return NULL;
}

enum frame_class
message_class(uint64_t type)
{
	size_t i;

	for (i = 0; i < MESSAGE_COUNT; i++)
		if (messages[i].type == type)
			return messages[i].class;
	return FRAME_CLASS_COUNT;
}

uint64_t
message_type_of(struct bytes body)
{
	struct decoder d;

	decoder_init(&d, body);
	if (decoder_get_array_max(&d, MESSAGE_FIELDS_MAX) == 0)
		return 0;
	return decoder_get_uint(&d);
}
