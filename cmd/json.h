/*
 * Writing JSON (RFC 8259) to a stream, one value after the other.
 *
 * 64-bit integers are written as strings, because readers turn numbers
 * into doubles.  Text that is not UTF-8 becomes {"b64": "…"}.
 */
#ifndef AEGIS_CMD_JSON_H
#define AEGIS_CMD_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/bytes.h"

#define JSON_DEPTH_MAX 16

struct json {
	FILE *stream;
	size_t depth;
	bool has_items[JSON_DEPTH_MAX];
	bool after_key;
};

void json_init(struct json *json, FILE *stream);
void json_object_begin(struct json *json);
void json_object_end(struct json *json);
void json_array_begin(struct json *json);
void json_array_end(struct json *json);
void json_key(struct json *json, const char *key);
void json_text(struct json *json, const char *text); /* NULL is null */
void json_bytes(struct json *json, struct bytes text);
void json_u64(struct json *json, uint64_t value); /* as a string */
void json_number(struct json *json, int value);   /* as a number */
void json_bool(struct json *json, bool value);
void json_null(struct json *json);

/* End the line after a whole document. */
void json_line_end(struct json *json);

#endif
