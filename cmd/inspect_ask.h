/*
 * Asking a node about agreement, and reading what it answers.
 *
 * Everything read is bounded by what it is read into: an answer that is not a
 * node's makes empty texts and zeros, never harm.
 */
#ifndef AEGIS_CMD_INSPECT_ASK_H
#define AEGIS_CMD_INSPECT_ASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "cmd/inspect_show.h"
#include "cmd/kv_ask.h"

/* What the API gives at once (lib/api: API_ROUNDS_MAX). */
#define INSPECT_PAGE_ROUNDS 256

/* The answer's object, for json_decref(); NULL with ask->err filled. */
json_t *inspect_ask(struct kv_ask *ask, const struct applet_call *call,
    const struct target *target);

/* The same; NULL after the reason was said, with the exit code in *code. */
json_t *inspect_ask_or_say(struct kv_ask *ask, const struct applet_call *call,
    const struct target *target, int *code);

/* A page of rounds from seq on and down; from 0: the newest. */
json_t *inspect_ask_rounds(struct kv_ask *ask, const struct applet_call *call,
    uint64_t from, uint64_t limit);

/* A member that is text; "" when it is none.  Borrowed. */
const char *inspect_ask_text(const json_t *object, const char *key);
void inspect_ask_copy(char *out, size_t cap, const json_t *object,
    const char *key);

/* A member that is a small number; 0 when it is none. */
uint32_t inspect_ask_number(const json_t *object, const char *key);

/* An array of names, joined with commas. */
void inspect_ask_names(char out[static CERTIFICATE_NAMES_BYTES],
    const json_t *names);

void inspect_ask_round(struct inspect_round *round, const json_t *object);

#endif
