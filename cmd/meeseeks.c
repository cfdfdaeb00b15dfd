/* SPDX-License-Identifier: Apache-2.0 */
/* `mrprober meeseeks`: keep a variable of a cluster equal to a list of nodes. The work is in lib/meeseeks. */
#include "meeseeks.h"

#include <unistd.h>

#include "../lib/base/clock.h"
#include "../lib/base/log.h"
#include "../lib/base/text.h"
#include "../lib/cli/words.h"
#include "complete_sources.h"
#include "dispatch.h"
#include "identity.h"
#include "problems.h"

static const struct mrp_opt opts[] = {
	OPT_BOOL(0, "check", struct meeseeks_args, check,
		"show what would change, change nothing; exit 2 when something would"),
	OPT_BOOL('y', "yes", struct meeseeks_args, yes, "write without asking", .flags = OPTF_NO_NO),
	OPT_STRING(0, "cluster", struct meeseeks_args, mapping.cluster, "<slug>",
		"whose variable it is; meeseeks when absent", .complete = complete_clusters),
	OPT_STRING(0, "variable", struct meeseeks_args, mapping.variable, "<name>",
		"the variable; compute_nodes when absent"),
	OPT_ENUM(0, "source", struct meeseeks_args, mapping.source, SOURCE_WORDS, "what has the nodes"),
	OPT_STRING(0, "config", struct meeseeks_args, config, "<file>",
		"keep several variables: each mapping of <file> is what these options are", .flags = OPTF_FILE),
	OPT_STRING(0, "url", struct meeseeks_args, mapping.url, "<url>",
		"compute-admin: of the list; kubernetes: of the API server"),
	OPT_STRING(0, "file", struct meeseeks_args, mapping.file, "<file>", "file: YAML, JSON, or a name a line",
		.flags = OPTF_FILE),
	OPT_STRING(0, "command", struct meeseeks_args, command, "<words>",
		"command: program and arguments, quoted as for a shell; it prints what a file would hold"),
	OPT_STRING(0, "kubeconfig", struct meeseeks_args, mapping.kubeconfig, "<file>",
		"kubernetes: who asks which server; $KUBECONFIG, the pod's own account or ~/.kube/config when absent",
		.flags = OPTF_FILE),
	OPT_STRING(0, "kube-context", struct meeseeks_args, mapping.kube_context, "<name>",
		"kubernetes: which context of the kubeconfig; its current one when absent"),
	OPT_LIST(0, "query", struct meeseeks_args, mapping.query, "<name>=<value>",
		"compute-admin: more for the query of the URL"),
	OPT_INT(0, "page-size", struct meeseeks_args, mapping.page_size, "<n>",
		"nodes a page; 1000 when absent, 500 of kubernetes", .min = 1, .max = 1000000),
	OPT_DURATION(0, "timeout", struct meeseeks_args, mapping.timeout_ms, "<duration>",
		"for a page, or for the program; 1m when absent", .min = 100, .max = 3600000),
	OPT_STRING(0, "source-ca-cert", struct meeseeks_args, mapping.ca_file, "<file>",
		"PEM file of the CAs that vouch for the source; default the system's", .flags = OPTF_FILE),
	OPT_ENUM(0, "auth", struct meeseeks_args, mapping.auth, AUTH_WORDS, "compute-admin: who asks; iam when absent"),
	OPT_STRING(0, "source-token-file", struct meeseeks_args, mapping.token_file, "<file>",
		"a file with a bearer token for the source; read for each page", .flags = OPTF_FILE),
	OPT_SA_KEY_FILE(struct meeseeks_args, mapping.sa_key_file),
	OPT_IAM_TOKEN_URL(struct meeseeks_args, mapping.iam_token_url),
	OPT_IAM_METADATA_URL(struct meeseeks_args, mapping.iam_metadata_url),
	OPT_STRING(0, "list-path", struct meeseeks_args, mapping.list_path, "<path>",
		"where the list lies in an answer; the source knows when absent"),
	OPT_LIST(0, "field", struct meeseeks_args, mapping.fields, "<field>=<path>",
		"where a field (name, zone, state, address, labels, ...) lies in a node"),
	OPT_STRING(0, "template", struct meeseeks_args, mapping.template, "<template>",
		"what of each node: name, or '{name, zone, key: field}'; name when absent"),
	OPT_LIST(0, "zone", struct meeseeks_args, mapping.zones, "<glob>", "only nodes in these zones"),
	OPT_LIST(0, "state", struct meeseeks_args, mapping.states, "<glob>", "only nodes in these states"),
	OPT_LIST(0, "label", struct meeseeks_args, mapping.labels, "<key>[=<glob>]",
		"only nodes with this label; '<key>!=<glob>' leaves out"),
	OPT_LIMIT(0, "max-removal", struct meeseeks_args, mapping.max_removal, "N|P%",
		"refuse to remove more nodes at once; default 20%"),
	OPT_BOOL(0, "allow-empty", struct meeseeks_args, mapping.allow_empty, "write an empty list, too",
		.flags = OPTF_NO_NO),
	OPT_BOOL(
		0, "deploy", struct meeseeks_args, deploy, "after a write, ask the creator to run the cluster at once"),
	OPT_ENUM(0, "format", struct meeseeks_args, format, FORMAT_WORDS,
		"how it is said what differs and what was done; default text"),
	OPT_DURATION(0, "loop", struct meeseeks_args, loop_ms, "<duration>",
		"go on as a service: again every <duration>, give or take a tenth", .min = 100, .max = 86400000),
	OPT_STRING(0, "metrics-file", struct meeseeks_args, metrics_file, "<file>",
		"write metrics there, for the textfile collector of node_exporter", .flags = OPTF_FILE),
	OPT_END,
};

