/* SPDX-License-Identifier: Apache-2.0 */
/* Options that say who a command is to the cloud; the members are texts. */
#ifndef MRP_CMD_IDENTITY_H
#define MRP_CMD_IDENTITY_H

#include "../lib/cli/opts.h"

/* clang-format off */
#define OPT_SA_KEY_FILE(type, member) \
	OPT_STRING(0, "sa-key-file", type, member, "<file>", \
		"authorized key of a service account, for IAM tokens; MR_PROBER_SA_AUTHORIZED_KEY, YC_TOKEN or the " \
		"machine's own service account when absent", \
		.flags = OPTF_FILE)
#define OPT_IAM_TOKEN_URL(type, member) \
	OPT_STRING(0, "iam-token-url", type, member, "<url>", \
		"where keys are exchanged for tokens; iam.api.cloud.yandex.net when absent")
#define OPT_IAM_METADATA_URL(type, member) \
	OPT_STRING(0, "iam-metadata-url", type, member, "<url>", \
		"where the machine tells its own service account's token; 169.254.169.254 when absent")
/* clang-format on */

#endif
