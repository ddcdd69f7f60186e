/*
 * SQLite, opened our way.
 *
 * RULES    1. Write-ahead mode with synchronous NORMAL: a commit survives a
 *             killed process at once, and power loss after db_sync().  What
 *             needs more is in the log (store/wal.h) first.
 *          2. Every failure is reported once, with the file's name, by
 *             db_fail().
 *          3. A new database has neither: its owner syncs the file when it
 *             is whole, and gives it its name then.
 *          4. A frozen database is read with its write-ahead file, which a
 *             killed process leaves behind, through an index in memory: no
 *             lock, no file made, none removed.
 *
 * NOT HERE Any schema: each owner brings its own steps.
 */
#include "db/db.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/fs.h"

#define BUSY_TIMEOUT_MS 5000
#define DB_PATH_BYTES 4096

static const char *
file_name(struct sqlite3 *db)
{
	const char *name = sqlite3_db_filename(db, "main");

	return name == NULL || name[0] == '\0' ? "(temporary)" : name;
}

static enum ag_status
status_of(int code)
{
	switch (code & 0xff) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return AG_ECORRUPT;
	case SQLITE_NOMEM:
		return AG_ENOMEM;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return AG_EBUSY;
	default:
		return AG_ESYS;
	}
}

/* What the connection's last call failed with, as a sentence. */
static enum ag_status
db_fail(struct sqlite3 *db, int code, struct ag_error *err)
{
	enum ag_status status = status_of(code);
	int sys_errno = sqlite3_system_errno(db);

	if ((code & 0xff) == SQLITE_FULL) {
		errno = ENOSPC;
		return ag_fail_sys(err, "database %s", file_name(db));
	}

	if (status == AG_ECORRUPT)
		return ag_fail(err, status,
		    "database %s: %s; keep the file for inspection",
		    file_name(db), sqlite3_errmsg(db));
	if (status == AG_ESYS && sys_errno != 0) {
		errno = sys_errno;
		return ag_fail_sys(err, "database %s: %s", file_name(db),
		    sqlite3_errmsg(db));
	}
	return ag_fail(err, status, "database %s: %s", file_name(db),
	    sqlite3_errmsg(db));
}

enum ag_status
db_exec(struct sqlite3 *db, const char *sql, struct ag_error *err)
{
	int code = sqlite3_exec(db, sql, NULL, NULL, NULL);

	return code == SQLITE_OK ? AG_OK : db_fail(db, code, err);
}

enum ag_status
db_prepare(struct sqlite3 *db, struct sqlite3_stmt **out, const char *sql,
    struct ag_error *err)
{
	int code = sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT,
	    out, NULL);

	if ((code & 0xff) == SQLITE_ERROR)
		return ag_fail(err, AG_EVERSION,
		    "database %s: %s: its tables are another program's than "
		    "this one's; use the one that made it, or let the node "
		    "begin anew in an empty directory",
		    file_name(db), sqlite3_errmsg(db));
	return code == SQLITE_OK ? AG_OK : db_fail(db, code, err);
}

/* Binding fails only for a wrong index or a value over SQLite's bound. */
void
db_bind_bytes(struct sqlite3_stmt *stmt, int i, struct bytes value)
{
	AG_ASSERT(sqlite3_bind_blob64(stmt, i,
		      value.len == 0 ? (const void *)"" : value.data, value.len,
		      SQLITE_STATIC) == SQLITE_OK);
}

void
db_bind_uint(struct sqlite3_stmt *stmt, int i, uint64_t value)
{
	AG_ASSERT(value <= INT64_MAX);
	AG_ASSERT(sqlite3_bind_int64(stmt, i, (int64_t)value) == SQLITE_OK);
}

enum ag_status
db_step(struct sqlite3_stmt *stmt, struct ag_error *err)
{
	struct sqlite3 *db = sqlite3_db_handle(stmt);
	int code = sqlite3_step(stmt);
	enum ag_status status;

	if (code == SQLITE_ROW)
		return AG_OK;
	status = code == SQLITE_DONE ? AG_ENOENT : db_fail(db, code, err);
	(void)sqlite3_reset(stmt);
	return status;
}

enum ag_status
db_run(struct sqlite3_stmt *stmt, struct ag_error *err)
{
	enum ag_status status = db_step(stmt, err);

	AG_ASSERT(status != AG_OK);
	return status == AG_ENOENT ? AG_OK : status;
}

void
db_reset(struct sqlite3_stmt *stmt)
{
	(void)sqlite3_reset(stmt);
}

void
db_finalize(struct sqlite3_stmt *stmt)
{
	(void)sqlite3_finalize(stmt);
}

struct bytes
db_column_bytes(struct sqlite3_stmt *stmt, int i)
{
	const void *data = sqlite3_column_blob(stmt, i);

	return bytes_of(data, (size_t)sqlite3_column_bytes(stmt, i));
}

uint64_t
db_column_uint(struct sqlite3_stmt *stmt, int i)
{
	int64_t value = sqlite3_column_int64(stmt, i);

	return value < 0 ? 0 : (uint64_t)value;
}

