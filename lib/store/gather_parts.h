/*
 * What the files of gathering share.
 */
#ifndef AEGIS_STORE_GATHER_PARTS_H
#define AEGIS_STORE_GATHER_PARTS_H

#include "store/gather.h"

#define GATHER_FILE "parts"
#define GATHER_PARTIAL_FILE "state.partial"
#define GATHER_PATH_BYTES 4096

enum item_state {
	ITEM_WANTED,
	ITEM_KEPT,  /* the file may have it */
	ITEM_ASKED, /* somebody is to bring it */
	ITEM_HAD,
};

struct item {
	struct part_want want;
	enum item_state state;
	enum part_shape shape; /* HAD */
	uint64_t at;           /* KEPT, HAD: its contents in the file */
	uint32_t len;          /* there */
	uint32_t bytes;        /* HAD: of its contents */
	uint32_t crc;
	uint32_t top; /* the item right below the root that it is under */
	bool is_put;  /* its leaves are in the tables */
};

/* A part in the file that no item has. */
struct kept {
	struct part_name name;
	uint64_t at;
	uint32_t len;
};

/* The leaves of one bucket, from one part or several. */
struct gather_bucket {
	uint32_t id;
	struct merkle_leaf *leaves;
	size_t count, cap;
	struct buf keys;
};

struct gather {
	uint8_t cluster_id[CLUSTER_ID_BYTES];
	struct keyring *keyring; /* for file and tables; NULL: none */
	struct sealed_value *values;
	char dir[GATHER_PATH_BYTES];
	char path[GATHER_PATH_BYTES];
	char partial[GATHER_PATH_BYTES]; /* of the tables being made */
	int fd;
	uint64_t end; /* of the file */
	bool has_offer;
	struct part_offer offer;
	struct item *items;
	size_t count, cap;
	size_t had;        /* items */
	size_t wanted_at;  /* none is wanted before */
	size_t kept_at;    /* none is kept before */
	struct kept *kept; /* by name */
	size_t kept_count, kept_cap;
	struct buf list;         /* the client table's */
	struct buf stored;       /* read from the file, or to be written */
	struct buf contents;     /* the same, as it was brought */
	uint64_t right_bytes;    /* in the file, of items */
	struct part_found found; /* by the last check */
	struct gather_progress progress;
	struct tables *tables; /* being made; NULL: nothing is put */
	struct gather_bucket bucket;
};

/*
 * A part's contents from the file, into gather->contents.  What is there and
 * can not be opened is damage, which who judges finds: it is empty then.
 */
enum ag_status gather_read(struct gather *gather, const struct item *item,
    struct ag_error *err) AG_MUST_USE;

#endif
