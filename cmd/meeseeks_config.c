/* SPDX-License-Identifier: Apache-2.0 */
/* `mrprober meeseeks --config`: what the options beside it mean for the mappings of the file. */
#include "meeseeks.h"

#include "problems.h"

/* What belongs to one mapping has its place in the file; here it would be passed over without a word. */
static int check_options(const struct meeseeks_args *args, struct mrp_err *err)
{
	const struct node_mapping *mapping = &args->mapping;
	const struct {
		const char *name;
		bool given;
	} rows[] = {
		{ "source", mapping->source != SOURCE_NONE },
		{ "cluster", mapping->cluster },
		{ "variable", mapping->variable },
		{ "command", args->command },
		{ "url", mapping->url },
		{ "file", mapping->file },
		{ "kubeconfig", mapping->kubeconfig },
		{ "kube-context", mapping->kube_context },
		{ "query", mapping->query.n },
		{ "page-size", mapping->page_size },
		{ "timeout", mapping->timeout_ms },
		{ "source-ca-cert", mapping->ca_file },
		{ "auth", mapping->auth != AUTH_IAM },
		{ "source-token-file", mapping->token_file },
		{ "list-path", mapping->list_path },
		{ "field", mapping->fields.n },
		{ "template", mapping->template },
		{ "zone", mapping->zones.n },
		{ "state", mapping->states.n },
		{ "label", mapping->labels.n },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].given)
			return mrp_err_set(err, MRP_EUSAGE,
				"the file of --config has the mappings, so --%s makes no sense with it", rows[i].name);
	}
	return 0;
}

/* Who asks is a default for those that do not say; a guard that somebody opens once is open for all. */
static void apply_options(struct node_mapping *mapping, const struct node_mapping *options)
{
	if (!mapping->sa_key_file)
		mapping->sa_key_file = options->sa_key_file;
	if (!mapping->iam_token_url)
		mapping->iam_token_url = options->iam_token_url;
	if (!mapping->iam_metadata_url)
		mapping->iam_metadata_url = options->iam_metadata_url;
	if (options->max_removal.set)
		mapping->max_removal = options->max_removal;
	mapping->allow_empty |= options->allow_empty;
}

int meeseeks_read_config(struct meeseeks_run *run, struct problems *problems, struct mrp_err *err)
{
	if (check_options(run->args, err) < 0 ||
		mappings_load(&run->mappings, &run->ctx->arena, run->args->config, problems, err) < 0 ||
		report_problems(problems, err) < 0)
		return -1;
	for (size_t i = 0; i < run->mappings.n; i++)
		apply_options(&run->mappings.v[i], &run->args->mapping);
	return 0;
}
