/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a program has from the process that started it without a word: limits of resources, umask, nice value, how
 * likely it is to be killed when memory is short. A prober has them from the agent, a shell from an engineer's login;
 * so the agent tells its own, and `shell` makes its own the same.
 */
#ifndef MRP_DUTY_INHERITED_H
#define MRP_DUTY_INHERITED_H

#include "../value/value.h"

/* Append a JSON object: what programs have from this process. `open_files`: the soft limit of open files that they get
 * instead of ours; 0: ours. */
void inherited_format(struct strbuf *json, int64_t open_files);

/* Make that of this process the same, as far as it may: only root raises hard limits and lowers a nice value. Signals
 * go back to their defaults, none is blocked. */
void inherited_apply(const struct value *inherited);

/* Lower limits to `value`, or to the hard one should that be lower still. -1: errno says why. */
int inherited_lower_limit(int which, int64_t value);

#endif
