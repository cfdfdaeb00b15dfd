/* SPDX-License-Identifier: Apache-2.0 */
#include "vec.h"

char *strvec_empty[1];

void strvec_init(struct strvec *vec)
{
	*vec = (struct strvec)STRVEC_INIT;
}

void strvec_push_nodup(struct strvec *vec, char *s)
{
	if (vec->n + 1 >= vec->alloc) {
		size_t alloc = vec->alloc ? vec->alloc * 2 : 8;

		vec->v = xrealloc(vec->alloc ? vec->v : NULL, alloc * sizeof(*vec->v));
		vec->alloc = alloc;
	}
	vec->v[vec->n++] = s;
	vec->v[vec->n] = NULL;
}

void strvec_push(struct strvec *vec, const char *s)
{
	strvec_push_nodup(vec, xstrdup(s));
}

void strvec_pushf(struct strvec *vec, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	strvec_push_nodup(vec, xvasprintf(fmt, ap));
	va_end(ap);
}

void strvec_clear(struct strvec *vec)
{
	for (size_t i = 0; i < vec->n; i++)
		free(vec->v[i]);
	if (vec->alloc)
		free(vec->v);
	strvec_init(vec);
}

static int compare_strings(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void strvec_sort(struct strvec *vec)
{
	if (vec->n > 1)
		qsort(vec->v, vec->n, sizeof(*vec->v), compare_strings);
}

bool strvec_contains(const struct strvec *vec, const char *s)
{
	for (size_t i = 0; i < vec->n; i++) {
		if (streq(vec->v[i], s))
			return true;
	}
	return false;
}
