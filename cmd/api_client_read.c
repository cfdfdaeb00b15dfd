/* SPDX-License-Identifier: Apache-2.0 */
/* `api-client list`, `get` and `logs`. */
#include "api_client.h"

#include "../lib/base/text.h"

#include <unistd.h>

struct list_args {
	int output;
	struct strvec labels;
	const char *slug, *cluster;
	bool show_sensitive;
};

static const struct mrp_opt list_opts[] = {
	OPT_OUTPUT(struct list_args, output),
	OPT_LIST('l', "label", struct list_args, labels, "<key>:<value>", "only those with this label; repeatable"),
	OPT_STRING(0, "slug", struct list_args, slug, "<glob>", "only those whose slug (name, host) matches"),
	OPT_STRING(0, "cluster", struct list_args, cluster, "<cluster>", "only agents of this cluster", .flags = OPTF_NO_ENV,
		.complete = complete_clusters),
	OPT_BOOL(0, "show-sensitive", struct list_args, show_sensitive, "show the values of sensitive variables too"),
	OPT_END,
};

/* Only clusters and variables have sensitive values, and lists of clusters never show them. */
static int check_sensitive(bool wanted, const struct target *target, struct mrp_err *err)
{
	bool variable = streq(target->resource->name, "variable");

	if (!wanted || variable || (target->one && target->resource->kind == KIND_CLUSTER))
		return 0;
	if (target->resource->kind == KIND_CLUSTER)
		return mrp_err_set(err, MRP_EUSAGE, "lists of clusters never show sensitive values; see 'get cluster' and 'list variables'");
	return mrp_err_set(err, MRP_EUSAGE, "%s have no sensitive values", target->resource->plural);
}

static int build_query(struct strbuf *query, const struct list_args *args, const struct target *target, struct mrp_err *err)
{
	if (args->labels.n && target->resource->kind < 0)
		return mrp_err_set(err, MRP_EUSAGE, "%s have no labels", target->resource->plural);
	for (size_t i = 0; i < args->labels.n; i++) {
		if (!strchr(args->labels.v[i], ':'))
			return mrp_err_set(err, MRP_EUSAGE, "'%s' is no label (like team:net)", args->labels.v[i]);
		strbuf_addstr(query, query->len ? "&label=" : "label=");
		http_add_escaped(query, args->labels.v[i]);
	}
	if (args->cluster && !streq(target->resource->name, "agent"))
		return mrp_err_set(err, MRP_EUSAGE, "--cluster is for agents only");
	if (args->cluster) {
		strbuf_addstr(query, query->len ? "&cluster=" : "cluster=");
		http_add_escaped(query, args->cluster);
	}
	if (args->show_sensitive)
		strbuf_addstr(query, query->len ? "&show_sensitive=true" : "show_sensitive=true");
	return 0;
}

static struct value *filter_slugs(struct arena *arena, struct value *items, const char *key, const char *glob)
{
	struct value *matching = value_array(arena);

	value_for_each(item, items) {
		const char *text = value_get_string(item, key);

		if (text && glob_match(glob, text))
			value_push(arena, matching, item);
	}
	return matching;
}

static int run_list(struct mrp_ctx *ctx, int argc, char **argv, struct mrp_err *err)
{
	const struct list_args *args = ctx->opts;
	cleanup(http_closep) struct http_client *http = NULL;
	cleanup(strbuf_release) struct strbuf out = STRBUF_INIT, query = STRBUF_INIT;
	struct print_style style = client_style(ctx, args->output);
	struct target target;
	struct value *items;

	if (target_parse(&target, &ctx->arena, TARGET_LIST, argc, argv, err) < 0 ||
		check_sensitive(args->show_sensitive, &target, err) < 0 || build_query(&query, args, &target, err) < 0 || client_open(&http, ctx, err) < 0)
		return -1;
	items = fetch_list(http, &target, query.buf, &ctx->arena, err);
	if (!items)
		return -1;
	if (args->slug)
		items = filter_slugs(&ctx->arena, items, target.resource->key, args->slug);
	print_list(&out, &style, &target, items, &ctx->arena);
	if (!out.len && style.format != OUTPUT_NAME && !ctx->quiet)
		fprintf(stderr, "no %s\n", target.resource->plural);
	fputs(out.buf, stdout);
	return 0;
}

