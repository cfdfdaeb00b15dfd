/* SPDX-License-Identifier: Apache-2.0 */
/* A folder for one test program, removed with all that is in it. */
#ifndef MRP_TESTS_SCRATCH_H
#define MRP_TESTS_SCRATCH_H

#include <ftw.h>
#include <unistd.h>

#include "unit.h"

static char scratch[] = "/tmp/mrprober-test-XXXXXX";

static inline int scratch_make(void **state)
{
	(void)state;
	return mkdtemp(scratch) ? 0 : -1;
}

static inline int scratch_remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static inline int scratch_remove(void **state)
{
	(void)state;
	return nftw(scratch, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
