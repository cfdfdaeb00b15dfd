/* SPDX-License-Identifier: Apache-2.0 */
/* Labels that a program gives its series. */
#include "internal.h"

#include "../model/kinds.h"
#include "../model/schema.h"

const char *label_objection(const char *name)
{
	if (!valid_identifier(name, strlen(name)))
		return "is no label name (letters, digits, '_', no digit first)";
	if (name[0] == '_' && name[1] == '_')
		return "is reserved: names that start with '__' are for internal use";
	return label_reserved(name) ? "is reserved: the agent sets it itself" : NULL;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct label *)a)->name, ((const struct label *)b)->name);
}

const char *labels_sort(struct label *labels, size_t n)
{
	if (n > 1)
		qsort(labels, n, sizeof(*labels), compare_names);
	for (size_t i = 0; i + 1 < n; i++) {
		if (streq(labels[i].name, labels[i + 1].name))
			return labels[i].name;
	}
	return NULL;
}

int labels_compare(const struct label *a, size_t n_a, const struct label *b, size_t n_b)
{
	for (size_t i = 0; i < n_a && i < n_b; i++) {
		int r = strcmp(a[i].name, b[i].name);

		r = r ? r : strcmp(a[i].value, b[i].value);
		if (r)
			return r;
	}
	return (n_a > n_b) - (n_a < n_b);
}
