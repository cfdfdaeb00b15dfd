/* SPDX-License-Identifier: Apache-2.0 */
/* `api-client set-variable` and `unset-variable`: by hand, so their owner is `manual`. */
#include "api_client.h"

#include "../lib/base/text.h"
#include "../lib/client/input.h"
#include "../lib/value/json.h"

struct set_args {
	const char *file, *if_match;
	bool string, sensitive, force_ownership;
	int output;
};

static const struct mrp_opt set_opts[] = {
	OPT_STRING('f', "file", struct set_args, file, "<file>", "read the value from <file>, - for standard input",
		.flags = OPTF_FILE),
	OPT_BOOL(0, "string", struct set_args, string, "the value is text, also when it could be read as JSON"),
	OPT_BOOL(0, "sensitive", struct set_args, sensitive, "never show or log the value"),
	OPT_BOOL(0, "force-ownership", struct set_args, force_ownership, "take over a variable that somebody else writes"),
	OPT_IF_MATCH(struct set_args, if_match),
	OPT_OUTPUT(struct set_args, output),
	OPT_END,
};

/* The process list and the shell's history show arguments to everybody. */
static int refuse_argument(const char *name, struct mrp_err *err)
{
	return mrp_err_set(err, MRP_EUSAGE,
		"'%s' is sensitive, so its value cannot be an argument; pass - to read it from standard input, or --file FILE",
		name);
}

/* Is the variable sensitive already, or going to be by the cluster's list? 1, 0, or -1. */
static int is_sensitive(struct http_client *http, struct arena *arena, const char *cluster, const char *name, struct mrp_err *err)
{
	const struct value *variables, *entry, *list, *flag;
	struct target target = { .resource = resource_find("cluster", err), .parts = { cluster }, .one = true };
	struct value *object = fetch_one(http, &target, NULL, arena, err);

	if (!object)
		return -1;
	variables = value_get(object, "variables");
	entry = variables && variables->type == V_OBJECT ? value_get(variables, name) : NULL;
	flag = entry && entry->type == V_OBJECT ? value_get(entry, "sensitive") : NULL;
	if (flag && flag->type == V_BOOL && flag->b)
		return 1;
	list = value_get(object, "sensitive_variables");
	for (uint32_t i = 0; list && list->type == V_ARRAY && i < list->n; i++) {
		if (list->items[i]->type == V_STRING && streq(list->items[i]->s, name))
			return 1;
	}
	return 0;
}

/* The value as given: an argument, a file or standard input. */
static struct value *read_value(struct mrp_ctx *ctx, const char *argument, struct mrp_err *err)
{
	const struct set_args *args = ctx->opts;
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	struct value *v;

	if (args->file || streq(argument, "-")) {
		if (input_read(&text, args->file ? args->file : "-", err) < 0)
			return NULL;
		/* as $(...) does: the newline that ends a file is no part of a text */
		if (text.len && text.buf[text.len - 1] == '\n')
			strbuf_setlen(&text, text.len - 1);
	} else {
		strbuf_addstr(&text, argument);
	}
	if (memchr(text.buf, '\0', text.len) || !utf8_valid(text.buf, text.len)) {
		mrp_err_set(err, MRP_EPARSE, "the value is no text in UTF-8");
		return NULL;
	}
	v = input_value(&ctx->arena, text.buf, text.len, args->string);
	explicit_bzero(text.buf, text.len);
	return v;
}

/* JSON and YAML are the variable as it is read again, so that a sensitive value does not come back. */
static int print_set(struct mrp_ctx *ctx, struct http_client *http, const struct target *target, struct mrp_err *err)
{
	const struct set_args *args = ctx->opts;
	cleanup(strbuf_release) struct strbuf out = STRBUF_INIT;
	struct print_style style = client_style(ctx, args->output);
	const struct value *item = NULL;

	if (style.format == OUTPUT_TABLE || style.format == OUTPUT_WIDE) {
		if (ctx->quiet)
			return 0;
		target_name(&out, target);
		strbuf_addstr(&out, " set\n");
	} else {
		if (style.format != OUTPUT_NAME && !(item = fetch_one(http, target, NULL, &ctx->arena, err)))
			return -1;
		print_one(&out, &style, target, item, &ctx->arena);
	}
	fputs(out.buf, stdout);
	return 0;
}

static int put_variable(struct mrp_ctx *ctx, struct http_client *http, const struct target *target, struct value *v, bool sensitive,
	struct mrp_err *err)
{
	const struct set_args *args = ctx->opts;
	struct value *entry = value_object(&ctx->arena);
	cleanup(strbuf_release) struct strbuf path = STRBUF_INIT;
	struct http_request request;
	struct api_result result;

