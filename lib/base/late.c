/*
 * Libraries that are loaded when they are first used, not at the start.
 *
 * RULES    1. A library's own imports are bound as its builder chose, as at
 *             a start: binding all at once costs more than the load.
 *          2. Its names are its own: what it exports hides nothing of ours.
 */
#include "base/late.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

static pthread_mutex_t load_lock = PTHREAD_MUTEX_INITIALIZER;

static enum ag_status
load_failed(const struct late_library *library, struct ag_error *err)
{
	const char *why = dlerror();

	return ag_fail(err, AG_ESYS, "load %s: %s; install the package %s",
	    library->soname, why != NULL ? why : "a function is not there",
	    library->package);
}

static enum ag_status
load(struct late_library *library, struct ag_error *err)
{
	void *handle = dlopen(library->soname, RTLD_LAZY | RTLD_LOCAL);
	unsigned char *slot = library->slots;
	const char *name;
	void *function;

	if (handle == NULL)
		return load_failed(library, err);
	for (name = library->names; *name != '\0'; name += strlen(name) + 1) {
		function = dlsym(handle, name);
		if (function == NULL)
			return load_failed(library, err);
		memcpy(slot, &function, sizeof(function));
		slot += sizeof(function);
	}
	AG_ASSERT(
	    slot == (unsigned char *)library->slots + library->slots_size);
	return library->check != NULL ? library->check(err) : AG_OK;
}

enum ag_status
late_load(struct late_library *library, struct ag_error *err)
{
	enum ag_status status = AG_OK;

	if (atomic_load_explicit(&library->is_loaded, memory_order_acquire))
		return AG_OK;
	(void)pthread_mutex_lock(&load_lock);
	if (!library->is_loaded) {
		status = load(library, err);
		atomic_store_explicit(&library->is_loaded, status == AG_OK,
		    memory_order_release);
	}
	(void)pthread_mutex_unlock(&load_lock);
	return status;
}
