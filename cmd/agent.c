/* SPDX-License-Identifier: Apache-2.0 */
/* mrprober agent: a name for its commands, which are in agent_*.c. */
#include "agent.h"

extern const struct mrp_cmd cmd_agent;

static const struct mrp_cmd *const subs[] = { &cmd_agent_explain, &cmd_agent_logs, &cmd_agent_once, &cmd_agent_pause,
	&cmd_agent_reload, &cmd_agent_resume, &cmd_agent_run, &cmd_agent_shell, &cmd_agent_status, NULL };

const struct mrp_cmd cmd_agent = {
	.name = "agent",
	.summary = "run the probers of this host, and look at the agent that does",
	.subs = subs,
};