	value_append(&ctx->arena, entry, "value", v);
	value_append(&ctx->arena, entry, "owner", value_string(&ctx->arena, "manual"));
	if (sensitive)
		value_append(&ctx->arena, entry, "sensitive", value_bool(&ctx->arena, true));
	target_path(&path, target);
	api_request(&request, "PUT", entry, "%s%s", path.buf, args->force_ownership ? "?force=true" : "");
	request.if_match = client_etag(args->if_match);
	if (api_call(http, &request, &ctx->arena, &result, err) < 0)
		return -1;
	return print_set(ctx, http, target, err);
}

static int run_set(struct mrp_ctx *ctx, int argc, char **argv, struct mrp_err *err)
{
	const struct set_args *args = ctx->opts;
	cleanup(http_closep) struct http_client *http = NULL;
	struct target target = { .resource = resource_find("variable", err), .parts = { argv[0], argv[1] }, .one = true };
	bool argument = argc > 2 && !streq(argv[2], "-");
	struct value *v;
	int sensitive;

	if (argc > 2 && args->file)
		return mrp_err_set(err, MRP_EUSAGE, "there is a value and --file; one of them is wanted");
	if (argc < 3 && !args->file)
		return mrp_err_set(err, MRP_EUSAGE, "a value is missing: VALUE, - for standard input, or --file FILE");
	if (argument && args->sensitive)
		return refuse_argument(argv[1], err);
	if (!argument) {
		v = read_value(ctx, "-", err);
		if (!v || client_open(&http, ctx, err) < 0)
			return -1;
		sensitive = is_sensitive(http, &ctx->arena, argv[0], argv[1], err);
	} else {
		if (client_open(&http, ctx, err) < 0)
			return -1;
		sensitive = is_sensitive(http, &ctx->arena, argv[0], argv[1], err);
		if (sensitive > 0)
			return refuse_argument(argv[1], err);
		v = sensitive < 0 ? NULL : read_value(ctx, argv[2], err);
	}
	if (sensitive < 0 || !v)
		return -1;
	return put_variable(ctx, http, &target, v, sensitive || args->sensitive, err);
}

const struct mrp_cmd client_set_variable = {
	.name = "set-variable",
	.summary = "set a variable of a cluster, as its owner 'manual'",
	.description = "The value is JSON when it can be read as that (3, true, [\"a\"], \"text\"), else text; --string makes it text always. "
		       "The value of a sensitive variable is refused as an argument: - reads it from standard input, --file from a "
		       "file; one newline at the end is dropped.",
	.args = "<cluster> <name> [<value>|-]",
	.min_args = 2,
	.max_args = 3,
	.opts = set_opts,
	CMD_OPTS(struct set_args, .string = false),
	.needs = CLIENT_NEEDS,
	.run = run_set,
	.complete = complete_clusters,
};

struct unset_args {
	const char *if_match;
	bool yes;
};

static const struct mrp_opt unset_opts[] = {
	OPT_IF_MATCH(struct unset_args, if_match),
	OPT_YES(struct unset_args, yes),
	OPT_END,
};

static int run_unset(struct mrp_ctx *ctx, int argc, char **argv, struct mrp_err *err)
{
	const struct unset_args *args = ctx->opts;
	cleanup(http_closep) struct http_client *http = NULL;
	cleanup(strbuf_release) struct strbuf path = STRBUF_INIT, name = STRBUF_INIT;
	struct target target = { .resource = resource_find("variable", err), .parts = { argv[0], argv[1] }, .one = true };
	struct http_request request;
	struct api_result result;
	int answer;

	(void)argc;
	target_name(&name, &target);
	answer = client_confirm(args->yes, err, "Delete %s?", name.buf);
	if (answer == 0)
		fputs("nothing was deleted\n", stderr);
	if (answer <= 0)
		return answer < 0 ? -1 : MRP_EXIT_FAILED;
	if (client_open(&http, ctx, err) < 0)
		return -1;
	target_path(&path, &target);
	api_request(&request, "DELETE", NULL, "%s", path.buf);
	request.if_match = client_etag(args->if_match);
	if (api_call(http, &request, &ctx->arena, &result, err) < 0)
		return -1;
	if (!ctx->quiet)
		printf("%s deleted\n", name.buf);
	return 0;
}

const struct mrp_cmd client_unset_variable = {
	.name = "unset-variable",
	.summary = "delete a variable of a cluster",
	.args = "<cluster> <name>",
	.min_args = 2,
	.max_args = 2,
	.opts = unset_opts,
	CMD_OPTS(struct unset_args, .yes = false),
	.needs = CLIENT_NEEDS,
	.run = run_unset,
	.complete = complete_clusters,
};