void keeper_add_name(struct strbuf *out, const struct keeper *keeper)
{
	strbuf_addf(out, "%s/%s", mapping_cluster(keeper->mapping), mapping_variable(keeper->mapping));
}

void keeper_succeeded(struct keeper *keeper, const struct changes *changes, bool written)
{
	keeper->failed = false;
	keeper->success_ms = time_now_ms();
	keeper->nodes = changes->after;
	keeper->added += written ? changes->added.n : 0;
	keeper->removed += written ? changes->removed.n : 0;
	keeper->changed += written ? changes->changed.n : 0;
}

int keeper_write(
	struct meeseeks_run *run, struct keeper *keeper, struct changes *changes, bool asked, struct mrp_err *err)
{
	if (meeseeks_write(keeper->meeseeks, run->http, changes, asked, err) < 0)
		return -1;
	keeper->written = true;
	if (run->args->deploy && variable_deploy(run->http, keeper->mapping, err) < 0)
		return mrp_err_wrap(err, "the variable was written, but no deployment could be asked for");
	return 0;
}

static int open_keepers(struct meeseeks_run *run, const struct http_patience *patience, struct mrp_err *err)
{
	const struct node_mapping *mappings = run->args->config ? run->mappings.v : &run->args->mapping;
	size_t n = run->args->config ? run->mappings.n : 1;

	for (size_t i = 0; i < n; i++) {
		struct keeper *keeper = keeper_vec_push(&run->keepers, (struct keeper){ .mapping = &mappings[i] });

		keeper->meeseeks = meeseeks_open(keeper->mapping, patience, err);
		if (keeper->meeseeks)
			continue;
		if (!run->args->config)
			return -1;
		cleanup(strbuf_release) struct strbuf name = STRBUF_INIT;
		keeper_add_name(&name, keeper);
		if (err->code == MRP_EUSAGE)
			err->code = MRP_EINVALID;
		return mrp_err_wrap(err, "%s: %s", run->args->config, name.buf);
	}
	return 0;
}

static int open_api(struct meeseeks_run *run, struct mrp_err *err)
{
	struct http_options options = http_options_default;
	const struct mrp_setting *environment = &run->ctx->settings[SETTING_ENVIRONMENT];
	const char *token;

	if (ctx_token(run->ctx, &token, err) < 0)
		return -1;
	options.url = ctx_api_url(run->ctx);
	options.token = *token ? token : NULL;
	options.ca_file = ctx_setting(run->ctx, SETTING_CA_CERT);
	if (environment->origin > ORIGIN_MANIFEST)
		options.environment = environment->value;
	run->http = http_open(&options, err);
	return run->http ? 0 : -1;
}

