/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of the creator beside those of a recipe, the CLI configuration of terraform and its environment.
 *
 *	RUN/recipe/          the recipe; where terraform runs. Written by the caller, then here:
 *	    terraform_providers.tf.json     allowed providers that the recipe uses, pinned
 *	    zz_mrprober_override.tf.json    pins, where the recipe has a required_providers block of its own
 *	    zz_mrprober_backend.tf.json     the backend (a recipe with one of its own is refused)
 *	    zz_mrprober.auto.tfvars.json    variables; zz_mrprober_sensitive.auto.tfvars.json has the sensitive ones
 *	    .terraform/modules/modules.json where local modules are, so that nobody must look for them
 *	RUN/terraform.rc     the CLI configuration
 */
#ifndef MRP_CREATOR_WORKDIR_H
#define MRP_CREATOR_WORKDIR_H

#include "providers.h"
#include "scan.h"

#define WORKDIR_PROVIDERS "terraform_providers.tf.json"
#define WORKDIR_OVERRIDE "zz_mrprober_override.tf.json"
#define WORKDIR_BACKEND "zz_mrprober_backend.tf.json"
#define WORKDIR_VARIABLES "zz_mrprober.auto.tfvars.json"
#define WORKDIR_SENSITIVE "zz_mrprober_sensitive.auto.tfvars.json"

struct workdir_variable {
	const char *name;
	const struct value *value;
	bool sensitive; /* as the API says; those that the recipe marks are taken for sensitive as well */
};

struct workdir_spec {
	const char *folder; /* RUN/recipe */
	const struct scan *scan;
	const struct providers *providers;
	const struct workdir_variable *variables;
	size_t n_variables; /* those that the recipe does not declare are not written: terraform would only warn */
};

/* Write what stands above, except the backend and RUN/terraform.rc. Files are 0600. */
int workdir_prepare(const struct workdir_spec *spec, struct mrp_err *err);
/* The backend ("local", "s3", "http", ...) with its arguments, taken literally; secrets go by environment. To be
 * written after `terraform providers`, which refuses to run where a backend waits for its init, or locked providers for
 * theirs (so the lock file of a recipe is back in its place only now), and before `terraform init`. */
int workdir_backend(const char *folder, const char *backend, const struct value *settings, struct mrp_err *err);

struct cli_config {
	const char *mirror; /* an absolute folder of providers, unpacked or packed (filesystem_mirror); NULL: none */
	const char *cache;  /* an absolute folder that keeps what was downloaded; NULL: none. See cache_lock_try() */
	bool registry;      /* what neither has may be fetched from its registry */
};

/* `path` gets the CLI configuration: only what `config` says, for the providers that are allowed. */
int cli_config_write(
	const char *path, const struct cli_config *config, const struct providers *providers, struct mrp_err *err);

/* What terraform gets: `env` without TF_*, the creator's own (MRPROBER_*, S3_*), and what is meant for this process
 * (NOTIFY_SOCKET, ...); and with TF_CLI_CONFIG_FILE, CHECKPOINT_DISABLE, TF_IN_AUTOMATION, TF_INPUT=0. Appended. The
 * path is absolute. */
void terraform_environment(struct strvec *out, const char *const *env, const char *cli_config_path);

/* terraform's plugin cache is not safe when several init write to it, so init runs while this lock is held: shared when
 * all that the recipe needs is there already, else alone. *fd is yours to close after init; MRP_ELOCKED: try again
 * later. Does nothing (*fd is -1) without a cache. What an init that was killed has left half-made is removed, when
 * nothing of its run is there any more; run_id: of this one. */
int cache_lock_try(int *fd, const struct cli_config *config, const struct providers *providers,
	const char *const *sources, size_t n, const char *run_id, struct mrp_err *err);
/* After an init that ended well, before *fd is closed: what is there now is whole. */
int cache_lock_done(const struct cli_config *config, int fd, struct mrp_err *err);

#endif
