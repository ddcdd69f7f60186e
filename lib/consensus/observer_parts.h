/*
 * The inside of the observer's engine, shared by the files that make it up.
 */
#ifndef AEGIS_CONSENSUS_OBSERVER_PARTS_H
#define AEGIS_CONSENSUS_OBSERVER_PARTS_H

#include "codec/batch.h"
#include "codec/decoder.h"
#include "codec/encoder.h"
#include "codec/message.h"
#include "consensus/observer.h"
#include "consensus/plant.h"
#include "consensus/pool.h"
#include "consensus/reach.h"

#define OBSERVER_DIGESTS 8

#define OBSERVER_SCRATCH_BYTES(c) \
	((size_t)4 * (c)->batch_bytes_max + 8 * CERTIFICATE_BYTES_MAX)

/* What a member says of itself. */
struct watched {
	uint64_t heard_us;
	uint64_t told_us;
	uint64_t view;
	uint64_t delivered;
	uint64_t applied;
	uint64_t lag; /* behind us, when it told */
	uint64_t stable;
	bool is_rejoining;
};

/* A request of our clients that is not executed yet. */
struct waiting {
	struct waiting *next, *previous;
	struct digest digest;
	uint64_t sent_us; /* 0: not yet */
	uint32_t len;
	uint8_t raw[];
};

struct own_digest {
	uint64_t seq;
	struct digest digest;
};

struct observer {
	struct engine_config config;
	uint32_t faults, quorum;
	struct effects *effects;
	uint64_t now_us;
	bool is_started, has_failed;

	uint64_t delivered, applied, stable;
	uint64_t last; /* of the epoch; 0: it goes on */
	struct digest stable_digest;
	struct own_digest own[OBSERVER_DIGESTS];
	size_t own_at;
	struct certificate target; /* certified, and not ours yet; or none */
	struct certificate spare;

	struct watched members[ENGINE_MEMBERS_MAX];
	uint64_t view, view_changes;
	uint32_t source;
	uint64_t source_since_us;
	uint64_t came_on_us; /* something was delivered, or nothing lacked */
	uint64_t next_us;    /* the next look around */
	uint64_t told;       /* delivered, when the source was told last */
	uint64_t fetch_seq, fetch_asked_us;
	bool is_held, wants_checkpoint;

	struct waiting *oldest, *newest;
	size_t waiting_count, waiting_bytes;
	struct pool pool;
	uint8_t *scratch;
	size_t scratch_used;
};

/* --- observer_emit.c: effects, and the memory their bytes live in --- */

bool observer_emit_has_room(const struct observer *o, size_t len);
struct effect *observer_emit(struct observer *o, enum effect_kind kind);
void observer_emit_begin(const struct observer *o, struct encoder *out);
struct bytes observer_emit_end(struct observer *o, const struct encoder *out);
void observer_emit_send(struct observer *o, uint32_t members,
    const struct encoder *out);
void observer_emit_fatal(struct observer *o, const char *text);

/* --- observer_source.c: where the members stand, and whom to follow --- */

uint32_t observer_source_all(const struct observer *o);

/* Members that say they have a stable checkpoint there; or everybody. */
uint32_t observer_source_having(const struct observer *o, uint64_t seq);

/* The highest sequence that f + 1 members claim to have decided. */
uint64_t observer_source_head(const struct observer *o);

/* Is there anything decided that is not here? */
bool observer_source_lags(const struct observer *o);

/* Tell where we stand, and ask the source to go on from there. */
void observer_source_tell(struct observer *o);
void observer_source_tell_all(struct observer *o);

/* Is the source still the one to follow? */
void observer_source_judge(struct observer *o);
void observer_source_progress(struct observer *o, uint32_t from,
    struct decoder *d);

/* --- observer_checkpoint.c: our state against the certified one --- */

/* Remember our own digest after seq. */
void observer_checkpoint_keep(struct observer *o, uint64_t seq,
    const struct digest *digest);

/* A quorum signed this state: is it ours? */
void observer_checkpoint_weigh(struct observer *o, const struct certificate *c);

/* It is ours: the checkpoint is stable. */
void observer_checkpoint_adopt(struct observer *o, const struct certificate *c);
bool observer_checkpoint_is_certified(struct observer *o,
    const struct certificate *c);
void observer_checkpoint_receive(struct observer *o, struct decoder *d);

/* What no member's log brings is fetched as a state. */
void observer_checkpoint_chase(struct observer *o);

/* --- observer_request.c: what our clients ask for --- */

void observer_request_submit(struct observer *o, struct bytes raw);

/* What this batch holds waits no more. */
void observer_request_executed(struct observer *o, const struct batch *batch);
void observer_request_forward(struct observer *o);
void observer_request_drop_all(struct observer *o);

#endif
