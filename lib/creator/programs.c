/* SPDX-License-Identifier: Apache-2.0 */
#include "programs.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

enum {
	KEEP_BYTES = 64 << 20, /* of what a program prints: the JSON of a large plan, the log of a talkative one */
	ASK_TWICE = 2,
	SHORT_GRACE_MS = 5000,
};

/* One that runs, or waits for its turn to start. */
struct going {
	struct run_job job;
	struct program *program;
	struct programs *programs;
	struct going *next;
	bool done, canceled;
};

struct programs {
	struct runner *runner;
	int64_t grace_ms;
	pthread_mutex_t lock;
	pthread_cond_t ended;
	struct going *going;
	bool stopped;
};

struct programs *programs_new(int64_t grace_ms, struct mrp_err *err)
{
	struct runner *runner = runner_new(&(struct runner_options){ .threads = 1 }, err);

	if (!runner)
		return NULL;
	struct programs *programs = xcalloc(1, sizeof(*programs));
	programs->runner = runner;
	programs->grace_ms = grace_ms;
	pthread_mutex_init(&programs->lock, NULL);
	pthread_cond_init(&programs->ended, NULL);
	return programs;
}

void programs_free(struct programs *programs)
{
	if (!programs)
		return;
	runner_free(programs->runner);
	pthread_cond_destroy(&programs->ended);
	pthread_mutex_destroy(&programs->lock);
	free(programs);
}

static void on_output(struct run_job *job, enum run_stream stream, const char *data, size_t len)
{
	const struct going *going = (struct going *)job;
	const struct program *program = going->program;

	if (program->output && !(program->keep_stdout && stream == RUN_STDOUT))
		program->output(program->ctx, data, len);
}

static void on_done(struct run_job *job)
{
	struct going *going = (struct going *)job;
	struct programs *programs = going->programs;

	pthread_mutex_lock(&programs->lock);
	going->done = true;
	pthread_cond_broadcast(&programs->ended);
	pthread_mutex_unlock(&programs->lock);
}

/* False when nothing is to be started any more. */
static bool submit(struct programs *programs, struct going *going)
{
	pthread_mutex_lock(&programs->lock);
	const atomic_bool *stop = going->program->stop;
	bool stopped = programs->stopped || (stop && atomic_load(stop));
	if (!stopped) {
		going->next = programs->going;
		programs->going = going;
		runner_submit(programs->runner, &going->job);
	}
	pthread_mutex_unlock(&programs->lock);
	return !stopped;
}

static void wait_until_done(struct programs *programs, struct going *going)
{
	struct going **at = &programs->going;

	pthread_mutex_lock(&programs->lock);
	while (!going->done)
		pthread_cond_wait(&programs->ended, &programs->lock);
	while (*at != going)
		at = &(*at)->next;
	*at = going->next;
	pthread_mutex_unlock(&programs->lock);
}

static void wipe(struct strbuf *text)
{
	explicit_bzero(text->buf, text->alloc ? text->len : 0);
	strbuf_release(text);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int why(const struct run_result *result, const struct program *program, struct mrp_err *err)
{
	const char *name = base_name(program->argv[0]);

	switch (result->end) {
	case RUN_EXITED:
		return result->exit_code;
	case RUN_SIGNALED:
		return mrp_err_set(err, MRP_EFAILED, "%s was ended by signal %d (%s)", name, result->signal_number,
			strsignal(result->signal_number));
	case RUN_TIMEOUT:
		return mrp_err_set(err, MRP_EFAILED, "%s did not end in time (%lld s) and was %s", name,
			(long long)program->timeout_ms / 1000, result->killed ? "killed" : "interrupted");
	case RUN_CANCELED:
		return mrp_err_set(err, MRP_EINTERRUPTED, "%s was %s", name, result->killed ? "killed" : "interrupted");
	case RUN_SPAWN:
		errno = result->error_number;
		return mrp_err_errno(err, "cannot run '%s' (%s)", program->argv[0], result->what);
	case RUN_LIMIT:
		break;
	}
	return mrp_err_set(err, MRP_EFAILED, "%s went over its limit of %s", name, result->what);
}

int program_run(struct programs *programs, struct program *program, struct mrp_err *err)
{
	struct going going = {
		.program = program,
		.programs = programs,
		.job = { .done = on_done,
			.output = on_output,
			.spec = { .name = base_name(program->argv[0]),
				.argv = program->argv,
				.env = program->env,
				.folder = program->folder,
				.timeout_ms = MAX(program->timeout_ms, 1),
				.grace_ms = program->gentle ? programs->grace_ms : SHORT_GRACE_MS,
				.end_signal = program->gentle ? SIGINT : SIGTERM,
				.end_tries = program->gentle ? ASK_TWICE : 1,
				.outlives = program->gentle,
				.max_output_bytes = KEEP_BYTES } },
	};
	struct run_result *result = &going.job.result;

	strbuf_init(&program->out);
	if (!submit(programs, &going))
		return mrp_err_set(err, MRP_EINTERRUPTED, "%s was not started any more", base_name(program->argv[0]));
	wait_until_done(programs, &going);
	program->truncated = result->truncated[RUN_STDOUT] || result->truncated[RUN_STDERR];
	program->killed = result->killed || result->signal_number;
	program->stopped = result->end == RUN_TIMEOUT || result->end == RUN_CANCELED;
	if (program->keep_stdout) {
		program->out = result->output[RUN_STDOUT];
		strbuf_init(&result->output[RUN_STDOUT]);
	}
	int code = why(result, program, err);
	wipe(&result->output[RUN_STDOUT]);
	wipe(&result->output[RUN_STDERR]);
	return code;
}

void program_release(struct program *program)
{
	wipe(&program->out);
}

static void cancel(struct programs *programs, const void *owner)
{
	for (struct going *going = programs->going; going; going = going->next) {
		if (going->done || going->canceled || (owner && going->program->owner != owner))
			continue;
		going->canceled = true;
		runner_cancel(programs->runner, &going->job);
	}
}

void programs_cancel(struct programs *programs, const void *owner)
{
	pthread_mutex_lock(&programs->lock);
	cancel(programs, owner);
	pthread_mutex_unlock(&programs->lock);
}

void programs_stop(struct programs *programs)
{
	pthread_mutex_lock(&programs->lock);
	programs->stopped = true;
	cancel(programs, NULL);
	pthread_mutex_unlock(&programs->lock);
}

bool programs_stopped(struct programs *programs)
{
	pthread_mutex_lock(&programs->lock);
	bool stopped = programs->stopped;
	pthread_mutex_unlock(&programs->lock);
	return stopped;
}
