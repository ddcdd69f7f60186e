/*
 * The names of what is counted.
 */
#include "sim/counters.h"

static const struct {
	enum counter_kind kind;
	const char *text;
} rows[COUNT_COUNT] = {
#define COUNTER_ROW(name, kind, text) [COUNT_##name] = { COUNTER_##kind, text },
	COUNTER_TABLE(COUNTER_ROW)
#undef COUNTER_ROW
};

const char *
counter_text(enum counter counter)
{
	return rows[counter].text;
}

enum counter_kind
counter_kind(enum counter counter)
{
	return rows[counter].kind;
}
