/* SPDX-License-Identifier: Apache-2.0 */
#include "complete_revisions.h"

#include "../lib/config/repo.h"

void complete_revisions(struct mrp_complete *c, int argc, char *const *argv, const char *word)
{
	cleanup(strvec_clear) struct strvec names = STRVEC_INIT;
	struct mrp_err ignored = MRP_ERR_INIT;
	const struct repo_ops *ops = repo_ops(&ignored);
	struct repo *repo = ops ? ops->open(".", &ignored) : NULL;

	(void)argc, (void)argv, (void)word;
	if (repo && ops->names(repo, &names, &ignored) == 0) {
		for (size_t i = 0; i < names.n; i++)
			mrp_complete_add(c, names.v[i], NULL);
	}
	if (repo)
		ops->close(repo);
	mrp_err_clear(&ignored);
}
