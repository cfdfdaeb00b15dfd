/* SPDX-License-Identifier: Apache-2.0 */
#include "process.h"

#include "common.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct stat_line {
	struct process process;
	pid_t parent;
};

/* proc(5), /proc/PID/stat: ppid is field 4, utime 14, stime 15, starttime 22. */
static bool read_stat(struct stat_line *out, pid_t pid)
{
	char path[64], text[1024];
	unsigned long user, system;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	FILE *file = fopen(path, "re");
	size_t n = file ? fread(text, 1, sizeof(text) - 1, file) : 0;
	if (file)
		fclose(file);
	text[n] = '\0';
	const char *end = strrchr(text, ')'); /* of the name, which may hold anything */
	if (!end ||
		sscanf(end + 1, " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %*d %*d %*d %*d %*d %*d %llu",
			&out->parent, &user, &system, &out->process.started) != 4)
		return false;
	out->process.pid = pid;
	out->process.cpu_seconds = (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
	return true;
}

static struct stat_line *read_all(size_t *n)
{
	struct stat_line *all = NULL;
	DIR *proc = opendir("/proc");
	size_t room = 0;

	*n = 0;
	if (!proc)
		die("no /proc");
	for (struct dirent *entry; (entry = readdir(proc));) {
		if (*n == room) {
			room = room ? room * 2 : 256;
			all = xreallocarray(all, room, sizeof(*all));
		}
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
			read_stat(&all[*n], (pid_t)strtol(entry->d_name, NULL, 10)))
			++*n;
	}
	closedir(proc);
	return all;
}

static bool is_in(const struct processes *processes, pid_t pid)
{
	for (size_t i = 0; i < processes->n; i++) {
		if (processes->v[i].pid == pid)
			return true;
	}
	return false;
}

void processes_of(struct processes *out, pid_t root)
{
	size_t n, before;
	struct stat_line *all = read_all(&n);

	*out = (struct processes){ xcalloc(n, sizeof(*out->v)), 0 };
	do {
		before = out->n;
		for (size_t i = 0; i < n; i++) {
			pid_t pid = all[i].process.pid;

			if ((pid == root || is_in(out, all[i].parent)) && !is_in(out, pid))
				out->v[out->n++] = all[i].process;
		}
	} while (out->n > before);
	free(all);
}

double processes_used_seconds(struct processes *processes)
{
	double used = 0;
	size_t left = 0;

	for (size_t i = 0; i < processes->n; i++) {
		struct process *process = &processes->v[i];
		struct stat_line now;

		if (!read_stat(&now, process->pid) || now.process.started != process->started)
			continue;
		used += now.process.cpu_seconds - process->cpu_seconds;
		processes->v[left++] = *process;
	}
	processes->n = left;
	return used;
}

double processes_pss_mib(const struct processes *processes)
{
	double kib = 0, pss;

	for (size_t i = 0; i < processes->n; i++) {
		char path[64], line[256];

		snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", processes->v[i].pid);
		FILE *file = fopen(path, "re");
		while (file && fgets(line, sizeof(line), file)) {
			if (sscanf(line, "Pss: %lf kB", &pss) == 1)
				kib += pss;
		}
		if (file)
			fclose(file);
	}
	return kib / 1024;
}
