/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Candidates from settings, from the folders of a config tree (names only; nothing is parsed), and from the API. A
 * person waits for them with a half-typed line, so the API gets 300 ms in all, and failures are silent.
 */
#include "complete_sources.h"

#include "../lib/base/file.h"
#include "../lib/base/text.h"
#include "../lib/http/api.h"
#include "cmd.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

enum { API_TIMEOUT_MS = 250 };

static bool load_settings(struct mrp_ctx *ctx)
{
	struct mrp_err err = MRP_ERR_INIT;
	bool good = settings_init(ctx, &err) == 0 && settings_load_config(ctx, &err) == 0 &&
		settings_find_manifest(ctx, &err) == 0;

	mrp_err_clear(&err);
	return good;
}

static void add_programs(struct mrp_complete *c, const char *folder)
{
	DIR *dir = opendir(folder);

	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		const char *name;

		if (skip_prefix(entry->d_name, "mrprober-", &name) && *name)
			mrp_complete_add(c, name, "a program on PATH");
	}
	if (dir)
		closedir(dir);
}

void complete_other_commands(struct mrp_complete *c)
{
	const char *path = getenv("PATH");
	struct mrp_err ignored = MRP_ERR_INIT;

	if (settings_load_aliases(c->ctx, &ignored) == 0) {
		for (size_t i = 0; i < c->ctx->aliases.n; i++)
			mrp_complete_add(c, c->ctx->aliases.v[i].name, c->ctx->aliases.v[i].words);
	}
	mrp_err_clear(&ignored);
	for (size_t len; path; path = path[len] ? path + len + 1 : NULL) {
		len = strcspn(path, ":");
		cleanup(freep) char *folder = xstrndup(path, len);
		if (*folder == '/')
			add_programs(c, folder);
	}
}

static void add_keys(struct mrp_complete *c, const struct value *object)
{
	for (uint32_t i = 0; object && object->type == V_OBJECT && i < object->n; i++)
		mrp_complete_add(c, object->members[i].key, NULL);
}

void complete_contexts(struct mrp_complete *c, int argc, char *const *argv, const char *word)
{
	struct mrp_err ignored = MRP_ERR_INIT;

	(void)argc, (void)argv, (void)word;
	if (settings_load_aliases(c->ctx, &ignored) == 0) {
		for (size_t i = 0; i < ARRAY_SIZE(c->ctx->configs); i++)
			add_keys(c, value_get(c->ctx->configs[i], "contexts"));
	}
	mrp_err_clear(&ignored);
}

void complete_environments(struct mrp_complete *c, int argc, char *const *argv, const char *word)
{
	struct mrp_err ignored = MRP_ERR_INIT;

	(void)argc, (void)argv, (void)word;
	if (settings_read_manifest(c->ctx, &ignored) == 0 && c->ctx->manifest && c->ctx->manifest->type == V_OBJECT)
		add_keys(c, value_get(c->ctx->manifest, "environments"));
	mrp_err_clear(&ignored);
}

void complete_settings(struct mrp_complete *c, int argc, char *const *argv, const char *word)
{
	(void)argv, (void)word;
	for (int id = 0; !argc && id < SETTING_COUNT; id++)
		mrp_complete_add(c, setting_name(id), NULL);
}

void complete_help(struct mrp_complete *c, int argc, char *const *argv, const char *word)
{
	const struct mrp_cmd *cmd = argc == 1 ? cmd_find(mrp_commands, argv[0]) : NULL;
	const struct mrp_cmd *const *table = argc ? cmd ? cmd->subs : NULL : mrp_commands;

	(void)word;
	for (; table && *table; table++) {
		if (!((*table)->needs & CMD_HIDDEN))
			mrp_complete_add(c, (*table)->name, (*table)->summary);
	}
	if (!argc)
		mrp_complete_add(c, "configs", "the formats of the YAML files");
}

void complete_kinds(struct mrp_complete *c, int argc, char *const *argv, const char *word)
{
	(void)argv, (void)word;
	for (int kind = 0; !argc && kind < KIND_COUNT; kind++)
		mrp_complete_add(c, kinds[kind].plural, NULL);
}

/* A candidate, "slug" or "kind/slug". */
static void add_slug(struct mrp_complete *c, const char *prefix, const char *slug, size_t len, const char *name)
{
	cleanup(freep) char *candidate = xasprintf("%s%.*s", prefix, (int)len, slug);

	if (slug_valid(slug, len))
		mrp_complete_add(c, candidate, name);
}

