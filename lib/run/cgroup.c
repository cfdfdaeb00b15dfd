/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/file.h"
#include "../base/log.h"
#include "spawn.h"

#define FOLDER_PREFIX "run-"

enum { CPU_PERIOD_US = 100000, GONE_TRIES = 200 };

struct run_cgroup {
	struct run_cgroup *next; /* free */
	int folder_fd, events_fd, kill_fd;
	unsigned number;
	bool killed;
	struct run_limits limits; /* as they are set now */
	int64_t oom_kills, refused_forks;
};

struct run_cgroups {
	char *path;
	int folder_fd;
	bool has[CGROUP_CONTROLLERS], move;
	pthread_mutex_t lock; /* of what follows */
	struct run_cgroup *free;
	unsigned made;
};

static const char *const controllers[] = { "memory", "pids", "cpu" };

/* --- files of one line --- */

static int write_file(int folder_fd, const char *name, const char *text)
{
	cleanup(fd_closep) int fd = openat(folder_fd, name, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		return -1;
	return 0;
}

/* A number of 0 or less is no limit. */
static int write_limit(int folder_fd, const char *name, int64_t limit)
{
	char text[32];

	snprintf(text, sizeof(text), "%lld", (long long)limit);
	return write_file(folder_fd, name, limit > 0 ? text : "max");
}

/* The number after `key` in a file of "key number" lines; 0 when there is none. */
static int64_t keyed_number(int fd, const char *key)
{
	char text[512];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	const char *value;

	text[MAX(n, 0)] = '\0';
	for (const char *line = text; *line;) {
		if (skip_prefix(line, key, &value) && *value == ' ')
			return strtoll(value, NULL, 10);
		line += strcspn(line, "\n");
		line += *line == '\n';
	}
	return 0;
}

static int64_t keyed_number_of(const struct run_cgroup *cgroup, const char *name, const char *key)
{
	cleanup(fd_closep) int fd = openat(cgroup->folder_fd, name, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? 0 : keyed_number(fd, key);
}

/* --- folders of runs --- */

static void cgroup_free(struct run_cgroup *cgroup)
{
	fd_closep(&cgroup->folder_fd);
	fd_closep(&cgroup->events_fd);
	fd_closep(&cgroup->kill_fd);
	free(cgroup);
}

static int open_in(const struct run_cgroup *cgroup, const char *name, int flags)
{
	return openat(cgroup->folder_fd, name, flags | O_CLOEXEC);
}

static void folder_name(char name[32], unsigned number)
{
	snprintf(name, 32, FOLDER_PREFIX "%u", number);
}

static struct run_cgroup *make(struct run_cgroups *cgroups, unsigned number)
{
	struct run_cgroup *cgroup = xcalloc(1, sizeof(*cgroup));
	char name[32];

	folder_name(name, number);
	cgroup->number = number;
	cgroup->folder_fd = cgroup->events_fd = cgroup->kill_fd = -1;
	if (mkdirat(cgroups->folder_fd, name, 0755) == 0 || errno == EEXIST)
		cgroup->folder_fd = openat(cgroups->folder_fd, name, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	if (cgroup->folder_fd >= 0)
		cgroup->events_fd = open_in(cgroup, "cgroup.events", O_RDONLY);
	if (cgroup->events_fd >= 0)
		cgroup->kill_fd = open_in(cgroup, "cgroup.kill", O_WRONLY);
	if (cgroup->kill_fd < 0) {
		int why = errno;

		cgroup_free(cgroup);
		errno = why;
		return NULL;
	}
	/* one process alone is seldom of use */
	if (cgroups->has[CGROUP_MEMORY])
		write_file(cgroup->folder_fd, "memory.oom.group", "1");
	return cgroup;
}

bool cgroup_kill(struct run_cgroup *cgroup)
{
	if (keyed_number(cgroup->events_fd, "populated") == 0)
		return false;
	cgroup->killed = true;
	if (write(cgroup->kill_fd, "1", 1) < 0)
		log_warning(
			"cannot kill the processes of cgroup " FOLDER_PREFIX "%u: %s", cgroup->number, strerror(errno));
	return true;
}

int cgroup_fd(const struct run_cgroup *cgroup)
{
	return cgroup->folder_fd;
}

static int set_limits(struct run_cgroups *cgroups, struct run_cgroup *cgroup, const struct run_limits *limits)
{
	char cpu[64];
	int fd = cgroup->folder_fd;

	if (cgroups->has[CGROUP_MEMORY] && limits->memory_bytes != cgroup->limits.memory_bytes) {
		if (write_limit(fd, "memory.max", limits->memory_bytes) < 0)
			return -1;
		/* or the limit would only be a way to fill the swap; a kernel without swap has no such file */
		if (write_file(fd, "memory.swap.max", limits->memory_bytes ? "0" : "max") < 0 && errno != ENOENT)
			return -1;
	}
	if (cgroups->has[CGROUP_PIDS] && limits->processes != cgroup->limits.processes &&
		write_limit(fd, "pids.max", limits->processes) < 0)
		return -1;
	if (cgroups->has[CGROUP_CPU] && limits->cpus != cgroup->limits.cpus) {
		if (limits->cpus > 0)
			snprintf(cpu, sizeof(cpu), "%lld %d", (long long)(limits->cpus * CPU_PERIOD_US), CPU_PERIOD_US);
		else
			snprintf(cpu, sizeof(cpu), "max %d", CPU_PERIOD_US);
		if (write_file(fd, "cpu.max", cpu) < 0)
			return -1;
	}
	cgroup->limits = *limits;
	return 0;
}

struct run_cgroup *cgroup_take(struct run_cgroups *cgroups, const struct run_limits *limits)
{
	unsigned number = 0;

	pthread_mutex_lock(&cgroups->lock);
	struct run_cgroup *cgroup = cgroups->free;
	if (cgroup)
		cgroups->free = cgroup->next;
	else
		number = ++cgroups->made;
	pthread_mutex_unlock(&cgroups->lock);
	if (!cgroup)
		cgroup = make(cgroups, number);
	if (cgroup && set_limits(cgroups, cgroup, limits) < 0) {
		int why = errno;

		cgroup_give_back(cgroups, cgroup);
		errno = why;
		return NULL;
	}
	return cgroup;
}

/* One that was killed is not used again: a child could not begin in it, see spawn_begins_in_cgroup. Its folder stays
 * for cgroups_close if somebody in it cannot die (waiting for a disk). */
void cgroup_give_back(struct run_cgroups *cgroups, struct run_cgroup *cgroup)
{
	if (cgroup_kill(cgroup) || cgroup->killed) {
		char name[32];

		folder_name(name, cgroup->number);
		unlinkat(cgroups->folder_fd, name, AT_REMOVEDIR);
		cgroup_free(cgroup);
		return;
	}
	pthread_mutex_lock(&cgroups->lock);
	cgroup->next = cgroups->free;
	cgroups->free = cgroup;
	pthread_mutex_unlock(&cgroups->lock);
}

/* The counts go on over the life of a folder, so both are brought up to date whenever one may have changed. */
const char *cgroup_limit_hit(struct run_cgroup *cgroup, bool killed)
{
	const char *hit = NULL;
	int64_t n;

	if (cgroup->limits.processes && (n = keyed_number_of(cgroup, "pids.events", "max")) != cgroup->refused_forks) {
		cgroup->refused_forks = n;
		hit = "processes";
	}
	if (killed && (n = keyed_number_of(cgroup, "memory.events", "oom_kill")) != cgroup->oom_kills) {
		cgroup->oom_kills = n;
		hit = "memory";
	}
	return hit;
}

/* --- the delegated folder --- */

/* Wait until what was killed is gone; the folder cannot be removed before. */
static void remove_folder(int parent_fd, const char *name)
{
	for (int i = 0; i < GONE_TRIES && unlinkat(parent_fd, name, AT_REMOVEDIR) < 0 && errno == EBUSY; i++) {
		cleanup(fd_closep) int fd = openat(parent_fd, name, O_DIRECTORY | O_RDONLY | O_CLOEXEC);

		write_file(fd, "cgroup.kill", "1");
		usleep(5000);
	}
}

static void remove_runs(struct run_cgroups *cgroups)
{
	int fd = openat(cgroups->folder_fd, ".", O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir)
		return;
	for (struct dirent *entry; (entry = readdir(dir));) {
		if (entry->d_type == DT_DIR && skip_prefix(entry->d_name, FOLDER_PREFIX, NULL))
			remove_folder(cgroups->folder_fd, entry->d_name);
	}
	closedir(dir);
}

static bool listed(int folder_fd, const char *file, const char *word)
{
	char text[512];
	cleanup(fd_closep) int fd = openat(folder_fd, file, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	text[MAX(n, 0)] = '\0';
	for (const char *at = text; *at; at += strspn(at, " \n")) {
		size_t len = strcspn(at, " \n");

		if (len == strlen(word) && strncmp(at, word, len) == 0)
			return true;
		at += len;
	}
	return false;
}

static void move_self(struct run_cgroups *cgroups)
{
	char path[] = "agent/cgroup.procs";

	if (mkdirat(cgroups->folder_fd, "agent", 0755) == 0 || errno == EEXIST)
		write_file(cgroups->folder_fd, path, "0");
}

static void enable(struct run_cgroups *cgroups, enum cgroup_controller controller)
{
	char text[32];

	if (!listed(cgroups->folder_fd, "cgroup.controllers", controllers[controller]))
		return;
	snprintf(text, sizeof(text), "+%s", controllers[controller]);
	if (write_file(cgroups->folder_fd, "cgroup.subtree_control", text) < 0 && errno == EBUSY) {
		move_self(cgroups);
		write_file(cgroups->folder_fd, "cgroup.subtree_control", text);
	}
	cgroups->has[controller] = listed(cgroups->folder_fd, "cgroup.subtree_control", controllers[controller]);
}

struct run_cgroups *cgroups_open(const char *path, struct mrp_err *err)
{
	struct run_cgroups *cgroups = xcalloc(1, sizeof(*cgroups));

	cgroups->path = xstrdup(path);
	pthread_mutex_init(&cgroups->lock, NULL);
	cgroups->folder_fd = open(path, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	if (cgroups->folder_fd < 0 || faccessat(cgroups->folder_fd, "cgroup.procs", W_OK, AT_EACCESS) < 0) {
		mrp_err_errno(err, "cannot use '%s' as a cgroup", path);
		cgroups_close(cgroups);
		return NULL;
	}
	remove_runs(cgroups);
	for (int i = 0; i < CGROUP_CONTROLLERS; i++) {
		enable(cgroups, (enum cgroup_controller)i);
		if (!cgroups->has[i])
			log_warning("cgroup '%s' has no controller '%s'", path, controllers[i]);
	}
	/* what does not work shows now, not at the first run */
	struct run_cgroup *first = cgroup_take(cgroups, &(struct run_limits){ 0 });
	if (!first) {
		mrp_err_errno(err, "cannot make a cgroup in '%s'", path);
		cgroups_close(cgroups);
		return NULL;
	}
	cgroups->move = !spawn_begins_in_cgroup(first->folder_fd);
	cgroup_give_back(cgroups, first);
	return cgroups;
}

void cgroups_close(struct run_cgroups *cgroups)
{
	if (!cgroups)
		return;
	for (struct run_cgroup *cgroup = cgroups->free, *next; cgroup; cgroup = next) {
		next = cgroup->next;
		cgroup_free(cgroup);
	}
	if (cgroups->folder_fd >= 0) {
		remove_runs(cgroups);
		close(cgroups->folder_fd);
	}
	pthread_mutex_destroy(&cgroups->lock);
	free(cgroups->path);
	free(cgroups);
}

bool cgroups_limit(const struct run_cgroups *cgroups, enum cgroup_controller controller)
{
	return cgroups->has[controller];
}

bool cgroups_move(const struct run_cgroups *cgroups)
{
	return cgroups->move;
}
