/*
 * The conditions AEGIS itself watches for, and since when they hold.
 *
 * Pure: a picture of the cluster and the alerts of before go in, the alerts
 * of now come out.  Nothing is fetched, timed or sent here.
 *
 * Ownership  everything is the caller's.
 * Threads    none of its own.
 */
#ifndef AEGIS_MONITOR_ALERT_H
#define AEGIS_MONITOR_ALERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ALERT_MEMBERS_MAX 32
#define ALERT_NAME_BYTES 64
#define ALERT_TEXT_BYTES 192

/* Six for the cluster and its keys at once, three for each member. */
#define ALERTS_MAX (6 + 3 * ALERT_MEMBERS_MAX)

enum alert_kind {
	ALERT_NO_QUORUM,
	ALERT_FAULT_MARGIN_ZERO,
	ALERT_VIEW_CHANGING,
	ALERT_REPLICA_SILENT,
	ALERT_REPLICA_BEHIND,
	ALERT_CLOCK_DIFFERS,
	ALERT_EVIDENCE,
	ALERT_REJOINING,
	ALERT_KEY_AWAY,
	ALERT_ESCROW_REQUEST,
	ALERT_KEY_ROTATION,
	ALERT_KEY_OVERDUE,
	ALERT_KIND_COUNT
};

struct alert_member {
	char name[ALERT_NAME_BYTES];
	bool is_silent;
	bool is_behind;
	bool is_rejoining;          /* it gives no votes, */
	uint64_t rejoin_seq;        /* until this is stable; 0: not known */
	uint64_t silent_ms;         /* since it was last heard */
	uint64_t lag;               /* sequences behind the newest known */
	uint64_t evidence;          /* proofs against it that are kept */
	uint64_t evidence_first_ms; /* wall, of the oldest */
};

/* What the conditions are judged by. */
struct alert_picture {
	uint32_t member_count;
	uint32_t faults; /* f */
	uint32_t quorum;
	uint32_t missing;
	bool is_starting;       /* this node cannot judge the others yet */
	const char *key_reason; /* why its own key is away; NULL or "" */
	const char *self;       /* its name */
	bool is_changing_view;
	uint64_t view;
	uint64_t view_since_ms;    /* wall */
	bool was_clock_refused;    /* a proposal, because of its time */
	uint64_t clock_refused_ms; /* since the last */
	int64_t clock_ahead_ms;    /* its time less ours */
	char clock_member[ALERT_NAME_BYTES]; /* who proposed it */
	size_t open_requests;                /* for what is in escrow */
	const char *rotation_trouble; /* why a key epoch is not obeyed; NULL */
	uint64_t rotation_trouble_ms; /* wall, since when */
	const char *old_keys_need;    /* "values" ...: why old keys are there */
	uint64_t old_keys_ms;         /* wall, since when for that */
	bool are_old_keys_suspect;    /* they may be known */
	uint64_t key_due_ms;          /* wall, of the next epoch; 0: never */
	struct alert_member members[ALERT_MEMBERS_MAX];
};

struct alert {
	enum alert_kind kind;
	char node[ALERT_NAME_BYTES]; /* "" when it is about the cluster */
	uint64_t since_ms;           /* wall */
	char text[ALERT_TEXT_BYTES]; /* a sentence, without a stop */
};

struct alert_list {
	size_t count;
	struct alert alerts[ALERTS_MAX];
};

/*
 * The alerts of picture into now; before (which may be now itself) lends
 * the since-times of those that held already.
 */
void alert_judge(struct alert_list *now, const struct alert_list *before,
    const struct alert_picture *picture, uint64_t wall_ms);

const char *alert_name(enum alert_kind kind); /* "replica_silent" */

/* "CRIT" or "WARN". */
const char *alert_severity(enum alert_kind kind);

#endif
