/* SPDX-License-Identifier: Apache-2.0 */
#include "prompt.h"

#include "../base/interrupt.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

bool mrp_can_prompt(void)
{
	return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

/* Wait for input or for Ctrl-C. */
static int wait_for_input(void)
{
	struct pollfd fds[] = { { .fd = STDIN_FILENO, .events = POLLIN }, { .fd = interrupt_fd(), .events = POLLIN } };

	while (poll(fds, ARRAY_SIZE(fds), -1) < 0) {
		if (errno != EINTR)
			return -1;
	}
	if (!interrupted())
		return 0;
	errno = EINTR;
	return -1;
}

/* One line, byte by byte: what comes after it is not ours. 0 at the end of input, -1 with errno. */
static int read_line(struct strbuf *line)
{
	char c;

	for (;;) {
		ssize_t n = wait_for_input() < 0 ? -1 : read(STDIN_FILENO, &c, 1);

		if (n <= 0)
			return n < 0 ? -1 : line->len > 0;
		if (c == '\n')
			return 1;
		if (line->len < 256)
			strbuf_addch(line, c);
	}
}

int mrp_prompt_yes_no(bool *yes, const char *question, const char *flag, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf line = STRBUF_INIT;

	*yes = false;
	if (!mrp_can_prompt())
		return mrp_err_set(err, MRP_EUSAGE, "there is no terminal to ask on; pass '%s'", flag);
	if (interrupt_catch(err) < 0) /* else Ctrl-C ends the program by a signal, which is no exit code */
		return -1;
	fflush(stdout);
	fprintf(stderr, "%s [y/N] ", question);
	fflush(stderr);
	int got = read_line(&line);
	if (got < 0) {
		int error = errno;

		fputc('\n', stderr);
		errno = error;
		if (error == EINTR)
			return mrp_err_set(err, MRP_EINTERRUPTED, "interrupted");
		return mrp_err_errno(err, "cannot read the answer");
	}
	if (!got)
		fputc('\n', stderr);
	*yes = strcasecmp(line.buf, "y") == 0 || strcasecmp(line.buf, "yes") == 0;
	return 0;
}
