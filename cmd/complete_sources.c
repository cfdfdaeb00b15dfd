/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Candidates from settings, from the folders of a config tree (names only; nothing is parsed), and from the API. A
 * person waits for them with a half-typed line, so the API gets 300 ms in all, and failures are silent.
 */
#include "complete_sources.h"

#include "../lib/base/text.h"
#include "../lib/config/config.h"
#include "../lib/http/api.h"
#include "cmd.h"

#include <dirent.h>
#include <sys/stat.h>

enum { API_TIMEOUT_MS = 250 };

static bool load_settings(struct mrp_ctx *ctx)
{
	struct mrp_err err = MRP_ERR_INIT;
	bool good = settings_init(ctx, &err) == 0 && settings_load_config(ctx, &err) == 0 &&
		settings_find_manifest(ctx, &err) == 0;

	mrp_err_clear(&err);
	return good;
}

/* Folders that were read: /bin is /usr/bin on most systems, and PATH often names one twice. */
struct folders {
	struct stat seen[32];
	size_t n;
};

static bool is_new(struct folders *folders, int fd)
{
	struct stat st;

	if (folders->n == ARRAY_SIZE(folders->seen) || fstat(fd, &st) < 0)
		return true;
	for (size_t i = 0; i < folders->n; i++) {
		if (folders->seen[i].st_dev == st.st_dev && folders->seen[i].st_ino == st.st_ino)
			return false;
	}
	folders->seen[folders->n++] = st;
	return true;
}

static void add_programs(struct mrp_complete *c, struct folders *folders, const char *folder)
{
	DIR *dir = opendir(folder);
	bool read = dir && is_new(folders, dirfd(dir));

	for (struct dirent *entry; read && (entry = readdir(dir));) {
		const char *name;

		if (skip_prefix(entry->d_name, "mrprober-", &name) && *name && !cmd_find(mrp_commands, name))
			mrp_complete_add(c, name, "a program on PATH");
	}
	if (dir)
		closedir(dir);
}

void complete_other_commands(struct mrp_complete *c)
{
	const char *path = getenv("PATH");
	struct mrp_err ignored = MRP_ERR_INIT;
	struct folders folders = { .n = 0 };

	if (settings_load_aliases(c->ctx, &ignored) == 0) {
		for (size_t i = 0; i < c->ctx->aliases.n; i++) {
			const struct mrp_alias *alias = &c->ctx->aliases.v[i];

			if (!cmd_find(mrp_commands, alias->name))
				mrp_complete_add(c, alias->name, alias->words);
		}
	}
	mrp_err_clear(&ignored);
	for (size_t len; path; path = path[len] ? path + len + 1 : NULL) {
		len = strcspn(path, ":");
		cleanup(freep) char *folder = xstrndup(path, len);
		if (*folder == '/')
			add_programs(c, &folders, folder);
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

static void add_config_slugs(struct mrp_complete *c, enum kind kind)
{
	cleanup(strvec_clear) struct strvec slugs = STRVEC_INIT;
	struct mrp_err ignored = MRP_ERR_INIT;
	cleanup(freep) char *root = config_find_root(NULL, &ignored);

	if (root && config_list_slugs(&slugs, root, kind, &ignored) == 0) {
		for (size_t i = 0; i < slugs.n; i++)
			mrp_complete_add(c, slugs.v[i], NULL);
	}
	mrp_err_clear(&ignored);
}

static void add_items(struct mrp_complete *c, const struct value *list)
{
	const struct value *items = list->type == V_OBJECT ? value_get(list, "items") : NULL;

	for (uint32_t i = 0; items && items->type == V_ARRAY && i < items->n; i++) {
		const struct value *item = items->items[i];
		const char *slug = item->type == V_OBJECT ? value_get_string(item, "slug") : NULL;

		if (slug && slug_valid(slug, strlen(slug)))
			mrp_complete_add(c, slug, value_get_string(item, "name"));
	}
}

/* "net/h1" */
static void add_agents(struct mrp_complete *c, const struct value *list)
{
	const struct value *items = list->type == V_OBJECT ? value_get(list, "items") : NULL;

	for (uint32_t i = 0; items && items->type == V_ARRAY && i < items->n; i++) {
		const struct value *item = items->items[i];
		const char *cluster = item->type == V_OBJECT ? value_get_string(item, "cluster") : NULL,
			   *host = cluster ? value_get_string(item, "host") : NULL;

		if (host && slug_valid(cluster, strlen(cluster)))
			mrp_complete_add(c, arena_printf(&c->ctx->arena, "%s/%s", cluster, host), value_get_string(item, "version"));
	}
}

/* One page of a list of the API. */
static int ask_api(struct mrp_complete *c, const char *path, void (*add)(struct mrp_complete *, const struct value *),
	struct mrp_err *err)
{
	struct http_options options = http_options_default;
	struct http_request request = HTTP_REQUEST_INIT;
	struct api_result result;
	const char *token;

	if (ctx_token(c->ctx, &token, err) < 0)
		return -1;
	options.url = ctx_api_url(c->ctx);
	options.token = *token ? token : NULL;
	options.ca_file = ctx_setting(c->ctx, SETTING_CA_CERT);
	options.total_timeout_ms = options.connect_timeout_ms = API_TIMEOUT_MS;
	options.retry = (struct retry_policy){ .max_errors = 1 };
	cleanup(http_closep) struct http_client *client = http_open(&options, err);
	if (!client)
		return -1;
	api_request(&request, "GET", NULL, "/v1/%s?page_size=1000", path);
	if (api_call(client, &request, &c->ctx->arena, &result, err) < 0)
		return -1;
	if (result.value)
		add(c, result.value);
	return 0;
}

/* False when the API does not answer in time. */
static bool add_api_slugs(struct mrp_complete *c, enum kind kind)
{
	struct mrp_err ignored = MRP_ERR_INIT;
	bool good = load_settings(c->ctx) && ask_api(c, kinds[kind].plural, add_items, &ignored) == 0;

	mrp_err_clear(&ignored);
	return good;
}

static void add_slugs(struct mrp_complete *c, int kind)
{
	if (kind >= 0 && !add_api_slugs(c, kind))
		add_config_slugs(c, kind);
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

void complete_agents(struct mrp_complete *c, int argc, char *const *argv, const char *word)
{
	struct mrp_err ignored = MRP_ERR_INIT;

	(void)argv, (void)word;
	if (!argc && load_settings(c->ctx))
		ask_api(c, "agents", add_agents, &ignored);
	mrp_err_clear(&ignored);
}
