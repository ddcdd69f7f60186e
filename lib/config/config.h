/*
 * The configuration in force: for every key of the schema a value, and where
 * it came from.
 *
 * LAYERS     built-in defaults, then /etc/aegis/aegis.yaml, then the user's
 *            aegis/aegis.yaml below XDG_CONFIG_HOME (a named file replaces
 *            both), then the environment, then flags: the later wins.
 * Ownership  config_load() hands out a handle, config_free() takes it back;
 *            texts are borrowed from it.
 * Threads    read-only once loaded.
 */
#ifndef AEGIS_CONFIG_CONFIG_H
#define AEGIS_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "config/schema.h"

#define CONFIG_SYSTEM_FILE "/etc/aegis/aegis.yaml"

struct config;

/*
 * Load all layers but flags.  path NULL means the usual files, which may be
 * absent; a named file may not.  With problems not NULL every problem is
 * appended to it, a line each: "FILE:LINE:COL: path: what, expected what".
 *
 * AG_EINVAL  something is wrong: err has the first problem
 * AG_ENOENT, AG_ESYS  the file cannot be read
 */
enum ag_status config_load(struct config **out, const char *path,
    struct buf *problems, struct ag_error *err) AG_MUST_USE;

/* Defaults and one text alone, called name in problems. */
enum ag_status config_parse(struct config **out, struct bytes text,
    const char *name, struct buf *problems, struct ag_error *err) AG_MUST_USE;
void config_free(struct config *config);

/* The flag layer: origin is what to call it ("--socket"), and is copied. */
enum ag_status config_set(struct config *config, const char *path,
    const char *text, const char *origin, struct ag_error *err) AG_MUST_USE;

/* Values by path.  A path that is not in the schema, or of another kind, is
 * our own fault (AG_ASSERT). */
const char *config_text(const struct config *config, const char *path);
uint64_t config_u64(const struct config *config, const char *path);
uint64_t config_duration_ms(const struct config *config, const char *path);
uint64_t config_size(const struct config *config, const char *path);

/* The value as shown to people: secrets are ***. */
const char *config_shown(const struct config *config, size_t key);

/* "default", "/etc/aegis/aegis.yaml:12", "environment AEGIS_LOG_LEVEL". */
const char *config_origin(const struct config *config, size_t key);

/* The file that was named or is the most specific one read; may be NULL. */
const char *config_file(const struct config *config);

/* Called for every key whose value differs between two configurations. */
typedef void config_diff_fn(void *arg, const struct schema_key *key,
    const char *old_value, const char *new_value);
void config_diff(const struct config *old, const struct config *new,
    config_diff_fn *fn, void *arg);

#endif
