/* SPDX-License-Identifier: Apache-2.0 */
#include "thread.h"

#include <errno.h>
#include <signal.h>

int thread_start(pthread_t *thread, const char *name, void *(*body)(void *), void *ctx, struct mrp_err *err)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	errno = pthread_create(thread, NULL, body, ctx);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (errno)
		return mrp_err_errno(err, "cannot start a thread");
	if (name)
		pthread_setname_np(*thread, name);
	return 0;
}

void cond_init_monotonic(pthread_cond_t *cond)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &attr);
	pthread_condattr_destroy(&attr);
}
