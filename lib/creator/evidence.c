/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../base/clock.h"
#include "../base/file.h"
#include "../value/json.h"

enum { FILE_MAX = 65536, ENVIRON_MAX = 1 << 20, LOOK_MS = 50, TRIES = 4 };

#define RUN_ID "MRPROBER_RUN_ID="

void evidence_release(struct evidence *evidence)
{
	free(evidence->holder);
	free(evidence->host);
	free(evidence->boot_id);
	free(evidence->run_id);
	*evidence = (struct evidence){ 0 };
}

static char *host_name(void)
{
	char host[256] = "localhost";

	gethostname(host, sizeof(host) - 1);
	return xstrdup(host);
}

static char *boot_id(void)
{
	struct strbuf text = STRBUF_INIT;
	struct mrp_err ignored = MRP_ERR_INIT;
	cleanup(fd_closep) int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		read_fd(&text, fd, 256, "boot_id", &ignored);
	mrp_err_clear(&ignored);
	while (text.len && text.buf[text.len - 1] == '\n')
		strbuf_setlen(&text, text.len - 1);
	return strbuf_detach(&text, NULL);
}

/* Clock ticks since boot; -1 when there is no such process (a zombie is none). */
static int64_t started_ticks(int64_t pid)
{
	char path[64], text[1024], state;
	unsigned long long ticks;

	snprintf(path, sizeof(path), "/proc/%" PRId64 "/stat", pid);
	cleanup(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return -1;
	text[n] = '\0';
	const char *end = strrchr(text, ')');
	if (!end ||
		sscanf(end + 1, " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
			&state, &ticks) != 2)
		return -1;
	return state == 'Z' || state == 'X' ? -1 : (int64_t)ticks;
}

void evidence_of_self(struct evidence *evidence, const char *holder, const char *run_id)
{
	*evidence = (struct evidence){
		.holder = xstrdup(holder),
		.host = host_name(),
		.boot_id = boot_id(),
		.run_id = xstrdup(run_id),
		.pid = getpid(),
		.pid_started = started_ticks(getpid()),
		.written_ms = time_now_ms(),
	};
}

/* Whether the file is still called that: who had the lock removes it, perhaps after it was opened here. */
static bool is_called(int fd, const char *path)
{
	struct stat here, there;

	return fstat(fd, &here) == 0 && stat(path, &there) == 0 && here.st_ino == there.st_ino &&
		here.st_dev == there.st_dev;
}

int evidence_lock(const char *path, struct mrp_err *err)
{
	cleanup(freep) char *lock = xasprintf("%s.lock", path);

	for (;;) {
		cleanup(fd_closep) int fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

		if (fd < 0)
			return mrp_err_errno(err, "cannot open '%s'", lock);
		if (flock(fd, LOCK_EX | LOCK_NB) < 0)
			return errno == EWOULDBLOCK
				? mrp_err_set(err, MRP_ELOCKED, "another creator works on it ('%s' is locked)", lock)
				: mrp_err_errno(err, "cannot lock '%s'", lock);
		if (is_called(fd, lock)) {
			int taken = fd;

			fd = -1;
			return taken;
		}
	}
}

void evidence_unlock(const char *path, int fd)
{
	cleanup(freep) char *lock = xasprintf("%s.lock", path);

	if (fd < 0)
		return;
	unlink(lock);
	close(fd);
}

static struct value *text_of(struct arena *arena, const char *text)
{
	return value_string(arena, text ? text : "");
}

int evidence_write(const char *path, const struct evidence *evidence, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	struct value *v = value_object(&arena);

	value_append(&arena, v, "holder", text_of(&arena, evidence->holder));
	value_append(&arena, v, "host", text_of(&arena, evidence->host));
	value_append(&arena, v, "boot_id", text_of(&arena, evidence->boot_id));
	value_append(&arena, v, "run_id", text_of(&arena, evidence->run_id));
	value_append(&arena, v, "pid", value_int(&arena, evidence->pid));
	value_append(&arena, v, "pid_started", value_int(&arena, evidence->pid_started));
	value_append(&arena, v, "deployment", value_int(&arena, evidence->deployment));
	value_append(&arena, v, "written_ms", value_int(&arena, evidence->written_ms));
	json_pretty(&text, v);
	return replace_file(path, text.buf, text.len, 0600, err);
}

static char *string_of(const struct value *v, const char *key)
{
	const char *text = value_get_string(v, key);

	return xstrdup(text ? text : "");
}

static int64_t number_of(const struct value *v, const char *key)
{
	const struct value *n = value_get(v, key);

	return n && n->type == V_INT ? n->i : 0;
}

int evidence_read(struct evidence *evidence, const char *path, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	cleanup(arena_release) struct arena arena = ARENA_INIT;

	*evidence = (struct evidence){ 0 };
	if (read_file(&text, path, FILE_MAX, err) < 0) {
		if (err->code != MRP_ENOTFOUND && access(path, F_OK) == 0)
			return -1;
		mrp_err_clear(err);
		return 0;
	}
	const struct value *v = json_parse(&arena, text.buf, text.len, path, err);
	if (!v || v->type != V_OBJECT)
		return v ? mrp_err_set(err, MRP_EINVALID, "'%s' is no record of a run", path) : -1;
	*evidence = (struct evidence){
		.holder = string_of(v, "holder"),
		.host = string_of(v, "host"),
		.boot_id = string_of(v, "boot_id"),
		.run_id = string_of(v, "run_id"),
		.pid = number_of(v, "pid"),
		.pid_started = number_of(v, "pid_started"),
		.deployment = number_of(v, "deployment"),
		.written_ms = number_of(v, "written_ms"),
	};
	return 1;
}

bool evidence_of_this_boot(const struct evidence *evidence)
{
	cleanup(freep) char *boot = boot_id();

	return streq(evidence->boot_id, boot);
}

enum evidence_of evidence_judge(const struct evidence *evidence)
{
	cleanup(freep) char *host = host_name();

	if (!streq(evidence->host, host))
		return EVIDENCE_UNKNOWN;
	if (!evidence_of_this_boot(evidence))
		return EVIDENCE_DEAD;
	return started_ticks(evidence->pid) == evidence->pid_started ? EVIDENCE_ALIVE : EVIDENCE_DEAD;
}

void evidence_format(struct strbuf *out, const struct evidence *evidence, int64_t now_ms)
{
	strbuf_addf(out, "pid %" PRId64 " on host '", evidence->pid);
	strbuf_add_visible(out, evidence->host, strlen(evidence->host));
	strbuf_addstr(out, "', ");
	time_format_age(out, now_ms - evidence->written_ms);
	strbuf_addstr(out, " ago");
}

/* --- what is left of it --- */

/* `id`: of the run; or what it ends with. */
static bool is_run(const char *id, const char *wanted, bool end)
{
	size_t len = strlen(id), n = strlen(wanted);

	return end ? len > n && id[len - n - 1] == '-' && streq(id + len - n, wanted) : streq(id, wanted);
}

static bool belongs(pid_t pid, const char *run_id, bool end)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	struct mrp_err ignored = MRP_ERR_INIT;
	char path[64];
	const char *rest;

	snprintf(path, sizeof(path), "/proc/%d/environ", pid);
	cleanup(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read_fd(&text, fd, ENVIRON_MAX, path, &ignored) < 0) {
		mrp_err_clear(&ignored);
		return false;
	}
	for (const char *at = text.buf; at < text.buf + text.len; at += strlen(at) + 1) {
		if (skip_prefix(at, RUN_ID, &rest) && is_run(rest, run_id, end))
			return true;
	}
	return false;
}

