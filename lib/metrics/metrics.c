/* SPDX-License-Identifier: Apache-2.0 */
/* What the writer does. Where to read next: series.c (values of a verdict), page.c (text), points.c (pushes). */
#include "internal.h"

#include <sched.h>
#include <time.h>

#include "lines.h"

const double duration_bounds[] = { 0.005, 0.025, 0.1, 0.5, 2.5, 10, 60 };
const char *const duration_bound_texts[] = { "0.005", "0.025", "0.1", "0.5", "2.5", "10.0", "60.0", "+Inf" };
const double delay_bounds[] = { 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2, 10 };
const char *const delay_bound_texts[] = { "0.001", "0.002", "0.005", "0.01", "0.02", "0.05", "0.1", "0.5", "2.0",
	"10.0", "+Inf" };

_Static_assert(sizeof(struct stats) % 8 == 0, "stats are copied by words");

static int64_t wall_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void add_label(struct strbuf *out, const char *name, const char *value)
{
	if (out->len)
		strbuf_addch(out, ',');
	strbuf_addf(out, "%s=\"", name);
	add_escaped(out, value, true);
	strbuf_addch(out, '"');
}

struct metrics *metrics_new(const struct metrics_options *options)
{
	struct metrics *m = xcalloc(1, sizeof(*m));
	struct strbuf prefix = STRBUF_INIT;

	m->cluster = xstrdup(options->cluster);
	m->host = xstrdup(options->host);
	m->version = xstrdup(options->version);
	m->compat_blackbox = options->compat_blackbox;
	m->start_ms = wall_ms();
	add_label(&prefix, "cluster", m->cluster);
	add_label(&prefix, "host", m->host);
	strbuf_addch(&prefix, ',');
	m->prefix = strbuf_detach(&prefix, &m->prefix_len);
	pthread_mutex_init(&m->list_lock, NULL);
	pthread_mutex_init(&m->series_lock, NULL);
	for (int i = 0; i < PROCESS_METRICS; i++) {
		const struct family_info *info = &process_metric_infos[i];

		name_get(m, info->name, info->help, info->type, i);
	}
	if (m->compat_blackbox) {
		name_get(m, "probe_success", NULL, SERIES_GAUGE, -2);
		name_get(m, "probe_duration_seconds", NULL, SERIES_GAUGE, -2);
	}
	return m;
}

static void prober_put(struct metrics_prober *prober)
{
	if (atomic_fetch_sub_explicit(&prober->references, 1, memory_order_acq_rel) != 1)
		return;
	series_put(prober->series);
	free(prober);
}

void metrics_free(struct metrics *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->probers.n; i++)
		prober_put(m->probers.v[i]);
	prober_vec_clear(&m->probers);
	while (m->names.n)
		name_put(m, m->names.v[m->names.n - 1]);
	name_vec_clear(&m->names);
	pthread_mutex_destroy(&m->list_lock);
	pthread_mutex_destroy(&m->series_lock);
	free(m->cluster);
	free(m->host);
	free(m->version);
	free(m->prefix);
	free(m);
}

static const char *copy_text(char **at, const char *s, size_t len)
{
	char *copy = *at;

	memcpy(copy, s, len);
	copy[len] = '\0';
	*at += len + 1;
	return copy;
}

/* All in one block of memory: there may be thousands. */
static struct metrics_prober *prober_new(struct metrics *m, const char *name, const struct label *labels, size_t n)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	size_t size = sizeof(struct metrics_prober) + (n + 3) * sizeof(struct label) + strlen(name) + 1;

	add_label(&text, "prober", name);
	for (size_t i = 0; i < n; i++) {
		add_label(&text, labels[i].name, labels[i].value);
		size += strlen(labels[i].name) + strlen(labels[i].value) + 2;
	}
	struct metrics_prober *p = xcalloc(1, size + text.len + 1);
	char *at = (char *)(p->labels + n + 3);
	p->n_labels = n + 3;
	p->labels[0] = (struct label){ "cluster", m->cluster };
	p->labels[1] = (struct label){ "host", m->host };
	p->labels[2] = (struct label){ "prober", copy_text(&at, name, strlen(name)) };
	for (size_t i = 0; i < n; i++) {
		p->labels[i + 3].name = copy_text(&at, labels[i].name, strlen(labels[i].name));
		p->labels[i + 3].value = copy_text(&at, labels[i].value, strlen(labels[i].value));
	}
	p->text_len = text.len;
	p->text = copy_text(&at, text.buf, text.len);
	return p;
}

/* Each store is a release and each load of a reader an acquire, so that whoever sees a new word sees the odd number
 * that was there before it. */
