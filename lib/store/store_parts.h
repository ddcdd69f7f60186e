/*
 * What the files of the store share beyond store/store.h.
 */
#ifndef AEGIS_STORE_STORE_PARTS_H
#define AEGIS_STORE_STORE_PARTS_H

#include "store/merkle.h"
#include "store/store.h"
#include "store/tables.h"

#define STORE_PATH_BYTES 4096

/* The database's file. */
const char *store_path(const struct store *store);

/* Its tables; for the thread that executes. */
struct tables *store_tables(struct store *store);

struct versions_reader;

/* How a reader reads what was superseded. */
struct versions_reader *store_reader_past(struct store_reader *reader);

/* The connection a pin reads by, and what it is pinned at. */
struct sqlite3 *store_pin_db(struct store_pin *pin);
const struct tables_meta *store_pin_meta(const struct store_pin *pin);

/* What its values are sealed with; NULL: they are not. */
struct keyring *store_pin_keyring(const struct store_pin *pin);

/* The Merkle tree's top there, which is the pin's. */
struct merkle *store_pin_tree(const struct store_pin *pin);
void store_pin_roots(const struct store_pin *pin, struct digest *root,
    struct digest *sessions);

#endif
