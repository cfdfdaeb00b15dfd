/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MRP_CMD_API_TOKEN_H
#define MRP_CMD_API_TOKEN_H

#include "cmd.h"

#define DEFAULT_DATABASE "sqlite:./mrprober.sqlite"

/* `mrprober api token`. */
extern const struct mrp_cmd cmd_api_token;

#endif
