/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a recipe uses, read from its files without running or fetching anything: providers, local modules, programs.
 * The reader is ours (hcl.h, hcl_json.h), so it is strict where terraform is lenient: what it does not understand is an
 * error, as what it would skip might be a download. terraform's own opinion is asked for afterwards, see gate.h.
 *
 * Files read are those that terraform reads: *.tf and *.tf.json of the root and of local modules, and the lock file.
 * https://developer.hashicorp.com/terraform/language/files, .../modules/sources, .../providers/requirements
 */
#ifndef MRP_CREATOR_SCAN_H
#define MRP_CREATOR_SCAN_H

#include "../base/arena.h"
#include "../base/err.h"

#define SCAN_LOCK_FILE ".terraform.lock.hcl"

/* One mention of a provider. `source` is whole and in lower case: "registry.terraform.io/hashicorp/aws". */
struct provider_use {
	const char *source;
	const char *name;    /* the module's own name for it: "aws" */
	const char *version; /* constraint as written; NULL: none */
	const char *what;    /* "required_providers", "resource 'aws_instance.a'", "lock file", ... */
	size_t module;       /* index in scan->modules */
	struct mrp_loc loc;  /* file relative to the recipe */
	/* Not declared in its module, so the source is what terraform takes for that: hashicorp/NAME. In the root
	 * module the allow file may say another (the work folder's terraform_providers.tf.json declares it). */
	bool implied;
	bool again;  /* in a folder that is a module in more than one place, and was read before */
	bool passed; /* only handed on, imported or called: terraform's own list may not have it */
	bool locked; /* from .terraform.lock.hcl: `version` is a version, not a constraint */
};

/* A program that terraform, or the creator, would run. */
struct program_use {
	const char *what; /* "provisioner 'local-exec' of resource 'x.y'", "hook 'hooks/before-plan/10-a'", ... */
	struct mrp_loc loc;
};

struct scan_module {
	const char *key;    /* "" is the root, "net.sub" a module in a module, as in terraform's modules.json */
	const char *source; /* as written: "./modules/net"; "" for the root */
	const char *folder; /* relative to the recipe, "" for the root */
	size_t parent;
};

/* A variable of the root module. */
struct scan_variable {
	const char *name;
	bool sensitive;   /* sensitive or ephemeral, unless both are plainly `false` or absent */
	bool has_default; /* if not, a cluster must give it */
	struct mrp_loc loc;
};

VEC_DEFINE(provider_use_vec, struct provider_use)
VEC_DEFINE(program_use_vec, struct program_use)
VEC_DEFINE(scan_module_vec, struct scan_module)
VEC_DEFINE(scan_variable_vec, struct scan_variable)

struct scan {
	struct arena arena; /* of all texts */
	struct provider_use_vec providers;
	struct program_use_vec programs; /* not initial_values, which is no file */
	struct scan_module_vec modules;  /* each place of use once, parents first */
	struct scan_variable_vec variables;
	bool root_requires;       /* the root module has a required_providers block in a file that is no override */
	struct strvec root_names; /* names that required_providers of the root declares */
	struct strvec root_configured; /* names that have a default `provider` block in the root */
};

enum path_fate {
	PATH_WRITE,    /* into the work folder */
	PATH_LEAVE_OUT /* *.tftest.hcl, *.tfmock.hcl, *.tfquery.hcl: init and get would fetch what they name, a
			  deployment needs none of it */
};

/* What to do with a file of a recipe; asked before anything is written. `path` is relative, as the API has it.
 * MRP_EREFUSED: a name that would make terraform take the recipe's word for what the creator decides: .terraform/,
 * terraform.d/, terraform.tfstate, *.tofu, variables that are read after ours, names of files that the creator writes.
 */
int recipe_path_judge(enum path_fate *fate, const char *path, struct mrp_err *err);

/* Read the recipe in `folder`. Mistakes (syntax, remote module sources, backend in the wrong place, symbolic links) are
 * added to `problems`, all of them, with places; `scan` holds what was understood. -1 when something could not be read
 * at all. Blocks on the disk. Release in any case. */
int scan_recipe(struct scan *scan, const char *folder, struct problems *problems, struct mrp_err *err);
/* override.tf, x_override.tf.json: what it says replaces what other files of the module say. */
bool scan_is_override(const char *name);
void scan_init(struct scan *scan);
void scan_release(struct scan *scan);

#endif
