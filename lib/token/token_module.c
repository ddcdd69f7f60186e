/*
 * PKCS#11 modules.
 *
 * RULES    1. A module is initialised once in a process, whoever uses it, and
 *             by the first who does: after every fork.
 *          2. It runs as we do.  One that anybody may write is not loaded.
 */
#include "token/token_module.h"

#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DEFAULT_NAME "p11-kit-proxy"

/* Where distributions put them, and where administrators do. */
static const char *const dirs[] = {
	"/usr/local/lib/pkcs11",
	"/usr/lib/pkcs11",
	"/usr/lib/x86_64-linux-gnu/pkcs11",
	"/usr/lib/aarch64-linux-gnu/pkcs11",
	"/usr/lib64/pkcs11",
	"/usr/lib/softhsm",
	"/usr/lib/x86_64-linux-gnu/softhsm",
	"/usr/lib/x86_64-linux-gnu",
	"/usr/lib/aarch64-linux-gnu",
	"/usr/lib64",
};

/* Those that were set; with the lock held. */
static char own_dirs[TOKEN_MODULE_DIRS_BYTES];

struct token_module {
	struct token_module *next;
	CK_FUNCTION_LIST *functions;
	unsigned int uses;
	char path[PATH_MAX];
};

static pthread_mutex_t modules_lock = PTHREAD_MUTEX_INITIALIZER;
static struct token_module *modules;

static const struct failure {
	CK_RV code;
	enum ag_status status;
	const char *why;
} failures[] = {
	{ CKR_PIN_INCORRECT, AG_EDENIED, "wrong PIN" },
	{ CKR_PIN_INVALID, AG_EDENIED, "wrong PIN" },
	{ CKR_PIN_LEN_RANGE, AG_EDENIED, "wrong PIN" },
	{ CKR_PIN_EXPIRED, AG_EDENIED, "the PIN has expired" },
	{ CKR_PIN_LOCKED, AG_EDENIED, "the PIN is locked" },
	{ CKR_USER_NOT_LOGGED_IN, AG_EDENIED, "not logged in" },
	{ CKR_USER_PIN_NOT_INITIALIZED, AG_EDENIED,
	    "the token's user has no PIN yet" },
	{ CKR_KEY_FUNCTION_NOT_PERMITTED, AG_EREFUSED,
	    "the key is not for that" },
	{ CKR_KEY_TYPE_INCONSISTENT, AG_EREFUSED, "the key is not for that" },
	{ CKR_ACTION_PROHIBITED, AG_EREFUSED, "the token forbids it" },
	{ CKR_TOKEN_WRITE_PROTECTED, AG_EREFUSED,
	    "the token is write-protected" },
	{ CKR_MECHANISM_INVALID, AG_EVERSION, "the token can not do that" },
	{ CKR_MECHANISM_PARAM_INVALID, AG_EVERSION,
	    "the token can not do that" },
	{ CKR_ARGUMENTS_BAD, AG_EVERSION, "the token can not do that" },
	{ CKR_FUNCTION_NOT_SUPPORTED, AG_EVERSION,
	    "the token can not do that" },
	{ CKR_CURVE_NOT_SUPPORTED, AG_EVERSION, "the token has no such curve" },
	{ CKR_DEVICE_MEMORY, AG_ELIMIT, "the token is full" },
	{ CKR_HOST_MEMORY, AG_ENOMEM, "out of memory" },
	{ CKR_DEVICE_REMOVED, AG_EUNREACH, "the token was removed" },
	{ CKR_TOKEN_NOT_PRESENT, AG_EUNREACH, "the token was removed" },
	{ CKR_TOKEN_NOT_RECOGNIZED, AG_EUNREACH, "the token is not readable" },
	{ CKR_SLOT_ID_INVALID, AG_EUNREACH, "the token was removed" },
	{ CKR_SESSION_HANDLE_INVALID, AG_EUNREACH, "the token was removed" },
	{ CKR_SESSION_CLOSED, AG_EUNREACH, "the token was removed" },
	{ CKR_OBJECT_HANDLE_INVALID, AG_EUNREACH,
	    "the key is not in the token any more" },
	{ CKR_KEY_HANDLE_INVALID, AG_EUNREACH,
	    "the key is not in the token any more" },
	{ CKR_DEVICE_ERROR, AG_EUNREACH, "the token reports a fault" },
};

