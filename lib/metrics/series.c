/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values and families of the last verdict, copied. From run to run the shape mostly stays, and then only the numbers
 * are stored. Names of families are shared by all probers, since a family is one block of the page: who comes first
 * says its type, and another type under the same name is left out as long as the first is there.
 */
#include "internal.h"

#include "../base/log.h"

static size_t name_place(const struct name_vec *names, const char *name, bool *found)
{
	size_t low = 0, high = names->n;

	*found = false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int r = strcmp(names->v[middle]->name, name);

		if (r == 0) {
			*found = true;
			return middle;
		}
		if (r < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool has_parts(enum series_type type, const char *suffix)
{
	return type == SERIES_HISTOGRAM || (type == SERIES_SUMMARY && !streq(suffix, "_bucket"));
}

/* "foo_sum" beside a histogram "foo", or the other way round: whoever reads the page takes one for a part of the other.
 */
static bool is_part(const struct name_vec *names, const char *name, enum series_type type)
{
	static const char *const suffixes[] = { "_bucket", "_sum", "_count" };

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		const char *suffix = suffixes[i];
		size_t len = strlen(name) - (ends_with(name, suffix) ? strlen(suffix) : 0);
		cleanup(freep) char *whole = xasprintf("%.*s", (int)len, name), *part = xasprintf("%s%s", name, suffix);
		bool there;
		size_t at = name_place(names, whole, &there);

		if (there && ends_with(name, suffix) && has_parts(names->v[at]->type, suffix))
			return true;
		name_place(names, part, &there);
		if (there && has_parts(type, suffix))
			return true;
	}
	return false;
}

struct name *name_get(struct metrics *m, const char *name, const char *help, enum series_type type, int own)
{
	struct name *found = NULL;
	bool there;

	pthread_mutex_lock(&m->series_lock);
	size_t at = name_place(&m->names, name, &there);
	if (there) {
		found = m->names.v[at];
		found = found->type == type && found->own != -2 ? found : NULL;
	} else if (own != -1 || (!skip_prefix(name, "mrprober_", NULL) && !is_part(&m->names, name, type))) {
		found = xcalloc(1, sizeof(*found));
		*found = (struct name){
			.name = xstrdup(name), .help = help ? xstrdup(help) : NULL, .type = type, .own = own
		};
		name_vec_push(&m->names, found);
		memmove(&m->names.v[at + 1], &m->names.v[at], (m->names.n - 1 - at) * sizeof(found));
		m->names.v[at] = found;
	}
	if (found)
		found->references++;
	pthread_mutex_unlock(&m->series_lock);
	return found;
}

void name_put(struct metrics *m, struct name *name)
{
	bool found, last;

	pthread_mutex_lock(&m->series_lock);
	last = --name->references == 0;
	if (last) {
		size_t at = name_place(&m->names, name->name, &found);

		memmove(&m->names.v[at], &m->names.v[at + 1], (--m->names.n - at) * sizeof(name));
	}
	pthread_mutex_unlock(&m->series_lock);
	if (!last)
		return;
	free(name->name);
	free(name->help);
	free(name);
}

struct series *series_get(struct metrics *m, struct metrics_prober *prober)
{
	pthread_mutex_lock(&m->series_lock);
	struct series *s = prober->series;
	if (s)
		atomic_fetch_add_explicit(&s->references, 1, memory_order_relaxed);
	pthread_mutex_unlock(&m->series_lock);
	return s;
}

void series_put(struct series *s)
{
	if (!s || atomic_fetch_sub_explicit(&s->references, 1, memory_order_acq_rel) != 1)
		return;
	for (size_t i = 0; i < s->n_families; i++) {
		if (s->families[i].name)
			name_put(s->metrics, s->families[i].name);
	}
	atomic_fetch_sub(&s->metrics->conflicts, s->conflicts);
	free(s);
}

static bool has_label(const struct label *labels, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (streq(labels[i].name, name))
			return true;
	}
	return false;
}

