/* SPDX-License-Identifier: Apache-2.0 */
/* `mrprober api-client`: everything the API can do, from the shell. The verbs are in api_client_*.c. */
#include "api_client.h"

#include "../lib/base/interrupt.h"
#include "../lib/cli/prompt.h"
#include "../lib/client/input.h"

#include <time.h>
#include <unistd.h>

int client_open(struct http_client **out, struct mrp_ctx *ctx, struct mrp_err *err)
{
	struct http_options options = http_options_default;
	const struct mrp_setting *environment = &ctx->settings[SETTING_ENVIRONMENT];
	const char *token;

	if (ctx_token(ctx, &token, err) < 0 || interrupt_catch(err) < 0)
		return -1;
	options.url = ctx_api_url(ctx);
	options.token = *token ? token : NULL;
	options.ca_file = ctx_setting(ctx, SETTING_CA_CERT);
	/* what somebody said about the environment guards against the wrong API; what a manifest says only describes
	 * its own configs, which are not looked at here */
	if (environment->origin > ORIGIN_MANIFEST)
		options.environment = environment->value;
	options.interrupted = interrupted;
	options.interrupt_fd = interrupt_fd();
	*out = http_open(&options, err);
	return *out ? 0 : -1;
}

struct print_style client_style(const struct mrp_ctx *ctx, int output)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (struct print_style){
		.format = output,
		.max_width = mrp_term_is_terminal(STDOUT_FILENO) ? mrp_term_columns(STDOUT_FILENO, 0) : 0,
		.color = ctx->color_out,
		.now_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000,
	};
}

char *client_etag(const char *revision)
{
	if (!revision)
		return NULL;
	if (streq(revision, "*") || revision[0] == '"' || skip_prefix(revision, "W/", NULL))
		return xstrdup(revision);
	return xasprintf("\"%s%s\"", revision[0] == 'r' ? "" : "r", revision);
}

/* An answer to a change, for people: a cluster without the values of its sensitive variables, which some roles get. */
static struct value *without_secrets(struct value *answer, const struct target *target, struct arena *arena)
{
	struct value *variables = answer && answer->type == V_OBJECT ? value_get(answer, "variables") : NULL;

	if (target->resource->kind != KIND_CLUSTER || !variables || variables->type != V_OBJECT)
		return answer;
	answer = value_copy_shallow(arena, answer);
	variables = value_copy_shallow(arena, variables);
	for (uint32_t i = 0; i < variables->n; i++) {
		struct member *m = &variables->members[i];

		if (m->value->type != V_OBJECT || !cluster_hides(answer, m->key, m->value))
			continue;
		m->value = value_copy_shallow(arena, m->value);
		value_set(arena, m->value, "value", NULL);
	}
	value_set(arena, answer, "variables", variables);
	return answer;
}

int client_change(struct mrp_ctx *ctx, const struct target *target, struct http_request *request, int output, const char *word,
	struct mrp_err *err)
{
	cleanup(http_closep) struct http_client *http = NULL;
	cleanup(strbuf_release) struct strbuf out = STRBUF_INIT;
	struct print_style style = client_style(ctx, output);
	struct api_result result;

	if (client_open(&http, ctx, err) < 0) {
		http_request_release(request);
		return -1;
	}
	if (api_call(http, request, &ctx->arena, &result, err) < 0)
		return -1;
	if (style.format == OUTPUT_TABLE || style.format == OUTPUT_WIDE) {
		if (ctx->quiet)
			return 0;
		target_name(&out, target);
		strbuf_addf(&out, " %s\n", word);
	} else if (style.format == OUTPUT_NAME || result.value) {
		print_one(&out, &style, target, without_secrets(result.value, target, &ctx->arena), &ctx->arena);
	}
	fputs(out.buf, stdout);
	return 0;
}

int client_confirm(bool yes, struct mrp_err *err, const char *question, ...)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	va_list ap;
	bool answer;

	if (yes)
		return 1;
	va_start(ap, question);
	strbuf_vaddf(&text, question, ap);
	va_end(ap);
	if (mrp_prompt_yes_no(&answer, text.buf, "--yes", err) < 0)
		return -1;
	return answer;
}

struct value *client_document(struct mrp_ctx *ctx, const char *path, struct mrp_err *err)
{
	struct value *document = input_document(&ctx->arena, path, err);

	if (document && document->type != V_OBJECT) {
		mrp_err_set(err, MRP_EPARSE, "'%s' is %s, not an object", path, value_type_name(document));
		return NULL;
	}
	if (document)
		value_set(&ctx->arena, document, "format_version", NULL); /* 'get' puts it there, the API does not know it */
	return document;
}

extern const struct mrp_cmd client_list, client_get, client_create, client_patch, client_delete, client_set_variable,
	client_unset_variable, client_deploy, client_approve, client_logs, client_watch, client_request, client_export,
	client_alert_rules;

static const struct mrp_cmd *const subs[] = {
	&client_list,
	&client_get,
	&client_create,
	&client_patch,
	&client_delete,
	&client_set_variable,
	&client_unset_variable,
	&client_deploy,
	&client_approve,
	&client_logs,
	&client_watch,
	&client_request,
	&client_export,
	&client_alert_rules,
	NULL,
};

const struct mrp_cmd cmd_api_client = {
	.name = "api-client",
	.summary = "do everything the API can do, from the shell",
	.description = "Kinds are recipes, clusters, probers, variables (of a cluster), deployments (of a cluster), agents and blobs; the singular "
		       "works too, and so does 'prober/dns' for 'prober dns'.",
	.subs = subs,
};
