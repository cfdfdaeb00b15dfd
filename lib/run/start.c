/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup.h"
#include "lookup.h"
#include "runner.h"
#include "spawn.h"

/* The kernel counts RLIMIT_NPROC over all processes of a user, so a run needs room beside the others of its user: this
 * keeps a fork bomb from taking the machine, but is no limit for one run. */
enum { OTHER_PROCESSES = 1024 };

/* What a program can print after we have died, before it waits for somebody to read it. */
enum { LONELY_PIPE_BYTES = 256 << 10 };

static void cannot_start(struct run_state *run, const char *what, int error_number)
{
	struct run_result *result = &run->job->result;

	output_close(run);
	result->end = RUN_SPAWN;
	result->what = what;
	result->error_number = error_number;
	result->ended_us = monotonic_us();
	run->decided = true;
	run_finish(run);
}

/* Our end of the pipe belongs to the run; theirs is in *theirs. False with errno set. */
static bool open_output(struct run_state *run, enum run_stream stream, int *theirs)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return false;
	*theirs = ends[1];
	run->out_io[stream].fd = ends[0];
	if (run->job->spec.outlives) /* as good as it gets */
		fcntl(ends[0], F_SETPIPE_SZ, LONELY_PIPE_BYTES);
	return fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0;
}

static const char *step_of(const struct spawn *spawn)
{
	if (spawn->failed == SPAWN_EXEC && spawn->error_number == ENOENT && program_exists(spawn->spec, spawn->path))
		return "interpreter";
	return spawn_step_name(spawn->failed);
}

void runner_rlimits(
	const struct runner *runner, const struct run_limits *limits, int64_t *address_bytes, int64_t *processes)
{
	const struct run_cgroups *cgroups = runner->cgroups;
	bool memory = !cgroups || !cgroups_limit(cgroups, CGROUP_MEMORY),
	     pids = !cgroups || !cgroups_limit(cgroups, CGROUP_PIDS);

	*address_bytes = memory ? limits->memory_bytes : 0;
	*processes = pids && limits->processes ? limits->processes + OTHER_PROCESSES : 0;
}

static void set_limits(struct run_state *run, struct spawn *spawn)
{
	struct run_cgroups *cgroups = run->thread->runner->cgroups;

	spawn->cgroup_fd = run->cgroup ? cgroup_fd(run->cgroup) : -1;
	spawn->moves = cgroups && cgroups_move(cgroups);
	spawn->open_files = run->thread->runner->open_files;
	runner_rlimits(run->thread->runner, &run->job->spec.limits, &spawn->address_bytes, &spawn->processes);
}

/* From here on it is known to orphans.c as a run that is going on. */
static pid_t spawn_known(struct run_state *run, struct spawn *spawn)
{
	struct run_thread *thread = run->thread;

	run->started_us = run->job->result.started_us = monotonic_us();
	atomic_fetch_add(&thread->spawning, 1);
	run->pid = spawn_process(spawn);
	if (run->pid > 0)
		runner_add_live(run);
	atomic_fetch_add(&thread->spawning, 1);
	return run->pid;
}

/* Its exit cannot be watched: no descriptor is left for it, or no place in epoll. */
static void end_unwatched(struct run_state *run, int why)
{
	kill(-run->pid, SIGKILL);
	while (waitpid(run->pid, NULL, 0) < 0 && errno == EINTR)
		;
	run->reaped = true;
	if (run->exit_io.fd >= 0)
		close(run->exit_io.fd);
	cannot_start(run, "descriptors", why);
}

static void watch(struct run_state *run)
{
	struct mrp_err ignored = MRP_ERR_INIT;
	struct loop *loop = run->thread->loop;

	run->exit_io.fd = (int)syscall(SYS_pidfd_open, run->pid, 0);
	if (run->exit_io.fd < 0 ||
		loop_io_add(loop, &run->exit_io, run->exit_io.fd, EPOLLIN, run_exited, run, &ignored) < 0) {
		int why = errno;

		mrp_err_clear(&ignored);
		end_unwatched(run, why);
		return;
	}
	pace_began(run);
	run->timer = (struct loop_timer){ .fn = run_timer, .ctx = run };
	run_watch_pidfd(run);
}

/* 0, or what could not be had and errno. */
static const char *prepare(struct run_state *run, struct spawn *spawn)
{
	struct runner *runner = run->thread->runner;
	const struct run_spec *spec = spawn->spec;

	errno = find_program(&run->thread->path, spec);
	if (errno)
		return "program";
	spawn->path = run->thread->path.buf;
	if (!open_output(run, RUN_STDOUT, &spawn->stdio[1]) || !open_output(run, RUN_STDERR, &spawn->stdio[2]))
		return "descriptors";
	for (int i = 0; spec->outlives && i < 2; i++)
		spawn->readers[i] = run->out_io[i].fd;
	if (runner->cgroups) {
		run->cgroup = cgroup_take(runner->cgroups, &spec->limits);
		if (!run->cgroup)
			return "cgroup";
	}
	set_limits(run, spawn);
	return NULL;
}

void run_start(struct run_state *run)
{
	struct run_job *job = run->job;
	struct spawn spawn = {
		.spec = &job->spec, .stdio = { run->thread->runner->null_fd, -1, -1 }, .readers = { -1, -1 }
	};

	run->mark = env_value(job->spec.env, "MRPROBER_RUN_ID");
	if (job->started)
		job->started(job);
	job->result.started_us = monotonic_us();
	const char *what = prepare(run, &spawn);
	int why = errno;
	if (!what && spawn_known(run, &spawn) < 0) {
		what = step_of(&spawn);
		why = spawn.error_number;
	}
	for (int fd = 1; fd < 3; fd++) {
		if (spawn.stdio[fd] >= 0)
			close(spawn.stdio[fd]);
	}
	if (what)
		cannot_start(run, what, why);
	else
		watch(run);
}
