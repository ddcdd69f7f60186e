/*
 * A trial cluster on one machine: its files and its processes.
 *
 * FORMAT   DIR/roster            signed by all members
 *          DIR/<name>/aegis.yaml configuration of the node
 *          DIR/<name>/keys/      node and link keys
 *          DIR/<name>/keyring    opened by keys/storage
 *          DIR/<name>/aegis.sock its API
 *          DIR/<name>/node.log   what it logs
 *          DIR/<name>/pid        the process `up` started
 *
 * RULES    1. A pid is believed only while the node's lock file is held: a
 *             number left behind by a crash may be another program's now.
 *          2. A directory that could not be made whole is taken back.
 *          3. Starting is waited for by what the node tells (READY=1 and
 *             STATUS= on the notice socket), never by time alone.
 */
#include "cmd/cluster_dir.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sodium.h>

#include "base/clock.h"
#include "base/fs.h"
#include "cmd/keyring_place.h"
#include "trust/setup.h"

#define CONFIG_BYTES 4096
#define LAST_WORDS_BYTES 240

#define PORT_FIRST 10000U
#define PORTS 22000U
#define PORT_TRIES 100

enum ag_status
cluster_dir_file(const struct cluster_dir *dir, uint32_t member,
    const char *file, char out[static CLUSTER_PATH_BYTES], struct ag_error *err)
{
	int len = snprintf(out, CLUSTER_PATH_BYTES, "%s/%s%s%s", dir->path,
	    dir->roster.members[member].name, file[0] == '\0' ? "" : "/", file);

	if (len < 0 || len >= CLUSTER_PATH_BYTES)
		return ag_fail(err, AG_ELIMIT,
		    "trial directory %s: path too "
		    "long",
		    dir->path);
	return AG_OK;
}

/*
 * A port of the loopback interface that nobody listens on now: not of those
 * that the kernel gives to connections, or one of these may have it when a
 * node starts.
 */
static enum ag_status
free_port(uint16_t *port, int *fd, struct ag_error *err)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	unsigned tries;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	*fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	for (tries = 0; *fd != -1 && tries < PORT_TRIES; tries++) {
		*port = (uint16_t)(PORT_FIRST + randombytes_uniform(PORTS));
		address.sin_port = htons(*port);
		if (bind(*fd, (struct sockaddr *)&address, sizeof(address)) ==
		    0)
			return AG_OK;
	}
	return ag_fail_sys(err, "find a free port from %u to %u", PORT_FIRST,
	    PORT_FIRST + PORTS - 1);
}

/* All ports are found before any is let go, so that they differ. */
static enum ag_status
choose_ports(uint16_t *ports, uint32_t count, uint16_t base_port,
    struct ag_error *err)
{
	int fds[TRUST_MEMBERS_MAX];
	enum ag_status status = AG_OK;
	uint32_t i, opened = 0;

	for (i = 0; i < count && status == AG_OK; i++) {
		if (base_port != 0) {
			ports[i] = (uint16_t)(base_port + i);
			continue;
		}
		status = free_port(&ports[i], &fds[opened], err);
		opened++;
	}
	for (i = 0; i < opened; i++)
		if (fds[i] != -1)
			(void)close(fds[i]);
	return status;
}

static enum ag_status
write_config(const struct cluster_dir *dir, uint32_t member,
    struct ag_error *err)
{
	const struct roster_member *m = &dir->roster.members[member];
	char path[CLUSTER_PATH_BYTES], text[CONFIG_BYTES];
	enum ag_status status;
	int len;

	len = snprintf(text, sizeof(text),
	    "# Node %s of the trial cluster %s.  aegis.yaml(5) has every key.\n"
	    "node:\n"
	    "  name: %s\n"
	    "  data_dir: %s/%s\n"
	    "  roster: %s/roster\n"
	    "net:\n"
	    "  listen: %s\n"
	    "api:\n"
	    "  socket: %s/%s/aegis.sock\n"
	    "log:\n"
	    "  file: %s/%s/node.log\n",
	    m->name, dir->roster.cluster_name, m->name, dir->path, m->name,
	    dir->path, m->address, dir->path, m->name, dir->path, m->name);
	if (len < 0 || (size_t)len >= sizeof(text))
		return ag_fail(err, AG_ELIMIT,
		    "trial directory %s: path too "
		    "long",
		    dir->path);
	status = cluster_dir_file(dir, member, "aegis.yaml", path, err);
	if (status != AG_OK)
		return status;
	return fs_create_file(path, 0600, bytes_of(text, (size_t)len), err);
}

