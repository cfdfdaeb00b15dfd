/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"

#include <errno.h>
#include <ftw.h>
#include <sys/random.h>

#include "../base/file.h"

enum { OPEN_FOLDERS = 16, TOKEN_BYTES = 16 };

char *creator_path(const struct creator *creator, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	cleanup(freep) char *name = xvasprintf(fmt, ap);
	va_end(ap);
	return path_join(creator->folder, name);
}

char *random_token(void)
{
	unsigned char bytes[TOKEN_BYTES];
	struct strbuf out = STRBUF_INIT;

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		BUG("getrandom");
	for (size_t i = 0; i < sizeof(bytes); i++)
		strbuf_addf(&out, "%02x", bytes[i]);
	return strbuf_detach(&out, NULL);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path) < 0 && errno != ENOENT ? -1 : 0;
}

int remove_tree(const char *path, struct mrp_err *err)
{
	if (nftw(path, remove_one, OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) == 0 || errno == ENOENT)
		return 0;
	return mrp_err_errno(err, "cannot remove folder '%s'", path);
}
