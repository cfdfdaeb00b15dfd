/* SPDX-License-Identifier: Apache-2.0 */
/* Which cgroup is delegated to the agent. */
#ifndef MRP_AGENT_CGROUP_PATH_H
#define MRP_AGENT_CGROUP_PATH_H

#include "../base/err.h"

/* `wanted` as it is, or for "auto" the folder of the cgroup that this process is in (cgroup v2; cgroups(7)): that of a
 * unit with Delegate=yes. MRP_EINVALID when there is no such folder. */
int cgroup_path(struct strbuf *out, const char *wanted, struct mrp_err *err);

#endif