const struct mrp_cmd client_list = {
	.name = "list",
	.summary = "list the things of a kind",
	.description = "With -o json or yaml the whole list is one document {format_version, items}; with -o name it is a line "
		       "like 'prober/dns' for each. Nothing to list is a note on standard error, not a failure.",
	.args = "<kind> [<cluster>]",
	.min_args = 1,
	.max_args = 2,
	.opts = list_opts,
	CMD_OPTS(struct list_args, .labels = STRVEC_INIT),
	.needs = CLIENT_NEEDS,
	.run = run_list,
	.complete = complete_kind_list,
};

struct get_args {
	int output;
	bool show_sensitive;
};

static const struct mrp_opt get_opts[] = {
	OPT_OUTPUT(struct get_args, output),
	OPT_BOOL(0, "show-sensitive", struct get_args, show_sensitive, "show the values of sensitive variables too"),
	OPT_END,
};

/* True when a terminal would take something in it for more than text. */
static bool has_controls(const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)data[i];

		if ((c < 0x20 && !strchr("\n\t\r", c)) || c == 0x7f || c == 0)
			return true;
	}
	return !utf8_valid(data, len);
}

static int print_bytes(const struct strbuf *body, const char *what, struct mrp_err *err)
{
	if (mrp_term_is_terminal(STDOUT_FILENO) && has_controls(body->buf, body->len))
		return mrp_err_set(err, MRP_EUSAGE, "%s is no plain text and would confuse the terminal; redirect it", what);
	fwrite(body->buf, 1, body->len, stdout);
	return 0;
}

/* Bytes as they are: blobs and logs. */
static int fetch_bytes(struct http_client *http, struct http_answer *answer, const char *path, struct mrp_err *err)
{
	struct http_request request;
	int code;

	api_request(&request, "GET", NULL, "%s", path);
	request.accept = NULL;
	code = http_call(http, &request, answer, err);
	if (code == 0 && answer->status != 200)
		code = http_answer_error(http, &request, answer, err);
	http_request_release(&request);
	return code;
}

static int get_blob(struct http_client *http, const struct target *target, struct mrp_err *err)
{
	cleanup(http_answer_release) struct http_answer answer = HTTP_ANSWER_INIT;
	cleanup(strbuf_release) struct strbuf path = STRBUF_INIT;
	char hex[SHA256_HEX + 1];

	target_path(&path, target);
	if (fetch_bytes(http, &answer, path.buf, err) < 0)
		return -1;
	sha256_hex_of(hex, answer.body.buf, answer.body.len);
	if (!streq(hex, target->parts[0]))
		return mrp_err_set(err, MRP_EHTTP, "GET %s%s: the content has another hash, '%s'", http_url(http), path.buf, hex);
	return print_bytes(&answer.body, "the blob", err);
}

static int run_get(struct mrp_ctx *ctx, int argc, char **argv, struct mrp_err *err)
{
	const struct get_args *args = ctx->opts;
	cleanup(http_closep) struct http_client *http = NULL;
	cleanup(strbuf_release) struct strbuf out = STRBUF_INIT;
	struct print_style style = client_style(ctx, args->output);
	struct target target;
	struct value *item;

	if (target_parse(&target, &ctx->arena, TARGET_ONE, argc, argv, err) < 0 ||
		check_sensitive(args->show_sensitive, &target, err) < 0 || client_open(&http, ctx, err) < 0)
		return -1;
	if (!target.resource->columns)
		return get_blob(http, &target, err);
	item = fetch_one(http, &target, args->show_sensitive ? "show_sensitive=true" : NULL, &ctx->arena, err);
	if (!item)
		return -1;
	print_one(&out, &style, &target, item, &ctx->arena);
	fputs(out.buf, stdout);
	return 0;
}

