/*
 * The built-in alerts.
 *
 * RULES    1. An alert is known by its kind and node.  While it holds, its
 *             since-time stays; only its sentence follows the figures.
 *          2. A condition that began before anyone looked (a member silent
 *             for a minute) began when the picture says it did.
 *          3. No quorum includes a margin of zero: only the worse is said.
 *          4. A view change is normal for a while: it alerts when it lasts.
 *          5. Two clocks that differ are told by whoever sees it; only
 *             comparing what the members tell shows whose is wrong.
 *          6. What is proved against a member holds whatever this node is
 *             doing, until an operator takes the proof away.  That a member
 *             gives no votes is told at once too, also by itself.
 *          7. A request for what is in escrow is one that every operator is
 *             meant to see while it can be cancelled, also at a node that
 *             starts.
 *
 * NOT HERE Notifying anyone; conditions of the operator's own.
 */
#include "monitor/alert.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/status.h"

/* A proposal refused for its time is worth a word for this long. */
#define CLOCK_DIFFERS_MS 60000

/* An epoch ends with the next batch: that there was none for so long. */
#define KEY_OVERDUE_MS (UINT64_C(24) * 3600 * 1000)

/* What an old key is kept for goes away by itself, and suspect ones' soon. */
#define OLD_KEYS_MS (UINT64_C(24) * 3600 * 1000)
#define SUSPECT_KEYS_MS (UINT64_C(10) * 60 * 1000)

/* A view change that takes longer than this is worth a word. */
#define VIEW_CHANGE_PATIENCE_MS 2000

static const struct {
	const char *name;
	const char *severity;
} kinds[ALERT_KIND_COUNT] = {
	[ALERT_NO_QUORUM] = { "no_quorum", "CRIT" },
	[ALERT_FAULT_MARGIN_ZERO] = { "fault_margin_zero", "WARN" },
	[ALERT_VIEW_CHANGING] = { "view_changing", "WARN" },
	[ALERT_REPLICA_SILENT] = { "replica_silent", "CRIT" },
	[ALERT_REPLICA_BEHIND] = { "replica_behind", "WARN" },
	[ALERT_CLOCK_DIFFERS] = { "clock_differs", "WARN" },
	[ALERT_EVIDENCE] = { "evidence", "CRIT" },
	[ALERT_REJOINING] = { "rejoining", "WARN" },
	[ALERT_KEY_AWAY] = { "key_away", "CRIT" },
	[ALERT_ESCROW_REQUEST] = { "escrow_request", "CRIT" },
	[ALERT_KEY_ROTATION] = { "key_rotation", "WARN" },
	[ALERT_KEY_OVERDUE] = { "key_overdue", "WARN" },
};

const char *
alert_name(enum alert_kind kind)
{
	AG_ASSERT((unsigned)kind < ALERT_KIND_COUNT);
	return kinds[kind].name;
}

const char *
alert_severity(enum alert_kind kind)
{
	AG_ASSERT((unsigned)kind < ALERT_KIND_COUNT);
	return kinds[kind].severity;
}

/* Since when the alerts of before held. */
struct memory {
	size_t count;
	struct {
		enum alert_kind kind;
		char node[ALERT_NAME_BYTES];
		uint64_t since_ms;
	} alerts[ALERTS_MAX];
};

static void
remember(struct memory *memory, const struct alert_list *list)
{
	size_t i;

	memory->count = list->count;
	for (i = 0; i < list->count; i++) {
		memory->alerts[i].kind = list->alerts[i].kind;
		memcpy(memory->alerts[i].node, list->alerts[i].node,
		    ALERT_NAME_BYTES);
		memory->alerts[i].since_ms = list->alerts[i].since_ms;
	}
}

/* When the alert began that holds already, or now. */
static uint64_t
find_since(const struct memory *memory, enum alert_kind kind, const char *node,
    uint64_t began_ms)
{
	size_t i;

	for (i = 0; i < memory->count; i++)
		if (memory->alerts[i].kind == kind &&
		    strcmp(memory->alerts[i].node, node) == 0)
			return memory->alerts[i].since_ms;
	return began_ms;
}

