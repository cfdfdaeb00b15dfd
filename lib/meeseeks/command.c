/* SPDX-License-Identifier: Apache-2.0 */
/* A program that prints nodes: the way to an API that speaks no HTTP and JSON. It gets our environment but for the
 * token of the mrprober API, which is none of its business. */
#include <pthread.h>
#include <unistd.h>

#include "../run/run.h"
#include "text.h"

enum { TIMEOUT_MS = 60000, GRACE_MS = 5000, MAX_SAID = 300 };

struct command {
	const struct node_mapping *mapping;
	struct strvec env;
	struct runner *runner;
};

/* One run, waited for. */
struct waited {
	struct run_job job;
	pthread_mutex_t lock;
	pthread_cond_t ended;
	bool done;
};

static void close_command(void *state)
{
	struct command *source = state;

	if (!source)
		return;
	if (source->runner)
		runner_free(source->runner);
	strvec_clear(&source->env);
	free(source);
}

static int open_command(
	void **state, const struct node_mapping *mapping, const struct http_patience *patience, struct mrp_err *err)
{
	struct command *source;

	(void)patience;
	if (!mapping->command.n)
		return mrp_err_set(err, MRP_EUSAGE, "source command needs a program (--command, command)");
	*state = source = xcalloc(1, sizeof(*source));
	source->mapping = mapping;
	strvec_init(&source->env);
	for (char **entry = environ; *entry; entry++) {
		if (!skip_prefix(*entry, "MRPROBER_TOKEN", NULL))
			strvec_push(&source->env, *entry);
	}
	return 0;
}

static void job_done(struct run_job *job)
{
	struct waited *waited = (struct waited *)job; /* its first member */

	pthread_mutex_lock(&waited->lock);
	waited->done = true;
	pthread_cond_signal(&waited->ended);
	pthread_mutex_unlock(&waited->lock);
}

static void run_and_wait(struct runner *runner, struct waited *waited)
{
	runner_submit(runner, &waited->job);
	pthread_mutex_lock(&waited->lock);
	while (!waited->done)
		pthread_cond_wait(&waited->ended, &waited->lock);
	pthread_mutex_unlock(&waited->lock);
}

/* The last line that it wrote to stderr, which tells most. */
static void add_said(struct strbuf *out, const struct strbuf *text)
{
	size_t end = text->len, begin;

	while (end && strchr("\r\n ", text->buf[end - 1]))
		end--;
	for (begin = end; begin && text->buf[begin - 1] != '\n'; begin--)
		;
	if (end > begin)
		strbuf_addstr(out, ": ");
	strbuf_add_visible(out, text->buf + begin, MIN(end - begin, (size_t)MAX_SAID));
}

static int check_end(const struct run_result *result, const char *program, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf said = STRBUF_INIT;

	add_said(&said, &result->output[RUN_STDERR]);
	switch (result->end) {
	case RUN_EXITED:
		if (result->exit_code)
			return mrp_err_set(
				err, MRP_EFAILED, "'%s' ended with status %d%s", program, result->exit_code, said.buf);
		if (result->truncated[RUN_STDOUT])
			return mrp_err_set(err, MRP_ETOOBIG, "'%s' printed too much", program);
		return 0;
	case RUN_SIGNALED:
		return mrp_err_set(
			err, MRP_EFAILED, "'%s' was ended by signal %d%s", program, result->signal_number, said.buf);
	case RUN_TIMEOUT:
		return mrp_err_set(err, MRP_EFAILED, "'%s' took too long and was ended%s", program, said.buf);
	case RUN_SPAWN:
		return mrp_err_set(err, MRP_EFAILED, "cannot start '%s' (%s): %s", program, result->what,
			strerror(result->error_number));
	case RUN_LIMIT:
	case RUN_CANCELED:
		break;
	}
	return mrp_err_set(err, MRP_EFAILED, "'%s' was stopped", program);
}

static int read_output(void *state, struct reading *reading, struct mrp_err *err)
{
	struct command *source = state;
	const struct node_mapping *mapping = source->mapping;
	struct waited waited = {
		.job.spec = { .name = "nodes",
			.argv = (const char *const *)mapping->command.v,
			.env = (const char *const *)source->env.v,
			.timeout_ms = mapping->timeout_ms ? mapping->timeout_ms : TIMEOUT_MS,
			.grace_ms = GRACE_MS,
			.max_output_bytes = TEXT_MAX_BYTES },
		.job.done = job_done,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.ended = PTHREAD_COND_INITIALIZER,
	};

	/* one runner a process, and other mappings may have commands, too: it lives for this run only */
	source->runner = runner_new(&(struct runner_options){ .threads = 1 }, err);
	if (!source->runner)
		return -1;
	run_and_wait(source->runner, &waited);
	runner_free(source->runner);
	source->runner = NULL;
	const struct strbuf *output = &waited.job.result.output[RUN_STDOUT];
	int result = check_end(&waited.job.result, mapping->command.v[0], err);
	if (result == 0) {
		cleanup(freep) char *name = xasprintf("what '%s' printed", mapping->command.v[0]);

		result = text_read(reading, output->buf, output->len, name, err);
	}
	run_result_release(&waited.job.result);
	return result;
}

const struct source_ops source_command = {
	.places = TEXT_PLACES,
	.open = open_command,
	.read = read_output,
	.close = close_command,
};
