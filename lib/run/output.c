/* SPDX-License-Identifier: Apache-2.0 */
/* What a program prints is read as it comes and kept up to its limit; the rest is read all the same, so that a program
 * which prints too much behaves as it would anywhere else. One buffer a time, so that a flood keeps nobody waiting.
 *
 * The pipes of one that has ended after a few milliseconds are not watched at all, but read when it has. */
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "runner.h"

enum { DRAIN_READS = 32 }; /* more than a pipe holds */

static void close_one(struct run_state *run, enum run_stream stream)
{
	struct loop_io *io = &run->out_io[stream];

	loop_io_remove(run->thread->loop, io);
	if (io->fd >= 0)
		close(io->fd);
	io->fd = -1;
}

static void keep(struct run_state *run, enum run_stream stream, const char *data, size_t len)
{
	struct run_job *job = run->job;
	struct strbuf *kept = &job->result.output[stream];
	size_t room = job->spec.max_output_bytes - MIN(kept->len, job->spec.max_output_bytes);

	if (len > room) {
		len = room;
		job->result.truncated[stream] = true;
	}
	if (len) {
		strbuf_add(kept, data, len);
		if (job->output)
			job->output(job, stream, data, len);
	}
	if (job->result.truncated[stream] && job->spec.output_is_limit)
		run_terminate(run, RUN_LIMIT, "output");
}

/* False when there is nothing more to read at the moment. */
static bool read_some(struct run_state *run, enum run_stream stream)
{
	char *buffer = run->thread->buffer;
	ssize_t n = read(run->out_io[stream].fd, buffer, READ_BYTES);

	if (n > 0)
		keep(run, stream, buffer, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		close_one(run, stream);
	return n > 0;
}

static void output_ready(struct run_state *run, enum run_stream stream)
{
	read_some(run, stream);
	if (run->phase == PHASE_DRAINING && !output_open(run))
		run_timer(run);
}

static void stdout_ready(void *ctx, uint32_t events)
{
	(void)events;
	output_ready(ctx, RUN_STDOUT);
}

static void stderr_ready(void *ctx, uint32_t events)
{
	(void)events;
	output_ready(ctx, RUN_STDERR);
}

void output_watch(struct run_state *run)
{
	loop_io_fn *const ready[] = { stdout_ready, stderr_ready };
	struct mrp_err err = MRP_ERR_INIT;

	for (int stream = 0; stream < 2; stream++) {
		struct loop_io *io = &run->out_io[stream];

		if (io->fd < 0 || io->slot ||
			!loop_io_add(run->thread->loop, io, io->fd, EPOLLIN, ready[stream], run, &err))
			continue;
		run->job->result.error_number = errno;
		mrp_err_clear(&err);
		run_terminate(run, RUN_SPAWN, "descriptors");
	}
}

void output_drain(struct run_state *run)
{
	for (int stream = 0; stream < 2; stream++) {
		for (int i = 0; run->out_io[stream].fd >= 0 && i < DRAIN_READS; i++) {
			if (!read_some(run, (enum run_stream)stream))
				break;
		}
	}
}

bool output_open(const struct run_state *run)
{
	return run->out_io[RUN_STDOUT].fd >= 0 || run->out_io[RUN_STDERR].fd >= 0;
}

void output_close(struct run_state *run)
{
	close_one(run, RUN_STDOUT);
	close_one(run, RUN_STDERR);
}
