/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that touch disks, because a disk that hangs takes the thread that waits for it along. They are few; one that
 * hangs is left behind when its check's time is over, and comes back with the disk. So what hangs costs a thread and no
 * more, and what waits for a free thread in vain is told so.
 */
#ifndef MRP_PROBE_DISK_POOL_H
#define MRP_PROBE_DISK_POOL_H

#include "../ev/loop.h"

enum { DISK_THREADS = 8 };

enum disk_phase { DISK_WRITE, DISK_SYNC, DISK_READ, DISK_PHASES };

/* What was measured, by disk_measure. */
struct disk_result {
	int error;          /* errno, or 0 */
	const char *failed; /* what was being done then: "write to" */
	bool corrupt;       /* what was read is not what was written */
	bool direct;        /* read from the disk itself, past the page cache */
	int64_t took_us[DISK_PHASES];
	double fill, inodes; /* percent that is used; inodes < 0: the file system does not count them */
};

/* Write, sync and read `size` bytes in a file in the folder `path` that no other process sees and that is gone
 * afterwards. Blocks, perhaps for ever. */
void disk_measure(struct disk_result *result, const char *path, size_t size);

struct disk_pool;
struct disk_work;

enum disk_submit { DISK_SUBMITTED, DISK_HANGS, DISK_FULL_QUEUE, DISK_NO_THREAD };

struct disk_pool *disk_pool_new(struct loop *loop);
/* Does not wait for what hangs. */
void disk_pool_free(struct disk_pool *pool);
/* done(ctx) on the loop's thread. DISK_HANGS: an earlier work on the same path was left behind and still waits. */
enum disk_submit disk_submit(struct disk_work **out, struct disk_pool *pool, const char *path, size_t size,
	void (*done)(void *ctx, const struct disk_result *result), void *ctx);
/* True when a thread has begun with it. */
bool disk_running(struct disk_work *work);
/* done() will not be called. After done() the work is gone already. */
void disk_abandon(struct disk_work *work);

#endif
