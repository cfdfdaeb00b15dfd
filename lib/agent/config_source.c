/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread that looks. One turn: wait until something is due or somebody wants something; look for a config; see to
 * reports; drop configs and files that nobody uses any more. Everything else that may take time is ended by stop_fd.
 */
#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "../base/file.h"
#include "../base/log.h"
#include "../base/thread.h"
#include "../ev/loop.h"
#include "../model/agent.h"
#include "config_internal.h"

enum {
	REPORT_INTERVAL_MS = 30000,
	REPORT_FIRST_MS = 5000, /* when the first probers have run */
	COLLECT_MS = 5000,      /* while an old config is in use */
};

int64_t wall_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t jittered_us(int64_t ms)
{
	uint32_t chance = 0;

	if (getrandom(&chance, sizeof(chance), GRND_NONBLOCK) != sizeof(chance))
		chance = (uint32_t)monotonic_us();
	return ms * 900 + ms * (chance % 201);
}

struct agent_config *source_config(const struct agent_source *source)
{
	return source->used.n ? source->used.v[source->used.n - 1] : NULL;
}

/* --- the thread ---------------------------------------------------------------------------------------------- */

/* Configs that nobody but this list refers to go, and then what only they needed. */
static void collect(struct agent_source *source)
{
	struct config_vec *used = &source->used;
	size_t kept = 0, n = used->n;

	for (size_t i = 0; i < n; i++) {
		struct agent_config *config = used->v[i];

		/* nobody can take a reference to what nobody has */
		if (i + 1 < n && atomic_load_explicit(&config->references, memory_order_acquire) == 1)
			agent_config_unref(config);
		else
			used->v[kept++] = config;
	}
	used->n = kept;
	if (kept == n)
		return;
	config_files_collect(source->files, used);
	malloc_trim(0);
}

