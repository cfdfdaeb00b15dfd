/* SPDX-License-Identifier: Apache-2.0 */
#include "progress.h"

#include <time.h>
#include <unistd.h>

enum { FIRST_MS = 500, INTERVAL_MS = 100 };

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void mrp_progress_start(struct mrp_progress *progress, const char *what, size_t total, bool quiet)
{
	const char *term = getenv("TERM");
	bool dumb = !term || !*term || streq(term, "dumb");

	*progress =
		(struct mrp_progress){ .on = !quiet && !dumb && isatty(STDERR_FILENO), .what = what, .total = total };
	if (progress->on)
		progress->next_ms = now_ms() + FIRST_MS;
}

void mrp_progress_update(struct mrp_progress *progress, size_t done)
{
	if (!progress->on)
		return;
	int64_t now = now_ms();
	if (now < progress->next_ms)
		return;
	progress->next_ms = now + INTERVAL_MS;
	progress->shown = true;
	if (progress->total)
		fprintf(stderr, "\r%s: %zu/%zu (%zu%%)\033[K", progress->what, done, progress->total,
			done * 100 / progress->total);
	else
		fprintf(stderr, "\r%s: %zu\033[K", progress->what, done);
	fflush(stderr);
}

void mrp_progress_clear(struct mrp_progress *progress)
{
	if (!progress->shown)
		return;
	progress->shown = false;
	fputs("\r\033[K", stderr);
	fflush(stderr);
}
