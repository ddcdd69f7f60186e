/*
 * The screens there are, one per file.
 */
#ifndef AEGIS_TUI_PANES_H
#define AEGIS_TUI_PANES_H

#include "tui/pane.h"

extern const struct pane overview_pane;
extern const struct pane nodes_pane;
extern const struct pane consensus_pane;
extern const struct pane alerts_pane;
extern const struct pane logs_pane;

/* The detail of a member, which the overview opens too. */
void nodes_detail(struct canvas *c, struct rect area, const struct scene *s,
    const struct table *t);

/* The first rows of the rounds and of the alerts, for the overview. */
void consensus_fill(struct table *t, const struct scene *s);
void alerts_fill(struct table *t, const struct scene *s);
void logs_fill_warnings(struct table *t, const struct scene *s);

#endif