/* How many there are; each gets the signal (0: none). */
static int signal_survivors(const char *run_id, bool end, int sig)
{
	DIR *dir = opendir("/proc");
	int n = 0;

	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (pid <= 0 || pid == getpid() || !belongs(pid, run_id, end) || started_ticks(pid) < 0)
			continue;
		n++;
		if (sig)
			kill(pid, sig);
	}
	if (dir)
		closedir(dir);
	return n;
}

void evidence_interrupt(const char *token)
{
	signal_survivors(token, true, SIGINT);
}

int evidence_survivors(const char *run_id)
{
	return signal_survivors(run_id, false, 0);
}

int evidence_end_survivors(const char *run_id, int64_t wait_ms, bool (*again)(void *ctx), void *ctx, bool *killed)
{
	static const int signals[TRIES] = { 0, SIGINT, SIGINT, SIGKILL };
	const struct timespec pause = { .tv_nsec = LOOK_MS * 1000000 };
	int left = 0;

	*killed = false;
	for (int i = 0; *run_id && i < TRIES; i++) {
		left = signal_survivors(run_id, false, signals[i]);
		*killed = *killed || (left && signals[i]);
		for (int64_t waited = 0; left && waited < wait_ms; waited += LOOK_MS) {
			if (again && !again(ctx))
				return left;
			nanosleep(&pause, NULL);
			left = signal_survivors(run_id, false, 0);
		}
		if (!left)
			break;
	}
	return left;
}
