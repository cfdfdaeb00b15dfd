/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Jobs stand in one queue. A thread starts one of them and then goes round its loop, so that exits are seen while a
 * backlog is worked off; before it blocks in vfork it wakes another thread for the next job.
 */
#include "runner.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "../base/file.h"
#include "../base/thread.h"
#include "cgroup.h"

enum { MOST_THREADS = 4 };

/* --- the table of the live ones: runner->lock is held --- */

static struct run_state **bucket_of(struct runner *runner, pid_t pid)
{
	return &runner->live[(unsigned)pid % LIVE_BUCKETS];
}

void runner_add_live(struct run_state *run)
{
	struct runner *runner = run->thread->runner;
	struct run_state **bucket = bucket_of(runner, run->pid);

	pthread_mutex_lock(&runner->lock);
	run->next = *bucket;
	*bucket = run;
	pthread_mutex_unlock(&runner->lock);
}

/* runner->lock is held. */
void runner_remove_live(struct run_state *run)
{
	struct run_state **at = bucket_of(run->thread->runner, run->pid);

	while (*at && *at != run)
		at = &(*at)->next;
	if (*at)
		*at = run->next;
}

/* --- who takes what --- */

/* The one with the least to do that can be woken and is not `but`; NULL: all have been, or wait for the pace. It counts
 * as woken: post its message after the lock is released. */
static struct run_thread *thread_to_wake(struct runner *runner, const struct run_thread *but)
{
	struct run_thread *best = NULL;

	for (int i = 0; i < runner->n_threads; i++) {
		struct run_thread *thread = &runner->threads[i];

		if (thread != but && !thread->woken && !thread->full && (!best || thread->live < best->live))
			best = thread;
	}
	if (best)
		best->woken = true;
	return best;
}

static void wake(struct run_thread *thread)
{
	if (thread)
		loop_post(thread->loop, &thread->take);
}

static struct run_state *pop(struct runner *runner)
{
	struct run_state *run = runner->first;

	runner->first = run->next;
	if (!runner->first)
		runner->last = &runner->first;
	run->next = NULL;
	return run;
}

static void take(struct loop_message *message)
{
	struct run_thread *thread = (struct run_thread *)((char *)message - offsetof(struct run_thread, take));
	struct runner *runner = thread->runner;
	struct run_thread *other = NULL;
	struct run_state *run = NULL;
	bool may = pace_allows(thread), more;

	pthread_mutex_lock(&runner->lock);
	thread->woken = false;
	thread->full = !may;
	if (runner->first && may) {
		run = pop(runner);
		run->thread = thread;
		thread->live++;
	}
	more = runner->first != NULL;
	if (more)
		other = thread_to_wake(runner, thread);
	thread->woken = more && may;
	pthread_mutex_unlock(&runner->lock);
	wake(other);
	if (run)
		run_start(run);
	if (more && may)
		wake(thread);
	if (!may)
		pace_wait(thread);
}

void runner_take_again(struct run_thread *thread)
{
	struct runner *runner = thread->runner;

	if (!thread->full) /* only this thread changes it */
		return;
	pthread_mutex_lock(&runner->lock);
	thread->full = false;
	bool self = runner->first && !thread->woken;
	if (self)
		thread->woken = true;
	pthread_mutex_unlock(&runner->lock);
	if (self)
		wake(thread);
}

void runner_submit(struct runner *runner, struct run_job *job)
{
	struct run_state *run = xcalloc(1, sizeof(*run));

	run->job = job;
	run->cancel.deliver = run_cancel;
	run->exit_io.fd = run->out_io[RUN_STDOUT].fd = run->out_io[RUN_STDERR].fd = -1;
	memset(&job->result, 0, sizeof(job->result));
	strbuf_init(&job->result.output[RUN_STDOUT]);
	strbuf_init(&job->result.output[RUN_STDERR]);
	pthread_mutex_lock(&runner->lock);
	job->state = run;
	*runner->last = run;
	runner->last = &run->next;
	struct run_thread *thread = thread_to_wake(runner, NULL);
	pthread_mutex_unlock(&runner->lock);
	wake(thread);
}

static void take_back(struct runner *runner, struct run_state *run)
{
	struct run_state **at = &runner->first;

	while (*at != run)
		at = &(*at)->next;
	*at = run->next;
	if (runner->last == &run->next)
		runner->last = at;
	run->next = NULL;
	run->thread = &runner->threads[0];
	run->thread->live++;
}

/* done() may be about to be called on the other thread: then there is nothing to cancel, which is no mistake of who
 * calls this, since he cannot have heard of it. */