static void stats_store(struct metrics_prober *p, const struct stats *stats)
{
	unsigned sequence = atomic_load_explicit(&p->sequence, memory_order_relaxed);
	uint64_t words[STATS_WORDS];

	memcpy(words, stats, sizeof(words));
	atomic_store_explicit(&p->sequence, sequence + 1, memory_order_relaxed);
	for (size_t i = 0; i < STATS_WORDS; i++)
		atomic_store_explicit(&p->words[i], words[i], memory_order_release);
	atomic_store_explicit(&p->sequence, sequence + 2, memory_order_release);
}

void stats_load(struct stats *out, struct metrics_prober *p)
{
	uint64_t words[STATS_WORDS];
	unsigned before;

	for (;;) {
		before = atomic_load_explicit(&p->sequence, memory_order_acquire);
		for (size_t i = 0; i < STATS_WORDS; i++)
			words[i] = atomic_load_explicit(&p->words[i], memory_order_acquire);
		if (!(before & 1) && before == atomic_load_explicit(&p->sequence, memory_order_relaxed))
			break;
		sched_yield(); /* the writer may have been put off in between */
	}
	memcpy(out, words, sizeof(words));
}

struct metrics_prober *metrics_prober_add(
	struct metrics *m, const char *prober, const struct label *labels, size_t n_labels)
{
	struct metrics_prober *p = prober_new(m, prober, labels, n_labels);

	atomic_init(&p->references, 1);
	p->start_ms = wall_ms();
	stats_store(p, &(struct stats){ .success = SUCCESS_UNKNOWN });
	pthread_mutex_lock(&m->list_lock);
	p->index = m->probers.n;
	prober_vec_push(&m->probers, p);
	pthread_mutex_unlock(&m->list_lock);
	return p;
}

void metrics_prober_remove(struct metrics *m, struct metrics_prober *p)
{
	pthread_mutex_lock(&m->list_lock);
	struct metrics_prober *last = m->probers.v[--m->probers.n];
	m->probers.v[p->index] = last;
	last->index = p->index;
	atomic_store(&p->removed, true);
	pthread_mutex_unlock(&m->list_lock);
	prober_put(p);
}

void probers_get(struct prober_vec *out, struct metrics *m)
{
	pthread_mutex_lock(&m->list_lock);
	out->n = out->alloc = m->probers.n;
	out->v = xmalloc((out->n ? out->n : 1) * sizeof(*out->v));
	for (size_t i = 0; i < out->n; i++) {
		out->v[i] = m->probers.v[i];
		atomic_fetch_add_explicit(&out->v[i]->references, 1, memory_order_relaxed);
	}
	pthread_mutex_unlock(&m->list_lock);
}

void probers_put(struct prober_vec *probers)
{
	for (size_t i = 0; i < probers->n; i++)
		prober_put(probers->v[i]);
	prober_vec_clear(probers);
}

void metrics_prober_record(struct metrics *m, struct metrics_prober *p, const struct verdict *verdict,
	double duration_s, int64_t run_ms, int64_t consecutive_failures)
{
	struct stats s;

	stats_load(&s, p);
	s.runs[verdict->status][verdict->reason]++;
	s.consecutive_failures = consecutive_failures;
	if (duration_s >= 0) {
		size_t i = 0;

		while (i < DURATION_BUCKETS - 1 && duration_s > duration_bounds[i])
			i++;
		s.buckets[i]++;
		s.last_duration_ns = nearest(duration_s * 1e9);
		s.duration_ns += s.last_duration_ns;
		s.last_run_ms = run_ms;
	}
	s.success = verdict->status == VERDICT_ERROR ? SUCCESS_UNKNOWN : verdict->status == VERDICT_SUCCESS;
	if (verdict->status != VERDICT_ERROR)
		series_update(m, p, verdict);
	stats_store(p, &s);
}

void metrics_agent_add(struct metrics *m, enum agent_metric which, int64_t n)
{
	uint64_t old = atomic_load_explicit(&m->agent[which], memory_order_relaxed);

	while (!atomic_compare_exchange_weak(&m->agent[which], &old, double_bits(bits_double(old) + (double)n)))
		;
}

void metrics_agent_set(struct metrics *m, enum agent_metric which, double value)
{
	atomic_store_explicit(&m->agent[which], double_bits(value), memory_order_relaxed);
}

void metrics_agent_delay(struct metrics *m, double seconds)
{
	size_t i = 0;

	seconds = seconds > 0 ? seconds : 0;
	while (i < DELAY_BUCKETS - 1 && seconds > delay_bounds[i])
		i++;
	atomic_fetch_add_explicit(&m->delays[i], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&m->delay_ns, nearest(seconds * 1e9), memory_order_relaxed);
}
