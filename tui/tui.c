/*
 * `aegis tui`: the loop of the live dashboard, and its screens as text.
 *
 * STATES   open the terminal, paint, start fetching; then wait for keys,
 *          signals, the second's tick and news, and paint what changed.
 *
 * RULES    1. The first frame is on the screen before the node is asked.
 *          2. Losing the node never ends the dashboard; losing the terminal
 *             always does.
 *          3. Signals are read from a descriptor: nothing is done in
 *             handlers, and the terminal is restored on the way out.
 *
 * NOT HERE Keys (view.c), drawing (frame.c), curses (screen.c).
 */
#include "tui/tui.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <locale.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <wchar.h>

#include "base/clock.h"
#include "base/fs.h"
#include "tui/format.h"
#include "tui/frame.h"
#include "tui/resident.h"
#include "tui/screen.h"
#include "tui/source.h"

#define FIXTURE_BYTES_MAX (8U << 20)
#define OUTPUT_BYTES_MAX (4U << 20)
#define ONCE_WIDTH 80
#define WRITE_WIDTH 160
#define SIZE_MAX_SIDE 1000

enum { POLL_KEYS, POLL_SIGNALS, POLL_TICK, POLL_NEWS, POLL_COUNT };

struct tui {
	const struct tui_options *options;
	struct model model;
	struct history history;
	struct scene_link link;
	struct view view;
	struct screen *screen;
	struct canvas *canvas;
	struct source *source;
	struct pollfd fds[POLL_COUNT];
	uint64_t clock_ms; /* of a clock that stands, 0: the real one */
	uint64_t frames;
	bool is_ascii;
	bool is_done;
	int signo;
};

/* Box lines and marks must be one column wide in this locale. */
static bool
locale_is_plain(void)
{
	return wcwidth(0x2500) != 1 || wcwidth(0x25CF) != 1 ||
	    wcwidth(0x2581) != 1;
}

static struct scene
make_scene(struct tui *t, bool has_cursor)
{
	return (struct scene){ .model = &t->model,
		.history = &t->history,
		.link = &t->link,
		.view = &t->view,
		.now_us = clock_mono_us(),
		.now_ms = t->clock_ms != 0 ? t->clock_ms : clock_wall_ms(),
		.has_cursor = has_cursor };
}

static void
see_status(void *arg, const struct model_status *status)
{
	history_add(arg, status);
}

static enum ag_status
load_fixture(struct tui *t, struct ag_error *err)
{
	struct buf file;
	enum ag_status status = AG_OK;

	buf_init(&file, FIXTURE_BYTES_MAX);
	status = fs_read_file(t->options->fixture, &file, err);
	if (status == AG_OK)
		status = model_parse_fixture(&t->model, buf_bytes(&file),
		    see_status, &t->history, err);
	buf_fini(&file);
	for (int i = 0; i < MODEL_PART_COUNT; i++)
		t->model.at_us[i] = clock_mono_us();
	t->link.was_asked = true;
	t->link.is_up = status == AG_OK;
	return status;
}

/* "80x24" into two sides. */
static bool
parse_size(const char *text, int *width, int *height)
{
	char *end = NULL;
	long w = strtol(text, &end, 10);
	long h = 0;

	if (end == text || *end != 'x')
		return false;
	text = end + 1;
	h = strtol(text, &end, 10);
	if (end == text || *end != '\0' || w < 1 || h < 1 ||
	    w > SIZE_MAX_SIDE || h > SIZE_MAX_SIDE)
		return false;
	*width = (int)w;
	*height = (int)h;
	return true;
}

/* The current screen as text, at a size of its own. */
static enum ag_status
render(struct tui *t, int width, int height, struct buf *out,
    struct ag_error *err)
{
	struct scene s = make_scene(t, true);
	struct canvas *c = NULL;
	enum ag_status status = AG_OK;

	c = canvas_new(width, height, t->is_ascii);
	if (c == NULL)
		return ag_fail(err, AG_ENOMEM, "draw %dx%d", width, height);
	frame_draw(c, &s);
	status = canvas_write(c, out);
	canvas_free(c);
	if (status != AG_OK)
		return ag_fail(err, status, "draw %dx%d", width, height);
	return AG_OK;
}

