/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin.h"

#include <ctype.h>

#include "../base/parse.h"

static const char *const code_names[] = { "OK", "WARNING", "CRITICAL", "UNKNOWN" };

/* Which option is a value's threshold, and between what it can be. */
static const struct {
	const char *probe, *metric, *warning, *critical, *min, *max;
} ranges[] = {
	{ "http", "time", "max_time", NULL, "0", "" },
	{ "http", "certificate_validity", "min_validity", NULL, "", "" },
	{ "tcp", "time", "max_time", NULL, "0", "" },
	{ "dns", "time", "max_time", NULL, "0", "" },
	{ "icmp", "rta", NULL, "max_rtt", "0", "" },
	{ "icmp", "pl", NULL, "max_loss", "0", "100" },
	{ "tls", "certificate_validity", NULL, "min_validity", "", "" },
	{ "disk", "time", NULL, "max_latency", "0", "" },
	{ "disk", "fill", NULL, "max_fill", "0", "100" },
	{ "disk", "inodes", NULL, "max_fill", "0", "100" },
};

static void add_number(struct strbuf *out, double number, const char *unit)
{
	if (streq(unit, "s") || streq(unit, "ms"))
		strbuf_addf(out, "%.*f", streq(unit, "s") ? 6 : 3, number);
	else if (streq(unit, "%"))
		strbuf_addf(out, "%.1f", number);
	else
		strbuf_addf(out, "%.10g", number);
}

/* The option in the unit of the value; what must not be below it is a range "N:". */
static void add_threshold(struct strbuf *out, const struct value *options, const char *name, const char *unit)
{
	const char *text = name ? value_get_string(options, name) : NULL;
	struct mrp_err ignored = MRP_ERR_INIT;
	int64_t ms = 0;
	double percent = 0;

	if (!text)
		return;
	if (streq(unit, "%") && parse_percent(&percent, text, &ignored) == 0)
		strbuf_addf(out, "%.10g", percent);
	else if (!streq(unit, "%") && parse_duration(&ms, text, &ignored) == 0)
		strbuf_addf(out, "%.10g%s", streq(unit, "ms") ? (double)ms : (double)ms / 1000,
			skip_prefix(name, "min_", NULL) ? ":" : "");
	mrp_err_clear(&ignored);
}

static void add_value(
	struct strbuf *out, const char *probe, const struct value *options, const struct verdict_value *value)
{
	const char *min = streq(value->unit, "s") || streq(value->unit, "B") ? "0" : "", *max = "";
	const char *warning = NULL, *critical = NULL;

	strbuf_addch(out, ' ');
	if (value->n_labels)
		strbuf_addf(out, "time_%s", value->labels[0].value);
	else
		strbuf_addstr(out, value->metric);
	strbuf_addch(out, '=');
	add_number(out, value->value, value->unit);
	strbuf_addstr(out, value->unit);
	for (size_t i = 0; i < ARRAY_SIZE(ranges) && !value->n_labels; i++) {
		if (!streq(ranges[i].probe, probe) || !streq(ranges[i].metric, value->metric))
			continue;
		warning = ranges[i].warning;
		critical = ranges[i].critical;
		min = ranges[i].min;
		max = ranges[i].max;
	}
	strbuf_addch(out, ';');
	add_threshold(out, options, warning, value->unit);
	strbuf_addch(out, ';');
	add_threshold(out, options, critical, value->unit);
	strbuf_addf(out, ";%s%s%s", min, *max ? ";" : "", max);
}

/* '|' begins the performance data, wherever it stands. */
static void add_message(struct strbuf *out, const char *message)
{
	size_t start = out->len;

	strbuf_add_visible(out, message, strlen(message));
	for (char *p = out->buf + start; *p; p++) {
		if (*p == '|')
			*p = '/';
	}
}

void plugin_format(struct strbuf *out, const struct probe_job *job, bool long_output)
{
	const struct member *probe = &job->probe->members[0];

	for (const char *p = probe->key; *p; p++)
		strbuf_addch(out, (char)toupper((unsigned char)*p));
	strbuf_addf(out, " %s - ", code_names[job->nagios_code]);
	add_message(out, job->verdict.message);
	if (job->verdict.n_values)
		strbuf_addstr(out, " |");
	for (size_t i = 0; i < job->verdict.n_values; i++)
		add_value(out, probe->key, probe->value, &job->verdict.values[i]);
	strbuf_addch(out, '\n');
	for (const char *line = long_output ? job->details : ""; *line;) {
		size_t len = strcspn(line, "\n");
		cleanup(freep) char *one = xstrndup(line, len);

		add_message(out, one);
		strbuf_addch(out, '\n');
		line += len + (line[len] == '\n');
	}
}
