/* SPDX-License-Identifier: Apache-2.0 */
/* `mrprober agent ...`: what its commands share. */
#ifndef MRP_CMD_AGENT_H
#define MRP_CMD_AGENT_H

#include "../lib/duty/client.h"
#include "../lib/duty/duty.h"
#include "cmd.h"

/* The option that all commands which ask a running agent have; `type` has a member `socket`. */
#define OPT_AGENT_SOCKET(type)                                                                                  \
	OPT_STRING(0, "socket", type, socket, "<path>", "where the agent listens; " DUTY_SOCKET " when absent", \
		.flags = OPTF_FILE)

struct agent_socket_args {
	const char *socket;
};

/* {command, probers: argv} in the arena of ctx. */
struct value *agent_request(struct mrp_ctx *ctx, const char *command, int argc, char **argv);
/* Ask, and print what a program prints meanwhile: stdout to stdout, stderr to stderr; JSON goes to `json` (NULL:
 * nobody expects any). Ctrl-C: MRP_EINTERRUPTED. */
int agent_ask(struct mrp_ctx *ctx, struct value **end, const char *socket, const struct value *request,
	int (*json)(void *ctx, struct value *v, struct mrp_err *err), void *json_ctx, struct mrp_err *err);

/* The words that name probers, from the running agent. */
void complete_agent_probers(struct mrp_complete *c, int argc, char *const *argv, const char *word);

extern const struct mrp_cmd cmd_agent_run, cmd_agent_status, cmd_agent_once, cmd_agent_logs, cmd_agent_explain,
	cmd_agent_shell, cmd_agent_pause, cmd_agent_resume, cmd_agent_reload;

#endif
