/* SPDX-License-Identifier: Apache-2.0 */
#include "seen.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/vfs.h>

/* Those that linux/magic.h lacks. */
#define ZFS_MAGIC 0x2fc12fc1
#define BCACHEFS_MAGIC 0xca451a4e

/* Time stamps come from a clock that stands still for some milliseconds, and on old disks for a second. */
enum { UNSURE_S = 2 };

#define NS_PER_S UINT64_C(1000000000)

/* An entry of the record: this, then the path with its NUL. As it lies in memory, since it never leaves the machine. */
struct mark {
	uint64_t device, inode, size, modified_ns, changed_ns;
	uint32_t mode; /* 0: it is missing */
	uint32_t path_bytes;
};

struct seen {
	pthread_mutex_t lock;
	struct strbuf record;
	uint64_t device, begun_ns;
	bool given_up;
};

static uint64_t nanoseconds(struct timespec t)
{
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

/* Local file systems, where a folder's time moves with its names and no other machine writes. */
static bool trusted(int root)
{
	static const uint32_t known[] = { EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC, F2FS_SUPER_MAGIC,
		TMPFS_MAGIC, OVERLAYFS_SUPER_MAGIC, ZFS_MAGIC, BCACHEFS_MAGIC };
	struct statfs fs;

	if (fstatfs(root, &fs) < 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if ((uint32_t)fs.f_type == known[i])
			return true;
	}
	return false;
}

struct seen *seen_new(int root, struct timespec now)
{
	struct seen *seen = xcalloc(1, sizeof(*seen));
	struct stat st;

	pthread_mutex_init(&seen->lock, NULL);
	strbuf_init(&seen->record);
	seen->begun_ns = nanoseconds(now);
	if (fstat(root, &st) == 0 && trusted(root))
		seen->device = st.st_dev;
	else
		seen->given_up = true;
	return seen;
}

void seen_free(struct seen *seen)
{
	if (!seen)
		return;
	pthread_mutex_destroy(&seen->lock);
	strbuf_release(&seen->record);
	free(seen);
}

static struct mark mark_of(const struct stat *st)
{
	return (struct mark){ .device = st->st_dev,
		.inode = st->st_ino,
		.size = (uint64_t)st->st_size,
		.modified_ns = nanoseconds(st->st_mtim),
		.changed_ns = nanoseconds(st->st_ctim),
		.mode = st->st_mode };
}

static void append(struct seen *seen, struct mark mark, const char *path)
{
	mark.path_bytes = (uint32_t)strlen(path) + 1;
	pthread_mutex_lock(&seen->lock);
	strbuf_add(&seen->record, &mark, sizeof(mark));
	strbuf_add(&seen->record, path, mark.path_bytes);
	pthread_mutex_unlock(&seen->lock);
}

void seen_give_up(struct seen *seen)
{
	if (!seen)
		return;
	pthread_mutex_lock(&seen->lock);
	seen->given_up = true;
	pthread_mutex_unlock(&seen->lock);
}

void seen_add(struct seen *seen, const char *path, const struct stat *st)
{
	if (!seen)
		return;
	struct mark mark = mark_of(st);
	uint64_t sure_ns = seen->begun_ns - UNSURE_S * NS_PER_S;
	/* a mount in the tree is another file system, of which nothing is known; a time in the future tells nothing */
	if (mark.device != seen->device || mark.modified_ns >= sure_ns || mark.changed_ns >= sure_ns)
		seen_give_up(seen);
	else
		append(seen, mark, path);
}

void seen_add_missing(struct seen *seen, const char *path)
{
	if (seen)
		append(seen, (struct mark){ 0 }, path);
}

bool seen_can_tell(const struct seen *seen)
{
	return !seen->given_up;
}

void seen_write(struct strbuf *out, const struct seen *seen)
{
	strbuf_add(out, seen->record.buf, seen->record.len);
}

static bool same(const struct mark *was, const struct mark *now)
{
	return was->device == now->device && was->inode == now->inode && was->size == now->size &&
		was->modified_ns == now->modified_ns && was->changed_ns == now->changed_ns && was->mode == now->mode;
}

static bool holds(int root, const struct mark *was, const char *path)
{
	struct stat st;

	if (fstatat(root, *path ? path : ".", &st, 0) < 0)
		return !was->mode && errno == ENOENT;
	const struct mark now = mark_of(&st);
	return was->mode && same(was, &now);
}

bool seen_still_so(int root, const char *record, size_t len)
{
	if (!len || !trusted(root))
		return false;
	for (size_t at = 0; at < len;) {
		struct mark was;

		if (len - at < sizeof(was))
			return false;
		memcpy(&was, record + at, sizeof(was));
		at += sizeof(was);
		if (!was.path_bytes || was.path_bytes > len - at || record[at + was.path_bytes - 1])
			return false;
		if (!holds(root, &was, record + at))
			return false;
		at += was.path_bytes;
	}
	return true;
}