static enum ag_status
once_size(struct tui *t, int *width, int *height, struct ag_error *err)
{
	const char *columns = getenv("COLUMNS");
	struct scene s = make_scene(t, false);

	*width = ONCE_WIDTH;
	if (columns != NULL) {
		long wanted = strtol(columns, NULL, 10);

		if (wanted >= 1 && wanted <= SIZE_MAX_SIDE)
			*width = (int)wanted;
	}
	*height = frame_full_height(&s);
	if (t->options->size != NULL &&
	    !parse_size(t->options->size, width, height))
		return ag_fail(err, AG_EINVAL,
		    "--size %s: give it as 80x24, each side 1 to %d",
		    t->options->size, SIZE_MAX_SIDE);
	return AG_OK;
}

static enum ag_status
run_once(struct tui *t, struct ag_error *err)
{
	const struct pane *pane = pane_table[t->view.screen];
	struct buf text;
	int width = 0;
	int height = 0;
	enum ag_status status = AG_OK;

	buf_init(&text, OUTPUT_BYTES_MAX);
	if (t->options->fixture == NULL) {
		status = source_fetch(t->options->socket_path, pane->needs,
		    &t->model, err);
		t->link.is_up = status == AG_OK;
	}
	if (status == AG_OK)
		status = once_size(t, &width, &height, err);
	if (status == AG_OK)
		status = render(t, width, height, &text, err);
	if (status == AG_OK)
		status = fs_write(STDOUT_FILENO, "standard output",
		    buf_bytes(&text), err);
	buf_fini(&text);
	return status;
}

static void
mark_frame(struct tui *t)
{
	t->frames++;
	if (t->options->frame_fd < 0)
		return;
	(void)dprintf(t->options->frame_fd, "@frame %" PRIu64 "\n", t->frames);
}

static void
paint(struct tui *t)
{
	struct scene s = make_scene(t, true);
	int width = 0;
	int height = 0;

	screen_size(t->screen, &width, &height);
	if (t->canvas == NULL || t->canvas->width != width ||
	    t->canvas->height != height) {
		canvas_free(t->canvas);
		t->canvas = canvas_new(width, height, t->is_ascii);
	}
	if (t->canvas == NULL)
		return;
	frame_draw(t->canvas, &s);
	screen_show(t->screen, t->canvas);
	mark_frame(t);
}

/* The selected row's cells, a tab between, to the terminal's clipboard. */
static void
copy_row(struct tui *t)
{
	struct scene s = make_scene(t, true);
	struct buf text;
	struct table rows;
	size_t at = 0;
	enum ag_status status = AG_OK;

	buf_init(&text, OUTPUT_BYTES_MAX);
	pane_rows(&rows, &s);
	at = table_select(&rows, &t->view.places[t->view.screen]);
	for (size_t i = 0;
	     at != SIZE_MAX && status == AG_OK && i < rows.column_count; i++)
		status = buf_printf(&text, "%s%s", i > 0 ? "\t" : "",
		    table_text(&rows, &rows.rows[at].cells[i]));
	if (at != SIZE_MAX && status == AG_OK) {
		screen_copy(t->screen, (const char *)text.data);
		view_say(&t->view, false,
		    "copied the row, if the terminal lets us");
	} else {
		view_say(&t->view, true, "no row to copy");
	}
	table_fini(&rows);
	buf_fini(&text);
}

static void
write_file(struct tui *t)
{
	struct scene s = make_scene(t, true);
	struct ag_error err;
	struct buf text;
	enum ag_status status = AG_OK;

	buf_init(&text, OUTPUT_BYTES_MAX);
	status = render(t, WRITE_WIDTH, frame_full_height(&s), &text, &err);
	if (status == AG_OK)
		status =
		    fs_create_file(t->view.path, 0600, buf_bytes(&text), &err);
	if (status == AG_OK)
		view_say(&t->view, false, "wrote %.200s", t->view.path);
	else
		view_say(&t->view, true, "%.250s", err.text);
	buf_fini(&text);
}

static void
refetch(struct tui *t)
{
	struct ag_error err;

	if (t->source != NULL)
		source_hurry(t->source);
	else if (load_fixture(t, &err) != AG_OK)
		view_say(&t->view, true, "%.250s", err.text);
}

