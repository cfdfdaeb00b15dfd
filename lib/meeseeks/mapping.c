/* SPDX-License-Identifier: Apache-2.0 */
/* meeseeks.yaml: the same as the options, a list of them. */
#include "mapping.h"

#include "../base/file.h"
#include "../base/parse.h"
#include "../base/text.h"
#include "../model/manifest.h"
#include "../value/yaml.h"

static const char *const source_words[] = { "compute-admin", "kubernetes", "file", "command", NULL };
static const char *const auth_words[] = { "iam", "none", NULL };
static const struct field item_text = { "", F_STRING, FF_CONFIG, NULL, .max = 4096 };

#define TEXTS(name, help)                                                     \
	{                                                                     \
		name, F_LIST, FF_CONFIG, help, .sub = &item_text, .max = 1000 \
	}
#define TEXT(name, help)                                     \
	{                                                    \
		name, F_STRING, FF_CONFIG, help, .max = 4096 \
	}

static const struct field mapping_fields[] = {
	{ "cluster", F_PATTERN, FF_CONFIG, "whose variable it is; meeseeks when absent", .valid = slug_valid,
		.form = "a slug (a-z, 0-9 and '-', at most 63)", .pattern = "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$" },
	{ "variable", F_PATTERN, FF_CONFIG, "its name; compute_nodes when absent", .valid = valid_identifier,
		.form = "a name (letters, digits and '_')", .pattern = "^[A-Za-z_][A-Za-z0-9_]*$" },
	{ "source", F_ENUM, FF_CONFIG | FF_REQUIRED, "what has the nodes", .words = source_words },
	TEXT("url", "compute-admin: of the list; kubernetes: of the API server"),
	TEXT("file", "file: YAML, JSON, or a name a line"),
	TEXTS("command", "command: program and arguments; no shell"),
	TEXT("kubeconfig",
		"kubernetes: who asks which server; $KUBECONFIG, the pod's account or ~/.kube/config when absent"),
	TEXT("kube_context", "kubernetes: which context of the kubeconfig; its current one when absent"),
	{ "query", F_MAP, FF_CONFIG, "compute-admin: more for the query of the URL", .sub = &item_text,
		.valid = valid_label_key, .form = "a name" },
	{ "page_size", F_INT, FF_CONFIG, "nodes a page; 1000, or 500 of kubernetes, when absent", .min = 1,
		.max = 1000000 },
	{ "timeout", F_DURATION, FF_CONFIG, "for a page, or for the program; 1m when absent", .min = 100,
		.max = 3600000 },
	TEXT("ca_file", "PEM file of the CAs that vouch for the source; the system's when absent"),
	{ "auth", F_ENUM, FF_CONFIG, "compute-admin: who asks; iam when absent", .words = auth_words },
	TEXT("token_file", "a file with a bearer token for the source"),
	TEXT("sa_key_file", "authorized key of a service account, for IAM tokens"),
	TEXT("iam_token_url", "where keys are exchanged for tokens"),
	TEXT("iam_metadata_url", "where the machine tells its own service account's token"),
	TEXT("list", "where the list lies in an answer; the source knows when absent"),
	{ "fields", F_MAP, FF_CONFIG, "field -> where it lies in a node", .sub = &item_text, .valid = valid_identifier,
		.form = "a name (letters, digits and '_')", .pattern = "^[A-Za-z_][A-Za-z0-9_]*$" },
	{ "template", F_ANY, FF_CONFIG, "what of each node: name (when absent), or {name, zone, key: field}" },
	TEXTS("zones", "only nodes in zones that match a glob"),
	TEXTS("states", "only nodes in states that match a glob"),
	TEXTS("labels", "only nodes whose labels are so: KEY=GLOB, KEY!=GLOB, KEY"),
	{ "max_removal", F_PATTERN, FF_CONFIG, "more than this is not removed at once; 20% when absent",
		.valid = valid_guard, .form = "a number or a percentage (like 5, 10%)",
		.pattern = "^[0-9]+(\\.[0-9]+)?%?$" },
	{ "allow_empty", F_BOOL, FF_CONFIG, "an empty list is written, too" },
	{ .name = NULL },
};

static const struct field item_mapping = { "", F_OBJECT, FF_CONFIG, NULL, .sub = mapping_fields };

const struct field mappings_fields[] = {
	{ "mappings", F_LIST, FF_CONFIG | FF_REQUIRED, "each keeps one variable", .sub = &item_mapping, .min = 1,
		.max = 1000 },
	{ .name = NULL },
};

void node_mapping_release(struct node_mapping *mapping)
{
	strvec_clear(&mapping->command);
	strvec_clear(&mapping->query);
	strvec_clear(&mapping->fields);
	strvec_clear(&mapping->zones);
	strvec_clear(&mapping->states);
	strvec_clear(&mapping->labels);
}

void mappings_release(struct node_mapping_vec *mappings)
{
	for (size_t i = 0; i < mappings->n; i++)
		node_mapping_release(&mappings->v[i]);
	node_mapping_vec_clear(mappings);
}

static void take_texts(struct strvec *out, const struct value *object, const char *key)
{
	const struct value *list = value_get(object, key);

	for (uint32_t i = 0; list && i < list->n; i++) {
		if (list->type == V_OBJECT)
			strvec_pushf(out, "%s=%s", list->members[i].key, list->members[i].value->s);
		else
			strvec_push(out, list->items[i]->s);
	}
}

