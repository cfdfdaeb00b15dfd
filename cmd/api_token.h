/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MRP_CMD_API_TOKEN_H
#define MRP_CMD_API_TOKEN_H

#include "cmd.h"

#define DEFAULT_DATABASE "sqlite:./mrprober.sqlite"

/* The URL of a database as an option gave it. Its password does not stay in the arguments, where `ps` would show it. Lives
 * as long as ctx. */
const char *take_database(struct mrp_ctx *ctx, const char *url);

/* `mrprober api token`. */
extern const struct mrp_cmd cmd_api_token;

#endif