/* The one integer a pragma or query answers. */
static enum ag_status
get_uint(struct sqlite3 *db, const char *sql, uint64_t *value,
    struct ag_error *err)
{
	struct sqlite3_stmt *stmt = NULL;
	enum ag_status status = db_prepare(db, &stmt, sql, err);

	if (status == AG_OK)
		status = db_step(stmt, err);
	if (status == AG_OK)
		*value = db_column_uint(stmt, 0);
	(void)sqlite3_finalize(stmt);
	return status;
}

static void
harden(struct sqlite3 *db)
{
	(void)sqlite3_extended_result_codes(db, 1);
	(void)sqlite3_busy_timeout(db, BUSY_TIMEOUT_MS);
	(void)sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	(void)sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	(void)sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0,
	    NULL);
	(void)sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	(void)sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
}

/* A database without an id that holds nothing is new; it becomes ours. */
static enum ag_status
check_owner(struct sqlite3 *db, const struct db_options *options,
    struct ag_error *err)
{
	uint64_t id = 0, tables = 0;
	enum ag_status status;
	char sql[64];

	status = get_uint(db, "PRAGMA application_id", &id, err);
	if (status == AG_OK)
		status = get_uint(db, "SELECT count(*) FROM sqlite_schema",
		    &tables, err);
	if (status != AG_OK || id == options->application_id)
		return status;
	if (id != 0 || tables != 0 || options->is_reader || options->is_frozen)
		return ag_fail(err, AG_ECONFLICT,
		    "database %s: made by another program", file_name(db));
	(void)snprintf(sql, sizeof(sql), "PRAGMA application_id = %u",
	    options->application_id);
	return db_exec(db, sql, err);
}

static enum ag_status
configure(struct sqlite3 *db, const struct db_options *options,
    struct ag_error *err)
{
	enum ag_status status = AG_OK;
	char sql[64];

	harden(db);
	/* Before the first read: the write-ahead file's index is then ours
	 * alone, in memory. */
	if (options->is_frozen)
		status = db_exec(db, "PRAGMA locking_mode = EXCLUSIVE", err);
	(void)snprintf(sql, sizeof(sql), "PRAGMA cache_size = -%u",
	    options->cache_kib);
	if (status == AG_OK)
		status = db_exec(db, sql, err);
	if (status == AG_OK)
		status = db_exec(db,
		    "PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0;"
		    "PRAGMA temp_store = MEMORY",
		    err);
	if (status == AG_OK)
		status = check_owner(db, options, err);
	if (status != AG_OK)
		return status;
	if (options->path[0] == '\0' || options->is_new)
		return db_exec(db,
		    "PRAGMA locking_mode = EXCLUSIVE;"
		    "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF",
		    err);
	if (options->is_reader || options->is_frozen)
		return db_exec(db, "PRAGMA query_only = ON", err);
	return db_exec(db,
	    "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
	    "PRAGMA wal_autocheckpoint = 16000;"
	    "PRAGMA journal_size_limit = 67108864",
	    err);
}

/*
 * Make the file, for its owner's eyes only, or see that it may be written:
 * SQLite would fall back to reading and complain later, about less.  A file
 * that is there is not opened, since closing it would drop the locks other
 * connections of this process have on it.
 */
static enum ag_status
file_ready(const struct db_options *options, struct ag_error *err)
{
	enum ag_status status;
	int fd;

	if (!options->is_reader && !fs_exists(options->path)) {
		status = fs_open(&fd, options->path,
		    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600, err);
		if (status == AG_OK)
			(void)close(fd);
		return status;
	}
	if (faccessat(AT_FDCWD, options->path, R_OK | W_OK, AT_EACCESS) == -1)
		return ag_fail_sys(err, "open %s", options->path);
	return AG_OK;
}

/* An empty file would make SQLite remove the write-ahead file beside it. */
static enum ag_status
frozen_ready(const char *path, struct ag_error *err)
{
	struct stat st;

	if (lstat(path, &st) == -1) {
		(void)ag_fail_sys(err, "open %s", path);
		return errno == ENOENT ? AG_ENOENT : AG_ESYS;
	}
	if (!S_ISREG(st.st_mode) || st.st_size == 0)
		return ag_fail(err, AG_ECORRUPT,
		    "open %s: it is not a database with anything in it", path);
	if (faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) == -1)
		return ag_fail_sys(err, "open %s", path);
	return AG_OK;
}

/*
 * The name by which SQLite reads a file that nobody else has open.  Where no
 * write-ahead file is, it would make one, unless the file is immutable.
 */
