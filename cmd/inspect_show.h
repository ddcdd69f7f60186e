/*
 * What consensus-inspect prints, wherever it was found: the same columns of
 * a live node's answers and of a dead node's files.
 *
 * Ownership  the caller's memory throughout.
 */
#ifndef AEGIS_CMD_INSPECT_SHOW_H
#define AEGIS_CMD_INSPECT_SHOW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "cmd/applet.h"
#include "cmd/output.h"
#include "codec/text.h"
#include "trust/certificate_file.h"

#define INSPECT_DIGEST_TEXT TEXT_HEX_BYTES(DIGEST_BYTES)

/* Who the members are, as far as anybody said. */
struct inspect_names {
	char cluster[ROSTER_NAME_BYTES]; /* "" unknown */
	uint32_t count;                  /* 0 unknown */
	uint32_t quorum;                 /* with count */
	char names[TRUST_MEMBERS_MAX][ROSTER_NAME_BYTES];
};

void inspect_names_of_roster(struct inspect_names *names,
    const struct roster *roster);

/* A member's name, or "#3" when nobody said it. */
const char *inspect_names_get(const struct inspect_names *names,
    uint32_t member, char scratch[static 16]);

/* The names of a set, a bit per member, with commas. */
void inspect_names_list(char out[static CERTIFICATE_NAMES_BYTES],
    const struct inspect_names *names, uint32_t members);

/* The signers of a certificate as such a set. */
uint32_t inspect_signers(const struct certificate *c);

struct inspect_status {
	char node[ROSTER_NAME_BYTES]; /* "" unknown */
	char version[32];             /* of its program; "" unknown */
	char cluster[ROSTER_NAME_BYTES];
	char cluster_id[INSPECT_DIGEST_TEXT];
	char strategy[16]; /* empty: not known */
	bool has_roster;   /* epoch, n, quorum, primary are known */
	uint64_t epoch;
	uint32_t n, quorum;
	uint64_t view;
	char primary[ROSTER_NAME_BYTES];
	bool is_changing;
	uint64_t proposed;
	bool has_committed;
	uint64_t committed;
	bool has_executed;
	uint64_t executed;
	uint64_t stable;
	char stable_digest[INSPECT_DIGEST_TEXT]; /* "" none */
	bool has_log;
	uint64_t first_record, last_record;
};

int inspect_show_status(const struct applet_call *call,
    const struct inspect_status *status);

struct inspect_round {
	uint64_t seq, view;
	const char *phase;
	char digest[INSPECT_DIGEST_TEXT];
	char prepares[CERTIFICATE_NAMES_BYTES]; /* with commas */
	char commits[CERTIFICATE_NAMES_BYTES];
	uint64_t requests, bytes;
	bool has_times;
	uint64_t age_us, took_us;
	char state[INSPECT_DIGEST_TEXT]; /* its digest after it; "" unknown */
};

extern const struct output_column inspect_round_columns[];
void inspect_show_round(struct output *out, const struct inspect_round *round);

struct inspect_vote {
	const char *member;
	bool has_prepared, has_committed;
};

/* The round as a head for people; the votes as rows. */
enum ag_status inspect_show_votes(const struct applet_call *call,
    const struct inspect_round *round, const struct inspect_vote *votes,
    size_t count, struct ag_error *err) AG_MUST_USE;

struct inspect_view {
	uint64_t view;
	const char *primary; /* NULL unknown */
	bool is_changing;
	char askers[CERTIFICATE_NAMES_BYTES]; /* with commas; "" unknown */
	const char *why;     /* this node asked; NULL: it did not, or unknown */
	const char *detail;  /* of why; NULL: nothing to say */
	const char *asked;   /* when, likewise */
	const char *began;   /* NULL unknown */
	uint64_t stopped_us; /* 0 unknown */
	uint64_t record;     /* of the log; 0 none */
};

extern const struct output_column inspect_view_columns[];
void inspect_show_view(struct output *out, const struct inspect_view *view);

/*
 * What a certificate says: alone, or after the name of its file as one of
 * several.
 */
extern const struct output_column *const inspect_certificate_columns;
extern const struct output_column inspect_file_columns[];
void inspect_show_certificate(struct output *out, const char *path,
    const struct certificate_file *file, const struct inspect_names *names,
    bool is_verified);

#endif
