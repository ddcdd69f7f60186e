/*
 * What a read asks of the state, and the page that answers it.
 *
 * Ownership  read_page_read() fills a page, read_page_fini() frees it.
 * Threads    those of the reader.
 */
#ifndef AEGIS_NODE_READ_PAGE_H
#define AEGIS_NODE_READ_PAGE_H

#include "node/node.h"
#include "store/versions_read.h"

struct read_query {
	bool is_at;       /* at a sequence: */
	bool is_versions; /* or of the key first, its versions */
	uint64_t at;
	struct node_version_end after; /* of versions */
	bool is_reverse;
	struct bytes first, last;
	size_t limit;
	bool keys_only;
};

struct read_page {
	struct node_page page;
	struct node_entry *entries;
	size_t cap;
	struct buf text; /* keys and values, one after another */
	enum ag_status status;
	struct versions_page past;
};

/* page->page is right when it says what was refused, too. */
enum ag_status read_page_read(struct read_page *page,
    struct store_reader *reader, const struct read_query *query) AG_MUST_USE;
void read_page_fini(struct read_page *page);

#endif
