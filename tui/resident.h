/*
 * Memory that only starting up needed.
 *
 * Threads  any.
 */
#ifndef AEGIS_TUI_RESIDENT_H
#define AEGIS_TUI_RESIDENT_H

/*
 * Let go of the pages of code and constants that are mapped from files: the
 * kernel has them still, and those in use come back at the next touch.
 */
void resident_release(void);

#endif
