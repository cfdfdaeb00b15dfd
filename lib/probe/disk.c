/* SPDX-License-Identifier: Apache-2.0 */
/* disk: how long a small file takes to be written, synced and read back, and how full the file system is. */
#include <errno.h>

#include "check.h"
#include "disk_pool.h"

enum { SIZE_BYTES = 4096 };

struct disk_check {
	struct check base;
	struct disk_work *work;
	char stage[128];
};

static const char *const phase_names[DISK_PHASES] = { "write", "sync", "read" };

/* The folder cannot be what was meant, as against a disk that fails. */
static bool is_config(int error)
{
	return error == ENOENT || error == ENOTDIR || error == EACCES || error == EPERM || error == ENAMETOOLONG ||
		error == ELOOP;
}

static void cannot(struct check *check, const char *path, const struct disk_result *result)
{
	if (is_config(result->error))
		check_error(check, REASON_CONFIG, "cannot %s '%s': %s", result->failed, path, strerror(result->error));
	else if (result->error == EMFILE || result->error == ENFILE || result->error == ENOMEM)
		check_error(check, REASON_LIMIT, "cannot %s '%s': %s", result->failed, path, strerror(result->error));
	else
		check_end(check, NAGIOS_CRITICAL, "cannot %s '%s': %s", result->failed, path, strerror(result->error));
}

static void judge(struct check *check, const char *path, const struct disk_result *result, int64_t took_us)
{
	int64_t max_ms = option_duration(check, "max_latency", 0);
	double max_fill = option_percent(check, "max_fill", 100);

	if (result->fill > max_fill)
		check_end(check, NAGIOS_CRITICAL, "the file system of '%s' is %.1f%% full, more than %s", path,
			result->fill, option_text(check, "max_fill"));
	else if (result->inodes > max_fill)
		check_end(check, NAGIOS_CRITICAL, "%.1f%% of the inodes of '%s' are used, more than %s", result->inodes,
			path, option_text(check, "max_fill"));
	else if (max_ms && took_us > max_ms * 1000)
		check_end(check, NAGIOS_CRITICAL, "'%s' took %.3f s to write, sync and read, more than %s", path,
			seconds(took_us), option_text(check, "max_latency"));
	else
		check_end(check, NAGIOS_OK, "'%s' wrote, synced and read in %.3f s, %.1f%% full", path,
			seconds(took_us), result->fill);
}

static void on_done(void *ctx, const struct disk_result *result)
{
	struct disk_check *disk = ctx;
	struct check *check = &disk->base;
	const char *path = option_text(check, "path");
	int64_t took_us = 0;

	disk->work = NULL;
	if (result->error) {
		if (result->fill > 0)
			check_value(check, "fill", "%", result->fill);
		cannot(check, path, result);
		return;
	}
	if (result->corrupt) {
		check_end(check, NAGIOS_CRITICAL, "what was read from '%s' is not what was written", path);
		return;
	}
	for (size_t i = 0; i < DISK_PHASES; i++)
		took_us += result->took_us[i];
	check_value(check, "time", "s", seconds(took_us));
	for (size_t i = 0; i < DISK_PHASES; i++)
		check_labeled(check, "phase", "s", "phase", phase_names[i], seconds(result->took_us[i]));
	check_value(check, "fill", "%", result->fill);
	if (result->inodes >= 0)
		check_value(check, "inodes", "%", result->inodes);
	check_detail(check, "read back %s", result->direct ? "from the disk (O_DIRECT)" : "through the page cache");
	judge(check, path, result, took_us);
}

static void start(struct check *check)
{
	struct disk_check *disk = (struct disk_check *)check;
	const char *path = option_text(check, "path");
	size_t size = (size_t)option_size(check, "size", SIZE_BYTES);

	snprintf(disk->stage, sizeof(disk->stage), "waiting for '%.100s'", path);
	check->stage = disk->stage;
	switch (disk_submit(&disk->work, check->shared, path, size, on_done, disk)) {
	case DISK_SUBMITTED:
		return;
	case DISK_HANGS:
		check_end(check, NAGIOS_CRITICAL, "'%s' has not answered the check before this one yet", path);
		return;
	case DISK_FULL_QUEUE:
		check_error(check, REASON_LIMIT, "too many checks of disks wait already");
		return;
	case DISK_NO_THREAD:
		check_errno(check, "cannot start a thread");
	}
}

static void timed_out(struct check *check)
{
	struct disk_check *disk = (struct disk_check *)check;

	if (disk->work && !disk_running(disk->work))
		check_error(check, REASON_LIMIT, "all %d threads wait for other disks", (int)DISK_THREADS);
	else
		check_timed_out(check);
}

static void stop(struct check *check)
{
	struct disk_check *disk = (struct disk_check *)check;

	if (disk->work)
		disk_abandon(disk->work);
}

static void *open_pool(struct loop *loop, struct mrp_err *err)
{
	(void)err;
	return disk_pool_new(loop);
}

static void close_pool(void *shared)
{
	disk_pool_free(shared);
}

const struct check_type check_disk = {
	.name = "disk",
	.size = sizeof(struct disk_check),
	.open = open_pool,
	.close = close_pool,
	.start = start,
	.stop = stop,
	.timed_out = timed_out,
};
