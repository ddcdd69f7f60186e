/*
 * Which of consensus/plant.h's mistakes is made: the one that $PLANT names.
 *
 * Linked with an engine that was built for it, by the simulator or by a unit
 * that need not know.
 */
#include <stdlib.h>

#include "consensus/plant.h"

unsigned int plant;

__attribute__((constructor)) static void
plant_choose(void)
{
	const char *number = getenv("PLANT");

	if (number != NULL)
		plant = (unsigned int)strtoul(number, NULL, 10);
}
