/*
 * The agreement engine, stepped through a log and carried nowhere: nothing it
 * asks for is written, sent or executed.
 *
 * Ownership  inspect_engine_new() hands out a handle, inspect_engine_free()
 *            takes it back.
 * Threads    one at a time.
 */
#ifndef AEGIS_CMD_INSPECT_ENGINE_H
#define AEGIS_CMD_INSPECT_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "trust/certificate.h"
#include "trust/roster.h"

struct inspect_engine;

/* How the node was configured, as far as its memory depends on it. */
struct inspect_engine_config {
	struct roster *roster; /* borrowed */
	uint32_t self;
	uint32_t checkpoint_interval, pipeline_max, batch_bytes_max;
};

enum ag_status inspect_engine_new(struct inspect_engine **out,
    const struct inspect_engine_config *config,
    struct ag_error *err) AG_MUST_USE;
void inspect_engine_free(struct inspect_engine *engine);

/* What it makes of one step. */
struct inspect_step {
	const char *kind;   /* of the record, or "start" */
	uint64_t seq, view; /* of the record; 0 none */
	bool has_seq, has_view;
	uint64_t engine_view, stable, proposed;
	bool is_changing;
	const char *phase; /* of the record's round then; NULL: it has none */
	bool is_below;     /* at or below the window: passed over */
	bool is_moved;     /* the window moved on to make room for it */
	const char *fatal; /* why the engine stopped; NULL: it goes on */
	/* Of a start: what would be executed, sent and written. */
	uint64_t delivers, first, last, sends, persists;
};

/* AG_ECORRUPT when the record is none. */
enum ag_status inspect_engine_record(struct inspect_engine *engine,
    struct bytes record, struct inspect_step *step,
    struct ag_error *err) AG_MUST_USE;

/* As a node does whose state is of seq, once all records are replayed. */
void inspect_engine_start(struct inspect_engine *engine, uint64_t seq,
    const struct digest *digest, struct inspect_step *step);

#endif
