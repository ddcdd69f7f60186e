/*
 * The terminal: the only part that knows curses.
 *
 * RULES    1. newterm(), not initscr(): a bad TERM is an error, not an exit.
 *          2. The terminal is given back on every way out: close, suspend,
 *             and, from the saved settings and one fixed string, when the
 *             process dies of its own fault.
 *          3. At most 16 colour pairs, by meaning; blue and orange, never
 *             red against green.  Without colour, attributes of the cell.
 *          4. Curses is told of changed cells only and sends once a frame.
 *
 * NOT HERE What is drawn (frame.c) and when (tui.c).
 */
#include "tui/screen.h"

#include <errno.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

#include <curses.h>
#include <term.h>

#include "codec/text.h"
#include "tui/keys.h"

#define ESCAPE_DELAY_MS 25
#define COPY_BYTES_MAX 55000 /* 74 kB as base64, what terminals accept */
#define SIZE_MAX_CELLS 1000
#define ORANGE 208
#define COLORS_MANY 256

struct screen {
	SCREEN *term;
	FILE *in;
	FILE *out;
	struct canvas *shown; /* what curses has been told, or NULL */
	bool has_color;
	int width;
	int height;
};

/* For the handlers of fatal signals, which have no argument. */
static struct termios saved_termios;
static volatile sig_atomic_t is_saved;

static const int fatal_signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };

static void
on_fatal(int signo)
{
	static const char restore[] =
	    "\033[?1049l\033[?25h\033[?1l\033>\033[0m\r\n";

	if (is_saved) {
		ssize_t n = write(STDOUT_FILENO, restore, sizeof(restore) - 1);

		(void)n;
		(void)tcsetattr(STDIN_FILENO, TCSANOW, &saved_termios);
	}
	/* SA_RESETHAND has put the default action back. */
	(void)raise(signo);
}

static void
catch_fatal(bool is_on)
{
	struct sigaction action = { .sa_flags = (int)SA_RESETHAND };

	action.sa_handler = is_on ? on_fatal : SIG_DFL;
	for (size_t i = 0; i < sizeof(fatal_signals) / sizeof(int); i++)
		(void)sigaction(fatal_signals[i], &action, NULL);
}

static enum ag_status
check_terminal(struct ag_error *err)
{
	const char *name = getenv("TERM");
	int found = 0;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return ag_fail(err, AG_EINVAL,
		    "standard input and output are not a terminal; "
		    "try aegis tui --once overview");
	if (name == NULL || name[0] == '\0')
		return ag_fail(err, AG_EINVAL,
		    "TERM is not set; try aegis tui --once overview");
	if (setupterm(NULL, STDOUT_FILENO, &found) == ERR)
		return ag_fail(err, AG_EINVAL,
		    "terminal \"%.40s\" is not known; "
		    "try aegis tui --once overview",
		    name);
	if (cursor_address == NULL)
		return ag_fail(err, AG_EINVAL,
		    "terminal \"%.40s\" can not place its cursor; "
		    "try aegis tui --once overview",
		    name);
	/* newterm() reads it again; this copy was for the questions above. */
	(void)del_curterm(cur_term);
	return AG_OK;
}

static void
init_pairs(void)
{
	short orange = COLORS >= COLORS_MANY ? ORANGE : COLOR_YELLOW;
	static const short plain[CANVAS_ATTR_COUNT] = {
		[CANVAS_GOOD] = COLOR_CYAN,
		[CANVAS_ACCENT] = COLOR_CYAN,
		[CANVAS_BORDER] = COLOR_BLUE,
		[CANVAS_KEY] = COLOR_CYAN,
	};

	for (short i = 1; i < CANVAS_ATTR_COUNT; i++) {
		short color = plain[i] != 0 ? plain[i] : -1;

		if (i == CANVAS_WARN)
			color = COLOR_YELLOW;
		if (i == CANVAS_BAD)
			color = orange;
		(void)init_pair(i, color, -1);
	}
}

void
screen_set_color(struct screen *screen, bool has_color)
{
	screen->has_color = has_color && has_colors();
	screen_forget(screen);
}

