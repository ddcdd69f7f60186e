/*
 * The engine of an observer: it follows what the members decide, and votes
 * on nothing.
 *
 * A strategy like the others to whoever drives it (engine.h), with these
 * differences: its config's self is a node's index at or above member_count,
 * it asks for no record to be kept, and it is never named by a roster.
 */
#ifndef AEGIS_CONSENSUS_OBSERVER_H
#define AEGIS_CONSENSUS_OBSERVER_H

#include "consensus/engine.h"

extern const struct strategy strategy_observer;

#endif
