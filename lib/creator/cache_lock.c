/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One terraform at a time writes to the plugin cache, and what it did not finish does not stay: a file lists what is
 * being added, from before init until it has ended well, and the run that adds it: terraform may outlive its creator,
 * and the lock does not.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "../base/file.h"
#include "evidence.h"
#include "workdir.h"

#define LOCK_NAME ".mrprober.lock"
#define FILLING_NAME ".mrprober.filling"
#define RUN "run " /* before its id, in the first line */

enum { MAX_LIST = 1 << 20 };

/* As Go calls the machine: the folder below a provider's version. */
static const char *platform(void)
{
	static const char *const names[][2] = { { "x86_64", "linux_amd64" }, { "aarch64", "linux_arm64" },
		{ "armv7l", "linux_arm" }, { "i686", "linux_386" }, { "riscv64", "linux_riscv64" } };
	struct utsname uts;

	for (size_t i = 0; uname(&uts) == 0 && i < ARRAY_SIZE(names); i++) {
		if (streq(uts.machine, names[i][0]))
			return names[i][1];
	}
	return "linux_amd64";
}

static bool is_there(const char *cache, const char *relative)
{
	cleanup(freep) char *path = path_join(cache, relative);
	struct stat st;

	return stat(path, &st) == 0;
}

/* The folders that this init will make, a line each. */
static void list_missing(
	struct strbuf *out, const char *cache, const struct providers *providers, const char *const *sources, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct allowed_provider *allowed = providers_by_source(providers, sources[i]);
		cleanup(freep) char *relative =
			allowed ? xasprintf("%s/%s/%s", allowed->source, allowed->version, platform()) : NULL;

		if (relative && !is_there(cache, relative))
			strbuf_addf(out, "%s\n", relative);
	}
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

/* What the list names was being made when somebody died. */
static int remove_half_made(const char *cache, struct mrp_err *err)
{
	cleanup(freep) char *list = path_join(cache, FILLING_NAME);
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;

	if (access(list, F_OK) < 0)
		return 0;
	if (read_file(&text, list, MAX_LIST, err) < 0)
		return -1;
	for (char *line = text.buf, *newline; (newline = strchr(line, '\n')); line = newline + 1) {
		const char *run_id;

		*newline = '\0';
		if (skip_prefix(line, RUN, &run_id)) {
			if (evidence_survivors(run_id))
				return mrp_err_set(
					err, MRP_ELOCKED, "a terraform whose creator died fills the cache '%s'", cache);
			continue;
		}
		cleanup(freep) char *path = path_join(cache, line);
		if (line[0] == '/' || strstr(line, ".."))
			continue;
		if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) < 0 && errno != ENOENT)
			return mrp_err_errno(err, "cannot remove the half-made '%s'", path);
	}
	return unlink(list) < 0 ? mrp_err_errno(err, "cannot remove '%s'", list) : 0;
}

static int lock(const char *cache, int operation, struct mrp_err *err)
{
	cleanup(freep) char *path = path_join(cache, LOCK_NAME);
	cleanup(fd_closep) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	int taken = -1;

	if (fd < 0)
		return mrp_err_errno(err, "cannot open '%s'", path);
	if (flock(fd, operation | LOCK_NB) < 0)
		return errno == EWOULDBLOCK
			? mrp_err_set(err, MRP_ELOCKED, "the cache of providers '%s' is being filled or used", cache)
			: mrp_err_errno(err, "cannot lock '%s'", path);
	taken = fd;
	fd = -1;
	return taken;
}

int cache_lock_try(int *fd, const struct cli_config *config, const struct providers *providers,
	const char *const *sources, size_t n, const char *run_id, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf missing = STRBUF_INIT, filling = STRBUF_INIT;
	cleanup(fd_closep) int taken = -1;

	*fd = -1;
	if (!config->cache)
		return 0;
	if (make_folders(config->cache, 0755, err) < 0 || (taken = lock(config->cache, LOCK_SH, err)) < 0)
		return -1;
	list_missing(&missing, config->cache, providers, sources, n);
	if (missing.len || is_there(config->cache, FILLING_NAME)) {
		cleanup(freep) char *list = path_join(config->cache, FILLING_NAME);

		/* given up first: two that hold it shared would wait for each other */
		fd_closep(&taken);
		if ((taken = lock(config->cache, LOCK_EX, err)) < 0 || remove_half_made(config->cache, err) < 0)
			return -1;
		strbuf_reset(&missing);
		list_missing(&missing, config->cache, providers, sources, n);
		strbuf_addf(&filling, RUN "%s\n%s", run_id, missing.buf);
		if (missing.len && replace_file(list, filling.buf, filling.len, 0600, err) < 0)
			return -1;
	}
	*fd = taken;
	taken = -1;
	return 0;
}

int cache_lock_done(const struct cli_config *config, int fd, struct mrp_err *err)
{
	if (fd < 0)
		return 0;
	cleanup(freep) char *list = path_join(config->cache, FILLING_NAME);
	if (unlink(list) < 0 && errno != ENOENT)
		return mrp_err_errno(err, "cannot remove '%s'", list);
	return 0;
}
