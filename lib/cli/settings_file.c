/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layers of settings that come from files: config.yaml of the user and of the system (key by key, the user's goes
 * first; a context goes before the top level), and the environment of a manifest.
 */
#include "settings.h"

#include "../base/file.h"
#include "../base/text.h"
#include "../value/yaml.h"
#include "config_fields.h"

#include <sys/stat.h>
#include <unistd.h>

#define SYSTEM_CONFIG "/etc/mrprober/config.yaml"

enum { USER, SYSTEM, N_FILES };

/* Keys of config.yaml that are settings. */
static const struct {
	const char *key;
	enum mrp_setting_id id;
	bool in_context; /* at the top level and in contexts; else at the top level only */
} keys[] = {
	{ "api_url", SETTING_API_URL, true },
	{ "environment", SETTING_ENVIRONMENT, true },
	{ "token", SETTING_TOKEN, true },
	{ "token_file", SETTING_TOKEN_FILE, true },
	{ "ca_cert", SETTING_CA_CERT, true },
	{ "color", SETTING_COLOR, false },
	{ "quiet", SETTING_QUIET, false },
	{ "verbose", SETTING_VERBOSE, false },
};

static const char *loc_text(struct mrp_ctx *ctx, struct mrp_loc loc)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;

	mrp_loc_format(&text, loc);
	return text.len ? arena_strdup(&ctx->arena, text.buf) : NULL;
}

static const char *scalar_text(struct mrp_ctx *ctx, const struct value *v)
{
	switch (v->type) {
	case V_STRING:
		return v->n ? arena_strdup(&ctx->arena, v->s) : NULL;
	case V_BOOL:
		return v->b ? "true" : "false";
	case V_INT:
		return arena_printf(&ctx->arena, "%lld", (long long)v->i);
	default:
		return NULL;
	}
}

/* "~/x" is in the home folder, "x" beside the file that says so. */
static const char *resolve_path(struct mrp_ctx *ctx, const char *path, const char *file)
{
	const char *home = getenv("HOME"), *rest, *slash = strrchr(file, '/');

	if (*path == '/' || !slash)
		return path;
	if (skip_prefix(path, "~/", &rest) && home)
		return arena_printf(&ctx->arena, "%s/%s", home, rest);
	return arena_printf(&ctx->arena, "%.*s/%s", (int)(slash - file), file, path);
}

static void offer_key(struct mrp_ctx *ctx, const struct value *object, const char *key, enum mrp_setting_id id,
	enum mrp_origin origin)
{
	const struct value *v = value_get(object, key);
	const char *text = v ? scalar_text(ctx, v) : NULL;

	if (!text)
		return;
	if ((id == SETTING_TOKEN_FILE || id == SETTING_CA_CERT) && v->file)
		text = resolve_path(ctx, text, v->file);
	setting_offer(ctx, id, text, origin, loc_text(ctx, value_loc(v)));
}

static void offer_keys(struct mrp_ctx *ctx, const struct value *object, bool context)
{
	if (!object || object->type != V_OBJECT)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (!context || keys[i].in_context)
			offer_key(ctx, object, keys[i].key, keys[i].id, ORIGIN_CONFIG);
	}
}

/* A file with a token in it should be the owner's alone. */
static void check_mode(struct mrp_ctx *ctx, const char *path, const struct value *config)
{
	const struct value *contexts = value_get(config, "contexts");
	bool token = value_get(config, "token");
	struct stat st;

	for (uint32_t i = 0; contexts && i < contexts->n; i++)
		token |= value_get(contexts->members[i].value, "token") != NULL;
	if (token && stat(path, &st) == 0 && st.st_mode & 077)
		problems_warn(&ctx->warnings, (struct mrp_loc){ path }, NULL,
			"others may read the token in it (mode %03o); 'chmod 600' it", (unsigned)(st.st_mode & 0777));
}

