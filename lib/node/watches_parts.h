/*
 * What the files of the watches share beyond node/watches.h.
 */
#ifndef AEGIS_NODE_WATCHES_PARTS_H
#define AEGIS_NODE_WATCHES_PARTS_H

#include "event/loop.h"
#include "node/applier.h"
#include "node/watches.h"

/* One kept change; key and value follow it in the same block. */
struct kept {
	struct kept *next;
	struct node_change change;
	size_t bytes;
	uint8_t text[];
};

struct node_watch {
	struct watches *owner;
	struct node_watch *next;
	struct bytes first, last;
	uint64_t from;   /* the first sequence of interest */
	uint64_t behind; /* the first not shown yet; 0: shown as they come */
	uint64_t served; /* behind: the last slice it was shown, or 0 */
	bool is_held;
	node_watch_fn *fn; /* NULL once ended or closed */
	void *arg;
	bool is_closed;
	uint8_t range[];
};

struct watches {
	struct kept *oldest;
	struct kept **newest;
	size_t bytes, keep_bytes;
	uint64_t complete_from; /* every change from here on is kept */
	uint64_t known_from;    /* told to those that ended */
	struct node_watch *list;
	unsigned int walking;

	/* The past; applier NULL: there is none. */
	struct applier *applier;
	struct loop *loop;
	struct loop_timer *retry;
	struct store_reader *reader; /* while somebody is behind */
	struct slice *slice;         /* being read; or NULL */
	uint64_t slices;             /* so far */
	bool is_over;                /* to be freed when that has come */
};

/* NULL without memory. */
struct kept *watches_kept_new(const struct store_change *change);

bool watches_covers(const struct node_watch *watch,
    const struct node_change *change);

/* Show what is kept from its place on; from then on it is not behind. */
void watches_join(struct node_watch *watch);

/* End it: fn is called with NULL. */
void watches_end(struct node_watch *watch);

/* Free what was closed, if nobody walks. */
void watches_sweep(struct watches *watches);

/* Read a slice for somebody who is behind, unless one is being read. */
void watches_past_go_on(struct watches *watches);

/* The state was replaced, or nobody watches any more. */
void watches_past_forget(struct watches *watches);

#endif
