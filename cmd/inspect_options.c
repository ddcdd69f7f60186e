/*
 * Values that several commands of consensus-inspect take.
 */
#include "cmd/inspect_options.h"

#include "cmd/options.h"
#include "trust/field.h"

bool
inspect_options_limit(struct applet_call *call, uint64_t *limit)
{
	struct ag_error err;

	*limit = INSPECT_LIMIT;
	if (options_count_value(&call->options, "limit", 1, UINT64_MAX, limit,
		&err) == AG_OK)
		return true;
	(void)applet_usage(call, "%s", err.text);
	return false;
}

bool
inspect_options_from(struct applet_call *call, uint64_t *from)
{
	struct ag_error err;

	if (options_count_value(&call->options, "from", 1, UINT64_MAX, from,
		&err) == AG_OK)
		return true;
	(void)applet_usage(call, "%s", err.text);
	return false;
}

bool
inspect_options_seq(struct applet_call *call, uint64_t *seq)
{
	if (field_parse_u64(seq, bytes_from_text(call->operands[0])) &&
	    *seq != 0)
		return true;
	(void)applet_usage(call,
	    "SEQ '%s' is not a sequence number: decimal, from 1 on",
	    call->operands[0]);
	return false;
}
