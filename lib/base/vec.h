/* SPDX-License-Identifier: Apache-2.0 */
/*
 * VEC_DEFINE(name, type) makes `struct name { type *v; size_t n, alloc; }` with name_push, name_clear (release the
 * array, not what elements own) and VEC_INIT. strvec is the owning array of strings, NULL-terminated like argv.
 */
#ifndef MRP_BASE_VEC_H
#define MRP_BASE_VEC_H

#include "base.h"

#define VEC_INIT { NULL, 0, 0 }

/* clang-format off */
#define VEC_DEFINE(name, type)                                                                                         \
	struct name {                                                                                                  \
		type *v;                                                                                               \
		size_t n, alloc;                                                                                       \
	};                                                                                                             \
	__attribute__((unused)) static inline type *name##_push(struct name *vec, type item)                           \
	{                                                                                                              \
		if (vec->n == vec->alloc) {                                                                            \
			vec->alloc = vec->alloc ? vec->alloc * 2 : 8;                                                  \
			vec->v = xrealloc(vec->v, vec->alloc * sizeof(*vec->v));                                       \
		}                                                                                                      \
		vec->v[vec->n] = item;                                                                                 \
		return &vec->v[vec->n++];                                                                              \
	}                                                                                                              \
	__attribute__((unused)) static inline void name##_clear(struct name *vec)                                      \
	{                                                                                                              \
		free(vec->v);                                                                                          \
		*vec = (struct name)VEC_INIT;                                                                          \
	}
/* clang-format on */

/* v is always a valid argv: NULL-terminated, also when empty. */
struct strvec {
	char **v;
	size_t n, alloc;
};

extern char *strvec_empty[1];

#define STRVEC_INIT { strvec_empty, 0, 0 }

void strvec_init(struct strvec *vec);
void strvec_push(struct strvec *vec, const char *s);       /* copies */
void strvec_push_nodup(struct strvec *vec, char *s);       /* takes */
void strvec_pushf(struct strvec *vec, const char *fmt, ...) PRINTF(2, 3);
void strvec_clear(struct strvec *vec);                     /* frees strings and array; usable again */
void strvec_sort(struct strvec *vec);                      /* by bytes */
bool strvec_contains(const struct strvec *vec, const char *s);

#endif
