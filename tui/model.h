/*
 * What the dashboard knows: the API's answers as plain structs.
 *
 * Each part is one answer, replaced whole.  All text in it is clean.
 *
 * Ownership  a model owns its parts; model_take() moves them.
 * Threads    none of its own: one model per thread, moved under a lock.
 */
#ifndef AEGIS_TUI_MODEL_H
#define AEGIS_TUI_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"

#define MODEL_NAME_BYTES 64
#define MODEL_TIME_BYTES 40
#define MODEL_TEXT_BYTES 256
#define MODEL_MEMBERS_MAX 64
#define MODEL_ROUNDS_MAX 128
#define MODEL_VIEWS_MAX 64
#define MODEL_ALERTS_MAX 128
#define MODEL_LINES_MAX 256

/* The most an answer may weigh. */
#define MODEL_ANSWER_BYTES_MAX (4U << 20)

enum model_part {
	MODEL_STATUS,
	MODEL_ROUNDS,
	MODEL_VIEWS,
	MODEL_ALERTS,
	MODEL_LOGS,
	MODEL_PART_COUNT
};

struct model_member {
	char name[MODEL_NAME_BYTES];
	char address[96];
	char role[16];
	char state[16];
	char error[MODEL_TEXT_BYTES];
	char node_fingerprint[80];
	char link_fingerprint[80];
	uint64_t link_key_age_ms; /* 0: unknown */
	uint64_t view;
	uint64_t executed;
	uint64_t stable;
	uint64_t lag;
	uint64_t rtt_us;
	uint64_t last_heard_ms;
	uint64_t link_up_ms;
	uint64_t retry_ms;
	uint64_t attempts;
	uint64_t tx_bytes;
	uint64_t rx_bytes;
	uint64_t queued_bytes;
	uint64_t dropped;
	uint64_t evidence; /* proofs against it that are kept */
};

struct model_status {
	char version[32];
	char cluster[MODEL_NAME_BYTES];
	char node[MODEL_NAME_BYTES];
	char strategy[16];
	char health[24];
	char primary[MODEL_NAME_BYTES];
	char stable_digest[80];
	char view_since[MODEL_TIME_BYTES];
	char time[MODEL_TIME_BYTES];
	bool changing_view;
	bool rejoining;      /* the node gives no votes, */
	uint64_t rejoin_seq; /* until this is stable; 0: not known yet */
	uint64_t n;
	uint64_t f;
	uint64_t quorum;
	uint64_t missing;
	int64_t margin;
	uint64_t epoch;
	uint64_t view;
	uint64_t view_changes;
	uint64_t executed;
	uint64_t stable;
	uint64_t proposed;
	uint64_t keys;
	uint64_t bytes;
	uint64_t pending;
	uint64_t uptime_ms;
	uint64_t commits;
	uint64_t commit_p50_us;
	uint64_t commit_p99_us;
	uint64_t sync_p99_us;
	uint64_t rss_bytes;
	uint64_t transfer_seq; /* of a state being fetched; 0: none is */
	uint64_t transfer_bytes, transfer_total;
	char transfer_from[MODEL_TEXT_BYTES]; /* names, a blank between */
	size_t member_count;
	struct model_member members[MODEL_MEMBERS_MAX];
};

/* Votes are bits over model_rounds.voters. */
struct model_round {
	char phase[16];
	char digest[80];
	uint64_t seq;
	uint64_t view;
	uint64_t prepares;
	uint64_t commits;
	uint64_t requests;
	uint64_t bytes;
	uint64_t age_us;
	uint64_t took_us;
};

struct model_rounds {
	size_t voter_count;
	char voters[MODEL_MEMBERS_MAX][MODEL_NAME_BYTES];
	size_t count;
	struct model_round rounds[MODEL_ROUNDS_MAX];
};

struct model_view {
	uint64_t view;
	char primary[MODEL_NAME_BYTES];
	char began[MODEL_TIME_BYTES];
};

struct model_views {
	size_t count;
	struct model_view views[MODEL_VIEWS_MAX];
};

struct model_alert {
	char severity[16];
	char name[MODEL_NAME_BYTES];
	char node[MODEL_NAME_BYTES];
	char since[MODEL_TIME_BYTES];
	char text[MODEL_TEXT_BYTES];
};

struct model_alerts {
	size_t count;
	struct model_alert alerts[MODEL_ALERTS_MAX];
};

struct model_line {
	char ts[MODEL_TIME_BYTES];
	char level[8];
	char component[16];
	char message[MODEL_TEXT_BYTES];
	char fields[2 * MODEL_TEXT_BYTES]; /* k=v, a blank between */
};

struct model_lines {
	size_t count;
	struct model_line lines[MODEL_LINES_MAX];
};

/* A part never fetched is NULL. */
struct model {
	struct model_status *status;
	struct model_rounds *rounds;
	struct model_views *views;
	struct model_alerts *alerts;
	struct model_lines *logs;
	uint64_t at_us[MODEL_PART_COUNT]; /* when it came, monotonic */
};

/* The name of a part in a fixture file, and the route that answers it. */
const char *model_part_name(enum model_part part);
const char *model_part_route(enum model_part part);

void model_fini(struct model *m);

/*
 * Read an answer of the API into m, replacing the part.  On failure m is
 * as it was.  AG_EPROTO for bytes that are not such an answer.
 */
enum ag_status model_parse(struct model *m, enum model_part part,
    struct bytes json, struct ag_error *err) AG_MUST_USE;

/*
 * Read a fixture: one object with an answer per part.  "status" may be a
 * list of successive answers; seen is called after each (NULL: nobody).
 */
typedef void model_seen_fn(void *arg, const struct model_status *status);
enum ag_status model_parse_fixture(struct model *m, struct bytes json,
    model_seen_fn *seen, void *arg, struct ag_error *err) AG_MUST_USE;

/* Move the parts from has into m, leaving from without them. */
void model_take(struct model *m, struct model *from);

#endif
