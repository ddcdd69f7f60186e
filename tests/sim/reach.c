/*
 * The counts of the places reached, and their names.
 */
#include "sim/reach.h"

uint64_t reach_counts[REACH_COUNT];

static const struct {
	enum reach_often often;
	const char *text;
} rows[REACH_COUNT] = {
#define REACH_ROW(name, often, text) [REACH_##name] = { REACH_##often, text },
	REACH_TABLE(REACH_ROW)
#undef REACH_ROW
};

const char *
reach_text(enum reach reach)
{
	return rows[reach].text;
}

enum reach_often
reach_often(enum reach reach)
{
	return rows[reach].often;
}
