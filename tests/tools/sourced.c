/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's source of configs alone, for tests: says what comes out of it, a line each, and does what lines of its
 * standard input say. Ends with its input, or when told to.
 *
 *	sourced --cluster C --host H --state-dir DIR {--api-url URL | --config PATH} [--environment E] [--interval MS]
 *		[--report-interval MS]
 *
 * Output:	new REVISION ENTRIES FILES-ROOT [last-good]
 *		same | refused TEXT | unknown TEXT
 *		reloaded NUMBER        an outcome that answers `reload`
 *		wanted | report yes | report no
 * Input:	reload | changed | status | quit
 *		report N               hand over a report about N probers, and do so again whenever one is wanted
 *		drop                   give back all configs but the last
 *		ids                    of the last config
 */
#include <getopt.h>
#include <pthread.h>

#include "../../lib/agent/config_source.h"
#include "../../lib/base/parse.h"

VEC_DEFINE(held_vec, struct agent_config *)

static struct {
	pthread_mutex_t lock; /* of what follows, and of standard output */
	struct held_vec held;
	uint64_t reloads;
	int64_t reported; /* probers in a report; -1: none is given */
	struct agent_source *source;
} tool = { .lock = PTHREAD_MUTEX_INITIALIZER, .reported = -1 };

static void say(const char *fmt, ...) PRINTF(1, 2);

static void say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

static void on_outcome(void *ctx, const struct config_outcome *outcome)
{
	struct agent_config *config = outcome->config;

	(void)ctx;
	pthread_mutex_lock(&tool.lock);
	switch (outcome->kind) {
	case CONFIG_NEW:
		held_vec_push(&tool.held, config);
		say("new %s %zu %s%s", config->revision, config->entries.n, config->files_root,
			outcome->last_good ? " last-good" : "");
		break;
	case CONFIG_SAME:
		say("same");
		break;
	case CONFIG_REFUSED:
		say("refused %s", outcome->error);
		break;
	case CONFIG_UNKNOWN:
		say("unknown %s", outcome->error);
		break;
	}
	if (outcome->reloads > tool.reloads) {
		tool.reloads = outcome->reloads;
		say("reloaded %llu", (unsigned long long)outcome->reloads);
	}
	pthread_mutex_unlock(&tool.lock);
}

/* As many different ones as there are, again and again. */
static struct agent_report *make_report(int64_t n, const char *revision)
{
	struct agent_report *report = agent_report_new(revision);

	for (int64_t i = 0; i < n; i++) {
		char id[64];
		const struct report_item item = { .id = id,
			.status = (enum verdict_status)(i % VERDICT_STATUSES),
			.reason = (enum verdict_reason)(i % VERDICT_REASONS),
			.message = "said \"this\" and that",
			.finished_ms = 1700000000123,
			.duration_s = 0.25,
			.consecutive_failures = i % 5 };

		snprintf(id, sizeof(id), "prober[number=%lld]", (long long)i);
		agent_report_add(report, &item);
	}
	return report;
}

static void give_report(void)
{
	pthread_mutex_lock(&tool.lock);
	const char *revision = tool.held.n ? tool.held.v[tool.held.n - 1]->revision : NULL;
	struct agent_report *report = tool.reported >= 0 ? make_report(tool.reported, revision) : NULL;
	struct agent_source *source = tool.source;
	pthread_mutex_unlock(&tool.lock);
	if (report && source)
		agent_source_report(source, report);
	else
		agent_report_free(report);
}

static void on_want(void *ctx)
{
	(void)ctx;
	pthread_mutex_lock(&tool.lock);
	say("wanted");
	pthread_mutex_unlock(&tool.lock);
	give_report();
}

static void on_reported(void *ctx, bool taken)
{
	(void)ctx;
	pthread_mutex_lock(&tool.lock);
	say("report %s", taken ? "yes" : "no");
	pthread_mutex_unlock(&tool.lock);
}

