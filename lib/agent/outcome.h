/* SPDX-License-Identifier: Apache-2.0 */
/* What the end of a program says: a verdict by the entry's rules, and a record for the logs. */
#ifndef MRP_AGENT_OUTCOME_H
#define MRP_AGENT_OUTCOME_H

#include "log_store.h"
#include "schedule.h"

/* Never for RUN_CANCELED. `spec` is what was run; a heal is judged by its exit code alone. */
void outcome_verdict(struct verdict *out, struct arena *arena, const struct entry *entry, enum run_kind kind,
	const struct run_spec *spec, const struct run_result *result);

/* Everything is borrowed. `result` NULL: a built-in check. */
void outcome_record(struct log_record *out, const struct agent_run *run, const struct run_result *result);

/* Does keep_logs want it? */
bool outcome_is_kept(const struct entry *entry, const struct verdict *verdict);

#endif
