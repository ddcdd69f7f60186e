/*
 * Query arguments.
 *
 * RULES    1. An argument the route does not name is refused: a misspelled
 *             if_version must not become an unconditional write.
 *          2. The same argument twice is refused, for the same reason.
 */
#include "api/argument.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/late_http.h"
#include "api/route.h"
#include "codec/text.h"

#define TIMEOUT_MS_MAX 600000

static int
place_of(const struct route *route, const char *name, size_t len)
{
	int i;

	for (i = 0; i < ROUTE_ARGUMENTS_MAX; i++)
		if (route->arguments[i] != NULL &&
		    strlen(route->arguments[i]) == len &&
		    memcmp(route->arguments[i], name, len) == 0)
			return i;
	return -1;
}

static enum MHD_Result
take_one(void *cls, enum MHD_ValueKind kind, const char *key, size_t key_len,
    const char *value, size_t value_len)
{
	struct exchange *x = cls;
	const int at = place_of(x->route, key, key_len);
	char detail[160];

	(void)kind;
	if (at < 0 || x->arguments[at].data != NULL) {
		(void)snprintf(detail, sizeof(detail),
		    at < 0 ? "%s %s knows no argument of this name: %.40s"
			   : "%s %s takes this argument once: %.40s",
		    x->route->method, x->route->path, key);
		exchange_problem(x, PROBLEM_BAD_REQUEST, detail);
		return MHD_NO;
	}
	x->arguments[at] =
	    value != NULL ? bytes_of(value, value_len) : bytes_of("", 0);
	return MHD_YES;
}

static bool
take_timeout(struct exchange *x)
{
	const char *text = MHD_lookup_connection_value(x->connection,
	    MHD_HEADER_KIND, "Aegis-Timeout-Ms");
	uint64_t value = 0;

	if (text == NULL)
		return true;
	if (!argument_parse_u64(bytes_from_text(text), &value) || value == 0 ||
	    value > TIMEOUT_MS_MAX) {
		exchange_problem(x, PROBLEM_BAD_REQUEST,
		    "the header Aegis-Timeout-Ms takes 1 to 600000");
		return false;
	}
	x->timeout_ms = (uint32_t)value;
	return true;
}

bool
argument_take_all(struct exchange *x)
{
	(void)MHD_get_connection_values_n(x->connection, MHD_GET_ARGUMENT_KIND,
	    take_one, x);
	return x->response == NULL && take_timeout(x);
}

struct bytes
argument_text(const struct exchange *x, const char *name)
{
	const int at = place_of(x->route, name, strlen(name));

	AG_ASSERT(at >= 0);
	return x->arguments[at];
}

bool
argument_is_given(const struct exchange *x, const char *name)
{
	return argument_text(x, name).data != NULL;
}

bool
argument_parse_u64(struct bytes text, uint64_t *value)
{
	uint64_t n = 0;
	size_t i;
	uint8_t digit;

	if (text.len == 0 || text.len > 20)
		return false;
	for (i = 0; i < text.len; i++) {
		digit = (uint8_t)(text.data[i] - '0');
		if (digit > 9 || n > (UINT64_MAX - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	*value = n;
	return true;
}

bool
argument_u64(struct exchange *x, const char *name, uint64_t least,
    uint64_t most, uint64_t *out)
{
	const struct bytes text = argument_text(x, name);
	char detail[128];
	uint64_t value;

	if (text.data == NULL)
		return true;
	if (argument_parse_u64(text, &value) && value >= least &&
	    value <= most) {
		*out = value;
		return true;
	}
	(void)snprintf(detail, sizeof(detail),
	    "%s takes a number from %" PRIu64 " to %" PRIu64, name, least,
	    most);
	exchange_problem(x, PROBLEM_BAD_REQUEST, detail);
	return false;
}

bool
argument_bytes(struct exchange *x, const char *name, uint8_t *out, size_t cap,
    size_t *len)
{
	const struct bytes text = argument_text(x, name);
	char detail[128];

	*len = 0;
	if (text.len == 0)
		return true;
	if (text_base64_decode(out, cap, len, text, BASE64_URL) == AG_OK)
		return true;
	(void)snprintf(detail, sizeof(detail),
	    "%s takes base64url without padding, of at most %zu bytes", name,
	    cap);
	exchange_problem(x, PROBLEM_BAD_REQUEST, detail);
	return false;
}

bool
argument_flag(struct exchange *x, const char *name, bool *out)
{
	static const struct {
		const char *text;
		bool value;
	} words[] = { { "", true }, { "1", true }, { "true", true },
		{ "0", false }, { "false", false } };
	const struct bytes text = argument_text(x, name);
	char detail[80];
	size_t i;

	*out = false;
	if (text.data == NULL)
		return true;
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (bytes_equal(text, bytes_from_text(words[i].text))) {
			*out = words[i].value;
			return true;
		}
	}
	(void)snprintf(detail, sizeof(detail), "%s takes 1 or 0", name);
	exchange_problem(x, PROBLEM_BAD_REQUEST, detail);
	return false;
}

bool
argument_consistency(struct exchange *x, enum node_consistency *consistency)
{
	const struct bytes text = argument_text(x, "consistency");

	*consistency = NODE_LINEARIZABLE;
	if (text.data == NULL ||
	    bytes_equal(text, bytes_from_text("linearizable")))
		return true;
	*consistency = NODE_LOCAL;
	if (bytes_equal(text, bytes_from_text("local")))
		return true;
	exchange_problem(x, PROBLEM_BAD_REQUEST,
	    "consistency takes linearizable or local");
	return false;
}
