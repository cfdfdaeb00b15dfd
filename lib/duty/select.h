/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which entries a word on the command line means: an id ("dns[record=A]"), a slug with all of its entries ("dns"), or a
 * glob of either ("dns*", "*record=A*"). The agent is asked for a page of entries at a time.
 */
#ifndef MRP_DUTY_SELECT_H
#define MRP_DUTY_SELECT_H

#include "../value/value.h"
#include "duty.h"

/* Called for each entry that is meant, in the order of ids. -1 with err set ends it. */
typedef int duty_entry_fn(void *ctx, const struct duty_entry *entry, struct mrp_err *err);

/* `words` is an array of strings; an empty one means all. A word that means nothing is MRP_ENOTFOUND, said before
 * anything else is done. */
int duty_select(
	const struct duty_ops *ops, const struct value *words, duty_entry_fn *each, void *ctx, struct mrp_err *err);
/* The only entry that the word means: its id, in the arena. NULL with MRP_ENOTFOUND, or MRP_EUSAGE when there are
 * several. */
const char *duty_select_one(const struct duty_ops *ops, const char *word, struct arena *arena, struct mrp_err *err);

#endif
