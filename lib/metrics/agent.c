/* SPDX-License-Identifier: Apache-2.0 */
/* What families are called, and what the kernel says about this process. */
#include "internal.h"

#include <dirent.h>
#include <math.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "../base/file.h"

const struct family_info family_infos[] = {
	[FAMILY_RUNS] = { "mrprober_runs_total", "Runs by what they said.", NULL, SERIES_COUNTER },
	[FAMILY_DURATION] = { "mrprober_run_duration_seconds", "Duration of runs.", "seconds", SERIES_HISTOGRAM },
	[FAMILY_SUCCESS] = { "mrprober_success", "Whether the last verdict was a success; absent after an error.", NULL,
		SERIES_GAUGE },
	[FAMILY_CONSECUTIVE] = { "mrprober_consecutive_failures", "Failures in a row.", NULL, SERIES_GAUGE },
	[FAMILY_LAST_RUN] = { "mrprober_last_run_timestamp_seconds", "When the last run was, in seconds since 1970.",
		"seconds", SERIES_GAUGE },
	[FAMILY_VALUE] = { "mrprober_value", "Values of the last run, from performance data or JSON.", NULL,
		SERIES_GAUGE },
	[FAMILY_PROBE_SUCCESS] = { "probe_success", "As mrprober_success.", NULL, SERIES_GAUGE },
	[FAMILY_PROBE_DURATION] = { "probe_duration_seconds", "Duration of the last run.", "seconds", SERIES_GAUGE },
	[FAMILY_LEFT_OUT] = { "mrprober_agent_families_left_out",
		"Families of probers left out because others have their names with another type.", NULL, SERIES_GAUGE },
	[FAMILY_DELAY] = { "mrprober_agent_run_delay_seconds", "From when a run was due to its start.", "seconds",
		SERIES_HISTOGRAM },
	[FAMILY_BUILD] = { "mrprober_build_info", "The program that runs.", NULL, SERIES_GAUGE },
};

const struct family_info agent_metric_infos[] = {
	[AGENT_RUNNING] = { "mrprober_agent_running", "Runs that go on now.", .type = SERIES_GAUGE },
	[AGENT_QUEUED] = { "mrprober_agent_queued", "Runs that wait for a place.", .type = SERIES_GAUGE },
	[AGENT_PROBERS] = { "mrprober_agent_probers", "Probers of the config, each combination of a matrix being one.",
		.type = SERIES_GAUGE },
	[AGENT_PROBERS_PAUSED] = { "mrprober_agent_probers_paused", "Probers that are paused.", .type = SERIES_GAUGE },
	[AGENT_SKIPPED_TOTAL] = { "mrprober_agent_skipped_total", "Runs left out because the one before went on.",
		.type = SERIES_COUNTER },
	[AGENT_LATE_TOTAL] = { "mrprober_agent_late_total", "Runs left out because their turn had passed.",
		.type = SERIES_COUNTER },
	[AGENT_HEALS_TOTAL] = { "mrprober_agent_heals_total", "Heal commands started.", .type = SERIES_COUNTER },
	[AGENT_HEAL_FAILURES_TOTAL] = { "mrprober_agent_heal_failures_total", "Heal commands that did not exit with 0.",
		.type = SERIES_COUNTER },
	[AGENT_CONFIG_TIMESTAMP] = { "mrprober_agent_config_timestamp_seconds",
		"When the config was last known to be right, in seconds since 1970.", "seconds", .absent_at_0 = true,
		.type = SERIES_GAUGE },
	[AGENT_CONFIG_RELOAD_SUCCESS] = { "mrprober_agent_config_reload_success", "Whether the last config was good.",
		.type = SERIES_GAUGE },
	[AGENT_CONFIG_RELOADS_TOTAL] = { "mrprober_agent_config_reloads_total", "Configs applied.",
		.type = SERIES_COUNTER },
	[AGENT_LOGS_DROPPED_TOTAL] = { "mrprober_agent_logs_dropped_total",
		"Outputs of runs that could not be kept: the disk was full, failed, or too slow.",
		.type = SERIES_COUNTER },
	[AGENT_REPORTS_FAILED_TOTAL] = { "mrprober_agent_reports_failed_total", "Reports that the API did not take.",
		.type = SERIES_COUNTER },
	[AGENT_PUSH_SENT_TOTAL] = { "mrprober_agent_push_sent_total", "Samples pushed.", .type = SERIES_COUNTER },
	[AGENT_PUSH_DROPPED_TOTAL] = { "mrprober_agent_push_dropped_total",
		"Samples that were not pushed: the queue was full, or they were refused.", .type = SERIES_COUNTER },
	[AGENT_PUSH_FAILED_TOTAL] = { "mrprober_agent_push_failed_total", "Pushes that failed and were tried again.",
		.type = SERIES_COUNTER },
	[AGENT_UPLOADS_TOTAL] = { "mrprober_agent_uploads_total", "Outputs of runs that were uploaded.",
		.type = SERIES_COUNTER },
	[AGENT_UPLOADS_DROPPED_TOTAL] = { "mrprober_agent_uploads_dropped_total",
		"Outputs of runs that were not uploaded: too many waited, or they were refused.",
		.type = SERIES_COUNTER },
	[AGENT_UPLOADS_FAILED_TOTAL] = { "mrprober_agent_uploads_failed_total",
		"Uploads that failed and were tried again.", .type = SERIES_COUNTER },
	[AGENT_UPLOADS_WAITING] = { "mrprober_agent_uploads_waiting", "Outputs of runs that wait to be uploaded.",
		.type = SERIES_GAUGE },
};

