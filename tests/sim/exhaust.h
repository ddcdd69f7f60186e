/*
 * The small scope, exhaustively: from the moment of a scene on, every order in
 * which so many of the messages in flight can arrive.
 */
#ifndef AEGIS_SIM_EXHAUST_H
#define AEGIS_SIM_EXHAUST_H

#include <stdbool.h>
#include <stdint.h>

#define EXHAUST_DEPTH_MAX 12

/*
 * All states that so many arrivals lead to, in every scene, on so many
 * processes: the program's exit status.
 */
int exhaust_run(uint32_t most, unsigned int jobs);

/*
 * One path, as a violation shows it: "3,0,1,2,late".  2 when it is none, 1
 * when a rule is broken on it.
 */
int exhaust_one(const char *path, bool is_traced);

#endif
