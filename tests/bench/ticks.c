/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ticks make FILE N
 * ticks [-i INTERVAL-MS] watch FILE N SECONDS PID
 *
 * Watch a scheduler from outside, whichever it is: it runs `tick FILE 0` to `tick FILE N-1`, and its processes are PID
 * and those that descend from it and live as long as the watching (workers, not checks).
 *
 * Printed are runs a second; intervals between two starts of one check (median, 99th percentile, and the 99th
 * percentile of how far they are from INTERVAL-MS, 1000 by default); runs of the check that had fewest and most; the
 * CPU time of the scheduler's processes themselves, without those they waited for, a run and as a share of one
 * processor; and their memory (PSS).
 */
#include "ticks.h"
#include "common.h"
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { MAX_CHECKS = 100000, KEPT_SURELY = TICKS_KEPT - 2 /* one is being written while we read */ };

struct intervals {
	double *ms, *off_ms;
	size_t n, room;
};

static void make(const char *path, long n)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0666);

	/* whoever runs checks may do it as another user */
	if (fd < 0 || fchmod(fd, 0666) < 0 || ftruncate(fd, n * (off_t)sizeof(struct tick_slot)) < 0)
		die("cannot make '%s': %s", path, strerror(errno));
	close(fd);
}

static const struct tick_slot *map_slots(const char *path, long n)
{
	int fd = open(path, O_RDONLY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size < n * (off_t)sizeof(struct tick_slot))
		die("'%s' is no file of %ld ticks", path, n);
	void *map = mmap(NULL, (size_t)n * sizeof(struct tick_slot), PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		die("cannot map '%s': %s", path, strerror(errno));
	close(fd);
	return map;
}

static uint64_t *counts(const struct tick_slot *slots, long n)
{
	uint64_t *count = xcalloc((size_t)n, sizeof(*count));

	for (long i = 0; i < n; i++)
		count[i] = __atomic_load_n(&slots[i].count, __ATOMIC_RELAXED);
	return count;
}

static void add_interval(struct intervals *all, double ms, double want_ms)
{
	if (all->n == all->room) {
		all->room = all->room ? all->room * 2 : 4096;
		all->ms = xreallocarray(all->ms, all->room, sizeof(*all->ms));
		all->off_ms = xreallocarray(all->off_ms, all->room, sizeof(*all->off_ms));
	}
	all->ms[all->n] = ms;
	all->off_ms[all->n++] = fabs(ms - want_ms);
}

/* Those that end with a start from the `before`-th to the one before the `after`-th. */
static void add_intervals(
	struct intervals *all, const struct tick_slot *slot, uint64_t before, uint64_t after, double want_ms)
{
	uint64_t first = before ? before : 1;

	if (after - first > KEPT_SURELY)
		die("more than %d runs of a check: watch it for less long", KEPT_SURELY);
	for (uint64_t i = first; i < after; i++) {
		uint64_t from = slot->at_ns[(i - 1) % TICKS_KEPT], to = slot->at_ns[i % TICKS_KEPT];

		add_interval(all, ((double)to - (double)from) / 1e6, want_ms);
	}
}

static void watch(const char *path, long n, double seconds, pid_t pid, double want_ms)
{
	const struct tick_slot *slots = map_slots(path, n);
	struct intervals all = { NULL, NULL, 0, 0 };
	struct processes processes;
	uint64_t runs = 0, fewest = UINT64_MAX, most = 0;

	processes_of(&processes, pid);
	uint64_t *before = counts(slots, n);
	double begin = now_seconds();
	usleep((useconds_t)(seconds * 1e6));
	uint64_t *after = counts(slots, n);
	seconds = now_seconds() - begin;
	double cpu = processes_used_seconds(&processes);
	for (long i = 0; i < n; i++) {
		uint64_t more = after[i] - before[i];

		runs += more;
		fewest = more < fewest ? more : fewest;
		most = more > most ? more : most;
		if (more)
			add_intervals(&all, &slots[i], before[i], after[i], want_ms);
	}
	if (!runs)
		die("nothing was run in %.1f s", seconds);
	printf("per_second=%.1f fewest=%lu most=%lu p50_ms=%.1f p99_ms=%.1f off_p99_ms=%.2f cpu_us=%.1f cpu_share=%.4f "
	       "processes=%zu pss_mib=%.2f\n",
		(double)runs / seconds, (unsigned long)fewest, (unsigned long)most, quantile(all.ms, all.n, 0.5),
		quantile(all.ms, all.n, 0.99), quantile(all.off_ms, all.n, 0.99), cpu * 1e6 / (double)runs,
		cpu / seconds, processes.n, processes_pss_mib(&processes));
}

int main(int argc, char **argv)
{
	static const char usage[] = "usage: ticks make FILE N | ticks [-i INTERVAL-MS] watch FILE N SECONDS PID";
	double want_ms = 1000;
	int opt;

	while ((opt = getopt(argc, argv, "+i:")) != -1) {
		if (opt != 'i')
			die_usage("%s", usage);
		want_ms = (double)parse_long("-i", optarg, 1, 1000000000);
	}
	argc -= optind;
	argv += optind;
	if (argc == 3 && !strcmp(argv[0], "make"))
		make(argv[1], parse_long("N", argv[2], 1, MAX_CHECKS));
	else if (argc == 5 && !strcmp(argv[0], "watch"))
		watch(argv[1], parse_long("N", argv[2], 1, MAX_CHECKS), parse_seconds("SECONDS", argv[3]),
			(pid_t)parse_long("PID", argv[4], 1, 1 << 30), want_ms);
	else
		die_usage("%s", usage);
	return 0;
}