static void
serve(struct tui *t, enum view_request request)
{
	switch (request) {
	case VIEW_WANTS_NOTHING:
		break;
	case VIEW_WANTS_QUIT:
		t->is_done = true;
		break;
	case VIEW_WANTS_COPY:
		copy_row(t);
		break;
	case VIEW_WANTS_WRITE:
		write_file(t);
		break;
	case VIEW_WANTS_REFETCH:
		refetch(t);
		break;
	case VIEW_WANTS_REDRAW:
		screen_forget(t->screen);
		break;
	case VIEW_WANTS_SUSPEND:
		screen_suspend(t->screen);
		break;
	case VIEW_WANTS_THEME:
		screen_set_color(t->screen,
		    t->options->has_color &&
			strcmp(t->view.theme, "mono") != 0);
		break;
	}
}

static void
take_news(struct tui *t)
{
	const struct model_status *before = t->model.status;

	if (t->source == NULL || t->view.is_paused)
		return;
	source_take(t->source, &t->model, &t->link);
	if (t->model.status == NULL || t->model.status == before)
		return;
	history_add(&t->history, t->model.status);
	/* By the second answer all that asks and reads has run once. */
	if (t->history.count == 2)
		resident_release();
}

static void
take_keys(struct tui *t)
{
	uint32_t code = 0;

	while (!t->is_done && screen_key(t->screen, &code)) {
		struct scene s = make_scene(t, true);
		struct table rows;
		enum view_request request = VIEW_WANTS_NOTHING;

		pane_rows(&rows, &s);
		request = view_key(&t->view, code, &rows, s.now_us);
		table_fini(&rows);
		serve(t, request);
	}
	if (t->source != NULL)
		source_want(t->source, pane_table[t->view.screen]->needs,
		    t->view.interval_ms);
}

static void
take_signal(struct tui *t)
{
	struct signalfd_siginfo info;

	while (read(t->fds[POLL_SIGNALS].fd, &info, sizeof(info)) ==
	    (ssize_t)sizeof(info)) {
		int signo = (int)info.ssi_signo;

		if (signo == SIGWINCH) {
			screen_resize(t->screen);
		} else if (signo == SIGTSTP) {
			screen_suspend(t->screen);
		} else if (signo != SIGCONT) {
			t->signo = signo;
			t->is_done = true;
		}
	}
}

static void
drain(int fd)
{
	uint64_t count = 0;

	while (read(fd, &count, sizeof(count)) == (ssize_t)sizeof(count))
		continue;
}

static enum ag_status
open_signals(struct tui *t, struct ag_error *err)
{
	static const int signals[] = { SIGWINCH, SIGTERM, SIGINT, SIGHUP,
		SIGTSTP, SIGCONT };
	sigset_t set;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		(void)sigaddset(&set, signals[i]);
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
	t->fds[POLL_SIGNALS].fd =
	    signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (t->fds[POLL_SIGNALS].fd == -1)
		return ag_fail_sys(err, "watch for signals");
	return AG_OK;
}

/* Ticks at whole seconds, so that the clock does not skip. */
static enum ag_status
open_tick(struct tui *t, struct ag_error *err)
{
	struct itimerspec when = { .it_interval.tv_sec = 1 };
	int fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);

	if (fd == -1)
		return ag_fail_sys(err, "start the clock");
	t->fds[POLL_TICK].fd = fd;
	when.it_value.tv_sec = (time_t)(clock_wall_ms() / 1000) + 1;
	if (timerfd_settime(fd, TFD_TIMER_ABSTIME, &when, NULL) == -1)
		return ag_fail_sys(err, "start the clock");
	return AG_OK;
}

static enum ag_status
open_news(struct tui *t, struct ag_error *err)
{
	t->fds[POLL_NEWS].fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (t->fds[POLL_NEWS].fd == -1)
		return ag_fail_sys(err, "wait for news");
	return AG_OK;
}

