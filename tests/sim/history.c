/*
 * What clients saw of a schedule, for a judge that shares nothing with ours.
 *
 * FORMAT  A JSON object in a line for each operation, in the order in which
 *         they were made:
 *
 *         op, client   numbers: its own, and whose it is
 *         kind         "put", "delete", "get" (a barrier, with what its key
 *                      was then), "roster" (a change of members), "txn"
 *                      (versions are compared, and if they hold one value is
 *                      put for all these keys) or "range" (a barrier, with
 *                      what all keys were then)
 *         key          "a" to "d"; of a put, delete or get
 *         compares     of a txn: {key: version}
 *         value        of a put or txn; no two have the same
 *         other        of a put that was signed twice: its other value
 *         if_version   when it had that condition
 *         begin, end   virtual microseconds; without end it was not answered,
 *                      and may have happened or not.  What began at the
 *                      moment at which another ended did so before it
 *         envelope     the first of those that were asked for together
 *
 *         and when it was answered:
 *
 *         code         "done", "conflict", "not-found" or, of a txn, "else"
 *         version, previous  of a put or delete
 *         got, version, modified  of a get; got is null when the key is absent
 *                      of a range: {key: [value, version, modified]}, of
 *                      those that were not absent
 *         seq          the batch that had it; a read that was not put in
 *                      order has none, and a range that of the state
 *
 * What the world knows besides, as the order that was agreed on, is not there:
 * the judge is to believe clients alone (history.py).
 */
#include "sim/history.h"

#include <inttypes.h>
#include <stdio.h>

static const char *
kind_name(const struct operation_history *op)
{
	return op->keys != 0     ? op->kind == OPERATION_TXN ? "txn" : "range"
	    : op->roster != NULL ? "roster"
	    : op->kind == OPERATION_BARRIER ? "get"
	    : op->kind == OPERATION_PUT     ? "put"
					    : "delete";
}

static const char *
code_name(enum result_code code)
{
	return code == RESULT_DONE     ? "done"
	    : code == RESULT_NOT_FOUND ? "not-found"
	    : code == RESULT_ELSE      ? "else"
	    : code == RESULT_CONFLICT  ? "conflict"
				       : "invalid";
}

/* A member for each of its keys. */
static void
write_keys(FILE *f, const struct operation_history *op)
{
	const char *mark = "";
	uint32_t i;

	for (i = 0; i < MACHINE_KEYS; i++) {
		const struct cell *cell = &op->range[i];

		if ((op->keys >> i & 1) == 0 ||
		    (op->kind == OPERATION_BARRIER && cell->version == 0))
			continue;
		fprintf(f, "%s\"%c\":", mark, (int)('a' + i));
		if (op->kind == OPERATION_TXN)
			fprintf(f, "%" PRIu64, op->versions[i]);
		else
			fprintf(f, "[%" PRIu64 ",%" PRIu64 ",%" PRIu64 "]",
			    cell->value, cell->version, cell->modified);
		mark = ",";
	}
	fprintf(f, "}");
}

static void
write_request(FILE *f, uint32_t number, const struct operation_history *op)
{
	fprintf(f,
	    "{\"op\":%" PRIu32 ",\"client\":%" PRIu32
	    ",\"kind\":\"%s\",\"envelope\":%" PRIu32 ",\"begin\":%" PRIu64,
	    number, op->client, kind_name(op), op->first, op->called_at);
	if (op->kind == OPERATION_TXN) {
		fprintf(f, ",\"value\":%" PRIu64 ",\"compares\":{", op->value);
		write_keys(f, op);
	}
	if (op->roster != NULL || op->keys != 0)
		return;
	fprintf(f, ",\"key\":\"%c\"", (int)('a' + op->key));
	if (op->kind == OPERATION_PUT)
		fprintf(f, ",\"value\":%" PRIu64, op->value);
	if (op->is_other_body)
		fprintf(f, ",\"other\":%" PRIu64, op->other_value);
	if (op->has_if_version && op->kind != OPERATION_BARRIER)
		fprintf(f, ",\"if_version\":%" PRIu64, op->if_version);
}

static void
write_answer(FILE *f, const struct operation_history *op)
{
	fprintf(f, ",\"end\":%" PRIu64 ",\"code\":\"%s\"", op->answered_at,
	    code_name(op->result.code));
	if (op->keys != 0 && op->kind == OPERATION_BARRIER) {
		fprintf(f, ",\"seq\":%" PRIu64 ",\"got\":{", op->range_seq);
		write_keys(f, op);
		return;
	}
	if (op->result.seq != 0)
		fprintf(f, ",\"seq\":%" PRIu64, op->result.seq);
	if (op->kind == OPERATION_TXN)
		return;
	if (op->kind != OPERATION_BARRIER)
		fprintf(f, ",\"version\":%" PRIu64 ",\"previous\":%" PRIu64,
		    op->result.version, op->result.previous_version);
	else if (op->read.version == 0)
		fprintf(f, ",\"got\":null,\"version\":0");
	else
		fprintf(f,
		    ",\"got\":%" PRIu64 ",\"version\":%" PRIu64
		    ",\"modified\":%" PRIu64,
		    op->read.value, op->read.version, op->read.modified);
}

bool
history_write(const struct world *w, const char *path)
{
	FILE *f = fopen(path, "w");
	bool is_written;
	uint32_t i;

	if (f == NULL)
		return false;
	for (i = 0; i < w->history_count; i++) {
		const struct operation_history *op = &w->history[i];

		write_request(f, i, op);
		if (op->answered_at != UINT64_MAX)
			write_answer(f, op);
		fprintf(f, "}\n");
	}
	is_written = ferror(f) == 0;
	return fclose(f) == 0 && is_written;
}
