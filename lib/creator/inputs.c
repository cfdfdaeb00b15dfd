/* SPDX-License-Identifier: Apache-2.0 */
#include "inputs.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/file.h"
#include "../value/merge.h"
#include "due.h"

enum { BLOB_MAX = 64 << 20 };

void inputs_init(struct inputs *inputs)
{
	*inputs = (struct inputs){ .arena = ARENA_INIT, .variables = VEC_INIT, .max_destroy = -1 };
}

void inputs_release(struct inputs *inputs)
{
	workdir_variable_vec_clear(&inputs->variables);
	arena_release(&inputs->arena);
}

static const struct value *member(const struct value *object, const char *key, enum value_type type)
{
	const struct value *v = value_get(object, key);

	return v && v->type == type ? v : NULL;
}

static int get(const struct value **out, struct inputs *inputs, struct http_client *client, const char *path,
	struct mrp_err *err)
{
	struct http_request request;
	struct api_result result;

	api_request(&request, "GET", NULL, "%s", path);
	if (api_call(client, &request, &inputs->arena, &result, err) < 0)
		return -1;
	if (!result.value || result.value->type != V_OBJECT)
		return mrp_err_set(err, MRP_EHTTP, "GET %s%s: the answer is no object", http_url(client), path);
	*out = result.value;
	return 0;
}

const struct workdir_variable *inputs_variable(const struct inputs *inputs, const char *name)
{
	for (size_t i = 0; i < inputs->variables.n; i++) {
		if (streq(inputs->variables.v[i].name, name))
			return &inputs->variables.v[i];
	}
	return NULL;
}

void inputs_set(struct inputs *inputs, const char *name, const struct value *value, bool sensitive)
{
	struct workdir_variable *known = (struct workdir_variable *)inputs_variable(inputs, name);

	if (!known) {
		workdir_variable_vec_push(&inputs->variables, (struct workdir_variable){ name, value, sensitive });
		return;
	}
	known->value = layer_merge(&inputs->arena, known->value, (struct value *)value);
	known->sensitive = known->sensitive || sensitive;
}

static void merge_variables(struct inputs *inputs)
{
	const struct value *values = member(inputs->recipe, "values", V_OBJECT);
	const struct value *variables = member(inputs->cluster, "variables", V_OBJECT);

	for (uint32_t i = 0; values && i < values->n; i++)
		inputs_set(inputs, values->members[i].key, values->members[i].value, false);
	for (uint32_t i = 0; variables && i < variables->n; i++) {
		const struct member *m = &variables->members[i];
		const struct value *value = m->value->type == V_OBJECT ? value_get(m->value, "value") : NULL;

		if (value)
			inputs_set(inputs, m->key, value, cluster_hides(inputs->cluster, m->key, m->value));
	}
	/* a name may be declared sensitive before it has a variable: the recipe's value is meant then */
	const struct value *names = member(inputs->cluster, "sensitive_variables", V_ARRAY);
	for (uint32_t i = 0; names && i < names->n; i++) {
		struct workdir_variable *v = (struct workdir_variable *)(names->items[i]->type == V_STRING
				? inputs_variable(inputs, names->items[i]->s)
				: NULL);

		if (v)
			v->sensitive = true;
	}
}

/* A value that may not be seen by us must not become an absent one. */
static int check_visible(const struct inputs *inputs, const char *slug, struct mrp_err *err)
{
	const struct value *variables = member(inputs->cluster, "variables", V_OBJECT);

	for (uint32_t i = 0; variables && i < variables->n; i++) {
		const struct member *m = &variables->members[i];

		if (m->value->type == V_OBJECT && !value_get(m->value, "value"))
			return mrp_err_set(err, MRP_EPERM,
				"the API does not show variable '%s' of cluster '%s': a creator needs a token of role "
				"'creator'",
				m->key, slug);
	}
	return 0;
}

int inputs_fetch(struct inputs *inputs, struct http_client *client, const char *slug, struct mrp_err *err)
{
	cleanup(freep) char *cluster_path = xasprintf("/v1/clusters/%s?show_sensitive=true", slug);

	if (get(&inputs->cluster, inputs, client, cluster_path, err) < 0)
		return -1;
	const char *recipe = value_get_string(inputs->cluster, "recipe");
	if (!recipe)
		return mrp_err_set(err, MRP_EHTTP, "cluster '%s' has no recipe", slug);
	cleanup(freep) char *recipe_path = xasprintf("/v1/recipes/%s", recipe);
	if (get(&inputs->recipe, inputs, client, recipe_path, err) < 0 || check_visible(inputs, slug, err) < 0)
		return -1;
	const struct value *deploy = member(inputs->cluster, "deploy", V_OBJECT);
	const struct value *max_destroy = deploy ? member(deploy, "max_destroy", V_INT) : NULL;
	const char *mode = deploy ? value_get_string(deploy, "mode") : NULL;
	inputs->max_destroy = max_destroy ? max_destroy->i : -1;
	inputs->plan_only = mode && streq(mode, "plan-only");
	inputs->timeout_ms = deploy_duration(inputs->cluster, "timeout", DUE_TIMEOUT_MS);
	inputs->destroy = streq(cluster_status_of(inputs->cluster), "destroying");
	merge_variables(inputs);
	return 0;
}

