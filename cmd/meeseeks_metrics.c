/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics of `mrprober meeseeks` as a file: it runs by cron as well, where nobody could ask it. */
#include "meeseeks.h"

#include "../lib/base/file.h"

int meeseeks_write_metrics(const struct meeseeks_run *run, struct mrp_err *err)
{
	static const struct {
		const char *name, *type, *help;
	} rows[] = {
		{ "nodes", "gauge", "Nodes that the source had when it was read last." },
		{ "added_total", "counter", "Nodes added to the variable." },
		{ "removed_total", "counter", "Nodes removed from the variable." },
		{ "changed_total", "counter", "Nodes written anew." },
		{ "last_success_timestamp_seconds", "gauge",
			"When the variable was last known to be equal to the list." },
		{ "failed", "gauge", "Whether the last time has failed." },
	};
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;

	if (!run->args->metrics_file)
		return 0;
	for (size_t row = 0; row < ARRAY_SIZE(rows); row++) {
		strbuf_addf(&text, "# HELP mrprober_meeseeks_%s %s\n# TYPE mrprober_meeseeks_%s %s\n", rows[row].name,
			rows[row].help, rows[row].name, rows[row].type);
		for (size_t i = 0; i < run->keepers.n; i++) {
			const struct keeper *keeper = &run->keepers.v[i];
			const double values[] = { (double)keeper->nodes, (double)keeper->added, (double)keeper->removed,
				(double)keeper->changed, (double)keeper->success_ms / 1000, keeper->failed };

			strbuf_addf(&text, "mrprober_meeseeks_%s{cluster=\"%s\",variable=\"%s\"} %.*f\n",
				rows[row].name, mapping_cluster(keeper->mapping), mapping_variable(keeper->mapping),
				ends_with(rows[row].name, "seconds") ? 3 : 0, values[row]);
		}
	}
	return replace_file(run->args->metrics_file, text.buf, text.len, 0644, err);
}
