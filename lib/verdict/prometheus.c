/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Output `prometheus`: lines of exposition.c gathered into families. The exit code alone is the verdict, and the series
 * stay whatever it is: a program that fails may still have measured something.
 *
 * In OpenMetrics a counter's family is "foo" where its samples are "foo_total"; here the family is "foo_total", as in
 * the Prometheus format. Times of creation ("foo_created") are left out: they say when the program started.
 */
#include "exposition.h"
#include "internal.h"
#include "number.h"

enum { SLOTS = 4096, NONE = UINT32_MAX };

struct family {
	const char *name, *help;
	enum series_type type;
	bool typed, described;
	size_t n;      /* samples */
	uint32_t next; /* of the same slot */
};

struct found_sample {
	struct verdict_sample sample;
	uint32_t family, line;
};

VEC_DEFINE(family_vec, struct family)
VEC_DEFINE(sample_vec, struct found_sample)

struct gathering {
	struct exposition_reader reader;
	struct family_vec families;
	struct sample_vec samples;
	uint32_t slots[SLOTS];
};

static uint32_t slot_of(const char *name, size_t len)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)name[i]) * 16777619u;
	return h % SLOTS;
}

static struct family *find_family(struct gathering *g, const char *name, size_t len)
{
	for (uint32_t i = g->slots[slot_of(name, len)]; i != NONE; i = g->families.v[i].next) {
		struct family *f = &g->families.v[i];

		if (strncmp(f->name, name, len) == 0 && !f->name[len])
			return f;
	}
	return NULL;
}

/* Pointers to families are good until the next one is added. */
static struct family *get_family(struct gathering *g, const char *name)
{
	struct family *f = find_family(g, name, strlen(name));
	uint32_t *slot = &g->slots[slot_of(name, strlen(name))];

	if (f)
		return f;
	f = family_vec_push(&g->families, (struct family){ .name = name, .next = *slot });
	*slot = (uint32_t)g->families.n - 1;
	return f;
}

static int check_name(struct gathering *g, const char *name)
{
	if (skip_prefix(name, "mrprober_", NULL))
		return exposition_error(
			&g->reader, NULL, "'%s': names that start with 'mrprober_' are the agent's own", name);
	if (g->families.n > VERDICT_SERIES_MAX)
		return exposition_error(&g->reader, NULL, "more than %d families", VERDICT_SERIES_MAX);
	return 0;
}

static int take_type(struct gathering *g, const struct exposition_line *line)
{
	static const struct {
		const char *word;
		enum series_type type;
	} types[] = {
		{ "counter", SERIES_COUNTER },
		{ "gauge", SERIES_GAUGE },
		{ "histogram", SERIES_HISTOGRAM },
		{ "summary", SERIES_SUMMARY },
		{ "untyped", SERIES_UNTYPED },
		{ "unknown", SERIES_UNTYPED }, /* the rest is of OpenMetrics */
		{ "info", SERIES_UNTYPED },
		{ "stateset", SERIES_UNTYPED },
		{ "gaugehistogram", SERIES_UNTYPED },
	};
	struct family *f = get_family(g, line->name);

	if (f->typed)
		return exposition_error(&g->reader, NULL, "a second TYPE of '%s'", f->name);
	if (f->n)
		return exposition_error(&g->reader, NULL, "TYPE of '%s' after its first sample", f->name);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (streq(types[i].word, line->text)) {
			f->type = types[i].type;
			f->typed = true;
			return 0;
		}
	}
	return exposition_error(
		&g->reader, NULL, "'%.40s' is no type (counter, gauge, histogram, summary, untyped)", line->text);
}

static int take_help(struct gathering *g, const struct exposition_line *line)
{
	struct family *f = get_family(g, line->name);

	if (f->described)
		return exposition_error(&g->reader, NULL, "a second HELP of '%s'", f->name);
	f->described = true;
	f->help = *line->text ? line->text : NULL;
	return 0;
}

static const struct label *find_label(const struct verdict_sample *sample, const char *name)
{
	for (size_t i = 0; i < sample->n_labels; i++) {
		if (streq(sample->labels[i].name, name))
			return &sample->labels[i];
	}
	return NULL;
}

static int check_bucket(struct gathering *g, const struct verdict_sample *sample)
{
	const struct label *le = find_label(sample, "le");
	const char *end;
	double bound;

	if (!le)
		return exposition_error(&g->reader, NULL, "bucket '%s' without a label 'le'", sample->name);
	end = le->value + strlen(le->value);
	if (streq(le->value, "+Inf") || number_read(&bound, le->value, end) == end)
		return 0;
	return exposition_error(&g->reader, NULL, "bound '%.40s' of a bucket is no number", le->value);
}

/* The family whose part the sample is by its suffix, or NULL; *dropped: it is of no use. */
static struct family *find_owner(struct gathering *g, const char *name, bool *dropped)
{
	static const struct {
		const char *suffix;
		unsigned types; /* bits of enum series_type */
	} suffixes[] = {
		{ "_bucket", 1u << SERIES_HISTOGRAM },
		{ "_sum", 1u << SERIES_HISTOGRAM | 1u << SERIES_SUMMARY },
		{ "_count", 1u << SERIES_HISTOGRAM | 1u << SERIES_SUMMARY },
		{ "_total", 1u << SERIES_COUNTER },
		{ "_created", 1u << SERIES_HISTOGRAM | 1u << SERIES_SUMMARY | 1u << SERIES_COUNTER },
	};

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		if (!ends_with(name, suffixes[i].suffix))
			continue;
		struct family *f = find_family(g, name, strlen(name) - strlen(suffixes[i].suffix));
		if (f && f->typed && suffixes[i].types & 1u << f->type) {
			*dropped = streq(suffixes[i].suffix, "_created");
			return f;
		}
	}
	return NULL;
}