const struct mrp_cmd client_get = {
	.name = "get",
	.summary = "print one thing",
	.description = "With -o json or yaml it is the object as the API says it with format_version before it, which 'create' and 'patch' take back. A blob's bytes "
		       "are printed as they are.",
	.args = "<kind> <slug>|<cluster> <name>|<cluster>/<host>|<id>|<sha256>",
	.min_args = 1,
	.max_args = 3,
	.opts = get_opts,
	CMD_OPTS(struct get_args, .output = OUTPUT_TABLE),
	.needs = CLIENT_NEEDS,
	.run = run_get,
	.complete = complete_kind_one,
};

/* As it is, but a terminal gets no sequences of what some program printed far away. */
static void print_log(const struct strbuf *text)
{
	cleanup(strbuf_release) struct strbuf visible = STRBUF_INIT;

	if (!mrp_term_is_terminal(STDOUT_FILENO)) {
		fwrite(text->buf, 1, text->len, stdout);
		return;
	}
	for (size_t at = 0, len; at < text->len; at += len) {
		for (len = 0; at + len < text->len && text->buf[at + len] != '\n' && text->buf[at + len] != '\t';)
			len++;
		strbuf_add_visible(&visible, text->buf + at, len);
		if (at + len < text->len)
			strbuf_addch(&visible, text->buf[at + len++]);
	}
	fputs(visible.buf, stdout);
}

/* The stages whose output there is: those that every run has in their order, then any others. */
static int find_stages(struct strvec *stages, struct mrp_ctx *ctx, struct http_client *http, const struct target *target,
	struct mrp_err *err)
{
	static const char *const usual[] = { "init", "plan", "apply", "destroy" };
	struct value *deployment = fetch_one(http, target, NULL, &ctx->arena, err);
	const struct value *logs;

	if (!deployment)
		return -1;
	logs = value_get(deployment, "logs");
	for (size_t i = 0; i < ARRAY_SIZE(usual) && logs; i++) {
		if (value_get(logs, usual[i]))
			strvec_push(stages, usual[i]);
	}
	for (uint32_t i = 0; logs && logs->type == V_OBJECT && i < logs->n; i++) {
		if (!strvec_contains(stages, logs->members[i].key))
			strvec_push(stages, logs->members[i].key);
	}
	if (!stages->n)
		return mrp_err_set(err, MRP_ENOTFOUND, "deployment '%s' has no logs", target->parts[0]);
	return 0;
}

static int run_logs(struct mrp_ctx *ctx, int argc, char **argv, struct mrp_err *err)
{
	cleanup(http_closep) struct http_client *http = NULL;
	cleanup(strvec_clear) struct strvec stages = STRVEC_INIT;
	struct target target = { .resource = resource_find("deployment", err), .parts = { argv[0] }, .one = true };

	if (client_open(&http, ctx, err) < 0)
		return -1;
	if (argc > 1)
		strvec_push(&stages, argv[1]);
	else if (find_stages(&stages, ctx, http, &target, err) < 0)
		return -1;
	for (size_t i = 0; i < stages.n; i++) {
		cleanup(http_answer_release) struct http_answer answer = HTTP_ANSWER_INIT;
		cleanup(strbuf_release) struct strbuf path = STRBUF_INIT;

		target_path(&path, &target);
		strbuf_addstr(&path, "/logs/");
		http_add_escaped(&path, stages.v[i]);
		if (fetch_bytes(http, &answer, path.buf, err) < 0)
			return -1;
		if (stages.n > 1)
			printf("%s==> %s <==\n", i ? "\n" : "", stages.v[i]);
		print_log(&answer.body);
	}
	return 0;
}

const struct mrp_cmd client_logs = {
	.name = "logs",
	.summary = "print what terraform said in a deployment",
	.description = "Without <stage> (like init, plan, apply) the logs of all stages that there are.",
	.args = "<deployment> [<stage>]",
	.min_args = 1,
	.max_args = 2,
	.needs = CLIENT_NEEDS,
	.run = run_logs,
};