enum ag_status
token_module_fail(struct ag_error *err, CK_RV code, const char *what)
{
	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++)
		if (failures[i].code == code)
			return ag_fail(err, failures[i].status, "%s: %s", what,
			    failures[i].why);
	return ag_fail(err, AG_ESYS, "%s: PKCS#11 error 0x%lx", what,
	    (unsigned long)code);
}

static bool
is_file(char path[static PATH_MAX], const char *dir, const char *before,
    const char *name, const char *behind)
{
	int len =
	    snprintf(path, PATH_MAX, "%s/%s%s%s", dir, before, name, behind);
	struct stat st;

	return len > 0 && len < PATH_MAX && stat(path, &st) == 0 &&
	    S_ISREG(st.st_mode);
}

/* The file of a name in a folder: with .so behind it, lib before it, or as it
 * is. */
static bool
find_in(char path[static PATH_MAX], const char *dir, const char *name)
{
	return is_file(path, dir, "", name, ".so") ||
	    is_file(path, dir, "lib", name, ".so") ||
	    is_file(path, dir, "", name, "");
}

static bool
find_name(char path[static PATH_MAX], const char *name)
{
	char own[TOKEN_MODULE_DIRS_BYTES], *rest = own, *dir;

	memcpy(own, own_dirs, sizeof(own));
	while ((dir = strsep(&rest, ":")) != NULL)
		if (dir[0] != '\0' && find_in(path, dir, name))
			return true;
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		if (find_in(path, dirs[i], name))
			return true;
	return false;
}

enum ag_status
token_module_set_dirs(const char *text, struct ag_error *err)
{
	if (strlen(text) >= sizeof(own_dirs))
		return ag_fail(err, AG_ELIMIT,
		    "folders of PKCS#11 modules: more than %zu bytes",
		    sizeof(own_dirs) - 1);
	for (const char *at = text; at != NULL && *at != '\0';) {
		const char *end = strchr(at, ':');

		if (*at != '/')
			return ag_fail(err, AG_EINVAL,
			    "folders of PKCS#11 modules: '%s': they begin "
			    "with '/'",
			    text);
		at = end == NULL ? NULL : end + 1;
	}
	(void)pthread_mutex_lock(&modules_lock);
	(void)snprintf(own_dirs, sizeof(own_dirs), "%s", text);
	(void)pthread_mutex_unlock(&modules_lock);
	return AG_OK;
}

static enum ag_status
find_path(char path[static PATH_MAX], const struct token_uri *uri,
    struct ag_error *err)
{
	const char *name =
	    uri->module_name[0] != '\0' ? uri->module_name : DEFAULT_NAME;

	if (uri->module_path[0] != '\0') {
		(void)snprintf(path, PATH_MAX, "%s", uri->module_path);
		return AG_OK;
	}
	if (find_name(path, name))
		return AG_OK;
	return ag_fail(err, AG_ENOENT,
	    "PKCS#11 module %s: not found in %s and the like; name it by "
	    "module-path=/PATH in the URI",
	    name, dirs[1]);
}

static enum ag_status
check_file(const char *path, struct ag_error *err)
{
	struct stat st;

	if (stat(path, &st) == -1)
		return ag_fail_sys(err, "open PKCS#11 module %s", path);
	if ((st.st_mode & S_IWOTH) != 0)
		return ag_fail(err, AG_EREFUSED,
		    "PKCS#11 module %s: anybody may write it; it is not "
		    "loaded",
		    path);
	return AG_OK;
}

