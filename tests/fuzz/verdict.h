/* SPDX-License-Identifier: Apache-2.0 */
/* What holds for each verdict, whatever a program printed. */
#ifndef MRP_TESTS_FUZZ_VERDICT_H
#define MRP_TESTS_FUZZ_VERDICT_H

#include <math.h>

#include "../../lib/base/text.h"
#include "../../lib/model/kinds.h"
#include "../../lib/model/schema.h"
#include "../../lib/verdict/verdict.h"
#include "fuzz.h"

static inline void check_text(const char *text)
{
	MUST(text && utf8_valid(text, strlen(text)));
}

static inline void check_labels(const struct label *labels, size_t n, bool bucket)
{
	for (size_t i = 0; i < n; i++) {
		MUST(valid_identifier(labels[i].name, strlen(labels[i].name)));
		MUST(!label_reserved(labels[i].name) || (bucket && streq(labels[i].name, "le")));
		MUST(i == 0 || strcmp(labels[i - 1].name, labels[i].name) < 0);
		check_text(labels[i].value);
	}
}

static inline void check_families(const struct verdict *v)
{
	size_t n = 0;

	for (size_t i = 0; i < v->n_families; i++) {
		const struct verdict_family *f = &v->families[i];

		MUST(f->n_samples && !skip_prefix(f->name, "mrprober_", NULL));
		if (f->help)
			check_text(f->help);
		n += f->n_samples;
		for (size_t k = 0; k < f->n_samples; k++) {
			MUST(skip_prefix(f->samples[k].name, f->name, NULL));
			check_labels(
				f->samples[k].labels, f->samples[k].n_labels, ends_with(f->samples[k].name, "_bucket"));
		}
	}
	MUST(n <= VERDICT_SERIES_MAX);
}

static inline int check_verdict(enum output_format format, const uint8_t *data, size_t size)
{
	for (int code = 0; code < 4; code++) {
		cleanup(arena_release) struct arena arena = ARENA_INIT;
		struct verdict v;

		verdict_read(&v, &arena, format, code & 1, code, (const char *)data, size);
		MUST(v.status < VERDICT_STATUSES && v.reason < VERDICT_REASONS);
		MUST(strlen(v.message) <= VERDICT_MESSAGE_MAX && !strchr(v.message, '\n'));
		check_text(v.message);
		if (format == OUTPUT_NAGIOS)
			MUST(v.reason != REASON_OUTPUT);
		if (v.reason == REASON_OUTPUT)
			MUST(v.status == VERDICT_ERROR && !v.n_values && !v.n_families);
		MUST(v.n_values <= VERDICT_SERIES_MAX);
		for (size_t i = 0; i < v.n_values; i++) {
			MUST(*v.values[i].metric && isfinite(v.values[i].value));
			check_text(v.values[i].metric);
			check_text(v.values[i].unit);
			check_labels(v.values[i].labels, v.values[i].n_labels, false);
		}
		check_families(&v);
	}
	return 0;
}

#endif
