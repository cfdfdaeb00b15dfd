/* SPDX-License-Identifier: Apache-2.0 */
#include "objects.h"

#include <errno.h>
#include <unistd.h>

#include "objects_sender.h"
#include "spool.h"

enum { SPOOL_BYTES = 64 << 20, HOST_MAX = 256 };

struct objects {
	char *folder; /* NULL: S3 */
	char *description;
	struct spool *spool;
	struct objects_sender *sender;
	pthread_mutex_t reading; /* of `reader` */
	struct s3 *reader;
	void (*count)(void *ctx, enum objects_count what, int64_t n);
	void *ctx;
};

static void tell(struct objects *objects, enum objects_count what, int64_t n)
{
	if (objects->count && n)
		objects->count(objects->ctx, what, n);
}

static int open_folder(struct objects *objects, const struct objects_options *options, struct mrp_err *err)
{
	if (make_folders(options->folder, 0700, err) < 0)
		return -1;
	objects->folder = xstrdup(options->folder);
	objects->description = xasprintf("folder '%s'", objects->folder);
	return 0;
}

static int open_s3(struct objects *objects, const struct objects_options *options, struct mrp_err *err)
{
	objects->spool = spool_open(options->spool, options->spool_bytes ? options->spool_bytes : SPOOL_BYTES, err);
	if (!objects->spool)
		return -1;
	objects->reader = s3_open(options->s3, err);
	if (!objects->reader)
		return -1;
	objects->description = xstrdup(s3_description(objects->reader));
	tell(objects, OBJECTS_WAITING, (int64_t)spool_count(objects->spool));
	objects->sender = objects_sender_start(options, objects->spool, err);
	return objects->sender ? 0 : -1;
}

struct objects *objects_open(const struct objects_options *options, struct mrp_err *err)
{
	struct objects *objects = xcalloc(1, sizeof(*objects));

	objects->count = options->count;
	objects->ctx = options->ctx;
	pthread_mutex_init(&objects->reading, NULL);
	if ((options->s3 ? open_s3 : open_folder)(objects, options, err) == 0)
		return objects;
	objects_close(objects, 0);
	return NULL;
}

void objects_close(struct objects *objects, int64_t grace_ms)
{
	if (!objects)
		return;
	objects_sender_stop(objects->sender, grace_ms);
	s3_close(objects->reader);
	spool_close(objects->spool);
	pthread_mutex_destroy(&objects->reading);
	free(objects->folder);
	free(objects->description);
	free(objects);
}

const char *objects_description(const struct objects *objects)
{
	return objects->description;
}

static int put_into_folder(struct objects *objects, const char *key, const void *data, size_t len, struct mrp_err *err)
{
	cleanup(freep) char *path = path_join(objects->folder, key),
			    *parent = xstrndup(path, (size_t)(strrchr(path, '/') - path));

	return make_folders(parent, 0700, err) < 0 ? -1 : replace_file(path, data, len, 0600, err);
}

int objects_put(struct objects *objects, const char *key, const void *data, size_t len, struct mrp_err *err)
{
	size_t dropped = 0;

	if (s3_key_check(key, err) < 0)
		return -1;
	if (objects->folder) {
		if (put_into_folder(objects, key, data, len, err) < 0)
			return -1;
		tell(objects, OBJECTS_STORED, 1);
		return 0;
	}
	int r = spool_put(objects->spool, key, data, len, &dropped, err);
	tell(objects, OBJECTS_DROPPED, (int64_t)dropped);
	tell(objects, OBJECTS_WAITING, (r == 0) - (int64_t)dropped);
	if (r == 0)
		objects_sender_wake(objects->sender, dropped);
	return r;
}

int objects_put_file(struct objects *objects, const char *key, const char *path, struct mrp_err *err)
{
	struct mapping file;

	if (map_file(&file, path, err) < 0)
		return -1;
	int r = objects_put(objects, key, file.data, file.len, err);
	mapping_release(&file);
	return r;
}

/* The newest in the spool with this key. 1, 0: there is none, -1. */
static int get_from_spool(
	struct strbuf *out, struct objects *objects, const char *key, size_t max_bytes, struct mrp_err *err)
{
	cleanup(strvec_clear) struct strvec names = STRVEC_INIT;

	if (spool_list(&names, objects->spool, err) < 0)
		return -1;
	while (names.n) {
		struct spool_item item;
		int r = spool_read(&item, objects->spool, names.v[names.n - 1], err);

		free(names.v[--names.n]);
		names.v[names.n] = NULL;
		if (r < 0)
			mrp_err_clear(err); /* the sender will say it */
		bool found = r == 1 && streq(item.key, key), fits = found && item.len <= max_bytes;
		if (fits)
			strbuf_add(out, item.data, item.len);
		if (r == 1)
			spool_item_release(&item);
		if (found)
			return fits ? 1
				    : mrp_err_set(err, MRP_ETOOBIG, "'%s' is larger than %zu bytes", key, max_bytes);
	}
	return 0;
}

static int get_from_s3(
	struct strbuf *out, struct objects *objects, const char *key, size_t max_bytes, struct mrp_err *err)
{
	int r = get_from_spool(out, objects, key, max_bytes, err);

	if (r)
		return r < 0 ? -1 : 0;
	pthread_mutex_lock(&objects->reading);
	r = s3_get(out, objects->reader, key, max_bytes, err);
	pthread_mutex_unlock(&objects->reading);
	return r;
}

int objects_get(struct strbuf *out, struct objects *objects, const char *key, size_t max_bytes, struct mrp_err *err)
{
	if (s3_key_check(key, err) < 0)
		return -1;
	if (!objects->folder)
		return get_from_s3(out, objects, key, max_bytes, err);
	cleanup(freep) char *path = path_join(objects->folder, key);
	if (access(path, F_OK) < 0 && (errno == ENOENT || errno == ENOTDIR))
		return mrp_err_set(err, MRP_ENOTFOUND, "'%s' is not in %s", key, objects->description);
	return read_file(out, path, max_bytes, err);
}

bool objects_wait(struct objects *objects, int64_t timeout_ms)
{
	return !objects->sender || objects_sender_wait(objects->sender, timeout_ms);
}

size_t objects_waiting(struct objects *objects)
{
	return objects->spool ? spool_count(objects->spool) : 0;
}

char *objects_prefix(const char *environment)
{
	char host[HOST_MAX] = "";

	if (environment && *environment)
		return xstrdup(environment);
	if (gethostname(host, sizeof(host) - 1) < 0 || !*host)
		return xstrdup("development/unknown");
	return xasprintf("development/%s", host);
}
