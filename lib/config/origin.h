/* SPDX-License-Identifier: Apache-2.0 */
/* Where a tree of configs comes from, opened: a folder of the file system, or one of a commit (--revision). */
#ifndef MRP_CONFIG_ORIGIN_H
#define MRP_CONFIG_ORIGIN_H

#include "config.h"
#include "repo.h"

struct seen;

struct config_origin {
	struct config_source *source;
	struct seen *seen; /* the record of a source of files, or NULL; the source's */
	char *root;        /* the folder, as the user named it or as reached from here; of a commit: "REV:folder" */
	char *prefix;      /* what goes before paths in messages */

	/* With a revision from the start, else after config_origin_open_repo. */
	const struct repo_ops *ops;
	struct repo *repo;
	char commit[REPO_ID_HEX + 1]; /* the revision's, or HEAD's; "" when there is none yet */
	char *folder;                 /* of the manifest, in the repository */
	bool of_commit;               /* read from the commit, not from files */
};

/* Open what the options name: `path` and `revision`. MRP_ENOTFOUND: there is no manifest. MRP_EUSAGE: no such revision.
 */
int config_origin_open(struct config_origin *origin, const struct config_options *options, struct mrp_err *err);
void config_origin_release(struct config_origin *origin);
/* Open the repository that the folder lies in. MRP_ENOTFOUND when it lies in none. */
int config_origin_open_repo(struct config_origin *origin, struct mrp_err *err);

#endif
