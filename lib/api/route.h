/*
 * The table of routes: what the API can be asked, once.
 */
#ifndef AEGIS_API_ROUTE_H
#define AEGIS_API_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "api/exchange.h"

#define ROUTE_BODY_MAX (2U << 20)
#define ROUTE_LEASE_BODY_MAX 256

typedef void route_fn(struct exchange *x);

struct route {
	const char *method;
	const char *path;
	route_fn *handle;
	size_t body_max; /* 0: takes no body */
	const char *arguments[ROUTE_ARGUMENTS_MAX];
	const char *summary;
};

extern const struct route route_table[];
extern const size_t route_count;

/*
 * The route of a request; NULL when there is none.  *is_path says whether
 * the path exists with another method.  HEAD is GET.
 */
const struct route *route_find(const char *method, const char *path,
    bool *is_path);

/* The methods of a path, "GET, PUT", cut at cap. */
void route_methods(const char *path, char *out, size_t cap);

#endif
