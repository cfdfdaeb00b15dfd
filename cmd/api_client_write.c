/* SPDX-License-Identifier: Apache-2.0 */
/* `api-client create`, `patch`, `delete`, `deploy` and `approve`. */
#include "api_client.h"

#include "../lib/base/text.h"
#include "../lib/client/input.h"

#include <pwd.h>
#include <unistd.h>

/* A request without a body for the thing itself, or for what `more` says about it. */
static void bare_request(struct http_request *request, const char *method, const struct target *target, const char *more)
{
	cleanup(strbuf_release) struct strbuf path = STRBUF_INIT;

	target_path(&path, target);
	api_request(request, method, NULL, "%s%s", path.buf, more);
}

struct create_args {
	int output;
	const char *file;
};

static const struct mrp_opt create_opts[] = {
	OPT_OUTPUT(struct create_args, output),
	OPT_DOCUMENT(struct create_args, file),
	OPT_END,
};

static int create_blob(struct mrp_ctx *ctx, const char *file, struct mrp_err *err)
{
	cleanup(http_closep) struct http_client *http = NULL;
	cleanup(strbuf_release) struct strbuf content = STRBUF_INIT;
	char hex[SHA256_HEX + 1];
	cleanup(http_request_release) struct http_request request = HTTP_REQUEST_INIT;
	cleanup(http_answer_release) struct http_answer answer = HTTP_ANSWER_INIT;

	if (input_read(&content, file, err) < 0)
		return -1;
	sha256_hex_of(hex, content.buf, content.len);
	api_request_put_blob(&request, hex, content.buf, content.len);
	if (client_open(&http, ctx, err) < 0 || http_call(http, &request, &answer, err) < 0)
		return -1;
	if (answer.status < 200 || answer.status > 299)
		return http_answer_error(http, &request, &answer, err);
	puts(hex);
	return 0;
}

static int create_object(struct mrp_ctx *ctx, struct target *target, struct mrp_err *err)
{
	const struct create_args *args = ctx->opts;
	struct value *object = client_document(ctx, args->file, err);
	struct http_request request;
	const char *slug;

	if (!object)
		return -1;
	slug = value_get_string(object, "slug");
	if (slug && target->parts[0] && !streq(slug, target->parts[0]))
		return mrp_err_set(err, MRP_EUSAGE, "the %s is '%s' here and '%s' in '%s'", target->resource->name,
			target->parts[0], slug, args->file);
	if (!slug)
		slug = target->parts[0];
	if (!slug)
		return mrp_err_set(err, MRP_EUSAGE, "which %s? neither an argument nor '%s' has its slug",
			target->resource->name, args->file);
	target->parts[0] = slug;
	object = value_copy_shallow(&ctx->arena, object);
	value_set(&ctx->arena, object, "slug", value_string(&ctx->arena, slug));
	/* somebody who says 'create' wants to know when it was there before: no second try that would hide it */
	api_request(&request, "POST", object, "%s", target->resource->path);
	return client_change(ctx, target, &request, args->output, "created", err);
}

static int run_create(struct mrp_ctx *ctx, int argc, char **argv, struct mrp_err *err)
{
	const struct create_args *args = ctx->opts;
	char *slash = strchr(argv[0], '/');
	struct target target = { .one = true };

	if (slash)
		*slash = '\0';
	target.resource = resource_find(argv[0], err);
	target.parts[0] = slash ? slash + 1 : argc > 1 ? argv[1] : NULL;
	if (!target.resource)
		return -1;
	if (slash && argc > 1)
		return mrp_err_set(err, MRP_EUSAGE, "unexpected argument '%s'", argv[1]);
	if (!args->file)
		return mrp_err_set(err, MRP_EUSAGE, "nothing to create from: pass --file FILE, or --file - for standard input");
	if (streq(target.resource->name, "blob"))
		return create_blob(ctx, args->file, err);
	if (target.resource->kind < 0)
		return mrp_err_set(err, MRP_EUSAGE, "%s are not created so; see %s", target.resource->plural,
			streq(target.resource->name, "variable") ? "'set-variable'" : "'deploy', which asks for one");
	return create_object(ctx, &target, err);
}

const struct mrp_cmd client_create = {
	.name = "create",
	.summary = "create a recipe, cluster or prober, or upload a blob",
	.description = "The document is an object as 'get -o yaml' prints it; what only the API can say in it is ignored. For a blob "
		       "the file is uploaded as it is, and its SHA-256 is printed: files of recipes and probers name it.",
	.args = "<kind> [<slug>]",
	.min_args = 1,
	.max_args = 2,
	.opts = create_opts,
	CMD_OPTS(struct create_args, .file = NULL),
	.needs = CLIENT_NEEDS,
	.run = run_create,
	.complete = complete_kind_list,
};

