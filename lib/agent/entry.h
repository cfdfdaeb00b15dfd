/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One thing that the agent runs: a prober with one combination of its matrix, as /v1/agent-config gives it (see
 * lib/model/resolve.h), with its texts read into numbers. Entries are immutable and shared: a run holds a reference to
 * the entry that it was started from, so a new config never changes a run that goes on.
 */
#ifndef MRP_AGENT_ENTRY_H
#define MRP_AGENT_ENTRY_H

#include <stdatomic.h>

#include "../base/hash.h"
#include "../run/run.h"
#include "../value/value.h"
#include "../verdict/verdict.h"

struct account;

enum overlap { OVERLAP_SKIP, OVERLAP_QUEUE, OVERLAP_ALLOW };
enum keep_logs { KEEP_LOGS_NONE, KEEP_LOGS_FAILURES, KEEP_LOGS_ALL };

struct entry_heal {
	const char *const *argv; /* NULL: there is none */
	int64_t after, give_up_after;
	int64_t at_most_every_ms, timeout_ms;
};

struct entry {
	const char *id, *prober, *name;
	uint8_t digest[SHA256_BYTES]; /* of `source`: equal entries need no change */
	const char *source;           /* as it came, canonical JSON, for `explain`; no secrets are in it */
	const char *error;            /* why it cannot be run, or NULL; then nothing below is set but labels */
	const struct label *labels;   /* matrix and labels together, sorted by name */
	size_t n_labels;

	const char *const *argv; /* NULL: `probe` */
	const struct value *probe;
	const struct value *files; /* path -> {sha256, mode} */
	uint64_t files_hash;       /* of that: agent_entry_folder */
	const struct label *env;   /* the prober's own */
	size_t n_env;
	int64_t interval_ms, timeout_ms, retry_interval_ms, grace_ms;
	enum overlap overlap;
	const char *concurrency_group; /* NULL: none */
	enum output_format output;
	bool warning_fails;
	enum keep_logs keep_logs;
	struct run_limits limits;
	size_t max_output_bytes;
	bool output_is_limited; /* the config says so: more is an error */
	const char *run_as; /* NULL: the agent's default */
	struct entry_heal heal;

	const struct account *account; /* whom it runs as: agent_config_set_accounts (account.h) */
};

VEC_DEFINE(entry_vec, struct entry *)

/* A whole config: what the API answered, or what was read from a folder or the disk. */
struct agent_config {
	atomic_uint references;
	struct arena arena;
	const char *cluster, *host, *environment; /* environment NULL: not known */
	const char *revision;
	struct entry_vec entries; /* sorted by id; changed by nobody once others see the config */
	const char *files_root;   /* folder with a folder for each set of files: agent_entry_folder; from the arena */
	struct account_list *owners; /* the accounts of its entries (account.h), or NULL */
};

/* Read the JSON of /v1/agent-config. Problems name the entry and the field; a config with problems is refused whole
 * (MRP_EINVALID with the first one in the message, or MRP_EPARSE when it is no JSON). `host` and `cluster` must be
 * those asked for. Keys that this agent does not know are ignored: the API may be newer. An option of a built-in probe
 * that it does not know would change what the verdict means, so that entry alone gets an error. One reference is yours.
 */
int agent_config_parse(struct agent_config **out, const char *json, size_t len, const char *cluster, const char *host,
	struct problems *problems, struct mrp_err *err);
struct agent_config *agent_config_ref(struct agent_config *config);
void agent_config_unref(struct agent_config *config); /* NULL is harmless */

/* The name of the folder, beneath files_root, that holds exactly these files: "<slug>-<16 hex digits of the set's
 * hash>". */
void agent_entry_folder(struct strbuf *out, const struct entry *entry);

#endif
