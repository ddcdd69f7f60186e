/*
 * Whether a dead node's log holds together and proves what it says.
 *
 * Ownership  inspect_check_init() to inspect_check_fini(), the caller's
 *            storage.
 */
#ifndef AEGIS_CMD_INSPECT_CHECK_H
#define AEGIS_CMD_INSPECT_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "cmd/inspect_log.h"

/* Problems that are told one by one; more are only counted. */
#define INSPECT_PROBLEMS_TOLD 1000

struct inspect_problem {
	uint64_t record; /* 0: of no single record */
	uint64_t seq;    /* 0: of no single sequence */
	char text[AG_ERROR_TEXT_BYTES];
};

struct inspect_check {
	struct roster *roster;
	uint64_t records;
	uint64_t prepare_certificates, commit_certificates;
	uint64_t checkpoint_certificates;
	uint64_t requests;  /* whose signatures were checked */
	uint64_t first_seq; /* certified here, 0: none */
	uint64_t last_seq;
	uint64_t batches;        /* that are what was certified */
	uint64_t batches_absent; /* cut with older log, or never executed */
	uint64_t passed_over;    /* sequences that checkpoints cover */
	uint64_t problem_count;
	size_t told;
	struct inspect_problem *problems;
	bool has_no_memory;
};

void inspect_check_init(struct inspect_check *check, struct roster *roster);
void inspect_check_fini(struct inspect_check *check);

/* For inspect_log_open(); arg is the check. */
void inspect_check_record(void *arg, const struct inspect_log *log,
    uint64_t number, const struct record *record,
    const struct certificate *certificate, const struct inspect_entry *entry);

/* What shows only when all was read. */
void inspect_check_whole(struct inspect_check *check,
    const struct inspect_log *log);

#endif
