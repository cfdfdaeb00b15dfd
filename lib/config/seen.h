/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a load saw of the file system: every file, folder and missing file that was looked at, each with what stat(2)
 * said before it was read. While all of them are still so, another load would see the same; asking that costs a call
 * for each and no reading. As git's index has it, and like that it relies on the clock: what changed just before the
 * load, within the step of a file system's time stamps, might change again unseen. Then nothing is claimed
 * (seen_can_tell).
 *
 * Folders are asked, too, as every new, gone or renamed name moves their time. Not all file systems keep that up: those
 * that are not known to do are not relied on.
 */
#ifndef MRP_CONFIG_SEEN_H
#define MRP_CONFIG_SEEN_H

#include <time.h>

#include "../base/strbuf.h"

struct stat;
struct seen;

/* For what lies below the folder `root`, a descriptor that is only looked at here. `now` is the time of day before
 * anything is read. */
struct seen *seen_new(int root, struct timespec now);
void seen_free(struct seen *seen);

/* These may be called by several threads at once; NULL is fine for `seen`. */
void seen_add(struct seen *seen, const char *path, const struct stat *st);
void seen_add_missing(struct seen *seen, const char *path);
/* Something was looked at that stat(2) does not tell the whole about. */
void seen_give_up(struct seen *seen);

/* Can the record tell whether anything changes after it was taken? */
bool seen_can_tell(const struct seen *seen);
/* Append the record, for seen_still_so in another process of this machine. */
void seen_write(struct strbuf *out, const struct seen *seen);
/* Is everything below `root` that a record names as the record says? False, too, when the record makes no sense. */
bool seen_still_so(int root, const char *record, size_t len);

#endif