/* The names in the tree's folder of that kind: folders, and files <slug>.yaml. */
static void add_config_slugs(struct mrp_complete *c, const char *root, enum kind kind, const char *prefix)
{
	cleanup(freep) char *folder = path_join(root, kinds[kind].plural);
	DIR *dir = opendir(folder);

	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		const char *name = entry->d_name;
		size_t len = strlen(name);

		if (ends_with(name, ".yaml"))
			len -= strlen(".yaml");
		add_slug(c, prefix, name, len, NULL);
	}
	if (dir)
		closedir(dir);
}

/* "." or "../..", where the manifest is; NULL when nowhere. */
static char *find_root(void)
{
	struct strbuf root = STRBUF_INIT;

	strbuf_addstr(&root, ".");
	for (int up = 0; up < 32; up++) {
		cleanup(freep) char *manifest = path_join(root.buf, "mrprober.yaml");
		struct stat st;

		if (stat(manifest, &st) == 0)
			return strbuf_detach(&root, NULL);
		if (up == 0)
			strbuf_reset(&root);
		strbuf_addstr(&root, up == 0 ? ".." : "/..");
	}
	strbuf_release(&root);
	return NULL;
}

void complete_kind_slashes(struct mrp_complete *c, int argc, char *const *argv, const char *word)
{
	const char *slash = strchr(word, '/');

	(void)argc, (void)argv;
	if (!slash) {
		for (int kind = 0; kind < KIND_COUNT; kind++) {
			cleanup(freep) char *candidate = xasprintf("%s/", kinds[kind].name);

			mrp_complete_add(c, candidate, NULL);
		}
		c->flags |= COMPLETE_NO_SPACE;
		return;
	}
	cleanup(freep) char *name = xstrndup(word, (size_t)(slash - word));
	cleanup(freep) char *prefix = xstrndup(word, (size_t)(slash - word) + 1);
	cleanup(freep) char *root = find_root();
	int kind = kind_from_name(name);
	if (kind >= 0 && root)
		add_config_slugs(c, root, kind, prefix);
}

/* Slugs from one page of the API's list; false when it does not answer in time. */
static bool add_api_slugs(struct mrp_complete *c, enum kind kind)
{
	struct http_options options = http_options_default;
	struct http_request request = HTTP_REQUEST_INIT;
	struct api_result result = { .value = NULL };
	struct mrp_err err = MRP_ERR_INIT;
	const char *token;

	if (!load_settings(c->ctx) || ctx_token(c->ctx, &token, &err) < 0)
		goto out;
	options.url = ctx_api_url(c->ctx);
	options.token = *token ? token : NULL;
	options.total_timeout_ms = options.connect_timeout_ms = API_TIMEOUT_MS;
	options.retry = (struct retry_policy){ .max_errors = 1 };
	cleanup(http_closep) struct http_client *client = http_open(&options, &err);
	if (!client)
		goto out;
	api_request(&request, "GET", NULL, "/v1/%s?page_size=1000", kinds[kind].plural);
	if (api_call(client, &request, &c->ctx->arena, &result, &err) < 0)
		goto out;
	const struct value *items =
		result.value && result.value->type == V_OBJECT ? value_get(result.value, "items") : NULL;
	for (uint32_t i = 0; items && items->type == V_ARRAY && i < items->n; i++) {
		const struct value *item = items->items[i];
		const char *slug = item->type == V_OBJECT ? value_get_string(item, "slug") : NULL;

		if (slug)
			add_slug(c, "", slug, strlen(slug), value_get_string(item, "name"));
	}
out:
	mrp_err_clear(&err);
	return result.value != NULL;
}

static void add_slugs(struct mrp_complete *c, int kind)
{
	if (kind < 0 || add_api_slugs(c, kind))
		return;
	cleanup(freep) char *root = find_root();
	if (root)
		add_config_slugs(c, root, kind, "");
}

void complete_kind_then_slug(struct mrp_complete *c, int argc, char *const *argv, const char *word)
{
	if (!argc)
		complete_kinds(c, argc, argv, word);
	else
		add_slugs(c, kind_from_name(argv[0]));
}

void complete_clusters(struct mrp_complete *c, int argc, char *const *argv, const char *word)
{
	(void)argv, (void)word;
	if (!argc)
		add_slugs(c, KIND_CLUSTER);
}
