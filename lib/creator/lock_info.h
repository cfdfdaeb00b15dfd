/* SPDX-License-Identifier: Apache-2.0 */
/* What terraform says about a state that somebody else has locked. */
#ifndef MRP_CREATOR_LOCK_INFO_H
#define MRP_CREATOR_LOCK_INFO_H

#include "../base/strbuf.h"

struct lock_info {
	char id[128], operation[64], who[256], created[64]; /* as terraform writes them; "" when it does not say */
	int64_t created_ms;                                 /* since 1970; -1: not known */
};

/* Read it from the output of a command that failed; false when that says nothing of a lock. */
bool lock_info_find(struct lock_info *info, const char *text);
/* It was taken to change something out there, or nothing says that it was not. */
bool lock_info_may_be_apply(const struct lock_info *info);
/* "locked by root@vm, 12m ago (lock 8b7a...)" */
void lock_info_format(struct strbuf *out, const struct lock_info *info, int64_t now_ms);

#endif