static enum ag_status
write_roster(const struct cluster_dir *dir, struct ag_error *err)
{
	char path[PATH_MAX];
	enum ag_status status;
	struct buf text;

	buf_init(&text, ROSTER_FILE_BYTES_MAX);
	status = fs_join(path, sizeof(path), dir->path, "roster", err);
	if (status == AG_OK) {
		status = roster_format(&dir->roster, &text);
		if (status != AG_OK)
			status = ag_fail(err, status, "format roster: %s",
			    ag_status_text(status));
	}
	if (status == AG_OK)
		status = fs_create_file(path, 0644, buf_bytes(&text), err);
	buf_fini(&text);
	return status;
}

/* What the members of a trial are called, and where they are. */
struct trial {
	char dirs[TRUST_MEMBERS_MAX][CLUSTER_PATH_BYTES];
	char names[TRUST_MEMBERS_MAX][16];
	char addresses[TRUST_MEMBERS_MAX][32];
	struct setup_node nodes[TRUST_MEMBERS_MAX];
};

/* Members are n1, n2, …, observers o1, o2, … */
static void
node_name(char name[static 16], uint32_t index, uint32_t members)
{
	(void)snprintf(name, 16, "%c%u", index < members ? 'n' : 'o',
	    index < members ? index + 1 : index - members + 1);
}

static enum ag_status
make_keyring(const char *dir, const char *name, struct ag_error *err)
{
	struct keyring_place place;
	enum ag_status status = keyring_place_init(&place, dir, NULL, err);

	return status == AG_OK ? keyring_place_make(&place, name, NULL, err)
			       : status;
}

static enum ag_status
make_members(struct cluster_dir *dir, struct trial *trial, const char *name,
    const char *strategy, const uint16_t *ports, uint32_t members,
    uint32_t count, struct ag_error *err)
{
	enum ag_status status = AG_OK;
	uint32_t i;

	for (i = 0; i < count && status == AG_OK; i++) {
		node_name(trial->names[i], i, members);
		(void)snprintf(trial->addresses[i], sizeof(trial->addresses[i]),
		    "127.0.0.1:%u", (unsigned int)ports[i]);
		status = fs_join(trial->dirs[i], sizeof(trial->dirs[i]),
		    dir->path, trial->names[i], err);
		trial->nodes[i] = (struct setup_node){
			.dir = trial->dirs[i],
			.name = trial->names[i],
			.address = trial->addresses[i],
			.is_observer = i >= members,
		};
		if (status == AG_OK)
			status =
			    setup_keys(trial->dirs[i], trial->names[i], err);
		if (status == AG_OK)
			status =
			    make_keyring(trial->dirs[i], trial->names[i], err);
	}
	if (status == AG_OK)
		status = setup_trial_roster(&dir->roster, name, strategy,
		    trial->nodes, count, err);
	if (status == AG_OK)
		status = write_roster(dir, err);
	for (i = 0; i < count && status == AG_OK; i++)
		status = write_config(dir, i, err);
	return status;
}

