/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files: read with a limit, write completely, replace by rename. */
#ifndef MRP_BASE_FILE_H
#define MRP_BASE_FILE_H

#include "err.h"

/* For cleanup(fd_closep): closes *fd unless it is negative; errno is kept. */
void fd_closep(int *fd);

/* Read what is left of `fd` into `out` (appended). MRP_ETOOBIG over max_bytes. Blocks. `name` is for messages. */
int read_fd(struct strbuf *out, int fd, size_t max_bytes, const char *name, struct mrp_err *err);
/* Read a regular file; a folder, device, FIFO or socket is MRP_EINVALID, without blocking on it. "-" is no special
 * name. */
int read_file(struct strbuf *out, const char *path, size_t max_bytes, struct mrp_err *err);

/* The bytes of a file without a copy. For files that nobody changes while they are looked at: those that were renamed
 * to where they are. */
struct mapping {
	const char *data;
	size_t len;
};

/* A regular file only. */
int map_file(struct mapping *out, const char *path, struct mrp_err *err);
void mapping_release(struct mapping *mapping);

int write_all(int fd, const void *data, size_t len, struct mrp_err *err);
/* Replace `path` with the data: written to a temporary file beside it, fsync'ed, renamed. Never leaves half a file. */
int replace_file(const char *path, const void *data, size_t len, unsigned mode, struct mrp_err *err);
/* mkdir -p; folders that are made get `mode`. */
int make_folders(const char *path, unsigned mode, struct mrp_err *err);
/* "a/b" + "c" -> "a/b/c"; an absolute `name` stands for itself. Yours to free. */
char *path_join(const char *folder, const char *name);
/* Where state is kept unless --state-dir says otherwise: /var/lib/mrprober for root, else $XDG_STATE_HOME/mrprober or
 * ~/.local/state/mrprober. Yours to free. */
char *default_state_dir(void);

#endif
