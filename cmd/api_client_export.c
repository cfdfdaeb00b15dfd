/* SPDX-License-Identifier: Apache-2.0 */
/* `api-client export` and `alert-rules`. */
#include "api_client.h"

#include "../lib/base/file.h"
#include "../lib/base/text.h"
#include "../lib/client/alert_rules.h"
#include "../lib/client/export.h"
#include "../lib/value/yaml_write.h"

enum { SNAPSHOT_TRIES = 5 };

struct export_args {
	bool all;
	const char *secrets;
};

static const struct mrp_opt export_opts[] = {
	OPT_BOOL(0, "all", struct export_args, all, "also what no config manages"),
	OPT_STRING(0, "secrets", struct export_args, secrets, "<file>", "write sensitive values there, as shell assignments",
		.flags = OPTF_FILE),
	OPT_END,
};

static bool is_true(const struct value *v)
{
	return v && v->type == V_BOOL && v->b;
}

static bool is_destroying(const struct value *object)
{
	const struct value *state = value_get(object, "state");
	const char *status = state && state->type == V_OBJECT ? value_get_string(state, "status") : NULL;

	return status && streq(status, "destroying");
}

struct snapshot {
	struct arena arena;
	struct value *objects[KIND_COUNT];
	char *environment; /* of the API; NULL when it has none */
	size_t unmanaged;  /* left out */
};

static void snapshot_release(struct snapshot *snapshot)
{
	arena_release(&snapshot->arena);
	free(snapshot->environment);
	*snapshot = (struct snapshot){ .arena = ARENA_INIT };
}

static int list_kind(
	struct http_client *http, struct snapshot *snapshot, enum kind kind, const struct export_args *args, struct mrp_err *err)
{
	struct target target = { .resource = resource_find(kinds[kind].plural, err) };
	const char *query = args->secrets && kind == KIND_CLUSTER ? "show_sensitive=true" : NULL;
	struct value *all = fetch_list(http, &target, NULL, &snapshot->arena, err);

	if (!all)
		return -1;
	snapshot->objects[kind] = value_array(&snapshot->arena);
	value_for_each(object, all) {
		struct value *whole = object;

		if (is_destroying(object))
			continue;
		if (!args->all && !is_true(value_get(object, "managed"))) {
			snapshot->unmanaged++;
			continue;
		}
		/* lists never show sensitive values */
		if (query && value_get_string(object, "slug")) {
			target.one = true;
			target.parts[0] = value_get_string(object, "slug");
			whole = fetch_one(http, &target, query, &snapshot->arena, err);
			if (!whole)
				return -1;
		}
		value_push(&snapshot->arena, snapshot->objects[kind], whole);
	}
	return 0;
}

/* All objects as they were at one moment: the state is asked for before and after, until nothing moved in between. */
static int take_snapshot(
	struct http_client *http, struct snapshot *snapshot, const struct export_args *args, struct mrp_err *err)
{
	for (int i = 0; i < SNAPSHOT_TRIES; i++) {
		struct value *state, *later;
		const char *root, *environment;

		snapshot_release(snapshot);
		if (api_get_state(http, NULL, &snapshot->arena, &state, err) < 0)
			return -1;
		root = value_get_string(state, "root");
		environment = value_get_string(state, "environment");
		snapshot->environment = environment ? xstrdup(environment) : NULL;
		for (enum kind kind = 0; kind < KIND_COUNT; kind++) {
			if (list_kind(http, snapshot, kind, args, err) < 0)
				return -1;
		}
		if (api_get_state(http, root, &snapshot->arena, &later, err) < 0)
			return -1;
		if (!later || (!root && value_equal(state, later)))
			return 0;
	}
	return mrp_err_set(err, MRP_EBUSY, "the API's objects change all the time; try again");
}

/* Blobs on their way into the tree. */
struct blob_run {
	struct http_client *http;
	struct export_tree *tree;
	struct strvec hashes;
	size_t given;
	struct mrp_err *err; /* the first failure */
};

static bool next_blob(void *ctx, struct http_request *request)
{
	struct blob_run *run = ctx;

	if (run->given == run->hashes.n || run->err->code != MRP_OK)
		return false;
	api_request(request, "GET", NULL, "/v1/blobs/%s", run->hashes.v[run->given]);
	request->accept = NULL;
	request->tag = run->hashes.v[run->given++];
	return true;
}

static void blob_done(void *ctx, struct http_request *request, struct http_answer *answer, struct mrp_err *err)
{
	struct blob_run *run = ctx;

	if (run->err->code != MRP_OK)
		return;
	if (err->code != MRP_OK)
		mrp_err_move(run->err, err);
	else if (answer->status != 200)
		http_answer_error(run->http, request, answer, run->err);
	else
		export_add_blob(run->tree, request->tag, answer->body.buf, answer->body.len, run->err);
}

static int fetch_blobs(
	struct http_client *http, struct export_tree *tree, const struct export_plan *plan, struct mrp_err *err)
{
	struct blob_run run = { .http = http, .tree = tree, .hashes = STRVEC_INIT, .err = err };
	struct mrp_err run_err = MRP_ERR_INIT;
	int code;

	export_blobs(&run.hashes, plan);
	code = http_run(http, next_blob, blob_done, &run, &run_err);
	if (code < 0 && err->code == MRP_OK)
		mrp_err_move(err, &run_err);
	mrp_err_clear(&run_err);
	strvec_clear(&run.hashes);
	return err->code == MRP_OK ? 0 : -1;
}