/* Take back what was made; what is not there does no harm. */
static void
undo_nodes(const char *dir, uint32_t members, uint32_t count)
{
	struct keyring_place place;
	char path[PATH_MAX], name[16];
	uint32_t i;

	for (i = 0; i < count; i++) {
		node_name(name, i, members);
		(void)snprintf(path, sizeof(path), "%s/%s/aegis.yaml", dir,
		    name);
		(void)unlink(path);
		(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
		if (keyring_place_init(&place, path, NULL, NULL) == AG_OK) {
			place.has_made_key = true;
			keyring_place_undo(&place);
		}
		setup_undo(path);
	}
	(void)snprintf(path, sizeof(path), "%s/roster", dir);
	(void)unlink(path);
	(void)rmdir(dir);
}

/* The handle, with the directory's absolute path in it. */
static enum ag_status
dir_new(struct cluster_dir **out, const char *path, struct ag_error *err)
{
	char real[PATH_MAX];

	*out = NULL;
	if (realpath(path, real) == NULL)
		return ag_fail_sys(err, "open trial directory %s", path);
	if (strlen(real) >= CLUSTER_PATH_BYTES)
		return ag_fail(err, AG_ELIMIT, "%s: path too long", real);
	*out = calloc(1, sizeof(**out));
	if (*out == NULL)
		return ag_fail(err, AG_ENOMEM, "open %s: out of memory", path);
	memcpy((*out)->path, real, strlen(real) + 1);
	return AG_OK;
}

void
cluster_dir_close(struct cluster_dir *dir)
{
	free(dir);
}

enum ag_status
cluster_dir_create(struct cluster_dir **out, const char *path, const char *name,
    const char *strategy, uint32_t members, uint32_t observers,
    uint16_t base_port, struct ag_error *err)
{
	const uint32_t nodes = members + observers;
	uint16_t ports[TRUST_MEMBERS_MAX];
	struct trial *trial;
	enum ag_status status;
	bool is_made;

	*out = NULL;
	trial = calloc(1, sizeof(*trial));
	if (trial == NULL)
		return ag_fail(err, AG_ENOMEM, "make %s: out of memory", path);
	status = choose_ports(ports, nodes, base_port, err);
	if (status == AG_OK)
		status = fs_mkdir(path, err);
	is_made = status == AG_OK;
	if (status == AG_OK)
		status = dir_new(out, path, err);
	if (status == AG_OK)
		status = make_members(*out, trial, name, strategy, ports,
		    members, nodes, err);
	if (status != AG_OK && is_made)
		undo_nodes(path, members, nodes);
	free(trial);
	if (status != AG_OK) {
		cluster_dir_close(*out);
		*out = NULL;
	}
	return status;
}

enum ag_status
cluster_dir_open(struct cluster_dir **out, const char *path,
    struct ag_error *err)
{
	char roster[PATH_MAX];
	enum ag_status status;

	status = dir_new(out, path, err);
	if (status == AG_OK)
		status = fs_join(roster, sizeof(roster), (*out)->path, "roster",
		    err);
	if (status == AG_OK)
		status = roster_load(&(*out)->roster, roster, err);
	if (status == AG_ENOENT)
		status = ag_fail(err, AG_ESYS,
		    "open trial directory %s: no roster in it (aegis cluster "
		    "init makes one)",
		    path);
	if (status != AG_OK) {
		cluster_dir_close(*out);
		*out = NULL;
	}
	return status;
}

/* Does a process hold the member's lock file? */
static bool
is_locked(const struct cluster_dir *dir, uint32_t member)
{
	char path[CLUSTER_PATH_BYTES];
	bool locked;
	int fd;

	if (cluster_dir_file(dir, member, "lock", path, NULL) != AG_OK)
		return false;
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd == -1)
		return false;
	locked = flock(fd, LOCK_EX | LOCK_NB) == -1 && errno == EWOULDBLOCK;
	(void)close(fd);
	return locked;
}

pid_t
cluster_dir_pid(const struct cluster_dir *dir, uint32_t member)
{
	char path[CLUSTER_PATH_BYTES], *end;
	struct buf text;
	long pid = 0;

	if (!is_locked(dir, member) ||
	    cluster_dir_file(dir, member, "pid", path, NULL) != AG_OK)
		return 0;
	buf_init(&text, 64);
	if (fs_read_file(path, &text, NULL) == AG_OK &&
	    buf_append(&text, "", 1) == AG_OK) {
		pid = strtol((const char *)text.data, &end, 10);
		if (*end != '\n' || pid <= 1 || pid > INT_MAX)
			pid = 0;
	}
	buf_fini(&text);
	return (pid_t)pid;
}

/*
 * A datagram socket for a starting node's notices (see sd_notify(3)).  Its
 * name is abstract, so nothing is left behind.
 */
static enum ag_status
notice_socket(int *fd, char name[static 64], struct ag_error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(sa_family_t);

	*fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* Binding to no name makes the kernel choose an abstract one. */
	if (*fd == -1 || bind(*fd, (struct sockaddr *)&address, len) == -1)
		return ag_fail_sys(err, "make a socket for notices");
	len = sizeof(address);
	if (getsockname(*fd, (struct sockaddr *)&address, &len) == -1)
		return ag_fail_sys(err, "name the socket for notices");
	(void)snprintf(name, 64, "@%.*s", (int)(len - sizeof(sa_family_t) - 1),
	    address.sun_path + 1);
	return AG_OK;
}

