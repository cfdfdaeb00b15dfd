/* SPDX-License-Identifier: Apache-2.0 */
/* Room for a line of the agent's own is made once, then bytes are put there: they are nearly all of a page. */
#include "lines.h"

enum { NAME_MAX_BYTES = 48 };

static const char *const type_names[][5] = {
	[EXPOSITION_PROMETHEUS] = { "untyped", "gauge", "counter", "histogram", "summary" },
	[EXPOSITION_OPENMETRICS] = { "unknown", "gauge", "counter", "histogram", "summary" },
};

void add_escaped(struct strbuf *out, const char *s, bool quotes)
{
	for (;;) {
		size_t plain = strcspn(s, quotes ? "\\\n\"" : "\\\n");

		strbuf_add(out, s, plain);
		if (!s[plain])
			return;
		strbuf_addch(out, '\\');
		strbuf_addch(out, s[plain] == '\n' ? 'n' : s[plain]);
		s += plain + 1;
	}
}

/* In OpenMetrics the family of a counter's samples "foo_total" is "foo". */
void add_head(struct strbuf *out, enum exposition exposition, const struct family_info *info)
{
	bool openmetrics = exposition == EXPOSITION_OPENMETRICS;
	int len = (int)strlen(info->name) - (openmetrics && info->type == SERIES_COUNTER ? (int)strlen("_total") : 0);

	strbuf_addf(out, "# HELP %.*s ", len, info->name);
	add_escaped(out, info->help, openmetrics);
	strbuf_addf(out, "\n# TYPE %.*s %s\n", len, info->name, type_names[exposition][info->type]);
	if (openmetrics && info->unit)
		strbuf_addf(out, "# UNIT %.*s %s\n", len, info->name, info->unit);
}

static char *put(char *p, const char *s, size_t len)
{
	memcpy(p, s, len);
	return p + len;
}

static size_t line_bytes(const struct metrics *m, const struct metrics_prober *p)
{
	return NAME_MAX_BYTES + m->prefix_len + (p ? p->text_len : 0) + 64 + NUMBER_MAX;
}

/* `name{cluster="c",host="h",prober="p"`, as far as p is there */
static char *put_start(char *at, const char *name, const struct metrics *m, const struct metrics_prober *p)
{
	at = put(at, name, strlen(name));
	*at++ = '{';
	at = put(at, m->prefix, m->prefix_len - !p); /* it ends with a comma */
	return p ? put(at, p->text, p->text_len) : at;
}

static char *put_uint_line(char *at, uint64_t n)
{
	at = put_uint(put(at, "} ", 2), n);
	*at++ = '\n';
	return at;
}

static char *put_decimal_line(char *at, uint64_t n, unsigned digits)
{
	at = put_decimal(put(at, "} ", 2), n, digits);
	*at++ = '\n';
	return at;
}

void add_histogram(struct strbuf *out, const struct metrics *m, const struct metrics_prober *p,
	const struct histogram_lines *h, const uint64_t *counts, uint64_t sum_ns)
{
	uint64_t n = 0;

	strbuf_grow(out, (h->n + 2) * line_bytes(m, p));
	char *at = out->buf + out->len;
	for (size_t i = 0; i < h->n; i++) {
		n += counts[i];
		at = put(put_start(at, h->bucket, m, p), ",le=\"", 5);
		at = put(at, h->bounds[i], strlen(h->bounds[i]));
		*at++ = '"';
		at = put_uint_line(at, n);
	}
	at = put_decimal_line(put_start(at, h->sum, m, p), sum_ns, 9);
	at = put_uint_line(put_start(at, h->count, m, p), n);
	strbuf_setlen(out, (size_t)(at - out->buf));
}

void add_decimal(struct strbuf *out, const struct metrics *m, const struct metrics_prober *p, const char *name,
	uint64_t n, unsigned digits)
{
	strbuf_grow(out, line_bytes(m, p));
	char *at = put_decimal_line(put_start(out->buf + out->len, name, m, p), n, digits);
	strbuf_setlen(out, (size_t)(at - out->buf));
}

void add_uint(struct strbuf *out, const struct metrics *m, const struct metrics_prober *p, const char *name, uint64_t n)
{
	add_decimal(out, m, p, name, n, 0);
}

void add_run_count(
	struct strbuf *out, const struct metrics *m, const struct metrics_prober *p, int status, int reason, uint64_t n)
{
	strbuf_grow(out, line_bytes(m, p));
	char *at = put_start(out->buf + out->len, "mrprober_runs_total", m, p);
	at = put(at, ",status=\"", 9);
	at = put(at, verdict_status_names[status], strlen(verdict_status_names[status]));
	at = put(at, "\",reason=\"", 10);
	at = put(at, verdict_reason_names[reason], strlen(verdict_reason_names[reason]));
	*at++ = '"';
	at = put_uint_line(at, n);
	strbuf_setlen(out, (size_t)(at - out->buf));
}

void add_sample_start(struct strbuf *out, const struct metrics *m, const struct metrics_prober *p, const char *name)
{
	strbuf_addstr(out, name);
	strbuf_addch(out, '{');
	strbuf_add(out, m->prefix, m->prefix_len - !p);
	if (p)
		strbuf_add(out, p->text, p->text_len);
}

void add_more_label(struct strbuf *out, const char *name, const char *value)
{
	strbuf_addch(out, ',');
	strbuf_addstr(out, name);
	strbuf_add(out, "=\"", 2);
	add_escaped(out, value, true);
	strbuf_addch(out, '"');
}

void add_sample_end(struct strbuf *out, const struct label *labels, size_t n_labels, double value)
{
	char number[NUMBER_MAX];

	for (size_t i = 0; i < n_labels; i++)
		add_more_label(out, labels[i].name, labels[i].value);
	strbuf_add(out, "} ", 2);
	strbuf_add(out, number, (size_t)(put_double(number, value) - number));
	strbuf_addch(out, '\n');
}