/* Of a folder that another one may be: beside the file that says so. */
static const char *take_path(struct arena *arena, const struct value *object, const char *key, const char *folder)
{
	const char *name = value_get_string(object, key);

	if (!name || *name == '/' || !*folder)
		return name;
	return arena_printf(arena, "%s/%s", folder, name);
}

static void take_limit(struct mrp_limit *out, const char *text)
{
	struct mrp_err err = MRP_ERR_INIT;

	if (!text)
		return;
	out->is_percent = ends_with(text, "%");
	out->set = (out->is_percent ? parse_percent(&out->percent, text, &err)
				    : parse_int(&out->count, text, 0, INT64_MAX, &err)) == 0;
	mrp_err_clear(&err);
}

/* YAML reads {name, host: zone} as a map; it is meant as it is written. */
static const char *take_template(struct arena *arena, const struct value *v)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;

	if (!v || v->type == V_STRING)
		return v ? v->s : NULL;
	for (uint32_t i = 0; v->type == V_OBJECT && i < v->n; i++) {
		const struct member *m = &v->members[i];

		strbuf_addf(&text, "%s%s", i ? ", " : "", m->key);
		if (m->value->type == V_STRING)
			strbuf_addf(&text, ": %s", m->value->s);
	}
	return arena_printf(arena, "{%s}", text.buf);
}

static int64_t take_int(const struct value *object, const char *key)
{
	const struct value *v = value_get(object, key);

	return v && v->type == V_INT ? v->i : 0;
}

/* Everything has been checked by the table. */
static void take_mapping(struct node_mapping *out, struct arena *arena, const struct value *v, const char *folder)
{
	const char *source = value_get_string(v, "source"), *auth = value_get_string(v, "auth"),
		   *timeout = value_get_string(v, "timeout");
	const struct value *allow_empty = value_get(v, "allow_empty");
	struct mrp_err err = MRP_ERR_INIT;

	*out = (struct node_mapping){ MAPPING_INIT };
	out->source = mrp_word_index(SOURCE_WORDS, source);
	out->auth = auth ? mrp_word_index(AUTH_WORDS, auth) : AUTH_IAM;
	out->cluster = value_get_string(v, "cluster");
	out->variable = value_get_string(v, "variable");
	out->url = value_get_string(v, "url");
	out->file = take_path(arena, v, "file", folder);
	out->kubeconfig = take_path(arena, v, "kubeconfig", folder);
	out->kube_context = value_get_string(v, "kube_context");
	out->ca_file = take_path(arena, v, "ca_file", folder);
	out->token_file = take_path(arena, v, "token_file", folder);
	out->sa_key_file = take_path(arena, v, "sa_key_file", folder);
	out->iam_token_url = value_get_string(v, "iam_token_url");
	out->iam_metadata_url = value_get_string(v, "iam_metadata_url");
	out->list_path = value_get_string(v, "list");
	out->template = take_template(arena, value_get(v, "template"));
	out->page_size = take_int(v, "page_size");
	if (timeout && parse_duration(&out->timeout_ms, timeout, &err) < 0)
		mrp_err_clear(&err);
	take_texts(&out->command, v, "command");
	take_texts(&out->query, v, "query");
	take_texts(&out->fields, v, "fields");
	take_texts(&out->zones, v, "zones");
	take_texts(&out->states, v, "states");
	take_texts(&out->labels, v, "labels");
	take_limit(&out->max_removal, value_get_string(v, "max_removal"));
	out->allow_empty = allow_empty && allow_empty->type == V_BOOL && allow_empty->b;
}

/* Two that keep one variable would undo each other's work for ever. */
static void check_twice(const struct node_mapping_vec *mappings, const struct value *list, struct problems *problems)
{
	for (size_t i = 0; i < mappings->n; i++) {
		for (size_t k = 0; k < i; k++) {
			const struct node_mapping *a = &mappings->v[i], *b = &mappings->v[k];

			if (streq(mapping_cluster(a), mapping_cluster(b)) &&
				streq(mapping_variable(a), mapping_variable(b)))
				problems_add(problems, value_loc(list->items[i]), NULL,
					"variable '%s' of cluster '%s' has two mappings", mapping_variable(a),
					mapping_cluster(a));
		}
	}
}

int mappings_load(struct node_mapping_vec *out, struct arena *arena, const char *path, struct problems *problems,
	struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	const char *file = arena_strdup(arena, path), *slash = strrchr(file, '/');
	const char *folder = slash ? arena_strndup(arena, file, (size_t)(slash - file)) : "";
	struct schema_ctx ctx = { .arena = arena, .problems = problems, .where = FF_CONFIG };

	if (read_file(&text, path, YAML_MAX_BYTES, err) < 0) {
		if (err->code == MRP_ENOTFOUND)
			err->code = MRP_EINVALID;
		return -1;
	}
	struct value *v = value_from_yaml(arena, text.buf, text.len, file, 0, problems);
	if (!v || problems->errors)
		return 0;
	if (v->type != V_OBJECT) {
		problems_add(problems, value_loc(v), NULL, "is %s, should be {mappings: [...]}", value_type_name(v));
		return 0;
	}
	const struct value *raw = value_get(v, "mappings"),
			   *list = value_get(schema_apply(&ctx, mappings_fields, v, ""), "mappings");
	if (problems->errors)
		return 0;
	for (uint32_t i = 0; i < list->n; i++)
		take_mapping(node_mapping_vec_push(out, (struct node_mapping){ MAPPING_INIT }), arena, list->items[i],
			folder);
	check_twice(out, raw, problems);
	return 0;
}
