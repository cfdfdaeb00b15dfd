/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cgroup v2 folder that was delegated to us (systemd: Delegate=yes) holds one folder for each run that is going on:
 * limits for all of its processes together, and an end from which none of them gets away. Making a folder is dear, so
 * they are used again. https://docs.kernel.org/admin-guide/cgroup-v2.html
 */
#ifndef MRP_RUN_CGROUP_H
#define MRP_RUN_CGROUP_H

#include "run.h"

struct run_cgroup;
struct run_cgroups;

enum cgroup_controller { CGROUP_MEMORY, CGROUP_PIDS, CGROUP_CPU, CGROUP_CONTROLLERS };

/* Folders that an earlier process has left are emptied by killing what is in them, and removed. If this process itself
 * stands in `path`, it moves to a folder "agent" beneath: only leaves may hold processes. A controller that cannot be
 * had is no error, see cgroups_limit. */
struct run_cgroups *cgroups_open(const char *path, struct mrp_err *err);
/* Removes the folders. NULL is fine. */
void cgroups_close(struct run_cgroups *cgroups);
/* Does this controller limit here? */
bool cgroups_limit(const struct run_cgroups *cgroups, enum cgroup_controller controller);
/* Must a process move to its cgroup, because it cannot begin there? */
bool cgroups_move(const struct run_cgroups *cgroups);

/* An empty one with these limits; any thread. NULL with errno set. */
struct run_cgroup *cgroup_take(struct run_cgroups *cgroups, const struct run_limits *limits);
void cgroup_give_back(struct run_cgroups *cgroups, struct run_cgroup *cgroup);
/* Its folder. Not yours. */
int cgroup_fd(const struct run_cgroup *cgroup);
/* Kill all that is in it; false when it is empty already. */
bool cgroup_kill(struct run_cgroup *cgroup);
/* Which limit was hit since it was taken: "memory", "processes" or NULL. */
const char *cgroup_limit_hit(struct run_cgroup *cgroup, bool killed);

#endif
