/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spawn [-n RUNS] [-t THREADS] [-q QUEUED] COMMAND [ARG...]
 *
 * The same work as floor-spawn, by lib/run: with time-outs, both streams, sessions and whatever else belongs to a run.
 * QUEUED jobs are submitted at any time (default 64); how many of them go on is up to lib/run.
 */
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../../lib/base/parse.h"
#include "../../lib/ev/loop.h"
#include "../../lib/run/run.h"

extern char **environ;

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct runner *runner;
	int64_t runs, to_submit, ended;
} bench = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

NORETURN static void fail(const char *what)
{
	fprintf(stderr, "spawn: %s\n", what);
	exit(1);
}

static void done(struct run_job *job)
{
	if (job->result.end != RUN_EXITED || job->result.exit_code != 0)
		fail("the command failed, so there is nothing to measure");
	run_result_release(&job->result);
	pthread_mutex_lock(&bench.lock);
	if (++bench.ended == bench.runs)
		pthread_cond_signal(&bench.changed);
	bool again = bench.to_submit > 0;
	bench.to_submit -= again;
	pthread_mutex_unlock(&bench.lock);
	if (again)
		runner_submit(bench.runner, job);
}

static double cpu_us(int who)
{
	struct rusage usage;

	getrusage(who, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
		(double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static long number(const char *text)
{
	struct mrp_err err = MRP_ERR_INIT;
	int64_t n;

	if (parse_int(&n, text, 1, 10000000, &err) < 0)
		fail(err.msg);
	return (long)n;
}

static void run_all(char **command, int64_t runs, int64_t queued)
{
	struct run_job *jobs = xcalloc((size_t)queued, sizeof(*jobs));

	bench.runs = runs;
	bench.to_submit = runs - queued;
	for (int64_t i = 0; i < queued; i++) {
		jobs[i].spec = (struct run_spec){ .name = "bench",
			.argv = (const char *const *)command,
			.env = (const char *const *)environ,
			.folder = "/",
			.timeout_ms = 10000,
			.grace_ms = 1000,
			.max_output_bytes = 65536 };
		jobs[i].done = done;
		runner_submit(bench.runner, &jobs[i]);
	}
	pthread_mutex_lock(&bench.lock);
	while (bench.ended < runs)
		pthread_cond_wait(&bench.changed, &bench.lock);
	pthread_mutex_unlock(&bench.lock);
	runner_free(bench.runner);
	free(jobs);
}

int main(int argc, char **argv)
{
	int64_t runs = 2000, queued = 64;
	struct runner_options options = { .threads = 2 };
	struct mrp_err err = MRP_ERR_INIT;
	struct rusage usage;
	int opt;

	while ((opt = getopt(argc, argv, "+n:t:q:c:")) != -1) {
		switch (opt) {
		case 'n':
			runs = number(optarg);
			break;
		case 't':
			options.threads = (int)number(optarg);
			break;
		case 'q':
			queued = number(optarg);
			break;
		case 'c':
			options.cgroup = optarg;
			break;
		default:
			fail("usage: spawn [-n RUNS] [-t THREADS] [-q QUEUED] [-c CGROUP] COMMAND [ARG...]");
		}
	}
	if (!argv[optind])
		fail("no command");
	bench.runner = runner_new(&options, &err);
	if (!bench.runner)
		fail(err.msg);
	int64_t begin = monotonic_us();
	double cpu = cpu_us(RUSAGE_SELF);
	run_all(argv + optind, runs, MIN(queued, runs));
	double seconds = (double)(monotonic_us() - begin) * 1e-6;
	getrusage(RUSAGE_SELF, &usage);
	printf("runs=%lld seconds=%.3f per_second=%.0f own_cpu_us=%.1f child_cpu_us=%.1f rss_kib=%ld\n",
		(long long)runs, seconds, (double)runs / seconds, (cpu_us(RUSAGE_SELF) - cpu) / (double)runs,
		cpu_us(RUSAGE_CHILDREN) / (double)runs, usage.ru_maxrss);
	return 0;
}
