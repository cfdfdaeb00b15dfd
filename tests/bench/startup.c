/* SPDX-License-Identifier: Apache-2.0 */
/*
 * startup [-n RUNS] [-w WARM-UPS] [-e CODE] [-o FILE] COMMAND [ARG...]
 *
 * Run a command many times, one after another, and print the median of its wall time, its
 * CPU time and its highest resident size. With -n 1 it is also a stopwatch for one long run.
 *
 * Standard input is empty, standard output goes to FILE (default /dev/null), standard error
 * is shared. A run that ends otherwise than by exit code CODE (default 0) is an error: the
 * time of a program that failed says nothing.
 *
 * The resident size is that of wait4(2). The kernel counts the pages of the program before
 * exec as well, so it is never below the size of this program (about 1.5 MB).
 */
#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

struct sample {
	double wall, cpu;
	long rss_kib;
};

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec * 1e-6;
}

static struct sample run_once(char **argv, const posix_spawn_file_actions_t *files, int want)
{
	struct sample sample;
	struct rusage usage;
	double start = now_seconds();
	int err, status;
	pid_t pid;

	err = posix_spawnp(&pid, argv[0], files, NULL, argv, environ);
	if (err)
		die("cannot run '%s': %s", argv[0], strerror(err));
	while (wait4(pid, &status, 0, &usage) < 0)
		if (errno != EINTR)
			die("cannot wait for '%s': %s", argv[0], strerror(errno));
	sample.wall = now_seconds() - start;
	if (WIFSIGNALED(status))
		die("'%s' was ended by signal %d", argv[0], WTERMSIG(status));
	if (WEXITSTATUS(status) != want)
		die("'%s' exited with %d, not %d", argv[0], WEXITSTATUS(status), want);
	sample.cpu = seconds(usage.ru_utime) + seconds(usage.ru_stime);
	sample.rss_kib = usage.ru_maxrss;
	return sample;
}

int main(int argc, char **argv)
{
	long runs = 100, warm_ups = 0, want = 0, rss_kib = 0, i;
	posix_spawn_file_actions_t files;
	const char *output = "/dev/null";
	double *wall, *cpu, median_ms;
	int opt;

	while ((opt = getopt(argc, argv, "+n:w:e:o:")) != -1) {
		switch (opt) {
		case 'n':
			runs = parse_long("-n", optarg, 1, 1000000);
			break;
		case 'w':
			warm_ups = parse_long("-w", optarg, 0, 1000000);
			break;
		case 'e':
			want = parse_long("-e", optarg, 0, 255);
			break;
		case 'o':
			output = optarg;
			break;
		default:
			return 64;
		}
	}
	if (optind == argc)
		die_usage("usage: startup [-n RUNS] [-w WARM-UPS] [-e CODE] [-o FILE] COMMAND [ARG...]");

	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&files, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0666);

	wall = xcalloc((size_t)runs, sizeof(*wall));
	cpu = xcalloc((size_t)runs, sizeof(*cpu));
	for (i = -warm_ups; i < runs; i++) {
		struct sample sample = run_once(argv + optind, &files, (int)want);

		if (i < 0)
			continue;
		wall[i] = sample.wall;
		cpu[i] = sample.cpu;
		if (sample.rss_kib > rss_kib)
			rss_kib = sample.rss_kib;
	}
	posix_spawn_file_actions_destroy(&files);

	median_ms = quantile(wall, (size_t)runs, 0.5) * 1e3; /* sorts, so that wall[0] is the least */
	printf("runs=%ld wall_ms=%.3f min_ms=%.3f p90_ms=%.3f cpu_ms=%.3f rss_kib=%ld\n", runs, median_ms,
		wall[0] * 1e3, quantile(wall, (size_t)runs, 0.9) * 1e3, quantile(cpu, (size_t)runs, 0.5) * 1e3,
		rss_kib);
	free(wall);
	free(cpu);
	return 0;
}
