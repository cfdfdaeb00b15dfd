/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file or a folder of configs as a source. Changes are found by looking at times, sizes and inodes of all files every
 * few seconds: unlike inotify that works on every file system, needs no watch for each folder, and sees what editors
 * and checkouts do by renaming. What has changed is read when it looks the same twice, so that a checkout is not read
 * half way. A tree that takes long to walk is walked less often.
 */
#include <errno.h>
#include <fts.h>
#include <sys/stat.h>

#include "../base/file.h"
#include "../ev/loop.h"
#include "config_backend.h"
#include "config_file.h"
#include "config_stored.h"
#include "config_tree.h"

enum { WALK_SHARE = 100 /* of the time at most 1/100 is spent on walking */ };

struct fingerprint {
	uint8_t digest[SHA256_BYTES];
};

struct local_backend {
	struct config_backend base;
	char *path, *cluster, *host, *environment;
	bool is_tree; /* at the last look */
	bool loaded_any;
	struct fingerprint loaded, seen; /* of what was read last; of the last look */
	int64_t walk_after_us;
};

static void local_free(struct config_backend *backend)
{
	struct local_backend *local = (struct local_backend *)backend;

	free(local->path);
	free(local->cluster);
	free(local->host);
	free(local->environment);
	free(backend->name);
	free(backend->origin);
	free(local);
}

/* --- has anything changed? ----------------------------------------------------------------------------------- */

static void add_file(struct sha256_ctx *ctx, const char *path, const struct stat *st)
{
	const struct {
		uint64_t device, inode, mode, size;
		int64_t modified_s, modified_ns, changed_s, changed_ns;
	} what = { st->st_dev, st->st_ino, st->st_mode, S_ISDIR(st->st_mode) ? 0 : (uint64_t)st->st_size,
		st->st_mtim.tv_sec, st->st_mtim.tv_nsec, st->st_ctim.tv_sec, st->st_ctim.tv_nsec };

	sha256_update(ctx, strlen(path) + 1, (const uint8_t *)path);
	sha256_update(ctx, sizeof(what), (const uint8_t *)&what);
}

static int compare_names(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static int walk(struct sha256_ctx *ctx, const char *path, struct mrp_err *err)
{
	char *const paths[] = { (char *)(uintptr_t)path, NULL };
	FTS *fts = fts_open(paths, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, compare_names);
	FTSENT *entry;

	if (!fts)
		return mrp_err_errno(err, "cannot read folder '%s'", path);
	while ((entry = fts_read(fts))) {
		struct stat st;

		if (entry->fts_info == FTS_D && streq(entry->fts_name, ".git"))
			fts_set(fts, entry, FTS_SKIP);
		else if (entry->fts_info != FTS_DP && entry->fts_info != FTS_NS)
			add_file(ctx, entry->fts_path, entry->fts_statp);
		if (entry->fts_info == FTS_SL && stat(entry->fts_path, &st) == 0)
			add_file(ctx, "", &st);
	}
	fts_close(fts);
	return 0;
}

static int take_fingerprint(struct local_backend *local, struct fingerprint *out, struct mrp_err *err)
{
	int64_t began_us = monotonic_us();
	struct sha256_ctx ctx;
	struct stat st;

	if (stat(local->path, &st) < 0)
		return mrp_err_errno(err, "cannot read '%s'", local->path);
	local->is_tree = S_ISDIR(st.st_mode);
	sha256_init(&ctx);
	add_file(&ctx, local->path, &st);
	if (local->is_tree && walk(&ctx, local->path, err) < 0)
		return -1;
	sha256_digest(&ctx, SHA256_BYTES, out->digest);
	int64_t now_us = monotonic_us();
	local->walk_after_us = now_us + (now_us - began_us) * WALK_SHARE;
	return 0;
}

static bool same(const struct fingerprint *a, const struct fingerprint *b)
{
	return memcmp(a->digest, b->digest, SHA256_BYTES) == 0;
}

/* --- reading ------------------------------------------------------------------------------------------------- */

static enum look_end load(struct local_backend *local, struct config_look *out, struct mrp_err *err)
{
	char hex[SHA256_HEX + 1];
	int result = local->is_tree
		? config_tree_resolve(
			  &out->json, local->path, local->environment, local->cluster, local->host, &out->problems, err)
		: config_file_read(&out->json, local->path, local->cluster, local->host, &out->problems, err);

	if (result < 0)
		sha256_to_hex(hex, local->loaded.digest);
	else
		sha256_hex_of(hex, out->json.buf, out->json.len);
	out->etag = xstrdup(hex);
	return result < 0 ? LOOK_BAD : LOOK_FOUND;
}

static enum look_end local_look(
	struct config_backend *backend, bool again, struct config_look *out, struct mrp_err *err)
{
	struct local_backend *local = (struct local_backend *)backend;
	struct fingerprint now;

	if (!again && monotonic_us() < local->walk_after_us)
		return LOOK_UNCHANGED;
	if (take_fingerprint(local, &now, err) < 0) {
		local->loaded_any = false;
		return LOOK_FAILED;
	}
	bool changed = !same(&now, &local->loaded), settled = same(&now, &local->seen);
	local->seen = now;
	if (!again && local->loaded_any && !(changed && settled))
		return LOOK_UNCHANGED;
	local->loaded = now;
	local->loaded_any = true;
	return load(local, out, err);
}

static int read_content(
	const struct local_backend *local, struct strbuf *out, const struct missing_file *file, struct mrp_err *err)
{
	if (local->is_tree)
		return config_tree_read(out, local->path, file->prober, file->path, err);
	const char *slash = strrchr(local->path, '/');
	cleanup(freep) char *path =
		xasprintf("%.*sblobs/%s", slash ? (int)(slash + 1 - local->path) : 0, local->path, file->sha256);
	return read_file(out, path, FILES_BLOB_MAX, err);
}

static int local_fetch(struct config_backend *backend, const struct missing_vec *missing, struct config_files *files,
	struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf content = STRBUF_INIT;

	for (size_t i = 0; i < missing->n; i++) {
		const struct missing_file *file = &missing->v[i];

		strbuf_reset(&content);
		if (read_content((const struct local_backend *)backend, &content, file, err) < 0 ||
			config_files_put(files, file, content.buf, content.len, err) < 0)
			return mrp_err_wrap(err, "prober '%s': file '%s'", file->prober, file->path);
	}
	return 0;
}

static const struct config_backend_ops local_ops = {
	.look = local_look,
	.fetch = local_fetch,
	.free = local_free,
	.interval_ms = 2000,
	.often = true,
};

struct config_backend *config_backend_local(const struct agent_source_options *options)
{
	cleanup(freep) char *real = realpath(options->path, NULL);
	struct local_backend *local = xcalloc(1, sizeof(*local));

	local->base.ops = &local_ops;
	local->path = xstrdup(options->path);
	local->cluster = xstrdup(options->cluster);
	local->host = xstrdup(options->host);
	local->environment = options->environment ? xstrdup(options->environment) : NULL;
	local->base.name = xstrdup(options->path);
	local->base.origin = xstrdup(real ? real : options->path);
	return &local->base;
}