/* The prober's label wins, the program's becomes "exported_NAME": what Prometheus itself does with such a pair. */
static const char *own_name(
	struct strbuf *scratch, const struct metrics_prober *p, const struct label *labels, size_t n, const char *name)
{
	if (!has_label(p->labels, p->n_labels, name))
		return name;
	strbuf_reset(scratch);
	strbuf_addf(scratch, "exported_%s", name);
	while (has_label(p->labels, p->n_labels, scratch->buf) || has_label(labels, n, scratch->buf)) {
		cleanup(freep) char *longer = xasprintf("exported_%s", scratch->buf);

		strbuf_reset(scratch);
		strbuf_addstr(scratch, longer);
	}
	return scratch->buf;
}

/* Where copies go. With `text` NULL they are only counted. */
struct copier {
	const struct metrics_prober *prober;
	struct label *labels;
	char *text;
	size_t n_labels, n_bytes;
	bool renamed;
	struct strbuf scratch;
};

static const char *copy_string(struct copier *c, const char *s)
{
	size_t size = strlen(s) + 1;
	char *copy = c->text ? c->text + c->n_bytes : NULL;

	if (copy)
		memcpy(copy, s, size);
	c->n_bytes += size;
	return copy;
}

static const struct label *copy_labels(struct copier *c, const struct label *labels, size_t n)
{
	struct label *copies = c->text ? c->labels + c->n_labels : NULL;

	for (size_t i = 0; i < n; i++) {
		const char *name = own_name(&c->scratch, c->prober, labels, n, labels[i].name);

		c->renamed |= name != labels[i].name;
		name = copy_string(c, name);
		const char *value = copy_string(c, labels[i].value);
		if (copies)
			copies[i] = (struct label){ name, value };
	}
	c->n_labels += n;
	return copies;
}

static void copy_value(struct series_value *out, struct copier *c, const struct verdict_value *v)
{
	const char *metric = copy_string(c, v->metric), *unit = copy_string(c, v->unit);
	const struct label *labels = copy_labels(c, v->labels, v->n_labels);

	if (!out)
		return;
	*out = (struct series_value){ .metric = metric, .unit = unit, .labels = labels, .n_labels = v->n_labels };
	atomic_init(&out->value, double_bits(v->value));
}

static void copy_sample(struct series_sample *out, struct copier *c, const struct verdict_sample *v)
{
	const char *name = copy_string(c, v->name);
	const struct label *labels = copy_labels(c, v->labels, v->n_labels);

	if (!out)
		return;
	*out = (struct series_sample){ .name = name, .labels = labels, .n_labels = v->n_labels };
	atomic_init(&out->value, double_bits(v->value));
}

/* Fills the block, or counts what it will need (s NULL). */
static void copy_all(struct series *s, struct copier *c, struct series_sample *samples, const struct verdict *v)
{
	for (size_t i = 0; i < v->n_values; i++)
		copy_value(s ? &s->values[i] : NULL, c, &v->values[i]);
	for (size_t i = 0; i < v->n_families; i++) {
		const struct verdict_family *f = &v->families[i];
		const char *text = copy_string(c, f->name);

		if (s)
			s->families[i] = (struct series_family){
				.text = text, .type = f->type, .samples = samples, .n_samples = f->n_samples
			};
		for (size_t k = 0; k < f->n_samples; k++)
			copy_sample(s ? &samples[k] : NULL, c, &f->samples[k]);
		samples = s ? samples + f->n_samples : NULL;
	}
}

static struct series *series_new(struct metrics *m, const struct metrics_prober *p, const struct verdict *v)
{
	struct copier c = { .prober = p, .scratch = STRBUF_INIT };
	size_t n_samples = 0;

