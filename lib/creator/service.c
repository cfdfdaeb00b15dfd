/* SPDX-License-Identifier: Apache-2.0 */
/* The creator as a service: it looks at the API every few seconds, hears signals and its manager, and serves metrics.
 */
#include "internal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "../base/clock.h"
#include "../base/file.h"
#include "../base/notify.h"
#include "figures.h"
#include "look.h"
#include "work.h"

enum {
	TICK_MS = 5000, /* at most between two signs of life */
};

struct service {
	struct creator *creator;
	struct look *look;
	struct figures *figures;
	struct work *work;
	int signals;
	bool ready, failing, stopping;
	int64_t next_look_ms; /* since 1970 */
};

void creator_block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static int open_signals(struct service *service, struct mrp_err *err)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	service->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return service->signals < 0 ? mrp_err_errno(err, "cannot wait for signals") : 0;
}

/* --- looking --- */

static void tell_status(const struct service *service, const char *first)
{
	struct clusters_figures queue = clusters_figures(service->creator->queue, time_now_ms());
	cleanup(freep) char *text = xasprintf(
		"%sSTATUS=%zu clusters, %zu running, %zu waiting", first, queue.clusters, queue.running, queue.due);

	notify_manager(text);
}

/* An API that is away is no reason to end: what runs goes on, and what is due is known. */
static void look(struct service *service)
{
	struct creator *creator = service->creator;
	struct mrp_err err = MRP_ERR_INIT;

	bool worked = look_at_clusters(service->look, creator->queue, NULL, 0, &err) == 0;
	if (!worked && !service->failing) /* once, until it works again */
		creator_say(creator, LOG_WARNING, NULL, err.msg);
	else if (worked && service->failing)
		creator_say(creator, LOG_INFO, NULL, "the API answers again");
	mrp_err_clear(&err);
	service->failing = !worked;
	figures_look(service->figures, worked, time_now_ms());
	if (worked)
		creator_warn_globs(creator, service->look);
	tell_status(service, worked && !service->ready ? "READY=1\n" : "");
	service->ready = service->ready || worked;
	service->next_look_ms = time_now_ms() + creator->options.poll_ms;
}

/* --- signals --- */

static void stop(struct service *service, const char *why)
{
	cleanup(freep) char *text = xasprintf("stopping: %s; terraform gets time to finish", why);

	creator_say(service->creator, LOG_INFO, NULL, text);
	notify_manager("STOPPING=1");
	service->stopping = true;
	creator_stop(service->creator);
}

static void read_signals(struct service *service)
{
	struct signalfd_siginfo info;

	while (read(service->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGHUP)
			service->next_look_ms = 0;
		else if (!service->stopping)
			stop(service, strsignal((int)info.ssi_signo));
	}
}

static void turn(struct service *service)
{
	struct pollfd fd = { .fd = service->signals, .events = POLLIN };
	int64_t wait = service->next_look_ms - time_now_ms();

	if (poll(&fd, 1, (int)MAX(MIN(wait, TICK_MS), 0)) > 0)
		read_signals(service);
	notify_manager("WATCHDOG=1");
	if (!service->stopping && time_now_ms() >= service->next_look_ms)
		look(service);
}

static int open_parts(struct service *service, char **url, struct metrics_server **server, struct mrp_err *err)
{
	struct creator *creator = service->creator;
	struct page_source pages;

	service->figures = figures_new(creator);
	service->look = creator_look(creator, err);
	if (!service->look || open_signals(service, err) < 0)
		return -1;
	pages = figures_pages(service->figures);
	if (creator->options.listen) {
		*server = metrics_server_start_for(url, &pages, creator->options.listen, err);
		if (!*server)
			return -1;
		cleanup(freep) char *text = xasprintf("metrics at %s/metrics", *url);
		creator_say(creator, LOG_INFO, NULL, text);
	}
	service->work = work_start(creator, service->figures, err);
	return service->work ? 0 : -1;
}

int creator_run(struct creator *creator, struct mrp_err *err)
{
	struct service service = { .creator = creator, .signals = -1 };
	struct creator_counts counts;
	struct metrics_server *server = NULL;
	char *url = NULL;

	int r = open_parts(&service, &url, &server, err);
	while (r == 0 && !service.stopping)
		turn(&service);
	clusters_close(creator->queue);
	while (service.work && !work_wait(service.work, TICK_MS))
		notify_manager("WATCHDOG=1");
	work_end(service.work, &counts);
	metrics_server_stop(server);
	free(url);
	look_free(service.look);
	figures_free(service.figures);
	fd_closep(&service.signals);
	return r;
}
