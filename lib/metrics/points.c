/* SPDX-License-Identifier: Apache-2.0 */
/* The same series one by one, for pushes. */
#include "internal.h"

enum { LABELS_MAX = 320, BOUNDS_MAX = 256 };

struct walk {
	struct metrics *metrics;
	void (*each)(void *ctx, const struct metrics_point *point);
	void *ctx;
	struct label labels[LABELS_MAX];
	size_t n_labels;
};

static void set_labels(struct walk *w, const struct metrics_prober *p)
{
	w->labels[0] = (struct label){ "cluster", w->metrics->cluster };
	w->labels[1] = (struct label){ "host", w->metrics->host };
	w->n_labels = 2;
	for (size_t i = 2; p && i < p->n_labels && w->n_labels < LABELS_MAX; i++)
		w->labels[w->n_labels++] = p->labels[i];
}

static void give(struct walk *w, struct metrics_point point, const struct label *more, size_t n_more)
{
	size_t n = w->n_labels;

	for (size_t i = 0; i < n_more && n < LABELS_MAX; i++)
		w->labels[n++] = more[i];
	point.labels = w->labels;
	point.n_labels = n;
	w->each(w->ctx, &point);
}

static struct metrics_point point_of(const struct family_info *info, double value)
{
	return (struct metrics_point){ .family = info->name,
		.type = info->type,
		.help = info->help,
		.unit = info->unit ? info->unit : "",
		.value = value };
}

static void give_runs(struct walk *w, const struct stats *s, int64_t start_ms)
{
	for (int status = 0; status < VERDICT_STATUSES; status++) {
		for (int reason = 0; reason < VERDICT_REASONS; reason++) {
			const struct label labels[] = { { "status", verdict_status_names[status] },
				{ "reason", verdict_reason_names[reason] } };
			struct metrics_point point = point_of(&family_infos[FAMILY_RUNS], s->runs[status][reason]);

			point.start_ms = start_ms;
			if (run_count_shown(s, status, reason))
				give(w, point, labels, 2);
		}
	}
}

static void give_gauge(struct walk *w, enum family family, double value)
{
	give(w, point_of(&family_infos[family], value), NULL, 0);
}

static void give_durations(struct walk *w, const struct stats *s, int64_t start_ms)
{
	struct metrics_point point = point_of(&family_infos[FAMILY_DURATION], 0);
	uint64_t counts[DURATION_BUCKETS];

	for (size_t i = 0; i < DURATION_BUCKETS; i++) {
		counts[i] = s->buckets[i];
		point.count += counts[i];
	}
	point.bounds = duration_bounds;
	point.n_bounds = DURATION_BUCKETS - 1;
	point.counts = counts;
	point.sum = (double)s->duration_ns / 1e9;
	point.start_ms = start_ms;
	give(w, point, NULL, 0);
}

static void give_values(struct walk *w, struct series *s)
{
	for (size_t i = 0; i < s->n_values; i++) {
		struct series_value *v = &s->values[i];
		struct label labels[LABELS_MAX] = { { "metric", v->metric }, { "unit", v->unit } };
		size_t n = 2;

		for (size_t k = 0; k < v->n_labels && n < LABELS_MAX; k++)
			labels[n++] = v->labels[k];
		give(w, point_of(&family_infos[FAMILY_VALUE], value_load(&v->value)), labels, n);
	}
}

/* --- histograms of programs, whose samples are put together again --- */

struct whole {
	const struct label *labels; /* of its first sample */
	size_t n_labels;
	double bounds[BOUNDS_MAX];
	uint64_t counts[BOUNDS_MAX + 1];
	size_t n;
	double last, sum;
	bool broken, closed; /* closed: +Inf has come */
};

static bool same_but_le(const struct label *a, size_t n_a, const struct label *b, size_t n_b)
{
	size_t i = 0, k = 0;

	for (;; i++, k++) {
		i += i < n_a && streq(a[i].name, "le");
		k += k < n_b && streq(b[k].name, "le");
		if (i == n_a || k == n_b)
			return i == n_a && k == n_b;
		if (!streq(a[i].name, b[k].name) || !streq(a[i].value, b[k].value))
			return false;
	}
}

static void add_bucket(struct whole *h, const struct series_sample *s, double value)
{
	double bound = 0, n = value - h->last;

	for (size_t i = 0; i < s->n_labels; i++) {
		if (streq(s->labels[i].name, "le"))
			bound = strtod(s->labels[i].value, NULL); /* "+Inf" too */
	}
	h->closed |= bound > 1.7976931348623157e308;
	if (!(n >= 0 && n < 0x1p63) || h->n == BOUNDS_MAX || (h->n && bound <= h->bounds[h->n - 1])) {
		h->broken = true;
		return;
	}
	h->counts[h->n] = (uint64_t)n;
	h->bounds[h->n++] = bound;
	h->last = value;
}

/* From the sample `first`, the histogram with its labels; nothing when that came before, or its buckets make no sense.
 */