static enum ag_status
open_descriptors(struct tui *t, struct ag_error *err)
{
	enum ag_status status = AG_OK;

	t->fds[POLL_KEYS].fd = STDIN_FILENO;
	for (int i = 0; i < POLL_COUNT; i++)
		t->fds[i].events = POLLIN;
	status = open_signals(t, err);
	/* A clock that stands needs no tick. */
	if (status == AG_OK && t->clock_ms == 0)
		status = open_tick(t, err);
	if (status == AG_OK)
		status = open_news(t, err);
	return status;
}

static void
loop(struct tui *t)
{
	while (!t->is_done) {
		if (poll(t->fds, POLL_COUNT, -1) == -1) {
			if (errno != EINTR)
				return;
			continue;
		}
		if (t->fds[POLL_SIGNALS].revents != 0)
			take_signal(t);
		if (t->fds[POLL_TICK].revents != 0)
			drain(t->fds[POLL_TICK].fd);
		if (t->fds[POLL_NEWS].revents != 0) {
			drain(t->fds[POLL_NEWS].fd);
			take_news(t);
		}
		if ((t->fds[POLL_KEYS].revents & POLLIN) != 0)
			take_keys(t);
		if ((t->fds[POLL_KEYS].revents & (POLLHUP | POLLERR)) != 0) {
			t->signo = SIGHUP;
			return;
		}
		if (!t->is_done)
			paint(t);
	}
}

static enum ag_status
run_live(struct tui *t, struct ag_error *err)
{
	enum ag_status status = open_descriptors(t, err);

	if (status == AG_OK)
		status = screen_open(&t->screen, t->options->has_color, err);
	if (status != AG_OK)
		return status;
	paint(t);
	if (t->options->fixture == NULL)
		status = source_new(&t->source, t->options->socket_path,
		    t->fds[POLL_NEWS].fd, err);
	if (status == AG_OK) {
		if (t->source != NULL)
			source_want(t->source,
			    pane_table[t->view.screen]->needs,
			    t->view.interval_ms);
		resident_release();
		loop(t);
	}
	screen_close(t->screen);
	source_free(t->source);
	return status;
}

static enum ag_status
configure(struct tui *t, struct ag_error *err)
{
	const struct tui_options *o = t->options;
	const char *name = o->once != NULL ? o->once : o->screen;

	if (o->interval_ms < VIEW_INTERVAL_MIN_MS ||
	    o->interval_ms > VIEW_INTERVAL_MAX_MS)
		return ag_fail(err, AG_EINVAL, "--interval: from 250ms to 60s");
	t->view.interval_ms = o->interval_ms;
	if (name != NULL) {
		t->view.screen = view_screen_find(name);
		if (t->view.screen == VIEW_SCREEN_COUNT)
			return ag_fail(err, AG_EINVAL,
			    "no screen \"%s\": there are overview, nodes, "
			    "consensus, alerts and logs",
			    name);
	}
	if (o->clock != NULL && !format_parse_time(o->clock, &t->clock_ms))
		return ag_fail(err, AG_EINVAL,
		    "--clock %s: give it as 2026-11-24T04:31:07Z", o->clock);
	if (o->fixture != NULL)
		return load_fixture(t, err);
	return AG_OK;
}

static void
close_descriptors(struct tui *t)
{
	for (int i = POLL_SIGNALS; i < POLL_COUNT; i++)
		if (t->fds[i].fd >= 0)
			(void)close(t->fds[i].fd);
}

enum ag_status
tui_main(const struct tui_options *options, int *signo, struct ag_error *err)
{
	struct tui t = { .options = options };
	enum ag_status status = AG_OK;

	*signo = 0;
	/* Two threads and little memory: one arena is enough. */
	(void)mallopt(M_ARENA_MAX, 1);
	/* Of the locale, what the terminal shows and no more. */
	(void)setlocale(LC_CTYPE, "");
	t.is_ascii = options->is_ascii || locale_is_plain();
	for (int i = 0; i < POLL_COUNT; i++)
		t.fds[i].fd = -1;
	view_init(&t.view);
	status = configure(&t, err);
	if (status == AG_OK && options->once != NULL)
		status = run_once(&t, err);
	else if (status == AG_OK)
		status = run_live(&t, err);
	*signo = t.signo;
	close_descriptors(&t);
	canvas_free(t.canvas);
	view_fini(&t.view);
	model_fini(&t.model);
	return status;
}
