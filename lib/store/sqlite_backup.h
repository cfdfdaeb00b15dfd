/* SPDX-License-Identifier: Apache-2.0 */
/* A copy of a database while others read and write it. A part of the module sqlite. */
#ifndef MRP_STORE_SQLITE_BACKUP_H
#define MRP_STORE_SQLITE_BACKUP_H

#include "../base/err.h"

struct sqlite3; /* a connection; only modules see the library's header */

/* Copy the database that `from` has open to the file `path`, as it is at one moment: one file without side files, mode
 * 0600, checked and on the disk before it gets its name. `*bytes` is its size. A file that is there is replaced only with
 * `force`: MRP_EEXISTS else. MRP_EINTERRUPTED when `stop` says so; nothing is left behind then, as after any error. */
int sqlite_backup_to(
	int64_t *bytes, struct sqlite3 *from, const char *path, bool force, bool (*stop)(void), struct mrp_err *err);

#endif
