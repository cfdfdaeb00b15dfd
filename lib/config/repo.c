/* SPDX-License-Identifier: Apache-2.0 */
#include "repo.h"

#include "../base/module.h"

const struct repo_ops *repo_ops(struct mrp_err *err)
{
	return module_table("git", "git_repo_ops", err);
}
