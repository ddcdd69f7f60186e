/*
 * Request targets.
 */
#include "client/target.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "codec/text.h"

#define NUMBER_BYTES 24

/* RFC 3986's unreserved characters go as they are. */
static const char unreserved[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				 "abcdefghijklmnopqrstuvwxyz"
				 "0123456789-._~";

static void
append(struct target *t, const char *text)
{
	const size_t len = strlen(text);

	if (len >= sizeof(t->text) - t->len) {
		t->is_overlong = true;
		return;
	}
	memcpy(t->text + t->len, text, len + 1);
	t->len += len;
}

static void
append_name(struct target *t, const char *name)
{
	append(t, strchr(t->text, '?') == NULL ? "?" : "&");
	append(t, name);
	append(t, "=");
}

void
target_init(struct target *t, const char *path)
{
	t->text[0] = '\0';
	t->len = 0;
	t->is_overlong = false;
	append(t, path);
}

void
target_add_bytes(struct target *t, const char *name, struct bytes value)
{
	append_name(t, name);
	if (TEXT_BASE64_BYTES(value.len) > sizeof(t->text) - t->len) {
		t->is_overlong = true;
		return;
	}
	if (value.len == 0)
		return;
	text_base64(t->text + t->len, sizeof(t->text) - t->len, value,
	    BASE64_URL);
	t->len += strlen(t->text + t->len);
}

void
target_add_number(struct target *t, const char *name, uint64_t value)
{
	char text[NUMBER_BYTES];

	(void)snprintf(text, sizeof(text), "%" PRIu64, value);
	append_name(t, name);
	append(t, text);
}

void
target_add_text(struct target *t, const char *name, const char *value)
{
	char piece[4];

	append_name(t, name);
	for (; *value != '\0'; value++) {
		if (strchr(unreserved, *value) != NULL)
			(void)snprintf(piece, sizeof(piece), "%c", *value);
		else
			(void)snprintf(piece, sizeof(piece), "%%%02X",
			    (unsigned)(unsigned char)*value);
		append(t, piece);
	}
}
