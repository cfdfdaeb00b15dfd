/* SPDX-License-Identifier: Apache-2.0 */
/* A handler may do almost nothing, so it raises a flag and writes one byte into a pipe that nobody reads empty. */
#include "interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

static volatile sig_atomic_t raised;
static int ends[2] = { -1, -1 }; /* a signal handler has no other way to know them */

static void on_signal(int number)
{
	int saved = errno;

	(void)number;
	raised = 1;
	/* the pipe is new and empty, so a byte fits; if it did not, it would be readable already */
	if (write(ends[1], "", 1) < 0)
		raised = 1;
	errno = saved;
}

int interrupt_catch(struct mrp_err *err)
{
	/* SA_RESETHAND: the second signal does what it always did */
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART | (int)SA_RESETHAND };

	if (ends[0] >= 0)
		return 0;
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return mrp_err_errno(err, "cannot make a pipe");
	sigemptyset(&action.sa_mask);
	if (sigaction(SIGINT, &action, NULL) < 0 || sigaction(SIGTERM, &action, NULL) < 0)
		return mrp_err_errno(err, "cannot catch signals");
	return 0;
}

bool interrupted(void)
{
	return raised != 0;
}

int interrupt_fd(void)
{
	return ends[0];
}
