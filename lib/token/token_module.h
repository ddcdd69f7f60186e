/*
 * PKCS#11 modules: the libraries that speak to tokens.
 *
 * A module is loaded by its absolute path, or by a name that is looked for in
 * the folders that were set and then in those of the system, and stays loaded.
 * Without either it is p11-kit's proxy, which has all modules that the system
 * has registered.
 *
 * Ownership  token_module_open() hands out, token_module_close() takes back.
 * Threads    any.
 */
#ifndef AEGIS_TOKEN_TOKEN_MODULE_H
#define AEGIS_TOKEN_TOKEN_MODULE_H

#include <p11-kit/pkcs11.h>

#include "base/status.h"
#include "token/token_uri.h"

#define TOKEN_MODULE_DIRS_BYTES 1024

struct token_module;

/*
 * Folders to look in first, absolute, with colons between.  AG_EINVAL one is
 * not absolute, AG_ELIMIT.
 */
enum ag_status token_module_set_dirs(const char *dirs,
    struct ag_error *err) AG_MUST_USE;

/*
 * AG_ENOENT    there is no such file
 * AG_EREFUSED  anybody may write it
 * AG_ESYS      it can not be loaded, or is no module
 */
enum ag_status token_module_open(struct token_module **out,
    const struct token_uri *uri, struct ag_error *err) AG_MUST_USE;
void token_module_close(struct token_module *module);

/*
 * Have it look for tokens anew.  Only who alone uses it can: AG_EBUSY.
 */
enum ag_status token_module_restart(struct token_module *module,
    struct ag_error *err) AG_MUST_USE;

CK_FUNCTION_LIST *token_module_functions(const struct token_module *module);
const char *token_module_path(const struct token_module *module);

/* What went wrong, as "WHAT: why". */
enum ag_status token_module_fail(struct ag_error *err, CK_RV code,
    const char *what);

#endif
