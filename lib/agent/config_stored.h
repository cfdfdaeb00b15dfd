/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last good config on the disk: a line of JSON with the SHA-256 of what follows, a line with where it came from,
 *and the config as it came.
 *
 *	{"format_version":1,"sha256":"9f86d081..."}
 *	{"origin":"api","etag":"\"3d2f...\""}
 *	{"cluster":"net","host":"h1",...}
 */
#ifndef MRP_AGENT_CONFIG_STORED_H
#define MRP_AGENT_CONFIG_STORED_H

#include "../base/err.h"

enum { CONFIG_MAX = 64 << 20 }; /* bytes of a config */

struct stored_config {
	char *origin; /* "api", or the path of a file or folder */
	char *etag;   /* as the source gave it; NULL: it gave none */
	struct strbuf json;
};

#define STORED_CONFIG_INIT              \
	{                               \
		NULL, NULL, STRBUF_INIT \
	}

void stored_config_release(struct stored_config *stored);
/* Remove what writing left half-done in a process that is gone. */
void stored_config_sweep(const char *path);
int stored_config_write(const char *path, const struct stored_config *stored, struct mrp_err *err);
/* MRP_ENOTFOUND: there is none; MRP_EINVALID: it is damaged, or of another version. */
int stored_config_read(struct stored_config *out, const char *path, struct mrp_err *err);
/* The same from text. */
int stored_config_parse(struct stored_config *out, const char *text, size_t len, struct mrp_err *err);

#endif
