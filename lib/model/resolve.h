/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a prober as it is written to what an agent runs: the placements that match the host are applied, defaults are
 * filled in, the matrix becomes one entry for each combination, and ${name} is replaced. The API does this for
 * /v1/agent-config, an agent that reads a folder of configs does it for itself.
 *
 * An entry is {id, prober, name, matrix, labels, set_by, and what to run: command or probe, files, env, interval,
 * timeout, retry_interval, grace, overlap, output, warning_is, keep_logs, limits, and concurrency_group, run_as, heal
 * when they are set}. `matrix` has text only. `set_by` says which placement (from 0) gave a field or a key of env and
 * labels. An entry that cannot be run has `error` instead of what to run, so one mistake does not stop the others.
 */
#ifndef MRP_MODEL_RESOLVE_H
#define MRP_MODEL_RESOLVE_H

#include "kinds.h"

enum { RESOLVE_RUNS_MAX = 100000 };

/* Where the prober is to run. */
struct resolve_target {
	const char *cluster, *host;
	const char *environment;     /* NULL: not known */
	const struct value *object;  /* the cluster in normal form: its variables; sensitive ones may be without values */
};

/* True when the globs of the placement fit; a NULL host fits all that name hosts, too. */
bool placement_matches(const struct value *placement, const char *cluster, const char *host);

/* Note in matched[] which placements of the prober (normal form) fit. False: the prober does not run there, because
 * none does or the last word is `enabled: false`. `matched` has room for each placement. */
bool resolve_match(bool *matched, const struct value *prober, const char *cluster, const char *host);

/* Append the prober's entries to the array, in the order of their ids' matrix: by name, values as they are listed.
 * Parts of the result are shared with `prober`. */
void resolve_prober(struct arena *arena, struct value *entries, const struct value *prober, const bool *matched,
	const struct resolve_target *target);

/* What an entry does not say of its schedule, output and logs gets its default. */
void resolve_fill_in(struct arena *arena, struct value *entry);

/* "dns[record=A,resolver=10.0.0.2]": names in byte order; characters that would make it ambiguous as %XX. `matrix` may
 * be NULL or empty: the slug alone. */
const char *resolve_id(struct arena *arena, const char *slug, const struct value *matrix);

/* An entry that says why the prober cannot run. */
struct value *resolve_failure(
	struct arena *arena, const struct value *prober, const struct value *matrix, const char *why);

#endif