static void
set_modes(struct screen *screen)
{
	(void)set_escdelay(ESCAPE_DELAY_MS);
	(void)raw();
	(void)noecho();
	(void)nonl();
	(void)keypad(stdscr, TRUE);
	(void)nodelay(stdscr, TRUE);
	(void)leaveok(stdscr, FALSE);
	(void)scrollok(stdscr, FALSE);
	(void)curs_set(0);
	screen->width = COLS;
	screen->height = LINES;
}

enum ag_status
screen_open(struct screen **out, bool has_color, struct ag_error *err)
{
	struct screen *screen = NULL;
	enum ag_status status = check_terminal(err);

	*out = NULL;
	if (status != AG_OK)
		return status;
	screen = calloc(1, sizeof(*screen));
	if (screen == NULL)
		return ag_fail(err, AG_ENOMEM, "open the terminal");
	is_saved = tcgetattr(STDIN_FILENO, &saved_termios) == 0;
	catch_fatal(true);
	screen->term = newterm(NULL, stdout, stdin);
	if (screen->term == NULL) {
		free(screen);
		catch_fatal(false);
		return ag_fail(err, AG_EINVAL,
		    "open the terminal; try aegis tui --once overview");
	}
	set_modes(screen);
	if (has_color && has_colors() && start_color() == OK &&
	    use_default_colors() == OK) {
		init_pairs();
		screen->has_color = true;
	}
	*out = screen;
	return AG_OK;
}

void
screen_close(struct screen *screen)
{
	if (screen == NULL)
		return;
	(void)curs_set(1);
	(void)endwin();
	delscreen(screen->term);
	if (is_saved)
		(void)tcsetattr(STDIN_FILENO, TCSANOW, &saved_termios);
	catch_fatal(false);
	canvas_free(screen->shown);
	free(screen);
}

void
screen_size(const struct screen *screen, int *width, int *height)
{
	*width = screen->width;
	*height = screen->height;
}

void
screen_resize(struct screen *screen)
{
	struct winsize size = { 0 };

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == -1 || size.ws_row == 0 ||
	    size.ws_col == 0)
		return;
	screen->width =
	    size.ws_col > SIZE_MAX_CELLS ? SIZE_MAX_CELLS : size.ws_col;
	screen->height =
	    size.ws_row > SIZE_MAX_CELLS ? SIZE_MAX_CELLS : size.ws_row;
	(void)resizeterm(screen->height, screen->width);
	screen_forget(screen);
}

void
screen_forget(struct screen *screen)
{
	canvas_free(screen->shown);
	screen->shown = NULL;
	(void)erase();
	(void)clearok(curscr, TRUE);
}

static attr_t
attributes(enum canvas_attr attr, bool has_color)
{
	switch (attr) {
	case CANVAS_HEADER:
	case CANVAS_SELECTED:
		return A_REVERSE;
	case CANVAS_TITLE:
		return A_BOLD;
	case CANVAS_BAD:
		return has_color ? A_BOLD : A_REVERSE | A_BOLD;
	case CANVAS_WARN:
		return A_BOLD;
	case CANVAS_DIM:
		return A_DIM;
	case CANVAS_NORMAL:
	case CANVAS_BORDER:
	case CANVAS_GOOD:
	case CANVAS_ACCENT:
	case CANVAS_KEY:
	case CANVAS_ATTR_COUNT:
	default:
		return A_NORMAL;
	}
}

static void
put_cell(const struct screen *screen, int x, int y,
    const struct canvas_cell *cell)
{
	wchar_t text[3] = { (wchar_t)cell->code, (wchar_t)cell->extra, 0 };
	enum canvas_attr attr = (enum canvas_attr)cell->attr;
	cchar_t shown;

	if (setcchar(&shown, text, attributes(attr, screen->has_color),
		(short)(screen->has_color ? cell->attr : 0), NULL) == OK)
		(void)mvadd_wch(y, x, &shown);
}

static bool
same_cell(const struct canvas_cell *a, const struct canvas_cell *b)
{
	return a->code == b->code && a->extra == b->extra && a->attr == b->attr;
}