/* In the child: become the node. */
static void
exec_node(const char *config, const char *log, const char *notices)
{
	int null = open("/dev/null", O_RDWR);
	int out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);

	if (null == -1 || out == -1 || setsid() == -1 ||
	    dup2(null, STDIN_FILENO) == -1 || dup2(out, STDOUT_FILENO) == -1 ||
	    dup2(out, STDERR_FILENO) == -1 ||
	    setenv("NOTIFY_SOCKET", notices, 1) == -1 ||
	    /* The caller's socket is some node's, but not this one's. */
	    unsetenv("AEGIS_SOCKET") == -1)
		_exit(126);
	(void)execl("/proc/self/exe", "aegis", "node", "run", "-c", config,
	    (char *)NULL);
	_exit(126);
}

enum ag_status
cluster_dir_start(const struct cluster_dir *dir, uint32_t member,
    struct cluster_start *start, struct ag_error *err)
{
	char config[CLUSTER_PATH_BYTES], log[CLUSTER_PATH_BYTES];
	char pid_path[CLUSTER_PATH_BYTES], notices[64], text[32];
	enum ag_status status;

	memset(start, 0, sizeof(*start));
	start->fd = -1;
	status = cluster_dir_file(dir, member, "aegis.yaml", config, err);
	if (status == AG_OK)
		status = cluster_dir_file(dir, member, "node.out", log, err);
	if (status == AG_OK)
		status = cluster_dir_file(dir, member, "pid", pid_path, err);
	if (status == AG_OK)
		status = notice_socket(&start->fd, notices, err);
	if (status != AG_OK)
		return status;
	start->pid = fork();
	if (start->pid == -1)
		return ag_fail_sys(err, "start node %s",
		    dir->roster.members[member].name);
	if (start->pid == 0)
		exec_node(config, log, notices);
	(void)snprintf(text, sizeof(text), "%ld\n", (long)start->pid);
	return fs_write_file(pid_path, 0600, bytes_from_text(text), err);
}

void
cluster_start_close(struct cluster_start *start)
{
	if (start->fd != -1)
		(void)close(start->fd);
	start->fd = -1;
}

/* Take in what a node told: lines of NAME=value. */
static void
read_notices(struct cluster_start *start)
{
	char text[1024];
	ssize_t len;

	while ((len = recv(start->fd, text, sizeof(text) - 1, 0)) > 0) {
		char *line, *rest = text;

		text[len] = '\0';
		while ((line = strsep(&rest, "\n")) != NULL) {
			if (strcmp(line, "READY=1") == 0)
				start->is_ready = true;
			if (strncmp(line, "STATUS=", 7) != 0)
				continue;
			(void)snprintf(start->text, sizeof(start->text), "%s",
			    line + 7);
			start->is_ok = strncmp(line + 7, "OK", 2) == 0;
		}
	}
}

static bool
has_come_up(const struct cluster_start *start, bool all_ok)
{
	return start->is_ready && (start->is_ok || !all_ok);
}

/* A child that ended instead of coming up. */
static bool
has_ended(const struct cluster_start *start)
{
	int how;

	return start->pid > 0 &&
	    waitpid(start->pid, &how, WNOHANG) == start->pid;
}

/* The last line of a file, as far as a message has room for it. */
static void
last_words(char out[static LAST_WORDS_BYTES], const char *path)
{
	char said[LAST_WORDS_BYTES];
	struct ag_error ignored;
	size_t len = 0, begin, i;
	struct stat st;
	int fd;

	out[0] = '\0';
	if (fs_open(&fd, path, O_RDONLY, 0, &ignored) != AG_OK)
		return;
	if (fstat(fd, &st) != 0 ||
	    fs_read_at(fd, path, said, sizeof(said) - 1,
		st.st_size < (off_t)sizeof(said)
		    ? 0
		    : (uint64_t)st.st_size - sizeof(said) + 1,
		&len, &ignored) != AG_OK)
		len = 0;
	(void)close(fd);
	while (len > 0 && said[len - 1] == '\n')
		len--;
	for (begin = len; begin > 0 && said[begin - 1] != '\n';)
		begin--;
	for (i = begin; i < len; i++)
		out[i - begin] = said[i] < ' ' || said[i] > '~' ? '?' : said[i];
	out[len - begin] = '\0';
}

