/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where logs go: a bucket of S3, or a folder that stands for one. Nobody who stores waits for the network: an object
 * for S3 is put into a spool, a folder on the disk, and a thread sends what is there, oldest first, again and again
 * with growing pauses until it is taken. So an object that was put survives the end of the program, and goes later, by
 * whichever program opens the spool next. Several may have it open; one of them sends at a time.
 *
 * The spool is bounded: the oldest objects make room, which is counted and logged. What is put must hold no secrets any
 * more, as it lies on the disk as it is. Any thread may call any of these.
 */
#ifndef MRP_CLOUD_OBJECTS_H
#define MRP_CLOUD_OBJECTS_H

#include "s3.h"

enum objects_count {
	OBJECTS_STORED,  /* taken by S3 or the folder */
	OBJECTS_FAILED,  /* tries that failed, and will be made again */
	OBJECTS_DROPPED, /* objects lost: the spool was full, or they will never be taken */
	OBJECTS_WAITING, /* in the spool: more or, when negative, less; first those that an earlier program has left */
};

struct objects_options {
	const struct s3_options *s3; /* NULL: `folder`. `patience` is set here */
	const char *folder;          /* made when it is not there */
	const char *spool;           /* for S3: a folder of its own, made when it is not there */
	int64_t spool_bytes;         /* 0: 64 MiB */
	int64_t first_pause_ms;      /* after a failure, and it doubles; 0: 1 s */
	/* Told of each change, by any thread; short, and never back into this. NULL: nobody. */
	void (*count)(void *ctx, enum objects_count what, int64_t n);
	void *ctx;
};

struct objects;

struct objects *objects_open(const struct objects_options *options, struct mrp_err *err);
/* Sends what is there for at most `grace_ms`; the rest stays in the spool. NULL is harmless. */
void objects_close(struct objects *objects, int64_t grace_ms);

/* "bucket 'logs' at https://...", "folder '/var/lib/mrprober/objects'": for people. */
const char *objects_description(const struct objects *objects);

/* Store, or replace what has that key. Blocks on the disk only. The key as s3_key_check wants it: MRP_EINVALID;
 * MRP_ENOSPC, MRP_EOS: nothing of it is kept; MRP_ETOOBIG: larger than the spool may be. */
int objects_put(struct objects *objects, const char *key, const void *data, size_t len, struct mrp_err *err);
/* The same with the contents of a file, which stays. */
int objects_put_file(struct objects *objects, const char *key, const char *path, struct mrp_err *err);
/* Read back, appended: also what waits in the spool. Blocks, on S3 for its time limit. MRP_ENOTFOUND, MRP_ETOOBIG, or
 * what s3_get says. */
int objects_get(struct strbuf *out, struct objects *objects, const char *key, size_t max_bytes, struct mrp_err *err);
/* Wait until all that was put is stored: true; false when the time is over before. */
bool objects_wait(struct objects *objects, int64_t timeout_ms);
/* Objects that wait to be sent. */
size_t objects_waiting(struct objects *objects);

/* What keys begin with: the environment ("prod"), or "development/HOST" when it is NULL. Yours to free. */
char *objects_prefix(const char *environment);

#endif