/* Problems of the plan to stderr; -1 when there are errors: a tree that lacks something would delete it. */
static int report_notes(struct export_plan *plan, struct mrp_err *err)
{
	for (size_t i = 0; i < plan->notes.list.n; i++) {
		cleanup(strbuf_release) struct strbuf line = STRBUF_INIT, visible = STRBUF_INIT;

		problem_format(&line, &plan->notes.list.v[i]);
		strbuf_add_visible(&visible, line.buf, line.len);
		fprintf(stderr, "mrprober: %s\n", visible.buf);
	}
	if (plan->notes.errors)
		return mrp_err_set(err, MRP_EFAILED, "%zu thing%s cannot be written as configs, so nothing was written",
			plan->notes.errors, plan->notes.errors == 1 ? "" : "s");
	return 0;
}

static int write_secrets(const struct export_plan *plan, const char *path, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf out = STRBUF_INIT;
	int code;

	for (size_t i = 0; i < plan->secrets.n; i++) {
		const struct export_secret *secret = &plan->secrets.v[i];

		if (!secret->text)
			continue;
		strbuf_addf(&out, "export %s='", secret->env);
		for (const char *p = secret->text; *p; p++) {
			if (*p == '\'')
				strbuf_addstr(&out, "'\\''");
			else
				strbuf_addch(&out, *p);
		}
		strbuf_addstr(&out, "'\n");
	}
	code = replace_file(path, out.buf, out.len, 0600, err);
	explicit_bzero(out.buf, out.len);
	return code;
}

static void say_what_is_missing(const struct mrp_ctx *ctx, const struct export_plan *plan, const struct snapshot *snapshot)
{
	const struct export_args *args = ctx->opts;

	if (plan->secrets.n && !ctx->quiet) {
		fprintf(stderr, "sensitive values are read from the environment%s:\n",
			args->secrets ? ", which the file of --secrets sets" : "; set these before you synchronize");
		for (size_t i = 0; i < plan->secrets.n; i++)
			fprintf(stderr, "  %s  cluster '%s', variable '%s'\n", plan->secrets.v[i].env,
				plan->secrets.v[i].cluster, plan->secrets.v[i].name);
	}
	if (snapshot->unmanaged && !ctx->quiet)
		fprintf(stderr, "%zu object%s that no config manages left out; --all writes them too\n", snapshot->unmanaged,
			snapshot->unmanaged == 1 ? "" : "s");
}

/* The name that the manifest gives its environment: the API's own, else what the settings say. */
static const char *environment_name(const struct mrp_ctx *ctx, const struct snapshot *snapshot)
{
	if (snapshot->environment && slug_valid(snapshot->environment, strlen(snapshot->environment)))
		return snapshot->environment;
	return ctx_environment(ctx) ? ctx_environment(ctx) : "default";
}

static int write_tree(struct mrp_ctx *ctx, struct http_client *http, const struct snapshot *snapshot, const char *folder,
	struct mrp_err *err)
{
	const struct export_args *args = ctx->opts;
	cleanup(export_plan_release) struct export_plan plan = EXPORT_PLAN_INIT;
	cleanup(export_endp) struct export_tree *tree = NULL;
	struct export_input input = {
		.environment = environment_name(ctx, snapshot),
		.api_url = http_url(http), /* http_open takes none with a password */
	};

	memcpy(input.objects, snapshot->objects, sizeof(input.objects));
	export_plan_make(&plan, &input);
	if (report_notes(&plan, err) < 0)
		return -1;
	tree = export_begin(&plan, folder, err);
	if (!tree || fetch_blobs(http, tree, &plan, err) < 0)
		return -1;
	if (args->secrets && write_secrets(&plan, args->secrets, err) < 0)
		return -1;
	if (export_finish(tree, err) < 0)
		return -1;
	say_what_is_missing(ctx, &plan, snapshot);
	return 0;
}

static int run_export(struct mrp_ctx *ctx, int argc, char **argv, struct mrp_err *err)
{
	cleanup(snapshot_release) struct snapshot snapshot = { .arena = ARENA_INIT };
	cleanup(http_closep) struct http_client *http = NULL;

	(void)argc;
	if (client_open(&http, ctx, err) < 0 || take_snapshot(http, &snapshot, ctx->opts, err) < 0)
		return -1;
	return write_tree(ctx, http, &snapshot, argv[0], err);
}

const struct mrp_cmd client_export = {
	.name = "export",
	.summary = "write the API's objects as a config tree",
	.description = "The tree synchronizes without differences. The folder must be empty or not there. Sensitive values are not "
		       "written: the configs read them from the environment (!env NAME), and the names are listed.",
	.args = "<folder>",
	.min_args = 1,
	.max_args = 1,
	.opts = export_opts,
	CMD_OPTS(struct export_args, .all = false),
	.needs = CLIENT_NEEDS,
	.run = run_export,
	.complete = mrp_complete_folders,
};

static int run_alert_rules(struct mrp_ctx *ctx, int argc, char **argv, struct mrp_err *err)
{
	cleanup(http_closep) struct http_client *http = NULL;
	cleanup(strbuf_release) struct strbuf out = STRBUF_INIT;
	struct target target = { .resource = resource_find("probers", err) };
	struct value *probers;

	(void)argc, (void)argv;
	if (client_open(&http, ctx, err) < 0)
		return -1;
	probers = fetch_list(http, &target, NULL, &ctx->arena, err);
	if (!probers)
		return -1;
	value_to_yaml(&out, alert_rules(&ctx->arena, probers));
	fputs(out.buf, stdout);
	return 0;
}

const struct mrp_cmd client_alert_rules = {
	.name = "alert-rules",
	.summary = "print the alerts of all probers as Prometheus rules",
	.description = "A rule file with a group for each prober that has alerts.",
	.needs = CLIENT_NEEDS,
	.run = run_alert_rules,
};