static void drop(size_t leave)
{
	for (; tool.held.n > leave; tool.held.n--) {
		agent_config_unref(tool.held.v[0]);
		memmove(tool.held.v, tool.held.v + 1, (tool.held.n - 1) * sizeof(*tool.held.v));
	}
}

static void say_status(void)
{
	struct agent_source_status status;

	agent_source_status(tool.source, &status);
	say("status %s %s failures %lld error %s", status.source, status.revision ? status.revision : "-",
		(long long)status.failures, status.error ? status.error : "-");
	agent_source_status_release(&status);
}

static void say_ids(void)
{
	const struct agent_config *config = tool.held.n ? tool.held.v[tool.held.n - 1] : NULL;

	for (size_t i = 0; config && i < config->entries.n; i++)
		say("id %s%s%s", config->entries.v[i]->id, config->entries.v[i]->error ? " error " : "",
			config->entries.v[i]->error ? config->entries.v[i]->error : "");
}

static void obey(const char *line)
{
	struct mrp_err err = MRP_ERR_INIT;
	const char *rest;

	if (streq(line, "reload")) {
		agent_source_reload(tool.source);
		return;
	}
	if (streq(line, "changed")) {
		agent_source_changed(tool.source);
		return;
	}
	pthread_mutex_lock(&tool.lock);
	bool give = skip_prefix(line, "report ", &rest) && parse_int(&tool.reported, rest, 0, 1000000, &err) == 0;
	if (streq(line, "drop"))
		drop(1);
	else if (streq(line, "status"))
		say_status();
	else if (streq(line, "ids"))
		say_ids();
	pthread_mutex_unlock(&tool.lock);
	mrp_err_clear(&err);
	if (give)
		give_report();
}

static int64_t number(const char *text)
{
	struct mrp_err err = MRP_ERR_INIT;
	int64_t n = 0;

	if (parse_int(&n, text, 0, INT32_MAX, &err) < 0)
		exit(64);
	return n;
}

static void parse_options(int argc, char **argv, struct agent_source_options *options, struct http_options *http)
{
	static const struct option rows[] = { { "cluster", 1, NULL, 'c' }, { "host", 1, NULL, 'h' },
		{ "state-dir", 1, NULL, 's' }, { "api-url", 1, NULL, 'u' }, { "config", 1, NULL, 'f' },
		{ "environment", 1, NULL, 'e' }, { "interval", 1, NULL, 'i' }, { "report-interval", 1, NULL, 'r' },
		{ 0 } };

	for (int c; (c = getopt_long(argc, argv, "", rows, NULL)) != -1;) {
		switch (c) {
		case 'c':
			options->cluster = optarg;
			break;
		case 'h':
			options->host = optarg;
			break;
		case 's':
			options->state_dir = optarg;
			break;
		case 'u':
			http->url = optarg;
			options->http = http;
			break;
		case 'f':
			options->path = optarg;
			break;
		case 'e':
			options->environment = optarg;
			break;
		case 'i':
			options->interval_ms = number(optarg);
			break;
		case 'r':
			options->report_interval_ms = number(optarg);
			break;
		default:
			exit(64);
		}
	}
}

int main(int argc, char **argv)
{
	struct http_options http = http_options_default;
	struct agent_source_options options = {
		.outcome = on_outcome, .want_report = on_want, .reported = on_reported
	};
	struct mrp_err err = MRP_ERR_INIT;
	char line[256];

	parse_options(argc, argv, &options, &http);
	struct agent_source *source = agent_source_start(&options, &err);
	if (!source) {
		int code = mrp_err_exit_code(err.code);

		fprintf(stderr, "sourced: %s\n", err.msg);
		mrp_err_clear(&err);
		return code;
	}
	pthread_mutex_lock(&tool.lock);
	tool.source = source;
	pthread_mutex_unlock(&tool.lock);
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (streq(line, "quit"))
			break;
		obey(line);
	}
	agent_source_stop(source);
	drop(0);
	held_vec_clear(&tool.held);
	return 0;
}