struct patch_args {
	int output;
	const char *file, *if_match;
	struct strvec set, set_string;
	bool force_ownership;
};

static const struct mrp_opt patch_opts[] = {
	OPT_OUTPUT(struct patch_args, output),
	OPT_DOCUMENT(struct patch_args, file),
	OPT_LIST('s', "set", struct patch_args, set, "<path>=<value>",
		"change one field, like deploy.interval=10m; null removes it; repeatable"),
	OPT_LIST(0, "set-string", struct patch_args, set_string, "<path>=<text>",
		"the same, with a value that is always text"),
	OPT_IF_MATCH(struct patch_args, if_match),
	OPT_BOOL(0, "force-ownership", struct patch_args, force_ownership, "also variables that somebody else writes"),
	OPT_END,
};

static int run_patch(struct mrp_ctx *ctx, int argc, char **argv, struct mrp_err *err)
{
	const struct patch_args *args = ctx->opts;
	struct value *patch = value_object(&ctx->arena);
	struct http_request request;
	struct target target;

	if (target_parse(&target, &ctx->arena, TARGET_ONE, argc, argv, err) < 0)
		return -1;
	if (target.resource->kind < 0)
		return mrp_err_set(err, MRP_EUSAGE, "%s cannot be patched%s", target.resource->plural,
			streq(target.resource->name, "variable") ? "; see 'set-variable'" : "");
	if (!args->file && !args->set.n && !args->set_string.n)
		return mrp_err_set(err, MRP_EUSAGE, "nothing to change: pass --file FILE or --set PATH=VALUE");
	if (args->file) {
		patch = client_document(ctx, args->file, err);
		if (!patch)
			return -1;
		patch = value_copy(&ctx->arena, patch);
	}
	for (size_t i = 0; i < args->set.n; i++) {
		if (input_assign(&ctx->arena, patch, args->set.v[i], false, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < args->set_string.n; i++) {
		if (input_assign(&ctx->arena, patch, args->set_string.v[i], true, err) < 0)
			return -1;
	}
	api_request_patch(&request, target.resource->kind, target.parts[0], patch, -1);
	request.if_match = client_etag(args->if_match);
	if (args->force_ownership && target.resource->kind == KIND_CLUSTER)
		api_request_add_query(&request, "force=true");
	return client_change(ctx, &target, &request, args->output, "patched", err);
}

const struct mrp_cmd client_patch = {
	.name = "patch",
	.summary = "change fields of a recipe, cluster or prober",
	.description = "The document is a JSON merge patch (RFC 7396): members replace those of the object, objects merge, null removes. "
		       "A value of --set is JSON when it can be read as that, else text.",
	.args = "<kind> <slug>",
	.min_args = 1,
	.max_args = 2,
	.opts = patch_opts,
	CMD_OPTS(struct patch_args, .set = STRVEC_INIT, .set_string = STRVEC_INIT),
	.needs = CLIENT_NEEDS,
	.run = run_patch,
	.complete = complete_kind_one,
};

struct delete_args {
	int output;
	const char *if_match;
	bool orphan, yes;
};

static const struct mrp_opt delete_opts[] = {
	OPT_BOOL(0, "orphan", struct delete_args, orphan, "forget a cluster without destroying what it deployed"),
	OPT_IF_MATCH(struct delete_args, if_match),
	OPT_YES(struct delete_args, yes),
	OPT_END,
};

static int delete_target(struct mrp_ctx *ctx, const struct target *target, struct mrp_err *err)
{
	const struct delete_args *args = ctx->opts;
	cleanup(http_closep) struct http_client *http = NULL;
	cleanup(strbuf_release) struct strbuf name = STRBUF_INIT;
	struct http_request request;
	struct api_result result;

	bare_request(&request, "DELETE", target, args->orphan ? "?orphan=true" : "");
	request.if_match = client_etag(args->if_match);
	if (client_open(&http, ctx, err) < 0) {
		http_request_release(&request);
		return -1;
	}
	if (api_call(http, &request, &ctx->arena, &result, err) < 0)
		return -1;
	if (ctx->quiet)
		return 0;
	target_name(&name, target);
	/* a cluster that was deployed stays until the creator has destroyed it */
	printf("%s %s\n", name.buf, result.status == 202 ? "waits to be destroyed" : "deleted");
	return 0;
}

static int run_delete(struct mrp_ctx *ctx, int argc, char **argv, struct mrp_err *err)
{
	const struct delete_args *args = ctx->opts;
	cleanup(strbuf_release) struct strbuf name = STRBUF_INIT;
	struct target target;
	int answer;

	if (target_parse(&target, &ctx->arena, TARGET_ONE, argc, argv, err) < 0)
		return -1;
	if (target.resource->kind < 0 && !streq(target.resource->name, "variable"))
		return mrp_err_set(err, MRP_EUSAGE, "%s are not deleted by hand%s", target.resource->plural,
			streq(target.resource->name, "blob") ? "; one that nothing refers to goes after a day" : "");
	if (args->orphan && target.resource->kind != KIND_CLUSTER)
		return mrp_err_set(err, MRP_EUSAGE, "--orphan is for clusters");
	target_name(&name, &target);
	answer = client_confirm(args->yes, err, "Delete %s?%s", name.buf,
		args->orphan ? " What it deployed stays, and nobody will destroy it." : "");
	if (answer <= 0) {
		if (answer == 0)
			fputs("nothing was deleted\n", stderr);
		return answer < 0 ? -1 : MRP_EXIT_FAILED;
	}
	return delete_target(ctx, &target, err);
}

const struct mrp_cmd client_delete = {
	.name = "delete",
	.summary = "delete a recipe, cluster, prober or variable",
	.description = "A cluster that has been deployed is destroyed by the creator first and goes then.",
	.args = "<kind> <slug>",
	.min_args = 1,
	.max_args = 3,
	.opts = delete_opts,
	CMD_OPTS(struct delete_args, .yes = false),
	.needs = CLIENT_NEEDS,
	.run = run_delete,
	.complete = complete_kind_one,
};

struct output_args {
	int output;
};

static const struct mrp_opt output_opts[] = {
	OPT_OUTPUT(struct output_args, output),
	OPT_END,
};

static int run_deploy(struct mrp_ctx *ctx, int argc, char **argv, struct mrp_err *err)
{
	const struct output_args *args = ctx->opts;
	struct target target = { .resource = resource_find("cluster", err), .parts = { argv[0] }, .one = true };
	struct http_request request;

	(void)argc;
	bare_request(&request, "POST", &target, "/deploy");
	request.harmless_twice = true;
	return client_change(ctx, &target, &request, args->output, "will be deployed as soon as a creator is free", err);
}

const struct mrp_cmd client_deploy = {
	.name = "deploy",
	.summary = "ask the creator to deploy a cluster now",
	.args = "<cluster>",
	.min_args = 1,
	.max_args = 1,
	.opts = output_opts,
	CMD_OPTS(struct output_args, .output = OUTPUT_TABLE),
	.needs = CLIENT_NEEDS,
	.run = run_deploy,
	.complete = complete_clusters,
};

struct approve_args {
	int output;
	const char *if_match;
};

static const struct mrp_opt approve_opts[] = {
	OPT_OUTPUT(struct approve_args, output),
	OPT_IF_MATCH(struct approve_args, if_match),
	OPT_END,
};

static int run_approve(struct mrp_ctx *ctx, int argc, char **argv, struct mrp_err *err)
{
	const struct approve_args *args = ctx->opts;
	struct target target = { .resource = resource_find("deployment", err), .parts = { argv[0] }, .one = true };
	cleanup(strbuf_release) struct strbuf path = STRBUF_INIT;
	const struct passwd *user = getpwuid(getuid());
	struct value *approval = value_object(&ctx->arena);
	struct http_request request;

	(void)argc;
	/* the history tells who; once there are tokens the API knows better */
	if (user && *user->pw_name && utf8_valid(user->pw_name, strlen(user->pw_name)))
		value_append(&ctx->arena, approval, "approved_by", value_string(&ctx->arena, user->pw_name));
	target_path(&path, &target);
	api_request(&request, "POST", approval, "%s/approve", path.buf);
	request.if_match = client_etag(args->if_match);
	return client_change(ctx, &target, &request, args->output, "approved", err);
}

const struct mrp_cmd client_approve = {
	.name = "approve",
	.summary = "let a refused deployment's plan be applied",
	.description = "The approval is for exactly the plan of this deployment.",
	.args = "<deployment>",
	.min_args = 1,
	.max_args = 1,
	.opts = approve_opts,
	CMD_OPTS(struct approve_args, .if_match = NULL),
	.needs = CLIENT_NEEDS,
	.run = run_approve,
};