/* A wide glyph's right half changes when its left half does. */
static bool
is_changed(const struct canvas *was, const struct canvas *c, int x, int y)
{
	if (was == NULL)
		return true;
	if (!same_cell(canvas_at(was, x, y), canvas_at(c, x, y)))
		return true;
	return x + 1 < c->width &&
	    canvas_at(was, x + 1, y)->code != canvas_at(c, x + 1, y)->code &&
	    (canvas_at(was, x + 1, y)->code == 0 ||
		canvas_at(c, x + 1, y)->code == 0);
}

static void
remember(struct screen *screen, const struct canvas *c)
{
	size_t cells = (size_t)c->width * (size_t)c->height;

	if (screen->shown == NULL)
		screen->shown = canvas_new(c->width, c->height, c->ascii);
	if (screen->shown != NULL)
		memcpy(screen->shown->cells, c->cells,
		    cells * sizeof(c->cells[0]));
}

void
screen_show(struct screen *screen, const struct canvas *c)
{
	const struct canvas *was = screen->shown;

	if (was != NULL && (was->width != c->width || was->height != c->height))
		screen_forget(screen);
	was = screen->shown;
	for (int y = 0; y < c->height; y++)
		for (int x = 0; x < c->width; x++)
			if (canvas_at(c, x, y)->code != 0 &&
			    is_changed(was, c, x, y))
				put_cell(screen, x, y, canvas_at(c, x, y));
	remember(screen, c);
	(void)move(c->cursor_y, c->cursor_x);
	(void)refresh();
}

static uint32_t
translate(wint_t key)
{
	static const struct {
		wint_t curses;
		uint32_t code;
	} keys[] = {
		{ KEY_UP, KEYS_UP },
		{ KEY_DOWN, KEYS_DOWN },
		{ KEY_LEFT, KEYS_LEFT },
		{ KEY_RIGHT, KEYS_RIGHT },
		{ KEY_HOME, KEYS_HOME },
		{ KEY_END, KEYS_END },
		{ KEY_PPAGE, KEYS_PAGE_UP },
		{ KEY_NPAGE, KEYS_PAGE_DOWN },
		{ KEY_BTAB, KEYS_BACK_TAB },
		{ KEY_BACKSPACE, KEYS_BACKSPACE },
		{ KEY_ENTER, KEYS_ENTER },
		{ KEY_F(1), KEYS_F1 },
		{ KEY_F(5), KEYS_F5 },
		{ KEY_F(10), KEYS_F10 },
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (keys[i].curses == key)
			return keys[i].code;
	return 0;
}

bool
screen_key(struct screen *screen AG_UNUSED, uint32_t *code)
{
	wint_t key = 0;
	int kind = get_wch(&key);

	if (kind == ERR)
		return false;
	*code = kind == KEY_CODE_YES ? translate(key) : (uint32_t)key;
	return true;
}

void
screen_suspend(struct screen *screen)
{
	struct sigaction was;
	struct sigaction standard = { .sa_flags = 0 };
	sigset_t stop;
	sigset_t mask;

	standard.sa_handler = SIG_DFL;
	(void)def_prog_mode();
	(void)curs_set(1);
	(void)endwin();
	(void)sigemptyset(&stop);
	(void)sigaddset(&stop, SIGTSTP);
	(void)sigaction(SIGTSTP, &standard, &was);
	(void)pthread_sigmask(SIG_UNBLOCK, &stop, &mask);
	(void)kill(0, SIGTSTP);
	(void)pthread_sigmask(SIG_SETMASK, &mask, NULL);
	(void)sigaction(SIGTSTP, &was, NULL);
	(void)reset_prog_mode();
	(void)curs_set(0);
	screen_resize(screen);
	screen_forget(screen);
}

void
screen_copy(struct screen *screen AG_UNUSED, const char *text)
{
	size_t len = strnlen(text, COPY_BYTES_MAX);
	size_t cap = TEXT_BASE64_BYTES(len);
	char *encoded = malloc(cap);

	if (encoded == NULL)
		return;
	text_base64(encoded, cap, bytes_of(text, len), BASE64_STANDARD);
	(void)printf("\033]52;c;%s\a", encoded);
	(void)fflush(stdout);
	free(encoded);
}
