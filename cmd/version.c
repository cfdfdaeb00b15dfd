/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd.h"

static int run_version(struct mrp_ctx *ctx, int argc, char **argv, struct mrp_err *err)
{
	(void)ctx, (void)argc, (void)argv, (void)err;
	puts("mrprober " MRP_VERSION);
	return 0;
}

const struct mrp_cmd cmd_version = {
	.name = "version",
	.summary = "print the version",
	.run = run_version,
};
