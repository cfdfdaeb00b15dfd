/* SPDX-License-Identifier: Apache-2.0 */
#include "spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../base/clock.h"
#include "../base/hash.h"
#include "../base/parse.h"

enum {
	FILE_COST = 4096, /* an inode and the last block */
	TIME_DIGITS = 17, /* microseconds since 1970 */
	HEAD_MAX = 8192,
	STALE_S = 3600, /* after that nobody writes a temporary file any more */
};

static const char magic[] = "mrprober-object 1 ", suffix[] = ".object", temporary_prefix[] = ".new-";

struct spool {
	char *folder;
	int folder_fd, lock_fd;
	pthread_mutex_t lock; /* of what follows */
	int64_t bytes, max_bytes, last_us;
	size_t n;
};

static int64_t cost(int64_t len)
{
	return len + FILE_COST;
}

/* "01764310000123456-4711.object" -> the time */
static bool read_name(int64_t *time_us, const char *name)
{
	cleanup(mrp_err_clear) struct mrp_err ignored = MRP_ERR_INIT;
	char digits[TIME_DIGITS + 1];

	if (strspn(name, "0123456789") != TIME_DIGITS || name[TIME_DIGITS] != '-' || !ends_with(name, suffix))
		return false;
	memcpy(digits, name, TIME_DIGITS);
	digits[TIME_DIGITS] = '\0';
	return parse_int(time_us, digits, 0, INT64_MAX, &ignored) == 0;
}

