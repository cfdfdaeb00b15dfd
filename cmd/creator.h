/* SPDX-License-Identifier: Apache-2.0 */
/* What `creator` and `creator-once` share: options, and making a creator of them. */
#ifndef MRP_CMD_CREATOR_H
#define MRP_CMD_CREATOR_H

#include "../lib/creator/creator.h"
#include "cmd.h"
#include "identity.h"

struct creator_args {
	const char *state_dir, *terraform, *backend, *providers_file, *provider_mirror, *provider_cache,
		*metadata_url;
	struct strvec backend_config, disable;
	bool allow_programs, allow_registry, metadata_account, keep_workdir;
	int64_t parallel, grace_ms, lease_ms;
};

#define CREATOR_DEFAULTS                       \
	.creator = { .backend = "local",       \
		.terraform = "terraform",      \
		.parallel = 4,                 \
		.backend_config = STRVEC_INIT, \
		.disable = STRVEC_INIT }

/* clang-format off */
#define CREATOR_OPTIONS(type, m) \
	OPT_INT(0, "parallel", type, m.parallel, "<n>", "clusters at a time; 4 when absent", .min = 1, .max = 64), \
	OPT_STRING(0, "providers-file", type, m.providers_file, "<file>", \
		"the providers that recipes may use, each in one version (form of terraform_providers.tf.json); " \
		"without it only what is built into terraform", .flags = OPTF_FILE), \
	OPT_STRING(0, "provider-mirror", type, m.provider_mirror, "<dir>", \
		"folder that providers are installed from (filesystem_mirror)", .flags = OPTF_FOLDER), \
	OPT_STRING(0, "provider-cache", type, m.provider_cache, "<dir>", \
		"folder that keeps providers which were downloaded", .flags = OPTF_FOLDER), \
	OPT_BOOL(0, "allow-registry", type, m.allow_registry, \
		"what mirror and cache lack may be fetched from its registry"), \
	OPT_BOOL(0, "allow-programs", type, m.allow_programs, \
		"run programs that recipes bring: hooks, initial_values, provisioners, external data"), \
	OPT_LIST(0, "disable", type, m.disable, "<glob>", "leave clusters alone whose slug this matches"), \
	OPT_STRING(0, "backend", type, m.backend, "local|s3|http|<name>", \
		"where terraform keeps its state; local when absent: in the state folder, bound to this creator"), \
	OPT_LIST(0, "backend-config", type, m.backend_config, "<name>=<value>", \
		"an argument of the backend; {environment} and {cluster} are replaced; no secrets"), \
	OPT_BOOL(0, "metadata-account", type, m.metadata_account, \
		"do not ask: this machine has a service account that providers can use, so YC_TOKEN need not be set"), \
	OPT_IAM_METADATA_URL(type, m.metadata_url), \
	OPT_STRING(0, "terraform", type, m.terraform, "<program>", "terraform, when it is not in PATH", .flags = OPTF_FILE), \
	OPT_DURATION(0, "grace", type, m.grace_ms, "<duration>", \
		"time that terraform gets after each of two interrupts, before it is killed; 1m when absent", \
		.min = 100, .max = TERRAFORM_GRACE_MS), \
	OPT_DURATION(0, "lease", type, m.lease_ms, "<duration>", \
		"time after which another creator may take over a cluster of one that is heard of no more; " \
		"5m when absent, at least five times the grace", .min = 2000, .max = 3600000), \
	OPT_BOOL(0, "keep-workdir", type, m.keep_workdir, \
		"leave the work folders, with secrets in them, to look at"), \
	OPT_STRING(0, "state-dir", type, m.state_dir, "<dir>", \
		"folder for state, runs and logs; /var/lib/mrprober or $XDG_STATE_HOME/mrprober when absent", \
		.flags = OPTF_FOLDER)
/* clang-format on */

/* Everything that options point to; zeroed first. */
struct creator_setup {
	struct creator_options options;
	struct http_options http;
	struct s3_options s3;
	struct iam_options iam;
	struct arena arena;
	char *state_dir, *objects_folder, *spool;
};

int creator_setup(
	struct creator_setup *setup, struct mrp_ctx *ctx, const struct creator_args *args, struct mrp_err *err);
void creator_setup_release(struct creator_setup *setup);

#endif
