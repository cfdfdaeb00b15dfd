/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a commit's configs come to, remembered: their root digest follows from the tree's id and the environment alone,
 * so it need not be worked out again. Not remembered are configs with mistakes or warnings, which are to be seen in
 * each run, and those with secrets from outside of the commit (!env, absolute !file).
 *
 * A note is a file in the folder "trees" of config_options.state_dir, one for each repository, folder and environment. It says for which
 * tree and which build of the program it holds; it is never trusted for anything but that.
 */
#ifndef MRP_CONFIG_MEMORY_H
#define MRP_CONFIG_MEMORY_H

#include "config.h"

/* 1: *out is the configs of options->revision as far as remembered: names, address, root digest, count; no objects. 0:
 * nothing is. -1 when the revision cannot be had. */
int config_recall(struct config **out, const struct config_options *options, struct mrp_err *err);
/* Note what was loaded, when it may be. A cache that cannot be written is none. */
void config_remember(const struct config *config, const struct config_options *options);

#endif
