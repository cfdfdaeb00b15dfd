/* SPDX-License-Identifier: Apache-2.0 */
#include "helper.h"

#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "../ev/loop.h"
#include "../run/run.h"

enum { GRACE_MS = 5000, MAX_SAID = 300, NAP_MS = 200 };

/* One run, waited for. */
struct waited {
	struct run_job job;
	pthread_mutex_t lock;
	pthread_cond_t ended;
	bool done;
};

void helper_environment(struct strvec *out)
{
	for (char **entry = environ; *entry; entry++) {
		if (!skip_prefix(*entry, "MRPROBER_TOKEN", NULL))
			strvec_push(out, *entry);
	}
}

static void job_done(struct run_job *job)
{
	struct waited *waited = (struct waited *)job; /* its first member */

	pthread_mutex_lock(&waited->lock);
	waited->done = true;
	pthread_cond_signal(&waited->ended);
	pthread_mutex_unlock(&waited->lock);
}

/* True when it is done. */
static bool nap(struct waited *waited)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += NAP_MS * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	pthread_mutex_lock(&waited->lock);
	if (!waited->done)
		pthread_cond_clockwait(&waited->ended, &waited->lock, CLOCK_MONOTONIC, &until);
	bool done = waited->done;
	pthread_mutex_unlock(&waited->lock);
	return done;
}

static void run_and_wait(struct runner *runner, struct waited *waited, const struct http_patience *patience)
{
	runner_submit(runner, &waited->job);
	while (!nap(waited)) {
		if (patience && patience->alive)
			patience->alive();
		if (patience && monotonic_us() / 1000 >= atomic_load(&patience->until_ms))
			runner_cancel(runner, &waited->job);
	}
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
	case RUN_CANCELED:
		return mrp_err_set(err, MRP_EINTERRUPTED, "'%s' was stopped", program);
	case RUN_LIMIT:
		break;
	}
	return mrp_err_set(err, MRP_EFAILED, "'%s' was stopped", program);
}

int helper_run(struct strbuf *out, const struct helper *helper, struct mrp_err *err)
{
	struct waited waited = {
		.job.spec = { .name = "nodes",
			.argv = helper->argv,
			.env = helper->env,
			.timeout_ms = helper->timeout_ms,
			.grace_ms = GRACE_MS,
			.max_output_bytes = helper->max_bytes },
		.job.done = job_done,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.ended = PTHREAD_COND_INITIALIZER,
	};
	/* one runner a process, and other mappings may have programs, too: it lives for this run only */
	struct runner *runner = runner_new(&(struct runner_options){ .threads = 1 }, err);

	if (!runner)
		return -1;
	run_and_wait(runner, &waited, helper->patience);
	runner_free(runner);
	struct strbuf *output = &waited.job.result.output[RUN_STDOUT];
	int result = check_end(&waited.job.result, helper->argv[0], err);
	if (result == 0)
		strbuf_add(out, output->buf, output->len);
	explicit_bzero(output->buf, output->len);
	run_result_release(&waited.job.result);
	return result;
}
