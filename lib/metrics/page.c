/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages in the Prometheus text format 0.0.4 and in OpenMetrics 1.0
 * (https://github.com/OpenObservability/OpenMetrics/blob/main/specification/OpenMetrics.md). All samples of a family
 * stand together, so a page is family by family, and each of these prober by prober.
 */
#include "page.h"

#include "lines.h"

enum { PIECE_BYTES = 64 << 10 };

/* One prober's part of a custom family; prober NULL: the agent's own sample of it. */
struct part {
	struct name *name;
	struct metrics_prober *prober;
	size_t order;
};

VEC_DEFINE(part_vec, struct part)

struct metrics_page {
	struct metrics *metrics;
	enum exposition exposition;
	struct prober_vec probers;
	struct part_vec parts;   /* sorted by name */
	const struct name *head; /* of the family that is being written */
	double process[PROCESS_METRICS];
	size_t section, at;
};

/* --- what each prober has --- */

static void add_runs(struct strbuf *out, struct metrics *m, struct metrics_prober *p, const struct stats *s)
{
	for (int status = 0; status < VERDICT_STATUSES; status++) {
		for (int reason = 0; reason < VERDICT_REASONS; reason++) {
			if (run_count_shown(s, status, reason))
				add_run_count(out, m, p, status, reason, s->runs[status][reason]);
		}
	}
}

static void add_durations(struct strbuf *out, struct metrics *m, struct metrics_prober *p, const struct stats *s)
{
	static const struct histogram_lines durations = { "mrprober_run_duration_seconds_bucket",
		"mrprober_run_duration_seconds_sum", "mrprober_run_duration_seconds_count", duration_bound_texts,
		DURATION_BUCKETS };
	uint64_t counts[DURATION_BUCKETS];

	for (size_t i = 0; i < DURATION_BUCKETS; i++)
		counts[i] = s->buckets[i];
	add_histogram(out, m, p, &durations, counts, s->duration_ns);
}

static void add_success(struct strbuf *out, struct metrics *m, struct metrics_prober *p, const struct stats *s)
{
	if (s->success != SUCCESS_UNKNOWN)
		add_uint(out, m, p, "mrprober_success", s->success);
}

static void add_consecutive(struct strbuf *out, struct metrics *m, struct metrics_prober *p, const struct stats *s)
{
	add_uint(out, m, p, "mrprober_consecutive_failures", (uint64_t)s->consecutive_failures);
}

static void add_last_run(struct strbuf *out, struct metrics *m, struct metrics_prober *p, const struct stats *s)
{
	if (s->last_run_ms > 0)
		add_decimal(out, m, p, "mrprober_last_run_timestamp_seconds", (uint64_t)s->last_run_ms, 3);
}

static void add_probe_success(struct strbuf *out, struct metrics *m, struct metrics_prober *p, const struct stats *s)
{
	if (s->success != SUCCESS_UNKNOWN)
		add_uint(out, m, p, "probe_success", s->success);
}

static void add_probe_duration(struct strbuf *out, struct metrics *m, struct metrics_prober *p, const struct stats *s)
{
	if (s->success != SUCCESS_UNKNOWN)
		add_decimal(out, m, p, "probe_duration_seconds", s->last_duration_ns, 9);
}

static void add_values(struct strbuf *out, struct metrics *m, struct metrics_prober *p, const struct stats *stats)
{
	struct series *s = stats->success == SUCCESS_UNKNOWN ? NULL : series_get(m, p);

	for (size_t i = 0; s && i < s->n_values; i++) {
		struct series_value *v = &s->values[i];

		add_sample_start(out, m, p, "mrprober_value");
		add_more_label(out, "metric", v->metric);
		add_more_label(out, "unit", v->unit);
		add_sample_end(out, v->labels, v->n_labels, value_load(&v->value));
	}
	series_put(s);
}

static void (*const sections[])(struct strbuf *, struct metrics *, struct metrics_prober *, const struct stats *) = {
	[FAMILY_RUNS] = add_runs,
	[FAMILY_DURATION] = add_durations,
	[FAMILY_SUCCESS] = add_success,
	[FAMILY_CONSECUTIVE] = add_consecutive,
	[FAMILY_LAST_RUN] = add_last_run,
	[FAMILY_VALUE] = add_values,
	[FAMILY_PROBE_SUCCESS] = add_probe_success,
	[FAMILY_PROBE_DURATION] = add_probe_duration,
};

static bool add_section(struct metrics_page *page, struct strbuf *out)
{
	size_t full = out->len + PIECE_BYTES;

	if (page->section >= FAMILY_PROBE_SUCCESS && !page->metrics->compat_blackbox)
		return true;
	if (page->at == 0)
		add_head(out, page->exposition, &family_infos[page->section]);
	for (; page->at < page->probers.n; page->at++) {
		struct metrics_prober *p = page->probers.v[page->at];
		struct stats stats;

		if (out->len >= full)
			return false;
		if (atomic_load_explicit(&p->removed, memory_order_relaxed))
			continue;
		stats_load(&stats, p);
		sections[page->section](out, page->metrics, p, &stats);
	}
	return true;
}

/* --- the agent's own --- */

static void add_agent(struct metrics_page *page, struct strbuf *out)
{
	static const struct histogram_lines delays = { "mrprober_agent_run_delay_seconds_bucket",
		"mrprober_agent_run_delay_seconds_sum", "mrprober_agent_run_delay_seconds_count", delay_bound_texts,
		DELAY_BUCKETS };
	struct metrics *m = page->metrics;
	uint64_t counts[DELAY_BUCKETS];

	for (int i = 0; i < AGENT_METRICS; i++) {
		const struct family_info *info = &agent_metric_infos[i];
		double value = value_load(&m->agent[i]);

		add_head(out, page->exposition, info);
		if (value == 0 && info->absent_at_0)
			continue;
		add_sample_start(out, m, NULL, info->name);
		add_sample_end(out, NULL, 0, value);
	}
	add_head(out, page->exposition, &family_infos[FAMILY_LEFT_OUT]);
	add_uint(out, m, NULL, family_infos[FAMILY_LEFT_OUT].name, atomic_load(&m->conflicts));
	add_head(out, page->exposition, &family_infos[FAMILY_DELAY]);
	for (size_t i = 0; i < DELAY_BUCKETS; i++)
		counts[i] = atomic_load_explicit(&m->delays[i], memory_order_relaxed);
	add_histogram(out, m, NULL, &delays, counts, atomic_load_explicit(&m->delay_ns, memory_order_relaxed));
	add_head(out, page->exposition, &family_infos[FAMILY_BUILD]);
	add_sample_start(out, m, NULL, family_infos[FAMILY_BUILD].name);
	add_sample_end(out, &(struct label){ "version", m->version }, 1, 1);
}

/* --- families of programs, and those that every process has --- */

static void collect_parts(struct metrics_page *page)
{
	struct metrics *m = page->metrics;

	for (size_t i = 0; i < page->probers.n; i++) {
		struct metrics_prober *p = page->probers.v[i];

		pthread_mutex_lock(&m->series_lock);
		for (size_t k = 0; p->series && k < p->series->n_families; k++) {
			struct name *name = p->series->families[k].name;

			if (!name)
				continue;
			name->references++;
			part_vec_push(&page->parts, (struct part){ name, p, page->parts.n });
		}
		pthread_mutex_unlock(&m->series_lock);
	}
	pthread_mutex_lock(&m->series_lock);
	for (size_t i = 0; i < m->names.n; i++) {
		if (m->names.v[i]->own < 0)
			continue;
		m->names.v[i]->references++;
		part_vec_push(&page->parts, (struct part){ m->names.v[i], NULL, page->parts.n });
	}
	pthread_mutex_unlock(&m->series_lock);
}

/* By bytes of the name; a name that went and came back meanwhile is there as two. */
static int compare_parts(const void *a, const void *b)
{
	const struct part *x = a, *y = b;
	int r = x->name == y->name ? 0 : strcmp(x->name->name, y->name->name);

	return r ? r : (x->order > y->order) - (x->order < y->order);
}

static bool has_family(const struct metrics_page *page, const char *name, size_t len)
{
	size_t low = 0, high = page->parts.n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const char *found = page->parts.v[middle].name->name;
		int r = strncmp(found, name, len);

		if (r == 0 && !found[len])
			return true;
		if (r < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

/* OpenMetrics wants "_total" at the end of a counter's samples, and no other family "foo" beside "foo_total". */
static enum series_type shown_type(const struct metrics_page *page, const struct name *name)
{
	if (page->exposition != EXPOSITION_OPENMETRICS || name->type != SERIES_COUNTER)
		return name->type;
	size_t len = strlen(name->name), suffix = strlen("_total");
	if (len <= suffix || !ends_with(name->name, "_total") || has_family(page, name->name, len - suffix))
		return SERIES_UNTYPED;
	return name->type;
}

static void add_part(struct metrics_page *page, struct strbuf *out, const struct part *part)
{
	struct metrics *m = page->metrics;
	struct stats stats;

	if (!part->prober) {
		add_sample_start(out, m, NULL, part->name->name);
		add_sample_end(out, NULL, 0, page->process[part->name->own]);
		return;
	}
	stats_load(&stats, part->prober);
	if (stats.success == SUCCESS_UNKNOWN || atomic_load_explicit(&part->prober->removed, memory_order_relaxed))
		return;
	struct series *s = series_get(m, part->prober);
	for (size_t i = 0; s && i < s->n_families; i++) {
		struct series_family *f = &s->families[i];

		if (f->name != part->name)
			continue;
		for (size_t k = 0; k < f->n_samples; k++) {
			add_sample_start(out, m, part->prober, f->samples[k].name);
			add_sample_end(
				out, f->samples[k].labels, f->samples[k].n_labels, value_load(&f->samples[k].value));
		}
	}
	series_put(s);
}

static void add_part_head(struct metrics_page *page, struct strbuf *out, const struct name *name)
{
	/* tools that check pages want a help text */
	add_head(out, page->exposition,
		&(struct family_info){ name->name, name->help ? name->help : "Printed by a prober.",
			name->own >= 0 ? process_metric_infos[name->own].unit : NULL, shown_type(page, name) });
	page->head = name;
}

static bool add_parts(struct metrics_page *page, struct strbuf *out)
{
	size_t full = out->len + PIECE_BYTES;

	for (; page->at < page->parts.n; page->at++) {
		const struct part *part = &page->parts.v[page->at];

		if (out->len >= full)
			return false;
		if (!page->head || !streq(page->head->name, part->name->name))
			add_part_head(page, out, part->name);
		if (page->head->type == part->name->type)
			add_part(page, out, part);
	}
	return true;
}

/* --- the page --- */

struct metrics_page *metrics_page_begin(struct metrics *metrics, enum exposition exposition)
{
	struct metrics_page *page = xcalloc(1, sizeof(*page));

	page->metrics = metrics;
	page->exposition = exposition;
	probers_get(&page->probers, metrics);
	collect_parts(page);
	if (page->parts.n)
		qsort(page->parts.v, page->parts.n, sizeof(*page->parts.v), compare_parts);
	process_metrics_read(page->process);
	return page;
}

bool metrics_page_next(struct metrics_page *page, struct strbuf *out)
{
	enum { AGENT = ARRAY_SIZE(sections), PARTS, END, DONE };
	bool whole = true;

	if (page->section == DONE)
		return false;
	if (page->section < AGENT)
		whole = add_section(page, out);
	else if (page->section == AGENT)
		add_agent(page, out);
	else if (page->section == PARTS)
		whole = add_parts(page, out);
	else if (page->exposition == EXPOSITION_OPENMETRICS)
		strbuf_addstr(out, "# EOF\n");
	if (whole) {
		page->section++;
		page->at = 0;
	}
	return true;
}

void metrics_page_end(struct metrics_page *page)
{
	if (!page)
		return;
	for (size_t i = 0; i < page->parts.n; i++)
		name_put(page->metrics, page->parts.v[i].name);
	part_vec_clear(&page->parts);
	probers_put(&page->probers);
	free(page);
}

void metrics_format(struct strbuf *out, struct metrics *metrics, enum exposition exposition)
{
	struct metrics_page *page = metrics_page_begin(metrics, exposition);

	while (metrics_page_next(page, out))
		;
	metrics_page_end(page);
}
