/* SPDX-License-Identifier: Apache-2.0 */
#include "figures.h"

#include <inttypes.h>

#include "../base/clock.h"

static const double bounds[] = { 1, 3, 10, 30, 100, 300, 1000, 3000 }; /* seconds */

struct figures {
	struct creator *creator;
	pthread_mutex_t lock;
	int64_t runs[DEPLOY_STATUSES];
	int64_t buckets[ARRAY_SIZE(bounds) + 1], took_ms;
	int64_t looked_ms;
	bool look_worked;
};

struct figures *figures_new(struct creator *creator)
{
	struct figures *figures = xcalloc(1, sizeof(*figures));

	figures->creator = creator;
	pthread_mutex_init(&figures->lock, NULL);
	return figures;
}

void figures_free(struct figures *figures)
{
	if (!figures)
		return;
	pthread_mutex_destroy(&figures->lock);
	free(figures);
}

void figures_run(struct figures *figures, const struct deploy_result *result)
{
	size_t i = 0;

	pthread_mutex_lock(&figures->lock);
	figures->runs[result->status]++;
	while (i < ARRAY_SIZE(bounds) && (double)result->took_ms > bounds[i] * 1000)
		i++;
	figures->buckets[i]++;
	figures->took_ms += result->took_ms;
	pthread_mutex_unlock(&figures->lock);
}

void figures_look(struct figures *figures, bool worked, int64_t now_ms)
{
	pthread_mutex_lock(&figures->lock);
	figures->look_worked = worked;
	if (worked)
		figures->looked_ms = now_ms;
	pthread_mutex_unlock(&figures->lock);
}

/* --- the page --- */

/* OpenMetrics names a counter without _total in its head. */
static void add_head(struct strbuf *out, const char *name, const char *type, const char *help)
{
	strbuf_addf(out, "# HELP mrprober_creator_%s %s\n# TYPE mrprober_creator_%s %s\n", name, help, name, type);
}

static void add_gauge(struct strbuf *out, const char *name, const char *help, double value)
{
	add_head(out, name, "gauge", help);
	strbuf_addf(out, "mrprober_creator_%s %.15g\n", name, value);
}

static void add_runs(struct strbuf *out, const struct figures *f, enum exposition exposition)
{
	int64_t below = 0;

	add_head(out, exposition == EXPOSITION_OPENMETRICS ? "runs" : "runs_total", "counter",
		"Runs by how they ended.");
	for (int i = 0; i < DEPLOY_STATUSES; i++)
		strbuf_addf(out, "mrprober_creator_runs_total{status=\"%s\"} %" PRId64 "\n", deploy_status_names[i],
			f->runs[i]);
	add_head(out, "run_duration_seconds", "histogram", "How long runs took.");
	for (size_t i = 0; i < ARRAY_SIZE(bounds); i++) {
		below += f->buckets[i];
		strbuf_addf(out, "mrprober_creator_run_duration_seconds_bucket{le=\"%g.0\"} %" PRId64 "\n", bounds[i],
			below);
	}
	below += f->buckets[ARRAY_SIZE(bounds)];
	strbuf_addf(out, "mrprober_creator_run_duration_seconds_bucket{le=\"+Inf\"} %" PRId64 "\n", below);
	strbuf_addf(out, "mrprober_creator_run_duration_seconds_sum %.3f\n", (double)f->took_ms / 1000);
	strbuf_addf(out, "mrprober_creator_run_duration_seconds_count %" PRId64 "\n", below);
}

static void add_now(struct strbuf *out, const struct figures *f)
{
	struct creator *creator = f->creator;
	struct clusters_figures queue = clusters_figures(creator->queue, time_now_ms());

	add_gauge(out, "clusters", "Clusters that are known.", (double)queue.clusters);
	add_gauge(out, "running", "Runs that go on.", (double)queue.running);
	add_gauge(out, "queue_length", "Clusters that are due and wait for a worker.", (double)queue.due);
	add_gauge(out, "queue_age_seconds", "For how long the longest of them waits.", (double)queue.oldest_ms / 1000);
	add_gauge(out, "leases", "Leases held.", (double)leases_held(creator->leases));
	add_gauge(out, "logs_waiting", "Logs that wait to be sent to object storage.",
		creator->objects ? (double)objects_waiting(creator->objects) : 0);
	add_gauge(out, "last_look_timestamp_seconds", "When the API was last read.", (double)f->looked_ms / 1000);
	add_gauge(out, "look_success", "1 when reading the API worked.", f->look_worked);
}

struct figures_page {
	struct figures *figures;
	enum exposition exposition;
	bool done;
};

static void *page_begin(void *ctx, enum exposition exposition)
{
	struct figures_page *page = xcalloc(1, sizeof(*page));

	page->figures = ctx;
	page->exposition = exposition;
	return page;
}

static bool page_next(void *ctx, struct strbuf *out)
{
	struct figures_page *page = ctx;

	if (page->done)
		return false;
	pthread_mutex_lock(&page->figures->lock);
	add_runs(out, page->figures, page->exposition);
	add_now(out, page->figures);
	pthread_mutex_unlock(&page->figures->lock);
	strbuf_addf(out,
		"# HELP mrprober_build_info Version.\n# TYPE mrprober_build_info gauge\n"
		"mrprober_build_info{version=\"" MRP_VERSION "\"} 1\n");
	if (page->exposition == EXPOSITION_OPENMETRICS)
		strbuf_addstr(out, "# EOF\n");
	page->done = true;
	return true;
}

struct page_source figures_pages(struct figures *figures)
{
	return (struct page_source){
		.title = "mrprober creator", .begin = page_begin, .next = page_next, .end = free, .ctx = figures
	};
}
