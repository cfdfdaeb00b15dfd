/* SPDX-License-Identifier: Apache-2.0 */
/* Which folders of files a config needs, and whether one is what it should be. For config_files.c. */
#ifndef MRP_AGENT_FILE_SETS_H
#define MRP_AGENT_FILE_SETS_H

#include "entry.h"

/* One folder to be, and the first of the entries that need it. */
struct file_set {
	char *folder;
	const struct entry *entry;
};

VEC_DEFINE(set_vec, struct file_set)

/* Append each folder of the config once, sorted by name; the names are yours to free. Entries in which nothing is run
 * have none. */
void file_sets_list(struct set_vec *out, const struct agent_config *config);
/* Is the folder, beneath the open folder `root`, there with all its files, their contents and modes? Reads them. */
bool file_set_right(int root, const struct file_set *set);

static inline uint32_t file_count(const struct entry *entry)
{
	return entry->files ? entry->files->n : 0;
}

static inline const char *file_sha256(const struct member *file)
{
	return value_get_string(file->value, "sha256");
}

static inline bool file_executable(const struct member *file)
{
	return streq(value_get_string(file->value, "mode"), "0755");
}

#endif
