/* SPDX-License-Identifier: Apache-2.0 */
/* mrprober agent: a name for its commands, which are in agent_*.c. */
#include "cmd.h"

extern const struct mrp_cmd cmd_agent, cmd_agent_run;

static const struct mrp_cmd *const subs[] = { &cmd_agent_run, NULL };

const struct mrp_cmd cmd_agent = {
	.name = "agent",
	.summary = "run the probers of this host, and look at the agent that does",
	.subs = subs,
};