void runner_cancel(struct runner *runner, struct run_job *job)
{
	struct loop *loop = NULL;

	pthread_mutex_lock(&runner->lock);
	struct run_state *run = job->state;
	if (run && !run->cancel_posted) {
		if (!run->thread)
			take_back(runner, run);
		run->cancel_posted = true;
		loop = run->thread->loop;
	}
	if (loop) /* with the lock, or the run could end and be gone before its message is posted */
		loop_post(loop, &run->cancel);
	pthread_mutex_unlock(&runner->lock);
}

void run_result_release(struct run_result *result)
{
	strbuf_release(&result->output[RUN_STDOUT]);
	strbuf_release(&result->output[RUN_STDERR]);
}

/* --- threads --- */

static void *thread_main(void *arg)
{
	struct run_thread *thread = arg;
	struct mrp_err err = MRP_ERR_INIT;

	prctl(PR_SET_NAME, "mrprober-run");
	if (loop_run(thread->loop, &err) < 0)
		BUG("%s", err.msg);
	return NULL;
}

static void pace_due(void *ctx)
{
	runner_take_again(ctx);
}

static int run_thread_start(struct runner *runner, struct run_thread *thread, struct mrp_err *err)
{
	thread->runner = runner;
	thread->take.deliver = take;
	thread->pace_timer = (struct loop_timer){ .fn = pace_due, .ctx = thread };
	thread->orphans_timer = (struct loop_timer){ .fn = orphans_timer, .ctx = thread };
	thread->buffer = xmalloc(READ_BYTES);
	strbuf_init(&thread->path);
	thread->loop = loop_new(err);
	if (!thread->loop)
		return -1;
	/* A handler must never run in a child that shares our memory: these threads take no signals at all. */
	if (thread_start(&thread->thread, NULL, thread_main, thread, err) < 0)
		return -1;
	thread->has_thread = true;
	return 0;
}

/* The numbers 0 to 2 are taken from now on, so none of them becomes a pipe that the child would have to move first. */
static int open_null(struct mrp_err *err)
{
	for (;;) {
		int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

		if (fd < 0)
			return mrp_err_errno(err, "cannot open '/dev/null'");
		if (fd > STDERR_FILENO)
			return fd;
	}
}

/* Exits are ours to see: a parent may have left SIGCHLD ignored, and then the kernel throws them away. */
static int prepare_process(struct mrp_err *err)
{
	struct sigaction act;

	if (sigaction(SIGCHLD, NULL, &act) == 0 && act.sa_handler == SIG_IGN)
		signal(SIGCHLD, SIG_DFL);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return mrp_err_errno(err, "cannot become a child subreaper");
	return 0;
}

static int threads_wanted(const struct runner_options *options)
{
	if (options->threads > 0)
		return options->threads;
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	return (int)MAX(1, MIN(processors, MOST_THREADS));
}

static int runner_start(struct runner *runner, const struct runner_options *options, struct mrp_err *err)
{
	runner->open_files = options->open_files;
	runner->null_fd = open_null(err);
	if (runner->null_fd < 0 || prepare_process(err) < 0)
		return -1;
	if (options->cgroup && !(runner->cgroups = cgroups_open(options->cgroup, err)))
		return -1;
	/* all of them exist before the first one can be told to wake another */
	runner->threads = xcalloc((size_t)threads_wanted(options), sizeof(*runner->threads));
	while (runner->n_threads < threads_wanted(options)) {
		if (run_thread_start(runner, &runner->threads[runner->n_threads++], err) < 0)
			return -1;
	}
	return 0;
}

struct runner *runner_new(const struct runner_options *options, struct mrp_err *err)
{
	struct runner *runner = xcalloc(1, sizeof(*runner));

	runner->last = &runner->first;
	pthread_mutex_init(&runner->lock, NULL);
	orphans_open(&runner->orphans);
	if (runner_start(runner, options, err) < 0) {
		runner_free(runner);
		return NULL;
	}
	return runner;
}

void runner_free(struct runner *runner)
{
	if (!runner)
		return;
	for (int i = 0; i < runner->n_threads; i++) {
		struct run_thread *thread = &runner->threads[i];

		if (thread->has_thread) {
			loop_stop(thread->loop);
			pthread_join(thread->thread, NULL);
		}
	}
	orphans_close(runner);
	cgroups_close(runner->cgroups);
	for (int i = 0; i < runner->n_threads; i++) {
		loop_free(runner->threads[i].loop);
		strbuf_release(&runner->threads[i].path);
		free(runner->threads[i].buffer);
	}
	free(runner->threads);
	fd_closep(&runner->null_fd);
	pthread_mutex_destroy(&runner->lock);
	free(runner);
}
