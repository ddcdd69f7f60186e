/*
 * age's keys.
 *
 * RULES    1. Identities are coded in time that depends on nothing of them:
 *             no table is looked up by a secret, and what is wrong with one
 *             is asked once, of all of it.
 *          2. Bits that pad the last group are zero.
 */
#include "crypto/age_key.h"

#include <stdio.h>

#include <sodium.h>

#include "codec/text.h"

#define RECIPIENT_PREFIX "age1"
#define IDENTITY_PREFIX "AGE-SECRET-KEY-1"
#define GROUPS 52
#define CHECK_GROUPS 6
#define CHARACTERS (GROUPS + CHECK_GROUPS)
#define FILE_BYTES 256

static const char alphabet[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/* All ones when a is b, else zero. */
static uint8_t
mask_equal(unsigned int a, unsigned int b)
{
	return (uint8_t)(((a ^ b) - 1) >> 16);
}

static char
character_of(uint8_t group)
{
	uint8_t c = 0;

	for (unsigned int i = 0; i < 32; i++)
		c |= (uint8_t)(mask_equal(group, i) & (uint8_t)alphabet[i]);
	return (char)c;
}

/* 0xff: it is none. */
static uint8_t
group_of(uint8_t c)
{
	uint8_t group = 0, found = 0;

	for (unsigned int i = 0; i < 32; i++) {
		uint8_t mask = mask_equal(c, (uint8_t)alphabet[i]);

		group |= (uint8_t)(mask & i);
		found |= mask;
	}
	return (uint8_t)(group | (uint8_t)~found);
}

static uint32_t
checksum_step(uint32_t sum, uint8_t value)
{
	static const uint32_t generator[] = { 0x3b6a57b2, 0x26508e6d,
		0x1ea119fa, 0x3d4233dd, 0x2a1462b3 };
	uint32_t top = sum >> 25;

	sum = (sum & 0x1ffffff) << 5 ^ value;
	for (size_t i = 0; i < 5; i++)
		sum ^= (0 - (top >> i & 1)) & generator[i];
	return sum;
}

/* Of a prefix in lower case, without its 1, and so many groups. */
static uint32_t
checksum(const char *prefix, const uint8_t *groups, size_t count)
{
	size_t len = strlen(prefix) - 1;
	uint32_t sum = 1;

	for (size_t i = 0; i < len; i++)
		sum = checksum_step(sum, (uint8_t)((prefix[i] | 0x20) >> 5));
	sum = checksum_step(sum, 0);
	for (size_t i = 0; i < len; i++) {
		uint8_t c = (uint8_t)prefix[i];

		if (c >= 'A' && c <= 'Z')
			c |= 0x20;
		sum = checksum_step(sum, c & 0x1f);
	}
	for (size_t i = 0; i < count; i++)
		sum = checksum_step(sum, groups[i]);
	return sum;
}

/* The 58 characters, in lower case. */
static void
encode(char *out, const char *prefix, const uint8_t key[static AGE_KEY_BYTES])
{
	uint8_t groups[CHARACTERS] = { 0 };
	uint32_t sum;

	for (size_t bit = 0; bit < 8 * AGE_KEY_BYTES; bit++)
		groups[bit / 5] |= (uint8_t)((key[bit / 8] >> (7 - bit % 8) & 1)
		    << (4 - bit % 5));
	sum = checksum(prefix, groups, CHARACTERS) ^ 1;
	for (size_t i = 0; i < CHECK_GROUPS; i++)
		groups[GROUPS + i] = (uint8_t)(sum >> (25 - 5 * i) & 0x1f);
	for (size_t i = 0; i < CHARACTERS; i++)
		out[i] = character_of(groups[i]);
	secret_wipe(groups, sizeof(groups));
}

static bool
decode(uint8_t key[static AGE_KEY_BYTES], const char *prefix, struct bytes text,
    bool is_upper)
{
	uint8_t groups[CHARACTERS], all = 0, mixed = 0;
	uint32_t wrong;

	if (text.len != CHARACTERS)
		return false;
	memset(key, 0, AGE_KEY_BYTES);
	for (size_t i = 0; i < CHARACTERS; i++) {
		uint8_t c = text.data[i], letter = c & 0x40;

		/* Letters have 0x20 when they are lower; digits always do. */
		mixed |=
		    (uint8_t)(((c & 0x20) == 0) != (is_upper && letter != 0));
		groups[i] = group_of(c | 0x20);
		all |= groups[i];
	}
	for (size_t bit = 0; bit < 8 * AGE_KEY_BYTES; bit++)
		key[bit / 8] |= (uint8_t)((groups[bit / 5] >> (4 - bit % 5) & 1)
		    << (7 - bit % 8));
	wrong = (all & ~UINT32_C(31)) | mixed | (groups[GROUPS - 1] & 0xf) |
	    (checksum(prefix, groups, CHARACTERS) ^ 1);
	secret_wipe(groups, sizeof(groups));
	return wrong == 0;
}

void
age_key_format_recipient(char text[static AGE_RECIPIENT_BYTES],
    const uint8_t key[static AGE_KEY_BYTES])
{
	const size_t len = sizeof(RECIPIENT_PREFIX) - 1;

	memcpy(text, RECIPIENT_PREFIX, len);
	encode(text + len, RECIPIENT_PREFIX, key);
	text[len + CHARACTERS] = '\0';
}

bool
age_key_is_recipient(struct bytes text)
{
	return bytes_has_prefix(text, bytes_from_text(RECIPIENT_PREFIX));
}

static struct bytes
trim(struct bytes text)
{
	while (text.len > 0 &&
	    memchr(" \t\r\n", text.data[text.len - 1], 4) != NULL)
		text.len--;
	return text;
}

enum ag_status
age_key_parse_recipient(uint8_t key[static AGE_KEY_BYTES], struct bytes text,
    struct ag_error *err)
{
	const size_t len = sizeof(RECIPIENT_PREFIX) - 1;

	text = trim(text);
	if (!age_key_is_recipient(text))
		return ag_fail(err, AG_EINVAL,
		    "not an age recipient (it begins with \"age1\")");
	if (!decode(key, RECIPIENT_PREFIX,
		bytes_of(text.data + len, text.len - len), false))
		return ag_fail(err, AG_EINVAL,
		    "age recipient is damaged, mistyped, or of another kind "
		    "than X25519");
	return AG_OK;
}

/* The next line that is not a comment; false at the end. */
static bool
next_identity(struct bytes *text, struct bytes *line)
{
	while (text_next_line(text, line)) {
		*line = trim(*line);
		if (line->len > 0 && line->data[0] != '#')
			return true;
	}
	return false;
}

bool
age_key_is_file(struct bytes text)
{
	struct bytes line;

	return next_identity(&text, &line) &&
	    bytes_has_prefix(line, bytes_from_text(IDENTITY_PREFIX));
}

struct secret *
age_key_format(const struct secret *key,
    const uint8_t public_key[static AGE_KEY_BYTES])
{
	char recipient[AGE_RECIPIENT_BYTES], *out;
	struct secret *text = secret_new(FILE_BYTES);
	size_t len;

	AG_ASSERT(secret_len(key) == AGE_KEY_BYTES);
	if (text == NULL)
		return NULL;
	out = (char *)secret_data(text);
	age_key_format_recipient(recipient, public_key);
	len = (size_t)snprintf(out, FILE_BYTES, "# public key: %s\n%s",
	    recipient, IDENTITY_PREFIX);
	encode(out + len, IDENTITY_PREFIX, secret_bytes(key).data);
	/* Letters of either case, and digits, have this bit or it is theirs. */
	for (size_t i = 0; i < CHARACTERS; i++)
		out[len + i] =
		    (char)(out[len + i] & ~((out[len + i] & 0x40) >> 1));
	len += CHARACTERS;
	out[len++] = '\n';
	secret_shorten(text, len);
	return text;
}

enum ag_status
age_key_parse(struct secret **key, struct bytes text, const char *name,
    struct ag_error *err)
{
	const struct bytes prefix = bytes_from_text(IDENTITY_PREFIX);
	struct bytes line, other;

	*key = NULL;
	if (!next_identity(&text, &line) || !bytes_has_prefix(line, prefix))
		return ag_fail(err, AG_EINVAL,
		    "private key %s: not an age identity (no line begins with "
		    "\"%s\")",
		    name, IDENTITY_PREFIX);
	if (next_identity(&text, &other))
		return ag_fail(err, AG_EINVAL,
		    "private key %s: it has more than one identity", name);
	*key = secret_new(AGE_KEY_BYTES);
	if (*key == NULL)
		return ag_fail(err, AG_ENOMEM, "private key %s: out of memory",
		    name);
	if (decode(secret_data(*key), IDENTITY_PREFIX,
		bytes_of(line.data + prefix.len, line.len - prefix.len), true))
		return AG_OK;
	secret_free(*key);
	*key = NULL;
	return ag_fail(err, AG_EINVAL, "private key %s: damaged or cut short",
	    name);
}
