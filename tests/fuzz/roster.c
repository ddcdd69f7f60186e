/*
 * Rosters from anywhere.
 *
 * Oracle: what is accepted is written and accepted again as the same cluster
 * with the same text; what is refused is told with the file's name first.
 * The member grammar is driven with the same bytes.
 */
#include <stdlib.h>

#include "trust/roster.h"
#include "trust/roster_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct roster roster, again;

static void
check_round_trip(void)
{
	struct ag_error err;
	struct buf text, second;

	buf_init(&text, ROSTER_FILE_BYTES_MAX);
	buf_init(&second, ROSTER_FILE_BYTES_MAX);
	AG_ASSERT(roster_format(&roster, &text) == AG_OK);
	AG_ASSERT(roster_parse(&again, buf_bytes(&text), "f", &err) == AG_OK);
	AG_ASSERT(
	    memcmp(again.cluster_id, roster.cluster_id, CLUSTER_ID_BYTES) == 0);
	AG_ASSERT(roster_format(&again, &second) == AG_OK);
	AG_ASSERT(bytes_equal(buf_bytes(&text), buf_bytes(&second)));
	buf_fini(&second);
	buf_fini(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct roster_member member;
	struct ag_error err;
	struct buf text;

	if (roster_parse(&roster, bytes_of(data, len), "f", &err) == AG_OK)
		check_round_trip();
	else
		AG_ASSERT(err.text[0] == 'f' && err.text[1] == ':');
	if (roster_text_parse_member(&member, bytes_of(data, len), "f", &err) !=
	    AG_OK)
		return 0;
	buf_init(&text, 4096);
	AG_ASSERT(roster_text_format_member(&member, &text) == AG_OK);
	AG_ASSERT(roster_text_parse_member(&again.members[0], buf_bytes(&text),
		      "f", &err) == AG_OK);
	AG_ASSERT(memcmp(&again.members[0], &member, sizeof(member)) == 0);
	buf_fini(&text);
	return 0;
}