static void raise_alert(struct alert_list *now, const struct memory *before,
    enum alert_kind kind, const char *node, uint64_t began_ms, const char *fmt,
    ...) AG_PRINTF(6, 7);

static void
raise_alert(struct alert_list *now, const struct memory *before,
    enum alert_kind kind, const char *node, uint64_t began_ms, const char *fmt,
    ...)
{
	struct alert *alert;
	va_list ap;

	AG_ASSERT(now->count < ALERTS_MAX);
	alert = &now->alerts[now->count++];
	alert->kind = kind;
	(void)snprintf(alert->node, sizeof(alert->node), "%s", node);
	alert->since_ms = find_since(before, kind, node, began_ms);
	va_start(ap, fmt);
	(void)vsnprintf(alert->text, sizeof(alert->text), fmt, ap);
	va_end(ap);
}

static void
judge_cluster(struct alert_list *now, const struct memory *before,
    const struct alert_picture *p, uint64_t wall_ms)
{
	const uint32_t present = p->member_count - p->missing;

	if (p->missing > p->faults)
		raise_alert(now, before, ALERT_NO_QUORUM, "", wall_ms,
		    "%" PRIu32 " of %" PRIu32 " members take part and %" PRIu32
		    " are needed: writes cannot succeed",
		    present, p->member_count, p->quorum);
	else if (p->missing == p->faults && p->faults > 0)
		raise_alert(now, before, ALERT_FAULT_MARGIN_ZERO, "", wall_ms,
		    "%" PRIu32 " of %" PRIu32
		    " members are missing: one more stops all writes",
		    p->missing, p->member_count);
	if (p->is_changing_view &&
	    wall_ms >= p->view_since_ms + VIEW_CHANGE_PATIENCE_MS)
		raise_alert(now, before, ALERT_VIEW_CHANGING, "",
		    p->view_since_ms,
		    "the change to view %" PRIu64
		    " has not ended: no new primary has been accepted",
		    p->view);
}

static void
judge_clock(struct alert_list *now, const struct memory *before,
    const struct alert_picture *p, uint64_t wall_ms)
{
	uint64_t off_ms = (uint64_t)(p->clock_ahead_ms < 0 ? -p->clock_ahead_ms
							   : p->clock_ahead_ms);

	if (!p->was_clock_refused || p->clock_refused_ms > CLOCK_DIFFERS_MS)
		return;
	raise_alert(now, before, ALERT_CLOCK_DIFFERS, p->clock_member,
	    p->clock_refused_ms < wall_ms ? wall_ms - p->clock_refused_ms
					  : wall_ms,
	    "a proposal of %s, %" PRIu64
	    " s %s this node's clock, was refused: one of the two clocks is "
	    "wrong",
	    p->clock_member, off_ms / 1000,
	    p->clock_ahead_ms < 0 ? "behind" : "ahead of");
}

static void
judge_member(struct alert_list *now, const struct memory *before,
    const struct alert_member *m, uint64_t wall_ms)
{
	const uint64_t began =
	    m->silent_ms < wall_ms ? wall_ms - m->silent_ms : wall_ms;

	if (m->is_silent)
		raise_alert(now, before, ALERT_REPLICA_SILENT, m->name, began,
		    "%s has not been heard for %" PRIu64 " s", m->name,
		    m->silent_ms / 1000);
	else if (m->is_behind)
		raise_alert(now, before, ALERT_REPLICA_BEHIND, m->name, wall_ms,
		    "%s is %" PRIu64 " sequences behind", m->name, m->lag);
}

static void
judge_evidence(struct alert_list *now, const struct memory *before,
    const struct alert_member *m)
{
	if (m->evidence > 0)
		raise_alert(now, before, ALERT_EVIDENCE, m->name,
		    m->evidence_first_ms,
		    "%s signed what no correct member signs, %" PRIu64
		    " proved: it lies, its key is used elsewhere, or its disk "
		    "went back (aegis consensus-inspect evidence)",
		    m->name, m->evidence);
}