static void remove_stale(const struct spool *spool, const char *name)
{
	struct stat st;

	if (skip_prefix(name, temporary_prefix, NULL) &&
		fstatat(spool->folder_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_mtime < time(NULL) - STALE_S)
		unlinkat(spool->folder_fd, name, 0);
}

/* Under the lock: look at the folder anew. */
static int look(struct strvec *names, struct spool *spool, struct mrp_err *err)
{
	DIR *folder = opendir(spool->folder);
	struct dirent *entry;
	struct stat st;

	if (!folder)
		return mrp_err_errno(err, "cannot read folder '%s'", spool->folder);
	spool->bytes = 0;
	spool->n = 0;
	while ((entry = readdir(folder))) {
		int64_t time_us;

		if (!read_name(&time_us, entry->d_name)) {
			remove_stale(spool, entry->d_name);
			continue;
		}
		if (fstatat(spool->folder_fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		strvec_push(names, entry->d_name);
		spool->bytes += cost(st.st_size);
		spool->n++;
		spool->last_us = MAX(spool->last_us, time_us);
	}
	closedir(folder);
	strvec_sort(names);
	return 0;
}

struct spool *spool_open(const char *folder, int64_t max_bytes, struct mrp_err *err)
{
	struct spool *spool = xcalloc(1, sizeof(*spool));
	cleanup(freep) char *lock = path_join(folder, "lock");
	cleanup(strvec_clear) struct strvec names = STRVEC_INIT;

	*spool = (struct spool){ .folder = xstrdup(folder), .folder_fd = -1, .lock_fd = -1, .max_bytes = max_bytes };
	pthread_mutex_init(&spool->lock, NULL);
	if (make_folders(folder, 0700, err) < 0)
		goto fail;
	spool->folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	spool->lock_fd = spool->folder_fd < 0 ? -1 : open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (spool->lock_fd < 0) {
		mrp_err_errno(err, "cannot open '%s'", spool->folder_fd < 0 ? folder : lock);
		goto fail;
	}
	if (look(&names, spool, err) == 0)
		return spool;
fail:
	spool_close(spool);
	return NULL;
}

void spool_close(struct spool *spool)
{
	if (!spool)
		return;
	fd_closep(&spool->folder_fd);
	fd_closep(&spool->lock_fd); /* which lets the lock go */
	pthread_mutex_destroy(&spool->lock);
	free(spool->folder);
	free(spool);
}

/* Under the lock. A sixteenth more than is needed, as looking at all files takes its time. */
static int make_room(struct spool *spool, int64_t wanted, size_t *dropped, struct mrp_err *err)
{
	cleanup(strvec_clear) struct strvec names = STRVEC_INIT;
	struct stat st;

	if (spool->bytes + wanted <= spool->max_bytes)
		return 0;
	if (look(&names, spool, err) < 0)
		return -1;
	if (spool->bytes + wanted <= spool->max_bytes)
		return 0;
	for (size_t i = 0; i < names.n && spool->bytes + wanted > spool->max_bytes - spool->max_bytes / 16; i++) {
		if (fstatat(spool->folder_fd, names.v[i], &st, AT_SYMLINK_NOFOLLOW) < 0 ||
			unlinkat(spool->folder_fd, names.v[i], 0) < 0)
			continue;
		spool->bytes -= cost(st.st_size);
		spool->n--;
		++*dropped;
	}
	return 0;
}

static int write_file(int fd, const char *key, const void *data, size_t len, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf head = STRBUF_INIT;
	char hash[SHA256_HEX + 1];

	sha256_hex_of(hash, data, len);
	strbuf_addf(&head, "%s%zu %s %s\n", magic, len, hash, key);
	return write_all(fd, head.buf, head.len, err) < 0 ? -1 : write_all(fd, data, len, err);
}

/* Under the lock, so that names are in the order of the puts. */
static int publish(struct spool *spool, const char *temporary, int64_t bytes, struct mrp_err *err)
{
	char name[64];

	spool->last_us = MAX(spool->last_us + 1, time_now_ms() * 1000);
	snprintf(name, sizeof(name), "%0*" PRId64 "-%ld%s", (int)TIME_DIGITS, spool->last_us, (long)getpid(), suffix);
	if (renameat(AT_FDCWD, temporary, spool->folder_fd, name) < 0)
		return mrp_err_errno(err, "cannot create '%s' in '%s'", name, spool->folder);
	spool->bytes += bytes;
	spool->n++;
	return 0;
}

int spool_put(struct spool *spool, const char *key, const void *data, size_t len, size_t *dropped, struct mrp_err *err)
{
	cleanup(freep) char *temporary = xasprintf("%s/%sXXXXXX", spool->folder, temporary_prefix);
	int64_t bytes = cost((int64_t)len) + (int64_t)strlen(key) + (int64_t)sizeof(magic) + 90;

	*dropped = 0;
	if (bytes > spool->max_bytes)
		return mrp_err_set(err, MRP_ETOOBIG, "%zu bytes are more than '%s' may hold", len, spool->folder);
	cleanup(fd_closep) int fd = mkostemp(temporary, O_CLOEXEC); /* mode 0600 */
	if (fd < 0)
		return mrp_err_errno(err, "cannot create '%s'", temporary);
	int r = write_file(fd, key, data, len, err);
	if (r < 0)
		mrp_err_wrap(err, "'%s'", temporary);
	pthread_mutex_lock(&spool->lock);
	if (r == 0)
		r = make_room(spool, bytes, dropped, err);
	if (r == 0)
		r = publish(spool, temporary, bytes, err);
	pthread_mutex_unlock(&spool->lock);
	if (r < 0)
		unlink(temporary);
	return r;
}

int spool_list(struct strvec *out, struct spool *spool, struct mrp_err *err)
{
	pthread_mutex_lock(&spool->lock);
	int r = look(out, spool, err);
	pthread_mutex_unlock(&spool->lock);
	return r;
}

size_t spool_count(struct spool *spool)
{
	pthread_mutex_lock(&spool->lock);
	size_t n = spool->n;
	pthread_mutex_unlock(&spool->lock);
	return n;
}

bool spool_item_parse(struct spool_item *item)
{
	const char *data = item->file.data, *end = memchr(data, '\n', MIN(item->file.len, (size_t)HEAD_MAX)), *rest;
	cleanup(freep) char *line = end ? xstrndup(data, (size_t)(end - data)) : NULL;
	cleanup(mrp_err_clear) struct mrp_err ignored = MRP_ERR_INIT;
	char hash[SHA256_HEX + 1];
	int64_t len;

	if (!line || !skip_prefix(line, magic, &rest))
		return false;
	char *after = strchrnul(rest, ' ');
	if (strlen(after) < SHA256_HEX + 3 || after[SHA256_HEX + 1] != ' ')
		return false;
	*after++ = '\0';
	item->data = end + 1;
	item->len = item->file.len - (size_t)(item->data - data);
	if (parse_int(&len, rest, 0, INT64_MAX, &ignored) < 0 || (size_t)len != item->len)
		return false;
	sha256_hex_of(hash, item->data, item->len);
	item->key = xstrdup(after + SHA256_HEX + 1);
	return memcmp(hash, after, SHA256_HEX) == 0;
}

int spool_read(struct spool_item *out, struct spool *spool, const char *name, struct mrp_err *err)
{
	cleanup(freep) char *path = path_join(spool->folder, name);

	*out = (struct spool_item){ .data = "" };
	errno = 0;
	if (map_file(&out->file, path, err) < 0) {
		if (errno != ENOENT)
			return -1;
		mrp_err_clear(err);
		return 0;
	}
	if (spool_item_parse(out))
		return 1;
	spool_item_release(out);
	return mrp_err_set(err, MRP_EPARSE, "'%s' is damaged", path);
}

void spool_item_release(struct spool_item *item)
{
	mapping_release(&item->file);
	free(item->key);
	*item = (struct spool_item){ .data = "" };
}

void spool_remove(struct spool *spool, const char *name)
{
	struct stat st;

	pthread_mutex_lock(&spool->lock);
	if (fstatat(spool->folder_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		unlinkat(spool->folder_fd, name, 0) == 0) {
		spool->bytes -= cost(st.st_size);
		spool->n--;
	}
	pthread_mutex_unlock(&spool->lock);
}

bool spool_lock(struct spool *spool)
{
	return flock(spool->lock_fd, LOCK_EX | LOCK_NB) == 0;
}

void spool_unlock(struct spool *spool)
{
	flock(spool->lock_fd, LOCK_UN);
}