	for (size_t i = 0; i < v->n_families; i++)
		n_samples += v->families[i].n_samples;
	copy_all(NULL, &c, NULL, v);
	struct series *s =
		xmalloc(sizeof(*s) + v->n_values * sizeof(*s->values) + v->n_families * sizeof(*s->families) +
			n_samples * sizeof(struct series_sample) + c.n_labels * sizeof(struct label) + c.n_bytes);
	*s = (struct series){
		.metrics = m, .n_values = v->n_values, .n_families = v->n_families, .renamed = c.renamed
	};
	atomic_init(&s->references, 1);
	s->values = (struct series_value *)(s + 1);
	s->families = (struct series_family *)(s->values + s->n_values);
	struct series_sample *samples = (struct series_sample *)(s->families + s->n_families);
	c.labels = (struct label *)(samples + n_samples);
	c.text = (char *)(c.labels + c.n_labels);
	c.n_labels = c.n_bytes = 0;
	copy_all(s, &c, samples, v);
	strbuf_release(&c.scratch);
	return s;
}

/* Names for the families. What was left out before, too, has been said before. */
static void take_names(struct metrics *m, const struct metrics_prober *p, struct series *s, const struct verdict *v)
{
	const struct series *before = p->series;
	const char *first = NULL;

	for (size_t i = 0; i < s->n_families; i++) {
		struct series_family *f = &s->families[i];

		f->name = name_get(m, f->text, v->families[i].help, f->type, -1);
		if (!f->name) {
			s->conflicts++;
			first = first ? first : f->text;
		}
	}
	atomic_fetch_add(&m->conflicts, s->conflicts);
	if (s->conflicts > (before ? before->conflicts : 0))
		log_warning(
			"prober '%s': %zu families are left out, as others have their names with another type: '%s'%s",
			p->labels[2].value, s->conflicts, first, s->conflicts > 1 ? ", ..." : "");
}

static bool same_labels(const struct label *a, const struct label *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!streq(a[i].name, b[i].name) || !streq(a[i].value, b[i].value))
			return false;
	}
	return true;
}

static bool same_values(const struct series *s, const struct verdict *v)
{
	if (s->n_values != v->n_values)
		return false;
	for (size_t i = 0; i < v->n_values; i++) {
		const struct series_value *a = &s->values[i];
		const struct verdict_value *b = &v->values[i];

		if (a->n_labels != b->n_labels || !streq(a->metric, b->metric) || !streq(a->unit, b->unit) ||
			!same_labels(a->labels, b->labels, a->n_labels))
			return false;
	}
	return true;
}

static bool same_family(const struct series_family *a, const struct verdict_family *b)
{
	if (a->type != b->type || a->n_samples != b->n_samples || !streq(a->text, b->name))
		return false;
	for (size_t i = 0; i < b->n_samples; i++) {
		const struct series_sample *x = &a->samples[i];
		const struct verdict_sample *y = &b->samples[i];

		if (x->n_labels != y->n_labels || !streq(x->name, y->name) ||
			!same_labels(x->labels, y->labels, x->n_labels))
			return false;
	}
	return true;
}

static bool same_shape(const struct series *s, const struct verdict *v)
{
	if (s->renamed || s->conflicts || s->n_families != v->n_families || !same_values(s, v))
		return false;
	for (size_t i = 0; i < v->n_families; i++) {
		if (!same_family(&s->families[i], &v->families[i]))
			return false;
	}
	return true;
}

static void store_numbers(struct series *s, const struct verdict *v)
{
	for (size_t i = 0; i < s->n_values; i++)
		atomic_store_explicit(&s->values[i].value, double_bits(v->values[i].value), memory_order_relaxed);
	for (size_t i = 0; i < s->n_families; i++) {
		for (size_t k = 0; k < s->families[i].n_samples; k++)
			atomic_store_explicit(&s->families[i].samples[k].value,
				double_bits(v->families[i].samples[k].value), memory_order_relaxed);
	}
}

void series_update(struct metrics *m, struct metrics_prober *p, const struct verdict *v)
{
	struct series *before = p->series, *now = NULL;

	if (before ? same_shape(before, v) : !v->n_values && !v->n_families) {
		if (before)
			store_numbers(before, v);
		return;
	}
	if (v->n_values || v->n_families) {
		now = series_new(m, p, v);
		take_names(m, p, now, v);
	}
	pthread_mutex_lock(&m->series_lock);
	p->series = now;
	pthread_mutex_unlock(&m->series_lock);
	series_put(before);
}