static enum ag_status
load(struct token_module *m, struct ag_error *err)
{
	void *handle = dlopen(m->path, RTLD_NOW | RTLD_LOCAL);
	CK_C_GetFunctionList get = NULL;
	void *symbol;

	if (handle == NULL)
		return ag_fail(err, AG_ESYS, "load PKCS#11 module %s: %s",
		    m->path, dlerror());
	symbol = dlsym(handle, "C_GetFunctionList");
	memcpy(&get, &symbol, sizeof(get));
	if (get == NULL || get(&m->functions) != CKR_OK ||
	    m->functions == NULL || m->functions->version.major < 2)
		return ag_fail(err, AG_ESYS,
		    "load PKCS#11 module %s: it is none", m->path);
	return AG_OK;
}

static enum ag_status
initialize(struct token_module *m, struct ag_error *err)
{
	CK_C_INITIALIZE_ARGS arguments = { .flags = CKF_OS_LOCKING_OK };
	CK_RV code = m->functions->C_Initialize(&arguments);

	if (code == CKR_OK || code == CKR_CRYPTOKI_ALREADY_INITIALIZED)
		return AG_OK;
	(void)token_module_fail(err, code, "initialise");
	ag_error_prefix(err, "PKCS#11 module %s", m->path);
	return AG_ESYS;
}

/* With the lock held: it is then the first of them. */
static enum ag_status
add(const char *path, struct ag_error *err)
{
	struct token_module *m = calloc(1, sizeof(*m));
	enum ag_status status;

	if (m == NULL)
		return ag_fail(err, AG_ENOMEM, "token: out of memory");
	(void)snprintf(m->path, sizeof(m->path), "%s", path);
	status = check_file(path, err);
	if (status == AG_OK)
		status = load(m, err);
	if (status != AG_OK) {
		free(m);
		return status;
	}
	m->next = modules;
	modules = m;
	return AG_OK;
}

/* With the lock held. */
static enum ag_status
open_path(struct token_module **out, const char *path, struct ag_error *err)
{
	enum ag_status status = AG_OK;
	struct token_module *m = modules;

	while (m != NULL && strcmp(m->path, path) != 0)
		m = m->next;
	if (m == NULL) {
		status = add(path, err);
		if (status != AG_OK)
			return status;
		m = modules;
	}
	if (m->uses == 0)
		status = initialize(m, err);
	if (status != AG_OK)
		return status;
	m->uses++;
	*out = m;
	return AG_OK;
}

enum ag_status
token_module_open(struct token_module **out, const struct token_uri *uri,
    struct ag_error *err)
{
	char path[PATH_MAX];
	enum ag_status status;

	*out = NULL;
	(void)pthread_mutex_lock(&modules_lock);
	status = find_path(path, uri, err);
	if (status == AG_OK)
		status = open_path(out, path, err);
	(void)pthread_mutex_unlock(&modules_lock);
	return status;
}

void
token_module_close(struct token_module *m)
{
	if (m == NULL)
		return;
	(void)pthread_mutex_lock(&modules_lock);
	m->uses--;
	if (m->uses == 0)
		(void)m->functions->C_Finalize(NULL);
	(void)pthread_mutex_unlock(&modules_lock);
}

enum ag_status
token_module_restart(struct token_module *m, struct ag_error *err)
{
	enum ag_status status;

	(void)pthread_mutex_lock(&modules_lock);
	if (m->uses > 1) {
		status = ag_fail(err, AG_EBUSY,
		    "PKCS#11 module %s: others use it", m->path);
	} else {
		(void)m->functions->C_Finalize(NULL);
		status = initialize(m, err);
	}
	(void)pthread_mutex_unlock(&modules_lock);
	return status;
}

CK_FUNCTION_LIST *
token_module_functions(const struct token_module *m)
{
	return m->functions;
}

const char *
token_module_path(const struct token_module *m)
{
	return m->path;
}