static struct family *family_of(struct gathering *g, const char *name, bool *dropped)
{
	struct family *f = find_family(g, name, strlen(name));
	struct family *owner = f ? NULL : find_owner(g, name, dropped);

	if (f || (owner && owner->type != SERIES_COUNTER))
		return f ? f : owner;
	struct family base = owner ? *owner : (struct family){ .type = SERIES_UNTYPED };
	f = get_family(g, name);
	f->type = base.type;
	f->help = base.help;
	f->typed = base.typed;
	return f;
}

static int take_sample(struct gathering *g, const struct exposition_line *line)
{
	const struct verdict_sample *sample = &line->sample;
	bool dropped = false;

	if (g->samples.n == VERDICT_SERIES_MAX)
		return exposition_error(&g->reader, NULL, "more than %d series", VERDICT_SERIES_MAX);
	struct family *f = family_of(g, sample->name, &dropped);
	if (dropped)
		return 0;
	if (f->type == SERIES_HISTOGRAM && streq(f->name, sample->name))
		return exposition_error(&g->reader, NULL,
			"histogram '%s' has samples '_bucket', '_sum' and '_count', and none of its own name", f->name);
	if (f->type == SERIES_HISTOGRAM && ends_with(sample->name, "_bucket") && check_bucket(g, sample) < 0)
		return -1;
	f->n++;
	sample_vec_push(&g->samples, (struct found_sample){ *sample, (uint32_t)(f - g->families.v), g->reader.line });
	return 0;
}

static int take_line(struct gathering *g, const struct exposition_line *line)
{
	static int (*const takers[])(struct gathering *, const struct exposition_line *) = {
		[EXPOSITION_HELP] = take_help,
		[EXPOSITION_TYPE] = take_type,
		[EXPOSITION_SAMPLE] = take_sample,
	};

	return check_name(g, line->name) < 0 ? -1 : takers[line->what](g, line);
}

static int compare_samples(const void *a, const void *b)
{
	const struct found_sample *x = *(const struct found_sample *const *)a,
				  *y = *(const struct found_sample *const *)b;
	int r = strcmp(x->sample.name, y->sample.name);

	r = r ? r : labels_compare(x->sample.labels, x->sample.n_labels, y->sample.labels, y->sample.n_labels);
	return r ? r : (x->line > y->line) - (x->line < y->line);
}

static int check_repeated(struct gathering *g)
{
	size_t n = g->samples.n;
	cleanup(freep) const struct found_sample **sorted = xcalloc(n ? n : 1, sizeof(struct found_sample *));

	for (size_t i = 0; i < n; i++)
		sorted[i] = &g->samples.v[i];
	qsort(sorted, n, sizeof(struct found_sample *), compare_samples);
	for (size_t i = 0; i + 1 < n; i++) {
		const struct verdict_sample *a = &sorted[i]->sample, *b = &sorted[i + 1]->sample;

		if (streq(a->name, b->name) && labels_compare(a->labels, a->n_labels, b->labels, b->n_labels) == 0) {
			g->reader.line = sorted[i + 1]->line;
			return exposition_error(
				&g->reader, NULL, "the same series as in line %u: '%s'", sorted[i]->line, a->name);
		}
	}
	return 0;
}

/* Samples by family, in the order in which they came; families without any are left out. */
static void hand_out(struct verdict *out, struct gathering *g)
{
	struct arena *arena = g->reader.arena;
	struct verdict_sample *samples = arena_alloc(arena, g->samples.n * sizeof(*samples));
	struct verdict_family *families = arena_alloc(arena, g->families.n * sizeof(*families));
	cleanup(freep) size_t *next = xcalloc(g->families.n + 1, sizeof(*next));
	size_t at = 0;

	for (size_t i = 0; i < g->families.n; i++) {
		const struct family *f = &g->families.v[i];

		next[i] = at;
		if (f->n)
			families[out->n_families++] =
				(struct verdict_family){ f->name, f->help, f->type, samples + at, f->n };
		at += f->n;
	}
	for (size_t i = 0; i < g->samples.n; i++)
		samples[next[g->samples.v[i].family]++] = g->samples.v[i].sample;
	out->families = families;
}

static void gathering_release(struct gathering *g)
{
	family_vec_clear(&g->families);
	sample_vec_clear(&g->samples);
}

void read_prometheus(struct reading *reading)
{
	cleanup(gathering_release) struct gathering g = {
		.reader = { .arena = reading->arena, .at = reading->text, .end = reading->end }
	};
	struct exposition_line line;
	int r;

	memset(g.slots, 0xff, sizeof(g.slots));
	while ((r = exposition_next(&line, &g.reader)) > 0) {
		if ((r = take_line(&g, &line)) < 0)
			break;
	}
	if (r < 0 || check_repeated(&g) < 0) {
		verdict_bad_output(reading, "%s", g.reader.error);
		return;
	}
	verdict_by_exit_code(reading->out, reading->exit_code);
	hand_out(reading->out, &g);
	/* its first line is a comment, which says nothing about this run */
	reading->out->message =
		arena_printf(reading->arena, "exit code %d, %zu series", reading->exit_code, g.samples.n);
}
