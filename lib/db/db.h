/*
 * SQLite opened our way, and statements with their errors made sentences.
 *
 * Databases are opened defensively: a file is data, never code, so the
 * schema is not trusted, extensions are off and cells are checked.
 *
 * Ownership  db_open() hands out a connection, db_close() takes it and all
 *            its statements back.
 * Threads    one connection belongs to one thread at a time.
 */
#ifndef AEGIS_DB_DB_H
#define AEGIS_DB_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"

struct sqlite3;
struct sqlite3_stmt;

struct db_options {
	const char *path; /* "": a private temporary database */
	uint32_t application_id;
	bool is_reader; /* the file must exist; nothing may be changed */
	bool is_new;    /* the file is being made and worth nothing until it
			   is whole: no journal, nothing synced */
	bool is_frozen; /* nobody else has it open: read it as it was left,
			   and touch nothing on the disk */
	uint32_t cache_kib;
};

/*
 * AG_ECORRUPT not a database, or damaged; AG_ECONFLICT another program's;
 * AG_ESYS the file can not be made or written; AG_EBUSY; AG_ENOENT a frozen
 * one that is not there.
 */
enum ag_status db_open(struct sqlite3 **out, const struct db_options *options,
    struct ag_error *err) AG_MUST_USE;
void db_close(struct sqlite3 *db);

/* Run statements that return nothing. */
enum ag_status db_exec(struct sqlite3 *db, const char *sql,
    struct ag_error *err) AG_MUST_USE;

/*
 * Bring the schema to version count by running steps[user_version] and on,
 * in one transaction.  AG_EVERSION when it is newer than count.
 */
enum ag_status db_migrate(struct sqlite3 *db, const char *const *steps,
    size_t count, struct ag_error *err) AG_MUST_USE;

/*
 * Prepare a statement that is kept and used often.
 * AG_EVERSION  the file has not the tables that it is about
 */
enum ag_status db_prepare(struct sqlite3 *db, struct sqlite3_stmt **out,
    const char *sql, struct ag_error *err) AG_MUST_USE;

/* Bind parameter i (from 1); bytes must stay until the statement is reset. */
void db_bind_bytes(struct sqlite3_stmt *stmt, int i, struct bytes value);

/* Integers are stored as signed 64 bits: at most INT64_MAX. */
void db_bind_uint(struct sqlite3_stmt *stmt, int i, uint64_t value);

/* AG_OK with a row, AG_ENOENT at the end (then reset), or a failure. */
enum ag_status db_step(struct sqlite3_stmt *stmt,
    struct ag_error *err) AG_MUST_USE;

/* Run to the end, expecting no row, and reset. */
enum ag_status db_run(struct sqlite3_stmt *stmt,
    struct ag_error *err) AG_MUST_USE;
void db_reset(struct sqlite3_stmt *stmt);
void db_finalize(struct sqlite3_stmt *stmt);

/* Column i (from 0) of the row; bytes are borrowed until the next step. */
struct bytes db_column_bytes(struct sqlite3_stmt *stmt, int i);
uint64_t db_column_uint(struct sqlite3_stmt *stmt, int i);

/*
 * Make everything committed survive power loss, then move what readers
 * allow from the write-ahead file into the database.
 */
enum ag_status db_sync(struct sqlite3 *db, struct ag_error *err) AG_MUST_USE;

/*
 * The same, and say whether all was moved: then no reader, present or to come,
 * sees what was there before the last commit.
 */
enum ag_status db_sync_all(struct sqlite3 *db, bool *is_all,
    struct ag_error *err) AG_MUST_USE;

#endif
