/* SPDX-License-Identifier: Apache-2.0 */
#include "inherited.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/file.h"

enum { STATUS_BYTES = 65536, OCTAL = 8, ADJUST_BYTES = 32 };

/* Asking for it by umask(2) would change it for a moment, for all threads. */
static int64_t own_umask(void)
{
	cleanup(strbuf_release) struct strbuf status = STRBUF_INIT;
	struct mrp_err ignored = MRP_ERR_INIT;
	const char *line = NULL;

	if (read_file(&status, "/proc/self/status", STATUS_BYTES, &ignored) == 0)
		line = strstr(status.buf, "\nUmask:");
	mrp_err_clear(&ignored);
	return line ? strtol(line + strlen("\nUmask:"), NULL, OCTAL) : 022;
}

static int64_t own_adjust(void)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	struct mrp_err ignored = MRP_ERR_INIT;
	int64_t adjust = 0;

	if (read_file(&text, "/proc/self/oom_score_adj", ADJUST_BYTES, &ignored) == 0)
		adjust = strtol(text.buf, NULL, 10);
	mrp_err_clear(&ignored);
	return adjust;
}

/* RLIM_INFINITY is all ones, so it is -1 on its way. */
void inherited_format(struct strbuf *json, int64_t open_files)
{
	strbuf_addf(json, "{\"umask\":%" PRId64 ",\"nice\":%d,\"oom_score_adj\":%" PRId64 ",\"rlimits\":[", own_umask(),
		getpriority(PRIO_PROCESS, 0), own_adjust());
	for (int which = 0; which < (int)RLIM_NLIMITS; which++) {
		struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };

		getrlimit((__rlimit_resource_t)which, &limit);
		if (which == RLIMIT_NOFILE && open_files)
			limit.rlim_cur = (rlim_t)open_files;
		strbuf_addf(json, "%s[%" PRId64 ",%" PRId64 "]", which ? "," : "", (int64_t)limit.rlim_cur,
			(int64_t)limit.rlim_max);
	}
	strbuf_addstr(json, "]}");
}

static void set_limit(int which, const struct value *pair)
{
	struct rlimit own, limit;

	if (pair->type != V_ARRAY || pair->n != 2 || pair->items[0]->type != V_INT || pair->items[1]->type != V_INT)
		return;
	limit.rlim_cur = (rlim_t)pair->items[0]->i;
	limit.rlim_max = (rlim_t)pair->items[1]->i;
	if (setrlimit((__rlimit_resource_t)which, &limit) == 0 || getrlimit((__rlimit_resource_t)which, &own) < 0)
		return;
	limit.rlim_max = MIN(limit.rlim_max, own.rlim_max);
	limit.rlim_cur = MIN(limit.rlim_cur, limit.rlim_max);
	setrlimit((__rlimit_resource_t)which, &limit);
}

static void set_adjust(int64_t adjust)
{
	cleanup(fd_closep) int fd =
		adjust == own_adjust() ? -1 : open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	/* only root may lower it, and nothing here depends on it */
	if (fd >= 0 && dprintf(fd, "%" PRId64, adjust) < 0)
		return;
}

static int64_t number(const struct value *object, const char *key)
{
	const struct value *v = value_get(object, key);

	return v && v->type == V_INT ? v->i : 0;
}

static void reset_signals(void)
{
	sigset_t none;

	for (int sig = 1; sig <= SIGRTMAX; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

void inherited_apply(const struct value *inherited)
{
	const struct value *limits = value_get(inherited, "rlimits");

	for (uint32_t i = 0; limits && limits->type == V_ARRAY && i < MIN(limits->n, (uint32_t)RLIM_NLIMITS); i++)
		set_limit((int)i, limits->items[i]);
	umask((mode_t)number(inherited, "umask"));
	setpriority(PRIO_PROCESS, 0, (int)number(inherited, "nice"));
	set_adjust(number(inherited, "oom_score_adj"));
	reset_signals();
}

int inherited_lower_limit(int which, int64_t value)
{
	struct rlimit limit;

	if (getrlimit((__rlimit_resource_t)which, &limit) < 0)
		return -1;
	limit.rlim_max = MIN((rlim_t)value, limit.rlim_max);
	limit.rlim_cur = limit.rlim_max;
	return setrlimit((__rlimit_resource_t)which, &limit);
}
