/*
 * A screen: what it needs, its list, and the panels beside it.
 *
 * Panes are pure: they read a scene and draw on a canvas.
 */
#ifndef AEGIS_TUI_PANE_H
#define AEGIS_TUI_PANE_H

#include <stdbool.h>
#include <stdint.h>

#include "tui/canvas.h"
#include "tui/history.h"
#include "tui/layout.h"
#include "tui/model.h"
#include "tui/table.h"
#include "tui/view.h"

/* How the line to the node is. */
struct scene_link {
	bool is_up;
	bool was_asked; /* at least one attempt has ended */
	char error[192];
	uint64_t retry_us; /* monotonic time of the next attempt */
};

/* Everything a frame is drawn from. */
struct scene {
	const struct model *model;
	const struct history *history;
	const struct scene_link *link;
	struct view *view; /* drawing updates scroll positions only */
	uint64_t now_us;   /* monotonic */
	uint64_t now_ms;   /* wall */
	bool has_cursor;   /* off when printed for scripts */
};

#define PANE_NEEDS(part) (1U << (part))

struct pane {
	const char *tab; /* "Over" */
	enum layout_shape shape;
	unsigned needs; /* parts, by PANE_NEEDS */
	/* Begin t with table_init() and fill it. */
	void (*fill)(struct table *t, const struct scene *s);
	/* The list's title and the note at its right end. */
	void (*title)(const struct scene *s, const struct table *t, char *title,
	    char *note, size_t cap);
	/* Draw the detail of the selected row. */
	void (*detail)(struct canvas *c, struct rect area,
	    const struct scene *s, const struct table *t);
	/* Draw the panels that are this screen's own; may be NULL. */
	void (*panels)(struct canvas *c, const struct layout *l,
	    const struct scene *s);
};

extern const struct pane *const pane_table[VIEW_SCREEN_COUNT];

/* The current screen's table, filtered and sorted. */
void pane_rows(struct table *t, const struct scene *s);

/* The node whose word is shown: "n1 says", "" before it has answered. */
void pane_source(const struct scene *s, char *out, size_t cap);

/* What a state word means: OK good, SILENT bad, and so on. */
enum canvas_attr pane_word_attr(const char *word);

/* Does it vote?  An observer does not, and nothing depends on it. */
bool pane_votes(const struct model_member *m);
size_t pane_count_observers(const struct model_status *s);

/*
 * Columns with room in this one for an observer's role, when there is one;
 * wide has room for all of them.
 */
const struct table_column *pane_fit_role(const struct model_status *s,
    struct table_column *wide, const struct table_column *columns, size_t count,
    size_t role);

/* One line "label  text" of a detail; returns the next line's y. */
int pane_field(struct canvas *c, struct rect area, int y, const char *label,
    const char *fmt, ...) AG_PRINTF(5, 6);

/* Which object, in the order filled, is selected; SIZE_MAX for none. */
size_t pane_selected(const struct scene *s, const struct table *t);

#endif
