/* SPDX-License-Identifier: Apache-2.0 */
/* A text that a library wants as a file (certificates, keys): kept in memory, gone with its descriptor. */
#ifndef MRP_MEESEEKS_MEMORY_FILE_H
#define MRP_MEESEEKS_MEMORY_FILE_H

#include "../base/err.h"

struct memory_file {
	int fd;     /* -1: there is none */
	char *path; /* owned; below /proc, so for this process only */
};

#define MEMORY_FILE_INIT \
	{                \
		-1, NULL \
	}

int memory_file_write(struct memory_file *out, const char *text, size_t len, struct mrp_err *err);
/* RFC 4648 section 4, white space passed over. MRP_EINVALID: "`what` is not base64". */
int memory_file_decode(struct memory_file *out, const char *base64, const char *what, struct mrp_err *err);
void memory_file_release(struct memory_file *file);

#endif
