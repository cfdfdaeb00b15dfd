/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects on the disk that wait to be sent: a file each, whose name says when it came, and whose first line has its
 * key, length and hash. What a crash cut short is noticed by that, and thrown away. Files are complete when they
 * appear, so several programs may share a folder; who sends holds its lock. Any thread.
 */
#ifndef MRP_CLOUD_SPOOL_H
#define MRP_CLOUD_SPOOL_H

#include "../base/err.h"
#include "../base/file.h"

struct spool;

/* Makes the folder. `max_bytes` for all, each counted with 4 KiB beside its contents. */
struct spool *spool_open(const char *folder, int64_t max_bytes, struct mrp_err *err);
void spool_close(struct spool *spool);

/* The oldest make room: *dropped is how many. MRP_ETOOBIG, MRP_ENOSPC, MRP_EOS: nothing of it is there. */
int spool_put(struct spool *spool, const char *key, const void *data, size_t len, size_t *dropped, struct mrp_err *err);
/* The names of all, oldest first. */
int spool_list(struct strvec *out, struct spool *spool, struct mrp_err *err);
/* As of the last look, and what was put and removed here since. */
size_t spool_count(struct spool *spool);

struct spool_item {
	struct mapping file;
	char *key;        /* owned */
	const char *data; /* in `file` */
	size_t len;
};

/* "mrprober-object 1 LEN SHA256 KEY\n", then so many bytes: from `file` to the rest. False: it is not; release it then,
 * too.
 */
bool spool_item_parse(struct spool_item *item);

/* 1 with *out, 0: it is not there any more, -1: it is damaged (MRP_EPARSE) or cannot be read. */
int spool_read(struct spool_item *out, struct spool *spool, const char *name, struct mrp_err *err);
void spool_item_release(struct spool_item *item);
void spool_remove(struct spool *spool, const char *name);

/* The right to send. False when another program, or another part of this one, has it. */
bool spool_lock(struct spool *spool);
void spool_unlock(struct spool *spool);

#endif
