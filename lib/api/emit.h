/*
 * Writing JSON (RFC 8259) into a buffer, one value after the other.
 *
 * 64-bit integers are written as strings, because readers turn numbers into
 * doubles.  Stored bytes are text when they are UTF-8 without control
 * characters, else {"b64": "…"}.
 *
 * A refused append is remembered; ask once, at the end.
 *
 * Ownership  the buffer is the caller's.
 * Threads    none of its own.
 */
#ifndef AEGIS_API_EMIT_H
#define AEGIS_API_EMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"

struct emitter {
	struct buf *out;
	bool needs_comma;
	enum ag_status status;
};

void emit_init(struct emitter *e, struct buf *out);

void emit_object_begin(struct emitter *e);
void emit_object_end(struct emitter *e);
void emit_array_begin(struct emitter *e);
void emit_array_end(struct emitter *e);

/* name is ours: it needs no escaping. */
void emit_key(struct emitter *e, const char *name);

void emit_text(struct emitter *e, const char *text);
void emit_u64(struct emitter *e, uint64_t value);   /* as a string */
void emit_number(struct emitter *e, int64_t value); /* as a number */
void emit_bool(struct emitter *e, bool value);
void emit_null(struct emitter *e);
void emit_data(struct emitter *e, struct bytes data); /* text or b64 */
void emit_hex(struct emitter *e, struct bytes data);
void emit_time_ms(struct emitter *e, uint64_t wall_ms); /* RFC 3339 */

/* Values that are JSON already. */
void emit_raw(struct emitter *e, struct bytes json);

/* A member of an object: its key and value. */
void emit_text_member(struct emitter *e, const char *name, const char *text);
void emit_u64_member(struct emitter *e, const char *name, uint64_t value);
void emit_number_member(struct emitter *e, const char *name, int64_t value);
void emit_bool_member(struct emitter *e, const char *name, bool value);
void emit_data_member(struct emitter *e, const char *name, struct bytes data);
void emit_hex_member(struct emitter *e, const char *name, struct bytes data);
void emit_time_member(struct emitter *e, const char *name, uint64_t wall_ms);

/* The same of what may be unknown: NULL, false, or the time 0. */
void emit_text_or_null(struct emitter *e, const char *name, const char *text);
void emit_u64_or_null(struct emitter *e, const char *name, bool is_known,
    uint64_t value);
void emit_time_or_null(struct emitter *e, const char *name, uint64_t wall_ms);

#endif