/* Settings are shown with dashes ("api-url"), YAML here is written with underscores; both are meant. */
static void accept_dashes(struct mrp_ctx *ctx, struct value *object)
{
	for (uint32_t i = 0; object->type == V_OBJECT && i < object->n; i++) {
		struct member *m = &object->members[i];

		if (!strchr(m->key, '-') || setting_find(m->key) < 0)
			continue;
		char *key = arena_strdup(&ctx->arena, m->key);
		for (char *p = key; *p; p++)
			*p = *p == '-' ? '_' : *p;
		if (!value_get(object, key))
			m->key = key;
	}
}

static void accept_dashes_everywhere(struct mrp_ctx *ctx, struct value *config)
{
	struct value *contexts = config->type == V_OBJECT ? value_get(config, "contexts") : NULL;

	accept_dashes(ctx, config);
	for (uint32_t i = 0; contexts && contexts->type == V_OBJECT && i < contexts->n; i++)
		accept_dashes(ctx, contexts->members[i].value);
}

/* The checked contents of one config.yaml, or an empty object when there is no such file. */
static struct value *read_config(struct mrp_ctx *ctx, const char *path, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	struct schema_ctx schema = { &ctx->arena, &ctx->warnings, FF_CONFIG };

	if (read_file(&text, path, YAML_MAX_BYTES, err) < 0) {
		if (err->code != MRP_ENOTFOUND)
			return NULL;
		mrp_err_clear(err);
		return value_object(&ctx->arena);
	}
	path = arena_strdup(&ctx->arena, path);
	struct value *v = value_from_yaml(&ctx->arena, text.buf, text.len, path, 0, &ctx->warnings);
	if (v && v->type == V_NULL)
		return value_object(&ctx->arena);
	if (v)
		accept_dashes_everywhere(ctx, v);
	if (v)
		v = schema_apply(&schema, config_fields, v, "");
	if (ctx->warnings.errors) {
		mrp_err_set(err, MRP_EINVALID, "cannot use '%s'", path);
		return NULL;
	}
	check_mode(ctx, path, v);
	return v;
}

static char *user_config_path(void)
{
	const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

	if (xdg && *xdg == '/')
		return xasprintf("%s/mrprober/config.yaml", xdg);
	return home && *home ? xasprintf("%s/.config/mrprober/config.yaml", home) : NULL;
}

static void add_aliases(struct mrp_ctx *ctx, const struct value *config)
{
	const struct value *aliases = value_get(config, "aliases");

	for (uint32_t i = 0; aliases && i < aliases->n; i++) {
		const struct member *m = &aliases->members[i];

		if (!mrp_alias_find(ctx, m->key))
			mrp_alias_vec_push(
				&ctx->aliases, (struct mrp_alias){ m->key, m->value->s, member_loc(aliases, m) });
	}
}

const struct mrp_alias *mrp_alias_find(const struct mrp_ctx *ctx, const char *name)
{
	for (size_t i = 0; i < ctx->aliases.n; i++) {
		if (streq(ctx->aliases.v[i].name, name))
			return &ctx->aliases.v[i];
	}
	return NULL;
}

