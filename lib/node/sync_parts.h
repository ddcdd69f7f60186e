/*
 * What the files of state transfer share.
 */
#ifndef AEGIS_NODE_SYNC_PARTS_H
#define AEGIS_NODE_SYNC_PARTS_H

#include <limits.h>
#include <stdatomic.h>

#include "codec/message.h"
#include "node/sync.h"
#include "store/gather.h"
#include "store/gather_kin.h"
#include "store/part.h"

#define SYNC_PIECE_BYTES (256U << 10)

/* Pieces on the way to one member: they fit what a link queues. */
#define SYNC_WINDOW 14

/* Parts asked of one member at once, and how many are asked. */
#define SYNC_ASKED_MAX 6
#define SYNC_SOURCES_MAX 4

#define SYNC_STALL_US UINT64_C(10000000)
#define SYNC_TICK_MS 1000

/* How long a member is let be that was busy, or did not serve. */
#define SYNC_BUSY_US UINT64_C(1000000)
#define SYNC_REST_US UINT64_C(10000000)

enum sync_what {
	SYNC_OPEN = 0,
	SYNC_PART = 1,
	SYNC_DONE = 2,
};

enum sync_code {
	SYNC_OFFERED = 0,
	SYNC_BUSY = 1,
	SYNC_GONE = 2,
};

/* One member whom we give our state to; sync_serve.c. */
struct serving;

/* Where one member stands whom we fetch from. */
enum source_state {
	SOURCE_UNASKED,
	SOURCE_ASKED,   /* for an offer */
	SOURCE_READY,   /* has the state we gather */
	SOURCE_AKIN,    /* has another, with parts in common */
	SOURCE_RESTING, /* is asked again later */
	SOURCE_LIED,    /* is not, as long as there is another */
};

/* In the place of an item: the root of a state akin to ours. */
#define SYNC_KIN_ROOT SIZE_MAX

/* A part that was asked for. */
struct wanted {
	bool is_open;
	bool is_whole;                      /* it came, and is to be judged */
	uint8_t signature[SIGNATURE_BYTES]; /* for it; or 0 */
	uint64_t index;
	size_t item;
	uint64_t next_piece;
	uint64_t asked_us;
	struct buf contents;
};

struct source {
	enum source_state state;
	uint64_t transfer;
	uint64_t last_index;
	uint64_t heard_us;
	uint64_t rest_until_us;
	uint32_t splits;        /* it brought instead of entries */
	struct digest root;     /* AKIN: of its state, */
	struct gather_kin *kin; /* and what that has in common; or NULL */
	struct wanted wanted[SYNC_ASKED_MAX];
};

/* The one thing the pool does for a fetch. */
enum sync_job {
	JOB_NONE,
	JOB_CHECK, /* what job_wanted holds */
	JOB_CHECK_KEPT,
	JOB_BUILD,
};

struct fetching {
	bool is_active;
	bool is_begun;   /* gather knows which state */
	uint64_t target; /* the newest asked for */
	uint32_t members;
	struct gather *gather;
	struct part_offer *offer; /* the state gathered */
	struct part_offer *heard; /* room to judge another */
	uint32_t givers;          /* who brought parts of it */
	struct source sources[TRUST_MEMBERS_MAX];
	uint64_t began_us;
	uint64_t pause_until_us; /* after a failure of ours */

	enum sync_job job;
	bool is_stale; /* its result is not wanted, nor what was fetched */
	uint32_t job_source;
	struct wanted *job_wanted;
	size_t job_item;
	atomic_bool stop;
	enum ag_status status;
	struct ag_error err;
};

struct sync {
	struct sync_config config;
	struct loop_timer *timer;
	char dir[PATH_MAX];
	uint64_t last_transfer;
	struct serving *servings[TRUST_MEMBERS_MAX];
	struct fetching fetch;
	struct metric *received_bytes;
	struct metric *refused[TRUST_MEMBERS_MAX];
	uint8_t certificate[CERTIFICATE_BYTES_MAX];
	unsigned working; /* jobs on the pool, and snapshots asked for */
	bool is_freed;
};

/* A job ended after sync_free(): the last one frees. */
void sync_release(struct sync *sync);

/* Does it sign for parts, as who may lie must? */
static inline bool
sync_is_signed(const struct sync *sync)
{
	struct trust_scope scope;

	roster_scope(sync->config.roster, &scope);
	return scope.faults == FAULTS_BYZANTINE;
}

/* Send what was encoded; a link that does not take it shows as silence,
 * which both ends survive. */
enum ag_status sync_send(struct sync *sync, uint32_t member,
    const struct encoder *e);

void sync_serve_request(struct sync *sync, uint32_t member, uint64_t transfer,
    enum sync_what what, struct decoder *d);
void sync_serve_ack(struct sync *sync, uint32_t member, struct decoder *d);
void sync_serve_tick(struct sync *sync, uint64_t now_us);
void sync_serve_free(struct serving *serving);

/* Members we fetch from. */
const char *sync_source_name(const struct sync *sync, uint32_t member);
bool sync_source_is_open(const struct source *source);
bool sync_source_gives(const struct source *source);
size_t sync_source_count(const struct fetching *fetch, enum source_state state);

/* The one that was asked in this transfer; NULL: it was not. */
struct source *sync_source_expecting(struct sync *sync, uint32_t member,
    uint64_t transfer);

/* Go on without it: what it was to bring, others may. */
void sync_source_leave(struct sync *sync, uint32_t member,
    enum source_state state, uint64_t rest_us, const char *why);

/* Nothing of it is awaited, or kept, any more. */
void sync_source_clear(struct fetching *fetch, struct source *source);

/* It need not hold its state fast any more. */
void sync_source_done(struct sync *sync, uint32_t member);

/* It owes an answer, and was silent for too long. */
bool sync_source_is_silent(const struct source *source, uint64_t now_us);

/* Ask for offers, and for parts, as many as may be. */
void sync_source_ask_all(struct sync *sync);
void sync_source_fill_all(struct sync *sync);
void sync_source_chunk(struct sync *sync, uint32_t member, struct decoder *d);

/* Do whatever can be done now for a fetch. */
void sync_fetch_go(struct sync *sync);
void sync_fetch_response(struct sync *sync, uint32_t member, struct decoder *d);
void sync_fetch_tick(struct sync *sync, uint64_t now_us);
void sync_fetch_free(struct sync *sync);

/* --- sync_evidence.c --- */

/* The part just judged was wrong: tell of it, if member signed for it. */
void sync_evidence_tell(struct sync *sync, uint32_t member);

#endif