static void give_histogram(struct walk *w, const struct series_family *f, size_t first, int64_t start_ms)
{
	struct whole h = { .labels = f->samples[first].labels, .n_labels = f->samples[first].n_labels };
	struct label labels[LABELS_MAX];
	size_t n = 0;

	/* mostly the samples of a histogram stand together */
	if (first && same_but_le(h.labels, h.n_labels, f->samples[first - 1].labels, f->samples[first - 1].n_labels))
		return;
	for (size_t i = 0; i < f->n_samples; i++) {
		struct series_sample *s = &f->samples[i];

		if (!same_but_le(h.labels, h.n_labels, s->labels, s->n_labels))
			continue;
		if (i < first)
			return;
		if (ends_with(s->name, "_bucket"))
			add_bucket(&h, s, value_load(&s->value));
		else if (ends_with(s->name, "_sum"))
			h.sum = value_load(&s->value);
	}
	if (h.broken || !h.closed)
		return;
	for (size_t i = 0; i < h.n_labels && n < LABELS_MAX; i++) {
		if (!streq(h.labels[i].name, "le"))
			labels[n++] = h.labels[i];
	}
	give(w,
		(struct metrics_point){ .family = f->text,
			.type = SERIES_HISTOGRAM,
			.help = f->name->help,
			.unit = "",
			.bounds = h.bounds,
			.counts = h.counts,
			.n_bounds = h.n - 1,
			.sum = h.sum,
			.count = (uint64_t)h.last,
			.start_ms = start_ms },
		labels, n);
}

/* Summaries are given sample by sample, without a type: whoever takes pushes seldom knows them. */
static void give_family(struct walk *w, const struct series_family *f, int64_t start_ms)
{
	enum series_type type = f->type == SERIES_SUMMARY ? SERIES_UNTYPED : f->type;

	for (size_t i = 0; f->name && i < f->n_samples; i++) {
		struct series_sample *s = &f->samples[i];

		if (f->type == SERIES_HISTOGRAM)
			give_histogram(w, f, i, start_ms);
		else
			give(w,
				(struct metrics_point){ .family = s->name,
					.type = type,
					.help = f->name->help,
					.unit = "",
					.value = value_load(&s->value),
					.start_ms = type == SERIES_COUNTER ? start_ms : 0 },
				s->labels, s->n_labels);
	}
}

static void give_prober(struct walk *w, struct metrics_prober *p)
{
	struct stats s;

	stats_load(&s, p);
	set_labels(w, p);
	give_runs(w, &s, p->start_ms);
	give_durations(w, &s, p->start_ms);
	give_gauge(w, FAMILY_CONSECUTIVE, (double)s.consecutive_failures);
	if (s.last_run_ms > 0)
		give_gauge(w, FAMILY_LAST_RUN, (double)s.last_run_ms / 1000);
	if (s.success == SUCCESS_UNKNOWN)
		return;
	give_gauge(w, FAMILY_SUCCESS, (double)s.success);
	if (w->metrics->compat_blackbox) {
		give_gauge(w, FAMILY_PROBE_SUCCESS, (double)s.success);
		give_gauge(w, FAMILY_PROBE_DURATION, (double)s.last_duration_ns / 1e9);
	}
	struct series *series = series_get(w->metrics, p);
	if (series) {
		give_values(w, series);
		for (size_t i = 0; i < series->n_families; i++)
			give_family(w, &series->families[i], p->start_ms);
	}
	series_put(series);
}

static void give_infos(
	struct walk *w, const struct family_info *infos, const double *values, size_t n, int64_t start_ms)
{
	for (size_t i = 0; i < n; i++) {
		struct metrics_point point = point_of(&infos[i], values[i]);

		point.start_ms = point.type == SERIES_COUNTER ? start_ms : 0;
		if (values[i] != 0 || !infos[i].absent_at_0)
			give(w, point, NULL, 0);
	}
}

static void give_delays(struct walk *w)
{
	struct metrics *m = w->metrics;
	struct metrics_point point = point_of(&family_infos[FAMILY_DELAY], 0);
	uint64_t counts[DELAY_BUCKETS];

	for (size_t i = 0; i < DELAY_BUCKETS; i++) {
		counts[i] = atomic_load_explicit(&m->delays[i], memory_order_relaxed);
		point.count += counts[i];
	}
	point.bounds = delay_bounds;
	point.n_bounds = DELAY_BUCKETS - 1;
	point.counts = counts;
	point.sum = (double)atomic_load_explicit(&m->delay_ns, memory_order_relaxed) / 1e9;
	point.start_ms = m->start_ms;
	give(w, point, NULL, 0);
}

static void give_agent(struct walk *w)
{
	struct metrics *m = w->metrics;
	double values[AGENT_METRICS], process[PROCESS_METRICS];

	set_labels(w, NULL);
	for (int i = 0; i < AGENT_METRICS; i++)
		values[i] = value_load(&m->agent[i]);
	process_metrics_read(process);
	give_infos(w, agent_metric_infos, values, AGENT_METRICS, m->start_ms);
	give_infos(w, process_metric_infos, process, PROCESS_METRICS, m->start_ms);
	give_gauge(w, FAMILY_LEFT_OUT, (double)atomic_load(&m->conflicts));
	give_delays(w);
	give(w, point_of(&family_infos[FAMILY_BUILD], 1), &(struct label){ "version", m->version }, 1);
}

void metrics_each(struct metrics *metrics, void (*each)(void *ctx, const struct metrics_point *point), void *ctx)
{
	cleanup(probers_put) struct prober_vec probers = VEC_INIT;
	struct walk w = { .metrics = metrics, .each = each, .ctx = ctx };

	probers_get(&probers, metrics);
	for (size_t i = 0; i < probers.n; i++) {
		if (!atomic_load_explicit(&probers.v[i]->removed, memory_order_relaxed))
			give_prober(&w, probers.v[i]);
	}
	give_agent(&w);
}
