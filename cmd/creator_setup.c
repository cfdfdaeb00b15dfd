/* SPDX-License-Identifier: Apache-2.0 */
#include "creator.h"

#include <sys/stat.h>
#include <unistd.h>

#include "../lib/base/file.h"
#include "../lib/value/yaml.h"

static const char *absolute(struct arena *arena, const char *path)
{
	cleanup(freep) char *here = *path == '/' ? NULL : get_current_dir_name();
	cleanup(freep) char *whole = path_join(here ? here : "", path);

	return arena_strdup(arena, whole);
}

static int set_api(struct creator_setup *setup, struct mrp_ctx *ctx, struct mrp_err *err)
{
	const struct mrp_setting *environment = &ctx->settings[SETTING_ENVIRONMENT];
	const char *token;

	if (ctx_token(ctx, &token, err) < 0)
		return -1;
	setup->http = http_options_default;
	setup->http.url = ctx_api_url(ctx);
	setup->http.token = *token ? token : NULL;
	setup->http.ca_file = ctx_setting(ctx, SETTING_CA_CERT);
	if (environment->origin > ORIGIN_MANIFEST)
		setup->http.environment = environment->value;
	return 0;
}

/* "use_path_style=true" -> a value as YAML reads it. */
static int add_setting(struct value *settings, struct arena *arena, const char *text, struct mrp_err *err)
{
	struct problems problems = PROBLEMS_INIT;
	const char *equals = strchr(text, '=');

	if (!equals || equals == text)
		return mrp_err_set(err, MRP_EUSAGE, "--backend-config '%s' is not NAME=VALUE", text);
	struct value *v = value_from_yaml(arena, equals + 1, strlen(equals + 1), "--backend-config", 0, &problems);
	bool bad = !v || problems.errors;
	problems_clear(&problems);
	/* "{environment}/x" is a map to YAML, and meant as text */
	if (bad || v->type == V_NULL || skip_prefix(equals + 1, "{environment}", NULL) ||
		skip_prefix(equals + 1, "{cluster}", NULL))
		v = value_string(arena, equals + 1);
	value_set(arena, settings, arena_strndup(arena, text, (size_t)(equals - text)), v);
	return 0;
}

static int set_backend(struct creator_setup *setup, const struct creator_args *args, struct mrp_err *err)
{
	struct value *settings = value_object(&setup->arena);

	for (size_t i = 0; i < args->backend_config.n; i++) {
		if (add_setting(settings, &setup->arena, args->backend_config.v[i], err) < 0)
			return -1;
	}
	setup->options.backend = args->backend;
	setup->options.backend_settings = settings;
	return 0;
}

static int set_logs(struct creator_setup *setup, struct mrp_ctx *ctx, struct mrp_err *err)
{
	struct objects_options *logs = &setup->options.logs;
	int s3 = s3_options_from_environment(&setup->s3, err);

	if (s3 < 0)
		return -1;
	setup->objects_folder = path_join(setup->state_dir, "objects");
	setup->spool = path_join(setup->state_dir, "creator/spool");
	setup->s3.ca_file = setup->iam.ca_file = ctx_setting(ctx, SETTING_CA_CERT);
	setup->s3.iam = &setup->iam;
	logs->s3 = s3 ? &setup->s3 : NULL;
	logs->folder = setup->objects_folder;
	logs->spool = setup->spool;
	return 0;
}

int creator_setup(
	struct creator_setup *setup, struct mrp_ctx *ctx, const struct creator_args *args, struct mrp_err *err)
{
	struct creator_options *options = &setup->options;
	cleanup(freep) char *named = args->state_dir ? xstrdup(args->state_dir) : default_state_dir();

	umask(0077); /* of terraform, too: its state holds secrets */
	*setup = (struct creator_setup){ .arena = ARENA_INIT };
	setup->state_dir = xstrdup(absolute(&setup->arena, named));
	if (set_api(setup, ctx, err) < 0 || set_backend(setup, args, err) < 0 || set_logs(setup, ctx, err) < 0)
		return -1;
	options->api = &setup->http;
	options->environment = setup->http.environment;
	options->state_dir = setup->state_dir;
	options->terraform = strchr(args->terraform, '/') ? absolute(&setup->arena, args->terraform) : args->terraform;
	options->providers_file = args->providers_file;
	options->cli.mirror = args->provider_mirror ? absolute(&setup->arena, args->provider_mirror) : NULL;
	options->cli.cache = args->provider_cache ? absolute(&setup->arena, args->provider_cache) : NULL;
	options->cli.registry = args->allow_registry;
	options->allow_programs = args->allow_programs;
	setup->iam.metadata_url = options->metadata_url = args->metadata_url;
	options->metadata_account = args->metadata_account;
	options->disable = (const char *const *)args->disable.v;
	options->n_disable = args->disable.n;
	options->parallel = (int)args->parallel;
	options->lease_ms = args->lease_ms;
	options->grace_ms = args->grace_ms;
	options->keep_workdir = args->keep_workdir;
	return 0;
}

void creator_setup_release(struct creator_setup *setup)
{
	arena_release(&setup->arena);
	free(setup->state_dir);
	free(setup->objects_folder);
	free(setup->spool);
}