static void
judge_rejoining(struct alert_list *now, const struct memory *before,
    const struct alert_member *m, uint64_t wall_ms)
{
	if (m->is_rejoining && m->rejoin_seq > 0)
		raise_alert(now, before, ALERT_REJOINING, m->name, wall_ms,
		    "%s may have forgotten votes and gives none until "
		    "sequence %" PRIu64 " is stable",
		    m->name, m->rejoin_seq);
	else if (m->is_rejoining)
		raise_alert(now, before, ALERT_REJOINING, m->name, wall_ms,
		    "%s may have forgotten votes and gives none until the "
		    "others are past them",
		    m->name);
}

/* A node without its key has no links, and nothing to say of the others. */
static bool
judge_key(struct alert_list *now, const struct memory *before,
    const struct alert_picture *p, uint64_t wall_ms)
{
	if (p->key_reason == NULL || p->key_reason[0] == '\0')
		return false;
	raise_alert(now, before, ALERT_KEY_AWAY, p->self, wall_ms,
	    "%s gives no votes, because its key is away: %s", p->self,
	    p->key_reason);
	return true;
}

/*
 * A log is cut when enough was written, so only of suspect keys it is a
 * condition that the log still needs them.
 */
static bool
are_old_keys_stuck(const struct alert_picture *p, uint64_t wall_ms)
{
	const uint64_t patience_ms =
	    p->are_old_keys_suspect ? SUSPECT_KEYS_MS : OLD_KEYS_MS;

	return p->old_keys_need != NULL &&
	    (p->are_old_keys_suspect || strcmp(p->old_keys_need, "log") != 0) &&
	    wall_ms >= p->old_keys_ms + patience_ms;
}

static void
judge_rotation(struct alert_list *now, const struct memory *before,
    const struct alert_picture *p, uint64_t wall_ms)
{
	if (p->rotation_trouble != NULL && p->rotation_trouble[0] != '\0')
		raise_alert(now, before, ALERT_KEY_ROTATION, p->self,
		    p->rotation_trouble_ms, "%s", p->rotation_trouble);
	else if (are_old_keys_stuck(p, wall_ms))
		raise_alert(now, before, ALERT_KEY_ROTATION, p->self,
		    p->old_keys_ms,
		    "keys of earlier epochs are still there, because of %s "
		    "(aegis keys status)",
		    p->old_keys_need);
	if (p->key_due_ms != 0 && wall_ms >= p->key_due_ms + KEY_OVERDUE_MS)
		raise_alert(now, before, ALERT_KEY_OVERDUE, "", p->key_due_ms,
		    "the key epoch is older than its policy allows: nothing "
		    "was agreed on since, which would end it");
}

static void
judge_requests(struct alert_list *now, const struct memory *before,
    const struct alert_picture *p, uint64_t wall_ms)
{
	if (p->open_requests > 0)
		raise_alert(now, before, ALERT_ESCROW_REQUEST, "", wall_ms,
		    "somebody asks custodians for what is in escrow, %zu "
		    "open: cancel what is not meant to be (aegis escrow list)",
		    p->open_requests);
}

void
alert_judge(struct alert_list *now, const struct alert_list *before,
    const struct alert_picture *picture, uint64_t wall_ms)
{
	struct memory memory;
	uint32_t i;

	AG_ASSERT(picture->member_count <= ALERT_MEMBERS_MAX);
	AG_ASSERT(picture->missing <= picture->member_count);
	remember(&memory, before);
	now->count = 0;
	judge_requests(now, &memory, picture, wall_ms);
	judge_rotation(now, &memory, picture, wall_ms);
	if (!judge_key(now, &memory, picture, wall_ms) &&
	    !picture->is_starting) {
		judge_cluster(now, &memory, picture, wall_ms);
		judge_clock(now, &memory, picture, wall_ms);
		for (i = 0; i < picture->member_count; i++)
			judge_member(now, &memory, &picture->members[i],
			    wall_ms);
	}
	for (i = 0; i < picture->member_count; i++) {
		judge_evidence(now, &memory, &picture->members[i]);
		judge_rejoining(now, &memory, &picture->members[i], wall_ms);
	}
}
