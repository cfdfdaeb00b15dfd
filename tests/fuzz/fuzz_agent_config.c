/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's config: taken or refused with a reason; entries that are taken are sorted and fit to be run. */
#include "fuzz.h"

#include "../../lib/agent/entry.h"
#include "../../lib/base/text.h"

static void check_entry(const struct entry *entry)
{
	cleanup(strbuf_release) struct strbuf folder = STRBUF_INIT;

	MUST(*entry->id && slug_valid(entry->prober, strlen(entry->prober)) && entry->name && entry->source);
	if (entry->error)
		return;
	MUST(entry->interval_ms > 0 && entry->retry_interval_ms > 0 && entry->timeout_ms > 0 && entry->grace_ms >= 0);
	MUST(!entry->argv != !entry->probe);
	MUST(!entry->argv || entry->argv[0]);
	MUST(entry->max_output_bytes > 0);
	MUST(!entry->heal.argv || (entry->heal.argv[0] && entry->heal.after > 0 && entry->heal.at_most_every_ms > 0));
	for (size_t i = 1; i < entry->n_labels; i++)
		MUST(strcmp(entry->labels[i - 1].name, entry->labels[i].name) < 0);
	agent_entry_folder(&folder, entry);
	MUST(!strchr(folder.buf, '/'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mrp_err err = MRP_ERR_INIT;
	struct problems problems = PROBLEMS_INIT;
	struct agent_config *config;

	if (agent_config_parse(&config, (const char *)data, size, "net", "h1", &problems, &err) < 0) {
		MUST((err.code == MRP_EPARSE || err.code == MRP_EINVALID) && err.msg);
		mrp_err_clear(&err);
		problems_clear(&problems);
		return 0;
	}
	MUST(!problems.errors);
	for (size_t i = 0; i < config->entries.n; i++) {
		check_entry(config->entries.v[i]);
		MUST(!i || strcmp(config->entries.v[i - 1]->id, config->entries.v[i]->id) < 0);
	}
	agent_config_unref(config);
	problems_clear(&problems);
	return 0;
}