static int check_args(struct meeseeks_args *args, struct mrp_err *err)
{
	const struct node_mapping *mapping = &args->mapping;

	if (args->check && args->yes)
		return mrp_err_set(err, MRP_EUSAGE, "--check changes nothing, so --yes makes no sense with it");
	if (args->loop_ms && args->check)
		return mrp_err_set(err, MRP_EUSAGE, "--check is for once, so --loop makes no sense with it");
	if (args->loop_ms && args->format != FORMAT_TEXT)
		return mrp_err_set(err, MRP_EUSAGE, "--loop writes a log, so --format makes no sense with it");
	if (args->loop_ms && !args->yes)
		return mrp_err_set(err, MRP_EUSAGE, "--loop asks nobody; pass '--yes'");
	if (mapping->cluster && !slug_valid(mapping->cluster, strlen(mapping->cluster)))
		return mrp_err_set(err, MRP_EUSAGE, "--cluster: '%s' is no slug", mapping->cluster);
	if (mapping->variable && !valid_identifier(mapping->variable, strlen(mapping->variable)))
		return mrp_err_set(err, MRP_EUSAGE, "--variable: '%s' is no name of a variable", mapping->variable);
	if (args->command && mrp_split_words(&args->mapping.command, args->command, err) < 0) {
		err->code = MRP_EUSAGE;
		return mrp_err_wrap(err, "--command");
	}
	return 0;
}

static void release(struct meeseeks_run *run)
{
	for (size_t i = 0; i < run->keepers.n; i++) {
		meeseeks_close(run->keepers.v[i].meeseeks);
		free(run->keepers.v[i].doubt);
	}
	keeper_vec_clear(&run->keepers);
	mappings_release(&run->mappings);
	http_close(run->http);
}

static int run_meeseeks(struct mrp_ctx *ctx, int argc, char **argv, struct mrp_err *err)
{
	struct meeseeks_args args = *(const struct meeseeks_args *)ctx->opts;
	struct meeseeks_run run = { .ctx = ctx, .args = &args };
	struct problems problems = PROBLEMS_INIT;
	int code = -1;

	(void)argc, (void)argv;
	/* cron sends what is printed, and wants nothing when nothing has changed */
	if (!args.loop_ms && !ctx->verbose && !mrp_term_is_terminal(STDERR_FILENO))
		log_set_level(LOG_ERROR);
	/* the lists of options stay the dispatcher's; this one is made here */
	if (check_args(&args, err) == 0 && (!args.config || meeseeks_read_config(&run, &problems, err) == 0) &&
		open_api(&run, err) == 0) {
		if (args.loop_ms)
			code = meeseeks_loop(&run, open_keepers, err);
		else if (open_keepers(&run, NULL, err) == 0)
			code = meeseeks_once(&run, err);
	}
	/* a program that reads JSON finds some, whatever happened */
	if (code < 0 && args.format == FORMAT_JSON && !run.printed)
		print_problems_json(&problems, err);
	problems_clear(&problems);
	release(&run);
	strvec_clear(&args.mapping.command);
	return code;
}

const struct mrp_cmd cmd_meeseeks = {
	.name = "meeseeks",
	.summary = "keep a variable of a cluster equal to a list of nodes",
	.description = "Reads the list of nodes from a source, compares it with the variable, shows what differs, "
		       "asks, and writes it, as "
		       "the owner meeseeks. Without --yes and without a terminal nothing is written.\n\n"
		       "An empty list, one that has shrunk by too much, one with a bad name in it, and one that "
		       "changes while it "
		       "is read are refused. A source that fails leaves the variable as it is.",
	.opts = opts,
	CMD_OPTS(struct meeseeks_args, .mapping = { MAPPING_INIT }),
	.needs = NEED_SETTINGS | NEED_MANIFEST,
	.run = run_meeseeks,
};
