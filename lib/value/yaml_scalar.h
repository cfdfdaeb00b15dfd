/* SPDX-License-Identifier: Apache-2.0 */
/* What a plain YAML scalar means: the core schema of YAML 1.2.2 (section 10.3.2). */
#ifndef MRP_VALUE_YAML_SCALAR_H
#define MRP_VALUE_YAML_SCALAR_H

#include "value.h"

enum scalar_result {
	SCALAR_OK,
	SCALAR_TOO_LARGE, /* a number that neither int64_t nor double holds */
	SCALAR_NOT_FINITE, /* .inf and .nan */
};

/* Find out what `s` (NUL-terminated) is. For V_BOOL, V_INT and V_REAL the result is put into the union of `v`; v->type is
 * always set (V_STRING when it is none of the others or the result is not SCALAR_OK). */
enum scalar_result yaml_scalar_resolve(struct value *v, const char *s, size_t len);

#endif
