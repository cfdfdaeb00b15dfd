/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What configs come to, remembered: their root digest, so that it need not be worked out again. That of a commit
 * follows from the tree's id and the environment alone; that of files holds while each of them is as it was by stat(2)
 * (seen.h), whether git knows them or not. Not remembered are configs with mistakes or warnings, which are to be seen
 * in each run, and those with secrets from elsewhere (!env, absolute !file): nothing that a secret could be guessed
 * from is kept.
 *
 * A note is a file in the folder "trees" of config_options.state_dir, one for each repository (or folder), folder in it
 * and environment; the last 32 are kept. It says for what and which build of the program it holds; it is never trusted
 * for anything but that.
 */
#ifndef MRP_CONFIG_MEMORY_H
#define MRP_CONFIG_MEMORY_H

#include "config.h"

/* 1: *out is the configs as far as remembered: names, address, root digest, count; no objects. 0: nothing is. -1 when
 * the revision or the folder cannot be had. */
int config_recall(struct config **out, const struct config_options *options, struct mrp_err *err);
/* Note what was loaded (from files: with options->remember), when it may be. A cache that cannot be written is none. */
void config_remember(const struct config *config, const struct config_options *options);

#endif