/* Names that every Prometheus client library gives them. */
const struct family_info process_metric_infos[] = {
	{ "process_cpu_seconds_total", "Processor time, in seconds.", "seconds", .type = SERIES_COUNTER },
	{ "process_max_fds", "Highest number of open file descriptors.", .type = SERIES_GAUGE },
	{ "process_open_fds", "Open file descriptors.", .type = SERIES_GAUGE },
	{ "process_resident_memory_bytes", "Resident memory, in bytes.", "bytes", .type = SERIES_GAUGE },
	{ "process_start_time_seconds", "When the process started, in seconds since 1970.", "seconds",
		.type = SERIES_GAUGE },
};

static double open_files(void)
{
	DIR *folder = opendir("/proc/self/fd");
	double n = -3; /* ".", "..", and the one that reads them */

	if (!folder)
		return NAN;
	while (readdir(folder))
		n++;
	closedir(folder);
	return n;
}

/* Field `i` (from 1, after the program's name, so from 3) of /proc/self/stat: see proc(5). */
static double stat_field(const char *stat, int i)
{
	const char *s = strrchr(stat, ')');

	for (i -= 2; s && i > 0; i--)
		s = strchr(s + 1, ' ');
	return s ? strtod(s, NULL) : NAN;
}

static double start_time(const char *stat)
{
	struct timespec wall, up;

	clock_gettime(CLOCK_REALTIME, &wall);
	clock_gettime(CLOCK_BOOTTIME, &up);
	double ago = (double)up.tv_sec - stat_field(stat, 22) / (double)sysconf(_SC_CLK_TCK);
	return floor((double)wall.tv_sec - ago);
}

void process_metrics_read(double out[PROCESS_METRICS])
{
	cleanup(mrp_err_clear) struct mrp_err ignored = MRP_ERR_INIT;
	cleanup(strbuf_release) struct strbuf stat = STRBUF_INIT;
	struct timespec cpu = { 0 };
	struct rlimit files = { 0 };

	read_file(&stat, "/proc/self/stat", 4096, &ignored);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
	getrlimit(RLIMIT_NOFILE, &files);
	out[0] = (double)cpu.tv_sec + (double)(cpu.tv_nsec / 1000) / 1e6;
	out[1] = (double)files.rlim_cur;
	out[2] = open_files();
	out[3] = stat_field(stat.buf, 24) * (double)sysconf(_SC_PAGESIZE);
	out[4] = start_time(stat.buf);
}

static void each_info(const struct family_info *infos, size_t n,
	void (*each)(void *ctx, const char *name, const char *help), void *ctx)
{
	for (size_t i = 0; i < n; i++)
		each(ctx, infos[i].name, infos[i].help);
}

void metrics_each_family(void (*each)(void *ctx, const char *name, const char *help), void *ctx)
{
	each_info(family_infos, FAMILIES, each, ctx);
	each_info(agent_metric_infos, AGENT_METRICS, each, ctx);
	each_info(process_metric_infos, PROCESS_METRICS, each, ctx);
}