static enum ag_status
frozen_name(struct buf *name, const char *path, struct ag_error *err)
{
	char wal[DB_PATH_BYTES];
	enum ag_status status = AG_OK;
	const char *p;

	if ((size_t)snprintf(wal, sizeof(wal), "%s-wal", path) >= sizeof(wal))
		return ag_fail(err, AG_ELIMIT, "open %s: path too long", path);
	status = buf_printf(name, "file:");
	for (p = path; *p != '\0' && status == AG_OK; p++)
		status = strchr("%?#", *p) == NULL
		    ? buf_append(name, p, 1)
		    : buf_printf(name, "%%%02x", (unsigned int)*p);
	if (status == AG_OK)
		status = buf_printf(name, "?mode=ro&%s",
		    fs_exists(wal) ? "vfs=unix-none" : "immutable=1");
	if (status == AG_OK)
		status = buf_append(name, "", 1);
	if (status != AG_OK)
		return ag_fail(err, status, "open %s: %s", path,
		    ag_status_text(status));
	return AG_OK;
}

static enum ag_status
connect_frozen(struct sqlite3 **out, int *code, const char *path,
    struct ag_error *err)
{
	const int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI |
	    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE;
	enum ag_status status = frozen_ready(path, err);
	struct buf name;

	if (status != AG_OK)
		return status;
	buf_init(&name, 3 * DB_PATH_BYTES);
	status = frozen_name(&name, path, err);
	if (status == AG_OK)
		*code =
		    sqlite3_open_v2((const char *)name.data, out, flags, NULL);
	buf_fini(&name);
	return status;
}

static enum ag_status
connect_shared(struct sqlite3 **out, int *code,
    const struct db_options *options, struct ag_error *err)
{
	const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
	    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE;
	enum ag_status status =
	    options->path[0] == '\0' ? AG_OK : file_ready(options, err);

	if (status == AG_OK)
		*code = sqlite3_open_v2(options->path, out, flags, NULL);
	return status;
}

enum ag_status
db_open(struct sqlite3 **out, const struct db_options *options,
    struct ag_error *err)
{
	struct sqlite3 *db = NULL;
	enum ag_status status;
	int code = SQLITE_OK;

	*out = NULL;
	status = options->is_frozen
	    ? connect_frozen(&db, &code, options->path, err)
	    : connect_shared(&db, &code, options, err);
	if (status != AG_OK)
		return status;
	if (db == NULL)
		return ag_fail(err, AG_ENOMEM, "database %s: out of memory",
		    options->path);
	status = code == SQLITE_OK ? configure(db, options, err)
				   : db_fail(db, code, err);
	if (status != AG_OK) {
		db_close(db);
		return status;
	}
	*out = db;
	return AG_OK;
}

void
db_close(struct sqlite3 *db)
{
	struct sqlite3_stmt *stmt;

	if (db == NULL)
		return;
	while ((stmt = sqlite3_next_stmt(db, NULL)) != NULL)
		(void)sqlite3_finalize(stmt);
	(void)sqlite3_close(db);
}

static enum ag_status
migrate_step(struct sqlite3 *db, const char *step, size_t version,
    struct ag_error *err)
{
	enum ag_status status = db_exec(db, step, err);
	char sql[64];

	if (status != AG_OK)
		return status;
	(void)snprintf(sql, sizeof(sql), "PRAGMA user_version = %zu", version);
	return db_exec(db, sql, err);
}

enum ag_status
db_migrate(struct sqlite3 *db, const char *const *steps, size_t count,
    struct ag_error *err)
{
	enum ag_status status;
	uint64_t version = 0;

	status = get_uint(db, "PRAGMA user_version", &version, err);
	if (status != AG_OK || version == count)
		return status;
	if (version > count)
		return ag_fail(err, AG_EVERSION,
		    "database %s: format %llu, this program reads up to %zu; "
		    "use the newer program",
		    file_name(db), (unsigned long long)version, count);
	status = db_exec(db, "BEGIN IMMEDIATE", err);
	if (status != AG_OK)
		return status;
	for (; status == AG_OK && version < count; version++)
		status = migrate_step(db, steps[version], version + 1, err);
	if (status == AG_OK)
		status = db_exec(db, "COMMIT", err);
	if (status != AG_OK)
		(void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return status;
}

enum ag_status
db_sync(struct sqlite3 *db, struct ag_error *err)
{
	bool is_all;

	return db_sync_all(db, &is_all, err);
}

enum ag_status
db_sync_all(struct sqlite3 *db, bool *is_all, struct ag_error *err)
{
	sqlite3_file *file = NULL;
	int code, frames = 0, moved = 0;

	code = sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER,
	    (void *)&file);
	if (code == SQLITE_OK && file != NULL && file->pMethods != NULL)
		code = file->pMethods->xSync(file, SQLITE_SYNC_NORMAL);
	if (code != SQLITE_OK)
		return ag_fail(err, AG_ESYS, "sync %s-wal: %s", file_name(db),
		    sqlite3_errstr(code));
	code = sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE,
	    &frames, &moved);
	/* A reader in the way only postpones the move. */
	if (code != SQLITE_OK && (code & 0xff) != SQLITE_BUSY)
		return db_fail(db, code, err);
	*is_all = code == SQLITE_OK && frames == moved;
	return AG_OK;
}
