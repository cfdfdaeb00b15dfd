/* SPDX-License-Identifier: Apache-2.0 */
/* Signals, and what systemd hears: that the agent is ready, reloads, stops, how it is, and that its loop turns. */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "../base/log.h"
#include "../base/notify.h"
#include "agent_internal.h"

enum { STATUS_INTERVAL_US = 10 * 1000 * 1000 };

void agent_block_signals(sigset_t *set)
{
	sigset_t child;

	/* The runner's threads block all signals, so the kernel keeps a SIGCHLD for whoever does not: each end of a
	 * program would wake that thread up for nothing. */
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	pthread_sigmask(SIG_BLOCK, &child, NULL);
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, set, NULL);
}

static void format_status(struct strbuf *out, const struct agent *agent)
{
	size_t n, failing = 0;
	struct prober_state *const *probers = schedule_probers(agent->schedule, &n);

	for (size_t i = 0; i < n; i++)
		failing += probers[i]->consecutive_failures > 0;
	strbuf_addf(out, "STATUS=%zu probers, %zu running, %zu failing", n, schedule_running(agent->schedule), failing);
	if (agent->config_error)
		strbuf_addf(out, "; %s", agent->config_error);
}

static void tell_status(struct agent *agent, const char *first)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;

	strbuf_addf(&text, "%s%s", first, *first ? "\n" : "");
	format_status(&text, agent);
	notify_manager(text.buf);
}

static void on_status(void *ctx)
{
	struct agent *agent = ctx;

	tell_status(agent, "");
	loop_timer_set(agent->loop, &agent->status, loop_now_us(agent->loop) + STATUS_INTERVAL_US);
}

/* A loop that hangs does not come here, and systemd starts the agent anew. */
static void on_watchdog(void *ctx)
{
	struct agent *agent = ctx;

	notify_manager("WATCHDOG=1");
	loop_timer_set(agent->loop, &agent->watchdog, loop_now_us(agent->loop) + agent->watchdog_us / 2);
}

static void on_hangup(struct agent *agent)
{
	if (agent->stopping)
		return;
	log_info("reloading: SIGHUP");
	notify_reloading();
	agent->reload_asked = agent_source_reload(agent->source);
}

static void on_signal(void *ctx, uint32_t events)
{
	struct agent *agent = ctx;
	struct signalfd_siginfo info;

	(void)events;
	while (read(agent->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGHUP)
			on_hangup(agent);
		else
			agent_stop(agent, strsignal((int)info.ssi_signo));
	}
}

void agent_manager_config(struct agent *agent, uint64_t reloads)
{
	bool reloaded = agent->reload_asked && reloads >= agent->reload_asked;

	if (agent->stopping || (agent->ready && !reloaded))
		return;
	agent->ready = true;
	agent->reload_asked = 0;
	tell_status(agent, "READY=1");
}

int agent_manager_start(struct agent *agent, struct mrp_err *err)
{
	sigset_t set;

	agent_block_signals(&set);
	agent->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (agent->signal_fd < 0)
		return mrp_err_errno(err, "cannot wait for signals");
	if (loop_io_add(agent->loop, &agent->signals, agent->signal_fd, EPOLLIN, on_signal, agent, err) < 0)
		return -1;
	agent->watchdog = (struct loop_timer){ .fn = on_watchdog, .ctx = agent };
	agent->status = (struct loop_timer){ .fn = on_status, .ctx = agent };
	agent->watchdog_us = notify_watchdog_us();
	if (agent->watchdog_us)
		loop_timer_set(agent->loop, &agent->watchdog, monotonic_us());
	if (getenv("NOTIFY_SOCKET"))
		loop_timer_set(agent->loop, &agent->status, monotonic_us() + STATUS_INTERVAL_US);
	return 0;
}