static int no_context(const struct mrp_ctx *ctx, struct value *const configs[], struct mrp_err *err)
{
	const struct mrp_setting *setting = &ctx->settings[SETTING_CONTEXT];
	cleanup(freep) const char **names = NULL;
	size_t n = 0;

	for (int i = 0; i < N_FILES; i++) {
		const struct value *contexts = value_get(configs[i], "contexts");

		for (uint32_t k = 0; contexts && k < contexts->n; k++) {
			names = xrealloc(names, (n + 1) * sizeof(*names));
			names[n++] = contexts->members[k].key;
		}
	}
	const char *near = nearest_word(setting->value, names, n);
	return mrp_err_set(err, MRP_EUSAGE, "%s: no context '%s' in config.yaml%s%s%s", setting->where, setting->value,
		near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static int offer_configs(struct mrp_ctx *ctx, struct value *const configs[], struct mrp_err *err)
{
	const struct value *found = NULL;

	for (int i = 0; i < N_FILES; i++)
		offer_key(ctx, configs[i], "context", SETTING_CONTEXT, ORIGIN_CONFIG);
	const char *name = ctx_setting(ctx, SETTING_CONTEXT);
	for (int i = 0; name && i < N_FILES; i++) {
		const struct value *contexts = value_get(configs[i], "contexts");
		const struct value *context = contexts ? value_get(contexts, name) : NULL;

		offer_keys(ctx, context, true);
		found = found ? found : context;
	}
	if (name && !found)
		return no_context(ctx, configs, err);
	for (int i = 0; i < N_FILES; i++)
		offer_keys(ctx, configs[i], false);
	return settings_apply(ctx, err);
}

int settings_load_aliases(struct mrp_ctx *ctx, struct mrp_err *err)
{
	cleanup(freep) char *user = user_config_path();

	if (ctx->configs[SYSTEM])
		return 0;
	ctx->configs[USER] = user ? read_config(ctx, user, err) : value_object(&ctx->arena);
	ctx->configs[SYSTEM] = ctx->configs[USER] ? read_config(ctx, SYSTEM_CONFIG, err) : NULL;
	if (!ctx->configs[SYSTEM])
		return -1;
	for (int i = 0; i < N_FILES; i++)
		add_aliases(ctx, ctx->configs[i]);
	return 0;
}

int settings_load_config(struct mrp_ctx *ctx, struct mrp_err *err)
{
	return settings_load_aliases(ctx, err) < 0 ? -1 : offer_configs(ctx, ctx->configs, err);
}

int settings_add_manifest(struct mrp_ctx *ctx, const struct value *manifest, struct mrp_err *err)
{
	const struct value *environments = manifest->type == V_OBJECT ? value_get(manifest, "environments") : NULL;

	if (!environments || environments->type != V_OBJECT)
		return 0;
	if (environments->n == 1) {
		const struct member *only = &environments->members[0];

		setting_offer(ctx, SETTING_ENVIRONMENT, arena_strdup(&ctx->arena, only->key), ORIGIN_MANIFEST,
			loc_text(ctx, member_loc(environments, only)));
	}
	const char *name = ctx_environment(ctx);
	const struct value *environment = name ? value_get(environments, name) : NULL;
	if (environment && environment->type == V_OBJECT)
		offer_key(ctx, environment, "api", SETTING_API_URL, ORIGIN_MANIFEST);
	return settings_apply(ctx, err);
}

/* The nearest mrprober.yaml, here or above. One above that belongs to somebody else is passed over: it could send our
 * token anywhere. NULL when there is none. */
static char *find_manifest(struct mrp_ctx *ctx)
{
	char *folder = getcwd(NULL, 0), *slash;
	bool here = true;

	while (folder) {
		char *path = path_join(*folder ? folder : "/", "mrprober.yaml");
		struct stat st;

		if (stat(path, &st) == 0 && S_ISREG(st.st_mode)) {
			if (here || st.st_uid == geteuid() || st.st_uid == 0) {
				free(folder);
				return path;
			}
			problems_warn(&ctx->warnings, (struct mrp_loc){ path }, NULL,
				"passed over, because it belongs to another user");
		}
		free(path);
		here = false;
		slash = strrchr(folder, '/');
		if (!slash || !*folder)
			break;
		*slash = '\0';
	}
	free(folder);
	return NULL;
}

int settings_read_manifest(struct mrp_ctx *ctx, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	struct problems problems = PROBLEMS_INIT;
	cleanup(freep) char *found = ctx->manifest ? NULL : find_manifest(ctx);

	if (!found)
		return 0;
	if (read_file(&text, found, YAML_MAX_BYTES, err) < 0)
		return -1;
	const char *path = arena_strdup(&ctx->arena, found);
	ctx->manifest = value_from_yaml(&ctx->arena, text.buf, text.len, path, YAML_LOCAL_TAGS, &problems);
	if (problems.errors)
		problems_warn(&ctx->warnings, (struct mrp_loc){ path }, NULL,
			"has mistakes ('mrprober synchronize --validate' shows them)");
	problems_clear(&problems);
	return 0;
}

int settings_find_manifest(struct mrp_ctx *ctx, struct mrp_err *err)
{
	if (settings_read_manifest(ctx, err) < 0)
		return -1;
	return ctx->manifest ? settings_add_manifest(ctx, ctx->manifest, err) : 0;
}