static void wait_until_due(const struct agent_source *source)
{
	bool reports = source->backend->ops->report && source->options.want_report;
	int64_t now = monotonic_us(), due = source->look_due_us;
	struct pollfd wake = { .fd = source->wake_fd, .events = POLLIN };
	uint64_t count;

	if (reports)
		due = MIN(due, source->report_due_us);
	if (source->used.n > 1)
		due = MIN(due, now + (int64_t)COLLECT_MS * 1000);
	if (poll(&wake, 1, (int)MIN(MAX(due - now, (int64_t)0) / 1000 + 1, (int64_t)INT32_MAX)) > 0 &&
		read(source->wake_fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		log_error("cannot read an eventfd: %s", strerror(errno));
}

static bool stop_wanted(struct agent_source *source, bool *reload)
{
	pthread_mutex_lock(&source->lock);
	bool stop = source->stop;
	*reload = source->reloads > source->reloads_done;
	pthread_mutex_unlock(&source->lock);
	return stop;
}

static void *run(void *arg)
{
	struct agent_source *source = arg;
	bool local = !source->options.http, first = true, reload = false;

	/* the API's config of yesterday is a good one to begin with; a file is as near as what is stored */
	if (!local)
		source_load_stored(source);
	source->again = !source_config(source);
	source->report_due_us = monotonic_us() + jittered_us(REPORT_FIRST_MS);
	while (!stop_wanted(source, &reload)) {
		if (reload || monotonic_us() >= source->look_due_us)
			source_look(source);
		if (local && first && !source_config(source))
			source_load_stored(source);
		first = false;
		collect(source);
		if (!stop_wanted(source, &reload))
			source_send_reports(source);
		if (!stop_wanted(source, &reload))
			wait_until_due(source);
	}
	return NULL;
}

static void wake(int fd)
{
	const uint64_t one = 1;

	/* it can only fail when it is readable already */
	if (write(fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		log_error("cannot write an eventfd: %s", strerror(errno));
}

/* --- start and stop ------------------------------------------------------------------------------------------ */

static void own_strings(struct agent_source_options *to, const struct agent_source_options *from)
{
	*to = *from;
	to->cluster = xstrdup(from->cluster);
	to->host = xstrdup(from->host);
	to->state_dir = NULL;
	to->path = from->path ? xstrdup(from->path) : NULL;
	to->environment = from->environment ? xstrdup(from->environment) : NULL;
	if (!to->report_interval_ms)
		to->report_interval_ms = REPORT_INTERVAL_MS;
}

static void source_free(struct agent_source *source)
{
	for (size_t i = 0; i < source->used.n; i++)
		agent_config_unref(source->used.v[i]);
	config_vec_clear(&source->used);
	config_files_close(source->files);
	if (source->backend)
		source->backend->ops->free(source->backend);
	fd_closep(&source->lock_fd);
	fd_closep(&source->wake_fd);
	fd_closep(&source->stop_fd);
	free(source->stored_path);
	free(source->etag);
	said_release(&source->found);
	said_release(&source->last);
	agent_report_free(source->report);
	agent_source_status_release(&source->status);
	pthread_cond_destroy(&source->first_told);
	pthread_mutex_destroy(&source->lock);
	free((char *)(uintptr_t)source->options.cluster);
	free((char *)(uintptr_t)source->options.host);
	free((char *)(uintptr_t)source->options.path);
	free((char *)(uintptr_t)source->options.environment);
	free(source);
}

/* A path that is not there may be a slip of the pen, or a folder that is not mounted yet: with a config of before the
 * agent runs all the same. */
static int check_path(const struct agent_source *source, const char *path, struct mrp_err *err)
{
	if (access(path, F_OK) == 0 || access(source->stored_path, F_OK) == 0)
		return 0;
	return mrp_err_errno(err, "cannot read the config '%s'", path);
}

static int open_all(struct agent_source *source, const struct agent_source_options *options, struct mrp_err *err)
{
	source->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	source->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (source->wake_fd < 0 || source->stop_fd < 0)
		return mrp_err_errno(err, "cannot make an eventfd");
	/* first what needs no folder: a wrong address leaves nothing behind */
	source->backend =
		options->http ? config_backend_api(options, source->stop_fd, err) : config_backend_local(options);
	if (!source->backend || source_open_folder(source, options->state_dir, err) < 0)
		return -1;
	if (options->path && !options->http && check_path(source, options->path, err) < 0)
		return -1;
	if (!source->options.interval_ms)
		source->options.interval_ms = source->backend->ops->interval_ms;
	source->status.source = xstrdup(source->backend->name);
	return 0;
}

struct agent_source *agent_source_start(const struct agent_source_options *options, struct mrp_err *err)
{
	if (agent_check_names(options->cluster, options->host, err) < 0) {
		err->code = MRP_EUSAGE;
		return NULL;
	}
	if (!options->http == !options->path)
		BUG("either an API or a path");
	struct agent_source *source = xcalloc(1, sizeof(*source));
	source->lock_fd = source->wake_fd = source->stop_fd = -1;
	pthread_mutex_init(&source->lock, NULL);
	cond_init_monotonic(&source->first_told);
	own_strings(&source->options, options);
	if (open_all(source, options, err) < 0 || thread_start(&source->thread, NULL, run, source, err) < 0) {
		source_free(source);
		return NULL;
	}
	return source;
}

void agent_source_stop(struct agent_source *source)
{
	if (!source)
		return;
	pthread_mutex_lock(&source->lock);
	source->stop = true;
	pthread_mutex_unlock(&source->lock);
	wake(source->stop_fd);
	wake(source->wake_fd);
	pthread_join(source->thread, NULL);
	source_free(source);
}

/* --- questions and wishes of other threads ------------------------------------------------------------------- */

void agent_source_wait(struct agent_source *source, int seconds)
{
	struct timespec until;
	int r = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += seconds;
	pthread_mutex_lock(&source->lock);
	while (!source->told && r == 0)
		r = pthread_cond_timedwait(&source->first_told, &source->lock, &until);
	pthread_mutex_unlock(&source->lock);
}

uint64_t agent_source_reload(struct agent_source *source)
{
	pthread_mutex_lock(&source->lock);
	uint64_t number = ++source->reloads;
	pthread_mutex_unlock(&source->lock);
	wake(source->wake_fd);
	return number;
}

void agent_source_changed(struct agent_source *source)
{
	pthread_mutex_lock(&source->lock);
	bool before = source->changed;
	source->changed = true;
	pthread_mutex_unlock(&source->lock);
	if (!before)
		wake(source->wake_fd);
}

void agent_source_report(struct agent_source *source, struct agent_report *report)
{
	pthread_mutex_lock(&source->lock);
	struct agent_report *before = source->report;
	source->report = report;
	pthread_mutex_unlock(&source->lock);
	agent_report_free(before);
	wake(source->wake_fd);
}

static char *copy_text(const char *text)
{
	return text ? xstrdup(text) : NULL;
}

void agent_source_status(struct agent_source *source, struct agent_source_status *out)
{
	pthread_mutex_lock(&source->lock);
	*out = source->status;
	out->source = copy_text(source->status.source);
	out->revision = copy_text(source->status.revision);
	out->error = copy_text(source->status.error);
	pthread_mutex_unlock(&source->lock);
}

void agent_source_status_release(struct agent_source_status *status)
{
	free(status->source);
	free(status->revision);
	free(status->error);
	*status = (struct agent_source_status){ 0 };
}
