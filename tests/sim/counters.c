/*
 * The names of what is counted.
 */
#include "sim/counters.h"

static const char *const texts[COUNT_COUNT] = {
#define COUNTER_ROW(name, text) [COUNT_##name] = (text),
	COUNTER_TABLE(COUNTER_ROW)
#undef COUNTER_ROW
};

const char *
counter_text(enum counter counter)
{
	return texts[counter];
}
