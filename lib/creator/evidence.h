/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who works on a cluster, on the disk: a file that a run writes before it does anything, the lease included, and
 * removes when it has given that back. What it finds there is what a run has left that did not come to its end: by it
 * one can tell whether that is dead, under which name it has the lease, and on this host what of it still lives,
 * terraform that finishes, say.
 */
#ifndef MRP_CREATOR_EVIDENCE_H
#define MRP_CREATOR_EVIDENCE_H

#include "../base/err.h"

struct evidence {
	char *holder; /* of the lease */
	char *host, *boot_id;
	char *run_id; /* MRPROBER_RUN_ID of its programs */
	int64_t pid;
	int64_t pid_started; /* field 22 of /proc/PID/stat: a number that was used again is another's */
	int64_t deployment;  /* 0: not recorded yet */
	int64_t written_ms;  /* since 1970 */
};

enum evidence_of {
	EVIDENCE_DEAD, /* the process is gone, or the host was started anew since */
	EVIDENCE_ALIVE,
	EVIDENCE_UNKNOWN, /* of another host */
};

/* One run of a state folder at a time: a lock that dies with the process, on the file PATH.lock, which is there as
 * long. Returns a descriptor for evidence_unlock. MRP_ELOCKED: another has it. */
int evidence_lock(const char *path, struct mrp_err *err);
/* -1 is fine. */
void evidence_unlock(const char *path, int fd);

void evidence_release(struct evidence *evidence);
/* What this process would leave. */
void evidence_of_self(struct evidence *evidence, const char *holder, const char *run_id);
int evidence_write(const char *path, const struct evidence *evidence, struct mrp_err *err);
/* 1, 0 when there is none, -1: MRP_EINVALID when it cannot be read. */
int evidence_read(struct evidence *evidence, const char *path, struct mrp_err *err);
enum evidence_of evidence_judge(const struct evidence *evidence);
/* This host was not started anew since. */
bool evidence_of_this_boot(const struct evidence *evidence);
/* "pid 4711 on host 'ci-7', 12m ago": for people. */
void evidence_format(struct strbuf *out, const struct evidence *evidence, int64_t now_ms);

/* How many processes of that run are there on this host. */
int evidence_survivors(const char *run_id);
/* Interrupt all programs of the runs whose ids end with "-TOKEN". */
void evidence_interrupt(const char *token);
/* What of that run is still there on this host was interrupted when its creator died (guard.h): wait at most wait_ms,
 * INT, wait_ms, INT, wait_ms, KILL. `again` (may be NULL) is asked while it waits; false ends the waiting. Returns how
 * many are left. *killed: they had to be told by us, so terraform has given up what it was making. */
int evidence_end_survivors(const char *run_id, int64_t wait_ms, bool (*again)(void *ctx), void *ctx, bool *killed);

#endif