static enum ag_status
await_failed(const struct cluster_dir *dir, uint32_t member,
    const struct cluster_start *start, bool ended, struct ag_error *err)
{
	const char *name = dir->roster.members[member].name;
	char path[CLUSTER_PATH_BYTES], words[LAST_WORDS_BYTES];
	struct ag_error ignored;

	if (ended &&
	    cluster_dir_file(dir, member, "node.out", path, &ignored) ==
		AG_OK) {
		last_words(words, path);
		return ag_fail(err, AG_ESYS,
		    "start node %s: it ended%s%s; see %s", name,
		    words[0] == '\0' ? "" : ", saying: ", words, path);
	}
	return ag_fail(err, AG_ETIMEOUT,
	    "start node %s: still \"%s\" when time ran out", name,
	    start->text[0] == '\0' ? "starting" : start->text);
}

enum ag_status
cluster_dir_await(const struct cluster_dir *dir, struct cluster_start *starts,
    uint32_t count, bool all_ok, uint64_t timeout_ms, struct ag_error *err)
{
	uint64_t end = clock_mono_us() + timeout_ms * 1000;
	struct pollfd polls[TRUST_MEMBERS_MAX];
	uint32_t i, missing, last = 0;

	for (;;) {
		uint64_t now = clock_mono_us();

		missing = 0;
		for (i = 0; i < count; i++) {
			if (starts[i].fd != -1)
				read_notices(&starts[i]);
			polls[i] =
			    (struct pollfd){ .fd = -1, .events = POLLIN };
			if (starts[i].pid == 0 ||
			    has_come_up(&starts[i], all_ok))
				continue;
			if (has_ended(&starts[i]))
				return await_failed(dir, i, &starts[i], true,
				    err);
			polls[i].fd = starts[i].fd;
			last = i;
			missing++;
		}
		if (missing == 0)
			return AG_OK;
		if (now >= end)
			return await_failed(dir, last, &starts[last], false,
			    err);
		/* A child's end makes no datagram: look for it now and then. */
		(void)poll(polls, count,
		    (int)((end - now) / 1000 < 500 ? (end - now) / 1000 + 1
						   : 500));
	}
}

static enum ag_status
does_not_run(const struct cluster_dir *dir, uint32_t member,
    struct ag_error *err)
{
	return ag_fail(err, AG_ENOENT, "node %s does not run",
	    dir->roster.members[member].name);
}

enum ag_status
cluster_dir_signal(const struct cluster_dir *dir, uint32_t member, int signo,
    struct ag_error *err)
{
	pid_t pid = cluster_dir_pid(dir, member);

	if (pid == 0)
		return does_not_run(dir, member, err);
	if (kill(pid, signo) == -1)
		return errno == ESRCH
		    ? does_not_run(dir, member, err)
		    : ag_fail_sys(err, "signal node %s (process %ld)",
			  dir->roster.members[member].name, (long)pid);
	return AG_OK;
}

enum ag_status
cluster_dir_end(const struct cluster_dir *dir, uint32_t member, int signo,
    uint64_t timeout_ms, struct ag_error *err)
{
	pid_t pid = cluster_dir_pid(dir, member);
	struct pollfd ended = { .events = POLLIN };
	enum ag_status status;
	int count;

	if (pid == 0)
		return does_not_run(dir, member, err);
	ended.fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (ended.fd == -1)
		return errno == ESRCH ? does_not_run(dir, member, err)
				      : ag_fail_sys(err, "watch node %s",
					    dir->roster.members[member].name);
	status = cluster_dir_signal(dir, member, signo, err);
	if (status == AG_OK) {
		count = poll(&ended, 1, (int)timeout_ms);
		if (count == 0)
			status = ag_fail(err, AG_ETIMEOUT,
			    "stop node %s: process %ld goes on after %llu ms",
			    dir->roster.members[member].name, (long)pid,
			    (unsigned long long)timeout_ms);
		else if (count == -1)
			status = ag_fail_sys(err, "wait for node %s",
			    dir->roster.members[member].name);
	}
	(void)close(ended.fd);
	return status;
}
