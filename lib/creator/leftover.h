/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a run has on the disk for the case that it dies: the log of the stage that goes on, as far as it has come, in
 * runs/CLUSTER.DEPLOYMENT.STAGE.log of the creator's folder. The next run of the cluster stores it where it belongs.
 */
#ifndef MRP_CREATOR_LEFTOVER_H
#define MRP_CREATOR_LEFTOVER_H

#include "internal.h"

struct leftover {
	int64_t deployment; /* 0: nothing was left */
	struct arena arena;
	struct value *logs;        /* stage -> where it is stored now */
	struct strvec half, whole; /* resources that terraform had begun to make, that it had made */
};

void leftover_init(struct leftover *left);
void leftover_release(struct leftover *left);

/* A stage begins: keep its log, when all its secrets are known now. */
void leftover_keep(struct deploy *d);
/* Store what dead runs have left, and remove it. What cannot be stored stays for the next run. */
void leftover_store(struct leftover *left, struct deploy *d);

#endif