static void add_missing(struct strbuf *names, const struct inputs *inputs, const struct value *list)
{
	for (uint32_t i = 0; list && i < list->n; i++) {
		if (list->items[i]->type == V_STRING && !inputs_variable(inputs, list->items[i]->s))
			strbuf_addf(names, "%s%s", names->len ? ", " : "", list->items[i]->s);
	}
}

void inputs_missing(struct strbuf *names, const struct inputs *inputs)
{
	const struct value *external = member(inputs->cluster, "external_variables", V_ARRAY);
	const struct value *variables = member(inputs->cluster, "variables", V_OBJECT);

	/* what somebody else writes has no default: it must be there itself */
	for (uint32_t i = 0; external && i < external->n; i++) {
		if (external->items[i]->type == V_STRING && !(variables && value_get(variables, external->items[i]->s)))
			strbuf_addf(names, "%s%s", names->len ? ", " : "", external->items[i]->s);
	}
	add_missing(names, inputs, member(inputs->recipe, "required_variables", V_ARRAY));
}

void inputs_add_secrets(struct redact_set *secrets, const struct inputs *inputs)
{
	for (size_t i = 0; i < inputs->variables.n; i++) {
		if (inputs->variables.v[i].sensitive)
			redact_add_value(secrets, inputs->variables.v[i].value);
	}
}

/* --- files --- */

static int from_api(struct strbuf *out, struct http_client *client, const char *sha256, struct mrp_err *err)
{
	cleanup(http_answer_release) struct http_answer answer = HTTP_ANSWER_INIT;
	struct http_request request;

	api_request(&request, "GET", NULL, "/v1/blobs/%s", sha256);
	int r = http_call(client, &request, &answer, err);
	if (r == 0 && answer.status != 200)
		r = http_answer_error(client, &request, &answer, err);
	http_request_release(&request);
	if (r == 0)
		strbuf_add(out, answer.body.buf, answer.body.len);
	return r;
}

static bool is_content(const struct strbuf *text, const char *sha256)
{
	char hex[SHA256_HEX + 1];

	sha256_hex_of(hex, text->buf, text->len);
	return streq(hex, sha256);
}

int inputs_fetch_blob(
	struct http_client *client, const char *sha256, const char *path, unsigned mode, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;

	if (from_api(&text, client, sha256, err) < 0)
		return -1;
	if (!is_content(&text, sha256))
		return mrp_err_set(err, MRP_EHTTP, "what came for content %s is not that", sha256);
	cleanup(fd_closep) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 || fchmod(fd, mode) < 0)
		return mrp_err_errno(err, "cannot create '%s'", path);
	return write_all(fd, text.buf, text.len, err);
}

static int write_file(struct http_client *client, const char *folder, const struct member *m, struct mrp_err *err)
{
	const char *sha256 = m->value->type == V_OBJECT ? value_get_string(m->value, "sha256") : NULL;
	const char *mode = sha256 ? value_get_string(m->value, "mode") : NULL;
	enum path_fate fate;

	if (!sha256 || !valid_sha256(sha256, strlen(sha256)) || !valid_relative_path(m->key, strlen(m->key)))
		return mrp_err_set(err, MRP_EHTTP, "file '%s' of the recipe makes no sense", m->key);
	if (recipe_path_judge(&fate, m->key, err) < 0)
		return -1;
	if (fate == PATH_LEAVE_OUT)
		return 0;
	cleanup(freep) char *path = path_join(folder, m->key);
	cleanup(freep) char *parent = xstrndup(path, (size_t)(strrchr(path, '/') - path));
	if (make_folders(parent, 0700, err) < 0)
		return -1;
	return inputs_fetch_blob(client, sha256, path, mode && streq(mode, "0755") ? 0700 : 0600, err);
}

int inputs_write_files(const struct inputs *inputs, struct http_client *client, const char *folder, struct mrp_err *err)
{
	const struct value *files = member(inputs->recipe, "files", V_OBJECT);

	for (uint32_t i = 0; files && i < files->n; i++) {
		if (write_file(client, folder, &files->members[i], err) < 0)
			return mrp_err_wrap(err, "file '%s'", files->members[i].key);
	}
	return 0;
}
